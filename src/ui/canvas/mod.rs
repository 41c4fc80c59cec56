//! The live canvas: a drawing as it arrives, the finished picture, the mask over it.
//!
//! [`Canvas`] is the CPU's model of what is shown, plain data owned by the window. Its methods only
//! change that model; [`Canvas::ui`] shows it and says what the pointer did. The GPU's textures
//! follow by themselves (see [`paint`]), so nothing here waits for a device or fails without one.
//!
//! Coordinates given out are picture pixels of what is shown: of the finished picture, or of the
//! rows of the grid that are shown while there is none.

mod cpu_texture;
mod drawing;
mod frame;
mod gpu_texture;
mod ground;
mod layer;
mod overlay;
mod paint;
mod pipeline;
#[cfg(test)]
mod tests;
mod uniforms;
mod view;
mod widget;

pub use ground::GroundOf;
pub use paint::install;

use crate::pixels::{Mask, Pixels, Size};
use crate::token::Grid;
use cpu_texture::{Sheet, Stamps};
use drawing::Drawing;
use egui::Color32;
use egui::epaint::MarginF32;
use ground::Ground;
use layer::Layer;
use std::ops::Range;
use std::sync::Arc;
use view::{Room, View};

/// The longest side shown pixel by pixel; longer pictures are shown reduced.
const LONGEST_SIDE: u32 = 8192;

/// What the primary button does on the canvas. Without a tool it moves the picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Tool {
    #[default]
    None,
    /// Diameters are picture pixels.
    Brush {
        diameter: f32,
    },
    Eraser {
        diameter: f32,
    },
    Rectangle,
    Lasso,
}

/// The theme's colours the canvas needs, under the theme's names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanvasColours {
    pub canvas: Color32,
    pub panel: Color32,
    pub stroke: Color32,
    pub text: Color32,
    pub accent: Color32,
    pub on_accent: Color32,
    pub mask: Color32,
}

/// How the canvas is shown and used in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanvasTools {
    pub tool: Tool,
    pub colours: CanvasColours,
    pub reduced_motion: bool,
    /// Room, in points, that a fitted picture leaves free (for the row number at the left and
    /// the card below).
    pub margin: MarginF32,
}

/// A tool's stroke, in picture pixels; points outside the picture are given as they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gesture {
    Press([f32; 2]),
    Drag([f32; 2]),
    Release([f32; 2]),
}

/// What happened on the canvas in one frame.
#[derive(Debug, Clone)]
pub struct CanvasResponse {
    /// The picture pixel under the cursor; `None` beside the picture.
    pub pointer: Option<[f32; 2]>,
    /// The decided code under the cursor.
    pub code: Option<u32>,
    /// The steps of the tool's strokes in this frame, in order; a `Drag` for every point the pointer
    /// passed. Every `Press` is followed by exactly one `Release`, in this frame or a later one.
    pub gestures: Vec<Gesture>,
    /// What the user should know about how the picture is shown.
    pub note: Option<String>,
    /// Where the picture is on the window, in points.
    pub place: Option<egui::Rect>,
    pub response: egui::Response,
}

/// The CPU's model of what is shown.
#[derive(Debug)]
pub struct Canvas {
    /// Tells this canvas' textures from another's.
    identity: Arc<()>,
    stamps: Stamps,
    drawing: Option<Drawing>,
    /// The size of an empty sheet of paper, when there is nothing else.
    blank: Option<Size>,
    picture: Option<Layer>,
    /// The picture that fades out.
    former: Option<Layer>,
    fade: Fade,
    comparison: Option<Comparison>,
    /// What stands left and right of the slider.
    sides: [String; 2],
    mask: Option<Veil>,
    view: View,
    /// The longest side of a texture, as the device said when last drawn.
    limit: u32,
    /// As last drawn.
    zoom: f32,
    room: Option<Room>,
    held: Option<Held>,
    /// Steps of strokes that are not handed out yet.
    steps: Vec<Gesture>,
    /// The running stroke in picture pixels, for its outline.
    stroke: Vec<[f32; 2]>,
}

