//! The verbs of a picture that is there, named once for the strip, the history and the card under
//! the canvas.

use crate::state::{Action, Ended, Outcome, Piece, ResultAction, Shown, Studio, Verb, Which};
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{named, pressed_once};
use egui::{Button, Key, Modifiers, Popup, Response, RichText, Ui, vec2};

/// A picture, and what decides on which verbs there are.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) which: Which,
    title: String,
    ended: Ended,
    starred: bool,
    /// Whether there is a file that can be read.
    kept: bool,
    in_memory: bool,
    on_strip: bool,
    /// Whether others branch off it.
    has_branches: bool,
    on_canvas: OnCanvas,
}

/// What the canvas shows, as seen from a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnCanvas {
    This,
    /// Another result, which this one can be compared with.
    Another,
    Neither,
}

impl OnCanvas {
    fn of(studio: &Studio, is_this: impl Fn(&Outcome) -> bool) -> Self {
        let Shown::Outcome(id) = studio.shown else {
            return Self::Neither;
        };
        match studio.outcome(id) {
            Some(shown) if is_this(shown) => Self::This,
            Some(_) => Self::Another,
            None => Self::Neither,
        }
    }
}

impl Subject {
    pub(crate) fn of_outcome(studio: &Studio, outcome: &Outcome) -> Self {
        Self {
            which: Which::Outcome(outcome.id),
            title: outcome.title.clone(),
            ended: outcome.ended,
            starred: studio.album.is_starred(outcome.path.as_deref()),
            kept: outcome.path.is_some() && !outcome.gone,
            in_memory: outcome.pixels.is_some(),
            has_branches: studio.branches_of(outcome.id).len() > 1,
            on_strip: studio.outcomes.iter().any(|other| other.id == outcome.id),
            on_canvas: OnCanvas::of(studio, |shown| shown.id == outcome.id),
        }
    }

    pub(crate) fn of_piece(studio: &Studio, piece: &Piece) -> Self {
        Self {
            which: Which::Kept(piece.path.clone()),
            title: piece.title.clone(),
            ended: piece.ended,
            starred: studio.album.starred.contains(&piece.path),
            kept: true,
            in_memory: false,
            has_branches: false,
            on_strip: false,
            on_canvas: OnCanvas::of(studio, |shown| shown.path.as_ref() == Some(&piece.path)),
        }
    }

    fn action(&self, verb: Verb) -> Action {
        Action::Result(ResultAction::Do(self.which.clone(), verb))
    }

    /// Whether the verb makes sense for this picture.
    fn can(&self, verb: Verb) -> bool {
        match verb {
            Verb::Compare if self.on_canvas != OnCanvas::Another => false,
            Verb::Show | Verb::Compare | Verb::Edit | Verb::Subject | Verb::Copy => {
                self.kept || self.in_memory
            }
            Verb::Finish => self.kept && self.ended == Ended::Stopped,
            Verb::TimeLapse => self.kept && self.ended == Ended::Finished,
            Verb::TakeOff => self.on_strip,
            Verb::Prune => self.kept && self.has_branches,
            _ => self.kept,
        }
    }

    fn words(&self, verb: Verb) -> (&'static str, &'static str) {
        words_of(verb, self.starred)
    }
}

/// Name and icon of a verb.
fn words_of(verb: Verb, starred: bool) -> (&'static str, &'static str) {
    match verb {
        Verb::Show => ("Show", icon::PICTURE),
        Verb::Compare => ("Compare with the shown one", icon::COMPARE),
        Verb::UseSettings => ("Use its settings", icon::SETTINGS),
        Verb::Remix => ("Remix: its settings, new seeds", icon::REFRESH),
        Verb::Edit => ("Edit this picture", icon::BRUSH),
        Verb::Subject => ("Use as a subject", icon::SUBJECT),
        Verb::Finish => ("Finish it", icon::PLAY),
        Verb::Copy => ("Copy image", icon::COPY),
        Verb::SaveAs => ("Save as …", icon::SAVE),
        Verb::TimeLapse => ("Save a time-lapse …", icon::PLAY),
        Verb::Reveal => ("Show in folder", icon::FOLDER),
        Verb::OpenOutside => ("Open in editor", icon::OUTSIDE),
        Verb::Star if starred => ("Take the star away", icon::STAR),
        Verb::Star => ("Star", icon::STAR),
        Verb::Trash => ("Move to trash", icon::TRASH),
        Verb::Prune => ("Prune: it and its branches", icon::TRASH),
        Verb::TakeOff => ("Take off the strip", icon::CLOSE),
    }
}

/// In the order of the menu; lines between the groups.
const GROUPS: [&[Verb]; 4] = [
    &[Verb::Show, Verb::Finish, Verb::Compare],
    &[Verb::UseSettings, Verb::Remix, Verb::Edit, Verb::Subject],
    &[
        Verb::Copy,
        Verb::SaveAs,
        Verb::TimeLapse,
        Verb::Reveal,
        Verb::OpenOutside,
    ],
    &[Verb::Star, Verb::TakeOff, Verb::Trash, Verb::Prune],
];

/// Every verb there is for the picture.
pub(crate) fn menu(ui: &mut Ui, subject: &Subject, actions: &mut Vec<Action>) {
    ui.set_width(224.0);
    ui.spacing_mut().item_spacing.y = 1.0;
    let mut first = true;
    for group in GROUPS {
        let verbs: Vec<Verb> = group.iter().copied().filter(|verb| subject.can(*verb)).collect();
        if verbs.is_empty() {
            continue;
        }
        if !first {
            ui.separator();
        }
        first = false;
        for verb in verbs {
            if entry(ui, subject, verb) {
                actions.push(subject.action(verb));
                ui.close();
            }
        }
    }
}

