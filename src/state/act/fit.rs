//! What is done about how a checkpoint runs here: it is looked at, measured, and made smaller.

use super::super::action::ViewAction;
use super::super::effect::{Effect, ModelEffect};
use super::super::fit::{Fit, Pace, Tight, next_smaller};
use super::super::models::{Asked, Import};
use super::super::notice::{Offer, Tone};
use super::super::studio::Studio;
use super::super::view::Page;
use super::models::renamed;
use crate::pixels::Size;
use crate::task::{Appraisal, Cause, Failure, Fitting, Format, ImportWish};
use std::path::{Path, PathBuf};

fn take_format(wish: &mut ImportWish, format: Format) {
    wish.output = renamed(&wish.output, wish.format, format);
    wish.format = format;
}

impl Studio {
    /// An import is planned: how could it run here?
    pub(in super::super) fn plan(&mut self, mut wish: ImportWish) -> Vec<Effect> {
        let mut effects = self.stop_measuring();
        let chosen = self.models.fit.chosen;
        if let Some(format) = chosen {
            take_format(&mut wish, format);
        }
        self.models.import = Import::Planned(wish.clone());
        self.models.fit = Fit {
            chosen,
            ..Fit::default()
        };
        // Without its image tokenizer a checkpoint cannot be judged.
        if wish.movq.is_some() {
            effects.push(Effect::Models(ModelEffect::Fit(wish)));
        }
        effects
    }

    /// At start: an import that was planned, or broken off, stands ready again.
    pub fn go_on_with_import(&mut self) -> Vec<Effect> {
        match &self.models.import {
            Import::Planned(wish) => {
                let wish = wish.clone();
                self.models.fit.chosen = Some(wish.format);
                self.plan(wish)
            }
            _ => Vec::new(),
        }
    }

    fn planned(&mut self, folder: &Path) -> Option<&mut ImportWish> {
        match &mut self.models.import {
            Import::Planned(wish) if wish.folder == folder => Some(wish),
            _ => None,
        }
    }

    /// The headers are read: the advised format is chosen, and its pace measured where nothing is drawn.
    pub(super) fn fitted(&mut self, folder: &Path, fitting: Result<Fitting, Failure>) -> Vec<Effect> {
        let chosen = self.models.fit.chosen;
        let Some(wish) = self.planned(folder) else {
            return Vec::new();
        };
        let fitting = match fitting {
            Ok(fitting) => fitting,
            Err(failure) => {
                self.models.fit.trouble = Some(failure.message);
                return Vec::new();
            }
        };
        if let Some(advised) = fitting.advised().filter(|_| chosen.is_none()) {
            take_format(wish, advised.format);
        }
        self.models.fit.fitting = Some(fitting);
        match self.run.is_none() && self.queue.is_empty() {
            true => self.measure(),
            false => Vec::new(),
        }
    }

    pub(super) fn measure(&mut self) -> Vec<Effect> {
        let (Import::Planned(wish), Some(fitting)) = (&self.models.import, &self.models.fit.fitting) else {
            return Vec::new();
        };
        let is_any = fitting.ways.iter().any(|way| way.fits());
        if !is_any || self.models.fit.pace == Pace::Measuring {
            return Vec::new();
        }
        let measure = ModelEffect::Measure(wish.clone(), fitting.clone());
        self.models.fit.pace = Pace::Measuring;
        vec![Effect::Models(measure)]
    }

    pub(super) fn stop_measuring(&mut self) -> Vec<Effect> {
        match self.models.fit.pace {
            Pace::Measuring => {
                self.models.fit.pace = Pace::Unknown;
                vec![Effect::Models(ModelEffect::StopMeasuring)]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn measured(&mut self, folder: &Path, fitting: Result<Fitting, Failure>) {
        if self.models.fit.pace != Pace::Measuring || self.planned(folder).is_none() {
            return;
        }
        match fitting {
            Ok(fitting) => {
                self.models.fit.fitting = Some(fitting);
                self.models.fit.pace = Pace::Known;
            }
            Err(failure) => self.models.fit.pace = Pace::Failed(failure.message),
        }
    }

    /// What is known of the model in use.
    pub fn appraisal_in_use(&self) -> Option<&Appraisal> {
        match &self.model_path {
            None => self.models.survey.as_ref()?.starter.as_ref(),
            path => self.models.appraisal(path.as_deref())?.as_ref().ok(),
        }
    }

    /// Memory ran out: the models page has the next smaller thing. False where it was something else.
    pub(in super::super) fn ran_out_of_memory(
        &mut self,
        title: &str,
        failure: &Failure,
        size: Option<Size>,
    ) -> bool {
        if failure.cause != Cause::Memory {
            return false;
        }
        self.models.tight = Some(Tight {
            message: failure.message.clone(),
            next: None,
        });
        self.look_for_less(size);
        self.notify(
            Tone::Error,
            title,
            &failure.message,
            "The models page has what needs less memory.",
        );
        self.offer_in_notice(Offer {
            words: "See what fits",
            action: Box::new(ViewAction::Page(Page::Models).into()),
        });
        true
    }

    /// What needs less than a picture of `size`, as far as the look around knows.
    pub(super) fn look_for_less(&mut self, size: Option<Size>) {
        let Some(appraisal) = self.appraisal_in_use() else {
            return;
        };
        let free = self.models.survey.as_ref().and_then(|survey| {
            let card = survey
                .devices
                .iter()
                .find(|state| state.device == appraisal.runs_on);
            card.and_then(|state| state.free_bytes).or(survey.free_bytes)
        });
        let next = next_smaller(appraisal, size.unwrap_or(appraisal.size), self.room_bytes(free));
        if let Some(tight) = &mut self.models.tight {
            tight.next = next.or(tight.next.take());
        }
    }

    /// The folder a model was made of: one that holds a model of the same name.
    fn checkpoint_of_the_model(&self) -> Option<PathBuf> {
        let name = &self.appraisal_in_use()?.name;
        let mut known = self.models.survey.as_ref()?.models.iter();
        let folder = known.find(|known| {
            let is_named = known
                .appraisal
                .as_ref()
                .is_ok_and(|appraisal| appraisal.name == *name);
            is_named && known.path.is_dir()
        });
        folder.map(|known| known.path.clone())
    }

    /// The import of the checkpoint in another format is planned; where it is not here, the user is asked for it.
    pub(super) fn plan_smaller(&mut self, format: Format) -> Vec<Effect> {
        self.page = Page::Models;
        if matches!(self.models.import, Import::Running { .. }) {
            return Vec::new();
        }
        self.models.fit.chosen = Some(format);
        vec![Effect::Models(match self.checkpoint_of_the_model() {
            Some(folder) => ModelEffect::Plan(folder),
            None => ModelEffect::Ask(Asked::Folder, None),
        })]
    }
}
