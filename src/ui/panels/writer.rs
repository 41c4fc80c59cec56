//! Beside the prompt: who rewrites it, what came of it, and which words are whose.

use super::column::Left;
use crate::state::{Page, ViewAction, Writing, WritingAction, changed_words, writer_name};
use crate::task::{FoundWriter, Rewritten, ScenePlan, WriterChoice};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Weight, big_button, card, named};
use egui::text::{LayoutJob, TextFormat};
use egui::{Align, Button, Id, Label, Layout, Margin, Popup, Response, RichText, Stroke, TextEdit, Ui};

/// The field of the prompt.
pub(super) fn prompt_id() -> Id {
    Id::unique("prompt")
}

/// The line above the prompt: its name, the writer's menu, and what the keyboard does.
pub(super) fn heading(ui: &mut Ui, left: &mut Left<'_>, name: &str, right: String) -> Response {
    let palette = Palette::of(ui);
    ui.scope(|ui| {
        // A line of text, not of controls.
        ui.spacing_mut().interact_size.y = 16.0;
        ui.spacing_mut().button_padding.y = 0.0;
        ui.horizontal(|ui| {
            let label = ui.label(palette.label(name));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                menu(ui, left);
                ui.label(palette.quiet(right));
            });
            label
        })
        .inner
    })
    .inner
}

/// What can be asked of a writer, and who it is.
fn menu(ui: &mut Ui, left: &mut Left<'_>) {
    let palette = Palette::of(ui);
    let studio = left.studio;
    let words = RichText::new("Rewrite")
        .font(theme::medium(theme::LABEL))
        .color(palette.accent);
    let button = ui.add(Button::new(words).frame(false));
    let tip = "Other words for the same wish, from which a model draws better (Ctrl+R)";
    let button = button.on_hover_text(tip);
    if button.clicked() && studio.writing.found.is_none() {
        left.actions.push(WritingAction::Look.into());
    }
    Popup::menu(&button).show(|ui| {
        let mut act = |action: WritingAction| left.actions.push(action.into());
        ui.add_enabled_ui(studio.can_be_rewritten(), |ui| {
            if ui.button("Rewrite these words").clicked() {
                act(WritingAction::Ask);
            }
        });
        let mut always = studio.preferences.write_first;
        if ui.checkbox(&mut always, "Before every picture").changed() {
            act(WritingAction::BeforeEvery(always));
        }
        ui.separator();
        ui.label(palette.label("Who rewrites"));
        for (choice, title) in writers(&studio.writing, &studio.preferences.writer) {
            let is_chosen = studio.preferences.writer == choice;
            if ui.radio(is_chosen, title).clicked() {
                act(WritingAction::Choose(choice));
            }
        }
        ui.separator();
        if ui.button("Look again").clicked() {
            act(WritingAction::Look);
        }
        if ui.button("Another server, keys \u{2026}").clicked() {
            left.actions.push(ViewAction::Page(Page::Settings).into());
        }
    });
}

/// Those that were found, and the chosen one where it was not.
pub(crate) fn writers(writing: &Writing, chosen: &WriterChoice) -> Vec<(WriterChoice, String)> {
    let named = |found: &FoundWriter| match found.choice {
        WriterChoice::BuiltIn => (found.choice.clone(), writer_name(&found.choice)),
        _ => (found.choice.clone(), found.title.clone()),
    };
    let mut all: Vec<(WriterChoice, String)> = match &writing.found {
        Some(found) => found.iter().map(named).collect(),
        None => vec![(WriterChoice::BuiltIn, writer_name(&WriterChoice::BuiltIn))],
    };
    if all.iter().all(|(choice, _)| choice != chosen) {
        all.push((chosen.clone(), writer_name(chosen)));
    }
    all
}

