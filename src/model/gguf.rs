//! The program's own model file: one GGUF with decoder, image tokenizer, tokenizer and settings.

use super::weights::{ModelError, Stored, Weights};
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

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
        let wrong = |e: std::io::Error| ModelError::File { file: source.clone(), reason: e.to_string() };
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
        let wrong = |reason: String| ModelError::File { file: source.clone(), reason };
        let content = Content::read(&mut Cursor::new(bytes.get()))
            .map_err(|e| wrong(format!("no readable GGUF model file ({e})")))?;
        let gguf = Self { source: source.clone(), bytes, content };
        for name in gguf.names() {
            if gguf.range(&name).is_none() {
                return Err(wrong(format!("tensor `{name}` is cut short: the file is not whole, make or fetch it again")));
            }
        }
        Ok(gguf)
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
        let blocks = info.shape.elem_count().checked_div(info.ggml_dtype.block_size())?;
        let from = usize::try_from(self.content.tensor_data_offset.checked_add(info.offset)?).ok()?;
        self.bytes.get().get(from..from.checked_add(blocks.checked_mul(info.ggml_dtype.type_size())?)?)
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
        self.content.tensor_infos.get(name).map(|info| info.shape.dims().to_vec())
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let missing = || ModelError::Missing { name: name.to_owned(), file: self.source.clone() };
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
        Ok(Stored::Quantized(Arc::new(QTensor::new(storage, info.shape.clone())?)))
    }
}
