//! Rows in the window: marked and drawn again, steered, branches as a tree, starts to choose from.

use super::states::{act, auditioned, await_that, click, done, drawing};
use super::*;
use crate::state::{Origin, RowAction};
use crate::task::{Parent, Story};

const RULER: &str = "Ruler: the row from which to draw again";

fn opened(folder: &Path) -> Window {
    window(folder, [1280.0, 800.0])
}

#[test]
fn a_finished_picture_is_drawn_again_by_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    assert!(!has(&window, RULER), "nothing is there before there is a picture");
    done(&mut window);
    let ruler = window.get_by_label(RULER);
    ruler.focus();
    window.run_ok();
    window.key_press(egui::Key::ArrowUp);
    window.run_ok();
    assert_eq!(app(&mut window).studio.marked(), Some(3));
    assert!(has(&window, "Draw again from row 3"));
    window.key_press(egui::Key::Escape);
    window.run_ok();
    assert_eq!(app(&mut window).studio.marked(), None);
    for _ in 0..2 {
        window.key_press_modifiers(egui::Modifiers::ALT, egui::Key::ArrowUp);
        window.run_ok();
    }
    window.key_press_modifiers(egui::Modifiers::ALT, egui::Key::Enter);
    await_that(&mut window, |studio| studio.run.is_some());
    let studio = &app(&mut window).studio;
    let request = &studio.run.as_ref().expect("a branch").order.request;
    assert_eq!(request.resume.as_ref().map(Vec::len), Some(8));
    let parent = request.story.parent.as_ref().expect("what it branches off");
    let origin = studio.outcomes[0].origin.as_ref().expect("its origin");
    assert_eq!((&parent.picture, parent.from_row), (&origin.picture, 2));
}

#[test]
fn the_ruler_is_worked_with_the_mouse() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    done(&mut window);
    let rect = window.get_by_label(RULER).rect();
    let at = rect.min + egui::vec2(rect.width() / 2.0, rect.height() * 0.6);
    window.drag_at(at);
    window.run_ok();
    window.drop_at(at);
    window.run_ok();
    assert_eq!(app(&mut window).studio.marked(), Some(2));
    // Other words in the prompt are offered for the rest.
    act(&mut window, DraftAction::Set(Setting::Words("a dog".to_owned())));
    assert!(has(&window, "Its words") && has(&window, "a dog"));
    click(&mut window, "Take the mark away (Esc)");
    assert_eq!(app(&mut window).studio.marked(), None);
}

#[test]
fn a_picture_is_steered_while_it_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    drawing(&mut window);
    assert!(window.get_by_label("Steer it").accesskit_node().is_disabled());
    act(&mut window, DraftAction::Set(Setting::Words("a dog".to_owned())));
    click(&mut window, "Steer it");
    let pictures = vec![Picture::of_codes(GRID, vec![0, 0, 0, 0, 1, 1, 1, 1], 5, SAMPLING)];
    tell(
        &mut window,
        [Report::Cancelled {
            task: TaskId(0),
            pictures,
        }],
    );
    let run = app(&mut window).studio.run.as_ref().expect("the same picture");
    let bands = &run.order.request.story.bands;
    assert_eq!(
        (bands.len(), bands[0].from_row, bands[0].prompt.as_str()),
        (1, 2, "a dog")
    );
    let ruler = window.get_by_label(RULER);
    let told = ruler.accesskit_node().data().description().map(str::to_owned);
    assert!(told.expect("words").contains("From row 2: a dog"));
}

#[test]
fn branches_unfold_to_a_tree() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    done(&mut window);
    act(&mut window, RunAction::Draw);
    tell(&mut window, rows(1, 4).into_iter().chain([finished(1)]));
    await_that(&mut window, |studio| {
        studio.outcomes.iter().all(|outcome| outcome.path.is_some())
    });
    let studio = &mut app(&mut window).studio;
    let of = |origin: &Origin| Story {
        parent: Some(Parent {
            picture: origin.picture.clone(),
            from_row: 1,
        }),
        ..Story::default()
    };
    let parent = studio.outcomes[1].origin.clone().expect("its origin");
    studio.outcomes[0].origin = Some(Origin {
        story: of(&parent),
        picture: "child".to_owned(),
        ..parent
    });
    window.run_ok();
    let tiles = |window: &Window| window.query_all_by_label_contains("Result: a cat").count();
    assert_eq!(tiles(&window), 1, "folded");
    let fold = "Unfold 2 pictures drawn from each other: a cat";
    click(&mut window, fold);
    assert_eq!(tiles(&window), 2);
    let shown = app(&mut window).studio.shown_outcome().map(|outcome| outcome.id);
    let other = app(&mut window).studio.outcomes[1].id;
    let studio = &app(&mut window).studio;
    assert_eq!(studio.neighbour(shown.expect("a picture")), Some(other));
    click(&mut window, "Fold the branches of a cat");
    assert_eq!(tiles(&window), 1);
}

#[test]
fn starts_are_chosen_and_drawn_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = opened(folder.path());
    auditioned(&mut window);
    let seed = app(&mut window)
        .studio
        .run
        .as_ref()
        .expect("starts")
        .order
        .request
        .seed;
    click(&mut window, &format!("Start 3: seed {}", seed + 2));
    assert!(has(&window, "1 of 8 chosen"));
    click(&mut window, "Draw on");
    let run = app(&mut window).studio.run.as_ref().expect("a picture under way");
    let request = &run.order.request;
    assert_eq!((request.seed, request.candidates), (seed + 2, 1));
    assert_eq!(request.resume.as_ref().map(Vec::len), Some(4));
    act(&mut window, RowAction::Mark(0));
    assert!(has(&window, "Draw again from row 0"));
}
