//! How far a download is: written by the threads that fetch, read by the one that tells.

use crate::task::{Transfer, TransferPhase};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The rate is that of the last seconds.
const WINDOW: Duration = Duration::from_secs(5);

/// A file's place on the meter.
#[derive(Debug)]
struct Slot {
    name: String,
    size: u64,
    /// Bytes that are here.
    here: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Meter {
    slots: Vec<Slot>,
    /// Bytes that came, also those that were thrown away.
    came: AtomicU64,
    newest: AtomicUsize,
}

impl Meter {
    /// Of files with these names and sizes in bytes.
    pub(super) fn new<'a>(files: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let slots = files.map(|(name, size)| Slot {
            name: name.to_owned(),
            size,
            here: AtomicU64::new(0),
        });
        Self {
            slots: slots.collect(),
            came: AtomicU64::new(0),
            newest: AtomicUsize::new(0),
        }
    }

    /// So many bytes of a file are here.
    pub(super) fn set(&self, file: usize, bytes: u64) {
        if let Some(slot) = self.slots.get(file) {
            slot.here.store(bytes, Ordering::Relaxed);
            self.newest.store(file, Ordering::Relaxed);
        }
    }

    /// So many bytes more were read, or came.
    pub(super) fn add(&self, file: usize, bytes: u64) {
        if let Some(slot) = self.slots.get(file) {
            slot.here.fetch_add(bytes, Ordering::Relaxed);
            self.newest.store(file, Ordering::Relaxed);
        }
        self.came.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn came(&self) -> u64 {
        self.came.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self, phase: TransferPhase, rate: f64) -> Transfer {
        let here = |slot: &Slot| slot.here.load(Ordering::Relaxed).min(slot.size);
        let newest = self.slots.get(self.newest.load(Ordering::Relaxed));
        Transfer {
            phase,
            file: newest.map(|slot| slot.name.clone()).unwrap_or_default(),
            done: self.slots.iter().map(here).sum(),
            of: self.slots.iter().map(|slot| slot.size).sum(),
            files_done: self.slots.iter().filter(|slot| here(slot) == slot.size).count(),
            files: self.slots.len(),
            rate,
        }
    }
}

/// Bytes a second, of counts with their times.
#[derive(Debug)]
pub(super) struct Rate(VecDeque<(Instant, u64)>);

impl Rate {
    /// Counted from a start, so that the first note has a rate already.
    pub(super) fn since(start: Instant) -> Self {
        Self(VecDeque::from([(start, 0)]))
    }

    pub(super) fn note(&mut self, now: Instant, bytes: u64) -> f64 {
        self.0.push_back((now, bytes));
        while self.0.len() > 2
            && self
                .0
                .get(1)
                .is_some_and(|(then, _)| now.duration_since(*then) >= WINDOW)
        {
            self.0.pop_front();
        }
        let Some((then, before)) = self.0.front() else {
            return 0.0;
        };
        let seconds = now.duration_since(*then).as_secs_f64();
        match seconds > 0.0 {
            true => bytes.saturating_sub(*before) as f64 / seconds,
            false => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_forgets_what_was_long_ago() {
        let start = Instant::now();
        let mut rate = Rate::since(start);
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(rate.note(at(0), 0), 0.0);
        assert_eq!(rate.note(at(1), 100), 100.0);
        assert_eq!(rate.note(at(2), 300), 150.0);
        for second in 3..20 {
            rate.note(at(second), 300);
        }
        assert_eq!(rate.note(at(20), 300), 0.0);
    }

    #[test]
    fn the_first_note_has_a_rate() {
        let start = Instant::now();
        let mut rate = Rate::since(start);
        assert_eq!(rate.note(start + Duration::from_secs(2), 300), 150.0);
    }

    #[test]
    fn a_meter_adds_up_its_files() {
        let meter = Meter::new([("a", 10), ("b", 30)].into_iter());
        meter.add(0, 10);
        meter.add(1, 5);
        let read = meter.read(TransferPhase::Fetching, 1.0);
        assert_eq!((read.done, read.of, read.files_done, read.files), (15, 40, 1, 2));
        meter.set(1, 0);
        let read = meter.read(TransferPhase::Fetching, 1.0);
        assert_eq!((read.done, read.file.as_str(), meter.came()), (10, "b", 15));
    }
}
