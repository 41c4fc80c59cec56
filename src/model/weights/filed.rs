//! Tensors that lie in files: rows of them are read when they are asked for, and only they.

use super::{ModelError, RawRows, Stored, Weights, kind_of};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// How the numbers of a tensor are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Plain(DType),
    Blocks(GgmlDType),
}

impl Numbers {
    fn kind(self) -> GgmlDType {
        match self {
            Self::Plain(dtype) => kind_of(dtype),
            Self::Blocks(kind) => kind,
        }
    }

    /// Bytes of a row of so many columns; `None` where blocks do not fill it, or for more than can be
    /// counted.
    pub(super) fn row_bytes(self, columns: usize) -> Option<usize> {
        match self {
            Self::Plain(dtype) => columns.checked_mul(dtype.size_in_bytes()),
            Self::Blocks(kind) => {
                let block = kind.block_size();
                let fills = columns.is_multiple_of(block);
                fills.then(|| (columns / block).checked_mul(kind.type_size()))?
            }
        }
    }
}

/// The bytes a tensor takes: rows along all axes but the last. `None` as for a row.
pub(super) fn bytes_of(numbers: Numbers, shape: &[usize]) -> Option<usize> {
    let Some((columns, rows)) = shape.split_last() else {
        return numbers.row_bytes(1);
    };
    let row = numbers.row_bytes(*columns)?;
    rows.iter().try_fold(row, |all, side| all.checked_mul(*side))
}

/// What a file knows of its tensors; all else follows.
pub(super) trait Filed: Send + Sync {
    fn source(&self) -> String;
    fn names(&self) -> Vec<String>;
    fn shape(&self, name: &str) -> Option<Vec<usize>>;
    fn numbers(&self, name: &str) -> Option<Numbers>;

    /// The bytes of rows along the first axis; of a number without axes row 0. An error names a tensor
    /// that is missing, or no longer there.
    fn bytes_of_rows(&self, name: &str, rows: Range<usize>) -> Result<Cow<'_, [u8]>, ModelError>;
}

fn missing(file: &impl Filed, name: &str) -> ModelError {
    ModelError::Missing {
        name: name.to_owned(),
        file: file.source(),
    }
}

/// Some rows of a tensor.
fn part(file: &impl Filed, name: &str, rows: Range<usize>) -> Result<Stored, ModelError> {
    let shape = file.shape(name).ok_or_else(|| missing(file, name))?;
    let numbers = file.numbers(name).ok_or_else(|| missing(file, name))?;
    let mut shape = shape;
    if let Some(count) = shape.first_mut() {
        *count = rows.len();
    }
    let bytes = file.bytes_of_rows(name, rows)?;
    match numbers {
        Numbers::Plain(dtype) => Ok(Stored::Plain(Tensor::from_raw_buffer(
            &bytes,
            dtype,
            &shape,
            &Device::Cpu,
        )?)),
        Numbers::Blocks(kind) => {
            // Blocks want their alignment; bytes of a file or of the program have none.
            let storage = QStorage::from_data(Cow::Owned(bytes.into_owned()), &Device::Cpu, kind)?;
            Ok(Stored::Quantized(Arc::new(QTensor::new(storage, shape)?)))
        }
    }
}

impl<F: Filed> Weights for F {
    fn source(&self) -> String {
        Filed::source(self)
    }

    fn names(&self) -> Vec<String> {
        Filed::names(self)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        Filed::shape(self, name)
    }

    fn kind(&self, name: &str) -> Option<GgmlDType> {
        self.numbers(name).map(Numbers::kind)
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let shape = Filed::shape(self, name).ok_or_else(|| missing(self, name))?;
        part(self, name, 0..shape.first().copied().unwrap_or(1))
    }

    fn raw_rows(
        &self,
        name: &str,
        wanted: &[usize],
        rows: Range<usize>,
    ) -> Result<Option<RawRows<'_>>, ModelError> {
        self.has_shape(name, wanted)?;
        let kind = match self.numbers(name) {
            Some(Numbers::Plain(dtype @ (DType::F32 | DType::F16 | DType::BF16))) => kind_of(dtype),
            Some(Numbers::Blocks(kind)) => kind,
            Some(Numbers::Plain(_)) | None => return Ok(None),
        };
        Ok(Some((kind, self.bytes_of_rows(name, rows)?)))
    }

    fn stored_rows(&self, name: &str, wanted: &[usize], rows: Range<usize>) -> Result<Stored, ModelError> {
        self.has_shape(name, wanted)?;
        part(self, name, rows)
    }

    fn reads_parts(&self) -> bool {
        true
    }

    fn rows(&self, name: &str, rows: Range<usize>) -> Result<Tensor, ModelError> {
        match part(self, name, rows)? {
            Stored::Plain(tensor) => Ok(tensor.to_dtype(DType::F32)?),
            Stored::Quantized(tensor) => Ok(tensor.dequantize(&Device::Cpu)?),
        }
    }
}
