//! SIGINT in the middle of a picture keeps its rows; `resume` gives what an undisturbed run gives.
#![cfg(unix)]

mod stage;

use serde_json::Value;
use stage::{Stage, events, golden};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};

/// Sends a signal to the program. The shell's own `kill`: a bare machine has no other.
fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    let sent = Command::new("sh").args(["-c", &line]).status();
    assert!(sent.expect("a shell").success());
}

/// Runs a task (with `--json` on) and interrupts it as soon as `row` is drawn; its events.
fn interrupted(stage: &Stage, args: &[&str], row: u64) -> Vec<Value> {
    let mut child = stage.command(args).spawn().expect("the program starts");
    let stderr = BufReader::new(child.stderr.take().expect("stderr"));
    let mut seen = String::new();
    let mut sent = false;
    for line in stderr.lines() {
        let line = line.expect("text");
        let event: Value = serde_json::from_str(&line).expect("JSON");
        if !sent && event["event"] == "row" && event["row"].as_u64() >= Some(row) {
            signal(&child, "INT");
            sent = true;
        }
        seen += &line;
        seen += "\n";
    }
    let ended = child.wait().expect("an end");
    assert_eq!(ended.code(), Some(130), "{seen}");
    events(&seen)
}

/// What every stopped picture is: the number of tokens in it.
fn stopped(stage: &Stage, events: &[Value], row: u64, whole: usize) -> usize {
    let last = events.last().expect("events");
    assert_eq!(
        (&last["event"], &last["file"]),
        (&"cancelled".into(), &"s.png".into())
    );
    let info = stage.info("s.png");
    let tokens = info["tokens"].as_array().expect("tokens").len();
    assert_eq!(info["complete"], false);
    let columns = info["grid"]["columns"].as_u64().expect("columns");
    assert_eq!(
        Some(tokens as u64),
        last["rows"].as_u64().map(|rows| rows * columns)
    );
    assert!(tokens as u64 >= (row + 1) * columns && tokens < whole, "{tokens}");
    stage.refused(2, "not finished", &["redraw", "s.png", "-o", "x.png"]);
    tokens
}

#[test]
fn a_stopped_picture_is_finished_to_the_undisturbed_one() {
    let stage = Stage::new();
    let draw = |file: &'static str| {
        [
            "generate",
            "two foxes on the beach",
            "--seed",
            "11",
            "--size",
            "128x128",
            "--window",
            "1",
            "--json",
            "-o",
            file,
        ]
    };
    let events = interrupted(&stage, &draw("s.png"), 3);
    let tokens = stopped(&stage, &events, 3, 256);
    // Exactly the rows that are there are shown.
    let pixels = stage.pixels("s.png");
    assert_eq!(pixels.dimensions(), (128, tokens as u32 / 16 * 8));
    let grey = |y: u32| (0..128).all(|x| pixels.get_pixel(x, y).0 == [128; 3]);
    assert!(!(0..pixels.height()).any(grey));
    stage.done(&draw("u.png"));
    stage.done(&["resume", "s.png", "-o", "r.png"]);
    assert_eq!(stage.tokens("r.png"), stage.tokens("u.png"));
    assert_eq!(stage.pixels("r.png"), stage.pixels("u.png"));
    assert_eq!(stage.info("s.png")["complete"], false);
    // Without a name the stopped picture is replaced.
    stage.done(&["resume", "s.png", "--window", "6"]);
    assert_eq!(stage.tokens("s.png"), stage.tokens("u.png"));
    stage.refused(2, "nothing to resume", &["resume", "s.png"]);
}

