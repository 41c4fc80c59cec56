//! Drawing: turns go to the worker one after the other, pictures go to files as they come.

use super::console::Console;
use super::exit::{CANCELLED, DONE};
use super::interrupt::Interrupt;
use super::job::Job;
use crate::engine_room::EngineRoom;
use crate::pixels::Pixels;
use crate::saved_picture::{self, Saving};
use crate::state::{Begun, CandidateRows};
use crate::task::{Failure, Picture, Progress, Report, Tally};
use crate::worker::{Ticket, Worker};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Draws all turns of a job and saves their pictures; the exit code.
pub(super) fn draw<R: EngineRoom>(
    job: Job,
    room: &R,
    interrupt: &Interrupt,
    console: &mut Console<'_>,
) -> Result<i32, Failure> {
    // Said once there is something to draw: a refusal is one line.
    let mut seed = job.seed_is_new.then_some(job.task.seed);
    let mut worker = Worker::spawn(room.open(&job.model)?, || {});
    let mut model = String::new();
    let mut task = job.task;
    let mut then = job.then.into_iter();
    for turn in 0.. {
        let ticket = match worker.submit(task.clone()) {
            Ok(ticket) => ticket,
            Err(failure) => return Err(why_not_running(&worker, failure)),
        };
        interrupt.watch(&ticket.cancel);
        let mut drawing = Drawing {
            turn,
            model: &mut model,
            seed: &mut seed,
            shown: RowsSoFar::default(),
        };
        let end = drawing.follow(&worker, &ticket, console)?;
        let shown = drawing.shown;
        let save = |picture: &Picture, rank, preview| {
            let file = job.names.file(turn, rank);
            let saving = Saving {
                task: &task,
                picture,
                preview,
                model: &model,
            };
            saved_picture::save(&file, &saving).map(|()| file)
        };
        let best = match end {
            End::Cancelled(pictures) => {
                // One without a row has nothing to resume.
                let begun = pictures.iter().filter(|picture| !picture.codes.is_empty());
                let mut kept = 0;
                for (rank, picture) in begun.enumerate() {
                    let preview = shown.preview(picture.seed.wrapping_sub(task.seed));
                    let file = save(picture, rank, preview)?;
                    console.kept(picture, &file);
                    kept += 1;
                }
                if kept == 0 {
                    console.cancelled();
                }
                return Ok(CANCELLED);
            }
            // What broke off is kept as what was stopped is.
            End::Failed(failure) => {
                for (rank, picture) in shown.pictures(task.seed).iter().enumerate() {
                    let preview = shown.preview(picture.seed.wrapping_sub(task.seed));
                    match save(picture, rank, preview) {
                        Ok(file) => console.kept(picture, &file),
                        Err(also) => console.say(&also.message),
                    }
                }
                return Err(failure);
            }
            End::Finished(pictures) => {
                for (rank, picture) in pictures.iter().enumerate() {
                    let file = save(picture, rank, None)?;
                    console.finished(picture, &file, turn);
                }
                pictures.into_iter().next().and_then(|best| best.pixels)
            }
        };
        let best = best.ok_or_else(|| Failure::failed("the engine finished without a picture"))?;
        match then.next() {
            Some(instruction) => {
                task.prompt = instruction;
                task.source = Some(Arc::new(best));
            }
            None => break,
        }
    }
    Ok(DONE)
}

/// A model that could not be loaded has said why before its thread ended.
fn why_not_running(worker: &Worker, refusal: Failure) -> Failure {
    let said = worker.reports().iter().find_map(|report| match report {
        Report::LoadFailed(failure) => Some(failure),
        _ => None,
    });
    said.unwrap_or(refusal)
}

enum End {
    Finished(Vec<Picture>),
    Cancelled(Vec<Picture>),
    Failed(Failure),
}

/// One task under way.
struct Drawing<'a> {
    turn: usize,
    model: &'a mut String,
    /// A seed nobody chose, to be told.
    seed: &'a mut Option<u64>,
    shown: RowsSoFar,
}

impl Drawing<'_> {
    /// Reads the worker's reports up to the end of the task.
    fn follow(
        &mut self,
        worker: &Worker,
        ticket: &Ticket,
        console: &mut Console<'_>,
    ) -> Result<End, Failure> {
        for report in worker.reports() {
            match report {
                Report::Loaded {
                    model,
                    seconds,
                    profile,
                } => {
                    console.loaded(&model, seconds, &profile);
                    *self.model = model;
                }
                Report::LoadFailed(failure) => return Err(failure),
                Report::Progress { task, progress } if task == ticket.id => {
                    if matches!(progress, Progress::Started { .. })
                        && let Some(seed) = self.seed.take()
                        && !console.json
                    {
                        console.say(&format!("seed {seed}"));
                    }
                    console.progress(&progress, self.turn);
                    self.shown.take(progress);
                }
                Report::Finished { task, pictures } if task == ticket.id => {
                    return Ok(End::Finished(pictures));
                }
                Report::Cancelled { task, pictures } if task == ticket.id => {
                    return Ok(End::Cancelled(pictures));
                }
                Report::Failed { task, failure } if task == ticket.id => {
                    return Ok(End::Failed(failure));
                }
                // Only one task is under way at a time.
                Report::Progress { .. }
                | Report::Finished { .. }
                | Report::Cancelled { .. }
                | Report::Failed { .. } => {}
            }
        }
        Err(Failure::failed("the engine's thread ended early"))
    }
}

/// The rows shown so far, by candidate: what is kept of a picture that was stopped or broke off.
#[derive(Default)]
struct RowsSoFar {
    begun: Option<Begun>,
    caption: Option<String>,
    lanes: BTreeMap<u64, (CandidateRows, Tally)>,
}

impl RowsSoFar {
    fn take(&mut self, progress: Progress) {
        if let Some(begun) = Begun::of(&progress) {
            self.begun = Some(begun);
        }
        match (progress, &self.begun) {
            (Progress::Started { reading, .. }, _) => self.caption = reading.map(|reading| reading.caption),
            (
                Progress::Row {
                    candidate,
                    row,
                    codes,
                    preview,
                    tally: so_far,
                    ..
                },
                Some(Begun { grid, .. }),
            ) => {
                let new = || (CandidateRows::new(*grid), so_far);
                let (lane, tally) = self.lanes.entry(candidate as u64).or_insert_with(new);
                lane.place(*grid, row, &codes, &preview);
                *tally = so_far;
            }
            _ => {}
        }
    }

    fn preview(&self, candidate: u64) -> Option<&Pixels> {
        self.lanes.get(&candidate).map(|(lane, _)| &lane.preview)
    }

    /// Unfinished pictures of the rows.
    fn pictures(&self, seed: u64) -> Vec<Picture> {
        let Some(begun) = &self.begun else {
            return Vec::new();
        };
        let part = |(candidate, (lane, tally)): (&u64, &(CandidateRows, Tally))| {
            begun.part(lane, seed.wrapping_add(*candidate), *tally, self.caption.clone())
        };
        self.lanes.iter().map(part).collect()
    }
}
