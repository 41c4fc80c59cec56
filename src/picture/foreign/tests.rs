//! PNG files as the other programs write them.

use super::*;
use png::text_metadata::{ITXtChunk, TEXtChunk};
use serde_json::json;
use std::path::PathBuf;

/// Which kind of chunk, and whether it stands behind the pixels.
enum Chunk {
    Latin,
    LatinPacked,
    Utf8,
    Utf8Packed,
    Behind,
}

fn png_with(folder: &Path, kind: &Chunk, keyword: &str, text: &str) -> PathBuf {
    let path = folder.join("picture.png");
    let mut encoder = png::Encoder::new(File::create(&path).unwrap(), 2, 1);
    encoder.set_color(png::ColorType::Grayscale);
    match kind {
        Chunk::Latin => encoder
            .add_text_chunk(keyword.to_owned(), text.to_owned())
            .unwrap(),
        Chunk::LatinPacked => encoder
            .add_ztxt_chunk(keyword.to_owned(), text.to_owned())
            .unwrap(),
        Chunk::Utf8 => encoder
            .add_itxt_chunk(keyword.to_owned(), text.to_owned())
            .unwrap(),
        Chunk::Utf8Packed | Chunk::Behind => {}
    }
    let mut writer = encoder.write_header().unwrap();
    if matches!(kind, Chunk::Utf8Packed) {
        let mut chunk = ITXtChunk::new(keyword, text);
        chunk.compressed = true;
        chunk.compress_text().unwrap();
        writer.write_text_chunk(&chunk).unwrap();
    }
    writer.write_image_data(&[1, 2]).unwrap();
    if matches!(kind, Chunk::Behind) {
        writer.write_text_chunk(&TEXtChunk::new(keyword, text)).unwrap();
    }
    writer.finish().unwrap();
    path
}

fn read(kind: &Chunk, keyword: &str, text: &str) -> Option<Foreign> {
    let folder = tempfile::tempdir().unwrap();
    settings(&png_with(folder.path(), kind, keyword, text))
}

const WEBUI: &str = "a fox, (sharp:1.2)\nby the sea: at dusk\nNegative prompt: blurry,\nugly\n\
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 482913, Size: 768x512, Model: dream, \
    Lora hashes: \"a: 1, Seed: 5\", Version: v1.9.4";

fn fox() -> Foreign {
    Foreign {
        prompt: "a fox, (sharp:1.2)\nby the sea: at dusk".to_owned(),
        negative: Some("blurry,\nugly".to_owned()),
        seed: Some(482_913),
        size: Some(Size::new(768, 512)),
        program: "A1111".to_owned(),
    }
}

#[test]
fn every_kind_of_chunk_is_read() {
    for kind in [
        Chunk::Latin,
        Chunk::LatinPacked,
        Chunk::Utf8,
        Chunk::Utf8Packed,
        Chunk::Behind,
    ] {
        assert_eq!(read(&kind, "parameters", WEBUI), Some(fox()));
    }
}

#[test]
fn a_prompt_without_pairs_is_all_prompt() {
    let found = read(&Chunk::Latin, "parameters", "a cat: sitting, Seed: 3").unwrap();
    assert_eq!(
        (found.prompt.as_str(), found.seed),
        ("a cat: sitting, Seed: 3", None)
    );
    let forge = "x\nSteps: 1, Seed: -1, Size: 0x9, Version: f2.0.1";
    let found = read(&Chunk::Latin, "parameters", forge).unwrap();
    assert_eq!(
        (found.seed, found.size, found.program.as_str()),
        (None, None, "Forge")
    );
    assert_eq!(found.negative, None);
}

#[test]
fn utf_8_in_a_latin_chunk_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    // What a reader sees who takes the bytes of UTF-8 for Latin-1.
    let bytes: String = "ein Bär, 熊\nSteps: 1, Seed: 2, Size: 64x64"
        .bytes()
        .map(char::from)
        .collect();
    let found = settings(&png_with(folder.path(), &Chunk::Latin, "parameters", &bytes)).unwrap();
    assert_eq!(found.prompt, "ein Bär, 熊");
    let latin = settings(&png_with(folder.path(), &Chunk::Latin, "parameters", "ein Bär")).unwrap();
    assert_eq!(latin.prompt, "ein Bär");
}

