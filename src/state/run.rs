//! The picture that is being drawn, as far as it is known.

use super::candidate_rows::{CandidateRows, shown_rows};
use super::ground::Ground;
use super::queue::Order;
use super::request::Request;
use super::starts::Starts;
use crate::pixels::{MaskRuns, Pixels, Size};
use crate::task::{Branch, Guesses, Mode, Picture, Progress, Sampling, Tally, TaskId, Watch, Wording};
use crate::token::{CODE_PIXELS, Grid};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// Where a picture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Given to the engine, which has not said anything yet.
    Starting,
    Drawing,
    Paused,
    /// All codes are there.
    Decoding,
    /// Its starts are drawn; the user chooses among them.
    Choosing,
    /// No engine works on it: the program was closed, or the model changed or failed.
    Interrupted,
}

/// How the user ended a picture before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Keep,
    Discard,
    /// It stays on the canvas and can be resumed.
    Interrupt,
    /// It goes on as soon as the model is there.
    Resume,
    /// Another picture branches off one of its rows.
    Branch,
    /// It goes on by other words or settings.
    Steer,
}

/// What the engine said it would draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    pub grid: Grid,
    pub panel: Size,
    pub sampling: Sampling,
    #[serde(rename = "window")]
    pub lookahead: usize,
    pub rows_forced: u32,
    /// Codes the model chooses in each row; empty where that was not written down.
    #[serde(default)]
    pub to_draw: Vec<u32>,
}

impl Begun {
    /// What `Progress::Started` says; `None` of everything else.
    pub fn of(progress: &Progress) -> Option<Self> {
        let Progress::Started {
            grid,
            panel,
            sampling,
            lookahead,
            rows_forced,
            to_draw,
            ..
        } = progress
        else {
            return None;
        };
        Some(Self {
            grid: *grid,
            panel: *panel,
            sampling: *sampling,
            lookahead: *lookahead,
            rows_forced: *rows_forced,
            to_draw: to_draw.clone(),
        })
    }

    /// Codes the model chooses in the rows before this one.
    fn to_draw_before(&self, row: u32) -> u32 {
        match self.to_draw.is_empty() {
            true => row.saturating_sub(self.rows_forced) * self.grid.columns,
            false => {
                let rows = self.to_draw.iter().take(row as usize);
                rows.fold(0, |sum, codes| sum.saturating_add(*codes))
            }
        }
    }

    /// A candidate as far as it is drawn, as a stopped picture.
    pub fn part(&self, lane: &CandidateRows, seed: u64, tally: Tally, caption: Option<String>) -> Picture {
        Picture {
            panel: self.panel,
            lookahead: self.lookahead,
            caption,
            tally,
            ..Picture::of_codes(self.grid, lane.codes.clone(), seed, self.sampling)
        }
    }
}

/// What is counted of a picture under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Rows,
    Cells,
}

/// How far a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Far {
    pub done: u32,
    pub of: u32,
    pub unit: Unit,
}

impl Far {
    pub fn share(self) -> f32 {
        self.done as f32 / self.of.max(1) as f32
    }
}

/// A row as it is shown and stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub row: u32,
    pub codes: Vec<u32>,
    pub preview: Pixels,
}

/// One picture under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub order: Order,
    /// Its name at the worker; `None` until it was submitted.
    pub task: Option<TaskId>,
    pub phase: Phase,
    pub begun: Option<Begun>,
    pub lanes: Vec<CandidateRows>,
    pub guesses: Guesses,
    pub tally: Tally,
    /// Rows of the first candidate that the engine told of since it began or went on.
    pub(super) told: u32,
    /// Codes the model chose for each candidate.
    pub(super) tokens: Vec<usize>,
    /// Codes and seconds when it began or went on: from there the pace is measured.
    pace_from: Option<(usize, f64)>,
    pub wish: Option<Wish>,
    /// How it is drawn once it has stopped for that.
    pub(super) branch: Option<Branch>,
    /// While the user chooses.
    pub starts: Starts,
    pub(super) watch: Watch,
    /// The row, of those shown, with which it began to score as few right pictures do.
    pub may_go_wrong: Option<u32>,
}

impl Run {
    pub fn new(order: Order) -> Self {
        Self {
            order,
            task: None,
            phase: Phase::Starting,
            begun: None,
            lanes: Vec::new(),
            guesses: Guesses::default(),
            tally: Tally::default(),
            told: 0,
            tokens: Vec::new(),
            pace_from: None,
            wish: None,
            branch: None,
            starts: Starts::default(),
            watch: Watch::default(),
            may_go_wrong: None,
        }
    }

