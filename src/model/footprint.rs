//! What a model needs in memory, on a CPU or an NVIDIA card, before a byte of its weights is read.
//!
//! Everything follows from headers and from how the other files here allocate: matrices stay as
//! they are stored (half types of small decoders are widened), only the head's rows of picture
//! codes are kept, the image tokenizer is f32, a cache holds every position of both guidance
//! branches from the first forward on.

use super::cuda::plan;
use super::decoder::config::Config;
use super::decoder::kv_cache::Shape;
use super::movq::MovqConfig;
use super::weights::{ModelError, Weights, decoder_format};
use crate::pixels::Size;
use crate::task::{Format, KvCache, Needs, Plan};
use crate::token::Grid;
use candle_core::quantized::GgmlDType;

/// Tokens a prompt may take beside the picture.
pub(crate) const PROMPT_TOKENS: usize = 128;
/// Both branches of guidance.
const LANES: u64 = 2;

/// Sizes of a model, read off its headers.
pub(crate) struct Scale<'a> {
    pub(crate) config: &'a Config,
    pub(crate) decoder: &'a dyn Weights,
    pub(crate) movq: &'a dyn Weights,
    pub(crate) movq_prefix: &'a str,
    pub(crate) movq_config: &'a MovqConfig,
}

fn bytes(kind: GgmlDType, count: usize) -> u64 {
    (count.div_ceil(kind.block_size()) * kind.type_size()) as u64
}

