//! What holds in every state of the window.

use super::states::STATES;
use super::*;

const CLICK: egui::accesskit::Action = egui::accesskit::Action::Click;

#[test]
fn every_state_says_what_it_is() {
    let mut missing = Vec::new();
    for state in STATES {
        for scheme in [ColourScheme::Dark, ColourScheme::Light] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut window = window(folder.path(), [1280.0, 800.0]);
            app(&mut window).act(ViewAction::Scheme(scheme));
            (state.reach)(&mut window);
            let words = state.words.iter().filter(|words| !has(&window, words));
            missing.extend(words.map(|words| format!("{}, {scheme:?}: {words}", state.name)));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Nothing that can be clicked lies outside of the smallest window, except what can be scrolled to.
#[test]
fn every_state_fits_the_smallest_window() {
    let mut outside = Vec::new();
    for state in STATES {
        let folder = tempfile::tempdir().expect("a folder");
        let mut window = window(folder.path(), [1024.0, 640.0]);
        if state
            .words
            .iter()
            .any(|words| words.starts_with("Result") || words.starts_with("Queue"))
        {
            continue; // The strip is folded away.
        }
        (state.reach)(&mut window);
        for node in window.root().children_recursive() {
            let node = node.accesskit_node();
            let Some(bounds) = node.raw_bounds().filter(|_| node.data().supports_action(CLICK)) else {
                continue;
            };
            let across = bounds.x0 >= -0.5 && bounds.x1 <= 1024.5;
            let in_column = bounds.x1 <= f64::from(*theme::LEFT_WIDTH.end());
            let down = bounds.y0 >= -0.5 && bounds.y1 <= 640.5;
            // A long page is scrolled.
            let scrolls =
                ["world page", "settings page", "models page", "memory ran out"].contains(&state.name);
            if !(across && (down || in_column || scrolls)) {
                outside.push(format!("{}: {:?} at {bounds:?}", state.name, node.label()));
            }
        }
    }
    assert!(outside.is_empty(), "{outside:#?}");
}
