//! What leads to the states of the window, step by step.

use super::*;
use crate::state::{Action, DoubtAction, Studio, UndoAction, WriterAnswer, WritingAction};
use crate::task::{Alternative, Finding, Rewritten, SceneObject, ScenePlan, Written};

pub(super) fn act(window: &mut Window, action: impl Into<Action>) {
    app(window).act(action);
    window.run_ok();
}

pub(super) fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click();
    window.run_ok();
}

pub(super) fn ready(window: &mut Window) {
    tell(window, [loaded()]);
}

pub(super) fn started(window: &mut Window) {
    ready(window);
    act(window, DraftAction::Set(Setting::Words("a cat".to_owned())));
    act(window, RunAction::Draw);
}

/// Four pictures under way together, the first of them three rows ahead of the last.
pub(super) fn contested(window: &mut Window) {
    ready(window);
    act(window, DraftAction::Set(Setting::Words("a cat".to_owned())));
    act(window, DraftAction::Set(Setting::Candidates(4)));
    act(window, RunAction::Draw);
    let mut reports = rows(0, 4);
    reports.truncate(1);
    for of in 0..4 {
        for mut report in rows(0, 4 - of).into_iter().skip(1) {
            if let Report::Progress {
                progress:
                    Progress::Row {
                        candidate,
                        row,
                        tally,
                        ..
                    },
                ..
            } = &mut report
            {
                (*candidate, tally.seconds) = (of as usize, f64::from(4 * of + *row + 1));
            }
            reports.push(report);
        }
    }
    tell(window, reports);
}

/// Eight starts of a row each, to choose from.
pub(super) fn auditioned(window: &mut Window) {
    ready(window);
    act(window, DraftAction::Set(Setting::Words("a cat".to_owned())));
    act(window, DraftAction::Set(Setting::Starts(8)));
    act(window, RunAction::Draw);
    let mut reports = rows(0, 1);
    for of in 1..8 {
        let mut report = rows(0, 1).remove(1);
        if let Report::Progress {
            progress: Progress::Row { candidate, .. },
            ..
        } = &mut report
        {
            *candidate = of;
        }
        reports.push(report);
    }
    tell(window, reports);
    let run = app(window).studio.run.as_ref();
    let seed = run.map_or(0, |run| run.order.request.seed);
    let pictures = (0..8).map(|of| Picture::of_codes(GRID, vec![0; 4], seed + of, SAMPLING));
    let pictures = pictures.collect();
    let task = TaskId(0);
    tell(window, [Report::Finished { task, pictures }]);
}

/// Four finished pictures, the best first.
pub(super) fn several(task: u64) -> Report {
    let Report::Finished { task, pictures } = finished(task) else {
        unreachable!("a finished picture");
    };
    let one = |place: u64| Picture {
        seed: 5 + place,
        score: Some(9.0 - 3.0 * place as f64),
        ..pictures[0].clone()
    };
    Report::Finished {
        task,
        pictures: (0..4).map(one).collect(),
    }
}

/// The masked part of a photo under way, 3 of 5 cells drawn.
pub(super) fn edit_drawing(window: &mut Window) {
    masked(window);
    act(window, RunAction::Draw);
    let mut reports = rows(0, 3);
    for report in &mut reports {
        match report {
            Report::Progress {
                progress: Progress::Started { to_draw, .. },
                ..
            } => *to_draw = vec![0, 0, 2, 3],
            Report::Progress {
                progress: Progress::Row { row, tally, .. },
                ..
            } => tally.tokens = row.saturating_sub(1) as usize * 2,
            _ => {}
        }
    }
    tell(window, reports);
    let guesses = Guesses::default();
    let tally = Tally {
        tokens: 3,
        forwards: 3,
        seconds: 4.0,
        ..Tally::default()
    };
    let candidate = 0;
    tell(
        window,
        [progress(
            0,
            Progress::Ahead {
                candidate,
                guesses,
                tally,
            },
        )],
    );
}

pub(super) fn drawing(window: &mut Window) {
    started(window);
    tell(window, rows(0, 2));
}

pub(super) fn failed(window: &mut Window) {
    drawing(window);
    let failure = Failure::failed("the memory is full");
    tell(
        window,
        [Report::Failed {
            task: TaskId(0),
            failure,
        }],
    );
}

