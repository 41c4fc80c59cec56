//! The library of saved pictures: a folder a day, listed, searched, starred, thrown away and
//! taken back.
//!
//! The pictures themselves are the library: there is no index that could disagree with them. Files
//! may come, change and go at any time while this runs; [`Library::refresh`] says what has
//! happened, and every other call answers with words when a file is gone. Nothing here can read a
//! picture: a [`Reader`] does, so that this module knows no format.

mod clock;
mod error;
mod places;
mod stamp;
mod stars;
mod thumbs;
mod trash;

pub use clock::{Moment, day_in_words};
pub use error::HistoryError;
pub use places::Places;
pub use stamp::Stamp;
pub use trash::Removed;

use crate::disk;
use crate::pixels::{Pixels, Size};
use crate::task::{Lineage, Naming};
use stars::Stars;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use thumbs::Thumbs;

/// Most bytes of the prompt in a file's name; names end at 255 on all systems.
const LONGEST_WORDS: usize = 60;

/// What a saved picture says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub prompt: String,
    /// The word of the task, as on the command line.
    pub mode: String,
    pub seed: u64,
    pub model: String,
    /// Size of one panel.
    pub panel: Size,
    /// Rows of codes there are, and rows of the whole grid.
    pub rows: (u32, u32),
    pub lineage: Lineage,
}

impl About {
    /// Whether the picture was drawn to its end.
    pub fn is_complete(&self) -> bool {
        self.rows.0 == self.rows.1
    }
}

/// Reads pictures for the library.
pub trait Reader {
    /// The settings inside a picture; `None` when it has none (another program's picture).
    fn about(&self, path: &Path) -> Option<About>;
    /// The picture, made smaller so that no side is over `longest` pixels. Says why not.
    fn small(&self, path: &Path, longest: u32) -> Result<Pixels, String>;
}

/// One picture of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    /// `YYYY-MM-DD`, the folder it lies in.
    pub day: String,
    pub stamp: Stamp,
    pub about: Option<About>,
    pub starred: bool,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Only {
    #[default]
    All,
    Starred,
}

/// What has happened in the folder since the last look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// New files, and files that were written again.
    pub fresh: Vec<PathBuf>,
    pub vanished: Vec<PathBuf>,
}

/// The pictures of one folder.
#[derive(Debug)]
pub struct Library {
    folder: PathBuf,
    naming: Naming,
    stars: Stars,
    thumbs: Thumbs,
    /// Newest first.
    entries: Vec<Entry>,
}

impl Library {
    /// An empty view of the library at `places`; [`Library::refresh`] fills it. Nothing is created
    /// before the first picture.
    pub fn new(places: &Places) -> Self {
        Self {
            folder: places.pictures.clone(),
            naming: Naming::default(),
            stars: Stars::load(&places.data.join("stars.json")),
            thumbs: Thumbs::new(&places.cache.join("thumbnails")),
            entries: Vec::new(),
        }
    }

    /// The same, with names made in this way.
    pub fn named(self, naming: Naming) -> Self {
        Self { naming, ..self }
    }

    /// All pictures, newest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Names for a picture drawn now, in today's folder, which is created when missing:
    /// `YYYY-MM-DD/HHMMSS-SEED-words-of-the-prompt.png`, unless names are made otherwise, then with `-2` and so on. The first that is
    /// free is to be taken.
    pub fn names(
        &self,
        now: &Moment,
        seed: u64,
        prompt: &str,
    ) -> Result<impl Iterator<Item = PathBuf> + use<>, HistoryError> {
        let folder = self.folder.join(now.day());
        disk::make_folder(&folder)
            .map_err(|e| HistoryError::new(&folder, format!("the folder cannot be created ({e})")))?;
        disk::sweep(&folder);
        let stem = self.naming.stem(&now.time(), seed, &safe_words(prompt));
        Ok((1u64..).map(move |take| match take {
            1 => folder.join(format!("{stem}.png")),
            take => folder.join(format!("{stem}-{take}.png")),
        }))
    }

    /// The first name that is free.
    #[cfg(test)]
    pub fn place(&self, now: &Moment, seed: u64, prompt: &str) -> Result<PathBuf, HistoryError> {
        let mut names = self.names(now, seed, prompt)?;
        let free = names.find(|path| !path.exists());
        free.ok_or_else(|| HistoryError::new(&self.folder, "every name is taken"))
    }

