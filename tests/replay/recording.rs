//! A recording in its file: what a window took in, and what a replay of it must come to.

use lumina_studio::state::{Effect, Ended, Import, Model, Store, Studio};
use lumina_studio::ui::Recorded;
use serde_json::{Value, json};

/// What stands before the events, and between them and what is expected of them.
pub const BEFORE: &str = "{\"events\": [\n";
pub const BETWEEN: &str = "\n],\n\"effects\":";

/// What a replay came to.
pub struct Replayed {
    /// A list of names for each event, with commas between.
    pub effects: Vec<String>,
    /// What [`ending`] says.
    pub end: Value,
}

/// Gives the events to a fresh state in their order.
pub fn replay(events: &[Recorded]) -> Replayed {
    let mut studio = Studio::default();
    let mut effects = Vec::new();
    for event in events {
        let of_event = event.replay(&mut studio).expect("a replay");
        let names: Vec<String> = of_event.iter().map(name).collect();
        effects.push(names.join(", "));
    }
    let end = ending(&studio);
    Replayed { effects, end }
}

/// The file of a recording: an event and the effects of an event a line. `events` are lines, too.
pub fn text(events: &str, replayed: &Replayed) -> String {
    let events = events.trim().replace('\n', ",\n");
    let quoted: Vec<String> = replayed
        .effects
        .iter()
        .map(|names| format!("{names:?}"))
        .collect();
    let effects = quoted.join(",\n");
    let end = serde_json::to_string_pretty(&replayed.end).expect("JSON");
    format!("{BEFORE}{events}{BETWEEN} [\n{effects}\n],\n\"end\": {end}\n}}\n")
}

/// The state as it would be stored, and what of it is not stored.
pub fn ending(studio: &Studio) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    store.save(studio).expect("a stored state");
    let stored = std::fs::read(folder.path().join("state.json")).expect("the stored state");
    let stored: Value = serde_json::from_slice(&stored).expect("JSON");
    let titles = |titles: Vec<&String>| json!(titles);
    let outcomes = studio.outcomes.iter().map(|outcome| {
        let ended = match outcome.ended {
            Ended::Finished => "finished",
            Ended::Stopped => "stopped",
        };
        format!(
            "{}, seed {}, {}, {ended}",
            outcome.title, outcome.seed, outcome.size
        )
    });
    let run = studio.run.as_ref().map(|run| {
        json!({
            "prompt": run.order.request.prompt,
            "phase": format!("{:?}", run.phase),
            "wish": format!("{:?}", run.wish),
            "rows": run.rows(),
            "codes": run.lanes.iter().map(|lane| &lane.codes).collect::<Vec<_>>(),
        })
    });
    let model = match &studio.model {
        Model::Loading => "loading".to_owned(),
        Model::Ready { name, .. } => format!("ready: {name}"),
        Model::Failed(failure) => format!("failed: {failure}"),
    };
    let import = match &studio.models.import {
        Import::None => "none".to_owned(),
        Import::Planned(_) => "planned".to_owned(),
        Import::Running { ending, .. } => format!("running, ending {ending:?}"),
        Import::Done { .. } => "done".to_owned(),
    };
    let end = json!({
        "stored": stored,
        "page": format!("{:?}", studio.page),
        "shown": format!("{:?}", studio.shown),
        "compared": studio.compared,
        "notices": titles(studio.notices.iter().map(|notice| &notice.title).collect()),
        "mishaps": titles(studio.mishaps.iter().map(|mishap| &mishap.title).collect()),
        "outcomes": outcomes.collect::<Vec<_>>(),
        "queue": titles(studio.queue.orders().map(|order| &order.request.prompt).collect()),
        "run": run,
        "model": model,
        "pending": studio.models.pending,
        "import": import,
    });
    // Once through text, like what is expected: numbers are the same then.
    serde_json::from_str(&end.to_string()).expect("JSON")
}

/// An effect by its name, and by that of what it carries where it has kinds of its own.
fn name(effect: &Effect) -> String {
    let text = format!("{effect:?}");
    let words = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric()).collect() };
    let first = words(&text);
    match first.as_str() {
        "Stage" | "Errand" | "Models" => format!("{first} {}", words(&text[first.len() + 1..])),
        _ => first,
    }
}
