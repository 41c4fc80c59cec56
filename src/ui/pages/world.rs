//! The page of all things and backgrounds the starter knows, as small pictures; a click puts one into
//! the prompt.

use crate::state::{Action, DraftAction, Page, Setting, Studio, ViewAction};
use crate::ui::app::focus;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::fitted;
use crate::understand::{
    BackgroundInfo, PartKind, ThingInfo, Verdict, backgrounds, text_with, things, understand,
};
use egui::{
    Align, Align2, Color32, Image, Layout, Margin, Rect, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui,
    WidgetInfo, accesskit::Role, pos2, vec2,
};
use serde::Deserialize;
use std::sync::LazyLock;

const WORLD: &str = include_str!("../../../assets/starter/recipe/world.json");
/// The recipe's `sprites.png`, in less room.
const SPRITES: &[u8] = include_bytes!("../../../assets/things.webp");
const THING: egui::Vec2 = vec2(84.0, 88.0);
const BACKGROUND: egui::Vec2 = vec2(112.0, 96.0);

/// Where the pictures of things are, and what backgrounds are made of; lengths are thousandths.
#[derive(Debug, Deserialize)]
struct World {
    columns: usize,
    nouns: Vec<Noun>,
    backgrounds: Vec<Background>,
}

#[derive(Debug, Deserialize)]
struct Noun {
    cell: usize,
}

#[derive(Debug, Deserialize)]
struct Background {
    layers: Vec<Layer>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Layer {
    Band {
        band: [f32; 2],
        top: [u8; 3],
        bottom: [u8; 3],
    },
    Polygon {
        polygon: Vec<[f32; 2]>,
        colour: [u8; 3],
    },
    Disc {
        disc: [f32; 3],
        colour: [u8; 3],
    },
    Dots {
        dots: Vec<[f32; 2]>,
        colour: [u8; 3],
    },
}

/// `None` only if the file that comes along were damaged.
static PICTURES: LazyLock<Option<World>> = LazyLock::new(|| serde_json::from_str(WORLD).ok());

fn colour([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}

pub(crate) fn show(ui: &mut Ui, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    focus::scroll(ScrollArea::vertical().auto_shrink(false), ui, |ui| {
        egui::Frame::new().inner_margin(Margin::same(32)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(palette.title("What the starter draws"));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button("Back to the canvas").clicked() {
                        actions.push(ViewAction::Page(Page::Canvas).into());
                    }
                });
            });
            ui.label(
                palette
                    .secondary("A click puts it into the prompt. Other words for these are understood, too."),
            );
            let Some(world) = PICTURES.as_ref() else { return };
            ui.add_space(theme::PAD);
            ui.label(palette.section(format!("{} things", things().len())));
            ui.horizontal_wrapped(|ui| {
                for (info, noun) in things().iter().zip(&world.nouns) {
                    if thing(ui, palette, info, noun, world) {
                        let words = with_thing(&studio.draft.prompt, info);
                        actions.push(DraftAction::Set(Setting::Words(words)).into());
                    }
                }
            });
            ui.add_space(theme::PAD);
            ui.label(palette.section(format!("{} backgrounds", backgrounds().len())));
            ui.horizontal_wrapped(|ui| {
                for (info, made) in backgrounds().iter().zip(&world.backgrounds) {
                    if background(ui, palette, info, made) {
                        let words = with_background(&studio.draft.prompt, info);
                        actions.push(DraftAction::Set(Setting::Words(words)).into());
                    }
                }
            });
        });
    });
}

/// The prompt with one thing more, or of this thing where it says nothing yet.
fn with_thing(prompt: &str, info: &ThingInfo) -> String {
    let thing = info.prompt();
    match understand(prompt).verdict {
        Verdict::Known | Verdict::Near => format!("{} and {thing}", prompt.trim_end()),
        Verdict::Empty | Verdict::Unnamed | Verdict::Outside { .. } => thing,
    }
}

/// The prompt before this background.
fn with_background(prompt: &str, info: &BackgroundInfo) -> String {
    let reading = understand(prompt);
    let part = reading
        .parts
        .iter()
        .position(|part| part.kind == PartKind::Background);
    match part {
        Some(part) => text_with(&reading, part, &info.name),
        None => info.caption().to_owned(),
    }
}

/// A picture with its name under it; whether it was clicked.
fn tile(
    ui: &mut Ui,
    palette: &Palette,
    size: egui::Vec2,
    (name, tip): (&str, &str),
    paint: impl FnOnce(&mut Ui, Rect),
) -> bool {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, format!("Into the prompt: {name}")));
    if ui.is_rect_visible(rect) {
        let is_marked = response.hovered() || response.has_focus();
        let edge = if is_marked { palette.accent } else { palette.stroke };
        let frame = (1.0, edge);
        ui.painter()
            .rect(rect, theme::RADIUS_CARD, palette.panel, frame, StrokeKind::Inside);
        paint(ui, rect);
        ui.painter().text(
            rect.center_bottom() - vec2(0.0, 13.0),
            Align2::CENTER_CENTER,
            name,
            theme::regular(theme::SECONDARY - 1.0),
            palette.text,
        );
    }
    response.on_hover_text(tip).clicked()
}

