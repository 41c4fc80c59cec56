//! A mask as it is painted: steps that can be undone and redone, and their raster.
//!
//! The raster is always the fold of the steps done so far over an empty mask, so undoing and
//! redoing meet exactly the same values, and storing the steps stores the mask.

use crate::pixels::{Mask, MaskRuns, Size};
use image::GrayImage;
use imageproc::distance_transform::Norm;
use imageproc::morphology::{dilate, erode};
use serde::{Deserialize, Serialize};

/// What the pointer does to the mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Tool {
    #[default]
    Brush,
    Eraser,
    Box,
    Lasso,
}

impl Tool {
    pub const ALL: [Self; 4] = [Self::Brush, Self::Eraser, Self::Box, Self::Lasso];

    pub fn name(self) -> &'static str {
        match self {
            Self::Brush => "Brush",
            Self::Eraser => "Eraser",
            Self::Box => "Box",
            Self::Lasso => "Lasso",
        }
    }
}

/// A point of the picture, in its pixels.
pub type Point = (f32, f32);

/// One gesture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stroke {
    pub tool: Tool,
    /// Of the brush and the eraser, in pixels of the picture.
    pub radius: f32,
    pub points: Vec<Point>,
}

/// One step of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Step {
    Stroke(Stroke),
    Grow(u8),
    Shrink(u8),
    Invert,
    Clear,
    /// All that is white there, too.
    Cells(MaskRuns),
}

/// A mask being painted over a picture of `size`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Painting {
    size: Size,
    steps: Vec<Step>,
    /// How many of the steps are done; the rest can be redone.
    done: usize,
    /// The gesture under way; not yet a step.
    #[serde(skip)]
    open: Option<Stroke>,
    #[serde(skip)]
    values: Vec<u8>,
    /// Counts changes of the raster, for those who keep a copy of it.
    #[serde(skip)]
    version: u64,
}

impl PartialEq for Painting {
    fn eq(&self, other: &Self) -> bool {
        (self.size, &self.steps, self.done) == (other.size, &other.steps, other.done)
    }
}

impl Painting {
    pub fn new(size: Size) -> Self {
        let mut painting = Self {
            size,
            steps: Vec::new(),
            done: 0,
            open: None,
            values: Vec::new(),
            version: 0,
        };
        painting.replay();
        painting
    }

    pub fn size(&self) -> Size {
        self.size
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn steps_done(&self) -> usize {
        self.done
    }

    pub fn steps_undone(&self) -> usize {
        self.steps.len() - self.done
    }

    /// The gesture under way, for its outline.
    pub fn open(&self) -> Option<&Stroke> {
        self.open.as_ref()
    }

    /// The raster, 255 where the picture may be redrawn; `None` while nothing may.
    pub fn mask(&self) -> Option<Mask> {
        let any = self.values.iter().any(|value| *value > 0);
        any.then(|| Mask::new(self.size, self.values.clone())).flatten()
    }

    /// Whether something was painted since it was last cleared.
    pub fn was_painted(&self) -> bool {
        let steps = self.steps[..self.done].iter().rev();
        let mut since = steps.take_while(|step| !matches!(step, Step::Clear));
        since.any(|step| match step {
            Step::Stroke(stroke) => stroke.tool != Tool::Eraser,
            Step::Cells(_) => true,
            Step::Grow(_) | Step::Shrink(_) | Step::Invert | Step::Clear => false,
        })
    }

    pub fn is_inside(&self, (x, y): Point) -> bool {
        let inside = x >= 0.0 && y >= 0.0 && x < self.size.width as f32 && y < self.size.height as f32;
        let at = y as usize * self.size.width as usize + x as usize;
        inside && self.values.get(at).is_some_and(|value| *value > 0)
    }

    /// How much of the picture may be redrawn, 0 to 1.
    pub fn share(&self) -> f64 {
        let count = self.values.iter().filter(|value| **value > 0).count();
        count as f64 / self.values.len().max(1) as f64
    }

    pub fn begin(&mut self, tool: Tool, radius: f32, at: Point) {
        self.finish();
        let stroke = Stroke {
            tool,
            radius: radius.max(0.5),
            points: vec![at],
        };
        self.values_mut().capsule(&stroke, at, at);
        self.open = Some(stroke);
    }

    pub fn extend(&mut self, to: Point) {
        let Some(mut stroke) = self.open.take() else {
            return;
        };
        let from = stroke.points.last().copied().unwrap_or(to);
        if from == to {
            self.open = Some(stroke);
            return;
        }
        self.values_mut().capsule(&stroke, from, to);
        match stroke.tool {
            // A box is known by two corners.
            Tool::Box => stroke.points.truncate(1),
            Tool::Brush | Tool::Eraser | Tool::Lasso => {}
        }
        stroke.points.push(to);
        self.open = Some(stroke);
    }

    /// Makes a step of the gesture under way.
    pub fn finish(&mut self) {
        if let Some(stroke) = self.open.take() {
            let step = Step::Stroke(stroke);
            if matches!(&step, Step::Stroke(stroke) if matches!(stroke.tool, Tool::Box | Tool::Lasso)) {
                self.values_mut().apply(&step);
            }
            self.record(step);
        }
    }

    pub fn step(&mut self, step: Step) {
        self.finish();
        self.values_mut().apply(&step);
        self.record(step);
    }

    pub fn undo(&mut self) {
        self.finish();
        if self.done > 0 {
            self.done -= 1;
            self.replay();
        }
    }

    pub fn redo(&mut self) {
        if self.open.is_none() && self.done < self.steps.len() {
            let step = self.steps[self.done].clone();
            self.values_mut().apply(&step);
            self.done += 1;
        }
    }

    /// Makes the raster again from the steps, after they were read from a file.
    pub fn replay(&mut self) {
        self.values = vec![0; self.size.width as usize * self.size.height as usize];
        self.done = self.done.min(self.steps.len());
        let steps: Vec<Step> = self.steps[..self.done].to_vec();
        let mut raster = self.values_mut();
        for step in &steps {
            raster.apply(step);
        }
    }

    /// A copy of the steps alone.
    pub(super) fn at_rest(&self) -> Self {
        Self {
            size: self.size,
            steps: self.steps.clone(),
            done: self.done,
            open: None,
            values: Vec::new(),
            version: self.version,
        }
    }

    /// Gives the raster's memory back until it is replayed.
    pub(super) fn rest(&mut self) {
        self.finish();
        self.values = Vec::new();
    }

    fn record(&mut self, step: Step) {
        self.steps.truncate(self.done);
        self.steps.push(step);
        self.done += 1;
    }

    fn values_mut(&mut self) -> Raster<'_> {
        self.version += 1;
        Raster {
            size: self.size,
            values: &mut self.values,
        }
    }
}

