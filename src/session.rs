//! A loaded model carries out tasks: prompt, forced rows, decoding, the finished picture.

use crate::decode::{self, DrawError, Drawn, Event, Feed, Order};
use crate::model::bundle::Bundle;
use crate::model::preview::Line;
use crate::model::weights::ModelError;
use crate::picture;
use crate::pixels::{Pixels, Size};
use crate::task::{
    CANNY_THRESHOLDS, Cancel, Engine, Failure, Guesses, LONGEST_PROMPT, MapKind, Mode, Noise, Picture,
    Profile, Progress, Sampling, Skill, Stop, Tally, Task, Window,
};
use crate::token::{Grid, best_size};
use std::time::{Duration, Instant};

/// Windows tried by the automatic choice, with the codes a forward commits there on the starter
/// model.
const WINDOWS: [(usize, f64); 5] = [(1, 1.0), (2, 1.6), (4, 2.3), (8, 3.0), (16, 4.5)];
/// The automatic window of coupled noise.
const COUPLED_WINDOW: usize = 8;
/// What is decided of a row that is not whole yet is told this often.
const AHEAD: Duration = Duration::from_millis(100);
/// Forwards shorter than this, in seconds, are timed three times.
const SHORT: f64 = 0.05;

/// A model in memory, ready for tasks.
pub struct Session {
    model: Bundle,
    window: Option<usize>,
}

/// A task after the model's defaults were filled in.
struct Plan {
    sampling: Sampling,
    panel: Size,
    grid: Grid,
    prompt: Vec<u32>,
    /// Codes of the whole grid that are given.
    known: Vec<Option<u32>>,
    window: usize,
    began: Instant,
}

fn broken(error: &ModelError) -> Failure {
    Failure::failed(error.to_string())
}

impl Session {
    pub fn new(model: Bundle) -> Self {
        Self { model, window: None }
    }

    pub fn model(&self) -> &Bundle {
        &self.model
    }

