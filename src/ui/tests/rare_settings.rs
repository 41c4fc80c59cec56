//! Settings that are shown only while they are set.

use super::*;
use crate::state::OfferAction;
use crate::task::{Lookahead, Mode, Noise, SamplingChoice};

#[test]
fn rare_settings_are_shown_while_they_are_set_and_can_be_taken_out() {
    let folder = tempfile::tempdir().expect("a folder");
    // High enough for all of it without scrolling.
    let mut window = window(folder.path(), [1280.0, 1200.0]);
    tell(&mut window, [loaded()]);
    window.get_by_label("Seed, guidance, speed").click();
    window.run_ok();
    assert!(!has(&window, "likely choices") && !has(&window, "depend on the speed"));
    let sampling = SamplingChoice {
        // None of them is at a step of its slider.
        cfg: Some(4.33),
        top_k: Some(9),
        temperature: Some(0.9),
        top_n_sigma: Some(1.7),
        noise: Noise::Coupled,
        lookahead: Lookahead::Fixed(64),
    };
    let opened = Opened {
        photo: Photo::new("a.png", Arc::new(Pixels::filled(GRID.pixels(), [9; 3]))),
        path: None,
        task: Some(Box::new(Task {
            sampling,
            ..Task::new(Mode::Generate, "a cat")
        })),
    };
    let one_by_one: &[&str] = &[
        "Leave out: Only likely choices: 1.7",
        "Leave out: Seeds depend on the speed",
    ];
    let without = SamplingChoice {
        top_n_sigma: None,
        noise: Noise::Gumbel,
        ..sampling
    };
    let together: &[&str] = &["Back to the recommended settings"];
    for (names, rest) in [(one_by_one, without), (together, sampling.left_to_the_model())] {
        app(&mut window).act(Answer::Opened(Box::new(opened.clone()), Target::Canvas));
        app(&mut window).act(OfferAction::UseSettings);
        window.run_ok();
        assert_eq!(app(&mut window).studio.draft.sampling, sampling);
        for name in names {
            window.get_by_label(name).click();
            window.run_ok();
        }
        assert_eq!(app(&mut window).studio.draft.sampling, rest);
        assert!(!has(&window, "likely choices") && !has(&window, "depend on the speed"));
    }
}
