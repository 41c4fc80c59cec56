//! What is on disk of a window: its state, the pictures that names, the picture being drawn, and
//! those that were drawn and not saved yet.
//!
//! Every order is in at least one place from the first save after it was given until its pictures
//! are saved: in `state.json` while it waits, in the journal from its beginning to its end, in a
//! record of its own while its pictures are on their way to their folder. A place is given up only
//! after the next one is written. What is found twice at a start is one order.

mod aside;
mod bounds;
#[cfg(test)]
mod damage_tests;
mod ended;
mod error;
mod journal;
mod pictures;
mod record;
mod salvage;
mod saved;
mod state_file;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use record::picture_kept;

use super::models::Import;
use super::notice::{Notice, Tone};
use super::photo::Photo;
use super::queue::{Order, OrderId};
use super::run::{Begun, Row, Run};
use super::undo::Undo;
use super::{Shown, Studio, Tab};
use crate::disk::{self, Onto, Readers};
use journal::{Found, Journal};
use pictures::Shelf;
use saved::{Saved, VERSION};
use serde_json::Value;
use state_file::StateFile;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder that holds the state of one user.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    state: StateFile,
    journal: Journal,
    /// Where pictures on their way to their folder are written down, by the order they are of.
    records: HashMap<OrderId, PathBuf>,
    /// Files whose orders are in the next state that is written, which may go then.
    covered: Vec<PathBuf>,
}

