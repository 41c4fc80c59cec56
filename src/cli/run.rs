//! A command line carried out, down to its exit code.
//!
//! Commands that draw go to `draw`; the others need no worker and are done here.

use super::args::Command;
use super::console::{Console, harmless};
use super::exit::{CANCELLED, DONE, FAILED, USAGE};
use super::interrupt::Interrupt;
use super::{draw, job, models, names, serve, writers};
use crate::engine_room::{self, EngineRoom, ModelSource, Verification};
use crate::measure::Subject;
use crate::saved_picture;
use crate::task::{Alternative, Cancel, Difference, Failure, Fault, ImportStep, ImportWish};
use std::io::{IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Carries out one command line and returns the process's exit code.
pub fn run<R: EngineRoom>(command: &Command, room: &R) -> i32 {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let (live, out_is_terminal) = (err.is_terminal(), out.is_terminal());
    // A fault of this program is told in one line, too; `RUST_BACKTRACE=full` shows where it is.
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|wish| wish != "full") {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let screen = Screen {
        out: &mut out,
        err: &mut err,
        live,
        out_is_terminal,
    };
    let interrupt = Interrupt::of_signals();
    let ended = catch_unwind(AssertUnwindSafe(|| run_on(command, room, &interrupt, screen)));
    ended.unwrap_or_else(|_| {
        let _ = writeln!(
            std::io::stderr(),
            "lumina-studio: a fault of this program; run it with RUST_BACKTRACE=full to see where"
        );
        FAILED
    })
}

/// Says on stderr why the program ends, and returns its exit code.
pub fn refuse(failure: &Failure) -> i32 {
    let mut err = std::io::stderr();
    // Where nobody listens the exit code has to do.
    let _ = writeln!(err, "error: {}", harmless(&failure.message, false));
    match failure.fault {
        Fault::Usage => USAGE,
        Fault::Failed => FAILED,
    }
}

/// Where a run speaks.
struct Screen<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    live: bool,
    out_is_terminal: bool,
}

fn run_on<R: EngineRoom>(command: &Command, room: &R, interrupt: &Interrupt, screen: Screen<'_>) -> i32 {
    let mut console = Console {
        out: screen.out,
        err: screen.err,
        json: command.is_json(),
        live: screen.live,
        out_is_terminal: screen.out_is_terminal,
        rows: 0,
        row: 0,
        covered: 0,
        unsaid: None,
    };
    let ended = match job::resolve(command) {
        Ok(Some(job)) => draw::draw(job, room, interrupt, &mut console),
        Ok(None) => other(command, room, interrupt.token(), &mut console),
        Err(failure) => Err(failure),
    };
    let ended = match (ended, console.unsaid()) {
        (Ok(_), Some(failure)) => Err(failure),
        (ended, _) => ended,
    };
    ended.unwrap_or_else(|failure| {
        console.failed(&failure);
        match failure.fault {
            Fault::Usage => USAGE,
            Fault::Failed => FAILED,
        }
    })
}

