//! The middle of the window: the canvas, and the cards that lie over its lower edge.

use super::caption;
use super::cells;
use super::lanes;
use super::lower_card::over;
use super::map_card;
use super::middle::Middle;
use super::reference;
use super::row_card;
use super::ruler;
use super::status::Pointed;
use super::tool_card;
use crate::history::Moment;
use crate::state::{DraftAction, Far, Paint, Phase, Run, Shown, Studio, Tool, Unit};
use crate::ui::app::drops::by_tab;
use crate::ui::canvas::{self, CanvasTools, Gesture};
use crate::ui::pages::welcome;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::progress_bar;
use egui::epaint::MarginF32;
use egui::{Align, Key, Layout, Rect, RichText, Ui, vec2};
use std::time::Duration;

pub(crate) fn show(ui: &mut Ui, mut middle: Middle<'_>) -> Pointed {
    let rect = ui.max_rect();
    middle.zones.add(rect, by_tab(middle.studio.draft.tab));
    let mut pointed = Pointed::default();
    if middle.studio.shown == Shown::Welcome {
        welcome::show(ui, &mut middle);
    } else if let Some(run) = lanes::of_run(middle.studio) {
        lanes::show(ui, rect, run, middle.textures, middle.actions);
    } else {
        pointed = picture(ui, &mut middle);
        let is_marked = middle.studio.marked().is_some();
        // Before the cards that come and go: the keyboard stays where it is in the tools.
        if !is_marked && middle.studio.shown != Shown::Run {
            tool_card::show(ui, rect, &mut middle);
        }
        let has_card = is_marked
            || cells::card(ui, rect, middle.studio, middle.actions)
            || map_card::show(ui, rect, middle.studio, middle.actions);
        if !has_card {
            caption::show(ui, rect, middle.studio);
        }
    }
    let run = middle.studio.run.as_ref();
    let marked = middle.studio.marked();
    match middle.studio.shown {
        _ if marked.is_some() => {
            if let Some(row) = marked {
                row_card::show(ui, rect, (middle.studio, row), middle.actions);
            }
        }
        Shown::Run => {
            if let Some(run) = run {
                progress_card(ui, rect, run);
            }
        }
        Shown::Welcome | Shown::Source | Shown::Outcome(_) | Shown::Map => {}
    }
    if hovering_files(ui) {
        ui.painter().rect_stroke(
            rect.shrink(4.0),
            8,
            (2.0, Palette::of(ui).accent),
            egui::StrokeKind::Inside,
        );
    }
    pointed
}

fn hovering_files(ui: &Ui) -> bool {
    ui.ctx().input(|input| !input.raw.hovered_files.is_empty())
}

fn picture(ui: &mut Ui, middle: &mut Middle<'_>) -> Pointed {
    let studio = middle.studio;
    // What is looked at by its cells is not painted on.
    let is_looked_at = studio.doubt_shown().is_some();
    let editing = (studio.can_be_painted_on() && !is_looked_at) || studio.can_paint_map();
    let moving = ui.ctx().input(|input| input.key_down(Key::Space)) && !ui.ctx().text_edit_focused();
    let diameter = studio.draft.brush.size;
    let tool = match studio.draft.brush.tool {
        _ if !editing || moving => canvas::Tool::None,
        Tool::Brush => canvas::Tool::Brush { diameter },
        Tool::Eraser => canvas::Tool::Eraser { diameter },
        Tool::Box => canvas::Tool::Rectangle,
        Tool::Lasso => canvas::Tool::Lasso,
    };
    let reference = reference::of_run(studio);
    let tools = CanvasTools {
        tool,
        colours: Palette::of(ui).canvas_colours(),
        reduced_motion: ui.style().animation_time == 0.0,
        margin: MarginF32 {
            left: 72.0,
            right: reference.map_or(72.0, |_| reference::ROOM),
            top: 32.0,
            // All of a map can be painted on: its card is not over it.
            bottom: if studio.can_paint_map() { 144.0 } else { 84.0 },
        },
    };
    let (left, right) = sides(studio);
    middle.canvas.name_sides(left, right);
    let told = middle.canvas.ui(ui, &tools);
    if let Some(photo) = reference {
        reference::show(ui, told.response.rect, photo, middle.textures);
    }
    if let Some(place) = told.place {
        cells::show(ui, middle, &told, place);
        ruler::show(ui, studio, (told.response.rect, place), middle.actions);
    }
    if editing {
        let point = |[x, y]: [f32; 2]| (x, y);
        for gesture in &told.gestures {
            let paint = match gesture {
                Gesture::Press(at) => {
                    // From here on the keys are the mask's, not the prompt's.
                    told.response.request_focus();
                    Paint::Begin(point(*at))
                }
                Gesture::Drag(to) => Paint::Extend(point(*to)),
                Gesture::Release(_) => Paint::Finish,
            };
            middle.actions.push(DraftAction::Paint(paint).into());
        }
    }
    Pointed {
        at: told.pointer,
        code: told.code,
        note: told.note,
    }
}

