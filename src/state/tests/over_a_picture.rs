//! Pictures drawn over or after another one: what the canvas is told, and what is counted.

use super::*;

/// Two panels of two rows.
const SOURCE: Size = Size::new(40, 20);

fn source() -> Photo {
    Photo::new("photo", Arc::new(Pixels::filled(SOURCE, [9; 3])))
}

fn begun(task: u64, rows_forced: u32, to_draw: [u32; 4]) -> Report {
    Report::Progress {
        task: TaskId(task),
        progress: Progress::Started {
            grid: GRID,
            panel: Size::new(32, 16),
            sampling: SAMPLING,
            lookahead: 4,
            rows_forced,
            to_draw: to_draw.to_vec(),
            reading: None,
        },
    }
}

fn told(task: u64, row: u32, tokens: usize, seconds: f64) -> Report {
    let mut report = super::row(task, row);
    if let Report::Progress {
        progress: Progress::Row { tally, .. },
        ..
    } = &mut report
    {
        (tally.tokens, tally.seconds) = (tokens, seconds);
    }
    report
}

/// The photo opened, a box painted over it, the edit asked for.
fn edit(studio: &mut Studio) -> Vec<Effect> {
    let opened = Opened {
        photo: source(),
        path: None,
        task: None,
    };
    studio.act(Answer::Opened(Box::new(opened), Target::Canvas));
    let brush = Brush {
        tool: Tool::Box,
        ..Brush::default()
    };
    studio.act(DraftAction::Set(Setting::Brush(brush)));
    for paint in [
        Paint::Begin((2.0, 2.0)),
        Paint::Extend((20.0, 10.0)),
        Paint::Finish,
    ] {
        studio.act(DraftAction::Paint(paint));
    }
    let effects = studio.act(RunAction::Draw);
    studio.submitted(TaskId(0));
    effects
}

fn stages(effects: &[Effect]) -> Vec<&Stage> {
    let stages = effects.iter().filter_map(|effect| match effect {
        Effect::Stage(stage) => Some(stage),
        _ => None,
    });
    stages.collect()
}

#[test]
fn an_edit_shows_its_source_from_the_start_and_counts_the_cells_it_draws() {
    let mut studio = ready();
    let effects = edit(&mut studio);
    assert_eq!(stages(&effects), [&Stage::Picture(source().pixels)]);
    let effects = studio.apply(&begun(0, 2, [0, 0, 2, 3]));
    let stages = stages(&effects);
    let [Stage::Begin(grid, Some(ground))] = stages.as_slice() else {
        panic!("{stages:?}");
    };
    assert_eq!((grid.rows, grid.columns), (2, 4));
    assert_eq!(
        (&ground.pixels, ground.panel),
        (&source().pixels, Size::new(32, 16))
    );
    let mask = ground.mask.as_ref().expect("the hole");
    assert_eq!(
        (mask.size(), mask.values()[2 * 40 + 2], mask.values()[0]),
        (SOURCE, 255, 0)
    );
    let far = |studio: &Studio| studio.run.as_ref().expect("a run").far();
    let cells = |done| Far {
        done,
        of: 5,
        unit: Unit::Cells,
    };
    assert_eq!(far(&studio), cells(0));
    // What is given passes at once, after a while, and counts for nothing.
    for row in 0..2 {
        studio.apply(&told(0, row, 0, 8.0));
    }
    assert_eq!(far(&studio), cells(0));
    assert_eq!(studio.run.as_ref().and_then(Run::codes_per_second), None);
    studio.apply(&told(0, 2, 2, 9.0));
    assert_eq!(far(&studio), cells(2));
    studio.apply(&Report::Progress {
        task: TaskId(0),
        progress: Progress::Ahead {
            candidate: 0,
            guesses: Guesses::default(),
            tally: Tally {
                tokens: 4,
                forwards: 4,
                seconds: 10.0,
                ..Tally::default()
            },
        },
    });
    let run = studio.run.as_ref().expect("a run");
    assert_eq!(run.far(), cells(4));
    // Two cells in the last second, one is left.
    assert_eq!(
        (run.codes_per_second(), run.seconds_left()),
        (Some(2.0), Some(0.5))
    );
}

#[test]
fn a_resumed_edit_goes_on_counting_and_a_stored_one_shows_its_source() {
    let mut studio = ready();
    edit(&mut studio);
    studio.apply(&begun(0, 2, [0, 0, 2, 3]));
    for row in 0..3 {
        studio.apply(&told(0, row, 2, 1.0));
    }
    studio.apply(&Report::Failed {
        task: TaskId(0),
        failure: Failure::failed("the card is gone"),
    });
    let staged = studio.stage();
    assert!(
        matches!(&staged[0], Effect::Stage(Stage::Begin(_, Some(ground))) if ground.mask.is_some()),
        "{staged:?}"
    );
    studio.act(RunAction::Resume);
    studio.submitted(TaskId(1));
    studio.apply(&begun(1, 3, [0, 0, 2, 3]));
    studio.apply(&told(1, 0, 0, 0.1));
    let far = studio.run.as_ref().expect("a run").far();
    assert_eq!((far.done, far.of), (2, 5));
    studio.apply(&told(1, 1, 1, 0.2));
    let far = studio.run.as_ref().expect("a run").far();
    assert_eq!((far.done, far.of), (3, 5));
}

