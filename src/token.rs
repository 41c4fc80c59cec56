//! The token stream: which id means what, and where in a picture a token stands.
//!
//! A picture of W x H pixels is `<start> grid(H/32) grid(W/32)`, then H/8 rows of W/8 codes, each
//! closed by the row end, then `<end>`. Ids are looked up by name; a *code* is an index into the
//! image codebook, an *id* an index into the vocabulary. All arithmetic between the two is here.

use crate::pixels::Size;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Pixels covered by one code along each side.
pub const CODE_PIXELS: u32 = 8;
/// Sides of pictures are multiples of this many pixels.
pub const SIDE_UNIT: u32 = 32;
/// Tokens before the first row: `<start>` and the two grid sizes.
pub const HEADER_LEN: usize = 3;
/// The largest grid size a vocabulary is asked for.
const MAX_GRID: u32 = 191;
/// Codes of the largest grid there can be: two panels, one above the other.
pub const MOST_CODES: usize = 2 * ((MAX_GRID * SIDE_UNIT / CODE_PIXELS) as usize).pow(2);
/// Picture codes of a checkpoint whose `vocabulary_map` names none (the published 7B).
const DEFAULT_CODES: std::ops::RangeInclusive<u32> = 155_000..=171_383;

/// Why a vocabulary or a size cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error("the tokenizer has no token `{0}`: it is not the tokenizer of a Lumina-mGPT 2.0 model")]
    MissingToken(String),
    #[error(
        "the picture codes in `vocabulary_map` are not contiguous (found {found} between ids {first} and {last})"
    )]
    ScatteredCodes { found: usize, first: u32, last: u32 },
    #[error("a picture of {size} cannot be drawn: both sides must be multiples of 32 pixels")]
    NotMultiple { size: Size },
    #[error("a picture of {size} cannot be written in this model's vocabulary: its sides end at {} pixels", .longest * SIDE_UNIT)]
    TooLong { size: Size, longest: u32 },
}

/// What ids mean in one checkpoint's vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alphabet {
    /// First token of a prompt: bos where the tokenizer has one, else eos.
    pub first: u32,
    /// Closes the prompt and every turn of a conversation.
    pub separator: u32,
    pub image_start: u32,
    pub image_end: u32,
    pub row_end: u32,
    /// Id of grid size n at index n - 1.
    grid: Vec<u32>,
    code_offset: u32,
    code_count: u32,
}

impl Alphabet {
    /// Looks every special token up by name. `first` is the bos (or eos) id, `codes` the entries
    /// of config.json's `vocabulary_map` whose names start with `<MOVQGAN`.
    ///
    /// # Errors
    /// [`TokenError::MissingToken`] and [`TokenError::ScatteredCodes`].
    pub fn by_name(
        id_of: impl Fn(&str) -> Option<u32>,
        first: u32,
        mut codes: Vec<u32>,
    ) -> Result<Self, TokenError> {
        let named = |name: &str| id_of(name).ok_or_else(|| TokenError::MissingToken(name.to_owned()));
        let grid: Vec<u32> = (1..=MAX_GRID)
            .map_while(|n| id_of(&format!("<reserved{:05}>", 8800 + n)))
            .collect();
        if grid.is_empty() {
            return Err(TokenError::MissingToken("<reserved08801>".to_owned()));
        }
        codes.sort_unstable();
        let (code_offset, code_count) = match (codes.first(), codes.last()) {
            (Some(&first), Some(&last)) => {
                if codes.windows(2).any(|pair| pair[1] != pair[0] + 1) {
                    return Err(TokenError::ScatteredCodes {
                        found: codes.len(),
                        first,
                        last,
                    });
                }
                (first, codes.len() as u32)
            }
            _ => (*DEFAULT_CODES.start(), DEFAULT_CODES.count() as u32),
        };
        Ok(Self {
            first,
            separator: named("<reserved08706>")?,
            image_start: named("<racm3:break>")?,
            image_end: named("<eoss>")?,
            row_end: named("<reserved08799>")?,
            grid,
            code_offset,
            code_count,
        })
    }

    /// Number of picture codes.
    pub fn codes(&self) -> usize {
        self.code_count as usize
    }

    /// The ids that stand for picture codes.
    pub fn code_ids(&self) -> std::ops::Range<u32> {
        self.code_offset..self.code_offset + self.code_count
    }

    pub fn id_of_code(&self, code: u32) -> u32 {
        self.code_offset + code
    }

    pub fn code_of_id(&self, id: u32) -> Option<u32> {
        self.code_ids().contains(&id).then(|| id - self.code_offset)
    }

