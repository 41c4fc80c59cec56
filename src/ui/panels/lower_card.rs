//! The card over the lower edge of the canvas.

use crate::ui::widgets::card;
use egui::{Align, Layout, Rect, Ui, UiBuilder, pos2, vec2};

/// A card over the lower edge of the canvas, `size` at most.
pub(super) fn over<R>(ui: &mut Ui, rect: Rect, size: egui::Vec2, content: impl FnOnce(&mut Ui) -> R) -> R {
    let width = size.x.min(rect.width() - 24.0);
    let at = pos2(rect.center().x - width / 2.0, rect.bottom() - size.y - 16.0);
    let place = Rect::from_min_size(at, vec2(width, size.y));
    let builder = UiBuilder::new()
        .max_rect(place)
        .layout(Layout::top_down(Align::Min));
    let margin = vec2(28.0, 20.0);
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        ui.spacing_mut().button_padding.y = 0.0;
        card(ui)
            .show(ui, |ui| {
                ui.set_min_size(place.size() - margin - vec2(2.0, 2.0));
                content(ui)
            })
            .inner
    })
    .inner
}
