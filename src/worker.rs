//! The thread on which an engine works: tasks in, reports out.
//!
//! The only file that knows of channels. Laws: tasks are carried out in the order they were
//! submitted; each is ended exactly once, by the worker and never by the engine; an engine's panic
//! fails its task and nothing else; both channels are bounded; dropping the worker cancels the
//! running task and joins the thread even when nobody reads the reports. After `LoadFailed`
//! nothing follows: it ends the tasks that were waiting, too.

use crate::task::{Cancel, Engine, Failure, Progress, Question, Report, Stop, Task, TaskId};
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
    work: Work,
}

enum Work {
    Draw(Box<Task>),
    Answer(Box<Question>),
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
        self.put(Work::Draw(Box::new(task)))
    }

    /// Puts a question behind the tasks that wait; refused as they are.
    pub fn ask(&mut self, question: Question) -> Result<Ticket, Failure> {
        self.put(Work::Answer(Box::new(question)))
    }

    fn put(&mut self, work: Work) -> Result<Ticket, Failure> {
        let ticket = Ticket {
            id: TaskId(self.next),
            cancel: Cancel::new(),
        };
        let job = Job {
            ticket: ticket.clone(),
            work,
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
    for Job { ticket, work } in jobs {
        shutdown.begin(&ticket.cancel);
        let is_cancelled = ticket.cancel.is_cancelled();
        let end = match &work {
            Work::Draw(_) if is_cancelled => Report::Cancelled {
                task: ticket.id,
                pictures: Vec::new(),
            },
            Work::Draw(task) => carry_out(&mut engine, &ticket, task, outbox),
            Work::Answer(question) => answer(&mut engine, &ticket, question),
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

fn answer<E: Engine>(engine: &mut E, ticket: &Ticket, question: &Question) -> Report {
    let answered = catch_unwind(AssertUnwindSafe(|| match ticket.cancel.is_cancelled() {
        true => Err(Failure::failed("the question was taken back")),
        false => engine.answer(question, &ticket.cancel),
    }));
    let broke = |panic: Box<dyn Any + Send>| {
        Err(Failure::failed(format!(
            "the engine broke off: {}",
            words(panic.as_ref())
        )))
    };
    Report::Answered {
        task: ticket.id,
        answer: answered.unwrap_or_else(broke),
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
mod tests;
