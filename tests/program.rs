//! The real program on the built-in starter model: every task, its files and its exit codes.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn golden(name: &str) -> String {
    format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn program(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumina-studio"));
    command
        .current_dir(folder)
        .args(args)
        .output()
        .expect("the program starts")
}

fn done(folder: &Path, args: &[&str]) -> String {
    let output = program(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("text")
}

fn info(folder: &Path, file: &str) -> Value {
    serde_json::from_str(&done(folder, &["info", file, "--json"])).expect("JSON")
}

fn read(folder: &Path, file: &str) -> Vec<u8> {
    std::fs::read(folder.join(file)).expect("a file")
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn every_task_draws_a_picture_that_its_tokens_redraw() {
    let (_keep, folder) = folder();
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
        args.extend(["--seed", "1", "-o", "a.png"]);
        done(&folder, &args);
        done(&folder, &["redraw", "a.png", "-o", "b.png"]);
        assert!(read(&folder, "a.png") == read(&folder, "b.png"), "{task:?}");
        let tokens = info(&folder, "a.png")["tokens"].as_array().map_or(0, Vec::len);
        assert_eq!(tokens, if task[0] == "generate" { 256 } else { 512 }, "{task:?}");
    }
}

#[test]
fn a_seed_is_one_picture_whatever_the_window() {
    let (_keep, folder) = folder();
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
        done(&folder, &args);
        info(&folder, file)["tokens"].clone()
    };
    let plain = draw("1", "w1.png");
    for window in ["3", "8", "16"] {
        assert_eq!(draw(window, "w.png"), plain, "window {window}");
    }
}

#[test]
fn a_masked_edit_changes_nothing_outside_the_mask() {
    let (_keep, folder) = folder();
    let source = golden("generate/edit_panel.png");
    let mask = image::GrayImage::from_fn(128, 128, |x, y| {
        image::Luma([if x > 70 && y > 60 { 255 } else { 0 }])
    });
    mask.save(folder.join("mask.png")).expect("a mask");
    done(
        &folder,
        &[
            "edit", &source, "", "--mask", "mask.png", "--seed", "3", "-o", "out.png",
        ],
    );
    let before = image::open(&source).expect("source").to_rgb8();
    let after = image::open(folder.join("out.png")).expect("result").to_rgb8();
    let inside = |x: u32, y: u32| x > 70 && y > 60;
    let changed = |keep: bool| {
        let pixels = before.enumerate_pixels().zip(after.pixels());
        pixels
            .filter(|((x, y, a), b)| inside(*x, *y) == keep && a != b)
            .count()
    };
    assert_eq!(changed(false), 0);
    assert!(changed(true) > 0);
    done(
        &folder,
        &["redraw", "out.png", "--source", &source, "-o", "again.png"],
    );
    assert!(read(&folder, "out.png") == read(&folder, "again.png"));
}

#[test]
fn the_best_of_several_comes_first_and_all_are_kept() {
    let (_keep, folder) = folder();
    let text = done(
        &folder,
        &[
            "generate",
            "a cat at night",
            "--seed",
            "1",
            "--best-of",
            "3",
            "-o",
            "n.png",
            "--json",
        ],
    );
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let scores: Vec<f64> = lines.filter_map(|line| line["score"].as_f64()).collect();
    assert_eq!(scores.len(), 3);
    assert!(scores.iter().all(|score| *score <= scores[0]), "{scores:?}");
    for file in ["n.png", "n-2.png", "n-3.png"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
}

/// The pictures a first start shows are really drawn by clicking them.
#[test]
fn the_examples_are_what_the_starter_draws() {
    let (_keep, folder) = folder();
    for name in ["fox", "owl", "heart"] {
        let example = format!("{}/assets/examples/{name}.png", env!("CARGO_MANIFEST_DIR"));
        let stored = info(&folder, &example);
        let (prompt, seed) = (
            stored["prompt"].as_str().expect("a prompt"),
            stored["seed"].to_string(),
        );
        done(&folder, &["generate", prompt, "--seed", &seed, "-o", "again.png"]);
        assert_eq!(info(&folder, "again.png")["tokens"], stored["tokens"], "{name}");
        std::fs::remove_file(folder.join("again.png")).expect("the picture");
    }
}

#[test]
fn wrong_input_is_refused_in_one_line() {
    let (_keep, folder) = folder();
    std::fs::write(folder.join("text.png"), "not a picture").expect("a file");
    let cases: [(&[&str], i32); 5] = [
        (&["edit", "text.png", "x", "-o", "o.png"], 1),
        (&["generate", "x", "--size", "100x100", "-o", "o.png"], 2),
        (&["predict", "text.png", "--kind", "depth", "-o", "o.png"], 1),
        (&["generate", "x", "-o", "/nowhere/at/all/o.png"], 2),
        (&["info", "text.png"], 1),
    ];
    for (args, code) in cases {
        let output = program(&folder, args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(!folder.join("o.png").exists());
    }
}

#[test]
fn golden_vectors_hold() {
    let (_keep, folder) = folder();
    let cases = ["decoder-mha", "decoder-gqa", "movq"].map(golden);
    let args = ["verify", cases[0].as_str(), cases[1].as_str(), cases[2].as_str()];
    assert_eq!(done(&folder, &args).lines().count(), 3);
}
