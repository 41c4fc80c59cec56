//! The log's lines, and one file of all that somebody who helps wants to know. Neither holds
//! prompts or names of pictures unless the user allows that for the log.

use super::App;
use crate::engine_room::EngineRoom;
use crate::history::{Moment, Places};
use crate::log::{self, without_names};
use crate::state::{Answer, Model, Studio};
use crate::task::{Cause, Failure, LogPrompts, Report, Task};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Lines of the log that go with the diagnostics.
const LINES: usize = 300;

/// What is left out of everything that is written down.
#[derive(Debug, Clone)]
pub(crate) struct Privacy {
    pictures: PathBuf,
    home: Option<PathBuf>,
}

impl Privacy {
    pub(crate) fn of(places: &Places) -> Self {
        Self {
            pictures: places.pictures.clone(),
            home: std::env::home_dir(),
        }
    }

    fn kept(&self, message: &str) -> String {
        without_names(message, &self.pictures, self.home.as_deref())
    }
}

impl<R: EngineRoom> App<R> {
    fn message(&self, words: &str) -> String {
        match self.studio.preferences.log_prompts {
            LogPrompts::Yes => words.to_owned(),
            LogPrompts::No => Privacy::of(&self.places).kept(words),
        }
    }

    /// What the worker reports, for the log.
    pub(super) fn log_report(&self, report: &Report) {
        match report {
            Report::Loaded {
                model,
                seconds,
                profile,
            } => tracing::info!(device = profile.device, seconds, "loaded {model}"),
            Report::LoadFailed(failure) => {
                tracing::error!("not loaded: {}", self.message(&failure.message));
            }
            Report::Finished { task, pictures } => {
                let tally = pictures.first().map(|picture| picture.tally).unwrap_or_default();
                tracing::info!(
                    codes = tally.tokens,
                    forwards = tally.forwards,
                    seconds = tally.seconds,
                    "picture {} is done",
                    task.0
                );
            }
            Report::Cancelled { task, .. } => tracing::info!("picture {} was stopped", task.0),
            Report::Failed { task, failure } => {
                tracing::error!("picture {} failed: {}", task.0, self.message(&failure.message));
            }
            Report::Answered { answer: Ok(_), .. } => tracing::trace!("answered"),
            Report::Answered {
                answer: Err(failure), ..
            } => tracing::error!("not answered: {}", self.message(&failure.message)),
            Report::Progress { .. } => tracing::trace!("progress"),
        }
    }

    /// A picture is asked for.
    pub(super) fn log_task(&self, task: &Task) {
        let size = task.size.map(|size| size.to_string()).unwrap_or_default();
        let mode = task.mode.name();
        tracing::info!(mode, size, candidates = task.candidates, "a picture is asked for");
        if self.studio.preferences.log_prompts == LogPrompts::Yes {
            tracing::info!(prompt = task.prompt, seed = task.seed, "in words");
        }
    }

    /// What went wrong since the last look; the state has no clock and no log.
    pub(super) fn log_mishaps(&self) {
        for mishap in self.studio.mishaps.iter().filter(|mishap| mishap.at.is_none()) {
            tracing::error!("{}: {}", mishap.title, self.message(&mishap.reason));
        }
    }

    /// Writes the diagnostics and says where they are.
    pub(super) fn collect_diagnostics(&self) {
        let (now, data) = (Moment::now(), self.places.data.clone());
        let privacy = Privacy::of(&self.places);
        let free = self.engine_room.free_bytes(self.studio.models.device);
        let report = told(&self.studio, &now, free, &privacy);
        self.files.errands.run(move || {
            let lines = log::last_lines(&log::folder(&data), LINES);
            let lines: Vec<String> = lines.iter().map(|line| privacy.kept(line)).collect();
            let text = format!("{report}\nThe log\n{}\n", lines.join("\n"));
            Some(Answer::Diagnosed(written(&data, &now, &text)))
        });
    }
}

