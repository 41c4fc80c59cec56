//! The tools under the picture and beside it: they keep their places, and what is lit paints.

use super::states::{act, await_that, edit_drawing, masked, open};
use super::*;
use crate::state::{ResultAction, Verb, Which};

const TOOLS: [&str; 8] = [
    "Undo",
    "Redo",
    "Before | After",
    "Compare",
    "Edit this",
    "Fit",
    "Copy image",
    "More to do with it",
];

fn places(window: &Window) -> Vec<egui::Rect> {
    TOOLS.map(|name| window.get_by_label(name).rect()).to_vec()
}

fn draw_another(window: &mut Window, task: u64) {
    act(window, DraftAction::Set(Setting::Tab(Tab::Create)));
    act(window, DraftAction::Set(Setting::Words("a cat".to_owned())));
    act(window, RunAction::Draw);
    tell(window, rows(task, 4).into_iter().chain([finished(task)]));
}

#[test]
fn tools_keep_their_places_whatever_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    open(&mut window, Target::Canvas);
    let source = places(&window);
    let quiet = window.get_by_label("Size").rect();
    act(&mut window, DraftAction::Paint(Paint::Invert));
    assert!(has(&window, "Outside the mask not one pixel changes."));
    assert_eq!(
        window.get_by_label("Size").rect(),
        quiet,
        "the promise takes no room"
    );
    assert_eq!(places(&window), source, "masked");
    draw_another(&mut window, 0);
    assert_eq!(
        places(&window),
        source,
        "the first result, while it is being saved"
    );
    await_that(&mut window, |studio| studio.outcomes[0].path.is_some());
    assert_eq!(places(&window), source, "the first result");
    draw_another(&mut window, 1);
    assert_eq!(places(&window), source, "a second one, to compare with");
    window.get_by_label("Compare").click();
    window.run_ok();
    assert!(app(&mut window).canvas.is_comparing());
    assert_eq!(places(&window), source, "compared");
    window.get_by_label("Compare").click();
    window.run_ok();
    assert!(!app(&mut window).canvas.is_comparing());
    window.get_by_label("Edit this").click();
    window.run_ok();
    assert_eq!(app(&mut window).studio.shown, Shown::Source);
    assert_eq!(places(&window), source, "edited");
}

/// Where the column is wide and the window small, all words are there and the icons in a menu.
#[test]
fn the_tools_fit_a_narrow_canvas() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1024.0, 640.0]);
    open(&mut window, Target::Canvas);
    let canvas = window.get_by_label("Canvas").rect();
    for name in TOOLS {
        let place = window.get_by_label(name).rect();
        assert!(canvas.contains_rect(place), "{name}: {place:?} in {canvas:?}");
    }
}

#[test]
fn after_an_edit_the_lit_brush_paints_on_the_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    masked(&mut window);
    act(&mut window, RunAction::Draw);
    tell(&mut window, rows(0, 4).into_iter().chain([finished(0)]));
    stroke(&mut window);
    let chain = &app(&mut window).studio.draft.chain;
    let turn = chain.current().expect("the result");
    assert_eq!((chain.at(), turn.painting.steps_done()), (1, 1));
    // Another result of the strip becomes the source by the first stroke on it.
    draw_another(&mut window, 1);
    act(&mut window, DraftAction::Set(Setting::Tab(Tab::Edit)));
    let cat = app(&mut window).studio.outcomes[0].id;
    act(&mut window, ResultAction::Do(Which::Outcome(cat), Verb::Show));
    stroke(&mut window);
    let turn = app(&mut window)
        .studio
        .draft
        .chain
        .current()
        .expect("the cat")
        .clone();
    assert_eq!((turn.outcome, turn.painting.steps_done()), (Some(cat), 1));
    assert_eq!(app(&mut window).studio.shown, Shown::Source);
}

/// A stroke through the middle of the canvas.
fn stroke(window: &mut Window) {
    let middle = window.get_by_label("Canvas").rect().center();
    window.drag_at(middle);
    window.run_ok();
    window.hover_at(middle + egui::vec2(60.0, 20.0));
    window.run_ok();
    window.drop_at(middle + egui::vec2(60.0, 20.0));
    window.run_ok();
}

/// The verbs of a picture under way stand where Draw was: the second click of a double click is
/// not for them.
#[test]
fn a_double_click_on_draw_does_not_stop_what_it_began() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    act(&mut window, DraftAction::Set(Setting::Words("a cat".to_owned())));
    let draw = window.get_by_label("Draw").rect().center();
    for _ in 0..2 {
        for pressed in [true, false] {
            let button = egui::PointerButton::Primary;
            let modifiers = egui::Modifiers::NONE;
            window.input_mut().events.extend([
                egui::Event::PointerMoved(draw),
                egui::Event::PointerButton {
                    pos: draw,
                    button,
                    pressed,
                    modifiers,
                },
            ]);
            window.step();
        }
    }
    window.run_ok();
    let run = app(&mut window).studio.run.as_ref().expect("a picture under way");
    assert_eq!(run.wish, None);
    assert!(
        window.get_by_label("Keep").rect().contains(draw),
        "it lies under the pointer"
    );
}

