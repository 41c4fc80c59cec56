//! The decoder's weights and caches on a device, and the forward.

use super::block::{Block, HeadNorm, Linear, Load};
use crate::decode::{Feed, PredictError, Predictor};
use crate::model::decoder::config::Config;
use crate::model::decoder::parts::{Head, embed, head_rows, room_for, widened};
use crate::model::decoder::rope::Rope;
use crate::model::weights::{ModelError, Stored, Weights};
use crate::task::Format;
use candle_core::{DType, Device, Tensor};
use candle_nn::ops::{rms_norm, softmax_last_dim};
use std::sync::Arc;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// A decoder on a device.
pub struct DeviceDecoder {
    config: Config,
    device: Device,
    /// Stays in CPU memory: a step needs a few rows of it.
    embedding: Stored,
    blocks: Vec<Block>,
    norm: Tensor,
    head: Linear,
    codes: usize,
    /// [positions, head_dim / 2]
    cos: Tensor,
    sin: Tensor,
    cell: DType,
}

impl DeviceDecoder {
    /// Loads a decoder to `device`; `quant` brings its matrices to another format than the stored one.
    ///
    /// # Errors
    /// A tensor is missing, damaged or of another shape than `config` says, or the device fails.
    pub fn load(
        weights: &dyn Weights,
        config: &Config,
        head: &Head,
        quant: Option<Format>,
        device: &Device,
    ) -> Result<Self> {
        let shape = [config.vocab_size, config.hidden_size];
        let quant = quant.or(widened(weights, config)?);
        let load = Load {
            weights,
            config,
            quant,
            device,
        };
        let embedding = weights.stored_as("model.embed_tokens.weight", &shape)?;
        let (rows, codes) = head_rows(weights, config, head)?;
        let rope = Rope::new(config);
        let table = |values: Vec<f32>| {
            let shape = (config.max_position_embeddings, config.head_dim() / 2);
            Tensor::from_vec(values, shape, device)
        };
        Ok(Self {
            embedding,
            blocks: (0..config.num_hidden_layers)
                .map(|layer| load.block(layer))
                .collect::<Result<_>>()?,
            norm: load.vector("model.norm.weight", &[config.hidden_size])?,
            head: Linear::new(rows, None, quant, device)?,
            codes,
            cos: table(rope.cos)?,
            sin: table(rope.sin)?,
            cell: if config.is_small() {
                DType::F32
            } else {
                DType::BF16
            },
            device: device.clone(),
            config: config.clone(),
        })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn lane_bytes(&self, capacity: usize) -> usize {
        let width = self.config.kv_heads() * self.config.head_dim();
        2 * self.blocks.len() * width * capacity * self.cell.size_in_bytes()
    }

    pub(crate) fn predictor(decoder: &Arc<Self>, lanes: usize, capacity: usize) -> Result<DevicePredictor> {
        let config = &decoder.config;
        let shape = (config.kv_heads(), capacity, config.head_dim());
        let plane = || Tensor::zeros(shape, decoder.cell, &decoder.device);
        let lane = || -> Result<Lane> {
            let layers = 0..decoder.blocks.len();
            let planes = layers.map(|_| Ok((plane()?, plane()?))).collect::<Result<_>>()?;
            Ok(Lane { planes, capacity })
        };
        Ok(DevicePredictor {
            decoder: decoder.clone(),
            lanes: (0..lanes).map(|_| lane()).collect::<Result<_>>()?,
        })
    }
}

struct Lane {
    /// Keys and values of each layer, [kv_heads, capacity, head_dim].
    planes: Vec<(Tensor, Tensor)>,
    capacity: usize,
}

/// Runs tokens through a [`DeviceDecoder`].
pub struct DevicePredictor {
    decoder: Arc<DeviceDecoder>,
    lanes: Vec<Lane>,
}

impl DevicePredictor {
    fn forward(&mut self, feeds: &[Feed<'_>]) -> Result<Vec<f32>> {
        let decoder = &*self.decoder;
        let (config, device) = (&decoder.config, &decoder.device);
        let (mut tokens, mut positions, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for feed in feeds {
            room_for(feed, self.lanes.get(feed.lane).map_or(0, |lane| lane.capacity))?;
            for (index, token) in feed.tokens.iter().enumerate() {
                if index >= feed.scores_from {
                    wanted.push(tokens.len() as u32);
                }
                tokens.push(*token);
                positions.push((feed.at + index) as u32);
            }
        }
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let rows = embed(&decoder.embedding, config, &tokens)?;
        let mut x = Tensor::from_vec(rows, (tokens.len(), config.hidden_size), device)?;
        let positions = Tensor::from_vec(positions, tokens.len(), device)?;
        let rope = (
            decoder.cos.index_select(&positions, 0)?,
            decoder.sin.index_select(&positions, 0)?,
        );
        let masks: Vec<Tensor> = feeds
            .iter()
            .map(|feed| mask(feed, device))
            .collect::<Result<_>>()?;
        let eps = config.rms_norm_eps;
        // swin_norm: the two norms come after attention and MLP instead of before.
        let before = |x: &Tensor, weight: &Tensor| -> Result<Tensor> {
            Ok(if config.swin_norm {
                x.clone()
            } else {
                rms_norm(x, weight, eps)?
            })
        };
        let after = |x: Tensor, weight: &Tensor| -> Result<Tensor> {
            Ok(if config.swin_norm {
                rms_norm(&x, weight, eps)?
            } else {
                x
            })
        };
        for (layer, block) in decoder.blocks.iter().enumerate() {
            let normed = before(&x, &block.input_norm)?;
            let attended = self.attention(block, layer, &normed, (feeds, &rope, &masks))?;
            x = (x + after(attended, &block.input_norm)?)?;
            let normed = before(&x, &block.post_norm)?;
            let gate = activate(&block.gate.forward(&normed)?, &config.hidden_act)?;
            let inner = (gate * block.up.forward(&normed)?)?;
            x = (x + after(block.down.forward(&inner)?, &block.post_norm)?)?;
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let last = x.index_select(&Tensor::new(wanted, device)?, 0)?;
        let scores = decoder.head.forward(&rms_norm(&last, &decoder.norm, eps)?)?;
        Ok(scores.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
    }

    fn attention(
        &self,
        block: &Block,
        layer: usize,
        x: &Tensor,
        (feeds, rope, masks): (&[Feed<'_>], &(Tensor, Tensor), &[Tensor]),
    ) -> Result<Tensor> {
        let decoder = &self.decoder;
        let config = &decoder.config;
        let (rows, dim, kv_heads) = (x.dim(0)?, config.head_dim(), config.kv_heads());
        // [rows, heads * dim] to [heads, rows, dim], normalised and rotated.
        let heads = |x: Tensor, count: usize, norm: Option<&HeadNorm>| -> Result<Tensor> {
            let x = x.reshape((rows, count, dim))?;
            let Some(norm) = norm else {
                return Ok(x.transpose(0, 1)?.contiguous()?);
            };
            let x = norm.forward(&x)?.transpose(0, 1)?.contiguous()?.unsqueeze(0)?;
            Ok(candle_nn::rotary_emb::rope(&x, &rope.0, &rope.1)?.squeeze(0)?)
        };
        let q = heads(
            block.q.forward(x)?,
            config.num_attention_heads,
            Some(&block.q_norm),
        )?;
        let k = heads(block.k.forward(x)?, kv_heads, Some(&block.k_norm))?.to_dtype(decoder.cell)?;
        let v = heads(block.v.forward(x)?, kv_heads, None)?.to_dtype(decoder.cell)?;
        let group = config.num_attention_heads / kv_heads;
        let scale = 1.0 / (dim as f64).sqrt();
        let mut first = 0;
        let mut out = Vec::with_capacity(feeds.len());
        for (feed, mask) in feeds.iter().zip(masks) {
            let count = feed.tokens.len();
            let (keys, values) = &self.lanes[feed.lane].planes[layer];
            keys.slice_set(&k.narrow(1, first, count)?.contiguous()?, 1, feed.at)?;
            values.slice_set(&v.narrow(1, first, count)?.contiguous()?, 1, feed.at)?;
            let len = feed.at + count;
            let (keys, values) = (keys.narrow(1, 0, len)?, values.narrow(1, 0, len)?);
            let q = (q.narrow(1, first, count)?.contiguous()? * scale)?.to_dtype(decoder.cell)?;
            // The heads that share keys and values stand side by side.
            let q = q.reshape((kv_heads, group * count, dim))?;
            let scores = q.matmul(&keys.transpose(1, 2)?)?.to_dtype(DType::F32)?;
            let scores = scores
                .reshape((kv_heads * group, count, len))?
                .broadcast_add(mask)?;
            let weights = softmax_last_dim(&scores)?.to_dtype(decoder.cell)?;
            let mixed = weights
                .reshape((kv_heads, group * count, len))?
                .matmul(&values.contiguous()?)?;
            let mixed = mixed.reshape((kv_heads * group, count, dim))?.transpose(0, 1)?;
            out.push(mixed.reshape((count, config.hidden_size))?.to_dtype(DType::F32)?);
            first += count;
        }
        block.o.forward(&Tensor::cat(&out, 0)?)
    }
}

/// 0 where a row sees a position, -inf where it does not: [rows, positions].
fn mask(feed: &Feed<'_>, device: &Device) -> Result<Tensor> {
    let (count, len) = (feed.tokens.len(), feed.at + feed.tokens.len());
    let row = |row: usize| {
        (0..len).map(move |at| {
            if at <= feed.at + row {
                0.0
            } else {
                f32::NEG_INFINITY
            }
        })
    };
    Ok(Tensor::from_vec(
        (0..count).flat_map(row).collect(),
        (count, len),
        device,
    )?)
}

fn activate(x: &Tensor, name: &str) -> Result<Tensor> {
    Ok(match name {
        "relu" => x.relu()?,
        "gelu" => x.gelu_erf()?,
        "gelu_pytorch_tanh" | "gelu_new" => x.gelu()?,
        _ => x.silu()?,
    })
}

impl Predictor for DevicePredictor {
    fn codes(&self) -> usize {
        self.decoder.codes
    }

    fn predict(&mut self, feeds: &[Feed<'_>], scores: &mut Vec<f32>) -> Result<(), PredictError> {
        *scores = self.forward(feeds).map_err(|e| PredictError(e.to_string()))?;
        Ok(())
    }

    fn fork(&mut self, from: usize, to: usize, len: usize) -> Result<(), PredictError> {
        let (Some(source), Some(target)) = (self.lanes.get(from), self.lanes.get(to)) else {
            return Err(PredictError(format!("no lanes {from} and {to}")));
        };
        let len = len.min(source.capacity).min(target.capacity);
        if from == to || len == 0 {
            return Ok(());
        }
        let copy = |from: &Tensor, to: &Tensor| to.slice_set(&from.narrow(1, 0, len)?.contiguous()?, 1, 0);
        for (from, to) in source.planes.iter().zip(&target.planes) {
            copy(&from.0, &to.0)
                .and_then(|()| copy(&from.1, &to.1))
                .map_err(|e| PredictError(crate::model::weights::first_line(&e)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::checkpoint::Safetensors;
    use std::path::Path;

    #[test]
    fn logits_match_the_published_code_in_pieces_and_after_a_fork() {
        for name in ["decoder-mha", "decoder-gqa"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/golden")
                .join(name);
            let config =
                Config::from_json(&std::fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
            let weights = Safetensors::open(&folder.join("model.safetensors")).unwrap();
            let expected = Safetensors::open(&folder.join("expected.safetensors")).unwrap();
            let len = expected.shape("input_ids").unwrap()[1];
            let ids = expected.ids("input_ids").unwrap();
            let logits: Vec<f32> = expected
                .f32("logits", &expected.shape("logits").unwrap())
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1()
                .unwrap();
            let decoder = DeviceDecoder::load(&weights, &config, &Head::Full, None, &Device::Cpu).unwrap();
            let mut predictor = DeviceDecoder::predictor(&Arc::new(decoder), 3, len).unwrap();
            let mut scores = Vec::new();
            let lane = |lane: usize, at: usize, upto: usize| Feed {
                lane,
                at,
                tokens: &ids[lane % 2 * len + at..lane % 2 * len + upto],
                scores_from: 0,
            };
            let half = len / 2;
            predictor
                .predict(&[lane(0, 0, half), lane(1, 0, half)], &mut scores)
                .unwrap();
            // Guesses that were wrong are overwritten.
            let wrong = [3; 4];
            predictor
                .predict(
                    &[Feed {
                        lane: 0,
                        at: half,
                        tokens: &wrong,
                        scores_from: 4,
                    }],
                    &mut scores,
                )
                .unwrap();
            assert!(scores.is_empty());
            predictor.fork(0, 2, half).unwrap();
            predictor
                .predict(
                    &[lane(0, half, len), lane(1, half, len), lane(2, half, len)],
                    &mut scores,
                )
                .unwrap();
            let vocab = config.vocab_size;
            let wanted = |row: usize| &logits[(row * len + half) * vocab..(row + 1) * len * vocab];
            let wanted = [wanted(0), wanted(1), wanted(0)].concat();
            let worst = scores
                .iter()
                .zip(&wanted)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert_eq!(scores.len(), wanted.len());
            assert!(worst <= 2e-4, "{name}: {worst}");
        }
    }
}
