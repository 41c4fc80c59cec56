//! Recorded reports and actions replayed; what is stored comes back.

use super::*;
use crate::pixels::{Mask, Pixels, Size};
use crate::task::{
    Failure, Guesses, Mode, Picture, Profile, Progress, Report, Sampling, Skill, Tally, Task, TaskId,
};
use crate::token::Grid;
use std::sync::Arc;

mod doubt;
mod memory;
mod over_a_picture;
mod several;
mod starts;

const GRID: Grid = Grid { rows: 4, columns: 4 };
const SAMPLING: Sampling = Sampling {
    cfg: 1.5,
    top_k: 16,
    temperature: 0.9,
    top_n_sigma: None,
};

fn loaded() -> Report {
    Report::Loaded {
        model: "starter".to_owned(),
        seconds: 0.1,
        profile: Profile::default(),
    }
}

fn ready() -> Studio {
    let mut studio = Studio::default();
    assert!(studio.apply(&loaded()).is_empty());
    studio
}

fn started(task: u64) -> Report {
    Report::Progress {
        task: TaskId(task),
        progress: Progress::Started {
            grid: GRID,
            panel: GRID.pixels(),
            sampling: SAMPLING,
            lookahead: 4,
            rows_forced: 0,
            to_draw: Vec::new(),
            reading: None,
        },
    }
}

fn row(task: u64, row: u32) -> Report {
    Report::Progress {
        task: TaskId(task),
        progress: Progress::Row {
            candidate: 0,
            row,
            codes: vec![row + 1; 4],
            guesses: Guesses {
                codes: vec![7, 8],
                preview: None,
            },
            preview: Pixels::filled(Size::new(32, 8), [10 * (row as u8 + 1); 3]),
            tally: Tally {
                tokens: 4 * (row as usize + 1),
                forwards: 2 * (row as usize + 1),
                seconds: f64::from(row + 1),
                ..Tally::default()
            },
        },
    }
}

fn picture(codes: u32, pixels: Option<Pixels>) -> Picture {
    Picture {
        pixels,
        lookahead: 4,
        ..Picture::of_codes(
            GRID,
            (0..4 * codes).map(|index| index / 4 + 1).collect(),
            5,
            SAMPLING,
        )
    }
}

fn finished(task: u64) -> Report {
    Report::Finished {
        task: TaskId(task),
        pictures: vec![picture(4, Some(Pixels::filled(GRID.pixels(), [9; 3])))],
    }
}

/// Asks for a picture and gives it to the worker as `task`.
fn draw(studio: &mut Studio, prompt: &str, task: u64) -> Vec<Effect> {
    studio.act(DraftAction::Set(Setting::Tab(Tab::Create)));
    studio.act(DraftAction::Set(Setting::Words(prompt.to_owned())));
    studio.act(DraftAction::Set(Setting::Seed(5)));
    let effects = studio.act(RunAction::Draw);
    if effects.iter().any(|effect| matches!(effect, Effect::Submit(_))) {
        studio.submitted(TaskId(task));
    }
    effects
}

fn submitted(effects: &[Effect]) -> Vec<&Task> {
    let tasks = effects.iter().filter_map(|effect| match effect {
        Effect::Submit(task) => Some(task.as_ref()),
        _ => None,
    });
    tasks.collect()
}