/// Under the prompt: the writer at work, what it wrote, or whose words the prompt is made of.
pub(super) fn show(ui: &mut Ui, left: &mut Left<'_>) {
    let studio = left.studio;
    let writing = &studio.writing;
    if let Some(asking) = &writing.asking {
        at_work(ui, left, &asking.by);
    } else if let Some(shown) = &writing.shown {
        rewritten(ui, left, shown);
    } else if let Some(remark) = &writing.remark {
        remarked(ui, left, remark);
    } else if let Some(written) = studio.draft.written() {
        own_words(ui, left, &written.own, &written.by);
    }
}

fn at_work(ui: &mut Ui, left: &mut Left<'_>, by: &str) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.spinner();
        ui.add(Label::new(palette.secondary(format!("{by} is rewriting \u{2026}"))).truncate());
        let stop = ui.button("Stop");
        named(ui, &stop, "Stop the writer");
        let tip = "The words stay as they are; a picture that waits for them is drawn from your own";
        if stop.on_hover_text(tip).clicked() {
            left.actions.push(WritingAction::Stop.into());
        }
    });
}

fn remarked(ui: &mut Ui, left: &mut Left<'_>, remark: &str) {
    let palette = Palette::of(ui);
    ui.horizontal_top(|ui| {
        let close = ui.button("OK");
        named(ui, &close, "The words stay as they are");
        if close.clicked() {
            left.actions.push(WritingAction::Leave.into());
        }
        ui.add(Label::new(palette.secondary(remark)).wrap());
    });
}

fn own_words(ui: &mut Ui, left: &mut Left<'_>, own: &str, by: &str) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        let back = ui.button("Mine again");
        named(ui, &back, "Back to my own words");
        if back.clicked() {
            left.actions.push(WritingAction::Back.into());
        }
        let words = format!("Your words: \u{201c}{own}\u{201d}");
        let line = ui.add(Label::new(palette.secondary(words)).truncate());
        line.on_hover_text(format!("{own}\n\nRewritten by {by}"));
    });
}

/// Words, those that changed in another way than the others.
fn marked(words: &[(&str, bool)], plain: &TextFormat, changed: &TextFormat, width: f32) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (index, (word, is_changed)) in words.iter().enumerate() {
        if index > 0 {
            job.append(" ", 0.0, plain.clone());
        }
        let format = if *is_changed { changed } else { plain };
        job.append(word, 0.0, format.clone());
    }
    job.wrap.max_width = width;
    job
}

/// The words of a writer beside the user's own, to be edited, taken or left.
fn rewritten(ui: &mut Ui, left: &mut Left<'_>, shown: &Rewritten) {
    let palette = Palette::of(ui);
    let format = |colour, font| TextFormat {
        font_id: font,
        color: colour,
        ..TextFormat::default()
    };
    let plain = format(palette.text, theme::regular(theme::BODY));
    let added = TextFormat {
        underline: Stroke::new(1.0, palette.accent),
        ..format(palette.accent, theme::regular(theme::BODY))
    };
    let quiet = format(palette.dim, theme::regular(theme::SECONDARY));
    let struck = TextFormat {
        strikethrough: Stroke::new(1.0, palette.dim),
        ..quiet.clone()
    };
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let (gone, _) = changed_words(&shown.written.own, &shown.prompt);
        ui.label(palette.label("Your words"));
        ui.add(Label::new(marked(&gone, &quiet, &struck, ui.available_width())).wrap());
        let label = ui.label(palette.label(format!("Rewritten by {}", shown.written.by)));
        let mut text = shown.prompt.clone();
        let own = shown.written.own.clone();
        let mut layouter = |ui: &Ui, text: &dyn egui::TextBuffer, width: f32| {
            // The field needs every letter where it is, spaces and line ends included.
            let job = marked_in_place(&own, text.as_str(), &plain, &added, width);
            ui.fonts_mut(|fonts| fonts.layout_job(job))
        };
        let edit = TextEdit::multiline(&mut text)
            .layouter(&mut layouter)
            .margin(Margin::symmetric(8, 6))
            .desired_width(f32::INFINITY)
            .desired_rows(3);
        let response = ui.add(edit).labelled_by(label.id);
        if response.changed() {
            left.actions.push(WritingAction::Edit(text).into());
        }
        if let Some(scene) = &shown.written.scene {
            let words = scene_words(scene);
            if !words.is_empty() {
                ui.add(Label::new(palette.secondary(words)).wrap());
            }
        }
        ui.horizontal(|ui| {
            let take = big_button(ui, "Use it", Weight::Main, 110.0).clicked();
            let leave = big_button(ui, "Keep mine", Weight::Plain, 110.0).clicked();
            if take || leave {
                let action = if take {
                    WritingAction::Take
                } else {
                    WritingAction::Leave
                };
                left.actions.push(action.into());
                // The card goes, and the keyboard does not go with it.
                ui.memory_mut(|memory| memory.request_focus(prompt_id()));
            }
        });
    });
}

