//! What each mode needs beside words: sources, masks, references, maps.

use super::column::Left;
use super::photo_slot::{PhotoSlot, TILE, slot};
use super::turns;
use crate::state::{Aside, Brush, DraftAction, Paint, RunAction, Setting, Tab, Target, Tool};
use crate::task::MapKind;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Chosen, SliderRow, Tile, chip, heading, small_icon};
use egui::{Button, RichText, TextEdit, Ui, Vec2, vec2};

/// Of a picture that was edited before.
const ASIDE: f32 = 40.0;

pub(crate) fn show(ui: &mut Ui, left: &mut Left<'_>) {
    match left.studio.draft.tab {
        Tab::Create => {}
        Tab::Pair => {
            let kind = left.studio.draft.pair_kind;
            kinds(ui, left, kind, Setting::PairKind);
        }
        Tab::Edit => edit(ui, left),
        Tab::Subject => subject(ui, left),
        Tab::Control => control(ui, left),
        Tab::Predict => predict(ui, left),
    }
}

/// The maps the model knows in this mode.
fn kinds(ui: &mut Ui, left: &mut Left<'_>, chosen: MapKind, set: impl Fn(MapKind) -> Setting) {
    let palette = Palette::of(ui);
    ui.add_space(4.0);
    heading(ui, "Map", palette.quiet(""));
    let mode = left.studio.draft.tab.mode_name();
    let known = left
        .studio
        .profile()
        .and_then(|profile| profile.skill(mode))
        .map(|skill| skill.maps.clone());
    ui.horizontal_wrapped(|ui| {
        for kind in MapKind::ALL {
            let can = known.as_ref().is_none_or(|known| known.contains(&kind));
            let name = match kind {
                MapKind::Canny => "Edges",
                MapKind::Depth => "Depth",
                MapKind::Hed => "Soft edges",
                MapKind::Pose => "Pose",
            };
            let response = ui
                .add_enabled_ui(can, |ui| chip(ui, name, Chosen::from(chosen == kind)))
                .inner;
            let response = response
                .on_hover_text(kind.name())
                .on_disabled_hover_text("This model was not trained for these maps");
            if response.clicked() {
                left.set(set(kind));
            }
        }
    });
}

fn edit(ui: &mut Ui, left: &mut Left<'_>) {
    turns::show(ui, left);
    aside(ui, left);
    if left.studio.draft.chain.current().is_some() {
        mask(ui, left);
    }
}

/// Pictures that were edited before the present one: each comes back with its mask and its turns.
fn aside(ui: &mut Ui, left: &mut Left<'_>) {
    let studio = left.studio;
    let former = studio.draft.chain.aside();
    if former.is_empty() {
        return;
    }
    let palette = Palette::of(ui);
    heading(ui, "Edited before", palette.quiet("with mask and turns"));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(6.0);
        for (index, turn) in former.iter().map(Aside::current).enumerate() {
            let Some(turn) = turn else { continue };
            let texture = left.textures.photo(ui.ctx(), &turn.photo);
            let tile = Tile {
                texture: Some(&texture),
                name: &format!("Back to {}: {}", index + 1, turn.photo.name),
                size: Vec2::splat(ASIDE),
                chosen: Chosen::No,
                words: "",
            };
            let tip = format!("{}: edit it again, with its mask and its turns", turn.photo.name);
            if tile.show(ui).on_hover_text(tip).clicked() {
                left.actions.push(DraftAction::BringBack(index).into());
            }
        }
    });
}

