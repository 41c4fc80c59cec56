//! The program itself on an emulated NVIDIA card: pictures, stops, and cards that will not do. What the
//! emulated driver pretends is said in `tests/cuda/driver.cpp`.

mod emulator;
mod stage;

use emulator::{Emulated, driver, driver_without};
use serde_json::Value;
use stage::{Stage, events, golden};
use std::path::{Path, PathBuf};
use std::process::Output;

/// A picture small enough for the emulator: 8 x 4 codes.
const SMALL: [&str; 4] = ["--size", "64x32", "--force", "--json"];

/// The folder of the driver; `None`, and a word about it, where it cannot be built.
fn card(driver: &Emulated, test: &str) -> Option<PathBuf> {
    match driver {
        Emulated::Driver(folder) => Some(folder.clone()),
        Emulated::LeftOut(why) => {
            println!("left out: {test}: {why}");
            None
        }
    }
}

/// Runs the program where it finds the card; `pretends` are settings of the driver.
fn run(stage: &Stage, card: &Path, pretends: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = stage.command(args);
    command.env("LD_LIBRARY_PATH", card);
    command.envs(
        pretends
            .iter()
            .map(|(name, value)| (format!("EMULATED_CUDA_{name}"), *value)),
    );
    command.output().expect("the program starts")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn done(stage: &Stage, card: &Path, pretends: &[(&str, &str)], args: &[&str]) -> Vec<Value> {
    let output = run(stage, card, pretends, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", told(&output));
    events(&String::from_utf8_lossy(&output.stderr))
}

/// Ends with `code` and one line of words, without a panic.
fn refused(stage: &Stage, card: &Path, pretends: &[(&str, &str)], code: i32, args: &[&str]) -> String {
    let output = run(stage, card, pretends, args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{pretends:?}: {said}");
    assert!(!said.contains("panicked") && !said.contains("0: "), "{said}");
    let failures = said
        .lines()
        .filter(|line| line.contains("\"failed\"") || line.starts_with("error"));
    assert_eq!(failures.count(), 1, "{pretends:?}: {said}");
    said
}

/// Runs to a good end; how many launches or allocations there were.
fn counted(stage: &Stage, card: &Path, what: &str, args: &[&str]) -> u64 {
    let log = stage.path("log");
    done(stage, card, &[("LOG", log.to_str().expect("a path"))], args);
    let text = std::fs::read_to_string(&log).expect("a log");
    let count = text.lines().find_map(|line| line.strip_prefix(what));
    count.expect("a count").trim().parse().expect("a number")
}

fn args<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [words, &SMALL, more].concat()
}

#[test]
fn a_seed_is_one_picture_for_every_window_and_lane() {
    let name = "a_seed_is_one_picture_for_every_window_and_lane";
    let Some(card) = card(driver(), name) else { return };
    let stage = Stage::new();
    let fox = ["generate", "a fox in the snow", "--seed", "5"];
    let loaded = &done(
        &stage,
        &card,
        &[],
        &args(&fox, &["--window", "16", "-o", "wide.png"]),
    )[0];
    // Where there is a card it is used.
    assert_eq!(loaded["device"], "Emulated card");
    done(
        &stage,
        &card,
        &[],
        &args(&fox, &["--window", "1", "-o", "plain.png"]),
    );
    assert_eq!(stage.tokens("wide.png"), stage.tokens("plain.png"));
    // Two seeds in one batch, which begin as a fork: the same pictures.
    done(
        &stage,
        &card,
        &[],
        &args(&fox, &["--best-of", "2", "--window", "4", "-o", "both.png"]),
    );
    let seeds =
        ["both.png", "both-2.png"].map(|file| (stage.info(file)["seed"].as_u64(), stage.tokens(file)));
    let five = seeds.iter().find(|(seed, _)| *seed == Some(5)).expect("seed 5");
    assert_eq!(five.1, stage.tokens("wide.png"));
    let six = seeds.iter().find(|(seed, _)| *seed == Some(6)).expect("seed 6");
    let alone = ["generate", "a fox in the snow", "--seed", "6"];
    done(
        &stage,
        &card,
        &[],
        &args(&alone, &["--window", "2", "-o", "six.png"]),
    );
    assert_eq!(six.1, stage.tokens("six.png"));
    // Told the same codes, the CPU would draw nearly all of them.
    let (agreement, _) = stage.told(&["verify", "--device", "cpu", "wide.png", "six.png"]);
    assert_eq!(agreement.lines().count(), 2, "{agreement}");
}

#[test]
fn what_breaks_off_is_kept_and_finished_to_the_undisturbed_picture() {
    let name = "what_breaks_off_is_kept_and_finished_to_the_undisturbed_picture";
    let Some(card) = card(driver(), name) else { return };
    let stage = Stage::new();
    let cat = ["generate", "a cat", "--seed", "2", "--window", "4"];
    let counted = counted(&stage, &card, "launches", &args(&cat, &["-o", "whole.png"]));
    // A kernel fails when some rows are drawn: one sentence, and the rows are kept.
    let fails = (counted * 3 / 5).to_string();
    let said = refused(
        &stage,
        &card,
        &[("FAIL_LAUNCH", &fails)],
        1,
        &args(&cat, &["-o", "part.png"]),
    );
    assert!(said.contains("the NVIDIA card failed"), "{said}");
    let part = stage.tokens("part.png");
    let whole = stage.tokens("whole.png");
    assert!(
        !part.is_empty() && part.len() < whole.len(),
        "{} codes",
        part.len()
    );
    assert_eq!(part[..], whole[..part.len()]);
    done(
        &stage,
        &card,
        &[],
        &["resume", "part.png", "-o", "resumed.png", "--json"],
    );
    assert_eq!(stage.tokens("resumed.png"), whole);
    assert_eq!(stage.pixels("resumed.png"), stage.pixels("whole.png"));
}

#[test]
fn given_pictures_have_the_codes_the_cpu_finds() {
    let name = "given_pictures_have_the_codes_the_cpu_finds";
    let Some(card) = card(driver(), name) else { return };
    let stage = Stage::new();
    let source = golden("generate/subject_panel.png");
    let subject = [
        "subject",
        source.as_str(),
        "a fox",
        "--seed",
        "1",
        "--window",
        "16",
    ];
    done(&stage, &card, &[], &args(&subject, &["-o", "card.png"]));
    stage.done(&args(&subject, &["--device", "cpu", "-o", "cpu.png"]));
    let (card, cpu) = (stage.tokens("card.png"), stage.tokens("cpu.png"));
    assert_eq!((card.len(), cpu.len()), (64, 64));
    assert_eq!(card[..32], cpu[..32], "the reference's codes");
}

#[test]
fn cards_that_will_not_do_are_refused_in_a_sentence() {
    let name = "cards_that_will_not_do_are_refused_in_a_sentence";
    let Some(card) = card(driver(), name) else { return };
    let stage = Stage::new();
    let draw = args(&["generate", "a cat", "--device", "cuda"], &["-o", "o.png"]);
    let cases: [(&str, &str, &[&str]); 5] = [
        ("VERSION", "11080", &["CUDA 11.8", "12.4 or newer"]),
        ("CAPABILITY", "75", &["compute capability 7.5", "8.0 or more"]),
        ("MEMORY", "120000000", &["needs about", "120 MB are free"]),
        ("CARDS", "0", &["no card"]),
        ("FAIL_ALLOCATION", "40", &["loading this model needs", "are free"]),
    ];
    for (setting, value, words) in cases {
        let code = if setting == "FAIL_ALLOCATION" || setting == "MEMORY" {
            1
        } else {
            2
        };
        let said = refused(&stage, &card, &[(setting, value)], code, &draw);
        assert!(words.iter().all(|word| said.contains(word)), "{setting}: {said}");
    }
    assert!(!stage.path("o.png").exists());
    // Left to the program, the CPU draws, and it is said why.
    let auto = [
        "generate", "a cat", "--seed", "1", "--size", "64x32", "--force", "-o", "o.png",
    ];
    for (setting, value, word) in [
        ("VERSION", "11080", "CUDA 11.8"),
        ("CAPABILITY", "75", "7.5"),
        ("MEMORY", "120000000", "120 MB are free"),
    ] {
        let output = run(&stage, &card, &[(setting, value)], &auto);
        let said = told(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("drawing on the CPU:") && said.contains(word),
            "{said}"
        );
    }
}

#[test]
fn a_driver_that_lacks_a_function_is_refused() {
    let name = "a_driver_that_lacks_a_function_is_refused";
    let Some(card) = card(&driver_without("cuGraphLaunch"), name) else {
        return;
    };
    let stage = Stage::new();
    let draw = args(&["generate", "a cat", "--device", "cuda"], &["-o", "o.png"]);
    let said = refused(&stage, &card, &[], 2, &draw);
    assert!(
        said.contains("lacks cuGraphLaunch") && said.contains("12.4"),
        "{said}"
    );
}

/// Memory runs out when the picture begins, and when its codes become pixels.
#[test]
fn memory_that_runs_out_in_the_middle_loses_nothing() {
    let name = "memory_that_runs_out_in_the_middle_loses_nothing";
    let Some(card) = card(driver(), name) else { return };
    let stage = Stage::new();
    let cat = ["generate", "a cat", "--seed", "2", "--window", "16"];
    let count = counted(&stage, &card, "allocations", &args(&cat, &["-o", "whole.png"]));
    // The last allocations are those of the image tokenizer: all codes are there.
    let late = (count - 3).to_string();
    let said = refused(
        &stage,
        &card,
        &[("FAIL_ALLOCATION", &late)],
        1,
        &args(&cat, &["-o", "late.png"]),
    );
    assert!(said.contains("turning codes into pixels needs"), "{said}");
    assert_eq!(stage.tokens("late.png"), stage.tokens("whole.png"));
    done(
        &stage,
        &card,
        &[],
        &["resume", "late.png", "-o", "resumed.png", "--json"],
    );
    assert_eq!(stage.pixels("resumed.png"), stage.pixels("whole.png"));
}
