//! Drawing: turns go to the worker one after the other, pictures go to files as they come.

use super::console::Console;
use super::exit::{CANCELLED, DONE, FAILED};
use super::interrupt::Interrupt;
use super::job::Job;
use super::keep::{Written, keep};
use crate::engine_room::EngineRoom;
use crate::pixels::Pixels;
use crate::saved_picture::{self, Saving};
use crate::state::{Begun, CandidateRows};
use crate::task::{Failure, Mode, Picture, Profile, Progress, Report, Tally, Task, Watch};
use crate::worker::{Ticket, Worker};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether somebody is in a hurry.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Draws all turns of a job and saves their pictures; the exit code.
pub(super) fn draw<R: EngineRoom>(
    job: Job,
    room: &R,
    interrupt: &Interrupt,
    console: &mut Console<'_>,
) -> Result<i32, Failure> {
    let task = match &job.writer {
        Some(wish) => match wish.rewritten(job.task, &room.writers(), interrupt.token(), console) {
            Some(task) => task,
            None => {
                console.cancelled();
                return Ok(CANCELLED);
            }
        },
        None => job.task,
    };
    // Said once there is something to draw: a refusal is one line.
    let mut seed = job.seed_is_new.then_some(task.seed);
    let mut worker = Worker::spawn(room.open(&job.model)?, || {});
    if let Some(remark) = &job.remark {
        console.remark(remark);
    }
    let (mut model, mut profile) = (String::new(), Profile::default());
    let mut task = task;
    let mut then = job.then.into_iter();
    let mut code = DONE;
    for turn in 0.. {
        let ticket = match worker.submit(task.clone()) {
            Ok(ticket) => ticket,
            Err(failure) => return Err(why_not_running(&worker, failure)),
        };
        interrupt.watch(&ticket.cancel);
        let mut drawing = Drawing {
            interrupt,
            task: &task,
            journal: job.journal.then(|| job.names.file(turn, 0)),
            turn,
            model: &mut model,
            profile: &mut profile,
            watch: Watch::default(),
            seed: &mut seed,
            shown: RowsSoFar::default(),
        };
        let end = drawing.follow(&worker, &ticket, console)?;
        let shown = drawing.shown;
        let save = |picture: &Picture, rank, preview: Option<&Pixels>| {
            let saving = Saving {
                task: &task,
                picture,
                preview,
                model: &model,
            };
            keep(&job.names, (turn, rank), &saving)
        };
        let save_part = |picture: &Picture, rank, console: &mut Console<'_>| {
            let preview = shown.drawn(&task.mode, picture.seed.wrapping_sub(task.seed));
            match save(picture, rank, preview.as_ref()) {
                Ok(written) => {
                    let (file, _) = told(written, console);
                    console.kept(picture, &file);
                }
                Err(failure) => console.failed(&failure),
            }
        };
        let given = task.resume.as_ref().map_or(0, Vec::len);
        let best = match end {
            End::Cancelled(pictures) => {
                // One without a row has nothing to resume, one without a new row is there already.
                let begun = pictures.iter().filter(|picture| !picture.codes.is_empty());
                let begun: Vec<&Picture> = begun.collect();
                let new = begun.iter().filter(|picture| picture.codes.len() > given);
                for (rank, picture) in new.enumerate() {
                    save_part(picture, rank, console);
                }
                match given {
                    0 if begun.is_empty() => console.cancelled(),
                    0 => {}
                    _ if begun.iter().all(|picture| picture.codes.len() <= given) => console.nothing_new(),
                    _ => {}
                }
                if interrupt.is_hurried() {
                    // The engine may take its time yet: nobody waits for it.
                    std::process::exit(CANCELLED);
                }
                return Ok(CANCELLED);
            }
            // What broke off is kept as what was stopped is.
            End::Failed(failure) => {
                let broken = shown.pictures(task.seed);
                let new = broken.iter().filter(|picture| picture.codes.len() > given);
                for (rank, picture) in new.enumerate() {
                    save_part(picture, rank, console);
                }
                return Err(failure);
            }
            End::Finished(pictures) => {
                // One that cannot be written does not cost the others.
                for (rank, picture) in pictures.iter().enumerate() {
                    match save(picture, rank, None) {
                        Ok(written) => {
                            let (file, ended) = told(written, console);
                            code = code.max(ended);
                            console.finished(picture, &file, turn);
                        }
                        Err(failure) => {
                            console.failed(&failure);
                            code = FAILED;
                        }
                    }
                }
                pictures.into_iter().next().and_then(|best| best.pixels)
            }
        };
        let best = best.ok_or_else(|| Failure::failed("the engine finished without a picture"))?;
        match then.next() {
            Some(instruction) => {
                task.prompt = instruction;
                task.written = None;
                task.source = Some(Arc::new(best));
            }
            None => break,
        }
    }
    Ok(code)
}

