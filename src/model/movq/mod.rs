//! MoVQ, the image tokenizer: pictures to codes and back, in f32.
//!
//! Names and maths follow the public checkpoint (config `movqgan`). The encoder's norms are plain
//! GroupNorms, the decoder's are SpatialNorms: GroupNorm(f) * conv_y(z) + conv_b(z).

pub mod codec;
mod conv;
pub mod preview;

use super::memory::affordable;
use super::weights::{ModelError, Weights};
use crate::pixels::{Pixels, Size};
use crate::token::Grid;
use candle_core::{Device, Tensor};
use conv::{Conv, Norm, Pointwise, Then, Walk};
use serde::Deserialize;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Sizes of an image tokenizer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MovqConfig {
    pub(super) ddconfig: DdConfig,
    pub n_embed: usize,
    pub(super) embed_dim: usize,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct DdConfig {
    pub(super) z_channels: usize,
    resolution: usize,
    pub(super) in_channels: usize,
    pub(super) out_ch: usize,
    pub(super) ch: usize,
    pub(super) ch_mult: Vec<usize>,
    pub(super) num_res_blocks: usize,
    attn_resolutions: Vec<usize>,
    #[serde(default)]
    double_z: bool,
}

impl DdConfig {
    /// Channels that come out of the encoder.
    pub(super) fn encoder_outs(&self) -> usize {
        match self.double_z {
            true => 2 * self.z_channels,
            false => self.z_channels,
        }
    }
}

impl MovqConfig {
    pub fn from_json(text: &str) -> Result<Self> {
        let config: Self = serde_json::from_str(text)
            .map_err(|e| ModelError::Config(format!("the image tokenizer's configuration: {e}")))?;
        if config.ddconfig.ch_mult.is_empty() || !config.ddconfig.ch.is_multiple_of(32) {
            return Err(ModelError::Config(
                "the image tokenizer's ch must be a multiple of 32".to_owned(),
            ));
        }
        Ok(config)
    }

    /// Reads the sizes off the tensors of a checkpoint that has no configuration beside it.
    pub fn infer(weights: &dyn Weights, prefix: &str) -> Result<Self> {
        let shape = |name: &str| {
            let name = format!("{prefix}{name}");
            weights.shape(&name).ok_or(ModelError::Missing {
                name,
                file: weights.source(),
            })
        };
        let conv_in = shape("encoder.conv_in.weight")?;
        let ch = conv_in[0];
        let has = |name: String| weights.contains(&format!("{prefix}{name}"));
        let levels = (0..)
            .take_while(|l| has(format!("encoder.down.{l}.block.0.conv1.weight")))
            .count();
        let num_res_blocks = (0..)
            .take_while(|b| has(format!("encoder.down.0.block.{b}.conv1.weight")))
            .count();
        let mut ch_mult = Vec::new();
        for level in 0..levels {
            ch_mult.push(shape(&format!("encoder.down.{level}.block.0.conv1.weight"))?[0] / ch);
        }
        let attended = (0..levels).filter(|l| has(format!("encoder.down.{l}.attn.0.q.weight")));
        let attn_resolutions = attended.map(|l| 256 >> l).collect();
        let codebook = shape("quantize.embedding.weight")?;
        let z_channels = shape("quant_conv.weight")?[1];
        let ddconfig = DdConfig {
            z_channels,
            resolution: 256,
            in_channels: conv_in[1],
            out_ch: shape("decoder.conv_out.weight")?[0],
            ch,
            ch_mult,
            num_res_blocks,
            attn_resolutions,
            double_z: false,
        };
        Ok(Self {
            ddconfig,
            n_embed: codebook[0],
            embed_dim: codebook[1],
        })
    }

    /// Bytes of feature maps that are held at once while a picture of `size` is decoded. The most
    /// stands at the first block of a resolution: its input and the normed one, both with the
    /// channels of the resolution below, and what comes out.
    pub fn decode_bytes(&self, size: Size) -> u64 {
        let dd = &self.ddconfig;
        let pixels = u64::from(size.width) * u64::from(size.height);
        let levels = dd.ch_mult.iter().enumerate().map(|(level, outs)| {
            let ins = dd.ch_mult.get(level + 1).unwrap_or(outs);
            4 * (dd.ch * (2 * ins + outs)) as u64 * (pixels >> (2 * level))
        });
        levels.max().unwrap_or_default()
    }
}

/// Reads tensors below a name.
#[derive(Clone)]
struct Scope<'a> {
    weights: &'a dyn Weights,
    name: String,
    device: &'a Device,
    embed_dim: usize,
}

