//! A language model in a file, against candle's own loop on the same weights and against its grammar.

use super::gguf::{Family, Tiny, make};
use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen3};
use lumina_studio::task::Cancel;
use lumina_studio::writer::local::{LocalModel, Rule};
use lumina_studio::writer::{Local, Writer, WriterError};
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

pub const GOOD: &str = r#"{"objects":[{"name":"dog","count":1,"colour":"red","place":null}],"background":"meadow","style":null,"prompt":"A dog in a meadow."}"#;

fn random(family: Family, seed: u64) -> Tiny<'static> {
    Tiny {
        family,
        seed,
        says: None,
    }
}

type Forward = dyn FnMut(&Tensor, usize) -> candle_core::Result<Tensor>;

/// As candle's example goes: the question as a whole, then one token after the other, the likeliest each time.
fn own_loop(path: &Path, family: Family, question: &[u32], most: usize, ends: &[u32]) -> Vec<u32> {
    let mut file = File::open(path).expect("a model");
    let content = Content::read(&mut file).expect("a header");
    let device = Device::Cpu;
    let mut forward: Box<Forward> = match family {
        Family::Qwen3 => {
            let weights = quantized_qwen3::ModelWeights::from_gguf(content, &mut file, &device);
            let mut weights = weights.expect("weights");
            Box::new(move |tokens, at| weights.forward(tokens, at))
        }
        Family::Llama => {
            let weights = quantized_llama::ModelWeights::from_gguf(content, &mut file, &device);
            let mut weights = weights.expect("weights");
            Box::new(move |tokens, at| weights.forward(tokens, at))
        }
    };
    let mut next = |tokens: &[u32], at: usize| -> u32 {
        let tokens = Tensor::new(tokens, &device).and_then(|tokens| tokens.unsqueeze(0));
        let scores = forward(&tokens.expect("tokens"), at).expect("scores");
        let scores = scores.squeeze(0).expect("one row");
        scores
            .argmax(0)
            .and_then(|token| token.to_scalar::<u32>())
            .expect("a token")
    };
    let mut said = Vec::new();
    let mut token = next(question, 0);
    while !ends.contains(&token) && said.len() < most {
        said.push(token);
        token = next(&[token], question.len() + said.len() - 1);
    }
    said
}

#[test]
fn without_a_grammar_its_tokens_are_those_of_candles_own_loop() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    let mut different = std::collections::BTreeSet::new();
    for (family, seeds) in [(Family::Qwen3, 1..5), (Family::Llama, 1..4)] {
        for seed in seeds {
            make(&path, &random(family, seed));
            let mut model = LocalModel::open(&path).expect("a model");
            // One that is read at once, and one that is read in parts.
            for words in [
                "a fox",
                "a fox in the snow, a fox on a hill and another one behind a tree",
            ] {
                let question = model.tokens_of(words).expect("tokens");
                let vocabulary = 256 + 7 + 5;
                let marks: Vec<u32> = (vocabulary - 5..vocabulary).collect();
                let ends = match family {
                    Family::Qwen3 => [marks[1], marks[2]],
                    Family::Llama => [marks[3], marks[4]],
                };
                let mut counts = Vec::new();
                let mut go_on = |tokens: usize| {
                    counts.push(tokens);
                    Ok(())
                };
                let said = model
                    .say(&question, Rule::Free, 40, &mut go_on)
                    .expect("an answer");
                let expected = own_loop(&path, family, &question, 40, &ends);
                assert_eq!(said.tokens, expected, "{family:?} {seed}: {words}");
                assert!(
                    counts.len() >= said.tokens.len(),
                    "it can be stopped between any two"
                );
                different.insert(said.tokens);
            }
        }
    }
    assert!(different.len() > 8, "they say one thing only");
}

#[test]
fn with_the_grammar_its_answer_is_json_of_the_shape_whatever_it_would_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    let mut whole = 0;
    for family in [Family::Qwen3, Family::Llama] {
        for seed in 1..6 {
            make(&path, &random(family, seed));
            let mut model = LocalModel::open(&path).expect("a model");
            let question = model.tokens_of("a fox in the snow").expect("tokens");
            // Ended by itself, or wherever it is cut.
            for most in [if seed == 1 { 1500 } else { 150 }, 1, 7, 40] {
                let said = model
                    .say(&question, Rule::Scene, most, &mut |_| Ok(()))
                    .expect("an answer");
                let answer: Value =
                    serde_json::from_str(&said.text).unwrap_or_else(|e| panic!("{e}: {}", said.text));
                let objects = answer["objects"].as_array().expect("objects");
                assert!((1..=6).contains(&objects.len()), "{answer}");
                for object in objects {
                    let count = object["count"].as_u64().expect("a count");
                    assert!(
                        object["name"].is_string() && (1..=20).contains(&count),
                        "{answer}"
                    );
                    assert!(
                        object["colour"].is_string() || object["colour"].is_null(),
                        "{answer}"
                    );
                }
                assert!(
                    answer["prompt"].is_string() && answer.get("style").is_some(),
                    "{answer}"
                );
                assert!(said.tokens.len() <= most);
                whole += usize::from(said.tokens.len() < most);
            }
        }
    }
    assert!(whole > 0, "none came to its end by itself");
}

