//! The sizes of a picture: by shape, and all the model was made for.

use super::column::Left;
use crate::pixels::Size;
use crate::state::{DraftAction, Setting, Studio};
use crate::ui::theme::Palette;
use crate::ui::widgets::{Chosen, chip, heading, unfold};
use egui::{ComboBox, Ui};

/// Sizes by shape, their pixels beside them.
pub(crate) fn show(ui: &mut Ui, left: &mut Left<'_>) {
    let palette = Palette::of(ui);
    let studio = left.studio;
    ui.add_space(4.0);
    let shown = match studio.size() {
        Some(size) => format!(
            "{} × {} px · {} codes",
            size.width,
            size.height,
            Studio::codes(size)
        ),
        None => "as the model likes".to_owned(),
    };
    heading(ui, "Size", palette.quiet(shown));
    let skill = studio
        .profile()
        .and_then(|profile| profile.skill(studio.draft.tab.mode_name()));
    let sizes = skill.map(|skill| skill.sizes.clone()).unwrap_or_default();
    ui.horizontal_wrapped(|ui| {
        for (name, ratio) in SHAPES {
            let found = of_shape(&sizes, ratio);
            let chosen = Chosen::from(found.is_some() && found == studio.size());
            let response = ui
                .add_enabled_ui(found.is_some(), |ui| chip(ui, name, chosen))
                .inner;
            let response = match found {
                Some(size) => response.on_hover_text(format!("{} × {} px", size.width, size.height)),
                None => response.on_disabled_hover_text("This model was not made for this shape"),
            };
            if response.clicked() {
                left.set(Setting::Size(found));
            }
        }
    });
    if has_more(&sizes) {
        let label = ui.label(palette.label("Every size the model was made for"));
        ui.label_inputs_by(label.id, |ui| {
            let selected = studio.size().map(|size| size.to_string()).unwrap_or_default();
            ComboBox::from_id_salt("sizes")
                .icon(unfold)
                .selected_text(selected)
                .show_ui(ui, |ui| {
                    for size in &sizes {
                        if ui
                            .selectable_label(studio.size() == Some(*size), size.to_string())
                            .clicked()
                        {
                            left.actions
                                .push(DraftAction::Set(Setting::Size(Some(*size))).into());
                        }
                    }
                });
        });
    }
}

/// Widths to heights that have a button.
const SHAPES: [(&str, f64); 4] = [
    ("Square", 1.0),
    ("Wide", 1.5),
    ("Tall", 1.0 / 1.5),
    ("Panorama", 2.0),
];

/// Whether there are sizes that no button leads to.
fn has_more(sizes: &[Size]) -> bool {
    let buttons = SHAPES.map(|(_, ratio)| of_shape(sizes, ratio));
    sizes.iter().any(|size| !buttons.contains(&Some(*size)))
}

/// The size nearest to a shape, of equals the one most like the model's own, which is the first;
/// `None` when none is near.
fn of_shape(sizes: &[Size], ratio: f64) -> Option<Size> {
    let area = |size: &Size| u64::from(size.width) * u64::from(size.height);
    let own = sizes.first().map_or(0, area);
    let off = |size: &Size| {
        (f64::from(size.width) / f64::from(size.height) / ratio)
            .ln()
            .abs()
    };
    let near = sizes.iter().filter(|size| off(size) < 0.16);
    near.min_by(|a, b| {
        let grown = |size| area(size).abs_diff(own);
        off(a).total_cmp(&off(b)).then(grown(a).cmp(&grown(b)))
    })
    .copied()
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

    #[test]
    fn sizes_without_a_button_are_listed() {
        let square = |side| Size::new(side, side);
        assert!(!has_more(&[]) && !has_more(&[square(128)]));
        assert!(!has_more(&[
            square(192),
            Size::new(192, 128),
            Size::new(128, 192)
        ]));
        assert!(has_more(&[square(192), square(128)]));
    }
}
