//! How a checkpoint could run on this computer: a line for each format, with what it needs and how long a
//! picture takes; and what needs less after memory ran out.

use crate::state::{Action, Fit, ImportAction, ModelAction, Pace, Studio};
use crate::task::{Fitting, Format, ImportWish, Plan, Way, gigabytes};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Chosen, Weight, big_button, card, chip};
use egui::{Label, RichText, Ui};

/// The formats to choose from.
pub(super) fn show(ui: &mut Ui, studio: &Studio, wish: &ImportWish, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let fit = &studio.models.fit;
    let fitting = fit.fitting.as_ref();
    ui.label(palette.label(match fitting.and_then(|fitting| fitting.size) {
        Some(size) => format!("How it is stored, and what a picture of {size} takes here"),
        None => "How it is stored".to_owned(),
    }));
    for format in Format::OFFERED {
        ui.horizontal(|ui| {
            if chip(ui, format.name(), Chosen::from(format == wish.format)).clicked() {
                actions.push(ImportAction::Format(format).into());
            }
            if let Some(way) = fitting.and_then(|fitting| fitting.way(format)) {
                line(ui, fitting, way);
            }
        });
    }
    ui.add(Label::new(palette.secondary(wish.format.about())).wrap());
    if let Some(way) = fitting.and_then(|fitting| fitting.way(wish.format)) {
        let words = format!("The file takes about {} on the disk.", gigabytes(way.file_bytes));
        ui.add(Label::new(palette.secondary(words)).wrap());
    }
    pace(ui, fit, actions);
}

fn line(ui: &mut Ui, fitting: Option<&Fitting>, way: &Way) {
    let palette = Palette::of(ui);
    let is_advised = fitting.and_then(Fitting::advised) == Some(way);
    let mut words = vec![way.device.title().to_owned(), way.memory()];
    match (way.fits(), way.pace()) {
        (false, _) => words.push("does not fit".to_owned()),
        (true, Some(pace)) => words.push(pace),
        (true, None) => {}
    }
    if is_advised {
        words.push("advised".to_owned());
    }
    let words = words.join(" \u{b7} ");
    let text = match way.fits() {
        true if is_advised => palette.strong(words),
        true => palette.body(words),
        false => RichText::new(words)
            .font(theme::medium(theme::SECONDARY))
            .color(palette.danger),
    };
    ui.add(Label::new(text).wrap()).on_hover_text(way.parts());
}

/// What is known of the time, and the button that finds out.
fn pace(ui: &mut Ui, fit: &Fit, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    if let Some(trouble) = &fit.trouble {
        let words = format!("What it needs is not known: {trouble}");
        ui.add(Label::new(palette.secondary(words)).wrap());
        return;
    }
    let Some(fitting) = &fit.fitting else {
        return;
    };
    if !fitting.ways.is_empty() && fitting.advised().is_none() {
        let words = "Nothing of it fits into the memory that is free: close other programs, or import q4_k and \
                     draw smaller pictures.";
        ui.add(Label::new(palette.body(words)).wrap());
    }
    match &fit.pace {
        Pace::Measuring => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(palette.secondary("Measuring how fast this computer is: about ten seconds"));
            });
        }
        Pace::Known => {
            let words = "The time is that of one code a forward. Guesses that hold make it less.";
            ui.add(Label::new(palette.secondary(words)).wrap());
        }
        Pace::Unknown | Pace::Failed(_) => {
            if let Pace::Failed(why) = &fit.pace {
                let words = format!("The time could not be measured: {why}");
                ui.add(Label::new(palette.secondary(words)).wrap());
            }
            let is_any = fitting.ways.iter().any(Way::fits);
            if is_any && ui.button("Measure how long a picture takes").clicked() {
                actions.push(ImportAction::Measure.into());
            }
        }
    }
}

/// What needs less memory, where there was too little.
pub(super) fn after_memory_ran_out(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let Some(tight) = &studio.models.tight else {
        return;
    };
    ui.label(palette.section("Memory ran out"));
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(Label::new(palette.body(tight.message.clone())).wrap());
        let Some(next) = &tight.next else {
            let words = "Nothing smaller is known of this model: close other programs and draw again.";
            ui.add(Label::new(palette.secondary(words)).wrap());
            return;
        };
        let needs = gigabytes(next.needs().held());
        let (words, button, action) = match next {
            Plan::Smaller(size, _) => (
                format!("A picture of {size} needs about {needs}."),
                format!("Draw {size}"),
                ModelAction::TakeSize(*size),
            ),
            Plan::Forced(size, _) => (
                format!("A picture of {size} needs about {needs}; the model was not trained for that size."),
                format!("Draw {size}"),
                ModelAction::TakeSize(*size),
            ),
            Plan::Stored(format, _) => (
                format!("Imported as {} the model needs about {needs}.", format.name()),
                format!("Import as {} …", format.name()),
                ModelAction::TakeFormat(*format),
            ),
        };
        ui.add(Label::new(palette.secondary(words)).wrap());
        if big_button(ui, &button, Weight::Main, 180.0).clicked() {
            actions.push(action.into());
        }
    });
    ui.add_space(theme::PAD);
}
