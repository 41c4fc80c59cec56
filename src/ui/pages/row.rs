//! A card's text with its buttons at the right.

use crate::ui::widgets::named;
use egui::Ui;

/// The narrowest a card's text may get.
const NARROW: f32 = 200.0;
/// Room for the buttons at a card's right.
const BUTTONS: f32 = 118.0;

pub(super) fn text(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.set_width((ui.available_width() - BUTTONS).max(NARROW));
        content(ui);
    });
}

/// A button that is off while what it does is done already.
pub(super) fn button(ui: &mut Ui, words: &str, name: &str, done: bool, press: impl FnOnce()) {
    let response = ui.add_enabled(!done, egui::Button::new(words));
    named(ui, &response, name);
    if response.clicked() {
        press();
    }
}