impl Scope<'_> {
    fn at(&self, part: impl std::fmt::Display) -> Self {
        Self {
            name: format!("{}{part}.", self.name),
            ..self.clone()
        }
    }

    fn get(&self, part: &str, shape: &[usize]) -> Result<Tensor> {
        Ok(self
            .weights
            .f32(&format!("{}{part}", self.name), shape)?
            .to_device(self.device)?)
    }
}

fn conv(scope: &Scope<'_>, ins: usize, outs: usize, walk: Walk) -> Result<Conv> {
    Ok(Conv::new(
        scope.get("weight", &[outs, ins, 3, 3])?,
        scope.get("bias", &[outs])?,
        walk,
    ))
}

fn pointwise(scope: &Scope<'_>, ins: usize, outs: usize) -> Result<Pointwise> {
    Ok(Pointwise {
        weight: scope.get("weight", &[outs, ins, 1, 1])?.reshape((outs, ins))?,
        bias: scope.get("bias", &[outs])?.reshape((outs, 1))?,
    })
}

/// Which of the two norms: the encoder's or the decoder's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Encoder,
    Decoder,
}

fn norm(scope: &Scope<'_>, channels: usize, side: Side) -> Result<Norm> {
    let (inner, spatial) = match side {
        Side::Encoder => (scope.clone(), None),
        Side::Decoder => {
            let conv = |part: &str| pointwise(&scope.at(part), scope.embed_dim, channels);
            (scope.at("norm_layer"), Some((conv("conv_y")?, conv("conv_b")?)))
        }
    };
    Ok(Norm {
        weight: inner.get("weight", &[channels])?,
        bias: inner.get("bias", &[channels])?,
        spatial,
    })
}

struct ResBlock {
    norm1: Norm,
    conv1: Conv,
    norm2: Norm,
    conv2: Conv,
    shortcut: Option<Pointwise>,
}

impl ResBlock {
    fn load(scope: &Scope<'_>, ins: usize, outs: usize, side: Side) -> Result<Self> {
        let shortcut = (ins != outs)
            .then(|| pointwise(&scope.at("nin_shortcut"), ins, outs))
            .transpose()?;
        Ok(Self {
            norm1: norm(&scope.at("norm1"), ins, side)?,
            conv1: conv(&scope.at("conv1"), ins, outs, Walk::Same)?,
            norm2: norm(&scope.at("norm2"), outs, side)?,
            conv2: conv(&scope.at("conv2"), outs, outs, Walk::Same)?,
            shortcut,
        })
    }

    fn forward(&self, x: &Tensor, z: Option<&Tensor>) -> Result<Tensor> {
        let h = self.conv1.forward(&self.norm1.forward(x, z, Then::Swish)?)?;
        let h = self.conv2.forward(&self.norm2.forward(&h, z, Then::Swish)?)?;
        let kept = match &self.shortcut {
            Some(conv) => conv.forward(x)?,
            None => x.clone(),
        };
        Ok((kept + h)?)
    }
}

/// Single-head attention over all pixels.
struct Attention {
    norm: Norm,
    q: Pointwise,
    k: Pointwise,
    v: Pointwise,
    out: Pointwise,
}

