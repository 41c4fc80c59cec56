//! What can be done with a picture that is not being drawn: words for what changes the canvas, icons
//! for its file.
//!
//! Every tool is there in every state, at one and the same place: what cannot be done just now is
//! dim. So nothing slides under a pointer that is about to click again.

use super::lower_card::over;
use super::middle::Middle;
use super::picture_verbs::{self, Subject};
use crate::state::{
    Action, DoubtAction, Ended, Outcome, ResultAction, Shown, Studio, UndoAction, Verb, Which,
};
use crate::ui::theme::{self, Palette};
use egui::{Button, Color32, Rect, RichText, Ui, vec2};

/// Between the words, and where there is little room.
const GAP: f32 = 14.0;
const NARROW_GAP: f32 = 9.0;
const HEIGHT: f32 = 40.0;
/// Left and right of the tools, the card's edge included.
const MARGIN: f32 = 30.0;

/// The words, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Undo,
    Redo,
    BeforeAfter,
    Compare,
    Doubt,
    Edit,
    Finish,
    Fit,
}

impl Tool {
    const ALL: [Self; 8] = [
        Self::Undo,
        Self::Redo,
        Self::BeforeAfter,
        Self::Compare,
        Self::Doubt,
        Self::Edit,
        Self::Finish,
        Self::Fit,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::BeforeAfter => "Before | After",
            Self::Compare => "Compare",
            Self::Doubt => "Doubt",
            Self::Edit => "Edit this",
            Self::Finish => "Finish it",
            Self::Fit => "Fit",
        }
    }

    fn tip(self) -> &'static str {
        match self {
            Self::Undo => "Takes the last change back: a stroke, a picture, words, the queue (Ctrl+Z)",
            Self::Redo => "The change that was taken back (Ctrl+Shift+Z)",
            Self::BeforeAfter => "What it was made from beside it, by a slider",
            Self::Compare => {
                "With the picture before it, by a slider. Shift-click another one in the strip, or use its menu"
            }
            Self::Doubt => {
                "How unsure the model was of each cell, and what else could stand there; of two compared pictures, which cells differ (D)"
            }
            Self::Edit => "Makes it the picture that is changed",
            Self::Finish => "Draws the rest of a picture that was stopped",
            Self::Fit => "As large as there is room (Ctrl+0)",
        }
    }

    /// What it does now; `None` where it cannot be done.
    fn deed(self, studio: &Studio, shown: Option<&Outcome>) -> Option<Deed> {
        let with =
            |verb| shown.map(|outcome| Deed::Act(ResultAction::Do(Which::Outcome(outcome.id), verb).into()));
        let on_result = matches!(studio.shown, Shown::Outcome(_));
        match self {
            Self::Undo => (studio.undo.steps_back() > 0).then(|| Deed::Act(UndoAction::Undo.into())),
            Self::Redo => (studio.undo.steps_forth() > 0).then(|| Deed::Act(UndoAction::Redo.into())),
            Self::BeforeAfter => studio
                .before_and_after()
                .map(|_| Deed::Act(ResultAction::BeforeAfter.into())),
            Self::Compare => {
                let other = studio.compared.or(studio.neighbour(shown?.id))?;
                on_result.then(|| Deed::Act(ResultAction::Do(Which::Outcome(other), Verb::Compare).into()))
            }
            Self::Doubt => studio.can_doubt().then(|| Deed::Act(DoubtAction::Toggle.into())),
            Self::Edit => with(Verb::Edit).filter(|_| on_result),
            Self::Finish => {
                let is_part = shown.is_some_and(|outcome| outcome.ended == Ended::Stopped && !outcome.gone);
                with(Verb::Finish).filter(|_| is_part)
            }
            Self::Fit => Some(Deed::Fit),
        }
    }

    /// Whether it is going on; pressed again it ends.
    fn is_on(self, studio: &Studio) -> bool {
        match self {
            Self::BeforeAfter => studio.before_after,
            Self::Compare => studio.compared.is_some(),
            Self::Doubt => studio.doubt.is_on,
            Self::Undo | Self::Redo | Self::Edit | Self::Finish | Self::Fit => false,
        }
    }
}

enum Deed {
    Act(Action),
    Fit,
}

fn text(tool: Tool, colour: Color32) -> RichText {
    RichText::new(tool.name())
        .font(theme::medium(theme::BODY))
        .color(colour)
}

fn width_of(ui: &Ui, tool: Tool) -> f32 {
    let font = theme::medium(theme::BODY);
    let galley = ui
        .painter()
        .layout_no_wrap(tool.name().to_owned(), font, Color32::PLACEHOLDER);
    galley.size().x
}

pub(crate) fn show(ui: &mut Ui, rect: Rect, middle: &mut Middle<'_>) {
    let studio = middle.studio;
    let palette = Palette::of(ui);
    let shown = studio.shown_outcome();
    let letters: f32 = Tool::ALL.iter().map(|tool| width_of(ui, *tool)).sum();
    let width = |gap: f32, tools| {
        let gaps = gap * (Tool::ALL.len() + 1) as f32;
        letters + gaps + picture_verbs::tools_width(tools)
    };
    // Where there is no room for all, the words move together, then the icons go behind the last one.
    let ways = [
        (GAP, picture_verbs::Tools::All),
        (NARROW_GAP, picture_verbs::Tools::All),
        (GAP, picture_verbs::Tools::Menu),
    ];
    let fits =
        |(gap, tools): &(f32, picture_verbs::Tools)| width(*gap, *tools) + MARGIN <= rect.width() - 24.0;
    let (gap, tools) = ways
        .into_iter()
        .find(fits)
        .unwrap_or((NARROW_GAP, picture_verbs::Tools::Menu));
    let width = width(gap, tools);
    let mut fit = None;
    let mut pressed: Vec<Action> = Vec::new();
    over(ui, rect, vec2((width + MARGIN).ceil(), HEIGHT), |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            ui.spacing_mut().button_padding.x = 0.0;
            for tool in Tool::ALL {
                let deed = tool.deed(studio, shown);
                let colour = match (&deed, tool.is_on(studio)) {
                    (_, true) => palette.accent,
                    (Some(_), false) => palette.text,
                    (None, false) => palette.faint,
                };
                let button = Button::new(text(tool, colour)).frame(false);
                let response = ui.add_enabled(deed.is_some(), button);
                let response = response
                    .on_hover_text(tool.tip())
                    .on_disabled_hover_text(tool.tip());
                match deed.filter(|_| response.clicked()) {
                    Some(Deed::Act(action)) => pressed.push(action),
                    Some(Deed::Fit) => fit = Some(()),
                    None => {}
                }
            }
            ui.separator();
            let subject = shown.map(|outcome| Subject::of_outcome(studio, outcome));
            picture_verbs::tools(ui, tools, subject.as_ref(), &mut pressed);
        });
    });
    if fit.is_some() {
        middle.canvas.fit();
    }
    middle.actions.extend(pressed);
}
