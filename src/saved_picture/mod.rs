//! Saved pictures: a task and what became of it go into a PNG file, and come back out of it.
//!
//! The command line and the window keep pictures through here, so a picture saved by one can be
//! finished, redrawn and asked for its settings by the other. What is read is somebody's file: it
//! is checked against itself before anything is made of it.

mod branch;
mod listing;
mod settings;

pub use branch::{branch_of, difference, following, is_sketch, started_from};
pub use listing::Shelf;
pub use settings::Settings;

use crate::picture::{self, Record};
use crate::pixels::{Mask, MaskRuns, Pixels};
use crate::task::{Doubt, Export, Failure, Lookahead, Mode, Noise, Picture, SamplingChoice, Task, Wording};
use crate::token::Grid;
use serde_json::{Value, json};
use settings::{from_hex, to_hex};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is not drawn yet, in a stopped picture.
const UNDRAWN: [u8; 3] = [128; 3];

/// A picture to be kept, and everything that is stored with it.
#[derive(Debug)]
pub struct Saving<'a> {
    /// As it was given to the engine; `picture` has the settings it settled on.
    pub task: &'a Task,
    pub picture: &'a Picture,
    /// For a stopped picture: its rows as far as they were shown.
    pub preview: Option<&'a Pixels>,
    /// The model's name, as the engine's maker gave it.
    pub model: &'a str,
}

/// What a saved picture holds beside its pixels.
#[derive(Debug, Clone)]
pub struct Kept {
    pub settings: Settings,
    codes: Vec<u32>,
    grid: Grid,
    parameters: String,
    doubt: Doubt,
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{error:#}"))
}

/// Writes a picture with its settings and tokens inside, whole or not at all.
///
/// # Errors
/// The folder is not there or cannot be written to.
pub fn save(path: &Path, saving: &Saving<'_>) -> Result<(), Failure> {
    let (pixels, record) = record_of(saving)?;
    picture::write(path, &pixels, &record).map_err(failed)
}

/// As [`save`], under the first of `names` that no file has; that name.
///
/// # Errors
/// As [`save`].
pub fn save_new(names: &mut dyn Iterator<Item = PathBuf>, saving: &Saving<'_>) -> Result<PathBuf, Failure> {
    let (pixels, record) = record_of(saving)?;
    picture::write_new(names, &pixels, &record).map_err(failed)
}

/// A picture in memory, its settings inside; its tokens, too, in a PNG.
///
/// # Errors
/// The picture has no pixels, or its prompt is too long for a JPEG.
pub fn encode(saving: &Saving<'_>, format: Export) -> Result<Vec<u8>, Failure> {
    let (pixels, record) = record_of(saving)?;
    let encoded = match format {
        Export::Png => picture::encode_record(&pixels, &record),
        Export::Jpeg | Export::WebP => {
            picture::encode_as(&pixels, Some(&record.parameters), format, "the picture")
        }
    };
    encoded.map_err(failed)
}

/// The prompt and settings of a picture in the style other programs read.
///
/// # Errors
/// As [`encode`].
pub fn parameters(saving: &Saving<'_>) -> Result<String, Failure> {
    record_of(saving).map(|(_, record)| record.parameters)
}

/// The pixels of the file, and what goes into it beside them.
fn record_of<'a>(saving: &Saving<'a>) -> Result<(Cow<'a, Pixels>, Record<Settings>), Failure> {
    let (task, drawn) = (saving.task, saving.picture);
    let complete = drawn.pixels.is_some();
    let source_png = match &task.source {
        // Only a stopped picture needs its source to go on.
        Some(source) if !complete => Some(to_hex(&picture::encode_png(source).map_err(failed)?)),
        _ => None,
    };
    let model = saving.model.split(" (").next().unwrap_or_default().to_owned();
    let settings = Settings {
        mode: task.mode.clone(),
        prompt: task.prompt.clone(),
        written: task.written.clone(),
        caption: drawn.caption.clone(),
        as_typed: task.wording == Wording::AsTyped,
        size: drawn.panel,
        sampling: drawn.sampling,
        seed: drawn.seed,
        noise: task.sampling.noise,
        lookahead: drawn.lookahead,
        model: model.clone(),
        complete,
        feather: task.feather,
        force: task.force,
        score: drawn.score,
        seam: drawn.seam,
        story: drawn.story.clone(),
        mask: task.mask.as_deref().map(MaskRuns::of),
        panel_follows_mask: task.mask.is_some(),
        source_sha256: task.source.as_deref().map(fingerprint),
        source_png,
    };
    let pixels = match drawn.pixels.as_ref().or(saving.preview) {
        Some(pixels) => Cow::Borrowed(pixels),
        None => Cow::Owned(Pixels::filled(drawn.grid.pixels(), UNDRAWN)),
    };
    let facts = [
        ("Steps", drawn.codes.len().to_string()),
        (
            "Sampler",
            format!("speculative Jacobi, {:?} noise", task.sampling.noise).to_lowercase(),
        ),
        ("CFG scale", drawn.sampling.cfg.to_string()),
        ("Seed", drawn.seed.to_string()),
        ("Size", pixels.size().to_string()),
        ("Model", model),
    ];
    let record = Record {
        settings,
        codes: drawn.codes.clone(),
        grid: drawn.grid,
        doubt: drawn.doubt.clone(),
        parameters: picture::parameters(&task.prompt, &facts),
    };
    Ok((pixels, record))
}

