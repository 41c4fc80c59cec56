//! How a picture came to be: the rows it took from another one, and the rows from which on it was
//! drawn by other words, another seed or other settings.

use super::sampling::SamplingChoice;
use super::{Wording, failure::Failure};
use crate::pixels::Pixels;
use crate::token::{CODE_PIXELS, Grid};
use serde::{Deserialize, Serialize};

/// What is told of a picture beside the settings it began with. Empty for most.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Story {
    /// From the top down, each from its row to the next one's; the rows above the first are the
    /// task's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<Band>,
    /// The picture it shares its first rows with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Codes that were not drawn but given, in the order of the grid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Given>,
    /// Fingerprints it had as a stopped picture: by them its branches name it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
}

/// Several beginnings of which the likeliest are finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audition {
    /// Rows of the picture as it is shown that are drawn of every candidate; a sixth of them when `None`.
    pub rows: Option<u32>,
    /// How many candidates are finished. With 0 the beginnings are the result.
    pub keep: usize,
}

impl Audition {
    /// The row before which beginnings end, in a grid of `rows` rows of which `above` are the source's.
    pub fn end(&self, above: u32, rows: u32) -> u32 {
        let sixth = rows.saturating_sub(above).div_ceil(6);
        above.saturating_add(self.rows.unwrap_or(sixth).max(1)).min(rows)
    }
}

/// Rows drawn by words, a seed and settings of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The first of them, from the top of the token grid, 0-based.
    pub from_row: u32,
    pub prompt: String,
    #[serde(default)]
    pub wording: Wording,
    /// Noise and lookahead are those of the task.
    #[serde(flatten)]
    pub sampling: SamplingChoice,
    pub seed: u64,
}

/// Codes a person chose: one taken instead of the one that was drawn, rows of another picture, or what a
/// map that was drawn still shows after it was painted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Place of the first of them in the token grid, row by row, 0-based.
    pub from: u32,
    pub codes: Vec<u32>,
}

impl Given {
    /// What of `given`, codes of a picture, is still to be seen after somebody painted on it: the codes of
    /// all cells in which no pixel changed.
    pub fn untouched(given: &[Self], before: &Pixels, after: &Pixels) -> Vec<Self> {
        let size = before.size();
        let Some(grid) = Grid::of(size).ok().filter(|_| size == after.size()) else {
            return Vec::new();
        };
        let (columns, width) = (grid.columns as usize, size.width as usize);
        let side = CODE_PIXELS as usize;
        let mut touched = vec![false; grid.codes()];
        let pixels = before.rgb().chunks_exact(3).zip(after.rgb().chunks_exact(3));
        for (at, _) in pixels.enumerate().filter(|(_, (before, after))| before != after) {
            touched[at / width / side * columns + at % width / side] = true;
        }
        let mut kept: Vec<Self> = Vec::new();
        for given in given {
            for (at, code) in (given.from..).zip(&given.codes) {
                match kept.last_mut() {
                    _ if touched.get(at as usize) != Some(&false) => {}
                    Some(last) if last.from as usize + last.codes.len() == at as usize => {
                        last.codes.push(*code);
                    }
                    _ => kept.push(Self {
                        from: at,
                        codes: vec![*code],
                    }),
                }
            }
        }
        kept
    }
}

/// Where a picture branched off another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// SHA-256 of that picture's grid, codes and seed, in hexadecimal: it is found again wherever its
    /// file is.
    pub picture: String,
    /// The first row that is not shared, from the top of the token grid, 0-based.
    pub from_row: u32,
}

impl Story {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The bands that begin above `row`: what is kept when the rows from there on are drawn again.
    pub fn above(&self, row: u32) -> Vec<Band> {
        let above = self.bands.iter().filter(|band| band.from_row < row);
        above.cloned().collect()
    }

    /// The codes given above `row`, in a grid of `columns` columns.
    pub fn given_above(&self, row: u32, columns: u32) -> Vec<Given> {
        let end = row.saturating_mul(columns);
        let above = self.given.iter().filter(|given| given.from < end);
        let cut = above.map(|given| {
            let left = (end - given.from) as usize;
            let codes = given.codes.iter().take(left).copied().collect();
            Given { codes, ..*given }
        });
        cut.collect()
    }

    /// Puts the given codes in their places.
    ///
    /// # Errors
    /// Wrong usage where there is no such place.
    pub fn give(&self, known: &mut [Option<u32>]) -> Result<(), Failure> {
        for given in &self.given {
            let from = given.from as usize;
            let slots = from
                .checked_add(given.codes.len())
                .and_then(|end| known.get_mut(from..end));
            let slots = slots.ok_or_else(|| {
                Failure::usage("the given tokens are more than the picture holds: take fewer rows")
            })?;
            for (slot, code) in slots.iter_mut().zip(&given.codes) {
                *slot = Some(*code);
            }
        }
        Ok(())
    }

