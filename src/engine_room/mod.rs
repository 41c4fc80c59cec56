//! The engine room: what a front may ask of a model.
//!
//! Both fronts stand on [`EngineRoom`] and know no model. [`LocalModels`] is the real one; the window's
//! tests have scripted ones. What only the command line asks is a function of its own, for nothing has to
//! stand in for it: [`info`], [`doubt`], [`alternatives`], [`redraw`], [`timelapse`], [`verify`], [`measure`], [`bench`]. [`HubRoom`] is how
//! both get models from the Hub, [`WriterRoom`] how they have words rewritten.
//!
//! Pictures are no business of this module but where their codes go through a model: fronts read and keep
//! them through `picture` and `saved_picture`.

mod alternatives;
mod appraisal;
mod bench;
mod devices;
mod doubt;
mod fitting;
mod hub_room;
mod info;
mod local_models;
mod measure;
mod redraw;
mod source;
mod timelapse;
mod verify;
mod writers;

pub use alternatives::alternatives;
pub use bench::bench;
pub use doubt::{doubt, paint_difference};
pub use hub_room::HubRoom;
pub use info::{Info, info};
pub use local_models::LocalModels;
pub use measure::measure;
pub use redraw::redraw;
pub use source::ModelSource;
pub use timelapse::timelapse;
pub use verify::{Verification, verify};
pub use writers::WriterRoom;

use crate::task::{Appraisal, Cancel, Device, Engine, Failure, Fitting, ImportStep, ImportWish, Survey};
use std::path::{Path, PathBuf};

/// Makes an engine on the worker's thread, and names its model.
pub type Make<E> = Box<dyn FnOnce() -> Result<(String, E), Failure> + Send>;

/// The models behind a front.
pub trait EngineRoom: Send + Sync + 'static {
    type Engine: Engine + 'static;

    /// Checks what can be checked at once; the loading itself is left to the returned closure.
    ///
    /// # Errors
    /// What is wrong at once: there is no such file, or the device cannot be used. The closure fails when the
    /// model cannot be read or does not fit the memory.
    fn open(&self, source: &ModelSource) -> Result<Make<Self::Engine>, Failure>;

    /// What there is on this computer: models (`used` and others that lie about), devices, memory.
    fn survey(&self, used: &[PathBuf], device: Device) -> Survey;

    /// What a model needs, without reading its weights.
    ///
    /// # Errors
    /// There is no model, or its headers are damaged.
    fn appraise(&self, model: &Path, device: Device) -> Result<Appraisal, Failure>;

    /// Memory that is free where a model would be put.
    fn free_bytes(&self, device: Device) -> Option<u64>;

    /// The models of the Hugging Face Hub.
    fn hub(&self) -> HubRoom {
        HubRoom::of_user()
    }

    /// Those who rewrite words before they are drawn.
    fn writers(&self) -> WriterRoom {
        WriterRoom::of_user()
    }

    /// How a Hugging Face folder would be imported unless the user says otherwise.
    fn plan_import(&self, folder: &Path) -> ImportWish;

    /// Every way to run the checkpoint of an import here, by its headers alone. A room without real models
    /// knows none.
    ///
    /// # Errors
    /// Something is missing in the folder, or its headers are damaged.
    fn fit(&self, _wish: &ImportWish, _device: Device) -> Result<Fitting, Failure> {
        Ok(Fitting::default())
    }

    /// The same with how long a picture takes, measured for about ten seconds with weights nobody trained.
    /// `cancel` is polled between forwards.
    ///
    /// # Errors
    /// The device cannot be used, what is measured does not fit its memory, or `cancel` was called.
    fn measure_fit(
        &self,
        _wish: &ImportWish,
        fitting: Fitting,
        _cancel: &Cancel,
    ) -> Result<Fitting, Failure> {
        Ok(fitting)
    }

    /// Writes the one file of a folder, or nothing. `cancel` is polled at least once a tensor; the
    /// answer is what had to be done otherwise than asked.
    ///
    /// # Errors
    /// Something is missing in the folder or damaged, `output` cannot be written, or `cancel` was called.
    fn import(
        &self,
        wish: &ImportWish,
        cancel: &Cancel,
        step: &mut dyn FnMut(ImportStep),
    ) -> Result<Vec<String>, Failure>;
}

/// What a long piece of work says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Note<'a> {
    /// Worth keeping on the screen.
    Remark(&'a str),
    /// A line of the result.
    Result(&'a str),
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{error:#}"))
}
