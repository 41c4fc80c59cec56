//! The program's own model file: one GGUF with decoder, image tokenizer, tokenizer and settings.

use super::{ModelError, Stored, Weights, first_line};
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

/// Version written; readers of 2 and 3 take it.
const VERSION: u32 = 3;
/// Tensors start at multiples of this.
const ALIGNMENT: u64 = 32;

/// One tensor of a file to be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: GgmlDType,
}

impl Planned {
    fn bytes(&self) -> u64 {
        let count: usize = self.shape.iter().product();
        (count / self.dtype.block_size() * self.dtype.type_size()) as u64
    }

    /// Bytes it takes in the file, padding included.
    pub(crate) fn padded(&self) -> u64 {
        self.bytes().next_multiple_of(ALIGNMENT)
    }

    pub(crate) fn padding(&self) -> Vec<u8> {
        vec![0; (self.padded() - self.bytes()) as usize]
    }

    /// The format's number for the type.
    fn number(&self) -> u32 {
        match self.dtype {
            GgmlDType::F16 => 1,
            GgmlDType::Q8_0 => 8,
            GgmlDType::Q4K => 12,
            GgmlDType::BF16 => 30,
            _ => 0,
        }
    }
}

/// Everything before the tensors' bytes: texts, then the list of tensors, padded.
pub(crate) fn header(texts: &[(&str, String)], tensors: &[Planned]) -> Vec<u8> {
    let mut out = Vec::new();
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    };
    out.extend(b"GGUF");
    out.extend(VERSION.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((texts.len() as u64).to_le_bytes());
    for (key, value) in texts {
        text(&mut out, key);
        out.extend(8u32.to_le_bytes());
        text(&mut out, value);
    }
    let mut offset = 0;
    for tensor in tensors {
        text(&mut out, &tensor.name);
        out.extend((tensor.shape.len() as u32).to_le_bytes());
        for side in tensor.shape.iter().rev() {
            out.extend((*side as u64).to_le_bytes());
        }
        out.extend(tensor.number().to_le_bytes());
        out.extend(u64::to_le_bytes(offset));
        offset += tensor.padded();
    }
    out.resize(out.len().next_multiple_of(ALIGNMENT as usize), 0);
    out
}

enum Bytes {
    Map(memmap2::Mmap),
    Static(&'static [u8]),
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Self::Map(map) => map,
            Self::Static(bytes) => bytes,
        }
    }
}

/// A GGUF in memory or mapped from disk.
pub struct Gguf {
    source: String,
    bytes: Bytes,
    content: Content,
}

impl Gguf {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let source = path.display().to_string();
        let wrong = |e: std::io::Error| ModelError::File {
            file: source.clone(),
            reason: e.to_string(),
        };
        let file = std::fs::File::open(path).map_err(wrong)?;
        // SAFETY: read-only map; a file that is rewritten while it is read is checked by nothing
        // but the bounds below.
        #[allow(unsafe_code)]
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(wrong)?;
        Self::new(source, Bytes::Map(map))
    }

    pub fn from_static(bytes: &'static [u8]) -> Result<Self, ModelError> {
        Self::new("the built-in starter model".to_owned(), Bytes::Static(bytes))
    }

    fn new(source: String, bytes: Bytes) -> Result<Self, ModelError> {
        let wrong = |reason: String| ModelError::File {
            file: source.clone(),
            reason,
        };
        let content = Content::read(&mut Cursor::new(bytes.get()))
            .map_err(|e| wrong(format!("no readable GGUF model file ({})", first_line(&e))))?;
        let gguf = Self {
            source: source.clone(),
            bytes,
            content,
        };
        for name in gguf.names() {
            if gguf.range(&name).is_none() {
                return Err(wrong(format!(
                    "tensor `{name}` is cut short: the file is not whole, make or fetch it again"
                )));
            }
        }
        Ok(gguf)
    }

    /// Length of the whole file.
    pub(crate) fn length(&self) -> u64 {
        self.bytes.get().len() as u64
    }

    /// A text stored beside the tensors.
    pub fn meta(&self, key: &str) -> Option<String> {
        match self.content.metadata.get(key) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn range(&self, name: &str) -> Option<&[u8]> {
        let info = self.content.tensor_infos.get(name)?;
        // A damaged header may ask for more elements than can be counted.
        let count = info
            .shape
            .dims()
            .iter()
            .try_fold(1usize, |all, side| all.checked_mul(*side))?;
        let blocks = count.checked_div(info.ggml_dtype.block_size())?;
        let from = usize::try_from(self.content.tensor_data_offset.checked_add(info.offset)?).ok()?;
        self.bytes
            .get()
            .get(from..from.checked_add(blocks.checked_mul(info.ggml_dtype.type_size())?)?)
    }
}

impl Weights for Gguf {
    fn source(&self) -> String {
        self.source.clone()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.content.tensor_infos.keys().cloned().collect();
        names.sort();
        names
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.content
            .tensor_infos
            .get(name)
            .map(|info| info.shape.dims().to_vec())
    }

    fn kind(&self, name: &str) -> Option<GgmlDType> {
        self.content.tensor_infos.get(name).map(|info| info.ggml_dtype)
    }

    fn raw(&self, name: &str, wanted: &[usize]) -> Result<Option<(GgmlDType, &[u8])>, ModelError> {
        self.has_shape(name, wanted)?;
        Ok(self.kind(name).zip(self.range(name)))
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let missing = || ModelError::Missing {
            name: name.to_owned(),
            file: self.source.clone(),
        };
        let info = self.content.tensor_infos.get(name).ok_or_else(missing)?;
        let bytes = self.range(name).ok_or_else(missing)?;
        let plain = match info.ggml_dtype {
            GgmlDType::F32 => Some(candle_core::DType::F32),
            GgmlDType::F16 => Some(candle_core::DType::F16),
            GgmlDType::BF16 => Some(candle_core::DType::BF16),
            _ => None,
        };
        if let Some(dtype) = plain {
            let tensor = Tensor::from_raw_buffer(bytes, dtype, info.shape.dims(), &Device::Cpu)?;
            return Ok(Stored::Plain(tensor));
        }
        // Blocks want their alignment; the file gives 32 bytes, a build's embedded file may not.
        let owned = bytes.to_vec();
        let storage = QStorage::from_data(owned.into(), &Device::Cpu, info.ggml_dtype)?;
        Ok(Stored::Quantized(Arc::new(QTensor::new(
            storage,
            info.shape.clone(),
        )?)))
    }
}
