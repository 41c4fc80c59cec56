//! `config.json` of a decoder: every size is read, none is assumed.

use crate::model::weights::ModelError;
use serde::Deserialize;
use std::collections::BTreeMap;

fn one() -> usize {
    1
}

fn silu() -> String {
    "silu".to_owned()
}

fn theta() -> f32 {
    10_000.0
}

fn eps() -> f32 {
    1e-5
}

/// No size of a decoder is larger: beyond it a file is damaged, and products of sizes overflow.
const LARGEST: usize = 1 << 20;
const MOST_LAYERS: usize = 1 << 12;

/// Decoders of fewer weights than this are small, see [`Config::is_small`].
const SMALL_BELOW: usize = 1 << 30;

/// The fields of a Chameleon-family `config.json` that the decoder obeys.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Config {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    #[serde(default)]
    pub num_key_value_heads: Option<usize>,
    #[serde(default = "silu")]
    pub hidden_act: String,
    pub max_position_embeddings: usize,
    #[serde(default = "eps")]
    pub rms_norm_eps: f32,
    #[serde(default = "theta")]
    pub rope_theta: f32,
    #[serde(default)]
    pub rope_scaling: Option<RopeScaling>,
    #[serde(default)]
    pub attention_bias: bool,
    #[serde(default)]
    pub mlp_bias: bool,
    #[serde(default = "one")]
    pub model_parallel_size: usize,
    #[serde(default)]
    pub swin_norm: bool,
    #[serde(default)]
    pub tie_word_embeddings: bool,
    #[serde(default)]
    pub vocabulary_map: BTreeMap<String, u32>,
}

/// Stretching of positions beyond the trained length.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RopeScaling {
    #[serde(rename = "type", alias = "rope_type")]
    pub kind: String,
    pub factor: f32,
}

impl Config {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// The text is no configuration, or one of a decoder that cannot be or is not known here.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let wrong = |why: String| ModelError::Config(format!("config.json: {why}"));
        let config: Self = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let sizes = [
            ("vocab_size", config.vocab_size),
            ("hidden_size", config.hidden_size),
            ("intermediate_size", config.intermediate_size),
            ("num_hidden_layers", config.num_hidden_layers),
            ("num_attention_heads", config.num_attention_heads),
            ("num_key_value_heads", config.kv_heads()),
            ("max_position_embeddings", config.max_position_embeddings),
            ("model_parallel_size", config.model_parallel_size),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(wrong(format!("`{name}` is 0")));
        }
        if let Some((name, size)) = sizes.iter().find(|(_, size)| *size > LARGEST) {
            return Err(wrong(format!("`{name}` is {size}: no decoder is that large")));
        }
        if config.num_hidden_layers > MOST_LAYERS {
            return Err(wrong(format!(
                "`num_hidden_layers` is {}: no decoder has as many",
                config.num_hidden_layers
            )));
        }
        let heads = config.num_attention_heads;
        if !config.hidden_size.is_multiple_of(heads) || !config.head_dim().is_multiple_of(2) {
            return Err(wrong(format!(
                "hidden_size {} does not split into {heads} heads of even length",
                config.hidden_size
            )));
        }
        if !heads.is_multiple_of(config.kv_heads()) {
            return Err(wrong(format!(
                "{heads} heads cannot share {} key/value heads",
                config.kv_heads()
            )));
        }
        let parts = config.model_parallel_size;
        if !heads.is_multiple_of(parts) || !config.kv_heads().is_multiple_of(parts) {
            return Err(wrong(format!(
                "model_parallel_size {parts} does not divide the heads"
            )));
        }
        if !matches!(
            config.hidden_act.as_str(),
            "silu" | "swish" | "gelu" | "relu" | "gelu_pytorch_tanh" | "gelu_new"
        ) {
            return Err(wrong(format!(
                "hidden_act `{}` is not known here",
                config.hidden_act
            )));
        }
        if let Some(scaling) = &config.rope_scaling
            && (!matches!(scaling.kind.as_str(), "linear" | "dynamic") || scaling.factor < 1.0)
        {
            return Err(wrong(format!(
                "rope_scaling `{}` by {} is not known here",
                scaling.kind, scaling.factor
            )));
        }
        Ok(config)
    }

    pub fn kv_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// Weights of such a decoder.
    pub fn weights(&self) -> usize {
        let sizes = self.tensors();
        sizes
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }

    /// Whether there is room to compute exactly: what precision a decoder is given is decided here alone.
    ///
    /// A small one is held in f32 where it is stored in a half type, and so are its keys and values. Its
    /// sums come out the same on every processor, and a card keeps its f32 matrices exact. It is not
    /// proposed to store it in a smaller format.
    ///
    /// A large one keeps matrices, keys and values in half precision, and a card halves its f32
    /// matrices. It needs the fastest sums there are, whose last bits differ from processor to
    /// processor.
    pub fn is_small(&self) -> bool {
        self.weights() < SMALL_BELOW
    }

    /// The tensor whose rows score the tokens of the vocabulary.
    pub fn head_name(&self) -> &'static str {
        match self.tie_word_embeddings {
            true => "model.embed_tokens.weight",
            false => "lm_head.weight",
        }
    }

    /// Every tensor of such a decoder with its shape, in the order of a forward.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (hidden, ffn, heads) = (self.hidden_size, self.intermediate_size, self.model_parallel_size);
        let kv = self.kv_heads() * self.head_dim();
        let mut all = vec![(
            "model.embed_tokens.weight".to_owned(),
            vec![self.vocab_size, hidden],
        )];
        for layer in 0..self.num_hidden_layers {
            let mut add = |part: &str, shape: &[usize]| {
                all.push((format!("model.layers.{layer}.{part}"), shape.to_vec()))
            };
            add("input_layernorm.weight", &[hidden]);
            let attention = [
                ("q", hidden, hidden),
                ("k", kv, hidden),
                ("v", kv, hidden),
                ("o", hidden, hidden),
            ];
            for (part, outs, ins) in attention {
                add(&format!("self_attn.{part}_proj.weight"), &[outs, ins]);
                if self.attention_bias {
                    add(&format!("self_attn.{part}_proj.bias"), &[outs]);
                }
            }
            for part in ["q", "k"] {
                add(
                    &format!("self_attn.{part}_norm.weight"),
                    &[heads, self.head_dim()],
                );
                add(&format!("self_attn.{part}_norm.bias"), &[heads, self.head_dim()]);
            }
            add("post_attention_layernorm.weight", &[hidden]);
            for (part, outs, ins) in [("gate", ffn, hidden), ("up", ffn, hidden), ("down", hidden, ffn)] {
                add(&format!("mlp.{part}_proj.weight"), &[outs, ins]);
                if self.mlp_bias {
                    add(&format!("mlp.{part}_proj.bias"), &[outs]);
                }
            }
        }
        all.push(("model.norm.weight".to_owned(), vec![hidden]));
        if !self.tie_word_embeddings {
            all.push(("lm_head.weight".to_owned(), vec![self.vocab_size, hidden]));
        }
        all
    }

    /// Ids of the picture codes that `vocabulary_map` names; empty if it names none.
    pub fn code_ids(&self) -> Vec<u32> {
        let named = self
            .vocabulary_map
            .iter()
            .filter(|(name, _)| name.starts_with("<MOVQGAN"));
        named.map(|(_, id)| *id).collect()
    }
}
