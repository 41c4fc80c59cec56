//! Under the prompt, while it is typed: what the starter will draw for these words, word by word.

use super::column::Left;
use crate::state::{Page, Setting, Tab, ViewAction};
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::named;
use crate::understand::{
    Part, PartKind, Understanding, Unknown, Verdict, backgrounds, complete, text_with, text_without, things,
    understand,
};
use egui::{
    Button, CornerRadius, FocusDirection, Id, Key, Label, Modifiers, Popup, RichText, Sense, Stroke, Ui, vec2,
};
use std::sync::Arc;

/// Room for all that can stand here, so that what is below keeps its place while one types.
const ROOM: f32 = 102.0;

/// Whether prompts of the present mode are understood before they are drawn.
fn is_understood(left: &Left<'_>) -> bool {
    let draft = &left.studio.draft;
    let names_a_scene = matches!(draft.tab, Tab::Create | Tab::Pair | Tab::Control);
    names_a_scene
        && left
            .studio
            .profile()
            .is_some_and(|profile| profile.knows_starter_world)
}

/// The text as it was understood; once for each text.
fn reading(ui: &Ui, text: &str) -> Arc<Understanding> {
    let id = Id::unique("reading");
    let held: Option<Arc<Understanding>> = ui.data(|data| data.get_temp(id));
    if let Some(held) = held.filter(|held| held.typed == text) {
        return held;
    }
    let fresh = Arc::new(understand(text));
    ui.data_mut(|data| data.insert_temp(id, Arc::clone(&fresh)));
    fresh
}

/// The word that Tab would write in the place of the one being typed.
pub(crate) fn completion(left: &Left<'_>, text: &str) -> Option<String> {
    let draft = &left.studio.draft;
    if !is_understood(left) || draft.as_typed {
        return None;
    }
    let last = text.rsplit(' ').next().unwrap_or_default();
    // A letter says too little, and a word that means something wants no other.
    if last.chars().count() < 2 || is_word(&last.to_lowercase()) {
        return None;
    }
    complete(text, 1).into_iter().next()
}

/// Whether a word is one of the world's as it stands.
fn is_word(word: &str) -> bool {
    let in_things = things().iter().flat_map(|thing| &thing.words).flatten();
    let in_backgrounds = backgrounds().iter().flat_map(|background| &background.words);
    in_things
        .chain(in_backgrounds)
        .any(|known| known.split(' ').any(|part| part == word))
}

/// The text with a completion in the place of what it completes.
fn completed(text: &str, word: &str) -> String {
    let starts = |from: usize| word.starts_with(&text[from..].to_lowercase());
    let places = text.match_indices(' ').map(|(at, _)| at + 1);
    let from = std::iter::once(0).chain(places).find(|from| starts(*from));
    format!("{}{word} ", &text[..from.unwrap_or(text.len())])
}

/// Whether Tab is asked for here and not by the field: it completes words of the starter's world.
pub(crate) fn takes_tab(left: &Left<'_>) -> bool {
    is_understood(left) && !left.studio.draft.as_typed
}

/// Takes Tab before the field does. What is typed in the same frame has to reach the field first, so what
/// Tab means is decided behind it, by [`on_tab`].
pub(crate) fn tab_pressed(ui: &Ui, left: &Left<'_>, field: Id) -> bool {
    if !takes_tab(left) || !ui.memory(|memory| memory.has_focus(field)) {
        return false;
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::Tab)) {
        ui.memory_mut(|memory| memory.move_focus(FocusDirection::Previous));
        return false;
    }
    ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Tab))
}

/// The text with its last word completed; where nothing completes it, the keyboard goes on.
pub(crate) fn on_tab(ui: &Ui, left: &Left<'_>, field: Id, text: &str) -> Option<String> {
    let word = completion(left, text);
    if word.is_none() {
        ui.memory_mut(|memory| {
            memory.surrender_focus(field);
            memory.move_focus(FocusDirection::Next);
        });
    }
    word.map(|word| completed(text, &word))
}

pub(crate) fn show(ui: &mut Ui, left: &mut Left<'_>) {
    if !is_understood(left) {
        return;
    }
    let top = ui.cursor().top();
    let text = left.studio.draft.prompt.clone();
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
        ui.spacing_mut().interact_size.y = 22.0;
        if left.studio.draft.as_typed {
            as_typed(ui, left);
            return;
        }
        let reading = reading(ui, &text);
        match &reading.verdict {
            Verdict::Empty | Verdict::Unnamed => empty(ui, left),
            Verdict::Outside { near } => outside(ui, left, near),
            Verdict::Known | Verdict::Near => drawn(ui, left, &reading),
        }
    });
    let used = ui.cursor().top() - top;
    if used < ROOM {
        ui.add_space(ROOM - used);
    }
}

fn empty(ui: &mut Ui, left: &mut Left<'_>) {
    to_page(ui, left, "See all it can draw", Page::World);
}

/// What will be drawn and what will not.
fn drawn(ui: &mut Ui, left: &mut Left<'_>, reading: &Understanding) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        for (index, part) in reading.parts.iter().enumerate() {
            if let Some(text) = part_chip(ui, reading, index, part) {
                left.set(Setting::Words(text));
            }
        }
        for unknown in &reading.unknown {
            unknown_chip(ui, palette, unknown);
        }
    });
    ui.horizontal(|ui| {
        to_page(ui, left, "All it can draw", Page::World);
        if reading.caption != reading.typed {
            as_typed(ui, left);
        }
    });
}

