//! From what is asked to what is drawn: defaults filled in, sizes chosen, given codes looked up, the
//! lookahead measured. Whatever cannot be drawn is refused here, before anything is computed.

use super::loaded::Session;
use crate::decode::Feed;
use crate::model::weights::ModelError;
use crate::picture;
use crate::pixels::Size;
use crate::task::{Failure, LONGEST_PROMPT, Lookahead, Mode, Noise, Reading, Sampling, Story, Task, Wording};
use crate::token::{Grid, best_size};
use crate::understand::{Verdict, outside, understand, understand_subject, unnamed_subject};
use std::ops::Range;
use std::time::Instant;

/// Lookaheads tried by the automatic choice, with the codes a forward commits there on the starter
/// model.
const LOOKAHEADS: [(usize, f64); 5] = [(1, 1.0), (2, 1.6), (4, 2.3), (8, 3.0), (16, 4.5)];
/// The automatic lookahead of coupled noise.
const COUPLED_LOOKAHEAD: usize = 8;
/// Forwards shorter than this, in seconds, are timed three times.
const SHORT: f64 = 0.05;

/// A task after the model's defaults were filled in.
pub(super) struct Plan {
    pub(super) sampling: Sampling,
    pub(super) panel: Size,
    pub(super) grid: Grid,
    /// The grid the model is told of: a larger one where only the first rows of it are drawn.
    pub(super) told: Grid,
    /// Where the model is given other words than were typed.
    pub(super) reading: Option<Reading>,
    /// From the top down, without gaps.
    pub(super) segments: Vec<Segment>,
    /// The task's, with what its bands settled on.
    pub(super) story: Story,
    /// Codes of the whole grid that are given.
    pub(super) known: Vec<Option<u32>>,
    /// Codes of each row that no picture gives; what was drawn before a stop counts among them.
    pub(super) to_draw: Vec<u32>,
    pub(super) lookahead: usize,
    pub(super) began: Instant,
}

/// Rows that are drawn by one prompt, one seed and one set of settings.
pub(super) struct Segment {
    /// Of the token grid.
    pub(super) rows: Range<u32>,
    pub(super) prompt: Vec<u32>,
    pub(super) sampling: Sampling,
    /// Of the first candidate.
    pub(super) seed: u64,
}

impl Plan {
    /// Rows of the grid that the source's codes take.
    pub(super) fn rows_of_source(&self, mode: &Mode) -> u32 {
        mode.rows_of_source(self.grid.rows)
    }

    /// Tokens from `<start>` to the end of what is drawn.
    pub(super) fn stream_len(&self) -> usize {
        drawn_len(self.grid, self.told)
    }

    /// Tokens of the longest prompt.
    pub(super) fn longest_prompt(&self) -> usize {
        let lengths = self.segments.iter().map(|segment| segment.prompt.len());
        lengths.max().unwrap_or(0)
    }
}

/// Tokens of the rows of `grid` in a stream of `told`.
pub(super) fn drawn_len(grid: Grid, told: Grid) -> usize {
    match grid.rows < told.rows {
        true => told.position(told.index(grid.rows, 0)),
        false => told.stream_len(),
    }
}

impl Session {
    pub(super) fn sampling(&self, task: &Task) -> Result<Sampling, Failure> {
        let defaults = self.model.card.sampling_of(task.mode.name());
        let sampling = task.sampling.resolve(&defaults);
        let positive = |value: f32| value.is_finite() && value > 0.0;
        if !sampling.cfg.is_finite() || sampling.cfg < 0.0 {
            return Err(Failure::usage("the guidance scale must be 0 or more"));
        }
        if !positive(sampling.temperature) || sampling.top_n_sigma.is_some_and(|n| !positive(n)) {
            return Err(Failure::usage("temperature and top-n-sigma must be more than 0"));
        }
        if sampling.top_k == 0 {
            return Err(Failure::usage("top-k must be 1 or more"));
        }
        Ok(sampling)
    }

    /// Size of one panel: as asked, else the trained size that fits the source best.
    pub(super) fn panel(&self, task: &Task) -> Result<Size, Failure> {
        let (mode, map) = (task.mode.name(), task.mode.map().map(|map| map.name()));
        let trained = self.model.card.sizes(mode);
        let by_source = task
            .source
            .as_ref()
            .and_then(|source| best_size(source.size(), &trained));
        let size = task
            .size
            .or(by_source)
            .or_else(|| self.model.card.default_size(mode));
        let size = size.unwrap_or(Size::new(256, 256));
        Grid::of(size).map_err(|e| Failure::usage(e.to_string()))?;
        match self.model.card.refusal(mode, map, size) {
            Some(reason) if !task.force => Err(Failure::usage(format!(
                "{reason} (--force draws it all the same)"
            ))),
            _ => Ok(size),
        }
    }

