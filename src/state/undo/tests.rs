//! Whatever is replaced comes back: sources with their masks, words, references, maps, the queue.

use super::super::*;
use crate::pixels::{Pixels, Size};
use crate::task::{Mode, Picture, Profile, Progress, Report, Sampling, Tally, Task, TaskId};
use crate::token::Grid;
use std::sync::Arc;

const GRID: Grid = Grid { rows: 4, columns: 4 };

fn photo(value: u8) -> Photo {
    Photo::new(
        format!("{value}.png"),
        Arc::new(Pixels::filled(GRID.pixels(), [value; 3])),
    )
}

fn opened(value: u8) -> Opened {
    Opened {
        photo: photo(value),
        path: None,
        task: None,
    }
}

fn drop_on(studio: &mut Studio, value: u8, target: Target) {
    studio.act(Answer::Opened(Box::new(opened(value)), target));
}

fn ready() -> Studio {
    let mut studio = Studio::default();
    studio.apply(&Report::Loaded {
        model: "starter".to_owned(),
        seconds: 0.1,
        profile: Profile::default(),
    });
    studio
}

fn stroke(studio: &mut Studio, at: f32) {
    for paint in [
        Paint::Begin((at, at)),
        Paint::Extend((at + 4.0, at)),
        Paint::Finish,
    ] {
        studio.act(DraftAction::Paint(paint));
    }
}

/// Types a letter after the other, as the field tells it.
fn type_words(studio: &mut Studio, words: &str) {
    let mut text = String::new();
    for letter in words.chars() {
        text.push(letter);
        studio.act(DraftAction::Set(Setting::Words(text.clone())));
    }
}

fn set_words(studio: &mut Studio, words: &str) {
    studio.act(DraftAction::Set(Setting::Words(words.to_owned())));
}

fn undo(studio: &mut Studio) -> Vec<Effect> {
    studio.act(UndoAction::Undo)
}

fn redo(studio: &mut Studio) -> Vec<Effect> {
    studio.act(UndoAction::Redo)
}

fn source(studio: &Studio) -> Option<(String, usize)> {
    let turn = studio.draft.chain.current()?;
    Some((turn.photo.name.clone(), turn.painting.steps_done()))
}

fn masked(studio: &Studio) -> usize {
    let mask = studio.draft.chain.current().and_then(|turn| turn.painting.mask());
    mask.map_or(0, |mask| mask.values().iter().filter(|value| **value > 0).count())
}

/// Draws the order at the worker to its end, with a picture of this value.
fn finish(studio: &mut Studio, value: u8) {
    studio.submitted(TaskId(0));
    let picture = Picture {
        pixels: Some(Pixels::filled(GRID.pixels(), [value; 3])),
        ..Picture::of_codes(
            GRID,
            vec![1; 16],
            5,
            Sampling {
                cfg: 1.0,
                top_k: 1,
                temperature: 1.0,
                top_n_sigma: None,
            },
        )
    };
    studio.apply(&Report::Finished {
        task: TaskId(0),
        pictures: vec![picture],
    });
}

#[test]
fn a_picture_dropped_over_a_mask_costs_neither() {
    let mut studio = ready();
    drop_on(&mut studio, 1, Target::Canvas);
    stroke(&mut studio, 8.0);
    stroke(&mut studio, 16.0);
    let painted = masked(&studio);
    assert!(painted > 0);
    // Dropped, opened for editing, or a result of the strip: all replace the chain.
    drop_on(&mut studio, 2, Target::Canvas);
    assert_eq!(source(&studio), Some(("2.png".to_owned(), 0)));
    let effects = undo(&mut studio);
    assert_eq!(source(&studio), Some(("1.png".to_owned(), 2)));
    assert_eq!(masked(&studio), painted);
    let staged = photo(1).pixels;
    assert!(
        effects.contains(&Effect::Stage(Stage::Picture(staged))),
        "{effects:?}"
    );
    // The strokes are the next steps on the same stack, and the picture itself the one below.
    undo(&mut studio);
    undo(&mut studio);
    assert_eq!(
        (source(&studio), masked(&studio)),
        (Some(("1.png".to_owned(), 0)), 0)
    );
    undo(&mut studio);
    assert_eq!((source(&studio), studio.shown), (None, Shown::Welcome));
    assert_eq!(studio.draft.tab, Tab::Create, "where it was dropped");
    for _ in 0..9 {
        redo(&mut studio);
    }
    assert_eq!(source(&studio), Some(("2.png".to_owned(), 0)));
    undo(&mut studio);
    assert_eq!(masked(&studio), painted);
}

