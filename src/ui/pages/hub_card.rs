//! Models of the Hugging Face Hub: which there are, what is here of them, and a download as it goes.

use super::row::{button, text};
use crate::state::{Action, HubAction, HubKind, HubWork, ImportAction, Stopping, Studio};
use crate::task::{HubShelf, Offered, Stored, StoredKind, TransferPhase, gigabytes};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Weight, big_button, card, named, progress_bar};
use egui::accesskit::Role;
use egui::{Label, TextEdit, Ui, WidgetInfo};

/// A repository as it is shown.
struct Shown<'a> {
    repository: &'a str,
    offered: Option<&'a Offered>,
    stored: Option<&'a Stored>,
}

pub(crate) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let Some(shelf) = &studio.models.hub.shelf else {
        return;
    };
    let free = shelf
        .free_bytes
        .map(|free| format!(", {} free", gigabytes(free)))
        .unwrap_or_default();
    let place = format!("Models are fetched into {}{free}.", shelf.cache.display());
    ui.add(Label::new(palette.secondary(place)).wrap());
    if let Some(remark) = &shelf.remark {
        ui.add(Label::new(palette.secondary(remark.clone())).wrap());
    }
    for shown in all(shelf) {
        ui.add_space(4.0);
        repository(ui, studio, &shown, actions);
    }
    if let Some(work) = &studio.models.hub.work
        && all(shelf).iter().all(|shown| shown.repository != work.repository)
    {
        ui.add_space(4.0);
        let shown = Shown {
            repository: &work.repository,
            offered: None,
            stored: None,
        };
        repository(ui, studio, &shown, actions);
    }
    another(ui, studio, actions);
}

fn all(shelf: &HubShelf) -> Vec<Shown<'_>> {
    let offered = shelf.offered.iter().map(|offered| Shown {
        repository: &offered.repository,
        offered: Some(offered),
        stored: shelf.stored(&offered.repository),
    });
    let others = shelf
        .stored
        .iter()
        .filter(|stored| shelf.offered(&stored.repository).is_none());
    let others = others.map(|stored| Shown {
        repository: &stored.repository,
        offered: None,
        stored: Some(stored),
    });
    offered.chain(others).collect()
}

/// What is here of it, in words.
fn state(stored: Option<&Stored>) -> String {
    match stored {
        None => "Not on this computer".to_owned(),
        Some(stored) if stored.is_whole() => format!("On this computer \u{b7} {}", gigabytes(stored.bytes)),
        Some(stored) => format!("{} of it are on this computer", gigabytes(stored.bytes)),
    }
}

fn repository(ui: &mut Ui, studio: &Studio, shown: &Shown<'_>, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let hub = &studio.models.hub;
    let name = shown.repository;
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            text(ui, |ui| {
                ui.label(palette.strong(name));
                if let Some(offered) = shown.offered {
                    ui.add(Label::new(palette.body(offered.about.clone())).wrap());
                    let size = offered.bytes.map(|bytes| format!("about {}", gigabytes(bytes)));
                    let licence = offered
                        .licence
                        .as_ref()
                        .map(|licence| format!("licence {licence}"));
                    let facts: Vec<String> = [size, licence].into_iter().flatten().collect();
                    if !facts.is_empty() {
                        ui.label(palette.secondary(facts.join(" \u{b7} ")));
                    }
                }
                if hub.work_on(name).is_none() {
                    ui.add(Label::new(palette.secondary(state(shown.stored))).wrap());
                }
                if let Some((_, words)) = hub.said.as_ref().filter(|(said, _)| said == name) {
                    ui.add(Label::new(palette.body(words.clone())).wrap());
                }
            });
            if hub.work_on(name).is_none() {
                ui.vertical(|ui| buttons(ui, studio, shown, actions));
            }
        });
        if let Some(work) = hub.work_on(name) {
            running(ui, work, actions);
        }
        if hub.leaving.as_deref() == Some(name) {
            leaving(ui, shown, actions);
        }
    });
}

