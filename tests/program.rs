//! The real program on the built-in starter model: every task, its files and its exit codes.

mod stage;

use lumina_studio::model::bundle::{Bundle, Source};
use lumina_studio::picture;
use lumina_studio::pixels::Size;
use lumina_studio::saved_picture::fingerprint;
use lumina_studio::task::CANNY_THRESHOLDS;
use serde_json::Value;
use stage::{Stage, events, golden};

/// Small pictures, which the starter was not trained for: quick to draw.
const SMALL: [&str; 3] = ["--size", "64x64", "--force"];

fn small<'a>(task: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [task, &SMALL, rest].concat()
}

#[test]
fn every_task_draws_a_picture_that_its_tokens_redraw() {
    let stage = Stage::new();
    let source = golden("generate/edit_panel.png");
    let tasks: [&[&str]; 6] = [
        &["generate", "a cat on a blue background"],
        &[
            "pair",
            "a heart above a star on a white background",
            "--kind",
            "canny",
        ],
        &[
            "control",
            &golden("generate/control_panel.png"),
            "a big unicorn underwater",
            "--kind",
            "canny",
        ],
        &[
            "subject",
            &golden("generate/subject_panel.png"),
            "an umbrella on a yellow background",
        ],
        &["edit", &source, "change the background: at sunset"],
        &["predict", &source, "--kind", "canny"],
    ];
    for task in tasks {
        let mut args = task.to_vec();
        args.extend(["--size", "128x128", "--seed", "1", "-o", "a.png"]);
        stage.done(&args);
        stage.done(&["redraw", "a.png", "-o", "b.png"]);
        assert!(stage.read("a.png") == stage.read("b.png"), "{task:?}");
        let tokens = stage.info("a.png")["tokens"].as_array().map_or(0, Vec::len);
        assert_eq!(tokens, if task[0] == "generate" { 256 } else { 512 }, "{task:?}");
    }
}

#[test]
fn a_seed_is_one_picture_whatever_the_window() {
    let stage = Stage::new();
    let draw = |window: &str, file: &str| {
        let args = [
            "generate",
            "two foxes on the beach",
            "--seed",
            "7",
            "--window",
            window,
            "-o",
            file,
        ];
        stage.done(&args);
        stage.info(file)["tokens"].clone()
    };
    let plain = draw("1", "w1.png");
    for window in ["3", "8", "16", "64"] {
        assert_eq!(draw(window, "w.png"), plain, "window {window}");
    }
}

#[test]
fn a_masked_edit_changes_nothing_outside_the_mask() {
    let stage = Stage::new();
    let source = golden("generate/edit_panel.png");
    let mask = image::GrayImage::from_fn(128, 128, |x, y| {
        image::Luma([if x > 70 && y > 60 { 255 } else { 0 }])
    });
    mask.save(stage.path("mask.png")).expect("a mask");
    stage.done(&[
        "edit", &source, "", "--mask", "mask.png", "--seed", "3", "-o", "out.png",
    ]);
    let before = image::open(&source).expect("source").to_rgb8();
    let after = image::open(stage.path("out.png")).expect("result").to_rgb8();
    let inside = |x: u32, y: u32| x > 70 && y > 60;
    let changed = |keep: bool| {
        let pixels = before.enumerate_pixels().zip(after.pixels());
        pixels
            .filter(|((x, y, a), b)| inside(*x, *y) == keep && a != b)
            .count()
    };
    assert_eq!(changed(false), 0);
    assert!(changed(true) > 0);
    stage.done(&["redraw", "out.png", "--source", &source, "-o", "again.png"]);
    assert!(stage.read("out.png") == stage.read("again.png"));
}

#[test]
fn the_best_of_several_comes_first_and_all_are_kept() {
    let stage = Stage::new();
    let text = stage.done(&[
        "generate",
        "a cat at night",
        "--seed",
        "1",
        "--best-of",
        "3",
        "-o",
        "n.png",
        "--json",
    ]);
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let scores: Vec<f64> = lines.filter_map(|line| line["score"].as_f64()).collect();
    assert_eq!(scores.len(), 3);
    assert!(scores.iter().all(|score| *score <= scores[0]), "{scores:?}");
    for file in ["n.png", "n-2.png", "n-3.png"] {
        assert!(stage.path(file).is_file(), "{file}");
    }
}

