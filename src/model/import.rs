//! `import`: a public checkpoint becomes one GGUF with everything the program needs inside.
//!
//! Tensors are read, brought to their format and dropped one by one; the quantised file is
//! gathered in memory and written once, to a temporary name that is renamed at the end.

use super::bundle::{movq_config, tokenizer_files};
use super::card::Card;
use super::checkpoint::{Safetensors, open_movq};
use super::config::Config;
use super::movq::{Movq, MovqConfig};
use super::preview::Preview;
use super::weights::{ModelError, Quant, Stored, Weights};
use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use std::path::Path;

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportStep {
    pub name: String,
    pub index: usize,
    pub count: usize,
}

/// What an import had to do otherwise than asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Matrices whose rows the format cannot hold, with the format they got.
    pub fallbacks: Vec<(String, &'static str)>,
}

impl ImportSummary {
    pub fn remarks(&self) -> Vec<String> {
        let line = |(name, format): &(String, &str)| format!("`{name}` is stored as {format}: its rows do not fit the format asked for");
        self.fallbacks.iter().map(line).collect()
    }
}

/// The nearest format that holds rows of `columns`.
fn fitting(quant: Quant, columns: usize) -> Quant {
    match quant {
        Quant::Q4K if !columns.is_multiple_of(256) => fitting(Quant::Q8_0, columns),
        Quant::Q8_0 if !columns.is_multiple_of(32) => Quant::F16,
        other => other,
    }
}

fn text(value: String) -> Value {
    Value::String(value)
}

/// Imports the checkpoint in `folder` with the image tokenizer `movq` to the file `out`.
pub fn import(
    folder: &Path,
    movq: &Path,
    movq_json: Option<&Path>,
    quant: Quant,
    out: &Path,
    progress: &mut dyn FnMut(ImportStep),
    cancelled: &dyn Fn() -> bool,
) -> Result<ImportSummary, ModelError> {
    let file_error = |path: &Path, e: &dyn std::fmt::Display| ModelError::File {
        file: path.display().to_string(),
        reason: e.to_string(),
    };
    let target = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(target).map_err(|e| file_error(out, &e))?;
    let config_path = folder.join("config.json");
    let config_text = std::fs::read_to_string(&config_path).map_err(|e| file_error(&config_path, &e))?;
    let config = Config::from_json(&config_text)?;
    let weights = Safetensors::open(folder)?;
    let image = open_movq(movq)?;
    let json = movq_config(movq_json, movq)?;
    let movq_sizes = match &json {
        Some(json) => MovqConfig::from_json(json)?,
        None => MovqConfig::infer(image.as_ref(), "")?,
    };
    let preview = Preview::fit(&Movq::load(image.as_ref(), "", &movq_sizes, &Device::Cpu)?)?;
    let card = Card::for_folder(folder, &config_text)?;

    let decoder: Vec<String> = weights.names().into_iter().filter(|name| !name.starts_with("model.vqmodel.")).collect();
    let known = ["encoder.", "decoder.", "quant_conv.", "post_quant_conv.", "quantize.embedding."];
    let image_names = image.names().into_iter().filter(|name| known.iter().any(|start| name.starts_with(start)));
    let image_names: Vec<String> = image_names.collect();
    let count = decoder.len() + image_names.len();
    let mut summary = ImportSummary::default();
    let mut tensors: Vec<(String, QTensor)> = Vec::with_capacity(count + 1);
    for name in decoder.iter().chain(&image_names) {
        if cancelled() {
            return Err(ModelError::Config("the import was cancelled, nothing was written".to_owned()));
        }
        progress(ImportStep { name: name.clone(), index: tensors.len(), count });
        if tensors.len() < decoder.len() {
            let tensor = full(weights.stored(name)?)?;
            let (dtype, fallback) = decoder_format(name, &tensor, quant);
            if let Some(format) = fallback {
                summary.fallbacks.push((name.clone(), format));
            }
            tensors.push((name.clone(), QTensor::quantize(&tensor, dtype)?));
        } else {
            let tensor = full(image.stored(name)?)?;
            let keep = tensor.rank() < 2 || name.starts_with("quantize.") || name.contains("quant_conv.");
            let dtype = if keep { GgmlDType::F32 } else { GgmlDType::F16 };
            tensors.push((format!("movq.{name}"), QTensor::quantize(&tensor, dtype)?));
        }
    }
    tensors.push(("preview.weight".to_owned(), QTensor::quantize(&preview.to_tensor()?, GgmlDType::F32)?));
    check(&tensors, &config)?;

    let files = tokenizer_files(folder);
    let metadata = [
        ("general.architecture", Some("lumina-mgpt2".to_owned())),
        ("general.name", Some(card.name.clone())),
        ("lumina.quant", Some(quant.name().to_owned())),
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
    let metadata: Vec<(&str, Value)> =
        metadata.into_iter().filter_map(|(key, value)| Some((key, text(value?)))).collect();
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let listed: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(temporary.as_file_mut(), &metadata, &listed).map_err(|e| file_error(out, &e))?;
    temporary.as_file().sync_all().map_err(|e| file_error(out, &e))?;
    temporary.persist(out).map_err(|e| file_error(out, &e.error))?;
    Ok(summary)
}

fn full(stored: Stored) -> Result<Tensor, ModelError> {
    Ok(match stored {
        Stored::Plain(tensor) => tensor.to_dtype(DType::F32)?,
        Stored::Quantized(tensor) => tensor.dequantize(&Device::Cpu)?,
    })
}

/// Matrices get the format asked for, the embedding at least 8 bits, all else f32.
fn decoder_format(name: &str, tensor: &Tensor, quant: Quant) -> (GgmlDType, Option<&'static str>) {
    let is_matrix = tensor.rank() == 2
        && (name.contains("_proj.") || name.starts_with("lm_head.") || name.starts_with("model.embed_tokens."));
    if !is_matrix {
        return (GgmlDType::F32, None);
    }
    let wanted = if name.starts_with("model.embed_tokens.") && quant == Quant::Q4K { Quant::Q8_0 } else { quant };
    let fit = fitting(wanted, tensor.dims()[1]);
    (fit.ggml(), (fit != wanted).then(|| fit.name()))
}

/// A decoder that lacks a layer is found now rather than at the first picture.
fn check(tensors: &[(String, QTensor)], config: &Config) -> Result<(), ModelError> {
    let has = |name: &str| tensors.iter().any(|(known, _)| known == name);
    let last = format!("model.layers.{}.mlp.down_proj.weight", config.num_hidden_layers.saturating_sub(1));
    for name in ["model.embed_tokens.weight", "model.norm.weight", &last] {
        if !has(name) {
            return Err(ModelError::Missing { name: name.to_owned(), file: "the checkpoint".to_owned() });
        }
    }
    Ok(())
}
