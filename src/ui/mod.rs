//! The window: a front like the command line.
//!
//! [`App`] owns the state, the worker and the canvas. Intake of reports happens in `logic`, drawing
//! in `ui`; panels are functions that read the state and return actions. The window cannot reach a
//! model: engines are made by a [`EngineRoom`], which `main` gives it.

mod app;
pub mod canvas;
#[cfg(test)]
mod mishap_tests;
#[cfg(test)]
mod model_tests;
mod pages;
mod panels;
mod platform;
#[cfg(test)]
mod test_window;
#[cfg(test)]
mod tests;
mod textures;
mod theme;
mod widgets;

pub use app::{App, Places};

use crate::engine_room::EngineRoom;
use crate::handover::{self, Start};
use crate::state::ColourScheme;
use crate::task::Failure;
use std::path::PathBuf;
use std::sync::Arc;

/// The name of the window, and under it of the desktop entry and the folders.
pub const APP_ID: &str = "lumina-studio";

/// What the window is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Pictures to open.
    pub files: Vec<PathBuf>,
    /// Instead of the model used last.
    pub model: Option<PathBuf>,
    pub scheme: Option<ColourScheme>,
    pub zoom: Option<f32>,
}

/// Opens the window and stays until it is closed. Where there is a window of this user's already,
/// it gets the files and comes to the front instead.
pub fn run<R: EngineRoom>(options: Options, engine_room: R) -> Result<(), Failure> {
    let places = Places::of_user()
        .ok_or_else(|| Failure::failed("there is no home folder: set HOME, or use a subcommand (--help)"))?;
    let lease = match handover::start(&places.data, &options.files)? {
        Start::HandedOver => return Ok(()),
        Start::First(lease) => Some(lease),
        Start::Unguarded(_) => None,
    };
    let first = move |ctx: &egui::Context| App::new(ctx, places, options, Arc::new(engine_room));
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
