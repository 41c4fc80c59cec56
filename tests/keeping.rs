//! A picture that is drawn is kept: where it should be, else where it can be, and said.
#![cfg(unix)]

mod stage;

use stage::{Stage, events, golden};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// The program at a home of its own.
fn command(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.command(args);
    command
        .env("HOME", stage.path("home"))
        .env_remove("XDG_DATA_HOME");
    command
}

fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    let sent = Command::new("sh").args(["-c", &line]).status();
    assert!(sent.expect("a shell").success());
}

/// Does `then` as soon as that row is drawn; what the program said by then and later.
fn at_row(stage: &Stage, args: &[&str], row: u64, then: impl Fn(&Child)) -> (Output, String) {
    let mut child = command(stage, args).spawn().expect("the program starts");
    let stderr = BufReader::new(child.stderr.take().expect("stderr"));
    let (mut seen, mut is_done) = (String::new(), false);
    for line in stderr.lines() {
        let line = line.expect("text");
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if !is_done && event["event"] == "row" && event["row"].as_u64() >= Some(row) {
            then(&child);
            is_done = true;
        }
        seen += &line;
        seen += "\n";
    }
    let output = child.wait_with_output().expect("an end");
    (output, seen)
}

const SMALL: [&str; 6] = ["generate", "a red circle", "--size", "96x160", "--window", "1"];

fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], more].concat()
}

#[test]
fn a_picture_whose_folder_is_gone_is_written_elsewhere() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("sub")).expect("a folder");
    let args = small(&["--seed", "3", "--json", "-o", "sub/a.png"]);
    let (output, seen) = at_row(&stage, &args, 1, |_| {
        std::fs::remove_dir_all(stage.path("sub")).expect("it goes");
    });
    assert_eq!(output.status.code(), Some(1), "{seen}");
    let events = events(&seen);
    let rescued = events.iter().find(|event| event["event"] == "rescued");
    let rescued = rescued.expect("it is said");
    assert!(
        rescued["message"]
            .as_str()
            .is_some_and(|words| words.contains("sub/a.png"))
    );
    let file = rescued["file"].as_str().expect("a file");
    assert!(PathBuf::from(file).starts_with(stage.path("home")), "{file}");
    let finished = events.iter().find(|event| event["event"] == "finished");
    assert_eq!(finished.expect("it is finished")["file"], file);
    assert_eq!(stage.info(file)["complete"], true);
}

#[test]
fn one_candidate_that_cannot_be_written_costs_no_other() {
    let stage = Stage::new();
    // In the way of the second best.
    std::fs::create_dir_all(stage.path("a-2.png/in-the-way")).expect("a folder");
    let args = small(&["--seed", "3", "--best-of", "3", "-o", "a.png"]);
    let output = command(&stage, &args).output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("the picture is in ") && stderr.contains("a-2.png"),
        "{stderr}"
    );
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let files: Vec<&str> = told.lines().collect();
    assert_eq!((files.len(), files[0], files[2]), (3, "a.png", "a-3.png"));
    let mut seeds: Vec<u64> = files
        .iter()
        .map(|file| stage.info(file)["seed"].as_u64().expect("a seed"))
        .collect();
    seeds.sort_unstable();
    assert_eq!(seeds, [3, 4, 5]);
}

#[test]
fn in_a_hurry_the_rows_are_kept_too() {
    let stage = Stage::new();
    let args = [
        "generate",
        "a fox on the beach",
        "--window",
        "1",
        "--seed",
        "3",
        "--json",
        "-o",
        "a.png",
    ];
    let (output, seen) = at_row(&stage, &args, 3, |child| {
        signal(child, "INT");
        signal(child, "INT");
    });
    assert_eq!(output.status.code(), Some(130), "{seen}");
    let info = stage.info("a.png");
    let held = info["tokens"].as_array().expect("tokens").len();
    assert!(info["complete"] == false && held >= 4 * 24, "{held}");
    // A hurried stop of its finishing takes no row away.
    let before = stage.read("a.png");
    let (output, seen) = at_row(&stage, &["resume", "a.png", "--json"], 0, |child| {
        signal(child, "TERM");
        signal(child, "TERM");
    });
    assert_eq!(output.status.code(), Some(130), "{seen}");
    let after = stage.info("a.png")["tokens"].as_array().expect("tokens").len();
    assert!(after > held || stage.read("a.png") == before, "{held} {after}");
}

#[test]
fn a_picture_that_is_read_is_not_replaced() {
    let stage = Stage::new();
    std::fs::copy(golden("generate/edit_panel.png"), stage.path("in.png")).expect("a picture");
    std::os::unix::fs::symlink("in.png", stage.path("link.png")).expect("a link");
    let before = stage.read("in.png");
    let words = "is the picture that is read";
    for output in ["in.png", "./in.png", "link.png"] {
        stage.refused(2, words, &["edit", "in.png", "a star", "-o", output]);
        stage.refused(2, words, &["subject", "in.png", "a star", "-o", output]);
        stage.refused(
            2,
            words,
            &["control", "in.png", "a star", "--kind", "canny", "-o", output],
        );
        stage.refused(2, words, &["predict", "in.png", "--kind", "canny", "-o", output]);
        stage.refused(
            2,
            words,
            &["edit", "link.png", "", "--mask", "in.png", "-o", output],
        );
    }
    // Names that follow from the output, too.
    std::fs::rename(stage.path("in.png"), stage.path("a-turn-1.png")).expect("a move");
    let turns = [
        "edit",
        "a-turn-1.png",
        "a star",
        "--then",
        "a red star",
        "-o",
        "a.png",
    ];
    stage.refused(2, words, &turns);
    assert!(stage.read("a-turn-1.png") == before);
}

#[test]
fn two_programs_with_one_seed_write_two_files() {
    let stage = Stage::new();
    let start = || {
        let mut command = command(&stage, &small(&["--seed", "7"]));
        command.stderr(Stdio::null());
        command.spawn().expect("the program starts")
    };
    let both = [start(), start()];
    let mut told: Vec<String> = both
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().expect("an end");
            assert_eq!(output.status.code(), Some(0));
            String::from_utf8(output.stdout).expect("text").trim().to_owned()
        })
        .collect();
    told.sort();
    assert_eq!(told, ["lumina-7-take-2.png", "lumina-7.png"]);
    assert_eq!(stage.tokens(&told[0]), stage.tokens(&told[1]));
}

#[test]
fn an_import_does_not_replace_what_it_reads() {
    let stage = Stage::new();
    stage.checkpoint("m");
    std::os::unix::fs::symlink("m/model.safetensors", stage.path("link")).expect("a link");
    for output in [
        "m/model.safetensors",
        "m/movqgan.ckpt",
        "m/config.json",
        "m/movq.json",
        "link",
    ] {
        let before = stage.read("m/model.safetensors");
        let import = [
            "import",
            "m",
            "--movq",
            "m/movqgan.ckpt",
            "--quant",
            "q8_0",
            "-o",
            output,
        ];
        stage.refused(1, "one of the files the model is made of", &import);
        assert!(stage.read("m/model.safetensors") == before);
    }
}
