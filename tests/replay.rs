//! Recordings of real windows, replayed: the same actions and reports must end in the same state, and ask
//! for the same effects in the same order.
//!
//! `tests/replay/README.md` says how they were made. After a wanted change of the state, what is expected
//! is written anew, to be read before it is committed:
//!
//!     UPDATE_RECORDINGS=1 cargo test --test replay

#[path = "replay/recording.rs"]
mod recording;

use lumina_studio::task::{Progress, Report};
use lumina_studio::ui::Recorded;
use recording::{BEFORE, BETWEEN, replay};
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Asks for new expectations.
const UPDATE: &str = "UPDATE_RECORDINGS";
/// What to do when a recording is old.
const RENEWAL: &str = "if that is wanted: UPDATE_RECORDINGS=1 cargo test --test replay";
/// What to do when reports or actions have changed so much that a recording cannot be read.
const UNREAD: &str = "#[serde(default)] for a new field, or the recording anew: cargo run --example record";

/// A file of `tests/replay`.
#[derive(Debug, Clone, Deserialize)]
struct Recording {
    events: Vec<Recorded>,
    /// What is expected, as in [`recording::Replayed`].
    effects: Vec<String>,
    end: Value,
}

/// What comes otherwise than expected in a replay.
fn complaint(recording: &Recording) -> Option<String> {
    let replayed = replay(&recording.events);
    if sequence(&replayed.effects) != sequence(&recording.effects) {
        let pairs = replayed.effects.iter().zip(&recording.effects);
        let at = pairs.take_while(|(is, was)| is == was).count();
        let (is, was) = (replayed.effects.get(at), recording.effects.get(at));
        return Some(format!("event {at} asks for {is:?} instead of {was:?}"));
    }
    difference("", &recording.end, &replayed.end)
}

/// All effects, one after the other: to which event they belong is told by their order.
fn sequence(effects: &[String]) -> Vec<&str> {
    let each = effects.iter().flat_map(|names| names.split(", "));
    each.filter(|name| !name.is_empty()).collect()
}

/// Where something that is expected is not so. The state may have got fields since that were not expected.
fn difference(path: &str, expected: &Value, is: &Value) -> Option<String> {
    if let (Value::Object(expected), Value::Object(is)) = (expected, is) {
        return expected.iter().find_map(|(name, expected)| {
            let path = format!("{path}/{name}");
            difference(&path, expected, is.get(name).unwrap_or(&Value::Null))
        });
    }
    if let (Value::Array(expected), Value::Array(is)) = (expected, is)
        && expected.len() == is.len()
    {
        let pairs = expected.iter().zip(is).enumerate();
        return pairs
            .into_iter()
            .find_map(|(at, (expected, is))| difference(&format!("{path}/{at}"), expected, is));
    }
    (expected != is).then(|| format!("at the end {path} is {is} instead of {expected}"))
}

/// The events that are rows of a first candidate.
fn rows(recording: &Recording) -> Vec<usize> {
    let is_row = |event: &Recorded| match event {
        Recorded::Report(report) => matches!(
            **report,
            Report::Progress {
                progress: Progress::Row { candidate: 0, .. },
                ..
            }
        ),
        _ => false,
    };
    let events = recording.events.iter().enumerate();
    events
        .filter(|(_, event)| is_row(event))
        .map(|(at, _)| at)
        .collect()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay");
    let entries = std::fs::read_dir(folder).expect("the recordings").flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

fn recordings() -> Vec<(PathBuf, Recording)> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a recording");
        let recording = serde_json::from_str(&text);
        let recording = recording.unwrap_or_else(|error| panic!("{}: {error}\n{UNREAD}", path.display()));
        (path, recording)
    };
    files().into_iter().map(read).collect()
}

#[test]
fn every_recording_ends_as_it_did() {
    let recordings = recordings();
    assert_eq!(recordings.len(), 10, "{:?}", files());
    for (path, recording) in recordings {
        if std::env::var_os(UPDATE).is_some() {
            let text = std::fs::read_to_string(&path).expect("a recording");
            let (events, _) = text.split_once(BETWEEN).expect("effects after the events");
            let events = events.trim_start_matches(BEFORE).replace(",\n", "\n");
            let text = recording::text(&events, &replay(&recording.events));
            std::fs::write(&path, text).expect("a written recording");
        } else if let Some(complaint) = complaint(&recording) {
            panic!("{}: {complaint}\n{RENEWAL}", path.display());
        }
    }
}

#[test]
fn a_lost_row_is_noticed() {
    let mut tampered = 0;
    for (path, mut recording) in recordings() {
        let Some(row) = rows(&recording).get(1).copied() else {
            continue;
        };
        recording.events.remove(row);
        assert!(complaint(&recording).is_some(), "{}", path.display());
        tampered += 1;
    }
    assert_eq!(tampered, 9, "all but one draw");
}

#[test]
fn another_order_of_effects_is_noticed() {
    for (path, mut recording) in recordings() {
        let names = recording.effects.iter_mut().find(|names| names.contains(", "));
        let names = names.expect("an event with two effects");
        let mut turned: Vec<&str> = names.split(", ").collect();
        turned.reverse();
        *names = turned.join(", ");
        assert!(complaint(&recording).is_some(), "{}", path.display());
    }
}

#[test]
fn another_end_is_noticed_and_a_new_field_is_not() {
    for (path, recording) in recordings() {
        let mut other = recording.clone();
        other.end["stored"]["draft"]["prompt"] = "something else".into();
        assert!(complaint(&other).is_some(), "{}", path.display());
        let mut longer = recording.clone();
        longer.end["notices"] = serde_json::json!(["one", "two", "three", "four"]);
        assert!(complaint(&longer).is_some(), "{}", path.display());
        let mut older = recording;
        let draft = older.end["stored"]["draft"].as_object_mut().expect("a draft");
        draft.remove("brush").expect("a brush");
        assert_eq!(complaint(&older), None, "{}", path.display());
    }
}

#[test]
fn recordings_are_small_and_name_nothing_of_the_machine() {
    let temporary = std::env::temp_dir().display().to_string();
    let mut all = 0;
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("a recording");
        assert!(text.len() < 60_000, "{}: {} bytes", path.display(), text.len());
        for name in [temporary.as_str(), env!("CARGO_MANIFEST_DIR")] {
            assert!(!text.contains(name), "{}: {name}", path.display());
        }
        all += text.len();
    }
    assert!(all < 400_000, "{all} bytes");
}