    /// `<start> grid(H/32) grid(W/32)`.
    ///
    /// # Errors
    /// [`TokenError::TooLong`] where the vocabulary has no such size.
    pub fn header(&self, grid: Grid) -> Result<[u32; HEADER_LEN], TokenError> {
        let size = grid.pixels();
        let id = |side: u32| {
            (side / SIDE_UNIT)
                .checked_sub(1)
                .and_then(|n| self.grid.get(n as usize))
                .copied()
                .ok_or(TokenError::TooLong {
                    size,
                    longest: self.grid.len() as u32,
                })
        };
        Ok([self.image_start, id(size.height)?, id(size.width)?])
    }

    /// The whole picture as a stream, `<start>` to `<end>`: known ids where they are given by
    /// the layout or by `known` (row by row), `None` where a code is to be drawn.
    ///
    /// # Errors
    /// As [`Alphabet::header`].
    pub fn stream(&self, grid: Grid, known: &[Option<u32>]) -> Result<Vec<Option<u32>>, TokenError> {
        let mut stream: Vec<Option<u32>> = self.header(grid)?.map(Some).to_vec();
        stream.reserve(grid.stream_len());
        for row in 0..grid.rows {
            for column in 0..grid.columns {
                let code = known.get(grid.index(row, column)).copied().flatten();
                stream.push(code.map(|code| self.id_of_code(code)));
            }
            stream.push(Some(self.row_end));
        }
        stream.push(Some(self.image_end));
        Ok(stream)
    }
}

/// Rows and columns of codes of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grid {
    pub rows: u32,
    pub columns: u32,
}

impl Grid {
    /// The grid of a picture of `size` pixels.
    ///
    /// # Errors
    /// [`TokenError::NotMultiple`] unless both sides are multiples of 32 pixels.
    pub fn of(size: Size) -> Result<Self, TokenError> {
        let fits = |side: u32| side > 0 && side.is_multiple_of(SIDE_UNIT);
        if !fits(size.width) || !fits(size.height) {
            return Err(TokenError::NotMultiple { size });
        }
        Ok(Self {
            rows: size.height / CODE_PIXELS,
            columns: size.width / CODE_PIXELS,
        })
    }

    /// Size in pixels.
    pub fn pixels(self) -> Size {
        Size::new(self.columns * CODE_PIXELS, self.rows * CODE_PIXELS)
    }

    /// Number of codes.
    pub fn codes(self) -> usize {
        self.rows as usize * self.columns as usize
    }

    /// Tokens from `<start>` to `<end>`.
    pub fn stream_len(self) -> usize {
        HEADER_LEN + self.rows as usize * (self.columns as usize + 1) + 1
    }

    /// Index of a code in row-by-row order.
    pub fn index(self, row: u32, column: u32) -> usize {
        row as usize * self.columns as usize + column as usize
    }

    /// Where in the stream the code at `index` (row by row) stands.
    pub fn position(self, index: usize) -> usize {
        let columns = self.columns as usize;
        HEADER_LEN + index / columns * (columns + 1) + index % columns
    }

    /// Positions from a code to the one below it: a row of codes and its end.
    pub fn stride(self) -> usize {
        self.columns as usize + 1
    }

    /// The code index at a stream position; `None` for the header, row ends and `<end>`.
    pub fn code_at(self, position: usize) -> Option<usize> {
        let columns = self.columns as usize;
        let after = position.checked_sub(HEADER_LEN)?;
        let (row, column) = (after / (columns + 1), after % (columns + 1));
        (row < self.rows as usize && column < columns).then_some(row * columns + column)
    }

    /// How many whole rows stand before stream position `position`.
    pub fn rows_before(self, position: usize) -> u32 {
        let after = position.saturating_sub(HEADER_LEN);
        // A row counts as soon as its last code is there; its row end is known anyway.
        (((after + 1) / (self.columns as usize + 1)) as u32).min(self.rows)
    }

    /// Two panels of this grid, one above the other.
    pub fn doubled(self) -> Self {
        Self {
            rows: 2 * self.rows,
            columns: self.columns,
        }
    }
}

/// The sizes a model was trained for at `side` pixels: every aspect ratio up to 4 with at most
/// `(side / 32)^2` units, widest first.
pub fn trained_sizes(side: u32) -> Vec<Size> {
    let units = (side / SIDE_UNIT) * (side / SIDE_UNIT);
    let (mut wide, mut high) = (units, 1u32);
    let mut sizes = Vec::new();
    while wide > 0 {
        if wide.max(high) <= 4 * wide.min(high) {
            sizes.push(Size::new(wide * SIDE_UNIT, high * SIDE_UNIT));
        }
        if (high + 1) * wide <= units {
            high += 1;
        } else {
            wide -= 1;
        }
    }
    sizes
}

