//! What only a picture drawn row by row can do: drawn again from a row on, other words from a row on,
//! beginnings of which the likeliest are finished, edits ranked by their seam.

mod stage;

use lumina_studio::engine_room::{EngineRoom, LocalModels, ModelSource};
use lumina_studio::pixels::Size;
use lumina_studio::saved_picture::{self, Saving};
use lumina_studio::task::{Branch, Cancel, Engine, Mode, Picture, SamplingChoice, Task, Wording};
use stage::{Stage, events, golden};
use std::collections::BTreeSet;

const SMALL: [&str; 2] = ["--size", "128x128"];
const COLUMNS: usize = 16;

fn generate(stage: &Stage, words: &str, more: &[&str]) {
    stage.done(&[&["generate", words], &SMALL[..], more].concat());
}

/// Rows of codes that two pictures have in common from the top down.
fn rows_in_common(stage: &Stage, a: &str, b: &str) -> usize {
    let (a, b) = (stage.tokens(a), stage.tokens(b));
    assert_eq!(a.len(), b.len());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    same / COLUMNS
}

#[test]
fn a_picture_is_drawn_again_from_a_row_on() {
    let stage = Stage::new();
    generate(&stage, "two foxes on the beach", &["--seed", "3", "-o", "a.png"]);
    let redraw = |file: &str, row: &str, more: &[&str]| {
        stage.done(&[&["redraw", file, "--from-row", row], more].concat());
    };
    // The same seed and words give the same picture, wherever it is taken up.
    for row in ["0", "1", "9", "15"] {
        redraw("a.png", row, &["--seed", "3", "-o", "same.png"]);
        assert_eq!(stage.tokens("same.png"), stage.tokens("a.png"), "{row}");
        assert_eq!(stage.pixels("same.png"), stage.pixels("a.png"), "{row}");
    }
    let mut children = BTreeSet::new();
    for seed in ["4", "5", "6"] {
        redraw(
            "a.png",
            "2",
            &["--seed", seed, "--prompt", "a cat at night", "-o", "b.png"],
        );
        assert!(rows_in_common(&stage, "a.png", "b.png") >= 2);
        children.insert(stage.tokens("b.png"));
    }
    assert!(children.len() > 1, "the seed makes no difference");
    assert!(!children.contains(&stage.tokens("a.png")));
    // What it came from stands in it, and it is decoded from itself as any other picture.
    let info = stage.info("b.png");
    let band = &info["story"]["bands"][0];
    assert_eq!((&band["from_row"], &band["seed"]), (&2.into(), &6.into()));
    assert_eq!(band["prompt"], "a cat at night");
    assert_eq!(info["story"]["parent"]["from_row"], 2);
    assert_eq!(info["prompt"], "two foxes on the beach");
    stage.done(&["redraw", "b.png", "-o", "again.png"]);
    assert!(stage.read("b.png") == stage.read("again.png"));
    // A branch of the branch: its words go on, those of its own begin further down.
    redraw("b.png", "10", &["--seed", "6", "-o", "same.png"]);
    assert_eq!(stage.tokens("same.png"), stage.tokens("b.png"));
    redraw(
        "b.png",
        "10",
        &["--seed", "8", "--prompt", "a red car", "-o", "c.png"],
    );
    assert!(rows_in_common(&stage, "b.png", "c.png") >= 10);
    let info = stage.info("c.png");
    assert_eq!(info["story"]["bands"].as_array().map(Vec::len), Some(2));
    assert_ne!(info["story"]["parent"], stage.info("b.png")["story"]["parent"]);
    for row in ["16", "4000000000"] {
        stage.refused(
            2,
            "0 to 15",
            &["redraw", "a.png", "--from-row", row, "-o", "x.png"],
        );
    }
}

