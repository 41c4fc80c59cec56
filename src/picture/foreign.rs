//! Settings that other programs left inside their pictures: prompt, seed and size.
//!
//! A1111 and its kin write a text `parameters` (prompt, then `key: value` pairs from the line with
//! `Steps:` on), SwarmUI and Fooocus a JSON of the same name, ComfyUI its graph as `prompt`, InvokeAI
//! `invokeai_metadata`, NovelAI a `Comment`. PNG has chunks for them, JPEG and WebP the EXIF.
//! All of it is somebody else's data: what is missing or odd is left out, texts over
//! [`LONGEST_TEXT`] are not read at all, and nothing here fails louder than `None`.

mod comfy;
mod exif;
mod facts;
mod json;

pub use facts::Foreign;

use super::texts::{self, Budget};
use crate::pixels::Size;
use facts::{LONGEST_SIDE, number, size, words};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The texts that hold settings, or say whose they are.
const KEYWORDS: [&str; 8] = [
    "invokeai_metadata",
    "sd-metadata",
    "parameters",
    "prompt",
    "workflow",
    "Comment",
    "Description",
    "Software",
];
/// Most bytes of one text, after decompression.
const LONGEST_TEXT: usize = 1 << 20;
/// Most bytes of all texts of a file, before decompression.
const MOST_TEXT: usize = 8 << 20;

/// Reads the settings of a picture saved by another program; `None` where there are none.
pub fn settings(path: &Path) -> Option<Foreign> {
    let texts = texts(path);
    let json = |key: &str| texts.get(key).and_then(|text| json::object(text));
    if let Some(metadata) = json("invokeai_metadata").or_else(|| json("sd-metadata")) {
        return invoke(&metadata);
    }
    if let Some(text) = texts.get("parameters") {
        return match json::object(text) {
            Some(parameters) => json::settings(&parameters),
            None => webui(text),
        };
    }
    if let Some(found) = json("prompt").and_then(|graph| comfy::settings(&graph)) {
        return Some(found);
    }
    if let Some(found) = json("Comment").and_then(|comment| json::settings(&comment)) {
        return Some(found);
    }
    // Its plan alone does not say what was put into it.
    json("workflow").map(|_| Foreign {
        program: "ComfyUI, with its workflow but without the prompt it was run with".to_owned(),
        ..Foreign::default()
    })
}

/// All short enough texts by keyword; the first of a keyword counts.
fn texts(path: &Path) -> HashMap<String, String> {
    let budget = Budget {
        stored: MOST_TEXT,
        text: LONGEST_TEXT,
        unpacked: LONGEST_TEXT,
    };
    let of_png = |file| texts::of_png(BufReader::new(file), &KEYWORDS, &budget).ok();
    let found = File::open(path).ok().and_then(of_png).unwrap_or_default();
    let mut texts: HashMap<String, String> = found
        .into_iter()
        .filter_map(|(keyword, text)| Some((keyword, text.ok()?)))
        .collect();
    if texts.is_empty() {
        let found = exif::texts(path).into_iter();
        texts.extend(found.filter(|(_, text)| text.len() <= LONGEST_TEXT));
    }
    texts
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

/// The format of A1111: prompt lines, `Negative prompt:` lines, pairs from `Steps:` on, which may
/// hold lines of their own.
fn webui(text: &str) -> Option<Foreign> {
    let mut lines: Vec<&str> = text.trim().lines().collect();
    let begins = |line: &&str| {
        let steps = line.trim_start().strip_prefix("Steps:");
        steps.is_some_and(|steps| steps.trim_start().starts_with(|c: char| c.is_ascii_digit()))
    };
    let first = lines.iter().position(begins);
    let first = first.unwrap_or(lines.len().checked_sub(1)?);
    let facts = pairs(&lines[first..].join("\n"));
    // As A1111 itself reads it: fewer than three pairs are words of the prompt.
    let facts = if facts.len() >= 3 {
        lines.truncate(first);
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

/// `Key: value` pairs between commas, the first of a key; a value in quotes or brackets may hold
/// commas.
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
        let (value, next) = match quoted(after).or_else(|| bracketed(after)) {
            Some((value, next)) => (value, next),
            None => {
                let (value, next) = after.split_once(',').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        found.entry(key.to_owned()).or_insert(value);
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

/// The JSON that `text` begins with, and what follows it.
fn bracketed(text: &str) -> Option<(String, &str)> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let (mut depth, mut is_inside, mut is_escaped) = (0u32, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_inside => is_escaped = true,
            '"' => is_inside = !is_inside,
            '{' | '[' if !is_inside => depth += 1,
            '}' | ']' if !is_inside => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (value, rest) = text.split_at(at + c.len_utf8());
            return Some((value.to_owned(), rest));
        }
    }
    None
}

#[cfg(test)]
mod tests;
