//! Windows killed at every moment, and folders that refuse: nothing that was asked for is lost.

use super::*;
use crate::pixels::{Pixels, Size};
use crate::state::{
    Action, Answer, DraftAction, Effect, Keeping, Phase, QueueAction, RunAction, Setting, Wish,
};
use crate::task::{Failure, Guesses, Picture, Profile, Progress, Report, Sampling, Tally, TaskId};
use crate::token::Grid;
use std::collections::BTreeSet;
use std::fs;

const GRID: Grid = Grid { rows: 4, columns: 4 };
const SAMPLING: Sampling = Sampling {
    cfg: 1.5,
    top_k: 16,
    temperature: 0.9,
    top_n_sigma: None,
};

/// A window, its folder, and the disk that answers when it is told to.
pub(super) struct Life {
    store: Store,
    studio: Studio,
    /// Given to the disk.
    under_way: Vec<(Keeping, Option<PathBuf>)>,
    /// Saved, by prompt and seed.
    saved: BTreeSet<(String, u64)>,
    task: u64,
}

impl Life {
    pub(super) fn new(folder: &Path) -> Self {
        let mut life = Self::begun(Store::open(folder).expect("a store"));
        life.report(Report::Loaded {
            model: "starter".to_owned(),
            seconds: 0.1,
            profile: Profile::default(),
        });
        life
    }

    fn begun(mut store: Store) -> Self {
        let studio = store.load();
        Self {
            store,
            studio,
            under_way: Vec::new(),
            saved: BTreeSet::new(),
            task: 0,
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Submit(_) => {
                    self.task += 1;
                    self.studio.submitted(TaskId(self.task));
                }
                Effect::JournalBegin(order, begun) => self.store.begin(&order, begun).expect("begun"),
                Effect::JournalRow(row) => self.store.row(&row).expect("a row"),
                Effect::JournalDrawn(order, again) => self.store.drawn(&order, &again).expect("written down"),
                Effect::JournalEnd(order) => self.store.end(order),
                Effect::Keep(keeping) => {
                    let record = self.store.record_of(keeping.drawn_for);
                    self.under_way.push((*keeping, record));
                }
                _ => {}
            }
        }
    }

    pub(super) fn act(&mut self, action: impl Into<Action>) {
        let effects = self.studio.act(action);
        self.carry_out(effects);
    }

    fn report(&mut self, report: Report) {
        let effects = self.studio.apply(&report);
        self.carry_out(effects);
    }

    fn progress(&mut self, progress: Progress) {
        let task = TaskId(self.task);
        self.report(Report::Progress { task, progress });
    }

    pub(super) fn started(&mut self) {
        self.progress(Progress::Started {
            grid: GRID,
            panel: GRID.pixels(),
            sampling: SAMPLING,
            lookahead: 4,
            rows_forced: 0,
            to_draw: Vec::new(),
            reading: None,
        });
    }

    pub(super) fn row(&mut self, row: u32) {
        self.progress(Progress::Row {
            candidate: 0,
            row,
            codes: vec![row + 1; 4],
            guesses: Guesses::default(),
            preview: Pixels::filled(Size::new(32, 8), [row as u8; 3]),
            tally: Tally::default(),
        });
    }

    pub(super) fn finished(&mut self, candidates: u64) {
        let seed = self.studio.run.as_ref().expect("a run").order.request.seed;
        let picture = |candidate| Picture {
            pixels: Some(Pixels::filled(GRID.pixels(), [9; 3])),
            lookahead: 4,
            ..Picture::of_codes(
                GRID,
                (0..16).map(|index| index / 4 + 1).collect(),
                seed + candidate,
                SAMPLING,
            )
        };
        self.report(Report::Finished {
            task: TaskId(self.task),
            pictures: (0..candidates).map(picture).collect(),
        });
    }

    pub(super) fn draw(&mut self, prompt: &str, seed: u64) {
        self.act(DraftAction::Set(Setting::Words(prompt.to_owned())));
        self.act(DraftAction::Set(Setting::Seed(seed)));
        self.act(RunAction::Draw);
    }

    /// The disk takes the picture given to it first.
    fn save_one(&mut self) {
        let (keeping, record) = self.under_way.remove(0);
        self.saved
            .insert((keeping.request.prompt.clone(), keeping.picture.seed));
        if let Some(record) = record {
            picture_kept(&record, keeping.again);
        }
        self.act(Answer::Kept(keeping.outcome, PathBuf::from("/pictures/a.png")));
    }

    /// The disk refuses it.
    fn refuse_one(&mut self) {
        let (keeping, _) = self.under_way.remove(0);
        let failure = Failure::failed("the disk is full");
        self.act(Answer::NotKept(Box::new(keeping), failure));
    }

    /// What a window finds after this one was killed now: orders by prompt and seed, with how many
    /// codes they bring, also of the picture on the canvas.
    fn after_a_kill(&self) -> Vec<(String, u64, usize)> {
        let copy = tempfile::tempdir().expect("a folder");
        copy_folder(self.store.folder(), copy.path());
        let mut store = Store::open(copy.path()).expect("a store");
        let back = store.load();
        assert_eq!(back.mishaps, []);
        let ids: BTreeSet<u64> = back.queue.orders().map(|order| order.id.0).collect();
        assert_eq!(ids.len(), back.queue.len(), "ids repeat");
        let run = back.run.iter().map(|run| Order {
            id: run.order.id,
            request: run.to_resume(),
        });
        let all = run.chain(back.queue.orders().cloned());
        let told = |order: Order| {
            let codes = order.request.resume.map_or(0, |codes| codes.len());
            (order.request.prompt, order.request.seed, codes)
        };
        all.map(told).collect()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("a copy")),
        }
    }
}

