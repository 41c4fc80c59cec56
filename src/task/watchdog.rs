//! Whether a picture that is being drawn goes wrong: its running score, held to those that right
//! pictures had when as much of them was drawn.

use super::{Mode, Profile, Progress, Task};
use serde::{Deserialize, Serialize};

/// The most bars a table has.
const MOST_BARS: usize = 256;
/// No mean of `log p` is further from 0, in nats.
const FARTHEST: f32 = 100.0;

/// The scores below which few right pictures of a model fall, measured for one mode with the model's own
/// sampling. How the starter's were measured is told in `assets/starter/recipe/README.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watchdog {
    /// As [`Mode::name`] says it.
    mode: String,
    /// The bar when the first of so many equal parts of the rows is drawn, when two of them are, and so on.
    /// Means of `log p(code)` over all codes so far, in nats a code: [`super::Tally::score`].
    bars: Vec<f32>,
}

impl Watchdog {
    /// # Errors
    /// In words: there are no bars or too many, or one is no mean of `log p`.
    pub fn new(mode: impl Into<String>, bars: Vec<f32>) -> Result<Self, String> {
        let made = Self {
            mode: mode.into(),
            bars,
        };
        made.refusal().map_or(Ok(made), Err)
    }

    /// Why this cannot be a table; one may come from anywhere.
    pub fn refusal(&self) -> Option<String> {
        let count = self.bars.len();
        if !(1..=MOST_BARS).contains(&count) {
            return Some(format!("`watchdog` has {count} bars: give it 1 to {MOST_BARS}"));
        }
        let wrong = self.bars.iter().find(|bar| !(-FARTHEST..=0.0).contains(*bar));
        let wrong = wrong
            .map(|bar| format!("`watchdog` has a bar of {bar}: it must be a number from -{FARTHEST} to 0"));
        let is_mode = !self.mode.is_empty() && self.mode.len() <= 40;
        wrong.or_else(|| (!is_mode).then(|| "`watchdog` names no mode".to_owned()))
    }

    pub fn bars(&self) -> &[f32] {
        &self.bars
    }

    /// Whether a picture of which `part` of the rows is drawn (0 to 1) scores below the bar there. Between two
    /// parts the bar lies between theirs; before the first there is none.
    pub fn is_below(&self, part: f64, score: f64) -> bool {
        let at = part * self.bars.len() as f64 - 1.0;
        if !at.is_finite() || at < -1e-9 {
            return false;
        }
        let before = (at.max(0.0) as usize).min(self.bars.len() - 1);
        let after = (before + 1).min(self.bars.len() - 1);
        let share = (at - before as f64).clamp(0.0, 1.0);
        let (before, after) = (f64::from(self.bars[before]), f64::from(self.bars[after]));
        score < before + share * (after - before)
    }
}

impl Profile {
    /// The table for a mode, where there is one.
    pub fn watchdog(&self, mode: &Mode) -> Option<&Watchdog> {
        self.watchdog
            .as_ref()
            .filter(|watchdog| watchdog.mode == mode.name())
    }
}

/// Watches one picture while it is drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Watch {
    watchdog: Option<Watchdog>,
    sampling: Option<super::Sampling>,
    rows: u32,
}

impl Watch {
    /// Nothing is ever said of what the table was not measured for: another mode or other sampling than the
    /// model's own, several candidates (of which one is chosen by its score), a picture with rows that are
    /// not drawn in one go by one prompt.
    pub fn of(task: &Task, profile: &Profile) -> Self {
        let is_plain = task.candidates <= 1 && task.resume.is_none() && task.story.is_empty();
        Self {
            watchdog: profile.watchdog(&task.mode).filter(|_| is_plain).cloned(),
            sampling: profile.sampling(task.mode.name()),
            rows: 0,
        }
    }