fn written(data: &Path, now: &Moment, text: &str) -> Result<PathBuf, Failure> {
    let time = now.in_words().replace([' ', ':'], "-");
    let path = data.join(format!("diagnostics-{time}.txt"));
    let failed = |error: std::io::Error| {
        Failure::failed(format!("{}: {error}", path.display())).because(Cause::of_io(&error))
    };
    std::fs::create_dir_all(data).map_err(failed)?;
    std::fs::write(&path, text).map_err(failed)?;
    Ok(path)
}

/// Everything but the log.
fn told(studio: &Studio, now: &Moment, free_bytes: Option<u64>, privacy: &Privacy) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        // A string takes whatever is written.
        let _ = writeln!(text, "{}", privacy.kept(&words));
    };
    line(format!(
        "Lumina Studio {}, {}",
        env!("CARGO_PKG_VERSION"),
        now.in_words()
    ));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let system = sysinfo::System::long_os_version().unwrap_or_default();
    line(format!(
        "{} {}, {system}, {cores} cores, {} free",
        std::env::consts::OS,
        std::env::consts::ARCH,
        free_bytes.map_or("?".to_owned(), crate::task::gigabytes)
    ));
    line(match &studio.model {
        Model::Loading => "model: loading".to_owned(),
        Model::Failed(failure) => format!("model: none, {}", failure.message),
        Model::Ready {
            name,
            profile,
            seconds,
        } => format!(
            "model: {name} on {}, loaded in {seconds:.1} s{}",
            profile.device,
            profile
                .remark
                .as_ref()
                .map_or(String::new(), |why| format!("; {why}"))
        ),
    });
    for device in studio.models.survey.iter().flat_map(|survey| &survey.devices) {
        line(format!("device: {device:?}"));
    }
    let draft = &studio.draft;
    line(format!(
        "mode {}, size {:?}, {:?}, {} of {} pictures at a press",
        draft.tab.name(),
        draft.size(),
        draft.sampling,
        draft.candidates,
        draft.batch
    ));
    line(format!("view: {:?}", studio.view));
    line(format!("preferences: {:?}", studio.preferences));
    line(format!(
        "{} waiting, {} results, {} not saved, drawing: {:?}",
        studio.queue.len(),
        studio.outcomes.len(),
        studio.unkept.len(),
        studio.run.as_ref().map(|run| (run.phase, run.rows()))
    ));
    line(format!("\nWhat went wrong ({})", studio.mishaps.len()));
    for mishap in &studio.mishaps {
        let at = mishap.at.as_deref().unwrap_or("just now");
        line(format!(
            "{at}, {} time(s): {}: {}",
            mishap.times, mishap.title, mishap.reason
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{DraftAction, Setting};

    #[test]
    fn diagnostics_tell_what_happened_and_no_prompt() {
        let places = Places::below(Path::new("/home/ada"));
        let mut studio = Studio::default();
        let secret = "a lighthouse that nobody knows";
        studio.act(DraftAction::Set(Setting::Words(secret.to_owned())));
        let file = "/home/ada/pictures/2026-11-27/101010-5-a-lighthouse-that-nobody-knows.png";
        let failure = Failure::failed(format!("{file}: the disk is full"));
        studio.act(Answer::Failed("The copy was not saved".into(), failure));
        let privacy = Privacy::of(&places);
        let text = told(&studio, &Moment::now(), Some(2_000_000_000), &privacy);
        assert!(
            text.contains("The copy was not saved") && text.contains("the disk is full"),
            "{text}"
        );
        assert!(
            text.contains(env!("CARGO_PKG_VERSION")) && text.contains("2.0 GB free"),
            "{text}"
        );
        assert!(!text.contains("lighthouse"), "{text}");
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("not there yet");
        let path = written(&data, &Moment::now(), &text).expect("written");
        assert_eq!(std::fs::read_to_string(path).expect("the file"), text);
    }
}
