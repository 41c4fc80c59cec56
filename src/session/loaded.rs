//! A model in memory, and what all who work with it share.

use crate::model::bundle::Bundle;
use crate::token::Grid;

/// A model in memory, ready for tasks.
pub struct Session {
    pub(super) model: Bundle,
    /// The one measured for `Lookahead::Auto`.
    pub(super) lookahead: Option<usize>,
}

impl Session {
    pub fn new(model: Bundle) -> Self {
        Self {
            model,
            lookahead: None,
        }
    }

    pub fn model(&self) -> &Bundle {
        &self.model
    }

    /// The codes of a row of the grid, as far as a stream holds them.
    pub(super) fn row(&self, grid: Grid, row: u32, stream: &[u32]) -> Vec<u32> {
        let at = grid.position(grid.index(row, 0));
        let ids = stream[at.min(stream.len())..].iter().take(grid.columns as usize);
        ids.filter_map(|id| self.model.alphabet.code_of_id(*id)).collect()
    }
}
