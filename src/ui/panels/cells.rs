//! What lies over the cells of the picture: how unsure the model was of each, with what else could stand
//! there; or where two compared pictures differ.

use super::lower_card::{is_covered, over};
use super::middle::Middle;
use crate::state::{Action, DoubtAction, DoubtShown, Studio};
use crate::task::{Alternative, Difference};
use crate::token::{CODE_PIXELS, Grid};
use crate::ui::canvas::CanvasResponse;
use crate::ui::textures::Textures;
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{SliderRow, named, small_icon};
use egui::{
    Align, Area, Button, Color32, ColorImage, Id, Image, Layout, Order, Pos2, Rect, RichText, Sense, Stroke,
    StrokeKind, Ui, pos2, vec2,
};

/// Side of a small picture of a cell.
const PATCH: f32 = 34.0;
/// The tools under the canvas, below this card.
const TOOLS: f32 = 50.0;

/// Lays it over the picture that stands at `place`.
pub(crate) fn show(ui: &mut Ui, middle: &mut Middle<'_>, told: &CanvasResponse, place: Rect) {
    let studio = middle.studio;
    if let Some(Ok(difference)) = studio.difference_shown() {
        let colour = Palette::of(ui).accent;
        let seen = |cell: usize| difference.cells.get(cell) == Some(&true);
        lay(
            ui,
            middle.textures,
            told,
            (place, difference.grid),
            colour,
            |cell| match seen(cell) {
                true => 0.55,
                false => 0.0,
            },
        );
        return;
    }
    let Some(shown) = studio.doubt_shown() else {
        return;
    };
    let columns = shown.grid.columns.max(1) as usize;
    let above = studio.doubt.above;
    // Doubtful cells stand out, the others show as far as they are doubtful.
    let part = |cell: usize| {
        let (row, column) = ((cell / columns) as u32, (cell % columns) as u32);
        match shown.is_above(row, column, above) {
            true => 0.5 + 0.3 * shown.part(row, column).unwrap_or_default(),
            false => 0.6 * shown.part(row, column).unwrap_or_default(),
        }
    };
    let colour = Color32::from_rgb(255, 64, 160);
    lay(ui, middle.textures, told, (place, shown.grid), colour, part);
    // What lies under a card is not pointed at.
    let at = ui.input(|input| input.pointer.latest_pos());
    let is_covered = at.is_some_and(|at| is_covered(ui, at));
    let pointed = told.pointer.filter(|_| !is_covered).map(|[x, y]| {
        let cell = |at: f32, count: u32| ((at / CODE_PIXELS as f32) as u32).min(count.saturating_sub(1));
        (cell(y, shown.grid.rows), cell(x, shown.grid.columns))
    });
    let is_clicked = ui.input(|input| input.pointer.primary_clicked()) && told.response.contains_pointer();
    match pointed.filter(|_| is_clicked) {
        Some((row, column)) => middle.actions.push(DoubtAction::Hold(row, column).into()),
        None if !studio.doubt.is_held && pointed != studio.doubt.cell => {
            middle.actions.push(DoubtAction::Point(pointed).into());
        }
        None => {}
    }
    if let Some(cell) = studio.doubt.cell {
        let rect = cell_rect(place, shown.grid, cell);
        let painter = ui.painter_at(told.response.rect);
        painter.rect_stroke(
            rect,
            0,
            Stroke::new(3.0, Color32::from_black_alpha(170)),
            StrokeKind::Outside,
        );
        painter.rect_stroke(rect, 0, Stroke::new(1.5, Color32::WHITE), StrokeKind::Outside);
        alternatives(ui, middle, &shown, (told.response.rect, rect), cell);
    }
}

fn cell_rect(place: Rect, grid: Grid, (row, column): (u32, u32)) -> Rect {
    let side = vec2(
        place.width() / grid.columns.max(1) as f32,
        place.height() / grid.rows.max(1) as f32,
    );
    let corner = place.min + vec2(column as f32, row as f32) * side;
    Rect::from_min_size(corner, side)
}

/// A colour over every cell, `part` of it.
fn lay(
    ui: &Ui,
    textures: &mut Textures,
    told: &CanvasResponse,
    (place, grid): (Rect, Grid),
    colour: Color32,
    part: impl Fn(usize) -> f32,
) {
    let cells: Vec<Color32> = (0..grid.codes())
        .map(|cell| colour.gamma_multiply(part(cell).clamp(0.0, 1.0)))
        .collect();
    let image = ColorImage::new([grid.columns as usize, grid.rows as usize], cells);
    let texture = textures.overlay(ui.ctx(), image);
    let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    let painter = ui.painter_at(told.response.rect);
    painter.image(texture.id(), place, whole, Color32::WHITE);
}

