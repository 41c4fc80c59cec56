//! The models of this machine, held where a script wants them.
//!
//! A window, its engine and its files work on threads of their own. Who is first differs from run to run,
//! and so would the recordings. Here the engine waits: with loading until the window has heard of its
//! files, with a picture until the picture before is on the disk, and after the rows that the script named.

use lumina_studio::engine_room::{EngineRoom, LocalModels, Make, ModelSource};
use lumina_studio::session::Session;
use lumina_studio::task::{
    Appraisal, Cancel, Device, Engine, Failure, ImportStep, ImportWish, Known, Picture, Profile, Progress,
    Stop, Survey, Task, TaskId,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two looks whether the engine may go on.
const LOOK: Duration = Duration::from_millis(2);
/// After a row: longer than the session takes between two reports of a row in the making. So the next
/// forward is always told.
const AFTER_ROW: Duration = Duration::from_millis(150);
/// Rows of a picture whose making is told once. More would only make the recordings longer.
const TOLD_IN_THE_MAKING: u32 = 2;
/// What every machine has for memory.
const FREE_BYTES: u64 = 8_000_000_000;

/// How far an engine may go. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Mutex<Allowed>>);

#[derive(Debug, Default)]
struct Allowed {
    loading: bool,
    /// The last task that may begin.
    task: Option<TaskId>,
    /// A task waits after so many rows.
    holds: Vec<(TaskId, u32)>,
}

impl Gate {
    fn change<T>(&self, change: impl FnOnce(&mut Allowed) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn let_load(&self) {
        self.change(|allowed| allowed.loading = true);
    }

    pub fn let_begin(&self, task: TaskId) {
        self.change(|allowed| allowed.task = Some(task));
    }

    /// A task of the present model waits after so many rows, until it is paused, cancelled or released.
    pub fn hold(&self, task: u64, rows: u32) {
        self.change(|allowed| allowed.holds.push((TaskId(task), rows)));
    }

    pub fn release_one(&self, task: u64) {
        self.change(|allowed| allowed.holds.retain(|(held, _)| *held != TaskId(task)));
    }

    pub fn release(&self) {
        self.change(|allowed| allowed.holds.clear());
    }

    fn wait(&self, cancel: &Cancel, so: impl Fn(&Allowed) -> bool) {
        while !cancel.is_cancelled() && !cancel.is_paused() && !self.change(|allowed| so(allowed)) {
            std::thread::sleep(LOOK);
        }
    }
}

/// The real models behind a gate. What differs between machines is the same everywhere.
#[derive(Debug, Clone, Default)]
pub struct HeldModels(pub Gate);

impl EngineRoom for HeldModels {
    type Engine = HeldEngine;

    fn open(&self, source: &ModelSource) -> Result<Make<HeldEngine>, Failure> {
        let (make, gate) = (LocalModels.open(source)?, self.0.clone());
        gate.change(|allowed| allowed.task = None);
        Ok(Box::new(move || {
            gate.wait(&Cancel::new(), |allowed| allowed.loading);
            let (name, session) = make()?;
            let engine = HeldEngine {
                session,
                gate,
                begun: 0,
            };
            Ok((name, engine))
        }))
    }

    fn survey(&self, used: &[PathBuf], device: Device) -> Survey {
        let known = used.iter().map(|path| Known {
            appraisal: self.appraise(path, device),
            path: path.clone(),
            origin: lumina_studio::task::Origin::Used,
        });
        Survey {
            free_bytes: self.free_bytes(device),
            models: known.collect(),
            ..Survey::default()
        }
    }

    fn appraise(&self, model: &Path, device: Device) -> Result<Appraisal, Failure> {
        LocalModels.appraise(model, device)
    }

    fn free_bytes(&self, _device: Device) -> Option<u64> {
        Some(FREE_BYTES)
    }

    fn plan_import(&self, folder: &Path) -> ImportWish {
        LocalModels.plan_import(folder)
    }

    fn import(
        &self,
        wish: &ImportWish,
        cancel: &Cancel,
        step: &mut dyn FnMut(ImportStep),
    ) -> Result<Vec<String>, Failure> {
        LocalModels.import(wish, cancel, step)
    }
}

/// A model that waits at its gate.
pub struct HeldEngine {
    session: Session,
    gate: Gate,
    /// Tasks begun: the worker counts them alike.
    begun: u64,
}

impl Engine for HeldEngine {
    fn run(
        &mut self,
        task: &Task,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Picture>, Stop> {
        let (gate, id) = (&self.gate, TaskId(self.begun));
        self.begun += 1;
        gate.wait(cancel, |allowed| allowed.task >= Some(id));
        let (mut rows, mut told) = (0, 0);
        self.session.run(task, cancel, &mut |said| {
            let row = match &said {
                Progress::Row {
                    candidate: 0, row, ..
                } => Some(row + 1),
                // The first after a row, and those rows only.
                Progress::Ahead { candidate: 0, .. } if told < rows && rows <= TOLD_IN_THE_MAKING => {
                    told = rows;
                    None
                }
                Progress::Ahead { .. } => return,
                _ => None,
            };
            progress(said);
            if let Some(row) = row {
                rows += 1;
                gate.wait(cancel, |allowed| !allowed.holds.contains(&(id, row)));
                if rows <= TOLD_IN_THE_MAKING {
                    std::thread::sleep(AFTER_ROW);
                }
            }
        })
    }

    fn profile(&self) -> Profile {
        Profile {
            device: "CPU".to_owned(),
            remark: None,
            ..self.session.profile()
        }
    }
}
