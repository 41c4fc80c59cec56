//! Plan, then paint: a map is drawn from words first, corrected by the brush, and then followed.

use super::action::Paint;
use super::draft::{Draft, Tab};
use super::effect::Effect;
use super::inputs::new_seed;
use super::painting::{Painting, Tool};
use super::photo::Photo;
use super::run::Run;
use super::{SeedChoice, Shown, Studio, Tone};
use crate::pixels::Pixels;
use crate::task::{Given, MapKind, Mode, Picture};
use std::sync::Arc;

/// A stroke over the map that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct MapStroke {
    former: Box<Draft>,
    base: Arc<Pixels>,
    painting: Painting,
}

/// The values a map's brush paints with: its name, what it is, red, green, blue.
pub fn map_values(kind: MapKind) -> &'static [(&'static str, [u8; 3])] {
    match kind {
        MapKind::Canny => &[("Line", [255; 3]), ("Nothing", [0; 3])],
        MapKind::Hed => &[
            ("Sure line", [255; 3]),
            ("Line", [170; 3]),
            ("Faint line", [85; 3]),
            ("Nothing", [0; 3]),
        ],
        MapKind::Depth => &[
            ("Nearest", [255; 3]),
            ("Near", [192; 3]),
            ("Middle", [128; 3]),
            ("Far", [64; 3]),
            ("Farthest", [0; 3]),
        ],
        // As OpenPose paints limbs, from the right arm to the left leg.
        MapKind::Pose => &[
            ("Right arm", [255, 85, 0]),
            ("Left arm", [170, 255, 0]),
            ("Right leg", [0, 255, 85]),
            ("Left leg", [0, 170, 255]),
            ("Head", [170, 0, 255]),
            ("Nothing", [0; 3]),
        ],
    }
}

impl Studio {
    /// Whether a stroke on the canvas changes the map that is to be followed.
    pub fn can_paint_map(&self) -> bool {
        let is_there = self.shown == Shown::Map && self.draft.control.map.is_some();
        is_there && self.draft.tab == Tab::Control && self.compared.is_none()
    }

    /// A stroke over the map: it changes it by the value of the brush, the eraser by nothing.
    pub(super) fn paint_map(&mut self, paint: Paint) -> Vec<Effect> {
        let brush = self.draft.brush.clone();
        match paint {
            Paint::Begin(at) => {
                let Some(map) = self.draft.control.map.clone() else {
                    return Vec::new();
                };
                let mut painting = Painting::new(map.size());
                let tool = match brush.tool {
                    Tool::Eraser => Tool::Brush,
                    tool => tool,
                };
                painting.begin(tool, brush.size / 2.0, at);
                self.map_stroke = Some(MapStroke {
                    former: Box::new(self.draft.at_rest()),
                    base: Arc::clone(&map.pixels),
                    painting,
                });
            }
            Paint::Extend(to) => {
                if let Some(stroke) = &mut self.map_stroke {
                    stroke.painting.extend(to);
                }
            }
            Paint::Finish => {
                if let Some(stroke) = &mut self.map_stroke {
                    stroke.painting.finish();
                }
                self.put_on_map();
                let Some(stroke) = self.map_stroke.take() else {
                    return Vec::new();
                };
                if let Some(map) = self.draft.control.map.take() {
                    // It is the user's own now, whatever it was made of.
                    self.draft.control.photo = None;
                    let codes = Given::untouched(&map.codes, &stroke.base, &map.pixels);
                    let painted = Photo::new(map.name, map.pixels).with_codes(codes);
                    self.draft.control.set_map(Some(painted));
                }
                self.changed_from(*stroke.former);
                return self.stage();
            }
            Paint::Grow | Paint::Shrink | Paint::Invert | Paint::Clear => return Vec::new(),
        }
        self.put_on_map();
        self.stage()
    }

    /// The map as it is with the stroke over it.
    fn put_on_map(&mut self) {
        let Some(stroke) = &self.map_stroke else { return };
        let erases = self.draft.brush.tool == Tool::Eraser;
        let value = if erases { [0; 3] } else { self.draft.control.value };
        let Some(mask) = stroke.painting.mask() else {
            return;
        };
        let mut pixels = (*stroke.base).clone();
        for (pixel, _) in pixels
            .rgb_mut()
            .chunks_exact_mut(3)
            .zip(mask.values())
            .filter(|(_, painted)| **painted > 0)
        {
            pixel.copy_from_slice(&value);
        }
        if let Some(map) = &mut self.draft.control.map {
            map.pixels = Arc::new(pixels);
        }
    }

    /// Asks for a map of the words in the prompt, which the next picture can follow.
    pub(super) fn sketch(&mut self) -> Vec<Effect> {
        let seed = match self.draft.seed_choice {
            SeedChoice::Random => new_seed(),
            SeedChoice::Once | SeedChoice::Locked => self.draft.seed,
        };
        let size = self.size();
        let mut draft = self.draft.clone();
        draft.tab = Tab::Create;
        let mut request = match draft.request(seed) {
            Ok(request) => request,
            Err(missing) => {
                self.notify(Tone::Info, "Not yet", missing, "");
                return Vec::new();
            }
        };
        let map = self.draft.control.kind;
        (request.mode, request.size) = (Mode::Sketch { map }, size);
        (request.candidates, request.audition) = (1, None);
        if self.declines(&request.mode, &request.prompt, &request.wording) {
            return Vec::new();
        }
        self.draw_next(request)
    }

    /// A map drawn from words becomes the one that is followed.
    pub(super) fn sketched(&mut self, run: &Run, drawn: &Picture, pixels: &Arc<Pixels>) -> Vec<Effect> {
        let Mode::Sketch { map } = run.order.request.mode else {
            return Vec::new();
        };
        if self.draft.tab != Tab::Control {
            return Vec::new();
        }
        let former = self.draft.at_rest();
        let title = format!("map of {}", run.order.request.title());
        self.draft.control.kind = map;
        self.draft.control.photo = None;
        let codes = vec![Given {
            from: 0,
            codes: drawn.codes.clone(),
        }];
        let map = Photo::new(title, Arc::clone(pixels)).with_codes(codes);
        self.draft.control.set_map(Some(map));
        self.changed_from(former);
        let is_looked_at = matches!(self.shown, Shown::Outcome(_) | Shown::Map | Shown::Welcome);
        if !is_looked_at {
            return Vec::new();
        }
        (self.shown, self.compared, self.before_after) = (Shown::Map, None, false);
        self.stage()
    }
}
