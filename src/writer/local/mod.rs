//! A writer on this machine: a language model of the Qwen 3 or Llama family in one `.gguf` file.

mod model;
mod tokens;

pub use model::{LocalModel, Rule, Said};
pub use tokens::Spelling;

use self::model::FAMILIES;
use super::Writer;
use super::ask::{Talk, Until, twice, words};
use super::error::WriterError;
use crate::model::weights::gguf_header;
use crate::task::{Cancel, Rewritten, WriterChoice};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most tokens of one answer.
const MOST_TOKENS: usize = 700;
/// Tokens between two words about how far it is.
const TOLD_EVERY: usize = 16;

/// Whether a file is a language model of a known family. Reads no more of it than it must.
pub(super) fn is_writer(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // One part of several cannot be used.
    if name.contains("-of-") {
        return false;
    }
    let family = File::open(path).ok().and_then(|file| {
        let reader = BufReader::new(file);
        gguf_header::text_of(reader, "general.architecture")
    });
    family.is_some_and(|family| FAMILIES.contains(&family.as_str()))
}

/// Writes by a model that is loaded for each rewrite, and leaves memory after it.
#[derive(Debug, Clone)]
pub struct Local {
    path: PathBuf,
    time: Duration,
}

impl Local {
    /// A model in a file; loading and both answers together take no longer than `time`, but for a step under way.
    pub fn new(path: &Path, time: Duration) -> Self {
        Self {
            path: path.to_owned(),
            time,
        }
    }
}

impl Writer for Local {
    fn write(
        &mut self,
        own: &str,
        cancel: &Cancel,
        told: &mut dyn FnMut(&str),
    ) -> Result<Rewritten, WriterError> {
        words(own)?;
        let until = Until::from_now(self.time, cancel);
        let choice = WriterChoice::Local {
            path: self.path.clone(),
        };
        let by = choice.title();
        until.go_on(&by)?;
        told(&format!("loading {by}"));
        let mut model = LocalModel::open(&self.path)?;
        let mut answer_to = |talk: &Talk, told: &mut dyn FnMut(&str)| {
            let prompt = model.talk(talk)?;
            told(&format!("{by} reads {} tokens", prompt.len()));
            let mut go_on = |tokens: usize| {
                if tokens > 0 && tokens.is_multiple_of(TOLD_EVERY) {
                    told(&format!("{by} writes: {tokens} tokens"));
                }
                until.go_on(&by)
            };
            let said = model.say(&prompt, Rule::Scene, MOST_TOKENS, &mut go_on)?;
            Ok(said.text)
        };
        twice(own, &by, &until, told, &mut answer_to)
    }
}
