//! The window is opened: one for each user, with its name and icon.

use super::app::{App, Places};
use super::{APP_ID, Options, platform, theme};
use crate::engine_room::EngineRoom;
use crate::handover::{self, Start};
use crate::log::{self, Log};
use crate::task::{Failure, LogLevel};
use std::sync::Arc;

/// Opens the window and stays until it is closed. Where there is a window of this user's already,
/// it gets the files and comes to the front instead.
///
/// # Errors
/// There is no home folder, a window that is open does not answer, or no graphics device will do.
pub fn run<R: EngineRoom>(options: Options, engine_room: R) -> Result<(), Failure> {
    let places = Places::of_user()
        .ok_or_else(|| Failure::failed("there is no home folder: set HOME, or use a subcommand (--help)"))?;
    let lease = match handover::start(&places.data, &options.files)? {
        Start::HandedOver => return Ok(()),
        Start::First(lease) => Some(lease),
        Start::Unguarded(_) => None,
    };
    let log = Log::start(&log::folder(&places.data), LogLevel::default());
    let first = move |ctx: &egui::Context| {
        let mut app = App::new(ctx, places, options, Arc::new(engine_room));
        app.log_to(log);
        app
    };
    platform::graphics::show(Box::new(first), lease, native_options)
}

fn native_options() -> eframe::NativeOptions {
    let viewport = egui::ViewportBuilder::default()
        .with_app_id(APP_ID)
        .with_title("Lumina Studio")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([1024.0, 640.0])
        .with_drag_and_drop(true)
        .with_icon(icon());
    eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Wgpu,
        ..Default::default()
    }
}

/// The sun of the top bar, 64 pixels wide.
fn icon() -> egui::IconData {
    const SIDE: usize = 64;
    let accent = theme::DARK.accent;
    let mut rgba = Vec::with_capacity(4 * SIDE * SIDE);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (across, down) = (x as f32 + 0.5 - 32.0, y as f32 + 0.5 - 38.0);
            let inside = across.hypot(down) < 28.0 && down < 0.0;
            let bar = across.abs() < 28.0 && (4.0..8.0).contains(&down)
                || across.abs() < 28.0 && (13.0..17.0).contains(&down);
            let alpha = if inside || bar { 255 } else { 0 };
            rgba.extend([accent.r(), accent.g(), accent.b(), alpha]);
        }
    }
    egui::IconData {
        rgba,
        width: SIDE as u32,
        height: SIDE as u32,
    }
}
