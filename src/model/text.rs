//! Text to token ids with the checkpoint's own tokenizer.

use super::config::Config;
use super::weights::ModelError;
use crate::token::Alphabet;
use serde_json::Value;
use std::collections::HashMap;
use tokenizers::Tokenizer;

/// The tokenizer files of a checkpoint, as text.
#[derive(Debug, Clone, Default)]
pub struct TokenizerFiles {
    pub tokenizer: Option<String>,
    pub vocab: Option<String>,
    pub merges: Option<String>,
    pub added_tokens: Option<String>,
    pub tokenizer_config: Option<String>,
    pub special_tokens_map: Option<String>,
}

/// Encodes prompts. Special tokens are known by name only: their names in a user's text are text.
pub struct Text {
    plain: Tokenizer,
    specials: HashMap<String, u32>,
    first: u32,
}

fn wrong(why: impl std::fmt::Display) -> ModelError {
    ModelError::Config(format!("tokenizer: {why}"))
}

impl Text {
    pub fn new(files: &TokenizerFiles) -> Result<Self, ModelError> {
        let mut specials = HashMap::new();
        let plain = if let Some(text) = &files.tokenizer {
            let mut json: Value = serde_json::from_str(text).map_err(wrong)?;
            if let Some(added) = json.get_mut("added_tokens").map(Value::take) {
                for token in added.as_array().into_iter().flatten() {
                    if let (Some(name), Some(id)) = (token["content"].as_str(), token["id"].as_u64()) {
                        specials.insert(name.to_owned(), id as u32);
                    }
                }
            }
            json["added_tokens"] = Value::Array(Vec::new());
            json["post_processor"] = Value::Null;
            json["truncation"] = Value::Null;
            json["padding"] = Value::Null;
            Tokenizer::from_bytes(json.to_string().as_bytes()).map_err(wrong)?
        } else if let (Some(vocab), Some(merges)) = (&files.vocab, &files.merges) {
            if let Some(added) = &files.added_tokens {
                specials = serde_json::from_str(added).map_err(wrong)?;
            }
            from_vocab(vocab, merges)?
        } else {
            return Err(wrong(
                "neither tokenizer.json nor vocab.json with merges.txt is in the folder",
            ));
        };
        let id = |name: &str| specials.get(name).copied().or_else(|| plain.token_to_id(name));
        let named = |key: &str| {
            [&files.tokenizer_config, &files.special_tokens_map]
                .into_iter()
                .flatten()
                .find_map(|text| {
                    let json: Value = serde_json::from_str(text).ok()?;
                    let token = &json[key];
                    token
                        .as_str()
                        .or_else(|| token["content"].as_str())
                        .map(str::to_owned)
                })
        };
        let name = named("bos_token")
            .or_else(|| named("eos_token"))
            .ok_or_else(|| wrong("tokenizer_config.json names neither bos_token nor eos_token"))?;
        let first = id(&name).ok_or_else(|| wrong(format!("it has no token `{name}`")))?;
        Ok(Self {
            plain,
            first,
            specials,
        })
    }

    pub fn id(&self, name: &str) -> Option<u32> {
        self.specials
            .get(name)
            .copied()
            .or_else(|| self.plain.token_to_id(name))
    }

    /// The alphabet of pictures in this vocabulary.
    pub fn alphabet(&self, config: &Config) -> Result<Alphabet, ModelError> {
        Ok(Alphabet::by_name(
            |name| self.id(name),
            self.first,
            config.code_ids(),
        )?)
    }

    /// Ids of a text, specials not parsed.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        Ok(self.plain.encode(text, false).map_err(wrong)?.get_ids().to_vec())
    }

    /// A conversation's turns as a prompt: first token, then every turn closed by the separator.
    pub fn prompt(&self, alphabet: &Alphabet, turns: &[&str]) -> Result<Vec<u32>, ModelError> {
        let mut ids = vec![alphabet.first];
        for turn in turns {
            ids.extend(self.encode(turn)?);
            ids.push(alphabet.separator);
        }
        Ok(ids)
    }
}

/// A byte-level BPE from `vocab.json` and `merges.txt`, split as GPT-4-style tokenizers of this
/// family are.
fn from_vocab(vocab: &str, merges: &str) -> Result<Tokenizer, ModelError> {
    let vocab: Value = serde_json::from_str(vocab).map_err(wrong)?;
    let merges: Vec<&str> = merges
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("#version"))
        .collect();
    let split = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": split}, "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": merges}
    });
    Tokenizer::from_bytes(json.to_string().as_bytes()).map_err(wrong)
}
