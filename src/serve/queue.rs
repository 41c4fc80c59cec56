//! Tasks on their way to the worker, one after the other, and what it reports on the way back.
//!
//! The worker is given one task at a time: those that wait stand here, where one whose client went away
//! leaves at once. Whoever waits hears of a task at most its beginning, a few partial pictures and its end, so
//! that nobody can hold the engine up or fill the memory by not listening.

use super::refusal::Refusal;
use crate::pixels::Pixels;
use crate::state::{Begun, CandidateRows};
use crate::task::{Cancel, Failure, Mode, Picture, Progress, Report, Task, TaskId};
use crate::token::CODE_PIXELS;
use crate::worker::Worker;
use axum::http::StatusCode;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Tasks that may wait behind the one that is drawn.
const MOST_WAITING: usize = 16;
/// The longest wait that is advised, in seconds.
const LONGEST_WAIT: f64 = 120.0;

/// What is told of a task to the one who waits for it.
#[derive(Debug)]
pub(super) enum Event {
    Begun,
    Partial { index: usize, pixels: Pixels },
    Ended(End),
}

/// How a task ended.
#[derive(Debug)]
pub(super) enum End {
    Finished(Vec<Picture>),
    /// With the rows that were drawn of each picture.
    Cancelled(Vec<(Picture, Option<Pixels>)>),
    Failed(Failure),
    /// The program ends.
    Closed,
}

/// A task that was taken; dropped, it is cancelled.
pub(super) struct Drawing {
    id: u64,
    events: UnboundedReceiver<Event>,
    queue: Arc<Queue>,
}

impl Drawing {
    pub(super) async fn next(&mut self) -> Event {
        let next = self.events.recv().await;
        next.unwrap_or_else(|| Event::Ended(End::Failed(Failure::failed("the engine's thread ended early"))))
    }

    /// Its end, whatever comes before.
    pub(super) async fn end(&mut self) -> End {
        loop {
            if let Event::Ended(end) = self.next().await {
                return end;
            }
        }
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        self.queue.leave(self.id);
    }
}

/// A task with the one who waits for it.
struct Order {
    id: u64,
    task: Task,
    partials: usize,
    events: UnboundedSender<Event>,
}

/// The task that is drawn.
struct Running {
    order: Order,
    ticket: TaskId,
    cancel: Cancel,
    begun: Option<(Begun, Instant)>,
    lanes: BTreeMap<usize, CandidateRows>,
    partials_told: usize,
}

#[derive(Default)]
struct Orders {
    worker: Option<Worker>,
    waiting: VecDeque<Order>,
    running: Option<Running>,
    next: u64,
    /// What the last finished task took.
    last_secs: f64,
}

/// How far the task of the moment is.
#[derive(Debug, Default)]
pub(super) struct Far {
    /// Whether one is drawn at all.
    pub(super) is_drawing: bool,
    pub(super) is_interrupted: bool,
    /// Pictures that were asked for together.
    pub(super) pictures: usize,
    /// Of all of them together.
    pub(super) rows: usize,
    pub(super) of: usize,
    pub(super) elapsed_secs: f64,
    pub(super) waiting: usize,
}

pub(super) struct Queue(Mutex<Orders>);

