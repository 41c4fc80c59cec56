//! What a model draws, judged: `cargo bench --bench geneval -- [--model FILE] [--prompts N] ...`
//!
//! Draws what the committed prompts ask for through the library, finds the things in the pictures
//! and says how often they are what was asked, with 95 % intervals. `--truth`, `--shuffled` and
//! `--corrupted` judge the judge; `--ablate` prints one table, every row a process of its own;
//! `--audition`, `--doubt`, `--seam` and `--watchdog` judge what is made of rows and their scores.

#[path = "geneval/mod.rs"]
mod geneval;

use clap::Parser;
use geneval::beside::beside;
use geneval::corrupt::{Wrong, corrupted};
use geneval::drawing::{Artist, Drawn};
use geneval::finder::Finder;
use geneval::prompts::{self, Edition, Prompt};
use geneval::score::Scores;
use geneval::settings::Settings;
use geneval::world::{Canvas, World};
use geneval::{ablate, audition, doubt, judge, seam, watchdog};
use lumina_studio::picture;
use lumina_studio::pixels::{Pixels, Size};
use rayon::prelude::*;
use std::path::Path;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The prompts to judge: those of the categories named, thinned out evenly to about `--prompts`.
fn chosen(settings: &Settings) -> Outcome<Vec<Prompt>> {
    let edition = match (settings.first_edition, settings.people) {
        (true, _) => Edition::First,
        (false, true) => Edition::People,
        (false, false) => Edition::Second,
    };
    let wanted = |prompt: &Prompt| {
        let named = |name: &String| prompt.category == *name || prompt.task == *name;
        settings.only.is_empty() || settings.only.iter().any(named)
    };
    let all: Vec<Prompt> = prompts::read(edition)?.into_iter().filter(wanted).collect();
    let count = settings.prompts.unwrap_or(all.len()).clamp(1, all.len().max(1));
    let kept = (0..all.len()).filter(|i| (i + 1) * count / all.len() > i * count / all.len());
    Ok(kept.map(|i| all[i].clone()).collect())
}

/// Judges what was drawn for prompts; `asked` says whose clauses a picture must meet.
fn judged(finder: &Finder, prompts: &[Prompt], drawn: &[Drawn]) -> Scores {
    let seen: Vec<Vec<(String, f64, bool)>> = prompts
        .par_iter()
        .zip(drawn)
        .map(|(prompt, drawn)| verdicts(finder, prompt, drawn))
        .collect();
    let mut scores = Scores::default();
    for (name, value, is_share) in seen.into_iter().flatten() {
        match is_share {
            true => scores.share(&name, value),
            false => scores.mean(&name, value),
        }
    }
    scores
}

/// (name, value, whether it is a share and not a mean) of everything a picture is judged by.
fn verdicts(finder: &Finder, prompt: &Prompt, drawn: &Drawn) -> Vec<(String, f64, bool)> {
    if let Some(main) = &prompt.main {
        return of_people(finder, prompt, main, drawn);
    }
    let (name, yes) = (prompt.category.clone(), |is: bool| f64::from(u8::from(is)));
    let Some(picture) = &drawn.picture else {
        return match drawn.trained {
            true => vec![(name, 0.0, true)],
            false => Vec::new(),
        };
    };
    let mut found = Vec::new();
    if prompt.task == "predict" {
        let Some(truth) = &drawn.truth else {
            return found;
        };
        let (is_right, value) = match prompt.map.as_deref() {
            Some("canny") => {
                let agreement = judge::edge_agreement(picture, truth);
                (agreement >= judge::EDGES_FOLLOWED, agreement)
            }
            _ => {
                let error = judge::mean_error(picture, truth, |_| true);
                (error <= judge::DEPTH_ERROR, error)
            }
        };
        found.push((name.clone(), yes(is_right), true));
        found.push((format!("{name}: F1 or error"), value, false));
        return found;
    }
    let seen = finder.look(picture);
    let clauses = finder.clauses(&prompt.clauses, &seen);
    let met = clauses.iter().filter(|clause| **clause).count() as f64 / clauses.len().max(1) as f64;
    let all = yes(clauses.iter().all(|clause| *clause));
    match prompt.task.as_str() {
        "generate" if name == "long" => {
            found.push(("long: all clauses".to_owned(), all, true));
            found.push((name, met, true));
        }
        "control" if prompt.map.as_deref() == Some("canny") => {
            if let Some(map) = &drawn.given {
                let agreement = judge::edge_agreement(&judge::canny(picture), map);
                let is_followed = yes(agreement >= judge::EDGES_FOLLOWED);
                found.push((format!("{name}: edges followed"), is_followed, true));
                found.push((format!("{name}: F1"), agreement, false));
            }
            found.push((format!("{name}: things found"), all, true));
        }
        "edit" => {
            let before = prompt.before.as_ref().zip(drawn.given.as_ref());
            let error = before.and_then(|(scene, given)| {
                let kept = finder.touched(scene, prompt.wanted(), given, picture);
                kept.filter(|_| prompt.then.is_none())
            });
            if let Some(error) = error {
                let is_kept = yes(error <= judge::UNTOUCHED_ERROR);
                found.push(("edit: untouched area".to_owned(), is_kept, true));
                found.push(("edit: error where untouched".to_owned(), error, false));
            }
            found.push(("edit: done as asked".to_owned(), all, true));
            found.push((format!("{name}: done"), all, true));
        }
        _ => found.push((name, all, true)),
    }
    found
}

