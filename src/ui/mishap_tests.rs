//! What goes wrong: engines that break off, files that are gone, disks that are full. Nothing that
//! was drawn is lost.

use super::test_window::{app, has, until};
use super::*;
use crate::engine_room::{EngineRoom, Make, ModelSource};
use crate::pixels::{Pixels, Size};
use crate::state::{Answer, DraftAction, FileAction, Page, Phase, RunAction, Setting, Target};
use crate::task::{
    Appraisal, Cancel, Device, Engine, Failure, Guesses, ImportStep, ImportWish, Picture, Progress, Sampling,
    Stop, Survey, Tally, Task,
};
use crate::token::Grid;
use egui_kittest::kittest::Queryable;
use std::path::Path;

const GRID: Grid = Grid { rows: 4, columns: 4 };
const SAMPLING: Sampling = Sampling {
    cfg: 1.5,
    top_k: 16,
    temperature: 0.9,
    top_n_sigma: None,
};

/// Draws as the prompt says: `panic` and `refused` after two rows, else to the end.
struct Drawer;

impl Engine for Drawer {
    fn run(
        &mut self,
        task: &Task,
        _: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Picture>, Stop> {
        progress(Progress::Started {
            grid: GRID,
            panel: GRID.pixels(),
            sampling: SAMPLING,
            lookahead: 4,
            rows_forced: 0,
            to_draw: Vec::new(),
            reading: None,
        });
        for row in 0..GRID.rows {
            match (row, task.prompt.as_str()) {
                (2, "panic") => panic!("memory allocation of 9 GB failed"),
                (2, "refused") => {
                    let words = "making the picture of its codes needs 9.0 GB of memory, 1.0 GB are free";
                    return Err(Stop::Failed(Failure::failed(words)));
                }
                _ => {}
            }
            progress(Progress::Row {
                candidate: 0,
                row,
                codes: vec![row + 1; 4],
                guesses: Guesses::default(),
                preview: Pixels::filled(Size::new(32, 8), [40 * row as u8; 3]),
                tally: Tally::default(),
            });
        }
        Ok(vec![Picture {
            pixels: Some(Pixels::filled(GRID.pixels(), [200, 80, 20])),
            lookahead: 4,
            ..Picture::of_codes(
                GRID,
                (0..16).map(|index| index / 4 + 1).collect(),
                task.seed,
                SAMPLING,
            )
        }])
    }
}

struct Atelier;

impl EngineRoom for Atelier {
    type Engine = Drawer;

