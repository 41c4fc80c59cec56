//! The decoder on a CPU: config -> weights -> block -> forward, in reading order.
//!
//! Rows of all lanes go through every matrix together; only attention is done lane by lane, over
//! that lane's own [`Cache`]. Activations are f32; matrices are whatever candle's kernels multiply.

use super::config::Config;
use super::kernels::{Activation, add, fast, layer_norm, rms_norm, rotate};
use super::kv_cache::{Cache, Precision, Shape as CacheShape};
use super::matrix::{Form, Linear, Matrix, Sums, rows_of, vector};
use crate::decode::{Feed, PredictError, Predictor};
use crate::model::memory::{DRAWING, affordable, refusal};
use crate::model::weights::{ModelError, Stored, Weights};
use crate::task::Format;
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

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

    #[inline(always)]
    fn apply(&self, x: &mut [f32], head: usize) {
        let row = head / self.heads_per_row * x.len();
        layer_norm(
            x,
            &self.weight[row..row + x.len()],
            &self.bias[row..row + x.len()],
        );
    }
}

/// Cosines and sines of every position, half a head long.
pub(crate) struct Rope {
    pub(crate) cos: Vec<f32>,
    pub(crate) sin: Vec<f32>,
    half: usize,
}

impl Rope {
    pub(crate) fn new(config: &Config) -> Self {
        let half = config.head_dim() / 2;
        // Dynamic scaling changes nothing up to max_position, which is never exceeded here.
        let stretch = match &config.rope_scaling {
            Some(scaling) if scaling.kind == "linear" => scaling.factor,
            _ => 1.0,
        };
        let frequency = |i: usize| 1.0 / config.rope_theta.powf(2.0 * i as f32 / (2 * half) as f32);
        let angles = |at: usize| (0..half).map(move |i| at as f32 / stretch * frequency(i));
        let all: Vec<f32> = (0..config.max_position_embeddings).flat_map(angles).collect();
        Self {
            cos: all.iter().map(|a| a.cos()).collect(),
            sin: all.iter().map(|a| a.sin()).collect(),
            half,
        }
    }

    #[inline(always)]
    fn apply(&self, x: &mut [f32], at: usize) {
        let table = at * self.half..(at + 1) * self.half;
        rotate(x, &self.cos[table.clone()], &self.sin[table]);
    }
}

struct Block {
    input_norm: Vec<f32>,
    post_norm: Vec<f32>,
    /// Rows of q, k and v.
    qkv: Linear,
    o: Linear,
    q_norm: HeadNorm,
    k_norm: HeadNorm,
    /// Rows of gate and up.
    gate_up: Linear,
    down: Linear,
}

