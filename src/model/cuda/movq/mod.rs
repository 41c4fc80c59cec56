//! The image tokenizer on the card: the same parts as in `model::movq`, which is its oracle.

mod attention;
pub(super) mod features;
mod jobs;
mod tools;

use super::card::{Card, File};
use super::driver::Memory;
use crate::model::movq::{DdConfig, Encoded, MovqConfig, has_attention, numbers};
use crate::model::weights::{ModelError, Weights as Stored, is_finite};
use crate::pixels::{Pixels, Size};
use crate::token::Grid;
use candle_core::quantized::GgmlDType;
use features::{Map, Norm, Then, Walk, Weights};
use std::sync::Arc;
use tools::{Tools, split_weights};

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Widest map the norms take in.
const WIDEST: usize = 1024;
/// Longest code vector.
const LONGEST: usize = 16;

/// Which of the two norms: the encoder's or the decoder's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Encoder,
    Decoder,
}

/// Reads weights below a name and brings them to the card.
struct Load<'a> {
    card: &'a Card,
    stored: &'a dyn Stored,
    embed_dim: usize,
    /// Biases and norms, sent at the end.
    vectors: Vec<f32>,
}

impl Load<'_> {
    fn vector(&mut self, name: &str, count: usize) -> Result<usize> {
        let values: Vec<f32> = self.stored.f32(name, &[count])?.to_vec1()?;
        numbers(self.stored, name, &values)?;
        let at = 4 * self.vectors.len();
        self.vectors.extend(values);
        self.vectors.resize(self.vectors.len().next_multiple_of(4), 0.0);
        Ok(at)
    }

    fn conv(&mut self, name: &str, (ins, outs): (usize, usize), walk: Walk) -> Result<Weights> {
        let side = if walk == Walk::Point { 1 } else { 3 };
        let shape = [outs, ins, side, side];
        let weight = format!("{name}.weight");
        let context = &self.card.context;
        let raw = self.stored.raw_rows(&weight, &shape, 0..outs)?;
        if let Some((kind, bytes)) = &raw
            && !is_finite(*kind, bytes)
        {
            numbers(self.stored, &weight, &[f32::NAN])?;
        }
        let (stored, kind) = match raw {
            Some((GgmlDType::F32, bytes)) => (context.holding("loading this model", &bytes)?, 0),
            Some((GgmlDType::F16, bytes)) => (context.holding("loading this model", &bytes)?, 1),
            _ => {
                let values: Vec<f32> = self.stored.f32(&weight, &shape)?.flatten_all()?.to_vec1()?;
                (context.holding("loading this model", &values)?, 0)
            }
        };
        Ok(Weights {
            memory: split_weights(self.card, (&stored, kind), (outs, ins, side * side))?,
            ins,
            outs,
            walk,
            bias: self.vector(&format!("{name}.bias"), outs)?,
        })
    }

    fn norm(&mut self, name: &str, channels: usize, side: Side) -> Result<Norm> {
        let (inner, spatial) = match side {
            Side::Encoder => (name.to_owned(), None),
            Side::Decoder => {
                let sizes = (self.embed_dim, channels);
                let y = self.conv(&format!("{name}.conv_y"), sizes, Walk::Point)?;
                let b = self.conv(&format!("{name}.conv_b"), sizes, Walk::Point)?;
                (format!("{name}.norm_layer"), Some((y, b)))
            }
        };
        Ok(Norm {
            weight: self.vector(&format!("{inner}.weight"), channels)?,
            bias: self.vector(&format!("{inner}.bias"), channels)?,
            spatial,
        })
    }

    fn block(&mut self, name: &str, (ins, outs): (usize, usize), side: Side) -> Result<Block> {
        let shortcut = match ins != outs {
            true => Some(self.conv(&format!("{name}.nin_shortcut"), (ins, outs), Walk::Point)?),
            false => None,
        };
        Ok(Block {
            norm1: self.norm(&format!("{name}.norm1"), ins, side)?,
            conv1: self.conv(&format!("{name}.conv1"), (ins, outs), Walk::Same)?,
            norm2: self.norm(&format!("{name}.norm2"), outs, side)?,
            conv2: self.conv(&format!("{name}.conv2"), (outs, outs), Walk::Same)?,
            shortcut,
        })
    }

    fn attention(&mut self, name: &str, channels: usize, side: Side) -> Result<Attention> {
        let sizes = (channels, channels);
        Ok(Attention {
            norm: self.norm(&format!("{name}.norm"), channels, side)?,
            q: self.conv(&format!("{name}.q"), sizes, Walk::Point)?,
            k: self.conv(&format!("{name}.k"), sizes, Walk::Point)?,
            v: self.conv(&format!("{name}.v"), sizes, Walk::Point)?,
            out: self.conv(&format!("{name}.proj_out"), sizes, Walk::Point)?,
        })
    }

    fn middle(&mut self, name: &str, channels: usize, side: Side) -> Result<Middle> {
        let sizes = (channels, channels);
        Ok(Middle {
            block_1: self.block(&format!("{name}.block_1"), sizes, side)?,
            attn_1: self.attention(&format!("{name}.attn_1"), channels, side)?,
            block_2: self.block(&format!("{name}.block_2"), sizes, side)?,
        })
    }

    fn level(
        &mut self,
        name: &str,
        (ins, outs): (usize, usize),
        (blocks, attends): (usize, bool),
        side: Side,
    ) -> Result<Level> {
        let mut level = Level {
            blocks: Vec::new(),
            attentions: Vec::new(),
            resample: None,
        };
        for index in 0..blocks {
            let ins = if index == 0 { ins } else { outs };
            let block = format!("{name}.block.{index}");
            level.blocks.push(self.block(&block, (ins, outs), side)?);
            if attends {
                let attention = format!("{name}.attn.{index}");
                level.attentions.push(self.attention(&attention, outs, side)?);
            }
        }
        Ok(level)
    }

    fn encoder(&mut self, prefix: &str, config: &DdConfig) -> Result<Half> {
        let name = |part: &str| format!("{prefix}encoder.{part}");
        let (ch, last) = (config.ch, config.ch_mult.len() - 1);
        let conv_in = self.conv(&name("conv_in"), (config.in_channels, ch), Walk::Same)?;
        let (mut ins, mut levels) = (ch, Vec::new());
        for (index, mult) in config.ch_mult.iter().enumerate() {
            let level = name(&format!("down.{index}"));
            let blocks = (config.num_res_blocks, has_attention(config, index));
            let mut made = self.level(&level, (ins, ch * mult), blocks, Side::Encoder)?;
            ins = ch * mult;
            if index != last {
                let conv = format!("{level}.downsample.conv");
                made.resample = Some(self.conv(&conv, (ins, ins), Walk::Half)?);
            }
            levels.push(made);
        }
        let outs = config.encoder_outs();
        Ok(Half {
            conv_in,
            levels,
            middle: self.middle(&name("mid"), ins, Side::Encoder)?,
            norm_out: self.norm(&name("norm_out"), ins, Side::Encoder)?,
            conv_out: self.conv(&name("conv_out"), (ins, outs), Walk::Same)?,
        })
    }

    fn decoder(&mut self, prefix: &str, config: &DdConfig) -> Result<Half> {
        let name = |part: &str| format!("{prefix}decoder.{part}");
        let ch = config.ch;
        let top = ch * config.ch_mult.last().copied().unwrap_or(1);
        let conv_in = self.conv(&name("conv_in"), (config.z_channels, top), Walk::Same)?;
        let middle = self.middle(&name("mid"), top, Side::Decoder)?;
        let (mut ins, mut levels) = (top, Vec::new());
        for (index, mult) in config.ch_mult.iter().enumerate().rev() {
            let level = name(&format!("up.{index}"));
            let blocks = (config.num_res_blocks + 1, has_attention(config, index));
            let mut made = self.level(&level, (ins, ch * mult), blocks, Side::Decoder)?;
            ins = ch * mult;
            if index != 0 {
                let conv = format!("{level}.upsample.conv");
                made.resample = Some(self.conv(&conv, (ins, ins), Walk::Double)?);
            }
            levels.push(made);
        }
        Ok(Half {
            conv_in,
            levels,
            middle,
            norm_out: self.norm(&name("norm_out"), ins, Side::Decoder)?,
            conv_out: self.conv(&name("conv_out"), (ins, config.out_ch), Walk::Same)?,
        })
    }
}

