//! Sizes of a decoder on the card: what `config.json` says, padded to what the kernels take.
//!
//! Hidden width and the width between gate and up become multiples of 64, a head 64 or 128 numbers.
//! Padding is zero in weights and activations alike, so it takes no part in any result.

use crate::model::decoder::config::Config;
use crate::model::weights::ModelError;
use crate::task::KvCache;

/// Rows of a batch: two guidance branches of 16 codes guessed ahead.
pub(super) const MOST_ROWS: usize = 32;
/// Rows of one feed: the rows of one product of the tensor cores in attention.
pub(super) const MOST_EACH: usize = 16;
/// Widest residual stream the norms hold in registers.
const WIDEST: usize = 4 * 4 * 1024;

/// Sizes, padded unless called true.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    pub(super) hidden: usize,
    pub(super) true_hidden: usize,
    pub(super) between: usize,
    pub(super) true_between: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head: usize,
    pub(super) true_head: usize,
    pub(super) layers: usize,
}

impl Layout {
    pub(super) fn new(config: &Config) -> Result<Self, ModelError> {
        let refused = |what: String| {
            Err(ModelError::Config(format!(
                "{what}: choose the CPU (--device cpu)"
            )))
        };
        let true_head = config.head_dim();
        if true_head > 128 {
            return refused(format!(
                "this model has heads of {true_head} numbers, on the NVIDIA card they may have 128"
            ));
        }
        let layout = Self {
            hidden: config.hidden_size.next_multiple_of(64),
            true_hidden: config.hidden_size,
            between: config.intermediate_size.next_multiple_of(64),
            true_between: config.intermediate_size,
            heads: config.num_attention_heads,
            kv_heads: config.kv_heads(),
            head: if true_head <= 64 { 64 } else { 128 },
            true_head,
            layers: config.num_hidden_layers,
        };
        if layout.hidden > WIDEST {
            return refused(format!(
                "this model is {} numbers wide, on the NVIDIA card it may be {WIDEST}",
                layout.true_hidden
            ));
        }
        Ok(layout)
    }

    /// Heads of queries, keys and values.
    pub(super) fn slots(&self) -> usize {
        self.heads + 2 * self.kv_heads
    }

    /// Width of what goes into the output projection.
    pub(super) fn mixed(&self) -> usize {
        self.heads * self.head
    }

    /// Parts attention over a lane is split into: enough blocks for two branches to fill any card. It
    /// decides the order of sums, so it depends on the model alone.
    pub(super) fn splits(&self) -> usize {
        128usize.div_ceil(self.heads).clamp(1, 8)
    }

    /// Bytes of keys, values and their scales of one position in all layers.
    pub(super) fn position_bytes(&self, cell: KvCache) -> usize {
        let numbers = self.layers * self.kv_heads * self.head;
        match cell {
            KvCache::Bytes => 2 * (numbers + 4 * self.layers * self.kv_heads),
            KvCache::Half => 2 * 2 * numbers,
        }
    }

    /// For each row of q, k and v, the stored row it takes. Each half of a head of q and k is padded on
    /// its own: RoPE turns one against the other.
    pub(super) fn qkv_rows(&self) -> Vec<i32> {
        let (half, true_half) = (self.head / 2, self.true_head / 2);
        let turned = |first: usize, at: usize| {
            let (part, within) = (at / half, at % half);
            (within < true_half).then_some(first + part * true_half + within)
        };
        let straight = |first: usize, at: usize| (at < self.true_head).then_some(first + at);
        let of_slot = |slot: usize| {
            let first = slot * self.true_head;
            let is_value = slot >= self.heads + self.kv_heads;
            (0..self.head).map(move |at| match is_value {
                true => straight(first, at),
                false => turned(first, at),
            })
        };
        (0..self.slots()).flat_map(of_slot).map(index).collect()
    }

    /// For each output of gate and up, 8 of one and 8 of the other by turns, the stored row it takes.
    pub(super) fn gate_up_rows(&self) -> Vec<i32> {
        let row = |output: usize| {
            let (within, at) = (output % 16, output / 16 * 8 + output % 8);
            let first = if within < 8 { 0 } else { self.true_between };
            (at < self.true_between).then_some(first + at)
        };
        (0..2 * self.between).map(row).map(index).collect()
    }

    /// For each row of the residual stream, the stored row it takes.
    pub(super) fn hidden_rows(&self) -> Vec<i32> {
        padded_rows(self.true_hidden, self.hidden)
    }
}

/// `count` rows as they are, then none up to `padded`.
pub(super) fn padded_rows(count: usize, padded: usize) -> Vec<i32> {
    (0..padded)
        .map(|row| (row < count).then_some(row))
        .map(index)
        .collect()
}

/// As kernels take it: -1 where there is none.
fn index(row: Option<usize>) -> i32 {
    row.map_or(-1, |row| row as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(hidden: usize, heads: usize, kv_heads: usize, between: usize) -> Layout {
        let text = format!(
            r#"{{"vocab_size": 9, "hidden_size": {hidden}, "intermediate_size": {between}, "num_hidden_layers": 1,
            "num_attention_heads": {heads}, "num_key_value_heads": {kv_heads}, "max_position_embeddings": 8}}"#
        );
        Layout::new(&Config::from_json(&text).unwrap()).unwrap()
    }

    #[test]
    fn nothing_is_lost_or_doubled_by_padding() {
        for (hidden, heads, kv_heads, between) in [(4096, 32, 32, 11008), (96, 4, 2, 128), (30, 3, 3, 37)] {
            let layout = layout(hidden, heads, kv_heads, between);
            for (rows, stored) in [
                (layout.qkv_rows(), hidden + 2 * kv_heads * hidden / heads),
                (layout.gate_up_rows(), 2 * between),
                (layout.hidden_rows(), hidden),
            ] {
                let mut taken: Vec<i32> = rows.into_iter().filter(|row| *row >= 0).collect();
                taken.sort_unstable();
                assert_eq!(taken, (0..stored as i32).collect::<Vec<_>>());
            }
        }
        let published = layout(4096, 32, 32, 11008);
        assert_eq!(published.qkv_rows(), (0..3 * 4096).collect::<Vec<_>>());
        assert_eq!((published.splits(), published.head), (4, 128));
        assert_eq!(published.gate_up_rows()[6..10], [6, 7, 11008, 11009]);
    }

    #[test]
    fn both_halves_of_a_head_stay_apart() {
        // Heads of 10 numbers: 5 and 5, each in 32 of 64 places.
        let rows = layout(30, 3, 3, 37).qkv_rows();
        assert_eq!(rows[64..69], [10, 11, 12, 13, 14]);
        assert_eq!((rows[69], rows[96], rows[100], rows[101]), (-1, 15, 19, -1));
        // Values lie as they are.
        assert_eq!(
            rows[6 * 64..6 * 64 + 11],
            [60, 61, 62, 63, 64, 65, 66, 67, 68, 69, -1]
        );
    }

    #[test]
    fn what_the_kernels_cannot_hold_is_refused() {
        let text = r#"{"vocab_size": 9, "hidden_size": 512, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 2, "max_position_embeddings": 8}"#;
        let refused = Layout::new(&Config::from_json(text).unwrap()).unwrap_err();
        assert!(refused.to_string().contains("heads of 256"), "{refused}");
    }
}
