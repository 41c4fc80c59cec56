//! Feature maps on the card, the weights they meet, and the strips of rows that work is done in where the
//! whole would take much memory; a strip has the same bits as the whole.

use super::super::driver::Memory;
use crate::model::weights::ModelError;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// What the memory is for, in words.
pub(super) const DECODING: &str = "turning codes into pixels";
/// Most bytes of the split of a strip.
pub(in crate::model::cuda) const STRIP_BYTES: usize = 104 << 20;
/// Most bytes of a block of scores of attention.
pub(in crate::model::cuda) const SCORE_BYTES: usize = 40 << 20;
/// Numbers of a block of a split, and its bytes.
pub(super) const BLOCK: usize = 16;
pub(super) const BLOCK_BYTES: usize = 64;
/// Quads of channels a thread of `norm_chunks` holds.
pub(super) const HELD: usize = 16;

/// Numbers f32, [row][column][channel]. Its memory may be longer.
pub(super) struct Map {
    pub(super) memory: Memory,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl Map {
    pub(super) fn at(&self) -> u64 {
        self.memory.at(0)
    }

    pub(super) fn row_bytes(&self) -> usize {
        4 * self.width * self.channels
    }

    pub(super) fn row(&self, row: usize) -> u64 {
        self.memory.at(row * self.row_bytes())
    }

    pub(super) fn pixels(&self) -> usize {
        self.height * self.width
    }

    pub(super) fn values(&self) -> Result<Vec<f32>> {
        Ok(self.memory.get(0, self.pixels() * self.channels)?)
    }
}

/// How a convolution walks over its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    Same,
    /// Pads right and below only, and halves the size.
    Half,
    /// Doubles the size first: every pixel becomes four.
    Double,
    /// 1x1.
    Point,
}

impl Walk {
    /// Rows or columns that come out of `count`.
    pub(super) fn size(self, count: usize) -> usize {
        match self {
            Self::Same | Self::Point => count,
            Self::Half => count / 2,
            Self::Double => 2 * count,
        }
    }

    /// Rows of an input of `height` that `rows` output rows from `first` on touch.
    pub(super) fn input_rows(self, first: usize, rows: usize, height: usize) -> std::ops::Range<usize> {
        let last = first + rows;
        let touched = match self {
            Self::Point => first..last,
            Self::Same => first.saturating_sub(1)..last + 1,
            Self::Half => 2 * first..2 * last + 1,
            Self::Double => first.saturating_sub(1) / 2..last / 2 + 1,
        };
        touched.start..touched.end.min(height)
    }

    /// Output rows that touch at most `most` input rows.
    pub(super) fn rows_of(self, most: usize) -> usize {
        let rows = match self {
            Self::Point => most,
            Self::Same => most.saturating_sub(2),
            Self::Half => most.saturating_sub(1) / 2,
            Self::Double => 2 * most.saturating_sub(2),
        };
        rows.max(1)
    }
}

/// Weights of a convolution, split and in the order it reads, and its bias.
pub(super) struct Weights {
    pub(super) memory: Memory,
    pub(super) ins: usize,
    pub(super) outs: usize,
    pub(super) walk: Walk,
    /// Where the bias begins in the vectors.
    pub(super) bias: usize,
}

/// GroupNorm: where weight and bias begin in the vectors; in the decoder with conv_y and conv_b.
pub(super) struct Norm {
    pub(super) weight: usize,
    pub(super) bias: usize,
    pub(super) spatial: Option<(Weights, Weights)>,
}

/// What follows a norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    Swish,
}

/// What becomes of a map on its way into a convolution.
pub(super) struct Prepared {
    pub(super) affine: Option<Memory>,
    /// Scale and shift of SpatialNorm, and their size in codes.
    pub(super) spatial: Option<(Map, Map)>,
    pub(super) then: Then,
}

impl Prepared {
    pub(super) fn nothing() -> Self {
        Self {
            affine: None,
            spatial: None,
            then: Then::Nothing,
        }
    }
}

/// Bytes of split weights.
pub(in crate::model::cuda) fn weight_bytes(outs: usize, ins: usize, taps: usize) -> usize {
    outs * taps * blocks(ins) * BLOCK_BYTES
}

/// Blocks of a split that hold `channels` numbers.
pub(super) fn blocks(channels: usize) -> usize {
    channels.div_ceil(BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_hold_what_their_rows_touch() {
        for walk in [Walk::Same, Walk::Half, Walk::Double, Walk::Point] {
            for height in [6, 8, 20] {
                let rows = walk.size(height);
                for most in [4, 5, 7] {
                    let strip = walk.rows_of(most);
                    for first in (0..rows).step_by(strip) {
                        let count = strip.min(rows - first);
                        let held = walk.input_rows(first, count, height);
                        assert!(held.len() <= most, "{walk:?} {strip} {held:?}");
                        // Every input row under the kernel of every output row.
                        for row in first..first + count {
                            let touched: Vec<isize> = match walk {
                                Walk::Point => vec![row as isize],
                                Walk::Same => (-1..2).map(|tap| row as isize + tap).collect(),
                                Walk::Half => (0..3).map(|tap| 2 * row as isize + tap).collect(),
                                Walk::Double => {
                                    (-1..2).map(|tap| (row as isize + tap).div_euclid(2)).collect()
                                }
                            };
                            let inside = touched
                                .into_iter()
                                .filter(|row| (0..height as isize).contains(row));
                            for row in inside {
                                assert!(held.contains(&(row as usize)), "{walk:?}: {row} of {held:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}