/// Reads what a picture saved by this program holds.
///
/// # Errors
/// There is no such PNG, it was not saved by this program or by a newer version, or it is damaged.
pub fn read(path: &Path) -> Result<Kept, Failure> {
    let record: Record<Settings> = picture::read_record(path).map_err(failed)?;
    check(&record).map_err(|reason| {
        Failure::failed(format!(
            "{}: the stored settings cannot be read ({reason})",
            path.display()
        ))
    })?;
    Ok(Kept {
        settings: record.settings,
        codes: record.codes,
        grid: record.grid,
        parameters: record.parameters,
        doubt: record.doubt,
    })
}

/// Whether size, grid and codes agree with each other.
fn check(record: &Record<Settings>) -> Result<(), String> {
    let settings = &record.settings;
    let panel = Grid::of(settings.size).map_err(|e| e.to_string())?;
    let grid = settings.mode.grid(panel);
    if record.grid != grid {
        let (rows, columns) = (record.grid.rows, record.grid.columns);
        return Err(format!(
            "a grid of {rows} rows and {columns} columns is not that of {}",
            settings.size
        ));
    }
    let (held, whole) = (record.codes.len(), grid.codes());
    let fits = match settings.complete {
        true => held == whole,
        false => held <= whole && held.is_multiple_of(grid.columns as usize),
    };
    if fits {
        return Ok(());
    }
    Err(format!("{held} of {whole} tokens"))
}

/// The task that finishes a stopped picture: its settings, its codes in `resume`. `source` is the
/// picture it was made from, should it not be stored.
///
/// # Errors
/// As [`read`]; the picture is finished; or what it was made from is missing or another picture.
pub fn stopped(path: &Path, source: Option<&Path>) -> Result<Task, Failure> {
    let kept = read(path)?;
    if kept.settings.complete {
        return Err(Failure::usage(format!(
            "{} is finished: there is nothing to resume",
            path.display()
        )));
    }
    let task = kept.task_over(source)?;
    // Its codes are among those of the picture; under a mask they are not enough.
    let has_codes = task.mask.is_none()
        && kept.codes.len() >= kept.rows_of_source() as usize * kept.grid.columns as usize;
    if task.source.is_none() && task.mode.takes_source() && !has_codes {
        return Err(Failure::usage(format!(
            "{} does not hold the picture it was made from: name it with --source FILE",
            path.display()
        )));
    }
    let mut story = task.story.clone();
    story.earlier.push(kept.fingerprint());
    Ok(Task {
        story,
        sampling: SamplingChoice {
            lookahead: Lookahead::Fixed(kept.settings.lookahead),
            ..task.sampling
        },
        resume: Some(kept.codes.clone()),
        doubt: kept.doubt.clone(),
        ..task
    })
}

/// The task a picture was drawn by, to be changed or drawn again. Its source is there only in a
/// stopped picture.
///
/// # Errors
/// As [`read`]; or the stored mask or source is damaged.
pub fn task_of(path: &Path) -> Result<Task, Failure> {
    let kept = read(path)?;
    Ok(Task {
        source: kept.source()?.map(Arc::new),
        ..kept.task()?
    })
}

/// SHA-256 of a picture's size and RGB bytes: what tells one source from another.
pub fn fingerprint(pixels: &Pixels) -> String {
    let mut bytes = pixels.size().to_string().into_bytes();
    bytes.extend_from_slice(pixels.rgb());
    picture::sha256_hex(&bytes)
}

impl Kept {
    /// Codes row by row over the whole grid, as many as were drawn.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// How unsure the model was of each code; empty where nothing was stored.
    pub fn doubt(&self) -> &Doubt {
        &self.doubt
    }

    /// Prompt and settings in the style other programs read.
    pub fn parameters(&self) -> &str {
        &self.parameters
    }

    /// What was allowed to be redrawn.
    ///
    /// # Errors
    /// The stored mask is damaged.
    pub fn mask(&self) -> Result<Option<Mask>, Failure> {
        let damaged = || Failure::failed("the stored mask is damaged");
        let mask = self.settings.mask.as_ref();
        mask.map(|runs| runs.mask().ok_or_else(damaged)).transpose()
    }