#[test]
fn swarm_and_invoke_are_read() {
    let swarm = json!({"sui_image_params": {"prompt": " a fox ", "negativeprompt": "", "seed": 7,
        "width": 1024, "height": "768", "swarm_version": "0.9.5"}, "sui_extra_data": {}});
    let found = read(&Chunk::Utf8, "parameters", &swarm.to_string()).unwrap();
    let expected = Foreign {
        prompt: "a fox".to_owned(),
        negative: None,
        seed: Some(7),
        size: Some(Size::new(1024, 768)),
        program: "SwarmUI".to_owned(),
    };
    assert_eq!(found, expected);
    let invoke = json!({"app_version": "5.0.0", "positive_prompt": "a fox", "negative_prompt": "fog",
        "seed": 7, "width": 1024, "height": 768});
    let negative = Some("fog".to_owned());
    let expected = Foreign {
        negative,
        program: "InvokeAI".to_owned(),
        ..expected
    };
    assert_eq!(
        read(&Chunk::Latin, "invokeai_metadata", &invoke.to_string()),
        Some(expected)
    );
    let old =
        json!({"app_version": "2.3", "image": {"prompt": [{"prompt": "a fox", "weight": 1.0}], "seed": 9}});
    let found = read(&Chunk::Latin, "sd-metadata", &old.to_string()).unwrap();
    assert_eq!((found.prompt.as_str(), found.seed), ("a fox", Some(9)));
}

#[test]
fn a_plain_comfy_graph_is_followed() {
    let graph = json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": 18_446_744_073_709_551_615_u64, "steps": 20,
            "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 640, "height": 448, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["4", 1]}},
        // A second pass over the first one's result does not win.
        "1": {"class_type": "KSamplerAdvanced", "inputs": {"noise_seed": 1, "positive": ["6", 0],
            "negative": ["7", 0], "latent_image": ["2", 0]}},
        "2": {"class_type": "VAEEncode", "inputs": {"pixels": ["9", 0]}},
    });
    let expected = Foreign {
        prompt: "a fox".to_owned(),
        negative: Some("fog".to_owned()),
        seed: Some(u64::MAX),
        size: Some(Size::new(640, 448)),
        program: "ComfyUI".to_owned(),
    };
    assert_eq!(
        read(&Chunk::Latin, "prompt", &graph.to_string()),
        Some(expected.clone())
    );
    let with_nan = graph
        .to_string()
        .replacen("\"steps\":20", "\"steps\":20,\"is_changed\":[NaN]", 1);
    assert!(with_nan.contains("NaN"));
    assert_eq!(read(&Chunk::Latin, "prompt", &with_nan), Some(expected));
}

#[test]
fn a_guided_comfy_graph_is_followed_through_its_links() {
    let graph = json!({
        "10": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["11", 0], "guider": ["12", 0],
            "latent_image": ["13", 0]}},
        "11": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["20", 0]}},
        "20": {"class_type": "PrimitiveInt", "inputs": {"value": 77}},
        "12": {"class_type": "BasicGuider", "inputs": {"conditioning": ["14", 0], "model": ["1", 0]}},
        "14": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["15", 0]}},
        "15": {"class_type": "CLIPTextEncode", "inputs": {"text": ["16", 0]}},
        "16": {"class_type": "PrimitiveString", "inputs": {"value": "an owl"}},
        "13": {"class_type": "EmptySD3LatentImage", "inputs": {"width": ["17", 0], "height": 512}},
        "17": {"class_type": "PrimitiveInt", "inputs": {"value": 1024}},
    });
    let found = read(&Chunk::Utf8, "prompt", &graph.to_string()).unwrap();
    assert_eq!((found.prompt.as_str(), found.seed), ("an owl", Some(77)));
    assert_eq!((found.size, found.negative), (Some(Size::new(1024, 512)), None));
    let circle = json!({"1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "latent_image": ["2", 0],
        "seed": ["2", 0]}}, "2": {"class_type": "Loop", "inputs": {"conditioning": ["2", 0], "samples": ["2", 0],
        "seed": ["2", 0]}}});
    assert_eq!(read(&Chunk::Utf8, "prompt", &circle.to_string()), None);
}

#[test]
fn control_nets_pass_both_sides_on() {
    let graph = json!({
        "1": {"class_type": "KSampler", "inputs": {"seed": 5, "positive": ["2", 0], "negative": ["2", 1]}},
        "2": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["3", 0], "negative": ["4", 0]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a robot"}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "rust"}},
    });
    let found = read(&Chunk::Utf8, "prompt", &graph.to_string()).unwrap();
    assert_eq!(
        (found.prompt.as_str(), found.negative.as_deref()),
        ("a robot", Some("rust"))
    );
}

