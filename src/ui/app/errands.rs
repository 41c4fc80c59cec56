//! Work of the window that would hold it up: files, dialogs, maps. Its results come back as
//! actions.
//!
//! Files are read and written one after the other on one thread, which finishes what it was given
//! before the window goes; dialogs wait on threads of their own.

use crate::state::Action;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce() -> Option<Action> + Send>;

/// Says that there is something to take in.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct Errands {
    jobs: Option<Sender<Job>>,
    back: Sender<Action>,
    actions: Receiver<Action>,
    wake: Wake,
    thread: Option<JoinHandle<()>>,
}

impl Errands {
    pub(crate) fn new(wake: Wake) -> Self {
        let (jobs, inbox) = channel::<Job>();
        let (back, actions) = channel();
        let (answers, waker) = (back.clone(), Arc::clone(&wake));
        let work = move || {
            for job in inbox {
                if let Some(action) = job() {
                    // Nobody listens any more when the window is closing.
                    let _ = answers.send(action);
                    waker();
                }
            }
        };
        Self {
            jobs: Some(jobs),
            back,
            actions,
            wake,
            thread: std::thread::Builder::new()
                .name("files".to_owned())
                .spawn(work)
                .ok(),
        }
    }

    /// Puts a job behind those that wait.
    pub(crate) fn run<A: Into<Action>>(&self, job: impl FnOnce() -> Option<A> + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Box::new(move || job().map(A::into)));
        }
    }

    /// A job that waits for the user.
    pub(crate) fn wait_for<A: Into<Action>>(&self, job: impl FnOnce() -> Option<A> + Send + 'static) {
        let (back, wake) = (self.back.clone(), Arc::clone(&self.wake));
        let ask = move || {
            if let Some(action) = job() {
                let _ = back.send(action.into());
                wake();
            }
        };
        // Without a thread there is no dialog; the user can still drop the file.
        let _ = std::thread::Builder::new().name("dialog".to_owned()).spawn(ask);
    }

    /// What has come back.
    pub(crate) fn actions(&self) -> Vec<Action> {
        self.actions.try_iter().collect()
    }
}

impl Drop for Errands {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