impl Scale<'_> {
    /// The format a tensor is stored in, or would be by an import to `quant`.
    fn stored_kind(&self, name: &str, shape: &[usize], quant: Option<Format>) -> GgmlDType {
        match quant {
            Some(quant) => decoder_format(name, shape, quant).1.ggml(),
            None => self.decoder.kind(name).unwrap_or(GgmlDType::F32),
        }
    }

    /// The format a matrix has in memory.
    fn kind(&self, name: &str, shape: &[usize], quant: Option<Format>) -> GgmlDType {
        if let Some(quant) = quant {
            return decoder_format(name, shape, quant).1.ggml();
        }
        match self.decoder.kind(name) {
            Some(GgmlDType::F16 | GgmlDType::BF16) if self.config.is_small() => GgmlDType::F32,
            Some(kind) => kind,
            None => GgmlDType::F32,
        }
    }

    fn decoder_bytes(&self, quant: Option<Format>) -> u64 {
        let codes = self.movq_config.n_embed;
        let of_head = |shape: &[usize]| codes * shape.last().copied().unwrap_or_default();
        let mut all = 0;
        for (name, shape) in self.config.tensors() {
            let count: usize = shape.iter().product();
            let kind = self.kind(&name, &shape, quant);
            let is_embedding = name.starts_with("model.embed_tokens.");
            all += match shape.len() {
                2 if name.starts_with("lm_head.") => bytes(kind, of_head(&shape)),
                2 if is_embedding && self.config.tie_word_embeddings => {
                    bytes(kind, count) + bytes(kind, of_head(&shape))
                }
                2 if is_embedding || name.contains("_proj.") => bytes(kind, count),
                _ => 4 * count as u64,
            };
        }
        let rotations = self.config.max_position_embeddings * self.config.head_dim();
        all + 4 * rotations as u64
    }

    /// The largest tensor as it is stored: it is held a second time while it is read.
    fn largest(&self, quant: Option<Format>) -> u64 {
        let stored = self.config.tensors().into_iter().map(|(name, shape)| {
            let count = shape.iter().product();
            bytes(self.stored_kind(&name, &shape, quant), count)
        });
        stored.max().unwrap_or_default()
    }

    fn movq_bytes(&self) -> u64 {
        let names = self.movq.names();
        let own = names.iter().filter(|name| name.starts_with(self.movq_prefix));
        let counts = own.filter_map(|name| Some(self.movq.shape(name)?.iter().product::<usize>()));
        4 * counts.sum::<usize>() as u64
    }

    /// Bytes in memory, with the decoder as stored or as an import to `quant` would store it.
    pub(crate) fn weights(&self, quant: Option<Format>) -> u64 {
        self.decoder_bytes(quant) + self.movq_bytes()
    }

    /// Bytes of the file an import to `quant` makes, about: its image tokenizer is stored in half precision.
    pub(crate) fn file_bytes(&self, quant: Format) -> u64 {
        let stored = self.config.tensors().into_iter().map(|(name, shape)| {
            let kind = self.stored_kind(&name, &shape, Some(quant));
            bytes(kind, shape.iter().product())
        });
        stored.sum::<u64>() + self.movq_bytes() / 2
    }

    /// What a picture of `size` takes.
    pub(crate) fn needs(&self, quant: Option<Format>, size: Size) -> Needs {
        let positions = Grid::of(size).map_or(0, Grid::stream_len) + PROMPT_TOKENS;
        let shape = Shape {
            layers: self.config.num_hidden_layers,
            kv_heads: self.config.kv_heads(),
            head_dim: self.config.head_dim(),
            capacity: positions,
        };
        let cell = if self.config.is_small() { 4 } else { 2 };
        let weights = self.weights(quant);
        Needs {
            weights,
            cache: LANES * shape.bytes(cell) as u64,
            decode: self.movq_config.decode_bytes(size),
            file: self.largest(quant),
        }
    }

    /// The same of an NVIDIA card's memory. The cache is given back before codes are turned into pixels, so
    /// of that counts only what it takes more. An error: why a card cannot hold this model.
    pub(crate) fn needs_on_card(
        &self,
        quant: Option<Format>,
        kv: KvCache,
        size: Size,
    ) -> Result<Needs, ModelError> {
        let codes = self.movq_config.n_embed;
        let kind = |name: &str, shape: &[usize]| self.stored_kind(name, shape, quant);
        let names = self.movq.names();
        let own = names.iter().filter(|name| name.starts_with(self.movq_prefix));
        let movq: u64 = own
            .filter_map(|name| Some(plan::movq_bytes(&self.movq.shape(name)?)))
            .sum();
        let tokens = Grid::of(size).map_or(0, Grid::stream_len) + PROMPT_TOKENS;
        let cache = plan::cache_bytes(self.config, codes, kv, tokens)?;
        Ok(Needs {
            weights: plan::decoder_bytes(self.config, codes, &kind)? + movq,
            cache,
            decode: plan::decode_bytes(self.movq_config, size).saturating_sub(cache),
            file: 0,
        })
    }

    /// What needs less than the picture of `size` the model draws unless told otherwise, `of` a format and
    /// a size.
    pub(crate) fn plans(
        &self,
        trained: &[Size],
        size: Size,
        of: &dyn Fn(Option<Format>, Size) -> Needs,
    ) -> Vec<Plan> {
        let area = |size: &Size| u64::from(size.width) * u64::from(size.height);
        let mut smaller: Vec<Size> = trained
            .iter()
            .copied()
            .filter(|other| area(other) < area(&size))
            .collect();
        smaller.sort_by_key(|size| std::cmp::Reverse(area(size)));
        let mut plans: Vec<Plan> = smaller
            .into_iter()
            .map(|size| Plan::Smaller(size, of(None, size)))
            .collect();
        if !self.config.is_small() {
            let stored = self.weights(None);
            let formats = [Format::Q8_0, Format::Q4K].into_iter();
            for format in formats.filter(|format| self.weights(Some(*format)) < stored) {
                plans.push(Plan::Stored(format, of(Some(format), size)));
            }
        }
        for side in [512, 384, 256] {
            let forced = Size::new(side, side);
            if area(&forced) < area(&size) && !trained.is_empty() && !trained.contains(&forced) {
                plans.push(Plan::Forced(forced, of(None, forced)));
            }
        }
        plans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Shapes and formats, no weights.
    struct Headers(BTreeMap<String, (Vec<usize>, GgmlDType)>);

    impl Weights for Headers {
        fn source(&self) -> String {
            "headers".to_owned()
        }
        fn names(&self) -> Vec<String> {
            self.0.keys().cloned().collect()
        }
        fn shape(&self, name: &str) -> Option<Vec<usize>> {
            self.0.get(name).map(|(shape, _)| shape.clone())
        }
        fn kind(&self, name: &str) -> Option<GgmlDType> {
            self.0.get(name).map(|(_, kind)| *kind)
        }
        fn stored(&self, name: &str) -> Result<super::super::weights::Stored, ModelError> {
            Err(ModelError::Config(format!("{name} must not be read")))
        }
    }

    const PUBLISHED: &str = r#"{"vocab_size": 171385, "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32,
        "max_position_embeddings": 10240}"#;
    const MOVQ: &str = r#"{"ddconfig": {"double_z": false, "z_channels": 4, "resolution": 256, "in_channels": 3,
        "out_ch": 3, "ch": 256, "ch_mult": [1, 2, 2, 4], "num_res_blocks": 2, "attn_resolutions": [32]},
        "n_embed": 16384, "embed_dim": 4}"#;

    /// The published 7B as an import to `quant` stores it, with the 270M weights of its MoVQ as
    /// one tensor.
    fn published(quant: Format) -> (Config, Headers, Headers) {
        let config = Config::from_json(PUBLISHED).unwrap();
        let stored = config.tensors().into_iter().map(|(name, shape)| {
            let kind = decoder_format(&name, &shape, quant).1.ggml();
            (name, (shape, kind))
        });
        let decoder = Headers(stored.collect());
        let movq = Headers(BTreeMap::from([(
            "movq.all".to_owned(),
            (vec![270_000_000], GgmlDType::F16),
        )]));
        (config, decoder, movq)
    }

    /// What `of` makes of its scale.
    fn scaled<T>(quant: Format, of: impl FnOnce(&Scale<'_>) -> T) -> T {
        let (config, decoder, movq) = published(quant);
        of(&Scale {
            config: &config,
            decoder: &decoder,
            movq: &movq,
            movq_prefix: "movq.",
            movq_config: &MovqConfig::from_json(MOVQ).unwrap(),
        })
    }

    fn needs(quant: Format, side: u32) -> Needs {
        scaled(quant, |scale| scale.needs(None, Size::new(side, side)))
    }

    /// Measured: a peak of 11.6 to 11.9 GB at 256x256 (benches/RESULTS.md), of which 5.3 GB were the file,
    /// that was mapped then and is read now.
    #[test]
    fn the_published_shape_is_predicted_as_it_was_measured() {
        let near = |value: u64, wanted: f64, off: f64| {
            let value = value as f64 / 1e9;
            assert!((value / wanted - 1.0).abs() < off, "{value} for {wanted}");
        };
        let small = needs(Format::Q4K, 256);
        near(small.peak(), 11.9 - 5.3, 0.1);
        // The embedding: 171385 rows of 4096 bytes and a scale for every 32 of them.
        near(small.file, 171_385.0 * 4096.0 * 34.0 / 32.0 / 1e9, 0.001);
        // 32 layers, keys and values of 4096 numbers in two bytes, two branches.
        let positions = |side: u32| {
            let held = Grid::of(Size::new(side, side)).unwrap().stream_len() + PROMPT_TOKENS;
            held.next_multiple_of(32) as u64
        };
        assert_eq!(small.cache, 2 * 32 * 2 * 4096 * 2 * positions(256));
        let large = needs(Format::Q4K, 768);
        assert_eq!(large.cache, 2 * 32 * 2 * 4096 * 2 * positions(768));
        assert_eq!(large.decode, 9 * small.decode);
        assert_eq!(large.weights, small.weights);
        let half = needs(Format::F16, 256);
        near(
            half.weights - small.weights,
            6.5 * 2.0 + 1.4 - 3.64 - 0.75 + 0.1,
            0.05,
        );
    }

    /// The formats a plan promises are those an import makes.
    #[test]
    fn a_plan_says_what_the_imported_file_would_need() {
        let size = Size::new(768, 768);
        let plans = scaled(Format::Bf16, |scale| {
            let needs_of = |quant, size| scale.needs(quant, size);
            scale.plans(&[size, Size::new(512, 512)], size, &needs_of)
        });
        let said: Vec<&Plan> = plans.iter().collect();
        assert!(matches!(said[0], Plan::Smaller(size, _) if *size == Size::new(512, 512)));
        assert!(matches!(said[1], Plan::Stored(Format::Q8_0, _)));
        let Plan::Stored(Format::Q4K, stored) = said[2] else {
            panic!("{said:?}");
        };
        assert_eq!(stored.held(), needs(Format::Q4K, 768).held());
        assert!(matches!(said[3], Plan::Forced(size, _) if *size == Size::new(384, 384)));
    }
}
