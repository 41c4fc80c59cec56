//! A graphics device that goes away under a window.

use super::*;
use crate::state::Store;
use crate::ui::platform::graphics::{Between, Shell, hear};
use eframe::egui_wgpu::RendererOptions;
use egui::{RawInput, ViewportCommand, ViewportId};
use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};
use std::time::{Duration, Instant};

/// Whether a shell asks for the end of its window in one frame.
fn closes(shell: &mut Shell<Never>, ctx: &egui::Context) -> bool {
    let mut output = ctx.run_ui(RawInput::default(), |ui| shell.listen(ui.ctx()));
    // Nothing is painted here.
    output.textures_delta.clear();
    let asked = &output.viewport_output[&ViewportId::ROOT].commands;
    asked.contains(&ViewportCommand::Close)
}

#[test]
fn a_lost_device_costs_no_row_and_is_told_in_the_next_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = painting(folder.path());
    let (ctx, between) = (egui::Context::default(), Between::default());
    let state = create_render_state(default_wgpu_setup(), RendererOptions::PREDICTABLE);
    let mut shell = Shell {
        app: first.state_mut().take(),
        between: Between::clone(&between),
        ear: hear(&state, &ctx),
        asked: Default::default(),
        lost: None,
    };
    assert!(!closes(&mut shell, &ctx));
    state.device.destroy();
    state
        .device
        .poll(wgpu::PollType::Poll)
        .expect("the device answers");
    assert!(closes(&mut shell, &ctx));
    drop(shell);
    // It is written beside the window.
    let mut store = Store::open(&Places::below(folder.path()).data).expect("a store");
    let until = Instant::now() + Duration::from_secs(20);
    while store.load().draft.prompt != "a cat" {
        assert!(Instant::now() < until, "the state was not stored");
        std::thread::sleep(Duration::from_millis(20));
    }

    let moved = between.borrow_mut().take();
    assert!(moved.is_some());
    let mut next = shown(Harness::builder(), folder.path(), [1280.0, 800.0], moved);
    assert!(has(&next, "The graphics device was lost"));
    assert!(has(&next, "Row 2 of 4"));
    tell(&mut next, [finished(0)]);
    assert!(!has(&next, "Row 2 of 4"));
}
