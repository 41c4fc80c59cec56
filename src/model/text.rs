//! Text to token ids with the checkpoint's own tokenizer.

use super::decoder::config::Config;
use super::weights::ModelError;
use crate::token::Alphabet;
use serde_json::Value;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokenizers::Tokenizer;

/// A text may become this many times longer before it is split; each step of a normalizer may make it
/// longer, and steps multiply.
const LONGEST_GROWTH: f64 = 1000.0;

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

/// The library that reads tokenizers panics at some damaged ones.
fn contained<T>(work: impl FnOnce() -> Result<T, ModelError>) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(wrong(
            "it is damaged, for its library fails at it: get the original file",
        ))
    })
}

/// How many times longer a step of a tokenizer may make a text.
fn growth(step: &Value) -> f64 {
    let length = |field: &str| step[field].as_str().map_or(0, str::len) as f64;
    match step["type"].as_str() {
        Some("Sequence") => {
            let steps = ["normalizers", "decoders"]
                .into_iter()
                .flat_map(|name| step[name].as_array());
            steps.flatten().map(growth).product()
        }
        Some("Replace") => match step["pattern"]["String"].as_str() {
            Some(pattern) => (length("content") / pattern.len().max(1) as f64).max(1.0),
            // It may match between any two characters.
            None => 1.0 + length("content"),
        },
        Some("Prepend") => 1.0 + length("prepend"),
        _ => 1.0,
    }
}

/// Reads one of the small files beside a tokenizer.
fn json_of(name: &str, text: &str) -> Result<Value, ModelError> {
    serde_json::from_str(text).map_err(|e| wrong(format!("{name}: {e}")))
}

