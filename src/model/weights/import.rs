//! `import`: a public checkpoint becomes one GGUF with everything the program needs inside.
//!
//! The header is written first, for all sizes follow from the checkpoint's own headers; then
//! tensors are read, brought to their format and written a few rows at a time. The file stands
//! under a temporary name until it is whole.

use super::checkpoint::{open_decoder, open_movq};
use super::files::text_of;
use super::finite::is_finite;
use super::gguf::{Checksum, Gguf};
use super::gguf_writing::{self, Planned, Summed};
use super::{ModelError, Weights, blocks_of, decoder_format};
use crate::disk::{self, Onto, Readers};
use crate::model::bundle::{movq_config, tokenizer_files};
use crate::model::card::Card;
use crate::model::decoder::config::Config;
use crate::model::movq::MovqConfig;
use crate::model::movq::codec::PictureCodec;
use crate::model::movq::preview::Preview;
use crate::model::network::Hardware;
use crate::task::{Cancel, Format, ImportStep, ImportWish, gigabytes};
use candle_core::quantized::GgmlDType;
use rayon::prelude::*;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What an import had to do otherwise than asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Matrices whose rows the format cannot hold, with the format they got.
    pub fallbacks: Vec<(String, &'static str)>,
}

impl ImportSummary {
    pub fn remarks(&self) -> Vec<String> {
        let mut formats: Vec<&str> = self.fallbacks.iter().map(|(_, format)| *format).collect();
        formats.sort_unstable();
        formats.dedup();
        let line = |format: &&str| {
            let of_it: Vec<&String> = self
                .fallbacks
                .iter()
                .filter(|(_, f)| f == format)
                .map(|(name, _)| name)
                .collect();
            format!(
                "{} matrices are stored as {format}, for their rows do not fit the format asked for (the first: {})",
                of_it.len(),
                of_it.first().map_or("", |name| name.as_str())
            )
        };
        formats.iter().map(line).collect()
    }
}

/// Bytes of f32 rows that a thread brings to their format at a time. Twice as many as there are
/// threads are held at once, but no more than [`HELD_BYTES`].
const PIECE_BYTES: usize = 8 << 20;
const HELD_BYTES: usize = 512 << 20;

const CANCELLED: &str = "the import was cancelled, nothing was written";

/// Nobody named the image tokenizer, and it was not found either.
pub(crate) const NO_MOVQ: &str = "the image tokenizer is missing: choose movqgan_270M.ckpt";

/// Why a file of so many bytes cannot be written where so many are free.
fn no_room(needed: u64, free: Option<u64>) -> Option<String> {
    let free = free.filter(|free| *free < needed)?;
    Some(format!(
        "the disk is too small for it: {} are needed, {} are free; free some, or choose a place on another disk",
        gigabytes(needed),
        gigabytes(free)
    ))
}

