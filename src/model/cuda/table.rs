//! The embedding table on the card.

use super::driver::Memory;
use super::layout::{Layout, MOST_ROWS};
use super::loader::Width;
use crate::model::decoder::config::Config;
use crate::model::decoder::parts::embed;
use crate::model::weights::{ModelError, Stored};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Rows of the embedding table for tokens that are no picture codes: prompts, row ends.
pub(super) const OTHER_TOKENS: usize = 1024;

/// The embedding table: the picture codes (or the whole vocabulary, where that is asked for), then
/// room for other tokens, whose rows are sent when they are first met.
pub(super) struct Table {
    pub(super) memory: Memory,
    pub(super) width: Width,
    /// Tokens whose rows are always there, from row 0 on.
    pub(super) held: Range<u32>,
    pub(super) others: Mutex<HashMap<u32, usize>>,
    /// All rows, in host memory; `None` where weights are invented.
    pub(super) stored: Option<Stored>,
}

impl Table {
    /// The rows of tokens, which are sent to the card where they are not there yet.
    pub(super) fn rows(&self, config: &Config, layout: &Layout, tokens: &[u32]) -> Result<Vec<i32>> {
        let mut others = self
            .others
            .lock()
            .map_err(|_| ModelError::Card("the embedding table is in an unknown state".to_owned()))?;
        let held = self.held.len();
        let lacking = |others: &HashMap<u32, usize>| {
            let absent = |token: &&u32| !self.held.contains(token) && !others.contains_key(token);
            tokens.iter().filter(absent).copied().collect::<Vec<u32>>()
        };
        // Never more than a batch of them, so after clearing there is room for all.
        debug_assert!(tokens.len() <= MOST_ROWS);
        if others.len() + lacking(&others).len() > OTHER_TOKENS {
            others.clear();
        }
        for token in lacking(&others) {
            if others.contains_key(&token) {
                continue;
            }
            let mut row = match &self.stored {
                Some(stored) => embed(stored, config, &[token])?,
                None => vec![0.01; layout.true_hidden],
            };
            row.resize(layout.hidden, 0.0);
            let slot = others.len();
            let at = (held + slot) * layout.hidden * self.width.bytes();
            match self.width {
                Width::Float => self.memory.put(at, &row)?,
                Width::Half => {
                    let halves: Vec<u16> = row.iter().map(|v| half::f16::from_f32(*v).to_bits()).collect();
                    self.memory.put(at, &halves)?;
                }
            }
            others.insert(token, slot);
        }
        let row = |token: &u32| match self.held.contains(token) {
            true => (token - self.held.start) as i32,
            false => (held + others.get(token).copied().unwrap_or(0)) as i32,
        };
        Ok(tokens.iter().map(row).collect())
    }
}