/// Of `sizes`, the one a picture of `picture` fits best: the largest ratio of the smaller to the
/// larger scale.
pub fn best_size(picture: Size, sizes: &[Size]) -> Option<Size> {
    let fit = |size: &Size| {
        let across = f64::from(size.width) / f64::from(picture.width.max(1));
        let down = f64::from(size.height) / f64::from(picture.height.max(1));
        across.min(down) / across.max(down)
    };
    // The first of equals wins, as in the published code.
    sizes
        .iter()
        .copied()
        .reduce(|best, size| if fit(&size) > fit(&best) { size } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alphabet() -> Alphabet {
        let id_of = |name: &str| match name {
            "<racm3:break>" => Some(1),
            "<eoss>" => Some(2),
            "<reserved08706>" => Some(3),
            "<reserved08799>" => Some(4),
            _ => {
                let n: u32 = name.strip_prefix("<reserved")?.strip_suffix('>')?.parse().ok()?;
                (8801..8810).contains(&n).then(|| n - 8801 + 10)
            }
        };
        Alphabet::by_name(id_of, 0, (100..116).collect()).expect("complete alphabet")
    }

    #[test]
    fn a_stream_has_header_rows_and_end() {
        let grid = Grid::of(Size::new(64, 32)).expect("multiples of 32");
        assert_eq!((grid.rows, grid.columns), (4, 8));
        let mut known = vec![None; grid.codes()];
        known[9] = Some(5);
        let stream = alphabet().stream(grid, &known).expect("in vocabulary");
        assert_eq!(stream.len(), grid.stream_len());
        assert_eq!(stream[..3], [Some(1), Some(10), Some(11)]);
        assert_eq!(stream[grid.position(9)], Some(105));
        assert_eq!(stream[3 + 8], Some(4));
        assert_eq!(stream.last(), Some(&Some(2)));
        assert_eq!(stream.iter().filter(|t| t.is_none()).count(), grid.codes() - 1);
        for index in 0..grid.codes() {
            assert_eq!(grid.code_at(grid.position(index)), Some(index));
        }
        assert_eq!(
            (grid.code_at(2), grid.code_at(11), grid.code_at(39)),
            (None, None, None)
        );
        assert_eq!(
            (
                grid.rows_before(3),
                grid.rows_before(10),
                grid.rows_before(11),
                grid.rows_before(40)
            ),
            (0, 0, 1, 4)
        );
    }

    #[test]
    fn a_published_picture_has_the_published_length() {
        let grid = Grid::of(Size::new(768, 768)).expect("multiples of 32");
        assert_eq!(grid.stream_len(), 3 + 9312 + 1);
        let panels = Grid::of(Size::new(512, 512)).expect("multiples of 32").doubled();
        assert_eq!(panels.stream_len(), 8323 + 1);
    }

    #[test]
    fn the_trained_sizes_are_the_published_ones() {
        let sizes = trained_sizes(768);
        assert_eq!(sizes.len(), 73);
        assert_eq!(
            (sizes[0], sizes[72]),
            (Size::new(1536, 384), Size::new(384, 1536))
        );
        assert_eq!(trained_sizes(512).len(), 49);
        assert_eq!(
            best_size(Size::new(1000, 1000), &sizes),
            Some(Size::new(768, 768))
        );
    }

    #[test]
    fn sizes_off_the_raster_are_refused() {
        let wrong = Grid::of(Size::new(100, 64));
        assert_eq!(
            wrong,
            Err(TokenError::NotMultiple {
                size: Size::new(100, 64)
            })
        );
        let long = Grid::of(Size::new(64, 320)).expect("multiples of 32");
        assert!(matches!(
            alphabet().header(long),
            Err(TokenError::TooLong { longest: 9, .. })
        ));
    }

    #[test]
    fn scattered_codes_are_refused() {
        let id_of = |_: &str| Some(1);
        let wrong = Alphabet::by_name(id_of, 0, vec![5, 6, 8]);
        assert!(matches!(
            wrong,
            Err(TokenError::ScatteredCodes {
                found: 3,
                first: 5,
                last: 8
            })
        ));
        let published = Alphabet::by_name(id_of, 0, vec![]).expect("default range");
        assert_eq!(
            (published.code_ids(), published.codes()),
            (155_000..171_384, 16_384)
        );
    }
}
