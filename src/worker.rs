//! The thread on which an engine works: tasks in, reports out.
//!
//! The only file that knows of channels. Laws: tasks are carried out in the order they were
//! submitted; each is ended exactly once, by the worker and never by the engine; an engine's panic
//! fails its task and nothing else; both channels are bounded; dropping the worker cancels the
//! running task and joins the thread even when nobody reads the reports. After `LoadFailed`
//! nothing follows: it ends the tasks that were waiting, too.

use crate::task::{Cancel, Engine, Failure, Progress, Report, Stop, Task, TaskId};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Tasks that may wait.
const INBOX: usize = 64;
/// Reports that may wait: a slow reader slows the engine down instead of filling the memory.
const REPORTS: usize = 256;

/// What is known of a submitted task: its name in the reports and its switch.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub id: TaskId,
    pub cancel: Cancel,
}

struct Job {
    ticket: Ticket,
    task: Task,
}

/// What the thread and its owner share so that a drop can reach the running task.
#[derive(Default)]
struct Shutdown {
    closing: AtomicBool,
    running: Mutex<Option<Cancel>>,
}

impl Shutdown {
    /// Either the closer sees the task or the task sees the closing: no order loses both.
    fn begin(&self, cancel: &Cancel) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(cancel.clone());
        if self.closing.load(Ordering::SeqCst) {
            cancel.cancel();
        }
    }

    fn end(&self) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cancel) = running.as_ref() {
            cancel.cancel();
        }
    }
}

/// An engine on its own thread.
pub struct Worker {
    inbox: Option<Sender<Job>>,
    reports: Receiver<Report>,
    /// Dropped to tell the thread that nobody waits for reports any more.
    quit: Option<Sender<()>>,
    shutdown: Arc<Shutdown>,
    thread: Option<JoinHandle<()>>,
    next: u64,
}

impl Worker {
    /// Makes the engine on a new thread; `make` also names the model. `wake` is called after
    /// every report, from that thread.
    pub fn spawn<E: Engine>(
        make: impl FnOnce() -> Result<(String, E), Failure> + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) -> Self {
        let (inbox, jobs) = bounded::<Job>(INBOX);
        let (sender, reports) = bounded(REPORTS);
        let (quit, quitting) = bounded::<()>(0);
        let shutdown = Arc::new(Shutdown::default());
        let outbox = Outbox {
            sender: sender.clone(),
            quitting,
            wake,
        };
        let shared = Arc::clone(&shutdown);
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || work(make, &jobs, &outbox, &shared));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                let failure = Failure::failed(format!("no thread for the model: {error}"));
                // The channel is new and empty: there is room.
                let _ = sender.try_send(Report::LoadFailed(failure));
                None
            }
        };
        Self {
            inbox: Some(inbox),
            reports,
            quit: Some(quit),
            shutdown,
            thread,
            next: 0,
        }
    }

    /// Puts a task at the end of the queue. Never blocks: a full queue and a dead engine refuse.
    pub fn submit(&mut self, task: Task) -> Result<Ticket, Failure> {
        let ticket = Ticket {
            id: TaskId(self.next),
            cancel: Cancel::new(),
        };
        let job = Job {
            ticket: ticket.clone(),
            task,
        };
        let gone = || Failure::failed("the model is not running: it could not be loaded");
        let inbox = self.inbox.as_ref().ok_or_else(gone)?;
        inbox.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Failure::failed(format!("{INBOX} tasks are waiting already")),
            TrySendError::Disconnected(_) => gone(),
        })?;
        self.next += 1;
        Ok(ticket)
    }

    /// Everything the worker tells, in order. Closed when the thread has ended.
    pub fn reports(&self) -> &Receiver<Report> {
        &self.reports
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shutdown.close();
        self.quit = None;
        self.inbox = None;
        if let Some(thread) = self.thread.take() {
            // The thread contains every panic of the engine; one of its own has been printed.
            let _ = thread.join();
        }
    }
}

struct Outbox<W> {
    sender: Sender<Report>,
    quitting: Receiver<()>,
    wake: W,
}