#[test]
fn what_is_too_long_or_no_settings_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.png");
    std::fs::write(&text, "not a picture").unwrap();
    assert_eq!(settings(&text), None);
    assert_eq!(settings(&folder.path().join("gone.png")), None);
    assert_eq!(read(&Chunk::Utf8, "comment", "hello"), None);
    assert_eq!(read(&Chunk::Utf8, "prompt", "{\"1\": {}}"), None);
    assert_eq!(read(&Chunk::Utf8, "prompt", "{"), None);
    assert_eq!(read(&Chunk::Utf8, "parameters", "{\"other\": 1}"), None);
    let long = "x".repeat(LONGEST_TEXT + 1);
    // Packed, this is a bomb of a thousand bytes.
    for kind in [
        Chunk::Latin,
        Chunk::LatinPacked,
        Chunk::Utf8,
        Chunk::Utf8Packed,
        Chunk::Behind,
    ] {
        assert_eq!(read(&kind, "parameters", &long), None);
    }
}

/// What a case says: prompt, negative prompt, seed, size, and a word of the program's name.
type Said<'a> = (&'a str, Option<&'a str>, Option<u64>, Option<(u32, u32)>, &'a str);

#[test]
fn other_programs_pictures_say_what_they_were_made_of() {
    let banana = "Banana NaN bread, NaNoWriMo poster";
    let swarm: Said<'_> = ("a fox", Some("ugly"), Some(7), Some((1024, 768)), "SwarmUI");
    let snow = |program| -> Said<'_> {
        let seed = Some(5_350_975_487_230_560_396);
        ("a fox in snow", Some("ugly"), seed, Some((1152, 896)), program)
    };
    let cases: [(&str, Said<'_>); 17] = [
        (
            "a1111.webp",
            (
                "a fox, (sharp:1.2)",
                Some("ugly"),
                Some(482_913),
                Some((768, 512)),
                "A1111",
            ),
        ),
        ("swarm.jpg", swarm),
        ("swarm.webp", swarm),
        ("fooocus.jpg", snow("Fooocus")),
        ("fooocus.webp", snow("Fooocus")),
        ("fooocus_a1111.jpg", snow("Fooocus")),
        (
            "novelai.webp",
            (
                "a fox, {{snow}}\ngirl, red coat",
                Some("ugly"),
                Some(4_028_746_890),
                Some((1216, 832)),
                "NovelAI",
            ),
        ),
        (
            "civitai.png",
            ("a fox", Some("ugly"), Some(1881), Some((832, 1216)), "A1111"),
        ),
        (
            "comfy.webp",
            ("a fox", Some("bad"), Some(7), Some((512, 640)), "ComfyUI"),
        ),
        (
            "comfy_nan.png",
            (banana, Some("bad"), Some(7), Some((512, 640)), "ComfyUI"),
        ),
        (
            "comfy_inf.png",
            (banana, Some("bad"), Some(7), Some((512, 640)), "ComfyUI"),
        ),
        (
            "extra_newline.png",
            (
                "a fox __animal__",
                Some("ugly"),
                Some(1_234_567),
                Some((512, 768)),
                "A1111",
            ),
        ),
        (
            "extra_newline_noneg.png",
            (
                "a fox __animal__",
                None,
                Some(1_234_567),
                Some((512, 768)),
                "A1111",
            ),
        ),
        ("fooocus_json.png", snow("Fooocus")),
        (
            "novelai.png",
            (
                "a fox, {{snow}}",
                Some("ugly"),
                Some(4_028_746_890),
                Some((1216, 832)),
                "NovelAI",
            ),
        ),
        (
            "uc_u16be.jpg",
            (
                "a red fox",
                Some("ugly"),
                Some(1_234_567),
                Some((512, 768)),
                "A1111",
            ),
        ),
        ("workflow_only.png", ("", None, None, None, "without the prompt")),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/meta");
    for (name, (prompt, negative, seed, size, program)) in cases {
        let found = settings(&folder.join(name)).expect(name);
        assert_eq!(found.prompt, prompt, "{name}");
        assert!(found.program.contains(program), "{name}: {}", found.program);
        assert_eq!(found.negative.as_deref(), negative, "{name}");
        let sides = found.size.map(|size| (size.width, size.height));
        assert_eq!((found.seed, sides), (seed, size), "{name}");
    }
}