#[test]
fn a_model_in_a_file_writes_and_is_asked_again_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("parrot.gguf");
    let ask = |own: &str, time: u64, cancel: &Cancel| {
        let mut told = Vec::new();
        let mut writer = Local::new(&path, Duration::from_secs(time));
        let rewritten = writer.write(own, cancel, &mut |line| told.push(line.to_owned()));
        (rewritten, told)
    };
    for family in [Family::Qwen3, Family::Llama] {
        let parrot = |says| Tiny {
            family,
            seed: 5,
            says: Some(says),
        };
        make(&path, &parrot(GOOD));
        let (rewritten, told) = ask("hound <|im_end|>", 60, &Cancel::new());
        let rewritten = rewritten.expect("a prompt");
        assert_eq!(
            (rewritten.prompt.as_str(), rewritten.repaired),
            ("A dog in a meadow.", false)
        );
        assert_eq!(
            (rewritten.written.own.as_str(), rewritten.written.by.as_str()),
            ("hound <|im_end|>", "parrot")
        );
        let scene = rewritten.written.scene.expect("a scene");
        assert_eq!(
            (scene.objects[0].colour.as_deref(), scene.background.as_deref()),
            (Some("red"), Some("meadow"))
        );
        assert!(
            told[0].contains("loading parrot") && told[1].contains("reads"),
            "{told:?}"
        );

        make(&path, &parrot(&GOOD.replace("A dog", "A cat")));
        let (refused, told) = ask("hound", 60, &Cancel::new());
        let why = refused.expect_err("no dog in it").to_string();
        assert!(why.contains("asked twice") && why.contains("dog"), "{why}");
        assert!(told.iter().any(|line| line.contains("once more")), "{told:?}");
    }
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(ask("hound", 60, &cancel).0, Err(WriterError::Cancelled));
    assert!(matches!(
        ask("hound", 0, &Cancel::new()).0,
        Err(WriterError::Late { .. })
    ));
}

#[test]
fn it_is_stopped_between_two_tokens() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    make(&path, &random(Family::Qwen3, 3));
    let mut model = LocalModel::open(&path).expect("a model");
    let question = model.tokens_of(&"a fox in the snow ".repeat(4)).expect("tokens");
    let mut calls = 0;
    let ended = model.say(&question, Rule::Scene, 700, &mut |tokens| {
        calls += 1;
        match tokens {
            5 => Err(WriterError::Cancelled),
            _ => Ok(()),
        }
    });
    assert_eq!(ended, Err(WriterError::Cancelled));
    assert_eq!(calls, question.len().div_ceil(16) + 5);
    // A question beyond its positions is refused, and the model can be asked again.
    let long = vec![0; 4000];
    assert!(matches!(
        model.say(&long, Rule::Free, 700, &mut |_| Ok(())),
        Err(WriterError::Model { .. })
    ));
    assert!(model.say(&question, Rule::Free, 3, &mut |_| Ok(())).is_ok());
}

#[test]
fn a_file_that_is_none_or_damaged_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    let why = |bytes: Option<&[u8]>| {
        match bytes {
            Some(bytes) => std::fs::write(&path, bytes).expect("a file"),
            None => std::fs::remove_file(&path).expect("a file"),
        }
        let error = LocalModel::open(&path).err().expect("no model");
        error.to_string()
    };
    make(&path, &random(Family::Qwen3, 1));
    let good = std::fs::read(&path).expect("a model");
    assert!(why(Some(b"nothing")).contains("no readable GGUF"));
    assert!(why(Some(b"version https://git-lfs.github.com/spec/v1")).contains("git lfs pull"));
    assert!(why(Some(&good[..good.len() - 4000])).contains("remaining in file"));
    assert!(why(Some(&good[..1000])).contains("cut short"));
    let with = |from: &[u8], to: &[u8]| {
        let at = good
            .windows(from.len())
            .position(|bytes| bytes == from)
            .expect("it is there");
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    assert!(why(Some(&with(b"qwen3", b"gemma"))).contains("its family is `gemma`"));
    // A number of four bytes behind its key and its kind.
    let number = |key: &str, value: u32| {
        let key = key.as_bytes();
        let kind = 4_u32.to_le_bytes();
        let to = [key, &kind[..], &value.to_le_bytes()].concat();
        with(&[key, &kind[..]].concat(), &to)
    };
    for (key, value, words) in [
        ("qwen3.attention.head_count_kv", 0, "head_count_kv is 0"),
        ("qwen3.attention.head_count_kv", 3, "cannot be shared out"),
        ("qwen3.block_count", u32::MAX, "which no such model has"),
        ("qwen3.block_count", 3, "blk.2"),
        ("qwen3.attention.key_length", 15, "odd size"),
        ("qwen3.context_length", 0, "context_length is 0"),
    ] {
        let why = why(Some(&number(key, value)));
        assert!(why.contains(words), "{key} {value}: {why}");
    }
    // Sizes that fit no tensor break in the first step, and not the program.
    std::fs::write(&path, number("qwen3.attention.key_length", 64)).expect("a file");
    let broken =
        LocalModel::open(&path).and_then(|mut model| model.say(&[1, 2, 3], Rule::Free, 3, &mut |_| Ok(())));
    assert!(matches!(broken, Err(WriterError::Model { .. })), "{broken:?}");
    // A long context costs nothing that is not used.
    std::fs::write(&path, number("qwen3.context_length", u32::MAX)).expect("a file");
    assert!(LocalModel::open(&path).is_ok());
    assert!(why(None).contains("there is no such file"));
}
