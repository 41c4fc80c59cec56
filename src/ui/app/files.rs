//! Carries out what the state asks of files: reading, keeping, copying, asking where.
//!
//! Nothing here runs on the window's thread but the handing over.

use super::background::{Wake, caught};
use super::errands::Errands;
use super::library_thread::Librarian;
use crate::history::{Library, Moment, Places};
use crate::picture::{self, Moving, PictureError};
use crate::pixels::Pixels;
use crate::saved_picture::{self, Saving};
use crate::state::{
    Action, Answer, Errand, FileAction, Keeping, ModelAction, Opened, Origin, OutcomeId, Photo,
    PreferenceAction, Request, ResultAction, Shooting, Target, Wanted, picture_kept, source_of_branch,
};
use crate::task::{Branch, Cause, Export, Failure, Naming, Question, Task};
use crate::ui::platform::desktop;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) struct Files {
    places: Places,
    naming: Naming,
    export: Export,
    pub(crate) errands: Errands,
    librarian: Librarian,
}

impl Files {
    pub(crate) fn new(places: Places, wake: &Wake) -> Self {
        Self {
            errands: Errands::new(Arc::clone(wake)),
            librarian: Librarian::new(places.clone(), Arc::clone(wake)),
            naming: Naming::default(),
            export: Export::default(),
            places,
        }
    }

    /// Where pictures go, how they are named and in which format they are offered from now on.
    pub(crate) fn prefer(&mut self, places: &Places, naming: Naming, export: Export) {
        if self.places != *places {
            self.librarian.move_to(places.clone());
        }
        self.places.clone_from(places);
        (self.naming, self.export) = (naming, export);
    }

    /// What has come back.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut actions = self.errands.actions();
        actions.extend(self.librarian.answers().into_iter().map(Action::from));
        actions
    }

    pub(crate) fn run(&self, errand: Errand) {
        match errand {
            Errand::ReadToCopy(path) => self.errands.run(move || {
                Some(match read_file(&path) {
                    Ok(pixels) => Answer::CopyRead(Arc::new(pixels)),
                    Err(_) if !path.exists() => Answer::Missed(path),
                    Err(error) => cannot_be_read(error),
                })
            }),
            Errand::SaveAs(path) => {
                let export = self.export;
                self.errands.wait_for(move || save_as(path, export));
            }
            Errand::TimeLapseTo(path) => self.errands.wait_for(move || film_to(path)),
            Errand::SaveCopy { from, to } => self.errands.run(move || {
                let failure = export(&from, &to).err()?;
                Some(Answer::Failed("The copy was not saved".into(), failure))
            }),
            Errand::Reveal(path) => self.errands.wait_for(move || {
                let failure = desktop::reveal(&path).err()?;
                Some(Answer::Failed("The folder cannot be shown".into(), failure))
            }),
            Errand::OpenOutside(path) => self.errands.wait_for(move || {
                let failure = desktop::open(&path).err()?;
                Some(Answer::Failed(
                    "The picture cannot be opened elsewhere".into(),
                    failure,
                ))
            }),
            errand => self.librarian.ask(errand),
        }
    }

    pub(crate) fn read(&self, path: PathBuf, target: Target) {
        self.errands.run(move || Some(read(&path, target)));
    }

    pub(crate) fn fetch(&self, id: OutcomeId, path: PathBuf) {
        let traced = path.clone();
        self.errands.run(move || trace(id, &traced));
        self.errands.run(move || {
            Some(match read_file(&path) {
                Ok(pixels) => Answer::Fetched(id, Arc::new(pixels)),
                Err(_) if !path.exists() => Answer::Missed(path),
                Err(error) => Answer::NotFetched(id, error),
            })
        });
    }

    /// How a picture came to be.
    pub(crate) fn trace(&self, id: OutcomeId, path: PathBuf) {
        self.errands.run(move || trace(id, &path));
    }

    /// Where two saved pictures differ.
    pub(crate) fn differ(&self, pair: (OutcomeId, OutcomeId), (one, other): (PathBuf, PathBuf)) {
        let found = move || Some(Answer::Differs(pair, saved_picture::difference(&one, &other)));
        self.errands.run(found);
    }

    /// What is asked of the model about a row of a saved picture.
    pub(crate) fn inquire(&self, path: PathBuf, row: u32) {
        let question = move || {
            let kept = saved_picture::read(&path)?;
            Ok(Box::new(Question::Alternatives {
                task: Box::new(kept.task()?),
                codes: kept.codes().to_vec(),
                row,
            }))
        };
        self.errands.run(move || Some(Answer::Inquired(question())));
    }

    /// What is drawn to film a saved picture.
    pub(crate) fn film(&self, from: PathBuf, to: PathBuf, before: Option<Arc<Pixels>>) {
        self.errands.run(move || {
            Some(match shooting(&from, to, before) {
                Ok(shooting) => Answer::Shoot(Box::new(shooting)),
                Err(_) if !from.exists() => Answer::Missed(from),
                Err(failure) => Answer::Failed("It cannot be filmed".into(), failure),
            })
        });
    }

    /// A new picture that begins with the rows of a saved one.
    pub(crate) fn start_from(&self, path: PathBuf, rows: u32, request: Request) {
        self.errands.run(move || {
            Some(match saved_picture::started_from(request.task(), &path, rows) {
                Ok(task) => Answer::Branched(Box::new(task)),
                Err(_) if !path.exists() => Answer::Missed(path),
                Err(failure) => Answer::Failed("Its rows cannot begin that picture".into(), failure),
            })
        });
    }

    /// What a saved picture is drawn as from a row on.
    pub(crate) fn branch(&self, path: PathBuf, before: Option<Arc<Pixels>>, branch: Branch) {
        self.errands.run(move || {
            Some(match saved_picture::branch_of(&path, None, &branch) {
                Ok(mut task) => {
                    task.source = source_of_branch(&task, before).or(task.source);
                    Answer::Branched(Box::new(task))
                }
                Err(_) if !path.exists() => Answer::Missed(path),
                Err(failure) => Answer::Failed("It cannot be drawn again from there".into(), failure),
            })
        });
    }

    /// Saves a picture, and takes it out of the record of those that are not saved.
    pub(crate) fn keep(&self, keeping: Keeping, record: Option<PathBuf>) {
        let (places, naming) = (self.places.clone(), self.naming);
        self.errands.run(move || {
            let kept = caught(|| keep(&places, naming, &keeping)).unwrap_or_else(Err);
            Some(match kept {
                Ok(path) => {
                    if let Some(record) = record {
                        picture_kept(&record, keeping.again);
                    }
                    Answer::Kept(keeping.outcome, path)
                }
                Err(failure) => Answer::NotKept(Box::new(keeping), failure),
            })
        });
    }
}