    fn open(&self, _: &ModelSource) -> Result<Make<Drawer>, Failure> {
        Ok(Box::new(|| Ok(("starter".to_owned(), Drawer))))
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

type Window = test_window::Window<Atelier>;

fn window(places: &Places) -> Window {
    let mut window = test_window::open(places, [1280.0, 800.0], || Atelier);
    until(&mut window, |app| app.studio.profile().is_some());
    window
}

fn draw(window: &mut Window, prompt: &str) {
    app(window).act(DraftAction::Set(Setting::Words(prompt.to_owned())));
    app(window).act(RunAction::Draw);
}

fn interrupted(app: &App<Atelier>) -> bool {
    app.studio
        .run
        .as_ref()
        .is_some_and(|run| run.phase == Phase::Interrupted)
}

/// Rows of the picture that was under way when the window was left.
fn rows_found(places: &Places) -> Option<u32> {
    let mut store = crate::state::Store::open(&places.data).ok()?;
    store.load().run.map(|run| run.rows())
}

#[test]
fn an_engine_that_breaks_off_leaves_the_rows_and_a_page_that_says_why() {
    for (prompt, words) in [
        ("panic", "memory allocation of 9 GB failed"),
        ("refused", "1.0 GB are free"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let places = Places::below(folder.path());
        let mut window = window(&places);
        draw(&mut window, prompt);
        until(&mut window, interrupted);
        assert!(has(&window, "The picture could not be finished") && has(&window, words));
        assert_eq!(rows_found(&places), Some(2));
        window.get_by_label("More").click();
        window.run_ok();
        assert_eq!(app(&mut window).studio.page, Page::Mishaps);
        assert!(has(&window, "What went wrong") && has(&window, "Its rows are kept: Resume draws the rest."));
        let mishap = app(&mut window).studio.mishaps[0].clone();
        assert!(
            mishap.at.as_ref().is_some_and(|at| at.len() == 19),
            "{:?}",
            mishap.at
        );
        let said = super::pages::mishaps::details(&mishap, &app(&mut window).studio);
        assert!(said.contains(words) && said.contains(env!("CARGO_PKG_VERSION")));
        window
            .get_by_label("Copy details 1: The picture could not be finished")
            .click();
        window.run_ok();
        window.get_by_label("Clear the list").click();
        window.run_ok();
        assert!(has(&window, "Nothing so far"));
        // The engine lives: what is asked next is drawn.
        draw(&mut window, "a cat");
        until(&mut window, |app| {
            app.studio
                .outcomes
                .iter()
                .any(|outcome| outcome.path.is_some() && outcome.title == "a cat")
        });
    }
}

#[test]
fn a_file_that_is_gone_is_said_with_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(&Places::below(folder.path()));
    app(&mut window).act(FileAction::Open(folder.path().join("gone.png"), Target::Canvas));
    until(&mut window, |app| !app.studio.mishaps.is_empty());
    assert!(has(&window, "The picture cannot be read") && has(&window, "gone.png"));
    assert!(has(&window, "moved, renamed or deleted"));
}

#[test]
fn mishaps_are_kept_and_counted_up_to_a_bound() {
    let mut studio = crate::state::Studio::default();
    for index in 0..60 {
        for _ in 0..2 {
            studio.act(Answer::Failed(
                "It failed".into(),
                Failure::failed(format!("{index}")),
            ));
        }
    }
    studio.stamp_mishaps(|| "now".to_owned());
    assert_eq!(studio.mishaps.len(), 50);
    assert!(
        studio
            .mishaps
            .iter()
            .all(|mishap| mishap.times == 2 && mishap.at.as_deref() == Some("now"))
    );
    assert_eq!(studio.mishaps[0].reason, "59");
}

/// A folder that cannot be used: a file stands in its place.
#[test]
fn a_window_that_cannot_remember_draws_and_catches_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = Places::below(folder.path());
    std::fs::write(&places.data, "in the way").expect("a file");
    let mut window = window(&places);
    assert!(has(&window, "Nothing can be remembered"));
    draw(&mut window, "refused");
    until(&mut window, interrupted);
    assert_eq!(
        app(&mut window).studio.run.as_ref().map(|run| run.rows()),
        Some(2)
    );
    // In vain first.
    app(&mut window).write_again();
    assert_eq!(rows_found(&places), None);
    std::fs::remove_file(&places.data).expect("it goes");
    app(&mut window).write_again();
    assert_eq!(rows_found(&places), Some(2));
    assert!(
        app(&mut window)
            .studio
            .notices
            .iter()
            .any(|notice| notice.title.contains("remembers again"))
    );
}

/// Writing to it fails as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn rows_that_a_full_disk_refused_are_stored_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = Places::below(folder.path());
    let mut window = window(&places);
    let full = places.data.join("journal.rgb");
    std::os::unix::fs::symlink("/dev/full", &full).expect("a link");
    draw(&mut window, "refused");
    until(&mut window, interrupted);
    assert!(has(&window, "The rows cannot be stored as they come"));
    let mishaps = &app(&mut window).studio.mishaps;
    assert!(
        mishaps
            .iter()
            .any(|mishap| mishap.reason.contains("No space left")),
        "{mishaps:?}"
    );
    assert_eq!(rows_found(&places), None);
    app(&mut window).write_again();
    assert_eq!(rows_found(&places), None);
    std::fs::remove_file(&full).expect("room");
    app(&mut window).write_again();
    assert_eq!(rows_found(&places), Some(2));
    // And they can be finished.
    window.get_by_label("Resume").click();
    window.run_ok();
    assert_eq!(
        app(&mut window)
            .studio
            .run
            .as_ref()
            .and_then(|run| run.order.request.resume.clone())
            .map(|codes| codes.len()),
        Some(8)
    );
}

#[test]
fn a_picture_that_cannot_be_saved_waits_and_outlives_the_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = Places::below(folder.path());
    std::fs::write(&places.pictures, "in the way").expect("a file");
    let mut first = window(&places);
    draw(&mut first, "a cat");
    until(&mut first, |app| !app.studio.unkept.is_empty());
    assert!(has(&first, "The picture could not be saved") && has(&first, "Save again"));
    let said = app(&mut first).studio.mishaps.len();
    app(&mut first).write_again();
    // The answer of the second try has come when what is asked after it has.
    app(&mut first).act(FileAction::Open(folder.path().join("gone.png"), Target::Canvas));
    until(&mut first, |app| {
        app.studio
            .mishaps
            .iter()
            .any(|mishap| mishap.reason.contains("gone.png"))
    });
    assert_eq!(
        app(&mut first).studio.mishaps.len(),
        said + 1,
        "a try by itself says nothing"
    );
    assert_eq!(app(&mut first).studio.unkept.len(), 1);
    // Left so, it is drawn again from its codes at the next start.
    app(&mut first).put_away();
    drop(first);
    let mut store = crate::state::Store::open(&places.data).expect("a store");
    let waiting = store.load().queue;
    let order = waiting.orders().next().expect("it waits");
    assert_eq!(
        (
            order.request.prompt.as_str(),
            order.request.resume.as_ref().map(Vec::len)
        ),
        ("a cat", Some(16))
    );
    std::fs::remove_file(&places.pictures).expect("room");
    let mut second = window(&places);
    until(&mut second, |app| {
        app.studio.outcomes.iter().any(|outcome| outcome.path.is_some())
    });
    assert!(app(&mut second).studio.unkept.is_empty());
}