#[derive(Debug)]
struct Comparison {
    before: Layer,
    after: Layer,
    /// Where they meet, as a part of the width.
    split: f32,
}

#[derive(Debug)]
struct Veil {
    layer: Layer,
    opacity: f32,
}

/// The cross-fade from what was shown to the picture. The clock is the window's.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fade {
    Done,
    Due,
    Since(f64),
}

/// What a pressed button does until it is released.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Held {
    Pan,
    Slider,
    Stroke { last: [f32; 2] },
}

impl Default for Canvas {
    fn default() -> Self {
        Self::new()
    }
}

impl Canvas {
    pub fn new() -> Self {
        Self {
            identity: Arc::new(()),
            stamps: Stamps::default(),
            drawing: None,
            blank: None,
            picture: None,
            former: None,
            fade: Fade::Done,
            comparison: None,
            sides: ["Before".to_owned(), "After".to_owned()],
            mask: None,
            view: View::Fit,
            limit: LONGEST_SIDE,
            zoom: 1.0,
            room: None,
            held: None,
            steps: Vec::new(),
            stroke: Vec::new(),
        }
    }

    /// A new drawing, all codes unknown. Replaces what is shown.
    pub fn begin(&mut self, grid: Grid) {
        self.begin_rows(grid, 0..grid.rows);
    }

    /// A new drawing of which only some rows of the grid are shown (the result panel).
    pub fn begin_rows(&mut self, grid: Grid, shown: Range<u32>) {
        let drawing = Drawing::new(&mut self.stamps, grid, shown, self.limit);
        self.begin_with(drawing);
    }

    /// A new drawing over a picture. Replaces what is shown.
    pub fn begin_over(&mut self, grid: Grid, ground: &GroundOf<'_>) {
        let ground = Ground::new(&mut self.stamps, ground, self.limit);
        let drawing = Drawing::new(&mut self.stamps, grid, 0..grid.rows, self.limit);
        self.begin_with(drawing.map(|drawing| drawing.over(ground)));
    }

    fn begin_with(&mut self, drawing: Option<Drawing>) {
        let before = self.size();
        self.former = None;
        self.picture = None;
        self.comparison = None;
        self.fade = Fade::Done;
        self.blank = None;
        self.drawing = drawing;
        self.keep_view(before);
    }

    /// A committed row of codes, `row` from the top of the grid, with its preview of
    /// `8 * columns` x 8 pixels. A row that is not of this drawing is not shown.
    pub fn row(&mut self, row: u32, preview: &Pixels, codes: &[u32]) {
        if let Some(drawing) = &mut self.drawing {
            drawing.row(&mut self.stamps, row, preview, codes);
        }
    }

    /// Unverified guesses for the codes after the last committed row. `preview` holds their 8x8
    /// cells in the order of the guesses, line by line (a strip of 8 rows, or lines of a grid's width).
    pub fn guesses(&mut self, codes: &[u32], preview: Option<&Pixels>) {
        if let Some(drawing) = &mut self.drawing {
            drawing.guesses(&mut self.stamps, codes, preview);
        }
    }

    /// An empty sheet of a size, for a picture that is still to come. Replaces what is shown.
    pub fn blank(&mut self, size: Size) {
        let before = self.size();
        self.clear_layers();
        self.blank = Some(size);
        self.keep_view(before);
    }

