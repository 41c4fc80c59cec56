//! The session as an engine: a task in, pictures out; questions answered.

use super::loaded::Session;
use crate::model::bundle::Bundle;
use crate::model::card::Trained;
use crate::task::{
    Cancel, Engine, Failure, Finding, MapKind, Mode, Picture, Profile, Progress, Question, Skill, Stop, Task,
};

/// What the card says, in the words of a window.
fn profile(model: &Bundle) -> Profile {
    let card = &model.card;
    let skill = |trained: &Trained| Skill {
        mode: trained.task.clone(),
        maps: MapKind::ALL
            .into_iter()
            .filter(|map| trained.maps.iter().any(|known| known == map.name()))
            .collect(),
        sizes: card.sizes(&trained.task),
        default_size: card.default_size(&trained.task),
        needs_description: trained.task == "subject" && trained.label.is_none(),
        sampling: trained.sampling,
    };
    Profile {
        note: card.note.clone(),
        sampling: Some(card.sampling()),
        skills: card.tasks().iter().map(skill).collect(),
        device: model.device.clone(),
        knows_starter_world: card.knows_starter_world(),
        remark: model.remark.clone(),
        bytes: Some(model.bytes),
        watchdog: card.watchdog().cloned(),
    }
}

impl Engine for Session {
    fn answer(&mut self, question: &Question, cancel: &Cancel) -> Result<Finding, Failure> {
        match question {
            Question::Alternatives { task, codes, row } => self
                .alternatives(task, codes, *row, cancel)
                .map(Finding::Alternatives),
        }
    }

    fn profile(&self) -> Profile {
        profile(&self.model)
    }

    fn run(
        &mut self,
        task: &Task,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Picture>, Stop> {
        let mapped;
        let task = match &task.mode {
            Mode::ControlFromPhoto { map } => {
                let source = self.map_of_photo(task, cancel, progress)?;
                mapped = Task {
                    mode: Mode::Control { map: *map },
                    source: Some(source.into()),
                    ..task.clone()
                };
                &mapped
            }
            _ => task,
        };
        let plan = self.plan(task).map_err(Stop::Failed)?;
        let columns = plan.grid.columns as usize;
        let given = plan.known.iter().take_while(|code| code.is_some()).count() / columns;
        progress(Progress::Started {
            grid: plan.grid,
            panel: plan.panel,
            sampling: plan.sampling,
            lookahead: plan.lookahead,
            rows_forced: given as u32,
            to_draw: plan.to_draw.clone(),
            reading: plan.reading.clone(),
        });
        self.draw(task, &plan, cancel, progress)
    }
}
