//! One picture of the history: its thumbnail, its star, whether it was stopped, its prompt.

use super::grid::CAPTION;
use super::hall::Hall;
use crate::state::{Answer, Ended, Piece, ResultAction, Shown, Studio, Verb, ViewAction};
use crate::ui::app::thumbnails::Small;
use crate::ui::panels::picture_verbs::{self, Subject};
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{Chosen, Tile};
use egui::{
    Align, Align2, Id, Label, Layout, Rect, Response, Sense, Ui, UiBuilder, WidgetInfo, accesskit::Role, vec2,
};

pub(crate) fn tile_id(piece: &Piece) -> Id {
    Id::unique(("piece", &piece.path))
}

/// One picture.
pub(crate) fn tile(ui: &mut Ui, place: Rect, piece: &Piece, hall: &mut Hall<'_>) -> Response {
    let subject = Subject::of_piece(hall.studio, piece);
    let (texture, words) = match hall.thumbnails.get(&piece.path, piece.version) {
        Small::Here(texture) => (Some(texture), ""),
        Small::Reading => (None, ""),
        Small::Unreadable => (None, "cannot be read"),
        Small::Gone => {
            hall.actions.push(Answer::Gone(vec![piece.path.clone()]).into());
            (None, "gone")
        }
    };
    let response = ui.interact(place, tile_id(piece), Sense::click());
    let seed = piece
        .seed
        .map(|seed| format!(", seed {seed}"))
        .unwrap_or_default();
    let stopped = match piece.ended {
        Ended::Stopped => ", stopped",
        Ended::Finished => "",
    };
    let tile = Tile {
        texture: texture.as_ref(),
        name: &format!("Kept: {}{seed}{stopped}", piece.title),
        size: place.size(),
        chosen: Chosen::from(is_shown(hall.studio, piece)),
        words,
    };
    tile.paint(ui, &response);
    if piece.ended == Ended::Stopped {
        badge(
            ui,
            place,
            &format!("stopped · {} of {}", piece.rows.0, piece.rows.1),
        );
    }
    if star(ui, &response, &subject).clicked() {
        hall.actions
            .push(ResultAction::Do(subject.which.clone(), Verb::Star).into());
    }
    if let Some((name, count)) = &piece.place.family
        && family(
            ui,
            &response,
            (count, &piece.title),
            hall.studio.album.unfolded.contains(name),
        )
        .clicked()
    {
        hall.actions.push(ViewAction::Family(name.clone()).into());
    }
    let branch = if piece.place.depth > 0 { icon::ARROW } else { "" };
    caption(ui, place, &format!("{branch}{}", piece.title));
    let response = response.on_hover_text(about(piece));
    if response.clicked() {
        hall.actions
            .push(ResultAction::Do(subject.which.clone(), Verb::Show).into());
    }
    picture_verbs::on_tile(&response, &subject, hall.actions);
    response
}

/// How many pictures a family has; a click unfolds it, or folds it.
fn family(ui: &Ui, tile: &Response, (count, title): (&usize, &str), is_open: bool) -> Response {
    let palette = Palette::of(ui);
    let mark = if is_open { icon::DOWN } else { icon::RIGHT };
    let font = theme::medium(theme::LABEL);
    let words = ui
        .painter()
        .layout_no_wrap(format!("{mark} {count}"), font, palette.text);
    let size = words.size() + vec2(14.0, 6.0);
    let rect = Rect::from_min_size(tile.rect.left_top() + vec2(6.0, 6.0), size);
    let response = ui.interact(rect, tile.id.with("family"), Sense::click());
    let verb = if is_open { "Fold" } else { "Unfold" };
    let name = format!("{verb} {count} pictures drawn from each other: {title}");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let ground = palette.panel.gamma_multiply(0.85);
    ui.painter().rect_filled(rect, size.y / 2.0, ground);
    ui.painter()
        .galley(rect.min + vec2(7.0, 3.0), words, palette.text);
    if response.has_focus() {
        let rim = egui::Stroke::new(1.5, palette.text);
        ui.painter()
            .rect_stroke(rect.expand(1.0), size.y / 2.0, rim, egui::StrokeKind::Outside);
    }
    response.on_hover_text("Pictures drawn again from a row of each other")
}

/// One line under a picture.
fn caption(ui: &mut Ui, place: Rect, words: &str) {
    let palette = Palette::of(ui);
    let under = vec2(place.width(), CAPTION - 4.0);
    let builder = UiBuilder::new()
        .max_rect(Rect::from_min_size(place.left_bottom() + vec2(0.0, 4.0), under))
        .layout(Layout::left_to_right(Align::Min));
    ui.scope_builder(builder, |ui| {
        let words = palette.secondary(words);
        ui.add(Label::new(words).truncate().show_tooltip_when_elided(false));
    });
}

fn is_shown(studio: &Studio, piece: &Piece) -> bool {
    let shown = match studio.shown {
        Shown::Outcome(id) => studio.outcome(id),
        _ => None,
    };
    shown.is_some_and(|outcome| outcome.path.as_ref() == Some(&piece.path))
}

fn about(piece: &Piece) -> String {
    let mut words = piece.title.clone();
    if let (Some(seed), Some(size)) = (piece.seed, piece.size) {
        words += &format!("\nseed {seed} · {} × {} px", size.width, size.height);
    }
    if piece.ended == Ended::Stopped {
        words += &format!("\nstopped at row {} of {}", piece.rows.0, piece.rows.1);
    }
    words
}

/// A word over the lower corner of a picture.
fn badge(ui: &Ui, place: Rect, words: &str) {
    let palette = Palette::of(ui);
    let words = ui
        .painter()
        .layout_no_wrap(words.to_owned(), theme::medium(theme::LABEL), palette.accent);
    let size = words.size() + vec2(14.0, 6.0);
    let corner = place.left_bottom() + vec2(6.0, -6.0 - size.y);
    let rect = Rect::from_min_size(corner, size);
    ui.painter().rect_filled(rect, size.y / 2.0, palette.accent_soft);
    ui.painter()
        .galley(corner + vec2(7.0, 3.0), words, palette.accent);
}

/// The star in the upper corner: always there to be reached, seen when it says something.
fn star(ui: &Ui, tile: &Response, subject: &Subject) -> Response {
    let palette = Palette::of(ui);
    let centre = tile.rect.right_top() + vec2(-16.0, 16.0);
    let rect = Rect::from_center_size(centre, vec2(24.0, 24.0));
    let response = ui.interact(rect, tile.id.with("star"), Sense::click());
    let name = subject.star_name();
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, subject.is_starred(), &name));
    let near = tile.hovered() || tile.has_focus() || response.hovered() || response.has_focus();
    if subject.is_starred() || near {
        let ground = palette.panel.gamma_multiply(0.85);
        ui.painter().circle_filled(centre, 12.0, ground);
    }
    if subject.is_starred() {
        picture_verbs::full_star(ui, centre, palette.accent);
    } else if near {
        let colour = if response.hovered() {
            palette.accent
        } else {
            palette.text
        };
        let font = theme::regular(15.0);
        ui.painter()
            .text(centre, Align2::CENTER_CENTER, icon::STAR, font, colour);
    }
    if response.has_focus() {
        ui.painter().circle_stroke(centre, 13.0, (1.5, palette.text));
    }
    response
}