/// Four branches off one picture, the last with three bands: of other words, another seed, other guidance.
/// What made each of them stands in its file, and nothing else is needed.
#[test]
fn a_story_is_drawn_again_from_its_picture_alone() {
    let stage = Stage::new();
    let make = LocalModels.open(&ModelSource::default()).expect("the starter");
    let (model, mut engine) = make().expect("the starter");
    let mut draw = |task: &Task| -> Picture {
        let pictures = engine.run(task, &Cancel::new(), &mut |_| {}).expect("a picture");
        pictures.into_iter().next().expect("a picture")
    };
    let save = |file: &str, task: &Task, picture: &Picture| {
        let saving = Saving {
            task,
            picture,
            preview: None,
            model: &model,
        };
        saved_picture::save(&stage.path(file), &saving).expect("saved");
    };
    let mut root = Task::new(Mode::Generate, "two foxes on the beach");
    (root.size, root.seed) = (Some(Size::new(128, 128)), 3);
    let picture = draw(&root);
    save("root.png", &root, &picture);
    let words = |words: &str| Some((words.to_owned(), Wording::Understood));
    let guided = |cfg| SamplingChoice {
        cfg: Some(cfg),
        ..SamplingChoice::default()
    };
    let branch = |from_row, said: Option<&str>, seed, sampling| Branch {
        from_row,
        words: said.and_then(words),
        seed,
        sampling,
        taken: None,
    };
    let branches = [
        (
            "root.png",
            "a.png",
            branch(2, Some("a cat at night"), Some(4), None),
        ),
        ("root.png", "b.png", branch(3, None, Some(5), Some(guided(3.0)))),
        ("b.png", "c.png", branch(8, Some("a fox in the snow"), None, None)),
        (
            "c.png",
            "d.png",
            // Warm enough that no two branches come out the same.
            branch(
                9,
                Some("a red car"),
                Some(6),
                Some(SamplingChoice {
                    temperature: Some(1.5),
                    ..guided(1.0)
                }),
            ),
        ),
    ];
    let mut seen = BTreeSet::new();
    for (from, to, branch) in &branches {
        let task = saved_picture::branch_of(&stage.path(from), None, branch).expect("a branch");
        let picture = draw(&task);
        save(to, &task, &picture);
        assert!(
            rows_in_common(&stage, from, to) >= branch.from_row as usize,
            "{to}"
        );
        seen.insert(picture.codes);
    }
    assert_eq!(seen.len(), 4, "a branch makes no difference");
    let story = stage.info("d.png")["story"].clone();
    assert_eq!(story["bands"].as_array().map(Vec::len), Some(3));
    for (_, file, _) in &branches {
        // Decoded from its tokens: the same file, byte for byte.
        stage.done(&["redraw", file, "-o", "again.png"]);
        assert!(stage.read(file) == stage.read("again.png"), "{file}");
        // Drawn once more from nothing but what the file tells: every code and every pixel.
        let task = saved_picture::task_of(&stage.path(file)).expect("a task");
        assert!(task.resume.is_none() && task.source.is_none());
        let picture = draw(&task);
        save("anew.png", &task, &picture);
        assert_eq!(stage.tokens("anew.png"), stage.tokens(file), "{file}");
        assert_eq!(stage.pixels("anew.png"), stage.pixels(file), "{file}");
        assert_eq!(
            stage.info("anew.png")["story"],
            stage.info(file)["story"],
            "{file}"
        );
    }
}

#[test]
fn rows_below_a_source_are_drawn_again_without_it() {
    let stage = Stage::new();
    let subject = golden("generate/subject_panel.png");
    let words = "an umbrella on the beach";
    stage.done(&[
        "subject", &subject, words, "--size", "128x128", "--seed", "1", "-o", "a.png",
    ]);
    let again = ["redraw", "a.png", "--from-row", "1", "-o", "b.png"];
    stage.done(&[&again[..], &["--seed", "1"]].concat());
    assert_eq!(stage.tokens("a.png"), stage.tokens("b.png"));
    assert_eq!(stage.pixels("a.png"), stage.pixels("b.png"));
    stage.done(&[&again[..], &["--seed", "2", "--prompt", "a cat at night"]].concat());
    let (a, b) = (stage.tokens("a.png"), stage.tokens("b.png"));
    assert_eq!(a[..COLUMNS * 17], b[..COLUMNS * 17]);
    assert_ne!(a, b);
}

