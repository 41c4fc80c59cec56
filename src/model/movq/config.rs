//! Sizes of an image tokenizer.

use crate::model::weights::{ModelError, Weights};
use crate::pixels::Size;
use serde::Deserialize;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// No image tokenizer has more of anything: beyond it a file is damaged, and products overflow.
const MOST_CHANNELS: usize = 1 << 14;
const MOST_CODES: usize = 1 << 20;
const MOST_LEVELS: usize = 8;
const MOST_BLOCKS: usize = 64;

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
        let config: Self = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|e| ModelError::Config(format!("the image tokenizer's configuration: {e}")))?;
        config.checked()
    }

    fn checked(self) -> Result<Self> {
        let wrong = |why: &str| Err(ModelError::Config(format!("the image tokenizer's {why}")));
        let dd = &self.ddconfig;
        if dd.ch_mult.is_empty() || dd.ch == 0 || !dd.ch.is_multiple_of(32) {
            return wrong("ch must be a multiple of 32");
        }
        if dd.ch_mult.len() > MOST_LEVELS || !(1..=MOST_BLOCKS).contains(&dd.num_res_blocks) {
            return wrong("levels (ch_mult) or blocks (num_res_blocks) are more, or fewer, than any has");
        }
        let widest = dd.ch_mult.iter().max().and_then(|mult| mult.checked_mul(dd.ch));
        let widths = [widest.unwrap_or(usize::MAX), dd.z_channels, self.embed_dim, dd.ch];
        let is_width = |width: &usize| (1..=MOST_CHANNELS).contains(width);
        if !widths.iter().all(is_width) || dd.ch_mult.contains(&0) {
            return wrong("channels are more, or fewer, than any has");
        }
        if (dd.in_channels, dd.out_ch) != (3, 3) {
            return wrong("pictures do not have three colours (in_channels, out_ch)");
        }
        if !(1..=MOST_CODES).contains(&self.n_embed) {
            return wrong("n_embed is no number of codes");
        }
        Ok(self)
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
        // Two sides of a tensor that has at least as many.
        let sides = |name: &str| {
            let found = shape(name)?;
            match found.as_slice() {
                [outs, ins, ..] if *outs > 0 => Ok((*outs, *ins)),
                _ => Err(ModelError::Config(format!(
                    "tensor `{prefix}{name}` has shape {found:?}, which none of an image tokenizer has"
                ))),
            }
        };
        let (ch, in_channels) = sides("encoder.conv_in.weight")?;
        let has = |name: String| weights.contains(&format!("{prefix}{name}"));
        let levels = (0..MOST_LEVELS)
            .take_while(|l| has(format!("encoder.down.{l}.block.0.conv1.weight")))
            .count();
        let num_res_blocks = (0..MOST_BLOCKS)
            .take_while(|b| has(format!("encoder.down.0.block.{b}.conv1.weight")))
            .count();
        let mut ch_mult = Vec::new();
        for level in 0..levels {
            ch_mult.push(sides(&format!("encoder.down.{level}.block.0.conv1.weight"))?.0 / ch);
        }
        let attended = (0..levels).filter(|l| has(format!("encoder.down.{l}.attn.0.q.weight")));
        let attn_resolutions = attended.map(|l| 256 >> l).collect();
        let (n_embed, embed_dim) = sides("quantize.embedding.weight")?;
        let (_, z_channels) = sides("quant_conv.weight")?;
        let ddconfig = DdConfig {
            z_channels,
            resolution: 256,
            in_channels,
            out_ch: sides("decoder.conv_out.weight")?.0,
            ch,
            ch_mult,
            num_res_blocks,
            attn_resolutions,
            double_z: false,
        };
        Self {
            ddconfig,
            n_embed,
            embed_dim,
        }
        .checked()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::Stored;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn config(change: Value) -> Result<MovqConfig, String> {
        let mut dd = json!({"double_z": false, "z_channels": 4, "resolution": 256, "in_channels": 3,
            "out_ch": 3, "ch": 32, "ch_mult": [1, 2, 2, 4], "num_res_blocks": 2, "attn_resolutions": [32]});
        dd.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let all = json!({"ddconfig": dd, "n_embed": 1024, "embed_dim": 4});
        MovqConfig::from_json(&all.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn sizes_that_no_image_tokenizer_has_are_refused() {
        assert!(config(json!({})).is_ok());
        for (change, words) in [
            (json!({"ch": 0}), "multiple of 32"),
            (json!({"ch": 1u64 << 62}), "channels"),
            (json!({"ch_mult": [1, 1u64 << 60]}), "channels"),
            (json!({"ch_mult": vec![1; 70]}), "levels"),
            (json!({"num_res_blocks": 1u64 << 60}), "levels"),
            (json!({"in_channels": 4}), "three colours"),
            (json!({"z_channels": 0}), "channels"),
        ] {
            let why = config(change).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
    }

    struct Shapes(BTreeMap<String, Vec<usize>>);

    impl Weights for Shapes {
        fn source(&self) -> String {
            "shapes".to_owned()
        }
        fn names(&self) -> Vec<String> {
            self.0.keys().cloned().collect()
        }
        fn shape(&self, name: &str) -> Option<Vec<usize>> {
            self.0.get(name).cloned()
        }
        fn stored(&self, name: &str) -> Result<Stored> {
            Err(ModelError::Config(format!("{name} must not be read")))
        }
    }

    #[test]
    fn tensors_of_another_rank_are_named() {
        let wanted = [
            ("encoder.conv_in.weight", vec![32, 3, 3, 3]),
            ("encoder.down.0.block.0.conv1.weight", vec![32, 32, 3, 3]),
            ("quantize.embedding.weight", vec![1024, 4]),
            ("quant_conv.weight", vec![4, 4, 1, 1]),
            ("decoder.conv_out.weight", vec![3, 32, 3, 3]),
        ];
        let shapes: BTreeMap<String, Vec<usize>> = wanted
            .into_iter()
            .map(|(name, shape)| (name.to_owned(), shape))
            .collect();
        assert!(MovqConfig::infer(&Shapes(shapes.clone()), "").is_ok());
        for name in shapes.keys() {
            for shape in [vec![], vec![32], vec![0, 3]] {
                let mut other = shapes.clone();
                other.insert(name.clone(), shape);
                let why = MovqConfig::infer(&Shapes(other), "").unwrap_err().to_string();
                assert!(why.contains(name), "{why}");
            }
        }
    }
}