pub(super) fn case(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/state")
        .join(name);
    copy_folder(&from, folder.path());
    folder
}

pub(super) fn load(folder: &Path) -> (Store, Studio) {
    let mut store = Store::open(folder).expect("a store");
    let studio = store.load();
    (store, studio)
}

/// Three pictures are asked for and drawn; the disk is slow, refuses, or takes them. Killed at any
/// moment after they were asked for, each is there or is still to be drawn, once.
#[test]
fn a_kill_at_any_moment_costs_no_picture() {
    for script in ["sss", "rss", "rrr", "srs", "---", "r-s"] {
        for stores in [StateStored::AtFirst, StateStored::Always] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut life = Life::new(folder.path());
            for (index, prompt) in ["a cat", "a dog", "a fox"].into_iter().enumerate() {
                life.draw(prompt, index as u64);
            }
            life.store.save(&life.studio).expect("stored");
            let mut disk = script.chars();
            let check = |life: &mut Life, at: &str| {
                if stores == StateStored::Always {
                    life.store.save(&life.studio).expect("stored");
                }
                let mut found: Vec<String> = life.after_a_kill().into_iter().map(|found| found.0).collect();
                found.extend(life.saved.iter().map(|saved| saved.0.clone()));
                found.sort();
                assert_eq!(found, ["a cat", "a dog", "a fox"], "{script}, {stores:?}: {at}");
            };
            for picture in 0..3 {
                check(&mut life, "submitted");
                life.started();
                check(&mut life, "begun");
                for row in 0..4 {
                    life.row(row);
                    check(&mut life, "a row");
                }
                life.finished(1);
                check(&mut life, "drawn");
                // The next one is begun before the disk answers.
                if picture < 2 {
                    life.started();
                    life.row(0);
                    check(&mut life, "the next is begun");
                }
                match disk.next() {
                    Some('s') => life.save_one(),
                    Some('r') => life.refuse_one(),
                    _ => {}
                }
                check(&mut life, "answered");
            }
            life.store.save(&life.studio).expect("stored");
            check(&mut life, "all drawn");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum StateStored {
    /// Once, after the orders were given.
    AtFirst,
    Always,
}

#[test]
fn of_several_candidates_only_the_unsaved_ones_are_drawn_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::new(folder.path());
    life.act(DraftAction::Set(Setting::Candidates(3)));
    life.draw("a cat", 10);
    life.started();
    life.row(0);
    life.finished(3);
    let left = |life: &Life| {
        let mut found = life.after_a_kill();
        found.sort();
        found
    };
    let whole = |seed| ("a cat".to_owned(), seed, 16);
    assert_eq!(left(&life), [whole(10), whole(11), whole(12)]);
    life.refuse_one();
    assert_eq!(left(&life), [whole(10), whole(11), whole(12)]);
    life.save_one();
    assert_eq!(left(&life).len(), 2);
    life.save_one();
    assert_eq!(left(&life).len(), 1);
    life.act(crate::state::ResultAction::KeepAgain);
    life.save_one();
    assert_eq!(left(&life), []);
    assert_eq!(life.saved.len(), 3);
}

/// The folder of the state refuses while pictures are drawn; the state is stored again later.
#[test]
fn what_could_not_be_written_down_is_in_the_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::new(folder.path());
    life.draw("a cat", 1);
    // No journal: as where it could not be begun.
    let mut quiet = life.studio.clone();
    for report in [
        Progress::Started {
            grid: GRID,
            panel: GRID.pixels(),
            sampling: SAMPLING,
            lookahead: 4,
            rows_forced: 0,
            to_draw: Vec::new(),
            reading: None,
        },
        Progress::Row {
            candidate: 0,
            row: 0,
            codes: vec![1; 4],
            guesses: Guesses::default(),
            preview: Pixels::filled(Size::new(32, 8), [1; 3]),
            tally: Tally::default(),
        },
    ] {
        quiet.apply(&Report::Progress {
            task: TaskId(1),
            progress: report,
        });
    }
    life.store.save(&quiet).expect("stored");
    assert_eq!(life.after_a_kill(), [("a cat".to_owned(), 1, 4)]);
}

