//! The real [`Studio`]: models, pictures and settings on this machine's disk.

use super::{Device, ImportArgs, Info, Make, ModelArgs, Note, Quant, Saving, Studio, VerifyArgs};
use crate::model::bundle::{Bundle, Source};
use crate::model::{import, weights};
use crate::picture::{self, Record};
use crate::pixels::{Mask, Pixels, Size};
use crate::session::Session;
use crate::task::{Cancel, Engine as _, Failure, Mode, Noise, Progress, Sampling, Task, Window};
use crate::verify;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Carries the commands out for real.
#[derive(Debug, Default)]
pub struct Desk;

/// Everything stored in a saved picture beside its tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Settings {
    mode: Mode,
    prompt: String,
    /// Size of one panel.
    size: Size,
    sampling: Sampling,
    seed: u64,
    noise: Noise,
    window: usize,
    model: String,
    complete: bool,
    #[serde(default)]
    feather: u32,
    #[serde(default)]
    force: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mask: Option<StoredMask>,
    /// Of the source's size and RGB bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_sha256: Option<String>,
    /// The source as a PNG in hexadecimal; only in stopped pictures, which need it to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_png: Option<String>,
}

/// A mask as runs of (value, count).
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredMask {
    size: Size,
    runs: Vec<(u8, u32)>,
}

impl StoredMask {
    fn of(mask: &Mask) -> Self {
        let mut runs: Vec<(u8, u32)> = Vec::new();
        for &value in mask.values() {
            match runs.last_mut() {
                Some((last, count)) if *last == value => *count += 1,
                _ => runs.push((value, 1)),
            }
        }
        Self { size: mask.size(), runs }
    }

    fn mask(&self) -> Result<Mask, Failure> {
        let most = u64::from(self.size.width) * u64::from(self.size.height);
        let count: u64 = self.runs.iter().map(|(_, count)| u64::from(*count)).sum();
        let wrong = || Failure::failed("the stored mask is damaged");
        if count != most {
            return Err(wrong());
        }
        let values = self.runs.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count as usize));
        Mask::new(self.size, values.collect()).ok_or_else(wrong)
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{error:#}"))
}

