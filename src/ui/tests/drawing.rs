//! Pictures asked for, drawn, finished and broken off, as the window tells it.

use super::*;

#[test]
fn chips_stand_whole_in_as_many_rows_as_they_need() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    let words = "two bananas and a red kite".to_owned();
    states::act(&mut window, DraftAction::Set(Setting::Words(words)));
    window.run_ok();
    let chips = ["two", "banana", "red", "kite", "white"].map(|chip| window.get_by_label(chip).rect());
    assert!(chips.iter().all(|chip| chip.height() < 24.0), "{chips:?}");
    assert!(
        chips[4].top() > chips[0].bottom() && chips[4].left() == chips[0].left(),
        "{chips:?}"
    );
}

#[test]
fn what_the_starter_cannot_draw_is_not_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    states::act(
        &mut window,
        DraftAction::Set(Setting::Words("a portrait of my mother".to_owned())),
    );
    states::act(&mut window, RunAction::Draw);
    let studio = &app(&mut window).studio;
    assert!(studio.run.is_none() && studio.queue.is_empty());
    assert!(
        studio
            .notices
            .iter()
            .any(|notice| notice.title == "The starter cannot draw this")
    );
    states::act(&mut window, DraftAction::Set(Setting::AsTyped(true)));
    states::act(&mut window, RunAction::Draw);
    assert!(app(&mut window).studio.run.is_some());
}

#[test]
fn what_is_typed_just_before_ctrl_enter_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    window.get_by_role(Role::MultilineTextInput).type_text("a cat");
    window.run_ok();
    // A slow frame: both arrive together.
    window.input_mut().events.extend([
        egui::Event::Text(" at night".to_owned()),
        egui::Event::Key {
            key: egui::Key::Enter,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: egui::Modifiers::COMMAND,
        },
    ]);
    window.run_ok();
    let run = app(&mut window).studio.run.as_ref().expect("a picture under way");
    assert_eq!(run.order.request.prompt, "a cat at night");
}

#[test]
fn one_click_draws_an_example_with_its_seed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    assert!(has(&window, "Starter · 32 px") && has(&window, "CPU · 2 threads"));
    window.get_by_label("Draw a fox on the beach").click();
    window.run_ok();
    let run = app(&mut window).studio.run.as_ref().expect("a picture under way");
    assert_eq!(run.order.request.seed, pages::welcome::EXAMPLES[0].seed);
    assert_eq!(
        (run.order.request.sampling.cfg, run.order.request.size),
        (None, None)
    );
}

#[test]
fn rows_are_told_and_the_three_verbs_are_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = painting(folder.path());
    assert!(has(&window, "Row 2 of 4") && has(&window, "4.0 per step") && has(&window, "done at"));
    for verb in ["Pause", "Keep", "Discard"] {
        window.get_by_label(verb);
    }
    tell(&mut window, [progress(0, Progress::Paused)]);
    assert!(has(&window, "Paused at row 2 of 4"));
    window.get_by_label("Resume").click();
    window.run_ok();
    tell(
        &mut window,
        [progress(0, Progress::Resumed), progress(0, Progress::Decoding)],
    );
    assert!(has(&window, "Finishing the picture"));
    window.get_by_label("Discard").click();
    window.run_ok();
    let pictures = Vec::new();
    tell(
        &mut window,
        [Report::Cancelled {
            task: TaskId(0),
            pictures,
        }],
    );
    assert_eq!(app(&mut window).studio.shown, Shown::Welcome);
}

#[test]
fn a_finished_picture_is_shown_and_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = painting(folder.path());
    tell(&mut window, rows(0, 4).into_iter().chain([finished(0)]));
    states::await_that(&mut window, |studio| studio.outcomes[0].path.is_some());
    assert!(has(&window, "Result: a cat") && has(&window, "saved in"));
    let path = app(&mut window).studio.outcomes[0].path.clone().expect("a path");
    let task = crate::saved_picture::task_of(&path).expect("its settings");
    assert_eq!((task.prompt.as_str(), task.seed), ("a cat", 5));
    assert_eq!(crate::picture::read(&path).expect("a PNG").size(), GRID.pixels());
    assert!(path.starts_with(Places::below(folder.path()).pictures));
}

