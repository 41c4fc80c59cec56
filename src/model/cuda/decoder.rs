//! A decoder's weights on the card.

use super::card::{Card, File};
use super::driver::Memory;
use super::layout::{Layout, padded_rows};
use super::loader::{Columns, Loader, Rows, Width};
use super::matrix::{Form, Matrix, Out, Wide};
use super::table::{OTHER_TOKENS, Table};
use crate::model::decoder::config::Config;
use crate::model::decoder::parts::Head;
use crate::model::decoder::rope::Rope;
use crate::model::weights::{ModelError, Weights};
use crate::task::{Format, KvCache};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Where the small vectors of a layer begin in their memory, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vectors {
    pub(super) input_norm: usize,
    pub(super) post_norm: usize,
    pub(super) q_norm: usize,
    pub(super) k_norm: usize,
    pub(super) qkv_bias: Option<usize>,
    pub(super) o_bias: Option<usize>,
    pub(super) gate_up_bias: Option<usize>,
    pub(super) down_bias: Option<usize>,
}

/// The matrices of a layer.
pub(super) struct Block {
    pub(super) qkv: Matrix,
    pub(super) o: Matrix,
    pub(super) gate_up: Matrix,
    pub(super) down: Matrix,
    pub(super) vectors: Vectors,
}

/// A decoder on a card; shared by every task drawn with it.
pub struct CardDecoder {
    pub(super) card: Arc<Card>,
    pub(super) config: Config,
    pub(super) layout: Layout,
    pub(super) table: Table,
    pub(super) blocks: Vec<Block>,
    pub(super) head: Matrix,
    /// Rows of the head that are scores.
    pub(super) codes: usize,
    pub(super) vectors: Memory,
    pub(super) final_norm: usize,
    /// [position][half a head] {cos, sin}
    pub(super) rope: Memory,
    pub(super) cell: KvCache,
}

/// Vectors of f32, gathered to be sent at once.
#[derive(Default)]
struct Gathered(Vec<f32>);

impl Gathered {
    /// Where the vector will begin, in bytes; each begins at a multiple of 16.
    fn add(&mut self, values: &[f32]) -> usize {
        let at = 4 * self.0.len();
        self.0.extend_from_slice(values);
        self.0.resize(self.0.len().next_multiple_of(4), 0.0);
        at
    }
}

/// The values of the rows a matrix takes, 0 where it takes none.
fn taken(row_of: &[i32], values: &[f32]) -> Vec<f32> {
    let value = |row: &i32| {
        usize::try_from(*row)
            .ok()
            .and_then(|row| values.get(row))
            .copied()
    };
    row_of.iter().map(|row| value(row).unwrap_or(0.0)).collect()
}

/// Weight and bias of a LayerNorm for each head, laid out as heads are.
fn head_norms(layout: &Layout, parts: usize, heads: usize, weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let (half, true_half) = (layout.head / 2, layout.true_head / 2);
    let mut all = Vec::with_capacity(2 * heads * layout.head);
    for head in 0..heads {
        let first = head / (heads / parts) * layout.true_head;
        for values in [weight, bias] {
            all.extend((0..layout.head).map(|at| match at % half < true_half {
                true => values[first + at / half * true_half + at % half],
                false => 0.0,
            }));
        }
    }
    all
}

/// Rows every layer's matrices take, on the card.
struct RowMaps {
    qkv: (Vec<i32>, Memory),
    hidden: (Vec<i32>, Memory),
    gate_up: (Vec<i32>, Memory),
}

impl RowMaps {
    fn new(card: &Card, layout: &Layout) -> Result<Self> {
        let map = |rows: Vec<i32>| {
            let memory = card.context.holding("loading this model", &rows)?;
            Ok::<_, ModelError>((rows, memory))
        };
        Ok(Self {
            qkv: map(layout.qkv_rows())?,
            hidden: map(layout.hidden_rows())?,
            gate_up: map(layout.gate_up_rows())?,
        })
    }
}