    /// Looks at the folder again. Only files that are new or were written again are read.
    pub fn refresh(&mut self, reader: &dyn Reader) -> Changes {
        self.stars.reload();
        let mut known: HashMap<PathBuf, Entry> = std::mem::take(&mut self.entries)
            .into_iter()
            .map(|entry| (entry.path.clone(), entry))
            .collect();
        let mut changes = Changes::default();
        for (day, path) in self.files() {
            // Gone between two looks: it will be among the vanished.
            let Some(stamp) = Stamp::of(&path) else { continue };
            let old = known.remove(&path);
            let starred = self.stars.has(&self.name_of(&path));
            let entry = match old.filter(|entry| entry.stamp == stamp) {
                Some(old) => Entry { starred, ..old },
                None => {
                    changes.fresh.push(path.clone());
                    let about = reader.about(&path);
                    Entry {
                        path,
                        day,
                        stamp,
                        about,
                        starred,
                    }
                }
            };
            self.entries.push(entry);
        }
        changes.vanished = known.into_keys().collect();
        changes.vanished.sort();
        // Names begin with the time of day. They, not the files' dates, survive copies.
        self.entries
            .sort_by_cached_key(|entry| Reverse((entry.day.clone(), name(&entry.path))));
        changes
    }

    /// The entries whose prompt or file name holds every one of `words`, whatever their case.
    pub fn find(&self, words: &str, only: Only) -> Vec<&Entry> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let found = self.entries.iter().filter(|entry| {
            let prompt = entry.about.as_ref().map_or("", |about| about.prompt.as_str());
            let text = format!("{prompt}\n{}", name(&entry.path)).to_lowercase();
            words.iter().all(|word| text.contains(word)) && (only == Only::All || entry.starred)
        });
        found.collect()
    }

    /// A small version of a picture, from the cache where it is in there.
    pub fn thumbnail(&self, path: &Path, longest: u32, reader: &dyn Reader) -> Result<Pixels, HistoryError> {
        let stamp = Stamp::of(path).ok_or_else(|| HistoryError::new(path, "this picture is gone"))?;
        self.thumbs.get(path, stamp, longest, || {
            reader
                .small(path, longest)
                .map_err(|reason| HistoryError::new(path, reason))
        })
    }

    /// Throws the oldest thumbnails away until at most `most` are left.
    pub fn tidy_thumbnails(&self, most: usize) {
        self.thumbs.tidy(most);
    }

    /// Every starred picture, also those that are gone.
    pub fn starred(&self) -> Vec<PathBuf> {
        self.stars.names().map(|name| self.folder.join(name)).collect()
    }

    /// Stars a picture; kept at once.
    pub fn star(&mut self, path: &Path) -> Result<(), HistoryError> {
        let name = self.name_of(path);
        self.stars.change(|stars| stars.insert(name))?;
        self.mark(path, true);
        Ok(())
    }

    /// Takes a star away; kept at once.
    pub fn unstar(&mut self, path: &Path) -> Result<(), HistoryError> {
        let name = self.name_of(path);
        self.stars.change(|stars| stars.remove(&name))?;
        self.mark(path, false);
        Ok(())
    }

    /// Moves a picture to the trash of the desktop. What is returned takes it back; its star stays
    /// remembered for that.
    pub fn remove(&mut self, path: &Path) -> Result<Removed, HistoryError> {
        let removed = trash::remove(path)?;
        self.entries.retain(|entry| entry.path != path);
        Ok(removed)
    }

    /// Takes a picture back out of the trash; the next refresh lists it.
    pub fn undo(&mut self, removed: &Removed) -> Result<PathBuf, HistoryError> {
        trash::restore(removed)
    }

    fn mark(&mut self, path: &Path, starred: bool) {
        for entry in self.entries.iter_mut().filter(|entry| entry.path == path) {
            entry.starred = starred;
        }
    }

    /// PNG files in folders that are named like a day.
    fn files(&self) -> Vec<(String, PathBuf)> {
        let listed = |folder: &Path| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect::<Vec<_>>()
        };
        let days = listed(&self.folder)
            .into_iter()
            .filter(|folder| clock::is_day(&name(folder)) && folder.is_dir());
        days.flat_map(|folder| {
            let day = name(&folder);
            let pictures = listed(&folder).into_iter().filter(|path| is_picture(path));
            pictures.map(|path| (day.clone(), path)).collect::<Vec<_>>()
        })
        .collect()
    }

    /// A picture's name inside the library, with `/` on every system.
    fn name_of(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.folder).unwrap_or(path);
        let parts = inside.components().map(|part| part.as_os_str().to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn is_picture(path: &Path) -> bool {
    let is_png = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    // Files being written, and those other systems hide.
    is_png && !name(path).starts_with('.')
}

/// The first words of a prompt in letters and digits of any script, joined by `-`.
fn safe_words(prompt: &str) -> String {
    let mut safe = String::new();
    for word in prompt
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let word = word.to_lowercase();
        let room = LONGEST_WORDS.saturating_sub(safe.len() + usize::from(!safe.is_empty()));
        if word.len() <= room {
            if !safe.is_empty() {
                safe.push('-');
            }
            safe.push_str(&word);
            continue;
        }
        // Scripts without spaces are one long word: as much of it as fits.
        if safe.is_empty() {
            safe.extend(
                word.char_indices()
                    .take_while(|(at, c)| at + c.len_utf8() <= room)
                    .map(|(_, c)| c),
            );
        }
        break;
    }
    safe
}

#[cfg(test)]
mod tests;
