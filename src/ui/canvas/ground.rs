//! The picture that a drawing is made over: what stays of it is in sight from the start.
//!
//! With a hole the picture is shown in its own size and only the hole is drawn. Without one the
//! drawing takes the place of the part of the picture that it is made of.

use super::cpu_texture::{Sheet, Stamps};
use super::layer::Layer;
use super::uniforms::WHOLE;
use crate::picture::Part;
use crate::pixels::{Mask, Pixels, Size};

/// What a drawing is made over.
#[derive(Debug, Clone, Copy)]
pub struct GroundOf<'a> {
    pub pixels: &'a Pixels,
    /// Where it is drawn over; everywhere without one.
    pub hole: Option<&'a Mask>,
    /// The part of the picture that the drawing covers.
    pub part: Part,
}

#[derive(Debug)]
pub(super) struct Ground {
    pub(super) picture: Layer,
    pub(super) hole: Option<Layer>,
    /// From places in what is shown to places in the picture and in the drawing: offset and factor.
    pub(super) in_ground: [f32; 4],
    pub(super) in_drawing: [f32; 4],
}

impl Ground {
    pub(super) fn new(stamps: &mut Stamps, given: &GroundOf<'_>, limit: u32) -> Self {
        let Part {
            left,
            top,
            width,
            height,
        } = given.part;
        let hole = given.hole.map(|mask| {
            let sheet = Sheet::of_mask(stamps, mask);
            Layer::fitted(stamps, sheet, limit)
        });
        let (in_ground, in_drawing) = match hole {
            Some(_) => (WHOLE, [-left / width, -top / height, 1.0 / width, 1.0 / height]),
            None => ([left, top, width, height], WHOLE),
        };
        Self {
            picture: Layer::of_pixels(stamps, given.pixels, limit),
            hole,
            in_ground,
            in_drawing,
        }
    }

    /// The size of what is shown, where that is not the drawing's.
    pub(super) fn size(&self) -> Option<Size> {
        self.hole.as_ref().map(|_| self.picture.size)
    }

    /// A place of what is shown, as parts of it, in parts of the drawing.
    pub(super) fn in_drawing(&self, x: f32, y: f32) -> (f32, f32) {
        let [left, top, across, down] = self.in_drawing;
        (left + x * across, top + y * down)
    }

    pub(super) fn respect(&mut self, stamps: &mut Stamps, limit: u32) {
        for layer in std::iter::once(&mut self.picture).chain(&mut self.hole) {
            layer.respect(stamps, limit);
        }
    }
}
