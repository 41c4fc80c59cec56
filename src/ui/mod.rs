//! The window: a front like the command line.
//!
//! [`App`] owns the state, the worker and the canvas. Intake of reports happens in `logic`, drawing
//! in `ui`; panels are functions that read the state and return actions. The window cannot reach a
//! model: engines are made by a [`EngineRoom`], which `main` gives it.

mod app;
pub mod canvas;
#[cfg(test)]
mod hub_tests;
#[cfg(test)]
mod mishap_tests;
#[cfg(test)]
mod model_tests;
mod opening;
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

pub use app::{App, Opening, Places, Recorded};
pub use opening::run;

use crate::state::ColourScheme;
use std::path::PathBuf;

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
