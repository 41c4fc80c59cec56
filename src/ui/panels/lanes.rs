//! Pictures that are drawn together: all of them small, each as far as it is.

use crate::state::{Action, CandidateRows, Phase, Run, RunAction, Shown, Studio, thumbnail};
use crate::token::{CODE_PIXELS, Grid};
use crate::ui::textures::Textures;
use crate::ui::theme::{self, Palette};
use egui::{Align2, Image, Rect, Response, Role, Sense, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

const GAP: f32 = 16.0;
/// The line of words under each.
const WORDS: f32 = 20.0;
/// Longer side of what is uploaded.
const SIDE: u32 = 480;

/// The pictures under way, where there are several.
pub(crate) fn of_run(studio: &Studio) -> Option<&Run> {
    let run = studio.run.as_ref().filter(|_| studio.shown == Shown::Run)?;
    (run.candidates() > 1 && run.begun.is_some()).then_some(run)
}

/// Columns of `count` tiles of that shape which make them largest, and their size.
fn arranged(count: usize, shape: Vec2, room: Vec2) -> (usize, Vec2) {
    let size = |columns: usize| {
        let rows = count.div_ceil(columns);
        let width = (room.x + GAP) / columns as f32 - GAP;
        let height = (room.y + GAP) / rows as f32 - GAP - WORDS;
        shape * (width / shape.x).min(height / shape.y).max(0.0)
    };
    let best = (1..=count.max(1)).max_by(|a, b| size(*a).x.total_cmp(&size(*b).x));
    let columns = best.unwrap_or(1);
    (columns, size(columns))
}

pub(crate) fn show(ui: &mut Ui, rect: Rect, run: &Run, textures: &mut Textures, actions: &mut Vec<Action>) {
    let Some(grid) = run.shown_grid() else { return };
    let count = run.candidates();
    // Of starts only their rows: they are strips.
    let of = run.end_row().saturating_sub(run.shown_rows().start);
    let rows = of.clamp(1, grid.rows);
    let pixels = Grid { rows, ..grid }.pixels();
    let shape = vec2(pixels.width.max(1) as f32, pixels.height.max(1) as f32);
    let room = Rect::from_min_max(rect.min + vec2(24.0, 24.0), rect.max - vec2(24.0, 84.0));
    let (columns, size) = arranged(count, shape, room.size());
    let rows = count.div_ceil(columns);
    let step = size + vec2(GAP, GAP + WORDS);
    let all = vec2(columns as f32, rows as f32) * step - Vec2::splat(GAP);
    let corner = room.center() - all / 2.0;
    for candidate in 0..count {
        let at = vec2((candidate % columns) as f32, (candidate / columns) as f32);
        let place = Rect::from_min_size(corner + at * step, size);
        if lane(ui, place, run, candidate, textures).clicked() {
            actions.push(RunAction::Choose(candidate).into());
        }
    }
}

fn lane(ui: &mut Ui, place: Rect, run: &Run, candidate: usize, textures: &mut Textures) -> Response {
    let palette = Palette::of(ui);
    let shown = run.shown_rows();
    let done = run.rows_of(candidate).saturating_sub(shown.start);
    let of = run.end_row().saturating_sub(shown.start);
    let seed = run.order.request.seed.wrapping_add(candidate as u64);
    let chooses = run.phase == Phase::Choosing;
    let is_chosen = run.starts.chosen.contains(&candidate);
    let sense = if chooses { Sense::click() } else { Sense::hover() };
    let response = ui.interact(place, ui.scope_id().with(("lane", candidate)), sense);
    response.widget_info(|| match chooses {
        true => {
            let name = format!("Start {}: seed {seed}", candidate + 1);
            WidgetInfo::selected(Role::CheckBox, true, is_chosen, name)
        }
        false => {
            let name = format!("Picture {}: seed {seed}, row {done} of {of}", candidate + 1);
            WidgetInfo::labeled(Role::Image, true, name)
        }
    });
    let painter = ui.painter();
    painter.rect_filled(place, 0, palette.panel);
    if let Some(rows) = run.lanes.get(candidate).filter(|_| done > 0) {
        let small = || drawn(rows, shown.start, done);
        let stamp = (run.order.id.0, candidate, done);
        let texture = textures.lane(ui.ctx(), stamp, small);
        let end = place.top() + place.height() * done as f32 / of.max(1) as f32;
        let top = Rect::from_min_max(place.min, pos2(place.right(), end));
        Image::new(&texture).paint_at(ui, top);
        if done < of {
            painter.hline(place.x_range(), end, (2.0, palette.accent));
        }
    }
    let rim = match is_chosen {
        true => egui::Stroke::new(3.0, palette.accent),
        false if response.hovered() && chooses => egui::Stroke::new(2.0, palette.text),
        false => palette.line(),
    };
    painter.rect_stroke(place, 0, rim, StrokeKind::Outside);
    let mut words = format!("seed {seed}");
    if !chooses {
        words += &format!(" · row {done} of {of}");
    }
    if run.likeliest_start() == Some(candidate) {
        words += " · likeliest";
    }
    if is_chosen {
        words += " · chosen";
    }
    painter.text(
        pos2(place.center().x, place.bottom() + 4.0),
        Align2::CENTER_TOP,
        words,
        theme::regular(theme::SECONDARY),
        if is_chosen { palette.accent } else { palette.dim },
    );
    response
}

/// The rows there are, small.
fn drawn(rows: &CandidateRows, from: u32, count: u32) -> crate::pixels::Pixels {
    let lines = rows
        .preview
        .rows(from * CODE_PIXELS, (from + count) * CODE_PIXELS);
    thumbnail(&lines, SIDE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_as_large_as_the_room_allows() {
        let square = vec2(1.0, 1.0);
        let (columns, size) = arranged(4, square, vec2(800.0, 600.0));
        assert_eq!(
            (columns, size),
            (2, Vec2::splat((600.0 + GAP) / 2.0 - GAP - WORDS))
        );
        assert_eq!(arranged(2, square, vec2(800.0, 400.0)).0, 2);
        assert_eq!(arranged(3, vec2(4.0, 1.0), vec2(400.0, 800.0)).0, 1);
        for count in 1..=16 {
            let (columns, size) = arranged(count, square, vec2(772.0, 620.0));
            let rows = count.div_ceil(columns) as f32;
            assert!(columns as f32 * (size.x + GAP) - GAP <= 772.5, "{count}");
            assert!(rows * (size.y + GAP + WORDS) - GAP <= 620.5, "{count}");
        }
    }
}
