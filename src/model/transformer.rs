//! The decoder on a CPU: config -> weights -> block -> attention, in reading order.
//!
//! Rows of all lanes go through every matrix together; only attention is done lane by lane, over
//! that lane's own [`Cache`]. The cache is addressed by position, so overwriting is all there is
//! to rolling back. Activations are f32; matrices are whatever candle's kernels multiply.

use super::config::Config;
use super::weights::{ModelError, Quant, Stored, Weights};
use crate::decode::{Feed, PredictError, Predictor};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};
use rayon::prelude::*;
use std::sync::Arc;

/// A matrix [out, in] and its optional bias.
struct Linear {
    matrix: Matrix,
    bias: Option<Vec<f32>>,
    outs: usize,
}

/// Rows of weights in blocks. All formats, f32 too, go through candle's dot products of one row
/// with one column, so that a row's result does not depend on what else is in the batch: that is
/// what makes a seed one picture for every window.
struct Matrix(Arc<QTensor>);

impl Matrix {
    fn new(stored: Stored, quant: Option<Quant>) -> Result<Self, ModelError> {
        let kept = match (stored, quant) {
            (Stored::Quantized(tensor), None) => return Ok(Self(tensor)),
            (Stored::Quantized(tensor), Some(_)) => tensor.dequantize(&Device::Cpu)?,
            (Stored::Plain(tensor), _) => tensor,
        };
        let columns = kept.dims().last().copied().unwrap_or(0);
        let wanted = match (quant, kept.dtype()) {
            (Some(quant), _) => quant.ggml(),
            (None, DType::F16) => GgmlDType::F16,
            (None, DType::BF16) => GgmlDType::BF16,
            (None, _) => GgmlDType::F32,
        };
        let wanted = match wanted {
            GgmlDType::Q4K if !columns.is_multiple_of(256) => GgmlDType::Q8_0,
            other => other,
        };
        let wanted = match wanted {
            GgmlDType::Q8_0 if !columns.is_multiple_of(32) => GgmlDType::F16,
            other => other,
        };
        Ok(Self(Arc::new(QTensor::quantize(&kept.to_dtype(DType::F32)?, wanted)?)))
    }

    /// [rows, in] -> [rows, out].
    fn forward(&self, input: Vec<f32>, columns: usize) -> candle_core::Result<Vec<f32>> {
        let shape = Shape::from((input.len() / columns, columns));
        let (out, _) = self.0.cpu_fwd(&CpuStorage::F32(input), &Layout::contiguous(shape))?;
        match out {
            CpuStorage::F32(values) => Ok(values),
            _ => candle_core::bail!("a product of f32 rows came back in another type"),
        }
    }
}

impl Linear {
    fn load(
        weights: &dyn Weights,
        name: &str,
        (outs, ins): (usize, usize),
        has_bias: bool,
        quant: Option<Quant>,
    ) -> Result<Self, ModelError> {
        let matrix = Matrix::new(weights.stored_as(&format!("{name}.weight"), &[outs, ins])?, quant)?;
        let bias = has_bias.then(|| vector(weights, &format!("{name}.bias"), &[outs])).transpose()?;
        Ok(Self { matrix, bias, outs })
    }

    fn forward(&self, input: &[f32], rows: usize) -> candle_core::Result<Vec<f32>> {
        let mut out = self.matrix.forward(input.to_vec(), input.len() / rows)?;
        if let Some(bias) = &self.bias {
            for row in out.chunks_exact_mut(self.outs) {
                add(row, bias);
            }
        }
        Ok(out)
    }
}

fn vector(weights: &dyn Weights, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
    Ok(weights.f32(name, shape)?.flatten_all()?.to_vec1()?)
}

fn add(to: &mut [f32], from: &[f32]) {
    for (a, b) in to.iter_mut().zip(from) {
        *a += b;
    }
}

/// LayerNorm over head_dim; one weight and bias row serves `heads / model_parallel_size` heads.
struct HeadNorm {
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

    fn apply(&self, x: &mut [f32], head: usize) {
        let len = x.len();
        let row = head / self.heads_per_row * len;
        let mean = x.iter().sum::<f32>() / len as f32;
        let variance = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / len as f32;
        let scale = 1.0 / (variance + 1e-5).sqrt();
        for ((v, w), b) in x.iter_mut().zip(&self.weight[row..]).zip(&self.bias[row..]) {
            *v = (*v - mean) * scale * w + b;
        }
    }
}

