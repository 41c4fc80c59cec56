//! A task from its plan to finished pictures.

use super::loaded::{Session, broken};
use super::plan::Plan;
use super::progress::Telling;
use crate::decode::{self, DrawError, DrawSettings, Drawing, Drawn, Predictor};
use crate::model::bundle::Bundle;
use crate::model::card::Trained;
use crate::model::weights::ModelError;
use crate::picture;
use crate::pixels::{Pixels, Size};
use crate::task::{
    CANNY_THRESHOLDS, Cancel, Engine, Failure, MapKind, Mode, Picture, Profile, Progress, Skill, Stop, Tally,
    Task,
};
use crate::token::Grid;

impl Session {
    fn draw(
        &self,
        task: &Task,
        plan: &Plan,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Picture>, Stop> {
        let fail = |error: ModelError| Stop::Failed(broken(&error));
        let stream = self.model.alphabet.stream(plan.grid, &plan.known);
        let stream = stream.map_err(|e| Stop::Failed(Failure::usage(e.to_string())))?;
        let candidates = task.candidates.max(1);
        let drawings: Vec<Drawing<'_>> = (0..candidates as u64)
            .map(|index| Drawing {
                prompt: &plan.prompt,
                stream: &stream,
                code_ids: self.model.alphabet.code_ids(),
                stride: plan.grid.stride(),
                seed: task.seed.wrapping_add(index),
            })
            .collect();
        let settings = DrawSettings {
            sampling: plan.sampling,
            noise: task.sampling.noise,
            lookahead: plan.lookahead,
            score: candidates > 1,
        };
        let capacity = plan.prompt.len() + stream.len();
        let mut telling = Telling::new(self, plan, candidates, progress);
        let mut drawn = Vec::with_capacity(candidates);
        let mut together = candidates;
        while drawn.len() < candidates {
            let first = drawn.len();
            let mut predictor = self.predictor(&mut together, capacity).map_err(fail)?;
            let outcome = decode::draw(
                predictor.as_mut(),
                &drawings[first..(first + together).min(candidates)],
                &settings,
                cancel,
                &mut |event| telling.take(first, &event),
            );
            match outcome {
                Ok(group) => drawn.extend(group),
                Err(DrawError::Cancelled(group)) => {
                    drawn.extend(group);
                    let parts = drawn.iter().enumerate();
                    let parts = parts.map(|(index, drawn)| self.part(task, plan, index, drawn));
                    return Err(Stop::Cancelled(parts.collect()));
                }
                Err(DrawError::Predict(error)) => {
                    return Err(Stop::Failed(Failure::failed(error.to_string())));
                }
            }
        }
        telling.decoding();
        let mut pictures = Vec::with_capacity(candidates);
        for (index, drawn) in drawn.into_iter().enumerate() {
            pictures.push(self.finish(task, plan, index, &drawn).map_err(fail)?);
        }
        // Best first; a stable sort keeps seeds in order where there is no score.
        pictures.sort_by(|a, b| b.score.unwrap_or(0.0).total_cmp(&a.score.unwrap_or(0.0)));
        Ok(pictures)
    }

    /// A predictor for as many candidates `together` as there is memory for.
    fn predictor(&self, together: &mut usize, capacity: usize) -> Result<Box<dyn Predictor>, ModelError> {
        loop {
            match self.model.decoder.predictor(2 * *together, capacity) {
                Err(ModelError::Memory(_)) if *together > 1 => *together = together.div_ceil(2),
                made => return made,
            }
        }
    }

    /// What was drawn of a picture that was stopped: whole rows.
    fn part(&self, task: &Task, plan: &Plan, index: usize, drawn: &Drawn) -> Picture {
        let mut picture = self.picture(task, plan, index, drawn);
        let columns = plan.grid.columns as usize;
        let whole_rows = picture.codes.len() / columns;
        picture.codes.truncate(whole_rows * columns);
        picture
    }

    fn picture(&self, task: &Task, plan: &Plan, index: usize, drawn: &Drawn) -> Picture {
        let codes = drawn
            .ids
            .iter()
            .filter_map(|id| self.model.alphabet.code_of_id(*id))
            .collect();
        let seconds = plan.began.elapsed().as_secs_f64();
        Picture {
            pixels: None,
            grid: plan.grid,
            codes,
            seed: task.seed.wrapping_add(index as u64),
            score: drawn.score,
            sampling: plan.sampling,
            panel: plan.panel,
            lookahead: plan.lookahead,
            caption: plan.reading.as_ref().map(|reading| reading.caption.clone()),
            tally: Tally {
                tokens: drawn.drawn,
                forwards: drawn.forwards,
                seconds,
            },
        }
    }

    fn finish(&self, task: &Task, plan: &Plan, index: usize, drawn: &Drawn) -> Result<Picture, ModelError> {
        let mut picture = self.picture(task, plan, index, drawn);
        let source = task.source.as_deref().zip(task.mask.as_deref());
        let source = source.filter(|_| task.mode == Mode::Edit);
        let composed = self.redraw(&task.mode, plan.panel, plan.grid, &picture.codes)?;
        picture.pixels = Some(match source {
            Some((source, mask)) => picture::compose(source, mask, &composed, task.feather),
            None => composed,
        });
        picture.tally.seconds = plan.began.elapsed().as_secs_f64();
        Ok(picture)
    }

    /// Decodes stored codes to the panel the user asked for.
    ///
    /// # Errors
    /// The codes are not as many as the grid has or not of this model, or they cannot be decoded.
    pub fn redraw(&self, mode: &Mode, panel: Size, grid: Grid, codes: &[u32]) -> Result<Pixels, ModelError> {
        let known = self.model.alphabet.codes();
        if codes.len() != grid.codes() || codes.iter().any(|code| *code as usize >= known) {
            return Err(ModelError::Config(format!(
                "the stored tokens are not those of this model, which knows {known} codes: name its model with --model"
            )));
        }
        let whole = self.model.movq.decode(codes, grid)?;
        let keeps_both = matches!(mode, Mode::Generate | Mode::Pair { .. });
        Ok(if keeps_both {
            whole
        } else {
            whole.rows(panel.height, whole.size().height)
        })
    }

    /// The map of a photo: canny by computation, the others drawn by the model itself.
    fn map_of_photo(
        &mut self,
        task: &Task,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Pixels, Stop> {
        let Mode::ControlFromPhoto { map } = &task.mode else {
            return Err(Stop::Failed(Failure::usage("this task makes no map")));
        };
        let photo = task.source.as_deref();
        let photo = photo.ok_or_else(|| Stop::Failed(Failure::usage("this task needs a photo")))?;
        if *map == crate::task::MapKind::Canny {
            let panel = self.panel(task).map_err(Stop::Failed)?;
            return Ok(picture::canny(
                &picture::fit(photo, panel),
                CANNY_THRESHOLDS.0,
                CANNY_THRESHOLDS.1,
            ));
        }
        let predict = Task {
            mode: Mode::Predict { map: *map },
            candidates: 1,
            mask: None,
            resume: None,
            ..task.clone()
        };
        let pictures = self.run(&predict, cancel, progress).map_err(|stop| match stop {
            Stop::Cancelled(_) => Stop::Cancelled(Vec::new()),
            failed => failed,
        })?;
        let map = pictures.into_iter().next().and_then(|picture| picture.pixels);
        map.ok_or_else(|| Stop::Failed(Failure::failed("the model drew no map")))
    }
}

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
    }
}

impl Engine for Session {
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
