//! What is chosen on the settings page, and the diagnostics.

use super::super::action::{PreferenceAction, ResultAction, Verb, Which};
use super::super::effect::Effect;
use super::super::notice::{Offer, Tone};
use super::super::studio::Studio;
use crate::task::Failure;
use std::path::PathBuf;

/// Threads that can be asked for.
const MOST_THREADS: usize = 1024;

impl Studio {
    pub(super) fn act_on_preferences(&mut self, action: PreferenceAction) -> Vec<Effect> {
        let preferences = &mut self.preferences;
        match action {
            PreferenceAction::AskForFolder => return vec![Effect::AskForPicturesFolder],
            PreferenceAction::CollectDiagnostics => return vec![Effect::CollectDiagnostics],
            PreferenceAction::Pictures(folder) => preferences.pictures = folder,
            PreferenceAction::Naming(naming) => preferences.naming = naming,
            PreferenceAction::Export(format) => preferences.export = format,
            PreferenceAction::Threads(threads) => {
                preferences.threads = threads.map(|threads| threads.clamp(1, MOST_THREADS));
            }
            PreferenceAction::Cache(cache) => preferences.cache = cache,
            PreferenceAction::WhenDone(what) => preferences.when_done = what,
            PreferenceAction::Log(level) => preferences.log = level,
            PreferenceAction::LogPrompts(may) => preferences.log_prompts = may,
        }
        vec![Effect::Prefer(Box::new(self.preferences.clone()))]
    }

    pub(in super::super) fn diagnosed(&mut self, done: Result<PathBuf, Failure>) {
        match done {
            Ok(path) => {
                let reason = path.display().to_string();
                let privacy =
                    "It holds no prompts and no pictures. Look at it before you send it to anybody.";
                self.notify(Tone::Info, "Diagnostics are collected", &reason, privacy);
                self.offer_in_notice(Offer {
                    words: "Show in folder",
                    action: Box::new(ResultAction::Do(Which::Kept(path), Verb::Reveal).into()),
                });
            }
            Err(failure) => {
                let what = "Diagnostics could not be collected";
                let remedy = super::super::mishaps::remedy(what, failure.cause);
                self.error(what, &failure, remedy);
            }
        }
    }
}
