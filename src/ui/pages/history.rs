//! The history page: every kept picture, newest first, a day under the other.
//!
//! Only the lines in sight are laid out, and the one that has the keyboard. What is listed is the
//! library's answer to the query; thumbnails come as they are read.

mod grid;
mod hall;
mod tile;

pub(crate) use hall::{Hall, Room};

use crate::history::{Moment, day_in_words};
use crate::state::{Action, Looked, Page, Piece, Query, ResultAction, Studio, ViewAction};
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{Chosen, chip, icon_button};
use egui::text::{CCursor, CCursorRange};
use egui::{
    Align, Align2, EventFilter, FocusDirection, Id, Key, Layout, Margin, Modifiers, Rect, ScrollArea,
    TextEdit, Ui, UiBuilder, pos2, vec2,
};
use grid::{DAY, GAP, Grid, Line};
use hall::Greeted;
use tile::{tile, tile_id};

const MARGIN: i8 = 24;

pub(crate) fn show(ui: &mut Ui, mut hall: Hall<'_>) {
    let margin = Margin {
        left: MARGIN,
        right: MARGIN,
        top: 18,
        bottom: 0,
    };
    egui::Frame::new().inner_margin(margin).show(ui, |ui| {
        head(ui, &mut hall);
        ui.add_space(4.0);
        if hall.studio.album.pieces.is_empty() {
            nothing(ui, hall.studio, hall.actions);
        } else {
            pictures(ui, &mut hall);
        }
    });
}

/// What the page is, and what is looked for.
fn head(ui: &mut Ui, hall: &mut Hall<'_>) {
    let palette = Palette::of(ui);
    let album = &hall.studio.album;
    ui.horizontal(|ui| {
        ui.label(palette.title("History"));
        ui.label(palette.secondary(count(hall.studio)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon_button(ui, icon::CLOSE, "Back to the canvas (Esc)").clicked() {
                hall.actions.push(ViewAction::Page(Page::Canvas).into());
            }
            if icon_button(ui, icon::REFRESH, "Look at the folder again").clicked() {
                hall.actions.push(ResultAction::Look.into());
            }
            let chosen = Chosen::from(album.query.starred_only);
            if chip(ui, "Starred only", chosen).clicked() {
                let query = Query {
                    starred_only: !album.query.starred_only,
                    ..album.query.clone()
                };
                hall.actions.push(ResultAction::Ask(query).into());
            }
            search(ui, hall);
        });
    });
}

fn count(studio: &Studio) -> String {
    let album = &studio.album;
    let noun = |count| if count == 1 { "picture" } else { "pictures" };
    match (album.looked, album.query.is_open()) {
        (Looked::Never, _) => String::new(),
        (_, true) => format!("{} {}", album.total, noun(album.total)),
        (_, false) => format!("{} of {} {}", album.listed.len(), album.total, noun(album.total)),
    }
}

fn search(ui: &mut Ui, hall: &mut Hall<'_>) {
    let palette = Palette::of(ui);
    let query = &hall.studio.album.query;
    let mut words = query.words.clone();
    let width = (ui.available_width() - 8.0).clamp(80.0, 260.0);
    let field = TextEdit::singleline(&mut words)
        .hint_text("Words of the prompt")
        .margin(Margin {
            left: 30,
            right: 8,
            top: 5,
            bottom: 5,
        })
        .desired_width(width - 38.0);
    let response = ui.add(field);
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label("Search the prompts"));
    ui.painter().text(
        response.rect.left_center() + vec2(9.0, 0.0),
        Align2::LEFT_CENTER,
        icon::SEARCH,
        theme::regular(15.0),
        palette.dim,
    );
    if hall.room.greeted == Greeted::No {
        response.request_focus();
        hall.room.greeted = Greeted::Yes;
        // What was looked for before is replaced by the first letter typed.
        let all = CCursorRange::two(CCursor::default(), CCursor::end_of_str(&words));
        let mut state = TextEdit::load_state(ui.ctx(), response.id).unwrap_or_default();
        state.cursor.set_char_range(Some(all));
        state.store(ui.ctx(), response.id);
    }
    if response.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowDown)) {
        hall.room.goes_to = Some(0);
    }
    if response.changed() {
        let query = Query {
            words,
            ..query.clone()
        };
        hall.actions.push(ResultAction::Ask(query).into());
    }
}

