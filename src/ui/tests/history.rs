//! The history page on a real folder of saved pictures, and what can be done with a result.

use super::*;
use crate::history::{Library, Moment};
use crate::saved_picture::{self, Saving};
use crate::state::{Errand, FileAction, Page, ResultAction, Verb, ViewAction, Which};
use egui::{Key, Modifiers};
use std::path::PathBuf;

/// A picture to be kept.
struct Kept {
    day: u32,
    second: u32,
    prompt: &'static str,
    seed: u64,
    rows: u32,
}

impl Kept {
    fn new(second: u32, prompt: &'static str) -> Self {
        Self {
            day: 20,
            second,
            prompt,
            seed: u64::from(second),
            rows: 4,
        }
    }

    /// Puts it where the program would have put it.
    fn keep(&self, folder: &Path) -> PathBuf {
        let now = Moment {
            year: 2025,
            month: 11,
            day: self.day,
            hour: 9,
            minute: 0,
            second: self.second,
        };
        let library = Library::new(&Places::below(folder));
        let path = library.place(&now, self.seed, self.prompt).expect("a place");
        self.save(&path);
        path
    }

    fn save(&self, path: &Path) {
        let task = Task {
            seed: self.seed,
            ..Task::new(crate::task::Mode::Generate, self.prompt)
        };
        let colour = [20 * self.second as u8, 90, 160];
        let picture = Picture {
            pixels: (self.rows == GRID.rows).then(|| Pixels::filled(GRID.pixels(), colour)),
            lookahead: 4,
            ..Picture::of_codes(
                GRID,
                vec![3; (self.rows * GRID.columns) as usize],
                self.seed,
                SAMPLING,
            )
        };
        let saving = Saving {
            task: &task,
            picture: &picture,
            preview: None,
            model: "starter",
        };
        saved_picture::save(path, &saving).expect("saved");
    }
}

/// Lets the threads behind the window work until something is so.
fn until(window: &mut Window, what: &str, is_so: impl Fn(&mut App<Never>) -> bool) {
    for () in patience() {
        if is_so(app(window)) {
            window.run_ok();
            return;
        }
        window.step();
    }
    panic!("never: {what}");
}

fn listed(window: &mut Window, count: usize) {
    until(window, &format!("{count} pictures are listed"), |app| {
        let album = &app.studio.album;
        album.looked == crate::state::Looked::Now && album.pieces.len() == count
    });
}

/// A loaded window with the history open, `count` pictures in it.
fn opened(folder: &Path, count: usize) -> Window {
    let mut window = window(folder, [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::H);
    window.run_ok();
    listed(&mut window, count);
    window
}

fn titles(window: &mut Window) -> Vec<String> {
    let pieces = &app(window).studio.album.pieces;
    pieces.iter().map(|piece| piece.title.clone()).collect()
}

fn focused(window: &Window) -> Option<String> {
    let mut all = window.query_all_by_label_contains("Kept: ");
    all.find(|node| node.is_focused())
        .and_then(|node| node.accesskit_node().label())
}

#[test]
fn kept_pictures_are_listed_by_day_and_found_by_words() {
    let folder = tempfile::tempdir().expect("a folder");
    Kept::new(1, "a red fox").keep(folder.path());
    Kept::new(2, "a fox by the sea").keep(folder.path());
    let old = Kept {
        day: 19,
        ..Kept::new(3, "an owl")
    };
    let old = old.keep(folder.path());
    std::fs::write(old.with_file_name("notes.txt"), "no picture").expect("a file");
    let mut window = opened(folder.path(), 3);
    assert_eq!(titles(&mut window), ["a fox by the sea", "a red fox", "an owl"]);
    assert!(has(&window, "3 pictures") && has(&window, "Thursday 20 November 2025"));
    assert!(has(&window, "Wednesday 19 November 2025") && has(&window, "Kept: an owl, seed 3"));
    let search = window.get_by_label("Search the prompts");
    assert!(search.is_focused());
    search.type_text("FOX sea");
    window.run_ok();
    listed(&mut window, 1);
    assert!(has(&window, "1 of 3 pictures") && !has(&window, "Kept: an owl"));
    app(&mut window).act(ResultAction::Ask(crate::state::Query {
        words: "unicorn".to_owned(),
        starred_only: false,
    }));
    listed(&mut window, 0);
    window.get_by_label("Show all pictures").click();
    window.run_ok();
    listed(&mut window, 3);
    let search = window.get_by_label("Search the prompts");
    search.focus();
    search.type_text("fox");
    window.run_ok();
    window.key_press(Key::Escape);
    window.run_ok();
    assert_eq!(app(&mut window).studio.page, Page::Canvas);
    // What was looked for is still there, and is replaced by what is typed.
    window.key_press_modifiers(Modifiers::COMMAND, Key::H);
    window.run_ok();
    assert_eq!(app(&mut window).studio.album.query.words, "fox");
    window.get_by_label("Search the prompts").type_text("owl");
    window.run_ok();
    listed(&mut window, 1);
    assert_eq!(titles(&mut window), ["an owl"]);
}

#[test]
fn an_empty_history_says_what_will_be_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path(), 0);
    assert!(has(&window, "Nothing has been drawn yet"));
    Kept::new(1, "a fox").keep(folder.path());
    window.get_by_label("Look at the folder again").click();
    window.run_ok();
    listed(&mut window, 1);
    assert!(has(&window, "Kept: a fox, seed 1"));
}

