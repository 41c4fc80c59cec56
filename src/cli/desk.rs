//! The real [`Studio`]: models, pictures and settings on this machine's disk.

use super::{
    Device, ImportArgs, Info, Kv, Make, ModelArgs, Note, PublishedShape, Quant, Saving, Studio, VerifyArgs,
};
use crate::model::bundle::{Bundle, Source, Summary, describe};
use crate::model::cuda::KvCache;
use crate::model::network::Place;
use crate::model::weights::{self, import};
use crate::pixels::{Mask, Pixels};
use crate::session::Session;
use crate::task::{Cancel, Engine as _, Failure, Lookahead, Mode, Progress, Task};
use crate::{measure, picture, saved_picture, verify};
use serde_json::json;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

/// Carries the commands out for real.
#[derive(Debug, Default)]
pub struct Desk;

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{error:#}"))
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
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global();
    }
    match Place::from(device) {
        Place::Auto | Place::Cpu => Ok(()),
        place => place
            .open(KvCache::default())
            .map(|_| ())
            .map_err(|e| Failure::usage(e.to_string())),
    }
}

impl From<Device> for Place {
    fn from(device: Device) -> Self {
        match device {
            Device::Auto => Self::Auto,
            Device::Cpu => Self::Cpu,
            Device::Cuda => Self::Cuda,
            Device::Metal => Self::Metal,
        }
    }
}

impl From<Kv> for KvCache {
    fn from(kv: Kv) -> Self {
        match kv {
            Kv::Q8 => Self::Bytes,
            Kv::F16 => Self::Half,
        }
    }
}

fn source(model: &ModelArgs) -> Source {
    Source {
        model: model.model.clone(),
        movq: model.movq.clone(),
        movq_config: model.movq_config.clone(),
        quant: None,
        place: model.device.into(),
        kv: model.kv.into(),
    }
}

/// By content, for a model may have any name.
fn is_gguf(file: &Path) -> bool {
    let mut magic = [0; 4];
    let read = std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && &magic == b"GGUF"
}

fn model_info(path: &Path) -> Result<Info, Failure> {
    let Summary {
        card,
        config,
        weights,
        format,
    } = describe(path).map_err(failed)?;
    let tasks: Vec<&str> = card.tasks().iter().map(|trained| trained.task.as_str()).collect();
    let json = json!({
        "model": card.name, "note": card.note, "provenance": card.provenance, "licence": card.licence,
        "format": format, "weights": weights, "layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size, "intermediate_size": config.intermediate_size,
        "heads": config.num_attention_heads, "kv_heads": config.kv_heads(),
        "vocab_size": config.vocab_size, "max_position": config.max_position_embeddings,
        "tasks": card.tasks(), "sampling": card.sampling(),
    });
    let known = |name: &str, value: &Option<String>| match value {
        Some(value) => format!("\n{name}: {value}"),
        None => String::new(),
    };
    let text = format!(
        "{}{}{}{}\ndecoder: {:.3} billion weights ({format}), {} layers of {}, {} positions\ntasks: {}",
        card.name,
        known("note", &card.note),
        known("provenance", &card.provenance),
        known("licence", &card.licence),
        weights as f64 / 1e9,
        config.num_hidden_layers,
        config.hidden_size,
        config.max_position_embeddings,
        if tasks.is_empty() {
            "not told".to_owned()
        } else {
            tasks.join(", ")
        },
    );
    Ok(Info { text, json })
}

/// What another program stored in its picture.
fn foreign_info(file: &Path) -> Option<Info> {
    let found = picture::foreign::settings(file)?;
    let size = found.size.map(|size| size.to_string());
    let json = json!({
        "program": found.program, "prompt": found.prompt, "negative": found.negative,
        "seed": found.seed, "size": size,
    });
    let mut lines = vec![found.prompt];
    lines.extend(found.negative.map(|words| format!("Negative prompt: {words}")));
    lines.extend(found.seed.map(|seed| format!("Seed: {seed}")));
    lines.extend(size.map(|size| format!("Size: {size}")));
    lines.push(format!("saved by {}, no tokens of Lumina Studio", found.program));
    Some(Info {
        text: lines.join("\n"),
        json,
    })
}

/// Codes this machine prefers by more than this many nats are no near ties.
const TIE: f64 = 0.5;