#[test]
fn a_stopped_masked_edit_is_finished_without_its_source() {
    let stage = Stage::new();
    image::open(golden("generate/edit_panel.png"))
        .expect("a picture")
        .save(stage.path("source.png"))
        .expect("a copy");
    let mask = image::GrayImage::from_fn(64, 64, |x, y| {
        image::Luma([if x > 20 && y > 8 { 255 } else { 0 }])
    });
    mask.save(stage.path("mask.png")).expect("a mask");
    let draw = |file: &'static str| {
        [
            "edit",
            "source.png",
            "a star",
            "--mask",
            "mask.png",
            "--feather",
            "3",
            "--size",
            "128x128",
            "--seed",
            "4",
            "--window",
            "1",
            "--json",
            "-o",
            file,
        ]
    };
    let events = interrupted(&stage, &draw("s.png"), 20);
    stopped(&stage, &events, 20, 512);
    stage.done(&draw("u.png"));
    let wrong = ["resume", "s.png", "--source", "mask.png", "-o", "x.png"];
    stage.refused(2, "not the picture", &wrong);
    // The stopped picture holds all it needs.
    std::fs::rename(stage.path("source.png"), stage.path("elsewhere.png")).expect("a move");
    std::fs::remove_file(stage.path("mask.png")).expect("a mask");
    stage.done(&["resume", "s.png", "-o", "r.png"]);
    assert_eq!(stage.tokens("r.png"), stage.tokens("u.png"));
    assert_eq!(stage.pixels("r.png"), stage.pixels("u.png"));
    stage.done(&["redraw", "r.png", "--source", "elsewhere.png", "-o", "again.png"]);
    assert!(stage.read("r.png") == stage.read("again.png"));
}

#[test]
fn a_stop_is_said_in_words() {
    let stage = Stage::new();
    let mut child = stage
        .command(&["generate", "a cat", "--window", "1", "-o", "s.png"])
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr"));
    let mut text = String::new();
    // The seed is told when drawing begins.
    stderr.read_line(&mut text).expect("text");
    assert!(text.starts_with("seed "), "{text}");
    signal(&child, "TERM");
    stderr.read_to_string(&mut text).expect("text");
    assert_eq!(child.wait().expect("an end").code(), Some(130), "{text}");
    let line = text.lines().last().expect("a line");
    assert!(line.starts_with("cancelled: "), "{text}");
    assert_eq!(
        stage.path("s.png").exists(),
        line.contains("rows drawn so far are in s.png"),
        "{text}"
    );
}

/// With `--journal` what was drawn is in the file at every moment, even of a picture that is gone on with.
#[test]
fn rows_outlive_a_kill() {
    let stage = Stage::new();
    let common = ["--seed", "11", "--size", "128x128", "--window", "1"];
    let draw = [&["generate", "two foxes on the beach"], &common[..]].concat();
    stage.done(&[&draw[..], &["-o", "whole.png"]].concat());
    let mut least = 0;
    let mut killed = |args: &[&str], row: u64| {
        let mut child = stage.command(args).spawn().expect("the program starts");
        let stderr = BufReader::new(child.stderr.take().expect("stderr"));
        for line in stderr.lines() {
            let Ok(event) = serde_json::from_str::<Value>(&line.expect("text")) else {
                continue;
            };
            if event["event"] == "row" && event["row"].as_u64() >= Some(row) {
                signal(&child, "KILL");
                break;
            }
        }
        assert_eq!(child.wait().expect("an end").code(), None, "killed");
        let info = stage.info("s.png");
        assert_eq!(info["complete"], false);
        let tokens = info["tokens"].as_array().expect("tokens").len();
        // A row is told, then written; what was there stays.
        least = row.max(least);
        assert!(tokens as u64 >= least * 16 && tokens < 256, "{tokens}");
    };
    killed(&[&draw[..], &["--journal", "--json", "-o", "s.png"]].concat(), 2);
    killed(&["resume", "s.png", "--journal", "--json"], 7);
    killed(&["resume", "s.png", "--journal", "--json"], 11);
    // While it is told what it has already.
    killed(&["resume", "s.png", "--journal", "--json"], 0);
    stage.done(&["resume", "s.png"]);
    assert_eq!(stage.tokens("s.png"), stage.tokens("whole.png"));
    assert_eq!(stage.pixels("s.png"), stage.pixels("whole.png"));
    let several = ["--journal", "--best-of", "2", "-o", "x.png"];
    stage.refused(2, "--journal", &[&draw[..], &several].concat());
}
