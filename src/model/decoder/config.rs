//! `config.json` of a decoder: every size is read, none is assumed.

use super::positions::{Positions, said};
use crate::model::weights::ModelError;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

fn one() -> usize {
    1
}

fn silu() -> String {
    "silu".to_owned()
}

fn eps() -> f32 {
    1e-5
}

/// No size of a decoder is larger: beyond it a file is damaged, and products of sizes overflow.
const LARGEST: usize = 1 << 20;
const MOST_LAYERS: usize = 1 << 12;
/// Numbers of the tables of positions: a thousand times those of the published models would be more.
const LARGEST_TABLE: usize = 1 << 27;

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
    /// Read from several fields, see there.
    #[serde(skip)]
    pub positions: Positions,
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
    /// A few layers of a large decoder, whose speed is measured: they are computed as all of them are.
    #[serde(skip)]
    pub is_part_of_large: bool,
}

/// Fields of other families that change what a decoder computes, with the values that change nothing.
/// Any other value is refused: it would draw other pictures, silently.
const FOREIGN: [(&str, &[f64]); 22] = [
    ("partial_rotary_factor", &[1.0]),
    ("sliding_window", &[]),
    ("attention_chunk_size", &[]),
    ("attn_logit_softcapping", &[]),
    ("final_logit_softcapping", &[]),
    ("clip_qkv", &[]),
    ("query_pre_attn_scalar", &[]),
    ("logit_scale", &[1.0]),
    ("logits_scaling", &[1.0]),
    ("embedding_multiplier", &[1.0]),
    ("residual_multiplier", &[1.0]),
    ("attention_multiplier", &[]),
    ("num_experts", &[0.0, 1.0]),
    ("num_local_experts", &[0.0, 1.0]),
    ("n_routed_experts", &[0.0]),
    ("alibi", &[0.0]),
    ("parallel_attn", &[0.0]),
    ("use_parallel_residual", &[0.0]),
    ("rope_interleaved", &[0.0]),
    ("no_rope_layers", &[]),
    ("quantization_config", &[]),
    ("head_dim", &[]),
];

/// The first field that changes what is computed and is not understood here.
fn foreign(fields: &Map<String, Value>, head_dim: usize) -> Option<String> {
    let is_switched_off = |name: &str| {
        name == "sliding_window"
            && fields
                .get("use_sliding_window")
                .is_some_and(|on| on == &Value::Bool(false))
    };
    let changes = |(name, neutral): &&(&str, &[f64])| {
        let Some(value) = said(fields, name).filter(|_| !is_switched_off(name)) else {
            return false;
        };
        let number = value
            .as_f64()
            .or_else(|| value.as_bool().map(|on| f64::from(u8::from(on))));
        let is_head = *name == "head_dim" && number == Some(head_dim as f64);
        let is_empty =
            value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
        !(is_head || is_empty || number.is_some_and(|number| neutral.contains(&number)))
    };
    if let Some((name, _)) = FOREIGN.iter().find(changes) {
        return Some(format!(
            "`{name}` is {}, which is not computed here",
            fields[*name]
        ));
    }
    let layers = said(fields, "layer_types").and_then(Value::as_array);
    let other = layers
        .into_iter()
        .flatten()
        .find(|kind| *kind != "full_attention");
    other.map(|kind| format!("`layer_types` names {kind}, which is not computed here"))
}