/// Where a picture is, and the exit code; says so where that is not where it should be.
fn told(written: Written, console: &mut Console<'_>) -> (PathBuf, i32) {
    match written {
        Written::Here(path) => (path, DONE),
        Written::Elsewhere(path, failure) => {
            console.rescued(&failure, &path);
            (path, FAILED)
        }
    }
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
    interrupt: &'a Interrupt,
    task: &'a Task,
    /// Where its rows are written as they come.
    journal: Option<PathBuf>,
    model: &'a mut String,
    profile: &'a mut Profile,
    watch: Watch,
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
        while let Some(report) = self.next_report(worker) {
            match report {
                Report::Loaded {
                    model,
                    seconds,
                    profile,
                } => {
                    console.loaded(&model, seconds, &profile);
                    (*self.model, *self.profile) = (model, profile);
                }
                Report::LoadFailed(failure) => return Err(failure),
                Report::Progress { task, progress } if task == ticket.id => {
                    if matches!(progress, Progress::Started { .. }) {
                        self.watch = Watch::of(self.task, self.profile);
                        if let Some(seed) = self.seed.take().filter(|_| !console.json) {
                            console.say(&format!("seed {seed}"));
                        }
                    }
                    console.progress(&progress, self.turn);
                    if self.watch.falls_below(&progress) {
                        console.may_go_wrong(self.turn);
                    }
                    let is_row = matches!(progress, Progress::Row { .. });
                    self.shown.take(progress);
                    if is_row && let Err(failure) = self.write_rows() {
                        // It cannot be written at the end either; then it is said again.
                        console.failed(&failure);
                        self.journal = None;
                    }
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
                | Report::Failed { .. }
                | Report::Answered { .. } => {}
            }
        }
        match self.interrupt.is_hurried() {
            true => Ok(End::Cancelled(self.shown.pictures(self.task.seed))),
            false => Err(Failure::failed("the engine's thread ended early")),
        }
    }

    /// Writes the rows there are as a stopped picture, whole or not at all. Those that were given are told one
    /// by one, too: they are in the file already.
    fn write_rows(&self) -> Result<(), Failure> {
        let Some(path) = &self.journal else {
            return Ok(());
        };
        let given = self.task.resume.as_ref().map_or(0, Vec::len);
        let pictures = self.shown.pictures(self.task.seed);
        let Some(picture) = pictures.first().filter(|picture| picture.codes.len() > given) else {
            return Ok(());
        };
        let preview = self.shown.drawn(&self.task.mode, 0);
        let saving = Saving {
            task: self.task,
            picture,
            preview: preview.as_ref(),
            model: self.model,
        };
        saved_picture::save(path, &saving)
    }

    /// Waits for the next report; `None` where none will come, or nobody waits any more.
    fn next_report(&self, worker: &Worker) -> Option<Report> {
        loop {
            let is_hurried = self.interrupt.is_hurried();
            let patience = if is_hurried { Duration::ZERO } else { LOOK_UP };
            match worker.reports().recv_timeout(patience) {
                Ok(report) => return Some(report),
                Err(error) if error.is_timeout() && !is_hurried => {}
                Err(_) => return None,
            }
        }
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

    /// What there is of a picture.
    fn drawn(&self, mode: &Mode, candidate: u64) -> Option<Pixels> {
        let (lane, _) = self.lanes.get(&candidate)?;
        Some(lane.drawn(mode, self.begun.as_ref()?.grid))
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
