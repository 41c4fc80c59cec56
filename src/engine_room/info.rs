//! What is stored in a picture or a model file, in words and as JSON.

use super::failed;
use crate::model::bundle::{Summary, describe};
use crate::task::Failure;
use crate::{picture, saved_picture};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;

/// What [`info`] answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    pub text: String,
    /// Every setting, and for a picture `"tokens"`: its codes row by row.
    pub json: Value,
}

/// What is stored in `file`: a model, a picture saved by this program or by another one.
///
/// # Errors
/// The file is not there, is no model and no picture with settings, or is damaged.
pub fn info(file: &Path) -> Result<Info, Failure> {
    if file.is_dir() || is_gguf(file) {
        return model_info(file);
    }
    let kept = match saved_picture::read(file) {
        Ok(kept) => kept,
        Err(failure) if picture::holds_record(file) => return Err(failure),
        // Another program's settings are worth showing, too.
        Err(failure) => return foreign_info(file).ok_or(failure),
    };
    let (held, whole) = (kept.codes().len(), kept.grid().codes());
    let (parameters, model) = (kept.parameters(), &kept.settings.model);
    let written = kept.settings.written.as_ref();
    let written =
        written.map(|written| format!("\nown words: {}\nrewritten by: {}", written.own, written.by));
    let text = format!(
        "{parameters}{}\nmodel: {model}, {held} of {whole} tokens",
        written.unwrap_or_default()
    );
    let json = kept.to_json();
    Ok(Info { text, json })
}

/// By content, for a model may have any name.
pub(super) fn is_gguf(file: &Path) -> bool {
    let mut magic = [0; 4];
    let read = std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && &magic == b"GGUF"
}

fn model_info(path: &Path) -> Result<Info, Failure> {
    let Summary {
        card,
        config,
        weights,
        format,
    } = describe(path).map_err(failed)?;
    let tasks: Vec<&str> = card.tasks().iter().map(|trained| trained.task.as_str()).collect();
    let json = json!({
        "model": card.name, "note": card.note, "provenance": card.provenance, "licence": card.licence,
        "format": format, "weights": weights, "layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size, "intermediate_size": config.intermediate_size,
        "heads": config.num_attention_heads, "kv_heads": config.kv_heads(),
        "vocab_size": config.vocab_size, "max_position": config.max_position_embeddings,
        "tasks": card.tasks(), "sampling": card.sampling(),
    });
    let known = |name: &str, value: &Option<String>| match value {
        Some(value) => format!("\n{name}: {value}"),
        None => String::new(),
    };
    let text = format!(
        "{}{}{}{}\ndecoder: {:.3} billion weights ({format}), {} layers of {}, {} positions\ntasks: {}",
        card.name,
        known("note", &card.note),
        known("provenance", &card.provenance),
        known("licence", &card.licence),
        weights as f64 / 1e9,
        config.num_hidden_layers,
        config.hidden_size,
        config.max_position_embeddings,
        if tasks.is_empty() {
            "not told".to_owned()
        } else {
            tasks.join(", ")
        },
    );
    Ok(Info { text, json })
}

/// What another program stored in its picture.
fn foreign_info(file: &Path) -> Option<Info> {
    let found = picture::foreign::settings(file)?;
    let size = found.size.map(|size| size.to_string());
    let json = json!({
        "program": found.program, "prompt": found.prompt, "negative": found.negative,
        "seed": found.seed, "size": size,
    });
    let mut lines = vec![found.prompt];
    lines.extend(found.negative.map(|words| format!("Negative prompt: {words}")));
    lines.extend(found.seed.map(|seed| format!("Seed: {seed}")));
    lines.extend(size.map(|size| format!("Size: {size}")));
    lines.push(format!("saved by {}, no tokens of Lumina Studio", found.program));
    Some(Info {
        text: lines.join("\n"),
        json,
    })
}