struct Raster<'a> {
    size: Size,
    values: &'a mut Vec<u8>,
}

impl Raster<'_> {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Stroke(stroke) => self.stroke(stroke),
            Step::Grow(pixels) => self.morph(|image| dilate(image, Norm::L2, *pixels)),
            Step::Shrink(pixels) => self.morph(|image| erode(image, Norm::L2, *pixels)),
            Step::Invert => self.values.iter_mut().for_each(|value| *value = 255 - *value),
            Step::Clear => self.values.fill(0),
            Step::Cells(runs) => {
                let mask = runs.mask().filter(|mask| mask.size() == self.size);
                let white = mask.iter().flat_map(|mask| mask.values());
                for (value, white) in self.values.iter_mut().zip(white) {
                    *value = (*value).max(*white);
                }
            }
        }
    }

    fn stroke(&mut self, stroke: &Stroke) {
        let Some(first) = stroke.points.first().copied() else {
            return;
        };
        match stroke.tool {
            Tool::Brush | Tool::Eraser => {
                self.capsule(stroke, first, first);
                for pair in stroke.points.windows(2) {
                    self.capsule(stroke, pair[0], pair[1]);
                }
            }
            Tool::Box => {
                let last = stroke.points.last().copied().unwrap_or(first);
                let corners = [first, (last.0, first.1), last, (first.0, last.1)];
                self.polygon(&corners);
            }
            Tool::Lasso => self.polygon(&stroke.points),
        }
    }

    /// Every pixel whose centre lies within the radius of the line from `a` to `b`.
    fn capsule(&mut self, stroke: &Stroke, a: Point, b: Point) {
        let value = match stroke.tool {
            Tool::Brush => 255,
            Tool::Eraser => 0,
            Tool::Box | Tool::Lasso => return,
        };
        let reach = stroke.radius;
        let columns = range(a.0.min(b.0) - reach, a.0.max(b.0) + reach, self.size.width);
        let (along, length) = ((b.0 - a.0, b.1 - a.1), (b.0 - a.0).powi(2) + (b.1 - a.1).powi(2));
        for y in range(a.1.min(b.1) - reach, a.1.max(b.1) + reach, self.size.height) {
            for x in columns.clone() {
                let to = (x as f32 + 0.5 - a.0, y as f32 + 0.5 - a.1);
                let share = if length > 0.0 {
                    ((to.0 * along.0 + to.1 * along.1) / length).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                let off = (to.0 - share * along.0, to.1 - share * along.1);
                if off.0 * off.0 + off.1 * off.1 <= reach * reach {
                    self.values[(y * self.size.width + x) as usize] = value;
                }
            }
        }
    }

    /// Every pixel whose centre lies inside (even-odd).
    fn polygon(&mut self, corners: &[Point]) {
        let mut crossings = Vec::new();
        for y in 0..self.size.height {
            let middle = y as f32 + 0.5;
            crossings.clear();
            for (index, a) in corners.iter().enumerate() {
                let b = corners[(index + 1) % corners.len()];
                if (a.1 <= middle) != (b.1 <= middle) {
                    crossings.push(a.0 + (middle - a.1) / (b.1 - a.1) * (b.0 - a.0));
                }
            }
            crossings.sort_by(f32::total_cmp);
            for pair in crossings.chunks_exact(2) {
                // Centres from the left crossing up to the right one.
                for x in range(pair[0] + 0.5, pair[1] - 0.5, self.size.width) {
                    let centre = x as f32 + 0.5;
                    if centre >= pair[0] && centre < pair[1] {
                        self.values[(y * self.size.width + x) as usize] = 255;
                    }
                }
            }
        }
    }

    fn morph(&mut self, change: impl Fn(&GrayImage) -> GrayImage) {
        let (width, height) = (self.size.width, self.size.height);
        if let Some(image) = GrayImage::from_raw(width, height, std::mem::take(self.values)) {
            *self.values = change(&image).into_raw();
        }
        self.values.resize(width as usize * height as usize, 0);
    }
}

/// The pixels of `0..length` that `from..=to` can touch.
fn range(from: f32, to: f32, length: u32) -> std::ops::Range<u32> {
    let end = (to + 1.0).clamp(0.0, length as f32).ceil() as u32;
    let start = (from - 1.0).clamp(0.0, length as f32).floor() as u32;
    start..end.max(start)
}

#[cfg(test)]
mod tests;