#[test]
fn a_recorded_stream_ends_in_the_picture() {
    let mut studio = ready();
    assert_eq!(submitted(&draw(&mut studio, "a cat", 0))[0].prompt, "a cat");
    let begun = studio.apply(&started(0));
    assert!(matches!(
        begun.as_slice(),
        [Effect::JournalBegin(..), Effect::Stage(Stage::Begin(GRID, None))]
    ));
    for index in 0..4 {
        let effects = studio.apply(&row(0, index));
        assert!(matches!(&effects[0], Effect::JournalRow(row) if row.row == index));
        assert!(matches!(&effects[1], Effect::Stage(Stage::Row(row)) if row.row == index));
    }
    let run = studio.run.as_ref().expect("a run");
    assert_eq!(
        (run.rows(), run.seconds_left(), run.codes_per_step()),
        (4, Some(0.0), Some(2.0))
    );
    let effects = studio.apply(&finished(0));
    assert!(matches!(&effects[0], Effect::JournalDrawn(_, again) if again.len() == 1));
    assert!(matches!(&effects[1], Effect::Keep(keeping) if keeping.request.prompt == "a cat"));
    assert!(matches!(&effects[2], Effect::Stage(Stage::Picture(_))));
    assert!(studio.run.is_none());
    let id = studio.outcomes[0].id;
    assert_eq!(studio.shown, Shown::Outcome(id));
    assert_eq!(
        studio.act(Answer::Kept(id, "/p/a.png".into())),
        [Effect::JournalEnd(OrderId(0))]
    );
    assert_eq!(
        studio.outcomes[0].path.as_deref(),
        Some(std::path::Path::new("/p/a.png"))
    );
}

#[test]
fn the_same_stream_gives_the_same_state() {
    let run = || {
        let mut studio = ready();
        let mut effects = draw(&mut studio, "a cat", 0);
        for report in [
            started(0),
            row(0, 0),
            row(0, 1),
            row(7, 2),
            row(0, 1),
            finished(3),
        ] {
            effects.extend(studio.apply(&report));
        }
        (studio, effects)
    };
    let (studio, effects) = run();
    assert_eq!((studio.clone(), effects), run());
    // Rows that do not follow and reports of other tasks change nothing.
    assert_eq!(studio.run.expect("a run").rows(), 2);
}

#[test]
fn one_task_is_at_the_worker_and_the_next_follows() {
    let mut studio = Studio::default();
    assert!(
        submitted(&draw(&mut studio, "one", 0)).is_empty(),
        "nothing goes to a model that is loading"
    );
    assert_eq!(submitted(&studio.apply(&loaded())).len(), 1);
    studio.submitted(TaskId(0));
    for prompt in ["two", "three", "four"] {
        assert!(submitted(&draw(&mut studio, prompt, 9)).is_empty());
    }
    let last = studio
        .queue
        .orders()
        .last()
        .map(|order| order.id)
        .expect("three orders");
    studio.act(QueueAction::Front(last));
    studio.apply(&started(0));
    assert_eq!(submitted(&studio.apply(&finished(0)))[0].prompt, "four");
    studio.submitted(TaskId(1));
    let failed = Report::Failed {
        task: TaskId(1),
        failure: Failure::usage("no"),
    };
    assert_eq!(submitted(&studio.apply(&failed))[0].prompt, "two");
    assert_eq!(studio.notices[0].reason, "no");
    studio.act(QueueAction::Clear);
    assert!(studio.queue.is_empty());
}

#[test]
fn keep_and_discard_end_a_picture() {
    for (wish, kept) in [
        (Action::Run(RunAction::Keep), true),
        (Action::Run(RunAction::Discard), false),
    ] {
        let mut studio = ready();
        draw(&mut studio, "a cat", 0);
        studio.apply(&started(0));
        studio.apply(&row(0, 0));
        assert_eq!(studio.act(wish), [Effect::Cancel]);
        let effects = studio.apply(&Report::Cancelled {
            task: TaskId(0),
            pictures: vec![picture(1, None)],
        });
        let keeps = effects.iter().any(|effect| {
            matches!(effect, Effect::Keep(keeping) if keeping.picture.codes == [1; 4] && keeping.preview.is_some())
        });
        assert_eq!((keeps, studio.outcomes.len()), (kept, usize::from(kept)));
        assert_eq!(effects.contains(&Effect::JournalEnd(OrderId(0))), !kept);
        assert!(studio.run.is_none());
    }
}