/// The pictures a first start shows are really drawn by clicking them.
#[test]
fn the_examples_are_what_the_starter_draws() {
    let stage = Stage::new();
    for name in ["fox", "cactus", "penguin"] {
        let example = format!("{}/assets/examples/{name}.png", env!("CARGO_MANIFEST_DIR"));
        let stored = stage.info(&example);
        let (prompt, seed) = (
            stored["prompt"].as_str().expect("a prompt"),
            stored["seed"].to_string(),
        );
        stage.done(&["generate", prompt, "--seed", &seed, "-o", "again.png"]);
        assert_eq!(stage.info("again.png")["tokens"], stored["tokens"], "{name}");
    }
}

#[test]
fn golden_vectors_hold() {
    let stage = Stage::new();
    let cases = ["decoder-mha", "decoder-gqa", "movq"].map(golden);
    let args = ["verify", cases[0].as_str(), cases[1].as_str(), cases[2].as_str()];
    assert_eq!(stage.done(&args).lines().count(), 3);
}

#[test]
fn a_quantised_decoder_is_measured() {
    let stage = Stage::new();
    let (stdout, _) = stage.told(&["verify", &golden("generate"), "--model-quant", "q4_k"]);
    for line in stdout.lines() {
        let fact = |key: &str| {
            let fact = line.split_whitespace().find_map(|word| word.strip_prefix(key));
            fact.unwrap_or_else(|| panic!("no {key} in {line}")).to_owned()
        };
        let tokens = fact("tokens=");
        let (equal, total) = tokens.split_once('/').expect("equal/total");
        let count = |text: &str| text.parse::<usize>().expect("a number");
        assert!(count(equal) <= count(total) && count(total) > 0, "{line}");
        assert!(
            fact("max_abs_error=").parse::<f32>().is_ok() && !line.contains("WRONG"),
            "{line}"
        );
    }
    assert!(stdout.lines().count() > 0);
}

#[test]
fn every_turn_starts_from_the_result_before_it() {
    let stage = Stage::new();
    let source = golden("generate/edit_panel.png");
    let task = ["edit", &source, "at night", "--then", "add a star"];
    let (stdout, stderr) = stage.told(&small(&task, &["--seed", "1", "-o", "out.png", "--json"]));
    let files: Vec<Value> = events(&stdout)
        .iter()
        .map(|event| event["file"].clone())
        .collect();
    assert_eq!(files, ["out-turn-1.png", "out.png"]);
    let finished: Vec<Value> = events(&stderr)
        .into_iter()
        .filter(|e| e["event"] == "finished")
        .collect();
    assert_eq!(
        (&finished[0]["turn"], &finished[1]["turn"]),
        (&1.into(), &2.into())
    );
    let first = picture::read(&stage.path("out-turn-1.png")).expect("a picture");
    let info = stage.info("out.png");
    assert_eq!(info["source_sha256"], fingerprint(&first));
    assert_eq!(info["prompt"], "add a star");
    let alone = ["edit", "out-turn-1.png", "add a star"];
    stage.done(&small(&alone, &["--seed", "1", "-o", "alone.png"]));
    assert_eq!(stage.tokens("alone.png"), stage.tokens("out.png"));
}