/// What else could stand in a cell, beside it.
fn alternatives(
    ui: &Ui,
    middle: &mut Middle<'_>,
    shown: &DoubtShown<'_>,
    (canvas, cell): (Rect, Rect),
    (row, column): (u32, u32),
) {
    let palette = Palette::of(ui);
    let studio = middle.studio;
    let certain = match shown.nats(row, column) {
        Some(nats) => format!("Row {row}, cell {column} · {nats:.2} nats of doubt"),
        None => format!("Row {row}, cell {column} · given, not drawn"),
    };
    let width = 6.0 * (PATCH + 8.0) + 28.0;
    let left = match cell.right() + 10.0 + width < canvas.right() {
        true => cell.right() + 10.0,
        false => cell.left() - 10.0 - width,
    };
    let top = (cell.top() - 20.0).clamp(
        canvas.top() + 8.0,
        (canvas.bottom() - 190.0).max(canvas.top() + 8.0),
    );
    let area = Area::new(Id::unique("alternatives"))
        .order(Order::Foreground)
        .fixed_pos(pos2(left.max(canvas.left() + 8.0), top))
        .interactable(studio.doubt.is_held);
    area.show(ui.ctx(), |ui| {
        crate::ui::widgets::card(ui).show(ui, |ui| {
            ui.set_width(width - 28.0);
            ui.spacing_mut().item_spacing = vec2(8.0, 4.0);
            ui.horizontal(|ui| {
                ui.label(palette.label(&certain));
                if studio.doubt.is_held {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        if small_icon(ui, icon::CLOSE, "Let the cell go (Esc)").clicked() {
                            middle.actions.push(DoubtAction::LetGo.into());
                        }
                    });
                }
            });
            match studio.alternatives() {
                Some([]) => {
                    ui.label(palette.secondary("The model has nothing else for it."));
                }
                Some(others) => {
                    ui.horizontal(|ui| {
                        for (place, other) in others.iter().enumerate() {
                            patch(ui, middle, (shown, row, column), (place, other));
                        }
                    });
                    let words = match studio.doubt.is_held {
                        true => "Take one: it is drawn on from there (1 to 6)",
                        false => "Click the cell to take another one",
                    };
                    ui.label(palette.secondary(words));
                }
                None if studio.run.is_some() => {
                    ui.label(palette.secondary("The model is asked once the picture under way is drawn."));
                }
                None => {
                    ui.label(palette.secondary("The model is asked what else could stand there …"));
                }
            }
        });
    });
}

/// A code that could stand there, as it would look.
fn patch(
    ui: &mut Ui,
    middle: &mut Middle<'_>,
    (shown, row, column): (&DoubtShown<'_>, u32, u32),
    (place, other): (usize, &Alternative),
) {
    let palette = Palette::of(ui);
    let is_drawn = shown.code(row, column) == Some(other.code);
    let texture = middle
        .textures
        .patch(ui.ctx(), (shown.outcome, row, column, place), &other.preview);
    let percent = match other.probability {
        part if part >= 0.995 => "100 %".to_owned(),
        part if part < 0.001 => "0 %".to_owned(),
        part if part < 0.01 => format!("{:.1} %", 100.0 * part),
        part => format!("{:.0} %", 100.0 * part),
    };
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.spacing_mut().button_padding = egui::Vec2::ZERO;
        let image = Image::new(&texture).fit_to_exact_size(vec2(PATCH, PATCH));
        let button = Button::image(image)
            .min_size(vec2(PATCH, PATCH))
            .sense(Sense::click());
        let response = ui.add(button);
        let name = match is_drawn {
            true => format!("The one that was drawn, {percent}"),
            false => format!("Take alternative {}, {percent}", place + 1),
        };
        named(ui, &response, &name);
        let ring = if is_drawn { palette.accent } else { palette.stroke };
        ui.painter()
            .rect_stroke(response.rect, 3, Stroke::new(2.0, ring), StrokeKind::Outside);
        let can = middle.studio.doubt.is_held && !is_drawn;
        if response.on_hover_text(name).clicked() && can {
            middle.actions.push(DoubtAction::Take(other.code).into());
        }
        ui.add_sized(
            vec2(PATCH, 14.0),
            egui::Label::new(
                RichText::new(percent)
                    .font(theme::medium(theme::LABEL))
                    .color(palette.dim),
            )
            .extend(),
        );
    });
}

/// The card above the tools while the overlay is on; whether there is one.
pub(crate) fn card(ui: &mut Ui, canvas: Rect, studio: &Studio, actions: &mut Vec<Action>) -> bool {
    let above_tools = canvas.with_max_y(canvas.bottom() - TOOLS);
    let palette = Palette::of(ui);
    if let Some(found) = studio.difference_shown() {
        let words = match found {
            Ok(difference) => Difference::told(difference),
            Err(failure) => failure.message.clone(),
        };
        over(ui, above_tools, vec2(420.0, 40.0), |ui| {
            ui.horizontal(|ui| {
                ui.label(palette.secondary(words));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| close(ui, actions));
            });
        });
        return true;
    }
    let Some(shown) = studio.doubt_shown() else {
        return false;
    };
    let above = studio.doubt.above;
    let count = shown.count_above(above);
    over(ui, above_tools, vec2(470.0, 58.0), |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            ui.allocate_ui(vec2(200.0, 36.0), |ui| {
                ui.vertical(|ui| {
                    let slider = SliderRow {
                        name: "Doubtful above",
                        value_text: format!("{above:.2} nats"),
                        range: 0.0..=shown.most.max(0.5),
                        step: 0.02,
                        tip: "How unsure the model was of a cell: the entropy of what it chose from. 0 is certain",
                    };
                    if let Some(nats) = slider.show(ui, above) {
                        actions.push(DoubtAction::Above(nats).into());
                    }
                });
            });
            let words = format!("{count} of {} cells", shown.grid.codes());
            ui.label(palette.secondary(words));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                close(ui, actions);
                let words = RichText::new("Select them").font(theme::medium(theme::BODY));
                let select = Button::new(words).min_size(vec2(0.0, 26.0));
                let select = ui.add_enabled(count > 0, select);
                let tip = "Edits the picture with the doubtful cells as the mask: they are drawn again";
                if select.on_hover_text(tip).clicked() {
                    actions.push(DoubtAction::Select.into());
                }
            });
        });
    });
    true
}

fn close(ui: &mut Ui, actions: &mut Vec<Action>) {
    if small_icon(ui, icon::CLOSE, "Take the overlay away (D)").clicked() {
        actions.push(DoubtAction::Toggle.into());
    }
}
