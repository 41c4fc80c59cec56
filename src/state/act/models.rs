//! What is done about models: one is chosen, looked at, imported.

use super::super::action::{DraftAction, ImportAction, ModelAction, ModelAnswer, Setting};
use super::super::effect::{Effect, HubEffect, ModelEffect};
use super::super::models::{Asked, Ending, Import, Look};
use super::super::notice::Tone;
use super::super::studio::{Model, Studio};
use super::super::view::Page;
use crate::task::{Failure, Format, ImportStep, Origin, gigabytes};
use std::path::{Path, PathBuf};

impl Studio {
    /// Asks for a model. One with a file is looked at first.
    pub(in super::super) fn choose_model(&mut self, path: Option<PathBuf>) -> Vec<Effect> {
        match path {
            None => self.load_model(None),
            Some(path) => {
                self.models.pending = Some(path.clone());
                vec![Effect::Models(ModelEffect::Appraise(path))]
            }
        }
    }

    /// The model of the last time, at start.
    pub fn first_model(&mut self) -> Vec<Effect> {
        match self.model_path.clone() {
            None => vec![Effect::Load(None)],
            path => self.choose_model(path),
        }
    }

    /// Memory that a new model could have: the loaded one makes room for it.
    pub fn room_bytes(&self, free_bytes: Option<u64>) -> Option<u64> {
        let released = self.profile().and_then(|profile| profile.bytes).unwrap_or(0);
        free_bytes.map(|free| free + released)
    }

    fn appraised(&mut self, path: PathBuf, look: Look) -> Vec<Effect> {
        // The user has chosen another one since.
        if self.models.pending.take_if(|pending| *pending == path).is_none() {
            return Vec::new();
        }
        let room = self.room_bytes(look.free_bytes);
        let (Ok(appraisal), Some(room)) = (look.appraisal, room) else {
            return self.load_model(Some(path));
        };
        if appraisal.fits(Some(room)) {
            return self.load_model(Some(path));
        }
        let reason = format!(
            "{} needs about {} for {}, {} are free.",
            appraisal.name,
            gigabytes(appraisal.needs.held()),
            appraisal.size,
            gigabytes(room)
        );
        let ways = appraisal.ways_out(room).join("; ");
        self.notify(
            Tone::Error,
            "The model may not fit into memory",
            &reason,
            &format!("{ways}; or Load anyway."),
        );
        if self.model == Model::Loading {
            // At start there is no other one.
            self.model = Model::Failed(Failure::failed(reason));
        }
        self.models.held_back.retain(|(known, _)| *known != path);
        self.models.held_back.push((path, appraisal));
        self.page = Page::Models;
        self.look_around()
    }

