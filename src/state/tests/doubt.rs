//! The overlay of the cells: doubt, alternatives, differences.

use super::*;
use crate::task::{Alternative, Difference, Doubt, Finding, Question, Taken};
use std::path::PathBuf;

/// A picture of the strip whose first code of row 2 was doubtful.
fn drawn() -> (Studio, OutcomeId) {
    let mut studio = ready();
    draw(&mut studio, "a cat", 0);
    studio.apply(&started(0));
    let mut whole = picture(4, Some(Pixels::filled(GRID.pixels(), [9; 3])));
    whole.doubt = (0..16)
        .map(|cell| Some(if cell == 8 { 4.0 } else { 0.1 }))
        .collect();
    studio.apply(&Report::Finished {
        task: TaskId(0),
        pictures: vec![whole],
    });
    let id = studio.outcomes[0].id;
    studio.act(Answer::Kept(id, PathBuf::from("/pictures/cat.png")));
    (studio, id)
}

fn question() -> Box<Question> {
    Box::new(Question::Alternatives {
        task: Box::new(Task::new(Mode::Generate, "a cat")),
        codes: vec![1; 16],
        row: 2,
    })
}

fn answer() -> Report {
    let cell = |code| {
        vec![Alternative {
            code,
            probability: 0.5,
            preview: Pixels::filled(Size::new(8, 8), [0; 3]),
        }]
    };
    Report::Answered {
        task: TaskId(5),
        answer: Ok(Finding::Alternatives((40..44).map(cell).collect())),
    }
}

#[test]
fn a_cell_names_what_else_could_stand_there_and_one_is_taken() {
    let (mut studio, id) = drawn();
    assert!(studio.can_doubt() && studio.doubt_shown().is_none());
    studio.act(DoubtAction::Toggle);
    let shown = studio.doubt_shown().expect("an overlay");
    assert_eq!((shown.count_above(2.0), shown.is_above(2, 0, 2.0)), (1, true));
    // What the tenth least sure is follows the picture.
    assert!(
        (0.05..0.2).contains(&studio.doubt.above),
        "{}",
        studio.doubt.above
    );
    let path = PathBuf::from("/pictures/cat.png");
    let asks = Effect::Inquire {
        path: path.clone(),
        row: 2,
    };
    assert_eq!(studio.act(DoubtAction::Point(Some((2, 1)))), [asks]);
    // One question at a time, whatever the pointer does.
    assert!(studio.act(DoubtAction::Point(Some((3, 1)))).is_empty());
    assert!(studio.act(DoubtAction::Point(Some((2, 0)))).is_empty());
    let effects = studio.act(Answer::Inquired(Ok(question())));
    assert!(matches!(&effects[..], [Effect::Ask(_)]));
    studio.asked(TaskId(5));
    assert_eq!(studio.alternatives(), None);
    assert!(studio.apply(&answer()).is_empty());
    assert_eq!(studio.alternatives().map(|cell| cell[0].code), Some(40));
    // A held cell stays when the pointer goes.
    studio.act(DoubtAction::Hold(2, 0));
    studio.act(DoubtAction::Point(None));
    studio.act(DoubtAction::Move(0, 1));
    assert_eq!(studio.alternatives().map(|cell| cell[0].code), Some(41));
    let effects = studio.act(DoubtAction::TakeNth(0));
    let [Effect::Branch { path: of, branch, .. }] = &effects[..] else {
        panic!("{effects:?}");
    };
    let taken = Some(Taken { column: 1, code: 41 });
    assert_eq!((of, branch.from_row, branch.taken), (&path, 2, taken));
    assert_eq!((branch.seed, &branch.words), (None, &None));
    assert_eq!(studio.doubt.cell, None);
    assert!(studio.outcome(id).is_some());
}

#[test]
fn a_question_that_fails_is_told_once() {
    let (mut studio, _) = drawn();
    studio.act(DoubtAction::Toggle);
    studio.act(DoubtAction::Point(Some((2, 1))));
    studio.act(Answer::Inquired(Err(Failure::failed("it is gone"))));
    assert_eq!(studio.mishaps.len(), 1);
    assert!(studio.act(DoubtAction::Point(Some((2, 2)))).is_empty());
    // Another row is another question; its model goes.
    assert_eq!(studio.act(DoubtAction::Point(Some((1, 2)))).len(), 1);
    studio.asked(TaskId(5));
    studio.act(ModelAction::Load(None));
    assert!(studio.apply(&answer()).is_empty());
    assert_eq!(studio.alternatives(), None);
}