#[test]
fn a_replaced_chain_can_be_gone_back_to() {
    let mut studio = ready();
    drop_on(&mut studio, 1, Target::Canvas);
    stroke(&mut studio, 8.0);
    set_words(&mut studio, "a hat");
    studio.act(RunAction::Draw);
    finish(&mut studio, 7);
    assert_eq!(studio.draft.chain.turns().len(), 2);
    studio.act(DraftAction::GoToTurn(0));
    let painted = masked(&studio);
    drop_on(&mut studio, 2, Target::Canvas);
    stroke(&mut studio, 20.0);
    assert_eq!(studio.draft.chain.aside().len(), 1);
    studio.act(DraftAction::BringBack(0));
    assert_eq!(source(&studio), Some(("1.png".to_owned(), 1)));
    assert_eq!((masked(&studio), studio.draft.chain.turns().len()), (painted, 2));
    // And the other way round, by dropping it again.
    drop_on(&mut studio, 2, Target::Canvas);
    assert_eq!(source(&studio), Some(("2.png".to_owned(), 1)));
    assert_eq!(studio.draft.chain.aside().len(), 1);
    // A picture of the chain is no other chain.
    drop_on(&mut studio, 2, Target::Edit);
    assert_eq!(
        (source(&studio), studio.draft.chain.aside().len()),
        (Some(("2.png".to_owned(), 1)), 1)
    );
}

#[test]
fn editing_a_result_keeps_the_chain_before_it() {
    let mut studio = ready();
    set_words(&mut studio, "a cat");
    studio.act(RunAction::Draw);
    finish(&mut studio, 9);
    drop_on(&mut studio, 1, Target::Canvas);
    stroke(&mut studio, 8.0);
    let which = Which::Outcome(studio.outcomes[0].id);
    studio.act(ResultAction::Do(which, Verb::Edit));
    assert_eq!(source(&studio), Some(("a cat".to_owned(), 0)));
    undo(&mut studio);
    assert_eq!(source(&studio), Some(("1.png".to_owned(), 1)));
}

#[test]
fn words_come_back_a_run_of_letters_at_a_time() {
    let mut studio = ready();
    let long = "a lighthouse in a storm at night with many birds around it";
    type_words(&mut studio, long);
    let steps = studio.undo.steps_back();
    assert!((2..=4).contains(&steps), "{steps} steps");
    // Everything replaced by one letter: a step of its own, and so is an example.
    set_words(&mut studio, "x");
    undo(&mut studio);
    assert_eq!(studio.draft.prompt, long);
    studio.act(RunAction::Example {
        prompt: "a fox".into(),
        seed: 3,
    });
    assert_eq!(studio.draft.prompt, "a fox");
    undo(&mut studio);
    assert_eq!(studio.draft.prompt, long);
    undo(&mut studio);
    assert!(long.starts_with(&studio.draft.prompt) && studio.draft.prompt.ends_with(' '));
    for _ in 0..5 {
        undo(&mut studio);
    }
    assert_eq!(studio.draft.prompt, "");
    for _ in 0..steps {
        redo(&mut studio);
    }
    assert_eq!(studio.draft.prompt, long);
    // What is too long is said, and what was there stays.
    set_words(&mut studio, &"long ".repeat(crate::task::LONGEST_PROMPT));
    assert_eq!(studio.draft.prompt, long);
    assert_eq!(
        studio.notices.last().map(|notice| notice.title.as_str()),
        Some("The text is too long")
    );
}

