//! What the program refuses: one line that says why, exit code 1 or 2, nothing left on the disk.

mod stage;

use serde_json::Value;
use stage::{Stage, golden, starter};
use std::io::Write;

/// A safetensors file with its header changed.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    change(&mut header);
    let header = header.to_string();
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.extend(&bytes[8 + length..]);
    out
}

#[test]
fn damaged_safetensors_name_the_tensor() {
    let stage = Stage::new();
    stage.checkpoint("m");
    let whole = std::fs::read(starter("model.safetensors")).expect("weights");
    let draw = ["generate", "a cat", "--model", "m", "-o", "o.png"];
    let refused = |bytes: &[u8], words: &str| {
        stage.write("m/model.safetensors", bytes);
        stage.refused(1, words, &draw);
    };
    refused(&whole[..whole.len() - 9], "is cut short");
    refused(&whole[..whole.len() / 2], "tensor `model.layers.");
    refused(&whole[..100], "too short");
    refused(&[], "too short");
    refused(b"this is a text and no safetensors file", "no safetensors file");
    let shape = |sides: &[usize]| {
        with_header(&whole, |header| {
            header["model.norm.weight"]["shape"] = serde_json::json!(sides);
        })
    };
    refused(&shape(&[16, 16]), "tensor `model.norm.weight` has shape [16, 16]");
    refused(&shape(&[300]), "tensor `model.norm.weight`");
    refused(&shape(&[1 << 40, 1 << 40]), "tensor `model.norm.weight`");
    let without = with_header(&whole, |header| {
        header
            .as_object_mut()
            .expect("an object")
            .remove("lm_head.weight");
    });
    refused(&without, "tensor `lm_head.weight` is missing");
    let import = [
        "import",
        "m",
        "--movq",
        "m/movqgan.ckpt",
        "--quant",
        "q8_0",
        "-o",
        "o.gguf",
    ];
    stage.refused(1, "lm_head.weight", &import);
}

#[test]
fn a_wrong_config_is_refused() {
    let stage = Stage::new();
    stage.checkpoint("m");
    let text = std::fs::read_to_string(starter("config.json")).expect("config");
    let config: Value = serde_json::from_str(&text).expect("JSON");
    let draw = ["generate", "a cat", "--model", "m", "-o", "o.png", "--force"];
    let cases = [
        ("hidden_size", serde_json::json!(512), "has shape"),
        ("hidden_size", serde_json::json!(1u64 << 40), "hidden_size"),
        ("hidden_size", Value::Null, "config.json"),
        (
            "num_attention_heads",
            serde_json::json!(7),
            "does not split into 7 heads",
        ),
        ("num_key_value_heads", serde_json::json!(3), "3 key/value heads"),
        (
            "num_hidden_layers",
            serde_json::json!(0),
            "`num_hidden_layers` is 0",
        ),
        (
            "num_hidden_layers",
            serde_json::json!(9),
            "tensor `model.layers.8.",
        ),
        (
            "num_hidden_layers",
            serde_json::json!(1u64 << 40),
            "num_hidden_layers",
        ),
        ("vocab_size", serde_json::json!(100), "model.embed_tokens.weight"),
        (
            "max_position_embeddings",
            serde_json::json!(1u64 << 50),
            "max_position_embeddings",
        ),
    ];
    for (field, value, words) in cases {
        let mut changed = config.clone();
        match value {
            Value::Null => drop(changed.as_object_mut().expect("an object").remove(field)),
            value => changed[field] = value,
        }
        stage.write("m/config.json", changed.to_string());
        stage.refused(1, words, &draw);
    }
    for broken in ["", "{", "[1]"] {
        stage.write("m/config.json", broken);
        stage.refused(1, "config.json", &draw);
    }
    stage.write("m/config.json", text);
    for (file, words) in [
        ("tokenizer.json", "tokenizer"),
        ("tokenizer_config.json", "tokenizer_config.json"),
        ("lumina.json", "lumina.json"),
        ("movq.json", "image tokenizer"),
    ] {
        let before = std::fs::read(stage.path("m").join(file)).ok();
        for broken in ["{", "[]", "{}"] {
            stage.write(&format!("m/{file}"), broken);
            stage.refused(1, words, &draw);
        }
        match before {
            Some(bytes) => stage.write(&format!("m/{file}"), bytes),
            None => std::fs::remove_file(stage.path("m").join(file)).expect("a file"),
        }
    }
}

