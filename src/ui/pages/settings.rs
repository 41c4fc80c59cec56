//! The settings page: where pictures go and how they are named, what is offered on export, how the
//! program computes, what it says and what it writes down.

use super::writer_settings;
use crate::state::{Action, ColourScheme, ModelAction, Page, PreferenceAction, Studio, ViewAction};
use crate::task::{Device, Export, KvCache, LogLevel, LogPrompts, Naming, WhenDone};
use crate::ui::app::focus;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Chosen, card, chip};
use egui::{Align, Label, Layout, Margin, ScrollArea, Ui};
use std::path::Path;

/// What the page reads and tells.
pub(crate) struct SettingsPage<'a> {
    pub(crate) studio: &'a Studio,
    /// Where pictures go unless another folder is chosen.
    pub(crate) own_pictures: &'a Path,
    pub(crate) log: &'a Path,
    pub(crate) actions: &'a mut Vec<Action>,
}

pub(crate) fn show(ui: &mut Ui, mut page: SettingsPage<'_>) {
    let palette = Palette::of(ui);
    focus::scroll(ScrollArea::vertical().auto_shrink(false), ui, |ui| {
        egui::Frame::new().inner_margin(Margin::same(32)).show(ui, |ui| {
            ui.set_max_width(640.0);
            ui.horizontal(|ui| {
                ui.label(palette.title("Settings"));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button("Back to the canvas").clicked() {
                        page.actions.push(ViewAction::Page(Page::Canvas).into());
                    }
                });
            });
            ui.label(palette.secondary("What is chosen holds at once, unless it says otherwise."));
            ui.add_space(theme::PAD);
            section(ui, "Pictures", |ui| pictures(ui, &mut page));
            section(ui, "Drawing", |ui| drawing(ui, &mut page));
            section(ui, "Prompts", |ui| {
                writer_settings::show(ui, page.studio, page.actions)
            });
            section(ui, "The window", |ui| window(ui, &mut page));
            section(ui, "Log and diagnostics", |ui| log(ui, &mut page));
        });
    });
}

fn section(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    let palette = Palette::of(ui);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(palette.section(title));
        content(ui);
    });
    ui.add_space(theme::GAP);
}

/// A choice among a few, each with its words.
fn choice<T: Copy + PartialEq>(ui: &mut Ui, name: &str, now: T, offers: &[(&str, T)]) -> Option<T> {
    let palette = Palette::of(ui);
    let mut pressed = None;
    ui.label(palette.label(name));
    ui.horizontal_wrapped(|ui| {
        for (words, value) in offers {
            if chip(ui, words, Chosen::from(*value == now)).clicked() {
                pressed = Some(*value);
            }
        }
    });
    pressed
}

fn said(ui: &mut Ui, words: impl Into<String>) {
    let palette = Palette::of(ui);
    ui.add(Label::new(palette.secondary(words)).wrap());
}

impl SettingsPage<'_> {
    fn prefer(&mut self, action: PreferenceAction) {
        self.actions.push(action.into());
    }
}

fn pictures(ui: &mut Ui, page: &mut SettingsPage<'_>) {
    let palette = Palette::of(ui);
    let preferences = &page.studio.preferences;
    ui.label(palette.label("Where they go"));
    let folder = preferences.pictures.as_deref().unwrap_or(page.own_pictures);
    said(ui, format!("{}, a folder a day", folder.display()));
    let is_own = preferences.pictures.is_none();
    ui.horizontal(|ui| {
        if ui.button("Another folder \u{2026}").clicked() {
            page.prefer(PreferenceAction::AskForFolder);
        }
        if !is_own && ui.button("Back to the folder of the system").clicked() {
            page.prefer(PreferenceAction::Pictures(None));
        }
    });
    said(
        ui,
        "Pictures that are there already stay where they are; the history shows those of the folder chosen.",
    );
    let names = [
        ("Time, seed, words", Naming::TimeSeedWords),
        ("Time, words", Naming::TimeWords),
        ("Time, seed", Naming::TimeSeed),
    ];
    if let Some(naming) = choice(ui, "How they are named", preferences.naming, &names) {
        page.prefer(PreferenceAction::Naming(naming));
    }
    let example = preferences.naming.stem("143207", 482_913, "a-fox-on-the-beach");
    said(ui, format!("{example}.png"));
    let formats = Export::ALL.map(|format| (format.name(), format));
    if let Some(format) = choice(ui, "Saved elsewhere as", preferences.export, &formats) {
        page.prefer(PreferenceAction::Export(format));
    }
    said(
        ui,
        match preferences.export {
            Export::Png => "The whole file with its settings and codes: it can be drawn on and finished.",
            Export::Jpeg | Export::WebP => {
                "A smaller file with its settings inside; the kept PNG stays as it is."
            }
        },
    );
}

