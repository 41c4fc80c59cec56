//! The strip at the right: results, newest first, and the queue below.

use super::textures::Textures;
use super::theme::{self, Palette, icon};
use super::widgets::{Chosen, Tile, small_icon};
use crate::state::{Action, Ended, Outcome, OutcomeId, Run, Shown, Studio, thumbnail};
use egui::{Frame, Label, Margin, Panel, Rect, Response, ScrollArea, Sense, Ui, vec2};

/// Rows of the queue that are shown without scrolling.
const QUEUE_ROWS: f32 = 4.0;
/// Heights of one of them, and of all that is around them.
const QUEUE_ROW: f32 = 24.0;
const QUEUE_HEAD: f32 = 52.0;

pub(super) fn show(ui: &mut Ui, studio: &Studio, textures: &mut Textures, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let margin = Margin::symmetric(13, 12);
    if !studio.queue.is_empty() {
        let rows = (studio.queue.len() as f32).min(QUEUE_ROWS);
        Panel::bottom("queue")
            .exact_size(QUEUE_HEAD + rows * QUEUE_ROW)
            .frame(Frame::new().inner_margin(margin))
            .show(ui, |ui| queue(ui, studio, actions));
    }
    Frame::new().inner_margin(margin).show(ui, |ui| {
        ui.label(
            palette.secondary(if studio.outcomes.is_empty() && studio.run.is_none() {
                "Results"
            } else {
                "Today"
            }),
        );
        if studio.outcomes.is_empty() && studio.run.is_none() {
            ui.add_space(4.0);
            ui.add(Label::new(palette.secondary("appear here and are always saved")).wrap());
            return;
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 14.0;
            ui.add_space(2.0);
            let side = (ui.available_width() - 4.0).min(theme::THUMBNAIL * 2.0);
            if let Some(run) = &studio.run {
                running(ui, run, studio, textures, side, actions);
            }
            for outcome in &studio.outcomes {
                result(ui, outcome, studio, textures, side, actions);
            }
        });
    });
}

fn running(
    ui: &mut Ui,
    run: &Run,
    studio: &Studio,
    textures: &mut Textures,
    side: f32,
    actions: &mut Vec<Action>,
) {
    let palette = Palette::of(ui);
    let rows = run.shown_rows();
    let stamp = run.order.id.0 << 32 | u64::from(run.rows());
    let small = run.lanes.first().map(|lane| {
        textures.run(ui.ctx(), stamp, || {
            let (from, to) = (rows.start * 8, rows.end * 8);
            thumbnail(&lane.preview.rows(from, to), theme::THUMBNAIL as u32)
        })
    });
    let tile = Tile {
        texture: small.as_ref(),
        name: &format!("Being drawn: {}", run.order.request.title()),
        size: vec2(side, side),
        chosen: Chosen::from(studio.shown == Shown::Run),
        words: "starting",
    };
    let response = tile.show(ui);
    let share = run.rows().saturating_sub(rows.start) as f32 / rows.len().max(1) as f32;
    let bar = Rect::from_min_size(
        response.rect.left_bottom() - vec2(0.0, 4.0),
        vec2(response.rect.width() * share, 4.0),
    );
    ui.painter().rect_filled(bar, 0, palette.accent);
    if response.on_hover_text(run.order.request.title()).clicked() {
        actions.push(Action::ShowRun);
    }
}

fn result(
    ui: &mut Ui,
    outcome: &Outcome,
    studio: &Studio,
    textures: &mut Textures,
    side: f32,
    actions: &mut Vec<Action>,
) {
    let small = outcome.thumbnail.as_ref();
    let texture = small.map(|small| textures.outcome(ui.ctx(), outcome.id, small));
    let shown = studio.shown == Shown::Outcome(outcome.id) || studio.compared == Some(outcome.id);
    let tile = Tile {
        texture: texture.as_ref(),
        name: &format!("Result: {}, seed {}", outcome.title, outcome.seed),
        size: vec2(side, side),
        chosen: Chosen::from(shown),
        words: "reading",
    };
    let response = tile.show(ui);
    let stopped = if outcome.ended == Ended::Stopped {
        " · stopped"
    } else {
        ""
    };
    let tip = format!(
        "{}\nseed {} · {} × {} px{stopped}\nShift-click compares",
        outcome.title, outcome.seed, outcome.size.width, outcome.size.height
    );
    let response = response.on_hover_text(tip);
    if response.clicked() {
        let compares = ui.ctx().input(|input| input.modifiers.shift);
        actions.push(if compares {
            Action::Compare(outcome.id)
        } else {
            Action::Show(outcome.id)
        });
    }
    menu(&response, outcome.id, outcome, actions);
}

fn menu(response: &Response, id: OutcomeId, outcome: &Outcome, actions: &mut Vec<Action>) {
    response.context_menu(|ui| {
        let entries = [
            ("Show", Action::Show(id)),
            ("Compare with the shown one", Action::Compare(id)),
            ("Use its settings", Action::UseSettings(id)),
            ("Edit this picture", Action::UseAsSource(id)),
            ("Use as a subject", Action::UseAsReference(id)),
        ];
        for (name, action) in entries {
            if ui.button(name).clicked() {
                actions.push(action);
            }
        }
        if outcome.ended == Ended::Stopped && ui.button("Finish it").clicked() {
            actions.push(Action::Finish(id));
        }
        if let Some(pixels) = &outcome.pixels
            && ui.button("Copy").clicked()
        {
            ui.ctx().copy_image(super::textures::colour_image(pixels));
        }
        ui.separator();
        if ui
            .button("Take off the strip")
            .on_hover_text("The file stays")
            .clicked()
        {
            actions.push(Action::RemoveOutcome(id));
        }
    });
}

fn queue(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.spacing_mut().item_spacing.y = 4.0;
    ui.spacing_mut().interact_size.y = 20.0;
    ui.horizontal(|ui| {
        ui.label(palette.secondary(format!("Queue · {}", studio.queue.len())));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if small_icon(ui, icon::CLOSE, "Clear the queue").clicked() {
                actions.push(Action::ClearQueue);
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
                    actions.push(Action::Front(order.id));
                }
                if small_icon(ui, icon::UP, &name("Earlier")).clicked() {
                    actions.push(Action::Place(order.id, index.saturating_sub(1)));
                }
                if small_icon(ui, icon::CLOSE, &name("Remove")).clicked() {
                    actions.push(Action::Remove(order.id));
                }
            });
        }
    });
}
