//! Sizes of an image tokenizer.

use crate::model::weights::{ModelError, Weights};
use crate::pixels::Size;
use serde::Deserialize;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// As they stand in the checkpoint's configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MovqConfig {
    pub(in crate::model) ddconfig: DdConfig,
    pub n_embed: usize,
    pub(in crate::model) embed_dim: usize,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(in crate::model) struct DdConfig {
    pub(in crate::model) z_channels: usize,
    resolution: usize,
    pub(in crate::model) in_channels: usize,
    pub(in crate::model) out_ch: usize,
    pub(in crate::model) ch: usize,
    pub(in crate::model) ch_mult: Vec<usize>,
    pub(in crate::model) num_res_blocks: usize,
    attn_resolutions: Vec<usize>,
    #[serde(default)]
    double_z: bool,
}

impl DdConfig {
    /// Channels that come out of the encoder.
    pub(in crate::model) fn encoder_outs(&self) -> usize {
        match self.double_z {
            true => 2 * self.z_channels,
            false => self.z_channels,
        }
    }
}

impl MovqConfig {
    /// Reads a `movq.json`.
    ///
    /// # Errors
    /// The text is no such configuration, or its sizes cannot be computed with.
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
    ///
    /// # Errors
    /// A tensor that tells a size is missing.
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

/// Whether the blocks of a resolution have attention.
pub(in crate::model) fn has_attention(config: &DdConfig, level: usize) -> bool {
    config.attn_resolutions.contains(&(config.resolution >> level))
}