fn buttons(ui: &mut Ui, studio: &Studio, shown: &Shown<'_>, actions: &mut Vec<Action>) {
    let name = shown.repository.to_owned();
    let is_busy = studio.models.hub.work.is_some();
    let is_whole = shown.stored.is_some_and(Stored::is_whole);
    let mut offer = |ui: &mut Ui, words: &str, action: HubAction| {
        button(ui, words, &format!("{words} {name}"), is_busy, || {
            actions.push(action.into())
        });
    };
    match (is_whole, shown.stored) {
        (false, None) => offer(ui, "Get", HubAction::Get(name.clone())),
        (false, Some(_)) => offer(ui, "Go on", HubAction::Get(name.clone())),
        (true, _) => offer(ui, "Verify", HubAction::Verify(name.clone())),
    }
    if shown.stored.is_some() {
        offer(ui, "Delete …", HubAction::AskDelete(name.clone()));
    }
    let snapshot = shown
        .stored
        .filter(|stored| stored.kind == StoredKind::Model && stored.is_whole());
    if let Some(snapshot) = snapshot.and_then(|stored| stored.snapshot.clone()) {
        button(
            ui,
            "Import …",
            &format!("Import the model {name}"),
            false,
            || {
                actions.push(ImportAction::PlanFor(snapshot).into());
            },
        );
    }
}

/// What a download, or a check, is at.
fn words(work: &HubWork) -> String {
    match (work.stopping, work.step.phase) {
        (Stopping::Pause | Stopping::Discard, _) => "Stopping …".to_owned(),
        (Stopping::No, TransferPhase::Checking) => format!("Checking: {}", work.step.words()),
        (Stopping::No, TransferPhase::Asking | TransferPhase::Fetching) => match work.kind {
            HubKind::Verify => "Checking …".to_owned(),
            HubKind::Get => work.step.words(),
        },
    }
}

fn running(ui: &mut Ui, work: &HubWork, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.label(palette.body(words(work)));
    progress_bar(ui, work.step.share() as f32);
    let step = &work.step;
    if step.files > 0 {
        let files = format!("{} of {} files \u{b7} {}", step.files_done, step.files, step.file);
        ui.add(Label::new(palette.secondary(files)).truncate());
    }
    if let Some(remark) = &work.remark {
        ui.add(Label::new(palette.secondary(remark.clone())).wrap());
    }
    ui.horizontal(|ui| {
        ui.add_enabled_ui(work.stopping == Stopping::No, |ui| {
            if work.kind == HubKind::Get {
                let pause = big_button(ui, "Pause", Weight::Plain, 110.0);
                named(ui, &pause, "Pause the download");
                if pause
                    .on_hover_text("What came is kept; Go on fetches the rest")
                    .clicked()
                {
                    actions.push(HubAction::Pause.into());
                }
            }
            let cancel = big_button(ui, "Cancel", Weight::Danger, 110.0);
            named(ui, &cancel, "Cancel the download");
            if cancel
                .on_hover_text("Files that are not whole are thrown away")
                .clicked()
            {
                actions.push(HubAction::Cancel.into());
            }
        });
    });
}

fn leaving(ui: &mut Ui, shown: &Shown<'_>, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let bytes = shown.stored.map_or(0, |stored| stored.bytes);
    let words = format!(
        "Delete it? That frees {}; it can be fetched again.",
        gigabytes(bytes)
    );
    ui.add(Label::new(palette.body(words)).wrap());
    ui.horizontal(|ui| {
        let delete = big_button(ui, "Delete", Weight::Danger, 110.0);
        named(ui, &delete, "Delete it from this computer");
        if delete.clicked() {
            actions.push(HubAction::Delete(shown.repository.to_owned()).into());
        }
        let keep = big_button(ui, "Keep", Weight::Plain, 110.0);
        named(ui, &keep, "Keep it on this computer");
        if keep.clicked() {
            actions.push(HubAction::KeepIt.into());
        }
    });
}

/// A repository of the user's choice.
fn another(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.add_space(theme::GAP);
    ui.label(palette.label("Another repository"));
    ui.horizontal(|ui| {
        let mut typed = studio.models.hub.typed.clone();
        let edit = TextEdit::singleline(&mut typed)
            .hint_text("OWNER/NAME")
            .desired_width(320.0);
        let response = ui.add(edit);
        response
            .widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Repository on the Hugging Face Hub"));
        if response.changed() {
            actions.push(HubAction::Type(typed.clone()).into());
        }
        let is_off = studio.models.hub.work.is_some() || typed.trim().is_empty();
        button(ui, "Get", "Get the repository that is typed", is_off, || {
            actions.push(HubAction::Get(typed.trim().to_owned()).into());
        });
    });
}