/// Tells saved pictures to the built-in model again, and how many codes come out the same.
fn replay(args: &VerifyArgs, pictures: &[&Path], note: &mut dyn FnMut(Note<'_>)) -> Result<bool, Failure> {
    let source = Source {
        quant: args.model_quant.map(weights::Quant::from),
        place: args.device.into(),
        kv: args.kv.into(),
        ..Source::default()
    };
    let mut session = Session::new(Bundle::open(&source).map_err(failed)?);
    let mut passed = true;
    for picture in pictures {
        let kept = saved_picture::read(picture)?;
        let agreement = session.replay(&kept.task()?, kept.codes())?;
        passed &= agreement.widest < TIE;
        note(Note::Result(&format!(
            "{} codes={}/{} widest_difference={:.4}",
            picture.display(),
            agreement.equal,
            agreement.codes,
            agreement.widest
        )));
    }
    Ok(passed)
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
        saved_picture::save(path, saving)
    }

    fn stopped(&self, file: &Path, source: Option<&Path>) -> Result<Task, Failure> {
        saved_picture::stopped(file, source)
    }

    fn info(&self, file: &Path) -> Result<Info, Failure> {
        if file.is_dir() || is_gguf(file) {
            return model_info(file);
        }
        let kept = match saved_picture::read(file) {
            Ok(kept) => kept,
            Err(failure) if picture::holds_record(file) => return Err(failure),
            // Another program's settings are worth showing, too.
            Err(failure) => return foreign_info(file).ok_or(failure),
        };
        let (held, whole) = (kept.codes().len(), kept.grid().codes());
        let (parameters, model) = (kept.parameters(), &kept.settings.model);
        let text = format!("{parameters}\nmodel: {model}, {held} of {whole} tokens");
        let json = kept.to_json();
        Ok(Info { text, json })
    }

    fn redraw(
        &self,
        file: &Path,
        source_path: Option<&Path>,
        output: &Path,
        model: &ModelArgs,
    ) -> Result<(), Failure> {
        prepare(model.device, model.threads)?;
        let kept = saved_picture::read(file)?;
        if !kept.settings.complete {
            return Err(Failure::usage(format!(
                "{} is not finished: use `resume` first",
                file.display()
            )));
        }
        let session = Session::new(Bundle::open(&source(model)).map_err(failed)?);
        let (mode, panel) = (&kept.settings.mode, kept.settings.size);
        let drawn = session
            .redraw(mode, panel, kept.grid(), kept.codes())
            .map_err(failed)?;
        kept.write(output, &kept.finish(drawn, source_path)?)
    }

    fn import(
        &self,
        args: &ImportArgs,
        cancel: &Cancel,
        note: &mut dyn FnMut(Note<'_>),
    ) -> Result<(), Failure> {
        let mut step = |step: import::ImportStep| {
            note(Note::Step {
                done: step.done,
                of: step.of,
                what: &step.name,
            });
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

    fn verify(
        &self,
        args: &VerifyArgs,
        _cancel: &Cancel,
        note: &mut dyn FnMut(Note<'_>),
    ) -> Result<bool, Failure> {
        prepare(args.device, args.threads)?;
        let (mut passed, mut run, mut pictures) = (true, 0, Vec::new());
        for case in &args.cases {
            if case.is_file() {
                match picture::holds_record(case) {
                    true => pictures.push(case.as_path()),
                    false => note(Note::Remark(&format!(
                        "{} is neither a folder nor a picture saved by this program: passed over",
                        case.display()
                    ))),
                }
                continue;
            }
            run += 1;
            let verdicts = verify::verify(
                case,
                args.model_quant.map(weights::Quant::from),
                args.device.into(),
                args.kv.into(),
            );
            for verdict in verdicts.map_err(failed)? {
                note(Note::Result(&verdict.line));
                passed &= verdict.passed;
            }
        }
        run += pictures.len();
        if !pictures.is_empty() {
            passed &= replay(args, &pictures, note)?;
        }
        if run == 0 {
            return Err(Failure::usage(
                "none of these is a folder with a reference case, or a picture saved by this program",
            ));
        }
        Ok(passed)
    }

    fn measure(
        &self,
        shape: PublishedShape,
        quant: Quant,
        model: &ModelArgs,
        note: &mut dyn FnMut(Note<'_>),
    ) -> Result<(), Failure> {
        prepare(model.device, model.threads)?;
        let subject = measure::Subject {
            shape: match shape {
                PublishedShape::SevenB => measure::SEVEN_B,
            },
            quant: quant.into(),
            place: model.device.into(),
            kv: model.kv.into(),
        };
        measure::measure(&subject, &mut |line| note(Note::Result(line))).map_err(failed)
    }

    fn bench(
        &self,
        model: &ModelArgs,
        cancel: &Cancel,
        note: &mut dyn FnMut(Note<'_>),
    ) -> Result<(), Failure> {
        prepare(model.device, model.threads)?;
        let began = Instant::now();
        let mut session = Session::new(Bundle::open(&source(model)).map_err(failed)?);
        note(Note::Remark(&format!(
            "loaded in {:.2} s",
            began.elapsed().as_secs_f64()
        )));
        for window in [1, 2, 4, 8, 16] {
            let mut task = Task::new(Mode::Generate, "a cat on a blue background");
            (task.sampling.lookahead, task.seed) = (Lookahead::Fixed(window), 1);
            let began = Instant::now();
            let (mut first, mut codes_done) = (None, None);
            let mut watch = |progress: Progress| match progress {
                Progress::Row { .. } => {
                    first.get_or_insert(began.elapsed().as_secs_f64());
                }
                Progress::Decoding => codes_done = Some(began.elapsed().as_secs_f64()),
                _ => {}
            };
            let pictures = session
                .run(&task, cancel, &mut watch)
                .map_err(|stop| match stop {
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
