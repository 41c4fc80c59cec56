//! Arguments resolved: what is typed becomes a task, its further turns and its file names.

use super::args::{Command, DrawArgs, RowArgs};
use super::names::Names;
use super::writers::Wish;
use super::writers::WriteArgs;
use crate::engine_room::ModelSource;
use crate::picture::{self, MaskFile};
use crate::saved_picture;
use crate::task::{
    Audition, Band, Branch, Failure, LONGEST_PROMPT, Mode, SamplingChoice, Story, Taken, Task, Wording,
    new_seed,
};
use crate::token::Grid;
use std::path::Path;
use std::sync::Arc;

/// Seeds chosen here have 32 bits, so that they can be read aloud.
const READABLE_SEEDS: u64 = 1 << 32;

/// One run of a command that draws.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) task: Task,
    /// Instructions of the turns after the first.
    pub(super) then: Vec<String>,
    pub(super) names: Names,
    pub(super) model: ModelSource,
    /// Whether the seed was chosen here.
    pub(super) seed_is_new: bool,
    /// What was made of the inputs, where that does not go without saying.
    pub(super) remark: Option<String>,
    /// Whether the rows are written as they come.
    pub(super) journal: bool,
    /// Who rewrites the words first.
    pub(super) writer: Option<Wish>,
}

/// The part of a command that makes a task, and how it is drawn.
struct Request<'a> {
    mode: Mode,
    prompt: &'a str,
    source: Option<&'a Path>,
    /// The map as the model drew it.
    sketch: Option<&'a Path>,
    mask: Option<(&'a Path, u32)>,
    then: &'a [String],
    draw: &'a DrawArgs,
    rows: Option<&'a RowArgs>,
    write: Option<&'a WriteArgs>,
}

/// The job of a command that draws; `None` for the others.
pub(super) fn resolve(command: &Command) -> Result<Option<Job>, Failure> {
    let plain = |mode, prompt, draw| Request {
        mode,
        prompt,
        source: None,
        sketch: None,
        mask: None,
        then: &[],
        draw,
        rows: None,
        write: None,
    };
    let request = match command {
        Command::Generate {
            prompt,
            draw,
            rows,
            write,
        } => Request {
            rows: Some(rows),
            write: Some(write),
            ..plain(Mode::Generate, prompt.as_str(), draw)
        },
        Command::Pair {
            prompt,
            kind,
            draw,
            write,
        } => {
            let map = (*kind).into();
            Request {
                write: Some(write),
                ..plain(Mode::Pair { map }, prompt.as_str(), draw)
            }
        }
        Command::Sketch {
            prompt,
            kind,
            draw,
            write,
        } => {
            let map = (*kind).into();
            Request {
                write: Some(write),
                ..plain(Mode::Sketch { map }, prompt.as_str(), draw)
            }
        }
        Command::Control {
            map: source,
            prompt,
            kind,
            from_photo,
            sketch,
            draw,
            write,
        } => {
            let map = (*kind).into();
            let mode = if *from_photo {
                Mode::ControlFromPhoto { map }
            } else {
                Mode::Control { map }
            };
            Request {
                source: Some(source),
                sketch: sketch.as_deref(),
                write: Some(write),
                ..plain(mode, prompt.as_str(), draw)
            }
        }
        Command::Subject {
            image,
            prompt,
            describe,
            draw,
        } => {
            // An empty description is none.
            let describe = describe.clone().filter(|text| !text.trim().is_empty());
            within_length(describe.as_deref().unwrap_or_default())?;
            Request {
                source: Some(image),
                ..plain(Mode::Subject { describe }, prompt.as_str(), draw)
            }
        }
        Command::Edit {
            image,
            instruction,
            then,
            mask,
            feather,
            draw,
        } => Request {
            source: Some(image),
            mask: mask.as_deref().map(|mask| (mask, *feather)),
            then,
            ..plain(Mode::Edit, instruction.as_str(), draw)
        },
        Command::Predict { image, kind, draw } => {
            let map = (*kind).into();
            Request {
                source: Some(image),
                ..plain(Mode::Predict { map }, "", draw)
            }
        }
        Command::Resume {
            file,
            output,
            source,
            lookahead,
            journal,
            model,
            ..
        } => {
            let source = source.as_deref();
            let output = output.as_deref().unwrap_or(file);
            let names = Names::new(Some(output), Path::new(""), 0, (1, 1))?;
            names.spare(source, 1)?;
            let mut task = saved_picture::stopped(file, source)?;
            task.sampling.lookahead = lookahead.unwrap_or(task.sampling.lookahead);
            return Ok(Some(Job {
                task,
                then: Vec::new(),
                names,
                model: model.into(),
                seed_is_new: false,
                remark: None,
                journal: *journal,
                writer: None,
            }));
        }
        Command::Redraw {
            file,
            from_row: Some(from_row),
            prompt,
            take,
            seed,
            source,
            output,
            model,
        } => {
            within_length(prompt.as_deref().unwrap_or_default())?;
            let names = Names::new(Some(output), Path::new(""), 0, (1, 1))?;
            let branch = Branch {
                from_row: *from_row,
                words: prompt.clone().map(|prompt| (prompt, Wording::Understood)),
                // With another code in it even the same seed draws another picture.
                seed: seed.or_else(|| take.is_empty().then(|| new_seed(READABLE_SEEDS))),
                taken: match take[..] {
                    [column, code] => Some(Taken { column, code }),
                    _ => None,
                },
                ..Branch::default()
            };
            return Ok(Some(Job {
                task: saved_picture::branch_of(file, source.as_deref(), &branch)?,
                then: Vec::new(),
                names,
                model: model.into(),
                seed_is_new: false,
                remark: None,
                journal: false,
                writer: None,
            }));
        }
        Command::Import(_)
        | Command::Info { .. }
        | Command::Doubt { .. }
        | Command::Diff(_)
        | Command::Alternatives(_)
        | Command::Timelapse(_)
        | Command::Redraw { .. }
        | Command::Verify(_)
        | Command::Models(_)
        | Command::Rewrite(_)
        | Command::Writers(_)
        | Command::Serve(_)
        | Command::Bench { .. } => return Ok(None),
    };
    request.job().map(Some)
}

