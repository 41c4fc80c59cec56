//! What is done about models on the Hub: one is fetched, checked, deleted, and then imported.

use super::super::action::{HubAction, HubAnswer};
use super::super::effect::{Effect, HubEffect, ModelEffect};
use super::super::hub::{HubEnd, HubKind, HubWork, Stopping};
use super::super::models::Import;
use super::super::notice::Tone;
use super::super::studio::Studio;
use crate::task::{Failure, Stored, StoredKind, gigabytes};

fn hub(effect: HubEffect) -> Vec<Effect> {
    vec![Effect::Models(ModelEffect::Hub(effect))]
}

impl Studio {
    pub(in super::super) fn act_on_hub(&mut self, action: HubAction) -> Vec<Effect> {
        let state = &mut self.models.hub;
        match action {
            HubAction::Look => return hub(HubEffect::Look),
            HubAction::Type(text) => state.typed = text,
            HubAction::Get(repository) => return self.begin_on_hub(HubKind::Get, repository.trim()),
            HubAction::Verify(repository) => return self.begin_on_hub(HubKind::Verify, &repository),
            HubAction::Pause => return self.stop_on_hub(Stopping::Pause),
            HubAction::Cancel => return self.stop_on_hub(Stopping::Discard),
            HubAction::AskDelete(repository) => state.leaving = Some(repository),
            HubAction::KeepIt => state.leaving = None,
            HubAction::Delete(repository) => {
                // Only what was asked about, and nothing that is worked on.
                let is_asked = state.leaving.take().is_some_and(|leaving| leaving == repository);
                if is_asked && state.work_on(&repository).is_none() {
                    return hub(HubEffect::Delete(repository));
                }
            }
        }
        Vec::new()
    }

    fn begin_on_hub(&mut self, kind: HubKind, repository: &str) -> Vec<Effect> {
        let state = &mut self.models.hub;
        // One at a time: the line and the disk are shared.
        if state.work.is_some() || repository.is_empty() {
            return Vec::new();
        }
        state.said = None;
        state.leaving = None;
        state.work = Some(HubWork::new(kind, repository));
        let repository = repository.to_owned();
        hub(match kind {
            HubKind::Get => HubEffect::Get(repository),
            HubKind::Verify => HubEffect::Verify(repository),
        })
    }

    fn stop_on_hub(&mut self, stopping: Stopping) -> Vec<Effect> {
        self.models.hub.then = None;
        match &mut self.models.hub.work {
            Some(work) => {
                work.stopping = stopping;
                hub(HubEffect::Stop)
            }
            None => Vec::new(),
        }
    }

    pub(in super::super) fn take_in_hub_answer(&mut self, answer: HubAnswer) -> Vec<Effect> {
        match answer {
            HubAnswer::Looked(Ok(shelf)) => self.models.hub.shelf = Some(*shelf),
            HubAnswer::Looked(Err(failure)) => {
                self.error(
                    "The Hugging Face cache cannot be looked at",
                    &failure,
                    "Correct it and press Look again.",
                );
            }
            HubAnswer::Stepped(step, remark) => {
                if let Some(work) = &mut self.models.hub.work {
                    work.step = step;
                    work.remark = remark.or(work.remark.take());
                }
            }
            HubAnswer::Ended(ended) => return self.hub_ended(ended),
            HubAnswer::Deleted(repository, Ok(bytes)) => {
                let freed = format!("{} are free again.", gigabytes(bytes));
                self.notify(Tone::Info, &format!("{repository} is deleted"), &freed, "");
                return self.look_around();
            }
            HubAnswer::Deleted(repository, Err(failure)) => {
                self.error(&format!("{repository} is not deleted"), &failure, "");
                return self.look_around();
            }
        }
        Vec::new()
    }

    fn hub_ended(&mut self, ended: Result<HubEnd, Failure>) -> Vec<Effect> {
        let Some(work) = self.models.hub.work.take() else {
            return Vec::new();
        };
        let mut effects = match (ended, work.stopping) {
            (Ok(HubEnd::Got(stored)), _) => self.hub_got(stored),
            (Ok(HubEnd::Verified(words)), _) => {
                self.models.hub.said = Some((work.repository, words));
                Vec::new()
            }
            (Err(_), Stopping::Pause) => Vec::new(),
            (Err(_), Stopping::Discard) if work.kind == HubKind::Get => {
                hub(HubEffect::Discard(work.repository))
            }
            (Err(_), Stopping::Discard) => Vec::new(),
            (Err(failure), Stopping::No) => {
                self.models.hub.then = None;
                let title = match work.kind {
                    HubKind::Get => format!("{} did not come whole", work.repository),
                    HubKind::Verify => format!("{} could not be checked", work.repository),
                };
                self.error(&title, &failure, "");
                self.models.hub.said = Some((work.repository, failure.message));
                Vec::new()
            }
        };
        effects.extend(self.look_around());
        effects
    }

    /// A repository is here: what belongs to it is fetched, then the import is offered.
    fn hub_got(&mut self, stored: Stored) -> Vec<Effect> {
        let state = &mut self.models.hub;
        let repository = stored.repository.clone();
        state.said = Some((repository.clone(), "Whole and checked.".to_owned()));
        if stored.kind == StoredKind::Model {
            state.then.clone_from(&stored.snapshot);
            let tokenizer = state
                .shelf
                .as_ref()
                .and_then(|shelf| shelf.missing_tokenizer(&repository));
            if let Some(tokenizer) = tokenizer.map(str::to_owned) {
                let said = state.said.take();
                let effects = self.begin_on_hub(HubKind::Get, &tokenizer);
                self.models.hub.said = said;
                return effects;
            }
        }
        match (self.models.hub.then.take(), &self.models.import) {
            (Some(_), Import::Running { .. }) | (None, _) => Vec::new(),
            (Some(folder), _) => {
                let said = "Whole and checked. Its import stands ready above.".to_owned();
                self.models.hub.said = Some((repository, said));
                vec![Effect::Models(ModelEffect::Plan(folder))]
            }
        }
    }
}
