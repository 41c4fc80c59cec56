//! The keyboard alone: Tab leads to everything that can be worked, and keys work it.

use super::states::{STATES, act, await_that};
use super::*;
use egui::accesskit::{Action as Deed, NodeId};
use std::collections::BTreeMap;

/// More presses of Tab than any state has places.
const MOST_PLACES: usize = 400;

/// States in which one thing has to be answered first.
const MODAL: [&str; 3] = ["shortcuts", "a saved picture is dropped", "no file dialog"];

/// What can be worked, by name.
fn places(window: &Window) -> BTreeMap<NodeId, String> {
    let nodes = window.root().children_recursive();
    let nodes = nodes.map(|node| node.accesskit_node());
    let workable = nodes.filter(|node| {
        let deeds = [Deed::Click, Deed::Focus];
        let works = deeds.iter().any(|deed| node.data().supports_action(*deed));
        // What has the keyboard is scrolled to: the bar itself needs none.
        let is_bar = node.role() == egui::accesskit::Role::ScrollBar;
        works && !is_bar && !node.is_disabled() && !node.is_hidden()
    });
    let named = workable.map(|node| {
        let name = node.label().unwrap_or_default();
        (
            node.locate().0,
            format!("{:?} `{name}` at {:?}", node.role(), node.raw_bounds()),
        )
    });
    named.collect()
}

fn focused(window: &Window) -> Option<NodeId> {
    let mut nodes = window
        .root()
        .children_recursive()
        .map(|node| node.accesskit_node());
    nodes.find(|node| node.is_focused()).map(|node| node.locate().0)
}

/// Where Tab leads, until it comes round. What is not ringed on the way is added to `unringed`.
fn walked(window: &mut Window, unringed: &mut Vec<String>) -> Vec<NodeId> {
    let mut walked = Vec::new();
    for _ in 0..MOST_PLACES {
        window.key_press(egui::Key::Tab);
        window.run_ok();
        unringed.extend(without_ring(window));
        match focused(window) {
            Some(place) if walked.contains(&place) => break,
            place => walked.extend(place),
        }
    }
    walked
}

/// What has the keyboard, where the ring is not on it.
fn without_ring(window: &Window) -> Option<String> {
    let mut nodes = window.root().children_recursive();
    let node = nodes.find(|node| node.accesskit_node().is_focused())?;
    let ring = crate::ui::app::focus::place(&window.ctx).map(|(ring, _)| ring);
    let is_ringed = ring.is_some_and(|ring| ring.intersects(node.rect()));
    (!is_ringed).then(|| format!("{:?}: {ring:?} {:?}", node.accesskit_node().label(), node.rect()))
}

fn focus(window: &mut Window, name: &str) {
    for _ in 0..MOST_PLACES {
        window.key_press(egui::Key::Tab);
        window.run_ok();
        let mut nodes = window
            .root()
            .children_recursive()
            .map(|node| node.accesskit_node());
        if nodes.any(|node| node.is_focused() && node.label().as_deref() == Some(name)) {
            return;
        }
    }
    panic!("Tab does not lead to `{name}`");
}

#[test]
fn tab_leads_to_everything_in_every_state() {
    let mut left_out = Vec::new();
    for state in STATES {
        let folder = tempfile::tempdir().expect("a folder");
        let mut window = window(folder.path(), [1280.0, 800.0]);
        tell(&mut window, [loaded()]);
        let below = places(&window);
        (state.reach)(&mut window);
        // Before a picture has its file, what is done with files is dim.
        await_that(&mut window, |studio| studio.on_their_way.is_empty());
        let mut unringed = Vec::new();
        let walked = walked(&mut window, &mut unringed);
        let mut places = places(&window);
        if MODAL.contains(&state.name) {
            // What lies below has to wait.
            places.retain(|place, _| !below.contains_key(place));
        }
        let missed = places.into_iter().filter(|(place, _)| !walked.contains(place));
        left_out.extend(missed.map(|(_, name)| format!("{}: {name}", state.name)));
        assert!(!walked.is_empty(), "{}", state.name);
        assert_eq!(unringed, [""; 0], "{}", state.name);
    }
    assert!(left_out.is_empty(), "{left_out:#?}");
}

/// Whatever kind of control it is: where the keyboard led to it, it is ringed.
#[test]
fn what_has_the_keyboard_is_ringed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    super::states::masked(&mut window);
    for name in [
        "Settings",
        "Create",
        "Undo",
        "Invert",
        "Draw",
        "Feather",
        "Dismiss: Why",
    ] {
        if name.starts_with("Dismiss") {
            app(&mut window)
                .studio
                .notify(crate::state::Tone::Info, "Why", "", "");
        }
        focus(&mut window, name);
        let (ring, _) = crate::ui::app::focus::place(&window.ctx).expect(name);
        let rect = window.get_all_by_label(name).map(|node| node.rect());
        let rects: Vec<egui::Rect> = rect.collect();
        assert!(
            rects.iter().any(|rect| rect.intersects(ring)),
            "{name}: {ring:?} {rects:?}"
        );
    }
}