impl Request<'_> {
    fn job(self) -> Result<Job, Failure> {
        let draw = self.draw;
        for words in std::iter::once(self.prompt).chain(self.then.iter().map(String::as_str)) {
            within_length(words)?;
            if self.mode == Mode::Edit && self.mask.is_none() && words.trim().is_empty() {
                return Err(Failure::usage(
                    "say what to change: only with --mask may an instruction be empty",
                ));
            }
        }
        if let Some(size) = draw.size {
            Grid::of(size).map_err(|error| Failure::usage(error.to_string()))?;
        }
        let seed = draw.seed.unwrap_or_else(|| new_seed(READABLE_SEEDS));
        let starts = self.rows.and_then(|rows| rows.audition);
        let candidates = starts.unwrap_or(draw.best_of);
        if seed.checked_add(u64::from(candidates) - 1).is_none() {
            let option = starts.map_or("--best-of", |_| "--audition");
            return Err(Failure::usage(format!(
                "--seed is too large for {option}: choose a smaller one"
            )));
        }
        let candidates = usize::from(candidates);
        let audition = self.rows.filter(|_| starts.is_some()).map(|rows| Audition {
            rows: rows.rows,
            keep: usize::from(rows.keep).min(candidates),
        });
        let kept = audition.map_or(candidates, |audition| audition.keep);
        let shape = (1 + self.then.len(), kept);
        let names = Names::new(draw.output.as_deref(), Path::new(""), seed, shape)?;
        let mask = self.mask.map(|(path, _)| path);
        names.spare(self.source.into_iter().chain(mask), candidates)?;
        let source = self
            .source
            .map(|path| picture::read(path).map_err(failed))
            .transpose()?;
        let (mask, remark, feather) = match self.mask {
            Some((path, feather)) => {
                let MaskFile { mask, remark } = picture::read_mask(path).map_err(failed)?;
                (Some(mask), remark, feather)
            }
            None => (None, None, 0),
        };
        let mode = self.mode.clone();
        let task = Task {
            wording: match draw.as_typed {
                true => Wording::AsTyped,
                false => Wording::Understood,
            },
            size: draw.size,
            sampling: SamplingChoice {
                cfg: draw.cfg,
                top_k: draw.top_k,
                temperature: draw.temperature,
                top_n_sigma: draw.top_n_sigma,
                noise: draw.noise.into(),
                lookahead: draw.lookahead,
            },
            seed,
            candidates,
            source: source.map(Arc::new),
            mask: mask.map(Arc::new),
            feather,
            force: draw.force,
            story: Story {
                bands: self.bands(seed)?,
                ..Story::default()
            },
            audition,
            ..Task::new(mode, self.prompt)
        };
        let task = begun_with(task, self.rows)?;
        let task = self.following(task)?;
        if let Some(refusal) = task.mask_refusal() {
            return Err(Failure::usage(refusal));
        }
        if draw.journal && candidates > 1 {
            return Err(Failure::usage(
                "only the rows of one picture can be written as they come: leave --journal or --best-of out",
            ));
        }
        Ok(Job {
            task,
            then: self.then.to_vec(),
            names,
            model: (&draw.model).into(),
            seed_is_new: draw.seed.is_none(),
            remark,
            journal: draw.journal,
            writer: self.write.map(WriteArgs::wish).transpose()?.flatten(),
        })
    }

    /// A map that the model drew is followed as it was drawn.
    fn following(&self, task: Task) -> Result<Task, Failure> {
        let map = self.source.filter(|_| matches!(self.mode, Mode::Control { .. }));
        let own = map.filter(|map| task.size.is_none() && saved_picture::is_sketch(map));
        match self.sketch.or(own) {
            Some(sketch) => saved_picture::following(task, sketch),
            None => Ok(task),
        }
    }

    /// The rows for which `--then-from-row` has other words; they keep seed and settings.
    fn bands(&self, seed: u64) -> Result<Vec<Band>, Failure> {
        let Some(rows) = self.rows else {
            return Ok(Vec::new());
        };
        let sampling = SamplingChoice {
            cfg: self.draw.cfg,
            top_k: self.draw.top_k,
            temperature: self.draw.temperature,
            top_n_sigma: self.draw.top_n_sigma,
            ..SamplingChoice::default()
        };
        let band = |pair: &[String]| {
            let (row, words) = (&pair[0], &pair[1]);
            within_length(words)?;
            let from_row = row.parse().map_err(|_| {
                Failure::usage(format!(
                    "--then-from-row wants a row and words, `{row}` is no row"
                ))
            })?;
            Ok(Band {
                from_row,
                prompt: words.clone(),
                wording: match self.draw.as_typed {
                    true => Wording::AsTyped,
                    false => Wording::Understood,
                },
                sampling,
                seed,
            })
        };
        rows.then_from_row.chunks_exact(2).map(band).collect()
    }
}