fn thing(ui: &mut Ui, palette: &Palette, info: &ThingInfo, noun: &Noun, world: &World) -> bool {
    let also: Vec<&str> = info.words.iter().map(|words| words[0].as_str()).collect();
    let columns = world.columns.max(1);
    let rows = world.nouns.len().div_ceil(columns).max(1);
    tile(
        ui,
        palette,
        THING,
        (info.word(1), &also.join(", ")),
        |ui, rect| {
            let (x, y) = ((noun.cell % columns) as f32, (noun.cell / columns) as f32);
            let (across, down) = (1.0 / columns as f32, 1.0 / rows as f32);
            let part = Rect::from_min_size(pos2(x * across, y * down), vec2(across, down));
            let room = Rect::from_center_size(rect.center_top() + vec2(0.0, 36.0), vec2(48.0, 48.0));
            Image::from_bytes("bytes://things.webp", SPRITES)
                .uv(part)
                .paint_at(ui, fitted(vec2(1.0, 1.0), room));
        },
    )
}

fn background(ui: &mut Ui, palette: &Palette, info: &BackgroundInfo, made: &Background) -> bool {
    tile(
        ui,
        palette,
        BACKGROUND,
        (&info.name, &info.words.join(", ")),
        |ui, rect| {
            let room = Rect::from_min_max(rect.min + vec2(8.0, 8.0), rect.max - vec2(8.0, 26.0));
            let painter = ui.painter().with_clip_rect(room.intersect(ui.clip_rect()));
            let at = |x: f32, y: f32| room.min + vec2(x, y) * room.size() / 1000.0;
            for layer in &made.layers {
                match layer {
                    Layer::Band { band, top, bottom } => {
                        let mut mesh = egui::Mesh::default();
                        for (y, shade) in [(band[0], top), (band[1], bottom)] {
                            mesh.colored_vertex(at(0.0, y), colour(*shade));
                            mesh.colored_vertex(at(1000.0, y), colour(*shade));
                        }
                        mesh.add_triangle(0, 1, 2);
                        mesh.add_triangle(1, 2, 3);
                        painter.add(Shape::mesh(mesh));
                    }
                    Layer::Polygon {
                        polygon,
                        colour: shade,
                    } => {
                        let corners = polygon.iter().map(|[x, y]| at(*x, *y)).collect();
                        painter.add(Shape::convex_polygon(corners, colour(*shade), Stroke::NONE));
                    }
                    Layer::Disc {
                        disc: [x, y, r],
                        colour: shade,
                    } => {
                        let radius = r * room.height().min(room.width()) / 1000.0;
                        painter.circle_filled(at(*x, *y), radius, colour(*shade));
                    }
                    Layer::Dots { dots, colour: shade } => {
                        for [x, y] in dots {
                            painter.rect_filled(
                                Rect::from_min_size(at(*x, *y), vec2(1.5, 1.5)),
                                0.0,
                                colour(*shade),
                            );
                        }
                    }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thing_and_background_has_its_picture() {
        let world = PICTURES.as_ref().expect("the world");
        assert_eq!(world.nouns.len(), things().len());
        assert_eq!(world.backgrounds.len(), backgrounds().len());
    }

    #[test]
    fn its_pictures_are_those_the_starter_learned_from() {
        let learned = include_bytes!("../../../assets/starter/recipe/sprites.png");
        let read = |bytes| image::load_from_memory(bytes).expect("a picture").into_rgba8();
        assert!(read(SPRITES) == read(learned));
    }

    #[test]
    fn clicks_become_prompts_that_are_understood() {
        for info in things() {
            let alone = with_thing("", info);
            let meant: Vec<String> = understand(&alone)
                .parts
                .iter()
                .map(|part| part.meaning.clone())
                .collect();
            assert!(meant.contains(&info.name), "{alone}: {meant:?}");
        }
        for info in backgrounds() {
            for prompt in ["a dog", "a dog in a meadow", ""] {
                let words = with_background(prompt, info);
                let reading = understand(&words);
                let found = reading
                    .parts
                    .iter()
                    .find(|part| part.kind == PartKind::Background);
                // A background alone is a prompt that still wants a thing.
                if !prompt.is_empty() {
                    assert_eq!(
                        found.map(|part| part.meaning.as_str()),
                        Some(info.name.as_str()),
                        "{words}"
                    );
                }
            }
        }
    }
}