#[test]
fn words_change_from_a_row_on() {
    let stage = Stage::new();
    let first = "a dog in a meadow";
    let then = [
        "--then-from-row",
        "2",
        "a cat at night",
        "--then-from-row",
        "11",
        "a fox in the snow",
    ];
    generate(&stage, first, &["--seed", "3", "-o", "plain.png"]);
    generate(
        &stage,
        first,
        &[&["--seed", "3", "-o", "a.png"], &then[..]].concat(),
    );
    let common = rows_in_common(&stage, "plain.png", "a.png");
    assert!((2..16).contains(&common), "{common}");
    // By hand, a branch after the other: the same picture.
    let redraw = |from: &str, row, words, to: &str| {
        let branch = ["redraw", from, "--from-row", row, "--seed", "3"];
        stage.done(&[&branch[..], &["--prompt", words, "-o", to]].concat());
    };
    redraw("plain.png", "2", "a cat at night", "b.png");
    redraw("b.png", "11", "a fox in the snow", "c.png");
    assert_eq!(stage.tokens("a.png"), stage.tokens("c.png"));
    let bands = |file| stage.info(file)["story"]["bands"].clone();
    assert_eq!(bands("a.png"), bands("c.png"));
    assert_eq!(bands("a.png").as_array().map(Vec::len), Some(2));
    let refused = |row: &str, words| {
        let asked = ["generate", first, "--then-from-row", row, "a cat", "-o", "x.png"];
        stage.refused(2, words, &[&asked[..], &SMALL].concat());
    };
    refused("0", "row 0");
    refused("16", "row 16");
    refused("two", "`two` is no row");
}

#[test]
fn an_audition_finishes_the_likeliest_beginnings() {
    let stage = Stage::new();
    let words = "three green apples and a banana";
    let asked = ["--seed", "20", "--audition", "6", "--rows", "4"];
    generate(
        &stage,
        words,
        &[&asked[..], &["--keep", "2", "-o", "a.png"]].concat(),
    );
    assert!(!stage.path("a-3.png").exists());
    let mut seeds = BTreeSet::new();
    for file in ["a.png", "a-2.png"] {
        let info = stage.info(file);
        assert_eq!(info["complete"], true);
        let seed = info["seed"].as_u64().expect("a seed");
        assert!((20..26).contains(&seed));
        seeds.insert(seed);
        // It is what its seed draws from the start.
        generate(&stage, words, &["--seed", &seed.to_string(), "-o", "b.png"]);
        assert_eq!(stage.tokens(file), stage.tokens("b.png"), "{seed}");
    }
    assert_eq!(seeds.len(), 2);
    // The best of all whole pictures need not be among them, but one kept of six is the first of two.
    generate(&stage, words, &[&asked[..], &["-o", "c.png", "--json"]].concat());
    assert!(seeds.contains(&stage.info("c.png")["seed"].as_u64().expect("a seed")));
    // Either whole pictures or beginnings are compared.
    let both = stage.run(&[&["generate", words, "--best-of", "3"], &asked[..]].concat());
    let alone = stage.run(&["generate", words, "--keep", "3"]);
    for (output, named) in [(both, "--best-of"), (alone, "--audition")] {
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(named));
    }
}

#[test]
fn masked_edits_are_ranked_by_what_follows_the_hole() {
    let stage = Stage::new();
    let source = golden("generate/edit_panel.png");
    let mask = image::GrayImage::from_fn(64, 64, |x, y| {
        image::Luma([if (16..48).contains(&x) && (16..40).contains(&y) {
            255
        } else {
            0
        }])
    });
    mask.save(stage.path("mask.png")).expect("a mask");
    let asked = [
        "edit",
        &source,
        "add a star at the top",
        "--mask",
        "mask.png",
        "--size",
        "128x128",
    ];
    let more = ["--seed", "1", "--best-of", "3", "--json", "-o", "a.png"];
    let (_, said) = stage.told(&[&asked[..], &more].concat());
    let seams: Vec<f64> = events(&said)
        .iter()
        .filter(|event| event["event"] == "finished")
        .map(|event| event["seam"].as_f64().expect("a seam score"))
        .collect();
    assert_eq!(seams.len(), 3);
    assert!(
        seams.is_sorted_by(|a, b| a >= b) && seams[0] > seams[2],
        "{seams:?}"
    );
    assert!(seams.iter().all(|seam| *seam < 0.0), "{seams:?}");
    assert_eq!(stage.info("a.png")["seam"].as_f64(), Some(seams[0]));
    // One alone is compared with nothing.
    stage.done(&[&asked[..], &["--seed", "1", "-o", "b.png"]].concat());
    assert!(stage.info("b.png")["seam"].is_null());
}