#[test]
fn doubtful_cells_become_the_mask_of_an_edit() {
    let (mut studio, _) = drawn();
    studio.act(DoubtAction::Toggle);
    studio.act(DoubtAction::Above(8.0));
    studio.act(DoubtAction::Select);
    assert!(
        studio.doubt.is_on && studio.draft.tab == Tab::Create,
        "no cell is that doubtful"
    );
    studio.act(DoubtAction::Above(2.0));
    studio.act(DoubtAction::Select);
    assert!(studio.draft.tab == Tab::Edit && studio.doubt_shown().is_none());
    let turn = studio.draft.chain.current().expect("a source");
    let mask = turn.painting.mask().expect("a mask");
    let white = mask.values().iter().filter(|value| **value == 255).count();
    assert_eq!((white, mask.values()[16 * 32]), (64, 255));
    // It is a step like any other.
    studio.act(UndoAction::Undo);
    let turn = studio.draft.chain.current().expect("a source");
    assert_eq!(turn.painting.mask(), None);
}

#[test]
fn a_picture_without_doubt_says_so_when_it_is_asked() {
    let (mut studio, id) = drawn();
    let origin = studio.outcomes[0].origin.clone().expect("an origin");
    let without = Origin {
        doubt: Doubt::default(),
        ..origin.clone()
    };
    studio.act(Answer::Traced(id, Box::new(without.clone())));
    let effects = studio.act(DoubtAction::Toggle);
    assert!(matches!(&effects[..], [Effect::Trace(of, _)] if *of == id));
    studio.act(Answer::Traced(id, Box::new(without)));
    assert!(!studio.doubt.is_on && studio.notices.last().is_some());
    // One whose file knows it.
    studio.act(DoubtAction::Toggle);
    studio.act(Answer::Traced(id, Box::new(origin)));
    assert!(studio.doubt_shown().is_some());
}

#[test]
fn two_compared_pictures_show_where_they_differ() {
    let (mut studio, one) = drawn();
    draw(&mut studio, "a cat", 1);
    studio.apply(&started(1));
    studio.apply(&Report::Finished {
        task: TaskId(1),
        pictures: vec![picture(4, Some(Pixels::filled(GRID.pixels(), [8; 3])))],
    });
    let two = studio.outcomes[0].id;
    studio.act(Answer::Kept(two, PathBuf::from("/pictures/two.png")));
    studio.act(ResultAction::Do(Which::Outcome(two), Verb::Show));
    studio.act(ResultAction::Do(Which::Outcome(one), Verb::Compare));
    assert!(studio.difference_shown().is_none());
    let effects = studio.act(DoubtAction::Toggle);
    assert!(matches!(&effects[..], [Effect::Differ(pair, _)] if *pair == (two, one)));
    let found = Difference {
        grid: GRID,
        cells: vec![false; 16],
    };
    studio.act(Answer::Differs((two, one), Ok(found.clone())));
    assert_eq!(studio.difference_shown(), Some(&Ok(found)));
    assert!(studio.act(ViewAction::Help).is_empty(), "it is known by now");
    studio.act(DoubtAction::Toggle);
    assert!(studio.difference_shown().is_none());
}

#[test]
fn a_picture_that_scores_as_few_right_ones_do_is_marked_and_goes_on() {
    let mut studio = Studio::default();
    let Report::Loaded {
        model,
        seconds,
        mut profile,
    } = loaded()
    else {
        unreachable!("it is loaded");
    };
    profile.sampling = Some(SAMPLING);
    profile.watchdog = crate::task::Watchdog::new("generate", vec![-1.0; 4]).ok();
    studio.apply(&Report::Loaded {
        model,
        seconds,
        profile,
    });
    draw(&mut studio, "a cat", 0);
    studio.apply(&started(0));
    for index in 0..4 {
        let Report::Progress { task, mut progress } = row(0, index) else {
            unreachable!("a row");
        };
        if let Progress::Row { tally, .. } = &mut progress {
            let each = if index < 2 { -0.5 } else { -3.0 };
            tally.log_p = each * tally.tokens as f64;
        }
        studio.apply(&Report::Progress { task, progress });
        let run = studio.run.as_ref().expect("it goes on");
        let expected = (index >= 2).then_some(2);
        assert_eq!(run.may_go_wrong, expected, "{index}");
    }
}