#[test]
fn an_order_taken_out_of_the_queue_does_not_come_back_from_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::new(folder.path());
    life.draw("a cat", 1);
    life.started();
    // The model is changed before a row came: it waits again, and is taken out.
    life.act(crate::state::ModelAction::Load(None));
    assert_eq!(life.after_a_kill().len(), 1);
    life.store.save(&life.studio).expect("stored");
    assert_eq!(life.after_a_kill().len(), 1);
    life.act(QueueAction::Clear);
    life.store.save(&life.studio).expect("stored");
    assert_eq!(life.after_a_kill(), []);
}

#[test]
fn codes_that_were_given_are_not_forgotten_when_their_rows_have_not_come_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::new(folder.path());
    life.draw("a cat", 1);
    life.started();
    (0..3).for_each(|row| life.row(row));
    life.store.save(&life.studio).expect("stored");
    let mut life = Life::begun(Store::open(folder.path()).expect("a store"));
    assert_eq!(life.studio.run.as_ref().map(Run::rows), Some(3));
    life.report(Report::Loaded {
        model: "starter".to_owned(),
        seconds: 0.1,
        profile: Profile::default(),
    });
    life.act(RunAction::Resume);
    for at in 0..2 {
        assert_eq!(life.after_a_kill(), [("a cat".to_owned(), 1, 12)], "{at}");
        match at {
            0 => life.started(),
            _ => life.row(0),
        }
    }
    assert_eq!(life.after_a_kill(), [("a cat".to_owned(), 1, 12)]);
    // Kept as a part: written down until it is saved.
    life.act(RunAction::Keep);
    assert_eq!(
        life.studio.run.as_ref().and_then(|run| run.wish),
        Some(Wish::Keep)
    );
    life.report(Report::Cancelled {
        task: TaskId(life.task),
        pictures: Vec::new(),
    });
    assert_eq!(life.after_a_kill().len(), 1);
    life.save_one();
    assert_eq!(life.after_a_kill(), []);
}

#[test]
fn orders_whose_names_repeat_are_both_there() {
    let folder = case("repeated-ids");
    let (_, studio) = load(folder.path());
    let run = studio.run.expect("the one that was being drawn");
    assert_eq!(
        (run.order.request.prompt.as_str(), run.phase),
        ("a cat at night", Phase::Interrupted)
    );
    let waiting: Vec<_> = studio.queue.orders().collect();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].request.prompt, "a fox on the beach");
    assert_eq!(waiting[0].request.resume.as_ref().map(Vec::len), Some(576));
    assert_ne!(waiting[0].id, run.order.id);
}

#[test]
fn one_photo_of_many_orders_is_in_memory_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::new(folder.path());
    let photo = Photo::new(
        "p",
        std::sync::Arc::new(Pixels::filled(Size::new(64, 32), [7; 3])),
    );
    for seed in 0..40 {
        let mut task = crate::task::Task::new(crate::task::Mode::Edit, "a hat");
        task.seed = seed;
        let mut request = crate::state::Request::of(&task);
        request.source = Some(photo.clone());
        life.studio.queue.push(request);
    }
    life.store.save(&life.studio).expect("stored");
    let (_, studio) = load(folder.path());
    let sources = studio
        .queue
        .orders()
        .filter_map(|order| order.request.source.as_ref());
    let sources: Vec<&Photo> = sources.collect();
    assert_eq!(sources.len(), 40);
    assert!(
        sources
            .iter()
            .all(|source| **source == photo && source.size() == photo.size())
    );
    assert!(
        sources
            .iter()
            .all(|source| std::sync::Arc::ptr_eq(&source.pixels, &sources[0].pixels))
    );
}

#[test]
fn a_picture_that_is_not_drawn_again_from_its_codes_keeps_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::new(folder.path());
    life.draw("a cat", 1);
    life.started();
    life.finished(1);
    life.refuse_one();
    let mut life = Life::new(folder.path());
    assert_eq!(
        life.studio.run.as_ref().map(|run| run.phase),
        Some(Phase::Starting)
    );
    life.report(Report::Failed {
        task: TaskId(life.task),
        failure: Failure::failed("another model"),
    });
    assert_eq!(life.studio.run.as_ref().map(Run::rows), Some(4));
    life.store.save(&life.studio).expect("stored");
    assert_eq!(life.after_a_kill(), [("a cat".to_owned(), 1, 16)]);
}
