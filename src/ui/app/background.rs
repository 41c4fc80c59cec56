//! A thread of the window's own: it carries out one job after the other, finishes what it was given, and is
//! waited for when the window goes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// Jobs that may wait; who brings one more waits, too.
const WAITING: usize = 4096;

/// Says that there is something to take in.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct Background<Job, Answer> {
    jobs: Option<SyncSender<Job>>,
    back: Sender<Answer>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
}

impl<Job: Send + 'static, Answer: Send + 'static> Background<Job, Answer> {
    /// `begin` is called on the thread and makes what carries out a job there.
    pub(crate) fn new<Work: FnMut(Job) -> Option<Answer>>(
        name: &str,
        wake: Wake,
        begin: impl FnOnce() -> Work + Send + 'static,
    ) -> Self {
        let (jobs, inbox) = sync_channel::<Job>(WAITING);
        let (back, answers) = channel();
        let sender = back.clone();
        let work = move || {
            let mut carry_out = begin();
            for job in inbox {
                if let Some(answer) = carry_out(job) {
                    // Nobody listens any more when the window is closing.
                    let _ = sender.send(answer);
                    wake();
                }
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned());
        Self {
            jobs: Some(jobs),
            back,
            answers,
            thread: thread.spawn(work).ok(),
        }
    }

    /// Puts a job behind those that wait; says whether there is a thread for it.
    pub(crate) fn give(&self, job: Job) -> Given {
        match self.jobs.as_ref().map(|jobs| jobs.send(job)) {
            Some(Ok(())) => Given::Yes,
            _ => Given::No,
        }
    }

    /// Where others put their answers among those of the thread.
    pub(crate) fn back(&self) -> Sender<Answer> {
        self.back.clone()
    }

    /// What has come back.
    pub(crate) fn answers(&self) -> impl Iterator<Item = Answer> + '_ {
        self.answers.try_iter()
    }
}

/// Whether a job was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    Yes,
    No,
}

impl<Job, Answer> Drop for Background<Job, Answer> {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