/// The same for a prompt in people's wording: whether the main thing is shown, whether all is that was
/// asked, whether a map came in the place of a picture; and whether it is said where the world lacks
/// the thing.
fn of_people(finder: &Finder, prompt: &Prompt, main: &[String], drawn: &Drawn) -> Vec<(String, f64, bool)> {
    let share = |name: &str, is: bool| (name.to_owned(), f64::from(u8::from(is)), true);
    let seen = drawn
        .picture
        .as_ref()
        .map(|picture| (picture, finder.look(picture)));
    let is_map = seen
        .as_ref()
        .is_some_and(|(picture, seen)| seen.finds.is_empty() && judge::is_colourless(picture));
    if main.is_empty() {
        let is_said =
            drawn.refused.is_some() || drawn.reading.as_ref().is_some_and(|reading| reading.is_near);
        return vec![
            share("people: outside, refused or replaced with a word", is_said),
            share("people: outside, a map is drawn", is_map),
        ];
    }
    let met = seen
        .as_ref()
        .map(|(_, seen)| finder.clauses(&prompt.clauses, seen));
    let met = met.unwrap_or_default();
    let shows_main = met.first().is_some_and(|shown| *shown);
    vec![
        share(&prompt.category, shows_main),
        share("people: main thing shown", shows_main),
        share(
            "people: all that was asked",
            !met.is_empty() && met.iter().all(|met| *met),
        ),
        share("people: a map is drawn", is_map),
        share("people: refused", drawn.refused.is_some()),
    ]
}

/// Ground truth, or something wrong, in the place of drawn pictures.
fn shown(
    artist: Option<&Artist>,
    world: &World,
    scene: &geneval::world::Scene,
    size: Size,
) -> Outcome<Pixels> {
    let picture = world.render(scene, size);
    match artist {
        Some(artist) => artist.round_trip(&picture),
        None => Ok(picture),
    }
}

/// The judge on true pictures (`--truth`) or on those of other prompts (`--shuffled`).
fn on_truth(settings: &Settings, finder: &Finder, artist: Option<&Artist>) -> Outcome<()> {
    let size = settings.size.unwrap_or(Size::new(128, 128));
    let prompts = chosen(settings)?;
    let asked: Vec<Prompt> = prompts
        .iter()
        .filter(|prompt| prompt.task == "generate")
        .cloned()
        .collect();
    let began = Instant::now();
    let mut drawn = Vec::new();
    for index in 0..asked.len() {
        let other = match settings.shuffled {
            true => partner(&asked, index),
            false => index,
        };
        let picture = shown(artist, &finder.world, asked[other].wanted(), size)?;
        drawn.push(Drawn::of(picture));
    }
    let drawing = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let scores = judged(finder, &asked, &drawn);
    if settings.failures {
        asked
            .iter()
            .zip(&drawn)
            .for_each(|(prompt, drawn)| tell_failure(finder, prompt, drawn));
    }
    println!("{}", scores.table());
    println!(
        "\n{} pictures of {size}; made in {drawing:.1} s, judged in {:.3} s each",
        asked.len(),
        began.elapsed().as_secs_f64() / asked.len().max(1) as f64
    );
    Ok(())
}

