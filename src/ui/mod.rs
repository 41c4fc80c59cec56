//! The window: a front like the command line.
//!
//! [`App`] owns the state, the worker and the canvas. Intake of reports happens in `logic`, drawing
//! in `ui`; panels are functions that read the state and return actions. The window cannot reach a
//! model: engines are made by a [`Backing`], which `main` gives it.

mod app;
pub mod canvas;
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

pub use app::{App, Places};
pub use opening::run;

use crate::state::ColourScheme;
use crate::task::{Appraisal, Cancel, Engine, Failure, ImportStep, ImportWish, Processor, Survey};
use std::path::{Path, PathBuf};

/// The name of the window, and under it of the desktop entry and the folders.
pub const APP_ID: &str = "lumina-studio";

/// Makes an engine on the worker's thread, and names its model.
pub type Make<E> = Box<dyn FnOnce() -> Result<(String, E), Failure> + Send>;

/// The models behind the window.
pub trait Backing: Send + Sync + 'static {
    type Engine: Engine + 'static;

    /// Checks what can be checked at once; the loading itself is left to the returned closure.
    /// `None` is the built-in model.
    fn open(&self, model: Option<&Path>, processor: Processor) -> Result<Make<Self::Engine>, Failure>;

    /// What there is on this computer: models (`used` and others that lie about), processors,
    /// memory.
    fn survey(&self, used: &[PathBuf], processor: Processor) -> Survey;

    /// What a model needs, without reading its weights.
    fn appraise(&self, model: &Path, processor: Processor) -> Result<Appraisal, Failure>;

    /// Memory that is free where a model would be put.
    fn free_bytes(&self, processor: Processor) -> Option<u64>;

    /// How a Hugging Face folder would be imported unless the user says otherwise.
    fn plan_import(&self, folder: &Path) -> ImportWish;

    /// Writes the one file of a folder, or nothing. `cancel` is polled at least once a tensor; the
    /// answer is what had to be done otherwise than asked.
    fn import(
        &self,
        wish: &ImportWish,
        cancel: &Cancel,
        step: &mut dyn FnMut(ImportStep),
    ) -> Result<Vec<String>, Failure>;
}

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