#[test]
fn recalled_settings_are_one_step() {
    let mut studio = ready();
    set_words(&mut studio, "a long prompt of my own");
    studio.act(DraftAction::Set(Setting::Cfg(Some(2.5))));
    studio.act(DraftAction::Set(Setting::Batch(4)));
    let mut task = Task::new(Mode::Generate, "a dog");
    (task.seed, task.sampling.cfg) = (77, Some(9.0));
    let mut saved = opened(3);
    saved.task = Some(Box::new(task));
    studio.act(Answer::Opened(Box::new(saved), Target::Settings));
    assert_eq!((studio.draft.prompt.as_str(), studio.draft.seed), ("a dog", 77));
    undo(&mut studio);
    let draft = &studio.draft;
    assert_eq!(draft.prompt, "a long prompt of my own");
    assert_eq!((draft.sampling.cfg, draft.batch), (Some(2.5), 4));
    assert_eq!(studio.undo.turned(), Some(Turned::Undone("the settings")));
    redo(&mut studio);
    assert_eq!((studio.draft.prompt.as_str(), studio.draft.seed), ("a dog", 77));
}

#[test]
fn references_and_maps_come_back_where_they_were() {
    let mut studio = ready();
    drop_on(&mut studio, 1, Target::Reference);
    drop_on(&mut studio, 2, Target::Reference);
    studio.act(DraftAction::RemoveReference(0));
    assert_eq!(studio.draft.references, [photo(2)]);
    drop_on(&mut studio, 3, Target::Map);
    drop_on(&mut studio, 4, Target::Predict);
    studio.act(DraftAction::RemoveSource);
    assert_eq!(studio.draft.predict_source, None);
    undo(&mut studio);
    assert_eq!(studio.draft.predict_source, Some(photo(4)));
    undo(&mut studio);
    assert_eq!(
        (studio.draft.predict_source.clone(), studio.draft.tab),
        (None, Tab::Control)
    );
    undo(&mut studio);
    assert_eq!(
        (studio.draft.control.map.clone(), studio.draft.tab),
        (None, Tab::Subject)
    );
    undo(&mut studio);
    assert_eq!(studio.draft.references, [photo(1), photo(2)]);
}

/// Whether a map shows nothing follows from the map that is there, and is no setting of its own.
#[test]
fn a_map_that_comes_back_is_looked_at_anew() {
    let mut studio = ready();
    drop_on(&mut studio, 0, Target::Map);
    drop_on(&mut studio, 255, Target::Map);
    assert!(!studio.draft.control.is_empty());
    undo(&mut studio);
    assert_eq!(studio.undo.turned(), Some(Turned::Undone("the map")));
    assert!(studio.draft.control.is_empty(), "the black one");
    redo(&mut studio);
    assert!(!studio.draft.control.is_empty(), "the white one");
}

fn waiting(studio: &Studio) -> Vec<&str> {
    let orders = studio.queue.orders();
    orders.map(|order| order.request.prompt.as_str()).collect()
}

fn with_a_queue() -> Studio {
    let mut studio = ready();
    for prompt in ["one", "two", "three", "four"] {
        set_words(&mut studio, prompt);
        studio.act(RunAction::Draw);
    }
    studio.submitted(TaskId(0));
    studio
}