fn entry(ui: &mut Ui, subject: &Subject, verb: Verb) -> bool {
    let palette = Palette::of(ui);
    let (name, mark) = subject.words(verb);
    let colour = if matches!(verb, Verb::Trash | Verb::Prune) {
        palette.danger
    } else {
        palette.text
    };
    let mark = RichText::new(mark).font(theme::regular(15.0)).color(colour);
    let words = RichText::new(name)
        .font(theme::regular(theme::BODY))
        .color(colour);
    let button = Button::new((mark, words))
        .frame_when_inactive(false)
        .min_size(vec2(ui.available_width(), 26.0));
    let response = ui.add(button);
    named(ui, &response, name);
    let response = match verb {
        Verb::TakeOff => response.on_hover_text("The file stays"),
        Verb::Trash => response.on_hover_text("The trash of the desktop: it can be taken back (Delete)"),
        Verb::Prune => response
            .on_hover_text("All that was drawn from it goes to the trash with it: it can be taken back"),
        Verb::SaveAs => response.on_hover_text("A copy of the file, its settings inside"),
        Verb::TimeLapse => {
            response.on_hover_text("Its rows as they came, guesses included: an animated PNG, or a GIF")
        }
        _ => response,
    };
    response.clicked()
}

/// The menu and the keys of a tile.
pub(crate) fn on_tile(response: &Response, subject: &Subject, actions: &mut Vec<Action>) {
    response.context_menu(|ui| menu(ui, subject, actions));
    if !response.has_focus() {
        return;
    }
    let deletes = |input: &mut egui::InputState| {
        input.consume_key(Modifiers::NONE, Key::Delete)
            || input.consume_key(Modifiers::COMMAND, Key::Backspace)
    };
    if subject.can(Verb::Trash) && response.ctx.input_mut(deletes) {
        actions.push(subject.action(Verb::Trash));
    }
    let copies = |input: &egui::InputState| input.events.contains(&egui::Event::Copy);
    if subject.can(Verb::Copy) && response.ctx.input(copies) {
        actions.push(subject.action(Verb::Copy));
    }
}

/// Which icons there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tools {
    /// The verbs used most, and all of them behind the last icon.
    All,
    Menu,
}

const USED_MOST: [Verb; 5] = [Verb::Star, Verb::Copy, Verb::SaveAs, Verb::Reveal, Verb::Trash];
const TOOL: egui::Vec2 = vec2(26.0, 20.0);
const TOOL_GAP: f32 = 4.0;
/// Of the line before them.
const LINE: f32 = 6.0;

/// How much room the icons and the line before them take.
pub(crate) fn tools_width(tools: Tools) -> f32 {
    let count = match tools {
        Tools::All => USED_MOST.len() + 1,
        Tools::Menu => 1,
    };
    LINE + count as f32 * (TOOL.x + TOOL_GAP)
}

/// What is done with a picture's file; dim where there is no picture.
pub(crate) fn tools(ui: &mut Ui, tools: Tools, subject: Option<&Subject>, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = TOOL_GAP;
    let verbs = match tools {
        Tools::All => USED_MOST.as_slice(),
        Tools::Menu => &[],
    };
    for verb in verbs {
        let (name, mark) = words_of(*verb, subject.is_some_and(Subject::is_starred));
        let can = subject.filter(|subject| subject.can(*verb));
        let response = ui.add_enabled_ui(can.is_some(), |ui| tool(ui, mark, name)).inner;
        if let Some(subject) = can {
            if *verb == Verb::Star && subject.is_starred() {
                full_star(ui, response.rect.center(), Palette::of(ui).accent);
            }
            if pressed_once(&response) {
                actions.push(subject.action(*verb));
            }
        }
    }
    let more = ui.add_enabled_ui(subject.is_some(), |ui| tool(ui, icon::MORE, "More to do with it"));
    if let Some(subject) = subject {
        Popup::menu(&more.inner).show(|ui| menu(ui, subject, actions));
    }
}

fn tool(ui: &mut Ui, mark: &str, name: &str) -> Response {
    let colour = Palette::of(ui).text;
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = egui::Vec2::ZERO;
        let text = RichText::new(mark).font(theme::regular(16.0)).color(colour);
        let response = ui.add_sized(TOOL, Button::new(text).frame_when_inactive(false));
        named(ui, &response, name);
        response.on_hover_text(name)
    })
    .inner
}

/// A star filled with its colour.
pub(crate) fn full_star(ui: &Ui, centre: egui::Pos2, colour: egui::Color32) {
    let corner = |index: usize| {
        let radius = if index.is_multiple_of(2) { 6.6 } else { 2.9 };
        let angle = std::f32::consts::PI * (index as f32 / 5.0 - 0.5);
        centre + radius * vec2(angle.cos(), angle.sin()) + vec2(0.0, 0.5)
    };
    // Five kites: a star is not convex.
    for point in (0..10).step_by(2) {
        let kite = vec![corner(point + 9), corner(point), corner(point + 1), centre];
        ui.painter()
            .add(egui::Shape::convex_polygon(kite, colour, egui::Stroke::NONE));
    }
}

impl Subject {
    pub(crate) fn is_starred(&self) -> bool {
        self.starred
    }

    /// For those who do not see the star.
    pub(crate) fn star_name(&self) -> String {
        let (name, _) = self.words(Verb::Star);
        format!("{name}: {}", self.title)
    }
}
