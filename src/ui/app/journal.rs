//! What goes to the disk by itself: the state when it has changed, rows as they come, pictures.
//!
//! Where the disk is full or gone nothing is lost as long as the window is open: rows and pictures
//! stay in memory, and everything is tried again until it is written. The folder of the state and
//! that of the pictures are tried by themselves.

use super::App;
use super::background::caught;
use super::unwritten::{Rows, Unsaved};
use crate::engine_room::EngineRoom;
use crate::state::{
    Action, Answer, Begun, Keeping, Order, OrderId, ResultAction, Row, Store, StoreError, Tone,
};
use crate::task::Failure;
use egui::Context;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The state is written when nothing has changed for this long, and at the latest after `LATEST`.
const QUIET: Duration = Duration::from_millis(300);
const LATEST: Duration = Duration::from_secs(2);

const ROWS: &str = "The rows cannot be stored as they come";
const STATE: &str = "The window's state could not be stored";

impl<R: EngineRoom> App<R> {
    pub(crate) fn changed(&mut self) {
        let now = Instant::now();
        let first = self.journal.unsaved.map_or(now, |unsaved| unsaved.first);
        self.journal.unsaved = Some(Unsaved { first, last: now });
    }

    pub(crate) fn save_when_due(&mut self, ctx: &Context) {
        match self.journal.pictures.left() {
            Some(Duration::ZERO) => self.keep_again(),
            Some(left) => ctx.request_repaint_after(left),
            None => {}
        }
        match self.journal.state.left() {
            Some(Duration::ZERO) => self.store_again(),
            Some(left) => return ctx.request_repaint_after(left),
            None => {}
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
        let Some(store) = &mut self.store else { return };
        let snapshot = store.snapshot(&self.studio);
        self.files.errands.run(move || {
            let failure = match caught(|| snapshot.write()) {
                Ok(Ok(())) => return None,
                Ok(Err(error)) => Failure::failed(error.to_string()),
                Err(failure) => failure,
            };
            Some(Answer::Failed(STATE.into(), failure))
        });
    }

    /// What came back from the disk decides when it is tried again.
    pub(crate) fn heed(&mut self, action: &Action) {
        let Action::Answer(answer) = action else { return };
        if let Answer::Failed(what, _) = answer
            && (what == STATE || what == ROWS)
        {
            self.journal.state.refused();
            if what == ROWS {
                self.journal.rows = Rows::Behind;
            }
        }
        if matches!(answer, Answer::NotKept(..)) {
            self.journal.pictures.refused();
        }
    }

    /// Everything that could not be written, once more.
    #[cfg(test)]
    pub(crate) fn write_again(&mut self) {
        self.store_again();
        self.keep_again();
    }

    fn keep_again(&mut self) {
        self.journal.pictures.try_now();
        if !self.studio.unkept.is_empty() {
            self.act(ResultAction::KeepQuietly);
        }
    }

    fn store_again(&mut self) {
        self.journal.state.try_now();
        if self.store.is_none() {
            match Store::open(&self.places.data) {
                Ok(mut store) => {
                    // What an earlier window left there was not read: it must not be overwritten.
                    store.set_aside();
                    self.store = Some(store);
                    let tried = "State and rows are stored from now on.";
                    self.studio
                        .notify(Tone::Info, "The window remembers again", tried, "");
                }
                Err(_) => self.journal.state.refused(),
            }
        }
        self.changed();
        self.catch_up();
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
            Err(_) => self.journal.state.refused(),
        }
    }

    /// Gives a picture to the disk.
    pub(crate) fn keep(&self, keeping: Keeping) {
        let record = self
            .store
            .as_ref()
            .and_then(|store| store.record_of(keeping.drawn_for));
        self.files.keep(keeping, record);
    }

    pub(crate) fn journal_begin(&mut self, order: &Order, begun: Begun) {
        self.journal.rows = Rows::Stored;
        self.written(|store| store.begin(order, begun));
    }

    pub(crate) fn journal_row(&mut self, row: &Row) {
        // Behind: it is written with the others.
        if self.journal.rows == Rows::Stored {
            self.written(|store| store.row(row));
            self.sync_rows();
        }
    }

    /// Rows outlive a power cut, too. That takes a disk its time: one sync waits at most.
    fn sync_rows(&self) {
        let files = self.store.as_ref().and_then(Store::rows_to_sync);
        let Some(files) = files.filter(|_| !self.journal.syncing.swap(true, Ordering::SeqCst)) else {
            return;
        };
        let syncing = Arc::clone(&self.journal.syncing);
        self.files.errands.run(move || {
            syncing.store(false, Ordering::SeqCst);
            let refused = files.iter().find_map(|file| file.sync_data().err());
            // Some file systems cannot do that.
            let error = refused
                .filter(|error| !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported))?;
            Some(Answer::Failed(ROWS.into(), Failure::failed(error.to_string())))
        });
    }

    pub(crate) fn journal_drawn(&mut self, drawn: &Order, again: &[Order]) {
        self.journal.rows = Rows::Stored;
        let written = self.store.as_mut().map(|store| store.drawn(drawn, again));
        if let Some(Err(_)) = written {
            // They go into the state then.
            self.changed();
        }
    }

    pub(crate) fn journal_end(&mut self, order: OrderId) {
        if let Some(store) = &mut self.store {
            store.end(order);
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
            self.journal.state.refused();
            let action: Action = Answer::Failed(ROWS.into(), Failure::failed(error.to_string())).into();
            self.recorder.note_action(&action);
            self.studio.act(action);
        }
    }
}
