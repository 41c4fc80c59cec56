//! One step through a decoder on the card: the launches of a whole step, recorded once for every shape a
//! step can have.

use super::buffers::Buffers;
use super::cache::Cache;
use super::card::{Card, File};
use super::decoder::{Block, CardDecoder};
use super::driver::{Extent, Graph, Kernel, Memory};
use super::jobs::{Attention, Heads, Join, Norm};
use super::layout::{Layout, MOST_ROWS};
use super::loader::Width;
use super::matrix::{Matrix, Operands, Product, tiles_for};
use crate::model::weights::ModelError;
use crate::task::KvCache;
use bytemuck::bytes_of;
use std::collections::HashMap;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// What a step ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// Keys and values alone.
    Nothing,
    /// Scores of every row.
    Scores,
    /// Codes chosen from the scores, and guesses.
    Choices,
}

/// Feeds of as many rows each, what comes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) feeds: usize,
    pub(super) each: usize,
    pub(super) end: End,
}

impl Shape {
    pub(super) fn rows(&self) -> usize {
        self.feeds * self.each
    }
}

/// The kernels between products.
struct Kernels {
    embed: Kernel,
    add_norm: Kernel,
    split_heads: Kernel,
    attend: Kernel,
    join: Kernel,
}

impl Kernels {
    fn new(card: &Card, layout: &Layout, width: Width, cell: KvCache) -> Result<Self> {
        let kernel = |name: &str| card.kernel(File::Decoder, name, 0);
        let head = layout.head;
        let cells = match cell {
            KvCache::Bytes => "bytes",
            KvCache::Half => "half",
        };
        Ok(Self {
            embed: kernel(match width {
                Width::Half => "embed_half",
                Width::Float => "embed_float",
            })?,
            add_norm: kernel(if layout.hidden <= 4096 {
                "add_norm_1"
            } else {
                "add_norm_4"
            })?,
            split_heads: kernel(&format!("split_heads_{head}_{cells}"))?,
            attend: kernel(&format!("attend_{head}_{cells}"))?,
            join: kernel(&format!("join_{head}"))?,
        })
    }
}

/// The products of a layer for a number of rows.
struct Products {
    qkv: Product,
    o: Product,
    gate_up: Product,
    down: Product,
    head: Product,
}

/// Kept distributions, for guesses: their memory, which recorded steps write to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept(pub(super) u64);

/// Steps through a decoder, over one cache.
pub(super) struct Forward {
    kernels: Kernels,
    products: HashMap<usize, Products>,
    graphs: HashMap<Shape, Graph>,
}

/// What stands between one product and the next.
struct Between {
    parts_of: Option<usize>,
    bias: Option<usize>,
    inner: Option<usize>,
    outer: Option<usize>,
}

impl Forward {
    pub(super) fn new(decoder: &CardDecoder) -> Result<Self> {
        Ok(Self {
            kernels: Kernels::new(&decoder.card, &decoder.layout, decoder.table.width, decoder.cell)?,
            products: HashMap::new(),
            graphs: HashMap::new(),
        })
    }

    /// Forgets the recorded steps that choose codes: what they write to has moved.
    pub(super) fn forget_choices(&mut self) {
        self.graphs.retain(|shape, _| shape.end != End::Choices);
    }

    /// Carries out a step of a shape; it was told before.
    pub(super) fn run(
        &mut self,
        decoder: &CardDecoder,
        (cache, buffers): (&Cache, &Buffers),
        shape: Shape,
        kept: Option<Kept>,
    ) -> Result<()> {
        if !self.graphs.contains_key(&shape) {
            self.prepare(decoder, shape.rows())?;
            let work = || self.launch(decoder, (cache, buffers), shape, kept);
            let graph = decoder.card.context.record(work)?;
            self.graphs.insert(shape, graph);
        }
        match self.graphs.get(&shape) {
            Some(graph) => Ok(graph.replay()?),
            None => Err(ModelError::Card("a step was not recorded".to_owned())),
        }
    }

    /// Finds the products for a number of rows: files of kernels cannot be opened while recording.
    fn prepare(&mut self, decoder: &CardDecoder, rows: usize) -> Result<()> {
        if self.products.contains_key(&rows) {
            return Ok(());
        }
        let Some(block) = decoder.blocks.first() else {
            return Err(ModelError::Config("this model has no layers".to_owned()));
        };
        let product = |matrix: &Matrix| Product::of(&decoder.card, matrix, rows);
        let products = Products {
            qkv: product(&block.qkv)?,
            o: product(&block.o)?,
            gate_up: product(&block.gate_up)?,
            down: product(&block.down)?,
            head: product(&decoder.head)?,
        };
        self.products.insert(rows, products);
        Ok(())
    }