    /// Hears what is told of the picture; true at the row with which it falls below, and never again.
    pub fn falls_below(&mut self, progress: &Progress) -> bool {
        match progress {
            Progress::Started { grid, sampling, .. } => {
                self.rows = grid.rows;
                self.watchdog = self.watchdog.take().filter(|_| self.sampling == Some(*sampling));
                false
            }
            Progress::Row { row, tally, .. } => {
                let part = f64::from(row + 1) / f64::from(self.rows.max(1));
                let watched = self.watchdog.as_ref().zip(tally.score());
                let is_below = watched.is_some_and(|(watchdog, score)| watchdog.is_below(part, score));
                if is_below {
                    self.watchdog = None;
                }
                is_below
            }
            Progress::Ahead { .. } | Progress::Paused | Progress::Resumed | Progress::Decoding => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Pixels, Size};
    use crate::task::{Guesses, Sampling, Story, Tally};
    use crate::token::Grid;

    const SAMPLING: Sampling = Sampling {
        cfg: 2.0,
        top_k: 64,
        temperature: 0.7,
        top_n_sigma: None,
    };

    fn profile() -> Profile {
        Profile {
            sampling: Some(SAMPLING),
            watchdog: Watchdog::new("generate", vec![-2.0, -1.0, -1.0, -0.5]).ok(),
            ..Profile::default()
        }
    }

    #[test]
    fn a_bar_between_two_lies_between_them() {
        let watchdog = profile().watchdog.expect("a table");
        for (part, bar) in [
            (0.25, -2.0),
            (0.375, -1.5),
            (0.5, -1.0),
            (0.75, -1.0),
            (1.0, -0.5),
        ] {
            assert!(watchdog.is_below(part, bar - 0.01), "{part}");
            assert!(!watchdog.is_below(part, bar + 0.01), "{part}");
        }
        // Nothing is known of the first rows; beyond the last one the last bar stands.
        assert!(!watchdog.is_below(0.2, -50.0) && watchdog.is_below(1.5, -0.6));
        assert!(!watchdog.is_below(f64::NAN, -50.0) && !watchdog.is_below(1.0, f64::NAN));
    }

    #[test]
    fn a_table_has_bounds() {
        for (bars, words) in [
            (vec![], "0 bars"),
            (vec![-1.0; MOST_BARS + 1], "257 bars"),
            (vec![-1.0, 0.5], "a bar of 0.5"),
            (vec![f32::NAN], "NaN"),
            (vec![-1e30], "a bar of"),
        ] {
            let why = Watchdog::new("generate", bars).expect_err("no table");
            assert!(why.contains(words), "{why}");
        }
        assert!(Watchdog::new("", vec![-1.0]).is_err());
    }

    /// The rows at which it is said of a picture of four rows.
    fn said(task: &Task, sampling: Sampling, scores: [f64; 4]) -> Vec<usize> {
        let mut watch = Watch::of(task, &profile());
        let grid = Grid { rows: 4, columns: 2 };
        let started = Progress::Started {
            grid,
            panel: grid.pixels(),
            sampling,
            lookahead: 1,
            rows_forced: 0,
            to_draw: vec![2; 4],
            reading: None,
        };
        assert!(!watch.falls_below(&started));
        let row = |row: usize| Progress::Row {
            candidate: 0,
            row: row as u32,
            codes: vec![0; 2],
            guesses: Guesses::default(),
            preview: Pixels::filled(Size::new(16, 8), [0; 3]),
            tally: Tally {
                tokens: 2 * (row + 1),
                log_p: scores[row] * 2.0 * (row as f64 + 1.0),
                ..Tally::default()
            },
        };
        (0..4).filter(|index| watch.falls_below(&row(*index))).collect()
    }

    #[test]
    fn it_is_said_once_and_only_where_it_was_measured() {
        let task = Task::new(Mode::Generate, "a cat");
        let falling = [-1.9, -1.2, -1.2, -1.2];
        assert_eq!(said(&task, SAMPLING, falling), [1]);
        assert!(said(&task, SAMPLING, [-1.9, -0.9, -0.9, -0.4]).is_empty());
        let warmer = Sampling {
            temperature: 1.0,
            ..SAMPLING
        };
        assert!(said(&task, warmer, falling).is_empty());
        let others = [
            Task {
                mode: Mode::Edit,
                ..task.clone()
            },
            Task {
                candidates: 2,
                ..task.clone()
            },
            Task {
                resume: Some(vec![0, 0]),
                ..task.clone()
            },
            Task {
                story: Story {
                    earlier: vec!["ab".to_owned()],
                    ..Story::default()
                },
                ..task
            },
        ];
        for other in others {
            assert!(said(&other, SAMPLING, falling).is_empty(), "{other:?}");
        }
    }
}
