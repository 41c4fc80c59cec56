//! A loaded language model: its header held to bounds, its tokenizer, and one token after the other.
//!
//! The file is somebody's. What its header says is checked before memory is taken for it, and a library that gives
//! up on what is left ends the rewrite, not the program.

use super::super::ask::Talk;
use super::super::chat::{ENDS, Marks, Piece};
use super::super::error::WriterError;
use super::super::grammar::Grammar;
use super::tokens::{Spelling, likeliest};
use crate::model::memory;
use crate::model::weights::{files, gguf_header};
use crate::task::{Cause, gigabytes};
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen3};
use std::fs::File;
use std::io::{BufReader, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use tokenizers::Tokenizer;

/// Families of models, as their files name them.
pub(super) const FAMILIES: [&str; 2] = ["qwen3", "llama"];
/// Positions that are used, of question and answer together.
const MOST_POSITIONS: u32 = 4096;
/// Tokens of a question that are read at once: between two such steps it can be stopped. More than one, for a
/// single one is taken for a part of the answer by candle's Qwen 3.
const AT_ONCE: usize = 16;

/// What an answer is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing: the likeliest token each time, to an end mark.
    Free,
    /// A scene, as [`Grammar`] has it.
    Scene,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// As the model chose them; without the mark at the end.
    pub tokens: Vec<u32>,
    /// Of a scene: whole, for what was missing is added.
    pub text: String,
}

enum Weights {
    Qwen3(quantized_qwen3::ModelWeights),
    Llama(quantized_llama::ModelWeights),
}

/// A model that can be asked.
pub struct LocalModel {
    file: String,
    weights: Weights,
    tokenizer: Tokenizer,
    spelling: Spelling,
    marks: Option<Marks>,
    ends: Vec<u32>,
    /// Of question and answer together.
    positions: usize,
}

/// Makes the error of a file.
fn wrong(file: &str, why: impl std::fmt::Display) -> WriterError {
    let why = why.to_string();
    WriterError::Model {
        file: file.to_owned(),
        why: why.lines().next().unwrap_or_default().to_owned(),
        cause: Cause::Unknown,
    }
}

/// What a library panics with becomes an error of the file.
fn contained<T>(file: &str, work: impl FnOnce() -> Result<T, WriterError>) -> Result<T, WriterError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(wrong(file, "its parts do not fit together: fetch it again")))
}

fn number(content: &Content, key: &str) -> Result<u32, String> {
    let value = content
        .metadata
        .get(key)
        .ok_or_else(|| format!("it names no {key}"))?;
    value.to_u32().map_err(|_| format!("its {key} is no number"))
}

fn texts(content: &Content, key: &str) -> Result<Vec<String>, String> {
    let list = content.metadata.get(key).and_then(|value| value.to_vec().ok());
    let list = list.ok_or_else(|| format!("it has no {key}"))?;
    let texts = list.iter().map(|text| text.to_string().cloned());
    texts
        .collect::<Result<_, _>>()
        .map_err(|_| format!("its {key} are no texts"))
}

/// Kinds of tokens; without a kind each is an ordinary one.
fn kinds(content: &Content) -> Vec<u32> {
    let list = content.metadata.get("tokenizer.ggml.token_type");
    let list = list
        .and_then(|value| value.to_vec().ok())
        .cloned()
        .unwrap_or_default();
    let kind = |value: &Value| match value {
        Value::I32(kind) => u32::try_from(*kind).unwrap_or(0),
        value => value.to_u32().unwrap_or(1),
    };
    list.iter().map(kind).collect()
}

