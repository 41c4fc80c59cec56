//! The layers of encoder and decoder, of candle's tensors.

use super::config::{DdConfig, has_attention};
use super::conv::{Conv, Pointwise, Walk};
use super::norm::{Norm, Then};
use crate::model::weights::{ModelError, Weights};
use candle_core::{Device, Tensor};

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Reads tensors below a name.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub(super) weights: &'a dyn Weights,
    pub(super) name: String,
    pub(super) device: &'a Device,
    pub(super) embed_dim: usize,
}

impl Scope<'_> {
    pub(super) fn at(&self, part: impl std::fmt::Display) -> Self {
        Self {
            name: format!("{}{part}.", self.name),
            ..self.clone()
        }
    }

    pub(super) fn get(&self, part: &str, shape: &[usize]) -> Result<Tensor> {
        let name = format!("{}{part}", self.name);
        let weights = self.weights.f32(&name, shape)?;
        numbers(self.weights, &name, &weights.flatten_all()?.to_vec1::<f32>()?)?;
        Ok(weights.to_device(self.device)?)
    }
}

/// Refuses weights that are no numbers: they would draw blank pictures.
pub(in crate::model) fn numbers(weights: &dyn Weights, name: &str, values: &[f32]) -> Result<()> {
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(ModelError::File {
            file: weights.source(),
            reason: format!("tensor `{name}` has weights that are no numbers: get the original file"),
        }),
    }
}

fn conv(scope: &Scope<'_>, ins: usize, outs: usize, walk: Walk) -> Result<Conv> {
    Ok(Conv::new(
        scope.get("weight", &[outs, ins, 3, 3])?,
        scope.get("bias", &[outs])?,
        walk,
    ))
}

pub(super) fn pointwise(scope: &Scope<'_>, ins: usize, outs: usize) -> Result<Pointwise> {
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
pub(super) struct Level {
    blocks: Vec<ResBlock>,
    attentions: Vec<Attention>,
    pub(super) resample: Option<Conv>,
}

impl Level {
    pub(super) fn forward(&self, x: &Tensor, z: Option<&Tensor>) -> Result<Tensor> {
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

pub(super) struct Middle {
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

    pub(super) fn forward(&self, x: &Tensor, z: Option<&Tensor>) -> Result<Tensor> {
        self.block_2
            .forward(&self.attn_1.forward(&self.block_1.forward(x, z)?, z)?, z)
    }
}

/// Encoder or decoder: the same parts in opposite order.
pub(super) struct Half {
    pub(super) conv_in: Conv,
    pub(super) levels: Vec<Level>,
    pub(super) middle: Middle,
    pub(super) norm_out: Norm,
    pub(super) conv_out: Conv,
}

pub(super) fn encoder(scope: &Scope<'_>, config: &DdConfig) -> Result<Half> {
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

pub(super) fn decoder(scope: &Scope<'_>, config: &DdConfig) -> Result<Half> {
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