/// What is compared: two results by their prompts and seeds, else a result with its source.
fn sides(studio: &Studio) -> (String, String) {
    let name = |id| {
        let outcome = studio.outcome(id)?;
        let mut words: String = outcome.title.chars().take(28).collect();
        if outcome.title.chars().nth(28).is_some() {
            words += "…";
        }
        Some(format!("{words} · {}", outcome.seed))
    };
    let pair = match (studio.shown, studio.compared) {
        (Shown::Outcome(shown), Some(other)) => name(shown).zip(name(other)).map(|(one, two)| {
            // A picture and its branch may be called the same.
            match one == two {
                true if shown.0 > other.0 => (format!("{one} · newer"), format!("{two} · older")),
                true => (format!("{one} · older"), format!("{two} · newer")),
                false => (one, two),
            }
        }),
        _ => None,
    };
    pair.unwrap_or_else(|| ("Before".to_owned(), "After".to_owned()))
}

/// `hh:mm:ss`, `seconds` from now.
fn clock_in(seconds: f64) -> String {
    let now = Moment::now();
    let today = f64::from(now.hour * 3600 + now.minute * 60 + now.second);
    let then = (today + seconds).round() as u64;
    let (hours, minutes, seconds) = (then / 3600 % 24, then / 60 % 60, then % 60);
    match then / 86_400 {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        1 => format!("tomorrow {hours:02}:{minutes:02}"),
        days => format!("in {days} days"),
    }
}

/// Where a picture under way stands, in words.
fn standing(run: &Run) -> String {
    let Far { done, of, unit } = run.far();
    let at = match unit {
        Unit::Rows => format!("row {done} of {of}"),
        Unit::Cells => format!("{done} of {of} cells"),
    };
    match run.phase {
        Phase::Starting => "Starting …".to_owned(),
        Phase::Drawing if unit == Unit::Rows => format!("Row {done} of {of}"),
        Phase::Drawing => at,
        Phase::Paused => format!("Paused at {at}"),
        Phase::Decoding => "Finishing the picture …".to_owned(),
        Phase::Choosing => match run.starts.chosen.len() {
            0 => "Press on the starts to draw on".to_owned(),
            count => format!("{count} of {} chosen", run.candidates()),
        },
        Phase::Interrupted if run.waits() => {
            format!("Stopped at {at} · Goes on when the model is loaded")
        }
        Phase::Interrupted => format!("Stopped at {at} · Resume draws the rest"),
    }
}

/// What stands in the middle of the card: how fast it goes, or what the user wants to be sure of.
fn pace(run: &Run) -> String {
    if matches!(run.phase, Phase::Interrupted | Phase::Choosing) {
        return String::new();
    }
    if run.may_go_wrong.is_some() {
        return "may go wrong · Esc stops it".to_owned();
    }
    if run.far().unit == Unit::Cells {
        return "the rest stays, pixel for pixel".to_owned();
    }
    let rate = run.codes_per_second().map(|rate| format!("{rate:.0} codes/s"));
    let step = run.codes_per_step().map(|rate| format!("{rate:.1} per step"));
    let pace: Vec<String> = rate.into_iter().chain(step).collect();
    pace.join(" · ")
}

fn progress_card(ui: &mut Ui, rect: Rect, run: &Run) {
    let palette = Palette::of(ui);
    let what = standing(run);
    let end = match run.phase {
        Phase::Drawing => run
            .seconds_left()
            .map(|left| format!("done at {}", clock_in(left))),
        _ => None,
    };
    over(ui, rect, vec2(521.0, 50.0), |ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.horizontal(|ui| {
            ui.label(
                RichText::new(what)
                    .font(theme::medium(theme::BODY))
                    .color(palette.text),
            );
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let Some(end) = end {
                    ui.label(
                        RichText::new(end)
                            .font(theme::medium(theme::BODY))
                            .color(palette.text),
                    );
                }
                ui.with_layout(
                    Layout::centered_and_justified(egui::Direction::LeftToRight),
                    |ui| {
                        let words = palette.secondary(pace(run));
                        match run.may_go_wrong {
                            Some(row) => ui.label(words.color(palette.danger)).on_hover_text(format!(
                                "From row {row} on it is less likely than pictures that came out right were there; it goes on unless you stop it"
                            )),
                            None => ui.label(words),
                        };
                    },
                );
            });
        });
        progress_bar(ui, run.far().share());
    });
    if run.phase == Phase::Starting {
        ui.ctx().request_repaint_after(Duration::from_millis(250));
    }
}
