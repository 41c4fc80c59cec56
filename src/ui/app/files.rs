//! Carries out what the state asks of files: reading, keeping, copying, asking where.
//!
//! Nothing here runs on the window's thread but the handing over.

use super::background::Wake;
use super::errands::Errands;
use super::library_thread::Librarian;
use crate::history::{Library, Moment, Places};
use crate::picture;
use crate::saved_picture::{self, Saving};
use crate::state::{Action, Errand, Keeping, Opened, OutcomeId, Photo, Target};
use crate::task::{Failure, Task};
use crate::ui::platform::desktop;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) struct Files {
    places: Places,
    pub(crate) errands: Errands,
    librarian: Librarian,
}

impl Files {
    pub(crate) fn new(places: Places, wake: &Wake) -> Self {
        Self {
            errands: Errands::new(Arc::clone(wake)),
            librarian: Librarian::new(places.clone(), Arc::clone(wake)),
            places,
        }
    }

    /// What has come back.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut actions = self.errands.actions();
        actions.extend(self.librarian.actions());
        actions
    }

    pub(crate) fn run(&self, errand: Errand) {
        match errand {
            Errand::ReadToCopy(path) => self.errands.run(move || {
                Some(match picture::read(&path) {
                    Ok(pixels) => Action::CopyRead(Arc::new(pixels)),
                    Err(_) if !path.exists() => Action::Missed(path),
                    Err(error) => cannot_be_read(&error),
                })
            }),
            Errand::SaveAs(path) => self.errands.wait_for(move || save_as(path)),
            Errand::SaveCopy { from, to } => self.errands.run(move || {
                let failure = desktop::copy(&from, &to).err()?;
                Some(Action::Failed("The copy was not saved", failure))
            }),
            Errand::Reveal(path) => self.errands.wait_for(move || {
                let failure = desktop::reveal(&path).err()?;
                Some(Action::Failed("The folder cannot be shown", failure))
            }),
            Errand::OpenOutside(path) => self.errands.wait_for(move || {
                let failure = desktop::open(&path).err()?;
                Some(Action::Failed("The picture cannot be opened elsewhere", failure))
            }),
            errand => self.librarian.ask(errand),
        }
    }

    pub(crate) fn read(&self, path: PathBuf, target: Target) {
        self.errands.run(move || Some(read(&path, target)));
    }

    pub(crate) fn fetch(&self, id: OutcomeId, path: PathBuf) {
        self.errands.run(move || {
            Some(match picture::read(&path) {
                Ok(pixels) => Action::Fetched(id, Arc::new(pixels)),
                Err(_) if !path.exists() => Action::Missed(path),
                Err(error) => Action::NotFetched(id, Failure::failed(error.to_string())),
            })
        });
    }

    pub(crate) fn keep(&self, keeping: Keeping) {
        let places = self.places.clone();
        self.errands.run(move || {
            let kept = keep(&places, &keeping);
            Some(match kept {
                Ok(path) => Action::Kept(keeping.outcome, path),
                Err(failure) => Action::NotKept(Box::new(keeping), failure),
            })
        });
    }
}

/// Writes a picture into today's folder of the library.
fn keep(places: &Places, keeping: &Keeping) -> Result<PathBuf, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string());
    let library = Library::new(places);
    let (seed, title) = (keeping.picture.seed, keeping.request.title());
    let path = library
        .place(&Moment::now(), seed, title)
        .map_err(|error| failed(&error))?;
    let task = keeping.request.task();
    let saving = Saving {
        task: &task,
        picture: &keeping.picture,
        preview: keeping.preview.as_deref(),
        model: &keeping.model,
    };
    saved_picture::save(&path, &saving)?;
    Ok(path)
}

fn cannot_be_read(error: &dyn std::fmt::Display) -> Action {
    Action::Failed("The picture cannot be read", Failure::failed(error.to_string()))
}

fn read(path: &Path, target: Target) -> Action {
    match picture::read(path) {
        Ok(pixels) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let opened = Opened {
                photo: Photo::new(name, Arc::new(pixels)),
                path: Some(path.to_owned()),
                task: stored_task(path, target).map(Box::new),
            };
            Action::Opened(Box::new(opened), target)
        }
        Err(error) => cannot_be_read(&error),
    }
}

/// The task inside a picture of this program, or what another program left of one.
fn stored_task(path: &Path, target: Target) -> Option<Task> {
    if let Ok(task) = saved_picture::stopped(path, None).or_else(|_| saved_picture::task_of(path)) {
        return Some(task);
    }
    if target == Target::Finish {
        return None;
    }
    let foreign = picture::foreign::settings(path)?;
    let mut task = Task::new(crate::task::Mode::Generate, foreign.prompt);
    // Without a seed of its own it is drawn with one that can be named afterwards.
    task.seed = foreign.seed.unwrap_or_else(|| crate::task::new_seed(1_000_000));
    task.size = foreign.size;
    Some(task)
}

fn save_as(from: PathBuf) -> Option<Action> {
    let name = from
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let dialog = rfd::FileDialog::new()
        .set_title("Save a copy with its settings")
        .add_filter("PNG", &["png"])
        .set_file_name(name);
    let to = desktop::as_png(dialog.save_file()?);
    Some(Action::SaveCopy { from, to })
}

pub(crate) fn browse(target: Target) -> Option<Action> {
    let dialog = rfd::FileDialog::new()
        .set_title("Open a picture")
        .add_filter("Pictures", &["png", "jpg", "jpeg", "webp"]);
    Some(Action::Open(dialog.pick_file()?, target))
}

pub(crate) fn browse_model() -> Option<Action> {
    let dialog = rfd::FileDialog::new()
        .set_title("Open a model")
        .add_filter("Models", &["gguf"]);
    Some(Action::LoadModel(Some(dialog.pick_file()?)))
}