#[test]
fn stars_are_given_taken_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let fox = Kept::new(1, "a fox").keep(folder.path());
    Kept::new(2, "an owl").keep(folder.path());
    let mut window = opened(folder.path(), 2);
    window.get_by_label("Star: a fox").click();
    window.run_ok();
    assert!(has(&window, "Take the star away: a fox"));
    window.get_by_label("Starred only").click();
    window.run_ok();
    listed(&mut window, 1);
    assert_eq!(titles(&mut window), ["a fox"]);
    drop(window);
    let starred = Library::new(&Places::below(folder.path())).starred();
    assert_eq!(starred, [fox]);
    let mut window = opened(folder.path(), 2);
    window.get_by_label("Take the star away: a fox").click();
    window.run_ok();
    drop(window);
    assert!(Library::new(&Places::below(folder.path())).starred().is_empty());
}

#[test]
fn the_keyboard_alone_reaches_every_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    for second in 1..=9 {
        Kept::new(second, "a fox").keep(folder.path());
    }
    let mut window = opened(folder.path(), 9);
    let press = |window: &mut Window, key| {
        window.key_press(key);
        window.run_ok();
        focused(window)
    };
    let kept = |seed: u32| Some(format!("Kept: a fox, seed {seed}"));
    assert_eq!(
        press(&mut window, Key::ArrowDown),
        kept(9),
        "from the search field"
    );
    assert_eq!(press(&mut window, Key::ArrowRight), kept(8));
    assert_eq!(press(&mut window, Key::End), kept(1));
    assert_eq!(press(&mut window, Key::ArrowRight), kept(1));
    assert_eq!(press(&mut window, Key::Home), kept(9));
    let corner = |window: &Window, name: &str| window.get_by_label(name).rect().min;
    let first = corner(&window, "Kept: a fox, seed 9");
    let below = press(&mut window, Key::ArrowDown).expect("a picture below");
    let below = corner(&window, &below);
    assert!(below.x == first.x && below.y > first.y, "{below} below {first}");
    assert_eq!(press(&mut window, Key::ArrowUp), kept(9));
    // Enter shows it: the same picture, on the canvas.
    press(&mut window, Key::Enter);
    until(&mut window, "it is on the canvas", |app| {
        let studio = &app.studio;
        matches!(studio.shown, Shown::Outcome(id) if studio.outcome(id).is_some_and(|it| it.pixels.is_some()))
    });
    let studio = &app(&mut window).studio;
    assert_eq!(
        (studio.page, studio.guests.len(), studio.outcomes.len()),
        (Page::Canvas, 1, 0)
    );
    assert_eq!(studio.guests[0].seed, 9);
    assert!(has(&window, "Edit this") && has(&window, "Move to trash") && has(&window, "Show in folder"));
}