fn drawing(ui: &mut Ui, page: &mut SettingsPage<'_>) {
    let preferences = &page.studio.preferences;
    let devices = [Device::Auto, Device::Cpu, Device::Cuda].map(|device| (device.title(), device));
    if let Some(device) = choice(ui, "Draw on", page.studio.models.device, &devices) {
        page.actions.push(ModelAction::Device(device).into());
    }
    said(
        ui,
        "What there is, and why another one is not used, stands on the models page.",
    );
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts = vec![("All cores".to_owned(), None)];
    let some = [1, 2, 4, 8, 16, 32, 64];
    counts.extend(
        some.into_iter()
            .filter(|count| *count < cores)
            .map(|count| (count.to_string(), Some(count))),
    );
    let offers: Vec<(&str, Option<usize>)> = counts
        .iter()
        .map(|(words, count)| (words.as_str(), *count))
        .collect();
    if let Some(threads) = choice(ui, "Threads of the processor", preferences.threads, &offers) {
        page.prefer(PreferenceAction::Threads(threads));
    }
    said(
        ui,
        format!("This computer has {cores}. It holds from the next start on."),
    );
    let caches = [
        ("8 bits: half the memory", KvCache::Bytes),
        ("16 bits: finer", KvCache::Half),
    ];
    if let Some(cache) = choice(ui, "Memory of the drawing on a card", preferences.cache, &caches) {
        page.prefer(PreferenceAction::Cache(cache));
    }
    said(
        ui,
        "How keys and values are kept on an NVIDIA card. It holds for the next model that is loaded.",
    );
}

fn window(ui: &mut Ui, page: &mut SettingsPage<'_>) {
    let schemes = [
        ("As the system", ColourScheme::System),
        ("Dark", ColourScheme::Dark),
        ("Light", ColourScheme::Light),
    ];
    if let Some(scheme) = choice(ui, "Colours", page.studio.view.scheme, &schemes) {
        page.actions.push(ViewAction::Scheme(scheme).into());
    }
    let zooms = [
        ("100 %", 1.0_f32),
        ("125 %", 1.25),
        ("150 %", 1.5),
        ("200 %", 2.0),
    ];
    if let Some(zoom) = choice(ui, "Interface size", page.studio.view.zoom, &zooms) {
        page.actions.push(ViewAction::Zoom(zoom).into());
    }
    // Told over the session's bus, which other systems have not.
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return;
    }
    let offers = [
        ("Say nothing", WhenDone::Nothing),
        ("Tell the desktop", WhenDone::Notify),
    ];
    let now = page.studio.preferences.when_done;
    if let Some(what) = choice(
        ui,
        "When a picture is done and the window is not looked at",
        now,
        &offers,
    ) {
        page.prefer(PreferenceAction::WhenDone(what));
    }
}

fn log(ui: &mut Ui, page: &mut SettingsPage<'_>) {
    let preferences = &page.studio.preferences;
    said(
        ui,
        format!(
            "{}: a file a day, the last seven. Nothing of it is sent anywhere.",
            page.log.display()
        ),
    );
    let levels = LogLevel::ALL.map(|level| (level.name(), level));
    if let Some(level) = choice(ui, "What is written", preferences.log, &levels) {
        page.prefer(PreferenceAction::Log(level));
    }
    let offers = [
        ("Leave them out", LogPrompts::No),
        ("Write them, too", LogPrompts::Yes),
    ];
    if let Some(may) = choice(
        ui,
        "Prompts and names of pictures",
        preferences.log_prompts,
        &offers,
    ) {
        page.prefer(PreferenceAction::LogPrompts(may));
    }
    ui.add_space(4.0);
    if ui
        .button("Collect diagnostics")
        .on_hover_text(
            "One text file for somebody who helps: versions, devices, settings, what went wrong; no prompts",
        )
        .clicked()
    {
        page.prefer(PreferenceAction::CollectDiagnostics);
    }
}
