//! The judge of `benches/geneval.rs` judged: it draws what the recipe draws, passes the truth,
//! rejects what is wrong.

// Drawing with a model is tried by the bench itself.
#[path = "../benches/geneval/corrupt.rs"]
#[allow(dead_code)]
mod corrupt;
#[path = "../benches/geneval/finder.rs"]
#[allow(dead_code)]
mod finder;
#[path = "../benches/geneval/judge.rs"]
#[allow(dead_code)]
mod judge;
#[path = "../benches/geneval/prompts.rs"]
#[allow(dead_code)]
mod prompts;
#[path = "../benches/geneval/score.rs"]
#[allow(dead_code)]
mod score;
#[path = "../benches/geneval/sums.rs"]
#[allow(dead_code)]
mod sums;
#[path = "../benches/geneval/world.rs"]
#[allow(dead_code)]
mod world;

use corrupt::{Wrong, corrupted};
use finder::Finder;
use lumina_studio::pixels::{Pixels, Size};
use prompts::{Edition, Prompt};
use rayon::prelude::*;
use score::Share;
use serde::Deserialize;
use std::collections::BTreeSet;
use world::{Scene, World};

const SIZE: Size = Size::new(128, 128);

fn from_text(every: usize) -> Vec<Prompt> {
    let all = prompts::read(Edition::Second).expect("committed prompts");
    all.into_iter()
        .filter(|prompt| prompt.task == "generate")
        .step_by(every)
        .collect()
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    width: u32,
    height: u32,
    top: usize,
    scene: Scene,
}

#[test]
fn scenes_are_drawn_as_the_recipe_draws_them() {
    let world = World::new().unwrap();
    let cases: Vec<Case> = serde_json::from_str(include_str!("../benches/geneval/agreement.json")).unwrap();
    let sheet = image::load_from_memory(include_bytes!("../benches/geneval/agreement.png")).unwrap();
    let sheet = sheet.to_rgb8();
    let backgrounds: BTreeSet<&String> = cases.iter().map(|case| &case.scene.background).collect();
    assert_eq!(backgrounds.len(), world.backgrounds.len());
    for case in &cases {
        let size = Size::new(case.width, case.height);
        let drawn = match case.kind.as_str() {
            "picture" => world.render(&case.scene, size),
            "depth" => world.depth(&case.scene, size),
            _ => judge::canny(&world.render(&case.scene, size)),
        };
        let truth = (0..case.height).flat_map(|y| {
            let sheet = &sheet;
            (0..case.width).flat_map(move |x| sheet.get_pixel(x, y + case.top as u32).0)
        });
        let truth = Pixels::new(size, truth.collect()).unwrap();
        let pairs = drawn.rgb().iter().zip(truth.rgb());
        let apart = pairs.filter(|(a, b)| a.abs_diff(**b) > 2).count();
        // A gradient at a threshold, or alpha at a half, may fall on either side.
        let allowed = match case.kind.as_str() {
            "picture" => 0,
            "depth" => drawn.rgb().len() / 500,
            _ => drawn.rgb().len() / 50,
        };
        assert!(
            apart <= allowed,
            "{} of {} at {size}: {apart} values differ, at most {allowed} may",
            case.kind,
            case.scene.background
        );
    }
}

