//! What goes to the disk by itself: the state when it has changed, rows as they come, pictures.
//!
//! Where the disk is full or gone nothing is lost as long as the window is open: rows and pictures
//! stay in memory, and everything is tried again until it is written.

use super::App;
use super::unwritten::{Rows, Unsaved};
use crate::engine_room::EngineRoom;
use crate::state::{Action, Answer, Begun, Order, ResultAction, Row, Store, StoreError, Tone};
use crate::task::Failure;
use egui::Context;
use std::time::{Duration, Instant};

/// The state is written when nothing has changed for this long, and at the latest after `LATEST`.
const QUIET: Duration = Duration::from_millis(300);
const LATEST: Duration = Duration::from_secs(2);
/// Between two tries to write what could not be written.
const AGAIN: Duration = Duration::from_secs(5);

const ROWS: &str = "The rows cannot be stored as they come";
const STATE: &str = "The window's state could not be stored";

impl<R: EngineRoom> App<R> {
    pub(crate) fn changed(&mut self) {
        let now = Instant::now();
        let first = self.journal.unsaved.map_or(now, |unsaved| unsaved.first);
        self.journal.unsaved = Some(Unsaved { first, last: now });
    }

    pub(crate) fn save_when_due(&mut self, ctx: &Context) {
        if let Some(failed) = self.journal.failed {
            let left = AGAIN.saturating_sub(failed.elapsed());
            if !left.is_zero() {
                ctx.request_repaint_after(left);
                return;
            }
            self.write_again();
        }
        let Some(unsaved) = self.journal.unsaved else {
            return;
        };
        if unsaved.last.elapsed() < QUIET && unsaved.first.elapsed() < LATEST {
            ctx.request_repaint_after(QUIET);
            return;
        }
        self.save();
    }

    pub(crate) fn save(&mut self) {
        self.journal.unsaved = None;
        let Some(store) = &self.store else { return };
        let snapshot = store.snapshot(&self.studio);
        self.files.errands.run(move || {
            let failed = snapshot.write().err()?;
            let failure = Failure::failed(failed.to_string());
            Some(Answer::Failed(STATE.into(), failure))
        });
    }

    /// What came back from the disk decides when it is tried again.
    pub(crate) fn heed(&mut self, action: &Action) {
        let unstored = matches!(action, Action::Answer(Answer::Failed(what, _)) if what == STATE);
        let is_full = unstored || matches!(action, Action::Answer(Answer::NotKept(..)));
        if is_full {
            self.journal.failed = Some(Instant::now());
        }
    }

    /// Everything that could not be written, once more.
    pub(crate) fn write_again(&mut self) {
        self.journal.failed = None;
        if self.store.is_none() {
            match Store::open(&self.places.data) {
                Ok(store) => {
                    // What an earlier window left there was not read: it must not be overwritten.
                    store.set_aside();
                    self.store = Some(store);
                    let tried = "State and rows are stored from now on.";
                    self.studio
                        .notify(Tone::Info, "The window remembers again", tried, "");
                    self.changed();
                }
                Err(_) => self.journal.failed = Some(Instant::now()),
            }
        }
        self.catch_up();
        if !self.studio.unkept.is_empty() {
            self.act(ResultAction::KeepQuietly);
        }
    }

    /// Writes the journal anew where rows are missing in it.
    fn catch_up(&mut self) {
        let (Rows::Behind, Some(store)) = (self.journal.rows, &mut self.store) else {
            return;
        };
        let Some(run) = &self.studio.run else {
            self.journal.rows = Rows::Stored;
            return;
        };
        match store.begin_again(run) {
            Ok(()) => {
                self.journal.rows = Rows::Stored;
                let told = "Every row drawn so far is on the disk.";
                self.studio
                    .notify(Tone::Info, "The rows are stored again", told, "");
            }
            Err(_) => self.journal.failed = Some(Instant::now()),
        }
    }

    pub(crate) fn journal_begin(&mut self, order: &Order, begun: Begun) {
        self.journal.rows = Rows::Stored;
        self.written(|store| store.begin(order, begun));
    }

    pub(crate) fn journal_row(&mut self, row: &Row) {
        // Behind: it is written with the others.
        if self.journal.rows == Rows::Stored {
            self.written(|store| store.row(row));
        }
    }

    pub(crate) fn journal_end(&mut self) {
        self.journal.rows = Rows::Stored;
        if let Some(store) = &mut self.store {
            store.end();
        }
    }

    fn written(&mut self, write: impl FnOnce(&mut Store) -> Result<(), StoreError>) {
        let failed = match &mut self.store {
            Some(store) => write(store).err(),
            None => {
                self.journal.rows = Rows::Behind;
                return;
            }
        };
        if let Some(error) = failed {
            self.journal.rows = Rows::Behind;
            self.journal.failed = Some(Instant::now());
            let action: Action = Answer::Failed(ROWS.into(), Failure::failed(error.to_string())).into();
            self.recorder.note_action(&action);
            self.studio.act(action);
        }
    }
}
