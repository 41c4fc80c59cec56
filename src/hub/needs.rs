//! Which files of a repository a checkpoint needs.
//!
//! A decoder: `config.json`, the tokenizer's files, the weights and their index, `lumina.json`, and an image
//! tokenizer where the repository holds one. An image tokenizer alone: its weights and its sizes. A language model,
//! which rewrites prompts: its one `.gguf` file.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What makes a folder a checkpoint. A snapshot gets it last of all.
pub(super) const CONFIG: &str = "config.json";
pub(super) const INDEX: &str = "model.safetensors.index.json";
const WHOLE: &str = "model.safetensors";

/// Small files that are taken where they are.
const BESIDE: [&str; 10] = [
    CONFIG,
    "generation_config.json",
    "lumina.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "movq.json",
];

/// Weights of an image tokenizer.
pub(super) fn is_movq(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_weights = [".ckpt", ".safetensors", ".pt"]
        .iter()
        .any(|end| name.ends_with(end));
    name.contains("movq") && is_weights
}

/// A model in one file.
fn is_gguf(name: &str) -> bool {
    let name = name.to_lowercase();
    // One part of several is no model.
    name.ends_with(".gguf") && !name.contains("-of-")
}

fn is_shard(name: &str) -> bool {
    name.starts_with("model-") && name.ends_with(".safetensors")
}

/// The files to take of those a repository has. `preferred` are named by who knows the repository.
///
/// # Errors
/// Says why there is no model among them.
pub(super) fn choose(names: &[&str], preferred: &[String]) -> Result<Vec<String>, String> {
    let has = |name: &str| names.contains(&name);
    let movq = |name: &&&str| match preferred.iter().any(|file| is_movq(file)) {
        true => preferred.iter().any(|file| file == **name),
        false => is_movq(name),
    };
    let mut chosen: BTreeSet<&str> = BESIDE.into_iter().filter(|name| has(name)).collect();
    chosen.extend(names.iter().filter(movq));
    let has_movq = chosen.iter().any(|name| is_movq(name));
    match (has(CONFIG), has(INDEX), has(WHOLE)) {
        (true, true, _) => {
            chosen.insert(INDEX);
            chosen.extend(names.iter().filter(|name| is_shard(name)));
        }
        (true, false, true) => {
            chosen.insert(WHOLE);
        }
        // The tokenizer of pictures stands alone.
        _ if has_movq => {}
        _ if names.iter().any(|name| is_gguf(name)) => return one_gguf(names, preferred),
        (true, false, false)
            if names
                .iter()
                .any(|name| name.ends_with(".bin") || name.ends_with(".pth")) =>
        {
            return Err("its weights are pickles, not safetensors".to_owned());
        }
        (true, false, false) => return Err(format!("it has neither {WHOLE} nor {INDEX}")),
        (false, ..) => return Err("it has no config.json".to_owned()),
    }
    Ok(chosen.into_iter().map(str::to_owned).collect())
}

/// The one model file there is, or the one that is preferred.
fn one_gguf(names: &[&str], preferred: &[String]) -> Result<Vec<String>, String> {
    let all: Vec<&str> = names.iter().copied().filter(|name| is_gguf(name)).collect();
    let named = all.iter().find(|name| preferred.iter().any(|file| file == *name));
    match (named, &all[..]) {
        (Some(one), _) | (None, [one]) => Ok(vec![(*one).to_owned()]),
        (None, all) => Err(several(all)),
    }
}

fn several(all: &[&str]) -> String {
    format!(
        "it has several model files, name one of them behind the repository: {}",
        all.join(", ")
    )
}

/// The model file of this name.
///
/// # Errors
/// Says which ones there are.
pub(super) fn choose_file(names: &[&str], file: &str) -> Result<Vec<String>, String> {
    let all: Vec<&str> = names.iter().copied().filter(|name| is_gguf(name)).collect();
    if all.contains(&file) {
        return Ok(vec![file.to_owned()]);
    }
    match all.is_empty() {
        true => Err(format!(
            "there is no model file `{file}` in it, nor any other .gguf file"
        )),
        false => Err(format!(
            "there is no model file `{file}` in it; {}",
            several(&all)
        )),
    }
}

/// The weights an index names.
///
/// # Errors
/// The text is no index.
pub(super) fn shards(index: &str) -> Result<BTreeSet<String>, String> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index =
        serde_json::from_str(index).map_err(|error| format!("{INDEX} is no index: {error}"))?;
    Ok(index.weight_map.into_values().collect())
}