struct Load<'a> {
    weights: &'a dyn Weights,
    config: &'a Config,
    layout: Layout,
    quant: Option<Format>,
    maps: RowMaps,
    loader: Loader<'a>,
    gathered: Gathered,
}

impl Load<'_> {
    fn vector(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        Ok(self.weights.f32(name, shape)?.flatten_all()?.to_vec1()?)
    }

    /// Biases of matrices that lie one below the other.
    fn bias(&mut self, parts: &[(String, usize)], row_of: &[i32], has_bias: bool) -> Result<Option<usize>> {
        if !has_bias {
            return Ok(None);
        }
        let mut values = Vec::new();
        for (name, outs) in parts {
            values.extend(self.vector(&format!("{name}.bias"), &[*outs])?);
        }
        Ok(Some(self.gathered.add(&taken(row_of, &values))))
    }

    fn block(&mut self, layer: usize) -> Result<Block> {
        let (config, layout) = (self.config, self.layout);
        let (hidden, ffn, dim) = (layout.true_hidden, layout.true_between, layout.true_head);
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let kv = layout.kv_heads * dim;
        let qkv = [
            (name("self_attn.q_proj"), hidden),
            (name("self_attn.k_proj"), kv),
            (name("self_attn.v_proj"), kv),
        ];
        let o = [(name("self_attn.o_proj"), hidden)];
        let gate_up = [(name("mlp.gate_proj"), ffn), (name("mlp.up_proj"), ffn)];
        let down = [(name("mlp.down_proj"), hidden)];
        let norm = |load: &mut Self, part: &str| {
            let mut values = load.vector(&name(part), &[hidden])?;
            values.resize(layout.hidden, 0.0);
            Ok::<_, ModelError>(load.gathered.add(&values))
        };
        let of_heads = |load: &mut Self, part: &str, heads: usize| {
            let shape = [config.model_parallel_size, dim];
            let weight = load.vector(&name(&format!("self_attn.{part}.weight")), &shape)?;
            let bias = load.vector(&name(&format!("self_attn.{part}.bias")), &shape)?;
            let values = head_norms(&layout, config.model_parallel_size, heads, &weight, &bias);
            Ok::<_, ModelError>(load.gathered.add(&values))
        };
        let (attention_bias, mlp_bias) = (config.attention_bias, config.mlp_bias);
        let [of_qkv, of_hidden, of_gate_up] =
            [&self.maps.qkv.0, &self.maps.hidden.0, &self.maps.gate_up.0].map(Clone::clone);
        let vectors = Vectors {
            input_norm: norm(self, "input_layernorm.weight")?,
            post_norm: norm(self, "post_attention_layernorm.weight")?,
            q_norm: of_heads(self, "q_norm", layout.heads)?,
            k_norm: of_heads(self, "k_norm", layout.kv_heads)?,
            qkv_bias: self.bias(&qkv, &of_qkv, attention_bias)?,
            o_bias: self.bias(&o, &of_hidden, attention_bias)?,
            gate_up_bias: self.bias(&gate_up, &of_gate_up, mlp_bias)?,
            down_bias: self.bias(&down, &of_hidden, mlp_bias)?,
        };
        let by_hidden = Columns::straight(hidden, layout.hidden);
        let by_head = Columns {
            head: layout.head,
            true_head: dim,
            padded: layout.mixed(),
        };
        let by_between = Columns::straight(ffn, layout.between);
        let weights = self.weights;
        let quant = self.quant;
        let rows = |parts: &[(String, usize)], ins: usize| -> Result<Vec<Rows<'_>>> {
            parts
                .iter()
                .map(|(name, outs)| Rows::of(weights, &format!("{name}.weight"), [*outs, ins], quant))
                .collect()
        };
        let (maps, loader) = (&self.maps, &mut self.loader);
        Ok(Block {
            qkv: loader.matrix(rows(&qkv, hidden)?, &maps.qkv.1, by_hidden, Out::Parts)?,
            o: loader.matrix(rows(&o, hidden)?, &maps.hidden.1, by_head, Out::Parts)?,
            gate_up: loader.matrix(rows(&gate_up, hidden)?, &maps.gate_up.1, by_hidden, Out::Gated)?,
            down: loader.matrix(rows(&down, ffn)?, &maps.hidden.1, by_between, Out::Parts)?,
            vectors,
        })
    }

    fn head(&mut self, head: &Head) -> Result<(Matrix, usize)> {
        let config = self.config;
        let ids = head.ids(config)?;
        let name = config.head_name();
        let shape = [config.vocab_size, config.hidden_size];
        let count = ids.len();
        let rows = Rows::part(self.weights, name, (shape, ids), self.quant)?;
        let row_of = padded_rows(count, count.next_multiple_of(16));
        let row_of = self
            .loader
            .card()
            .context
            .holding("loading this model", &row_of)?;
        let columns = Columns::straight(self.layout.true_hidden, self.layout.hidden);
        Ok((
            self.loader.matrix(vec![rows], &row_of, columns, Out::Whole)?,
            count,
        ))
    }

    fn table(&mut self, head: &Head) -> Result<Table> {
        const NAME: &str = "model.embed_tokens.weight";
        let shape = [self.config.vocab_size, self.config.hidden_size];
        let ids = head.ids(self.config)?;
        let held = ids.start as u32..ids.end as u32;
        let rows = Rows::part(self.weights, NAME, (shape, ids), None)?;
        // f32 is kept where it is stored: only small models are.
        let width = match rows.kind() {
            candle_core::quantized::GgmlDType::F32 => Width::Float,
            _ => Width::Half,
        };
        let count = held.len() + OTHER_TOKENS;
        let memory = self
            .loader
            .card()
            .context
            .zeros("loading this model", count * self.layout.hidden * width.bytes())?;
        let row_of = padded_rows(held.len(), held.len());
        let row_of = self
            .loader
            .card()
            .context
            .holding("loading this model", &row_of)?;
        let columns = Columns::straight(self.layout.true_hidden, self.layout.hidden);
        self.loader.table(rows, &row_of, columns, (&memory, width))?;
        Ok(Table {
            memory,
            width,
            held,
            others: Mutex::default(),
            stored: Some(self.weights.stored_as(NAME, &shape)?),
        })
    }
}