/// The task with the rows of `--begin-with`.
fn begun_with(task: Task, rows: Option<&RowArgs>) -> Result<Task, Failure> {
    let Some([file, rows]) = rows.map(|rows| &rows.begin_with[..]) else {
        return Ok(task);
    };
    let number = rows.to_str().and_then(|rows| rows.parse().ok());
    let rows = number.ok_or_else(|| {
        Failure::usage(format!(
            "--begin-with wants a picture and how many of its rows, `{}` is no number",
            rows.display()
        ))
    })?;
    saved_picture::started_from(task, Path::new(file), rows)
}

impl Command {
    /// Whether one JSON object per line is asked for.
    pub(super) fn is_json(&self) -> bool {
        match self {
            Self::Generate { draw, .. }
            | Self::Pair { draw, .. }
            | Self::Sketch { draw, .. }
            | Self::Control { draw, .. }
            | Self::Subject { draw, .. }
            | Self::Edit { draw, .. }
            | Self::Predict { draw, .. } => draw.json,
            Self::Info { json, .. } | Self::Resume { json, .. } => *json,
            Self::Diff(args) => args.json,
            Self::Alternatives(args) => args.json,
            Self::Models(command) => command.is_json(),
            Self::Rewrite(args) => args.json,
            Self::Writers(args) => args.json,
            Self::Import(_)
            | Self::Serve(_)
            | Self::Doubt { .. }
            | Self::Timelapse(_)
            | Self::Redraw { .. }
            | Self::Verify(_)
            | Self::Bench { .. } => false,
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{error:#}"))
}

fn within_length(words: &str) -> Result<(), Failure> {
    if words.len() <= LONGEST_PROMPT {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the prompt is too long: {} bytes, at most {LONGEST_PROMPT} (64 kB) are read",
        words.len()
    )))
}