impl<W: Fn()> Outbox<W> {
    /// Waits for room unless the worker is being dropped; then the report is lost with it.
    fn send(&self, report: Report) {
        if let Err(TrySendError::Full(report)) = self.sender.try_send(report) {
            select! {
                send(self.sender, report) -> _ => {}
                recv(self.quitting) -> _ => {}
            }
        }
        (self.wake)();
    }
}

fn work<E: Engine, W: Fn()>(
    make: impl FnOnce() -> Result<(String, E), Failure>,
    jobs: &Receiver<Job>,
    outbox: &Outbox<W>,
    shutdown: &Shutdown,
) {
    let began = Instant::now();
    let made = catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|panic| {
        Err(Failure::failed(format!(
            "the model could not be loaded: {}",
            words(panic.as_ref())
        )))
    });
    let mut engine = match made {
        Ok((model, engine)) => {
            let seconds = began.elapsed().as_secs_f64();
            outbox.send(Report::Loaded {
                model,
                seconds,
                profile: engine.profile(),
            });
            engine
        }
        Err(failure) => return outbox.send(Report::LoadFailed(failure)),
    };
    for Job { ticket, task } in jobs {
        shutdown.begin(&ticket.cancel);
        let end = if ticket.cancel.is_cancelled() {
            Report::Cancelled {
                task: ticket.id,
                pictures: Vec::new(),
            }
        } else {
            carry_out(&mut engine, &ticket, &task, outbox)
        };
        shutdown.end();
        outbox.send(end);
    }
}