    pub(super) fn look_around(&mut self) -> Vec<Effect> {
        let mut paths = self.recent_models.clone();
        let held_back = self.models.held_back.iter().map(|(path, _)| path);
        for path in held_back.chain(&self.model_path) {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        let hub = Effect::Models(ModelEffect::Hub(HubEffect::Look));
        vec![Effect::Models(ModelEffect::Survey(paths)), hub]
    }

    pub(in super::super) fn act_on_models(&mut self, action: ModelAction) -> Vec<Effect> {
        match action {
            ModelAction::Load(path) => return self.choose_model(path),
            ModelAction::LoadAnyway(path) => {
                self.models.pending = None;
                return self.load_model(Some(path));
            }
            ModelAction::Browse => return vec![Effect::BrowseModel],
            ModelAction::Survey => return self.look_around(),
            ModelAction::Forget(path) => {
                self.recent_models.retain(|known| *known != path);
                self.models.held_back.retain(|(known, _)| *known != path);
                if let Some(survey) = &mut self.models.survey {
                    survey
                        .models
                        .retain(|known| known.path != path || known.origin == Origin::Hub);
                }
            }
            ModelAction::Device(device) => {
                if self.models.device != device {
                    self.models.device = device;
                    return self.load_model(self.model_path.clone());
                }
            }
            ModelAction::TakeSize(size) => {
                self.models.tight = None;
                self.page = Page::Canvas;
                return self.act(DraftAction::Set(Setting::Size(Some(size))));
            }
            ModelAction::TakeFormat(format) => return self.plan_smaller(format),
            ModelAction::Import(action) => return self.act_on_import(action),
            ModelAction::Hub(action) => return self.act_on_hub(action),
        }
        Vec::new()
    }

    pub(in super::super) fn take_in_model_answer(&mut self, answer: ModelAnswer) -> Vec<Effect> {
        match answer {
            ModelAnswer::Surveyed(survey) => {
                self.models.survey = Some(*survey);
                self.look_for_less(None);
            }
            ModelAnswer::Appraised(path, look) => return self.appraised(path, *look),
            ModelAnswer::Planned(wish) => {
                if !matches!(self.models.import, Import::Running { .. }) {
                    self.page = Page::Models;
                    return self.plan(wish);
                }
            }
            ModelAnswer::Fitted(folder, fitting) => return self.fitted(&folder, fitting),
            ModelAnswer::Measured(folder, fitting) => self.measured(&folder, fitting),
            ModelAnswer::Stepped(now, secs) => {
                if let Import::Running {
                    step, elapsed_secs, ..
                } = &mut self.models.import
                {
                    (*step, *elapsed_secs) = (now, secs);
                }
            }
            ModelAnswer::Ended(ended) => return self.import_ended(ended),
            ModelAnswer::Hub(answer) => return self.take_in_hub_answer(answer),
        }
        Vec::new()
    }

    fn act_on_import(&mut self, action: ImportAction) -> Vec<Effect> {
        let import = &mut self.models.import;
        match (action, import) {
            // One at a time: what it writes is many gigabytes.
            (ImportAction::Ask(Asked::Folder), Import::Running { .. }) => {}
            (ImportAction::Ask(asked), import) => {
                let wish = match import {
                    Import::Planned(wish) => Some(wish.clone()),
                    _ => None,
                };
                return vec![Effect::Models(ModelEffect::Ask(asked, wish))];
            }
            (ImportAction::PlanFor(_), Import::Running { .. }) => {}
            (ImportAction::PlanFor(path), _) => {
                self.models.fit.chosen = None;
                return vec![Effect::Models(ModelEffect::Plan(path))];
            }
            (ImportAction::Movq(path), Import::Planned(wish)) => {
                wish.movq = Some(path);
                let wish = wish.clone();
                return self.plan(wish);
            }
            (ImportAction::Output(path), Import::Planned(wish)) => wish.output = path,
            (ImportAction::Format(format), Import::Planned(wish)) => {
                wish.output = renamed(&wish.output, wish.format, format);
                wish.format = format;
                self.models.fit.chosen = Some(format);
            }
            (ImportAction::Measure, Import::Planned(_)) => return self.measure(),
            (ImportAction::Measure, _) => {}
            // What is not planned any more has no parts.
            (ImportAction::Movq(_) | ImportAction::Output(_) | ImportAction::Format(_), _) => {}
            (ImportAction::Close, Import::Running { .. }) => {}
            (ImportAction::Close, import) => {
                *import = Import::None;
                return self.stop_measuring();
            }
            (ImportAction::Start, import) => {
                if let Import::Planned(wish) = import
                    && wish.movq.is_some()
                {
                    let wish = wish.clone();
                    *import = Import::Running {
                        wish: wish.clone(),
                        step: ImportStep::default(),
                        elapsed_secs: 0.0,
                        ending: Ending::No,
                    };
                    let mut effects = self.stop_measuring();
                    effects.push(Effect::Models(ModelEffect::Import(wish)));
                    return effects;
                }
            }
            (ImportAction::Cancel, Import::Running { ending, .. }) => {
                *ending = Ending::Asked;
                return vec![Effect::Models(ModelEffect::CancelImport)];
            }
            (ImportAction::Cancel, _) => {}
        }
        Vec::new()
    }

    fn import_ended(&mut self, ended: Result<Vec<String>, Failure>) -> Vec<Effect> {
        let was = std::mem::take(&mut self.models.import);
        let Import::Running { wish, ending, .. } = was else {
            return Vec::new();
        };
        match (ended, ending) {
            (Ok(remarks), _) => {
                let path = wish.output;
                self.recent_models.retain(|known| *known != path);
                self.recent_models.insert(0, path.clone());
                self.models.import = Import::Done {
                    path: path.clone(),
                    remarks,
                };
                let mut effects = self.look_around();
                // A picture that is being drawn is not put off for it: the card offers it then.
                if self.run.is_none() && self.queue.is_empty() {
                    effects.extend(self.choose_model(Some(path)));
                }
                return effects;
            }
            (Err(_), Ending::Asked) => {
                self.models.import = Import::Planned(wish);
                self.notify(Tone::Info, "The import was cancelled", "Nothing was written.", "");
            }
            (Err(failure), Ending::No) => {
                self.models.import = Import::Planned(wish);
                self.error(
                    "The folder could not be imported",
                    &failure,
                    "Nothing was left behind: change what it says and press Import again.",
                );
            }
        }
        Vec::new()
    }
}

/// The file's name with the new format in it, where it had the old one.
pub(super) fn renamed(output: &Path, old: Format, new: Format) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    match name.contains(old.name()) {
        true => output.with_file_name(name.replace(old.name(), new.name())),
        false => output.to_owned(),
    }
}