/// Holds the sizes in a header to what such models have, and to what is needed of them here; how many positions there
/// are then.
fn bounded(content: &mut Content, family: &str) -> Result<usize, String> {
    let of = |key: &str| format!("{family}.{key}");
    let within = |content: &Content, key: &str, most: u32| {
        let found = number(content, &of(key))?;
        match (1..=most).contains(&found) {
            true => Ok(found),
            false => Err(format!("its {} is {found}, which no such model has", of(key))),
        }
    };
    within(content, "block_count", 512)?;
    let width = within(content, "embedding_length", 1 << 16)?;
    let heads = within(content, "attention.head_count", 1024)?;
    let shared = within(content, "attention.head_count_kv", 1024)?;
    if heads % shared != 0 {
        return Err("its heads cannot be shared out".to_owned());
    }
    let side = match family {
        "qwen3" => within(content, "attention.key_length", 1024)?,
        _ => within(content, "rope.dimension_count", 1024)?,
    };
    if side % 2 != 0 || (family == "llama" && width != side * heads) {
        return Err("its heads have an odd size".to_owned());
    }
    let positions = within(content, "context_length", u32::MAX)?.min(MOST_POSITIONS);
    if family == "qwen3" {
        let mut set = |key: String, value: u32| content.metadata.insert(key, Value::U32(value));
        set(of("context_length"), positions);
        // Angles in full precision: half of it tells neighbouring words apart no more from a few hundred on.
        set("general.dtype".to_owned(), 0);
    }
    Ok(positions as usize)
}

/// Bytes the loaded model takes beside its file: words are held in full precision.
fn beside(content: &Content) -> u64 {
    let words = content.tensor_infos.get("token_embd.weight");
    words.map_or(0, |words| {
        let numbers = words.shape.dims().iter().map(|side| *side as u64);
        numbers.fold(4, u64::saturating_mul)
    })
}