/// RMSNorm of each row: x / sqrt(mean(x^2) + eps) * weight.
fn rms_norm(x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    let mut out = x.to_vec();
    for row in out.chunks_exact_mut(weight.len()) {
        let mean = row.iter().map(|v| v * v).sum::<f32>() / weight.len() as f32;
        let scale = 1.0 / (mean + eps).sqrt();
        for (v, w) in row.iter_mut().zip(weight) {
            *v = *v * scale * w;
        }
    }
    out
}

/// Cosines and sines of every position, half a head long.
struct Rope {
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
}

impl Rope {
    fn new(config: &Config) -> Self {
        let half = config.head_dim() / 2;
        // Dynamic scaling changes nothing up to max_position, which is never exceeded here.
        let stretch = match &config.rope_scaling {
            Some(scaling) if scaling.kind == "linear" => scaling.factor,
            _ => 1.0,
        };
        let frequency = |i: usize| 1.0 / config.rope_theta.powf(2.0 * i as f32 / (2 * half) as f32);
        let angles = |at: usize| (0..half).map(move |i| at as f32 / stretch * frequency(i));
        let all: Vec<f32> = (0..config.max_position_embeddings).flat_map(angles).collect();
        Self { cos: all.iter().map(|a| a.cos()).collect(), sin: all.iter().map(|a| a.sin()).collect(), half }
    }

    /// Half-split ("rotate half") rotation of one head at position `at`.
    fn apply(&self, x: &mut [f32], at: usize) {
        let table = at * self.half..(at + 1) * self.half;
        let (low, high) = x.split_at_mut(self.half);
        for (((a, b), cos), sin) in low.iter_mut().zip(high).zip(&self.cos[table.clone()]).zip(&self.sin[table]) {
            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
        }
    }
}

struct Block {
    input_norm: Vec<f32>,
    post_norm: Vec<f32>,
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    q_norm: HeadNorm,
    k_norm: HeadNorm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl Block {
    fn load(weights: &dyn Weights, config: &Config, layer: usize, quant: Option<Quant>) -> Result<Self, ModelError> {
        let (hidden, ffn) = (config.hidden_size, config.intermediate_size);
        let kv = config.kv_heads() * config.head_dim();
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let linear = |part: &str, shape, bias| Linear::load(weights, &name(part), shape, bias, quant);
        let (bias, mlp_bias) = (config.attention_bias, config.mlp_bias);
        Ok(Self {
            input_norm: vector(weights, &name("input_layernorm.weight"), &[hidden])?,
            post_norm: vector(weights, &name("post_attention_layernorm.weight"), &[hidden])?,
            q: linear("self_attn.q_proj", (hidden, hidden), bias)?,
            k: linear("self_attn.k_proj", (kv, hidden), bias)?,
            v: linear("self_attn.v_proj", (kv, hidden), bias)?,
            o: linear("self_attn.o_proj", (hidden, hidden), bias)?,
            q_norm: HeadNorm::load(weights, &name("self_attn.q_norm"), config, config.num_attention_heads)?,
            k_norm: HeadNorm::load(weights, &name("self_attn.k_norm"), config, config.kv_heads())?,
            gate: linear("mlp.gate_proj", (ffn, hidden), mlp_bias)?,
            up: linear("mlp.up_proj", (ffn, hidden), mlp_bias)?,
            down: linear("mlp.down_proj", (hidden, ffn), mlp_bias)?,
        })
    }
}

/// A loaded decoder; shared by every task drawn with it.
pub struct Decoder {
    config: Config,
    embedding: Stored,
    blocks: Vec<Block>,
    norm: Vec<f32>,
    /// The rows of the head that are asked for.
    head: Linear,
    rope: Rope,
}

/// Decoders of fewer weights than this are held in f32 if they are stored in a half type.
const WIDEN_BELOW: usize = 1 << 30;

/// Which rows of the head a decoder computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// Every token of the vocabulary.
    Full,
    /// The picture codes only.
    Codes(std::ops::Range<u32>),
}

