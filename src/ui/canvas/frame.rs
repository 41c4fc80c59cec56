//! What the canvas hands to the renderer: which layers one frame shows, and how.

use super::layer::Layer;
use super::paint::{Frame, GROUND, GUESSES, HOLE, MASK, OVER, PREVIEW, UNDER};
use super::uniforms::{Look, WHOLE, colour, flag};
use super::view::{Placement, extent};
use super::widget::{Scene, scaled};
use super::{Canvas, CanvasTools};
use bytemuck::Zeroable;
use eframe::egui_wgpu;
use egui::Color32;
use std::sync::Arc;

impl Canvas {
    /// Hands the frame to the renderer.
    pub(super) fn show(
        &self,
        ui: &egui::Ui,
        tools: &CanvasTools,
        scene: &Scene,
        (place, fade): (Placement, f32),
    ) {
        let seen = place.rect(scene.size).intersect(scene.room.area);
        if seen.is_negative() || seen.area() == 0.0 {
            return;
        }
        let mut look = self.look(tools, scene, place);
        look.fade = fade;
        let mut frame = Frame {
            owner: Arc::clone(&self.identity),
            look,
            sheets: Default::default(),
        };
        let sheet = |layer: &Layer| Some(Arc::clone(&layer.sheet));
        if let Some(comparison) = &self.comparison {
            frame.sheets[UNDER] = sheet(&comparison.before);
            frame.sheets[OVER] = sheet(&comparison.after);
            frame.look.split = comparison.split;
            frame.look.fade = 1.0;
        } else {
            frame.sheets[OVER] = self.picture.as_ref().and_then(sheet);
            frame.sheets[UNDER] = self.former.as_ref().and_then(sheet);
            if self.picture.is_none() || fade < 1.0 {
                self.show_drawing(&mut frame);
            }
        }
        // Two pictures are compared as they are.
        if let Some(veil) = self.mask.as_ref().filter(|_| self.comparison.is_none()) {
            frame.sheets[MASK] = sheet(&veil.layer);
            frame.look.mask_opacity = veil.opacity;
        }
        let flags = [
            (PREVIEW, flag::PREVIEW),
            (GUESSES, flag::GUESS_PIXELS),
            (UNDER, flag::UNDER),
            (OVER, flag::OVER),
            (MASK, flag::MASK),
            (GROUND, flag::GROUND),
            (HOLE, flag::HOLE),
        ];
        for (layer, flag) in flags {
            if frame.sheets[layer].is_some() {
                frame.look.flags |= flag;
            }
        }
        let area = scaled(seen, 1.0 / scene.point);
        ui.painter()
            .add(egui_wgpu::Callback::new_paint_callback(area, frame));
    }

    fn show_drawing(&self, frame: &mut Frame) {
        let Some(drawing) = &self.drawing else { return };
        let (first, count) = drawing.guessed();
        let look = &mut frame.look;
        look.flags |= flag::GRID;
        look.grid = [drawing.grid.columns as f32, drawing.grid.rows as f32];
        look.rows = [
            drawing.shown.start as f32,
            (drawing.shown.end - drawing.shown.start) as f32,
        ];
        look.frontier = drawing.frontier().map_or(-1.0, |row| row as f32);
        look.guess_first = first;
        look.guess_count = count;
        frame.sheets[PREVIEW] = Some(Arc::clone(&drawing.preview));
        frame.sheets[GUESSES] = drawing.guess_pixels();
        if let Some(ground) = &drawing.ground {
            look.ground_part = ground.in_ground;
            look.drawing_part = ground.in_drawing;
            frame.sheets[GROUND] = Some(Arc::clone(&ground.picture.sheet));
            frame.sheets[HOLE] = ground.hole.as_ref().map(|hole| Arc::clone(&hole.sheet));
        }
    }

    fn look(&self, tools: &CanvasTools, scene: &Scene, place: Placement) -> Look {
        let colours = &tools.colours;
        Look {
            origin: place.origin.into(),
            extent: (extent(scene.size) * place.zoom).into(),
            frontier: -1.0,
            split: -1.0,
            point: scene.point,
            paper: colour(colours.panel),
            line: colour(between(colours.panel, colours.stroke, 0.4)),
            accent: colour(colours.accent),
            mask: colour(colours.mask),
            checker_dark: colour(between(colours.panel, colours.stroke, 0.5)),
            checker_light: colour(colours.panel),
            ground_part: WHOLE,
            drawing_part: WHOLE,
            ..Look::zeroed()
        }
    }
}

fn between(from: Color32, to: Color32, part: f32) -> Color32 {
    from.lerp_to_gamma(to, part)
}