/// Writes a picture into today's folder of the library.
fn keep(places: &Places, naming: Naming, keeping: &Keeping) -> Result<PathBuf, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string());
    let library = Library::new(places).named(naming);
    let (seed, title) = (keeping.picture.seed, keeping.request.title());
    let mut names = library
        .names(&Moment::now(), seed, title)
        .map_err(|error| failed(&error))?;
    let task = keeping.request.task();
    let saving = Saving {
        task: &task,
        picture: &keeping.picture,
        preview: keeping.preview.as_deref(),
        model: &keeping.model,
    };
    // A part that was kept becomes the picture; where it is gone by now, there is a new file.
    match keeping.request.replaces.as_ref().filter(|part| part.is_file()) {
        Some(part) => saved_picture::save(part, &saving).map(|()| part.clone()),
        None => saved_picture::save_new(&mut names, &saving),
    }
}

/// The picture in a file. Of what is no file nothing may ever come: the thread that saves pictures
/// must not wait for that.
fn read_file(path: &Path) -> Result<Pixels, Failure> {
    if path.exists() && !path.is_file() {
        let cause = if path.is_dir() {
            Cause::Folder
        } else {
            Cause::Unknown
        };
        return Err(Failure::failed(format!("{} is no file", path.display())).because(cause));
    }
    picture::read(path).map_err(|error| failure(&error))
}

/// How a picture came to be; nothing of other programs' pictures.
fn trace(id: OutcomeId, path: &Path) -> Option<Answer> {
    let kept = saved_picture::read(path).ok()?;
    let told = (kept.settings.seed, kept.codes());
    let mut origin = Origin::told(&kept.task().ok()?, kept.grid(), told, &kept.settings.story);
    (origin.doubt, origin.codes) = (kept.doubt().clone(), kept.codes().to_vec());
    Some(Answer::Traced(id, Box::new(origin)))
}

fn cannot_be_read(failure: Failure) -> Answer {
    Answer::Failed("The picture cannot be read".into(), failure)
}

fn failure(error: &PictureError) -> Failure {
    Failure::failed(error.to_string()).because(error.cause())
}

fn read(path: &Path, target: Target) -> Answer {
    match read_file(path) {
        Ok(pixels) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let opened = Opened {
                photo: Photo::new(name, Arc::new(pixels)),
                path: Some(path.to_owned()),
                task: stored_task(path, target).map(Box::new),
            };
            Answer::Opened(Box::new(opened), target)
        }
        Err(error) => cannot_be_read(error),
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
    // Whose it is, but not what it was made of.
    if foreign.prompt.is_empty() && foreign.seed.is_none() {
        return None;
    }
    let mut task = Task::new(crate::task::Mode::Generate, foreign.prompt);
    // Without a seed of its own it is drawn with one that can be named afterwards.
    task.seed = foreign.seed.unwrap_or_else(|| crate::task::new_seed(1_000_000));
    task.size = foreign.size;
    Some(task)
}

