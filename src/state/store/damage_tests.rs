//! Files that cannot be read, or not all of them: the window opens, the rest is there, and what was
//! damaged is too.

use super::tests::{Life, case, load};
use super::*;
use crate::state::RunAction;
use serde_json::Value;
use std::fs;

/// Names and contents of what was set aside.
fn aside(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let files = entries.filter(|entry| entry.path().is_file()).map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).unwrap_or_default())
    });
    files.filter(|(name, _)| name != "state.json").collect()
}

fn has_picture(folder: &Path) -> bool {
    folder
        .join("pictures/12647dbf59dcb1129689e405e98343f5.png")
        .exists()
}

#[test]
fn a_state_that_cannot_be_read_is_set_aside_and_nothing_is_swept() {
    let whole = fs::read(case("good").path().join("state.json")).expect("a state");
    let cut = whole[..whole.len() - 30].to_vec();
    let zeros = vec![0; whole.len()];
    let list = b"[1, 2]".to_vec();
    let text = String::from_utf8(whole.clone()).expect("text");
    let old = text.replace("\"version\":1", "\"version\":\"one\"").into_bytes();
    for bad in [cut, zeros, list, old, Vec::new()] {
        let folder = case("good");
        fs::write(folder.path().join("state.json"), &bad).expect("a state");
        let (mut store, studio) = load(folder.path());
        assert_eq!(studio.mishaps.len(), 1, "{:?}", studio.mishaps);
        assert!(studio.mishaps[0].reason.starts_with("state.json cannot be read"));
        store.save(&studio).expect("stored");
        store.save(&studio).expect("stored");
        let aside = aside(folder.path());
        assert_eq!(aside.len(), 1);
        assert!(
            aside[0].0.starts_with("state-20") && aside[0].1 == bad,
            "{}",
            aside[0].0
        );
        assert!(has_picture(folder.path()));
        // Said once.
        assert_eq!(load(folder.path()).1.mishaps, []);
    }
}

#[test]
fn a_state_that_is_no_file_is_set_aside() {
    let folder = case("good");
    fs::remove_file(folder.path().join("state.json")).expect("it goes");
    fs::create_dir(folder.path().join("state.json")).expect("a folder in its place");
    let (mut store, mut studio) = load(folder.path());
    assert_eq!(studio.mishaps.len(), 1);
    studio.draft.prompt = "a cat".to_owned();
    store.save(&studio).expect("stored");
    assert_eq!(load(folder.path()).1.draft.prompt, "a cat");
    assert!(has_picture(folder.path()));
}

#[test]
fn one_word_that_is_not_known_costs_nothing_else() {
    let folder = case("good");
    let path = folder.path().join("state.json");
    let text = fs::read_to_string(&path).expect("a state");
    let strange = text.replace("\"tab\":\"Edit\"", "\"tab\":\"Video\"");
    assert_ne!(strange, text);
    fs::write(&path, format!("\u{feff}{strange}")).expect("a state");
    let (mut store, studio) = load(folder.path());
    assert_eq!(studio.draft.instruction, "my long and precious prompt");
    assert_eq!(
        (studio.draft.tab, studio.draft.chain.turns().len()),
        (Tab::Create, 1)
    );
    assert!(
        studio.mishaps[0].reason.contains("draft tab"),
        "{:?}",
        studio.mishaps
    );
    store.save(&studio).expect("stored");
    assert!(aside(folder.path())[0].1.ends_with(strange.as_bytes()));
    assert_eq!(load(folder.path()).1.mishaps, []);
}

#[test]
fn a_mark_before_the_text_is_nothing() {
    let folder = case("good");
    let path = folder.path().join("state.json");
    let text = fs::read_to_string(&path).expect("a state");
    fs::write(&path, format!("\u{feff}{text}")).expect("a state");
    let (_, studio) = load(folder.path());
    assert_eq!(studio.mishaps, []);
    assert_eq!(studio.draft.instruction, "my long and precious prompt");
}

#[test]
fn the_state_of_a_newer_version_is_not_touched() {
    let folder = case("good");
    let path = folder.path().join("state.json");
    let text = fs::read_to_string(&path).expect("a state");
    let newer = text.replace("\"version\":1", "\"version\":2");
    fs::write(&path, &newer).expect("a state");
    let (mut store, mut studio) = load(folder.path());
    assert!(
        studio.mishaps[0].reason.contains("newer version"),
        "{:?}",
        studio.mishaps
    );
    studio.draft.prompt = "a cat".to_owned();
    store.save(&studio).expect("stored");
    assert_eq!(fs::read_to_string(&path).expect("a state"), newer);
    assert!(has_picture(folder.path()));
    // What was done here is there again, and it is said once.
    let (_, studio) = load(folder.path());
    assert_eq!((studio.draft.prompt.as_str(), studio.mishaps.len()), ("a cat", 0));
}

#[test]
fn what_is_not_known_here_survives_a_save() {
    let folder = case("good");
    let path = folder.path().join("state.json");
    let text = fs::read_to_string(&path).expect("a state");
    let more = text.replace("\"draft\":{", "\"colour\":[1,2],\"draft\":{\"mood\":\"calm\",");
    fs::write(&path, more).expect("a state");
    let (mut store, mut studio) = load(folder.path());
    assert_eq!(studio.mishaps, []);
    studio.draft.instruction = "another".to_owned();
    store.save(&studio).expect("stored");
    let json: Value = serde_json::from_slice(&fs::read(&path).expect("a state")).expect("JSON");
    assert_eq!(json["colour"], serde_json::json!([1, 2]));
    assert_eq!(
        (&json["draft"]["mood"], &json["draft"]["instruction"]),
        (&"calm".into(), &"another".into())
    );
}

