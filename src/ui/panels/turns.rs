//! The turns of an edit: a tree of pictures, each with an arrow from the one it was made from.

use super::column::Left;
use super::photo_slot::{PhotoSlot, TILE, slot};
use crate::state::{Chain, DraftAction, Target};
use crate::ui::app::focus;
use crate::ui::theme::{Palette, icon, regular};
use crate::ui::widgets::{Chosen, Tile, heading};
use egui::{Align2, Rect, ScrollArea, Sense, Ui, Vec2, pos2, vec2};

/// Between two turns, where the arrow stands.
const GAP: f32 = 12.0;
/// Side of a tile where there is more than one line of them.
const SMALL: f32 = 56.0;
/// Lines that are seen without scrolling.
const LINES: f32 = 2.5;
/// Around the tiles: the frame of the chosen one.
const RIM: f32 = 3.0;

pub(super) fn show(ui: &mut Ui, left: &mut Left<'_>) {
    let palette = Palette::of(ui);
    let chain = &left.studio.draft.chain;
    ui.add_space(4.0);
    let name = match chain.turns().len() {
        0 | 1 => "Source",
        _ => "Turns",
    };
    heading(ui, name, palette.quiet(siblings(chain)));
    let places = chain.places();
    let lines = places.iter().map(|(_, line)| line + 1).max().unwrap_or(1);
    let side = if lines > 1 { SMALL } else { TILE };
    let step = Vec2::splat(side + GAP);
    let at = |(column, line): (usize, usize)| vec2(column as f32, line as f32) * step;
    let columns = places.iter().map(|(column, _)| column + 1).max().unwrap_or(0);
    let seen = (lines as f32).min(LINES) * step.y - GAP + 2.0 * RIM;
    let scroll = ScrollArea::both()
        .id_salt("turns")
        .max_height(seen)
        .content_margin(RIM);
    focus::scroll(scroll, ui, |ui| {
        let first_line = places.iter().filter(|(_, line)| *line == 0).count();
        // The place for another picture stands behind the first line.
        let width = columns.max(first_line + 1) as f32 * step.x - GAP;
        let size = vec2(width, lines as f32 * step.y - GAP);
        let (area, _) = ui.allocate_exact_size(size, Sense::hover());
        for (index, place) in places.iter().enumerate() {
            let tile = Rect::from_min_size(area.min + at(*place), Vec2::splat(side));
            if let Some(parent) = chain.parent(index) {
                let from = Rect::from_min_size(area.min + at(places[parent]), Vec2::splat(side));
                arrow(ui, from, tile);
            }
            turn(ui, left, index, tile);
        }
        let corner = area.min + at((first_line, 0));
        let mut ui =
            ui.new_child(egui::UiBuilder::new().max_rect(Rect::from_min_size(corner, Vec2::splat(side))));
        let place = PhotoSlot {
            name: "Open a picture to edit",
            words: if lines > 1 { "drop" } else { "drop a\npicture" },
            size: Vec2::splat(side),
            target: Target::Canvas,
        };
        slot(&mut ui, left, None, &place);
    });
}

/// `2 results from turn 1`, where the shown turn has others beside it.
fn siblings(chain: &Chain) -> String {
    let Some(parent) = chain.parent(chain.at()) else {
        return String::new();
    };
    let all = 0..chain.turns().len();
    match all.filter(|turn| chain.parent(*turn) == Some(parent)).count() {
        0 | 1 => String::new(),
        count => format!("{count} results from turn {}", parent + 1),
    }
}

fn turn(ui: &mut Ui, left: &mut Left<'_>, index: usize, place: Rect) {
    let chain = &left.studio.draft.chain;
    let turn = &chain.turns()[index];
    let from = turn.instruction.as_deref().unwrap_or(&turn.photo.name);
    let texture = left.textures.photo(ui.ctx(), &turn.photo);
    let response = ui.interact(place, ui.scope_id().with(("turn", index)), Sense::click());
    Tile {
        texture: Some(&texture),
        name: &format!("Turn {}: {from}", index + 1),
        size: place.size(),
        chosen: Chosen::from(index == chain.at()),
        words: "",
    }
    .paint(ui, &response);
    if response.on_hover_text(from).clicked() {
        left.actions.push(DraftAction::GoToTurn(index).into());
    }
}

/// From a picture to the one made from it: straight, or down and across to a later one.
fn arrow(ui: &Ui, from: Rect, to: Rect) {
    let colour = Palette::of(ui).dim;
    let painter = ui.painter();
    let head = pos2(to.left() - GAP / 2.0, to.center().y);
    painter.text(head, Align2::CENTER_CENTER, icon::ARROW, regular(12.0), colour);
    if to.center().y > from.center().y + 1.0 {
        let across = from.right() + GAP / 2.0;
        let line = [
            pos2(across, from.center().y + 6.0),
            pos2(across, to.center().y - 6.0),
        ];
        painter.line_segment(line, (1.0, colour));
    }
}