#[test]
fn a_map_is_made_of_a_photo() {
    let stage = Stage::new();
    let photo = golden("generate/edit_panel.png");
    let canny = ["control", &photo, "a fox", "--kind", "canny", "--from-photo"];
    stage.done(&small(&canny, &["--seed", "2", "-o", "c.png"]));
    let tokens = stage.tokens("c.png");
    let panel = picture::fit(
        &picture::read(photo.as_ref()).expect("a photo"),
        Size::new(64, 64),
    );
    let map = picture::canny(&panel, CANNY_THRESHOLDS.0, CANNY_THRESHOLDS.1);
    let model = Bundle::open(&Source::default()).expect("the starter");
    let codes = model.movq.encode(&map).expect("codes");
    let codes: Vec<u64> = codes.into_iter().map(u64::from).collect();
    assert_eq!(codes, tokens[..64]);
    // The same as from the ready map.
    let rgb = image::RgbImage::from_raw(64, 64, map.rgb().to_vec()).expect("a map");
    rgb.save(stage.path("map.png")).expect("a file");
    let ready = ["control", "map.png", "a fox", "--kind", "canny"];
    stage.done(&small(&ready, &["--seed", "2", "-o", "m.png"]));
    assert_eq!(stage.tokens("m.png"), tokens);
    // Other maps are the model's own work: one picture more is drawn.
    let depth = ["control", &photo, "a fox", "--kind", "depth", "--from-photo"];
    let (_, stderr) = stage.told(&small(&depth, &["--seed", "2", "-o", "d.png", "--json"]));
    let started = events(&stderr)
        .into_iter()
        .filter(|event| event["event"] == "started");
    assert_eq!(started.count(), 2);
    assert_eq!(stage.tokens("d.png").len(), 128);
}

#[test]
fn a_pair_is_saved_as_one_picture() {
    let stage = Stage::new();
    let task = ["pair", "a heart", "--kind", "canny"];
    stage.done(&small(&task, &["--seed", "1", "-o", "pair.png"]));
    assert_eq!(stage.pixels("pair.png").dimensions(), (64, 128));
    stage.done(&small(
        &["generate", "a heart"],
        &["--seed", "1", "-o", "one.png"],
    ));
    assert_eq!(stage.pixels("one.png").dimensions(), (64, 64));
}

/// A JPEG that says it lies on its side.
fn on_its_side(picture: &image::RgbImage) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .expect("a JPEG");
    let jpeg = jpeg.into_inner();
    // One directory of one entry: orientation 6, to be turned clockwise.
    let tiff = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = (2 + 6 + tiff.len()) as u16;
    let exif = [&b"\xff\xe1"[..], &length.to_be_bytes(), b"Exif\0\0", tiff].concat();
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

#[test]
fn sources_are_read_upright_and_opaque_whatever_their_format() {
    let stage = Stage::new();
    let photo = image::RgbImage::from_fn(90, 60, |x, y| image::Rgb([(2 * x) as u8, (4 * y) as u8, 90]));
    let drawn_from = |file: &str| {
        let predict = ["predict", file, "--kind", "canny"];
        stage.done(&small(
            &predict,
            &["--seed", "1", "--window", "4", "-o", "out.png"],
        ));
        (
            stage.tokens("out.png"),
            stage.info("out.png")["source_sha256"].clone(),
        )
    };
    let jpeg = on_its_side(&photo);
    stage.write("side.jpg", &jpeg);
    let decoded = image::load_from_memory(&jpeg).expect("a picture").to_rgb8();
    image::imageops::rotate90(&decoded)
        .save(stage.path("upright.png"))
        .expect("a file");
    assert_eq!(drawn_from("side.jpg"), drawn_from("upright.png"));
    photo.save(stage.path("photo.webp")).expect("a file");
    photo.save(stage.path("photo.png")).expect("a file");
    let opaque = drawn_from("photo.png");
    assert_eq!(drawn_from("photo.webp"), opaque);
    let faded = |alpha: u8| {
        image::RgbaImage::from_fn(90, 60, |x, y| {
            let [r, g, b] = photo.get_pixel(x, y).0;
            image::Rgba([r, g, b, if x < 45 { 255 } else { alpha }])
        })
    };
    faded(0).save(stage.path("faded.png")).expect("a file");
    let white = image::RgbImage::from_fn(90, 60, |x, y| match x < 45 {
        true => *photo.get_pixel(x, y),
        false => image::Rgb([255; 3]),
    });
    white.save(stage.path("white.png")).expect("a file");
    let faded = drawn_from("faded.png");
    assert_eq!(faded, drawn_from("white.png"));
    assert_ne!(faded, opaque);
}

