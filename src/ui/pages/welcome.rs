//! What the canvas shows before there is a picture: examples, and a place to drop one.

use crate::state::{DraftAction, FileAction, Model, Page, RunAction, Setting, Tab, ViewAction};
use crate::ui::app::drops::by_tab;
use crate::ui::panels::middle::Middle;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{dashed, fitted};
use egui::{
    Align, Align2, Layout, Rect, Sense, StrokeKind, Ui, UiBuilder, WidgetInfo, accesskit::Role, vec2,
};

/// A picture that the built-in model draws for these very words and this seed.
pub(crate) struct Example {
    pub(crate) prompt: &'static str,
    pub(crate) seed: u64,
    pub(crate) png: &'static [u8],
}

pub(crate) const EXAMPLES: [Example; 3] = [
    Example {
        prompt: "a fox on the beach",
        seed: 1,
        png: include_bytes!("../../../assets/examples/fox.png"),
    },
    Example {
        prompt: "a cactus in the desert",
        seed: 1,
        png: include_bytes!("../../../assets/examples/cactus.png"),
    },
    Example {
        prompt: "a penguin in the snow",
        seed: 2,
        png: include_bytes!("../../../assets/examples/penguin.png"),
    },
];

/// Prompts in the starter's own words: each of them is drawn as it stands.
pub(crate) const PROMPTS: [&str; 3] = [
    "a red umbrella in the snow",
    "two owls at night",
    "a robot on a yellow background",
];

/// What the published model asks for and gives, as measured (`benches/RESULTS.md`): Q4_K weights,
/// on two cores.
const PUBLISHED: &str = "Any subject: Lumina-mGPT 2.0 \u{b7} 5.3 GB file, 12 GB memory \u{b7} 256\u{d7}256 in 17 minutes on 2 CPU cores";

const CARD: egui::Vec2 = vec2(181.0, 223.0);

pub(crate) fn show(ui: &mut Ui, middle: &mut Middle<'_>) {
    let palette = Palette::of(ui);
    let room = ui.max_rect();
    // From the title to the last line, in the middle of the room.
    let top = (room.center().y - 238.0).max(room.top() + 8.0);
    let centre = room.center().x;
    let line = |ui: &Ui, down: f32, words: &str, font, colour| {
        ui.painter().text(
            egui::pos2(centre, top + down),
            Align2::CENTER_CENTER,
            words,
            font,
            colour,
        )
    };
    let starter = middle.studio.model_path.is_none();
    line(
        ui,
        20.0,
        "Click one to watch it being drawn",
        theme::semibold(theme::TITLE),
        palette.text,
    );
    let below = match (&middle.studio.model, starter) {
        (Model::Failed(_), _) => "the model could not be loaded: choose another one at the top",
        (_, true) => "row by row, on this computer, with the built-in starter model",
        (_, false) => "row by row, on this computer",
    };
    line(ui, 51.0, below, theme::regular(14.0), palette.dim);
    let gap = 15.0;
    let left = centre - (3.0 * CARD.x + 2.0 * gap) / 2.0;
    for (index, example) in EXAMPLES.iter().enumerate() {
        let at = egui::pos2(left + index as f32 * (CARD.x + gap), top + 91.0);
        card(ui, middle, Rect::from_min_size(at, CARD), example);
    }
    if starter {
        let at = Rect::from_center_size(egui::pos2(centre, top + 335.0), vec2(561.0, 24.0));
        prompts(ui, middle, at);
    }
    drop_zone(
        ui,
        middle,
        Rect::from_center_size(egui::pos2(centre, top + 400.0), vec2(561.0, 84.0)),
    );
    if starter {
        let line = |down: f32| {
            let at = egui::pos2(centre, top + down);
            Rect::from_center_size(at, vec2(room.width() - 32.0, 18.0))
        };
        let known = "The built-in starter knows 170 things on 24 backgrounds.";
        let known = egui::Label::new(palette.secondary(known)).sense(Sense::click());
        if ui
            .put(line(466.0), known)
            .on_hover_text("All it can draw")
            .clicked()
        {
            middle.actions.push(ViewAction::Page(Page::World).into());
        }
        let published = egui::Label::new(palette.secondary(PUBLISHED)).sense(Sense::click());
        if ui.put(line(488.0), published).on_hover_text("Models").clicked() {
            middle.actions.push(ViewAction::Page(Page::Models).into());
        }
    }
}