    /// The mask as it was understood when the picture was drawn.
    fn mask_over(&self, mask: &Mask, source: &Pixels) -> Mask {
        match self.settings.panel_follows_mask {
            true => mask.clone(),
            false => picture::within_middle(mask, source.size(), self.settings.size),
        }
    }

    /// Every setting, with the picture it was made from: the one in `source`, else the stored one.
    fn task_over(&self, source: Option<&Path>) -> Result<Task, Failure> {
        let source = match source {
            Some(path) => Some(self.original(path)?),
            None => self.source()?,
        };
        let task = self.task()?;
        let mask = match (&task.mask, &source) {
            (Some(mask), Some(source)) => Some(Arc::new(self.mask_over(mask, source))),
            (mask, _) => mask.clone(),
        };
        Ok(Task {
            mask,
            source: source.map(Arc::new),
            ..task
        })
    }

    /// The source of a stopped picture.
    ///
    /// # Errors
    /// The stored source is damaged.
    pub fn source(&self) -> Result<Option<Pixels>, Failure> {
        let Some(hex) = &self.settings.source_png else {
            return Ok(None);
        };
        let name = "the stored source";
        let bytes = from_hex(hex).ok_or_else(|| Failure::failed(format!("{name} is damaged")))?;
        picture::read_bytes(&bytes, name).map(Some).map_err(failed)
    }

    /// Every setting, without a source and without codes. A seed means one picture whatever the
    /// lookahead, except in coupled mode.
    ///
    /// # Errors
    /// The stored mask is damaged.
    pub fn task(&self) -> Result<Task, Failure> {
        let settings = &self.settings;
        let sampling = SamplingChoice {
            noise: settings.noise,
            lookahead: match settings.noise {
                Noise::Gumbel => Lookahead::Auto,
                Noise::Coupled => Lookahead::Fixed(settings.lookahead),
            },
            ..SamplingChoice::default()
        };
        Ok(Task {
            wording: match &settings.caption {
                Some(caption) => Wording::As(caption.clone()),
                None if settings.as_typed => Wording::AsTyped,
                None => Wording::Understood,
            },
            size: Some(settings.size),
            sampling: sampling.settled(settings.sampling),
            seed: settings.seed,
            feather: settings.feather,
            force: settings.force,
            mask: self.mask()?.map(Arc::new),
            story: settings.story.clone(),
            written: settings.written.clone(),
            ..Task::new(settings.mode.clone(), settings.prompt.clone())
        })
    }

    /// The picture as it was saved, from a decode of its codes: a masked edit is put back into its
    /// source, which has to be the very one.
    ///
    /// # Errors
    /// The stored mask is damaged, or the source of a masked edit is missing, unreadable or another picture.
    pub fn finish(&self, drawn: Pixels, source: Option<&Path>) -> Result<Pixels, Failure> {
        let mask = self.mask()?.filter(|_| self.settings.mode == Mode::Edit);
        let Some(mask) = mask else {
            return Ok(drawn);
        };
        let path = source.ok_or_else(|| {
            Failure::usage("this is a masked edit: name the picture it was made from with --source FILE")
        })?;
        let original = self.original(path)?;
        let mask = self.mask_over(&mask, &original);
        Ok(picture::compose(&original, &mask, &drawn, self.settings.feather))
    }

    /// The picture this one was made from, which has to be the very one.
    fn original(&self, path: &Path) -> Result<Pixels, Failure> {
        let original = picture::read(path).map_err(failed)?;
        if self.settings.source_sha256.as_deref() != Some(&fingerprint(&original)) {
            return Err(Failure::usage(format!(
                "{} is not the picture this one was made from",
                path.display()
            )));
        }
        Ok(original)
    }

    /// Writes pixels with everything this picture held.
    ///
    /// # Errors
    /// The folder is not there or cannot be written to.
    pub fn write(&self, path: &Path, pixels: &Pixels) -> Result<(), Failure> {
        let record = Record {
            settings: &self.settings,
            codes: self.codes.clone(),
            grid: self.grid,
            parameters: self.parameters.clone(),
            doubt: self.doubt.clone(),
        };
        picture::write(path, pixels, &record).map_err(failed)
    }

    /// Every setting by name, with `"grid"`, `"tokens"` and, where it was stored, `"doubt_nats"`.
    pub fn to_json(&self) -> Value {
        let settings = Settings {
            source_png: None,
            ..self.settings.clone()
        };
        let mut json = json!(settings);
        if let Value::Object(map) = &mut json {
            map.insert("grid".to_owned(), json!(self.grid));
            map.insert("tokens".to_owned(), json!(self.codes));
            if !self.doubt.is_empty() {
                let nats: Vec<Option<f32>> =
                    (0..self.doubt.len()).map(|code| self.doubt.nats(code)).collect();
                map.insert("doubt_nats".to_owned(), json!(nats));
            }
        }
        json
    }
}

#[cfg(test)]
mod tests;