/// What was found in a picture that is not what was asked.
fn tell_failure(finder: &Finder, prompt: &Prompt, drawn: &Drawn) {
    let Some(picture) = &drawn.picture else {
        if let Some(refused) = drawn.refused.as_ref().filter(|_| !prompt.clauses.is_empty()) {
            println!("{}: {}: {refused}", prompt.category, prompt.text);
        }
        return;
    };
    let seen = finder.look(picture);
    if finder
        .clauses(&prompt.clauses, &seen)
        .iter()
        .all(|clause| *clause)
    {
        return;
    }
    println!(
        "{}: {} ({}){}",
        prompt.category,
        prompt.text,
        finder.world.backgrounds[seen.background].name,
        drawn
            .reading
            .as_ref()
            .map_or(String::new(), |reading| format!(" drawn as: {}", reading.caption))
    );
    for find in &seen.finds {
        let tint = find
            .tint
            .map_or("own colours", |tint| &finder.world.tints[tint].0);
        println!(
            "    {} in {tint} at {:.2} {:.2}, size {:.2}, fit {:.2}, pattern {:.2}",
            finder.world.nouns[find.noun].name, find.x, find.y, find.size, find.fit, find.pattern
        );
    }
}

/// Another prompt of the same category: the hardest sort of chance.
fn partner(asked: &[Prompt], index: usize) -> usize {
    let same: Vec<usize> = (0..asked.len())
        .filter(|other| asked[*other].category == asked[index].category)
        .collect();
    let own = same.iter().position(|other| *other == index).unwrap_or_default();
    same[(own + 1 + same.len() / 3) % same.len()]
}

/// The judge on pictures with one thing wrong.
fn on_corrupted(settings: &Settings, finder: &Finder, artist: Option<&Artist>) -> Outcome<()> {
    let size = settings.size.unwrap_or(Size::new(128, 128));
    let prompts = chosen(settings)?;
    let mut scores = Scores::default();
    for wrong in Wrong::ALL {
        let mut cases = Vec::new();
        for prompt in prompts.iter().filter(|prompt| prompt.task == "generate") {
            if let Some(scene) = corrupted(&finder.world, prompt, wrong) {
                cases.push((prompt, shown(artist, &finder.world, &scene, size)?));
            }
        }
        let rejected: Vec<bool> = cases
            .par_iter()
            .map(|(prompt, picture)| {
                let clauses = finder.clauses(&prompt.clauses, &finder.look(picture));
                clauses.iter().any(|clause| !clause)
            })
            .collect();
        for is_rejected in rejected {
            scores.share(wrong.name(), f64::from(u8::from(is_rejected)));
            scores.share("rejected, all kinds", f64::from(u8::from(is_rejected)));
        }
    }
    println!("{}", scores.table());
    Ok(())
}

/// The first 24 prompts, drawn with the seeds 0 to 23 and put side by side, none picked.
fn sheet(artist: &mut Artist, finder: &Finder, settings: &Settings, path: &Path) -> Outcome<()> {
    let all = match settings.people {
        true => chosen(settings)?
            .into_iter()
            .filter(|prompt| !prompt.clauses.is_empty())
            .collect(),
        false => prompts::read(Edition::Second)?,
    };
    let texts: Vec<&Prompt> = all.iter().filter(|prompt| prompt.task == "generate").collect();
    let (columns, rows, side) = (8, 3, 192);
    let mut canvas = finder.world.background("white", columns * side, rows * side);
    for cell in 0..columns * rows {
        let prompt = texts[cell * texts.len() / (columns * rows)];
        let drawn = artist.draw(prompt, &finder.world, settings, cell as u64)?;
        println!("seed {cell}: {}", prompt.text);
        let Some(picture) = drawn.picture else {
            continue;
        };
        let tile = Canvas::of(&picture).resized(side, side);
        for (y, line) in tile.pixels.chunks_exact(side).enumerate() {
            let at = (cell / columns * side + y) * columns * side + cell % columns * side;
            canvas.pixels[at..at + side].copy_from_slice(line);
        }
    }
    std::fs::write(path, picture::encode_png(&canvas.to_pixels())?)?;
    Ok(())
}

/// The file of a prompt's picture.
fn file_name(index: usize, prompt: &Prompt) -> String {
    format!("{index:03}-{}.png", prompt.category.replace(' ', "-"))
}

/// The judge on pictures that are there already; only those drawn from text.
fn on_files(settings: &Settings, finder: &Finder, folder: &Path) -> Outcome<()> {
    let mut asked = Vec::new();
    let mut drawn = Vec::new();
    for (index, prompt) in chosen(settings)?.into_iter().enumerate() {
        let path = folder.join(file_name(index, &prompt));
        if prompt.task == "generate" && path.is_file() {
            drawn.push(Drawn::of(picture::read(&path)?));
            asked.push(prompt);
        }
    }
    println!("{}", judged(finder, &asked, &drawn).table());
    Ok(())
}

