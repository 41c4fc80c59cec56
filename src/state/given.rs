//! The rows of a run as the engine tells them, and those it brings with it.

use super::candidate_rows::CandidateRows;
use super::run::{Begun, Phase, Run};
use crate::pixels::{Pixels, Size};
use crate::task::{Guesses, Sampling};
use crate::token::{CODE_PIXELS, Grid};

impl Run {
    /// The engine begins, or goes on: then the rows that were given to it stay in sight while it takes them in.
    pub fn begin(&mut self, begun: Begun) {
        let is_of_this_grid = self.begun.as_ref().is_some_and(|now| now.grid == begun.grid);
        let given = self.order.request.resume.as_ref();
        let goes_on = matches!(&self.lanes[..], [lane] if given == Some(&lane.codes));
        if !(goes_on && is_of_this_grid) {
            self.lanes.clear();
        }
        self.phase = Phase::Drawing;
        self.told = 0;
        self.tokens.clear();
        self.guesses = Guesses::default();
        self.begun = Some(begun);
    }

    /// A row that is not the next one of its lane, nor one of its own again, is no row of this picture.
    pub fn place(&mut self, candidate: usize, row: u32, codes: &[u32], preview: &Pixels) {
        let Some(begun) = &self.begun else { return };
        let grid = begun.grid;
        if candidate >= self.candidates() {
            return;
        }
        // One may be ahead of those before it.
        while self.lanes.len() <= candidate {
            self.lanes.push(CandidateRows::new(grid));
        }
        let lane = &mut self.lanes[candidate];
        let is_told_again = candidate == 0 && row == self.told;
        if is_told_again {
            // What the engine tells counts, whatever was given to it.
            lane.give_up_others(grid, row, codes);
        }
        if lane.place(grid, row, codes, preview) && is_told_again {
            self.told += 1;
        }
    }

    /// The rows that were given to it, where the engine has not said anything of them.
    pub(super) fn fall_back_on_what_was_given(&mut self) {
        let request = &self.order.request;
        let choice = &request.sampling;
        let (Some(codes), Some(panel)) = (request.resume.clone(), request.size) else {
            return;
        };
        let (Some(cfg), Some(top_k), Some(temperature)) = (choice.cfg, choice.top_k, choice.temperature)
        else {
            return;
        };
        let Ok(one) = Grid::of(panel) else { return };
        let grid = if request.mode.is_dual() {
            one.doubled()
        } else {
            one
        };
        self.begin(Begun {
            grid,
            panel,
            sampling: Sampling {
                cfg,
                top_k,
                temperature,
                top_n_sigma: choice.top_n_sigma,
            },
            lookahead: 1,
            rows_forced: 0,
            to_draw: Vec::new(),
        });
        let unseen = Pixels::filled(Size::new(grid.pixels().width, CODE_PIXELS), [128; 3]);
        for (row, codes) in (0..).zip(codes.chunks_exact(grid.columns as usize)) {
            self.place(0, row, codes, &unseen);
        }
    }
}
