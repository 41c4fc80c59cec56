//! The brush that corrects a map, above the tools while the map is on the canvas.

use super::lower_card::over;
use crate::state::{Action, Brush, DraftAction, Setting, Studio, Tool, map_values};
use crate::ui::theme::Palette;
use crate::ui::widgets::{Chosen, SliderRow, chip, named};
use egui::{Button, Color32, Rect, Stroke, Ui, vec2};

/// The tools under the canvas, below this card.
const TOOLS: f32 = 50.0;

/// Whether there is one.
pub(crate) fn show(ui: &mut Ui, canvas: Rect, studio: &Studio, actions: &mut Vec<Action>) -> bool {
    if !studio.can_paint_map() {
        return false;
    }
    let palette = Palette::of(ui);
    let brush = &studio.draft.brush;
    let control = &studio.draft.control;
    let mut set = |setting| actions.push(DraftAction::Set(setting).into());
    let above_tools = canvas.with_max_y(canvas.bottom() - TOOLS);
    over(ui, above_tools, vec2(690.0, 58.0), |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            for tool in Tool::ALL {
                if chip(ui, tool.name(), Chosen::from(brush.tool == tool)).clicked() {
                    set(Setting::Brush(Brush {
                        tool,
                        ..brush.clone()
                    }));
                }
            }
            ui.allocate_ui(vec2(130.0, 36.0), |ui| {
                ui.vertical(|ui| {
                    let size = control.map.as_ref().map(|map| map.size());
                    let longest = size.map_or(64, |size| size.width.max(size.height)) as f32;
                    let row = SliderRow {
                        name: "Size [ ]",
                        value_text: format!("{:.0} px", brush.size),
                        range: 1.0..=(longest / 4.0).max(2.0),
                        step: 1.0,
                        tip: "Diameter of brush and eraser",
                    };
                    if let Some(size) = row.show(ui, brush.size) {
                        set(Setting::Brush(Brush {
                            size,
                            ..brush.clone()
                        }));
                    }
                });
            });
            ui.label(palette.secondary("paints"));
            for (name, value) in map_values(control.kind) {
                let [red, green, blue] = *value;
                let is_chosen = control.value == *value;
                let ring = if is_chosen { palette.accent } else { palette.stroke };
                let button = Button::new("")
                    .fill(Color32::from_rgb(red, green, blue))
                    .stroke(Stroke::new(2.0, ring))
                    .min_size(vec2(24.0, 24.0));
                let response = ui.add(button);
                named(ui, &response, name);
                if response.on_hover_text(*name).clicked() {
                    set(Setting::MapValue(*value));
                }
            }
        });
    });
    true
}