/// Draws prompts, `--at-once` of them beside each other, in their order.
fn drawings(
    settings: &Settings,
    finder: &Finder,
    artist: &mut Artist,
    prompts: &[Prompt],
) -> Outcome<Vec<Drawn>> {
    beside(settings, artist, prompts.len(), |artist, index| {
        let seed = settings.seed + index as u64;
        artist.draw(&prompts[index], &finder.world, settings, seed)
    })
}

/// What pictures from text tell while they are drawn: `--doubt` and `--watchdog`, of the same pictures.
fn on_rows(settings: &Settings, finder: &Finder, artist: &mut Artist) -> Outcome<()> {
    let mut prompts = chosen(settings)?;
    prompts.retain(|prompt| prompt.task == "generate" && !prompt.clauses.is_empty());
    let drawn = drawings(settings, finder, artist, &prompts)?;
    let right = |(prompt, drawn): (&Prompt, &Drawn)| {
        let met = |picture| finder.clauses(&prompt.clauses, &finder.look(picture));
        let met = drawn.picture.as_ref().map(met);
        met.is_some_and(|met| met.iter().all(|met| *met))
    };
    let right: Vec<bool> = prompts.par_iter().zip(&drawn).map(right).collect();
    let wrong = right.iter().filter(|right| !**right).count();
    println!("{} pictures from text, {wrong} of them wrong\n", right.len());
    if let Some(count) = settings.doubt {
        doubt::table(finder, &prompts, &drawn, count);
        println!();
    }
    match settings.watchdog {
        true => watchdog::table(&drawn, &right, settings.output.as_deref()),
        false => Ok(()),
    }
}

fn on_model(settings: &Settings, finder: &Finder, artist: &mut Artist) -> Outcome<()> {
    let prompts = chosen(settings)?;
    let drawn = drawings(settings, finder, artist, &prompts)?;
    if let Some(folder) = &settings.save {
        std::fs::create_dir_all(folder)?;
        for (index, (prompt, drawn)) in prompts.iter().zip(&drawn).enumerate() {
            if let Some(pixels) = &drawn.picture {
                std::fs::write(
                    folder.join(file_name(index, prompt)),
                    picture::encode_png(pixels)?,
                )?;
            }
        }
    }
    let began = Instant::now();
    let scores = judged(finder, &prompts, &drawn);
    if settings.failures {
        prompts
            .iter()
            .zip(&drawn)
            .for_each(|(prompt, drawn)| tell_failure(finder, prompt, drawn));
    }
    if let Some(label) = &settings.row {
        println!("{}", ablate::row(label, &scores, &drawn, settings));
        return Ok(());
    }
    println!("{}", scores.table());
    println!(
        "\n{}; {}; judged in {:.3} s each",
        artist.name(),
        ablate::facts(&drawn),
        began.elapsed().as_secs_f64() / prompts.len().max(1) as f64
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let settings = Settings::parse();
    if let Some(kind) = settings.ablate {
        return ablate::table(kind, &settings);
    }
    if settings.list {
        for (index, prompt) in chosen(&settings)?.iter().enumerate() {
            println!("{}\t{}", file_name(index, prompt), prompt.text);
        }
        return Ok(());
    }
    let finder = Finder::new(World::new()?);
    if let Some(folder) = &settings.from {
        return on_files(&settings, &finder, folder);
    }
    let needs_model = settings.round_trip || !(settings.truth || settings.shuffled || settings.corrupted);
    let mut artist = match needs_model {
        true => Some(Artist::open(&settings)?),
        false => None,
    };
    if settings.corrupted {
        return on_corrupted(&settings, &finder, artist.as_ref());
    }
    if settings.truth || settings.shuffled {
        return on_truth(&settings, &finder, artist.as_ref());
    }
    let Some(artist) = &mut artist else {
        return Ok(());
    };
    if let Some(candidates) = settings.audition {
        return audition::gain(
            &settings,
            &finder,
            artist,
            (&chosen(&settings)?, candidates.max(1)),
        );
    }
    if let Some(count) = settings.seam {
        return seam::table(&settings, &finder, artist, (&chosen(&settings)?, count.max(1)));
    }
    if settings.doubt.is_some() || settings.watchdog {
        return on_rows(&settings, &finder, artist);
    }
    match &settings.sheet {
        Some(path) => sheet(artist, &finder, &settings, path),
        None => on_model(&settings, &finder, artist),
    }
}
