//! Tiny language models in the form of real ones, made here: random weights, a byte-level vocabulary, two layers.

use candle_core::quantized::gguf_file::{Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use std::fs::File;
use std::path::Path;

const WIDTH: usize = 32;
const HEADS: usize = 2;
const SHARED: usize = 1;
const HEAD: usize = 16;
const INNER: usize = 64;
const LAYERS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Qwen3,
    Llama,
}

/// What a model is like.
#[derive(Debug, Clone, Copy)]
pub struct Tiny<'a> {
    pub family: Family,
    pub seed: u64,
    /// It says this, in one token, whatever it is asked.
    pub says: Option<&'a str>,
}

/// The character that spells a byte in such vocabularies.
fn spelt(byte: u8) -> char {
    let is_shown = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    match is_shown(byte) {
        true => char::from(byte),
        false => {
            let before = (0..byte).filter(|byte| !is_shown(*byte)).count() as u32;
            char::from_u32(0x100 + before).expect("a character")
        }
    }
}

fn spell(text: &str) -> String {
    text.bytes().map(spelt).collect()
}

/// Tokens and their kinds: 1 is an ordinary one, 3 a mark.
fn vocabulary(tiny: &Tiny<'_>) -> (Vec<String>, Vec<i32>) {
    let marks: &[&str] = match tiny.family {
        Family::Qwen3 => &[
            "<|im_start|>",
            "<|im_end|>",
            "<|endoftext|>",
            "<think>",
            "</think>",
        ],
        Family::Llama => &[
            "<|begin_of_text|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
            "<|end_of_text|>",
        ],
    };
    let mut tokens: Vec<String> = (0..=255).map(|byte| spelt(byte).to_string()).collect();
    tokens.extend(["fo", "fox", " a", "\"n", "{\"", "\":", "\":\""].map(spell));
    tokens.extend(tiny.says.map(spell));
    let mut kinds = vec![1; tokens.len()];
    tokens.extend(marks.iter().map(|mark| (*mark).to_owned()));
    kinds.resize(tokens.len(), 3);
    (tokens, kinds)
}

struct Dice(u64);

impl Dice {
    /// Numbers around 0, mostly within 1.
    fn next(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..4 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            sum += (self.0 >> 40) as f32 / (1 << 24) as f32 - 0.5;
        }
        sum
    }
}

/// Writes a model.
pub fn make(path: &Path, tiny: &Tiny<'_>) {
    let (tokens, kinds) = vocabulary(tiny);
    let mut dice = Dice(tiny.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let is_parrot = tiny.says.is_some();
    let mut tensors: Vec<(String, QTensor)> = Vec::new();
    let mut add = |name: String, shape: &[usize], numbers: Vec<f32>| {
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu).expect("a tensor");
        let kind = if shape.len() == 1 {
            GgmlDType::F32
        } else {
            GgmlDType::Q8_0
        };
        tensors.push((name, QTensor::quantize(&tensor, kind).expect("a tensor")));
    };
    let mut random =
        |count: usize, scale: f32| -> Vec<f32> { (0..count).map(|_| scale * dice.next()).collect() };
    // One that always says the same has a first coordinate that stands above all, in words and in its answer's row.
    let mut words = random(tokens.len() * WIDTH, 1.0);
    let mut head = random(tokens.len() * WIDTH, 1.0);
    if is_parrot {
        for row in words.chunks_mut(WIDTH) {
            row[0] = 50.0;
        }
        let said = tokens.len() - 6;
        for (token, row) in head.chunks_mut(WIDTH).enumerate() {
            row[0] = if token == said { 50.0 } else { 0.0 };
        }
    }
    add("token_embd.weight".to_owned(), &[tokens.len(), WIDTH], words);
    add("output.weight".to_owned(), &[tokens.len(), WIDTH], head);
    add("output_norm.weight".to_owned(), &[WIDTH], vec![1.0; WIDTH]);
    let out = if is_parrot { 0.0 } else { 0.4 };
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        for norm in ["attn_norm", "ffn_norm"] {
            add(name(norm), &[WIDTH], vec![1.0; WIDTH]);
        }
        if tiny.family == Family::Qwen3 {
            for norm in ["attn_q_norm", "attn_k_norm"] {
                add(name(norm), &[HEAD], vec![1.0; HEAD]);
            }
        }
        for (part, rows, columns, scale) in [
            ("attn_q", HEADS * HEAD, WIDTH, 0.4),
            ("attn_k", SHARED * HEAD, WIDTH, 0.4),
            ("attn_v", SHARED * HEAD, WIDTH, 0.4),
            ("attn_output", WIDTH, HEADS * HEAD, out),
            ("ffn_gate", INNER, WIDTH, 0.4),
            ("ffn_up", INNER, WIDTH, 0.4),
            ("ffn_down", WIDTH, INNER, out),
        ] {
            let numbers = random(rows * columns, scale);
            add(name(part), &[rows, columns], numbers);
        }
    }
    let family = match tiny.family {
        Family::Qwen3 => "qwen3",
        Family::Llama => "llama",
    };
    let text = |text: &str| Value::String(text.to_owned());
    let number = |number: usize| Value::U32(number as u32);
    let texts = |texts: &[String]| Value::Array(texts.iter().map(|one| text(one)).collect());
    let end = tokens
        .iter()
        .position(|token| token == "<|im_end|>" || token == "<|eot_id|>");
    let merges = ["f o", "fo x", "\u{120} a"].map(str::to_owned);
    let mut about = vec![
        ("general.architecture".to_owned(), text(family)),
        // Single precision, for candle's own loop as for the program.
        ("general.dtype".to_owned(), number(0)),
        ("tokenizer.ggml.model".to_owned(), text("gpt2")),
        (
            "tokenizer.ggml.pre".to_owned(),
            text(if family == "llama" { "llama3" } else { "qwen2" }),
        ),
        ("tokenizer.ggml.tokens".to_owned(), texts(&tokens)),
        (
            "tokenizer.ggml.token_type".to_owned(),
            Value::Array(kinds.into_iter().map(Value::I32).collect()),
        ),
        ("tokenizer.ggml.merges".to_owned(), texts(&merges)),
        (
            "tokenizer.ggml.eos_token_id".to_owned(),
            number(end.expect("an end")),
        ),
    ];
    for (key, value) in [
        ("block_count", number(LAYERS)),
        ("embedding_length", number(WIDTH)),
        ("context_length", number(2048)),
        ("attention.head_count", number(HEADS)),
        ("attention.head_count_kv", number(SHARED)),
        ("attention.key_length", number(HEAD)),
        ("attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ("rope.dimension_count", number(HEAD)),
        ("rope.freq_base", Value::F32(10_000.0)),
    ] {
        about.push((format!("{family}.{key}"), value));
    }
    let about: Vec<(&str, &Value)> = about.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let mut file = File::create(path).expect("a file");
    write(&mut file, &about, &tensors).expect("a model");
}
