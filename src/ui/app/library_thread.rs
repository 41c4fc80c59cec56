//! The library of kept pictures on a thread of its own: one errand after the other.
//!
//! The thread owns the library, so nothing has to be locked; what it finds out comes back as
//! answers. A star or a file on its way to the trash is dealt with before the window goes.

use super::background::{Background, Wake, caught};
use crate::history::{About, Entry, Library, Only, Places, Reader, Removed};
use crate::pixels::Pixels;
use crate::saved_picture::Shelf;
use crate::state::{Answer, BROKE_OFF, Ended, Errand, Listing, Piece, Place, Query, Star};
use crate::task::Failure;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;

/// Thumbnails that stay in the cache.
const THUMBNAILS_KEPT: usize = 10_000;

/// Reads pictures; one that makes the reading break off is one that cannot be read, and costs no
/// other.
pub(super) struct Careful;

impl Reader for Careful {
    fn about(&self, path: &Path) -> Option<About> {
        caught(|| Shelf.about(path)).ok().flatten()
    }

    fn small(&self, path: &Path, longest: u32) -> Result<Pixels, String> {
        caught(|| Shelf.small(path, longest)).unwrap_or_else(|failure| Err(failure.message))
    }
}

pub(crate) struct Librarian(Background<Job, Answer>);

/// What the thread is given.
enum Job {
    Errand(Errand),
    /// The library is in another folder from now on.
    Move(Box<Places>),
}

impl Librarian {
    pub(crate) fn new(places: Places, wake: Wake) -> Self {
        let begin = move || {
            let mut library = Library::new(&places);
            move |job| match job {
                Job::Errand(errand) => carry_out(&mut library, errand),
                Job::Move(places) => {
                    library = Library::new(&places);
                    None
                }
            }
        };
        let broke = |failure| Answer::Failed(BROKE_OFF.into(), failure);
        Self(Background::new("library", wake, begin, broke))
    }

    pub(crate) fn move_to(&self, places: Places) {
        self.0.give(Job::Move(Box::new(places)));
    }

    pub(crate) fn ask(&self, errand: Errand) {
        self.0.give(Job::Errand(errand));
    }

    /// What has come back.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        self.0.answers().collect()
    }
}

/// What comes of an errand to the library; the others are none of its business.
fn carry_out(library: &mut Library, errand: Errand) -> Option<Answer> {
    let failed = |error: crate::history::HistoryError| Failure::failed(error.reason);
    match errand {
        Errand::Look(query) => {
            library.refresh(&Careful);
            library.tidy_thumbnails(THUMBNAILS_KEPT);
            Some(Answer::Listed(Box::new(listing(library, query))))
        }
        Errand::Find(query) => Some(Answer::Listed(Box::new(listing(library, query)))),
        Errand::Stars => Some(Answer::Stars(library.starred().into_iter().collect())),
        Errand::Star(path, star) => {
            let done = match star {
                Star::On => library.star(&path),
                Star::Off => library.unstar(&path),
            };
            let error = done.err()?;
            Some(Answer::NotStarred(path, failed(error)))
        }
        Errand::Trash(path) if !path.exists() => Some(Answer::Missed(path)),
        Errand::Trash(path) => Some(match library.remove(&path) {
            Ok(removed) => Answer::Trashed(removed.path),
            Err(error) => Answer::NotTrashed(path, failed(error)),
        }),
        Errand::TakeBack(path) => {
            let removed = Removed { path };
            Some(match library.undo(&removed) {
                Ok(path) => Answer::TakenBack(path),
                Err(error) => Answer::NotTakenBack(removed.path, failed(error)),
            })
        }
        Errand::Watch(paths) => {
            let gone: Vec<_> = paths.into_iter().filter(|path| !path.is_file()).collect();
            (!gone.is_empty()).then_some(Answer::Gone(gone))
        }
        Errand::ReadToCopy(_)
        | Errand::SaveAs(_)
        | Errand::TimeLapseTo(_)
        | Errand::SaveCopy { .. }
        | Errand::Reveal(_)
        | Errand::OpenOutside(_) => None,
    }
}

fn listing(library: &Library, query: Query) -> Listing {
    let only = match query.starred_only {
        true => Only::Starred,
        false => Only::All,
    };
    let found = library.find(&query.words, only).into_iter();
    Listing {
        pieces: found.map(piece).collect(),
        total: library.entries().len(),
        starred: library.starred().into_iter().collect(),
        query,
    }
}

fn piece(entry: &Entry) -> Piece {
    let mut version = DefaultHasher::new();
    entry.stamp.hash(&mut version);
    let about = entry.about.as_ref();
    let prompt = about.map(|about| about.prompt.trim()).unwrap_or_default();
    let title = match (prompt, about) {
        ("", Some(about)) => about.mode.clone(),
        ("", None) => entry
            .path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        (prompt, _) => prompt.to_owned(),
    };
    Piece {
        path: entry.path.clone(),
        day: entry.day.clone(),
        version: version.finish(),
        title,
        seed: about.map(|about| about.seed),
        size: about.map(|about| about.panel),
        ended: match about {
            Some(about) if !about.is_complete() => Ended::Stopped,
            _ => Ended::Finished,
        },
        rows: about.map_or((0, 0), |about| about.rows),
        lineage: about.map(|about| about.lineage.clone()),
        place: Place::default(),
    }
}
