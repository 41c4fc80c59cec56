//! Named tensors of a checkpoint, wherever they lie: safetensors shards, a pickled `.ckpt`, a GGUF.

pub mod checkpoint;
mod filed;
pub(crate) mod files;
mod finite;
pub(crate) mod gguf;
pub(crate) mod gguf_header;
mod gguf_writing;
pub mod import;
mod pickle;
pub mod random_weights;
mod safetensors;
pub(crate) mod within;

pub(super) use finite::is_finite;

use crate::task::{Cause, Failure, Format};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use thiserror::Error;

/// Why a checkpoint cannot be read. Every text names the file or tensor and what to do.
#[derive(Debug, Error)]
pub enum ModelError {
    #[error("{file}: {reason}")]
    File { file: String, reason: String },
    #[error("tensor `{name}` is missing from {file}")]
    Missing { name: String, file: String },
    #[error("tensor `{name}` has shape {found:?}, the configuration asks for {wanted:?}")]
    Shape {
        name: String,
        found: Vec<usize>,
        wanted: Vec<usize>,
    },
    #[error("{0}")]
    Config(String),
    #[error("{0}")]
    Memory(String),
    #[error(transparent)]
    Token(#[from] crate::token::TokenError),
    #[error("the tensor library failed: {0}")]
    Candle(String),
    /// An NVIDIA card that cannot be used, or no longer.
    #[error("{0}")]
    Card(String),
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let cause = match error {
            ModelError::Memory(_) => Cause::Memory,
            _ => Cause::Unknown,
        };
        Self::failed(format!("{error:#}")).because(cause)
    }
}

/// The first line: what follows is a backtrace.
pub(super) fn first_line(error: &dyn std::fmt::Display) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(first_line(&error))
    }
}

/// A tensor as it is stored, in CPU memory.
#[derive(Clone)]
pub enum Stored {
    /// f32, f16 or bf16.
    Plain(Tensor),
    Quantized(Arc<QTensor>),
}

impl Stored {
    pub fn dims(&self) -> Vec<usize> {
        match self {
            Self::Plain(tensor) => tensor.dims().to_vec(),
            Self::Quantized(tensor) => tensor.shape().dims().to_vec(),
        }
    }

    /// Some rows of a matrix, in its own format.
    pub(super) fn rows(&self, rows: Range<usize>) -> Result<Self, ModelError> {
        Ok(match self {
            // A copy: what makes blocks of it would take the whole tensor that a part lies in.
            Self::Plain(tensor) => Self::Plain(tensor.narrow(0, rows.start, rows.len())?.force_contiguous()?),
            Self::Quantized(tensor) => Self::Quantized(Arc::new(block_rows(tensor, rows)?)),
        })
    }
}

/// Some rows of a matrix of blocks.
pub(super) fn block_rows(tensor: &QTensor, rows: Range<usize>) -> Result<QTensor, ModelError> {
    let (outs, ins) = tensor.shape().dims2()?;
    let stride = tensor.storage_size_in_bytes() / outs.max(1);
    let bytes = tensor.data()?;
    let part = bytes[rows.start * stride..rows.end * stride].to_vec();
    let storage = QStorage::from_data(part.into(), &Device::Cpu, tensor.dtype())?;
    Ok(QTensor::new(storage, (rows.len(), ins))?)
}

/// A tensor in a format. candle makes blocks of the whole storage that a tensor lies in, so that of a
/// part only a copy gives the right ones.
pub(super) fn blocks_of(tensor: &Tensor, format: GgmlDType) -> Result<QTensor, ModelError> {
    let wide = match tensor.dtype() {
        DType::F32 => tensor.force_contiguous()?,
        // Made anew, in order.
        _ => tensor.to_dtype(DType::F32)?.contiguous()?,
    };
    Ok(QTensor::quantize(&wide, format)?)
}

/// The bytes of rows, and how they are stored.
pub type RawRows<'a> = (GgmlDType, Cow<'a, [u8]>);

/// A readable set of named tensors.
pub trait Weights: Send + Sync {
    /// Where they come from, for messages.
    fn source(&self) -> String;

    /// Every name, sorted.
    fn names(&self) -> Vec<String>;

    /// Shape of one tensor without reading it.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// How a tensor is stored, without reading it; `None` where that is not known.
    fn kind(&self, _name: &str) -> Option<GgmlDType> {
        None
    }

    /// One tensor as stored; an error naming it if it is missing or cut short.
    ///
    /// # Errors
    /// [`ModelError::Missing`], or what is wrong with the file.
    fn stored(&self, name: &str) -> Result<Stored, ModelError>;