#[test]
fn what_comes_and_goes_on_disk_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let fox = Kept::new(1, "a fox").keep(folder.path());
    let owl = Kept::new(2, "an owl").keep(folder.path());
    let mut window = opened(folder.path(), 2);
    std::fs::remove_file(&fox).expect("removed");
    Kept::new(3, "a robot").keep(folder.path());
    app(&mut window).act(ViewAction::Regained);
    until(&mut window, "the folder was looked at again", |app| {
        app.studio
            .album
            .pieces
            .iter()
            .any(|piece| piece.title == "a robot")
    });
    assert_eq!(titles(&mut window), ["a robot", "an owl"]);
    // Gone between the look and the click.
    std::fs::remove_file(&owl).expect("removed");
    window.get_by_label_contains("Kept: an owl").click();
    window.run_ok();
    until(&mut window, "it is said", |app| {
        app.studio
            .notices
            .iter()
            .any(|notice| notice.title == "The picture is gone")
    });
    assert_eq!(titles(&mut window), ["a robot"]);
    assert_eq!(app(&mut window).studio.shown, Shown::Welcome);
}

#[test]
fn a_result_whose_file_went_says_so_and_can_leave_the_strip() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = painting(folder.path());
    tell(&mut first, rows(0, 4).into_iter().chain([finished(0)]));
    until(&mut first, "it is kept", |app| {
        app.studio.outcomes[0].path.is_some()
    });
    let path = app(&mut first).studio.outcomes[0].path.clone().expect("a path");
    app(&mut first).put_away();
    drop(first);
    // What was kept today stands in the strip again, read from its file.
    let mut again = window(folder.path(), [1280.0, 800.0]);
    assert!(has(&again, "Result: a cat, seed 5"));
    app(&mut again).put_away();
    drop(again);
    std::fs::remove_file(path).expect("removed");
    let mut second = window(folder.path(), [1280.0, 800.0]);
    until(&mut second, "it is missed", |app| app.studio.outcomes[0].gone);
    second.get_by_label("Result: a cat, seed 5, gone").click();
    second.run_ok();
    assert!(has(&second, "The picture is gone"));
    second.get_by_label("Take it off the strip").click();
    second.run_ok();
    assert!(app(&mut second).studio.outcomes.is_empty() && !has(&second, "The picture is gone"));
}

#[test]
fn a_stopped_picture_is_marked_and_can_be_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let stopped = Kept {
        rows: 2,
        ..Kept::new(7, "a fox")
    };
    let path = stopped.keep(folder.path());
    let mut window = opened(folder.path(), 1);
    let tile = window.get_by_label("Kept: a fox, seed 7, stopped");
    tile.click_secondary();
    window.run_ok();
    window.get_by_label("Use its settings").click();
    window.run_ok();
    until(&mut window, "its settings are there", |app| {
        app.studio.draft.seed == 7
    });
    assert!(
        app(&mut window).studio.run.is_none(),
        "settings alone draw nothing"
    );
    app(&mut window).act(ResultAction::Do(Which::Kept(path), Verb::Finish));
    until(&mut window, "it goes on", |app| app.studio.run.is_some());
    let run = app(&mut window).studio.run.as_ref().expect("a run");
    assert_eq!(run.order.request.resume.as_ref().map(Vec::len), Some(8));
    assert_eq!(run.order.request.prompt, "a fox");
}

#[test]
fn pictures_are_copied_and_saved_elsewhere_from_their_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let from = Kept::new(5, "a fox").keep(folder.path());
    let mut window = opened(folder.path(), 1);
    app(&mut window).act(ResultAction::Do(Which::Kept(from.clone()), Verb::Copy));
    let mut copied = None;
    for () in patience() {
        window.step();
        let commands = &window.output().platform_output.commands;
        copied = commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyImage(image) => Some(image.clone()),
            _ => None,
        });
        if copied.is_some() {
            break;
        }
    }
    let image = copied.expect("a picture in the clipboard");
    assert_eq!(
        (image.size, image.pixels[0]),
        ([32, 32], egui::Color32::from_rgb(100, 90, 160))
    );
    let to = folder.path().join("elsewhere.png");
    std::fs::write(&to, "something that was there").expect("a file");
    app(&mut window).act(ResultAction::SaveCopy {
        from: from.clone(),
        to: to.clone(),
    });
    drop(window);
    assert_eq!(
        std::fs::read(&to).expect("the copy"),
        std::fs::read(&from).expect("the picture")
    );
    let task = saved_picture::task_of(&to).expect("its settings");
    assert_eq!((task.prompt.as_str(), task.seed), ("a fox", 5));
}