    fn sampling(&self, task: &Task) -> Result<Sampling, Failure> {
        let defaults = self.model.card.sampling();
        let sampling = Sampling {
            cfg: task.cfg.unwrap_or(defaults.cfg),
            top_k: task.top_k.unwrap_or(defaults.top_k),
            temperature: task.temperature.unwrap_or(defaults.temperature),
            top_n_sigma: task.top_n_sigma.or(defaults.top_n_sigma),
        };
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
    fn panel(&self, task: &Task) -> Result<Size, Failure> {
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

    fn prompt(&self, task: &Task, panel: Size) -> Result<Vec<u32>, Failure> {
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
            .fill(mode, panel, &label, &task.prompt)
            .map_err(|e| broken(&e))?;
        self.model
            .text
            .prompt(&self.model.alphabet, &[&text])
            .map_err(|e| broken(&e))
    }

    /// The codes given by the user's pictures.
    fn known(&self, task: &Task, panel: Grid, grid: Grid) -> Result<Vec<Option<u32>>, Failure> {
        let mut known = vec![None; grid.codes()];
        if task.mode.takes_source() {
            let source = task
                .source
                .as_deref()
                .ok_or_else(|| Failure::usage("this task needs a picture"))?;
            let fitted = picture::fit(source, panel.pixels());
            let codes = self.model.movq.encode(&fitted).map_err(|e| broken(&e))?;
            for (slot, code) in known.iter_mut().zip(&codes) {
                *slot = Some(*code);
            }
            if let (Mode::Edit, Some(mask)) = (&task.mode, &task.mask) {
                let redraw = picture::mask_codes(mask, source.size(), panel);
                for (index, code) in codes.iter().enumerate().filter(|(index, _)| !redraw[*index]) {
                    known[panel.codes() + index] = Some(*code);
                }
            }
        }
        if let Some(drawn) = &task.resume {
            if drawn.len() > grid.codes()
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
        Ok(known)
    }

    fn plan(&mut self, task: &Task) -> Result<Plan, Failure> {
        let began = Instant::now();
        let sampling = self.sampling(task)?;
        let panel = self.panel(task)?;
        let one = Grid::of(panel).map_err(|e| Failure::usage(e.to_string()))?;
        let grid = if task.mode.is_dual() { one.doubled() } else { one };
        let prompt = self.prompt(task, panel)?;
        let needed = prompt.len() + grid.stream_len();
        let room = self.model.decoder.room_for(needed);
        room.map_err(|e| Failure::usage(e.to_string()))?;
        let known = self.known(task, one, grid)?;
        let window = match task.window {
            Window::Fixed(0) => return Err(Failure::usage("the window must be 1 or more")),
            Window::Fixed(window) => window,
            // There the window decides which picture a seed means: it must not depend on the clock.
            Window::Auto if task.noise == Noise::Coupled => COUPLED_WINDOW,
            Window::Auto => self.auto_window().map_err(|e| broken(&e))?,
        };
        Ok(Plan {
            sampling,
            panel,
            grid,
            prompt,
            known,
            window,
            began,
        })
    }

    /// The window that commits most codes a second on this machine, by timed forwards. Wider ones
    /// are not tried once they fall behind.
    fn auto_window(&mut self) -> Result<usize, ModelError> {
        if let Some(window) = self.window {
            return Ok(window);
        }
        let widest = WINDOWS[WINDOWS.len() - 1].0;
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
        for (window, committed) in WINDOWS {
            let mut seconds = time(window)?;
            if seconds < SHORT {
                seconds = seconds.min(time(window)?).min(time(window)?);
            }
            let rate = committed / seconds;
            if rate > best.1 {
                best = (window, rate);
            } else if rate < 0.8 * best.1 {
                break;
            }
        }
        self.window = Some(best.0);
        Ok(best.0)
    }

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
        let orders: Vec<Order<'_>> = (0..candidates as u64)
            .map(|index| Order {
                prompt: &plan.prompt,
                stream: &stream,
                code_ids: self.model.alphabet.code_ids(),
                stride: plan.grid.stride(),
                seed: task.seed.wrapping_add(index),
            })
            .collect();
        let capacity = plan.prompt.len() + stream.len();
        let mut predictor = self
            .model
            .decoder
            .predictor(2 * candidates, capacity)
            .map_err(fail)?;
        let mut rows = vec![0; candidates];
        let mut told = vec![Instant::now(); candidates];
        let mut on_event = |event: Event<'_>| match event {
            Event::Paused => progress(Progress::Paused),
            Event::Resumed => progress(Progress::Resumed),
            Event::Committed {
                candidate,
                upto,
                tokens,
                guesses,
                forwards,
                drawn,
            } => {
                let tally = Tally {
                    tokens: drawn,
                    forwards,
                    seconds: plan.began.elapsed().as_secs_f64(),
                };
                let done = plan.grid.rows_before(upto);
                let ahead = |row: u32| self.ahead(plan.grid, row, tokens, guesses);
                if rows[candidate] == done && told[candidate].elapsed() >= AHEAD {
                    told[candidate] = Instant::now();
                    let guesses = ahead(done);
                    progress(Progress::Ahead {
                        candidate,
                        guesses,
                        tally,
                    });
                }
                while rows[candidate] < done {
                    let row = rows[candidate];
                    rows[candidate] += 1;
                    told[candidate] = Instant::now();
                    let codes = self.row(plan.grid, row, tokens);
                    let above = row.checked_sub(1).map(|row| self.row(plan.grid, row, tokens));
                    let guesses = match row + 1 == done {
                        true => ahead(done),
                        false => Guesses::default(),
                    };
                    let preview = self.model.preview.paint(Line {
                        codes: &codes,
                        above: above.as_deref(),
                    });
                    progress(Progress::Row {
                        candidate,
                        row,
                        codes,
                        guesses,
                        preview,
                        tally,
                    });
                }
            }
        };
        let score = candidates > 1;
        let outcome = decode::draw(
            predictor.as_mut(),
            &orders,
            &plan.sampling,
            task.noise,
            plan.window,
            score,
            cancel,
            &mut on_event,
        );
        match outcome {
            Ok(drawn) => {
                progress(Progress::Decoding);
                let mut pictures = Vec::with_capacity(candidates);
                for (index, drawn) in drawn.into_iter().enumerate() {
                    pictures.push(self.finish(task, plan, index, &drawn).map_err(fail)?);
                }
                // Best first; a stable sort keeps seeds in order where there is no score.
                pictures.sort_by(|a, b| b.score.unwrap_or(0.0).total_cmp(&a.score.unwrap_or(0.0)));
                Ok(pictures)
            }
            Err(DrawError::Cancelled(drawn)) => {
                let pictures = drawn.iter().enumerate().map(|(index, drawn)| {
                    let mut picture = self.picture(task, plan, index, drawn);
                    let whole_rows = picture.codes.len() / plan.grid.columns as usize;
                    picture.codes.truncate(whole_rows * plan.grid.columns as usize);
                    picture
                });
                Err(Stop::Cancelled(pictures.collect()))
            }
            Err(DrawError::Predict(error)) => Err(Stop::Failed(Failure::failed(error.to_string()))),
        }
    }

    fn row(&self, grid: Grid, row: u32, stream: &[u32]) -> Vec<u32> {
        let at = grid.position(grid.index(row, 0));
        let ids = stream[at.min(stream.len())..].iter().take(grid.columns as usize);
        ids.filter_map(|id| self.model.alphabet.code_of_id(*id)).collect()
    }

    /// Codes from the start of a row on: those decided, then those guessed.
    fn ahead(&self, grid: Grid, row: u32, stream: &[u32], guesses: &[u32]) -> Guesses {
        let at = grid.position(grid.index(row, 0)).min(stream.len());
        let ids = stream[at..].iter().chain(guesses);
        let codes = ids.filter_map(|id| self.model.alphabet.code_of_id(*id));
        let codes: Vec<u32> = codes.collect();
        let above = row.checked_sub(1).map(|row| self.row(grid, row, stream));
        let painter = &self.model.preview;
        let preview = painter.paint_ahead(&codes, above.as_deref(), grid.columns as usize);
        Guesses { codes, preview }
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
            window: plan.window,
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
    let skill = |mode: &str, maps: &[String]| Skill {
        mode: mode.to_owned(),
        maps: MapKind::ALL
            .into_iter()
            .filter(|map| maps.iter().any(|known| known == map.name()))
            .collect(),
        sizes: card.sizes(mode),
        default_size: card.default_size(mode),
        needs_description: mode == "subject" && card.label(mode).is_none(),
    };
    Profile {
        note: card.note.clone(),
        sampling: Some(card.sampling()),
        skills: card
            .tasks()
            .iter()
            .map(|trained| skill(&trained.task, &trained.maps))
            .collect(),
        device: format!("CPU · {} threads", rayon::current_num_threads()),
        bytes: None,
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
            window: plan.window,
            rows_forced: given as u32,
        });
        self.draw(task, &plan, cancel, progress)
    }
}
