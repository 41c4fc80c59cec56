//! The window's own widgets: chips, buttons, rows of settings, pictures that can be clicked.
//!
//! Every one has a name for those who do not see it.

use super::theme::{self, Palette, icon};
use egui::style::WidgetVisuals;
use egui::text::LayoutJob;
use egui::{
    Align, Align2, Button, Color32, CornerRadius, DragValue, Frame, Image, Layout, Margin, Rect, Response,
    RichText, Sense, Slider, SliderClamping, Stroke, StrokeKind, TextStyle, TextureHandle, Ui, Vec2,
    WidgetInfo, WidgetText, accesskit::Role, vec2,
};
use std::ops::RangeInclusive;

/// Whether something is the chosen one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    Yes,
    No,
}

impl From<bool> for Chosen {
    fn from(chosen: bool) -> Self {
        if chosen { Self::Yes } else { Self::No }
    }
}

/// A click that is not the second of a double click: that one was meant for what stood there before.
pub fn pressed_once(response: &Response) -> bool {
    response.clicked() && !response.double_clicked() && !response.triple_clicked()
}

/// A choice among several, shaped as a pill.
pub fn chip(ui: &mut Ui, text: &str, chosen: Chosen) -> Response {
    let palette = Palette::of(ui);
    let (fill, stroke, colour) = match chosen {
        Chosen::Yes => (palette.accent_soft, palette.accent, palette.accent),
        Chosen::No => (palette.raised, palette.stroke, palette.dim),
    };
    ui.spacing_mut().button_padding = vec2(10.0, 4.0);
    let text_shown = RichText::new(text)
        .font(theme::medium(theme::SECONDARY))
        .color(colour);
    let button = Button::new(text_shown)
        .fill(fill)
        .stroke(Stroke::new(1.0, stroke))
        .corner_radius(CornerRadius::same(13))
        .min_size(vec2(0.0, 26.0));
    let response = ui.add(button);
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, chosen == Chosen::Yes, text));
    response
}

/// A tab of the modes: one of a grid of equal buttons.
pub fn tab(ui: &mut Ui, text: &str, chosen: Chosen, size: Vec2) -> Response {
    let palette = Palette::of(ui);
    let (fill, stroke, colour, font) = match chosen {
        Chosen::Yes => (
            palette.accent_soft,
            palette.accent,
            palette.accent,
            theme::semibold(theme::BODY),
        ),
        Chosen::No => (
            palette.raised,
            palette.stroke,
            palette.text,
            theme::medium(theme::BODY),
        ),
    };
    let button = Button::new(RichText::new(text).font(font).color(colour))
        .fill(fill)
        .stroke(Stroke::new(1.0, stroke))
        .min_size(size);
    let response = ui.add_sized(size, button);
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, chosen == Chosen::Yes, text));
    response
}

/// What a big button is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The one thing to do.
    Main,
    Plain,
    Danger,
}

pub fn big_button(ui: &mut Ui, text: &str, weight: Weight, width: f32) -> Response {
    let palette = Palette::of(ui);
    let (fill, stroke, colour, font) = match weight {
        Weight::Main => (
            palette.accent,
            palette.accent,
            palette.on_accent,
            theme::semibold(15.0),
        ),
        Weight::Plain => (
            palette.raised,
            palette.stroke,
            palette.text,
            theme::medium(theme::BODY),
        ),
        Weight::Danger => (
            palette.raised,
            palette.stroke,
            palette.danger,
            theme::medium(theme::BODY),
        ),
    };
    let button = Button::new(RichText::new(text).font(font).color(colour))
        .fill(fill)
        .stroke(Stroke::new(1.0, stroke))
        .corner_radius(CornerRadius::same(theme::RADIUS_BIG));
    ui.add_sized(vec2(width, theme::BIG_BUTTON), button)
}

/// A square button with an icon; `name` is read out and shown when the pointer rests on it.
pub fn icon_button(ui: &mut Ui, icon: &str, name: &str) -> Response {
    let palette = Palette::of(ui);
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = Vec2::ZERO;
        let text = RichText::new(icon).font(theme::regular(16.0)).color(palette.text);
        let response = ui.add_sized(theme::square(), Button::new(text));
        named(ui, &response, name);
        response.on_hover_text(name)
    })
    .inner
}

/// A small icon without a frame.
pub fn small_icon(ui: &mut Ui, icon: &str, name: &str) -> Response {
    let palette = Palette::of(ui);
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = Vec2::ZERO;
        let text = RichText::new(icon).font(theme::regular(14.0)).color(palette.dim);
        let response = ui.add_sized(Vec2::splat(20.0), Button::new(text).frame(false));
        named(ui, &response, name);
        response.on_hover_text(name)
    })
    .inner
}

/// The mark of a menu that unfolds.
pub fn unfold(ui: &Ui, rect: Rect, _: &WidgetVisuals, _is_open: bool) {
    let (font, colour) = (theme::regular(12.0), Palette::of(ui).dim);
    ui.painter()
        .text(rect.center(), Align2::CENTER_CENTER, icon::DOWN, font, colour);
}