impl Attention {
    fn load(scope: &Scope<'_>, channels: usize, side: Side) -> Result<Self> {
        let conv = |part: &str| pointwise(&scope.at(part), channels, channels);
        Ok(Self {
            norm: norm(&scope.at("norm"), channels, side)?,
            q: conv("q")?,
            k: conv("k")?,
            v: conv("v")?,
            out: conv("proj_out")?,
        })
    }

    fn forward(&self, x: &Tensor, z: Option<&Tensor>) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let normed = self.norm.forward(x, z, Then::Nothing)?;
        let flat = |conv: &Pointwise| Ok::<_, ModelError>(conv.forward(&normed)?.flatten_from(2)?);
        let queries = (flat(&self.q)?.transpose(1, 2)?.contiguous()? * (channels as f64).powf(-0.5))?;
        let (keys, values) = (flat(&self.k)?, flat(&self.v)?.transpose(1, 2)?.contiguous()?);
        let pixels = height * width;
        let mut parts = Vec::new();
        for first in (0..pixels).step_by(2048) {
            let part = queries.narrow(1, first, 2048.min(pixels - first))?.contiguous()?;
            let weights = candle_nn::ops::softmax_last_dim(&part.matmul(&keys)?)?;
            parts.push(weights.matmul(&values)?);
        }
        let mixed = Tensor::cat(&parts, 1)?.transpose(1, 2)?.contiguous()?;
        Ok((x + self
            .out
            .forward(&mixed.reshape((batch, channels, height, width))?)?)?)
    }
}

/// One resolution of encoder or decoder.
struct Level {
    blocks: Vec<ResBlock>,
    attentions: Vec<Attention>,
    resample: Option<Conv>,
}

impl Level {
    fn forward(&self, x: &Tensor, z: Option<&Tensor>) -> Result<Tensor> {
        let mut x = x.clone();
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x, z)?;
            if let Some(attention) = self.attentions.get(index) {
                x = attention.forward(&x, z)?;
            }
        }
        Ok(x)
    }
}

struct Middle {
    block_1: ResBlock,
    attn_1: Attention,
    block_2: ResBlock,
}

impl Middle {
    fn load(scope: &Scope<'_>, channels: usize, side: Side) -> Result<Self> {
        Ok(Self {
            block_1: ResBlock::load(&scope.at("block_1"), channels, channels, side)?,
            attn_1: Attention::load(&scope.at("attn_1"), channels, side)?,
            block_2: ResBlock::load(&scope.at("block_2"), channels, channels, side)?,
        })
    }

    fn forward(&self, x: &Tensor, z: Option<&Tensor>) -> Result<Tensor> {
        self.block_2
            .forward(&self.attn_1.forward(&self.block_1.forward(x, z)?, z)?, z)
    }
}

/// Encoder or decoder: the same parts in opposite order.
struct Half {
    conv_in: Conv,
    levels: Vec<Level>,
    middle: Middle,
    norm_out: Norm,
    conv_out: Conv,
}

pub(super) fn has_attention(config: &DdConfig, level: usize) -> bool {
    config.attn_resolutions.contains(&(config.resolution >> level))
}

fn encoder(scope: &Scope<'_>, config: &DdConfig) -> Result<Half> {
    let (ch, last) = (config.ch, config.ch_mult.len() - 1);
    let mut ins = ch;
    let mut levels = Vec::new();
    for (index, mult) in config.ch_mult.iter().enumerate() {
        let scope = scope.at("down").at(index);
        let mut level = Level {
            blocks: Vec::new(),
            attentions: Vec::new(),
            resample: None,
        };
        for block in 0..config.num_res_blocks {
            level.blocks.push(ResBlock::load(
                &scope.at("block").at(block),
                ins,
                ch * mult,
                Side::Encoder,
            )?);
            ins = ch * mult;
            if has_attention(config, index) {
                level
                    .attentions
                    .push(Attention::load(&scope.at("attn").at(block), ins, Side::Encoder)?);
            }
        }
        if index != last {
            level.resample = Some(conv(&scope.at("downsample").at("conv"), ins, ins, Walk::Half)?);
        }
        levels.push(level);
    }
    let outs = config.encoder_outs();
    Ok(Half {
        conv_in: conv(&scope.at("conv_in"), config.in_channels, ch, Walk::Same)?,
        levels,
        middle: Middle::load(&scope.at("mid"), ins, Side::Encoder)?,
        norm_out: norm(&scope.at("norm_out"), ins, Side::Encoder)?,
        conv_out: conv(&scope.at("conv_out"), ins, outs, Walk::Same)?,
    })
}

