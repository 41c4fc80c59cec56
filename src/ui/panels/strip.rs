//! The strip at the right: results, newest first, and the queue below.

use super::caption;
use super::picture_verbs::{self, Subject};
use super::queue;
use crate::history::Moment;
use crate::pixels::Size;
use crate::state::{
    Action, Answer, Ended, Family, Outcome, Page, ResultAction, Run, RunAction, Shown, Strip, StripLine,
    Studio, Verb, ViewAction, thumbnail,
};
use crate::ui::app::focus;
use crate::ui::app::thumbnails::{Small, Thumbnails};
use crate::ui::textures::Textures;
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{Chosen, Tile, icon_button, named, small_icon};
use egui::{
    Align, Button, Frame, Label, Layout, Margin, Panel, Pos2, Rect, RichText, ScrollArea, Shape,
    TextureHandle, Ui, Vec2, pos2, vec2,
};

/// Height of the tallest tile, in widths of the strip.
const TALLEST: f32 = 1.4;

/// What the strip reads and tells.
pub(crate) struct Results<'a> {
    pub(crate) studio: &'a Studio,
    /// Small pictures come from memory, or from the disk.
    pub(crate) textures: &'a mut Textures,
    pub(crate) thumbnails: &'a mut Thumbnails,
    pub(crate) actions: &'a mut Vec<Action>,
}

pub(crate) fn show(ui: &mut Ui, mut strip: Results<'_>) {
    let studio = strip.studio;
    let palette = Palette::of(ui);
    let margin = Margin::symmetric(13, 12);
    if !studio.queue.is_empty() {
        Panel::bottom("queue")
            .exact_size(queue::height(studio))
            .frame(Frame::new().inner_margin(margin))
            .show(ui, |ui| queue::show(ui, studio, strip.actions));
    }
    Frame::new().inner_margin(margin).show(ui, |ui| {
        let nothing = studio.outcomes.is_empty() && studio.run.is_none();
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 20.0;
            ui.label(palette.secondary(title(studio)));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if small_icon(ui, icon::SEARCH, HISTORY).clicked() {
                    strip.actions.push(ViewAction::Page(other_page(studio)).into());
                }
            });
        });
        if nothing {
            ui.add(Label::new(palette.secondary("appear here and are always saved")).wrap());
            return;
        }
        focus::scroll(ScrollArea::vertical().auto_shrink(false), ui, |ui| {
            ui.spacing_mut().item_spacing.y = 14.0;
            ui.add_space(2.0);
            let side = (ui.available_width() - 4.0).min(theme::THUMBNAIL * 2.0);
            if let Some(run) = &studio.run {
                running(ui, run, side, &mut strip);
            }
            for (family, lines) in studio.strip() {
                branches(ui, &family, &lines, side, &mut strip);
            }
        });
    });
}

/// Past midnight the results are no longer all of today.
fn title(studio: &Studio) -> &'static str {
    let today = Moment::now().day();
    let all_of_today = studio.outcomes.iter().all(|outcome| outcome.is_of(&today));
    match (studio.outcomes.is_empty() && studio.run.is_none(), all_of_today) {
        (false, true) => "Today",
        _ => "Results",
    }
}

const HISTORY: &str = "History (Ctrl+H)";

/// Unfolds the strip where there is too little room for it, and says how many pictures wait.
pub(crate) fn unfold_button(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let waiting = studio.queue.len();
    let name = match (studio.strip, waiting) {
        (Strip::Unfolded, 0) => "Hide pictures and queue".to_owned(),
        (Strip::Unfolded, count) => format!("Hide pictures and queue ({count} waiting)"),
        (Strip::Folded, 0) => "Pictures and queue".to_owned(),
        (Strip::Folded, count) => format!("Pictures and queue ({count} waiting)"),
    };
    let pressed = match waiting {
        0 => icon_button(ui, icon::PICTURE, &name).clicked(),
        count => {
            let button = ui.button(format!("Queue · {count}"));
            named(ui, &button, &name);
            button.on_hover_text(name).clicked()
        }
    };
    if pressed {
        actions.push(ViewAction::Strip.into());
    }
}

/// Opens the history, or goes back from it.
pub(crate) fn history_button(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    if icon_button(ui, icon::SEARCH, HISTORY).clicked() {
        actions.push(ViewAction::Page(other_page(studio)).into());
    }
}