#[test]
fn a_picture_under_way_shows_what_it_is_made_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    masked(&mut window);
    assert!(app(&mut window).canvas.is_masked());
    edit_drawing(&mut window);
    let canvas = &app(&mut window).canvas;
    assert!(!canvas.is_masked(), "the hole is told by its edge");
    assert_eq!(canvas.size(), Some(Size::new(160, 120)), "the photo's own size");
}

/// The map of a photo is large on the canvas before anything is drawn, and follows its thresholds.
#[test]
fn the_map_of_a_photo_is_looked_at_before_it_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    open(&mut window, Target::MapPhoto);
    await_that(&mut window, |studio| studio.draft.control.map.is_some());
    let shown = |window: &mut Window| {
        let studio = &app(window).studio;
        let map = studio.draft.control.map.as_ref().map(|map| map.size());
        (studio.shown, map == app(window).canvas.size())
    };
    assert_eq!(shown(&mut window), (Shown::Map, true));
    let edges = app(&mut window).studio.draft.control.edges.expect("a map");
    act(&mut window, DraftAction::Set(Setting::Thresholds(0.5, 1.0)));
    await_that(&mut window, |studio| {
        studio.draft.control.edges.is_some_and(|now| now > edges)
    });
    // Another size, another map.
    let wide = Size::new(64, 16);
    act(&mut window, DraftAction::Set(Setting::Size(Some(wide))));
    await_that(&mut window, |studio| {
        studio
            .draft
            .control
            .map
            .as_ref()
            .is_some_and(|map| map.size() == wide)
    });
    assert_eq!(shown(&mut window), (Shown::Map, true));
    // Another mode shows what it showed, and this one the map again.
    for (tab, map) in [(Tab::Create, Shown::Welcome), (Tab::Control, Shown::Map)] {
        act(&mut window, DraftAction::Set(Setting::Tab(tab)));
        assert_eq!(app(&mut window).studio.shown, map);
    }
    act(&mut window, DraftAction::RemoveSource);
    assert_eq!(app(&mut window).studio.shown, Shown::Welcome);
    assert!(app(&mut window).studio.draft.control.map.is_none());
}

/// Where the desktop has no dialog, a path does.
#[test]
fn a_path_can_be_typed_where_there_is_no_dialog() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a photo.png");
    let photo = Pixels::filled(Size::new(40, 30), [9; 3]);
    std::fs::write(&path, crate::picture::encode_png(&photo).expect("a PNG")).expect("a file");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    let wanted = crate::state::Wanted::Picture(Target::Canvas);
    act(&mut window, Answer::NoDialog(wanted.clone()));
    let field = window.get_by_role(Role::TextInput);
    assert!(field.is_focused());
    field.type_text(&format!("\"{}\"", path.display()));
    window.run_ok();
    window.key_press(egui::Key::Enter);
    window.run_ok();
    await_that(&mut window, |studio| studio.draft.chain.current().is_some());
    let studio = &app(&mut window).studio;
    assert_eq!((studio.shown, studio.wanted.as_ref()), (Shown::Source, None));
    let turn = studio.draft.chain.current().expect("the photo");
    assert_eq!(turn.photo.size(), Size::new(40, 30));
    // Given up by Esc.
    act(&mut window, Answer::NoDialog(wanted));
    window.key_press(egui::Key::Escape);
    window.run_ok();
    assert_eq!(app(&mut window).studio.wanted, None);
}

/// Two results of one picture stand below each other, both right of it.
#[test]
fn turns_stand_as_a_tree() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    masked(&mut window);
    for task in 0..2 {
        act(&mut window, DraftAction::GoToTurn(0));
        act(&mut window, RunAction::Draw);
        let mut result = finished(task);
        if let Report::Finished { pictures, .. } = &mut result {
            pictures[0].pixels = Some(Pixels::filled(GRID.pixels(), [task as u8; 3]));
        }
        tell(&mut window, rows(task, 4).into_iter().chain([result]));
    }
    assert!(has(&window, "2 results from turn 1"));
    let place = |name: &str| window.get_by_label_contains(name).rect();
    let (root, first, second) = (place("Turn 1:"), place("Turn 2:"), place("Turn 3:"));
    assert!(root.right() < first.left() && first.top() == root.top());
    assert!(first.left() == second.left() && first.bottom() < second.top());
    window.get_by_label_contains("Turn 2:").click();
    window.run_ok();
    assert_eq!(app(&mut window).studio.draft.chain.at(), 1);
}

/// The tabs end where the fields under them end.
#[test]
fn the_column_has_one_right_edge() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    let field = window.get_by_role(Role::MultilineTextInput).rect();
    for tab in ["Edit", "Predict"] {
        let edge = window.get_by_label(tab).rect().right();
        assert!((edge - field.right()).abs() <= 1.0, "{tab}: {edge} and {field:?}");
    }
}