#[test]
fn a_copy_that_cannot_be_saved_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let from = Kept::new(5, "a fox").keep(folder.path());
    let mut window = opened(folder.path(), 1);
    let to = folder.path().join("no/such/folder.png");
    app(&mut window).act(ResultAction::SaveCopy { from, to });
    until(&mut window, "it is said", |app| !app.studio.notices.is_empty());
    assert!(has(&window, "The copy was not saved") && has(&window, "it cannot be copied"));
}

#[test]
fn two_pictures_of_the_history_are_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let fox = Kept::new(1, "a fox").keep(folder.path());
    let owl = Kept::new(2, "an owl").keep(folder.path());
    let mut window = opened(folder.path(), 2);
    app(&mut window).act(ResultAction::Do(Which::Kept(fox), Verb::Show));
    app(&mut window).act(ResultAction::Do(Which::Kept(owl), Verb::Compare));
    until(&mut window, "both are read", |app| {
        app.studio
            .guests
            .iter()
            .filter(|guest| guest.pixels.is_some())
            .count()
            == 2
    });
    assert!(app(&mut window).canvas.is_comparing());
    window.get_by_label("Compare").click();
    window.run_ok();
    assert!(!app(&mut window).canvas.is_comparing());
    assert_eq!(app(&mut window).studio.compared, None);
}

#[test]
fn many_pictures_cost_what_is_in_sight() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Kept::new(1, "a fox").keep(folder.path());
    for index in 0..700 {
        let name = format!("100000-{index}-a-fox.png");
        std::fs::hard_link(&first, first.with_file_name(name)).expect("a link");
    }
    let mut window = opened(folder.path(), 701);
    let tiles = |window: &Window| window.query_all_by_label_contains("Kept: ").count();
    assert!((10..60).contains(&tiles(&window)), "{}", tiles(&window));
    window.key_press(Key::ArrowDown);
    window.run_ok();
    window.key_press(Key::End);
    window.run_ok();
    assert_eq!(focused(&window).as_deref(), Some("Kept: a fox, seed 1"));
    assert!(tiles(&window) < 60);
}

#[test]
fn a_narrow_window_has_the_history_in_its_top_bar() {
    let folder = tempfile::tempdir().expect("a folder");
    Kept::new(1, "a fox").keep(folder.path());
    let mut window = window(folder.path(), [1024.0, 640.0]);
    tell(&mut window, [loaded()]);
    window.get_by_label("History (Ctrl+H)").click();
    window.run_ok();
    listed(&mut window, 1);
    for name in [
        "Starred only",
        "Back to the canvas (Esc)",
        "Kept: a fox, seed 1",
        "Search the prompts",
    ] {
        let rect = window.get_by_label(name).rect();
        assert!(
            rect.min.x >= 0.0 && rect.max.x <= 1024.0 && rect.max.y <= 640.0,
            "{name}: {rect:?}"
        );
    }
}

/// The trash belongs to the whole user account: this test runs itself in a process of its own that
/// has another one.
#[cfg(target_os = "linux")]
#[test]
fn the_trash_gives_pictures_back() {
    const MARK: &str = "LUMINA_STUDIO_TEST_WINDOW_TRASH";
    let Some(home) = std::env::var_os(MARK) else {
        let home = tempfile::tempdir().expect("a folder");
        let output = std::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "ui::tests::history::the_trash_gives_pictures_back"])
            .env(MARK, home.path())
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path().join("share"))
            .output()
            .expect("a run");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    };
    let folder = Path::new(&home);
    let paths = [1, 2, 3].map(|second| Kept::new(second, "a fox").keep(folder));
    let mut window = opened(folder, 3);
    for key in [Key::ArrowDown, Key::ArrowRight, Key::Delete] {
        window.key_press(key);
        window.run_ok();
    }
    listed(&mut window, 2);
    assert!(!paths[1].exists() && has(&window, "Moved to the trash"));
    assert_eq!(
        focused(&window).as_deref(),
        Some("Kept: a fox, seed 1"),
        "the next one has the keyboard"
    );
    window.key_press(Key::Delete);
    window.run_ok();
    listed(&mut window, 1);
    assert!(has(&window, "2 pictures"), "one notice for both");
    window.get_by_label("Undo").click();
    window.run_ok();
    listed(&mut window, 3);
    assert!(paths.iter().all(|path| path.exists()) && !has(&window, "Moved to the trash"));

    // Where the trash cannot be used, the picture stays.
    let trash = folder.join("share/Trash");
    std::fs::remove_dir_all(&trash).expect("removed");
    std::fs::write(&trash, "a file in its place").expect("a file");
    app(&mut window).act(ResultAction::Do(Which::Kept(paths[0].clone()), Verb::Trash));
    until(&mut window, "it is said", |app| !app.studio.notices.is_empty());
    assert!(has(&window, "It was not moved to the trash") && has(&window, "It stays where it is"));
    assert!(paths[0].exists());
}