#[test]
fn numbers_beyond_all_sense_do_not_keep_a_window_from_opening() {
    let folder = case("journal-columns");
    let (mut store, studio) = load(folder.path());
    assert_eq!(studio.run, None);
    assert!(
        studio
            .mishaps
            .iter()
            .any(|mishap| mishap.reason.contains("4294967295 columns"))
    );
    store.save(&studio).expect("stored");
    assert!(
        aside(folder.path())
            .iter()
            .any(|(name, _)| name.starts_with("journal-20"))
    );
    // 30 GB of pixels by its header: not even reserved.
    let folder = case("huge-picture");
    let (_, studio) = load(folder.path());
    assert!(studio.draft.chain.turns().is_empty());
    let folder = case("thresholds");
    let (_, studio) = load(folder.path());
    let control = &studio.draft.control;
    assert!(control.low < control.high);

    let folder = case("good");
    let path = folder.path().join("state.json");
    let text = fs::read_to_string(&path).expect("a state");
    let wild = text
        .replace("\"batch\":1", "\"batch\":4000000000")
        .replace("\"candidates\":1", "\"candidates\":18446744073709551615")
        .replace("\"next_id\":1", "\"next_id\":18446744073709551615")
        .replace("\"next\":0", "\"next\":18446744073709551615")
        .replace("\"zoom\":1.0", "\"zoom\":1e300")
        .replace("\"size\":24.0", "\"size\":-1e30");
    assert_ne!(wild, text);
    fs::write(&path, wild).expect("a state");
    let (_, mut studio) = load(folder.path());
    assert_eq!((studio.draft.batch, studio.draft.candidates), (64, 16));
    assert_eq!((studio.view.zoom, studio.draft.brush.size), (1.0, 1.0));
    studio.draft.tab = Tab::Create;
    studio.draft.prompt = "a cat".to_owned();
    studio.act(RunAction::Draw);
    assert_eq!(studio.queue.len(), 64);
}

#[test]
fn a_damaged_record_is_set_aside_and_the_rest_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::new(folder.path());
    life.draw("a cat", 1);
    life.started();
    life.finished(1);
    fs::write(folder.path().join("unsaved-0.json"), "{").expect("a record");
    let (mut store, studio) = load(folder.path());
    assert_eq!((studio.queue.len(), studio.mishaps.len()), (1, 1));
    store.save(&studio).expect("stored");
    assert!(
        aside(folder.path())
            .iter()
            .all(|(name, _)| name.starts_with("damaged-"))
    );
    assert_eq!(load(folder.path()).1.queue.len(), 1);
}

/// Case 10: what a picture's header says it is no machine has room for.
#[test]
fn a_picture_that_cannot_be_read_is_said_and_nothing_of_it_is_deleted() {
    for bad in [Vec::new(), b"no picture".to_vec(), vast_picture()] {
        let folder = case("good");
        let picture = folder
            .path()
            .join("pictures/12647dbf59dcb1129689e405e98343f5.png");
        fs::write(&picture, &bad).expect("a picture");
        let before = fs::read(folder.path().join("state.json")).expect("a state");
        let (mut store, studio) = load(folder.path());
        assert!(studio.draft.chain.current().is_none());
        assert_eq!(studio.draft.instruction, "my long and precious prompt");
        let said: Vec<&str> = studio
            .mishaps
            .iter()
            .map(|mishap| mishap.reason.as_str())
            .collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].starts_with("These pictures of the last time cannot be read")
                && said[0].contains(": plain.png."),
            "{said:?}"
        );
        store.save(&studio).expect("stored");
        store.save(&studio).expect("stored");
        assert_eq!(fs::read(&picture).expect("the picture"), bad);
        let aside = aside(folder.path());
        assert!(
            aside.len() == 1 && aside[0].0.starts_with("state-20") && aside[0].1 == before,
            "{}",
            aside[0].0
        );
        // Said once.
        assert_eq!(load(folder.path()).1.mishaps, []);
    }
}

/// The rows of an edit whose source is gone are not taken away either.
#[test]
fn rows_whose_source_is_gone_are_set_aside() {
    let folder = case("good");
    let mut life = Life::new(folder.path());
    life.act(RunAction::Draw);
    life.started();
    life.row(0);
    drop(life);
    let rows = fs::read(folder.path().join("journal.jsonl")).expect("rows");
    fs::remove_dir_all(folder.path().join("pictures")).expect("they go");
    let (mut store, studio) = load(folder.path());
    assert!(studio.run.is_none());
    let said: Vec<&str> = studio
        .mishaps
        .iter()
        .map(|mishap| mishap.reason.as_str())
        .collect();
    assert!(
        said.iter()
            .any(|said| said.contains("the picture it starts from is gone")),
        "{said:?}"
    );
    store.save(&studio).expect("stored");
    let kept = aside(folder.path());
    assert!(
        kept.iter()
            .any(|(name, bytes)| name.starts_with("journal-20") && *bytes == rows),
        "{said:?}"
    );
}

/// A PNG file whose header alone is there: 100000 x 100000 pixels.
fn vast_picture() -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = png::Encoder::new(&mut bytes, 100_000, 100_000);
    drop(encoder.write_header().expect("a header"));
    bytes
}