#[test]
fn a_failure_after_rows_keeps_them_for_resuming() {
    let mut studio = ready();
    draw(&mut studio, "a cat", 0);
    studio.apply(&started(0));
    studio.apply(&row(0, 0));
    studio.apply(&row(0, 1));
    studio.apply(&Report::Failed {
        task: TaskId(0),
        failure: Failure::failed("out of memory"),
    });
    let effects = studio.act(RunAction::Resume);
    let task = submitted(&effects)[0].clone();
    assert_eq!(task.resume, Some(vec![1, 1, 1, 1, 2, 2, 2, 2]));
    assert_eq!(
        (task.sampling.cfg, task.size, task.seed),
        (Some(1.5), Some(GRID.pixels()), 5)
    );
    assert!(
        !effects.contains(&Effect::Stage(Stage::Clear)),
        "the rows stay in sight"
    );
    // Also while the engine takes them in, and each is written down as it is told again.
    studio.submitted(TaskId(1));
    let effects = studio.apply(&started(1));
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Stage(Stage::Begin(..)))),
        "{effects:?}"
    );
    for at in 0..3 {
        let effects = studio.apply(&row(1, at));
        let told = |effect: &Effect| matches!(effect, Effect::JournalRow(row) if row.row == at);
        assert_eq!(effects.iter().filter(|effect| told(effect)).count(), 1);
        assert_eq!(studio.run.as_ref().map(Run::rows), Some(2.max(at + 1)));
    }
    // Told otherwise, it is taken as it is told.
    let run = studio.run.as_mut().expect("a run");
    run.lanes[0].codes = vec![1, 1, 1, 1, 7, 7, 7, 7];
    run.order.request.resume = Some(run.lanes[0].codes.clone());
    studio.apply(&started(1));
    for at in 0..2 {
        studio.apply(&row(1, at));
    }
    let run = studio.run.as_ref().expect("a run");
    assert_eq!(run.lanes[0].codes, [1, 1, 1, 1, 2, 2, 2, 2]);
}

#[test]
fn resume_before_the_model_is_there_goes_on_when_it_is() {
    let mut before = ready();
    draw(&mut before, "a cat", 0);
    before.apply(&started(0));
    before.apply(&row(0, 0));
    let run = before.run.take().expect("a picture under way");
    let mut studio = Studio::default();
    studio.bring_back(run);
    assert_eq!(studio.act(RunAction::Resume), vec![]);
    assert!(studio.run.as_ref().is_some_and(Run::waits) && studio.notices.is_empty());
    let effects = studio.apply(&loaded());
    assert_eq!(submitted(&effects)[0].resume, Some(vec![1, 1, 1, 1]));

    let run = studio.run.take().expect("the same one");
    studio = Studio::default();
    studio.bring_back(run);
    studio.apply(&Report::LoadFailed(Failure::failed("no such file")));
    studio.act(RunAction::Resume);
    let told = studio.notices.last().expect("a word");
    assert_eq!(told.reason, "There is no model to draw it with.");
}

#[test]
fn a_new_picture_does_not_cost_an_interrupted_one() {
    let mut studio = ready();
    draw(&mut studio, "a cat", 0);
    studio.apply(&started(0));
    studio.apply(&row(0, 0));
    let effects = studio.act(ModelAction::Load(None));
    assert!(effects.contains(&Effect::Load(None)));
    studio.apply(&loaded());
    let effects = draw(&mut studio, "a dog", 0);
    assert!(matches!(&effects[1], Effect::Keep(keeping) if keeping.request.prompt == "a cat"));
    assert_eq!(submitted(&effects)[0].prompt, "a dog");
}