/// Prompts to begin with: a click puts one into the field, where it can be changed.
fn prompts(ui: &mut Ui, middle: &mut Middle<'_>, rect: Rect) {
    let palette = Palette::of(ui);
    let id = ui.make_persistent_id("prompts' width");
    let measured: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(rect.width());
    let place = Rect::from_center_size(rect.center(), vec2(measured.min(rect.width()), rect.height()));
    let builder = UiBuilder::new()
        .max_rect(place)
        .layout(Layout::left_to_right(Align::Center));
    let shown = ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(palette.secondary("Or type"));
        for prompt in PROMPTS {
            let words = palette.secondary(prompt).color(palette.accent);
            let button = egui::Button::new(words).frame_when_inactive(false);
            if ui.add(button).on_hover_text("Puts it into the prompt").clicked() {
                middle
                    .actions
                    .push(DraftAction::Set(Setting::Tab(Tab::Create)).into());
                let words = Setting::Words(prompt.to_owned());
                middle.actions.push(DraftAction::Set(words).into());
            }
        }
        ui.min_rect().width()
    });
    if (shown.inner - measured).abs() > 0.5 {
        ui.data_mut(|data| data.insert_temp(id, shown.inner));
        ui.ctx().request_repaint();
    }
}

fn card(ui: &mut Ui, middle: &mut Middle<'_>, rect: Rect, example: &Example) {
    let palette = Palette::of(ui);
    let response = ui.allocate_rect(rect, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, format!("Draw {}", example.prompt)));
    let edge = if response.hovered() || response.has_focus() {
        palette.accent
    } else {
        palette.stroke
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        theme::RADIUS_CARD,
        palette.panel,
        (1.0, edge),
        StrokeKind::Inside,
    );
    let texture = middle.textures.example(ui.ctx(), example.prompt, example.png);
    let inner = Rect::from_min_size(rect.min + vec2(10.5, 10.5), vec2(160.0, 160.0));
    let shown = fitted(texture.size_vec2(), inner);
    egui::Image::new(&texture).paint_at(ui, shown);
    let short = example.prompt.split(" on a ").next().unwrap_or(example.prompt);
    let under = egui::pos2(rect.center().x, rect.bottom() - 29.0);
    ui.painter().text(
        under,
        Align2::CENTER_CENTER,
        short,
        theme::medium(theme::BODY),
        palette.text,
    );
    let response = response.on_hover_text(format!("{} · seed {}", example.prompt, example.seed));
    if response.clicked() {
        let (prompt, seed) = (example.prompt.into(), example.seed);
        middle.actions.push(RunAction::Example { prompt, seed }.into());
    }
}

fn drop_zone(ui: &mut Ui, middle: &mut Middle<'_>, rect: Rect) {
    let palette = Palette::of(ui);
    let response = ui.allocate_rect(rect, Sense::click());
    let enabled = ui.is_enabled();
    let unheard = middle.studio.dropping == crate::state::Dropping::Unheard;
    let name = match unheard {
        true => "Open a picture: dropping does not work on this desktop",
        false => "Open a picture",
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    dashed(ui, rect);
    if response.hovered() || response.has_focus() {
        ui.painter()
            .rect_stroke(rect, theme::RADIUS_BIG, (1.0, palette.accent), StrokeKind::Inside);
    }
    let painter = ui.painter();
    let first = rect.center() - vec2(0.0, 11.0);
    let words = if unheard {
        "or open a picture to edit it"
    } else {
        "or drop a picture here to edit it"
    };
    painter.text(
        first,
        Align2::CENTER_CENTER,
        words,
        theme::medium(14.0),
        palette.text,
    );
    let words = if unheard {
        "dropping does not work on this desktop (Wayland): click to browse, or paste with Ctrl+V"
    } else {
        "paste with Ctrl+V · browse · a saved picture brings its settings back"
    };
    let second = rect.center() + vec2(0.0, 14.0);
    painter.text(
        second,
        Align2::CENTER_CENTER,
        words,
        theme::regular(theme::SECONDARY),
        palette.dim,
    );
    if response.clicked() {
        middle
            .actions
            .push(FileAction::Browse(by_tab(middle.studio.draft.tab)).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::{Verdict, understand};

    #[test]
    fn every_prompt_offered_is_drawn_as_it_stands() {
        let examples = EXAMPLES.iter().map(|example| example.prompt);
        for prompt in examples.chain(PROMPTS) {
            let understood = understand(prompt);
            assert!(!matches!(understood.verdict, Verdict::Outside { .. }), "{prompt}");
            assert_eq!(understood.caption, prompt);
        }
    }
}