impl Block {
    fn load(weights: &dyn Weights, config: &Config, layer: usize, form: Form) -> Result<Self, ModelError> {
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

/// A loaded decoder; shared by every task drawn with it.
pub struct Decoder {
    config: Config,
    embedding: Stored,
    blocks: Vec<Block>,
    norm: Vec<f32>,
    /// The rows of the head that are asked for.
    head: Linear,
    rope: Rope,
    activation: Activation,
    precision: Precision,
}

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

    /// A predictor with `lanes` lanes that can each hold `capacity` tokens. Its cache is
    /// allocated here, once; what the machine cannot give is refused.
    pub(crate) fn predictor(
        self: &Arc<Self>,
        lanes: usize,
        capacity: usize,
    ) -> Result<CpuPredictor, ModelError> {
        let bytes = (lanes * self.lane_bytes(capacity)) as u64;
        affordable(DRAWING, bytes)?;
        let lane = || Cache::new(self.cache_shape(capacity), self.precision);
        let lanes = (0..lanes).map(|_| lane()).collect::<Result<_, _>>();
        Ok(CpuPredictor {
            decoder: self.clone(),
            lanes: lanes.map_err(|_| refusal(DRAWING, bytes))?,
        })
    }

    fn cache_shape(&self, capacity: usize) -> CacheShape {
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

/// Half types are widened where there is room: candle's products of half types round the
/// activations too.
pub(crate) fn widened(weights: &dyn Weights, config: &Config) -> Result<Option<Format>, ModelError> {
    let first = config
        .tensors()
        .into_iter()
        .find(|(name, _)| name.contains("_proj.weight"));
    Ok(match first {
        Some((name, shape)) if config.is_small() => match weights.stored_as(&name, &shape)? {
            Stored::Plain(_) => Some(Format::F32),
            Stored::Quantized(_) => None,
        },
        _ => None,
    })
}

/// Rows of the embedding, one below the other.
pub(crate) fn embed(embedding: &Stored, config: &Config, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
    if let Some(id) = tokens.iter().find(|id| **id as usize >= config.vocab_size) {
        return Err(ModelError::Config(format!(
            "token {id} is outside the vocabulary of {}",
            config.vocab_size
        )));
    }
    let ids = Tensor::new(tokens, &Device::Cpu)?;
    let rows = match embedding {
        Stored::Plain(table) => table.index_select(&ids, 0)?.to_dtype(DType::F32)?,
        Stored::Quantized(table) => table.embedding(&ids)?,
    };
    Ok(rows.flatten_all()?.to_vec1()?)
}

impl Head {
    /// The rows that are asked for, of a vocabulary's.
    pub(crate) fn ids(&self, config: &Config) -> Result<Range<usize>, ModelError> {
        match self {
            Self::Full => Ok(0..config.vocab_size),
            Self::Codes(ids) if (ids.end as usize) <= config.vocab_size => {
                Ok(ids.start as usize..ids.end as usize)
            }
            Self::Codes(ids) => Err(ModelError::Config(format!(
                "the picture codes {ids:?} lie outside the vocabulary of {}: this model can be verified, not drawn with",
                config.vocab_size
            ))),
        }
    }
}

/// The rows of the head that are asked for, and how many they are.
pub(crate) fn head_rows(
    weights: &dyn Weights,
    config: &Config,
    head: &Head,
) -> Result<(Stored, usize), ModelError> {
    let shape = [config.vocab_size, config.hidden_size];
    let rows = head.ids(config)?;
    Ok((
        rows_of(&weights.stored_as(config.head_name(), &shape)?, rows.clone())?,
        rows.len(),
    ))
}

/// Runs tokens through a [`Decoder`] on the CPU.
pub struct CpuPredictor {
    decoder: Arc<Decoder>,
    lanes: Vec<Cache>,
}

/// One row of a batch: which of the forward's lanes it belongs to and where it stands there.
#[derive(Clone, Copy)]
struct Place {
    lane: usize,
    at: usize,
}

/// A lane that takes part in a forward, and what it is fed.
type Fed<'a, 'b> = (Feed<'a>, &'b mut Cache);

impl CpuPredictor {
    fn forward(&mut self, feeds: &[Feed<'_>]) -> Result<Vec<f32>, ModelError> {
        let decoder = &*self.decoder;
        let mut lanes: Vec<Option<&mut Cache>> = self.lanes.iter_mut().map(Some).collect();
        let mut fed: Vec<Fed<'_, '_>> = Vec::with_capacity(feeds.len());
        for feed in feeds {
            let lane = lanes.get_mut(feed.lane).and_then(Option::take);
            let cache = lane.ok_or_else(|| ModelError::Config(format!("lane {} is not free", feed.lane)))?;
            fed.push((*feed, cache));
        }
        // A small decoder is bound by the cost of waiting for threads: each runs lanes of its own,
        // and they meet once a forward. A large one is bound by reading weights: all lanes together.
        let groups = if decoder.head.matrix.is_sharded() {
            1
        } else {
            rayon::current_num_threads().min(fed.len()).max(1)
        };
        let size = fed.len().div_ceil(groups).max(1);
        let parts: Result<Vec<_>, _> = match groups {
            1 => fed.chunks_mut(size).map(|group| decoder.forward(group)).collect(),
            _ => fed
                .par_chunks_mut(size)
                .map(|group| decoder.forward(group))
                .collect(),
        };
        Ok(parts?.concat())
    }
}

impl Decoder {
    /// One batch through all layers.
    fn forward(&self, fed: &mut [Fed<'_, '_>]) -> Result<Vec<f32>, ModelError> {
        let config = &self.config;
        let hidden = config.hidden_size;
        let (mut tokens, mut places, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for (lane, (feed, cache)) in fed.iter().enumerate() {
            let capacity = cache.capacity();
            if feed.at + feed.tokens.len() > capacity {
                return Err(ModelError::Config(format!(
                    "lane {} holds {capacity} tokens, not more",
                    feed.lane
                )));
            }
            for (index, token) in feed.tokens.iter().enumerate() {
                if index >= feed.scores_from {
                    wanted.push(tokens.len());
                }
                tokens.push(*token);
                places.push(Place {
                    lane,
                    at: feed.at + index,
                });
            }
        }
        let rows = tokens.len();
        if rows == 0 {
            return Ok(Vec::new());
        }
        let mut x = embed(&self.embedding, config, &tokens)?;
        let eps = config.rms_norm_eps;
        // swin_norm: the two norms come after attention and MLP instead of before.
        let before = |x: &[f32], weight: &[f32]| {
            if config.swin_norm {
                x.to_vec()
            } else {
                rms_norm(x, weight, eps)
            }
        };
        let after = |x: Vec<f32>, weight: &[f32]| {
            if config.swin_norm {
                rms_norm(&x, weight, eps)
            } else {
                x
            }
        };
        for (layer, block) in self.blocks.iter().enumerate() {
            let normed = before(&x, &block.input_norm);
            let attended = self.attention(block, layer, normed, (&places, fed))?;
            add(&mut x, &after(attended, &block.input_norm));
            let normed = before(&x, &block.post_norm);
            let gate_up = block.gate_up.forward(normed, rows)?;
            let inner = self.activation.gated(&gate_up, config.intermediate_size);
            add(&mut x, &after(block.down.forward(inner, rows)?, &block.post_norm));
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let last: Vec<f32> = wanted
            .iter()
            .flat_map(|row| &x[row * hidden..(row + 1) * hidden])
            .copied()
            .collect();
        let normed = rms_norm(&last, &self.norm, eps);
        Ok(self.head.forward(normed, wanted.len())?)
    }

    fn attention(
        &self,
        block: &Block,
        layer: usize,
        x: Vec<f32>,
        (places, fed): (&[Place], &mut [Fed<'_, '_>]),
    ) -> candle_core::Result<Vec<f32>> {
        let config = &self.config;
        let rows = places.len();
        let (head_dim, hidden) = (config.head_dim(), config.hidden_size);
        let kv = config.kv_heads() * head_dim;
        let mut qkv = block.qkv.forward(x, rows)?;
        fast(
            #[inline(always)]
            || {
                for (row, place) in qkv.chunks_exact_mut(hidden + 2 * kv).zip(places) {
                    let (q, rest) = row.split_at_mut(hidden);
                    for (head, x) in q.chunks_exact_mut(head_dim).enumerate() {
                        block.q_norm.apply(x, head);
                        self.rope.apply(x, place.at);
                    }
                    for (head, x) in rest[..kv].chunks_exact_mut(head_dim).enumerate() {
                        block.k_norm.apply(x, head);
                        self.rope.apply(x, place.at);
                    }
                }
            },
        );
        for (row, place) in qkv.chunks_exact(hidden + 2 * kv).zip(places) {
            fed[place.lane]
                .1
                .write(layer, place.at, row[hidden..].split_at(kv));
        }
        // One piece of work is a lane and a key/value head with the queries that share it.
        let group = config.num_attention_heads / config.kv_heads() * head_dim;
        let per_head = group / head_dim;
        let mut pieces = Vec::new();
        let mut first = 0;
        for of_lane in places.chunk_by(|a, b| a.lane == b.lane) {
            pieces.extend((0..config.kv_heads()).map(|head| (first..first + of_lane.len(), head)));
            first += of_lane.len();
        }
        let fed = &*fed;
        let attend = |(rows, head): &(Range<usize>, usize)| {
            let row = |row: usize| &qkv[row * (hidden + 2 * kv) + head * group..][..group];
            let queries: Vec<f32> = rows.clone().flat_map(row).copied().collect();
            let of_lane = &places[rows.clone()];
            let lens: Vec<usize> = of_lane
                .iter()
                .flat_map(|place| std::iter::repeat_n(place.at + 1, per_head))
                .collect();
            fed[of_lane[0].lane].1.attend((layer, *head), &queries, &lens)
        };
        let work: usize = places.iter().map(|place| (place.at + 1) * hidden).sum();
        let done: Vec<Vec<f32>> = match work < PARALLEL_FROM {
            true => pieces.iter().map(attend).collect(),
            false => pieces.par_iter().map(attend).collect(),
        };
        let mut out = vec![0.0; rows * hidden];
        for ((rows, head), done) in pieces.into_iter().zip(done) {
            for (row, done) in rows.zip(done.chunks_exact(group)) {
                out[row * hidden + head * group..][..group].copy_from_slice(done);
            }
        }
        block.o.forward(out, rows)
    }
}

/// Below this many products attention is done on one thread: waking others costs more.
const PARALLEL_FROM: usize = 4_000_000;

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
        target.copy(source, len);
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
        let load =
            |file: &str| candle_core::safetensors::load(format!("{dir}/{file}"), &Device::Cpu).unwrap();
        let config =
            Config::from_json(&std::fs::read_to_string(format!("{dir}/config.json")).unwrap()).unwrap();
        let weights = Loaded(load("model.safetensors"));
        let expected = load("expected.safetensors");
        let ids = expected["input_ids"]
            .to_dtype(DType::U32)
            .unwrap()
            .to_vec2()
            .unwrap();
        let logits = expected["logits"].flatten(1, 2).unwrap().to_vec2().unwrap();
        (
            Arc::new(Decoder::load(&weights, &config, &Head::Full, None).unwrap()),
            ids,
            logits,
        )
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
            let feed = |lane: usize| Feed {
                lane,
                at: 0,
                tokens: &ids[lane],
                scores_from: 0,
            };
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
            predictor
                .predict(
                    &[Feed {
                        lane: 0,
                        at,
                        tokens: room,
                        scores_from: 6,
                    }],
                    &mut scores,
                )
                .unwrap();
            let tokens = &ids[0][at..at + piece];
            predictor
                .predict(
                    &[Feed {
                        lane: 0,
                        at,
                        tokens,
                        scores_from: 0,
                    }],
                    &mut scores,
                )
                .unwrap();
            assert!(worst(&scores, &logits[0][at * vocab..(at + piece) * vocab]) <= 2e-4);
            at += piece;
        }
        predictor.fork(0, 1, at).unwrap();
        let tokens = &ids[0][at..];
        predictor
            .predict(
                &[Feed {
                    lane: 1,
                    at,
                    tokens,
                    scores_from: 0,
                }],
                &mut scores,
            )
            .unwrap();
        assert!(worst(&scores, &logits[0][at * vocab..]) <= 2e-4);
    }

    #[test]
    fn a_cache_that_no_machine_holds_is_refused_in_words() {
        let (decoder, _, _) = golden("decoder-gqa");
        let refused = decoder.predictor(1 << 40, 256).err().expect("too much");
        let words = refused.to_string();
        assert!(matches!(refused, ModelError::Memory(_)), "{words}");
        assert!(
            words.contains("drawing this picture needs") && words.contains("fewer candidates"),
            "{words}"
        );
    }

    #[test]
    fn quantised_matrices_stay_close() {
        for (quant, bound) in [(Format::Q8_0, 0.4), (Format::Bf16, 0.2)] {
            let dir = format!("{}/tests/golden/decoder-mha", env!("CARGO_MANIFEST_DIR"));
            let weights = Loaded(
                candle_core::safetensors::load(format!("{dir}/model.safetensors"), &Device::Cpu).unwrap(),
            );
            let (exact, ids, logits) = golden("decoder-mha");
            let decoder =
                Arc::new(Decoder::load(&weights, exact.config(), &Head::Full, Some(quant)).unwrap());
            let mut predictor = decoder.predictor(1, ids[0].len()).unwrap();
            let mut scores = Vec::new();
            predictor
                .predict(
                    &[Feed {
                        lane: 0,
                        at: 0,
                        tokens: &ids[0],
                        scores_from: 0,
                    }],
                    &mut scores,
                )
                .unwrap();
            let error = worst(&scores, &logits[0]);
            let mean = scores
                .iter()
                .zip(&logits[0])
                .map(|(x, y)| (x - y).abs())
                .sum::<f32>()
                / scores.len() as f32;
            assert!(
                error > 1e-5 && error <= bound && mean <= bound / 6.0,
                "{} {error} {mean}",
                quant.name()
            );
        }
    }
}
