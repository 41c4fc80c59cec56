//! What a model takes of a card's memory, known before a byte of it is read.

use super::cache::positions;
use super::layout::{Layout, MOST_ROWS};
use super::matrix::{Form, Wide};
use super::movq::features::{SCORE_BYTES, STRIP_BYTES, weight_bytes};
use super::table::OTHER_TOKENS;
use crate::model::decoder::config::Config;
use crate::model::movq::MovqConfig;
use crate::model::weights::ModelError;
use crate::pixels::Size;
use crate::task::KvCache;
use candle_core::quantized::GgmlDType;

/// What the driver takes for a program and its kernels.
const DRIVER: u64 = 400 << 20;
/// Both branches of guidance.
const LANES: usize = 2;

/// Bytes of the decoder. `kind`: how a tensor is stored.
pub(in crate::model) fn decoder_bytes(
    config: &Config,
    codes: usize,
    kind: &dyn Fn(&str, &[usize]) -> GgmlDType,
) -> Result<u64, ModelError> {
    let layout = Layout::new(config)?;
    let wide = Wide::of(config);
    let form = |name: &str, shape: [usize; 2]| Form::of(kind(name, &shape), wide, true);
    let bytes = |form: Form, outputs: usize, inputs: usize| {
        let outputs = outputs.next_multiple_of(16);
        form.bytes(outputs, form.planes() * inputs) as u64
    };
    let (hidden, ffn) = (layout.true_hidden, layout.true_between);
    let kv = layout.kv_heads * layout.true_head;
    let mut all = 0;
    for layer in 0..layout.layers {
        let named = |part: &str, shape| form(&format!("model.layers.{layer}.{part}.weight"), shape);
        let qkv = named("self_attn.k_proj", [kv, hidden]);
        all += bytes(qkv, layout.slots() * layout.head, layout.hidden);
        let o = named("self_attn.o_proj", [hidden, hidden]);
        all += bytes(o, layout.hidden, layout.mixed());
        let gate = named("mlp.gate_proj", [ffn, hidden]);
        all += bytes(gate, 2 * layout.between, layout.hidden);
        let down = named("mlp.down_proj", [hidden, ffn]);
        all += bytes(down, layout.hidden, layout.between);
    }
    let head = form(config.head_name(), [config.vocab_size, hidden]);
    all += bytes(head, codes, layout.hidden);
    let table = match kind("model.embed_tokens.weight", &[config.vocab_size, hidden]) {
        GgmlDType::F32 => 4,
        _ => 2,
    };
    all += (table * (codes + OTHER_TOKENS) * layout.hidden) as u64;
    Ok(all + (4 * config.max_position_embeddings * layout.head) as u64 + DRIVER)
}

/// Bytes of a tensor of the image tokenizer.
pub(in crate::model) fn movq_bytes(shape: &[usize]) -> u64 {
    match shape {
        [outs, ins, height, width] => weight_bytes(*outs, *ins, height * width) as u64,
        _ => 4 * shape.iter().product::<usize>() as u64,
    }
}

/// Bytes of what a picture of `tokens` tokens takes while it is drawn.
pub(in crate::model) fn cache_bytes(
    config: &Config,
    codes: usize,
    kv: KvCache,
    tokens: usize,
) -> Result<u64, ModelError> {
    let layout = Layout::new(config)?;
    let of_lane = positions(tokens) * layout.position_bytes(kv);
    // Scores of every row, and distributions of a row of codes and more.
    let scores = 4 * codes * (MOST_ROWS + 256);
    Ok((LANES * of_lane + scores) as u64)
}

/// Bytes of feature maps that are held at once while a picture of `size` is decoded. The most stands at the
/// first block of a resolution: its input, with the channels of the resolution below, and what its
/// first convolution leaves; beside them a strip, and what modulates the norm.
pub(in crate::model) fn decode_bytes(config: &MovqConfig, size: Size) -> u64 {
    let dd = &config.ddconfig;
    let pixels = u64::from(size.width) * u64::from(size.height);
    let cells = pixels >> (2 * (dd.ch_mult.len() - 1));
    let levels = dd.ch_mult.iter().enumerate().map(|(level, outs)| {
        let ins = dd.ch_mult.get(level + 1).unwrap_or(outs);
        let of_level = pixels >> (2 * level);
        let maps = 4 * (dd.ch * (ins + outs)) as u64 * of_level;
        let strip = (4 * (dd.ch * ins) as u64 * of_level).min(STRIP_BYTES as u64 * 5 / 4);
        maps + strip + 8 * (dd.ch * ins) as u64 * cells
    });
    let top = dd.ch * dd.ch_mult.last().copied().unwrap_or(1);
    let attention = 7 * 4 * top as u64 * cells + SCORE_BYTES as u64;
    levels.max().unwrap_or_default().max(attention)
}
