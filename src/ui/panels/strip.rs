//! The strip at the right: results, newest first, and the queue below.

use super::caption;
use super::picture_verbs::{self, Subject};
use crate::history::Moment;
use crate::state::{
    Action, Answer, Ended, Outcome, Page, QueueAction, ResultAction, Run, RunAction, Shown, Studio, Verb,
    ViewAction, thumbnail,
};
use crate::ui::app::thumbnails::{Small, Thumbnails};
use crate::ui::textures::Textures;
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{Chosen, Tile, icon_button, small_icon};
use egui::{Align, Frame, Label, Layout, Margin, Panel, Rect, ScrollArea, Sense, TextureHandle, Ui, vec2};

/// Rows of the queue that are shown without scrolling.
const QUEUE_ROWS: f32 = 4.0;
/// Heights of one of them, and of all that is around them.
const QUEUE_ROW: f32 = 24.0;
const QUEUE_HEAD: f32 = 52.0;

/// What the strip reads and tells.
pub(crate) struct Strip<'a> {
    pub(crate) studio: &'a Studio,
    /// Small pictures come from memory, or from the disk.
    pub(crate) textures: &'a mut Textures,
    pub(crate) thumbnails: &'a mut Thumbnails,
    pub(crate) actions: &'a mut Vec<Action>,
}

pub(crate) fn show(ui: &mut Ui, mut strip: Strip<'_>) {
    let studio = strip.studio;
    let palette = Palette::of(ui);
    let margin = Margin::symmetric(13, 12);
    if !studio.queue.is_empty() {
        let rows = (studio.queue.len() as f32).min(QUEUE_ROWS);
        Panel::bottom("queue")
            .exact_size(QUEUE_HEAD + rows * QUEUE_ROW)
            .frame(Frame::new().inner_margin(margin))
            .show(ui, |ui| queue(ui, studio, strip.actions));
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
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 14.0;
            ui.add_space(2.0);
            let side = (ui.available_width() - 4.0).min(theme::THUMBNAIL * 2.0);
            if let Some(run) = &studio.run {
                running(ui, run, side, &mut strip);
            }
            for outcome in &studio.outcomes {
                result(ui, outcome, side, &mut strip);
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

/// Opens the history, or goes back from it.
pub(crate) fn history_button(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    if icon_button(ui, icon::SEARCH, HISTORY).clicked() {
        actions.push(ViewAction::Page(other_page(studio)).into());
    }
}

fn other_page(studio: &Studio) -> Page {
    match studio.page {
        Page::History => Page::Canvas,
        Page::Canvas | Page::Models | Page::Mishaps | Page::World => Page::History,
    }
}

fn running(ui: &mut Ui, run: &Run, side: f32, strip: &mut Strip<'_>) {
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
        size: vec2(side, side),
        chosen: Chosen::from(strip.studio.shown == Shown::Run),
        words: "starting",
    };
    let response = tile.show(ui);
    let share = run.rows().saturating_sub(rows.start) as f32 / rows.len().max(1) as f32;
    let undrawn = response.rect.split_top_bottom_at_fraction(share).1;
    ui.painter()
        .rect_filled(undrawn.shrink2(vec2(1.0, 0.0)), 0, palette.field);
    let bar = Rect::from_min_size(
        response.rect.left_bottom() - vec2(0.0, 4.0),
        vec2(response.rect.width() * share, 4.0),
    );
    ui.painter().rect_filled(bar, 0, palette.accent);
    if response.on_hover_text(run.order.request.title()).clicked() {
        strip.actions.push(RunAction::Show.into());
    }
}

fn result(ui: &mut Ui, outcome: &Outcome, side: f32, strip: &mut Strip<'_>) {
    let studio = strip.studio;
    let (texture, words) = small(ui, outcome, strip);
    let on_canvas = studio.shown_outcome().is_some_and(|shown| shown.id == outcome.id);
    let shown = on_canvas || studio.compared == Some(outcome.id);
    let gone = if outcome.gone { ", gone" } else { "" };
    let tile = Tile {
        texture: texture.as_ref(),
        name: &format!("Result: {}, seed {}{gone}", outcome.title, outcome.seed),
        size: vec2(side, side),
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
}

/// The picture of a tile, or the words in its place.
fn small(ui: &Ui, outcome: &Outcome, strip: &mut Strip<'_>) -> (Option<TextureHandle>, &'static str) {
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

fn queue(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
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
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (index, order) in studio.queue.orders().enumerate() {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                let title = order.request.title();
                let width = (ui.available_width() - 64.0).max(20.0);
                let label = Label::new(palette.body(title)).truncate().sense(Sense::hover());
                ui.add_sized(vec2(width, 20.0), label).on_hover_text(title);
                let name = |what: &str| format!("{what}: {} {title}", index + 1);
                if small_icon(ui, icon::TO_FRONT, &name("To the front")).clicked() {
                    actions.push(QueueAction::Front(order.id).into());
                }
                if small_icon(ui, icon::UP, &name("Earlier")).clicked() {
                    actions.push(QueueAction::MoveTo(order.id, index.saturating_sub(1)).into());
                }
                if small_icon(ui, icon::CLOSE, &name("Remove")).clicked() {
                    actions.push(QueueAction::Remove(order.id).into());
                }
            });
        }
    });
}
