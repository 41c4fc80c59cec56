//! The import of a Hugging Face folder: what goes in, what comes out, how far it is.

use super::fit_table;
use super::model_name::name_of;
use crate::state::{Action, Asked, Ending, Import, ImportAction, ModelAction, Studio, import_seconds_left};
use crate::task::{ImportStep, ImportWish, gigabytes, time_left};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Weight, big_button, card, progress_bar};
use egui::{Label, Ui};
use std::path::Path;

pub(crate) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let import = &studio.models.import;
    if *import == Import::None {
        return;
    }
    ui.add_space(theme::GAP);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        match import {
            Import::None => {}
            Import::Planned(wish) => planned(ui, studio, wish, actions),
            Import::Running {
                wish,
                step,
                elapsed_secs,
                ending,
            } => running(ui, wish, (step, *elapsed_secs), *ending, actions),
            Import::Done { path, remarks } => done(ui, studio, path, remarks, actions),
        }
    });
}

fn act(actions: &mut Vec<Action>, action: ImportAction) {
    actions.push(action.into());
}

/// A path and the button that changes it.
fn place(ui: &mut Ui, label: &str, path: &str, change: &str) -> bool {
    let palette = Palette::of(ui);
    ui.label(palette.label(label));
    ui.horizontal(|ui| {
        let pressed = ui.button(change).clicked();
        ui.add(Label::new(palette.body(path)).truncate())
            .on_hover_text(path);
        pressed
    })
    .inner
}

fn planned(ui: &mut Ui, studio: &Studio, wish: &ImportWish, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.label(palette.strong(format!("Import {}", name_of(&wish.folder))));
    if place(
        ui,
        "Folder",
        &wish.folder.display().to_string(),
        "Choose the folder …",
    ) {
        act(actions, ImportAction::Ask(Asked::Folder));
    }
    let movq = match &wish.movq {
        Some(path) => path.display().to_string(),
        None => "not found: movqgan_270M.ckpt of ai-forever/MoVQGAN is needed, too".to_owned(),
    };
    if place(ui, "Image tokenizer (MoVQ)", &movq, "Choose the tokenizer …") {
        act(actions, ImportAction::Ask(Asked::Movq));
    }
    fit_table::show(ui, studio, wish, actions);
    let output = wish.output.display().to_string();
    if place(ui, "The model file", &output, "Save elsewhere …") {
        act(actions, ImportAction::Ask(Asked::Output));
    }
    if wish.output.exists() {
        ui.label(palette.secondary("A file of this name is there: it is replaced when the import is whole."));
    }
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let import = |ui: &mut Ui| big_button(ui, "Import and open", Weight::Main, 160.0);
        let response = ui.add_enabled_ui(wish.movq.is_some(), import).inner;
        let why = "Choose the image tokenizer first";
        if response.on_disabled_hover_text(why).clicked() {
            act(actions, ImportAction::Start);
        }
        if big_button(ui, "Not now", Weight::Plain, 110.0).clicked() {
            act(actions, ImportAction::Close);
        }
    });
}

fn running(
    ui: &mut Ui,
    wish: &ImportWish,
    (step, elapsed_secs): (&ImportStep, f64),
    ending: Ending,
    actions: &mut Vec<Action>,
) {
    let palette = Palette::of(ui);
    let share = step.done as f64 / step.of.max(1) as f64;
    ui.label(palette.strong(format!(
        "Importing {} as {}",
        name_of(&wish.folder),
        wish.format.name()
    )));
    let what = match (ending, step.of) {
        (Ending::Asked, _) => "Stopping …".to_owned(),
        (Ending::No, 0) => "Reading the checkpoint's headers …".to_owned(),
        (Ending::No, of) => {
            let left = import_seconds_left(step, elapsed_secs).map(time_left);
            format!(
                "{:.0} % · {} of {} · {}",
                100.0 * share,
                gigabytes(step.done),
                gigabytes(of),
                left.unwrap_or_default()
            )
        }
    };
    ui.label(palette.body(what));
    progress_bar(ui, share as f32);
    ui.add(Label::new(palette.secondary(step.name.clone())).truncate());
    let cancel = |ui: &mut Ui| big_button(ui, "Cancel", Weight::Danger, 110.0);
    let response = ui.add_enabled_ui(ending == Ending::No, cancel).inner;
    if response.on_hover_text("Nothing is left behind").clicked() {
        act(actions, ImportAction::Cancel);
    }
}

fn done(ui: &mut Ui, studio: &Studio, path: &Path, remarks: &[String], actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.label(palette.strong("Imported"));
    if studio.models.pending.as_deref() == Some(path) {
        ui.label(palette.secondary("It is being opened …"));
    }
    ui.add(Label::new(palette.body(path.display().to_string())).wrap());
    for remark in remarks {
        ui.add(Label::new(palette.secondary(remark.clone())).wrap());
    }
    ui.horizontal(|ui| {
        if big_button(ui, "Use it", Weight::Main, 140.0).clicked() {
            act(actions, ImportAction::Close);
            actions.push(ModelAction::Load(Some(path.to_owned())).into());
        }
        if big_button(ui, "Later", Weight::Plain, 110.0).clicked() {
            act(actions, ImportAction::Close);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_bytes() {
        let step = ImportStep {
            name: String::new(),
            done: 25,
            of: 100,
        };
        assert_eq!(import_seconds_left(&step, 10.0), Some(30.0));
        assert_eq!(import_seconds_left(&ImportStep::default(), 10.0), None);
    }
}