fn fingerprint(pixels: &Pixels) -> String {
    let mut bytes = pixels.size().to_string().into_bytes();
    bytes.extend_from_slice(pixels.rgb());
    picture::sha256_hex(&bytes)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

impl From<Quant> for weights::Quant {
    fn from(quant: Quant) -> Self {
        match quant {
            Quant::Q4K => Self::Q4K,
            Quant::Q8_0 => Self::Q8_0,
            Quant::F16 => Self::F16,
            Quant::Bf16 => Self::BF16,
        }
    }
}

/// Refuses devices this build cannot use, and sets the number of threads.
fn prepare(device: Device, threads: Option<usize>) -> Result<(), Failure> {
    if let Some(threads) = threads {
        // A pool that is already running keeps its size.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    match device {
        Device::Auto | Device::Cpu => Ok(()),
        Device::Cuda | Device::Metal => {
            Err(Failure::usage("this build draws on the CPU only: leave out --device or use --device cpu"))
        }
    }
}

fn source(model: &ModelArgs) -> Source {
    Source {
        model: model.model.clone(),
        movq: model.movq.clone(),
        movq_config: model.movq_config.clone(),
        quant: None,
    }
}

fn settings(file: &Path) -> Result<(Record, Settings), Failure> {
    let record = picture::read_record(file).map_err(failed)?;
    let settings = serde_json::from_value(record.settings.clone())
        .map_err(|e| Failure::failed(format!("{}: the stored settings cannot be read ({e})", file.display())))?;
    Ok((record, settings))
}

impl Studio for Desk {
    type Engine = Session;

    fn open(&self, model: &ModelArgs) -> Result<Make<Session>, Failure> {
        prepare(model.device, model.threads)?;
        let source = source(model);
        if let Some(path) = source.model.as_ref().filter(|path| !path.exists()) {
            return Err(Failure::usage(format!("there is no model at {}", path.display())));
        }
        Ok(Box::new(move || {
            let bundle = Bundle::open(&source).map_err(failed)?;
            let name = match &bundle.card.note {
                Some(note) => format!("{} ({note})", bundle.name),
                None => bundle.name.clone(),
            };
            Ok((name, Session::new(bundle)))
        }))
    }

    fn read_picture(&self, path: &Path) -> Result<Pixels, Failure> {
        picture::read(path).map_err(failed)
    }

    fn read_mask(&self, path: &Path) -> Result<Mask, Failure> {
        picture::read_mask(path).map_err(failed)
    }

    fn save(&self, path: &Path, saving: &Saving<'_>) -> Result<(), Failure> {
        let (task, drawn) = (saving.task, saving.picture);
        let complete = drawn.pixels.is_some();
        let source_png = match &task.source {
            Some(source) if !complete => Some(to_hex(&picture::encode_png(source).map_err(failed)?)),
            _ => None,
        };
        let model = saving.model.split(" (").next().unwrap_or_default().to_owned();
        let settings = Settings {
            mode: task.mode.clone(),
            prompt: task.prompt.clone(),
            size: drawn.panel,
            sampling: drawn.sampling,
            seed: drawn.seed,
            noise: task.noise,
            window: drawn.window,
            model: model.clone(),
            complete,
            feather: task.feather,
            force: task.force,
            score: drawn.score,
            mask: task.mask.as_deref().map(StoredMask::of),
            source_sha256: task.source.as_deref().map(fingerprint),
            source_png,
        };
        let pixels = drawn.pixels.as_ref().or(saving.preview);
        let blank = Pixels::filled(drawn.grid.pixels(), [128; 3]);
        let pixels = pixels.unwrap_or(&blank);
        let facts = [
            ("Steps", drawn.codes.len().to_string()),
            ("Sampler", format!("speculative Jacobi, {:?} noise", task.noise).to_lowercase()),
            ("CFG scale", drawn.sampling.cfg.to_string()),
            ("Seed", drawn.seed.to_string()),
            ("Size", pixels.size().to_string()),
            ("Model", model),
        ];
        let record = Record {
            settings: serde_json::to_value(settings).map_err(failed)?,
            codes: drawn.codes.clone(),
            grid: drawn.grid,
            parameters: picture::parameters(&task.prompt, &facts),
        };
        picture::write(path, pixels, &record).map_err(failed)
    }

    fn stopped(&self, file: &Path, source: Option<&Path>) -> Result<Task, Failure> {
        let (record, settings) = settings(file)?;
        if settings.complete {
            return Err(Failure::usage(format!("{} is finished: there is nothing to resume", file.display())));
        }
        let kept = settings.source_png.as_deref().and_then(from_hex);
        let source = match (source, kept) {
            (Some(path), _) => Some(picture::read(path).map_err(failed)?),
            (None, Some(bytes)) => Some(picture::read_bytes(&bytes, "the stored source").map_err(failed)?),
            (None, None) => None,
        };
        let mut task = Task::new(settings.mode, settings.prompt);
        task.size = Some(settings.size);
        task.cfg = Some(settings.sampling.cfg);
        task.top_k = Some(settings.sampling.top_k);
        task.temperature = Some(settings.sampling.temperature);
        task.top_n_sigma = settings.sampling.top_n_sigma;
        task.seed = settings.seed;
        task.noise = settings.noise;
        task.window = Window::Fixed(settings.window);
        task.feather = settings.feather;
        task.force = settings.force;
        task.mask = settings.mask.map(|mask| mask.mask()).transpose()?.map(Arc::new);
        task.source = source.map(Arc::new);
        task.resume = Some(record.codes);
        Ok(task)
    }

    fn info(&self, file: &Path) -> Result<Info, Failure> {
        let (record, settings) = settings(file)?;
        let mut json = record.settings.clone();
        if let Value::Object(map) = &mut json {
            map.remove("source_png");
            map.insert("grid".to_owned(), json!(record.grid));
            map.insert("tokens".to_owned(), json!(record.codes));
        }
        let text = format!("{}\nmodel: {}, {} of {} tokens", record.parameters, settings.model, record.codes.len(), record.grid.codes());
        Ok(Info { text, json })
    }

    fn redraw(&self, file: &Path, source_path: Option<&Path>, output: &Path, model: &ModelArgs) -> Result<(), Failure> {
        prepare(model.device, model.threads)?;
        let (record, settings) = settings(file)?;
        if !settings.complete {
            return Err(Failure::usage(format!("{} is not finished: use `resume` first", file.display())));
        }
        let session = Session::new(Bundle::open(&source(model)).map_err(failed)?);
        let drawn = session.redraw(&settings.mode, settings.size, record.grid, &record.codes).map_err(failed)?;
        let pixels = match &settings.mask {
            None => drawn,
            Some(mask) => {
                let path = source_path.ok_or_else(|| {
                    Failure::usage("this is a masked edit: name the picture it was made from with --source FILE")
                })?;
                let original = picture::read(path).map_err(failed)?;
                if settings.source_sha256.as_deref() != Some(&fingerprint(&original)) {
                    return Err(Failure::usage(format!("{} is not the picture this edit was made from", path.display())));
                }
                picture::compose(&original, &mask.mask()?, &drawn, settings.feather)
            }
        };
        picture::write(output, &pixels, &record).map_err(failed)
    }

    fn import(&self, args: &ImportArgs, cancel: &Cancel, note: &mut dyn FnMut(Note<'_>)) -> Result<(), Failure> {
        let mut step = |step: import::ImportStep| {
            note(Note::Step { done: step.done, of: step.of, what: &step.name });
        };
        let wish = import::Import {
            folder: &args.folder,
            movq: &args.movq,
            movq_config: args.movq_config.as_deref(),
            quant: args.quant.into(),
            out: &args.output,
        };
        let summary = import::import(&wish, &mut step, &|| cancel.is_cancelled()).map_err(failed)?;
        for remark in summary.remarks() {
            note(Note::Remark(&remark));
        }
        Ok(())
    }

    fn verify(&self, args: &VerifyArgs, _cancel: &Cancel, note: &mut dyn FnMut(Note<'_>)) -> Result<bool, Failure> {
        prepare(args.device, args.threads)?;
        let mut passed = true;
        for case in &args.cases {
            let verdicts = verify::verify(case, args.model_quant.map(weights::Quant::from));
            for verdict in verdicts.map_err(failed)? {
                note(Note::Result(&verdict.line));
                passed &= verdict.passed;
            }
        }
        Ok(passed)
    }

    fn bench(&self, model: &ModelArgs, cancel: &Cancel, note: &mut dyn FnMut(Note<'_>)) -> Result<(), Failure> {
        prepare(model.device, model.threads)?;
        let began = Instant::now();
        let mut session = Session::new(Bundle::open(&source(model)).map_err(failed)?);
        note(Note::Remark(&format!("loaded in {:.2} s", began.elapsed().as_secs_f64())));
        for window in [1, 2, 4, 8, 16] {
            let mut task = Task::new(Mode::Generate, "a cat on a blue background");
            (task.window, task.seed) = (Window::Fixed(window), 1);
            let began = Instant::now();
            let (mut first, mut codes_done) = (None, None);
            let mut watch = |progress: Progress| match progress {
                Progress::Row { .. } => {
                    first.get_or_insert(began.elapsed().as_secs_f64());
                }
                Progress::Decoding => codes_done = Some(began.elapsed().as_secs_f64()),
                _ => {}
            };
            let pictures = session.run(&task, cancel, &mut watch).map_err(|stop| match stop {
                crate::task::Stop::Failed(failure) => failure,
                crate::task::Stop::Cancelled(_) => Failure::failed("cancelled"),
            })?;
            let tally = pictures.first().map(|picture| picture.tally).unwrap_or_default();
            note(Note::Result(&format!(
                "window={window} seconds={:.3} first_row={:.3} codes={:.3} tokens={} forwards={}",
                tally.seconds,
                first.unwrap_or_default(),
                codes_done.unwrap_or_default(),
                tally.tokens,
                tally.forwards
            )));
        }
        Ok(())
    }
}
