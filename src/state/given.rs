//! A run that brings rows with it of which the engine has not said anything.

use super::run::{Begun, Run};
use crate::pixels::{Pixels, Size};
use crate::task::Sampling;
use crate::token::{CODE_PIXELS, Grid};

impl Run {
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