/// Cosines and sines as `decoder.cu` reads them, padded with turns by nothing.
fn turns(config: &Config, layout: &Layout) -> Vec<f32> {
    let rope = Rope::new(config);
    let (half, true_half) = (layout.head / 2, layout.true_head / 2);
    let mut all = Vec::with_capacity(2 * half * config.max_position_embeddings);
    for (cos, sin) in rope.cos.chunks(true_half).zip(rope.sin.chunks(true_half)) {
        all.extend(cos.iter().zip(sin).flat_map(|(cos, sin)| [*cos, *sin]));
        all.extend((true_half..half).flat_map(|_| [1.0, 0.0]));
    }
    all
}

impl CardDecoder {
    /// Brings a decoder to the card; `quant` brings its matrices to another format first.
    pub(in crate::model) fn load(
        card: &Arc<Card>,
        weights: &dyn Weights,
        config: &Config,
        head: &Head,
        quant: Option<Format>,
        cell: KvCache,
    ) -> Result<Self> {
        let layout = Layout::new(config)?;
        let wide = Wide::of(config);
        let mut load = Load {
            weights,
            config,
            layout,
            quant,
            maps: RowMaps::new(card, &layout)?,
            loader: Loader::new(card, wide)?,
            gathered: Gathered::default(),
        };
        let table = load.table(head)?;
        let blocks: Vec<Block> = (0..config.num_hidden_layers)
            .map(|layer| load.block(layer))
            .collect::<Result<_>>()?;
        let (head, codes) = load.head(head)?;
        let files: BTreeSet<File> = blocks
            .iter()
            .flat_map(|block| [&block.qkv, &block.o, &block.gate_up, &block.down])
            .chain([&head])
            .map(|matrix| matrix.product_file(card))
            .chain([File::Decoder, File::Choose])
            .collect();
        card.prepare(&files.into_iter().collect::<Vec<_>>())?;
        let mut norm = load.vector("model.norm.weight", &[config.hidden_size])?;
        norm.resize(layout.hidden, 0.0);
        let final_norm = load.gathered.add(&norm);
        let vectors = card.context.holding("loading this model", &load.gathered.0)?;
        let rope = card
            .context
            .holding("loading this model", &turns(config, &layout))?;
        card.context.wait()?;
        Ok(Self {
            card: card.clone(),
            config: config.clone(),
            layout,
            table,
            blocks,
            head,
            codes,
            vectors,
            final_norm,
            rope,
            cell,
        })
    }