#[test]
fn room_on_the_disk_saves_what_waited() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = Places::below(folder.path());
    std::fs::write(&places.pictures, "in the way").expect("a file");
    let mut window = window(&places);
    draw(&mut window, "a cat");
    until(&mut window, |app| !app.studio.unkept.is_empty());
    std::fs::remove_file(&places.pictures).expect("room");
    app(&mut window).write_again();
    until(&mut window, |app| app.studio.unkept.is_empty());
    assert!(
        app(&mut window).studio.outcomes[0]
            .path
            .as_ref()
            .is_some_and(|path| path.is_file())
    );
}

/// Work in the background that panics: on the thread of files, and on one that waits for the user.
#[test]
fn after_a_panic_in_the_background_everything_is_saved_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = Places::below(folder.path());
    let mut window = window(&places);
    let panics = || -> Option<Answer> { panic!("scripted") };
    app(&mut window).files.errands.run(panics);
    app(&mut window).files.errands.wait_for(panics);
    until(&mut window, |app| {
        app.studio.mishaps.iter().any(|mishap| mishap.times == 2)
    });
    assert!(has(&window, "Something in the background broke off"));
    assert!(has(&window, "a fault of this program: scripted"));
    draw(&mut window, "a cat");
    until(&mut window, |app| {
        app.studio.outcomes.iter().any(|outcome| outcome.path.is_some())
    });
    app(&mut window).act(DraftAction::Set(Setting::Words(
        "a long and precious prompt".to_owned(),
    )));
    let stored = |places: &Places| {
        let mut store = crate::state::Store::open(&places.data).expect("a store");
        store.load().draft.prompt
    };
    until(&mut window, |_| stored(&places) == "a long and precious prompt");
}
