//! Long work on a thread of its own, an import or a download: how far it is lies in one place that is
//! overwritten, so that a slow window costs nothing. Dropping it cancels and waits.

use super::background::Wake;
use crate::state::HubEnd;
use crate::task::{Cancel, Failure, ImportStep, Transfer};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// An import; it ends with remarks.
pub(crate) type Importing = Working<ImportStep, Vec<String>>;

/// Work on a model of the Hub; a step has the newest thing worth knowing beside it.
pub(crate) type HubWorking = Working<(Transfer, Option<String>), HubEnd>;

#[derive(Debug)]
struct Board<S, T> {
    step: Option<S>,
    ended: Option<Result<T, Failure>>,
}

/// Work that tells steps and ends with something.
pub(crate) struct Working<S, T> {
    pub(crate) cancel: Cancel,
    board: Arc<Mutex<Board<S, T>>>,
    began: Instant,
    thread: Option<JoinHandle<()>>,
}

impl<S: Send + 'static, T: Send + 'static> Working<S, T> {
    /// Begins `work`; a panic in it is a failure like any other.
    pub(crate) fn begin(
        wake: &Wake,
        work: impl FnOnce(&Cancel, &mut dyn FnMut(S)) -> Result<T, Failure> + Send + 'static,
    ) -> Self {
        let board = Board {
            step: None,
            ended: None,
        };
        let (cancel, board) = (Cancel::new(), Arc::new(Mutex::new(board)));
        let (asked, told, wake) = (cancel.clone(), Arc::clone(&board), Arc::clone(wake));
        let on_thread = move || {
            let lock = || told.lock().unwrap_or_else(PoisonError::into_inner);
            let mut step = |step: S| {
                lock().step = Some(step);
                wake();
            };
            let ended = catch_unwind(AssertUnwindSafe(|| work(&asked, &mut step)));
            let ended = ended.unwrap_or_else(|_| {
                Err(Failure::failed(
                    "the work broke off by a fault of this program: its files may be damaged",
                ))
            });
            lock().ended = Some(ended);
            wake();
        };
        let thread = std::thread::Builder::new()
            .name("work".to_owned())
            .spawn(on_thread);
        if let Err(error) = &thread {
            let failure = Failure::failed(format!("no thread for the work: {error}"));
            board.lock().unwrap_or_else(PoisonError::into_inner).ended = Some(Err(failure));
        }
        Self {
            cancel,
            board,
            began: Instant::now(),
            thread: thread.ok(),
        }
    }

    /// The newest step since the last call, and seconds since the beginning.
    pub(crate) fn step(&self) -> Option<(S, f64)> {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        Some((board.step.take()?, self.began.elapsed().as_secs_f64()))
    }

    pub(crate) fn ended(&self) -> Option<Result<T, Failure>> {
        self.board
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ended
            .take()
    }
}

impl<S, T> Drop for Working<S, T> {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ended = Result<Vec<String>, Failure>;

    fn quiet() -> Wake {
        Arc::new(|| {})
    }

    fn end(importing: &Importing) -> Ended {
        loop {
            if let Some(ended) = importing.ended() {
                return ended;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn only_the_newest_step_is_kept() {
        let importing = Importing::begin(&quiet(), |_, step| {
            for done in 0..10_000 {
                let name = format!("tensor {done}");
                step(ImportStep {
                    name,
                    done,
                    of: 10_000,
                });
            }
            Ok(vec!["a remark".to_owned()])
        });
        assert_eq!(end(&importing), Ok(vec!["a remark".to_owned()]));
        let (step, _) = importing.step().expect("a step");
        assert_eq!((step.done, step.name.as_str()), (9999, "tensor 9999"));
        assert_eq!(importing.step(), None);
    }

    #[test]
    fn a_panic_is_a_failure_and_a_drop_cancels() {
        let broken = Importing::begin(&quiet(), |_, _| panic!("scripted"));
        assert!(end(&broken).is_err_and(|failure| failure.message.contains("broke off")));
        let (left, seen) = std::sync::mpsc::channel();
        let waiting = Importing::begin(&quiet(), move |cancel, _| {
            while !cancel.is_cancelled() {
                std::thread::yield_now();
            }
            let _ = left.send(());
            Err(Failure::failed("cancelled"))
        });
        drop(waiting);
        assert!(seen.try_recv().is_ok(), "the drop waited for its end");
    }
}
