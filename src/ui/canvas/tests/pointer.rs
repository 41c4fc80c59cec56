//! What pointer and keys do on the canvas.

use super::stage::Stage;
use super::{GRID, STAGE, row_codes, row_preview, tools};
use crate::pixels::Pixels;
use crate::ui::canvas::{Canvas, Gesture, Tool};
use egui::{Event, Modifiers, PointerButton, Pos2, pos2, vec2};

fn button(at: Pos2, pressed: bool) -> Event {
    Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

/// All steps a stroke of these frames is told as.
fn gestures(stage: &mut Stage, canvas: &mut Canvas, frames: Vec<Vec<Event>>) -> Vec<Gesture> {
    let mut steps = Vec::new();
    for events in frames {
        steps.extend(stage.events(canvas, events).gestures);
    }
    for _ in 0..4 {
        steps.extend(stage.events(canvas, Vec::new()).gestures);
    }
    steps
}

#[test]
fn turning_the_wheel_with_ctrl_zooms_at_the_cursor() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    canvas.picture(&Pixels::filled(GRID.pixels(), [9; 3]));
    let cursor = pos2(400.0, 100.0);
    stage.events(&mut canvas, vec![Event::PointerMoved(cursor)]);
    let before = stage.events(&mut canvas, Vec::new());
    let wheel = |y, modifiers| Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, y),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers,
    };
    for _ in 0..5 {
        stage.events(&mut canvas, vec![wheel(40.0, Modifiers::CTRL)]);
    }
    assert!(canvas.zoom_percent() > 450.0, "{}", canvas.zoom_percent());
    let after = stage.events(&mut canvas, Vec::new());
    let (Some(before), Some(after)) = (before.pointer, after.pointer) else {
        panic!("the cursor is on the picture");
    };
    assert!(
        (0..2).all(|i| (before[i] - after[i]).abs() < 0.2),
        "{before:?} {after:?}"
    );
    // Now it is larger than the widget, and fingers on a touchpad move it.
    for _ in 0..5 {
        stage.events(&mut canvas, vec![wheel(8.0, Modifiers::NONE)]);
    }
    let moved = stage
        .events(&mut canvas, Vec::new())
        .pointer
        .expect("on the picture");
    assert!(moved[1] < after[1] - 2.0, "{moved:?} {after:?}");
}

#[test]
fn a_wheel_zooms_at_the_pointer_and_a_touchpad_moves_the_picture() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    canvas.picture(&Pixels::filled(GRID.pixels(), [9; 3]));
    stage.events(&mut canvas, vec![Event::PointerMoved(pos2(400.0, 100.0))]);
    let turn = |unit, delta, modifiers| Event::MouseWheel {
        unit,
        delta,
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers,
    };
    let wheel = |y| turn(egui::MouseWheelUnit::Line, vec2(0.0, y), Modifiers::NONE);
    let before = stage
        .events(&mut canvas, Vec::new())
        .pointer
        .expect("on the picture");
    assert_eq!(canvas.zoom_percent(), 400.0);
    stage.events(&mut canvas, vec![wheel(1.0), wheel(1.0)]);
    assert!(
        (canvas.zoom_percent() - 576.0).abs() < 0.1,
        "{}",
        canvas.zoom_percent()
    );
    // Nothing goes on moving behind a notch.
    for _ in 0..5 {
        let after = stage
            .events(&mut canvas, Vec::new())
            .pointer
            .expect("on the picture");
        assert!(
            (0..2).all(|i| (before[i] - after[i]).abs() < 0.2),
            "{before:?} {after:?}"
        );
    }
    // Fingers on a touchpad: points, or any part of a line.
    let fingers = [
        turn(egui::MouseWheelUnit::Point, vec2(0.0, -24.0), Modifiers::NONE),
        turn(egui::MouseWheelUnit::Line, vec2(0.0, -0.61), Modifiers::NONE),
        turn(egui::MouseWheelUnit::Line, vec2(-1.0, 0.0), Modifiers::NONE),
        turn(egui::MouseWheelUnit::Line, vec2(0.0, -1.0), Modifiers::SHIFT),
    ];
    let moved = [[0.0, 24.0], [0.0, 24.4], [40.0, 0.0], [40.0, 0.0]];
    for (event, [across, down]) in fingers.into_iter().zip(moved) {
        let before = stage
            .events(&mut canvas, Vec::new())
            .pointer
            .expect("on the picture");
        stage.events(&mut canvas, vec![event]);
        let after = stage
            .events(&mut canvas, Vec::new())
            .pointer
            .expect("on the picture");
        let off = [
            after[0] - before[0] - across / 5.76,
            after[1] - before[1] - down / 5.76,
        ];
        assert!(off.iter().all(|off| off.abs() < 0.2), "{before:?} {after:?}");
        assert!((canvas.zoom_percent() - 576.0).abs() < 0.1);
    }
    stage.events(&mut canvas, vec![wheel(-2.0)]);
    assert!((canvas.zoom_percent() - 400.0).abs() < 0.1);
}

#[test]
fn the_canvas_has_a_name_and_says_how_far_it_is() {
    use egui_kittest::kittest::{NodeT, Queryable};
    let mut canvas = Canvas::new();
    canvas.begin(GRID);
    canvas.row(0, &row_preview(0), &row_codes(0));
    let mut harness = egui_kittest::Harness::new_ui(|ui| {
        canvas.ui(ui, &tools());
    });
    harness.run();
    let node = harness.get_by_label("Canvas");
    assert_eq!(
        node.accesskit_node().description().as_deref(),
        Some("drawing, row 1 of 12")
    );
}