impl Decoder {
    /// Loads a decoder; `quant` brings its matrices to another format than the stored one.
    pub fn load(weights: &dyn Weights, config: &Config, head: &Head, quant: Option<Quant>) -> Result<Self, ModelError> {
        let shape = [config.vocab_size, config.hidden_size];
        let quant = quant.or(Self::widened(weights, config)?);
        let embedding = weights.stored_as("model.embed_tokens.weight", &shape)?;
        let head_name = if config.tie_word_embeddings { "model.embed_tokens.weight" } else { "lm_head.weight" };
        let stored = weights.stored_as(head_name, &shape)?;
        let rows = match head {
            Head::Full => 0..config.vocab_size,
            Head::Codes(ids) if (ids.end as usize) <= config.vocab_size => ids.start as usize..ids.end as usize,
            Head::Codes(ids) => {
                return Err(ModelError::Config(format!(
                    "the picture codes {ids:?} lie outside the vocabulary of {}: this model can be verified, not drawn with",
                    config.vocab_size
                )));
            }
        };
        let head_rows = rows_of(&stored, rows.clone())?;
        let blocks = (0..config.num_hidden_layers)
            .map(|layer| Block::load(weights, config, layer, quant))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            embedding,
            blocks,
            norm: vector(weights, "model.norm.weight", &[config.hidden_size])?,
            head: Linear { matrix: Matrix::new(head_rows, quant)?, bias: None, outs: rows.len() },
            rope: Rope::new(config),
            config: config.clone(),
        })
    }

    /// Half types are widened where there is room: candle's products of half types round the
    /// activations too.
    fn widened(weights: &dyn Weights, config: &Config) -> Result<Option<Quant>, ModelError> {
        let count: usize = config.tensors().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        let first = config.tensors().into_iter().find(|(name, _)| name.contains("_proj.weight"));
        Ok(match first {
            Some((name, shape)) if count < WIDEN_BELOW => match weights.stored_as(&name, &shape)? {
                Stored::Plain(_) => Some(Quant::F32),
                Stored::Quantized(_) => None,
            },
            _ => None,
        })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A predictor with `lanes` lanes that can each hold `capacity` tokens. Its cache is
    /// allocated here, once.
    pub fn predictor(self: &Arc<Self>, lanes: usize, capacity: usize) -> Result<CpuPredictor, ModelError> {
        if capacity > self.config.max_position_embeddings {
            return Err(ModelError::Config(format!(
                "prompt and picture need {capacity} tokens, this model holds {}: choose a smaller picture or a shorter prompt",
                self.config.max_position_embeddings
            )));
        }
        let width = self.config.kv_heads() * self.config.head_dim();
        let lane = || Cache::new(self.blocks.len(), capacity, width);
        Ok(CpuPredictor { decoder: self.clone(), lanes: (0..lanes).map(|_| lane()).collect() })
    }

    fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        if let Some(id) = tokens.iter().find(|id| **id as usize >= self.config.vocab_size) {
            return Err(ModelError::Config(format!("token {id} is outside the vocabulary of {}", self.config.vocab_size)));
        }
        let ids = Tensor::new(tokens, &Device::Cpu)?;
        let rows = match &self.embedding {
            Stored::Plain(table) => table.index_select(&ids, 0)?.to_dtype(DType::F32)?,
            Stored::Quantized(table) => {
                let mut values = Vec::with_capacity(tokens.len() * self.config.hidden_size);
                for &id in tokens {
                    let row = rows_of(&Stored::Quantized(table.clone()), id as usize..id as usize + 1)?;
                    if let Stored::Quantized(row) = row {
                        values.extend(row.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?);
                    }
                }
                return Ok(values);
            }
        };
        Ok(rows.flatten_all()?.to_vec1()?)
    }
}

