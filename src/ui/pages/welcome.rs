//! What the canvas shows before there is a picture: examples, and a place to drop one.

use crate::state::{FileAction, Model, RunAction, ViewAction};
use crate::ui::app::drops::by_tab;
use crate::ui::panels::middle::Middle;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{dashed, fitted};
use egui::{Align2, Rect, Sense, StrokeKind, Ui, WidgetInfo, accesskit::Role, vec2};

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
    drop_zone(
        ui,
        middle,
        Rect::from_center_size(egui::pos2(centre, top + 394.0), vec2(561.0, 84.0)),
    );
    if starter {
        let words = "The starter was trained on 170 things and 24 backgrounds. For any subject, open the 7B model on the models page.";
        let at = Rect::from_center_size(egui::pos2(centre, top + 475.0), vec2(room.width() - 32.0, 20.0));
        let link = egui::Label::new(palette.secondary(words)).sense(Sense::click());
        if ui.put(at, link).on_hover_text("Models").clicked() {
            middle
                .actions
                .push(ViewAction::Page(crate::state::Page::Models).into());
        }
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
