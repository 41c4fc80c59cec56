//! The line at the bottom: what is under the pointer, where pictures are kept.

use crate::state::{Model, Page, Shown, Studio, Tab, Turned};
use crate::ui::canvas::Canvas;
use crate::ui::theme::Palette;
use egui::{Align, Layout, Ui};

/// What the canvas said in the last frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Pointed {
    pub(crate) at: Option<[f32; 2]>,
    pub(crate) code: Option<u32>,
    /// How the picture is shown, where that is not as it is.
    pub(crate) note: Option<String>,
}

pub(crate) fn show(ui: &mut Ui, studio: &Studio, canvas: &Canvas, pointed: &Pointed) {
    let palette = Palette::of(ui);
    ui.horizontal_centered(|ui| {
        ui.add_space(12.0);
        if studio.page == Page::Canvas && studio.shown != Shown::Welcome {
            ui.label(palette.secondary(place(studio, canvas, pointed)));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(12.0);
            ui.label(palette.secondary(state(studio)));
        });
    });
}

fn place(studio: &Studio, canvas: &Canvas, pointed: &Pointed) -> String {
    let mut words = format!("{:.0} %", canvas.zoom_percent());
    if let Some(note) = &pointed.note {
        words += &format!(" · {note}");
    }
    let Some([x, y]) = pointed.at else { return words };
    words += &format!(" · x {x:.0} y {y:.0}");
    if let Some(code) = pointed.code {
        words += &format!(" · code {code:04}");
    }
    let turn = studio.draft.chain.current();
    if let Some(turn) = turn.filter(|_| studio.shown == Shown::Source) {
        let inside = turn.painting.is_inside((x, y));
        words += if inside {
            " · inside the mask"
        } else {
            " · outside the mask"
        };
    }
    words
}

fn state(studio: &Studio) -> String {
    let painting = studio.draft.chain.current().map(|turn| &turn.painting);
    let editing = studio.draft.tab == Tab::Edit && studio.shown == Shown::Source;
    let steps = format!(
        "undo {} · redo {}",
        studio.undo.steps_back(),
        studio.undo.steps_forth()
    );
    match studio.undo.turned() {
        Some(Turned::Undone(what)) => return format!("undone: {what} · {steps}"),
        Some(Turned::Redone(what)) => return format!("redone: {what} · {steps}"),
        None => {}
    }
    if let Some(painting) = painting.filter(|painting| editing && painting.steps_done() > 0) {
        let done = painting.steps_done();
        let strokes = if done == 1 { "stroke" } else { "strokes" };
        return format!("{done} {strokes} · {steps}");
    }
    if let Some(folder) = &studio.kept_in {
        return format!("saved in {}", short(folder));
    }
    match &studio.model {
        Model::Loading => "loading the model …".to_owned(),
        Model::Failed(_) => "no model".to_owned(),
        Model::Ready { profile, seconds, .. } => match profile.bytes {
            Some(bytes) => format!("ready · {} MB model in memory", bytes.div_ceil(1_000_000)),
            None => format!("ready · model loaded in {seconds:.1} s"),
        },
    }
}

/// The last three folders of a path.
fn short(folder: &std::path::Path) -> String {
    let parts: Vec<_> = folder.iter().map(|part| part.to_string_lossy()).collect();
    parts[parts.len().saturating_sub(3)..].join("/")
}