/// Says what an unlabelled button is.
pub fn named(ui: &Ui, response: &Response, name: &str) {
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
}

/// A label at the left and something quiet at the right.
pub fn heading(ui: &mut Ui, label: &str, right: impl Into<WidgetText>) -> Response {
    let palette = Palette::of(ui);
    ui.scope(|ui| {
        // A line of text, not of controls.
        ui.spacing_mut().interact_size.y = 16.0;
        ui.horizontal(|ui| {
            let label = ui.label(palette.label(label));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(right));
            label
        })
        .inner
    })
    .inner
}

/// A slider under its name and its value in words.
pub struct SliderRow<'a> {
    pub name: &'a str,
    pub value_text: String,
    pub range: RangeInclusive<f32>,
    pub step: f32,
    pub tip: &'a str,
}

impl SliderRow<'_> {
    /// The new value, when it was changed.
    pub fn show(self, ui: &mut Ui, value: f32) -> Option<f32> {
        self.show_typed(ui, value, |number| number)
    }

    /// As [`show`](Self::show), where what is typed is another number than the slider's.
    pub fn show_typed(self, ui: &mut Ui, value: f32, typed: fn(f32) -> f32) -> Option<f32> {
        let palette = Palette::of(ui);
        let mut chosen = value;
        let label = ui.scope(|ui| {
            ui.spacing_mut().interact_size.y = 16.0;
            let row = ui.horizontal(|ui| {
                let label = ui.label(palette.label(self.name));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    self.number(ui, &mut chosen, typed);
                });
                label
            });
            row.inner
        });
        let label = label.inner;
        let response = ui
            .scope(|ui| {
                ui.spacing_mut().slider_width = ui.available_width();
                ui.spacing_mut().interact_size.y = 16.0;
                ui.visuals_mut().selection.bg_fill = palette.accent;
                let (start, end) = (*self.range.start(), *self.range.end());
                // A value between steps or out of range stays what it is until the user moves it.
                let slider = Slider::new(&mut chosen, self.range.clone())
                    .clamping(SliderClamping::Edits)
                    .show_value(false)
                    .step_by(f64::from(self.step));
                let response = ui.add(slider).labelled_by(label.id);
                // A solid knob over egui's own, at the place where that one stands.
                let reach = response.rect.height() / 2.5;
                let along = response.rect.x_range().shrink(reach);
                let share = ((chosen - start) / (end - start)).clamp(0.0, 1.0);
                let knob = egui::pos2(along.min + share * along.span(), response.rect.center().y);
                let colour = if response.has_focus() {
                    palette.accent
                } else {
                    palette.text
                };
                ui.painter().circle_filled(knob, reach, colour);
                response
            })
            .inner
            .on_hover_text(self.tip);
        let is_changed = response.changed() || chosen != value;
        (is_changed && chosen != value).then_some(chosen)
    }

    /// The value, which can be typed over.
    fn number(&self, ui: &mut Ui, chosen: &mut f32, typed: fn(f32) -> f32) {
        let words = self.value_text.clone();
        ui.spacing_mut().interact_size.x = 24.0;
        ui.spacing_mut().button_padding = vec2(4.0, 0.0);
        let small = theme::medium(theme::SECONDARY);
        ui.style_mut().text_styles.insert(TextStyle::Button, small);
        ui.style_mut().drag_value_text_style = TextStyle::Button;
        let quiet = &mut ui.visuals_mut().widgets.inactive;
        (quiet.weak_bg_fill, quiet.bg_stroke) = (Color32::TRANSPARENT, Stroke::NONE);
        let value = DragValue::new(chosen)
            .range(self.range.clone())
            .clamp_existing_to_range(false)
            .speed(self.step / 4.0)
            .custom_formatter(move |_, _| words.clone())
            .custom_parser(move |text| number_in(text).map(|number| f64::from(typed(number))));
        let response = ui.add(value).on_hover_text("Drag, or click and type a number");
        let name = format!("{}: a number", self.name);
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_label(name));
    }
}

/// The first number of a text: units and words around it are no matter.
fn number_in(text: &str) -> Option<f32> {
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let rest = &text[start..];
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ','));
    let number = rest[..end.unwrap_or(rest.len())].replace(',', ".");
    number.trim_end_matches('.').parse().ok()
}

/// A picture as a button.
pub struct Tile<'a> {
    pub texture: Option<&'a TextureHandle>,
    pub name: &'a str,
    pub size: Vec2,
    pub chosen: Chosen,
    /// Shown in the middle while there is no picture.
    pub words: &'a str,
}

