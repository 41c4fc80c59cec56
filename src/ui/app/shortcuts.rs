//! Shortcuts of the window.

use crate::state::{
    Action, Brush, DoubtAction, DraftAction, FileAction, OfferAction, Page, Phase, RowAction, RunAction,
    Setting, Shown, Studio, Tab, Tool, UndoAction, ViewAction, WritingAction,
};
use crate::ui::canvas::Canvas;
use egui::{Context, Id, Key, Modifiers};

/// Keys and what they do, for the sheet.
pub(crate) const SHEET: [(&str, &str); 26] = [
    ("Ctrl+Enter", "Draw"),
    ("Ctrl+R", "Rewrite the words of the prompt"),
    ("Esc", "Stop the picture and keep its rows"),
    ("Ctrl+Z", "Undo: mask, pictures, words, queue"),
    ("Ctrl+Shift+Z", "Redo"),
    ("B", "Brush"),
    ("E", "Eraser"),
    ("[  ]", "Smaller and larger brush"),
    ("Ctrl+0", "Fit the picture"),
    ("Ctrl+1", "100 %"),
    ("Space", "Hold to move the picture"),
    ("Ctrl+wheel", "Zoom at the pointer"),
    ("Wheel", "Move the picture"),
    (
        "Alt+\u{2191}  Alt+\u{2193}",
        "Mark the row from which to draw again",
    ),
    ("Alt+Enter", "Draw again from the mark; steer what is drawn"),
    ("D", "Doubt of the cells; where two compared pictures differ"),
    (
        "Shift+arrows  1 to 6",
        "Another cell; take what could stand there",
    ),
    ("Shift+click", "Compare with a picture of the strip"),
    ("Right click", "All that can be done with a picture"),
    ("Drag", "Queued pictures into another order; a value up or down"),
    ("Ctrl+V", "Paste a picture"),
    ("Ctrl+O", "Open a picture"),
    ("Ctrl+H", "History: every kept picture"),
    ("Delete", "Move the chosen picture to the trash"),
    ("Tab", "Next control"),
    ("?", "This sheet"),
];

/// Takes the shortcuts out of the input, before any widget sees them.
pub(crate) fn pressed(ctx: &Context, studio: &Studio, canvas: &mut Canvas) -> Vec<Action> {
    let mut actions = Vec::new();
    let typing = ctx.text_edit_focused();
    let command = Modifiers::COMMAND;
    let take = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
    // Pressed twice within one slow frame is twice.
    let times = |modifiers, key| ctx.input_mut(|input| input.count_and_consume_key(modifiers, key));
    let draws = times(command, Key::Enter);
    actions.extend(std::iter::repeat_n(RunAction::Draw.into(), draws));
    if take(command, Key::R) {
        actions.push(WritingAction::Ask.into());
    }
    if take(command, Key::O) {
        actions.push(FileAction::Browse(super::drops::by_tab(studio.draft.tab)).into());
    }
    if take(command, Key::Num0) {
        canvas.fit();
    }
    if take(command, Key::Num1) {
        canvas.actual_size();
    }
    if studio.page == Page::Canvas && studio.rows_shown().is_some() {
        actions.extend(on_rows(studio, times));
    }
    // In a text field it would take the letter before the caret.
    if take(command, Key::H) {
        let page = match studio.page {
            Page::History => Page::Canvas,
            Page::Canvas | Page::Models | Page::Mishaps | Page::Settings | Page::World => Page::History,
        };
        actions.push(ViewAction::Page(page).into());
    }
    // An open menu is closed by it.
    if !egui::Popup::is_any_open(ctx) && take(Modifiers::NONE, Key::Escape) {
        actions.extend(escape(studio));
    }
    if ctx.input(|input| input.events.contains(&egui::Event::WindowFocused(true))) {
        actions.push(ViewAction::Regained.into());
    }
    // The prompt's words are on the same stack as everything else; other fields have their own.
    if !typing || ctx.memory(|memory| memory.has_focus(Id::unique("prompt"))) {
        // With Shift first: without it the key is the same.
        for (modifiers, key, step) in [
            (command | Modifiers::SHIFT, Key::Z, UndoAction::Redo),
            (command, Key::Y, UndoAction::Redo),
            (command, Key::Z, UndoAction::Undo),
        ] {
            let steps = times(modifiers, key);
            actions.extend(std::iter::repeat_n(step.into(), steps));
        }
    }
    if typing {
        return actions;
    }
    let question = take(Modifiers::SHIFT, Key::Questionmark) || take(Modifiers::NONE, Key::Questionmark);
    if question || take(Modifiers::SHIFT, Key::Slash) {
        actions.push(ViewAction::Help.into());
    }
    if studio.page == Page::Canvas {
        actions.extend(on_cells(studio, times));
    }
    if studio.draft.tab == Tab::Edit || studio.can_paint_map() {
        let brush = &studio.draft.brush;
        for (key, tool) in [(Key::B, Tool::Brush), (Key::E, Tool::Eraser)] {
            if take(Modifiers::NONE, key) {
                let brush = brush.clone();
                actions.push(DraftAction::Set(Setting::Brush(Brush { tool, ..brush })).into());
            }
        }
        for (key, factor) in [(Key::OpenBracket, 1.0 / 1.2), (Key::CloseBracket, 1.2)] {
            let steps = times(Modifiers::NONE, key);
            if steps > 0 {
                let brush = (0..steps).fold(brush.clone(), |brush, _| resized(&brush, factor));
                actions.push(DraftAction::Set(Setting::Brush(brush)).into());
            }
        }
    }
    actions
}