    /// The finished picture takes the preview's place (or an opened one that of what was shown),
    /// fading over 120 ms where both have the same shape. The view stays where it is.
    pub fn picture(&mut self, pixels: &Pixels) {
        let shown = self.picture.as_ref();
        if shown.is_some_and(|p| p.reduced == 1 && p.size == pixels.size() && p.sheet.holds(pixels.rgb())) {
            return;
        }
        let before = self.size();
        let layer = Layer::of_pixels(&mut self.stamps, pixels, self.limit);
        self.former = self.picture.replace(layer);
        self.blank = None;
        if let Some(drawing) = &mut self.drawing {
            drawing.settle();
        }
        if before.is_some_and(|before| view::same_shape(before, pixels.size())) {
            self.fade = Fade::Due;
        } else {
            self.fade = Fade::Done;
            self.former = None;
            // Its codes are not this picture's.
            self.drawing = None;
        }
        self.keep_view(before);
    }

    /// Shows two pictures of the same scene, the first left and the second right of a slider;
    /// `None` goes back to what was shown.
    pub fn compare(&mut self, pictures: Option<(&Pixels, &Pixels)>) {
        let before = self.size();
        let split = self.comparison.as_ref().map_or(0.5, |c| c.split);
        self.comparison = pictures.map(|(left, right)| Comparison {
            before: Layer::of_pixels(&mut self.stamps, left, self.limit),
            after: Layer::of_pixels(&mut self.stamps, right, self.limit),
            split,
        });
        self.keep_view(before);
    }

    /// What the two sides of a comparison are called.
    pub fn name_sides(&mut self, left: String, right: String) {
        self.sides = [left, right];
    }

    pub fn is_comparing(&self) -> bool {
        self.comparison.is_some()
    }

    /// Nothing is shown.
    pub fn clear(&mut self) {
        self.clear_layers();
        self.view = View::Fit;
    }

    /// A tint where the mask is, with a dashed border; `opacity` 0 to 1. Call it when the mask
    /// changed; only the parts that differ are uploaded.
    pub fn mask(&mut self, mask: Option<&Mask>, opacity: f32) {
        let Some(mask) = mask else {
            self.mask = None;
            return;
        };
        let opacity = opacity.clamp(0.0, 1.0);
        match &mut self.mask {
            Some(veil) if veil.layer.reduced == 1 && veil.layer.size == mask.size() => {
                veil.opacity = opacity;
                Arc::make_mut(&mut veil.layer.sheet).take(&mut self.stamps, mask.values());
            }
            veil => {
                let sheet = Sheet::of_mask(&mut self.stamps, mask);
                let layer = Layer::fitted(&mut self.stamps, sheet, self.limit);
                *veil = Some(Veil { layer, opacity });
            }
        }
    }

    /// Whether a mask lies over what is shown.
    pub fn is_masked(&self) -> bool {
        self.mask.is_some()
    }

    /// As large as the room allows, and so again when the room changes.
    pub fn fit(&mut self) {
        self.view = View::Fit;
    }

    /// 100 %: one picture pixel on one pixel of the screen.
    pub fn actual_size(&mut self) {
        if let (Some(size), Some(room)) = (self.size(), self.room) {
            self.view = self.view.actual_size(size, room);
        }
    }

    /// As last drawn; 100 is one picture pixel on one pixel of the screen.
    pub fn zoom_percent(&self) -> f32 {
        100.0 * self.zoom
    }

    /// Size of what is shown, in the pixels the responses count.
    pub fn size(&self) -> Option<Size> {
        let compared = self.comparison.as_ref().map(|c| c.after.size);
        compared
            .or(self.picture.as_ref().map(|picture| picture.size))
            .or(self.drawing.as_ref().map(Drawing::size))
            .or(self.blank)
    }

    fn clear_layers(&mut self) {
        self.drawing = None;
        self.blank = None;
        self.picture = None;
        self.former = None;
        self.fade = Fade::Done;
        self.comparison = None;
        self.mask = None;
    }

    /// After something else of another resolution is shown: it stands where the old one stood.
    fn keep_view(&mut self, before: Option<Size>) {
        self.view = match (before, self.size()) {
            (Some(before), Some(now)) => self.view.resized(before, now),
            _ => View::Fit,
        };
    }
}