/// A file as the desktop drops it.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

/// A PNG with one text inside.
fn foreign(folder: &Path, keyword: &str, text: &str) -> PathBuf {
    let path = folder.join(format!("{}.png", text.len()));
    let file = std::fs::File::create(&path).expect("a file");
    let mut encoder = png::Encoder::new(file, 2, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder
        .add_itxt_chunk(keyword.to_owned(), text.to_owned())
        .expect("a text");
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&[1, 2]).expect("pixels");
    writer.finish().expect("an end");
    path
}

#[test]
fn pictures_of_other_programs_give_prompt_seed_and_size() {
    let webui = "a fox\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, Seed: 77, Size: 768x512, Model: m";
    let swarm = r#"{"sui_image_params": {"prompt": "a fox", "seed": 77, "width": 768, "height": 512}}"#;
    let comfy = r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 77, "positive": ["6", 0],
        "latent_image": ["5", 0]}}, "5": {"class_type": "EmptyLatentImage",
        "inputs": {"width": 768, "height": 512}}, "6": {"class_type": "CLIPTextEncode",
        "inputs": {"text": "a fox"}}}"#;
    let invoke =
        r#"{"app_version": "5.0.0", "positive_prompt": "a fox", "seed": 77, "width": 768, "height": 512}"#;
    let texts = [
        ("parameters", webui),
        ("parameters", swarm),
        ("prompt", comfy),
        ("invokeai_metadata", invoke),
    ];
    for (keyword, text) in texts {
        let folder = tempfile::tempdir().expect("a folder");
        let path = foreign(folder.path(), keyword, text);
        let mut window = window(folder.path(), [1280.0, 800.0]);
        window.input_mut().dropped_files.push(Arc::new(Dropped(path)));
        window.run_ok();
        until(&mut window, "it is asked about", |app| app.studio.offer.is_some());
        window.get_by_label("Use its settings").click();
        window.run_ok();
        let draft = &app(&mut window).studio.draft;
        let found = (draft.prompt.as_str(), draft.seed, draft.size());
        assert_eq!(
            found,
            ("a fox", 77, Some(Size::new(768, 512))),
            "{keyword}: {text}"
        );
        assert_eq!(draft.tab, Tab::Create);
    }
}

#[test]
fn a_size_this_model_was_not_made_for_becomes_the_nearest() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "a fox\nSteps: 20, Seed: 77, Size: 768x512, Model: m";
    let path = foreign(folder.path(), "parameters", text);
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    app(&mut window).act(FileAction::Open(path, Target::Settings));
    until(&mut window, "its settings are there", |app| {
        app.studio.draft.seed == 77
    });
    assert_eq!(app(&mut window).studio.draft.size(), Some(GRID.pixels()));
    assert!(has(&window, "This model was not made for 768x512"));
}

/// What the desktop does is asked for, not done here.
#[test]
fn every_verb_asks_for_its_errand() {
    let mut studio = crate::state::Studio::default();
    let path = PathBuf::from("/pictures/2025-11-20/a.png");
    let mut errand = |verb| {
        let effects = studio.act(ResultAction::Do(Which::Kept(path.clone()), verb));
        match effects.as_slice() {
            [crate::state::Effect::Errand(errand)] => Some(errand.clone()),
            _ => None,
        }
    };
    assert_eq!(errand(Verb::Reveal), Some(Errand::Reveal(path.clone())));
    assert_eq!(errand(Verb::OpenOutside), Some(Errand::OpenOutside(path.clone())));
    assert_eq!(errand(Verb::SaveAs), Some(Errand::SaveAs(path.clone())));
    assert_eq!(errand(Verb::Copy), Some(Errand::ReadToCopy(path.clone())));
    assert_eq!(errand(Verb::Trash), Some(Errand::Trash(path.clone())));
}
