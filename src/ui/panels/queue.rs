//! The queue below the results: what waits, in the order it is drawn.
//!
//! A row is dragged to another place, its menu says the same in words, its cross takes it out.

use crate::state::{Action, Order, OrderId, QueueAction, Studio};
use crate::ui::app::focus;
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::small_icon;
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align, Key, Layout, Popup, Rect, Response, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, accesskit::Role,
    pos2, vec2,
};

/// Rows that are shown without scrolling, and the height of one: two lines of its title.
const ROWS: f32 = 4.0;
const ROW: f32 = 38.0;
/// Height of all that is around the rows.
const HEAD: f32 = 52.0;
/// Side of the cross at the end of a row.
const CROSS: f32 = 20.0;

/// How high the queue wants to be.
pub(crate) fn height(studio: &Studio) -> f32 {
    HEAD + ROW * (studio.queue.len() as f32).min(ROWS)
}

pub(crate) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.spacing_mut().item_spacing.y = 4.0;
    ui.spacing_mut().interact_size.y = 20.0;
    ui.horizontal(|ui| {
        ui.label(palette.secondary(format!("Queue · {}", studio.queue.len())));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if small_icon(ui, icon::CLOSE, "Clear the queue").clicked() {
                actions.push(QueueAction::Clear.into());
            }
        });
    });
    focus::scroll(ScrollArea::vertical().auto_shrink(false), ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let orders: Vec<&Order> = studio.queue.orders().collect();
        let rows: Vec<Response> = orders
            .iter()
            .enumerate()
            .map(|(index, order)| row(ui, index, order, orders.len(), actions))
            .collect();
        let dragged = rows.iter().position(|row| row.dragged() || row.drag_stopped());
        if let Some(from) = dragged {
            drag(ui, &rows, from, orders[from].id, actions);
        }
    });
}

/// The place a row dragged to this height belongs to, counted without it.
fn place_at(middles: &[f32], from: usize, height: f32) -> usize {
    let above = middles
        .iter()
        .enumerate()
        .filter(|(index, middle)| *index != from && **middle < height);
    above.count()
}

fn drag(ui: &Ui, rows: &[Response], from: usize, id: OrderId, actions: &mut Vec<Action>) {
    let Some(pointer) = ui.ctx().pointer_latest_pos() else {
        return;
    };
    let middles: Vec<f32> = rows.iter().map(|row| row.rect.center().y).collect();
    let place = place_at(&middles, from, pointer.y);
    if rows[from].drag_stopped() {
        if place != from {
            actions.push(QueueAction::MoveTo(id, place).into());
        }
        return;
    }
    let palette = Palette::of(ui);
    ui.ctx().set_cursor_icon(egui::CursorIcon::Grabbing);
    let before = if place >= from { place + 1 } else { place };
    let line = match rows.get(before) {
        Some(row) => row.rect.top(),
        None => rows[rows.len() - 1].rect.bottom(),
    };
    ui.painter()
        .hline(rows[from].rect.x_range(), line, (2.0, palette.accent));
}

/// One order: its title in two lines at most, and a cross.
fn row(ui: &mut Ui, index: usize, order: &Order, of: usize, actions: &mut Vec<Action>) -> Response {
    let palette = Palette::of(ui);
    let title = order.request.title();
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), ROW));
    let words = Rect::from_min_max(rect.min, pos2(rect.right() - CROSS - 4.0, rect.bottom()));
    let id = ui.make_persistent_id(("waiting", order.id.0));
    let response = ui.interact(words, id, Sense::click_and_drag());
    let name = format!("Waiting {}: {title}", index + 1);
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &name));
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let colour = if response.dragged() {
        palette.dim
    } else {
        palette.text
    };
    let format = TextFormat::simple(theme::regular(theme::SECONDARY), colour);
    let mut job = LayoutJob::single_section(title.to_owned(), format);
    job.wrap = TextWrapping {
        max_width: words.width(),
        max_rows: 2,
        ..TextWrapping::default()
    };
    let galley = painter.layout_job(job);
    let at = pos2(words.left(), words.center().y - galley.size().y / 2.0);
    painter.galley(at, galley, colour);
    if response.has_focus() {
        let ring = (1.5, palette.text);
        painter.rect_stroke(words, theme::RADIUS, ring, egui::StrokeKind::Inside);
    } else if response.hovered() {
        ui.ctx().set_cursor_icon(egui::CursorIcon::Grab);
        painter.hline(words.x_range(), words.bottom() - 1.0, (1.0, palette.stroke));
    }
    let tip = format!("{title}\nDrag it to another place; click for more");
    let response = response.on_hover_text(tip);
    menu(&response, index, order, of, actions);
    let corner = pos2(rect.right() - CROSS, rect.center().y - CROSS / 2.0);
    let builder = UiBuilder::new().max_rect(Rect::from_min_size(corner, vec2(CROSS, CROSS)));
    ui.scope_builder(builder, |ui| {
        if small_icon(ui, icon::CLOSE, &format!("Remove: {} {title}", index + 1)).clicked() {
            actions.push(QueueAction::Remove(order.id).into());
        }
    });
    if response.has_focus() && ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Delete)) {
        actions.push(QueueAction::Remove(order.id).into());
    }
    response
}

fn menu(response: &Response, index: usize, order: &Order, of: usize, actions: &mut Vec<Action>) {
    let verbs = [
        ("To the front", index > 0, QueueAction::Front(order.id)),
        (
            "Earlier",
            index > 0,
            QueueAction::MoveTo(order.id, index.saturating_sub(1)),
        ),
        ("Later", index + 1 < of, QueueAction::MoveTo(order.id, index + 1)),
        ("Take it out", true, QueueAction::Remove(order.id)),
    ];
    Popup::menu(response).show(|ui| {
        for (words, enabled, action) in verbs {
            if ui.add_enabled(enabled, egui::Button::new(words)).clicked() {
                actions.push(action.into());
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_where_it_is_let_go() {
        let middles = [10.0, 30.0, 50.0, 70.0];
        assert_eq!(place_at(&middles, 0, 12.0), 0);
        assert_eq!(place_at(&middles, 0, 31.0), 1);
        assert_eq!(place_at(&middles, 0, 99.0), 3);
        assert_eq!(place_at(&middles, 3, 0.0), 0);
        assert_eq!(place_at(&middles, 2, 20.0), 1);
        assert_eq!(place_at(&middles, 2, 60.0), 2);
    }
}