fn other_page(studio: &Studio) -> Page {
    match studio.page {
        Page::History => Page::Canvas,
        Page::Canvas | Page::Models | Page::Mishaps | Page::Settings | Page::World => Page::History,
    }
}

/// The size of a tile of this width that shows a picture of this size whole; tall ones are
/// narrower, and what is not known is square.
fn shaped(size: Size, width: f32) -> Vec2 {
    if size.width == 0 || size.height == 0 {
        return Vec2::splat(width);
    }
    let whole = vec2(size.width as f32, size.height as f32) * (width / size.width as f32);
    whole * (TALLEST * width / whole.y).min(1.0)
}

fn running(ui: &mut Ui, run: &Run, side: f32, strip: &mut Results<'_>) {
    let palette = Palette::of(ui);
    let rows = run.shown_rows();
    let stamp = run.order.id.0 << 32 | u64::from(run.rows());
    let small = run.lanes.first().map(|lane| {
        strip.textures.run(ui.ctx(), stamp, || {
            let (from, to) = (rows.start * 8, rows.end * 8);
            thumbnail(&lane.preview.rows(from, to), theme::THUMBNAIL as u32)
        })
    });
    let tile = Tile {
        texture: small.as_ref(),
        name: &format!("Being drawn: {}", run.order.request.title()),
        size: run
            .shown_grid()
            .map_or(Vec2::splat(side), |grid| shaped(grid.pixels(), side)),
        chosen: Chosen::from(strip.studio.shown == Shown::Run),
        words: "starting",
    };
    let response = tile.show(ui);
    let done = run.rows().saturating_sub(rows.start) as f32;
    // Starts are done before the picture is.
    let share = done / run.end_row().saturating_sub(rows.start).max(1) as f32;
    let drawn = done / rows.len().max(1) as f32;
    let undrawn = response.rect.split_top_bottom_at_fraction(drawn).1;
    ui.painter()
        .rect_filled(undrawn.shrink2(vec2(1.0, 0.0)), 0, palette.field);
    let bar = Rect::from_min_size(
        response.rect.left_bottom() - vec2(0.0, 4.0),
        vec2(response.rect.width() * share, 4.0),
    );
    let colour = match run.may_go_wrong {
        Some(_) => palette.danger,
        None => palette.accent,
    };
    ui.painter().rect_filled(bar, 0, colour);
    if run.may_go_wrong.is_some() {
        let at = response.rect.right_top() + vec2(-12.0, 12.0);
        ui.painter().circle_filled(at, 8.0, palette.danger);
        let font = theme::semibold(theme::LABEL);
        ui.painter()
            .text(at, egui::Align2::CENTER_CENTER, "!", font, palette.panel);
    }
    let words = match run.may_go_wrong {
        Some(row) => format!("{} · may go wrong since row {row}", run.order.request.title()),
        None => run.order.request.title().to_owned(),
    };
    if response.on_hover_text(words).clicked() {
        strip.actions.push(RunAction::Show.into());
    }
}

/// How far a branch stands in, and how far at most.
const INDENT: f32 = 14.0;
const MOST_INDENTS: usize = 3;

/// The pictures of a family: a line leads from each to what branches off it.
fn branches(ui: &mut Ui, family: &Family, lines: &[StripLine<'_>], side: f32, strip: &mut Results<'_>) {
    let palette = Palette::of(ui);
    // By depth, where the line to the next branch begins.
    let mut from: Vec<Pos2> = Vec::new();
    for line in lines {
        let depth = line.depth.min(MOST_INDENTS);
        let indent = INDENT * depth as f32;
        let rect = ui
            .horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                ui.add_space(indent);
                result(ui, line.outcome, side - indent, strip)
            })
            .inner;
        from.truncate(depth + 1);
        if let Some(above) = depth.checked_sub(1).and_then(|above| from.get(above)) {
            let to = pos2(rect.left() - 2.0, rect.center().y);
            let corner = pos2(above.x, to.y);
            let line = vec![*above, corner, to];
            ui.painter().add(Shape::line(line, (1.5, palette.dim)));
        }
        from.resize(depth + 1, rect.left_bottom());
        from[depth] = rect.left_bottom() + vec2(INDENT / 2.0, 2.0);
    }
    let count = family.members.len();
    if count < 2 {
        return;
    }
    let is_open = strip.studio.album.unfolded.contains(&family.name);
    let title = lines.first().map_or("", |line| line.outcome.title.as_str());
    let (words, name) = match is_open {
        true => (
            format!("Fold {count} pictures"),
            format!("Fold the branches of {title}"),
        ),
        false => (
            format!("{count} in its tree"),
            format!("Unfold {count} pictures drawn from each other: {title}"),
        ),
    };
    let mark = if is_open { icon::DOWN } else { icon::RIGHT };
    let text = |text: String| {
        RichText::new(text)
            .font(theme::regular(theme::SECONDARY))
            .color(palette.dim)
    };
    let button = Button::new((text(mark.to_owned()), text(words))).frame_when_inactive(false);
    // As wide as the pictures at most.
    ui.spacing_mut().button_padding.x = 2.0;
    let response = ui.add(button);
    named(ui, &response, &name);
    let tip = "Pictures drawn again from a row of each other, as a tree";
    if response.on_hover_text(tip).clicked() {
        strip.actions.push(ViewAction::Family(family.name.clone()).into());
    }
}

