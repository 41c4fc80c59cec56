//! The window in every state, driven like a user does, with reports told by a script.
//!
//! The model behind it never comes to life: the tests say what it reports. Every settled state is
//! checked for widgets without a name.

mod cells;
mod device;
mod drawing;
mod every_state;
mod keyboard;
mod preferences;
mod rare_settings;
mod rows;
mod snapshots;
mod states;
mod steps;
mod tools;

use super::test_window::{app, has, patience};
use super::*;
use crate::engine_room::{EngineRoom, Make, ModelSource};
use crate::pixels::{Pixels, Size};
use crate::state::{
    Answer, DraftAction, Model, Opened, Paint, Phase, Photo, RunAction, Setting, Shown, Tab, Target,
    ViewAction,
};
use crate::task::{
    Appraisal, Cancel, Device, Engine, Failure, Guesses, ImportStep, ImportWish, MapKind, Picture, Profile,
    Progress, Report, Sampling, Skill, Stop, Survey, Tally, Task, TaskId,
};
use crate::token::Grid;
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, HarnessBuilder};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

mod history;

const GRID: Grid = Grid { rows: 4, columns: 4 };
const SAMPLING: Sampling = Sampling {
    cfg: 1.5,
    top_k: 16,
    temperature: 0.9,
    top_n_sigma: None,
};

/// A model that is being loaded for as long as the window is open.
struct Never {
    _open: Sender<()>,
    closed: Mutex<Option<Receiver<()>>>,
}

struct Nobody;

impl Engine for Nobody {
    fn run(&mut self, _: &Task, _: &Cancel, _: &mut dyn FnMut(Progress)) -> Result<Vec<Picture>, Stop> {
        Err(Stop::Cancelled(Vec::new()))
    }
}

impl EngineRoom for Never {
    type Engine = Nobody;

    fn open(&self, _: &ModelSource) -> Result<Make<Nobody>, Failure> {
        let closed = self.closed.lock().ok().and_then(|mut closed| closed.take());
        Ok(Box::new(move || {
            if let Some(closed) = closed {
                let _ = closed.recv();
            }
            Err(Failure::failed("closed"))
        }))
    }

    fn survey(&self, _: &[PathBuf], _: Device) -> Survey {
        Survey::default()
    }

    fn appraise(&self, _: &Path, _: Device) -> Result<Appraisal, Failure> {
        Err(Failure::failed("there are no headers"))
    }

    fn free_bytes(&self, _: Device) -> Option<u64> {
        None
    }

    fn plan_import(&self, folder: &Path) -> ImportWish {
        ImportWish {
            folder: folder.to_owned(),
            movq: None,
            movq_config: None,
            format: crate::task::Format::Q4K,
            output: folder.join("out.gguf"),
        }
    }

    fn import(
        &self,
        _: &ImportWish,
        _: &Cancel,
        _: &mut dyn FnMut(ImportStep),
    ) -> Result<Vec<String>, Failure> {
        Err(Failure::failed("there is nothing to import"))
    }
}

/// A window whose files are below `folder`.
struct Window {
    harness: Harness<'static, Option<App<Never>>>,
    folder: PathBuf,
}

impl Window {
    /// Lets the window come to rest. Every widget must have a name then, also where something goes
    /// on moving, for which the harness alone does not look.
    fn run_ok(&mut self) {
        self.harness.run_ok();
        self.harness.check_accessibility();
    }
}

impl Deref for Window {
    type Target = Harness<'static, Option<App<Never>>>;

    fn deref(&self) -> &Self::Target {
        &self.harness
    }
}

impl DerefMut for Window {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.harness
    }
}

/// A window of that size on a fresh home.
fn window(folder: &Path, size: [f32; 2]) -> Window {
    shown_by(Harness::builder(), folder, size)
}

fn shown_by(builder: HarnessBuilder<Option<App<Never>>>, folder: &Path, size: [f32; 2]) -> Window {
    shown(builder, folder, size, None)
}

/// A window that shows an app which had another one before, or else a new app.
fn shown(
    builder: HarnessBuilder<Option<App<Never>>>,
    folder: &Path,
    size: [f32; 2],
    moved: Option<App<Never>>,
) -> Window {
    let mut is_moved = moved.is_some();
    let places = Places::below(folder);
    let show = move |ui: &mut egui::Ui, slot: &mut Option<App<Never>>| {
        let app = slot.get_or_insert_with(|| {
            let (open, closed) = channel();
            let engine_room = Never {
                _open: open,
                closed: Mutex::new(Some(closed)),
            };
            App::new(
                ui.ctx(),
                places.clone(),
                Options::default(),
                Arc::new(engine_room),
            )
        });
        if std::mem::take(&mut is_moved) {
            app.move_to(ui.ctx());
        }
        app.intake(ui.ctx());
        app.frame(ui);
    };
    let harness = builder
        .with_size(size)
        .with_context_setup(theme::install)
        .build_ui_state(show, moved);
    let folder = folder.to_owned();
    let mut window = Window { harness, folder };
    window.run_ok();
    window
}