impl Store {
    /// Opens a folder, made where there is none.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        let shelf = Shelf::of(&folder);
        disk::make_folder(shelf.folder()).map_err(|error| StoreError {
            path: shelf.folder().to_owned(),
            error,
        })?;
        for place in [&folder, shelf.folder()] {
            disk::sweep(place);
        }
        Ok(Self {
            state: StateFile::of(&folder),
            journal: Journal::of(&folder),
            records: HashMap::new(),
            covered: vec![ended::file(&folder)],
            folder,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives what an earlier window stored other names: it was not read and must not be overwritten.
    /// What that one had not saved is drawn at the next start.
    pub fn set_aside(&mut self) {
        self.state.set_aside();
        // Not covered by the state of this window: it stays.
        drop(self.journal.lay_aside());
    }

    /// The state as it was left. What cannot be read of it is set aside under its name with the
    /// time, and said.
    pub fn load(&mut self) -> Studio {
        let mut studio = Studio::default();
        let mut said = Vec::new();
        let mut saved = self.state.read(&mut said);
        saved.settle();
        studio.draft = saved.draft;
        studio.view = saved.view;
        studio.model_path = saved.model_path;
        studio.recent_models = saved.recent_models;
        studio.queue = saved.queue;
        studio.outcomes = saved.outcomes;
        studio.next_id = saved.next_id;
        studio.models.device = saved.device;
        if let Some(wish) = saved.import {
            studio.models.import = Import::Planned(wish);
        }
        let shelf = Shelf::of(&self.folder);
        let mut filling = shelf.filling();
        let mut fill = |photo: &mut Photo| filling.fill(photo);
        studio.draft.revive(&mut fill);
        studio.preferences = saved.preferences;
        studio.undo = saved.undo.unwrap_or_else(|| Undo::of_mask(&studio.draft.chain));
        studio.undo.revive(&mut fill);
        // Whether their files are still there is looked at later and elsewhere.
        studio.outcomes.retain(|outcome| outcome.path.is_some());

        let left = record::read_all(&self.folder, &mut said);
        self.covered = left.files;
        self.covered.push(ended::file(&self.folder));
        let ended = ended::Ended::read(&self.folder);
        studio
            .queue
            .retain(|order| !ended.has(order) && !left.drawn.iter().any(|drawn| order.is(drawn)));
        let mut given = left.orders;
        let mut begun = None;
        match self.journal.read(&mut said) {
            // Its pictures are written down as those that could not be saved.
            Some(found) if left.drawn.iter().any(|drawn| found.order().is(drawn)) => {}
            Some(Found::Rows(run)) if has_whole(&run, studio.queue.orders()) => {}
            Some(Found::Rows(run)) => begun = Some(*run),
            Some(Found::Order(order)) => given.push(*order),
            None => {}
        }
        studio.queue.take_back(given);
        let waiting = studio.queue.len();
        studio
            .queue
            .retain(|order| order.request.source.as_mut().is_none_or(&mut fill));
        let left_out = waiting - studio.queue.len();
        if left_out > 0 {
            said.push(format!(
                "{left_out} of the orders that waited are left out: the picture they start from is gone."
            ));
        }
        let begun = begun.and_then(|mut run| {
            let is_there = run.order.request.source.as_mut().is_none_or(&mut fill);
            if !is_there {
                self.journal
                    .set_aside("the picture it starts from is gone", &mut said);
            }
            is_there.then_some(run)
        });
        let lost = filling.into_lost();
        if !lost.is_empty() {
            let as_it_was = self.state.keep_a_copy();
            let name = as_it_was.map_or(String::new(), |name| {
                format!(" The state as it was is called {name} now.")
            });
            said.push(format!(
                "These pictures of the last time cannot be read, and what needs them is left out: {}.{name}",
                lost.join(", ")
            ));
        }
        if let Some(run) = &begun {
            // It may have begun after the state was written.
            studio.queue.retain(|order| !order.is(&run.order));
        }
        studio.queue.settle_ids();
        match begun {
            Some(mut run) => {
                run.order.id = studio.queue.free_id(run.order.id);
                self.journal.belongs_to(run.order.id);
                studio.bring_back(run);
            }
            None if studio.draft.tab == Tab::Edit && studio.draft.chain.current().is_some() => {
                studio.shown = Shown::Source;
            }
            None if studio.draft.tab == Tab::Control && studio.draft.control.map.is_some() => {
                studio.shown = Shown::Map;
            }
            None => {}
        }
        // Their names are none of those that are counted: a recording of the window, which has not all
        // of its files, replays to the same ones.
        for (words, id) in said.iter().zip((0..=u64::MAX).rev()) {
            let title = "Not everything could be read again";
            let remedy = "Nothing was deleted: what is there lies in the folder of the window's state.";
            studio.note(title, words, remedy);
            studio.notices.push(Notice {
                id,
                tone: Tone::Error,
                title: title.to_owned(),
                reason: words.clone(),
                remedy: remedy.to_owned(),
                offer: None,
            });
        }
        studio
    }

    /// Writes the state and the pictures it names; pictures nobody names any more go.
    ///
    /// # Errors
    /// Something cannot be written; what was stored before is whole then.
    pub fn save(&mut self, studio: &Studio) -> Result<(), StoreError> {
        self.snapshot(studio).write()
    }

    /// The state as it is now, to be written later and on another thread.
    pub fn snapshot(&mut self, studio: &Studio) -> Snapshot {
        let running = studio.run.as_ref().map(|run| run.order.id);
        // What is in the journal and not being drawn any more is in the state.
        if self.journal.order().is_some() && self.journal.order() != running {
            self.covered.extend(self.journal.lay_aside());
        }
        let mut queue = studio.queue.clone();
        // An order that is not in the journal yet is still to be drawn.
        if let Some(run) = studio.run.as_ref().filter(|_| self.journal.order() != running) {
            let mut order = run.order.clone();
            if run.begun.is_some() {
                order.request = run.to_resume();
            }
            queue.put_back(order);
        }
        let unsaved = studio.unsaved().filter(|(of, _)| !self.records.contains_key(of));
        queue.take_back(unsaved.map(|(_, again)| again).collect());
        let saved = Saved {
            version: VERSION,
            draft: studio.draft.clone(),
            view: studio.view.clone(),
            model_path: studio.model_path.clone(),
            recent_models: studio.recent_models.clone(),
            queue,
            outcomes: studio.outcomes.clone(),
            next_id: studio.next_id,
            device: studio.models.device,
            preferences: studio.preferences.clone(),
            undo: Some(studio.undo.clone()),
            import: studio.models.import.wish().cloned(),
        };
        Snapshot {
            folder: self.folder.clone(),
            saved,
            unknown: self.state.unknown(),
            path: self.state.path(),
            photos: photos(studio),
            covered: self.covered.clone(),
        }
    }

    /// A picture is begun: the journal of the one before ends.
    ///
    /// # Errors
    /// The order's source or the journal cannot be written.
    pub fn begin(&mut self, order: &Order, begun: Begun) -> Result<(), StoreError> {
        if let Some(source) = &order.request.source {
            Shelf::of(&self.folder).put(source)?;
        }
        if self.journal.order() != Some(order.id) {
            self.covered.extend(self.journal.lay_aside());
        }
        self.journal.begin(order, begun)
    }

    /// A picture whose journal broke off is written anew, with all its rows.
    ///
    /// # Errors
    /// As [`Store::begin`] and [`Store::row`].
    pub fn begin_again(&mut self, run: &Run) -> Result<(), StoreError> {
        let Some(begun) = &run.begun else { return Ok(()) };
        self.begin(&run.order, begun.clone())?;
        for row in (0..run.rows()).filter_map(|row| run.row(row)) {
            self.row(&row)?;
        }
        Ok(())
    }

    /// A row has come. Preview first: a line of codes stands for a whole row.
    ///
    /// # Errors
    /// The row cannot be written. Then no more are written until a picture is begun.
    pub fn row(&mut self, row: &Row) -> Result<(), StoreError> {
        self.journal.row(row)
    }

    /// What has to reach the disk for the rows so far to outlive a power cut; to be synced off the
    /// window's thread.
    pub fn rows_to_sync(&self) -> Option<[std::fs::File; 2]> {
        self.journal.files()
    }

    /// The pictures of `drawn` are on their way to their folder; `again` are the orders that draw
    /// them from their codes, should they not get there.
    ///
    /// # Errors
    /// The source or the record cannot be written: then the state has to name them.
    pub fn drawn(&mut self, drawn: &Order, again: &[Order]) -> Result<(), StoreError> {
        if let Some(source) = &drawn.request.source {
            Shelf::of(&self.folder).put(source)?;
        }
        let path = record::write(&self.folder, drawn, again)?;
        if self.journal.order() == Some(drawn.id) {
            self.journal.end();
        }
        self.records.insert(drawn.id, path);
        Ok(())
    }

    /// Where the pictures of an order are written down until they are saved.
    pub fn record_of(&self, order: OrderId) -> Option<PathBuf> {
        self.records.get(&order).cloned()
    }

    /// The picture is kept or discarded.
    pub fn end(&mut self, order: OrderId) {
        self.records.remove(&order);
        if self.journal.order() == Some(order) {
            if let Some(order) = self.journal.drawn() {
                ended::add(&self.folder, order);
            }
            self.journal.end();
        }
    }
}

/// Whether one of these orders brings every code that `run` has drawn.
fn has_whole<'a>(run: &Run, mut orders: impl Iterator<Item = &'a Order>) -> bool {
    orders.any(|order| order.request.holds(run))
}

/// The state of one moment.
#[derive(Debug)]
pub struct Snapshot {
    folder: PathBuf,
    saved: Saved,
    /// What the file held and this program does not know.
    unknown: Arc<Value>,
    path: PathBuf,
    photos: Vec<Photo>,
    covered: Vec<PathBuf>,
}

impl Snapshot {
    /// Writes it, with the pictures it names.
    ///
    /// # Errors
    /// Something cannot be written; what was stored before is whole then.
    pub fn write(self) -> Result<(), StoreError> {
        let shelf = Shelf::of(&self.folder);
        let mut named = HashSet::new();
        for photo in &self.photos {
            if named.insert(photo.id.clone()) {
                shelf.put(photo)?;
            }
        }
        let written = state_file::text(&self.saved, &self.unknown)
            .and_then(|bytes| disk::put(&self.path, &bytes, Readers::Owner, Onto::Any));
        written.map_err(|error| StoreError {
            path: self.path.clone(),
            error,
        })?;
        for path in self.covered {
            // An absent file is what is wanted.
            let _ = std::fs::remove_file(path);
        }
        shelf.sweep(&named, state_file::set_aside_at(&self.folder, &self.path));
        Ok(())
    }
}

/// Every picture the state names.
fn photos(studio: &Studio) -> Vec<Photo> {
    let draft = &studio.draft;
    let orders = studio
        .queue
        .orders()
        .chain(studio.run.iter().map(|run| &run.order));
    let sources = draft.chain.photos().chain(studio.undo.photos());
    let named = sources
        .chain(&draft.references)
        .chain(&draft.control.map)
        .chain(&draft.control.photo)
        .chain(&draft.predict_source)
        .chain(orders.filter_map(|order| order.request.source.as_ref()));
    let unsaved = studio.unsaved().filter_map(|(_, again)| again.request.source);
    named.cloned().chain(unsaved).collect()
}