    /// What the model is given for the words of a prompt; `None`: those words.
    fn reading(&self, task: &Task) -> Result<Option<Reading>, Failure> {
        if let Wording::As(caption) = &task.wording {
            return Ok((*caption != task.prompt).then(|| Reading {
                caption: caption.clone(),
                unknown: Vec::new(),
                is_near: false,
            }));
        }
        let names_a_scene = match task.mode {
            Mode::Generate
            | Mode::Pair { .. }
            | Mode::Sketch { .. }
            | Mode::Control { .. }
            | Mode::Subject { .. } => true,
            // A photo has become its map before it is read here.
            Mode::ControlFromPhoto { .. } | Mode::Edit | Mode::Predict { .. } => false,
        };
        let is_understood = task.wording == Wording::Understood && self.model.card.knows_starter_world();
        // What was stopped before there were captions was begun as typed.
        if !is_understood || !names_a_scene || task.resume.is_some() {
            return Ok(None);
        }
        let understood = match &task.mode {
            Mode::Subject { describe } => understand_subject(describe.as_deref(), &task.prompt),
            _ => understand(&task.prompt),
        };
        let refusal = match understood.verdict {
            Verdict::Known | Verdict::Near => {
                let unknown = understood.unknown.into_iter().map(|unknown| unknown.words);
                return Ok((understood.caption != task.prompt).then(|| Reading {
                    caption: understood.caption,
                    unknown: unknown.collect(),
                    is_near: understood.verdict == Verdict::Near,
                }));
            }
            Verdict::Outside { near } => outside(&near),
            Verdict::Unnamed => unnamed_subject(&task.prompt),
            Verdict::Empty => "say what to draw: the prompt names nothing".to_owned(),
        };
        // A map says what is to be drawn, whatever the words.
        match task.mode {
            Mode::Control { .. } => Ok(None),
            _ => Err(Failure::usage(refusal)),
        }
    }

    pub(super) fn prompt(&self, task: &Task, words: &str, panel: Size) -> Result<Vec<u32>, Failure> {
        if task.prompt.len() > LONGEST_PROMPT {
            return Err(Failure::usage(format!(
                "the prompt has {} bytes, at most {LONGEST_PROMPT} are taken: shorten it",
                task.prompt.len()
            )));
        }
        let mode = task.mode.name();
        let label = match &task.mode {
            Mode::Subject { describe: Some(text) } => text.clone(),
            Mode::Subject { describe: None } | Mode::Edit => {
                self.model.card.label(mode).map(str::to_owned).ok_or_else(|| {
                    Failure::usage("this model wants the subject described: add --describe \"...\"")
                })?
            }
            other => other
                .map()
                .and_then(|map| self.model.prompts.label(map))
                .unwrap_or_default()
                .to_owned(),
        };
        let text = self
            .model
            .prompts
            .fill(mode, panel, &label, words)
            .map_err(Failure::from)?;
        self.model
            .text
            .prompt(&self.model.alphabet, &[&text])
            .map_err(Failure::from)
    }

    /// How the words of a task are read, and the prompt made of them, for which there is room.
    fn worded(&self, task: &Task, panel: Size, grid: Grid) -> Result<(Option<Reading>, Vec<u32>), Failure> {
        let reading = self.reading(task)?;
        let words = reading.as_ref().map_or(&task.prompt, |reading| &reading.caption);
        let prompt = self.prompt(task, words, panel)?;
        let room = self.model.decoder.room_for(prompt.len() + grid.stream_len());
        room.map_err(|e| Failure::usage(e.to_string()))?;
        Ok((reading, prompt))
    }

    /// The codes given by the user's pictures.
    fn known(&self, task: &Task, panel: Grid, grid: Grid) -> Result<Vec<Option<u32>>, Failure> {
        let mut known = vec![None; grid.codes()];
        if task.mode.takes_source() {
            // A picture that was begun holds the codes of its source.
            let begun = task.resume.as_ref().and_then(|codes| codes.get(..panel.codes()));
            let mask = task.mask.as_deref().filter(|_| task.mode == Mode::Edit);
            let codes = match (task.source.as_deref(), begun) {
                (Some(source), _) => {
                    let fitted = match mask {
                        Some(mask) => picture::fit_masked(source, mask, panel.pixels()),
                        None => picture::fit(source, panel.pixels()),
                    };
                    self.model.movq.encode(&fitted).map_err(Failure::from)?
                }
                (None, Some(codes)) if mask.is_none() => codes.to_vec(),
                (None, _) => return Err(Failure::usage("this task needs a picture")),
            };
            for (slot, code) in known.iter_mut().zip(&codes) {
                *slot = Some(*code);
            }
            if let Some((mask, source)) = mask.zip(task.source.as_deref()) {
                let redraw = picture::mask_codes(mask, source.size(), panel);
                for (index, code) in codes.iter().enumerate().filter(|(index, _)| !redraw[*index]) {
                    known[panel.codes() + index] = Some(*code);
                }
            }
        }
        Ok(known)
    }

    /// Gives the codes somebody chose, too.
    fn give(&self, task: &Task, known: &mut [Option<u32>]) -> Result<(), Failure> {
        let mut codes = task.story.given.iter().flat_map(|given| &given.codes);
        if codes.any(|code| *code as usize >= self.model.alphabet.codes()) {
            return Err(Failure::usage("the given tokens do not belong to this model"));
        }
        task.story.give(known)
    }