impl Queue {
    /// A queue before a worker that has loaded its model.
    ///
    /// # Errors
    /// There is no thread for its reports.
    pub(super) fn new(worker: Worker) -> Result<Arc<Self>, Failure> {
        let reports = worker.reports().clone();
        let orders = Orders {
            worker: Some(worker),
            ..Orders::default()
        };
        let queue = Arc::new(Self(Mutex::new(orders)));
        let listener = Arc::clone(&queue);
        let spawned = std::thread::Builder::new()
            .name("reports".to_owned())
            .spawn(move || {
                for report in reports {
                    listener.take(report);
                }
                listener.close();
            });
        spawned.map_err(|error| Failure::failed(format!("no thread for the queue: {error}")))?;
        Ok(queue)
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a task, of which `partials` partial pictures will be told.
    ///
    /// # Errors
    /// Too many wait already, or the program ends.
    pub(super) fn submit(self: &Arc<Self>, task: Task, partials: usize) -> Result<Drawing, Refusal> {
        let mut orders = self.orders();
        if orders.worker.is_none() {
            return Err(closing());
        }
        if orders.waiting.len() >= MOST_WAITING {
            let seconds = orders.last_secs.clamp(1.0, LONGEST_WAIT).ceil() as u64;
            let message = format!("{MOST_WAITING} pictures are waiting already: ask again in a while");
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
            return Err(refusal.code("queue_full").retry_after_secs(seconds));
        }
        let (events, received) = unbounded_channel();
        let id = orders.next;
        orders.next += 1;
        orders.waiting.push_back(Order {
            id,
            task,
            partials,
            events,
        });
        orders.advance();
        Ok(Drawing {
            id,
            events: received,
            queue: Arc::clone(self),
        })
    }

    /// Whoever waited for a task is gone.
    fn leave(&self, id: u64) {
        let mut orders = self.orders();
        orders.waiting.retain(|order| order.id != id);
        if let Some(running) = orders.running.as_ref().filter(|running| running.order.id == id) {
            running.cancel.cancel();
        }
    }

    /// Stops the task of the moment; what is drawn of it is told to the one who waits.
    pub(super) fn interrupt(&self) {
        if let Some(running) = &self.orders().running {
            running.cancel.cancel();
        }
    }

    /// Ends everything: no task is taken any more. The worker, to be dropped outside of all locks.
    pub(super) fn close(&self) -> Option<Worker> {
        let mut orders = self.orders();
        for order in orders.waiting.drain(..) {
            // One who is gone hears of nothing.
            let _ = order.events.send(Event::Ended(End::Closed));
        }
        if let Some(running) = &orders.running {
            running.cancel.cancel();
            let _ = running.order.events.send(Event::Ended(End::Closed));
        }
        orders.worker.take()
    }

    /// The first picture of the task of the moment: its rows so far, grey below them.
    pub(super) fn picture(&self) -> Option<Pixels> {
        self.orders().running.as_ref()?.picture(0)
    }

    /// How far the task of the moment is.
    pub(super) fn far(&self) -> Far {
        let orders = self.orders();
        let waiting = orders.waiting.len();
        let Some(running) = &orders.running else {
            return Far {
                waiting,
                ..Far::default()
            };
        };
        let pictures = running.order.task.candidates.max(1);
        let begun = running.begun.as_ref();
        let (rows, of) = begun.map_or((0, 0), |(begun, _)| {
            let shown = shown(&running.order.task.mode, begun.grid.rows);
            let drawn = |lane: &CandidateRows| lane.rows(begun.grid).saturating_sub(shown.start) as usize;
            (running.lanes.values().map(drawn).sum(), shown.len() * pictures)
        });
        Far {
            is_drawing: true,
            is_interrupted: running.cancel.is_cancelled(),
            pictures,
            rows,
            of,
            elapsed_secs: begun.map_or(0.0, |(_, at)| at.elapsed().as_secs_f64()),
            waiting,
        }
    }

    /// Takes in what the worker says.
    fn take(&self, report: Report) {
        let mut orders = self.orders();
        let Some(running) = orders.running.as_mut() else {
            return;
        };
        let (ticket, end) = match report {
            Report::Progress { task, progress } if task == running.ticket => {
                return running.take(progress);
            }
            Report::Finished { task, pictures } => (task, End::Finished(pictures)),
            Report::Cancelled { task, pictures } => (task, running.cancelled(pictures)),
            Report::Failed { task, failure } => (task, End::Failed(failure)),
            // Told before there was a queue, or of a task that has ended.
            Report::Loaded { .. }
            | Report::LoadFailed(_)
            | Report::Progress { .. }
            | Report::Answered { .. } => return,
        };
        if ticket != running.ticket {
            return;
        }
        let began = running.begun.as_ref().map(|(_, at)| *at);
        let is_finished = matches!(end, End::Finished(_));
        let _ = running.order.events.send(Event::Ended(end));
        orders.running = None;
        if let Some(began) = began.filter(|_| is_finished) {
            orders.last_secs = began.elapsed().as_secs_f64();
        }
        orders.advance();
    }
}

pub(super) fn closing() -> Refusal {
    let message = "the program is ending: ask again when it runs";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).code("closing")
}

