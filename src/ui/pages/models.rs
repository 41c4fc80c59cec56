//! The models page: which model draws and where, which others there are and what they need.

use super::model_name::name_of;
use super::row::{button, text};
use super::writer_settings::is_here;
use super::{fit_table, hub_card, import_card};
use crate::pixels::Size;
use crate::state::{Action, Asked, ImportAction, Model, ModelAction, Page, Studio, Tab, ViewAction};
use crate::task::{Appraisal, Device, DeviceState, Known, Origin, Profile, WriterChoice, gigabytes};
use crate::ui::app::focus;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Chosen, Weight, big_button, card, chip};
use egui::{Align, Label, Layout, Margin, ScrollArea, Ui};
use std::path::Path;

pub(crate) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    focus::scroll(ScrollArea::vertical().auto_shrink(false), ui, |ui| {
        egui::Frame::new().inner_margin(Margin::same(32)).show(ui, |ui| {
            ui.set_max_width(640.0);
            ui.horizontal(|ui| {
                ui.label(palette.title("Models"));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button("Back to the canvas").clicked() {
                        actions.push(ViewAction::Page(Page::Canvas).into());
                    }
                });
            });
            ui.add(Label::new(palette.secondary(privacy(studio))).wrap());
            ui.add_space(theme::PAD);
            fit_table::after_memory_ran_out(ui, studio, actions);
            ui.label(palette.section("In use"));
            present(ui, studio, actions);
            ui.add_space(theme::PAD);
            ui.horizontal(|ui| {
                ui.label(palette.section("Others on this computer"));
                if ui.button("Look again").clicked() {
                    actions.push(ModelAction::Survey.into());
                }
            });
            // The one in use has its card above.
            let is_ready = matches!(studio.model, Model::Ready { .. });
            let is_used = |path: Option<&Path>| is_ready && studio.model_path.as_deref() == path;
            if !is_used(None) {
                starter(ui, studio, actions);
            }
            for known in known(studio) {
                if is_used(Some(&known.path)) {
                    continue;
                }
                ui.add_space(4.0);
                model(ui, studio, &known, actions);
            }
            ui.add_space(theme::PAD);
            ui.label(palette.section("Add a model"));
            let width = (ui.available_width() - theme::GAP) / 2.0;
            ui.horizontal(|ui| {
                if big_button(ui, "Open a model file …", Weight::Main, width).clicked() {
                    actions.push(ModelAction::Browse.into());
                }
                if big_button(ui, "Import a Hugging Face folder …", Weight::Plain, width).clicked() {
                    actions.push(ImportAction::Ask(Asked::Folder).into());
                }
            });
            let words = "A .gguf made by this program of Lumina-mGPT 2.0, or the folder it was published as.";
            ui.label(palette.secondary(words));
            import_card::show(ui, studio, actions);
            ui.add_space(theme::PAD);
            ui.label(palette.section("Get one from the Hugging Face Hub"));
            hub_card::show(ui, studio, actions);
        });
    });
}

/// What leaves this computer.
fn privacy(studio: &Studio) -> String {
    match &studio.preferences.writer {
        writer @ WriterChoice::Endpoint { url, .. } if !is_here(url) => format!(
            "Pictures are drawn on this computer and never sent anywhere; prompts go to {} when it rewrites them.",
            writer.title()
        ),
        _ => "Pictures are drawn on this computer; no prompt and no picture is sent anywhere.".to_owned(),
    }
}

/// The models of the page: found ones, or those used before until somebody has looked around.
fn known(studio: &Studio) -> Vec<Known> {
    match &studio.models.survey {
        Some(survey) => survey.models.clone(),
        None => {
            let unread = || crate::task::Failure::failed("not looked at yet");
            let used = studio.recent_models.iter().map(|path| Known {
                path: path.clone(),
                origin: Origin::Used,
                appraisal: Err(unread()),
            });
            used.collect()
        }
    }
}

/// The model that is there, or why none is; where it computes and why not elsewhere.
fn present(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        match &studio.model {
            Model::Loading => {
                let words = match &studio.models.pending {
                    Some(path) => format!("Looking at {} …", name_of(path)),
                    None => "Loading …".to_owned(),
                };
                ui.label(palette.strong(words));
            }
            Model::Failed(failure) => {
                ui.label(palette.strong("No model"));
                ui.add(Label::new(palette.body(failure.message.clone())).wrap());
            }
            Model::Ready {
                name,
                profile,
                seconds,
            } => {
                let shown = match &studio.model_path {
                    None => "Built-in starter".to_owned(),
                    Some(path) => name_of(path),
                };
                ui.label(palette.strong(shown)).on_hover_text(name);
                match &studio.model_path {
                    None => about_the_starter(ui),
                    Some(path) => {
                        let place = format!("{}{}", path.display(), size_of(path));
                        ui.add(Label::new(palette.secondary(place)).wrap());
                    }
                }
                let bytes = profile
                    .bytes
                    .map(|bytes| format!(" \u{b7} {} of weights", gigabytes(bytes)));
                let place = format!("Draws on: {}{}", profile.device, bytes.unwrap_or_default());
                ui.label(palette.secondary(format!("{place} \u{b7} loaded in {seconds:.1} s")));
                if let Some(why) = &profile.remark {
                    ui.add(Label::new(palette.secondary(format!("Not on the card: {why}"))).wrap());
                }
                if let Some(can) = abilities(profile) {
                    ui.add(Label::new(palette.secondary(can)).wrap());
                }
                if let Some(appraisal) = studio.appraisal_in_use() {
                    needs(ui, appraisal, room(studio, appraisal.runs_on));
                }
                if let Some(appraisal) = studio.appraisal_in_use() {
                    origin_of(ui, appraisal);
                }
            }
        }
        devices(ui, studio, actions);
    });
}