    fn launch(
        &self,
        decoder: &CardDecoder,
        (cache, buffers): (&Cache, &Buffers),
        shape: Shape,
        kept: Option<Kept>,
    ) -> Result<()> {
        let rows = shape.rows();
        let products = self
            .products
            .get(&rows)
            .ok_or_else(|| ModelError::Card("a step was not prepared".to_owned()))?;
        let pass = Pass {
            decoder,
            cache,
            buffers,
            kernels: &self.kernels,
            products,
            shape,
        };
        pass.embed()?;
        let is_swin = decoder.config.swin_norm;
        let first = decoder.blocks.first().map(|block| block.vectors.input_norm);
        pass.norm(&Between {
            parts_of: None,
            bias: None,
            inner: None,
            outer: first.filter(|_| !is_swin),
        })?;
        for (layer, block) in decoder.blocks.iter().enumerate() {
            pass.attention(layer, block)?;
            let vectors = &block.vectors;
            pass.norm(&Between {
                parts_of: Some(block.o.division.splits),
                bias: vectors.o_bias,
                inner: is_swin.then_some(vectors.input_norm),
                outer: (!is_swin).then_some(vectors.post_norm),
            })?;
            pass.mlp(block)?;
            let next = decoder.blocks.get(layer + 1);
            let outer = match next {
                None => Some(decoder.final_norm),
                Some(next) => (!is_swin).then_some(next.vectors.input_norm),
            };
            pass.norm(&Between {
                parts_of: Some(block.down.division.splits),
                bias: vectors.down_bias,
                inner: is_swin.then_some(vectors.post_norm),
                outer,
            })?;
        }
        match shape.end {
            End::Nothing => Ok(()),
            End::Scores => pass.head(),
            End::Choices => {
                pass.head()?;
                pass.choose(kept)
            }
        }
    }
}

/// The launches of one step.
struct Pass<'a> {
    decoder: &'a CardDecoder,
    cache: &'a Cache,
    buffers: &'a Buffers,
    kernels: &'a Kernels,
    products: &'a Products,
    shape: Shape,
}