/// A text with the words marked that are not in `own`, every letter in its place.
fn marked_in_place(own: &str, text: &str, plain: &TextFormat, added: &TextFormat, width: f32) -> LayoutJob {
    let (_, come) = changed_words(own, text);
    let mut job = LayoutJob::default();
    let mut at = 0;
    for (word, is_added) in come {
        let from = text[at..].find(word).map_or(at, |found| at + found);
        job.append(&text[at..from], 0.0, plain.clone());
        let format = if is_added { added } else { plain };
        job.append(&text[from..from + word.len()], 0.0, format.clone());
        at = from + word.len();
    }
    job.append(&text[at..], 0.0, plain.clone());
    job.wrap.max_width = width;
    job
}

/// "2 red dogs left · in a meadow · watercolour".
fn scene_words(scene: &ScenePlan) -> String {
    let objects = scene.objects.iter().map(|object| {
        let count = (object.count > 1).then(|| object.count.to_string());
        let parts = [
            count,
            object.colour.clone(),
            Some(object.name.clone()),
            object.place.clone(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    let mut words: Vec<String> = objects.collect();
    words.extend(
        [scene.background.clone(), scene.style.clone()]
            .into_iter()
            .flatten(),
    );
    words.join(" \u{b7} ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::SceneObject;

    #[test]
    fn every_letter_keeps_its_place_when_words_are_marked() {
        let (plain, added) = (
            TextFormat::default(),
            TextFormat {
                italics: true,
                ..TextFormat::default()
            },
        );
        for text in ["", "  a  brown\ndog dog ", "a dog", "\u{72ac} dog \u{e9}t\u{e9}"] {
            let job = marked_in_place("a dog", text, &plain, &added, 200.0);
            assert_eq!(job.text, text);
            let marks: Vec<&str> = job
                .sections
                .iter()
                .filter(|section| section.format.italics)
                .map(|section| &job.text[section.byte_range.start.0..section.byte_range.end.0])
                .collect();
            let wanted: &[&str] = match text {
                "  a  brown\ndog dog " => &["brown", "dog"],
                "\u{72ac} dog \u{e9}t\u{e9}" => &["\u{72ac}", "\u{e9}t\u{e9}"],
                _ => &[],
            };
            assert_eq!(marks, wanted, "{text:?}");
        }
    }

    #[test]
    fn a_scene_is_one_line() {
        let scene = ScenePlan {
            objects: vec![
                SceneObject {
                    name: "dogs".to_owned(),
                    count: 2,
                    colour: Some("red".to_owned()),
                    place: Some("on the left".to_owned()),
                },
                SceneObject {
                    name: "ball".to_owned(),
                    count: 1,
                    colour: None,
                    place: None,
                },
            ],
            background: Some("a meadow".to_owned()),
            style: None,
        };
        assert_eq!(
            scene_words(&scene),
            "2 red dogs on the left \u{b7} ball \u{b7} a meadow"
        );
    }

    #[test]
    fn the_chosen_writer_is_in_the_menu_even_where_it_was_not_found() {
        let chosen = WriterChoice::Local {
            path: "/gone/qwen.gguf".into(),
        };
        let all = writers(&Writing::default(), &chosen);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1], (chosen, "qwen".to_owned()));
    }
}
