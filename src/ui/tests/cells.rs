//! Cells in the window: doubt over them, another code taken, the doubtful ones selected; a map corrected.

use super::states::{act, await_that, click, done};
use super::steps::{doubted, map_painted};
use super::*;
use crate::state::{Brush, DoubtAction, UndoAction};
use crate::task::{Given, Mode};

fn opened(folder: &Path) -> Window {
    window(folder, [1280.0, 800.0])
}

#[test]
fn another_code_is_taken_by_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    doubted(&mut window);
    // Not to the prompt.
    window.get_by_label("Fit").focus();
    window.run_ok();
    window.key_press_modifiers(egui::Modifiers::SHIFT, egui::Key::ArrowRight);
    window.run_ok();
    assert_eq!(app(&mut window).studio.doubt.cell, Some((1, 2)));
    window.key_press(egui::Key::Num2);
    await_that(&mut window, |studio| studio.run.is_some());
    let run = app(&mut window).studio.run.as_ref().expect("a branch");
    let request = &run.order.request;
    let given = Given {
        from: 4,
        codes: vec![3, 3, 2],
    };
    assert_eq!(request.story.given, [given]);
    assert_eq!(request.resume.as_ref().map(Vec::len), Some(4));
    assert_eq!(
        request.story.parent.as_ref().map(|parent| parent.from_row),
        Some(1)
    );
}

#[test]
fn the_overlay_comes_and_goes_by_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    doubted(&mut window);
    assert!(has(&window, "Doubtful above"));
    window.key_press(egui::Key::Escape);
    window.run_ok();
    assert!(!app(&mut window).studio.doubt.is_held);
    window.key_press(egui::Key::D);
    window.run_ok();
    assert!(!has(&window, "Doubtful above"));
    click(&mut window, "Doubt");
    assert!(has(&window, "Doubtful above"));
    click(&mut window, "Select them");
    let studio = &app(&mut window).studio;
    assert_eq!(studio.draft.tab, Tab::Edit);
    let mask = studio.draft.chain.current().and_then(|turn| turn.painting.mask());
    let white = mask.map(|mask| mask.values().iter().filter(|value| **value == 255).count());
    assert_eq!(white, Some(4 * 64));
}

#[test]
fn a_picture_is_filmed_beside_the_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    done(&mut window);
    let from = app(&mut window).studio.outcomes[0].path.clone().expect("a file");
    let to = folder.path().join("film.png");
    let to_film = to.clone();
    act(
        &mut window,
        crate::state::ResultAction::Film { from, to: to_film },
    );
    await_that(&mut window, |studio| {
        studio
            .notices
            .iter()
            .any(|notice| notice.title.contains("film.png"))
    });
    assert!(
        app(&mut window).studio.run.is_none(),
        "it is no picture of the strip"
    );
    tell(&mut window, rows(1, 4).into_iter().chain([finished(1)]));
    await_that(&mut window, |studio| {
        studio
            .notices
            .iter()
            .any(|notice| notice.title == "The time-lapse is saved")
    });
    assert_eq!(app(&mut window).studio.outcomes.len(), 1);
    let bytes = std::fs::read(to).expect("a film");
    assert!(bytes.windows(4).any(|chunk| chunk == b"acTL"), "it moves");
}

#[test]
fn a_map_is_corrected_and_the_picture_follows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    map_painted(&mut window);
    let white = |window: &mut Window| {
        let map = app(window).studio.draft.control.map.clone().expect("a map");
        let rgb = map.pixels.rgb().to_vec();
        rgb.chunks(3).filter(|pixel| *pixel == [255; 3]).count()
    };
    let painted = white(&mut window);
    assert!(painted > 500, "{painted}");
    act(&mut window, UndoAction::Undo);
    assert!(white(&mut window) < painted);
    act(&mut window, UndoAction::Redo);
    assert_eq!(white(&mut window), painted);
    // Another value, and the eraser.
    click(&mut window, "Nothing");
    assert_eq!(app(&mut window).studio.draft.control.value, [0; 3]);
    for paint in [Paint::Begin((20.0, 20.0)), Paint::Finish] {
        act(&mut window, DraftAction::Paint(paint));
    }
    assert!(white(&mut window) < painted);
    act(&mut window, DraftAction::Set(Setting::Words("a cat".to_owned())));
    act(&mut window, RunAction::Draw);
    let studio = &app(&mut window).studio;
    let request = &studio.run.as_ref().expect("a picture").order.request;
    assert!(matches!(request.mode, Mode::Control { .. }));
    assert_eq!(
        request.source.as_ref().map(|map| &map.id),
        studio.draft.control.map.as_ref().map(|map| &map.id)
    );
}

#[test]
fn a_map_is_drawn_from_words_and_goes_to_where_maps_are_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    super::states::tab(&mut window, Tab::Control);
    act(&mut window, DraftAction::Set(Setting::Words("a cat".to_owned())));
    click(&mut window, "Draw a map from the words first");
    let run = app(&mut window).studio.run.as_ref().expect("a map under way");
    assert!(matches!(run.order.request.mode, Mode::Sketch { .. }));
    tell(&mut window, rows(0, 4).into_iter().chain([finished(0)]));
    let studio = &app(&mut window).studio;
    assert_eq!(studio.shown, Shown::Map);
    let map = studio.draft.control.map.as_ref().expect("a map");
    assert_eq!(map.size(), GRID.pixels());
    assert!(studio.can_paint_map() && studio.outcomes.len() == 1);
    act(&mut window, DoubtAction::Toggle);
    let brush = Brush {
        size: 2.0,
        ..app(&mut window).studio.draft.brush.clone()
    };
    act(&mut window, DraftAction::Set(Setting::Brush(brush)));
    // A dot in the third cell: the others are followed as they were drawn, undone or not.
    for paint in [Paint::Begin((20.0, 4.0)), Paint::Finish] {
        act(&mut window, DraftAction::Paint(paint));
    }
    let given = |from, count| Given {
        from,
        codes: vec![3; count],
    };
    let followed = |window: &mut Window| {
        let request = app(window).studio.draft.request(1).expect("a request");
        assert_eq!(request.size, Some(GRID.pixels()));
        request.story.given
    };
    assert_eq!(followed(&mut window), [given(0, 2), given(3, 13)]);
    act(&mut window, UndoAction::Undo);
    assert_eq!(followed(&mut window), [given(0, 16)]);
    act(&mut window, UndoAction::Redo);
    act(&mut window, RunAction::Draw);
    let run = app(&mut window).studio.run.as_ref().expect("a picture under way");
    assert!(matches!(run.order.request.mode, Mode::Control { .. }));
    assert_eq!(run.order.request.story.given, [given(0, 2), given(3, 13)]);
}
