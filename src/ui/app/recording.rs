//! Recordings of the window, for tests: with `LUMINA_RECORD=FILE` in the environment everything that
//! changes the state is written to that file as it happens, a line of JSON each. Without the variable
//! nothing is written anywhere.
//!
//! Pictures are noted by size, mean colour and digest only; a replay has pictures of one colour in their
//! places. Not recorded is what the window sets by itself: the widths of its columns, the clock, whether it
//! hears of drops, and what it says when the disk is there again.

use crate::pixels::{Pixels, Size};
use crate::state::{Action, Effect, Errand, Store, Studio};
use crate::task::{Failure, Report, TaskId};
use crate::token::CODE_PIXELS;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Names the file to record to.
const VARIABLE: &str = "LUMINA_RECORD";
/// What the store calls its files.
const STATE: &str = "state.json";
const JOURNAL: &str = "journal.jsonl";
const PREVIEWS: &str = "journal.rgb";

/// One thing that changed the window's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// The window was opened; always the first.
    Opened(Box<Opening>),
    Act(Box<Action>),
    Report(Box<Report>),
    /// The worker took the task of the last submission.
    Submitted(TaskId),
    /// It did not take it.
    NotSubmitted(Failure),
    /// The worker took the last question.
    Asked(TaskId),
    /// It did not take it.
    NotAsked(Failure),
}

/// What the window was opened with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// `YYYY-MM-DD`: the strip shows the pictures of this day.
    day: String,
    model: Option<PathBuf>,
    /// What an earlier window left, where there was one. Pictures it named are not recorded.
    state: Option<Value>,
    /// The lines of its journal.
    journal: Vec<Value>,
}

impl Recorded {
    /// Does to the state what the window did, and gives back what the state asked for.
    ///
    /// # Errors
    /// What an earlier window left cannot be put into a temporary folder, from where it is read.
    pub fn replay(&self, studio: &mut Studio) -> Result<Vec<Effect>, Failure> {
        Ok(match self {
            Self::Opened(opening) => {
                *studio = opening.left_behind()?;
                open(studio, opening.model.clone(), &opening.day)
            }
            Self::Act(action) => studio.act((**action).clone()),
            Self::Report(report) => studio.apply(report),
            Self::Submitted(task) => {
                studio.submitted(*task);
                Vec::new()
            }
            Self::NotSubmitted(failure) => studio.not_submitted(failure),
            Self::Asked(task) => {
                studio.asked(*task);
                Vec::new()
            }
            Self::NotAsked(failure) => {
                studio.not_answered(failure);
                Vec::new()
            }
        })
    }
}

impl Opening {
    /// What is found in the folder of the state before it is read.
    fn of(data: &Path, model: Option<PathBuf>, day: &str) -> Self {
        let read = |name: &str| fs::read_to_string(data.join(name)).unwrap_or_default();
        Self {
            day: day.to_owned(),
            model,
            state: serde_json::from_str(&read(STATE)).ok(),
            journal: read(JOURNAL)
                .lines()
                .map_while(|line| serde_json::from_str(line).ok())
                .collect(),
        }
    }

    /// The state as the earlier window left it, with grey rows.
    fn left_behind(&self) -> Result<Studio, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string());
        let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
        let write = |name: &str, bytes: &[u8]| {
            fs::write(folder.path().join(name), bytes).map_err(|error| failed(&error))
        };
        if let Some(state) = &self.state {
            write(STATE, state.to_string().as_bytes())?;
        }
        if let Some((head, rows)) = self.journal.split_first() {
            let columns = head["begun"]["grid"]["columns"].as_u64().unwrap_or(0) as u32;
            let row = Pixels::filled(Size::new(columns * CODE_PIXELS, CODE_PIXELS), [128; 3]);
            write(PREVIEWS, &row.rgb().repeat(rows.len()))?;
            let lines: Vec<String> = self.journal.iter().map(|line| format!("{line}\n")).collect();
            write(JOURNAL, lines.concat().as_bytes())?;
        }
        let mut store = Store::open(folder.path()).map_err(|error| failed(&error))?;
        Ok(store.load())
    }
}