    fn contains(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// As stored, after checking its shape.
    ///
    /// # Errors
    /// As [`Weights::has_shape`] and [`Weights::stored`].
    fn stored_as(&self, name: &str, wanted: &[usize]) -> Result<Stored, ModelError> {
        self.has_shape(name, wanted)?;
        self.stored(name)
    }

    /// The bytes of some rows (along the first axis) as they are stored and how, after checking the
    /// tensor's shape; `None` where they do not lie anywhere in one piece, or are of no kind that is
    /// computed with.
    ///
    /// # Errors
    /// As [`Weights::has_shape`], or the file is no longer whole.
    fn raw_rows(
        &self,
        _name: &str,
        _wanted: &[usize],
        _rows: Range<usize>,
    ) -> Result<Option<RawRows<'_>>, ModelError> {
        Ok(None)
    }

    /// Some rows of a matrix as they are stored, after checking its shape. Not more is read where the
    /// file allows it.
    ///
    /// # Errors
    /// As [`Weights::raw_rows`].
    fn stored_rows(&self, name: &str, wanted: &[usize], rows: Range<usize>) -> Result<Stored, ModelError> {
        self.stored_as(name, wanted)?.rows(rows)
    }

    /// Refuses a tensor that is missing or has another shape.
    ///
    /// # Errors
    /// [`ModelError::Missing`] or [`ModelError::Shape`].
    fn has_shape(&self, name: &str, wanted: &[usize]) -> Result<(), ModelError> {
        let found = self.shape(name).ok_or_else(|| ModelError::Missing {
            name: name.to_owned(),
            file: self.source(),
        })?;
        if found != wanted {
            return Err(ModelError::Shape {
                name: name.to_owned(),
                found,
                wanted: wanted.to_vec(),
            });
        }
        Ok(())
    }

    /// Whether a part of a tensor can be read without the rest, by several threads at once.
    fn reads_parts(&self) -> bool {
        false
    }

    /// Rows `rows` (along the first axis) of a plain tensor, widened to f32.
    ///
    /// # Errors
    /// As [`Weights::stored`]; or there are no such rows.
    fn rows(&self, name: &str, rows: Range<usize>) -> Result<Tensor, ModelError> {
        let whole = match self.stored(name)? {
            Stored::Plain(tensor) => tensor.to_dtype(DType::F32)?,
            Stored::Quantized(tensor) => tensor.dequantize(&Device::Cpu)?,
        };
        Ok(whole.narrow(0, rows.start, rows.len())?.force_contiguous()?)
    }

    /// Widened to f32 on the CPU, after checking its shape.
    ///
    /// # Errors
    /// As [`Weights::stored_as`].
    fn f32(&self, name: &str, wanted: &[usize]) -> Result<Tensor, ModelError> {
        Ok(match self.stored_as(name, wanted)? {
            Stored::Plain(tensor) => tensor.to_dtype(DType::F32)?,
            Stored::Quantized(tensor) => tensor.dequantize(&Device::Cpu)?,
        })
    }
}

/// The format of a plain tensor as blocks name it; wider types are read as f32.
pub(super) fn kind_of(dtype: DType) -> GgmlDType {
    match dtype {
        DType::F16 => GgmlDType::F16,
        DType::BF16 => GgmlDType::BF16,
        _ => GgmlDType::F32,
    }
}

impl Format {
    pub fn ggml(self) -> GgmlDType {
        match self {
            Self::F32 => GgmlDType::F32,
            Self::F16 => GgmlDType::F16,
            Self::Bf16 => GgmlDType::BF16,
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q4K => GgmlDType::Q4K,
        }
    }

    /// The nearest format that holds rows of `columns`.
    pub fn fitting(self, columns: usize) -> Self {
        match self {
            Self::Q4K if !columns.is_multiple_of(256) => Self::Q8_0.fitting(columns),
            Self::Q8_0 if !columns.is_multiple_of(32) => Self::F16,
            other => other,
        }
    }
}

/// How a tensor of a decoder is stored by an import: format wished for and format
/// possible. Matrices get the one asked for, the embedding at least
/// 8 bits, all else f32.
pub(crate) fn decoder_format(name: &str, shape: &[usize], quant: Format) -> (Format, Format) {
    let is_matrix = shape.len() == 2
        && (name.contains("_proj.")
            || name.starts_with("lm_head.")
            || name.starts_with("model.embed_tokens."));
    match shape {
        [_, columns] if is_matrix => {
            let by_eight = name.starts_with("model.embed_tokens.") && quant == Format::Q4K;
            let wish = if by_eight { Format::Q8_0 } else { quant };
            (wish, wish.fitting(*columns))
        }
        _ => (Format::F32, Format::F32),
    }
}