#[test]
fn a_picture_is_asked_for_by_keys_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    focus(&mut window, "Draw a cactus in the desert");
    window.key_press(egui::Key::Enter);
    window.run_ok();
    let run = app(&mut window).studio.run.as_ref().expect("a picture under way");
    assert_eq!(run.order.request.prompt, "a cactus in the desert");
    tell(&mut window, rows(0, 2));
    focus(&mut window, "Pause");
    window.key_press(egui::Key::Space);
    tell(&mut window, [progress(0, Progress::Paused)]);
    focus(&mut window, "Resume");
    window.key_press(egui::Key::Escape);
    window.run_ok();
    let wish = app(&mut window).studio.run.as_ref().and_then(|run| run.wish);
    assert_eq!(wish, Some(crate::state::Wish::Keep));
}

#[test]
fn tab_completes_a_word_of_the_starters_world_and_leads_on_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    window.get_by_role(Role::MultilineTextInput).focus();
    window.run_ok();
    let field = focused(&window);
    // A slow frame: what is typed and Tab arrive together.
    window
        .input_mut()
        .events
        .push(egui::Event::Text("a red umbr".to_owned()));
    pressed_at_once(&mut window, egui::Modifiers::NONE, egui::Key::Tab, 1);
    window.run_ok();
    assert_eq!(app(&mut window).studio.draft.prompt, "a red umbrella ");
    assert_eq!(focused(&window), field);
    window.key_press(egui::Key::Tab);
    window.run_ok();
    assert_eq!(app(&mut window).studio.draft.prompt, "a red umbrella ");
    assert_ne!(focused(&window), field);
    window.key_press_modifiers(egui::Modifiers::SHIFT, egui::Key::Tab);
    window.run_ok();
    assert_eq!(focused(&window), field);
}

#[test]
fn settings_are_changed_by_keys_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    focus(&mut window, "Settings");
    window.key_press(egui::Key::Enter);
    window.run_ok();
    focus(&mut window, "Light");
    window.key_press(egui::Key::Space);
    window.run_ok();
    assert_eq!(app(&mut window).studio.view.scheme, ColourScheme::Light);
    act(&mut window, DraftAction::Set(Setting::Tab(Tab::Create)));
    focus(&mut window, "Seed, guidance, speed");
    window.key_press(egui::Key::Enter);
    window.run_ok();
    focus(&mut window, "Follow the prompt");
    window.key_press(egui::Key::ArrowRight);
    window.run_ok();
    let cfg = app(&mut window)
        .studio
        .draft
        .sampling
        .cfg
        .expect("a guidance of its own");
    assert!((cfg - SAMPLING.cfg).abs() > 0.05, "{cfg}");
    // A number is typed where the value stands.
    for (name, typed) in [
        ("Follow the prompt: a number", "2.5"),
        ("Range of choices: a number", "100"),
    ] {
        focus(&mut window, name);
        window
            .input_mut()
            .events
            .push(egui::Event::Text(typed.to_owned()));
        window.run_ok();
        window.key_press(egui::Key::Enter);
        window.run_ok();
    }
    let sampling = app(&mut window).studio.draft.sampling;
    assert_eq!((sampling.cfg, sampling.top_k), (Some(2.5), Some(100)));
}

/// Presses that arrive together, as in a slow frame.
fn pressed_at_once(window: &mut Window, modifiers: egui::Modifiers, key: egui::Key, times: usize) {
    let press = egui::Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    };
    let presses = std::iter::repeat_n(press, times);
    window.input_mut().events.extend(presses);
    window.run_ok();
}

#[test]
fn keys_pressed_within_one_frame_all_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    super::states::masked(&mut window);
    window.get_by_label("Invert").focus();
    window.run_ok();
    let done = |window: &mut Window| {
        let turn = app(window).studio.draft.chain.current().expect("a source");
        (turn.painting.steps_done(), turn.painting.steps_undone())
    };
    assert_eq!(done(&mut window), (2, 1));
    let command = egui::Modifiers::COMMAND;
    pressed_at_once(&mut window, command, egui::Key::Z, 2);
    assert_eq!(done(&mut window), (0, 3));
    pressed_at_once(&mut window, command | egui::Modifiers::SHIFT, egui::Key::Z, 3);
    assert_eq!(done(&mut window), (3, 0));
    let size = app(&mut window).studio.draft.brush.size;
    pressed_at_once(&mut window, egui::Modifiers::NONE, egui::Key::OpenBracket, 2);
    assert!(app(&mut window).studio.draft.brush.size < size / 1.3);
    pressed_at_once(&mut window, command, egui::Key::Enter, 2);
    let studio = &app(&mut window).studio;
    assert_eq!((studio.run.is_some(), studio.queue.len()), (true, 1));
}

/// The prompt has the keyboard until a stroke is painted.
#[test]
fn after_a_stroke_the_keys_are_the_masks() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    super::states::open(&mut window, Target::Canvas);
    assert!(window.get_by_role(Role::MultilineTextInput).is_focused());
    let middle = window.get_by_label("Canvas").rect().center();
    window.drag_at(middle);
    window.run_ok();
    window.hover_at(middle + egui::vec2(60.0, 20.0));
    window.run_ok();
    window.drop_at(middle + egui::vec2(60.0, 20.0));
    window.run_ok();
    let done = |window: &mut Window| {
        let turn = app(window).studio.draft.chain.current().expect("a source");
        turn.painting.steps_done()
    };
    assert_eq!(done(&mut window), 1);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.key_press(egui::Key::E);
    window.run_ok();
    assert_eq!(done(&mut window), 0);
    let draft = &app(&mut window).studio.draft;
    assert_eq!(
        (draft.brush.tool, draft.instruction.as_str()),
        (crate::state::Tool::Eraser, "")
    );
}