/// Rows `rows` of a matrix, in its own format.
fn rows_of(stored: &Stored, rows: std::ops::Range<usize>) -> Result<Stored, ModelError> {
    Ok(match stored {
        Stored::Plain(tensor) => Stored::Plain(tensor.narrow(0, rows.start, rows.len())?.contiguous()?),
        Stored::Quantized(tensor) => {
            let (outs, ins) = tensor.shape().dims2()?;
            let stride = tensor.storage_size_in_bytes() / outs;
            let bytes = tensor.data()?;
            let part = bytes[rows.start * stride..rows.end * stride].to_vec();
            let storage =
                candle_core::quantized::QStorage::from_data(part.into(), &Device::Cpu, tensor.dtype())?;
            Stored::Quantized(Arc::new(QTensor::new(storage, (rows.len(), ins))?))
        }
    })
}

/// Keys and values of one lane: [layer][position][kv_heads * head_dim], allocated once.
struct Cache {
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    capacity: usize,
    width: usize,
}

impl Cache {
    fn new(layers: usize, capacity: usize, width: usize) -> Self {
        let plane = || (0..layers).map(|_| vec![0.0; capacity * width]).collect();
        Self { keys: plane(), values: plane(), capacity, width }
    }
}

/// Runs tokens through a [`Decoder`] on the CPU.
pub struct CpuPredictor {
    decoder: Arc<Decoder>,
    lanes: Vec<Cache>,
}

/// One row of a batch: which lane it belongs to and where it stands there.
#[derive(Clone, Copy)]
struct Place {
    lane: usize,
    at: usize,
}