fn tell(window: &mut Window, reports: impl IntoIterator<Item = Report>) {
    for report in reports {
        app(window).take(&report);
    }
    window.run_ok();
}

fn loaded() -> Report {
    let skill = |mode: &str, maps: &[MapKind]| Skill {
        mode: mode.to_owned(),
        maps: maps.to_vec(),
        sizes: vec![GRID.pixels()],
        default_size: Some(GRID.pixels()),
        needs_description: false,
        sampling: (mode == "predict").then_some(Sampling { cfg: 3.7, ..SAMPLING }),
    };
    Report::Loaded {
        model: "starter".to_owned(),
        seconds: 0.1,
        profile: Profile {
            note: None,
            sampling: Some(SAMPLING),
            skills: vec![
                skill("generate", &[]),
                skill("pair", &[MapKind::Canny]),
                skill("control", &[MapKind::Canny]),
                skill("predict", &[MapKind::Canny]),
                skill("subject", &[]),
                skill("edit", &[]),
            ],
            knows_starter_world: true,
            remark: None,
            device: "CPU · 2 threads".to_owned(),
            bytes: None,
            watchdog: None,
        },
    }
}

fn progress(task: u64, progress: Progress) -> Report {
    let task = TaskId(task);
    Report::Progress { task, progress }
}

/// The picture begun and `rows` of its rows.
fn rows(task: u64, count: u32) -> Vec<Report> {
    let started = Progress::Started {
        grid: GRID,
        panel: GRID.pixels(),
        sampling: SAMPLING,
        lookahead: 4,
        rows_forced: 0,
        to_draw: Vec::new(),
        reading: None,
    };
    let row = |row: u32| Progress::Row {
        candidate: 0,
        row,
        codes: vec![row; 4],
        guesses: Guesses {
            codes: vec![1, 2],
            preview: None,
        },
        preview: Pixels::filled(Size::new(32, 8), [40 * row as u8; 3]),
        tally: Tally {
            tokens: 4 * (row as usize + 1),
            forwards: row as usize + 1,
            seconds: f64::from(row + 1),
            ..Tally::default()
        },
    };
    let all = std::iter::once(started).chain((0..count).map(row));
    all.map(|told| progress(task, told)).collect()
}

fn finished(task: u64) -> Report {
    Report::Finished {
        task: TaskId(task),
        pictures: vec![Picture {
            // Each task has a colour of its own.
            pixels: Some(Pixels::filled(
                GRID.pixels(),
                [200, 80, 20 + 50 * (task % 4) as u8],
            )),
            lookahead: 4,
            ..Picture::of_codes(GRID, vec![3; 16], 5, SAMPLING)
        }],
    }
}

/// A window in which `a cat` is being drawn, two rows of four done.
fn painting(folder: &Path) -> Window {
    let mut window = window(folder, [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    app(&mut window).act(DraftAction::Set(Setting::Words("a cat".to_owned())));
    app(&mut window).act(RunAction::Draw);
    tell(&mut window, rows(0, 2));
    window
}

#[test]
fn a_fresh_start_waits_for_a_prompt_while_the_model_loads() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    assert!(has(&window, "Loading the model"));
    let prompt = window.get_by_role(Role::MultilineTextInput);
    assert!(prompt.is_focused());
    prompt.type_text("a cat");
    window.run_ok();
    assert_eq!(app(&mut window).studio.draft.prompt, "a cat");
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
    window.run_ok();
    assert_eq!(app(&mut window).studio.queue.len(), 1, "it waits for the model");
    tell(&mut window, [loaded()]);
    let run = app(&mut window).studio.run.as_ref().expect("a picture under way");
    assert_eq!(
        (run.order.request.prompt.as_str(), run.task),
        ("a cat", Some(TaskId(0)))
    );
}

#[test]
fn without_a_model_the_window_still_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(
        &mut window,
        [Report::LoadFailed(Failure::usage("there is no model at /x"))],
    );
    assert!(has(&window, "No model") && has(&window, "there is no model at /x"));
    assert!(matches!(app(&mut window).studio.model, Model::Failed(_)));
    app(&mut window).act(ViewAction::Page(crate::state::Page::Models));
    window.run_ok();
    window.get_by_label("Open a model file …");
    window.get_by_label("Back to the canvas").click();
    window.run_ok();
    assert!(has(&window, "Draw a fox on the beach"));
}

