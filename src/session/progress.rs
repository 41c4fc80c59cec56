//! Rows as they are told while a picture is drawn: each once and in order, with its preview, and
//! between them how far the row in the making is.

use super::loaded::Session;
use super::plan::Plan;
use crate::decode::{Drawn, Event};
use crate::model::movq::preview::Line;
use crate::task::{Guesses, Progress, Tally};
use std::time::{Duration, Instant};

/// How often a row in the making is told.
const AHEAD: Duration = Duration::from_millis(100);

pub(super) struct Telling<'a> {
    session: &'a Session,
    plan: &'a Plan,
    progress: &'a mut dyn FnMut(Progress),
    /// By candidate.
    lanes: Vec<LastTold>,
}

/// What was told of a candidate.
#[derive(Clone, Copy)]
struct LastTold {
    rows: u32,
    last: Instant,
    /// Of the segments before; without the time.
    before: Tally,
}

impl<'a> Telling<'a> {
    pub(super) fn new(
        session: &'a Session,
        plan: &'a Plan,
        candidates: usize,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let lane = LastTold {
            rows: 0,
            last: Instant::now(),
            before: Tally::default(),
        };
        Self {
            session,
            plan,
            progress,
            lanes: vec![lane; candidates],
        }
    }

    /// An event of a draw of the candidates `group`.
    pub(super) fn take(&mut self, group: &[usize], event: &Event<'_>) {
        match *event {
            Event::Paused => (self.progress)(Progress::Paused),
            Event::Resumed => (self.progress)(Progress::Resumed),
            Event::Committed {
                candidate,
                upto,
                tokens,
                guesses,
                forwards,
                drawn,
                log_p,
            } => {
                let before = self.lanes[group[candidate]].before;
                let tally = Tally {
                    tokens: before.tokens + drawn,
                    forwards: before.forwards + forwards,
                    seconds: self.plan.began.elapsed().as_secs_f64(),
                    log_p: before.log_p + log_p,
                };
                self.committed(group[candidate], tally, (&tokens[..upto], guesses));
            }
        }
    }

    /// A candidate is drawn as far as a segment goes.
    pub(super) fn add_up(&mut self, candidate: usize, drawn: &Drawn) {
        self.lanes[candidate].before = Tally {
            tokens: drawn.drawn,
            forwards: drawn.forwards,
            log_p: drawn.log_p,
            ..Tally::default()
        };
    }

    pub(super) fn decoding(&mut self) {
        (self.progress)(Progress::Decoding);
    }

    fn committed(&mut self, candidate: usize, tally: Tally, (tokens, guesses): (&[u32], &[u32])) {
        let done = self.plan.grid.rows_before(tokens.len());
        let LastTold { rows, last, before } = self.lanes[candidate];
        if rows == done && last.elapsed() < AHEAD {
            return;
        }
        self.lanes[candidate] = LastTold {
            rows: done,
            last: Instant::now(),
            before,
        };
        if rows == done {
            let guesses = self.ahead(done, tokens, guesses);
            (self.progress)(Progress::Ahead {
                candidate,
                guesses,
                tally,
            });
        }
        for row in rows..done {
            let codes = self.session.row(self.plan.grid, row, tokens);
            let [above, second_above] = self.above(row, tokens);
            let preview = self.session.model.preview.paint(Line {
                codes: &codes,
                above: above.as_deref(),
                second_above: second_above.as_deref(),
            });
            let guesses = match row + 1 == done {
                true => self.ahead(done, tokens, guesses),
                false => Guesses::default(),
            };
            (self.progress)(Progress::Row {
                candidate,
                row,
                codes,
                guesses,
                preview,
                tally,
            });
        }
    }

    /// The two rows above a row, the nearer one first.
    fn above(&self, row: u32, tokens: &[u32]) -> [Option<Vec<u32>>; 2] {
        [1, 2].map(|up| Some(self.session.row(self.plan.grid, row.checked_sub(up)?, tokens)))
    }

    /// Codes from the start of a row on: those decided, then those guessed.
    fn ahead(&self, row: u32, tokens: &[u32], guesses: &[u32]) -> Guesses {
        let grid = self.plan.grid;
        let at = grid.position(grid.index(row, 0)).min(tokens.len());
        let ids = tokens[at..].iter().chain(guesses);
        let codes = ids.filter_map(|id| self.session.model.alphabet.code_of_id(*id));
        let codes: Vec<u32> = codes.collect();
        let above = self.above(row, tokens);
        let painter = &self.session.model.preview;
        let above = above.each_ref().map(Option::as_deref);
        let preview = painter.paint_ahead(&codes, above, grid.columns as usize);
        Guesses { codes, preview }
    }
}