impl Config {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// The text is no configuration, or one of a decoder that cannot be or is not known here.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let wrong = |why: String| ModelError::Config(format!("config.json: {why}"));
        let text = text.trim_start_matches('\u{feff}');
        let mut fields: Map<String, Value> = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        // What is null is not said.
        fields.retain(|_, value| !value.is_null());
        let mut config: Self =
            serde_json::from_value(Value::Object(fields.clone())).map_err(|e| wrong(e.to_string()))?;
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
        if !(config.rms_norm_eps.is_finite() && config.rms_norm_eps >= 0.0) {
            return Err(wrong(format!("`rms_norm_eps` is {}", config.rms_norm_eps)));
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
        if config.max_position_embeddings * config.head_dim() > LARGEST_TABLE {
            return Err(wrong(format!(
                "`max_position_embeddings` is {}: no table of positions is that large",
                config.max_position_embeddings
            )));
        }
        if let Some(why) = foreign(&fields, config.head_dim()) {
            return Err(wrong(why));
        }
        config.positions = Positions::of(&fields).map_err(wrong)?;
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
        !self.is_part_of_large && self.weights() < SMALL_BELOW
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(change: Value) -> Result<Config, String> {
        let mut config = json!({"vocab_size": 100, "hidden_size": 64, "intermediate_size": 96,
            "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 128});
        let changes = change.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(changes);
        Config::from_json(&config.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_field_without_a_value_is_as_if_it_was_not_there() {
        let plain = with(json!({})).unwrap();
        let optional = [
            "num_key_value_heads",
            "hidden_act",
            "rms_norm_eps",
            "rope_theta",
            "rope_scaling",
            "rope_parameters",
            "attention_bias",
            "mlp_bias",
            "model_parallel_size",
            "swin_norm",
            "tie_word_embeddings",
            "vocabulary_map",
            "sliding_window",
            "head_dim",
        ];
        for name in optional {
            assert_eq!(with(json!({ name: null })), Ok(plain.clone()), "{name}");
        }
        assert_eq!(plain.hidden_act, "silu");
        let marked = format!(
            "\u{feff}{}",
            json!({"vocab_size": 1, "hidden_size": 2, "intermediate_size": 2,
            "num_hidden_layers": 1, "num_attention_heads": 1, "max_position_embeddings": 8})
        );
        assert!(Config::from_json(&marked).is_ok());
    }

    /// As Python reads it.
    #[test]
    fn of_a_field_that_is_said_twice_the_last_counts() {
        let twice = r#"{"vocab_size": 1, "hidden_size": 2, "intermediate_size": 2, "num_hidden_layers": 1,
            "num_attention_heads": 1, "max_position_embeddings": 8, "rope_theta": 1.0, "rope_theta": 2.0}"#;
        assert_eq!(Config::from_json(twice).unwrap().positions.theta, 2.0);
    }

    #[test]
    fn what_would_draw_other_pictures_is_refused_by_its_name() {
        for (change, words) in [
            (json!({"head_dim": 32}), "`head_dim`"),
            (json!({"sliding_window": 64}), "`sliding_window`"),
            (
                json!({"final_logit_softcapping": 30.0}),
                "`final_logit_softcapping`",
            ),
            (json!({"num_local_experts": 8}), "`num_local_experts`"),
            (json!({"partial_rotary_factor": 0.5}), "`partial_rotary_factor`"),
            (json!({"alibi": true}), "`alibi`"),
            (
                json!({"quantization_config": {"quant_method": "gptq"}}),
                "`quantization_config`",
            ),
            (
                json!({"layer_types": ["full_attention", "sliding_attention"]}),
                "`layer_types`",
            ),
            (json!({"hidden_act": "tanh"}), "`tanh`"),
            (json!({"rms_norm_eps": -1.0}), "`rms_norm_eps`"),
            (
                json!({"max_position_embeddings": 1 << 20, "hidden_size": 1 << 16}),
                "`max_position_embeddings`",
            ),
        ] {
            let why = with(change).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
        for change in [
            json!({"head_dim": 16}),
            json!({"sliding_window": 64, "use_sliding_window": false}),
            json!({"partial_rotary_factor": 1.0, "logit_scale": 1, "alibi": false}),
            json!({"layer_types": ["full_attention", "full_attention"]}),
            json!({"anything_else": 3, "attention_dropout": 0.5}),
        ] {
            assert!(with(change.clone()).is_ok(), "{change}");
        }
    }
}
