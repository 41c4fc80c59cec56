//! Windows without a desktop, for tests with whatever stands behind the app.

use super::*;
use crate::engine_room::EngineRoom;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) type Window<R> = Harness<'static, Option<App<R>>>;

/// A window of that size whose files are in `places`; `engine_room` is asked in its first frame.
pub(super) fn open<R: EngineRoom>(
    places: &Places,
    size: [f32; 2],
    engine_room: impl Fn() -> R + 'static,
) -> Window<R> {
    let places = places.clone();
    let show = move |ui: &mut egui::Ui, slot: &mut Option<App<R>>| {
        let app = slot.get_or_insert_with(|| {
            App::new(
                ui.ctx(),
                places.clone(),
                Options::default(),
                Arc::new(engine_room()),
            )
        });
        app.intake(ui.ctx());
        app.frame(ui);
    };
    let mut window = Harness::builder()
        .with_size(size)
        .with_context_setup(theme::install)
        .build_ui_state(show, None);
    window.run_ok();
    window
}

pub(super) fn app<R: EngineRoom>(window: &mut Window<R>) -> &mut App<R> {
    window.state_mut().as_mut().expect("an open window")
}

/// Turns to try something in until a minute is over: what is waited for is done by other threads,
/// and on a busy machine no number of turns is long enough.
pub(super) fn patience() -> impl Iterator<Item = ()> {
    let end = Instant::now() + Duration::from_secs(60);
    std::iter::from_fn(move || {
        std::thread::yield_now();
        (Instant::now() < end).then_some(())
    })
}

/// Steps until the app is so.
pub(super) fn until<R: EngineRoom>(window: &mut Window<R>, so: impl Fn(&App<R>) -> bool) {
    for () in patience() {
        if so(app(window)) {
            window.run_ok();
            return;
        }
        window.step();
    }
    panic!("it never came to that: {:?}", app(window).studio.mishaps);
}

pub(super) fn has<R: EngineRoom>(window: &Window<R>, words: &str) -> bool {
    window.query_all_by_label_contains(words).next().is_some()
}