/// What a window does first with the state it has read.
pub(super) fn open(studio: &mut Studio, model: Option<PathBuf>, today: &str) -> Vec<Effect> {
    studio.model_path = model;
    studio.outcomes.retain(|outcome| outcome.is_of(today));
    let mut effects = studio.stage();
    effects.extend(studio.first_model());
    effects.extend(studio.go_on_with_import());
    effects.push(Effect::Errand(Errand::Stars));
    effects.extend(studio.watch());
    effects
}

/// Where the window's life is written down, if anywhere.
#[derive(Debug, Default)]
pub(super) struct Recorder(Option<File>);

impl Recorder {
    /// A recorder for a window that opens the state in `data`.
    pub(super) fn from_environment() -> Self {
        match std::env::var_os(VARIABLE) {
            Some(path) => Self::to(Path::new(&path)),
            None => Self::default(),
        }
    }

    fn to(path: &Path) -> Self {
        let file = File::create(path);
        if let Err(error) = &file {
            eprintln!("nothing is recorded: {}: {error}", path.display());
        }
        Self(file.ok())
    }

    /// The first line.
    pub(super) fn note_opening(&mut self, data: &Path, model: Option<&Path>, day: &str) {
        self.note(|| {
            let opening = Opening::of(data, model.map(Path::to_owned), day);
            Recorded::Opened(Box::new(opening))
        });
    }

    pub(super) fn note_action(&mut self, action: &Action) {
        self.note(|| Recorded::Act(Box::new(action.clone())));
    }

    pub(super) fn note_report(&mut self, report: &Report) {
        self.note(|| Recorded::Report(Box::new(report.clone())));
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> Recorded) {
        let Some(file) = &mut self.0 else { return };
        let written = serde_json::to_vec(&what())
            .map_err(std::io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                file.write_all(&line)
            });
        if let Err(error) = written {
            // A recording with a gap would replay to something else.
            eprintln!("the recording ends here: {error}");
            self.stop();
        }
    }

    /// Nothing more is written.
    pub(super) fn stop(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Answer, Opened, Target};
    use crate::state::{DraftAction, Model, OutcomeId, Photo, RunAction, Setting, Shown};
    use crate::task::Profile;
    use std::sync::Arc;

    fn read(path: &Path) -> Vec<Recorded> {
        let text = fs::read_to_string(path).expect("a recording");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a recorded line"))
            .collect()
    }

    #[test]
    fn what_was_noted_replays_to_the_same_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recording");
        let mut recorder = Recorder::to(&path);
        let mut studio = Studio::default();
        recorder.note_opening(folder.path(), None, "2026-01-31");
        open(&mut studio, None, "2026-01-31");
        let report = Report::Loaded {
            model: "starter".to_owned(),
            seconds: 0.25,
            profile: Profile::default(),
        };
        recorder.note_report(&report);
        studio.apply(&report);
        let photo = Photo::new("fox", Arc::new(Pixels::filled(Size::new(16, 8), [1, 2, 3])));
        let opened = Opened {
            photo,
            path: None,
            task: None,
        };
        let actions: [Action; 5] = [
            DraftAction::Set(Setting::Words("a fox".to_owned())).into(),
            DraftAction::Set(Setting::Seed(7)).into(),
            RunAction::Draw.into(),
            Answer::Opened(Box::new(opened), Target::Edit).into(),
            Answer::Failed("It failed".into(), Failure::failed("so it is")).into(),
        ];
        for action in actions {
            recorder.note_action(&action);
            studio.act(action);
        }
        recorder.note(|| Recorded::Submitted(TaskId(3)));
        studio.submitted(TaskId(3));
        recorder.stop();
        recorder.note(|| Recorded::Submitted(TaskId(4)));

        let lines = read(&path);
        assert_eq!(lines.len(), 8, "nothing is written after the end");
        let mut replayed = Studio::default();
        let effects: Vec<Effect> = lines
            .iter()
            .flat_map(|line| line.replay(&mut replayed).expect("a replay"))
            .collect();
        assert_eq!(replayed, studio);
        assert!(effects.contains(&Effect::Load(None)));
        assert!(matches!(replayed.model, Model::Ready { .. }));
        assert_ne!(replayed.shown, Shown::Outcome(OutcomeId(1)));
    }

    #[test]
    fn a_recording_that_cannot_be_written_harms_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut recorder = Recorder::to(&folder.path().join("no/such/folder"));
        recorder.note(|| unreachable!("nobody reads it"));
    }
}