fn decoder(scope: &Scope<'_>, config: &DdConfig) -> Result<Half> {
    let ch = config.ch;
    let top = ch * config.ch_mult.last().copied().unwrap_or(1);
    let mut ins = top;
    let mut levels = Vec::new();
    for (index, mult) in config.ch_mult.iter().enumerate().rev() {
        let scope = scope.at("up").at(index);
        let mut level = Level {
            blocks: Vec::new(),
            attentions: Vec::new(),
            resample: None,
        };
        for block in 0..=config.num_res_blocks {
            level.blocks.push(ResBlock::load(
                &scope.at("block").at(block),
                ins,
                ch * mult,
                Side::Decoder,
            )?);
            ins = ch * mult;
            if has_attention(config, index) {
                level
                    .attentions
                    .push(Attention::load(&scope.at("attn").at(block), ins, Side::Decoder)?);
            }
        }
        if index != 0 {
            level.resample = Some(conv(&scope.at("upsample").at("conv"), ins, ins, Walk::Double)?);
        }
        levels.push(level);
    }
    Ok(Half {
        conv_in: conv(&scope.at("conv_in"), config.z_channels, top, Walk::Same)?,
        levels,
        middle: Middle::load(&scope.at("mid"), top, Side::Decoder)?,
        norm_out: norm(&scope.at("norm_out"), ins, Side::Decoder)?,
        conv_out: conv(&scope.at("conv_out"), ins, config.out_ch, Walk::Same)?,
    })
}

/// A loaded image tokenizer.
pub struct Movq {
    encoder: Half,
    decoder: Half,
    quant_conv: Pointwise,
    post_quant_conv: Pointwise,
    config: MovqConfig,
    /// [codes, dim]
    codebook: Tensor,
    vectors: Vec<Vec<f32>>,
}

/// Codes of a picture, with the distances that chose them.
pub struct Encoded {
    pub codes: Vec<u32>,
    /// Euclidean distance to the nearest code.
    pub best: Vec<f32>,
    /// Euclidean distance to the next one.
    pub second: Vec<f32>,
}

impl Movq {
    pub fn load(weights: &dyn Weights, prefix: &str, config: &MovqConfig, device: &Device) -> Result<Self> {
        let scope = Scope {
            weights,
            name: prefix.to_owned(),
            device,
            embed_dim: config.embed_dim,
        };
        let dd = &config.ddconfig;
        let codebook = scope.get("quantize.embedding.weight", &[config.n_embed, config.embed_dim])?;
        let outs = dd.encoder_outs();
        Ok(Self {
            encoder: encoder(&scope.at("encoder"), dd)?,
            decoder: decoder(&scope.at("decoder"), dd)?,
            quant_conv: pointwise(&scope.at("quant_conv"), outs, config.embed_dim)?,
            post_quant_conv: pointwise(&scope.at("post_quant_conv"), config.embed_dim, dd.z_channels)?,
            vectors: codebook.to_vec2()?,
            config: config.clone(),
            codebook,
        })
    }