#[test]
fn results_of_edits_become_the_next_source() {
    let mut studio = ready();
    let photo = Photo::new("a.png", Arc::new(Pixels::filled(GRID.pixels(), [1; 3])));
    let opened = Opened {
        photo: photo.clone(),
        path: None,
        task: None,
    };
    studio.act(Answer::Opened(Box::new(opened), Target::Canvas));
    assert_eq!((studio.draft.tab, studio.shown), (Tab::Edit, Shown::Source));
    assert!(
        studio.act(RunAction::Draw).is_empty(),
        "neither instruction nor mask"
    );
    studio.act(DraftAction::Set(Setting::Words("a hat".to_owned())));
    studio.act(DraftAction::Paint(Paint::Begin((8.0, 8.0))));
    studio.act(DraftAction::Paint(Paint::Finish));
    let effects = studio.act(RunAction::Draw);
    let task = submitted(&effects)[0];
    assert_eq!(task.source.as_deref(), Some(&*photo.pixels));
    assert_eq!(task.mask.as_deref().map(Mask::size), Some(GRID.pixels()));
    studio.submitted(TaskId(0));
    studio.apply(&started(0));
    studio.apply(&finished(0));
    let chain = &studio.draft.chain;
    assert_eq!((chain.turns().len(), chain.at()), (2, 1));
    studio.act(DraftAction::GoToTurn(0));
    let current = studio.draft.chain.current().expect("a turn");
    assert_eq!(
        (current.painting.steps_done(), studio.draft.chain.turns().len()),
        (1, 2)
    );
}

#[test]
fn a_picture_to_start_from_brings_its_shape() {
    let own = Size::new(192, 192);
    let wide = Size::new(224, 160);
    let skill = |mode: &str| Skill {
        mode: mode.to_owned(),
        sizes: vec![own, wide],
        default_size: Some(own),
        ..Skill::default()
    };
    let mut studio = Studio::default();
    studio.apply(&Report::Loaded {
        model: "starter".to_owned(),
        seconds: 0.1,
        profile: Profile {
            skills: ["generate", "control", "predict"].map(skill).to_vec(),
            ..Profile::default()
        },
    });
    assert_eq!(studio.size(), Some(own));
    let photo = Photo::new("a.png", Arc::new(Pixels::filled(Size::new(320, 240), [1; 3])));
    studio.draft.tab = Tab::Predict;
    studio.draft.take_source(photo.clone());
    assert_eq!(studio.size(), Some(wide));
    // The map is made in the size that is then drawn.
    studio.draft.tab = Tab::Control;
    studio.draft.control.photo = Some(photo);
    let effects = studio.make_map();
    assert!(matches!(&effects[..], [Effect::MakeMap { panel, .. }] if *panel == Some(wide)));
    studio.act(DraftAction::Set(Setting::Size(Some(own))));
    assert_eq!(studio.size(), Some(own));
}

#[test]
fn settings_of_a_saved_picture_come_back() {
    let mut studio = ready();
    let mut task = Task::new(
        Mode::Subject {
            describe: Some("a cup".to_owned()),
        },
        "on a table",
    );
    (task.seed, task.sampling.cfg, task.sampling.top_k) = (77, Some(3.0), Some(9));
    task.source = Some(Arc::new(Pixels::filled(GRID.pixels(), [3; 3])));
    let opened = Opened {
        photo: Photo::new("x.png", Arc::new(Pixels::filled(GRID.pixels(), [4; 3]))),
        path: None,
        task: Some(Box::new(task.clone())),
    };
    studio.act(Answer::Opened(Box::new(opened), Target::Canvas));
    assert!(studio.offer.is_some());
    assert!(studio.act(OfferAction::UseSettings).is_empty());
    let request = studio.draft.request(studio.draft.seed).expect("a whole request");
    assert_eq!(request.task(), task);
}