/// A prompt of which the starter can draw nothing.
fn outside(ui: &mut Ui, left: &mut Left<'_>, near: &[String; 3]) {
    let palette = Palette::of(ui);
    let words = "The starter cannot draw this. Try one of these:";
    ui.add(Label::new(palette.secondary(words)).wrap());
    ui.horizontal_wrapped(|ui| {
        for thing in near {
            let text = crate::understand::with_article(thing);
            if pill(ui, &text, palette.accent, palette.accent).clicked() {
                left.set(Setting::Words(text));
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        to_page(ui, left, "All it can draw", Page::World);
        to_page(ui, left, "Any subject: the 7B model", Page::Models);
        as_typed(ui, left);
    });
}

fn as_typed(ui: &mut Ui, left: &mut Left<'_>) {
    let mut on = left.studio.draft.as_typed;
    let palette = Palette::of(ui);
    let tip = "The model gets the prompt as it is, not in the words it was trained on";
    let toggle = ui.checkbox(&mut on, palette.secondary("Draw my words as they are"));
    if toggle.on_hover_text(tip).changed() {
        left.set(Setting::AsTyped(on));
    }
}

/// A link to a page.
fn to_page(ui: &mut Ui, left: &mut Left<'_>, words: &str, page: Page) {
    let palette = Palette::of(ui);
    let text = RichText::new(words)
        .font(theme::regular(theme::SECONDARY))
        .color(palette.accent);
    let tip = match page {
        Page::World => "170 things and 24 backgrounds",
        _ => "The models page",
    };
    let response = ui.add(Button::new(text).frame(false));
    if response.on_hover_text(tip).clicked() {
        left.actions.push(ViewAction::Page(page).into());
    }
}

fn pill(ui: &mut Ui, text: &str, colour: egui::Color32, edge: egui::Color32) -> egui::Response {
    let palette = Palette::of(ui);
    ui.spacing_mut().button_padding = vec2(8.0, 2.0);
    let shown = RichText::new(text)
        .font(theme::medium(theme::SECONDARY))
        .color(colour);
    let button = Button::new(shown)
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(CornerRadius::same(11))
        .wrap_mode(egui::TextWrapMode::Extend)
        .min_size(vec2(0.0, 22.0));
    ui.add(button)
}

/// Begins a new row where a chip with its cross does not fit into what is left of this one.
fn start_row_for(ui: &mut Ui, text: &str) {
    const AROUND: f32 = 2.0 * 8.0 + 1.0 + 14.0;
    let font = theme::medium(theme::SECONDARY);
    let words = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER);
    let left = ui.available_size_before_wrap().x;
    if words.size().x + AROUND > left && left < ui.max_rect().width() {
        ui.end_row();
    }
}

/// A part that is drawn: its meanings to choose from behind it, and a cross that takes it out. The new
/// text, if it was changed.
fn part_chip(ui: &mut Ui, reading: &Understanding, index: usize, part: &Part) -> Option<String> {
    let palette = Palette::of(ui);
    let (colour, edge) = match part.chosen {
        true => (palette.dim, palette.stroke),
        false => (palette.text, palette.accent),
    };
    let mut changed = None;
    start_row_for(ui, &part.meaning);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        let response = pill(ui, &part.meaning, colour, edge);
        let said = match (part.chosen, part.words == part.meaning) {
            (true, _) => format!("{}: chosen because it suits", kind_words(part.kind)),
            (false, true) => format!("{}: as you say", kind_words(part.kind)),
            (false, false) => format!(
                "{}: you say \u{201c}{}\u{201d}",
                kind_words(part.kind),
                part.words
            ),
        };
        let choose = if part.alternatives.is_empty() {
            ""
        } else {
            "\nClick for another"
        };
        let response = response.on_hover_text(format!("{said}{choose}"));
        if !part.alternatives.is_empty() {
            Popup::menu(&response).show(|ui| {
                for other in &part.alternatives {
                    if ui.button(other).clicked() {
                        changed = Some(text_with(reading, index, other));
                    }
                }
            });
        }
        if !part.chosen {
            let cross = RichText::new(icon::CLOSE)
                .font(theme::regular(11.0))
                .color(palette.dim);
            let out = ui.add(Button::new(cross).frame(false).min_size(vec2(14.0, 22.0)));
            let name = format!("Leave out: {}", part.words);
            named(ui, &out, &name);
            if out.on_hover_text(name).clicked() {
                changed = Some(text_without(reading, index));
            }
        }
    });
    changed
}

fn kind_words(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Thing => "Thing",
        PartKind::Background => "Background",
        PartKind::Colour => "Colour",
        PartKind::Count => "How many",
        PartKind::Size => "Size",
        PartKind::Place => "Place",
        PartKind::Relation => "How they stand",
    }
}

/// Words that mean nothing to the starter, and why.
fn unknown_chip(ui: &mut Ui, palette: &Palette, unknown: &Unknown) {
    let shown = RichText::new(&unknown.words)
        .font(theme::regular(theme::SECONDARY))
        .color(palette.dim)
        .strikethrough();
    let label = ui.add(
        Label::new(shown)
            .extend()
            .sense(Sense::focusable_noninteractive()),
    );
    label.on_hover_text(unknown.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_stands_for_what_it_completes() {
        assert_eq!(completed("a do", "dog"), "a dog ");
        assert_eq!(completed("two hot d", "hot dog"), "two hot dog ");
        assert_eq!(completed("Ele", "elephant"), "elephant ");
    }
}