    /// The code vectors, [codes][dim].
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors
    }

    /// Codes of a picture, row by row.
    pub fn encode(&self, pixels: &Pixels) -> Result<Vec<u32>> {
        Ok(self.encode_detail(pixels)?.codes)
    }

    pub fn encode_detail(&self, pixels: &Pixels) -> Result<Encoded> {
        let size = pixels.size();
        let values: Vec<f32> = pixels
            .rgb()
            .iter()
            .map(|v| f32::from(*v) / 255.0 * 2.0 - 1.0)
            .collect();
        let shape = (1, size.height as usize, size.width as usize, 3);
        let x = Tensor::from_vec(values, shape, self.codebook.device())?
            .permute((0, 3, 1, 2))?
            .contiguous()?;
        let mut x = self.encoder.conv_in.forward(&x)?;
        for level in &self.encoder.levels {
            x = level.forward(&x, None)?;
            if let Some(conv) = &level.resample {
                x = conv.forward(&x)?;
            }
        }
        let x = self.encoder.middle.forward(&x, None)?;
        let x = self
            .encoder
            .conv_out
            .forward(&self.encoder.norm_out.forward(&x, None, Then::Swish)?)?;
        let prequant = self.quant_conv.forward(&x)?.squeeze(0)?;
        let points: Vec<Vec<f32>> = prequant.flatten_from(1)?.t()?.contiguous()?.to_vec2()?;
        let mut encoded = Encoded {
            codes: Vec::new(),
            best: Vec::new(),
            second: Vec::new(),
        };
        for point in &points {
            let (mut best, mut second) = ((f32::INFINITY, 0), f32::INFINITY);
            for (code, vector) in self.vectors.iter().enumerate() {
                let distance: f32 = point.iter().zip(vector).map(|(a, b)| (a - b) * (a - b)).sum();
                if distance < best.0 {
                    second = best.0;
                    best = (distance, code);
                } else if distance < second {
                    second = distance;
                }
            }
            encoded.codes.push(best.1 as u32);
            encoded.best.push(best.0.sqrt());
            encoded.second.push(second.sqrt());
        }
        Ok(encoded)
    }

    /// The decoder's output for a whole grid, [3, height, width], not clamped.
    pub fn decode_raw(&self, codes: &[u32], grid: Grid) -> Result<Tensor> {
        if codes.len() != grid.codes() || codes.iter().any(|code| *code as usize >= self.vectors.len()) {
            return Err(ModelError::Config(format!(
                "{} stored tokens do not make a picture of {}",
                codes.len(),
                grid.pixels()
            )));
        }
        if matches!(self.codebook.device(), Device::Cpu) {
            affordable(
                "making the picture of its codes",
                self.config.decode_bytes(grid.pixels()),
            )?;
        }
        let ids = Tensor::new(codes, self.codebook.device())?;
        let dim = self.codebook.dim(1)?;
        let shape = (1, grid.rows as usize, grid.columns as usize, dim);
        let z = self
            .codebook
            .index_select(&ids, 0)?
            .reshape(shape)?
            .permute((0, 3, 1, 2))?
            .contiguous()?;
        let x = self.decoder.conv_in.forward(&self.post_quant_conv.forward(&z)?)?;
        let mut x = self.decoder.middle.forward(&x, Some(&z))?;
        for level in &self.decoder.levels {
            x = level.forward(&x, Some(&z))?;
            if let Some(conv) = &level.resample {
                x = conv.forward(&x)?;
            }
        }
        let x = self.decoder.norm_out.forward(&x, Some(&z), Then::Swish)?;
        Ok(self.decoder.conv_out.forward(&x)?.squeeze(0)?)
    }

    /// The picture of a whole grid: pixel = round((clamp(v) + 1) * 127.5).
    pub fn decode(&self, codes: &[u32], grid: Grid) -> Result<Pixels> {
        let raw = self.decode_raw(codes, grid)?.permute((1, 2, 0))?.contiguous()?;
        let values: Vec<f32> = raw.flatten_all()?.to_vec1()?;
        let rgb = values
            .iter()
            .map(|v| ((v.clamp(-1.0, 1.0) + 1.0) * 127.5).round_ties_even() as u8)
            .collect();
        Pixels::new(grid.pixels(), rgb)
            .ok_or_else(|| ModelError::Config("the image tokenizer does not scale by 8".to_owned()))
    }
}