#[test]
fn what_fails_is_said_with_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = painting(folder.path());
    let failure = Failure::failed("the memory is full");
    tell(
        &mut window,
        [Report::Failed {
            task: TaskId(0),
            failure,
        }],
    );
    assert!(has(&window, "The picture could not be finished") && has(&window, "the memory is full"));
    window.get_by_label("Copy details");
    assert_eq!(
        app(&mut window).studio.run.as_ref().map(|run| run.phase),
        Some(Phase::Interrupted)
    );
    assert!(has(&window, "Stopped at row 2 of 4"));
    {
        let dismiss = window.get_all_by_role(Role::Button);
        let mut dismiss = dismiss.filter(|node| {
            node.accesskit_node()
                .label()
                .is_some_and(|name| name.starts_with("Dismiss"))
        });
        dismiss.next_back().expect("a way to dismiss it").click();
    }
    window.run_ok();
    assert!(!has(&window, "the memory is full"));
}

#[test]
fn the_queue_can_be_rearranged() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = painting(folder.path());
    for prompt in ["a fox", "an owl", "a frog"] {
        app(&mut window).act(DraftAction::Set(Setting::Words(prompt.to_owned())));
        app(&mut window).act(RunAction::Draw);
    }
    window.run_ok();
    assert!(has(&window, "Queue · 3"));
    window.get_by_label("Waiting 3: a frog").click();
    window.run_ok();
    window.get_by_label("To the front").click();
    window.run_ok();
    window.get_by_label("Remove: 2 a fox").click();
    window.run_ok();
    let left = app(&mut window)
        .studio
        .queue
        .orders()
        .map(|order| order.request.prompt.clone());
    assert_eq!(left.collect::<Vec<_>>(), ["a frog", "an owl"]);
}

fn waiting(window: &mut Window) -> Vec<String> {
    let orders = app(window).studio.queue.orders();
    orders.map(|order| order.request.prompt.clone()).collect()
}

/// Too narrow for the strip: the queue is counted at the top, unfolded there, dragged into another
/// order, cleared and taken back.
#[test]
fn a_narrow_window_has_its_queue() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1000.0, 700.0]);
    tell(&mut window, [loaded()]);
    for prompt in [
        "a cat",
        "a wide lighthouse in a storm at night",
        "an owl",
        "a frog",
    ] {
        states::act(&mut window, DraftAction::Set(Setting::Words(prompt.to_owned())));
        states::act(&mut window, RunAction::Draw);
    }
    window.get_by_label("Pictures and queue (3 waiting)").click();
    window.run_ok();
    let rows = [
        "Waiting 1: a wide lighthouse in a storm at night",
        "Waiting 2: an owl",
        "Waiting 3: a frog",
    ]
    .map(|name| window.get_by_label(name).rect());
    // All begin at one place, and there is room for more than five letters.
    assert!(
        rows.iter()
            .all(|row| row.left() == rows[0].left() && row.width() > 90.0),
        "{rows:?}"
    );
    assert!(rows[0].left() > 800.0 && rows[2].right() < 1000.0 && rows[2].bottom() < 700.0);

    window.drag_at(rows[0].center());
    window.run_ok();
    window.hover_at(rows[2].center() + egui::vec2(0.0, 6.0));
    window.run_ok();
    window.drop_at(rows[2].center() + egui::vec2(0.0, 6.0));
    window.run_ok();
    let lighthouse = "a wide lighthouse in a storm at night";
    assert_eq!(waiting(&mut window), ["an owl", "a frog", lighthouse]);

    window.get_by_label("Clear the queue").click();
    window.run_ok();
    assert!(waiting(&mut window).is_empty() && has(&window, "The queue was cleared"));
    window.get_by_label("Undo").click();
    window.run_ok();
    assert_eq!(waiting(&mut window), ["an owl", "a frog", lighthouse]);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.run_ok();
    assert_eq!(waiting(&mut window), [lighthouse, "an owl", "a frog"]);
}