/// The mark goes up and down; the picture is drawn again from it, or goes on otherwise.
fn on_rows(studio: &Studio, times: impl Fn(Modifiers, Key) -> usize) -> Vec<Action> {
    let by = times(Modifiers::ALT, Key::ArrowDown) as i32 - times(Modifiers::ALT, Key::ArrowUp) as i32;
    let mut actions = Vec::new();
    if by != 0 {
        actions.push(RowAction::Move(by).into());
    }
    if times(Modifiers::ALT, Key::Enter) > 0 {
        let steers = studio.marked().is_none() && studio.run.is_some() && studio.shown == Shown::Run;
        actions.push(match steers {
            true => RowAction::Steer.into(),
            false => RowAction::DrawAgain.into(),
        });
    }
    actions
}

/// The overlay of the cells comes and goes; another cell is held, another code taken.
fn on_cells(studio: &Studio, times: impl Fn(Modifiers, Key) -> usize) -> Vec<Action> {
    let mut actions = Vec::new();
    if times(Modifiers::NONE, Key::D) % 2 == 1 && studio.can_doubt() {
        actions.push(DoubtAction::Toggle.into());
    }
    if studio.doubt_shown().is_none() {
        return actions;
    }
    let steps = |key| times(Modifiers::SHIFT, key) as i32;
    let down = steps(Key::ArrowDown) - steps(Key::ArrowUp);
    let right = steps(Key::ArrowRight) - steps(Key::ArrowLeft);
    if (down, right) != (0, 0) {
        actions.push(DoubtAction::Move(down, right).into());
    }
    let digits = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6];
    for (place, digit) in digits.into_iter().enumerate() {
        if times(Modifiers::NONE, digit) > 0 {
            actions.push(DoubtAction::TakeNth(place).into());
        }
    }
    actions
}

/// A step of the brush's size, at least a pixel.
fn resized(brush: &Brush, factor: f32) -> Brush {
    let grown = (brush.size * factor).round();
    let size = if grown == brush.size {
        brush.size + (factor - 1.0).signum()
    } else {
        grown
    };
    Brush {
        size: size.clamp(1.0, 512.0),
        ..brush.clone()
    }
}

/// Esc closes what is open, then stops what is being drawn.
fn escape(studio: &Studio) -> Option<Action> {
    if studio.help {
        return Some(Action::View(ViewAction::Help));
    }
    if studio.wanted.is_some() {
        return Some(Action::Files(FileAction::TypeNone));
    }
    if studio.offer.is_some() {
        return Some(Action::Offer(OfferAction::Dismiss));
    }
    if matches!(studio.page, Page::History | Page::Settings | Page::World) {
        return Some(Action::View(ViewAction::Page(Page::Canvas)));
    }
    if studio.marked().is_some() {
        return Some(Action::Rows(RowAction::Unmark));
    }
    if studio.doubt.is_held {
        return Some(Action::Doubt(DoubtAction::LetGo));
    }
    let working = studio
        .run
        .as_ref()
        .is_some_and(|run| !matches!(run.phase, Phase::Interrupted | Phase::Choosing));
    working.then_some(Action::Run(RunAction::Keep))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brush_always_changes_and_comes_back() {
        let mut brush = Brush {
            size: 2.0,
            ..Brush::default()
        };
        brush = resized(&brush, 1.2);
        assert_eq!(brush.size, 3.0);
        for _ in 0..9 {
            brush = resized(&brush, 1.0 / 1.2);
        }
        assert_eq!(brush.size, 1.0);
    }
}
