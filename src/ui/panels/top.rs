//! The bar at the top: the model, where it computes, settings, help.

use crate::state::{Action, ColourScheme, Model, ModelAction, Page, Studio, ViewAction};
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{Chosen, chip, icon_button, named};
use egui::{Align, Button, Layout, Popup, PopupCloseBehavior, Rect, RichText, Sense, Ui, pos2, vec2};

pub(crate) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.horizontal_centered(|ui| {
        ui.add_space(theme::PAD);
        let (sun, _) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::hover());
        paint_sun(ui, sun);
        ui.label(
            RichText::new("Lumina Studio")
                .font(theme::semibold(14.0))
                .color(palette.text),
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(theme::PAD);
            if icon_button(ui, icon::HELP, "Shortcuts (?)").clicked() {
                actions.push(ViewAction::Help.into());
            }
            let settings = icon_button(ui, icon::SETTINGS, "Settings");
            Popup::menu(&settings)
                .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
                .show(|ui| view_settings(ui, studio, actions));
            // Where the strip is folded away, its button stands here.
            if ui.ctx().content_rect().width() < theme::WIDE_ENOUGH {
                super::strip::history_button(ui, studio, actions);
                super::strip::unfold_button(ui, studio, actions);
            }
            if !studio.mishaps.is_empty() {
                let name = format!("What went wrong ({})", studio.mishaps.len());
                if icon_button(ui, icon::WARNING, &name).clicked() {
                    actions.push(ViewAction::Page(Page::Mishaps).into());
                }
            }
            if let Some(profile) = studio.profile() {
                ui.add_space(theme::GAP);
                ui.label(palette.secondary(profile.device.clone()));
                ui.add_space(theme::GAP);
            }
            model_menu(ui, studio, actions);
        });
    });
}

/// Half a sun over two lines.
fn paint_sun(ui: &Ui, rect: Rect) {
    let accent = Palette::of(ui).accent;
    let radius = 8.0;
    let centre = pos2(rect.center().x, rect.center().y + 2.0);
    let arc = (0..=24).map(|step| {
        let angle = std::f32::consts::PI * (1.0 + step as f32 / 24.0);
        centre + radius * vec2(angle.cos(), angle.sin())
    });
    ui.painter().add(egui::Shape::convex_polygon(
        arc.collect(),
        accent,
        egui::Stroke::NONE,
    ));
    for down in [2.0, 5.0] {
        let line = Rect::from_center_size(centre + vec2(0.0, down), vec2(2.0 * radius, 1.5));
        ui.painter().rect_filled(line, 0, accent);
    }
}

/// The model's name as people say it, with the side of its pictures.
pub(crate) fn model_title(studio: &Studio) -> String {
    let Model::Ready { name, profile, .. } = &studio.model else {
        return match &studio.model {
            Model::Failed(_) => "No model".to_owned(),
            _ => "Loading the model …".to_owned(),
        };
    };
    let short = name.split(" (").next().unwrap_or(name);
    let mut title: String = short.chars().take(28).collect();
    if let Some(first) = title.get(..1).map(str::to_uppercase) {
        title.replace_range(..1, &first);
    }
    match profile.skill("generate").and_then(|skill| skill.default_size) {
        Some(size) => format!("{title} · {} px", size.width),
        None => title,
    }
}

fn model_menu(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let title = model_title(studio);
    let text = RichText::new(&title)
        .font(theme::medium(theme::BODY))
        .color(palette.text);
    let mark = RichText::new(icon::DOWN)
        .font(theme::regular(12.0))
        .color(palette.dim);
    let button = Button::new(text)
        .right_text(mark)
        .min_size(vec2(152.0, theme::CONTROL));
    let response = ui.add(button).on_hover_text("The model that draws");
    named(ui, &response, &title);
    Popup::menu(&response).show(|ui| {
        ui.set_min_width(220.0);
        if ui.button("Built-in starter").clicked() {
            actions.push(ModelAction::Load(None).into());
        }
        for path in &studio.recent_models {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if ui
                .button(name)
                .on_hover_text(path.display().to_string())
                .clicked()
            {
                actions.push(ModelAction::Load(Some(path.clone())).into());
            }
        }
        ui.separator();
        if ui.button("Open a model file …").clicked() {
            actions.push(ModelAction::Browse.into());
        }
        if ui.button("Models …").clicked() {
            actions.push(ViewAction::Page(Page::Models).into());
        }
    });
}

fn view_settings(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.set_min_width(220.0);
    ui.label(palette.label("Colours"));
    ui.horizontal(|ui| {
        let schemes = [
            ("System", ColourScheme::System),
            ("Dark", ColourScheme::Dark),
            ("Light", ColourScheme::Light),
        ];
        for (name, scheme) in schemes {
            if chip(ui, name, Chosen::from(studio.view.scheme == scheme)).clicked() {
                actions.push(ViewAction::Scheme(scheme).into());
            }
        }
    });
    if ui.button("What went wrong …").clicked() {
        actions.push(ViewAction::Page(Page::Mishaps).into());
        ui.close();
    }
    if ui.button("All settings \u{2026}").clicked() {
        actions.push(ViewAction::Page(Page::Settings).into());
        ui.close();
    }
    ui.label(palette.label("Interface size"));
    ui.horizontal(|ui| {
        for zoom in [1.0, 1.25, 1.5, 2.0] {
            let chosen = Chosen::from((studio.view.zoom - zoom).abs() < 0.01);
            if chip(ui, &format!("{:.0} %", 100.0 * zoom), chosen).clicked() {
                actions.push(ViewAction::Zoom(zoom).into());
            }
        }
    });
}
