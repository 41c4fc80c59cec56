//! Models of the Hub on the models page, against a Hub on this machine.

#[path = "../../tests/fake_hub/mod.rs"]
mod fake_hub;

use super::model_tests::Shelf;
use super::test_window::{Window, app, has, open, until};
use super::*;
use crate::engine_room::HubRoom;
use crate::hub::{Settings, leftovers};
use crate::state::{HubAction, Import, Model, Page, ViewAction};
use egui_kittest::kittest::Queryable;
use fake_hub::{FakeHub, Fault, tiny};
use std::ffi::OsString;
use std::path::Path;

const NAME: &str = "tiny/lumina";

fn hub_room(hub: &FakeHub, folder: &Path) -> HubRoom {
    let variable = |name: &str| match name {
        "HF_ENDPOINT" => Some(OsString::from(hub.endpoint())),
        "HF_HOME" => Some(folder.join("hf").into()),
        _ => None,
    };
    let list = folder.join("models.json");
    let words = r#"{"models": [{"repository": "tiny/lumina", "title": "Tiny", "about": "For tests only.",
        "licence": "MIT", "bytes": 590000}]}"#;
    std::fs::write(&list, words).expect("a list");
    let mut settings = Settings::from(&variable).expect("settings");
    settings.patience.first_pause = std::time::Duration::from_millis(1);
    HubRoom::with(Ok(settings), Some(list))
}

fn window(hub: &FakeHub, folder: &Path) -> Window<Shelf> {
    let room = hub_room(hub, folder);
    let mut window = open(&Places::below(folder), [1280.0, 2000.0], move || {
        Shelf::with_hub(room.clone())
    });
    until(&mut window, |app| matches!(app.studio.model, Model::Ready { .. }));
    app(&mut window).act(ViewAction::Page(Page::Models));
    until(&mut window, |app| app.studio.models.hub.shelf.is_some());
    window
}

/// Not by the mouse: the page is longer than the window.
fn press(window: &mut Window<Shelf>, label: &str) {
    window.get_by_label(label).click_accesskit();
    window.run_ok();
}

fn cache(folder: &Path) -> std::path::PathBuf {
    folder.join("hf/hub")
}

fn is_whole(app: &App<Shelf>) -> bool {
    let hub = &app.studio.models.hub;
    let stored = hub.shelf.as_ref().and_then(|shelf| shelf.stored(NAME));
    hub.work.is_none() && stored.is_some_and(crate::task::Stored::is_whole)
}

#[test]
fn a_model_is_got_paused_gone_on_with_imported_verified_and_deleted() {
    let (hub, folder) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    hub.slow(150_000);
    let mut window = window(&hub, folder.path());
    for words in [
        "Alpha-VLLM/Lumina-mGPT-2.0-Omni",
        "ai-forever/MoVQGAN",
        "about 16.0 GB",
        "licence Apache-2.0",
        "For tests only.",
        "Not on this computer",
    ] {
        assert!(has(&window, words), "{words}");
    }
    press(&mut window, "Get tiny/lumina");
    until(&mut window, |app| {
        let work = app.studio.models.hub.work.as_ref();
        work.is_some_and(|work| work.step.done > 60_000 && work.step.rate > 0.0)
    });
    assert!(has(&window, "of 1 MB") && has(&window, "MB/s") && has(&window, "left"));
    assert!(has(&window, "of 7 files"));
    press(&mut window, "Pause the download");
    until(&mut window, |app| app.studio.models.hub.work.is_none());
    let repository = NAME.parse().expect("a name");
    assert!(leftovers(&cache(folder.path()), &repository) > 0);
    until(&mut window, |app| {
        let shelf = app.studio.models.hub.shelf.as_ref();
        shelf.and_then(|shelf| shelf.stored(NAME)).is_some()
    });
    assert!(has(&window, "of it are on this computer"));
    hub.slow(0);
    press(&mut window, "Go on tiny/lumina");
    until(&mut window, is_whole);
    assert!(
        hub.asked().iter().any(|asked| asked.range.is_some()),
        "it began anew"
    );
    // The import is offered by itself.
    until(&mut window, |app| {
        matches!(app.studio.models.import, Import::Planned(_))
    });
    assert!(has(&window, "Whole and checked."));
    press(&mut window, "Verify tiny/lumina");
    until(&mut window, |app| app.studio.models.hub.work.is_none());
    assert!(has(&window, "7 files are right"));
    // Deleted only when the question was answered.
    app(&mut window).act(HubAction::Delete(NAME.to_owned()));
    assert!(
        app(&mut window).studio.models.hub.work.is_none()
            && cache(folder.path()).join("models--tiny--lumina").exists()
    );
    press(&mut window, "Delete … tiny/lumina");
    assert!(has(&window, "Delete it? That frees 1 MB"));
    press(&mut window, "Keep it on this computer");
    assert!(!has(&window, "Delete it?"));
    press(&mut window, "Delete … tiny/lumina");
    press(&mut window, "Delete it from this computer");
    until(&mut window, |app| {
        let shelf = app.studio.models.hub.shelf.as_ref();
        shelf.is_some_and(|shelf| shelf.stored(NAME).is_none())
    });
    assert!(
        has(&window, "tiny/lumina is deleted") && !cache(folder.path()).join("models--tiny--lumina").exists()
    );
}

#[test]
fn a_cancel_throws_away_what_is_not_whole_and_a_failure_says_what_to_do() {
    let (hub, folder) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    hub.slow(150_000);
    let mut window = window(&hub, folder.path());
    press(&mut window, "Get tiny/lumina");
    until(&mut window, |app| {
        let work = app.studio.models.hub.work.as_ref();
        work.is_some_and(|work| work.step.done > 60_000)
    });
    press(&mut window, "Cancel the download");
    let repository = NAME.parse().expect("a name");
    until(&mut window, |app| {
        app.studio.models.hub.work.is_none() && leftovers(&cache(folder.path()), &repository) == 0
    });
    hub.slow(0);
    hub.plan("model-00001-of-00002.safetensors", Fault::Page, usize::MAX);
    app(&mut window).act(HubAction::Get(format!(" {NAME} ")));
    until(&mut window, |app| app.studio.models.hub.work.is_none());
    assert!(has(&window, "tiny/lumina did not come whole"));
    assert!(has(
        &window,
        "answered with a web page in the place of model-00001"
    ));
    // A name that is none is said, too.
    app(&mut window).act(HubAction::Get("not a name".to_owned()));
    until(&mut window, |app| app.studio.models.hub.work.is_none());
    assert!(has(&window, "write OWNER/NAME"));
}