    /// How many pictures are drawn together, of which the likeliest is the result.
    pub fn candidates(&self) -> usize {
        self.order.request.candidates.max(1)
    }

    /// Whether it goes on as soon as the model is there.
    pub fn waits(&self) -> bool {
        (self.phase, self.wish) == (Phase::Interrupted, Some(Wish::Resume))
    }

    /// Takes in what the engine said.
    pub fn take(&mut self, progress: &Progress) {
        if self.watch.falls_below(progress)
            && let Progress::Row { row, .. } = progress
        {
            self.may_go_wrong = Some(*row);
        }
        match progress {
            Progress::Started { reading, .. } => {
                // Whatever becomes of it, it goes on in these words.
                let request = &mut self.order.request;
                match reading {
                    Some(reading) => request.wording = Wording::As(reading.caption.clone()),
                    None if request.wording == Wording::Understood => {
                        request.wording = Wording::As(request.prompt.clone());
                    }
                    None => {}
                }
                if let Some(begun) = Begun::of(progress) {
                    self.begin(begun);
                }
            }
            Progress::Row {
                candidate,
                row,
                codes,
                guesses,
                preview,
                tally,
            } => {
                self.phase = Phase::Drawing;
                self.count(*candidate, tally);
                if *candidate == 0 {
                    self.guesses.clone_from(guesses);
                }
                self.place(*candidate, *row, codes, preview);
            }
            Progress::Ahead {
                candidate,
                guesses,
                tally,
            } => {
                self.count(*candidate, tally);
                if *candidate == 0 {
                    self.guesses.clone_from(guesses);
                }
            }
            Progress::Paused => self.phase = Phase::Paused,
            Progress::Resumed => {
                self.phase = Phase::Drawing;
                self.pace_from = None;
            }
            Progress::Decoding => {
                self.phase = Phase::Decoding;
                self.guesses = Guesses::default();
            }
        }
    }

    fn count(&mut self, candidate: usize, tally: &Tally) {
        self.tally = *tally;
        if candidate >= self.candidates() {
            return;
        }
        if self.tokens.len() <= candidate {
            self.tokens.resize(candidate + 1, 0);
        }
        self.tokens[candidate] = tally.tokens;
        // What is given takes time before the first code is chosen, and says nothing of the pace.
        if self.pace_from.is_none() && tally.tokens > 0 {
            self.pace_from = Some((self.tokens.iter().sum(), tally.seconds));
        }
    }

    /// Rows of the first candidate.
    pub fn rows(&self) -> u32 {
        self.rows_of(0)
    }

    /// Rows of a candidate.
    pub fn rows_of(&self, candidate: usize) -> u32 {
        match (&self.begun, self.lanes.get(candidate)) {
            (Some(begun), Some(lane)) => lane.rows(begun.grid),
            _ => 0,
        }
    }

    /// The rows that are shown.
    pub fn shown_rows(&self) -> Range<u32> {
        let rows = self.begun.as_ref().map_or(0, |begun| begun.grid.rows);
        shown_rows(&self.order.request.mode, rows)
    }

    pub fn shown_grid(&self) -> Option<Grid> {
        let columns = self.begun.as_ref()?.grid.columns;
        let rows = self.shown_rows().len() as u32;
        Some(Grid { rows, columns })
    }

    /// A row of the first candidate as it is shown, counted from the first shown one.
    pub fn shown_row(&self, row: u32) -> Option<Row> {
        let (begun, lane) = (self.begun.as_ref()?, self.lanes.first()?);
        if !self.shown_rows().contains(&row) || row >= self.rows() {
            return None;
        }
        let columns = begun.grid.columns as usize;
        Some(Row {
            row: row - self.shown_rows().start,
            codes: lane.codes[row as usize * columns..][..columns].to_vec(),
            preview: lane.preview.rows(row * CODE_PIXELS, (row + 1) * CODE_PIXELS),
        })
    }

    /// The picture it is drawn over: what stays of it, and what its map or its change begins with.
    pub fn ground(&self) -> Option<Ground> {
        let request = &self.order.request;
        let is_aligned = match request.mode {
            Mode::Edit | Mode::Control { .. } | Mode::ControlFromPhoto { .. } | Mode::Predict { .. } => true,
            Mode::Generate | Mode::Pair { .. } | Mode::Sketch { .. } | Mode::Subject { .. } => false,
        };
        let source = request.source.as_ref().filter(|_| is_aligned)?;
        Some(Ground {
            pixels: Arc::clone(&source.pixels),
            mask: request.mask.as_ref().and_then(MaskRuns::mask).map(Arc::new),
            panel: self.begun.as_ref()?.panel,
        })
    }