struct Block {
    norm1: Norm,
    conv1: Weights,
    norm2: Norm,
    conv2: Weights,
    shortcut: Option<Weights>,
}

impl Block {
    fn forward(&self, tools: &Tools<'_>, x: Map, z: Option<&Map>) -> Result<Map> {
        let h = tools.normed(&self.conv1, &self.norm1, Then::Swish, (&x, z))?;
        let x = match &self.shortcut {
            Some(shortcut) => tools.shortcut(shortcut, x)?,
            None => x,
        };
        tools.normed_onto(&self.conv2, &self.norm2, (&h, z), &x)?;
        Ok(x)
    }
}

struct Attention {
    norm: Norm,
    q: Weights,
    k: Weights,
    v: Weights,
    out: Weights,
}

impl Attention {
    fn forward(&self, tools: &Tools<'_>, x: &Map, z: Option<&Map>) -> Result<()> {
        tools.attention(&self.norm, [&self.q, &self.k, &self.v, &self.out], (x, z))
    }
}

/// One resolution of encoder or decoder.
struct Level {
    blocks: Vec<Block>,
    attentions: Vec<Attention>,
    resample: Option<Weights>,
}

impl Level {
    fn forward(&self, tools: &Tools<'_>, mut x: Map, z: Option<&Map>) -> Result<Map> {
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(tools, x, z)?;
            if let Some(attention) = self.attentions.get(index) {
                attention.forward(tools, &x, z)?;
            }
        }
        match &self.resample {
            Some(conv) => tools.plain(conv, &x),
            None => Ok(x),
        }
    }
}