/// Imports a checkpoint. `progress` is told after each tensor, `cancel` polled before each piece.
///
/// # Errors
/// Nothing is left at `output` then: the folder or the image tokenizer is missing something, is damaged or of
/// another shape, the disk is too small, the file cannot be written, or `cancel` was called.
pub fn import(
    wish: &ImportWish,
    progress: &mut dyn FnMut(ImportStep),
    cancel: &Cancel,
) -> Result<ImportSummary, ModelError> {
    let file_error = |path: &Path, e: &dyn std::fmt::Display| ModelError::File {
        file: path.display().to_string(),
        reason: e.to_string(),
    };
    let movq = wish.movq.as_deref();
    let movq = movq.ok_or_else(|| ModelError::Config(NO_MOVQ.to_owned()))?;
    let out = wish.output.as_path();
    spare_inputs(wish, movq)?;
    let target = disk::folder_of(out);
    disk::sweep(target);
    let config_path = wish.folder.join("config.json");
    if wish.folder.is_file() {
        return Err(file_error(
            &wish.folder,
            &"it is one file: name the folder of the checkpoint it lies in",
        ));
    }
    let config_text = text_of(&config_path)?;
    let config = Config::from_json(&config_text)?;
    let weights = open_decoder(&wish.folder)?;
    let image = open_movq(movq)?;
    let json = movq_config(wish.movq_config.as_deref(), movq)?;
    let movq_sizes = match &json {
        Some(json) => MovqConfig::from_json(json)?,
        None => MovqConfig::infer(image.as_ref(), "")?,
    };
    let card = Card::for_folder(&wish.folder, &config_text)?;
    let preview = Preview::fit(&PictureCodec::load(
        image.as_ref(),
        "",
        &movq_sizes,
        &Hardware::Cpu,
    )?)?;
    let (plan, summary) = plan(&config, weights.as_ref(), image.as_ref(), wish.format)?;
    let map = preview.to_tensor()?;
    let mut listed: Vec<Planned> = plan.iter().map(|step| step.stored.clone()).collect();
    listed.push(Planned {
        name: "preview.weight".to_owned(),
        shape: map.dims().to_vec(),
        dtype: GgmlDType::F32,
    });

    // What a killed import left there takes as much room as this one needs.
    disk::sweep(target);
    // Only now, for all that can be refused by its headers has been.
    let mut temporary = disk::unfinished(target, Readers::Usual).map_err(|e| file_error(out, &e))?;
    let files = tokenizer_files(&wish.folder)?;
    let metadata = [
        ("general.architecture", Some("lumina-mgpt2".to_owned())),
        ("general.name", Some(card.name.clone())),
        ("lumina.quant", Some(wish.format.name().to_owned())),
        ("lumina.config", Some(config_text)),
        ("lumina.card", serde_json::to_string(&card).ok()),
        ("lumina.movq_config", json),
        ("lumina.tokenizer", files.tokenizer),
        ("lumina.vocab", files.vocab),
        ("lumina.merges", files.merges),
        ("lumina.added_tokens", files.added_tokens),
        ("lumina.tokenizer_config", files.tokenizer_config),
        ("lumina.special_tokens_map", files.special_tokens_map),
    ];
    let metadata: Vec<(&str, String)> = metadata
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    let header = gguf_writing::header(&metadata, &listed);
    let length = header.bytes.len() as u64;
    let of = length + listed.iter().map(Planned::padded).sum::<u64>();
    if let Some(reason) = no_room(of, disk::available(target)) {
        return Err(file_error(out, &reason));
    }
    let mut file = Summed::new(BufWriter::with_capacity(1 << 20, temporary.as_file_mut()));
    file.write_all(&header.bytes).map_err(|e| file_error(out, &e))?;
    let mut done = length;
    for step in &plan {
        let from: &dyn Weights = if step.of_image {
            image.as_ref()
        } else {
            weights.as_ref()
        };
        convert(from, step, cancel, &mut |bytes| {
            file.write_all(bytes).map_err(|e| file_error(out, &e))
        })?;
        file.write_all(&step.stored.padding())
            .map_err(|e| file_error(out, &e))?;
        done += step.stored.padded();
        progress(ImportStep {
            name: step.source.clone(),
            done,
            of,
        });
    }
    if let Some(last) = listed.last() {
        file.write_all(&blocks_of(&map, last.dtype)?.data()?)
            .map_err(|e| file_error(out, &e))?;
        file.write_all(&last.padding()).map_err(|e| file_error(out, &e))?;
    }
    file.seal(&header).map_err(|e| file_error(out, &e))?;
    temporary.as_file().sync_all().map_err(|e| file_error(out, &e))?;
    // What the disk gives back is what was written, or there is no model.
    match Gguf::open(temporary.path())?.checksum()? {
        Checksum::Right => {}
        Checksum::Missing => return Err(file_error(out, &"its checksum was not written")),
    }
    disk::finish(temporary, out, Onto::Any).map_err(|e| file_error(out, &e))?;
    Ok(summary)
}