impl Orders {
    /// Gives the next task to the worker when that has none.
    fn advance(&mut self) {
        while self.running.is_none() {
            let (Some(worker), Some(order)) = (self.worker.as_mut(), self.waiting.pop_front()) else {
                return;
            };
            match worker.submit(order.task.clone()) {
                Ok(ticket) => {
                    self.running = Some(Running {
                        order,
                        ticket: ticket.id,
                        cancel: ticket.cancel,
                        begun: None,
                        lanes: BTreeMap::new(),
                        partials_told: 0,
                    });
                }
                Err(failure) => {
                    let _ = order.events.send(Event::Ended(End::Failed(failure)));
                }
            }
        }
    }
}

impl Running {
    fn take(&mut self, progress: Progress) {
        if let Some(begun) = Begun::of(&progress) {
            self.begun = Some((begun, Instant::now()));
            let _ = self.order.events.send(Event::Begun);
            return;
        }
        let (
            Some((begun, _)),
            Progress::Row {
                candidate,
                row,
                codes,
                preview,
                ..
            },
        ) = (&self.begun, progress)
        else {
            return;
        };
        let grid = begun.grid;
        let lane = self.lanes.entry(candidate);
        let lane = lane.or_insert_with(|| CandidateRows::new(grid));
        lane.place(grid, row, &codes, &preview);
        let shown = shown(&self.order.task.mode, grid.rows);
        let drawn = lane.rows(grid).saturating_sub(shown.start) as usize;
        // Evenly spread between the first row and the last.
        let due = drawn * (self.order.partials + 1) / shown.len().max(1);
        while candidate == 0 && self.partials_told < due.min(self.order.partials) {
            if let Some(pixels) = self.picture(0) {
                let index = self.partials_told;
                let _ = self.order.events.send(Event::Partial { index, pixels });
            }
            self.partials_told += 1;
        }
    }

    /// What is shown of a picture under way: as large as the finished one, grey where nothing is drawn.
    fn picture(&self, candidate: usize) -> Option<Pixels> {
        let (begun, lane) = (&self.begun.as_ref()?.0, self.lanes.get(&candidate)?);
        let shown = shown(&self.order.task.mode, begun.grid.rows);
        Some(
            lane.preview
                .rows(shown.start * CODE_PIXELS, shown.end * CODE_PIXELS),
        )
    }

    /// The rows of a picture under way and nothing below them; `None` without any.
    fn rows(&self, candidate: usize) -> Option<Pixels> {
        let (begun, lane) = (&self.begun.as_ref()?.0, self.lanes.get(&candidate)?);
        let is_begun = lane.rows(begun.grid) > 0;
        is_begun.then(|| lane.drawn(&self.order.task.mode, begun.grid))
    }

    fn cancelled(&self, pictures: Vec<Picture>) -> End {
        let first = self.order.task.seed;
        let with_rows = |picture: Picture| {
            let rows = self.rows(picture.seed.wrapping_sub(first) as usize);
            (picture, rows)
        };
        End::Cancelled(pictures.into_iter().map(with_rows).collect())
    }
}

/// The rows of a grid that are shown.
fn shown(mode: &Mode, rows: u32) -> Range<u32> {
    match mode.takes_source() {
        true => rows / 2..rows,
        false => 0..rows,
    }
}