    /// A decoder of the shape of `config` with weights nobody trained, made on the card.
    pub(super) fn invented(
        card: &Arc<Card>,
        config: &Config,
        codes: usize,
        form: Form,
        cell: KvCache,
    ) -> Result<Self> {
        let layout = Layout::new(config)?;
        let mut loader = Loader::new(card, Wide::Half)?;
        let mut gathered = Gathered::default();
        let ones = gathered.add(&vec![1.0; layout.hidden]);
        let norms = |heads: usize| {
            let (ones, zeros) = (vec![1.0; layout.true_head], vec![0.0; layout.true_head]);
            head_norms(&layout, 1, heads, &ones, &zeros)
        };
        let vectors = Vectors {
            input_norm: ones,
            post_norm: ones,
            q_norm: gathered.add(&norms(layout.heads)),
            k_norm: gathered.add(&norms(layout.kv_heads)),
            qkv_bias: None,
            o_bias: None,
            gate_up_bias: None,
            down_bias: None,
        };
        let slots = layout.slots() * layout.head;
        let block = |loader: &mut Loader<'_>| {
            Ok::<_, ModelError>(Block {
                qkv: loader.invented(form, slots, layout.hidden, Out::Parts)?,
                o: loader.invented(form, layout.hidden, layout.mixed(), Out::Parts)?,
                gate_up: loader.invented(form, 2 * layout.between, layout.hidden, Out::Gated)?,
                down: loader.invented(form, layout.hidden, layout.between, Out::Parts)?,
                vectors,
            })
        };
        let blocks = (0..layout.layers)
            .map(|_| block(&mut loader))
            .collect::<Result<_>>()?;
        let bytes = (codes + OTHER_TOKENS) * layout.hidden * Width::Half.bytes();
        let table = card.context.reserve("loading this model", bytes)?;
        loader.invent_halves(&table)?;
        let made = Self {
            card: card.clone(),
            config: config.clone(),
            layout,
            table: Table {
                memory: table,
                width: Width::Half,
                held: 0..codes as u32,
                others: Mutex::default(),
                stored: None,
            },
            blocks,
            head: loader.invented(form, codes.next_multiple_of(16), layout.hidden, Out::Whole)?,
            codes,
            vectors: card.context.holding("loading this model", &gathered.0)?,
            final_norm: ones,
            rope: card
                .context
                .holding("loading this model", &turns(config, &layout))?,
            cell,
        };
        card.context.wait()?;
        Ok(made)
    }

    /// Planes of activations: more than one where a matrix asks for them.
    pub(super) fn planes(&self) -> usize {
        let of_block = |block: &Block| {
            let matrices = [&block.qkv, &block.o, &block.gate_up, &block.down];
            matrices.map(|matrix| matrix.form.planes())
        };
        let of_blocks = self.blocks.iter().flat_map(of_block).max();
        of_blocks.unwrap_or(1).max(self.head.form.planes())
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Bytes of the memory of one lane that holds `capacity` tokens.
    pub fn lane_bytes(&self, capacity: usize) -> usize {
        super::cache::positions(capacity) * self.layout.position_bytes(self.cell)
    }
}
