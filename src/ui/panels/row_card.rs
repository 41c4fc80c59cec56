//! The row of tools under the picture while a row of it is marked.

use super::lower_card::over;
use crate::state::{Action, RowAction, Shown, Studio, Words};
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{Chosen, chip, pressed_once, small_icon};
use egui::{Align, Button, Layout, Rect, RichText, Ui, vec2};

/// Letters of the prompt that are shown.
const LETTERS: usize = 24;

pub(crate) fn show(ui: &mut Ui, rect: Rect, (studio, row): (&Studio, u32), actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    over(ui, rect, vec2(640.0, 50.0), |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let words = RichText::new(format!("Draw again from row {row}"))
                .font(theme::semibold(theme::BODY))
                .color(palette.on_accent);
            let again = Button::new(words)
                .fill(palette.accent)
                .min_size(vec2(0.0, 26.0));
            let again = ui.add(again).on_hover_text(
                "The rows above stay, the rest is drawn anew; the picture as it is stays in the strip (Alt+Enter)",
            );
            if pressed_once(&again) {
                actions.push(RowAction::DrawAgain.into());
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if small_icon(ui, icon::CLOSE, "Take the mark away (Esc)").clicked() {
                    actions.push(RowAction::Unmark.into());
                }
                if row > 0 && studio.run.as_ref().is_none_or(|_| studio.shown != Shown::Run) {
                    let words = RichText::new("New picture").font(theme::medium(theme::BODY));
                    let start = ui.add(Button::new(words).min_size(vec2(0.0, 26.0))).on_hover_text(
                        "Begins another picture of this width with the rows above: by the words, size and seed at the left",
                    );
                    if pressed_once(&start) {
                        actions.push(RowAction::StartNew.into());
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    by_words(ui, studio, row, actions);
                });
            });
        });
    });
}

/// By which words, where there are two to choose from.
fn by_words(ui: &mut Ui, studio: &Studio, row: u32, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let Some(other) = studio.other_words(row) else {
        ui.label(palette.secondary("the same words, another seed"));
        return;
    };
    let mut short: String = other.chars().take(LETTERS).collect();
    if short.len() < other.len() {
        short += "…";
    }
    let taken = studio.words_taken(row);
    for (words, name, tip) in [
        (
            Words::Its,
            "Its words".to_owned(),
            "The words it was drawn by, another seed",
        ),
        (
            Words::OfPrompt,
            short,
            "The words in the prompt, from this row on",
        ),
    ] {
        let chosen = Chosen::from(taken == words);
        if chip(ui, &name, chosen).on_hover_text(tip).clicked() {
            actions.push(RowAction::Take(words).into());
        }
    }
}