/// Runs one task and says how it ended.
fn carry_out<E: Engine, W: Fn()>(engine: &mut E, ticket: &Ticket, task: &Task, outbox: &Outbox<W>) -> Report {
    let id = ticket.id;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        engine.run(task, &ticket.cancel, &mut |progress: Progress| {
            outbox.send(Report::Progress { task: id, progress });
        })
    }));
    match ended {
        Ok(Ok(pictures)) => Report::Finished { task: id, pictures },
        Ok(Err(Stop::Cancelled(pictures))) => Report::Cancelled { task: id, pictures },
        Ok(Err(Stop::Failed(failure))) => Report::Failed { task: id, failure },
        Err(panic) => Report::Failed {
            task: id,
            failure: Failure::failed(format!("the engine broke off: {}", words(panic.as_ref()))),
        },
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Mode;

    /// Does what the prompt says; `gate` lets a test decide when it goes on.
    struct Script {
        gate: Receiver<()>,
    }

    impl Engine for Script {
        fn run(
            &mut self,
            task: &Task,
            cancel: &Cancel,
            progress: &mut dyn FnMut(Progress),
        ) -> Result<Vec<crate::task::Picture>, Stop> {
            match task.prompt.as_str() {
                "panic" => panic!("scripted"),
                "fail" => Err(Stop::Failed(Failure::usage("scripted"))),
                "gate" => {
                    progress(Progress::Decoding);
                    let _ = self.gate.recv();
                    if cancel.is_cancelled() {
                        return Err(Stop::Cancelled(Vec::new()));
                    }
                    Ok(Vec::new())
                }
                "flood" => {
                    while !cancel.is_cancelled() {
                        progress(Progress::Paused);
                    }
                    Err(Stop::Cancelled(Vec::new()))
                }
                _ => {
                    progress(Progress::Decoding);
                    Ok(Vec::new())
                }
            }
        }
    }

    fn worker() -> (Worker, Sender<()>) {
        let (open, gate) = bounded(8);
        let make = move || Ok(("script".to_owned(), Script { gate }));
        (Worker::spawn(make, || {}), open)
    }

    fn submit(worker: &mut Worker, prompt: &str) -> Ticket {
        worker
            .submit(Task::new(Mode::Generate, prompt))
            .expect("room in the inbox")
    }

    fn next(worker: &Worker) -> Report {
        worker.reports().recv().expect("a living worker")
    }

    fn begun(id: u64) -> Report {
        Report::Progress {
            task: TaskId(id),
            progress: Progress::Decoding,
        }
    }

    fn finished(id: u64) -> Report {
        let (task, pictures) = (TaskId(id), Vec::new());
        Report::Finished { task, pictures }
    }

    fn cancelled(id: u64) -> Report {
        let (task, pictures) = (TaskId(id), Vec::new());
        Report::Cancelled { task, pictures }
    }

    #[test]
    fn tasks_are_done_in_order_and_ended_once() {
        let (mut worker, _open) = worker();
        for prompt in ["one", "two", "fail", "three"] {
            submit(&mut worker, prompt);
        }
        assert!(matches!(next(&worker), Report::Loaded { model, .. } if model == "script"));
        let failed = Report::Failed {
            task: TaskId(2),
            failure: Failure::usage("scripted"),
        };
        for expected in [
            begun(0),
            finished(0),
            begun(1),
            finished(1),
            failed,
            begun(3),
            finished(3),
        ] {
            assert_eq!(next(&worker), expected);
        }
        assert!(worker.reports().is_empty());
    }

    #[test]
    fn a_cancel_counts_early_midway_and_not_after_the_end() {
        let (mut worker, open) = worker();
        let mid = submit(&mut worker, "gate");
        let early = submit(&mut worker, "one");
        let late = submit(&mut worker, "one");
        assert!(matches!(next(&worker), Report::Loaded { .. }));
        assert_eq!(next(&worker), begun(0));
        early.cancel.cancel();
        mid.cancel.cancel();
        open.send(()).expect("a waiting script");
        for expected in [cancelled(0), cancelled(1), begun(2), finished(2)] {
            assert_eq!(next(&worker), expected);
        }
        late.cancel.cancel();
        submit(&mut worker, "one");
        assert_eq!(next(&worker), begun(3));
        assert_eq!(next(&worker), finished(3));
    }

    #[test]
    fn a_panic_fails_its_task_and_no_other() {
        let (mut worker, _open) = worker();
        submit(&mut worker, "panic");
        submit(&mut worker, "one");
        assert!(matches!(next(&worker), Report::Loaded { .. }));
        match next(&worker) {
            Report::Failed { task, failure } => {
                assert_eq!(task, TaskId(0));
                assert!(failure.message.contains("scripted"), "{failure}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(next(&worker), begun(1));
        assert_eq!(next(&worker), finished(1));
    }

    #[test]
    fn a_drop_ends_a_worker_whose_reports_nobody_reads() {
        let (mut worker, _open) = worker();
        submit(&mut worker, "flood");
        submit(&mut worker, "flood");
        let reports = worker.reports().clone();
        while !reports.is_full() {
            std::thread::yield_now();
        }
        drop(worker);
        assert!(reports.iter().all(|report| matches!(
            report,
            Report::Loaded { .. } | Report::Progress { task: TaskId(0), .. }
        )));
    }

    #[test]
    fn a_model_that_cannot_be_loaded_is_said_once() {
        let wrong = || -> Result<(String, Script), Failure> { Err(Failure::usage("no such file")) };
        let worker = Worker::spawn(wrong, || {});
        assert_eq!(next(&worker), Report::LoadFailed(Failure::usage("no such file")));
        assert!(worker.reports().recv().is_err());
        let broken = || -> Result<(String, Script), Failure> { panic!("broken weights") };
        let worker = Worker::spawn(broken, || {});
        match next(&worker) {
            Report::LoadFailed(failure) => assert!(failure.message.contains("broken weights")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_full_inbox_refuses_and_never_blocks() {
        let (mut worker, open) = worker();
        submit(&mut worker, "gate");
        assert!(matches!(next(&worker), Report::Loaded { .. }));
        assert_eq!(next(&worker), begun(0));
        for _ in 0..INBOX {
            submit(&mut worker, "one");
        }
        assert!(worker.submit(Task::new(Mode::Generate, "one")).is_err());
        open.send(()).expect("a waiting script");
        assert_eq!(next(&worker), finished(0));
        assert_eq!(next(&worker), begun(1));
    }
}