impl LocalModel {
    /// Reads a model of the Qwen 3 or Llama family.
    ///
    /// # Errors
    /// There is no such file, it is another one or damaged, or the memory does not hold it.
    pub fn open(path: &Path) -> Result<Self, WriterError> {
        let name = path.display().to_string();
        let io = |error: std::io::Error| WriterError::Model {
            file: name.clone(),
            why: match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => error.to_string(),
            },
            cause: Cause::of_io(&error),
        };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if let Ok(Some(why)) = files::stand_in_at(path) {
            return Err(wrong(&name, why));
        }
        let mut reader = BufReader::new(file);
        let wrong = |why: &dyn std::fmt::Display| wrong(&name, why);
        gguf_header::check(&mut reader).map_err(|why| wrong(&format!("it is no readable GGUF, {why}")))?;
        reader.rewind().map_err(io)?;
        contained(&name, || {
            let content = Content::read(&mut reader).map_err(|why| wrong(&why))?;
            Self::of(name.clone(), content, length, &mut reader)
        })
    }

    fn of(
        file: String,
        mut content: Content,
        length: u64,
        reader: &mut BufReader<File>,
    ) -> Result<Self, WriterError> {
        let wrong = |why: &dyn std::fmt::Display| wrong(&file, why);
        let family = content.metadata.get("general.architecture");
        let family = family
            .and_then(|family| family.to_string().ok())
            .cloned()
            .unwrap_or_default();
        if !FAMILIES.contains(&family.as_str()) {
            return Err(wrong(&format!(
                "its family is `{family}`, those that can be used are {}",
                FAMILIES.join(" and ")
            )));
        }
        let positions = bounded(&mut content, &family).map_err(|why| wrong(&why))?;
        let needed = length.saturating_add(beside(&content));
        if let Some(free) = memory::free_bytes().filter(|free| *free < needed) {
            return Err(wrong(&format!(
                "it needs {} of memory, {} are free: close something, or choose a smaller one",
                gigabytes(needed),
                gigabytes(free)
            )));
        }
        let mut tokenizer = Tokenizer::from_gguf(&content).map_err(|why| wrong(&why))?;
        // What people say is never taken for a mark.
        tokenizer.set_encode_special_tokens(true);
        let tokens = texts(&content, "tokenizer.ggml.tokens").map_err(|why| wrong(&why))?;
        let spelling = Spelling::of(&tokens, &kinds(&content));
        let marks = Marks::of(&|mark| tokenizer.token_to_id(mark).is_some());
        let end = number(&content, "tokenizer.ggml.eos_token_id").ok();
        let known = ENDS.iter().filter_map(|mark| tokenizer.token_to_id(mark));
        let ends = known.chain(end).collect();
        let device = Device::Cpu;
        let weights = match family.as_str() {
            "qwen3" => quantized_qwen3::ModelWeights::from_gguf(content, reader, &device).map(Weights::Qwen3),
            _ => quantized_llama::ModelWeights::from_gguf(content, reader, &device).map(Weights::Llama),
        };
        let weights = weights.map_err(|why| wrong(&why))?;
        Ok(Self {
            file,
            weights,
            tokenizer,
            spelling,
            marks,
            ends,
            positions,
        })
    }

    /// The tokens of words, in which no mark is seen.
    ///
    /// # Errors
    /// The tokenizer cannot spell them.
    pub fn tokens_of(&self, words: &str) -> Result<Vec<u32>, WriterError> {
        let encoded = self.tokenizer.encode(words, false);
        let encoded = encoded.map_err(|why| wrong(&self.file, why))?;
        Ok(encoded.get_ids().to_vec())
    }

    /// A talk as its family has it.
    pub(in crate::writer) fn talk(&self, talk: &Talk) -> Result<Vec<u32>, WriterError> {
        let marks = self.marks.ok_or_else(|| {
            wrong(
                &self.file,
                "its tokenizer has no marks of a talk: choose a model made for talking, an `Instruct` one",
            )
        })?;
        let mut tokens = Vec::new();
        for piece in marks.pieces(talk) {
            match piece {
                // One that it does not know is none of its family's habits.
                Piece::Mark(mark) => tokens.extend(self.tokenizer.token_to_id(mark)),
                Piece::Words(words) => tokens.extend(self.tokens_of(&words)?),
            }
        }
        Ok(tokens)
    }

    /// The model's answer to a question, at most so many tokens of it; the likeliest that `rule` allows each time.
    /// `go_on` is called between tokens with how many there are, and ends it by an error.
    ///
    /// # Errors
    /// That of `go_on`; the question is too long, or the model breaks.
    pub fn say(
        &mut self,
        question: &[u32],
        rule: Rule,
        most: usize,
        go_on: &mut dyn FnMut(usize) -> Result<(), WriterError>,
    ) -> Result<Said, WriterError> {
        if question.is_empty() || question.len() + most > self.positions {
            return Err(wrong(
                &self.file,
                format!("a question of {} tokens is too long for it", question.len()),
            ));
        }
        match &mut self.weights {
            Weights::Qwen3(weights) => weights.clear_kv_cache(),
            Weights::Llama(weights) => weights.clear_kv_cache(),
        }
        let (mut scores, mut position) = (Vec::new(), 0);
        for tokens in question.chunks(AT_ONCE) {
            go_on(0)?;
            scores = self.forward(tokens, position)?;
            position += tokens.len();
        }
        let (mut tokens, mut bytes, mut grammar) = (Vec::new(), Vec::new(), Grammar::new());
        while tokens.len() < most {
            let token = match rule {
                Rule::Free => Some(likeliest(&scores)).filter(|token| !self.ends.contains(token)),
                Rule::Scene => self.spelling.choose(&scores, grammar).map(|(token, further)| {
                    grammar = further;
                    token
                }),
            };
            let Some(token) = token else { break };
            tokens.push(token);
            bytes.extend_from_slice(self.spelling.bytes(token));
            if (rule == Rule::Scene && grammar.is_whole()) || tokens.len() == most {
                break;
            }
            go_on(tokens.len())?;
            scores = self.forward(&[token], position)?;
            position += 1;
        }
        if rule == Rule::Scene {
            bytes.extend(grammar.closing());
        }
        Ok(Said {
            tokens,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    /// A score for each token of the vocabulary, of what follows these tokens at `position`.
    fn forward(&mut self, tokens: &[u32], position: usize) -> Result<Vec<f32>, WriterError> {
        let weights = &mut self.weights;
        contained(&self.file, || {
            let scores = Tensor::new(tokens, &Device::Cpu)
                .and_then(|tokens| tokens.unsqueeze(0))
                .and_then(|tokens| match weights {
                    Weights::Qwen3(weights) => weights.forward(&tokens, position),
                    Weights::Llama(weights) => weights.forward(&tokens, position),
                })
                .and_then(|scores| scores.flatten_all()?.to_vec1::<f32>());
            scores.map_err(|why| wrong(&self.file, why))
        })
    }
}