#[test]
fn every_line_of_json_is_an_event() {
    let stage = Stage::new();
    let draw = [
        "generate", "a cat", "--seed", "1", "--size", "128x128", "--window", "3", "-o", "a.png", "--json",
    ];
    let (stdout, stderr) = stage.told(&draw);
    let events = events(&stderr);
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(names.len(), events.len());
    assert_eq!(names[..2], ["loaded", "started"]);
    assert_eq!(names[names.len() - 2..], ["decoding", "finished"]);
    // On a slow machine a row in the making is told, too.
    let mut between = names[2..names.len() - 2].iter();
    assert!(between.all(|name| matches!(*name, "row" | "ahead")));
    let rows: Vec<&Value> = events.iter().filter(|event| event["event"] == "row").collect();
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap_or_else(|| panic!("{key}: {event}"));
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row["row"], at);
    }
    assert_eq!(rows.len(), 16);
    for key in ["tokens", "forwards", "seconds"] {
        let values: Vec<f64> = events[1..]
            .iter()
            .filter(|event| event["event"] != "decoding")
            .map(|event| number(event, key))
            .collect();
        assert!(
            values.windows(2).all(|pair| pair[0] <= pair[1]),
            "{key}: {values:?}"
        );
        assert!(values[0] < values[values.len() - 1], "{key}");
    }
    let last = events.last().expect("events");
    assert_eq!((&last["tokens"], &last["file"]), (&256.into(), &"a.png".into()));
    assert!(number(last, "forwards") <= 256.0);
    // Results stand on stdout, too.
    assert_eq!(stage::events(&stdout), std::slice::from_ref(last));
}

#[test]
fn info_tells_every_setting() {
    let stage = Stage::new();
    let source = golden("generate/subject_panel.png");
    let task = ["subject", &source, "in snow", "--describe", "a red ball"];
    let settings = [
        "--seed",
        "77",
        "--cfg",
        "2.5",
        "--top-k",
        "40",
        "--temperature",
        "0.75",
        "--top-n-sigma",
        "1.5",
        "--window",
        "5",
        "--noise",
        "coupled",
        "-o",
        "a.png",
    ];
    stage.done(&small(&task, &settings));
    let info = stage.info("a.png");
    let wanted = serde_json::json!({
        "mode": {"kind": "subject", "describe": "a red ball"}, "prompt": "in snow",
        "size": {"width": 64, "height": 64}, "grid": {"rows": 16, "columns": 8},
        "sampling": {"cfg": 2.5, "top_k": 40, "temperature": 0.75, "top_n_sigma": 1.5},
        "seed": 77, "window": 5, "noise": "coupled", "model": "starter", "complete": true,
        "force": true, "feather": 0,
    });
    for (key, value) in wanted.as_object().expect("an object") {
        assert_eq!(&info[key], value, "{key}");
    }
    assert_eq!(info["tokens"].as_array().map(Vec::len), Some(128));
    let text = stage.done(&["info", "a.png"]);
    assert!(
        text.starts_with("in snow\n") && text.contains("Seed: 77"),
        "{text}"
    );
}

#[test]
fn info_tells_of_models_and_of_other_programs_pictures() {
    let stage = Stage::new();
    let parameters = "a red fox\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234, Size: 512x768, Model: x, Version: v1.9";
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder
        .add_text_chunk("parameters".to_owned(), parameters.to_owned())
        .expect("a text");
    encoder
        .write_header()
        .expect("a header")
        .write_image_data(&[0])
        .expect("pixels");
    stage.write("foreign.png", bytes);
    let info = stage.info("foreign.png");
    assert_eq!(
        (&info["prompt"], &info["seed"]),
        (&"a red fox".into(), &1234.into())
    );
    assert_eq!(
        (&info["negative"], &info["size"]),
        (&"blurry".into(), &"512x768".into())
    );
    assert!(stage.done(&["info", "foreign.png"]).contains("Seed: 1234"));
    let root = env!("CARGO_MANIFEST_DIR");
    for (model, layers) in [("assets/starter.gguf", 12), ("tests/starter", 8)] {
        let info = stage.info(&format!("{root}/{model}"));
        assert_eq!(
            (&info["model"], &info["layers"]),
            (&"starter".into(), &layers.into()),
            "{model}"
        );
    }
}

