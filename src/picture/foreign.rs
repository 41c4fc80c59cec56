//! Settings that other programs left inside their PNG files: prompt, seed and size.
//!
//! A1111 and its kin write a text `parameters` (prompt, then `key: value` pairs on the last line),
//! SwarmUI a JSON of the same name, ComfyUI its graph as `prompt`, InvokeAI `invokeai_metadata`.
//! All of it is somebody else's data: what is missing or odd is left out, texts over
//! [`LONGEST_TEXT`] are not read at all, and nothing here fails louder than `None`.

mod comfy;
mod facts;

pub use facts::Foreign;

use crate::pixels::Size;
use facts::{LONGEST_SIDE, number, size, words};
use png::{Decoder, Info, Limits};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The texts that hold settings.
const KEYWORDS: [&str; 4] = ["invokeai_metadata", "sd-metadata", "parameters", "prompt"];
/// Most bytes of one text, after decompression.
const LONGEST_TEXT: usize = 1 << 20;
/// Most bytes of all texts of a file, before decompression.
const MOST_TEXT: usize = 8 << 20;
/// Reads the settings of a picture saved by another program; `None` where there are none.
pub fn settings(path: &Path) -> Option<Foreign> {
    let texts = texts(path)?;
    let json = |key: &str| texts.get(key).and_then(|text| parse_json(text));
    if let Some(metadata) = json("invokeai_metadata").or_else(|| json("sd-metadata")) {
        return invoke(&metadata);
    }
    if let Some(text) = texts.get("parameters") {
        return match parse_json(text) {
            Some(parameters) => swarm(&parameters),
            None => webui(text),
        };
    }
    json("prompt").and_then(|graph| comfy::settings(&graph))
}

/// All short enough texts of a PNG by keyword; the first of a keyword counts.
fn texts(path: &Path) -> Option<HashMap<String, String>> {
    let file = BufReader::new(File::open(path).ok()?);
    let mut reader = Decoder::new_with_limits(file, Limits { bytes: MOST_TEXT })
        .read_info()
        .ok()?;
    // Texts may stand behind the pixels too, which then have to be read over; a file cut off
    // there still has those before them.
    if !has_settings(reader.info()) {
        let _ = reader.finish();
    }
    let info = reader.info();
    let mut texts = HashMap::new();
    let mut keep = |keyword: &str, text: String| {
        if text.len() <= LONGEST_TEXT {
            texts.entry(keyword.to_owned()).or_insert(text);
        }
    };
    for chunk in &info.utf8_text {
        let mut chunk = chunk.clone();
        if chunk.decompress_text_with_limit(LONGEST_TEXT).is_ok()
            && let Ok(text) = chunk.get_text()
        {
            keep(&chunk.keyword, text);
        }
    }
    for chunk in &info.uncompressed_latin1_text {
        keep(&chunk.keyword, mended(&chunk.text));
    }
    for chunk in &info.compressed_latin1_text {
        let mut chunk = chunk.clone();
        if chunk.decompress_text_with_limit(LONGEST_TEXT).is_ok()
            && let Ok(text) = chunk.get_text()
        {
            keep(&chunk.keyword, mended(&text));
        }
    }
    Some(texts)
}

fn has_settings(info: &Info<'_>) -> bool {
    let utf8 = info.utf8_text.iter().map(|chunk| &chunk.keyword);
    let latin = info.uncompressed_latin1_text.iter().map(|chunk| &chunk.keyword);
    let packed = info.compressed_latin1_text.iter().map(|chunk| &chunk.keyword);
    utf8.chain(latin)
        .chain(packed)
        .any(|keyword| KEYWORDS.contains(&keyword.as_str()))
}

/// These chunks are Latin-1 by the book, but many programs write UTF-8 into them.
fn mended(latin: &str) -> String {
    let bytes: Option<Vec<u8>> = latin.chars().map(|c| u8::try_from(c).ok()).collect();
    let utf8 = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    utf8.unwrap_or_else(|| latin.to_owned())
}