    /// Whether every band has rows of its own in a grid of `rows` rows.
    ///
    /// # Errors
    /// Wrong usage, in words, where a band begins outside the grid, at its first row, or not below the
    /// one before.
    pub fn check(&self, rows: u32) -> Result<(), Failure> {
        let mut least = 1;
        for band in &self.bands {
            if band.from_row < least || band.from_row >= rows {
                return Err(Failure::usage(format!(
                    "no other words can begin at row {}, only at rows {least} to {}",
                    band.from_row,
                    rows.saturating_sub(1)
                )));
            }
            least = band.from_row + 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    fn band(from_row: u32) -> Band {
        Band {
            from_row,
            prompt: "a cat".to_owned(),
            wording: Wording::AsTyped,
            sampling: SamplingChoice::default(),
            seed: 7,
        }
    }

    #[test]
    fn bands_stand_below_each_other_inside_the_grid() {
        let story = |rows: &[u32]| Story {
            bands: rows.iter().map(|row| band(*row)).collect(),
            ..Story::default()
        };
        assert_eq!(story(&[]).check(4), Ok(()));
        assert_eq!(story(&[1, 2, 3]).check(4), Ok(()));
        for wrong in [&[0][..], &[4], &[2, 2], &[3, 1]] {
            assert!(story(wrong).check(4).is_err(), "{wrong:?}");
        }
        assert_eq!(story(&[1, 2, 3]).above(3), vec![band(1), band(2)]);
    }

    #[test]
    fn given_codes_have_their_places() {
        let given = |from, codes: &[u32]| Given {
            from,
            codes: codes.to_vec(),
        };
        let story = Story {
            given: vec![given(0, &[5, 6, 7]), given(5, &[9])],
            ..Story::default()
        };
        let mut known = vec![None; 6];
        story.give(&mut known).expect("there is room");
        assert_eq!(known, [Some(5), Some(6), Some(7), None, None, Some(9)]);
        assert!(story.give(&mut known[..5]).is_err());
        let endless = Story {
            given: vec![given(u32::MAX, &[1])],
            ..Story::default()
        };
        assert!(endless.give(&mut known).is_err());
        assert_eq!(story.given_above(1, 2), vec![given(0, &[5, 6])]);
        assert_eq!(story.given_above(3, 2), story.given);
    }

    #[test]
    fn a_beginning_is_counted_below_the_source() {
        let end = |rows, above, all| Audition { rows, keep: 1 }.end(above, all);
        assert_eq!(end(Some(3), 24, 48), 27);
        assert_eq!((end(Some(u32::MAX), 24, 48), end(Some(0), 0, 48)), (48, 1));
        assert_eq!((end(None, 0, 20), end(None, 24, 48)), (4, 28));
    }

    #[test]
    fn an_old_story_is_empty_and_a_new_one_comes_back() {
        assert!(serde_json::from_str::<Story>("{}").expect("a story").is_empty());
        let story = Story {
            bands: vec![band(3)],
            parent: Some(Parent {
                picture: "ab".to_owned(),
                from_row: 3,
            }),
            earlier: vec!["cd".to_owned()],
            given: vec![Given {
                from: 2,
                codes: vec![7, 8],
            }],
        };
        let text = serde_json::to_string(&story).expect("JSON");
        assert_eq!(serde_json::from_str::<Story>(&text).expect("a story"), story);
    }

    #[test]
    fn only_cells_nobody_painted_on_keep_their_codes() {
        let size = Size::new(32, 32);
        let drawn = Pixels::filled(size, [0; 3]);
        let all = [Given {
            from: 0,
            codes: (100..116).collect(),
        }];
        assert_eq!(Given::untouched(&all, &drawn, &drawn), all);
        let mut painted = drawn.clone();
        // The last pixel of the second cell, the first one of the third row.
        for at in [7 * 32 + 15, 16 * 32] {
            painted.rgb_mut()[3 * at + 2] = 1;
        }
        let kept = Given::untouched(&all, &drawn, &painted);
        let expected = [(0, 100..101), (2, 102..108), (9, 109..116)];
        let expected = expected.map(|(from, codes)| Given {
            from,
            codes: codes.collect(),
        });
        assert_eq!(kept, expected);
        // Painting on goes on from what was left; what was never there does not come.
        assert_eq!(Given::untouched(&kept, &painted, &painted), expected);
        let part = [Given {
            from: 15,
            codes: vec![1, 2],
        }];
        assert_eq!(Given::untouched(&part, &drawn, &drawn)[0].codes, [1]);
        let other = Pixels::filled(Size::new(64, 32), [0; 3]);
        assert!(Given::untouched(&all, &drawn, &other).is_empty());
    }
}