fn mask(ui: &mut Ui, left: &mut Left<'_>) {
    let palette = Palette::of(ui);
    let studio = left.studio;
    let Some(turn) = studio.draft.chain.current() else {
        return;
    };
    let share = turn.painting.share();
    ui.add_space(4.0);
    heading(
        ui,
        "Mask",
        palette.quiet(format!("{:.0} % to redraw", 100.0 * share)),
    );
    let brush = &studio.draft.brush;
    ui.horizontal_wrapped(|ui| {
        for tool in Tool::ALL {
            let name = match tool {
                Tool::Brush => "Brush B",
                Tool::Eraser => "Eraser E",
                Tool::Box => "Box",
                Tool::Lasso => "Lasso",
            };
            if chip(ui, name, Chosen::from(brush.tool == tool)).clicked() {
                left.set(Setting::Brush(Brush {
                    tool,
                    ..brush.clone()
                }));
            }
        }
    });
    let longest = turn.photo.size().width.max(turn.photo.size().height) as f32;
    let row = SliderRow {
        name: "Brush size [ ]",
        value_text: format!("{:.0} px", brush.size),
        range: 1.0..=(longest / 2.0).max(2.0),
        step: 1.0,
        tip: "Diameter of brush and eraser",
    };
    if let Some(size) = row.show(ui, brush.size) {
        left.set(Setting::Brush(Brush {
            size,
            ..brush.clone()
        }));
    }
    let row = SliderRow {
        name: "Feather",
        value_text: format!("{} px", brush.feather),
        range: 0.0..=32.0,
        step: 1.0,
        tip: "Pixels inside the mask's edge over which old and new are blended",
    };
    if let Some(feather) = row.show(ui, brush.feather as f32) {
        let feather = feather as u32;
        left.set(Setting::Brush(Brush {
            feather,
            ..brush.clone()
        }));
    }
    let row = SliderRow {
        name: "Tint",
        value_text: format!("{:.0} %", 100.0 * brush.opacity),
        range: 0.1..=0.9,
        step: 0.05,
        tip: "How strongly the mask is shown",
    };
    if let Some(opacity) = row.show(ui, brush.opacity) {
        left.set(Setting::Brush(Brush {
            opacity,
            ..brush.clone()
        }));
    }
    let steps = [
        ("Invert", Paint::Invert),
        ("Grow", Paint::Grow),
        ("Shrink", Paint::Shrink),
        ("Clear", Paint::Clear),
    ];
    ui.horizontal_wrapped(|ui| {
        for (name, step) in steps {
            if chip(ui, name, Chosen::No).clicked() {
                left.actions.push(DraftAction::Paint(step).into());
            }
        }
    });
    // One line in both cases: what lies below stays where it is.
    let (words, colour) = match share > 0.0 {
        true => ("Outside the mask not one pixel changes.", palette.ok),
        false => ("Paint over what shall change, or change it all.", palette.dim),
    };
    ui.label(
        RichText::new(words)
            .font(theme::regular(theme::SECONDARY))
            .color(colour),
    );
}

fn subject(ui: &mut Ui, left: &mut Left<'_>) {
    let palette = Palette::of(ui);
    let studio = left.studio;
    ui.add_space(4.0);
    heading(
        ui,
        "Subject",
        palette.quiet(format!("{} in the tray", studio.draft.references.len())),
    );
    ui.horizontal_wrapped(|ui| {
        for (index, photo) in studio.draft.references.iter().enumerate() {
            ui.vertical(|ui| {
                let texture = left.textures.photo(ui.ctx(), photo);
                let tile = Tile {
                    texture: Some(&texture),
                    name: &format!("Subject {}: {}", index + 1, photo.name),
                    size: Vec2::splat(TILE),
                    chosen: Chosen::from(index == studio.draft.reference),
                    words: "",
                };
                if tile.show(ui).on_hover_text(&photo.name).clicked() {
                    left.actions.push(DraftAction::ChooseReference(index).into());
                }
                let name = format!("Remove subject {}", index + 1);
                if small_icon(ui, theme::icon::CLOSE, &name).clicked() {
                    left.actions.push(DraftAction::RemoveReference(index).into());
                }
            });
        }
        let place = PhotoSlot {
            name: "Add a picture of the subject",
            words: "drop a\nsubject",
            size: Vec2::splat(TILE),
            target: Target::Reference,
        };
        slot(ui, left, None, &place);
    });
    let needed = studio
        .profile()
        .and_then(|profile| profile.skill("subject"))
        .is_some_and(|skill| skill.needs_description);
    let hint = if needed {
        "this model wants it said"
    } else {
        "if the picture does not tell"
    };
    let label = heading(ui, "What the subject is", palette.quiet(hint));
    let mut text = studio.draft.description.clone();
    let field = TextEdit::singleline(&mut text).desired_width(f32::INFINITY);
    if ui.add(field).labelled_by(label.id).changed() {
        left.set(Setting::Description(text));
    }
}

