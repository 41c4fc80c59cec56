//! Bounds of what is read from the disk: files can be damaged, and somebody can have written them.

use super::super::brush::Brush;
use super::super::control::Control;
use super::super::draft::Draft;
use super::super::queue::Queue;
use super::super::request::Request;
use super::super::run::Begun;
use super::super::view::View;
use super::saved::Saved;
use crate::pixels::{MOST_PIXELS, Size};
use crate::task::{CANNY_THRESHOLDS, LONGEST_PROMPT};
use crate::token::Grid;

/// Most pictures of one press, and most candidates of one picture.
const MOST_PICTURES: u32 = 64;
const MOST_CANDIDATES: usize = 16;
/// Widest edge of a mask, in pixels.
const WIDEST_FEATHER: u32 = 1024;
/// Numbers that only ever grow stay far from their end.
const LARGEST_ID: u64 = 1 << 48;
/// Most orders that wait.
const MOST_ORDERS: usize = 100_000;
/// Most steps of a mask.
const MOST_STEPS: usize = 100_000;

impl Saved {
    /// Brings every number to where it makes sense.
    pub(super) fn settle(&mut self) {
        self.draft.settle();
        self.view.settle();
        self.queue.settle();
        self.next_id = self.next_id.min(LARGEST_ID);
        self.outcomes.retain(|outcome| outcome.id.0 <= LARGEST_ID);
        let used = self.outcomes.iter().map(|outcome| outcome.id.0).max();
        self.next_id = self.next_id.max(used.unwrap_or_default());
    }
}

impl View {
    fn settle(&mut self) {
        let usual = Self::default();
        let within = |value: f32, least: f32, most: f32, usual: f32| match value.is_finite() {
            true => value.clamp(least, most),
            false => usual,
        };
        self.zoom = within(self.zoom, 1.0, 2.0, usual.zoom);
        self.left_width = within(self.left_width, 100.0, 2000.0, usual.left_width);
        self.right_width = within(self.right_width, 50.0, 2000.0, usual.right_width);
    }
}

impl Draft {
    fn settle(&mut self) {
        for words in [&mut self.prompt, &mut self.instruction, &mut self.description] {
            shorten(words);
        }
        self.batch = self.batch.clamp(1, MOST_PICTURES);
        self.candidates = self.candidates.clamp(1, MOST_CANDIDATES);
        self.sizes.retain(|_, size| is_sensible(*size));
        self.brush.settle();
        self.control.settle();
        self.chain.retain(|turn| {
            is_sensible(turn.painting.size())
                && turn.painting.steps_done() + turn.painting.steps_undone() <= MOST_STEPS
        });
    }
}

impl Brush {
    fn settle(&mut self) {
        let usual = Self::default();
        if !self.size.is_finite() {
            self.size = usual.size;
        }
        self.size = self.size.clamp(1.0, 4096.0);
        if !self.opacity.is_finite() {
            self.opacity = usual.opacity;
        }
        self.opacity = self.opacity.clamp(0.0, 1.0);
        self.feather = self.feather.min(WIDEST_FEATHER);
    }
}

impl Control {
    /// The lower threshold is the lower one.
    fn settle(&mut self) {
        let is_right = self.low.is_finite() && self.high.is_finite() && (0.0..=self.high).contains(&self.low);
        if !is_right {
            (self.low, self.high) = CANNY_THRESHOLDS;
        }
    }
}

impl Queue {
    fn settle(&mut self) {
        let mut count = 0;
        self.retain(|order| {
            order.request.settle();
            count += 1;
            count <= MOST_ORDERS
        });
        self.settle_ids();
    }
}

impl Request {
    pub(super) fn settle(&mut self) {
        shorten(&mut self.prompt);
        self.candidates = self.candidates.clamp(1, MOST_CANDIDATES);
        self.size = self.size.filter(|size| is_sensible(*size));
        self.feather = self.feather.min(WIDEST_FEATHER);
    }
}

impl Begun {
    /// Whether grid and panel are those of one picture.
    pub(super) fn check(&self) -> Result<(), String> {
        let panel = Grid::of(self.panel).map_err(|error| error.to_string())?;
        let fits = is_sensible(self.panel) && (self.grid == panel || self.grid == panel.doubled());
        let to_draw = self.to_draw.len() <= self.grid.rows as usize
            && self.to_draw.iter().all(|codes| *codes <= self.grid.columns);
        match fits && to_draw && self.rows_forced <= self.grid.rows {
            true => Ok(()),
            false => Err(format!(
                "a grid of {} rows and {} columns is none of a picture of {}",
                self.grid.rows, self.grid.columns, self.panel
            )),
        }
    }
}

fn is_sensible(size: Size) -> bool {
    let pixels = u64::from(size.width) * u64::from(size.height);
    (1..=MOST_PIXELS).contains(&pixels) && size.width.max(size.height) <= 1 << 16
}

fn shorten(words: &mut String) {
    if words.len() > LONGEST_PROMPT {
        let end = (0..=LONGEST_PROMPT)
            .rev()
            .find(|end| words.is_char_boundary(*end));
        words.truncate(end.unwrap_or_default());
    }
}
