//! The weights of one layer.

use crate::model::decoder::config::Config;
use crate::model::decoder::kernels::layer_norm;
use crate::model::decoder::matrix::{Form, Linear, vector};
use crate::model::weights::{ModelError, Weights};

/// LayerNorm over head_dim; one weight and bias row serves `heads / model_parallel_size` heads.
pub(super) struct HeadNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    heads_per_row: usize,
}

impl HeadNorm {
    fn load(weights: &dyn Weights, name: &str, config: &Config, heads: usize) -> Result<Self, ModelError> {
        let shape = [config.model_parallel_size, config.head_dim()];
        Ok(Self {
            weight: vector(weights, &format!("{name}.weight"), &shape)?,
            bias: vector(weights, &format!("{name}.bias"), &shape)?,
            heads_per_row: heads / config.model_parallel_size,
        })
    }

    #[inline(always)]
    pub(super) fn apply(&self, x: &mut [f32], head: usize) {
        let row = head / self.heads_per_row * x.len();
        layer_norm(
            x,
            &self.weight[row..row + x.len()],
            &self.bias[row..row + x.len()],
        );
    }
}

pub(super) struct Block {
    pub(super) input_norm: Vec<f32>,
    pub(super) post_norm: Vec<f32>,
    /// Rows of q, k and v.
    pub(super) qkv: Linear,
    pub(super) o: Linear,
    pub(super) q_norm: HeadNorm,
    pub(super) k_norm: HeadNorm,
    /// Rows of gate and up.
    pub(super) gate_up: Linear,
    pub(super) down: Linear,
}

impl Block {
    pub(super) fn load(
        weights: &dyn Weights,
        config: &Config,
        layer: usize,
        form: Form,
    ) -> Result<Self, ModelError> {
        let (hidden, ffn) = (config.hidden_size, config.intermediate_size);
        let kv = config.kv_heads() * config.head_dim();
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let linear = |parts: &[(&str, usize)], ins, bias: bool| {
            let parts: Vec<_> = parts.iter().map(|(part, outs)| (name(part), *outs)).collect();
            Linear::load(weights, &parts, ins, bias.into(), form)
        };
        let qkv = [
            ("self_attn.q_proj", hidden),
            ("self_attn.k_proj", kv),
            ("self_attn.v_proj", kv),
        ];
        let (bias, mlp_bias) = (config.attention_bias, config.mlp_bias);
        Ok(Self {
            input_norm: vector(weights, &name("input_layernorm.weight"), &[hidden])?,
            post_norm: vector(weights, &name("post_attention_layernorm.weight"), &[hidden])?,
            qkv: linear(&qkv, hidden, bias)?,
            o: linear(&[("self_attn.o_proj", hidden)], hidden, bias)?,
            q_norm: HeadNorm::load(
                weights,
                &name("self_attn.q_norm"),
                config,
                config.num_attention_heads,
            )?,
            k_norm: HeadNorm::load(weights, &name("self_attn.k_norm"), config, config.kv_heads())?,
            gate_up: linear(&[("mlp.gate_proj", ffn), ("mlp.up_proj", ffn)], hidden, mlp_bias)?,
            down: linear(&[("mlp.down_proj", hidden)], ffn, mlp_bias)?,
        })
    }
}