#[test]
fn a_cleared_queue_comes_back() {
    let mut studio = with_a_queue();
    studio.act(QueueAction::Clear);
    assert!(studio.queue.is_empty());
    // Said, with a button for it.
    let notice = studio.notices.last().expect("a word").clone();
    assert_eq!(
        (notice.title.as_str(), notice.reason.as_str()),
        ("The queue was cleared", "3 pictures")
    );
    let offer = notice.offer.expect("a button");
    studio.act(*offer.action);
    assert_eq!(waiting(&studio), ["two", "three", "four"]);
    let second = studio
        .queue
        .orders()
        .nth(1)
        .map(|order| order.id)
        .expect("three orders");
    studio.act(QueueAction::Remove(second));
    studio.act(QueueAction::MoveTo(OrderId(3), 0));
    assert_eq!(waiting(&studio), ["four", "two"]);
    // Something else is changed: the button would undo that.
    assert!(studio.notices.iter().all(|notice| !notice.undoes()));
    undo(&mut studio);
    undo(&mut studio);
    assert_eq!(waiting(&studio), ["two", "three", "four"]);
    redo(&mut studio);
    assert_eq!(waiting(&studio), ["two", "four"]);
    undo(&mut studio);
    // The last one asked for goes out again; what is drawn by now does not.
    undo(&mut studio);
    assert_eq!(waiting(&studio), ["two", "three"]);
    assert!(studio.run.is_some());
}

#[test]
fn rows_that_were_thrown_away_go_on() {
    let mut studio = ready();
    set_words(&mut studio, "a cat");
    studio.act(RunAction::Draw);
    studio.submitted(TaskId(0));
    let progress = |progress| Report::Progress {
        task: TaskId(0),
        progress,
    };
    studio.apply(&progress(Progress::Started {
        grid: GRID,
        panel: GRID.pixels(),
        sampling: Sampling {
            cfg: 1.0,
            top_k: 1,
            temperature: 1.0,
            top_n_sigma: None,
        },
        lookahead: 1,
        rows_forced: 0,
        to_draw: Vec::new(),
        reading: None,
    }));
    studio.apply(&progress(Progress::Row {
        candidate: 0,
        row: 0,
        codes: vec![3; 4],
        guesses: Default::default(),
        preview: Pixels::filled(Size::new(32, 8), [1; 3]),
        tally: Tally::default(),
    }));
    studio.act(RunAction::Discard);
    studio.apply(&Report::Cancelled {
        task: TaskId(0),
        pictures: Vec::new(),
    });
    assert!(studio.run.is_none());
    let effects = undo(&mut studio);
    let submitted = effects.iter().find_map(|effect| match effect {
        Effect::Submit(task) => Some(task),
        _ => None,
    });
    assert_eq!(submitted.expect("it goes on").resume, Some(vec![3; 4]));
}

#[test]
fn the_stack_survives_the_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    let mut studio = with_a_queue();
    drop_on(&mut studio, 1, Target::Canvas);
    stroke(&mut studio, 8.0);
    drop_on(&mut studio, 2, Target::Canvas);
    store.save(&studio).expect("saved");
    let mut back = store.load();
    assert_eq!(back.undo.steps_back(), studio.undo.steps_back());
    assert_eq!(back.draft.chain.aside().len(), 1);
    undo(&mut back);
    assert_eq!(source(&back), Some(("1.png".to_owned(), 1)));
    assert!(masked(&back) > 0);
    assert_eq!(
        back.draft.chain.current().map(|turn| turn.photo.pixels.size()),
        Some(GRID.pixels())
    );
    // Written by a window without such a stack: the mask's own steps are on it.
    let path = folder.path().join("state.json");
    let text = std::fs::read_to_string(&path).expect("the state");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    store.save(&back).expect("saved");
    let text = std::fs::read_to_string(&path).expect("the state");
    json = serde_json::from_str(&text).unwrap_or(json);
    json.as_object_mut().expect("an object").remove("undo");
    std::fs::write(&path, json.to_string()).expect("written");
    let mut older = store.load();
    assert_eq!(older.undo.steps_back(), 1);
    undo(&mut older);
    assert_eq!(masked(&older), 0);
}

#[test]
fn the_stack_does_not_grow_without_end() {
    let mut studio = ready();
    drop_on(&mut studio, 1, Target::Canvas);
    for index in 0..300 {
        stroke(&mut studio, (index % 20) as f32);
    }
    assert_eq!(studio.undo.steps_back(), 200);
    for value in 2..30 {
        drop_on(&mut studio, value, Target::Canvas);
    }
    assert_eq!(
        (studio.undo.steps_back(), studio.draft.chain.aside().len()),
        (200, 8)
    );
}