/// What can be asked of it, in the names of the modes, and how large its pictures are.
fn abilities(profile: &Profile) -> Option<String> {
    let skill_of = |tab: &Tab| profile.skill(tab.mode_name());
    let modes: Vec<&str> = Tab::ALL
        .iter()
        .filter(|tab| skill_of(tab).is_some())
        .map(|tab| tab.name())
        .collect();
    let mut sizes: Vec<Size> = Tab::ALL
        .iter()
        .filter_map(skill_of)
        .flat_map(|skill| skill.sizes.iter().copied())
        .collect();
    sizes.sort_by_key(|size| (size.width * size.height, size.width));
    let pixels = |size: &Size| format!("{} \u{d7} {}", size.width, size.height);
    let range = match (sizes.first(), sizes.last()) {
        (Some(least), Some(most)) if least != most => {
            format!("pictures from {} to {} px", pixels(least), pixels(most))
        }
        (Some(only), _) => format!("pictures of {} px", pixels(only)),
        _ => "pictures of any size".to_owned(),
    };
    (!modes.is_empty()).then(|| format!("{} \u{b7} {range}", modes.join(", ")))
}

/// Provenance and licence, as the model's card says them.
fn origin_of(ui: &mut Ui, appraisal: &Appraisal) {
    let palette = Palette::of(ui);
    let said = [("From", &appraisal.provenance), ("Licence", &appraisal.licence)];
    for (label, words) in said {
        if let Some(words) = words {
            // What comes behind is for those who build the program.
            let plain = words.split(';').next().unwrap_or(words);
            let line = Label::new(palette.secondary(format!("{label}: {plain}"))).wrap();
            ui.add(line).on_hover_text(words);
        }
    }
}

/// Why a device is not used, or what is on it.
fn device_line(state: &DeviceState, appraisal: Option<&Appraisal>) -> String {
    let name = state.device.title();
    let about = match state.about.is_empty() {
        true => name.to_owned(),
        false => format!("{name} · {}", state.about),
    };
    if let Some(hindrance) = &state.hindrance {
        return format!("Not {about}: {hindrance}");
    }
    match (state.free_bytes, appraisal) {
        (Some(free), Some(appraisal)) if appraisal.runs_on == state.device && !appraisal.fits(Some(free)) => {
            format!(
                "{about} has {} free, about {} are needed",
                gigabytes(free),
                gigabytes(appraisal.needs.held())
            )
        }
        (Some(free), _) => format!("{about}: {} free", gigabytes(free)),
        (None, _) => about,
    }
}

fn devices(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let Some(survey) = &studio.models.survey else {
        return;
    };
    let usable = survey.devices.iter().filter(|state| state.hindrance.is_none());
    let usable: Vec<Device> = usable.map(|state| state.device).collect();
    let chosen = studio.models.device;
    // A choice of one is none, unless what was chosen is gone.
    if usable.len() > 1 || !(chosen == Device::Auto || usable.contains(&chosen)) {
        ui.horizontal(|ui| {
            ui.label(palette.label("Draw on"));
            for device in [Device::Auto].into_iter().chain(usable) {
                if chip(ui, device.title(), Chosen::from(device == chosen)).clicked() {
                    actions.push(ModelAction::Device(device).into());
                }
            }
        });
    }
    for state in &survey.devices {
        let line = device_line(state, studio.appraisal_in_use());
        ui.add(Label::new(palette.secondary(line)).wrap());
    }
}

/// Memory a model could have: what is free where it would run, with what the present one gives back.
fn room(studio: &Studio, runs_on: Device) -> Option<u64> {
    let survey = studio.models.survey.as_ref()?;
    let of_device = survey
        .devices
        .iter()
        .find(|state| state.device == runs_on && state.hindrance.is_none());
    let own = of_device.and_then(|state| state.free_bytes);
    studio.room_bytes(own.or(survey.free_bytes))
}

fn needs_line(appraisal: &Appraisal, room: Option<u64>) -> String {
    let needs = format!(
        "needs about {} for {}",
        gigabytes(appraisal.needs.held()),
        appraisal.size
    );
    match room {
        Some(room) => format!("{needs}, {} free", gigabytes(room)),
        None => needs,
    }
}

