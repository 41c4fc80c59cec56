//! The laws of the worker, with a scripted engine.

use super::*;
use crate::task::Mode;

/// Does what the prompt says; `gate` lets a test decide when it goes on.
struct Script {
    gate: Receiver<()>,
}

impl Engine for Script {
    fn answer(&mut self, question: &Question, _: &Cancel) -> Result<crate::task::Finding, Failure> {
        let Question::Alternatives { task, .. } = question;
        assert_ne!(task.prompt, "panic", "scripted");
        Err(Failure::usage("no questions"))
    }

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

#[test]
fn a_question_is_answered_in_its_turn() {
    let (mut worker, open) = worker();
    let question = |prompt: &str| Question::Alternatives {
        task: Box::new(Task::new(Mode::Generate, prompt)),
        codes: Vec::new(),
        row: 0,
    };
    submit(&mut worker, "gate");
    let asked = worker.ask(question("one")).expect("room");
    let taken_back = worker.ask(question("two")).expect("room");
    let broken = worker.ask(question("panic")).expect("room");
    submit(&mut worker, "one");
    taken_back.cancel.cancel();
    open.send(()).expect("a waiting script");
    assert!(matches!(next(&worker), Report::Loaded { .. }));
    assert_eq!([next(&worker), next(&worker)], [begun(0), finished(0)]);
    for (ticket, words) in [
        (asked, "no questions"),
        (taken_back, "taken back"),
        (broken, "scripted"),
    ] {
        match next(&worker) {
            Report::Answered {
                task,
                answer: Err(failure),
            } => assert!(task == ticket.id && failure.message.contains(words), "{failure}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!([next(&worker), next(&worker)], [begun(4), finished(4)]);
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
