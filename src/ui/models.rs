//! The models page: which model draws, which others there are, what it was made for.

use super::theme::{self, Palette};
use super::widgets::{Weight, big_button, card};
use crate::state::{Action, Model, Page, Studio};
use egui::{Margin, ScrollArea, Ui};

pub(super) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        egui::Frame::new().inner_margin(Margin::same(32)).show(ui, |ui| {
            ui.set_max_width(640.0);
            ui.label(palette.title("Models"));
            ui.label(palette.secondary("Pictures are drawn on this computer; nothing is sent anywhere."));
            ui.add_space(theme::PAD);
            present(ui, studio);
            ui.add_space(theme::PAD);
            starter(ui, studio, actions);
            for path in &studio.recent_models {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let used = studio.model_path.as_ref() == Some(path);
                let about = format!("{}{}", path.display(), size_of(path));
                entry(ui, &name, &about, used, Action::LoadModel(Some(path.clone())), actions);
            }
            ui.add_space(theme::PAD);
            if big_button(ui, "Open a model file …", Weight::Main, 240.0).clicked() {
                actions.push(Action::BrowseModel);
            }
            ui.add_space(4.0);
            let words = "A .gguf of Lumina-mGPT 2.0. One is made of the Hugging Face folder by `lumina-studio import`.";
            ui.label(palette.secondary(words));
            ui.add_space(theme::PAD);
            if ui.button("Back to the canvas").clicked() {
                actions.push(Action::Page(Page::Canvas));
            }
        });
    });
}

/// The model that is there, or why none is.
fn present(ui: &mut Ui, studio: &Studio) {
    let palette = Palette::of(ui);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        match &studio.model {
            Model::Loading => {
                ui.label(palette.strong("Loading …"));
            }
            Model::Failed(failure) => {
                ui.label(palette.strong("No model"));
                ui.label(palette.body(failure.message.clone()));
            }
            Model::Ready {
                name,
                profile,
                seconds,
            } => {
                ui.label(palette.strong(name.clone()));
                ui.label(palette.secondary(format!("{} · loaded in {seconds:.1} s", profile.device)));
                for skill in &profile.skills {
                    let maps: Vec<&str> = skill.maps.iter().map(|map| map.name()).collect();
                    let maps = if maps.is_empty() {
                        String::new()
                    } else {
                        format!(" ({})", maps.join(", "))
                    };
                    let sizes = match skill.sizes.len() {
                        0 => "any size".to_owned(),
                        1 => skill.sizes[0].to_string(),
                        count => format!("{count} sizes"),
                    };
                    ui.label(palette.secondary(format!("{}{maps}: {sizes}", skill.mode)));
                }
            }
        }
    });
}

fn starter(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let about = "a small model of a small world: 60 things on 18 backgrounds, 128 × 128 px";
    let used = studio.model_path.is_none();
    entry(
        ui,
        "Built-in starter",
        about,
        used,
        Action::LoadModel(None),
        actions,
    );
}

fn entry(ui: &mut Ui, name: &str, about: &str, used: bool, action: Action, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.set_width((ui.available_width() - 90.0).max(100.0));
                ui.label(palette.strong(name));
                ui.label(palette.secondary(about));
            });
            let button = egui::Button::new(if used { "In use" } else { "Use" });
            let response = ui.add_enabled(!used, button);
            super::widgets::named(ui, &response, &format!("Use {name}"));
            if response.clicked() {
                actions.push(action);
            }
        });
    });
}

/// The file's size in words; nothing when it is gone.
fn size_of(path: &std::path::Path) -> String {
    match std::fs::metadata(path) {
        Ok(file) => format!(" · {:.1} GB", file.len() as f64 / 1e9),
        Err(_) => " · the file is gone".to_owned(),
    }
}
