//! The weights of one layer on a device.

use crate::model::decoder::config::Config;
use crate::model::decoder::matrix::fitted;
use crate::model::weights::{ModelError, Stored, Weights};
use crate::task::Format;
use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{D, Device, Module, Tensor};
use std::sync::Arc;

type Result<T, E = ModelError> = std::result::Result<T, E>;

pub(super) struct Linear {
    matrix: QMatMul,
    bias: Option<Tensor>,
}

impl Linear {
    pub(super) fn new(
        stored: Stored,
        bias: Option<Tensor>,
        quant: Option<Format>,
        device: &Device,
    ) -> Result<Self> {
        let blocks = fitted(stored, quant)?;
        let matrix = match blocks.dtype() {
            GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => {
                QMatMul::Tensor(blocks.dequantize(&Device::Cpu)?.to_device(device)?)
            }
            dtype => {
                let storage = QStorage::from_data(blocks.data()?, device, dtype)?;
                QMatMul::QTensor(Arc::new(QTensor::new(storage, blocks.shape().clone())?))
            }
        };
        Ok(Self { matrix, bias })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let out = self.matrix.forward(x)?;
        Ok(match &self.bias {
            Some(bias) => out.broadcast_add(bias)?,
            None => out,
        })
    }
}

/// LayerNorm over head_dim with weight and bias of each head, [heads, head_dim].
pub(super) struct HeadNorm {
    weight: Tensor,
    bias: Tensor,
}

impl HeadNorm {
    fn load(load: &Load<'_>, name: &str, heads: usize) -> Result<Self> {
        let shape = [load.config.model_parallel_size, load.config.head_dim()];
        let per_head = |part: &str| -> Result<Tensor> {
            let rows = load.weights.f32(&format!("{name}.{part}"), &shape)?;
            let rows = rows
                .unsqueeze(1)?
                .repeat((1, heads / shape[0], 1))?
                .flatten(0, 1)?;
            Ok(rows.to_device(load.device)?)
        };
        Ok(Self {
            weight: per_head("weight")?,
            bias: per_head("bias")?,
        })
    }

    /// [rows, heads, head_dim]
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + 1e-5)?.sqrt()?;
        Ok(centred
            .broadcast_div(&deviation)?
            .broadcast_mul(&self.weight)?
            .broadcast_add(&self.bias)?)
    }
}

pub(super) struct Block {
    pub(super) input_norm: Tensor,
    pub(super) post_norm: Tensor,
    pub(super) q: Linear,
    pub(super) k: Linear,
    pub(super) v: Linear,
    pub(super) o: Linear,
    pub(super) q_norm: HeadNorm,
    pub(super) k_norm: HeadNorm,
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
}

pub(super) struct Load<'a> {
    pub(super) weights: &'a dyn Weights,
    pub(super) config: &'a Config,
    pub(super) quant: Option<Format>,
    pub(super) device: &'a Device,
}

impl Load<'_> {
    pub(super) fn vector(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        Ok(self.weights.f32(name, shape)?.to_device(self.device)?)
    }

    fn linear(&self, name: &str, (outs, ins): (usize, usize), has_bias: bool) -> Result<Linear> {
        let bias = has_bias
            .then(|| self.vector(&format!("{name}.bias"), &[outs]))
            .transpose()?;
        let stored = self.weights.stored_as(&format!("{name}.weight"), &[outs, ins])?;
        Linear::new(stored, bias, self.quant, self.device)
    }

    pub(super) fn block(&self, layer: usize) -> Result<Block> {
        let config = self.config;
        let (hidden, ffn) = (config.hidden_size, config.intermediate_size);
        let kv = config.kv_heads() * config.head_dim();
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let (bias, mlp) = (config.attention_bias, config.mlp_bias);
        Ok(Block {
            input_norm: self.vector(&name("input_layernorm.weight"), &[hidden])?,
            post_norm: self.vector(&name("post_attention_layernorm.weight"), &[hidden])?,
            q: self.linear(&name("self_attn.q_proj"), (hidden, hidden), bias)?,
            k: self.linear(&name("self_attn.k_proj"), (kv, hidden), bias)?,
            v: self.linear(&name("self_attn.v_proj"), (kv, hidden), bias)?,
            o: self.linear(&name("self_attn.o_proj"), (hidden, hidden), bias)?,
            q_norm: HeadNorm::load(self, &name("self_attn.q_norm"), config.num_attention_heads)?,
            k_norm: HeadNorm::load(self, &name("self_attn.k_norm"), config.kv_heads())?,
            gate: self.linear(&name("mlp.gate_proj"), (ffn, hidden), mlp)?,
            up: self.linear(&name("mlp.up_proj"), (ffn, hidden), mlp)?,
            down: self.linear(&name("mlp.down_proj"), (hidden, ffn), mlp)?,
        })
    }
}
