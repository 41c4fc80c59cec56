//! `--audition N`: the likeliest of N beginnings, finished, against the first of them; right or wrong, and
//! how long both take.

use super::beside::beside;
use super::chance::{Paired, quantile};
use super::drawing::Artist;
use super::finder::Finder;
use super::prompts::Prompt;
use super::settings::Settings;
use lumina_studio::task::Audition;
use std::collections::BTreeMap;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What became of a prompt.
struct Tried {
    first: bool,
    kept: bool,
    /// Seconds that the audition takes for every second of one picture.
    cost: f64,
}

/// Draws every prompt both ways with seeds of its own, and prints how often each is right.
pub fn gain(
    settings: &Settings,
    finder: &Finder,
    artist: &mut Artist,
    (prompts, candidates): (&[Prompt], usize),
) -> Outcome<()> {
    let right = |artist: &mut Artist, prompt: &Prompt, seed: u64, audition: Option<Audition>| {
        let began = Instant::now();
        let drawn = artist.draw_by(prompt, &finder.world, settings, |task| {
            task.seed = seed;
            task.audition = audition;
            task.candidates = if audition.is_some() { candidates } else { 1 };
        })?;
        let seconds = began.elapsed().as_secs_f64();
        let picture = drawn.picture.ok_or("a prompt was not drawn")?;
        let clauses = finder.clauses(&prompt.clauses, &finder.look(&picture));
        Outcome::Ok((clauses.iter().all(|met| *met), seconds))
    };
    let tried = beside(settings, artist, prompts.len(), |artist, index| {
        let prompt = &prompts[index];
        let seed = settings.seed + (candidates * index) as u64;
        let (first, alone) = right(artist, prompt, seed, None)?;
        let audition = Audition { rows: None, keep: 1 };
        let (kept, together) = right(artist, prompt, seed, Some(audition))?;
        Ok(Tried {
            first,
            kept,
            cost: together / alone,
        })
    })?;
    let mut kinds: BTreeMap<&str, Vec<(bool, bool)>> = BTreeMap::new();
    for (prompt, tried) in prompts.iter().zip(&tried) {
        let kind = match prompt.task.as_str() {
            "generate" => prompt.category.as_str(),
            task => task,
        };
        for name in [kind, "all of these"] {
            kinds.entry(name).or_default().push((tried.first, tried.kept));
        }
    }
    println!(
        "| asked | the first candidate | the likeliest of {candidates} beginnings | gain |\n|---|---|---|---|"
    );
    for (kind, pairs) in kinds {
        let paired = Paired::of(pairs);
        println!(
            "| {kind} | {} | {} | {} |",
            paired.first.told(),
            paired.second.told(),
            paired.told()
        );
    }
    let mut costs: Vec<f64> = tried.iter().map(|tried| tried.cost).collect();
    let at = |costs: &mut [f64], share| quantile(costs, share).unwrap_or_default();
    println!(
        "\ntime of an audition in pictures: {:.2} (median of {}; quartiles {:.2} and {:.2})",
        at(&mut costs, 0.5),
        tried.len(),
        at(&mut costs, 0.25),
        at(&mut costs, 0.75)
    );
    Ok(())
}
