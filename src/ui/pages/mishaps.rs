//! What went wrong: what happened, why, what to do, newest first.

use crate::state::{Action, Mishap, Page, Studio, ViewAction};
use crate::ui::app::focus;
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{card, named};
use egui::{Align, Layout, Margin, RichText, ScrollArea, Ui};

pub(crate) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    focus::scroll(ScrollArea::vertical().auto_shrink(false), ui, |ui| {
        egui::Frame::new().inner_margin(Margin::same(32)).show(ui, |ui| {
            ui.set_max_width(640.0);
            ui.label(palette.title("What went wrong"));
            let words = match studio.mishaps.is_empty() {
                true => "Nothing so far. What goes wrong while the window is open stands here.",
                false => "The newest first. Nothing of it is sent anywhere.",
            };
            ui.label(palette.secondary(words));
            ui.add_space(theme::PAD);
            for (index, mishap) in studio.mishaps.iter().enumerate() {
                one(ui, index, mishap, studio);
                ui.add_space(theme::GAP);
            }
            ui.horizontal(|ui| {
                if ui.button("Back to the canvas").clicked() {
                    actions.push(ViewAction::Page(Page::Canvas).into());
                }
                if !studio.mishaps.is_empty() {
                    if ui.button("Copy all details").clicked() {
                        let all: Vec<String> = studio
                            .mishaps
                            .iter()
                            .map(|mishap| details(mishap, studio))
                            .collect();
                        ui.ctx().copy_text(all.join("\n"));
                    }
                    if ui.button("Clear the list").clicked() {
                        actions.push(ViewAction::ForgetMishaps.into());
                    }
                }
            });
        });
    });
}

fn one(ui: &mut Ui, index: usize, mishap: &Mishap, studio: &Studio) {
    let palette = Palette::of(ui);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(
                RichText::new(icon::WARNING)
                    .font(theme::regular(16.0))
                    .color(palette.danger),
            );
            ui.label(palette.strong(mishap.title.clone()));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let at = mishap.at.clone().unwrap_or_default();
                let at = match mishap.times {
                    1 => at,
                    times => format!("{times} times, last {at}"),
                };
                ui.label(palette.secondary(at));
            });
        });
        let parts = [("Why", &mishap.reason), ("What to do", &mishap.remedy)];
        for (label, text) in parts.into_iter().filter(|(_, text)| !text.is_empty()) {
            ui.label(palette.label(label));
            ui.add(egui::Label::new(palette.body(text.clone())).wrap());
        }
        let response = ui.button("Copy details");
        named(
            ui,
            &response,
            &format!("Copy details {}: {}", index + 1, mishap.title),
        );
        if response.clicked() {
            ui.ctx().copy_text(details(mishap, studio));
        }
    });
}

/// What helps somebody else to understand it.
pub(crate) fn details(mishap: &Mishap, studio: &Studio) -> String {
    format!(
        "{}\n{}\n{}\n{} · {} time(s)\n\nLumina Studio {} · {} {} · model {}\n",
        mishap.title,
        mishap.reason,
        mishap.remedy,
        mishap.at.as_deref().unwrap_or("just now"),
        mishap.times,
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        studio.model_name(),
    )
}