struct Middle {
    block_1: Block,
    attn_1: Attention,
    block_2: Block,
}

impl Middle {
    fn forward(&self, tools: &Tools<'_>, x: Map, z: Option<&Map>) -> Result<Map> {
        let x = self.block_1.forward(tools, x, z)?;
        self.attn_1.forward(tools, &x, z)?;
        self.block_2.forward(tools, x, z)
    }
}

/// Encoder or decoder: the same parts in opposite order.
struct Half {
    conv_in: Weights,
    levels: Vec<Level>,
    middle: Middle,
    norm_out: Norm,
    conv_out: Weights,
}

/// An image tokenizer on a card.
pub struct CardMovq {
    card: Arc<Card>,
    encoder: Half,
    decoder: Half,
    quant_conv: Weights,
    post_quant_conv: Weights,
    config: MovqConfig,
    /// [codes][dim]
    codebook: Memory,
    vectors: Vec<Vec<f32>>,
    small: Memory,
}

impl CardMovq {
    pub(in crate::model) fn load(
        card: &Arc<Card>,
        stored: &dyn Stored,
        prefix: &str,
        config: &MovqConfig,
    ) -> Result<Self> {
        let dd = &config.ddconfig;
        let widest = dd.ch * dd.ch_mult.iter().copied().max().unwrap_or(1);
        if widest > WIDEST || config.embed_dim > LONGEST {
            return Err(ModelError::Config(format!(
                "this image tokenizer is {widest} channels wide, on the NVIDIA card it may be {WIDEST}: choose the \
                 CPU (--device cpu)"
            )));
        }
        card.prepare(&[File::Movq, File::Repack, File::Decoder, File::Choose])?;
        let mut load = Load {
            card,
            stored,
            embed_dim: config.embed_dim,
            vectors: Vec::new(),
        };
        let encoder = load.encoder(prefix, dd)?;
        let decoder = load.decoder(prefix, dd)?;
        let quant = (dd.encoder_outs(), config.embed_dim);
        let quant_conv = load.conv(&format!("{prefix}quant_conv"), quant, Walk::Point)?;
        let post = (config.embed_dim, dd.z_channels);
        let post_quant_conv = load.conv(&format!("{prefix}post_quant_conv"), post, Walk::Point)?;
        let shape = [config.n_embed, config.embed_dim];
        let codebook = stored.f32(&format!("{prefix}quantize.embedding.weight"), &shape)?;
        let vectors: Vec<Vec<f32>> = codebook.to_vec2()?;
        let made = Self {
            encoder,
            decoder,
            quant_conv,
            post_quant_conv,
            config: config.clone(),
            codebook: card.context.holding("loading this model", &vectors.concat())?,
            vectors,
            small: card.context.holding("loading this model", &load.vectors)?,
            card: card.clone(),
        };
        card.context.wait()?;
        Ok(made)
    }

