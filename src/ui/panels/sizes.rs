//! The sizes of a picture: by shape, and all the model was made for.

use super::column::Left;
use crate::pixels::Size;
use crate::state::{Setting, Studio};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Chosen, chip, fold, heading};
use egui::{Align2, Button, Response, Ui, Vec2, WidgetInfo, accesskit::Role, vec2};

/// Shapes as buttons with their pixels; all other sizes folded below them.
pub(crate) fn show(ui: &mut Ui, left: &mut Left<'_>) {
    let palette = Palette::of(ui);
    let studio = left.studio;
    ui.add_space(4.0);
    let size = studio.size();
    let follows = studio.draft.size().is_none() && studio.draft.source_size().is_some();
    let told = match size {
        Some(_) if follows => "the shape of the picture given".to_owned(),
        Some(size) => pixels(size),
        None => "chosen by the model".to_owned(),
    };
    let codes = size.map(|size| format!("{} codes", Studio::codes(size)));
    heading(ui, "Size", palette.quiet(told)).on_hover_text(codes.unwrap_or_default());
    let skill = studio
        .profile()
        .and_then(|profile| profile.skill(studio.draft.tab.mode_name()));
    let sizes = skill.map(|skill| skill.sizes.clone()).unwrap_or_default();
    let shapes = shapes(&sizes);
    let gap = 5.0;
    let count = shapes.len().max(3) as f32;
    let width = ((ui.available_width() - (count - 1.0) * gap) / count).floor();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for (name, shape) in shapes.iter().copied() {
            let chosen = Chosen::from(size == Some(shape));
            let response = shape_button(ui, name, shape, chosen, width);
            if response.clicked() {
                left.set(Setting::Size(Some(shape)));
            }
        }
    });
    let others = others(&sizes, &shapes);
    if others.is_empty() {
        return;
    }
    let is_other = size.filter(|size| others.contains(size));
    let now = is_other.map(|size| format!("now {}", pixels(size)));
    fold(ui, "Other sizes", &now.unwrap_or_default(), |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(gap);
            for other in others {
                let chosen = Chosen::from(size == Some(other));
                if chip(ui, &format!("{} \u{d7} {}", other.width, other.height), chosen).clicked() {
                    left.set(Setting::Size(Some(other)));
                }
            }
        });
    });
}

fn pixels(size: Size) -> String {
    format!("{} \u{d7} {} px", size.width, size.height)
}

/// A shape, its pixels below its name.
fn shape_button(ui: &mut Ui, name: &str, size: Size, chosen: Chosen, width: f32) -> Response {
    let palette = Palette::of(ui);
    let (fill, stroke, colour) = match chosen {
        Chosen::Yes => (palette.accent_soft, palette.accent, palette.accent),
        Chosen::No => (palette.raised, palette.stroke, palette.text),
    };
    let quiet = if chosen == Chosen::Yes {
        palette.accent
    } else {
        palette.dim
    };
    let button = Button::new("").fill(fill).stroke((1.0, stroke));
    let response = ui.add_sized(vec2(width, theme::BIG_BUTTON), button);
    let below = format!("{} \u{d7} {}", size.width, size.height);
    for (down, words, font, colour) in [
        (-7.0, name, theme::medium(theme::SECONDARY), colour),
        (8.0, below.as_str(), theme::regular(10.5), quiet),
    ] {
        let at = response.rect.center() + vec2(0.0, down);
        ui.painter().text(at, Align2::CENTER_CENTER, words, font, colour);
    }
    let name = format!("{name}, {}", pixels(size));
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, chosen == Chosen::Yes, &name));
    response
}

/// The shapes the model was made for, each with one size.
fn shapes(sizes: &[Size]) -> Vec<(&'static str, Size)> {
    let found = SHAPES.map(|(name, ratio)| Some((name, of_shape(sizes, ratio)?)));
    found.into_iter().flatten().collect()
}

/// All sizes no button leads to, the smallest first, none twice.
fn others(sizes: &[Size], shapes: &[(&'static str, Size)]) -> Vec<Size> {
    let mut others: Vec<Size> = sizes
        .iter()
        .copied()
        .filter(|size| shapes.iter().all(|(_, shape)| shape != size))
        .collect();
    others.sort_by_key(|size| (size.width * size.height, size.width));
    others.dedup();
    others
}

/// Widths to heights that have a button.
const SHAPES: [(&str, f64); 4] = [
    ("Square", 1.0),
    ("Wide", 1.5),
    ("Tall", 1.0 / 1.5),
    ("Panorama", 2.0),
];

/// The size for a shape: near it, and about as large as the model's own, which is the first.
/// `None` when none is near.
fn of_shape(sizes: &[Size], ratio: f64) -> Option<Size> {
    let area = |size: &Size| f64::from(size.width) * f64::from(size.height);
    let own = area(sizes.first()?);
    let off = |size: &Size| {
        (f64::from(size.width) / f64::from(size.height) / ratio)
            .ln()
            .abs()
    };
    let cost = |size: &Size| off(size) + 0.5 * (area(size) / own).ln().abs();
    let near = sizes.iter().filter(|size| off(size) < 0.16);
    near.min_by(|a, b| cost(a).total_cmp(&cost(b))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_find_sizes_near_them() {
        let sizes = crate::token::trained_sizes(768);
        assert_eq!(of_shape(&sizes, 1.0), Some(Size::new(768, 768)));
        let wide = of_shape(&sizes, 1.5).expect("a wide size");
        assert!(wide.width > wide.height);
        let squares = [192, 128, 256].map(|side| Size::new(side, side));
        assert_eq!(of_shape(&squares, 1.0), Some(squares[0]));
        assert_eq!(of_shape(&[Size::new(128, 128)], 2.0), None);
        assert_eq!(of_shape(&[], 1.0), None);
    }

    /// Those of the starter.
    #[test]
    fn every_size_is_offered_once_and_in_order() {
        let all = [
            (192, 192),
            (96, 160),
            (128, 128),
            (128, 192),
            (160, 96),
            (160, 224),
            (192, 128),
            (192, 320),
            (224, 160),
            (256, 256),
            (320, 192),
        ];
        let sizes = all.map(|(width, height)| Size::new(width, height));
        let shapes = shapes(&sizes);
        let named: Vec<String> = shapes
            .iter()
            .map(|(name, size)| format!("{name} {size}"))
            .collect();
        assert_eq!(named, ["Square 192x192", "Wide 224x160", "Tall 160x224"]);
        let others = others(&sizes, &shapes);
        let written: Vec<String> = others.iter().map(Size::to_string).collect();
        let expected = [
            "96x160", "160x96", "128x128", "128x192", "192x128", "192x320", "320x192", "256x256",
        ];
        assert_eq!(written, expected);
    }
}