#[test]
fn cut_and_foreign_gguf_files_are_refused() {
    let stage = Stage::new();
    let draw = ["generate", "a cat", "--model", "cut.gguf", "-o", "o.png"];
    let whole = std::fs::read(format!("{}/assets/starter.gguf", env!("CARGO_MANIFEST_DIR"))).expect("model");
    for length in [0, 3, 20, 100, 60_000, whole.len() / 2, whole.len() - 40] {
        stage.write("cut.gguf", &whole[..length]);
        stage.refused(1, "cut.gguf", &draw);
    }
    stage.refused(1, "cut short", &["info", "cut.gguf"]);
    let header = |tensors: u64, texts: u64, rest: &[u8]| {
        let mut out = b"GGUF\x03\0\0\0".to_vec();
        out.extend(tensors.to_le_bytes());
        out.extend(texts.to_le_bytes());
        out.extend(rest);
        out.extend([0; 64]);
        out
    };
    // One tensor of 2^40 x 2^40 elements.
    let mut large = b"\x01\0\0\0\0\0\0\0w\x02\0\0\0".to_vec();
    large.extend((1u64 << 40).to_le_bytes());
    large.extend((1u64 << 40).to_le_bytes());
    large.extend([0; 12]);
    let foreign = [
        (header(0, 0, &[]), "no Lumina-mGPT model"),
        (header(1 << 60, 1 << 60, &[]), "no readable GGUF"),
        (header(1, 0, &large), "tensor `w`"),
    ];
    for (bytes, words) in foreign {
        stage.write("cut.gguf", bytes);
        stage.refused(1, words, &draw);
    }
}

/// A zip with one stored file.
fn zipped(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file(name, stored).expect("an entry");
    zip.write_all(bytes).expect("bytes");
    zip.finish().expect("a zip").into_inner()
}

#[test]
fn a_checkpoint_with_code_in_it_is_never_run() {
    let stage = Stage::new();
    stage.checkpoint("m");
    let draw = [
        "generate", "a cat", "--model", "m", "--movq", "x.ckpt", "-o", "o.png",
    ];
    let import = [
        "import", "m", "--movq", "x.ckpt", "--quant", "q8_0", "-o", "o.gguf",
    ];
    // os.system("touch ran"): at the top, and as a value of a dictionary.
    let evil = b"\x80\x02cos\nsystem\nX\x09\0\0\0touch ran\x85R.";
    let hidden = b"\x80\x02}X\x01\0\0\0wcos\nsystem\nX\x09\0\0\0touch ran\x85Rs.";
    for pickle in [&evil[..], &hidden[..]] {
        stage.write("x.ckpt", zipped("archive/data.pkl", pickle));
        stage.refused(1, "`os.system`", &draw);
        stage.refused(1, "`os.system`", &import);
    }
    assert!(!stage.path("ran").exists());
    let whole = std::fs::read(starter("movqgan.ckpt")).expect("a checkpoint");
    let others = [
        Vec::new(),
        whole[..1000].to_vec(),
        whole[..whole.len() - 10].to_vec(),
        zipped("archive/data.pkl", b"no pickle"),
        zipped("archive/other", b""),
        // A list that doubles sixty times, and lists within lists deeper than a stack is.
        zipped(
            "archive/data.pkl",
            &[
                &b"\x80\x02K\x01q\0"[..],
                &(0..60)
                    .flat_map(|id| [b'h', id, b'h', id, 0x86, b'q', id + 1])
                    .collect::<Vec<u8>>(),
                b".",
            ]
            .concat(),
        ),
        zipped(
            "archive/data.pkl",
            &[&b"\x80\x02"[..], &[b']'; 200_000], &[b'a'; 199_999], b"."].concat(),
        ),
    ];
    for bytes in others {
        stage.write("x.ckpt", bytes);
        stage.refused(1, "x.ckpt", &draw);
    }
}