/// Brings a tensor to its format, some rows a thread, and hands it over in order.
fn convert(
    from: &dyn Weights,
    step: &Step,
    cancel: &Cancel,
    write: &mut dyn FnMut(&[u8]) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let rows = step.stored.shape.first().copied().unwrap_or(1);
    let row_bytes = 4 * step.stored.shape.iter().skip(1).product::<usize>();
    let piece = match from.reads_parts() {
        true => (PIECE_BYTES / row_bytes.max(1)).clamp(1, rows.max(1)),
        // Read whole: once.
        false => rows.max(1),
    };
    let threads = rayon::current_num_threads();
    let together = (2 * threads).clamp(1, HELD_BYTES / PIECE_BYTES);
    let pieces: Vec<usize> = (0..rows).step_by(piece).collect();
    for wave in pieces.chunks(together) {
        if cancel.is_cancelled() {
            return Err(ModelError::Config(CANCELLED.to_owned()));
        }
        let made: Result<Vec<Vec<u8>>, ModelError> = wave
            .par_iter()
            .map(|first| {
                let part = from.rows(&step.source, *first..rows.min(first + piece))?;
                let is_whole = part
                    .flatten_all()?
                    .to_vec1::<f32>()?
                    .iter()
                    .all(|v| v.is_finite());
                let made = blocks_of(&part, step.stored.dtype)?.data()?.into_owned();
                let why = match (is_whole, is_finite(step.stored.dtype, &made)) {
                    (true, true) => return Ok(made),
                    (false, _) => "has weights that are no numbers: get the original file".to_owned(),
                    (true, false) if step.of_image => {
                        "has weights that are too large for half precision: get the original file".to_owned()
                    }
                    (true, false) => format!(
                        "has weights that are too large for {:?}: choose another format (bf16 holds any)",
                        step.stored.dtype
                    ),
                };
                Err(ModelError::File {
                    file: from.source(),
                    reason: format!("tensor `{}` {why}", step.source),
                })
            })
            .collect();
        for bytes in made? {
            write(&bytes)?;
        }
    }
    Ok(())
}

/// Refuses an output that is one of the files the import reads: it would replace it.
fn spare_inputs(wish: &ImportWish, movq: &Path) -> Result<(), ModelError> {
    let Ok(out) = wish.output.canonicalize() else {
        return Ok(());
    };
    let in_folder = std::fs::read_dir(&wish.folder).into_iter().flatten().flatten();
    // A model made earlier may lie beside the checkpoint: that one is replaced.
    let in_folder = in_folder
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_none_or(|ending| ending != "gguf"));
    let named = [Some(movq.to_owned()), wish.movq_config.clone()];
    let mut inputs = in_folder.chain(named.into_iter().flatten());
    if inputs.any(|input| input.canonicalize().is_ok_and(|input| input == out)) {
        return Err(ModelError::Config(format!(
            "{} is one of the files the model is made of: give the output another name",
            wish.output.display()
        )));
    }
    Ok(())
}

/// One tensor to be written.
struct Step {
    /// Its name in the checkpoint.
    source: String,
    of_image: bool,
    stored: Planned,
}

/// Every tensor the model needs, checked against its configuration, in its format.
fn plan(
    config: &Config,
    weights: &dyn Weights,
    image: &dyn Weights,
    quant: Format,
) -> Result<(Vec<Step>, ImportSummary), ModelError> {
    let mut summary = ImportSummary::default();
    let mut plan = Vec::new();
    for (name, wanted) in config.tensors() {
        let found = weights.shape(&name).ok_or_else(|| ModelError::Missing {
            name: name.clone(),
            file: weights.source(),
        })?;
        if found != wanted {
            return Err(ModelError::Shape { name, found, wanted });
        }
        let (wish, got) = decoder_format(&name, &wanted, quant);
        if wish != got {
            summary.fallbacks.push((name.clone(), got.name()));
        }
        let stored = Planned {
            name: name.clone(),
            shape: wanted,
            dtype: got.ggml(),
        };
        plan.push(Step {
            source: name,
            of_image: false,
            stored,
        });
    }
    let known = [
        "encoder.",
        "decoder.",
        "quant_conv.",
        "post_quant_conv.",
        "quantize.embedding.",
    ];
    for name in image
        .names()
        .into_iter()
        .filter(|name| known.iter().any(|start| name.starts_with(start)))
    {
        let shape = image.shape(&name).unwrap_or_default();
        let keep = shape.len() < 2 || name.starts_with("quantize.") || name.contains("quant_conv.");
        let dtype = if keep { GgmlDType::F32 } else { GgmlDType::F16 };
        let stored = Planned {
            name: format!("movq.{name}"),
            shape,
            dtype,
        };
        plan.push(Step {
            source: name,
            of_image: true,
            stored,
        });
    }
    Ok((plan, summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_too_small_is_told_with_both_numbers() {
        let why = no_room(16_000_000_000, Some(2_100_000_000)).expect("too small");
        assert!(why.contains("16.0 GB are needed, 2.1 GB are free"), "{why}");
        for free in [None, Some(16_000_000_000), Some(u64::MAX)] {
            assert_eq!(no_room(16_000_000_000, free), None);
        }
    }
}
