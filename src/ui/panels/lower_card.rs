//! The card over the lower edge of the canvas.

use crate::ui::widgets::card;
use egui::{Align, Id, Layout, Pos2, Rect, Ui, UiBuilder, pos2, vec2};

/// Where cards were, by the number of the frame.
type Places = Vec<(u64, Rect)>;

fn places_id() -> Id {
    Id::unique("lower cards")
}

/// Whether something at `at` lies under a card, as the last frame had them.
pub(super) fn is_covered(ui: &Ui, at: Pos2) -> bool {
    let frame = ui.ctx().cumulative_frame_nr();
    let places: Places = ui.data(|data| data.get_temp(places_id())).unwrap_or_default();
    let is_there = |(of, place): &(u64, Rect)| of + 1 >= frame && place.contains(at);
    places.iter().any(is_there)
}

/// A card over the lower edge of the canvas, `size` at most.
pub(super) fn over<R>(ui: &mut Ui, rect: Rect, size: egui::Vec2, content: impl FnOnce(&mut Ui) -> R) -> R {
    let width = size.x.min(rect.width() - 24.0);
    let at = pos2(rect.center().x - width / 2.0, rect.bottom() - size.y - 16.0);
    let place = Rect::from_min_size(at, vec2(width, size.y));
    let frame = ui.ctx().cumulative_frame_nr();
    ui.data_mut(|data| {
        let places: &mut Places = data.get_temp_mut_or_default(places_id());
        // Those of this frame and of the one before.
        places.retain(|(of, _)| of + 1 >= frame);
        places.push((frame, place));
    });
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