fn result(ui: &mut Ui, outcome: &Outcome, side: f32, strip: &mut Results<'_>) -> Rect {
    let studio = strip.studio;
    let (texture, words) = small(ui, outcome, strip);
    let on_canvas = studio.shown_outcome().is_some_and(|shown| shown.id == outcome.id);
    let shown = on_canvas || studio.compared == Some(outcome.id);
    let gone = if outcome.gone { ", gone" } else { "" };
    let tile = Tile {
        texture: texture.as_ref(),
        name: &format!("Result: {}, seed {}{gone}", outcome.title, outcome.seed),
        size: shaped(outcome.size, side),
        chosen: Chosen::from(shown),
        words,
    };
    let response = tile.show(ui);
    let stopped = match outcome.ended {
        Ended::Stopped => " · stopped",
        Ended::Finished => "",
    };
    let more = match outcome.gone {
        true => "Its file was moved or deleted",
        false => "Shift-click compares it with the shown one",
    };
    let fared = outcome.contest.as_ref().map(caption::fared);
    let fared = fared.map_or_else(String::new, |fared| format!("\n{fared}"));
    let tip = format!(
        "{}\nseed {} · {} × {} px{stopped}{fared}\n{more}",
        outcome.title, outcome.seed, outcome.size.width, outcome.size.height
    );
    let response = response.on_hover_text(tip);
    let subject = Subject::of_outcome(studio, outcome);
    if response.clicked() {
        let compares = ui.ctx().input(|input| input.modifiers.shift);
        let verb = if compares { Verb::Compare } else { Verb::Show };
        strip
            .actions
            .push(ResultAction::Do(subject.which.clone(), verb).into());
    }
    if subject.is_starred() {
        let centre = response.rect.right_top() + vec2(-12.0, 12.0);
        let palette = Palette::of(ui);
        ui.painter()
            .circle_filled(centre, 10.0, palette.panel.gamma_multiply(0.85));
        picture_verbs::full_star(ui, centre, palette.accent);
    }
    picture_verbs::on_tile(&response, &subject, strip.actions);
    response.rect
}

/// The picture of a tile, or the words in its place.
fn small(ui: &Ui, outcome: &Outcome, strip: &mut Results<'_>) -> (Option<TextureHandle>, &'static str) {
    if let Some(small) = &outcome.thumbnail {
        let texture = strip.textures.outcome(ui.ctx(), outcome.id, small);
        return (Some(texture), "");
    }
    let Some(path) = outcome.path.as_ref().filter(|_| !outcome.gone) else {
        return (None, if outcome.gone { "gone" } else { "" });
    };
    match strip.thumbnails.get(path, 0) {
        Small::Here(texture) => (Some(texture), ""),
        Small::Reading => (None, ""),
        Small::Unreadable => (None, "cannot be read"),
        Small::Gone => {
            strip.actions.push(Answer::Gone(vec![path.clone()]).into());
            (None, "gone")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_has_the_shape_of_its_picture() {
        assert_eq!(shaped(Size::new(192, 192), 120.0), vec2(120.0, 120.0));
        assert_eq!(shaped(Size::new(320, 160), 120.0), vec2(120.0, 60.0));
        assert_eq!(shaped(Size::new(96, 192), 120.0), vec2(84.0, 168.0));
        assert_eq!(shaped(Size::new(0, 0), 120.0), vec2(120.0, 120.0));
    }
}
