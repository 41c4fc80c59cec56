//! Settings that are one JSON object, whoever wrote it.

use super::comfy;
use super::facts::{Foreign, number, size, sizes_in, words};
use serde_json::Value;

/// A JSON object. Python writes `NaN` and `Infinity`, which are none: they are read as `null`.
pub(super) fn object(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let parsed = serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_nan(text)));
    parsed.ok().filter(Value::is_object)
}

/// The text with what only Python takes for a number replaced, outside its strings.
fn without_nan(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((string, after)) = string(rest) {
            found.push_str(string);
            rest = after;
            continue;
        }
        let number = ["-Infinity", "Infinity", "NaN"].into_iter();
        match number.filter_map(|number| rest.strip_prefix(number)).next() {
            Some(after) => {
                found.push_str("null");
                rest = after;
            }
            None => {
                found.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    found
}

/// The string that a text begins with, quotes included, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut is_escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(text.split_at(at + 2)),
            _ => {}
        }
    }
    Some((text, ""))
}

/// The settings in an object; its keys tell whose it is.
pub(super) fn settings(object: &Value) -> Option<Foreign> {
    let has = |key: &str| object.get(key).is_some();
    if let Some(image) = object.get("sui_image_params") {
        return Some(Foreign {
            prompt: words(&image["prompt"]).unwrap_or_default(),
            negative: words(&image["negativeprompt"]),
            seed: number(&image["seed"]),
            size: size(&image["width"], &image["height"]),
            program: "SwarmUI".to_owned(),
        });
    }
    // In a WebP, NovelAI's texts stand together in one.
    let comment = object.get("Comment").and_then(Value::as_str);
    if let Some(found) = comment
        .and_then(self::object)
        .and_then(|comment| settings(&comment))
    {
        return Some(found);
    }
    let is_graph = |node: &Value| node.get("class_type").is_some();
    if object
        .as_object()
        .is_some_and(|nodes| nodes.values().any(is_graph))
    {
        return comfy::settings(object);
    }
    let first = |keys: &[&str]| {
        keys.iter()
            .map(|key| &object[*key])
            .find(|value| !value.is_null())
    };
    let text = |keys: &[&str]| first(keys).and_then(words);
    let told = first(&["resolution", "Resolution", "size"]).and_then(words);
    let program = match () {
        () if has("uc") || has("v4_prompt") => "NovelAI",
        () if has("metadata_scheme") || has("base_model") || has("Base Model") => "Fooocus",
        () => "another program",
    };
    let prompt = text(&["prompt", "Prompt", "c"]);
    let negative = text(&["negative_prompt", "Negative Prompt", "uc", "negativePrompt"]);
    let found = Foreign {
        prompt: captions(&object["v4_prompt"]).or(prompt).unwrap_or_default(),
        negative: captions(&object["v4_negative_prompt"]).or(negative),
        seed: first(&["seed", "Seed"]).and_then(number),
        size: size(&object["width"], &object["height"]).or_else(|| sizes_in(&told?)),
        program: program.to_owned(),
    };
    (!found.prompt.is_empty() || found.seed.is_some()).then_some(found)
}

/// What NovelAI was told of the whole picture, then of each character, a line each.
fn captions(prompt: &Value) -> Option<String> {
    let caption = prompt.get("caption")?;
    let characters = caption.get("char_captions").and_then(Value::as_array);
    let characters = characters.into_iter().flatten().map(|told| &told["char_caption"]);
    let told = std::iter::once(&caption["base_caption"]).chain(characters);
    let told: Vec<String> = told.filter_map(words).collect();
    (!told.is_empty()).then(|| told.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_python_are_read_outside_strings_only() {
        let read = object(r#"{"a": [NaN, -Infinity], "b": "a NaN \" NaN", "c": Infinity, "é": 1}"#);
        let read = read.expect("an object");
        assert_eq!(read["a"], serde_json::json!([null, null]));
        assert_eq!(read["b"], "a NaN \" NaN");
        assert!(read["c"].is_null() && read["é"] == 1);
        assert!(object(r#"{"a": NaN"#).is_none() && object("NaN").is_none());
    }
}