impl Tile<'_> {
    pub fn show(self, ui: &mut Ui) -> Response {
        let (_, response) = ui.allocate_exact_size(self.size, Sense::click());
        self.paint(ui, &response);
        response
    }

    /// Draws it where `response` is, and names it.
    pub fn paint(&self, ui: &Ui, response: &Response) {
        let palette = Palette::of(ui);
        let (rect, enabled) = (response.rect, ui.is_enabled());
        response.widget_info(|| {
            WidgetInfo::selected(Role::Button, enabled, self.chosen == Chosen::Yes, self.name)
        });
        if ui.is_rect_visible(rect) {
            match self.texture {
                Some(texture) => {
                    ui.painter().rect_filled(rect, 0, palette.field);
                    let shown = fitted(texture.size_vec2(), rect);
                    Image::new(texture).corner_radius(2).paint_at(ui, shown);
                }
                // Nothing to say: it is on its way.
                None if self.words.is_empty() => {
                    ui.painter().rect_filled(rect, 2, palette.panel);
                }
                None => {
                    dashed(ui, rect);
                    let font = theme::regular(theme::LABEL);
                    let width = rect.width() - 12.0;
                    let mut job = LayoutJob::simple(self.words.to_owned(), font, palette.dim, width);
                    job.halign = Align::Center;
                    let words = ui.painter().layout_job(job);
                    let at = rect.center() - vec2(0.0, words.size().y / 2.0);
                    ui.painter().galley(at, words, palette.dim);
                }
            }
            let outline = match self.chosen {
                Chosen::Yes => Some(Stroke::new(2.0, palette.accent)),
                Chosen::No if response.has_focus() => Some(Stroke::new(2.0, palette.text)),
                Chosen::No if response.hovered() => Some(Stroke::new(1.0, palette.faint)),
                Chosen::No => None,
            };
            if let Some(stroke) = outline {
                ui.painter()
                    .rect_stroke(rect.expand(2.0), 4, stroke, StrokeKind::Inside);
            }
        }
    }
}

/// The largest rectangle of this shape in the middle of `rect`.
pub fn fitted(size: Vec2, rect: Rect) -> Rect {
    let scale = (rect.width() / size.x.max(1.0)).min(rect.height() / size.y.max(1.0));
    Rect::from_center_size(rect.center(), size * scale)
}

/// A dashed frame with round corners: something can be dropped here.
pub fn dashed(ui: &Ui, rect: Rect) {
    let palette = Palette::of(ui);
    let radius = f32::from(theme::RADIUS_BIG);
    ui.painter().rect_filled(rect, theme::RADIUS_BIG, palette.panel);
    let inner = rect.shrink(radius);
    let centres = [
        inner.right_top(),
        inner.right_bottom(),
        inner.left_bottom(),
        inner.left_top(),
    ];
    // Round each corner from where the side before it ends, clockwise.
    let mut outline = Vec::new();
    for (quarter, centre) in centres.into_iter().enumerate() {
        for step in 0..=4 {
            let turn = (quarter as f32 + step as f32 / 4.0 - 1.0) * std::f32::consts::FRAC_PI_2;
            outline.push(centre + radius * vec2(turn.cos(), turn.sin()));
        }
    }
    outline.extend(outline.first().copied());
    let stroke = Stroke::new(1.0, palette.faint);
    ui.painter()
        .extend(egui::Shape::dashed_line(&outline, stroke, 5.0, 4.0));
}

/// A raised card.
pub fn card(ui: &Ui) -> Frame {
    let palette = Palette::of(ui);
    Frame::new()
        .fill(palette.raised)
        .stroke(palette.line())
        .corner_radius(CornerRadius::same(theme::RADIUS_CARD))
        .inner_margin(Margin::symmetric(14, 10))
}

/// A thin bar; `share` of it is done.
pub fn progress_bar(ui: &mut Ui, share: f32) {
    let palette = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 4.0), Sense::hover());
    ui.painter().rect_filled(rect, 2, palette.stroke);
    let done = Rect::from_min_size(
        rect.min,
        vec2(rect.width() * share.clamp(0.0, 1.0), rect.height()),
    );
    ui.painter().rect_filled(done, 2, palette.accent);
}

/// A section that can be folded; whether it is open is remembered by egui.
pub fn fold<R>(ui: &mut Ui, name: &str, right: &str, content: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    let palette = Palette::of(ui);
    let id = ui.make_persistent_id(name);
    let mut open = ui.data_mut(|data| *data.get_persisted_mut_or(id, false));
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, open, name));
    if response.clicked() {
        open = !open;
        ui.data_mut(|data| data.insert_persisted(id, open));
    }
    let colour = if response.hovered() || response.has_focus() {
        palette.text
    } else {
        palette.dim
    };
    let mark = if open { icon::DOWN } else { icon::RIGHT };
    let painter = ui.painter();
    let left = rect.left_center();
    painter.text(left, Align2::LEFT_CENTER, mark, theme::regular(12.0), colour);
    painter.text(
        left + vec2(18.0, 0.0),
        Align2::LEFT_CENTER,
        name,
        theme::regular(theme::BODY),
        colour,
    );
    painter.text(
        rect.right_center(),
        Align2::RIGHT_CENTER,
        right,
        theme::regular(theme::LABEL),
        palette.faint,
    );
    open.then(|| content(ui))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_and_without_their_units() {
        assert_eq!(number_in("24 px"), Some(24.0));
        assert_eq!(number_in(" 1,5"), Some(1.5));
        assert_eq!(number_in("45 %"), Some(45.0));
        assert_eq!(number_in("0.90"), Some(0.9));
        assert_eq!(number_in("auto"), None);
        assert_eq!(number_in(""), None);
    }
}
