//! The picture that is being drawn, as far as it is known.

use super::queue::Order;
use super::request::Request;
use crate::pixels::{Pixels, Size};
use crate::task::{Guesses, Mode, Picture, Progress, Sampling, Tally, TaskId, Wording};
use crate::token::{CODE_PIXELS, Grid};
use serde::{Deserialize, Serialize};

/// Where a picture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Given to the engine, which has not said anything yet.
    Starting,
    Drawing,
    Paused,
    /// All codes are there.
    Decoding,
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
}

/// What the engine said it would draw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    pub grid: Grid,
    pub panel: Size,
    pub sampling: Sampling,
    pub window: usize,
    pub rows_forced: u32,
}

/// The rows of one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    pub codes: Vec<u32>,
    /// Of the whole grid; grey where nothing is drawn yet.
    pub preview: Pixels,
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
    pub lanes: Vec<Lane>,
    pub guesses: Guesses,
    pub tally: Tally,
    pub wish: Option<Wish>,
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
            wish: None,
        }
    }

    /// Whether it goes on as soon as the model is there.
    pub fn waits(&self) -> bool {
        (self.phase, self.wish) == (Phase::Interrupted, Some(Wish::Resume))
    }

    /// Takes in what the engine said.
    pub fn take(&mut self, progress: &Progress) {
        match progress {
            Progress::Started {
                grid,
                panel,
                sampling,
                window,
                rows_forced,
                reading,
            } => {
                // Whatever becomes of it, it goes on in these words.
                let request = &mut self.order.request;
                match reading {
                    Some(reading) => request.wording = Wording::As(reading.caption.clone()),
                    None if request.wording == Wording::Understood => {
                        request.wording = Wording::As(request.prompt.clone());
                    }
                    None => {}
                }
                self.begin(Begun {
                    grid: *grid,
                    panel: *panel,
                    sampling: *sampling,
                    window: *window,
                    rows_forced: *rows_forced,
                });
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
                self.tally = *tally;
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
                self.tally = *tally;
                if *candidate == 0 {
                    self.guesses.clone_from(guesses);
                }
            }
            Progress::Paused => self.phase = Phase::Paused,
            Progress::Resumed => self.phase = Phase::Drawing,
            Progress::Decoding => {
                self.phase = Phase::Decoding;
                self.guesses = Guesses::default();
            }
        }
    }

    pub fn begin(&mut self, begun: Begun) {
        self.phase = Phase::Drawing;
        self.lanes.clear();
        self.guesses = Guesses::default();
        self.begun = Some(begun);
    }

    /// A row that is not the next one of its lane is no row of this picture.
    pub fn place(&mut self, candidate: usize, row: u32, codes: &[u32], preview: &Pixels) {
        let Some(begun) = self.begun else { return };
        if candidate > self.lanes.len() {
            return;
        }
        if candidate == self.lanes.len() {
            self.lanes.push(Lane {
                codes: Vec::new(),
                preview: Pixels::filled(begun.grid.pixels(), [128; 3]),
            });
        }
        let lane = &mut self.lanes[candidate];
        let columns = begun.grid.columns as usize;
        if codes.len() != columns || lane.codes.len() != row as usize * columns || row >= begun.grid.rows {
            return;
        }
        lane.codes.extend_from_slice(codes);
        let from = 3 * (row * CODE_PIXELS) as usize * lane.preview.size().width as usize;
        let to = from + preview.rgb().len();
        if let Some(rows) = lane.preview.rgb_mut().get_mut(from..to) {
            rows.copy_from_slice(preview.rgb());
        }
    }

    /// Rows of the first candidate.
    pub fn rows(&self) -> u32 {
        match (&self.begun, self.lanes.first()) {
            (Some(begun), Some(lane)) => (lane.codes.len() / begun.grid.columns.max(1) as usize) as u32,
            _ => 0,
        }
    }

    /// The rows that are shown: both panels of a pair, else the panel that is the result.
    pub fn shown_rows(&self) -> std::ops::Range<u32> {
        let Some(begun) = self.begun else { return 0..0 };
        match self.order.request.mode {
            Mode::Generate | Mode::Pair { .. } => 0..begun.grid.rows,
            _ => begun.grid.rows / 2..begun.grid.rows,
        }
    }

    pub fn shown_grid(&self) -> Option<Grid> {
        let columns = self.begun?.grid.columns;
        let rows = self.shown_rows().len() as u32;
        Some(Grid { rows, columns })
    }

    /// A row of the first candidate as it is shown, counted from the first shown one.
    pub fn shown_row(&self, row: u32) -> Option<Row> {
        let (begun, lane) = (self.begun?, self.lanes.first()?);
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

    /// Seconds to the last row, from the rows drawn so far.
    pub fn seconds_left(&self) -> Option<f64> {
        let begun = self.begun?;
        let drawn = self.rows().saturating_sub(begun.rows_forced);
        let left = begun.grid.rows.saturating_sub(self.rows().max(begun.rows_forced));
        (drawn > 0 && self.tally.seconds > 0.0)
            .then(|| self.tally.seconds * f64::from(left) / f64::from(drawn))
    }

    pub fn codes_per_second(&self) -> Option<f64> {
        (self.tally.seconds > 0.0 && self.tally.tokens > 0)
            .then(|| self.tally.tokens as f64 / self.tally.seconds)
    }

    pub fn codes_per_step(&self) -> Option<f64> {
        (self.tally.forwards > 0).then(|| self.tally.tokens as f64 / self.tally.forwards as f64)
    }

    /// The request that goes on where this one stopped. Settings are those the engine settled
    /// on, so that another default cannot change the picture.
    pub fn to_resume(&self) -> Request {
        let mut request = self.order.request.clone();
        if let Some(begun) = self.begun {
            request.size = Some(begun.panel);
            request.cfg = Some(begun.sampling.cfg);
            request.top_k = Some(begun.sampling.top_k);
            request.temperature = Some(begun.sampling.temperature);
            request.top_n_sigma = begun.sampling.top_n_sigma;
        }
        // Several candidates share no codes: they begin again.
        request.resume = match self.lanes.as_slice() {
            [lane] if request.candidates <= 1 && !lane.codes.is_empty() => Some(lane.codes.clone()),
            _ => None,
        };
        request
    }

    /// What is drawn so far, as a stopped picture; `None` before the first row.
    pub fn part(&self) -> Option<Picture> {
        let (begun, lane) = (self.begun?, self.lanes.first()?);
        (!lane.codes.is_empty()).then(|| Picture {
            pixels: None,
            grid: begun.grid,
            codes: lane.codes.clone(),
            seed: self.order.request.seed,
            score: None,
            sampling: begun.sampling,
            panel: begun.panel,
            window: begun.window,
            caption: match &self.order.request.wording {
                Wording::As(caption) if *caption != self.order.request.prompt => Some(caption.clone()),
                _ => None,
            },
            tally: self.tally,
        })
    }
}