impl CpuPredictor {
    fn forward(&mut self, feeds: &[Feed<'_>]) -> Result<Vec<f32>, ModelError> {
        let decoder = self.decoder.clone();
        let config = &decoder.config;
        let hidden = config.hidden_size;
        let (mut tokens, mut places, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for feed in feeds {
            let capacity = self.lanes.get(feed.lane).map_or(0, |lane| lane.capacity);
            if feed.at + feed.tokens.len() > capacity {
                return Err(ModelError::Config(format!("lane {} holds {capacity} tokens, not more", feed.lane)));
            }
            for (index, token) in feed.tokens.iter().enumerate() {
                if index >= feed.scores_from {
                    wanted.push(tokens.len());
                }
                tokens.push(*token);
                places.push(Place { lane: feed.lane, at: feed.at + index });
            }
        }
        let rows = tokens.len();
        if rows == 0 {
            return Ok(Vec::new());
        }
        let mut x = decoder.embed(&tokens)?;
        for (layer, block) in decoder.blocks.iter().enumerate() {
            // swin_norm: the two norms come after attention and MLP instead of before.
            let before = |x: &[f32], weight: &[f32]| {
                if config.swin_norm { x.to_vec() } else { rms_norm(x, weight, config.rms_norm_eps) }
            };
            let after = |x: Vec<f32>, weight: &[f32]| {
                if config.swin_norm { rms_norm(&x, weight, config.rms_norm_eps) } else { x }
            };
            let normed = before(&x, &block.input_norm);
            let attended = self.attention(block, layer, &normed, &places)?;
            add(&mut x, &after(attended, &block.input_norm));
            let normed = before(&x, &block.post_norm);
            let mut inner = block.gate.forward(&normed, rows)?;
            let up = block.up.forward(&normed, rows)?;
            activate(&mut inner, &up, &config.hidden_act);
            let out = block.down.forward(&inner, rows)?;
            add(&mut x, &after(out, &block.post_norm));
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let last: Vec<f32> = wanted.iter().flat_map(|row| &x[row * hidden..(row + 1) * hidden]).copied().collect();
        let normed = rms_norm(&last, &decoder.norm, config.rms_norm_eps);
        Ok(decoder.head.forward(&normed, wanted.len())?)
    }

    fn attention(&mut self, block: &Block, layer: usize, x: &[f32], places: &[Place]) -> candle_core::Result<Vec<f32>> {
        let decoder = &self.decoder;
        let config = &decoder.config;
        let rows = places.len();
        let (head_dim, hidden) = (config.head_dim(), config.hidden_size);
        let width = config.kv_heads() * head_dim;
        let mut q = block.q.forward(x, rows)?;
        let mut k = block.k.forward(x, rows)?;
        let v = block.v.forward(x, rows)?;
        for (row, place) in places.iter().enumerate() {
            for (head, x) in q[row * hidden..(row + 1) * hidden].chunks_exact_mut(head_dim).enumerate() {
                block.q_norm.apply(x, head);
                decoder.rope.apply(x, place.at);
            }
            for (head, x) in k[row * width..(row + 1) * width].chunks_exact_mut(head_dim).enumerate() {
                block.k_norm.apply(x, head);
                decoder.rope.apply(x, place.at);
            }
            let lane = &mut self.lanes[place.lane];
            let slot = place.at * width..(place.at + 1) * width;
            lane.keys[layer][slot.clone()].copy_from_slice(&k[row * width..(row + 1) * width]);
            lane.values[layer][slot].copy_from_slice(&v[row * width..(row + 1) * width]);
        }
        let lanes = &self.lanes;
        let group = config.num_attention_heads / config.kv_heads();
        let mut out = vec![0.0; rows * hidden];
        let one = |(index, out): (usize, &mut [f32])| {
            let (row, head) = (index / config.num_attention_heads, index % config.num_attention_heads);
            let lane = &lanes[places[row].lane];
            let q = &q[index * head_dim..(index + 1) * head_dim];
            attend(q, lane, layer, head / group * head_dim, places[row].at + 1, out);
        };
        // Below this many products a thread costs more than it brings.
        let work: usize = places.iter().map(|place| (place.at + 1) * hidden).sum();
        if work < 400_000 {
            out.chunks_exact_mut(head_dim).enumerate().for_each(one);
        } else {
            out.par_chunks_exact_mut(head_dim).enumerate().for_each(one);
        }
        block.o.forward(&out, rows)
    }
}

fn activate(gate: &mut [f32], up: &[f32], name: &str) {
    let cubic = |x: f32| 0.797_884_6 * (x + 0.044_715 * x * x * x);
    for (g, u) in gate.iter_mut().zip(up) {
        let x = *g;
        let y = match name {
            "relu" => x.max(0.0),
            "gelu_pytorch_tanh" | "gelu_new" => 0.5 * x * (1.0 + cubic(x).tanh()),
            "gelu" => 0.5 * x * (1.0 + candle_core::cpu::erf::erf_f32(x * std::f32::consts::FRAC_1_SQRT_2)),
            _ => x / (1.0 + (-x).exp()),
        };
        *g = y * u;
    }
}

/// Dot product in eight independent sums, which the compiler keeps in vector registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// softmax(q k / sqrt(d)) v of one query head over the first `len` positions of a lane.
fn attend(q: &[f32], lane: &Cache, layer: usize, offset: usize, len: usize, out: &mut [f32]) {
    let head_dim = q.len();
    let scale = 1.0 / (head_dim as f32).sqrt();
    let keys = lane.keys[layer].chunks_exact(lane.width).take(len);
    let mut scores: Vec<f32> = keys.map(|row| dot(q, &row[offset..offset + head_dim]) * scale).collect();
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for score in &mut scores {
        *score = (*score - most).exp();
        total += *score;
    }
    let values = lane.values[layer].chunks_exact(lane.width).take(len);
    for (weight, row) in scores.iter().zip(values) {
        for (o, v) in out.iter_mut().zip(&row[offset..offset + head_dim]) {
            *o += weight * v;
        }
    }
    for o in out {
        *o /= total;
    }
}

impl Predictor for CpuPredictor {
    fn codes(&self) -> usize {
        self.decoder.head.outs
    }

    fn predict(&mut self, feeds: &[Feed<'_>], scores: &mut Vec<f32>) -> Result<(), PredictError> {
        *scores = self.forward(feeds).map_err(|e| PredictError(e.to_string()))?;
        Ok(())
    }

    fn fork(&mut self, from: usize, to: usize, len: usize) -> Result<(), PredictError> {
        if from == to {
            return Ok(());
        }
        let [source, target] = self
            .lanes
            .get_disjoint_mut([from, to])
            .map_err(|_| PredictError(format!("no lanes {from} and {to}")))?;
        let count = len.min(source.capacity) * source.width;
        for (from, to) in source.keys.iter().zip(&mut target.keys).chain(source.values.iter().zip(&mut target.values)) {
            to[..count].copy_from_slice(&from[..count]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    struct Loaded(HashMap<String, Tensor>);

    impl Weights for Loaded {
        fn source(&self) -> String {
            "test".to_owned()
        }
        fn names(&self) -> Vec<String> {
            self.0.keys().cloned().collect()
        }
        fn shape(&self, name: &str) -> Option<Vec<usize>> {
            self.0.get(name).map(|t| t.dims().to_vec())
        }
        fn stored(&self, name: &str) -> Result<Stored, ModelError> {
            Ok(Stored::Plain(self.0[name].clone()))
        }
    }

    fn golden(name: &str) -> (Arc<Decoder>, Vec<Vec<u32>>, Vec<Vec<f32>>) {
        let dir = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
        let load = |file: &str| candle_core::safetensors::load(format!("{dir}/{file}"), &Device::Cpu).unwrap();
        let config = Config::from_json(&std::fs::read_to_string(format!("{dir}/config.json")).unwrap()).unwrap();
        let weights = Loaded(load("model.safetensors"));
        let expected = load("expected.safetensors");
        let ids = expected["input_ids"].to_dtype(DType::U32).unwrap().to_vec2().unwrap();
        let logits = expected["logits"].flatten(1, 2).unwrap().to_vec2().unwrap();
        (Arc::new(Decoder::load(&weights, &config, &Head::Full, None).unwrap()), ids, logits)
    }

    fn worst(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn logits_match_the_published_code_in_one_batch() {
        for name in ["decoder-mha", "decoder-gqa"] {
            let (decoder, ids, logits) = golden(name);
            let mut predictor = decoder.predictor(2, ids[0].len()).unwrap();
            let feed = |lane: usize| Feed { lane, at: 0, tokens: &ids[lane], scores_from: 0 };
            let mut scores = Vec::new();
            predictor.predict(&[feed(0), feed(1)], &mut scores).unwrap();
            assert!(worst(&scores, &logits.concat()) <= 2e-4, "{name}");
        }
    }

    #[test]
    fn pieces_and_overwritten_guesses_change_nothing() {
        let (decoder, ids, logits) = golden("decoder-gqa");
        let vocab = decoder.config().vocab_size;
        let mut predictor = decoder.predictor(2, ids[0].len()).unwrap();
        let mut scores = Vec::new();
        let mut at = 0;
        for piece in [1, 7, 2, 16, 5] {
            let guesses = [3u32; 6];
            let room = &guesses[..6.min(ids[0].len() - at)];
            predictor.predict(&[Feed { lane: 0, at, tokens: room, scores_from: 6 }], &mut scores).unwrap();
            let tokens = &ids[0][at..at + piece];
            predictor.predict(&[Feed { lane: 0, at, tokens, scores_from: 0 }], &mut scores).unwrap();
            assert!(worst(&scores, &logits[0][at * vocab..(at + piece) * vocab]) <= 2e-4);
            at += piece;
        }
        predictor.fork(0, 1, at).unwrap();
        let tokens = &ids[0][at..];
        predictor.predict(&[Feed { lane: 1, at, tokens, scores_from: 0 }], &mut scores).unwrap();
        assert!(worst(&scores, &logits[0][at * vocab..]) <= 2e-4);
    }

    #[test]
    fn quantised_matrices_stay_close() {
        for (quant, bound) in [(Quant::Q8_0, 0.4), (Quant::BF16, 0.2)] {
            let dir = format!("{}/tests/golden/decoder-mha", env!("CARGO_MANIFEST_DIR"));
            let weights = Loaded(candle_core::safetensors::load(format!("{dir}/model.safetensors"), &Device::Cpu).unwrap());
            let (exact, ids, logits) = golden("decoder-mha");
            let decoder = Arc::new(Decoder::load(&weights, exact.config(), &Head::Full, Some(quant)).unwrap());
            let mut predictor = decoder.predictor(1, ids[0].len()).unwrap();
            let mut scores = Vec::new();
            predictor.predict(&[Feed { lane: 0, at: 0, tokens: &ids[0], scores_from: 0 }], &mut scores).unwrap();
            let error = worst(&scores, &logits[0]);
            let mean = scores.iter().zip(&logits[0]).map(|(x, y)| (x - y).abs()).sum::<f32>() / scores.len() as f32;
            assert!(error > 1e-5 && error <= bound && mean <= bound / 6.0, "{} {error} {mean}", quant.name());
        }
    }
}