#[test]
fn the_same_settings_give_the_same_file() {
    let stage = Stage::new();
    let draw = |file: &str, rest: &[&str]| {
        // Hot enough that every draw shows.
        let settings = [&["--seed", "9", "--temperature", "2", "-o", file], rest].concat();
        stage.done(&small(&["generate", "a cat"], &settings));
    };
    draw("a.png", &["--window", "4"]);
    draw("b.png", &["--window", "4"]);
    assert!(stage.read("a.png") == stage.read("b.png"));
    // There the lookahead decides, too: the automatic one must not depend on the clock.
    draw("c.png", &["--noise", "coupled"]);
    draw("d.png", &["--noise", "coupled"]);
    assert!(stage.read("c.png") == stage.read("d.png"));
    assert_ne!(stage.tokens("a.png"), stage.tokens("c.png"));
    // A seed is the same picture alone and among others.
    draw("best.png", &["--window", "4", "--best-of", "2"]);
    let seeds = ["best.png", "best-2.png"].map(|file| (stage.info(file)["seed"].clone(), stage.tokens(file)));
    assert!(seeds.contains(&(9.into(), stage.tokens("a.png"))));
}

#[test]
fn a_masked_edit_of_a_photo_keeps_its_size_and_all_outside_the_mask() {
    let stage = Stage::new();
    let photo = image::RgbImage::from_fn(301, 197, |x, y| {
        image::Rgb([(x % 256) as u8, (y % 256) as u8, ((x * y) % 251) as u8])
    });
    photo.save(stage.path("photo.png")).expect("a photo");
    // A mask of twice the size: a disc off the middle.
    let inside = |x: u32, y: u32| (x as i32 - 240).pow(2) + (y as i32 - 170).pow(2) < 14_400;
    let mask = image::GrayImage::from_fn(602, 394, |x, y| image::Luma([if inside(x, y) { 255 } else { 0 }]));
    mask.save(stage.path("mask.png")).expect("a mask");
    let task = ["edit", "photo.png", "", "--mask", "mask.png", "--feather", "6"];
    stage.done(&small(&task, &["--seed", "3", "-o", "out.png"]));
    let out = stage.pixels("out.png");
    assert_eq!(out.dimensions(), (301, 197));
    let redrawn = |x: u32, y: u32| inside(2 * x, 2 * y);
    let changed = |wanted: bool| {
        let pixels = photo
            .enumerate_pixels()
            .filter(|(x, y, _)| redrawn(*x, *y) == wanted);
        pixels
            .filter(|(x, y, pixel)| out.get_pixel(*x, *y) != *pixel)
            .count()
    };
    assert_eq!(changed(false), 0);
    assert!(changed(true) > 1000, "{}", changed(true));
    stage.done(&["redraw", "out.png", "--source", "photo.png", "-o", "again.png"]);
    assert!(stage.read("out.png") == stage.read("again.png"));
    stage.refused(2, "--source", &["redraw", "out.png", "-o", "x.png"]);
    stage.refused(
        2,
        "not the picture",
        &["redraw", "out.png", "--source", "mask.png", "-o", "x.png"],
    );
}

#[cfg(unix)]
#[test]
fn a_picture_is_as_readable_as_any_other_file() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    stage.write("other", "");
    stage.done(&small(&["generate", "a cat"], &["--seed", "1", "-o", "a.png"]));
    let mode = |file: &str| {
        let found = std::fs::metadata(stage.path(file)).expect("a file");
        found.permissions().mode()
    };
    assert_eq!(mode("a.png"), mode("other"));
}