/// What a folder lacks to be used; nothing where it is whole. `index` is the text of its index.
pub(super) fn missing(names: &[&str], index: Option<&str>) -> Vec<String> {
    let has = |name: &str| names.contains(&name);
    let stands_alone = names.iter().any(|name| is_movq(name) || is_gguf(name));
    if !has(CONFIG) {
        let lacks = !stands_alone;
        return Vec::from_iter(lacks.then(|| CONFIG.to_owned()));
    }
    match (has(INDEX), index) {
        (true, Some(index)) => match shards(index) {
            Ok(shards) => shards.into_iter().filter(|shard| !has(shard)).collect(),
            Err(_) => vec![INDEX.to_owned()],
        },
        (true, None) => vec![INDEX.to_owned()],
        (false, _) if has(WHOLE) || stands_alone => Vec::new(),
        (false, _) => vec![WHOLE.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_gets_what_it_needs_and_nothing_else() {
        let names = [
            ".gitattributes",
            "README.md",
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "movqgan_270M.ckpt",
            "optimizer.pt",
            "pytorch_model.bin",
            "tokenizer.json",
            "lumina.json",
        ];
        let chosen = choose(&names, &[]).unwrap();
        assert_eq!(
            chosen,
            [
                "config.json",
                "lumina.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
                "movqgan_270M.ckpt",
                "tokenizer.json"
            ]
        );
        let one = ["config.json", "model.safetensors", "vocab.json"];
        assert_eq!(choose(&one, &[]).unwrap(), one);
    }

    #[test]
    fn an_image_tokenizer_stands_alone_and_the_named_one_is_taken() {
        let names = ["README.md", "movqgan_67M.ckpt", "movqgan_270M.ckpt"];
        assert_eq!(choose(&names, &[]).unwrap().len(), 2);
        let preferred = ["movqgan_270M.ckpt".to_owned()];
        assert_eq!(choose(&names, &preferred).unwrap(), preferred);
    }

    #[test]
    fn a_language_model_is_one_file() {
        let one = ["LICENSE", "README.md", "Qwen3-0.6B-Q8_0.gguf", "params"];
        assert_eq!(choose(&one, &[]).unwrap(), ["Qwen3-0.6B-Q8_0.gguf"]);
        let several = [
            "config.json",
            "a-Q4_K_M.gguf",
            "a-Q8_0.gguf",
            "a-bf16-00001-of-00002.gguf",
        ];
        let why = choose(&several, &[]).unwrap_err();
        assert!(
            why.contains("name one of them") && why.contains("a-Q4_K_M.gguf, a-Q8_0.gguf"),
            "{why}"
        );
        assert!(!why.contains("-of-"), "{why}");
        assert_eq!(
            choose(&several, &["a-Q8_0.gguf".to_owned()]).unwrap(),
            ["a-Q8_0.gguf"]
        );
        assert_eq!(choose_file(&several, "a-Q8_0.gguf").unwrap(), ["a-Q8_0.gguf"]);
        for wrong in [
            "a.gguf",
            "config.json",
            "../a-Q8_0.gguf",
            "a-bf16-00001-of-00002.gguf",
            "",
        ] {
            assert!(
                choose_file(&several, wrong)
                    .unwrap_err()
                    .contains("a-Q4_K_M.gguf"),
                "{wrong}"
            );
        }
        assert!(
            choose_file(&["config.json"], "a.gguf")
                .unwrap_err()
                .contains("nor any other")
        );
        // A checkpoint with such a file beside it is a checkpoint all the same.
        let checkpoint = ["config.json", "model.safetensors", "a.gguf"];
        assert_eq!(
            choose(&checkpoint, &[]).unwrap(),
            ["config.json", "model.safetensors"]
        );
        assert_eq!(missing(&["a.gguf"], None), [""; 0]);
        assert_eq!(missing(&["config.json", "a.gguf"], None), [""; 0]);
    }

    #[test]
    fn what_is_no_model_is_told() {
        let why = |names: &[&str]| choose(names, &[]).unwrap_err();
        assert!(why(&["README.md"]).contains("no config.json"));
        assert!(why(&["config.json", "pytorch_model.bin"]).contains("pickles"));
        assert!(why(&["config.json"]).contains("neither"));
    }

    #[test]
    fn a_folder_lacks_what_its_index_names() {
        let index = r#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#;
        let lacks = |names: &[&str]| missing(names, Some(index));
        let all = ["config.json", INDEX, "model-1.safetensors", "model-2.safetensors"];
        assert_eq!(lacks(&all), [""; 0]);
        assert_eq!(lacks(&all[..3]), ["model-2.safetensors"]);
        assert_eq!(missing(&all, Some("{}")), [INDEX]);
        assert_eq!(missing(&["config.json"], None), [WHOLE]);
        assert_eq!(missing(&["movqgan.ckpt"], None), [""; 0]);
        assert_eq!(missing(&["tokenizer.json"], None), [CONFIG]);
    }
}