/// A PNG that says it has this size; its pixels are not there.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_chunk(png::chunk::IDAT, &[0]).expect("a chunk");
    drop(writer);
    bytes
}

#[test]
fn what_is_no_usable_picture_is_refused() {
    let stage = Stage::new();
    let text: &[u8] = b"hello, no picture";
    let heic: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let whole = std::fs::read(golden("generate/edit_panel.png")).expect("a picture");
    let cases = [
        (png_header(20_000, 20_000), "20000x20000 is too large"),
        (png_header(40_000, 1), "40000x1 is too large"),
        (text.to_vec(), "no picture"),
        (Vec::new(), "no picture"),
        (heic.to_vec(), "HEIC"),
        (whole[..whole.len() / 2].to_vec(), "cannot be read"),
    ];
    for (bytes, words) in cases {
        stage.write("a.png", bytes);
        stage.refused(1, words, &["edit", "a.png", "x", "-o", "o.png"]);
        stage.refused(1, "a.png", &["info", "a.png"]);
    }
    stage.refused(1, "nofile.png", &["edit", "nofile.png", "x", "-o", "o.png"]);
    let source = golden("generate/edit_panel.png");
    let masked = ["edit", &source, "x", "--mask", "a.png", "-o", "o.png"];
    stage.refused(1, "a.png", &masked);
    stage.refused(
        1,
        "not saved by Lumina Studio",
        &["redraw", &source, "-o", "o.png"],
    );
    stage.refused(1, "not saved by Lumina Studio", &["resume", &source]);
}

