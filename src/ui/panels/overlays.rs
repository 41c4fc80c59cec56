//! What lies over the window: the sheet of shortcuts, the question about a saved picture.

use crate::state::{Action, FileAction, OfferAction, Studio, ViewAction, Wanted};
use crate::ui::app::shortcuts::SHEET;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Weight, big_button};
use egui::{Context, Id, Modal, RichText};

pub(crate) fn show(ctx: &Context, studio: &Studio, actions: &mut Vec<Action>) {
    if studio.help {
        shortcuts(ctx, actions);
    } else if let Some(wanted) = &studio.wanted {
        path_field(ctx, wanted, actions);
    } else if let Some(offer) = &studio.offer {
        let name = offer.photo.name.clone();
        let begun = offer.task.as_ref().is_some_and(|task| task.resume.is_some());
        let finish = ("Finish it", Weight::Main, OfferAction::Finish);
        let weight = if begun { Weight::Plain } else { Weight::Main };
        let mut choices = vec![
            ("Use its settings", weight, OfferAction::UseSettings),
            (
                "Remix: its settings, new seeds",
                Weight::Plain,
                OfferAction::Remix,
            ),
            ("Edit the picture", Weight::Plain, OfferAction::Edit),
            ("Use it as a subject", Weight::Plain, OfferAction::Subject),
        ];
        if begun {
            choices.insert(0, finish);
        }
        question(ctx, &name, choices, actions);
    }
}

fn shortcuts(ctx: &Context, actions: &mut Vec<Action>) {
    let modal = Modal::new(Id::unique("shortcuts")).show(ctx, |ui| {
        let palette = Palette::of(ui);
        ui.set_width(760.0);
        ui.label(palette.section("Shortcuts"));
        ui.add_space(theme::GAP);
        egui::Grid::new("keys")
            .num_columns(4)
            .spacing([24.0, 6.0])
            .show(ui, |ui| {
                let (left, right) = SHEET.split_at(SHEET.len().div_ceil(2));
                for (place, entry) in left.iter().enumerate() {
                    for (keys, what) in [Some(entry), right.get(place)].into_iter().flatten() {
                        ui.label(
                            RichText::new(*keys)
                                .font(theme::medium(theme::SECONDARY))
                                .color(palette.accent),
                        );
                        ui.label(palette.body(*what));
                    }
                    ui.end_row();
                }
            });
        ui.add_space(theme::GAP);
        ui.button("Close").clicked()
    });
    if modal.should_close() || modal.inner {
        actions.push(ViewAction::Help.into());
    }
}

/// Asks for a path, where the desktop has no dialog for files.
fn path_field(ctx: &Context, wanted: &Wanted, actions: &mut Vec<Action>) {
    let id = Id::unique("path");
    let mut text: String = ctx.data(|data| data.get_temp(id)).unwrap_or_default();
    let modal = Modal::new(Id::unique("wanted")).show(ctx, |ui| {
        let palette = Palette::of(ui);
        ui.set_width(420.0);
        ui.label(palette.section("This desktop has no file dialog"));
        let why =
            "No XDG desktop portal answers and zenity is not installed. Type or paste the path instead.";
        ui.label(palette.secondary(why));
        ui.add_space(theme::GAP);
        let label = ui.label(palette.label(wanted.words()));
        let field = egui::TextEdit::singleline(&mut text)
            .margin(egui::Margin::symmetric(10, 6))
            .desired_width(f32::INFINITY);
        let field = ui.add(field).labelled_by(label.id);
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if ui.memory(|memory| memory.focused().is_none()) && !entered {
            field.request_focus();
        }
        ui.add_space(theme::GAP);
        ui.horizontal(|ui| {
            let open = ui.add_enabled(!text.trim().is_empty(), egui::Button::new("Use this path"));
            (open.clicked() || entered, ui.button("Cancel").clicked())
        })
        .inner
    });
    let closes = modal.should_close();
    let (used, given_up) = modal.inner;
    if used && !text.trim().is_empty() {
        actions.push(FileAction::Type(std::mem::take(&mut text)).into());
    } else if given_up || closes {
        text.clear();
        actions.push(FileAction::TypeNone.into());
    }
    ctx.data_mut(|data| data.insert_temp(id, text));
}

type Choice = (&'static str, Weight, OfferAction);

fn question(ctx: &Context, name: &str, choices: Vec<Choice>, actions: &mut Vec<Action>) {
    let modal = Modal::new(Id::unique("offer")).show(ctx, |ui| {
        let palette = Palette::of(ui);
        ui.set_width(340.0);
        ui.label(palette.section("A saved picture"));
        ui.label(palette.secondary(format!("{name} holds the settings it was drawn with.")));
        ui.add_space(theme::GAP);
        let width = ui.available_width();
        for (words, weight, action) in choices {
            if big_button(ui, words, weight, width).clicked() {
                actions.push(action.into());
            }
        }
    });
    if modal.should_close() {
        actions.push(OfferAction::Dismiss.into());
    }
}