    /// Gives the codes of a stopped picture, too.
    fn resume(&self, task: &Task, known: &mut [Option<u32>]) -> Result<(), Failure> {
        if let Some(drawn) = &task.resume {
            if drawn.len() > known.len()
                || drawn
                    .iter()
                    .any(|code| *code as usize >= self.model.alphabet.codes())
            {
                return Err(Failure::usage(
                    "the stored tokens do not belong to this model or this size",
                ));
            }
            for (slot, code) in known.iter_mut().zip(drawn) {
                *slot = Some(*code);
            }
        }
        Ok(())
    }

    pub(super) fn plan(&mut self, task: &Task) -> Result<Plan, Failure> {
        let began = Instant::now();
        if let Some(refusal) = task.mask_refusal() {
            return Err(Failure::usage(refusal));
        }
        let sampling = self.sampling(task)?;
        let panel = self.panel(task)?;
        let one = Grid::of(panel).map_err(|e| Failure::usage(e.to_string()))?;
        let (grid, told) = (task.mode.grid(one), task.mode.told_grid(one));
        let (reading, prompt) = self.worded(task, panel, told)?;
        let mut known = self.known(task, one, grid)?;
        self.give(task, &mut known)?;
        let rows = known.chunks(grid.columns as usize);
        let to_draw = rows.map(|row| row.iter().filter(|code| code.is_none()).count() as u32);
        let to_draw = to_draw.collect();
        self.resume(task, &mut known)?;
        let first = Segment {
            rows: 0..grid.rows,
            prompt,
            sampling,
            seed: task.seed,
        };
        let (segments, story) = self.segments(task, (panel, grid), first)?;
        let lookahead = match task.sampling.lookahead {
            Lookahead::Fixed(0) => return Err(Failure::usage("the window must be 1 or more")),
            Lookahead::Fixed(lookahead) => lookahead,
            // There the lookahead decides which picture a seed means: it must not depend on the clock.
            Lookahead::Auto if task.sampling.noise == Noise::Coupled => COUPLED_LOOKAHEAD,
            Lookahead::Auto => self.auto_lookahead().map_err(Failure::from)?,
        };
        Ok(Plan {
            sampling,
            panel,
            grid,
            told,
            reading,
            segments,
            story,
            known,
            to_draw,
            lookahead,
            began,
        })
    }

    /// `whole` cut where the task's bands begin, and the story with settled bands.
    fn segments(
        &self,
        task: &Task,
        (panel, grid): (Size, Grid),
        whole: Segment,
    ) -> Result<(Vec<Segment>, Story), Failure> {
        task.story.check(grid.rows)?;
        let mut story = task.story.clone();
        let mut segments = vec![whole];
        for band in &mut story.bands {
            let told = Task {
                prompt: band.prompt.clone(),
                wording: band.wording.clone(),
                sampling: band.sampling,
                seed: band.seed,
                resume: None,
                ..task.clone()
            };
            let sampling = self.sampling(&told)?;
            let (reading, prompt) = self.worded(&told, panel, grid)?;
            band.sampling = band.sampling.settled(sampling);
            band.wording = match reading {
                Some(reading) => Wording::As(reading.caption),
                None => Wording::AsTyped,
            };
            if let Some(above) = segments.last_mut() {
                above.rows.end = band.from_row;
            }
            segments.push(Segment {
                rows: band.from_row..grid.rows,
                prompt,
                sampling,
                seed: band.seed,
            });
        }
        Ok((segments, story))
    }

    /// The lookahead that commits most codes a second on this machine, by timed forwards. Wider ones
    /// are not tried once they fall behind.
    fn auto_lookahead(&mut self) -> Result<usize, ModelError> {
        if let Some(lookahead) = self.lookahead {
            return Ok(lookahead);
        }
        let widest = LOOKAHEADS[LOOKAHEADS.len() - 1].0;
        let mut predictor = self.model.decoder.predictor(2, 2 * widest)?;
        let tokens = vec![self.model.alphabet.first; widest];
        let mut scores = Vec::new();
        let mut time = |count: usize| -> Result<f64, ModelError> {
            let feed = |lane| Feed {
                lane,
                at: widest,
                tokens: &tokens[..count],
                scores_from: 0,
            };
            let began = Instant::now();
            let run = predictor.predict(&[feed(0), feed(1)], &mut scores);
            run.map_err(|e| ModelError::Config(e.to_string()))?;
            Ok(began.elapsed().as_secs_f64())
        };
        // The first forward brings weights to where they are wanted.
        time(1)?;
        let mut best = (1, 0.0);
        for (lookahead, committed) in LOOKAHEADS {
            let mut seconds = time(lookahead)?;
            if seconds < SHORT {
                seconds = seconds.min(time(lookahead)?).min(time(lookahead)?);
            }
            let rate = committed / seconds;
            if rate > best.1 {
                best = (lookahead, rate);
            } else if rate < 0.8 * best.1 {
                break;
            }
        }
        self.lookahead = Some(best.0);
        Ok(best.0)
    }
}