#[test]
fn the_smallest_and_the_thinnest_pictures_are_drawn_from() {
    let stage = Stage::new();
    for (width, height) in [(1, 1), (16_384, 1)] {
        image::RgbImage::from_pixel(width, height, image::Rgb([200, 30, 30]))
            .save(stage.path("a.png"))
            .expect("a picture");
        for task in [
            &["edit", "a.png", "x"][..],
            &["predict", "a.png", "--kind", "canny"],
        ] {
            let mut args = task.to_vec();
            args.extend(["--seed", "1", "--size", "64x64", "--force", "-o", "o.png"]);
            stage.done(&args);
            assert_eq!(stage.pixels("o.png").dimensions(), (64, 64));
        }
    }
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_drawing() {
    let stage = Stage::new();
    stage.write("file", "");
    std::fs::create_dir(stage.path("folder")).expect("a folder");
    let mut outputs = vec![
        ("no/such/o.png", "no folder"),
        ("file/o.png", "no folder"),
        ("folder", "is a folder"),
        (".", "is a folder"),
        ("o.jpg", "written as PNG"),
    ];
    if cfg!(target_os = "linux") {
        outputs.extend([
            ("/proc/o.png", "nothing can be written"),
            ("/dev/full", "no file that can be replaced"),
        ]);
    }
    for (output, words) in outputs {
        // A model that is not there would be refused, too: the output is looked at first.
        stage.refused(
            2,
            words,
            &["generate", "a cat", "-o", output, "--model", "none.gguf"],
        );
    }
    let checkpoint = starter("").display().to_string();
    let movq = starter("movqgan.ckpt").display().to_string();
    for output in ["no/such/o.gguf", "folder"] {
        let import = [
            "import",
            &checkpoint,
            "--movq",
            &movq,
            "--quant",
            "q8_0",
            "-o",
            output,
        ];
        stage.refused(2, output, &import);
    }
}

#[test]
fn requests_that_cannot_be_met_are_wrong_usage() {
    let stage = Stage::new();
    let source = golden("generate/edit_panel.png");
    let long = "a".repeat(100_000);
    let cases: [(&str, &[&str]); 13] = [
        ("too long", &["generate", &long]),
        ("too long", &["edit", &source, "x", "--then", &long]),
        ("multiples of 32", &["generate", "a cat", "--size", "100x100"]),
        ("not trained for 64x64", &["generate", "a cat", "--size", "64x64"]),
        (
            "tokens",
            &["generate", "a cat", "--size", "4294967264x4294967264", "--force"],
        ),
        (
            "tokens",
            &["edit", &source, "x", "--size", "32x4294967264", "--force"],
        ),
        ("not pose", &["predict", &source, "--kind", "pose"]),
        ("not hed", &["pair", "a cat", "--kind", "hed"]),
        (
            "not hed",
            &["control", &source, "x", "--kind", "hed", "--from-photo"],
        ),
        ("no model at", &["generate", "a cat", "--model", "nowhere.gguf"]),
        ("may an instruction be empty", &["edit", &source, " "]),
        (
            "cannot be used",
            &[
                "generate",
                "a cat",
                "--device",
                if cfg!(feature = "metal") { "cuda" } else { "metal" },
            ],
        ),
        (
            "too large for --best-of",
            &[
                "generate",
                "a cat",
                "--seed",
                "18446744073709551615",
                "--best-of",
                "2",
            ],
        ),
    ];
    for (words, task) in cases {
        let mut args = task.to_vec();
        args.extend(["-o", "o.png"]);
        stage.refused(2, words, &args);
    }
    stage.done(&[
        "generate",
        "a cat",
        "--size",
        "64x32",
        "--force",
        "--seed",
        "18446744073709551615",
        "-o",
        "o.png",
    ]);
    assert_eq!(stage.pixels("o.png").dimensions(), (64, 32));
    stage.refused(2, "nothing to resume", &["resume", "o.png"]);
    stage.refused(1, "case.json", &["verify", "."]);
    // With --json the reason is an event.
    let output = stage.run(&["generate", "a cat", "--size", "64x32", "-o", "p.png", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let events = stage::events(&String::from_utf8_lossy(&output.stderr));
    let last = events.last().expect("events");
    assert_eq!((&last["event"], &last["usage"]), (&"failed".into(), &true.into()));
    assert!(output.stdout.is_empty() && !stage.path("p.png").exists());
}

#[test]
fn wrong_arguments_are_wrong_usage() {
    let stage = Stage::new();
    let source = golden("generate/edit_panel.png");
    let cases: [&[&str]; 8] = [
        &["generate"],
        &["generate", "a cat", "--mask", "m.png"],
        &["predict", &source, "--kind", "canny", "--mask", "m.png"],
        &["predict", &source],
        &["edit", &source, "x", "--feather", "3"],
        &["generate", "a cat", "--window", "0"],
        &["generate", "a cat", "--threads", "100000"],
        &["generate", "a cat", "--temperature", "nan"],
    ];
    for args in cases {
        let output = stage.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(!stderr.is_empty() && !stderr.contains("panicked"), "{stderr}");
    }
    assert!(stage.names().is_empty());
}

#[test]
fn verify_passes_over_plain_files() {
    let stage = Stage::new();
    stage.write("README.md", "about the cases");
    let case = golden("movq");
    let (stdout, stderr) = stage.told(&["verify", "README.md", &case]);
    assert_eq!(stdout.lines().count(), 1);
    assert!(
        stderr.contains("README.md") && stderr.contains("passed over"),
        "{stderr}"
    );
    let output = stage.run(&["verify", "README.md"]);
    assert_eq!(output.status.code(), Some(2));
}