pub(super) fn done(window: &mut Window) {
    drawing(window);
    tell(window, rows(0, 4).into_iter().skip(3).chain([finished(0)]));
    await_that(window, |studio| studio.outcomes[0].path.is_some());
}

/// The doubt of a finished picture, a cell of it held, and what else could stand there.
pub(super) fn doubted(window: &mut Window) {
    done(window);
    let doubt = (0..16).map(|cell| Some(if cell % 5 == 0 { 2.5 } else { 0.2 }));
    let origin = app(window).studio.outcomes[0].origin.as_mut();
    origin.expect("its origin").doubt = doubt.collect();
    act(window, DoubtAction::Toggle);
    act(window, DoubtAction::Hold(1, 1));
    await_that(window, |studio| studio.doubt.is_asked());
    let cell = |column: u32| {
        let other = |code: u32| Alternative {
            code,
            probability: 1.0 / (code + 1) as f32,
            preview: Pixels::filled(Size::new(8, 8), [40 * code as u8, 90, 50 * column as u8]),
        };
        (1..6).map(other).collect()
    };
    let answer = Ok(Finding::Alternatives((0..4).map(cell).collect()));
    let task = TaskId(1);
    tell(window, [Report::Answered { task, answer }]);
}

/// A map on the canvas with a stroke over it.
pub(super) fn map_painted(window: &mut Window) {
    open(window, Target::Map);
    for paint in [
        Paint::Begin((20.0, 20.0)),
        Paint::Extend((90.0, 60.0)),
        Paint::Finish,
    ] {
        act(window, DraftAction::Paint(paint));
    }
}

pub(super) fn tab(window: &mut Window, tab: Tab) {
    ready(window);
    click(window, tab.name());
}

/// A picture that is not the same everywhere.
pub(super) fn photo() -> Opened {
    let size = Size::new(160, 120);
    let rgb = (0..3 * 160 * 120).map(|at| (at % 480 / 2) as u8).collect();
    let pixels = Pixels::new(size, rgb).expect("as many bytes as counted");
    Opened {
        photo: Photo::new("photo.png", Arc::new(pixels)),
        path: None,
        task: None,
    }
}

pub(super) fn open(window: &mut Window, target: Target) {
    ready(window);
    act(window, Answer::Opened(Box::new(photo()), target));
}

pub(super) fn masked(window: &mut Window) {
    open(window, Target::Canvas);
    for (from, to) in [
        ((40.0, 40.0), (80.0, 50.0)),
        ((70.0, 70.0), (120.0, 50.0)),
        ((8.0, 8.0), (12.0, 12.0)),
    ] {
        for paint in [Paint::Begin(from), Paint::Extend(to), Paint::Finish] {
            act(window, DraftAction::Paint(paint));
        }
    }
    act(window, UndoAction::Undo);
}

/// Lets background work come to its end.
pub(super) fn await_that(window: &mut Window, there: impl Fn(&Studio) -> bool) {
    for () in patience() {
        if there(&app(window).studio) {
            window.run_ok();
            return;
        }
        window.step();
    }
    panic!("it never came to that");
}

const OWN: &str = "two dogs in the park";

pub(super) fn typed(window: &mut Window) {
    ready(window);
    act(window, DraftAction::Set(Setting::Words(OWN.to_owned())));
}

/// The writer is asked, and answers at once.
pub(super) fn asked(window: &mut Window, done: Result<Rewritten, Failure>) {
    // Not by the window, whose writers would answer, too.
    app(window).studio.act(WritingAction::Ask);
    act(window, Answer::Writer(WriterAnswer::Written(Box::new(done))));
}

/// Words of a writer are shown beside the own ones.
pub(super) fn rewritten(window: &mut Window) {
    typed(window);
    let scene = ScenePlan {
        objects: vec![SceneObject {
            name: "dogs".to_owned(),
            count: 2,
            colour: Some("brown".to_owned()),
            place: Some("on the left".to_owned()),
        }],
        background: Some("a sunny meadow".to_owned()),
        style: None,
    };
    let written = Written {
        own: OWN.to_owned(),
        by: "qwen3".to_owned(),
        scene: Some(scene),
    };
    let prompt = "Two brown dogs stand on the left of a sunny meadow in the park".to_owned();
    let (repaired, seconds) = (false, 0.4);
    asked(
        window,
        Ok(Rewritten {
            prompt,
            written,
            repaired,
            seconds,
        }),
    );
}