#[test]
fn what_stands_under_a_drawing_is_what_it_is_aligned_with() {
    let of = |mode, mask: Option<Mask>| {
        let mut task = Task::new(mode, "a cat");
        task.source = Some(source().pixels);
        task.mask = mask.map(Arc::new);
        let id = OrderId(0);
        let mut run = Run::new(Order {
            id,
            request: Request::of(&task),
        });
        assert_eq!(run.ground(), None, "the panel is not known yet");
        let Report::Progress { progress, .. } = begun(0, 2, [0, 0, 4, 4]) else {
            panic!("no progress");
        };
        run.take(&progress);
        assert_eq!(
            run.far().unit,
            if task.mask.is_some() {
                Unit::Cells
            } else {
                Unit::Rows
            }
        );
        run.ground().map(|ground| ground.mask.is_some())
    };
    let map = crate::task::MapKind::Canny;
    let mask = Mask::new(SOURCE, vec![255; 800]).expect("a mask");
    assert_eq!(of(Mode::Edit, Some(mask)), Some(true));
    assert_eq!(of(Mode::Edit, None), Some(false));
    assert_eq!(of(Mode::Control { map }, None), Some(false));
    assert_eq!(of(Mode::Predict { map }, None), Some(false));
    // Another scene: it stands beside it.
    assert_eq!(of(Mode::Subject { describe: None }, None), None);
}

fn edited(studio: &mut Studio) {
    edit(studio);
    studio.apply(&begun(0, 2, [0, 0, 2, 3]));
    let effects = studio.apply(&finished(0));
    assert!(
        effects.contains(&Effect::Stage(Stage::Picture(Arc::new(Pixels::filled(
            GRID.pixels(),
            [9; 3]
        )))))
    );
}

#[test]
fn after_an_edit_the_result_is_what_is_painted_on() {
    let mut studio = ready();
    edited(&mut studio);
    let result = studio.outcomes[0].id;
    assert_eq!((studio.shown, studio.draft.chain.at()), (Shown::Source, 1));
    assert_eq!(studio.shown_outcome().map(|outcome| outcome.id), Some(result));
    assert!(studio.can_be_painted_on());
    studio.act(DraftAction::Paint(Paint::Begin((8.0, 8.0))));
    studio.act(DraftAction::Paint(Paint::Finish));
    let turn = studio.draft.chain.current().expect("a turn");
    assert_eq!((turn.painting.steps_done(), turn.outcome), (1, Some(result)));
    // Before and after are the picture it was made from, and the result.
    studio.act(ResultAction::BeforeAfter);
    let pair = studio.before_and_after().expect("both");
    assert_eq!((&pair.0, pair.1.size()), (&source().pixels, GRID.pixels()));
    assert!(studio.before_after && !studio.can_be_painted_on());
    studio.act(ResultAction::BeforeAfter);
    assert!(studio.can_be_painted_on());
    // Shown from the strip, or asked to be edited, it is the same turn with its mask.
    studio.act(DraftAction::GoToTurn(0));
    for verb in [Verb::Show, Verb::Edit] {
        studio.act(ResultAction::Do(Which::Outcome(result), verb));
        assert_eq!((studio.shown, studio.draft.chain.at()), (Shown::Source, 1));
        assert_eq!(studio.draft.chain.turns().len(), 2);
        studio.act(DraftAction::GoToTurn(0));
    }
}

#[test]
fn a_stroke_on_another_result_makes_it_what_is_edited() {
    let mut studio = ready();
    draw(&mut studio, "a cat", 0);
    studio.apply(&started(0));
    studio.apply(&finished(0));
    let cat = studio.outcomes[0].id;
    assert!(!studio.can_be_painted_on(), "nothing is edited in this mode");
    let opened = Opened {
        photo: source(),
        path: None,
        task: None,
    };
    studio.act(Answer::Opened(Box::new(opened), Target::Canvas));
    studio.act(ResultAction::Do(Which::Outcome(cat), Verb::Show));
    assert_eq!(studio.shown, Shown::Outcome(cat));
    assert!(studio.can_be_painted_on());
    let effects = studio.act(DraftAction::Paint(Paint::Begin((8.0, 8.0))));
    assert!(
        matches!(stages(&effects).as_slice(), [Stage::Picture(_)]),
        "{effects:?}"
    );
    studio.act(DraftAction::Paint(Paint::Finish));
    let turn = studio.draft.chain.current().expect("a turn");
    assert_eq!(
        (studio.shown, turn.outcome, turn.painting.steps_done()),
        (Shown::Source, Some(cat), 1)
    );
}

/// 24-megapixel photos, each once in memory, would fill it all the same.
#[test]
fn orders_of_many_large_pictures_wait_for_room() {
    let mut studio = ready();
    edit(&mut studio);
    let mut asked_with = |shade: u8| {
        let pixels = Pixels::filled(Size::new(2000, 1000), [shade; 3]);
        let opened = Opened {
            photo: Photo::new("photo", Arc::new(pixels)),
            path: None,
            task: None,
        };
        studio.act(Answer::Opened(Box::new(opened), Target::Edit));
        studio.act(DraftAction::Set(Setting::Words("a hat".to_owned())));
        studio.act(RunAction::Draw);
        studio.queue.len()
    };
    // Twice the same, then others: of 6 MB each, of which 16 MB may wait.
    let waiting: Vec<usize> = [1, 1, 2, 3, 4].map(&mut asked_with).to_vec();
    assert_eq!(waiting, [1, 2, 3, 3, 3]);
    assert_eq!(
        studio.notices.last().map(|notice| notice.title.as_str()),
        Some("Not yet")
    );
    assert_eq!(studio.draft.instruction, "a hat");
}