fn needs_tip(appraisal: &Appraisal) -> String {
    let needs = &appraisal.needs;
    format!(
        "weights {} + memory of the drawing {} + turning codes into pixels {}; up to {} are seen, for a part is \
         held twice while it is loaded",
        gigabytes(needs.weights),
        gigabytes(needs.cache),
        gigabytes(needs.decode),
        gigabytes(needs.peak())
    )
}

/// What a model needs, and the ways out where that is more than there is.
fn needs(ui: &mut Ui, appraisal: &Appraisal, room: Option<u64>) {
    let palette = Palette::of(ui);
    let line = needs_line(appraisal, room);
    if appraisal.fits(room) {
        ui.label(palette.secondary(line))
            .on_hover_text(needs_tip(appraisal));
        return;
    }
    let warning = egui::RichText::new(line)
        .font(theme::medium(theme::SECONDARY))
        .color(palette.danger);
    ui.label(warning).on_hover_text(needs_tip(appraisal));
    for way in appraisal.ways_out(room.unwrap_or_default()) {
        ui.add(Label::new(palette.secondary(format!("· {way}"))).wrap());
    }
}

fn about_the_starter(ui: &mut Ui) {
    let palette = Palette::of(ui);
    ui.label(palette.body("A small model of a small world"));
    let about = "Trained on 170 things and 24 backgrounds: it shows how the program works, not how well \
                 Lumina-mGPT draws";
    ui.add(Label::new(palette.secondary(about)).wrap());
}

fn starter(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            text(ui, |ui| {
                ui.label(palette.strong("Built-in starter"));
                about_the_starter(ui);
                if let Some(starter) = studio
                    .models
                    .survey
                    .as_ref()
                    .and_then(|survey| survey.starter.as_ref())
                {
                    needs(ui, starter, room(studio, starter.runs_on));
                }
            });
            let used = studio.model_path.is_none();
            let words = if used { "In use" } else { "Use" };
            button(ui, words, "Use Built-in starter", used, || {
                actions.push(ModelAction::Load(None).into())
            });
        });
    });
}

fn model(ui: &mut Ui, studio: &Studio, known: &Known, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let name = name_of(&known.path);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            text(ui, |ui| {
                ui.label(palette.strong(name.clone()));
                let came = match known.origin {
                    Origin::Used => "",
                    Origin::Beside => " · beside a model used before",
                    Origin::Hub => " · in the Hugging Face cache",
                };
                let about = format!("{}{}{came}", known.path.display(), size_of(&known.path));
                ui.add(Label::new(palette.secondary(about)).wrap());
                match &known.appraisal {
                    Ok(appraisal) => {
                        let weights = counted(appraisal.weights);
                        let what = format!("{} · {weights} weights · {}", appraisal.name, appraisal.format);
                        ui.label(palette.secondary(what));
                        if let Some(note) = &appraisal.note {
                            ui.add(Label::new(palette.secondary(note.clone())).wrap());
                        }
                        needs(ui, appraisal, room(studio, appraisal.runs_on));
                    }
                    Err(failure) => {
                        ui.add(Label::new(palette.secondary(failure.message.clone())).wrap());
                    }
                }
            });
            ui.vertical(|ui| model_buttons(ui, studio, known, actions));
        });
    });
}

fn model_buttons(ui: &mut Ui, studio: &Studio, known: &Known, actions: &mut Vec<Action>) {
    let path = known.path.clone();
    let name = name_of(&path);
    let used = studio.model_path.as_ref() == Some(&path) && !matches!(studio.model, Model::Failed(_));
    let tight = matches!(&known.appraisal, Ok(appraisal) if !appraisal.fits(room(studio, appraisal.runs_on)));
    if known.path.exists() {
        let words = match (used, tight) {
            (true, _) => "In use",
            (false, true) => "Load anyway",
            (false, false) => "Use",
        };
        button(ui, words, &format!("{words}: {name}"), used, || {
            actions.push(match tight {
                true => Action::Models(ModelAction::LoadAnyway(path.clone())),
                false => Action::Models(ModelAction::Load(Some(path.clone()))),
            });
        });
    }
    if known.path.is_dir() {
        let words = "Import …";
        button(ui, words, &format!("{words} {name}"), false, || {
            actions.push(ImportAction::PlanFor(path.clone()).into());
        });
    }
    if known.origin == Origin::Used && !used {
        button(ui, "Forget", &format!("Forget {name}"), false, || {
            actions.push(ModelAction::Forget(path.clone()).into());
        });
    }
}

/// `7.1 billion`, `7.7 million`.
fn counted(weights: u64) -> String {
    match weights as f64 {
        few if few < 1e9 => format!("{:.1} million", few / 1e6),
        many => format!("{:.1} billion", many / 1e9),
    }
}

/// The file's size in words; nothing when it is gone.
fn size_of(path: &Path) -> String {
    match std::fs::metadata(path) {
        Ok(file) if file.is_file() => format!(" · {}", gigabytes(file.len())),
        Ok(_) => String::new(),
        Err(_) => " · it is gone".to_owned(),
    }
}
