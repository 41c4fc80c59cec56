//! On the settings page: who rewrites prompts, servers elsewhere, and their keys.

use crate::state::{Action, Secret, Studio, WritingAction};
use crate::task::WriterChoice;
use crate::ui::panels::writer::writers;
use crate::ui::theme::Palette;
use egui::accesskit::Role;
use egui::{Id, Label, TextEdit, Ui, WidgetInfo};

pub(super) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let mut act = |action: WritingAction| actions.push(action.into());
    let about = "Models draw better from fuller words. The built-in writer knows what the starter can draw; a language \
                 model on this computer (a .gguf of the Qwen 3 or Llama family) or a server knows more.";
    ui.add(Label::new(palette.secondary(about)).wrap());
    ui.label(palette.label("Who rewrites"));
    for (choice, title) in writers(&studio.writing, &studio.preferences.writer) {
        let is_chosen = studio.preferences.writer == choice;
        if ui.radio(is_chosen, title).clicked() {
            act(WritingAction::Choose(choice));
        }
    }
    if ui.button("Look for writers").clicked() {
        act(WritingAction::Look);
    }
    let mut always = studio.preferences.write_first;
    if ui.checkbox(&mut always, "Rewrite before every picture").changed() {
        act(WritingAction::BeforeEvery(always));
    }
    ui.label(palette.label("Another server that speaks as OpenAI's does"));
    ui.horizontal(|ui| {
        let mut url = studio.writing.url.clone();
        let edit = TextEdit::singleline(&mut url)
            .hint_text("http://127.0.0.1:11434/v1")
            .desired_width(320.0);
        let response = ui.add(edit);
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Address of the server"));
        if response.changed() {
            act(WritingAction::TypeUrl(url.clone()));
        }
        let url = url.trim().to_owned();
        ui.add_enabled_ui(!url.is_empty(), |ui| {
            if ui.button("Use it").clicked() {
                act(WritingAction::Choose(WriterChoice::Endpoint { url, model: None }));
            }
        });
    });
    let WriterChoice::Endpoint { url, .. } = &studio.preferences.writer else {
        return;
    };
    ui.horizontal(|ui| {
        // Not part of the state: it goes into the keyring and nowhere else.
        let id = Id::unique("writer key");
        let mut key: String = ui.data(|data| data.get_temp(id)).unwrap_or_default();
        let edit = TextEdit::singleline(&mut key)
            .password(true)
            .hint_text("Its key, where it wants one")
            .desired_width(320.0);
        let response = ui.add(edit);
        response.widget_info(|| WidgetInfo::labeled(Role::PasswordInput, true, "Key of the server"));
        let words = if key.is_empty() {
            "Forget the key"
        } else {
            "Keep the key"
        };
        if ui.button(words).clicked() {
            act(WritingAction::KeepKey(
                url.clone(),
                Secret {
                    text: std::mem::take(&mut key),
                },
            ));
        }
        ui.data_mut(|data| data.insert_temp(id, key));
    });
    let privacy = match is_here(url) {
        true => "The server is on this computer.".to_owned(),
        false => "Your words go to this server when it rewrites them; pictures never do.".to_owned(),
    };
    ui.add(Label::new(palette.secondary(privacy)).wrap());
    if let Some(said) = &studio.writing.said {
        ui.add(Label::new(palette.body(said.clone())).wrap());
    }
}

/// Whether an address is one of this computer.
pub(super) fn is_here(url: &str) -> bool {
    let server = url.split_once("://").map_or(url, |(_, rest)| rest);
    let server = server.split(['/', '?', '#']).next().unwrap_or_default();
    let server = server.rsplit('@').next().unwrap_or_default();
    let host = match server.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => server.split(':').next().unwrap_or_default(),
    };
    let is_loopback = |address: std::net::IpAddr| address.is_loopback();
    host == "localhost" || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn an_address_of_this_computer_is_told_from_others() {
        for here in [
            "http://127.0.0.1:11434/v1",
            "localhost:1234",
            "http://[::1]:8080/",
        ] {
            assert!(is_here(here), "{here}");
        }
        for there in [
            "https://api.example.com/v1",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
            "",
        ] {
            assert!(!is_here(there), "{there}");
        }
    }
}
