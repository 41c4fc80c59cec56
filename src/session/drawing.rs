//! A task from its plan to finished pictures.

use super::loaded::Session;
use super::plan::{Plan, Segment};
use super::progress::Telling;
use crate::decode::{self, DrawError, DrawSettings, Drawing, Drawn, Predictor};
use crate::model::weights::ModelError;
use crate::picture;
use crate::pixels::{Pixels, Size};
use crate::task::{
    Audition, CANNY_THRESHOLDS, Cancel, Doubt, Engine, Failure, Mode, Picture, Progress, Stop, Story, Tally,
    Task,
};
use crate::token::Grid;
use std::ops::Range;

/// Why no more rows are drawn.
enum Halted {
    Cancelled,
    Failed(Failure),
}

impl Session {
    pub(super) fn draw(
        &self,
        task: &Task,
        plan: &Plan,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Picture>, Stop> {
        let fail = |error: ModelError| Stop::Failed(error.into());
        let candidates = task.candidates.max(1);
        let rows = plan.grid.rows;
        let mut telling = Telling::new(self, plan, candidates, progress);
        let mut drawn = vec![Drawn::default(); candidates];
        let mut drawing: Vec<usize> = (0..candidates).collect();
        let end = task.audition.map_or(rows, |audition| {
            let above = plan.rows_of_source(&task.mode);
            audition.end(above, rows)
        });
        let begin = self.draw_rows(task, plan, (&drawing, 0..end), &mut drawn, (cancel, &mut telling));
        let stop = |halted, drawing: &[usize], drawn: &[Drawn]| match halted {
            Halted::Cancelled => {
                let begun = drawing.iter().filter(|index| !drawn[**index].ids.is_empty());
                let parts = begun.map(|index| self.part(task, plan, *index, &drawn[*index]));
                Stop::Cancelled(parts.collect())
            }
            Halted::Failed(failure) => Stop::Failed(failure),
        };
        begin.map_err(|halted| stop(halted, &drawing, &drawn))?;
        if let Some(Audition { keep, .. }) = task.audition
            && keep > 0
        {
            drawing.sort_by(|a, b| {
                let score = |index: &usize| drawn[*index].score.unwrap_or(0.0);
                score(b).total_cmp(&score(a))
            });
            drawing.truncate(keep);
            drawing.sort_unstable();
            let finish = self.draw_rows(
                task,
                plan,
                (&drawing, end..rows),
                &mut drawn,
                (cancel, &mut telling),
            );
            finish.map_err(|halted| stop(halted, &drawing, &drawn))?;
        }
        let is_whole = |index: &usize| drawn[*index].ids.len() == plan.stream_len();
        let mut pictures = Vec::with_capacity(drawing.len());
        if drawing.iter().all(is_whole) {
            telling.decoding();
            for index in &drawing {
                let picture = self.finish(task, plan, *index, &drawn[*index]);
                pictures.push(picture.map_err(fail)?);
            }
        } else {
            let parts = drawing.iter();
            pictures.extend(parts.map(|index| self.part(task, plan, *index, &drawn[*index])));
        }
        if drawing.len() > 1 && task.mask.is_some() {
            let streams = drawing.iter().map(|index| drawn[*index].ids.as_slice());
            match self.seams(plan, streams, cancel) {
                Ok(seams) => {
                    for (picture, seam) in pictures.iter_mut().zip(seams) {
                        picture.seam = Some(seam);
                    }
                }
                // The pictures are there: they are not lost for want of an order.
                Err(_) if cancel.is_cancelled() => {}
                Err(error) => return Err(fail(error)),
            }
        }
        // Best first; a stable sort keeps seeds in order where there is no score.
        let worth = |picture: &Picture| picture.seam.or(picture.score).unwrap_or(0.0);
        pictures.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        Ok(pictures)
    }

    /// Draws rows of some of the candidates, as many of them at a time as there is memory for.
    fn draw_rows(
        &self,
        task: &Task,
        plan: &Plan,
        (candidates, rows): (&[usize], Range<u32>),
        drawn: &mut [Drawn],
        (cancel, telling): (&Cancel, &mut Telling<'_>),
    ) -> Result<(), Halted> {
        let capacity = plan.longest_prompt() + plan.told.stream_len();
        let mut together = candidates.len();
        let mut left = candidates;
        while !left.is_empty() && !rows.is_empty() {
            let predictor = self.predictor(&mut together, capacity);
            let mut predictor = predictor.map_err(|error| Halted::Failed(error.into()))?;
            let (group, others) = left.split_at(together.min(left.len()));
            left = others;
            for segment in &plan.segments {
                let rows = segment.rows.start.max(rows.start)..segment.rows.end.min(rows.end);
                if rows.is_empty() {
                    continue;
                }
                let segment = (segment, rows.end);
                let predictor = predictor.as_mut();
                self.draw_segment(
                    task,
                    plan,
                    (predictor, group, segment),
                    drawn,
                    (cancel, &mut *telling),
                )?;
            }
        }
        Ok(())
    }

    /// Draws a segment as far as a row, which is left to the next one.
    fn draw_segment(
        &self,
        task: &Task,
        plan: &Plan,
        (predictor, group, (segment, end)): (&mut dyn Predictor, &[usize], (&Segment, u32)),
        drawn: &mut [Drawn],
        (cancel, telling): (&Cancel, &mut Telling<'_>),
    ) -> Result<(), Halted> {
        let wrong = |error: &dyn std::fmt::Display| Halted::Failed(Failure::failed(error.to_string()));
        let length = match end < plan.grid.rows {
            true => plan.grid.position(plan.grid.index(end, 0)),
            false => plan.stream_len(),
        };
        let mut streams = Vec::with_capacity(group.len());
        for index in group {
            let mut known = plan.known.clone();
            let ids = drawn[*index].ids.iter();
            let codes = ids.filter_map(|id| self.model.alphabet.code_of_id(*id));
            for (slot, code) in known.iter_mut().zip(codes) {
                *slot = Some(code);
            }
            let stream = self.model.alphabet.stream(plan.told, &known);
            let mut stream = stream.map_err(|error| wrong(&error))?;
            stream.truncate(length);
            streams.push(stream);
        }
        let drawings: Vec<Drawing<'_>> = group
            .iter()
            .zip(&streams)
            .map(|(index, stream)| Drawing {
                prompt: &segment.prompt,
                stream,
                code_ids: self.model.alphabet.code_ids(),
                stride: plan.grid.stride(),
                seed: segment.seed.wrapping_add(*index as u64),
            })
            .collect();
        let settings = DrawSettings {
            sampling: segment.sampling,
            noise: task.sampling.noise,
            lookahead: plan.lookahead,
            score: task.candidates > 1,
        };
        let outcome = decode::draw(predictor, &drawings, &settings, cancel, &mut |event| {
            telling.take(group, &event);
        });
        let (parts, halted) = match outcome {
            Ok(parts) => (parts, None),
            Err(DrawError::Cancelled(parts)) => (parts, Some(Halted::Cancelled)),
            Err(DrawError::Predict(error)) => return Err(wrong(&error)),
        };
        for (index, part) in group.iter().zip(parts) {
            let all = &mut drawn[*index];
            // What was drawn by an earlier segment is given to this one.
            let mut entropies = part.entropies;
            for (now, before) in entropies.iter_mut().zip(&all.entropies) {
                *now = now.or(*before);
            }
            *all = Drawn {
                entropies,
                ids: part.ids,
                drawn: all.drawn + part.drawn,
                forwards: all.forwards + part.forwards,
                score: part.score.map(|score| all.score.unwrap_or(0.0) + score),
                log_p: all.log_p + part.log_p,
            };
            telling.add_up(*index, all);
        }
        halted.map_or(Ok(()), Err)
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
        picture.doubt.truncate(whole_rows * columns);
        picture
    }

    fn picture(&self, task: &Task, plan: &Plan, index: usize, drawn: &Drawn) -> Picture {
        let code = |id: &u32| self.model.alphabet.code_of_id(*id);
        let codes = drawn.ids.iter().filter_map(code).collect();
        let with_entropies = drawn.ids.iter().zip(&drawn.entropies);
        let mut doubt: Doubt = with_entropies
            .filter(|(id, _)| code(id).is_some())
            .map(|(_, entropy)| *entropy)
            .collect();
        doubt.fill(&task.doubt);
        let seconds = plan.began.elapsed().as_secs_f64();
        let seed = task.seed.wrapping_add(index as u64);
        Picture {
            score: drawn.score,
            panel: plan.panel,
            lookahead: plan.lookahead,
            caption: plan.reading.as_ref().map(|reading| reading.caption.clone()),
            story: plan.story.clone(),
            doubt,
            tally: Tally {
                tokens: drawn.drawn,
                forwards: drawn.forwards,
                seconds,
                log_p: drawn.log_p,
            },
            ..Picture::of_codes(plan.grid, codes, seed, plan.sampling)
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
        let keeps_both = mode.is_told_in_words_alone();
        Ok(if keeps_both {
            whole
        } else {
            whole.rows(panel.height, whole.size().height)
        })
    }

    /// The map of a photo: canny by computation, the others drawn by the model itself.
    pub(super) fn map_of_photo(
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
            story: Story::default(),
            audition: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bundle::{Bundle, Source};
    use crate::task::{Lookahead, Wording};

    /// Several codes a forward or one, alone or beside another candidate.
    #[test]
    fn entropies_are_those_of_the_finished_picture_told_to_the_model() {
        let bundle = Bundle::open(&Source::default()).expect("the starter");
        let mut session = Session::new(bundle);
        for (lookahead, candidates) in [(4, 2), (1, 1)] {
            let mut task = Task::new(Mode::Generate, "a red apple and a dog");
            task.size = Some(Size::new(96, 160));
            task.sampling.temperature = Some(1.0);
            task.sampling.lookahead = Lookahead::Fixed(lookahead);
            task.candidates = candidates;
            let plan = session.plan(&task).expect("a plan");
            let mut drawn = vec![Drawn::default(); candidates];
            let all: Vec<usize> = (0..candidates).collect();
            let mut ignore = |_: Progress| {};
            let mut telling = Telling::new(&session, &plan, candidates, &mut ignore);
            let done = session.draw_rows(
                &task,
                &plan,
                (&all, 0..plan.grid.rows),
                &mut drawn,
                (&Cancel::new(), &mut telling),
            );
            assert!(done.is_ok());
            let found: Vec<(Picture, Vec<f32>)> = (0..candidates)
                .map(|index| {
                    let entropies = drawn[index].entropies.iter().flatten().copied().collect();
                    (session.picture(&task, &plan, index, &drawn[index]), entropies)
                })
                .collect();
            for (index, (picture, entropies)) in found.into_iter().enumerate() {
                task.seed = index as u64;
                // What the model was given.
                task.wording = Wording::As(picture.caption.clone().expect("a caption"));
                let told = session.replay(&task, &picture.codes).expect("told again");
                let told: Vec<f32> = told.entropies.into_iter().flatten().collect();
                assert_eq!((entropies.len(), told.len()), (240, 240));
                let widest = entropies.iter().zip(&told).map(|(a, b)| (a - b).abs());
                let widest = widest.fold(0.0, f32::max);
                assert!(widest < 1e-3, "{widest}");
                // There is something to be told apart.
                assert!(told.iter().any(|nats| *nats > 1.0) && told.iter().any(|nats| *nats < 0.1));
                assert_eq!(picture.doubt, entropies.into_iter().map(Some).collect());
            }
        }
    }
}