fn control(ui: &mut Ui, left: &mut Left<'_>) {
    let studio = left.studio;
    let kind = studio.draft.control.kind;
    kinds(ui, left, kind, Setting::ControlKind);
    let control = &studio.draft.control;
    ui.add_space(4.0);
    let width = (ui.available_width() - theme::GAP) / 2.0;
    ui.horizontal(|ui| {
        let map = PhotoSlot {
            name: "Open a map",
            words: "drop a\nmap",
            size: vec2(width, width),
            target: Target::Map,
        };
        slot(ui, left, control.map.as_ref(), &map);
        let photo = PhotoSlot {
            name: "Open a photo to make the map of",
            words: "or a photo to\nmake it of",
            size: vec2(width, width),
            target: Target::MapPhoto,
        };
        slot(ui, left, control.photo.as_ref(), &photo);
    });
    let words = "Draw a map from the words first";
    let sketch = ui.add(Button::new(words).min_size(vec2(ui.available_width(), 28.0)));
    let tip =
        "The model draws the map of what the prompt says; paint on it, then Draw the picture that follows it";
    if sketch.on_hover_text(tip).clicked() {
        left.actions.push(RunAction::Sketch.into());
    }
    let control = &studio.draft.control;
    let is_made = control.photo.is_some() && kind == MapKind::Canny;
    ui.add_enabled_ui(is_made, |ui| thresholds(ui, left));
    let (words, colour) = map_words(left, ui);
    ui.label(
        RichText::new(words)
            .font(theme::regular(theme::SECONDARY))
            .color(colour),
    );
}

/// The two thresholds of a map made here; they are there before a photo is, so that nothing moves.
fn thresholds(ui: &mut Ui, left: &mut Left<'_>) {
    let (low, high) = (left.studio.draft.control.low, left.studio.draft.control.high);
    let row = |name, value: f32, tip| SliderRow {
        name,
        value_text: format!("{value:.0}"),
        range: 0.0..=255.0,
        step: 1.0,
        tip,
    };
    let tip = "Edges weaker than this are never drawn";
    if let Some(low) = row("Weakest edge", low, tip).show(ui, low) {
        left.set(Setting::Thresholds(low, high.max(low)));
    }
    let tip = "Edges stronger than this are always drawn";
    if let Some(high) = row("Sure edge", high, tip).show(ui, high) {
        left.set(Setting::Thresholds(low.min(high), high));
    }
}

/// What the map holds, or a warning where that is nothing.
fn map_words(left: &Left<'_>, ui: &Ui) -> (String, egui::Color32) {
    let palette = Palette::of(ui);
    let control = &left.studio.draft.control;
    match (control.edges, &control.photo) {
        (Some(_), Some(_)) if control.is_empty() => {
            let words = "The map is empty: lower both thresholds, or take another photo.";
            (words.to_owned(), palette.danger)
        }
        (Some(_), None) if control.is_empty() => {
            let words = "The map is empty: the picture would follow nothing.";
            (words.to_owned(), palette.danger)
        }
        (Some(edges), _) => (format!("{:.1} % of the map is drawn", 100.0 * edges), palette.dim),
        (None, Some(_)) => ("The map is made as the picture begins.".to_owned(), palette.dim),
        (None, None) => (
            "White on black: what the picture follows.".to_owned(),
            palette.dim,
        ),
    }
}

fn predict(ui: &mut Ui, left: &mut Left<'_>) {
    let studio = left.studio;
    let kind = studio.draft.predict_kind;
    kinds(ui, left, kind, Setting::PredictKind);
    ui.add_space(4.0);
    let palette = Palette::of(ui);
    heading(ui, "Picture", palette.quiet("its map is drawn"));
    let place = PhotoSlot {
        name: "Open the picture whose map to draw",
        words: "drop a picture",
        size: vec2(ui.available_width(), 140.0),
        target: Target::Predict,
    };
    slot(ui, left, studio.draft.predict_source.as_ref(), &place);
}