#[test]
fn doubt_is_kept_in_the_picture_and_shown_as_one() {
    let stage = Stage::new();
    let more = ["--seed", "3", "--temperature", "1", "-o", "a.png"];
    generate(&stage, "two foxes on the beach", &more);
    let nats = |file: &str| -> Vec<f64> {
        let nats = stage.info(file)["doubt_nats"].clone();
        let nats = nats.as_array().expect("what was noted").clone();
        nats.iter()
            .map(|nats| nats.as_f64().expect("all were drawn"))
            .collect()
    };
    let noted = nats("a.png");
    assert_eq!(noted.len(), 256);
    let doubtful = noted.iter().filter(|nats| **nats > 0.5).count();
    assert!((5..200).contains(&doubtful), "{doubtful}");
    stage.done(&["doubt", "a.png", "-o", "map.png"]);
    stage.done(&["doubt", "a.png", "--above", "0.5", "-o", "mask.png"]);
    let (map, mask) = (stage.pixels("map.png"), stage.pixels("mask.png"));
    assert_eq!((map.dimensions(), mask.dimensions()), ((128, 128), (128, 128)));
    let white = mask.as_raw().iter().filter(|value| **value == 255).count();
    assert_eq!(white, 3 * 64 * doubtful);
    // The brightest cell of the map is one of the least sure.
    let brightest = map.as_raw().iter().max().expect("pixels");
    let most = noted.iter().copied().fold(0.0, f64::max);
    assert_eq!(f64::from(*brightest), (255.0 * (most / 8.0).sqrt()).round());
    // It goes along, and the mask is one that an edit takes.
    stage.done(&["redraw", "a.png", "-o", "again.png"]);
    assert_eq!(nats("again.png"), noted);
    let told = stage.done(&["verify", "a.png"]);
    assert!(told.contains("doubt=256/256"), "{told}");
    stage.done(&[
        "edit",
        "a.png",
        "",
        "--mask",
        "mask.png",
        "--size",
        "128x128",
        "-o",
        "edited.png",
    ]);
    // Pictures that hold none, and outputs that would replace the picture.
    for (code, words, wrong) in [
        (1, "no tokens", &["doubt", "mask.png", "-o", "x.png"][..]),
        (2, "a.png", &["doubt", "a.png", "-o", "a.png"]),
        (1, "none.png", &["doubt", "none.png", "-o", "x.png"]),
    ] {
        stage.refused(code, words, wrong);
    }
}

/// The first edition under a card whose bars nothing reaches, or everything.
#[test]
fn a_picture_less_likely_than_right_ones_is_said_once_and_goes_on() {
    let stage = Stage::new();
    stage.checkpoint("m");
    let card = |bars: &str| {
        let text = format!(
            r#"{{"name": "watched", "sampling": {{"cfg": 1.5, "top_k": 64, "temperature": 0.7}},
                "tasks": [{{"task": "generate", "sizes": [[128, 128]]}}],
                "watchdog": {{"mode": "generate", "bars": {bars}}}}}"#
        );
        stage.write("m/lumina.json", text);
    };
    let asked = ["generate", "a cat", "--model", "m", "--seed", "1", "-o", "a.png"];
    let hints = |more: &[&str]| -> usize {
        let (_, said) = stage.told(&[&asked[..], more].concat());
        assert_eq!(stage.info("a.png")["complete"], true);
        said.lines().filter(|line| line.starts_with("hint: ")).count()
    };
    card("[0, 0, 0, 0]");
    assert_eq!(hints(&[]), 1);
    // Other settings and choices among several were not measured.
    assert_eq!(hints(&["--temperature", "1"]), 0);
    assert_eq!(hints(&["--best-of", "2"]), 0);
    let (_, said) = stage.told(&[&asked[..], &["--json"]].concat());
    let told = events(&said);
    let rows: Vec<_> = told
        .iter()
        .filter(|event| event["event"] == "may_go_wrong")
        .map(|event| event["row"].as_u64())
        .collect();
    // The first of four parts of 16 rows.
    assert_eq!(rows, [Some(3)]);
    let scores: Vec<f64> = told.iter().filter_map(|event| event["score"].as_f64()).collect();
    assert!(
        scores.len() >= 16 && scores.iter().all(|score| *score < 0.0),
        "{scores:?}"
    );
    card("[-100, -100]");
    assert_eq!(hints(&[]), 0);
    card("[1]");
    stage.refused(1, "a bar of 1", &asked);
}