    /// The code vectors, [codes][dim].
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors
    }

    pub fn encode_detail(&self, pixels: &Pixels) -> Result<Encoded> {
        let tools = Tools::new(&self.card, &self.small)?;
        let Size { width, height } = pixels.size();
        let x = tools.map_of(pixels.rgb(), (height as usize, width as usize))?;
        let mut x = tools.plain(&self.encoder.conv_in, &x)?;
        for level in &self.encoder.levels {
            x = level.forward(&tools, x, None)?;
        }
        let x = self.encoder.middle.forward(&tools, x, None)?;
        let (norm, conv) = (&self.encoder.norm_out, &self.encoder.conv_out);
        let x = tools.normed(conv, norm, Then::Swish, (&x, None))?;
        let points = tools.plain(&self.quant_conv, &x)?;
        let (codes, distances) = tools.nearest(&points, (&self.codebook, self.vectors.len()))?;
        let every_other = |from: usize| distances.iter().skip(from).step_by(2).copied().collect();
        Ok(Encoded {
            codes,
            best: every_other(0),
            second: every_other(1),
        })
    }

    fn decode_map(&self, tools: &Tools<'_>, codes: &[u32], grid: Grid) -> Result<Map> {
        let (rows, columns) = (grid.rows as usize, grid.columns as usize);
        let z = tools.look_up(codes, (rows, columns), (&self.codebook, self.config.embed_dim))?;
        let x = tools.plain(&self.post_quant_conv, &z)?;
        let x = tools.plain(&self.decoder.conv_in, &x)?;
        let mut x = self.decoder.middle.forward(tools, x, Some(&z))?;
        for level in &self.decoder.levels {
            x = level.forward(tools, x, Some(&z))?;
        }
        let (norm, conv) = (&self.decoder.norm_out, &self.decoder.conv_out);
        tools.normed(conv, norm, Then::Swish, (&x, Some(&z)))
    }

    fn check(&self, codes: &[u32], grid: Grid) -> Result<()> {
        if codes.len() == grid.codes() && codes.iter().all(|code| (*code as usize) < self.vectors.len()) {
            return Ok(());
        }
        Err(ModelError::Config(format!(
            "{} stored tokens do not make a picture of {}",
            codes.len(),
            grid.pixels()
        )))
    }

    /// The decoder's output for a whole grid, [3][height][width], not clamped.
    pub fn decode_raw(&self, codes: &[u32], grid: Grid) -> Result<Vec<f32>> {
        self.check(codes, grid)?;
        let tools = Tools::new(&self.card, &self.small)?;
        let map = self.decode_map(&tools, codes, grid)?;
        let (values, channels) = (map.values()?, map.channels);
        let plane = |channel: usize| values.iter().skip(channel).step_by(channels).copied();
        Ok((0..channels).flat_map(plane).collect())
    }

    /// The picture of a whole grid.
    pub fn decode(&self, codes: &[u32], grid: Grid) -> Result<Pixels> {
        self.check(codes, grid)?;
        let tools = Tools::new(&self.card, &self.small)?;
        let map = self.decode_map(&tools, codes, grid)?;
        Pixels::new(grid.pixels(), tools.picture_of(&map)?)
            .ok_or_else(|| ModelError::Config("the image tokenizer does not scale by 8".to_owned()))
    }
}