#[test]
fn every_mode_shows_what_it_needs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    for tab in Tab::ALL {
        window.get_by_label(tab.name()).click();
        window.run_ok();
        assert_eq!(app(&mut window).studio.draft.tab, tab);
    }
    let opened = |value| Opened {
        photo: Photo::new(
            "photo.png",
            Arc::new(Pixels::filled(Size::new(40, 30), [value; 3])),
        ),
        path: None,
        task: None,
    };
    let places = [
        (Target::Reference, "Subject 1: photo.png"),
        (Target::Map, "Open a map"),
        (Target::MapPhoto, "Weakest edge"),
        (Target::Predict, "Remove"),
        (Target::Canvas, "Turn 1: photo.png"),
    ];
    for (index, (target, words)) in places.into_iter().enumerate() {
        app(&mut window).act(Answer::Opened(Box::new(opened(index as u8)), target));
        window.run_ok();
        assert!(has(&window, words), "{target:?}");
    }
    app(&mut window).act(DraftAction::Paint(Paint::Invert));
    window.run_ok();
    assert!(has(&window, "100 % to redraw") && has(&window, "Outside the mask not one pixel changes."));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.run_ok();
    let undone = |window: &mut Window| {
        let turn = app(window).studio.draft.chain.current().expect("a source");
        turn.painting.steps_undone()
    };
    if undone(&mut window) == 0 {
        // The prompt had the keyboard.
        window.get_by_label("Undo").click();
        window.run_ok();
    }
    assert_eq!(undone(&mut window), 1);
}

#[test]
fn a_mode_shows_the_guidance_that_its_model_wants() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    window.get_by_label("Seed, guidance, speed").click();
    window.run_ok();
    let guidance = |window: &Window| {
        let number = window.get_by_label("Follow the prompt: a number");
        let value = number.accesskit_node().numeric_value();
        (value.expect("a number") * 10.0).round()
    };
    assert_eq!(guidance(&window), 15.0);
    window.get_by_label(Tab::Predict.name()).click();
    window.run_ok();
    assert_eq!(guidance(&window), 37.0);
}

#[test]
fn a_saved_picture_is_asked_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    let mut task = Task::new(crate::task::Mode::Generate, "a dog");
    task.seed = 77;
    let opened = Opened {
        photo: Photo::new("saved.png", Arc::new(Pixels::filled(GRID.pixels(), [3; 3]))),
        path: None,
        task: Some(Box::new(task)),
    };
    app(&mut window).act(Answer::Opened(Box::new(opened), Target::Canvas));
    window.run_ok();
    window.get_by_label("Use its settings").click();
    window.run_ok();
    let draft = &app(&mut window).studio.draft;
    assert_eq!((draft.prompt.as_str(), draft.seed), ("a dog", 77));
}

#[test]
fn the_smallest_window_cuts_nothing_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1024.0, 640.0]);
    tell(&mut window, [loaded()]);
    assert!(!has(&window, "Results"), "the strip folds away");
    for name in ["Draw", "Settings", "Shortcuts (?)", "Draw a penguin in the snow"] {
        let rect = window.get_by_label(name).rect();
        assert!(
            rect.min.x >= 0.0 && rect.max.x <= 1024.0 && rect.max.y <= 640.0,
            "{name}: {rect:?}"
        );
    }
    app(&mut window).act(ViewAction::Scheme(ColourScheme::Light));
    app(&mut window).act(ViewAction::Help);
    window.run_ok();
    assert!(has(&window, "Undo: mask, pictures, words, queue"));
    window.key_press(egui::Key::Escape);
    window.run_ok();
    assert!(!has(&window, "Undo: mask, pictures, words, queue"));
}

#[test]
fn a_window_opened_again_is_as_it_was_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = painting(folder.path());
    app(&mut first).act(DraftAction::Set(Setting::Words("typed last".to_owned())));
    app(&mut first).put_away();
    drop(first);
    let mut second = window(folder.path(), [1280.0, 800.0]);
    assert_eq!(app(&mut second).studio.draft.prompt, "typed last");
    assert!(has(&second, "Stopped at row 2 of 4"));
    tell(&mut second, [loaded()]);
    second.get_by_label("Resume").click();
    second.run_ok();
    let run = app(&mut second).studio.run.as_ref().expect("a picture under way");
    assert_eq!(run.order.request.resume, Some(vec![0, 0, 0, 0, 1, 1, 1, 1]));
}

/// The check that is made whenever a window comes to rest.
#[test]
#[should_panic(expected = "lack accessible name")]
fn a_widget_without_a_name_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let harness = Harness::builder().build_ui_state(
        |ui, _: &mut Option<App<Never>>| {
            // Goes on moving: the harness alone would not look.
            ui.ctx().request_repaint();
            ui.text_edit_singleline(&mut String::new());
        },
        None,
    );
    let folder = folder.path().to_owned();
    Window { harness, folder }.run_ok();
}

/// What a card says is what the picture behind it was drawn from.
#[test]
fn examples_carry_their_words_and_seeds() {
    for example in &super::pages::welcome::EXAMPLES {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("example.png");
        std::fs::write(&path, example.png).expect("a file");
        let task = crate::saved_picture::task_of(&path).expect("its settings");
        assert_eq!((task.prompt.as_str(), task.seed), (example.prompt, example.seed));
    }
}
