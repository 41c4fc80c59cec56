//! Shows which control has the keyboard, whatever kind of control it is.

use crate::ui::theme::{self, Palette};
use egui::scroll_area::ScrollAreaOutput;
use egui::{Context, Id, Key, LayerId, Rect, Response, ScrollArea, Stroke, StrokeKind, Ui};

/// Room around what is scrolled to.
const AROUND: f32 = 12.0;

/// Keys that lead from one control to another.
const LEADING: [Key; 5] = [
    Key::Tab,
    Key::ArrowUp,
    Key::ArrowDown,
    Key::ArrowLeft,
    Key::ArrowRight,
];

/// Rings the control that has the keyboard, once keys have led there; a click rings nothing.
pub(crate) fn ring(ctx: &Context, palette: &Palette) {
    let by_keys = Id::unique("focus by keys");
    let (pressed, clicked) = ctx.input(|input| {
        let pressed = LEADING.iter().any(|key| input.key_pressed(*key));
        (pressed, input.pointer.any_pressed())
    });
    let was: bool = ctx.data(|data| data.get_temp(by_keys)).unwrap_or_default();
    let is = (was || pressed) && !clicked;
    if is != was {
        ctx.data_mut(|data| data.insert_temp(by_keys, is));
    }
    let Some((rect, layer)) = place(ctx).filter(|_| is) else {
        return;
    };
    // Above what it belongs to, and cut off with it.
    let painter = ctx.layer_painter(layer);
    let stroke = Stroke::new(1.5, palette.text);
    painter.rect_stroke(rect.expand(2.0), theme::RADIUS_BIG, stroke, StrokeKind::Outside);
}

/// Where the control with the keyboard can be seen.
pub(crate) fn place(ctx: &Context) -> Option<(Rect, LayerId)> {
    let focused = ctx.memory(|memory| memory.focused())?;
    let response = ctx.read_response(focused)?;
    let rect = response.interact_rect;
    rect.is_positive().then_some((rect, response.layer_id))
}

/// Shows what can be scrolled. A control in it that gets the keyboard is brought into view.
pub(crate) fn scroll<R>(
    area: ScrollArea,
    ui: &mut Ui,
    contents: impl FnOnce(&mut Ui) -> R,
) -> ScrollAreaOutput<R> {
    area.show(ui, |ui| {
        let shown = contents(ui);
        let focused = ui.memory(|memory| memory.focused());
        let response = focused.and_then(|id| ui.ctx().read_response(id));
        let is_new = |response: &Response| response.gained_focus() && response.layer_id == ui.layer_id();
        if let Some(response) = response.filter(is_new) {
            let is_in_here = ui.min_rect().intersects(response.rect);
            if is_in_here && !ui.clip_rect().contains_rect(response.rect) {
                ui.scroll_to_rect(response.rect.expand(AROUND), None);
            }
        }
        shown
    })
}
