//! `--seam N`: edits under a mask, drawn with several seeds; which of them each score puts first, and how
//! often that one is what was asked.

use super::beside::beside;
use super::chance::Paired;
use super::drawing::Artist;
use super::finder::Finder;
use super::prompts::Prompt;
use super::settings::Settings;
use super::world::{Scene, World};
use lumina_studio::pixels::{Mask, Pixels, Size};
use std::sync::Arc;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const CANDIDATES: usize = 4;
/// The mask reaches further than what changes by so many pixels.
const MARGIN: i32 = 8;

/// A candidate: whether it is as asked, its score by prompt, its seam.
struct Judged {
    is_right: bool,
    score: f64,
    seam: f64,
}

/// White where two scenes differ, and around.
fn mask(world: &World, before: &Scene, after: &Scene, size: Size) -> Option<Mask> {
    let (old, new) = (world.render(before, size), world.render(after, size));
    let (width, height) = (size.width as i32, size.height as i32);
    let differs = |x: i32, y: i32| {
        let at = 3 * (y * width + x) as usize;
        let pairs = old.rgb()[at..at + 3].iter().zip(&new.rgb()[at..at + 3]);
        pairs.into_iter().any(|(a, b)| a.abs_diff(*b) > 2)
    };
    let mut white = vec![0u8; (width * height) as usize];
    for y in 0..height {
        for x in (0..width).filter(|x| differs(*x, y)) {
            for row in (y - MARGIN).max(0)..(y + MARGIN + 1).min(height) {
                let from = (row * width + (x - MARGIN).max(0)) as usize;
                let upto = (row * width + (x + MARGIN + 1).min(width)) as usize;
                white[from..upto].fill(255);
            }
        }
    }
    Mask::new(size, white)
}

/// An edit of a true picture; of conversations the last turn.
fn given(prompt: &Prompt) -> Option<(&str, &Scene, &Scene)> {
    match &prompt.then {
        Some(then) => Some((&then.text, &prompt.scene, &then.scene)),
        None => Some((&prompt.text, prompt.before.as_ref()?, &prompt.scene)),
    }
}

fn candidates(
    settings: &Settings,
    finder: &Finder,
    artist: &mut Artist,
    (prompt, seed): (&Prompt, u64),
) -> Outcome<Vec<Judged>> {
    let (text, before, after) = given(prompt).ok_or("an edit has no picture to change")?;
    let mut task = artist.task(prompt, settings)?;
    let size = task.size.unwrap_or(Size::new(192, 192));
    let mask = mask(&finder.world, before, after, size).ok_or("no mask")?;
    task.prompt = text.to_owned();
    task.source = Some(Arc::new(finder.world.render(before, size)));
    task.mask = Some(Arc::new(mask));
    (task.seed, task.candidates) = (seed, CANDIDATES);
    let mut pictures = artist.pictures(&task)?;
    pictures.sort_by_key(|picture| picture.seed);
    let judge = |pixels: &Pixels| {
        let clauses = finder.clauses(&prompt.clauses, &finder.look(pixels));
        clauses.iter().all(|met| *met)
    };
    let judged = pictures.into_iter().map(|picture| {
        let pixels = picture.pixels.ok_or("an edit was not drawn")?;
        Ok(Judged {
            is_right: judge(&pixels),
            score: picture.score.ok_or("an edit has no score")?,
            seam: picture.seam.ok_or("an edit has no seam")?,
        })
    });
    judged.collect()
}

/// Draws about `count` masked edits, `CANDIDATES` seeds of each, and prints how often what each score puts
/// first is as asked.
pub fn table(
    settings: &Settings,
    finder: &Finder,
    artist: &mut Artist,
    (prompts, count): (&[Prompt], usize),
) -> Outcome<()> {
    let edits: Vec<&Prompt> = prompts.iter().filter(|prompt| prompt.task == "edit").collect();
    if edits.is_empty() {
        return Err("none of these prompts edits a picture".into());
    }
    let drawn = beside(settings, artist, count, |artist, index| {
        let seed = settings.seed + (CANDIDATES * index) as u64;
        candidates(settings, finder, artist, (edits[index % edits.len()], seed))
    })?;
    let best = |of: &dyn Fn(&Judged) -> f64| -> Vec<bool> {
        let first = |edit: &Vec<Judged>| {
            let best = edit.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
            best.is_some_and(|best| best.is_right)
        };
        drawn.iter().map(first).collect()
    };
    let first: Vec<bool> = drawn.iter().map(|edit| edit[0].is_right).collect();
    let ways = [
        ("by the score for the prompt", best(&|one| one.score)),
        ("by the seam", best(&|one| one.seam)),
        (
            "by both (the sum of the two, in nats)",
            best(&|one| one.score + one.seam),
        ),
        (
            "by any means (one of them is right)",
            drawn
                .iter()
                .map(|edit| edit.iter().any(|one| one.is_right))
                .collect(),
        ),
    ];
    println!("| of {CANDIDATES} candidates | done as asked | against the first |\n|---|---|---|");
    let own = Paired::of(first.iter().copied().zip(first.iter().copied()));
    println!("| the first | {} | |", own.first.told());
    for (name, found) in ways {
        let paired = Paired::of(first.iter().copied().zip(found));
        println!("| {name} | {} | {} |", paired.second.told(), paired.told());
    }
    println!(
        "\n{count} masked edits of {} prompts; masks reach {MARGIN} pixels beyond what changes",
        edits.len().min(count)
    );
    Ok(())
}