/// The commands that need no worker.
fn other<R: EngineRoom>(
    command: &Command,
    room: &R,
    cancel: &Cancel,
    console: &mut Console<'_>,
) -> Result<i32, Failure> {
    let done = match command {
        Command::Info { file, json } => {
            let info = engine_room::info(file)?;
            let line = if *json { info.json.to_string() } else { info.text };
            console.result(line.trim_end());
            Ok(true)
        }
        Command::Doubt { file, above, output } => {
            names::check(output)?;
            names::spare(output, file)?;
            engine_room::doubt(file, *above, output)?;
            console.file(output);
            Ok(true)
        }
        Command::Diff(args) => {
            let difference = saved_picture::difference(&args.one, &args.other)?;
            if let Some(output) = &args.output {
                names::check(output)?;
                names::spare(output, &args.one)?;
                names::spare(output, &args.other)?;
                engine_room::paint_difference(&difference, output)?;
            }
            match args.json {
                true => console.result(&difference_json(&difference)),
                false => console.result(&difference.told()),
            }
            if let Some(output) = args.output.as_ref().filter(|_| !args.json) {
                console.file(output);
            }
            Ok(true)
        }
        Command::Alternatives(args) => {
            let model = ModelSource::from(&args.model);
            let cells = engine_room::alternatives(&args.file, args.row, &model, cancel)?;
            match args.json {
                true => console.result(&alternatives_json(args.row, &cells)),
                false => {
                    for (column, cell) in cells.iter().enumerate() {
                        let others = cell.iter();
                        let others: Vec<String> = others
                            .map(|other| format!("{} {:.1} %", other.code, 100.0 * other.probability))
                            .collect();
                        console.result(&format!("column {column}: {}", others.join(", ")));
                    }
                }
            }
            Ok(true)
        }
        Command::Timelapse(args) => {
            names::place(&args.output)?;
            names::spare(&args.output, &args.file)?;
            if let Some(source) = &args.source {
                names::spare(&args.output, source)?;
            }
            engine_room::timelapse(
                (&args.file, args.source.as_deref()),
                &args.output,
                &ModelSource::from(&args.model),
                cancel,
                &mut |note| console.note(note),
            )
            .map(|()| console.file(&args.output))
            .map(|()| true)
        }
        Command::Redraw {
            file,
            source,
            output,
            model,
            ..
        } => {
            names::check(output)?;
            if let Some(source) = source {
                names::spare(output, source)?;
            }
            engine_room::redraw(file, source.as_deref(), output, &ModelSource::from(model))
                .map(|()| console.file(output))
                .map(|()| true)
        }
        Command::Import(args) => {
            names::place(&args.output)?;
            let wish = ImportWish::from(args);
            let mut step = |step: ImportStep| {
                let percent = (100 * u128::from(step.done)) / u128::from(step.of.max(1));
                console.update(&format!("{percent:3} % {}", step.name));
            };
            room.import(&wish, cancel, &mut step)
                .map(|remarks| {
                    remarks.iter().for_each(|remark| console.say(remark));
                    console.file(&wish.output);
                })
                .map(|()| true)
        }
        Command::Models(command) => return models::run(command, room, cancel, console),
        Command::Rewrite(args) => writers::rewrite(args, &room.writers(), cancel, console).map(|()| true),
        Command::Writers(args) => writers::run(args, &room.writers(), console).map(|()| true),
        Command::Serve(args) => serve::run(args, room, cancel, &mut |note| console.note(note)).map(|()| true),
        Command::Verify(args) => {
            let asked = Verification {
                cases: &args.cases,
                device: args.device,
                kv: args.kv,
                format: args.model_quant,
                threads: args.threads,
            };
            engine_room::verify(&asked, &mut |note| console.note(note))
        }
        Command::Bench {
            shape: Some(shape),
            quant,
            model,
        } => {
            let subject = Subject {
                shape: (*shape).into(),
                quant: *quant,
                device: model.device,
                kv: model.kv,
            };
            engine_room::measure(&subject, model.threads, &mut |note| console.note(note)).map(|()| true)
        }
        Command::Bench { model, .. } => {
            let model = ModelSource::from(model);
            engine_room::bench(&model, cancel, &mut |note| console.note(note)).map(|()| true)
        }
        Command::Generate { .. }
        | Command::Pair { .. }
        | Command::Sketch { .. }
        | Command::Control { .. }
        | Command::Subject { .. }
        | Command::Edit { .. }
        | Command::Predict { .. }
        | Command::Resume { .. } => Err(Failure::failed("this command draws")),
    };
    match done {
        Err(_) if cancel.is_cancelled() => {
            console.say("cancelled");
            Ok(CANCELLED)
        }
        Ok(true) => Ok(DONE),
        Ok(false) => Ok(FAILED),
        Err(failure) => Err(failure),
    }
}

/// By column, the codes that could stand there.
fn alternatives_json(row: u32, cells: &[Vec<Alternative>]) -> String {
    let told =
        |other: &Alternative| serde_json::json!({ "code": other.code, "probability": other.probability });
    let columns: Vec<Vec<serde_json::Value>> =
        cells.iter().map(|cell| cell.iter().map(told).collect()).collect();
    serde_json::json!({ "row": row, "columns": columns }).to_string()
}

/// How many cells differ, and which.
fn difference_json(difference: &Difference) -> String {
    let cells = difference.cells.iter().enumerate();
    let differing: Vec<usize> = cells
        .filter(|(_, differs)| **differs)
        .map(|(cell, _)| cell)
        .collect();
    serde_json::json!({
        "grid": difference.grid,
        "cells": difference.cells.len(),
        "differ": difference.count(),
        "first_row": difference.first_row(),
        "differing": differing,
    })
    .to_string()
}