#[test]
fn compared_pictures_meet_at_the_slider() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    let (red, blue) = (
        Pixels::filled(GRID.pixels(), [250, 0, 0]),
        Pixels::filled(GRID.pixels(), [0, 0, 250]),
    );
    canvas.compare(Some((&red, &blue)));
    let shot = stage.shot(&mut canvas);
    assert_eq!((shot.at(100, 300), shot.at(400, 300)), ([250, 0, 0], [0, 0, 250]));
    let (from, to) = (pos2(300.0, 150.0), pos2(64.0, 150.0));
    stage.events(&mut canvas, vec![Event::PointerMoved(from)]);
    stage.events(&mut canvas, vec![button(from, true)]);
    stage.events(&mut canvas, vec![Event::PointerMoved(to)]);
    stage.events(&mut canvas, vec![button(to, false)]);
    let shot = stage.shot(&mut canvas);
    assert_eq!((shot.at(40, 300), shot.at(100, 300)), ([250, 0, 0], [0, 0, 250]));
    canvas.compare(None);
    assert_eq!(canvas.size(), None);
}

#[test]
fn a_stroke_is_pressed_dragged_and_released_once() {
    let mut stage = Stage::new(STAGE);
    stage.tools.tool = Tool::Brush { diameter: 8.0 };
    let mut canvas = Canvas::new();
    canvas.picture(&Pixels::filled(GRID.pixels(), [9; 3]));
    let (a, b, c) = (pos2(40.0, 80.0), pos2(60.0, 80.0), pos2(80.0, 120.0));
    let moved = |at| Event::PointerMoved(at);
    stage.events(&mut canvas, vec![moved(a)]);
    let view = canvas.view;
    let steps = gestures(
        &mut stage,
        &mut canvas,
        vec![
            vec![button(a, true)],
            vec![moved(b)],
            vec![moved(c)],
            vec![button(c, false)],
        ],
    );
    assert_eq!(
        steps,
        [
            Gesture::Press([10.0, 20.0]),
            Gesture::Drag([15.0, 20.0]),
            Gesture::Drag([20.0, 30.0]),
            Gesture::Release([20.0, 30.0]),
        ]
    );
    assert_eq!(canvas.view, view, "painting does not move the picture");
    // A click shorter than a frame is a dab all the same.
    let steps = gestures(
        &mut stage,
        &mut canvas,
        vec![vec![moved(a), button(a, true), button(a, false)]],
    );
    assert_eq!(
        steps,
        [Gesture::Press([10.0, 20.0]), Gesture::Release([10.0, 20.0])]
    );
    // And so is a whole stroke, with every point it passed.
    let quick = vec![
        moved(b),
        button(a, true),
        moved(b),
        moved(c),
        button(c, false),
        moved(a),
    ];
    assert_eq!(
        gestures(&mut stage, &mut canvas, vec![quick]),
        [
            Gesture::Press([10.0, 20.0]),
            Gesture::Drag([15.0, 20.0]),
            Gesture::Drag([20.0, 30.0]),
            Gesture::Release([20.0, 30.0]),
        ]
    );
    // The picture vanishes under the brush: the stroke is ended.
    stage.events(&mut canvas, vec![moved(a), button(a, true)]);
    canvas.clear();
    let told = stage.events(&mut canvas, Vec::new());
    assert_eq!(told.gestures, [Gesture::Release([10.0, 20.0])]);
}

#[test]
fn space_and_the_middle_button_move_the_picture_instead() {
    let mut stage = Stage::new(STAGE);
    stage.tools.tool = Tool::Brush { diameter: 8.0 };
    let mut canvas = Canvas::new();
    canvas.picture(&Pixels::filled(GRID.pixels(), [9; 3]));
    let (from, to) = (pos2(40.0, 80.0), pos2(70.0, 60.0));
    let space = |pressed| Event::Key {
        key: egui::Key::Space,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    let frames = vec![
        vec![Event::PointerMoved(from), space(true)],
        vec![button(from, true)],
        vec![Event::PointerMoved(to)],
        vec![button(to, false), space(false)],
    ];
    assert_eq!(gestures(&mut stage, &mut canvas, frames), []);
    let room = canvas.room.expect("drawn once");
    let at = |canvas: &Canvas| canvas.view.place(GRID.pixels(), room).origin;
    assert_eq!(at(&canvas), pos2(30.0, -20.0));
    let middle = |at, pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Middle,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let frames = vec![
        vec![Event::PointerMoved(from)],
        vec![middle(from, true)],
        vec![Event::PointerMoved(to)],
        vec![middle(to, false)],
    ];
    assert_eq!(gestures(&mut stage, &mut canvas, frames), []);
    assert_eq!(at(&canvas), pos2(60.0, -40.0));
    canvas.fit();
    assert_eq!(at(&canvas), Pos2::ZERO);
}

#[test]
fn pixel_and_code_under_the_cursor_are_told() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    canvas.begin(GRID);
    canvas.row(0, &row_preview(0), &row_codes(0));
    canvas.row(1, &row_preview(1), &row_codes(1));
    let under = |stage: &mut Stage, canvas: &mut Canvas, at| {
        stage.events(canvas, vec![Event::PointerMoved(at)]);
        let told = stage.events(canvas, Vec::new());
        (told.pointer, told.code)
    };
    let at = pos2(100.0, 40.0);
    assert_eq!(
        under(&mut stage, &mut canvas, at),
        (Some([25.0, 10.0]), Some(1003))
    );
    let below = pos2(100.0, 80.0);
    assert_eq!(under(&mut stage, &mut canvas, below), (Some([25.0, 20.0]), None));
    canvas.actual_size();
    assert_eq!(under(&mut stage, &mut canvas, pos2(5.0, 5.0)), (None, None));
    assert_eq!(canvas.zoom_percent(), 100.0);
}