    /// Codes that are chosen, of those the model chooses, over all candidates.
    pub fn cells(&self) -> (u32, u32) {
        let lanes = (0..self.candidates()).map(|candidate| self.cells_of(candidate));
        lanes.fold((0, 0), |sum, (done, of)| {
            (u32::saturating_add(sum.0, done), u32::saturating_add(sum.1, of))
        })
    }

    fn cells_of(&self, candidate: usize) -> (u32, u32) {
        let Some(begun) = &self.begun else { return (0, 0) };
        let of = begun.to_draw_before(self.end_row());
        let given = self.order.request.resume.as_ref().map_or(0, Vec::len) as u32;
        let before = begun.to_draw_before(given / begun.grid.columns.max(1));
        let told = before + self.tokens.get(candidate).copied().unwrap_or_default() as u32;
        (
            told.max(begun.to_draw_before(self.rows_of(candidate))).min(of),
            of,
        )
    }

    /// How far it is, in what a person counts: cells where only some are drawn, else rows, those of
    /// the slowest candidate.
    pub fn far(&self) -> Far {
        if self.order.request.mask.is_some() {
            let (done, of) = self.cells();
            let unit = Unit::Cells;
            return Far { done, of, unit };
        }
        let slowest = (0..self.candidates())
            .map(|candidate| self.rows_of(candidate))
            .min();
        let rows = self.shown_rows();
        Far {
            done: slowest.unwrap_or_default().saturating_sub(rows.start),
            of: self.end_row().saturating_sub(rows.start),
            unit: Unit::Rows,
        }
    }

    /// A row of the first candidate as it came.
    pub(super) fn row(&self, row: u32) -> Option<Row> {
        let (begun, lane) = (self.begun.as_ref()?, self.lanes.first()?);
        let columns = begun.grid.columns as usize;
        let codes = lane
            .codes
            .get(row as usize * columns..(row as usize + 1) * columns)?;
        Some(Row {
            row,
            codes: codes.to_vec(),
            preview: lane.preview.rows(row * CODE_PIXELS, (row + 1) * CODE_PIXELS),
        })
    }

    /// Seconds to the last code, at the present pace.
    pub fn seconds_left(&self) -> Option<f64> {
        let (done, of) = self.cells();
        Some(f64::from(of - done) / self.codes_per_second()?)
    }

    /// Over all candidates; `None` for the first fifth of a second, which says nothing.
    pub fn codes_per_second(&self) -> Option<f64> {
        let (from, since) = self.pace_from?;
        let tokens = self.tokens.iter().sum::<usize>().checked_sub(from)?;
        let seconds = self.tally.seconds - since;
        (seconds > 0.2 && tokens > 0).then(|| tokens as f64 / seconds)
    }

    pub fn codes_per_step(&self) -> Option<f64> {
        (self.tally.forwards > 0).then(|| self.tally.tokens as f64 / self.tally.forwards as f64)
    }

    /// The request that goes on where this one stopped. Settings are those the engine settled
    /// on, so that another default cannot change the picture.
    pub fn to_resume(&self) -> Request {
        let mut request = self.order.request.clone();
        if let Some(begun) = &self.begun {
            request.size = Some(begun.panel);
            request.sampling = request.sampling.settled(begun.sampling);
        }
        // Several candidates share no codes: they begin again.
        request.resume = match self.lanes.as_slice() {
            _ if request.candidates > 1 => None,
            // Rows that were given and have not come again yet are not forgotten.
            [lane]
                if request
                    .resume
                    .as_ref()
                    .is_none_or(|given| given.len() < lane.codes.len()) =>
            {
                Some(lane.codes.clone()).filter(|codes| !codes.is_empty())
            }
            _ => request.resume,
        };
        request
    }

    /// What is drawn so far, as a stopped picture; `None` before the first row.
    pub fn part(&self) -> Option<Picture> {
        let (begun, lane) = (self.begun.as_ref()?, self.lanes.first()?);
        let request = &self.order.request;
        let caption = match &request.wording {
            Wording::As(caption) if *caption != request.prompt => Some(caption.clone()),
            _ => None,
        };
        (!lane.codes.is_empty()).then(|| Picture {
            story: request.story.clone(),
            ..begun.part(lane, request.seed, self.tally, caption)
        })
    }
}
