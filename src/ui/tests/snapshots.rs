//! What the window looks like, compared with pictures under `tests/snapshots`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --lib snapshots` draws them anew. Another driver may round
//! colours and edges differently; a panel, a picture or a word that is missing may not pass.

use super::states::{STATES, State};
use super::*;
use eframe::egui_wgpu::RendererOptions;
use egui_kittest::SnapshotOptions;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};

/// A pixel counts as another one from here on; five steps of grey are 13.
const TOLERANCE: f32 = 14.0;
/// So many may be others: about those of two short words.
const STRAY_PIXELS: usize = 250;

/// A window that is rendered.
fn rendered(folder: &Path, scheme: ColourScheme) -> Window {
    let state = create_render_state(default_wgpu_setup(), RendererOptions::PREDICTABLE);
    canvas::install(&state);
    let builder = Harness::builder()
        .renderer(WgpuTestRenderer::from_render_state(state))
        .with_render_cursor(false);
    let mut window = shown_by(builder, folder, [1024.0, 640.0]);
    states::act(&mut window, ViewAction::Scheme(scheme));
    window
}

fn compare(name: &str, reached: &State, scheme: ColourScheme) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = rendered(folder.path(), scheme);
    (reached.reach)(&mut window);
    // What came last fades in.
    for _ in 0..3 {
        window.step();
    }
    for told in window.root().children_recursive() {
        // The clock.
        let told = told.accesskit_node();
        let words = told.value().or(told.label()).unwrap_or_default();
        assert!(!words.starts_with("done at"), "{name} shows the time of day");
    }
    let options = SnapshotOptions::new()
        .threshold(TOLERANCE)
        .max_failed_pixels(STRAY_PIXELS);
    window.snapshot_options(name, &options);
}

fn named(name: &str) -> &'static State {
    let mut states = STATES.iter();
    states
        .find(|state| state.name == name)
        .expect("a state of that name")
}

#[test]
fn first_run_dark() {
    compare("first-run-dark", named("first run"), ColourScheme::Dark);
}

#[test]
fn making_dark() {
    compare("making-dark", named("paused"), ColourScheme::Dark);
}

#[test]
fn editing_light() {
    compare("editing-light", named("editing with a mask"), ColourScheme::Light);
}

#[test]
fn failed_dark() {
    compare("failed-dark", named("failed with rows"), ColourScheme::Dark);
}

#[test]
fn rewritten_dark() {
    compare("rewritten-dark", named("rewritten words"), ColourScheme::Dark);
}

#[test]
fn rewritten_taken_light() {
    compare(
        "rewritten-taken-light",
        named("rewritten words taken"),
        ColourScheme::Light,
    );
}