impl Text {
    /// The tokenizer that these files describe.
    ///
    /// # Errors
    /// None of them describes one, one is damaged, or its parts take more memory than a tokenizer may.
    pub fn new(files: &TokenizerFiles) -> Result<Self, ModelError> {
        let mut specials = HashMap::new();
        let plain = if let Some(text) = &files.tokenizer {
            let json: serde_json::Map<String, Value> = serde_json::from_str(text).map_err(wrong)?;
            let mut json = Value::Object(json);
            if let Some(added) = json.get_mut("added_tokens").map(Value::take) {
                for token in added.as_array().into_iter().flatten() {
                    let id = token["id"].as_u64().and_then(|id| u32::try_from(id).ok());
                    if let (Some(name), Some(id)) = (token["content"].as_str(), id) {
                        specials.insert(name.to_owned(), id);
                    }
                }
            }
            json["added_tokens"] = Value::Array(Vec::new());
            json["post_processor"] = Value::Null;
            json["truncation"] = Value::Null;
            json["padding"] = Value::Null;
            if growth(&json["normalizer"]) * growth(&json["decoder"]) > LONGEST_GROWTH {
                return Err(wrong(
                    "it makes texts longer without bounds: get the original file",
                ));
            }
            contained(|| Tokenizer::from_bytes(json.to_string().as_bytes()).map_err(wrong))?
        } else if let (Some(vocab), Some(merges)) = (&files.vocab, &files.merges) {
            if let Some(added) = &files.added_tokens {
                specials =
                    serde_json::from_str(added).map_err(|e| wrong(format!("added_tokens.json: {e}")))?;
            }
            from_vocab(vocab, merges, Splitting::of(files, merges))?
        } else {
            return Err(wrong(
                "neither tokenizer.json nor vocab.json with merges.txt is in the folder",
            ));
        };
        let config = match &files.tokenizer_config {
            Some(text) => json_of("tokenizer_config.json", text)?,
            None => Value::Null,
        };
        let map = match &files.special_tokens_map {
            Some(text) => json_of("special_tokens_map.json", text)?,
            None => Value::Null,
        };
        // Newer checkpoints say it here, some of them only here.
        for (id, token) in config["added_tokens_decoder"].as_object().into_iter().flatten() {
            if let (Ok(id), Some(name)) = (id.parse(), token["content"].as_str()) {
                specials.entry(name.to_owned()).or_insert(id);
            }
        }
        let id = |name: &str| specials.get(name).copied().or_else(|| plain.token_to_id(name));
        let named = |key: &str| {
            [&config, &map].into_iter().find_map(|json| {
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
    ///
    /// # Errors
    /// A token that pictures are told with is missing.
    pub fn alphabet(&self, config: &Config) -> Result<Alphabet, ModelError> {
        Ok(Alphabet::by_name(
            |name| self.id(name),
            self.first,
            config.code_ids(),
        )?)
    }

    /// Ids of a text, specials not parsed.
    ///
    /// # Errors
    /// The tokenizer fails at this text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        contained(|| Ok(self.plain.encode(text, false).map_err(wrong)?.get_ids().to_vec()))
    }

    /// The text of ids; those that are no text (specials, picture codes) leave nothing.
    ///
    /// # Errors
    /// The tokenizer fails at these ids.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        contained(|| self.plain.decode(ids, false).map_err(wrong))
    }

    /// A conversation's turns as a prompt: first token, then every turn closed by the separator.
    ///
    /// # Errors
    /// The tokenizer fails at one of the turns.
    pub fn prompt(&self, alphabet: &Alphabet, turns: &[&str]) -> Result<Vec<u32>, ModelError> {
        let mut ids = vec![alphabet.first];
        for turn in turns {
            ids.extend(self.encode(turn)?);
            ids.push(alphabet.separator);
        }
        Ok(ids)
    }
}

/// How a text is split before its pieces are merged: `merges.txt` does not say it.
#[derive(Clone, Copy, PartialEq)]
enum Splitting {
    /// As Qwen2 does, the family of the published models: every digit by itself.
    Digits,
    /// As GPT-2 does: numbers stay whole.
    Numbers,
}

impl Splitting {
    /// The tokenizer's class says it; else the merges do, for one that joins two digits is never
    /// of use where every digit stands by itself.
    fn of(files: &TokenizerFiles, merges: &str) -> Self {
        let class = files.tokenizer_config.as_deref().and_then(|text| {
            let json: Value = serde_json::from_str(text).ok()?;
            json["tokenizer_class"].as_str().map(str::to_owned)
        });
        let class = class.unwrap_or_default();
        let digit = |c: Option<char>| c.is_some_and(char::is_numeric);
        let joins_digits = |line: &str| {
            line.split_once(' ')
                .is_some_and(|(left, right)| digit(left.chars().last()) && digit(right.chars().next()))
        };
        match (class.starts_with("Qwen"), class.starts_with("GPT2")) {
            (true, _) => Self::Digits,
            (_, true) => Self::Numbers,
            _ if merges.lines().any(joins_digits) => Self::Numbers,
            _ => Self::Digits,
        }
    }
}

/// A byte-level BPE from `vocab.json` and `merges.txt`.
fn from_vocab(vocab: &str, merges: &str, splitting: Splitting) -> Result<Tokenizer, ModelError> {
    let vocab: Value = serde_json::from_str(vocab).map_err(wrong)?;
    let merges: Vec<&str> = merges
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("#version"))
        .collect();
    let split = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let level = |uses_regex: bool| {
        serde_json::json!({"type": "ByteLevel", "add_prefix_space": false,
            "trim_offsets": false, "use_regex": uses_regex})
    };
    let (normalizer, pre_tokenizer) = match splitting {
        Splitting::Digits => (
            serde_json::json!({"type": "NFC"}),
            serde_json::json!({"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": split}, "behavior": "Isolated", "invert": false},
                level(false)]}),
        ),
        Splitting::Numbers => (Value::Null, level(true)),
    };
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
        "post_processor": null, "decoder": level(false),
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": merges}
    });
    contained(|| Tokenizer::from_bytes(json.to_string().as_bytes()).map_err(wrong))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bundle::tokenizer_files;
    use std::path::Path;

    fn starter() -> TokenizerFiles {
        tokenizer_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/starter")).unwrap()
    }

    fn alphabet(text: &Text) -> Alphabet {
        Alphabet::by_name(|name| text.id(name), text.first, (768..1792).collect()).unwrap()
    }

    /// The same tokenizer as the three older files.
    fn in_three_files() -> TokenizerFiles {
        let whole = starter();
        let json: Value = serde_json::from_str(whole.tokenizer.as_deref().unwrap()).unwrap();
        let pairs = json["model"]["merges"].as_array().unwrap().iter();
        let line = |pair: &Value| format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        let added = json["added_tokens"].as_array().unwrap().iter();
        let added: serde_json::Map<String, Value> = added
            .map(|token| (token["content"].as_str().unwrap().to_owned(), token["id"].clone()))
            .collect();
        TokenizerFiles {
            tokenizer: None,
            vocab: Some(json["model"]["vocab"].to_string()),
            merges: Some(format!(
                "#version: 0.2\n{}\n",
                pairs.map(line).collect::<Vec<_>>().join("\n")
            )),
            added_tokens: Some(Value::Object(added).to_string()),
            ..whole
        }
    }

    const TEXTS: [&str; 7] = [
        "",
        "a cat on a blue background",
        "Generate an image of 128x128 according to the following prompt:\na cat",
        "where the <lower half> displays a <canny edge map>, 1024x768;  two  spaces\n\n end ",
        "Ein Bär, 熊, \u{1f98a}, e\u{301}; don't",
        "<|endoftext|>",
        "<reserved08706><racm3:break> <eoss>",
    ];

    #[test]
    fn a_conversation_is_the_first_token_and_every_turn_closed_by_the_separator() {
        let text = Text::new(&starter()).unwrap();
        let alphabet = alphabet(&text);
        // tokenizer_config.json has no bos: eos comes first.
        assert_eq!(Some(alphabet.first), text.id("<|endoftext|>"));
        assert_eq!(Some(alphabet.separator), text.id("<reserved08706>"));
        let turns = ["a cat", "", "make it a fox: 128x128"];
        let mut wanted = vec![alphabet.first];
        for turn in turns {
            wanted.extend(text.encode(turn).unwrap());
            wanted.push(alphabet.separator);
        }
        assert_eq!(text.prompt(&alphabet, &turns).unwrap(), wanted);
        assert_eq!(text.prompt(&alphabet, &[]).unwrap(), [alphabet.first]);
        // Turns are encoded by themselves: no merge reaches over a separator.
        let parts = wanted.split(|id| *id == alphabet.separator);
        let parts: Vec<String> = parts.map(|ids| text.decode(ids).unwrap()).collect();
        assert_eq!(parts, ["a cat", "", "make it a fox: 128x128", ""]);
    }

    #[test]
    fn names_of_special_tokens_in_a_text_are_text() {
        let text = Text::new(&starter()).unwrap();
        let specials: Vec<u32> = text.specials.values().copied().collect();
        for typed in TEXTS {
            let ids = text.encode(typed).unwrap();
            assert!(ids.iter().all(|id| !specials.contains(id)), "{typed}");
            assert_eq!(text.decode(&ids).unwrap(), typed);
        }
        assert!(text.encode("<|endoftext|>").unwrap().len() > 1);
    }

    #[test]
    fn the_older_files_give_the_same_ids() {
        let (one, three) = (
            Text::new(&starter()).unwrap(),
            Text::new(&in_three_files()).unwrap(),
        );
        assert_eq!(alphabet(&one), alphabet(&three));
        for typed in TEXTS {
            assert_eq!(
                one.encode(typed).unwrap(),
                three.encode(typed).unwrap(),
                "{typed}"
            );
        }
    }

    /// Newer checkpoints name their special tokens in `tokenizer_config.json` alone.
    #[test]
    fn special_tokens_may_stand_in_the_configuration_alone() {
        let mut files = in_three_files();
        let added: serde_json::Map<String, Value> =
            serde_json::from_str(&files.added_tokens.take().unwrap()).unwrap();
        assert!(Text::new(&files).is_err());
        let decoder: serde_json::Map<String, Value> = added
            .into_iter()
            .map(|(name, id)| {
                (
                    id.to_string(),
                    serde_json::json!({ "content": name, "special": true }),
                )
            })
            .collect();
        let config = serde_json::json!({ "eos_token": "<|endoftext|>", "added_tokens_decoder": decoder });
        files.tokenizer_config = Some(config.to_string());
        let (one, here) = (Text::new(&starter()).unwrap(), Text::new(&files).unwrap());
        assert_eq!(alphabet(&one), alphabet(&here));
    }

    fn with_normalizer(normalizer: &Value) -> Result<Text, ModelError> {
        let mut files = starter();
        let mut json: Value = serde_json::from_str(files.tokenizer.as_deref().unwrap()).unwrap();
        json["normalizer"] = normalizer.clone();
        files.tokenizer = Some(json.to_string());
        Text::new(&files)
    }

    #[test]
    fn a_tokenizer_that_fails_or_fills_the_memory_is_an_error() {
        // A table of characters that leads beyond its own end.
        let damaged = serde_json::json!({"type": "Precompiled", "precompiled_charsmap": "BAAAAAAEAAAA"});
        let text = with_normalizer(&damaged).and_then(|text| text.encode("a cat"));
        assert!(text.is_err_and(|e| e.to_string().contains("tokenizer")));
        let double = serde_json::json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"});
        let doubles = |count: usize| {
            let steps = vec![double.clone(); count];
            serde_json::json!({"type": "Sequence", "normalizers": steps})
        };
        assert!(with_normalizer(&doubles(3)).is_ok());
        let refused = with_normalizer(&doubles(40)).err().unwrap().to_string();
        assert!(refused.contains("without bounds"), "{refused}");
    }

    #[test]
    fn a_damaged_file_beside_the_tokenizer_is_named() {
        let files = TokenizerFiles {
            tokenizer_config: Some("{".to_owned()),
            ..starter()
        };
        let why = Text::new(&files).err().unwrap().to_string();
        assert!(why.contains("tokenizer_config.json"), "{why}");
    }

    #[test]
    fn the_class_of_a_tokenizer_decides_how_numbers_are_split() {
        let of = |class: &str| {
            let files = TokenizerFiles {
                tokenizer_config: Some(serde_json::json!({ "tokenizer_class": class }).to_string()),
                ..TokenizerFiles::default()
            };
            Splitting::of(&files, "1 2\n12 8") == Splitting::Digits
        };
        assert!(of("Qwen2Tokenizer"));
        assert!(!of("GPT2Tokenizer"));
        assert!(!of("ChameleonTokenizer"));
        let unknown = TokenizerFiles::default();
        assert!(Splitting::of(&unknown, "a b\n\u{120} 1") == Splitting::Digits);
    }
}
