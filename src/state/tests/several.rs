//! Several pictures drawn together, and parts that are kept and finished.

use super::*;
use std::path::PathBuf;

fn lane_row(task: u64, candidate: usize, row: u32, tokens: usize) -> Report {
    let mut report = super::row(task, row);
    if let Report::Progress {
        progress: Progress::Row {
            candidate: told,
            tally,
            ..
        },
        ..
    } = &mut report
    {
        (*told, tally.tokens) = (candidate, tokens);
    }
    report
}

/// Best of three, asked for with seed 40: the third wins.
fn contested(studio: &mut Studio) {
    studio.act(DraftAction::Set(Setting::Words("a cat".to_owned())));
    studio.act(DraftAction::Set(Setting::Candidates(3)));
    studio.draft.seed_choice = SeedChoice::Random;
    studio.act(RunAction::Draw);
    studio.submitted(TaskId(0));
    studio.apply(&started(0));
}

fn won(asked: u64) -> Report {
    let pictures = [(asked + 2, 9.5), (asked, 4.0), (asked + 1, -1.0)].map(|(seed, score)| Picture {
        seed,
        score: Some(score),
        ..picture(4, Some(Pixels::filled(GRID.pixels(), [seed as u8; 3])))
    });
    Report::Finished {
        task: TaskId(0),
        pictures: pictures.to_vec(),
    }
}

#[test]
fn every_candidate_is_counted() {
    let mut studio = ready();
    contested(&mut studio);
    // The last is ahead for a moment; a fourth one was not asked for.
    for (candidate, row) in [(2, 0), (0, 0), (1, 0), (3, 0), (0, 1)] {
        studio.apply(&lane_row(0, candidate, row, 4 * (row as usize + 1)));
    }
    let run = studio.run.as_ref().expect("a run");
    assert_eq!(
        (run.rows_of(0), run.rows_of(1), run.rows_of(2), run.rows_of(3)),
        (2, 1, 1, 0)
    );
    assert_eq!(run.cells(), (16, 48));
    // The slowest decides.
    let far = run.far();
    assert_eq!((far.done, far.of, far.unit), (1, 4, Unit::Rows));
    // 12 codes since the first row, in one second.
    assert_eq!(
        (run.codes_per_second(), run.seconds_left()),
        (Some(12.0), Some(32.0 / 12.0))
    );
}

#[test]
fn the_winner_is_known_with_all_scores_and_its_seed_is_the_one_recalled() {
    let mut studio = ready();
    contested(&mut studio);
    let asked = studio.run.as_ref().expect("a run").order.request.seed;
    studio.apply(&won(asked));
    let contests = studio.outcomes.iter().map(|outcome| outcome.contest.clone());
    let contests: Vec<Contest> = contests.map(|contest| contest.expect("a place")).collect();
    for (place, contest) in contests.iter().enumerate() {
        assert_eq!(
            (contest.place, contest.scores.as_slice()),
            (place, [9.5, 4.0, -1.0].as_slice())
        );
    }
    assert_eq!(studio.shown, Shown::Outcome(studio.outcomes[0].id));
    assert_eq!(studio.outcomes[0].seed, asked + 2);
    // What stands in the field, and what Last takes, draws the picture that is shown.
    assert_eq!(
        (studio.draft.seed, studio.draft.last_seed),
        (asked + 2, Some(asked + 2))
    );
    studio.act(DraftAction::Set(Setting::SeedChoice(SeedChoice::Locked)));
    assert_eq!((studio.draft.seed, studio.draft.candidates), (asked + 2, 1));
    studio.act(DraftAction::Set(Setting::Candidates(3)));
    studio.act(DraftAction::NewSeed);
    studio.act(DraftAction::RecallSeed);
    let effects = studio.act(RunAction::Draw);
    let task = submitted(&effects)[0].clone();
    assert_eq!((task.seed, task.candidates), (asked + 2, 1));
}

#[test]
fn a_seed_typed_in_the_meantime_is_left_alone() {
    let mut studio = ready();
    contested(&mut studio);
    let asked = studio.run.as_ref().expect("a run").order.request.seed;
    studio.act(DraftAction::Set(Setting::Seed(7)));
    studio.apply(&won(asked));
    assert_eq!((studio.draft.seed, studio.draft.last_seed), (7, Some(asked + 2)));
}

