//! What is chosen on the settings page holds at once, and is there again at the next start.

use super::states::{act, await_that};
use super::*;
use crate::state::{Page, PreferenceAction};
use crate::task::{LogLevel, Naming};

#[test]
fn pictures_go_where_they_are_wanted_under_the_names_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = painting(folder.path());
    let elsewhere = folder.path().join("elsewhere");
    act(&mut window, PreferenceAction::Pictures(Some(elsewhere.clone())));
    act(&mut window, PreferenceAction::Naming(Naming::TimeSeed));
    tell(&mut window, [finished(0)]);
    await_that(&mut window, |studio| {
        studio
            .outcomes
            .first()
            .is_some_and(|outcome| outcome.path.is_some())
    });
    let path = app(&mut window).studio.outcomes[0].path.clone().expect("kept");
    assert!(path.starts_with(&elsewhere) && path.is_file(), "{path:?}");
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.ends_with("-5.png") && !name.contains("cat"), "{name}");
    // The history shows that folder.
    act(&mut window, ViewAction::Page(Page::History));
    await_that(&mut window, |studio| studio.album.pieces.len() == 1);
    // Back to the system's own.
    act(&mut window, PreferenceAction::Pictures(None));
    act(&mut window, ViewAction::Page(Page::History));
    await_that(&mut window, |studio| studio.album.pieces.is_empty());

    act(&mut window, PreferenceAction::Log(LogLevel::Errors));
    app(&mut window).put_away();
    drop(window);
    let mut again = super::window(folder.path(), [1280.0, 800.0]);
    let preferences = &app(&mut again).studio.preferences;
    assert_eq!(
        (preferences.naming, preferences.log),
        (Naming::TimeSeed, LogLevel::Errors)
    );
}

#[test]
fn diagnostics_are_one_file_that_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = painting(folder.path());
    act(&mut window, PreferenceAction::CollectDiagnostics);
    await_that(&mut window, |studio| {
        studio
            .notices
            .iter()
            .any(|notice| notice.title == "Diagnostics are collected")
    });
    let notice = app(&mut window).studio.notices.last().expect("a word").clone();
    let text = std::fs::read_to_string(&notice.reason).expect("the file it names");
    assert!(
        text.contains("Lumina Studio") && text.contains("model: starter"),
        "{text}"
    );
    assert!(!text.contains("a cat"), "the prompt stays here: {text}");
    assert!(has(&window, "Show in folder"));
}