fn save_as(from: PathBuf, export: Export) -> Option<Action> {
    if !desktop::has_dialogs() {
        return Some(Answer::NoDialog(Wanted::Copy(from)).into());
    }
    let stem = from.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}.{}", export.endings()[0]);
    // The one preferred comes first.
    let mut formats = Export::ALL;
    formats.sort_by_key(|format| *format != export);
    let dialog = rfd::FileDialog::new()
        .set_title("Save a copy with its settings")
        .set_file_name(name);
    let dialog = formats.iter().fold(dialog, |dialog, format| {
        dialog.add_filter(format.name(), format.endings())
    });
    let to = with_ending(dialog.save_file()?, export);
    Some(ResultAction::SaveCopy { from, to }.into())
}

fn shooting(from: &Path, to: PathBuf, before: Option<Arc<Pixels>>) -> Result<Shooting, Failure> {
    if Moving::of(&to).is_none() {
        let name = to.display();
        return Err(Failure::usage(format!(
            "{name}: a time-lapse ends in .png or .gif"
        )));
    }
    let kept = saved_picture::read(from)?;
    let mut task = match (kept.drawn_again(None), before) {
        (Err(_), Some(before)) => Task {
            source: Some(before),
            ..kept.task()?
        },
        (task, _) => task?,
    };
    task.candidates = 1;
    Ok(Shooting {
        task,
        grid: kept.grid(),
        above: kept.rows_of_source(),
        to,
    })
}

fn film_to(from: PathBuf) -> Option<Action> {
    if !desktop::has_dialogs() {
        return Some(Answer::NoDialog(Wanted::Film(from)).into());
    }
    let stem = from.file_stem().unwrap_or_default().to_string_lossy();
    let dialog = rfd::FileDialog::new()
        .set_title("Save a time-lapse")
        .set_file_name(format!("{stem}-time-lapse.png"))
        .add_filter("Animated PNG", &["png", "apng"])
        .add_filter("GIF", &["gif"]);
    let to = dialog.save_file()?;
    // Without an ending it is what the dialog offered first.
    let to = match to.extension() {
        Some(_) => to,
        None => to.with_extension("png"),
    };
    Some(ResultAction::Film { from, to }.into())
}

/// The name chosen in a dialog, with the ending of the format where it has none of a picture.
fn with_ending(chosen: PathBuf, export: Export) -> PathBuf {
    let ending = chosen
        .extension()
        .map(|ending| ending.to_string_lossy().into_owned());
    if ending.is_some_and(|ending| Export::of_ending(&ending).is_some()) {
        return chosen;
    }
    let mut name = chosen.into_os_string();
    name.push(format!(".{}", export.endings()[0]));
    PathBuf::from(name)
}

/// A copy in the format of its ending: the file itself, or its pixels and its settings.
fn export(from: &Path, to: &Path) -> Result<(), Failure> {
    let ending = to.extension().unwrap_or_default().to_string_lossy();
    match Export::of_ending(&ending) {
        Some(Export::Png) | None => desktop::copy(from, to),
        Some(format) => picture::export(from, to, format).map_err(|error| failure(&error)),
    }
}

/// The user is asked where pictures shall go.
pub(crate) fn browse_folder() -> Option<PreferenceAction> {
    let dialog = rfd::FileDialog::new().set_title("Where pictures go");
    Some(PreferenceAction::Pictures(Some(dialog.pick_folder()?)))
}

pub(crate) fn browse(target: Target) -> Option<Action> {
    if !desktop::has_dialogs() {
        return Some(Answer::NoDialog(Wanted::Picture(target)).into());
    }
    let dialog = rfd::FileDialog::new()
        .set_title("Open a picture")
        .add_filter("Pictures", &picture::ENDINGS);
    Some(FileAction::Open(dialog.pick_file()?, target).into())
}

pub(crate) fn browse_model() -> Option<Action> {
    if !desktop::has_dialogs() {
        return Some(Answer::NoDialog(Wanted::Model).into());
    }
    let dialog = rfd::FileDialog::new()
        .set_title("Open a model")
        .add_filter("Models", &["gguf"]);
    Some(ModelAction::Load(Some(dialog.pick_file()?)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gets_the_ending_of_its_format_unless_it_has_one() {
        let ending = |name: &str, export| with_ending(PathBuf::from(name), export);
        assert_eq!(ending("/a/fox", Export::Jpeg), Path::new("/a/fox.jpg"));
        assert_eq!(ending("/a/fox.v2", Export::Png), Path::new("/a/fox.v2.png"));
        assert_eq!(ending("/a/fox.WEBP", Export::Png), Path::new("/a/fox.WEBP"));
    }
}
