//! Keys and values of all lanes on the card, addressed by position: writing over what is there is all
//! there is to rolling back.

use super::card::Card;
use super::driver::Memory;
use super::layout::{Layout, MOST_EACH};
use crate::model::weights::ModelError;
use crate::task::KvCache;

/// Positions a lane of `capacity` tokens has room for: whole blocks of 16, which attention reads, and
/// the rows a feed is filled up with.
pub(super) fn positions(capacity: usize) -> usize {
    (capacity + MOST_EACH).next_multiple_of(16)
}

/// [layer][lane][kv head][position][head] of keys and of values, and the scales of each position
/// where numbers are bytes.
pub(super) struct Cache {
    keys: Memory,
    values: Memory,
    key_scales: Option<Memory>,
    value_scales: Option<Memory>,
    pub(super) lanes: usize,
    /// Tokens a lane may hold.
    pub(super) capacity: usize,
    pub(super) positions: usize,
    /// Numbers of a lane in a layer, and positions of all its heads.
    numbers: usize,
    places: usize,
    cell: KvCache,
    layers: usize,
}

/// Where a layer's part begins, as kernels take it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes {
    pub(super) keys: u64,
    pub(super) values: u64,
    pub(super) key_scales: u64,
    pub(super) value_scales: u64,
}

impl Cache {
    pub(super) fn new(
        card: &Card,
        layout: &Layout,
        cell: KvCache,
        (lanes, capacity): (usize, usize),
    ) -> Result<Self, ModelError> {
        let positions = positions(capacity);
        let places = layout.kv_heads * positions;
        let numbers = places * layout.head;
        let bytes = match cell {
            KvCache::Bytes => 1,
            KvCache::Half => 2,
        };
        // Zeros: a key nobody wrote yet takes part in nothing, but it must be a number.
        let zeros = |bytes: usize| card.context.zeros("drawing this picture", bytes);
        let plane = || zeros(layout.layers * lanes * numbers * bytes);
        let scales = || match cell {
            KvCache::Bytes => zeros(layout.layers * lanes * places * 4).map(Some),
            KvCache::Half => Ok(None),
        };
        Ok(Self {
            keys: plane()?,
            values: plane()?,
            key_scales: scales()?,
            value_scales: scales()?,
            lanes,
            capacity,
            positions,
            numbers,
            places,
            cell,
            layers: layout.layers,
        })
    }

    fn cell_bytes(&self) -> usize {
        match self.cell {
            KvCache::Bytes => 1,
            KvCache::Half => 2,
        }
    }

    pub(super) fn layer(&self, layer: usize) -> Planes {
        let first = layer * self.lanes;
        let scales = |memory: &Option<Memory>| memory.as_ref().map_or(0, |m| m.at(4 * first * self.places));
        Planes {
            keys: self.keys.at(first * self.numbers * self.cell_bytes()),
            values: self.values.at(first * self.numbers * self.cell_bytes()),
            key_scales: scales(&self.key_scales),
            value_scales: scales(&self.value_scales),
        }
    }

    /// Makes lane `to` hold what lane `from` holds.
    pub(super) fn copy_lane(&self, from: usize, to: usize) -> Result<(), ModelError> {
        let planes = [
            (Some(&self.keys), self.numbers * self.cell_bytes()),
            (Some(&self.values), self.numbers * self.cell_bytes()),
            (self.key_scales.as_ref(), 4 * self.places),
            (self.value_scales.as_ref(), 4 * self.places),
        ];
        for (memory, bytes) in planes {
            let Some(memory) = memory else { continue };
            for layer in 0..self.layers {
                let at = |lane: usize| (layer * self.lanes + lane) * bytes;
                memory.copy_within(at(from), at(to), bytes)?;
            }
        }
        Ok(())
    }
}