/// A notice stands at the foot of the left column, whatever its length: no picture is under it.
#[test]
fn notices_cover_no_picture() {
    for size in [[1280.0, 800.0], [1024.0, 640.0]] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut window = window(folder.path(), size);
        states::drawing(&mut window);
        let canvas = window.get_by_label("Canvas").rect();
        let title = "A title that is much longer than the column is wide and needs three lines of it";
        app(&mut window)
            .studio
            .notify(crate::state::Tone::Error, title, "why", "what to do");
        window.run_ok();
        let (notice, dismiss) = (
            window.get_by_label(title).rect(),
            window.get_by_label(&format!("Dismiss: {title}")).rect(),
        );
        assert!(notice.right() <= canvas.left(), "{notice:?} over {canvas:?}");
        assert!(dismiss.right() <= canvas.left() && dismiss.left() >= notice.left());
        assert!(notice.height() > 30.0, "in several lines: {notice:?}");
        assert_eq!(window.get_by_label("Canvas").rect(), canvas, "nothing moves");
        let pause = window.get_by_label("Pause").rect();
        assert!(window.get_by_label("Copy details").rect().bottom() <= pause.top());
    }
}

#[test]
fn a_finished_part_takes_the_place_of_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = painting(folder.path());
    states::act(&mut window, RunAction::Keep);
    let pictures = Vec::new();
    let task = TaskId(0);
    tell(&mut window, [Report::Cancelled { task, pictures }]);
    states::await_that(&mut window, |studio| studio.outcomes[0].path.is_some());
    let (part, file) = {
        let outcome = &app(&mut window).studio.outcomes[0];
        (outcome.id, outcome.path.clone().expect("a path"))
    };
    // No grey below the last row.
    assert_eq!(
        crate::picture::read(&file).expect("a PNG").size(),
        Size::new(32, 16)
    );
    window.get_by_label("Finish it").click();
    window.run_ok();
    states::await_that(&mut window, |studio| studio.run.is_some());
    tell(&mut window, rows(1, 4).into_iter().chain([finished(1)]));
    states::await_that(&mut window, |studio| studio.outcomes[0].path.is_some());
    let studio = &app(&mut window).studio;
    assert_eq!(studio.outcomes.len(), 1);
    assert_ne!(studio.outcomes[0].id, part);
    assert_eq!(studio.outcomes[0].path.as_ref(), Some(&file));
    assert_eq!(crate::picture::read(&file).expect("a PNG").size(), GRID.pixels());
    let day = file.parent().expect("a folder of the day");
    assert_eq!(std::fs::read_dir(day).expect("its files").count(), 1);
}

#[test]
fn the_button_above_the_verbs_says_what_ctrl_enter_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = painting(folder.path());
    window.get_by_label("Draw another after it");
    let failure = Failure::failed("the memory is full");
    let task = TaskId(0);
    tell(&mut window, [Report::Failed { task, failure }]);
    window.get_by_label("Keep it and draw another");
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
    window.run_ok();
    let studio = &app(&mut window).studio;
    assert_eq!(studio.outcomes[0].ended, crate::state::Ended::Stopped);
    assert_eq!(studio.run.as_ref().map(|run| run.phase), Some(Phase::Starting));
}

#[test]
fn how_many_pictures_and_the_best_of_how_many_is_asked_beside_draw() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), [1280.0, 800.0]);
    tell(&mut window, [loaded()]);
    let asked = |window: &mut Window| {
        let draft = &app(window).studio.draft;
        (draft.batch, draft.candidates)
    };
    for (name, expected) in [
        ("1 of 4", (1, 4)),
        ("× 2", (2, 1)),
        ("1 of 8", (1, 8)),
        ("× 1", (1, 1)),
    ] {
        window.get_by_role(Role::ComboBox).click();
        window.run_ok();
        window.get_by_label(name).click();
        window.run_ok();
        assert_eq!(asked(&mut window), expected);
    }
}
