//! Checkpoints as other people write them: read as what they mean, or refused in one line that says
//! what to do.

mod stage;

use serde_json::{Value, json};
use stage::{Stage, starter};

/// A safetensors file with its header and its bytes changed.
fn changed(bytes: &[u8], change: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let mut rest = bytes[8 + length..].to_vec();
    change(&mut header, &mut rest);
    let header = header.to_string();
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.extend(rest);
    out
}

const IMPORT: [&str; 7] = ["import", "m", "--movq", "m/movqgan.ckpt", "--quant", "q8_0", "-o"];

fn import(stage: &Stage, output: &str) -> Vec<u8> {
    stage.done(&[&IMPORT[..], &[output]].concat());
    stage.read(output)
}

fn import_refused(stage: &Stage, words: &str) {
    stage.refused(1, words, &[&IMPORT[..], &["o.gguf"]].concat());
}

/// Marks before texts, fields that say nothing, prefixes, a matrix in f32: the same model.
#[test]
fn the_same_model_in_other_spellings_is_the_same_file() {
    let stage = Stage::new();
    stage.checkpoint("m");
    let plain = import(&stage, "plain.gguf");
    let verified = stage.done(&["verify", "plain.gguf"]);
    assert!(verified.contains("checksum=right"), "{verified}");
    let config = std::fs::read_to_string(starter("config.json")).expect("config");
    let mut other: Value = serde_json::from_str(&config).expect("JSON");
    let weights = std::fs::read(starter("model.safetensors")).expect("weights");
    // The texts are kept as they are: without the mark they are those of the plain one.
    for name in [
        "tokenizer.json",
        "tokenizer_config.json",
        "config.json",
        "movq.json",
    ] {
        let text = std::fs::read_to_string(starter(name)).expect("a text");
        stage.write(&format!("m/{name}"), format!("\u{feff}{text}"));
    }
    let other_weights = changed(&weights, |header, rest| {
        let entries = header.as_object_mut().expect("an object");
        let head = &mut entries["lm_head.weight"];
        assert_eq!(head["dtype"], "BF16");
        let offsets = head["data_offsets"].clone();
        let offset = |index: usize| offsets[index].as_u64().expect("an offset") as usize;
        // bf16 is the upper half of f32.
        let wide: Vec<u8> = rest[offset(0)..offset(1)]
            .chunks(2)
            .flat_map(|two| [0, 0, two[0], two[1]])
            .collect();
        let at = rest.len();
        rest.extend(&wide);
        *head = json!({"dtype": "F32", "shape": head["shape"], "data_offsets": [at, at + wide.len()]});
        entries.remove("__metadata__");
        let renamed = entries
            .iter()
            .map(|(name, described)| (format!("module.{name}"), described.clone()));
        *entries = renamed.collect();
    });
    stage.write("m/model.safetensors", other_weights);
    assert!(import(&stage, "other.gguf") == plain, "the same bytes");
    // Fields that say nothing do not change what is drawn: the file differs in its text alone.
    for name in ["hidden_act", "rope_theta", "rope_scaling", "num_key_value_heads"] {
        other[name] = Value::Null;
    }
    other["rope_parameters"] = json!({"rope_type": "default", "rope_theta": 10_000.0});
    stage.write("m/config.json", other.to_string());
    import(&stage, "null.gguf");
}

#[test]
fn weights_that_are_no_numbers_are_refused_at_import_and_while_drawing() {
    let stage = Stage::new();
    stage.checkpoint("m");
    let weights = std::fs::read(starter("model.safetensors")).expect("weights");
    // A NaN, and an infinity, of bf16.
    for bits in [0x7fc0u16, 0x7f80] {
        let spoilt = changed(&weights, |header, rest| {
            let at = header["model.norm.weight"]["data_offsets"][0]
                .as_u64()
                .expect("an offset") as usize;
            rest[at..at + 2].copy_from_slice(&bits.to_le_bytes());
        });
        stage.write("m/model.safetensors", spoilt);
        import_refused(
            &stage,
            "tensor `model.norm.weight` has weights that are no numbers",
        );
        let output = stage.run(&[
            "generate", "a cat", "--model", "m", "--size", "32x32", "--force", "-o", "o.png",
        ]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("the model's scores are no numbers"), "{told}");
        assert!(!stage.path("o.png").exists());
    }
}

#[test]
fn a_damaged_model_is_noticed_by_verify() {
    let stage = Stage::new();
    stage.checkpoint("m");
    let mut model = import(&stage, "m.gguf");
    let at = model.len() - 1000;
    model[at] ^= 16;
    stage.write("m.gguf", model);
    let output = stage.run(&["verify", "m.gguf"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("m.gguf") && told.contains("is damaged"), "{told}");
    // One of an older version has no checksum; its weights are looked at.
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/starter.gguf");
    let told = stage.done(&["verify", assets]);
    assert!(told.contains("checksum=none"), "{told}");
}

#[test]
fn what_is_no_model_says_what_to_name_instead() {
    let stage = Stage::new();
    stage.checkpoint("m");
    let draw = |model: &'static str| ["generate", "a cat", "--model", model, "-o", "o.png"];
    stage.refused(
        1,
        "name its folder as the model (m)",
        &draw("m/model.safetensors"),
    );
    stage.refused(1, "name its folder as the model (m)", &draw("m/config.json"));
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 15488752\n";
    let page = "<!DOCTYPE html><html><body>Sign in</body></html>";
    for (text, words) in [(pointer, "git lfs pull"), (page, "web page")] {
        stage.write("x.gguf", text);
        stage.refused(1, words, &draw("x.gguf"));
        for name in [
            "model.safetensors",
            "movqgan.ckpt",
            "tokenizer.json",
            "config.json",
        ] {
            let before = stage.read(&format!("m/{name}"));
            stage.write(&format!("m/{name}"), text);
            stage.refused(1, words, &draw("m"));
            import_refused(&stage, words);
            stage.write(&format!("m/{name}"), before);
        }
    }
    let movq = [
        "generate", "a cat", "--model", "m", "--movq", "x.gguf", "-o", "o.png",
    ];
    stage.write("x.gguf", b"GGUF\x03\0\0\0");
    stage.refused(1, "not an image tokenizer", &movq);
    stage.write(
        "m/lumina.json",
        r#"{"name": "x", "sampling": {"cfg": 1, "top_k": 1, "temperature": 1},
        "tasks": [{"task": "generate", "side": 2000000}]}"#,
    );
    stage.refused(1, "2000000", &draw("m"));
    stage.refused(1, "2000000", &["info", "m"]);
}
