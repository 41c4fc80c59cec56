//! `--watchdog`: the table of running scores that few right pictures fall below, and how well it tells
//! pictures that go wrong.
//!
//! Every other prompt makes the table, the others try it. A bar is the same quantile of the right pictures'
//! scores at every twelfth of the rows, the quantile so chosen that of the right pictures of the table
//! `FALSE_ALARMS` fall below a bar at any row.

use super::chance::quantile;
use super::drawing::Drawn;
use super::score::Share;
use lumina_studio::task::Watchdog;
use std::path::Path;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Entries of the table.
const PARTS: usize = 12;
/// The share of right pictures that may be called wrong.
const FALSE_ALARMS: f64 = 0.05;
/// Quantiles that are tried, in steps of this.
const STEP: f64 = 0.0025;

/// The part of the rows with which a picture falls below.
fn falls(watchdog: &Watchdog, scores: &[(f64, f64)]) -> Option<f64> {
    let mut below = scores
        .iter()
        .filter(|(part, score)| watchdog.is_below(*part, *score));
    below.next().map(|(part, _)| *part)
}

/// The score a picture had when a part of its rows was drawn.
fn score_at(scores: &[(f64, f64)], part: f64) -> Option<f64> {
    let mut reached = scores.iter().filter(|(upto, _)| *upto >= part - 1e-9);
    reached.next().map(|(_, score)| *score)
}

fn bars(right: &[&Drawn], share: f64) -> Option<Watchdog> {
    let bar = |part: usize| {
        let part = part as f64 / PARTS as f64;
        let mut scores: Vec<f64> = right
            .iter()
            .filter_map(|drawn| score_at(&drawn.scores, part))
            .collect();
        // Thousandths of a nat.
        quantile(&mut scores, share).map(|score| ((score * 1000.0).floor() / 1000.0) as f32)
    };
    let bars: Option<Vec<f32>> = (1..=PARTS).map(bar).collect();
    Watchdog::new("generate", bars?).ok()
}

/// Prints the table and what it says of the pictures it was not made of; with a path also writes it as the
/// `watchdog` of a `lumina.json`.
pub fn table(drawn: &[Drawn], right: &[bool], output: Option<&Path>) -> Outcome<()> {
    let of = |parity: usize, wanted: bool| -> Vec<&Drawn> {
        let all = drawn.iter().zip(right).enumerate();
        let taken = all.filter(|(index, (_, right))| index % 2 == parity && **right == wanted);
        taken.map(|(_, (drawn, _))| drawn).collect()
    };
    let alarms = |watchdog: &Watchdog, of: &[&Drawn]| {
        let mut share = Share::default();
        for drawn in of {
            share.add(f64::from(u8::from(falls(watchdog, &drawn.scores).is_some())));
        }
        share
    };
    let made_of = of(0, true);
    let mut found = None;
    for step in 0..(0.5 / STEP) as usize {
        let tried = bars(&made_of, step as f64 * STEP).ok_or("no picture was right: there is no table")?;
        if alarms(&tried, &made_of).value() > FALSE_ALARMS {
            break;
        }
        found = Some((step as f64 * STEP, tried));
    }
    let (share, watchdog) = found.ok_or("too few pictures were right for a table")?;
    println!(
        "table of {} right pictures; its bars are their {:.2} % quantiles\n",
        made_of.len(),
        100.0 * share
    );
    println!(
        "| part of the rows | bar | lower quartile | median | wrong pictures, median |\n|---|---|---|---|---|"
    );
    for (index, bar) in watchdog.bars().iter().enumerate() {
        let part = (index + 1) as f64 / PARTS as f64;
        let at = |of: &[&Drawn], share| {
            let mut scores: Vec<f64> = of
                .iter()
                .filter_map(|drawn| score_at(&drawn.scores, part))
                .collect();
            quantile(&mut scores, share).unwrap_or(f64::NAN)
        };
        println!(
            "| {}/{PARTS} | {bar:.3} | {:.3} | {:.3} | {:.3} |",
            index + 1,
            at(&made_of, 0.25),
            at(&made_of, 0.5),
            at(&of(0, false), 0.5)
        );
    }
    println!("\n| prompts | wrong pictures called wrong | right pictures called wrong |\n|---|---|---|");
    for (name, parity) in [("of the table", 0), ("others", 1)] {
        println!(
            "| {name} | {} | {} |",
            alarms(&watchdog, &of(parity, false)).told(),
            alarms(&watchdog, &of(parity, true)).told()
        );
    }
    let mut when: Vec<f64> = drawn
        .iter()
        .zip(right)
        .filter(|(_, right)| !**right)
        .filter_map(|(drawn, _)| falls(&watchdog, &drawn.scores))
        .collect();
    if let Some(median) = quantile(&mut when, 0.5) {
        println!(
            "\nwrong pictures called wrong are so after {:.0} % of the rows (median)",
            100.0 * median
        );
    }
    if let Some(path) = output {
        std::fs::write(path, serde_json::to_string_pretty(&watchdog)? + "\n")?;
    }
    Ok(())
}