/// Why no picture is shown.
fn nothing(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let album = &studio.album;
    let (words, more) = match (album.looked, album.query.is_open()) {
        (Looked::Never, _) => ("Looking through the folder …", ""),
        (_, true) => (
            "Nothing has been drawn yet",
            "Every picture is saved by itself and stands here from then on.",
        ),
        (_, false) if album.query.words.trim().is_empty() => (
            "No picture has a star yet",
            "Point at a picture: its star is in the upper corner.",
        ),
        (_, false) => ("No picture was asked for in these words", ""),
    };
    ui.add_space((ui.available_height() / 3.0 - 40.0).max(16.0));
    ui.vertical_centered(|ui| {
        ui.label(palette.section(words));
        if !more.is_empty() {
            ui.label(palette.secondary(more));
        }
        if album.looked != Looked::Never && !album.query.is_open() && ui.button("Show all pictures").clicked()
        {
            actions.push(ResultAction::Ask(Query::default()).into());
        }
    });
}

fn pictures(ui: &mut Ui, hall: &mut Hall<'_>) {
    let pieces = &hall.studio.album.pieces;
    let area = ScrollArea::vertical().id_salt("pieces").auto_shrink(false);
    area.show_viewport(ui, |ui, viewport| {
        // The bar stands over the margin.
        let width = ui.available_width() - 4.0;
        let grid = Grid::new(pieces, width);
        ui.set_height(grid.height);
        let origin = ui.max_rect().left_top();
        let moved = keys(ui, hall.room, pieces, &grid);
        let mut lines: Vec<usize> = grid.between(viewport.min.y, viewport.max.y).collect();
        if let Some((line, _)) = hall.room.at.and_then(|(at, _)| grid.line_of(at)) {
            if moved {
                let y = origin.y + grid.lines[line].0;
                let place = Rect::from_min_size(pos2(origin.x, y), vec2(width, grid.line_height()));
                ui.scroll_to_rect(place.expand2(vec2(0.0, 8.0)), None);
            }
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let mut held = None;
        let today = Moment::now().day();
        for line in lines {
            let (y, line) = &grid.lines[line];
            let corner = origin + vec2(0.0, *y);
            match line {
                Line::Day(first) => {
                    let place = Rect::from_min_size(corner, vec2(width, DAY));
                    day(ui, &day_in_words(&pieces[*first].day, &today), place);
                }
                Line::Tiles(range) => {
                    for (column, index) in range.clone().enumerate() {
                        let corner = corner + vec2(column as f32 * (grid.side + GAP), 0.0);
                        let place = Rect::from_min_size(corner, vec2(grid.side, grid.side));
                        let response = tile(ui, place, &pieces[index], hall);
                        if response.has_focus() {
                            held = Some((index, response.id));
                        }
                    }
                }
            }
        }
        hall.room.at = held;
    });
}

/// Moves the keyboard over the pictures; says whether it went to another one.
fn keys(ui: &Ui, room: &mut Room, pieces: &[Piece], grid: &Grid) -> bool {
    let go = |to: usize, at: &mut Option<(usize, Id)>| {
        let to = to.min(pieces.len() - 1);
        let id = tile_id(&pieces[to]);
        ui.memory_mut(|memory| memory.request_focus(id));
        *at = Some((to, id));
        true
    };
    if let Some(index) = room.goes_to.take() {
        return go(index, &mut room.at);
    }
    let Some((at, id)) = room
        .at
        .filter(|(_, id)| ui.memory(|memory| memory.has_focus(*id)))
    else {
        room.at = None;
        return false;
    };
    if pieces.get(at).map(tile_id) != Some(id) {
        // Others came before it, or it is gone: then the one that has its place is next.
        let place = pieces.iter().position(|piece| tile_id(piece) == id);
        room.at = place.map(|place| (place, id));
        return place.is_none() && go(at, &mut room.at);
    }
    let filter = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let screen = (ui.clip_rect().height() / grid.line_height()).floor().max(1.0) as isize;
    let last = pieces.len() - 1;
    let moves = [
        (Key::ArrowLeft, at.checked_sub(1)),
        (Key::ArrowRight, Some(at + 1)),
        (Key::ArrowUp, grid.beside(at, -1)),
        (Key::ArrowDown, grid.beside(at, 1)),
        (Key::PageUp, grid.beside(at, -screen).or(Some(0))),
        (Key::PageDown, grid.beside(at, screen).or(Some(last))),
        (Key::Home, Some(0)),
        (Key::End, Some(last)),
    ];
    let pressed =
        |(key, _): &(Key, Option<usize>)| ui.input_mut(|input| input.consume_key(Modifiers::NONE, *key));
    let Some((_, to)) = moves.into_iter().find(pressed) else {
        return false;
    };
    // Just after it came here, egui would move it once more.
    ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
    to.is_some_and(|to| go(to, &mut room.at))
}

fn day(ui: &mut Ui, words: &str, place: Rect) {
    let palette = Palette::of(ui);
    let builder = UiBuilder::new()
        .max_rect(place.with_min_y(place.top() + 10.0))
        .layout(Layout::left_to_right(Align::Min));
    ui.scope_builder(builder, |ui| ui.label(palette.strong(words)));
}
