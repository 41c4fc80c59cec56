//! Rows marked, drawn again and steered: what the worker is asked for.

use super::super::action::{Answer, DraftAction, RunAction, Setting};
use super::super::{Effect, Ended, Phase, Shown, Studio};
use super::*;
use crate::pixels::{Pixels, Size};
use crate::task::{Guesses, Picture, Progress, Report, Sampling, Tally, Task, TaskId};
use crate::token::Grid;

const GRID: Grid = Grid { rows: 4, columns: 2 };
const SAMPLING: Sampling = Sampling {
    cfg: 1.5,
    top_k: 16,
    temperature: 0.9,
    top_n_sigma: None,
};

fn told(task: u64, progress: Progress) -> Report {
    let task = TaskId(task);
    Report::Progress { task, progress }
}

fn started(task: u64) -> Report {
    told(
        task,
        Progress::Started {
            grid: GRID,
            panel: GRID.pixels(),
            sampling: SAMPLING,
            lookahead: 1,
            rows_forced: 0,
            to_draw: Vec::new(),
            reading: None,
        },
    )
}

fn row(task: u64, row: u32) -> Report {
    told(
        task,
        Progress::Row {
            candidate: 0,
            row,
            codes: vec![row; 2],
            guesses: Guesses::default(),
            preview: Pixels::filled(Size::new(16, 8), [row as u8; 3]),
            tally: Tally::default(),
        },
    )
}

fn picture(rows: u32) -> Picture {
    let codes = (0..2 * rows).map(|code| code / 2).collect();
    Picture {
        pixels: (rows == 4).then(|| Pixels::filled(GRID.pixels(), [9; 3])),
        ..Picture::of_codes(GRID, codes, 5, SAMPLING)
    }
}

fn type_words(studio: &mut Studio, words: &str) {
    studio.act(DraftAction::Set(Setting::Words(words.to_owned())));
}

fn submitted(effects: &[Effect]) -> Option<&Task> {
    effects.iter().find_map(|effect| match effect {
        Effect::Submit(task) => Some(task.as_ref()),
        _ => None,
    })
}

/// `a cat` with seed 5, two rows of four drawn.
fn drawing() -> Studio {
    let mut studio = Studio::default();
    studio.apply(&Report::Loaded {
        model: "m".to_owned(),
        seconds: 0.1,
        profile: Default::default(),
    });
    type_words(&mut studio, "a cat");
    studio.act(DraftAction::Set(Setting::Seed(5)));
    studio.act(DraftAction::Set(Setting::SeedChoice(SeedChoice::Random)));
    studio.draft.seed_choice = SeedChoice::Once;
    studio.act(RunAction::Draw);
    studio.submitted(TaskId(0));
    for report in [started(0), row(0, 0), row(0, 1)] {
        studio.apply(&report);
    }
    studio
}

fn cancelled(task: u64, rows: u32) -> Report {
    Report::Cancelled {
        task: TaskId(task),
        pictures: vec![picture(rows)],
    }
}

#[test]
fn the_mark_stays_among_the_rows_there_are() {
    let mut studio = drawing();
    assert_eq!(studio.marked(), None);
    studio.act(RowAction::Move(-1));
    assert_eq!(studio.marked(), Some(1));
    studio.act(RowAction::Mark(9));
    assert_eq!(studio.marked(), Some(2));
    studio.act(RowAction::Move(-5));
    assert_eq!(studio.marked(), Some(0));
    studio.act(RowAction::Unmark);
    assert_eq!(studio.marked(), None);
}

#[test]
fn a_picture_under_way_is_kept_and_drawn_again_from_a_row() {
    let mut studio = drawing();
    studio.act(RowAction::Mark(1));
    type_words(&mut studio, "a dog");
    assert_eq!(studio.words_taken(1), Words::OfPrompt);
    assert_eq!(studio.act(RowAction::DrawAgain), [Effect::Cancel]);
    let effects = studio.apply(&cancelled(0, 2));
    let task = submitted(&effects).expect("a task");
    assert_eq!(task.resume.as_deref(), Some(&[0, 0][..]));
    let band = &task.story.bands[0];
    assert_eq!((band.from_row, band.prompt.as_str()), (1, "a dog"));
    // What there was is in the strip, and is what it branches off.
    let part = &studio.outcomes[0];
    assert_eq!((part.ended, part.rows), (Ended::Stopped, Some((2, 4))));
    let origin = part.origin.as_ref().expect("its origin");
    let parent = task.story.parent.as_ref().expect("a parent");
    assert_eq!((&parent.picture, parent.from_row), (&origin.picture, 1));
    // The rows above the mark are in sight at once.
    let run = studio.run.as_ref().expect("a run");
    assert_eq!((run.rows(), studio.marked(), studio.shown), (1, None, Shown::Run));
}

#[test]
fn a_picture_under_way_is_steered_and_loses_no_row() {
    let mut studio = drawing();
    assert_eq!(studio.steering(), None);
    assert!(studio.act(RowAction::Steer).is_empty());
    type_words(&mut studio, "a dog");
    studio.act(DraftAction::Set(Setting::Cfg(Some(6.0))));
    assert_eq!(studio.act(RowAction::Steer), [Effect::Cancel]);
    // Another row came before it stopped.
    studio.apply(&row(0, 2));
    let effects = studio.apply(&cancelled(0, 3));
    let task = submitted(&effects).expect("a task").clone();
    assert_eq!(task.resume.as_deref().map(<[u32]>::len), Some(6));
    let band = &task.story.bands[0];
    assert_eq!(
        (band.from_row, band.prompt.as_str(), band.seed, band.sampling.cfg),
        (3, "a dog", 5, Some(6.0))
    );
    assert_eq!((task.prompt.as_str(), &task.story.parent), ("a cat", &None));
    assert!(studio.outcomes.is_empty(), "it is the same picture");
    let run = studio.run.as_ref().expect("a run");
    assert_eq!((run.rows(), run.phase), (3, Phase::Starting));
    let rows = studio.rows_shown().expect("rows");
    assert_eq!(rows.at(3).map(|stretch| stretch.prompt.as_str()), Some("a dog"));
    // Nothing differs any more.
    assert_eq!(studio.steering(), None);
}

#[test]
fn a_finished_picture_is_drawn_again_from_its_file() {
    let mut studio = drawing();
    studio.apply(&Report::Finished {
        task: TaskId(0),
        pictures: vec![picture(4)],
    });
    let id = studio.outcomes[0].id;
    studio.act(RowAction::Mark(2));
    assert!(studio.act(RowAction::DrawAgain).is_empty(), "it is not saved yet");
    studio.act(Answer::Kept(id, "/p/a.png".into()));
    // Words that were in the prompt already are not meant for it.
    assert_eq!((studio.marked(), studio.words_taken(2)), (Some(2), Words::Its));
    let effects = studio.act(RowAction::DrawAgain);
    let [Effect::Branch { path, branch, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!((path.to_str(), branch.from_row), (Some("/p/a.png"), 2));
    assert_eq!(branch.words, None);
    assert_ne!(branch.seed, Some(5));
    let task = Task::new(Mode::Generate, "a cat");
    let origin = studio.outcomes[0].origin.clone().expect("its origin");
    let child = task.branched((GRID, &picture(4).codes), branch, Some(origin.picture));
    let effects = studio.act(Answer::Branched(Box::new(child.expect("a task"))));
    assert_eq!(
        submitted(&effects).and_then(|task| task.resume.clone()),
        Some(vec![0, 0, 1, 1])
    );
    assert_eq!((studio.shown, studio.outcomes.len()), (Shown::Run, 1));
}