impl Pass<'_> {
    fn vector(&self, at: Option<usize>) -> u64 {
        at.map_or(0, |at| self.decoder.vectors.at(at))
    }

    fn tiles(&self) -> i32 {
        tiles_for(self.shape.rows()) as i32
    }

    fn embed(&self) -> Result<()> {
        let table = self.decoder.table.memory.at(0);
        let (step, x) = (self.buffers.step(), self.buffers.x.at(0));
        let width = self.decoder.layout.hidden as i32;
        let arguments = [bytes_of(&table), bytes_of(&step), bytes_of(&x), bytes_of(&width)];
        self.kernels
            .embed
            .launch(Extent::row(self.shape.rows(), 256), &arguments)?;
        Ok(())
    }

    fn norm(&self, between: &Between) -> Result<()> {
        let layout = &self.decoder.layout;
        let job = Norm {
            x: self.buffers.x.at(0),
            parts: self.buffers.parts.at(0),
            bias: self.vector(between.bias),
            inner: self.vector(between.inner),
            outer: self.vector(between.outer),
            out: self.buffers.input.at(0),
            splits: between.parts_of.unwrap_or(0) as i32,
            rows: self.shape.rows() as i32,
            width: layout.hidden as i32,
            true_width: layout.true_hidden as i32,
            tiles: self.tiles(),
            eps: self.decoder.config.rms_norm_eps,
            planes: self.buffers.planes,
            unused: 0,
        };
        let threads = (layout.hidden / 4).next_multiple_of(32).min(1024);
        let extent = Extent::row(self.shape.rows(), threads);
        self.kernels.add_norm.launch(extent, &[bytes_of(&job)])?;
        Ok(())
    }

    fn product(&self, product: &Product, matrix: &Matrix, input: &Memory, out: &Memory) -> Result<()> {
        let operands = Operands {
            input: input.at(0),
            out: out.at(0),
            bias: 0,
            activation: 0,
            planes: 1,
        };
        product.launch(matrix, operands)
    }

    fn attention(&self, layer: usize, block: &Block) -> Result<()> {
        let (layout, buffers, shape) = (&self.decoder.layout, self.buffers, self.shape);
        let planes = self.cache.layer(layer);
        self.product(&self.products.qkv, &block.qkv, &buffers.input, &buffers.parts)?;
        let heads = Heads {
            parts: buffers.parts.at(0),
            bias: self.vector(block.vectors.qkv_bias),
            q_norm: self.vector(Some(block.vectors.q_norm)),
            k_norm: self.vector(Some(block.vectors.k_norm)),
            rope: self.decoder.rope.at(0),
            step: buffers.step(),
            q: buffers.q.at(0),
            keys: planes.keys,
            values: planes.values,
            key_scales: planes.key_scales,
            value_scales: planes.value_scales,
            splits: block.qkv.division.splits as i32,
            rows: shape.rows() as i32,
            each: shape.each as i32,
            heads: layout.heads as i32,
            kv_heads: layout.kv_heads as i32,
            half: (layout.true_head / 2) as i32,
            capacity: self.cache.positions as i32,
            positions: self.decoder.config.max_position_embeddings as i32,
        };
        // A warp a row and head.
        let extent = Extent::of_threads(32 * shape.rows() * layout.slots(), 256);
        self.kernels.split_heads.launch(extent, &[bytes_of(&heads)])?;
        let attention = Attention {
            q: buffers.q.at(0),
            keys: planes.keys,
            values: planes.values,
            key_scales: planes.key_scales,
            value_scales: planes.value_scales,
            step: buffers.step(),
            sums: buffers.sums.at(0),
            weights: buffers.weights.at(0),
            each: shape.each as i32,
            heads: layout.heads as i32,
            kv_heads: layout.kv_heads as i32,
            capacity: self.cache.positions as i32,
        };
        let extent = Extent {
            blocks: [layout.splits(), layout.heads, shape.feeds],
            threads: 128,
            shared_bytes: 0,
        };
        self.kernels.attend.launch(extent, &[bytes_of(&attention)])?;
        let extent = Extent::of_threads(32 * shape.rows() * layout.heads, 256);
        let has_rest = layout.head == 64 && layout.true_head <= 32 && self.decoder.cell == KvCache::Bytes;
        let join = Join {
            sums: buffers.sums.at(0),
            weights: buffers.weights.at(0),
            out: buffers.input.at(0),
            splits: layout.splits() as i32,
            rows: shape.rows() as i32,
            each: shape.each as i32,
            heads: layout.heads as i32,
            tiles: self.tiles(),
            planes: buffers.planes,
            has_rest: i32::from(has_rest),
            unused: 0,
        };
        self.kernels.join.launch(extent, &[bytes_of(&join)])?;
        self.product(&self.products.o, &block.o, &buffers.input, &buffers.parts)
    }

    fn mlp(&self, block: &Block) -> Result<()> {
        let buffers = self.buffers;
        let operands = Operands {
            input: buffers.input.at(0),
            out: buffers.between.at(0),
            bias: self.vector(block.vectors.gate_up_bias),
            activation: match self.decoder.config.hidden_act.as_str() {
                "gelu" => 1,
                "gelu_pytorch_tanh" | "gelu_new" => 2,
                "relu" => 3,
                _ => 0,
            },
            planes: buffers.planes,
        };
        self.products.gate_up.launch(&block.gate_up, operands)?;
        self.product(&self.products.down, &block.down, &buffers.between, &buffers.parts)
    }

    fn head(&self) -> Result<()> {
        let buffers = self.buffers;
        let head = &self.decoder.head;
        self.product(&self.products.head, head, &buffers.input, &buffers.scores)
    }

    fn choose(&self, kept: Option<Kept>) -> Result<()> {
        let (card, buffers) = (&self.decoder.card, self.buffers);
        let Some(Kept(kept)) = kept else {
            return Err(ModelError::Card("there is no room for distributions".to_owned()));
        };
        let name = most_codes(self.decoder.codes).ok_or_else(|| {
            ModelError::Card("the NVIDIA card does not choose among so many codes".to_owned())
        })?;
        let (stride, codes) = (self.decoder.head.outputs as i32, self.decoder.codes as i32);
        let (wish, chosen) = (buffers.told.at(0), buffers.chosen.at(0));
        let extent = Extent::row(MOST_ROWS, 1024);
        card.kernel(File::Choose, name, 0)?.launch(
            extent,
            &[
                bytes_of(&buffers.scores.at(0)),
                bytes_of(&stride),
                bytes_of(&codes),
                bytes_of(&wish),
                bytes_of(&kept),
                bytes_of(&chosen),
            ],
        )?;
        card.kernel(File::Choose, "guess", 0)?.launch(
            extent,
            &[
                bytes_of(&kept),
                bytes_of(&codes),
                bytes_of(&wish),
                bytes_of(&chosen),
            ],
        )?;
        Ok(())
    }
}

/// The kernel that chooses among so many codes; `None`: there is none.
pub(super) fn most_codes(codes: usize) -> Option<&'static str> {
    match codes {
        0..=1024 => Some("choose_1"),
        1025..=4096 => Some("choose_4"),
        4097..=16_384 => Some("choose_16"),
        _ => None,
    }
}