/// The one picture that is given to the disk.
fn to_be_kept(effects: &[Effect]) -> &Keeping {
    let kept = effects.iter().filter_map(|effect| match effect {
        Effect::Keep(keeping) => Some(keeping.as_ref()),
        _ => None,
    });
    let kept: Vec<&Keeping> = kept.collect();
    assert_eq!(kept.len(), 1, "{effects:?}");
    kept[0]
}

fn kept(studio: &mut Studio) -> Vec<Effect> {
    draw(studio, "a cat", 0);
    studio.apply(&started(0));
    for row in 0..3 {
        studio.apply(&super::row(0, row));
    }
    studio.act(RunAction::Keep);
    studio.apply(&Report::Cancelled {
        task: TaskId(0),
        pictures: vec![picture(3, None)],
    })
}

#[test]
fn a_kept_part_is_its_rows_and_nothing_below_them() {
    let mut studio = ready();
    let effects = kept(&mut studio);
    let keeping = to_be_kept(&effects);
    let part = keeping.preview.as_ref().expect("its rows");
    assert_eq!(part.size(), Size::new(32, 24));
    assert_eq!((part.rgb()[0], part.rgb()[3 * 32 * 23]), (10, 30));
    let outcome = &studio.outcomes[0];
    assert_eq!((outcome.rows, outcome.size), (Some((3, 4)), Size::new(32, 24)));
}

/// Of two panels the result's rows are kept; where none of them is there yet, what is above.
#[test]
fn a_part_of_a_second_panel_is_that_panels_rows() {
    let map = crate::task::MapKind::Canny;
    let mut rows = CandidateRows::new(GRID);
    let sizes = (0..4).map(|row| {
        rows.place(
            GRID,
            row,
            &[row; 4],
            &Pixels::filled(Size::new(32, 8), [row as u8; 3]),
        );
        let part = rows.drawn(&Mode::Control { map }, GRID);
        (part.size().height, part.rgb()[0])
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [(8, 0), (16, 0), (8, 2), (16, 2)]);
    assert_eq!(rows.drawn(&Mode::Pair { map }, GRID).size().height, 32);
}

#[test]
fn a_finished_part_takes_the_place_of_the_kept_one() {
    let mut studio = ready();
    kept(&mut studio);
    let file = PathBuf::from("/pictures/2025-11-20/part.png");
    let part = studio.outcomes[0].id;
    studio.act(Answer::Kept(part, file.clone()));
    let effects = studio.act(ResultAction::Do(Which::Outcome(part), Verb::Finish));
    assert_eq!(effects, [Effect::Read(file.clone(), Target::Finish)]);
    let mut task = Task::new(Mode::Generate, "a cat");
    task.resume = Some(vec![1; 12]);
    let opened = Opened {
        photo: Photo::new("part.png", Arc::new(Pixels::filled(Size::new(32, 24), [1; 3]))),
        path: Some(file.clone()),
        task: Some(Box::new(task)),
    };
    studio.act(Answer::Opened(Box::new(opened), Target::Finish));
    assert_eq!(studio.outcomes.len(), 1, "until it is finished the part is there");
    studio.submitted(TaskId(1));
    studio.apply(&started(1));
    let effects = studio.apply(&finished(1));
    let keeping = to_be_kept(&effects);
    assert_eq!(keeping.request.replaces, Some(file));
    let ends: Vec<Ended> = studio.outcomes.iter().map(|outcome| outcome.ended).collect();
    assert_eq!(ends, [Ended::Finished]);
}

/// What the button above the verbs says.
#[test]
fn drawing_on_keeps_an_interrupted_picture_and_begins_the_next() {
    let mut studio = ready();
    draw(&mut studio, "a cat", 0);
    studio.apply(&started(0));
    studio.apply(&super::row(0, 0));
    studio.apply(&Report::Failed {
        task: TaskId(0),
        failure: Failure::failed("out of memory"),
    });
    let effects = draw(&mut studio, "a dog", 1);
    assert_eq!(to_be_kept(&effects).request.prompt, "a cat");
    assert_eq!(submitted(&effects)[0].prompt, "a dog");
    assert_eq!(studio.outcomes[0].ended, Ended::Stopped);
}
