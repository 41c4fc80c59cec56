//! A decoder's weights in memory.

use super::block::Block;
use crate::model::decoder::config::Config;
use crate::model::decoder::kernels::Activation;
use crate::model::decoder::kv_cache::{Precision, Shape as CacheShape};
use crate::model::decoder::matrix::{Form, Linear, Matrix, Sums, vector};
use crate::model::decoder::parts::{Head, head_rows, widened};
use crate::model::decoder::rope::Rope;
use crate::model::weights::{ModelError, Stored, Weights};
use crate::task::Format;

/// A loaded decoder; shared by every task drawn with it.
pub struct Decoder {
    pub(super) config: Config,
    pub(super) embedding: Stored,
    pub(super) blocks: Vec<Block>,
    pub(super) norm: Vec<f32>,
    /// The rows of the head that are asked for.
    pub(super) head: Linear,
    pub(super) rope: Rope,
    pub(super) activation: Activation,
    pub(super) precision: Precision,
}

impl Decoder {
    /// Loads a decoder; `quant` brings its matrices to another format than the stored one.
    ///
    /// # Errors
    /// A tensor is missing, damaged or of another shape than `config` says, or does not fit the format.
    pub fn load(
        weights: &dyn Weights,
        config: &Config,
        head: &Head,
        quant: Option<Format>,
    ) -> Result<Self, ModelError> {
        let shape = [config.vocab_size, config.hidden_size];
        let is_small = config.is_small();
        let form = Form {
            quant: quant.or(widened(weights, config)?),
            sums: if is_small { Sums::Alike } else { Sums::Fast },
        };
        let embedding = weights.stored_as("model.embed_tokens.weight", &shape)?;
        let (head_rows, outs) = head_rows(weights, config, head)?;
        let blocks = (0..config.num_hidden_layers)
            .map(|layer| Block::load(weights, config, layer, form))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            embedding,
            blocks,
            norm: vector(weights, "model.norm.weight", &[config.hidden_size])?,
            head: Linear {
                matrix: Matrix::new(head_rows, form)?,
                bias: None,
                outs,
            },
            rope: Rope::new(config),
            activation: Activation::named(&config.hidden_act),
            precision: if is_small { Precision::F32 } else { Precision::Bf16 },
            config: config.clone(),
        })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn cache_shape(&self, capacity: usize) -> CacheShape {
        CacheShape {
            layers: self.blocks.len(),
            kv_heads: self.config.kv_heads(),
            head_dim: self.config.head_dim(),
            capacity,
        }
    }

    /// Bytes of the memory of one lane that holds `capacity` tokens.
    pub fn lane_bytes(&self, capacity: usize) -> usize {
        let cell = match self.precision {
            Precision::F32 => 4,
            Precision::Bf16 => 2,
        };
        self.cache_shape(capacity).bytes(cell)
    }
}