/// A JSON object. Python writes `NaN`, which is none: such a text is read with `null` instead.
fn parse_json(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let parsed = serde_json::from_str(text).or_else(|_| serde_json::from_str(&text.replace("NaN", "null")));
    parsed.ok().filter(Value::is_object)
}

fn swarm(parameters: &Value) -> Option<Foreign> {
    let image = parameters.get("sui_image_params")?;
    Some(Foreign {
        prompt: words(&image["prompt"]).unwrap_or_default(),
        negative: words(&image["negativeprompt"]),
        seed: number(&image["seed"]),
        size: size(&image["width"], &image["height"]),
        program: "SwarmUI".to_owned(),
    })
}

/// Today's flat metadata, or `sd-metadata` of version 2 with everything below `image`.
fn invoke(metadata: &Value) -> Option<Foreign> {
    let image = metadata.get("image").unwrap_or(metadata);
    let prompt = words(&image["positive_prompt"])
        .or_else(|| words(&image["prompt"]))
        .or_else(|| words(&image["prompt"][0]["prompt"]));
    let found = Foreign {
        prompt: prompt.unwrap_or_default(),
        negative: words(&image["negative_prompt"]),
        seed: number(&image["seed"]),
        size: size(&image["width"], &image["height"]),
        program: "InvokeAI".to_owned(),
    };
    (!found.prompt.is_empty() || found.seed.is_some()).then_some(found)
}

/// The format of A1111: prompt lines, `Negative prompt:` lines, pairs on the last line.
fn webui(text: &str) -> Option<Foreign> {
    let mut lines: Vec<&str> = text.trim().lines().collect();
    let facts = pairs(lines.last()?);
    // As A1111 itself reads it: fewer than three pairs are words of the prompt.
    let facts = if facts.len() >= 3 {
        lines.pop();
        facts
    } else {
        HashMap::new()
    };
    let turn = lines.iter().position(|line| line.starts_with("Negative prompt:"));
    let (wanted, unwanted) = lines.split_at(turn.unwrap_or(lines.len()));
    let negative = unwanted.join("\n");
    let negative = negative
        .strip_prefix("Negative prompt:")
        .unwrap_or_default()
        .trim();
    let found = Foreign {
        prompt: wanted.join("\n").trim().to_owned(),
        negative: (!negative.is_empty()).then(|| negative.to_owned()),
        seed: facts.get("Seed").and_then(|seed| seed.parse().ok()),
        size: facts
            .get("Size")
            .and_then(|size| size.parse().ok())
            .filter(|size: &Size| u64::from(size.width.max(size.height)) <= LONGEST_SIDE),
        program: program(&facts),
    };
    (!facts.is_empty() || !found.prompt.is_empty()).then_some(found)
}

/// The kin of A1111 sign with their version, or with their name.
fn program(facts: &HashMap<String, String>) -> String {
    let fact = |key: &str| facts.get(key).map(String::as_str);
    let named = ["Fooocus", "ComfyUI", "stable-diffusion.cpp", "Lumina Studio"];
    match (fact("App"), fact("Version")) {
        (Some(app), _) => app.to_owned(),
        (None, Some(version)) => match named.iter().find(|name| version.contains(*name)) {
            Some(name) => (*name).to_owned(),
            None if version.starts_with('f') => "Forge".to_owned(),
            None => "A1111".to_owned(),
        },
        (None, None) => "A1111".to_owned(),
    }
}

/// `Key: value` pairs between commas; a value in quotes may hold commas.
fn pairs(line: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut rest = line.trim();
    while let Some((key, after)) = rest.split_once(':') {
        let key = key.trim();
        let wording = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '/');
        if key.len() < 2 || !key.chars().all(wording) {
            // Not a pair: go on behind the next comma.
            match rest.split_once(',') {
                Some((_, after)) => rest = after,
                None => break,
            }
            continue;
        }
        let after = after.trim_start();
        let (value, next) = match quoted(after) {
            Some((value, next)) => (value, next),
            None => {
                let (value, next) = after.split_once(',').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        found.insert(key.to_owned(), value);
        rest = next.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// The text in quotes that `text` begins with, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &inside[at + 1..])),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests;
