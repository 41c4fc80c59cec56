//! A thread of the window's own: it carries out one job after the other, finishes what it was given, and is
//! waited for when the window goes. A job that panics is told of like any other failure, and the thread
//! goes on with the next one.

use crate::task::Failure;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// Jobs that may wait; who brings one more waits, too.
const WAITING: usize = 4096;

/// Says that there is something to take in.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// What came of some work; a panic in it is a failure like any other.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no reason was given");
        Failure::failed(format!("a fault of this program: {words}"))
    })
}

pub(crate) struct Background<Job, Answer> {
    jobs: Option<SyncSender<Job>>,
    back: Sender<Answer>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
}

impl<Job: Send + 'static, Answer: Send + 'static> Background<Job, Answer> {
    /// `begin` is called on the thread and makes what carries out a job there; after a panic it makes
    /// that anew. `broke` is the answer of a job that panicked.
    pub(crate) fn new<Work: FnMut(Job) -> Option<Answer>>(
        name: &str,
        wake: Wake,
        begin: impl Fn() -> Work + Send + 'static,
        broke: fn(Failure) -> Answer,
    ) -> Self {
        let (jobs, inbox) = sync_channel::<Job>(WAITING);
        let (back, answers) = channel();
        let sender = back.clone();
        let work = move || {
            let mut carry_out = None;
            for job in inbox {
                let done = caught(|| carry_out.get_or_insert_with(&begin)(job));
                let answer = done.unwrap_or_else(|failure| {
                    // It may have been left in the middle of something.
                    carry_out = None;
                    Some(broke(failure))
                });
                if let Some(answer) = answer {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::test_window::patience;

    #[test]
    fn a_job_that_panics_is_told_and_the_next_ones_are_done() {
        let begin = || {
            let mut count = 0;
            move |job: u32| {
                count += 1;
                assert_ne!(job, 7, "scripted");
                Some(format!("{job} is number {count}"))
            }
        };
        let background = Background::new("test", Arc::new(|| {}), begin, |failure| failure.message);
        for job in [1, 7, 2, 7, 7, 3] {
            assert_eq!(background.give(job), Given::Yes);
        }
        let mut answers = Vec::new();
        for () in patience() {
            answers.extend(background.answers());
            if answers.len() == 6 {
                break;
            }
        }
        let broken =
            |at: usize| answers[at].contains("a fault of this program") && answers[at].contains("scripted");
        assert!(broken(1) && broken(3) && broken(4), "{answers:?}");
        // What carries them out is made anew after a panic.
        assert_eq!(
            [&answers[0], &answers[2], &answers[5]],
            ["1 is number 1", "2 is number 1", "3 is number 1"]
        );
    }
}