#[test]
fn what_is_saved_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    let mut studio = ready();
    let photo = |value| Photo::new("p", Arc::new(Pixels::filled(GRID.pixels(), [value; 3])));
    let opened = |value| Opened {
        photo: photo(value),
        path: None,
        task: None,
    };
    studio.act(Answer::Opened(Box::new(opened(1)), Target::Reference));
    studio.act(Answer::Opened(Box::new(opened(2)), Target::Canvas));
    for index in 0..60 {
        studio.act(DraftAction::Paint(Paint::Begin((index as f32 / 2.0, 9.0))));
        studio.act(DraftAction::Paint(Paint::Extend((3.0, index as f32 / 3.0))));
        studio.act(DraftAction::Paint(Paint::Finish));
    }
    for _ in 0..7 {
        studio.act(UndoAction::Undo);
    }
    draw(&mut studio, "a cat", 0);
    draw(&mut studio, "a dog", 1);
    for effect in [
        studio.apply(&started(0)),
        studio.apply(&row(0, 0)),
        studio.apply(&row(0, 1)),
    ]
    .concat()
    {
        match effect {
            Effect::JournalBegin(order, begun) => store.begin(&order, begun).expect("a journal"),
            Effect::JournalRow(row) => store.row(&row).expect("a row"),
            _ => {}
        }
    }
    store.save(&studio).expect("saved");
    drop(store);

    let mut store = Store::open(folder.path()).expect("the store again");
    let back = store.load();
    assert_eq!(
        (&back.draft, &back.queue, &back.view),
        (&studio.draft, &studio.queue, &studio.view)
    );
    let masks =
        [&studio, &back].map(|studio| studio.draft.chain.current().and_then(|turn| turn.painting.mask()));
    assert!(masks[0].is_some());
    assert_eq!(masks[0], masks[1]);
    assert_eq!(
        back.draft
            .chain
            .current()
            .map(|turn| turn.painting.steps_undone()),
        Some(7)
    );
    let (was, is) = (studio.run.expect("a run"), back.run.clone().expect("its rows"));
    assert_eq!((is.phase, is.rows()), (Phase::Interrupted, 2));
    assert_eq!((&is.lanes, &is.begun), (&was.lanes, &was.begun));

    let mut back = back;
    back.apply(&loaded());
    let effects = back.act(RunAction::Resume);
    assert_eq!(submitted(&effects)[0].resume.as_ref().map(Vec::len), Some(8));
    assert_eq!(back.queue.len(), 1);
}

#[test]
fn a_journal_cut_short_loses_only_the_last_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    let mut studio = ready();
    draw(&mut studio, "a cat", 0);
    for effect in [
        studio.apply(&started(0)),
        studio.apply(&row(0, 0)),
        studio.apply(&row(0, 1)),
    ]
    .concat()
    {
        match effect {
            Effect::JournalBegin(order, begun) => store.begin(&order, begun).expect("a journal"),
            Effect::JournalRow(row) => store.row(&row).expect("a row"),
            _ => {}
        }
    }
    let path = folder.path().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).expect("the journal");
    std::fs::write(&path, &text[..text.len() - 3]).expect("cut");
    assert_eq!(store.load().run.map(|run| run.rows()), Some(1));
    std::fs::write(&path, "{").expect("cut");
    assert_eq!(store.load().run, None);
    std::fs::write(folder.path().join("state.json"), "{\"version\":9}").expect("a newer state");
    assert_eq!(store.load().draft, Draft::default());
    store.end(OrderId(0));
    assert!(!path.exists());
}

/// The queue and the journal are written at different times: a kill between them neither loses an
/// order nor has it drawn twice.
#[test]
fn a_kill_between_queue_and_journal_costs_no_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    let mut studio = ready();
    draw(&mut studio, "one", 0);
    draw(&mut studio, "two", 1);
    let waiting = |studio: &Studio| {
        let prompts = studio.queue.orders().map(|order| order.request.prompt.clone());
        prompts.collect::<Vec<_>>()
    };
    // Submitted, but not begun.
    store.save(&studio).expect("written");
    assert_eq!(waiting(&store.load()), ["one", "two"]);
    // Begun, a row there; the state on disk is the old one.
    for effect in [started(0), row(0, 0)]
        .iter()
        .flat_map(|report| studio.apply(report))
    {
        match effect {
            Effect::JournalBegin(order, begun) => store.begin(&order, begun).expect("begun"),
            Effect::JournalRow(row) => store.row(&row).expect("a row"),
            _ => {}
        }
    }
    let back = store.load();
    assert_eq!(waiting(&back), ["two"]);
    let run = back.run.expect("what was begun");
    assert_eq!((run.order.request.prompt.as_str(), run.rows()), ("one", 1));
}