#[test]
fn the_truth_passes_and_what_is_wrong_is_rejected() {
    let finder = Finder::new(World::new().unwrap());
    let prompts = from_text(15);
    let passes = |prompt: &Prompt, scene: &Scene| {
        let seen = finder.look(&finder.world.render(scene, SIZE));
        finder
            .clauses(&prompt.clauses, &seen)
            .iter()
            .all(|clause| *clause)
    };
    let failed: Vec<&str> = prompts
        .par_iter()
        .filter(|prompt| !passes(prompt, prompt.wanted()))
        .map(|prompt| prompt.text.as_str())
        .collect();
    assert!(
        failed.len() <= 1,
        "of {} true pictures {failed:?} fail",
        prompts.len()
    );
    let mut cases: Vec<(&Prompt, Wrong, Scene)> = Vec::new();
    for (index, prompt) in prompts.iter().enumerate() {
        let fitting: Vec<Wrong> = Wrong::ALL
            .into_iter()
            .filter(|wrong| corrupted(&finder.world, prompt, *wrong).is_some())
            .collect();
        let wrong = fitting[index % fitting.len()];
        cases.extend(corrupted(&finder.world, prompt, wrong).map(|scene| (prompt, wrong, scene)));
    }
    let kinds: BTreeSet<&str> = cases.iter().map(|(_, wrong, _)| wrong.name()).collect();
    assert!(kinds.len() >= 5, "only {kinds:?} are tried");
    let passed: Vec<String> = cases
        .par_iter()
        .filter(|(prompt, _, scene)| passes(prompt, scene))
        .map(|(prompt, wrong, _)| format!("{}: {}", wrong.name(), prompt.text))
        .collect();
    assert!(
        passed.len() <= 1,
        "of {} wrong pictures {passed:?} pass",
        cases.len()
    );
}

#[test]
fn the_prompts_are_the_committed_ones() {
    let world = World::new().unwrap();
    for (edition, count) in [(Edition::Second, 600), (Edition::First, 260)] {
        let all = prompts::read(edition).unwrap();
        assert_eq!(all.len(), count);
        for prompt in &all {
            assert!(!prompt.clauses.is_empty(), "{}", prompt.text);
            for scene in [&prompt.scene, prompt.wanted()] {
                let nouns = scene.objects.iter().map(|item| world.noun(&item.noun));
                for noun in nouns {
                    let noun = &world.nouns[noun.expect("a noun of the world")];
                    assert!(edition == Edition::Second || noun.first, "{}", noun.name);
                }
            }
        }
    }
    let texts: BTreeSet<String> = from_text(1).into_iter().map(|prompt| prompt.text).collect();
    assert_eq!(texts.len(), 480, "every text is asked once");
}

#[test]
fn edges_and_errors_are_measured() {
    let world = World::new().unwrap();
    let prompts = from_text(160);
    let map = judge::canny(&world.render(&prompts[0].scene, SIZE));
    let other = judge::canny(&world.render(&prompts[1].scene, SIZE));
    assert!(judge::edge_agreement(&map, &map) > 0.999);
    assert!(judge::edge_agreement(&map, &other) < judge::EDGES_FOLLOWED);
    let black = Pixels::filled(SIZE, [0; 3]);
    assert_eq!(judge::edge_agreement(&black, &map), 0.0);
    let white = Pixels::filled(SIZE, [255; 3]);
    assert_eq!(judge::mean_error(&black, &white, |_| true), 1.0);
    assert_eq!(judge::mean_error(&black, &white, |_| false), 0.0);
}

#[test]
fn an_edit_that_touches_the_rest_is_noticed() {
    let finder = Finder::new(World::new().unwrap());
    let all = prompts::read(Edition::Second).unwrap();
    let edit = all
        .iter()
        .find(|prompt| prompt.category == "edit replace")
        .unwrap();
    let before = edit.before.as_ref().unwrap();
    let given = finder.world.render(before, SIZE);
    let right = finder.world.render(&edit.scene, SIZE);
    let touched = |result: &Pixels| finder.touched(before, &edit.scene, &given, result).unwrap();
    assert!(touched(&right) < 0.001);
    let inverted = right.rgb().iter().map(|v| 255 - v).collect();
    assert!(touched(&Pixels::new(SIZE, inverted).unwrap()) > judge::UNTOUCHED_ERROR);
}

#[test]
fn intervals_are_wilsons() {
    let share = Share {
        hits: 45.0,
        all: 50.0,
    };
    let (low, high) = share.interval();
    assert!(
        (low - 0.7864).abs() < 1e-3 && (high - 0.9565).abs() < 1e-3,
        "{low} {high}"
    );
    assert_eq!(Share::default().interval(), (0.0, 1.0));
}
