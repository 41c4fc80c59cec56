//! Safetensors: one file, or shards that an index names.

use super::files::{LONGEST_HEADER, file_error};
use super::{ModelError, Stored, Weights, kind_of};
use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use memmap2::Mmap;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One tensor as a header describes it.
#[derive(Debug, Clone, Deserialize)]
struct Described {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

impl Described {
    fn dtype(&self) -> Option<DType> {
        Some(match self.dtype.as_str() {
            "F64" => DType::F64,
            "F32" => DType::F32,
            "F16" => DType::F16,
            "BF16" => DType::BF16,
            "I64" => DType::I64,
            "I32" => DType::I32,
            "U32" => DType::U32,
            "U8" => DType::U8,
            _ => return None,
        })
    }

    /// Bytes the shape asks for.
    fn wanted(&self) -> Option<usize> {
        let size = self.dtype()?.size_in_bytes();
        self.shape
            .iter()
            .try_fold(size, |all, side| all.checked_mul(*side))
    }
}

/// One safetensors file.
struct Shard {
    path: PathBuf,
    file: File,
    map: Mmap,
    /// Where the tensors' bytes begin.
    start: usize,
}

/// Safetensors, one file or the shards an index names. Whole tensors come from a memory map,
/// rows of them by plain reads, so that an import does not fill the memory with mapped pages.
pub struct Safetensors {
    path: PathBuf,
    shards: Vec<Shard>,
    tensors: BTreeMap<String, (usize, Described)>,
}

impl Safetensors {
    /// Opens a file, or a folder with `model.safetensors` or `model.safetensors.index.json`.
    ///
    /// # Errors
    /// There is no such file, or one that is not whole or not of this kind.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let files = if path.is_dir() {
            shards(path)?
        } else {
            vec![path.to_owned()]
        };
        let mut opened = Self {
            path: path.to_owned(),
            shards: Vec::new(),
            tensors: BTreeMap::new(),
        };
        for file in files {
            opened.add(file)?;
        }
        Ok(opened)
    }

    fn add(&mut self, path: PathBuf) -> Result<(), ModelError> {
        let wrong = |reason: String| file_error(&path, reason);
        let io = |e: std::io::Error| file_error(&path, e);
        let mut file = File::open(&path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut size = [0; 8];
        let short = || wrong("too short for a safetensors file: fetch it again".to_owned());
        file.read_exact(&mut size).map_err(|_| short())?;
        let header_len = u64::from_le_bytes(size);
        if header_len > LONGEST_HEADER {
            return Err(wrong(
                "no safetensors file (its header has no sensible length)".to_owned(),
            ));
        }
        if header_len + 8 > length {
            return Err(short());
        }
        let mut header = vec![0; header_len as usize];
        file.read_exact(&mut header).map_err(io)?;
        let json: serde_json::Map<String, Value> = serde_json::from_slice(&header)
            .map_err(|e| wrong(format!("no safetensors file (its header cannot be read: {e})")))?;
        let start = 8 + header_len as usize;
        for (name, value) in json.into_iter().filter(|(name, _)| name != "__metadata__") {
            let described: Described = serde_json::from_value(value)
                .map_err(|e| wrong(format!("tensor `{name}` is described wrongly ({e})")))?;
            let (from, upto) = described.data_offsets;
            let held = upto.checked_sub(from);
            if described.dtype().is_some() && described.wanted() != held {
                let shape = &described.shape;
                return Err(wrong(format!(
                    "tensor `{name}`: its shape {shape:?} and its length do not agree"
                )));
            }
            if held.is_none() || start.checked_add(upto).is_none_or(|end| end as u64 > length) {
                return Err(wrong(format!(
                    "tensor `{name}` is cut short: the file is not whole, fetch it again"
                )));
            }
            self.tensors.insert(name, (self.shards.len(), described));
        }
        // SAFETY: the map is read-only; a checkpoint that another program rewrites while it is
        // loaded would be read torn, which the shape checks bound and nothing here prevents.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        self.shards.push(Shard {
            path,
            file,
            map,
            start,
        });
        Ok(())
    }

    fn described(&self, name: &str) -> Result<(&Shard, &Described, DType), ModelError> {
        let missing = || ModelError::Missing {
            name: name.to_owned(),
            file: self.source(),
        };
        let (shard, described) = self.tensors.get(name).ok_or_else(missing)?;
        let shard = &self.shards[*shard];
        let unknown = || {
            file_error(
                &shard.path,
                format!("tensor `{name}` has type {}, not read here", described.dtype),
            )
        };
        Ok((shard, described, described.dtype().ok_or_else(unknown)?))
    }

    fn bytes_of(&self, name: &str) -> Result<(&[u8], &Described, DType), ModelError> {
        let (shard, described, dtype) = self.described(name)?;
        let (from, upto) = described.data_offsets;
        // A file that shrank after it was opened must not end the program.
        let bytes = shard.map.get(shard.start + from..shard.start + upto);
        let bytes = bytes.ok_or_else(|| file_error(&shard.path, format!("tensor `{name}` is cut short")))?;
        Ok((bytes, described, dtype))
    }

    fn load(&self, name: &str) -> Result<Tensor, ModelError> {
        let (bytes, described, dtype) = self.bytes_of(name)?;
        Ok(Tensor::from_raw_buffer(
            bytes,
            dtype,
            &described.shape,
            &Device::Cpu,
        )?)
    }

    /// Length of all files.
    pub(crate) fn length(&self) -> u64 {
        self.shards.iter().map(|shard| shard.map.len() as u64).sum()
    }

    /// An integer tensor as ids.
    ///
    /// # Errors
    /// There is no such tensor, or it cannot be read.
    pub fn ids(&self, name: &str) -> Result<Vec<u32>, ModelError> {
        Ok(self.load(name)?.to_dtype(DType::U32)?.flatten_all()?.to_vec1()?)
    }

    /// A tensor of bytes.
    ///
    /// # Errors
    /// There is no such tensor, or it does not hold bytes.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, ModelError> {
        Ok(self.load(name)?.flatten_all()?.to_vec1()?)
    }
}

/// Fills `bytes` from a place in a file, wherever others read.
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, bytes, at);
    #[cfg(windows)]
    {
        use std::os::windows::fs::FileExt;
        let mut done = 0;
        while done < bytes.len() {
            match file.seek_read(&mut bytes[done..], at + done as u64)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                read => done += read,
            }
        }
        Ok(())
    }
}

fn shards(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let whole = folder.join("model.safetensors");
    if whole.is_file() {
        return Ok(vec![whole]);
    }
    let index = folder.join("model.safetensors.index.json");
    let text = std::fs::read_to_string(&index).map_err(|_| {
        file_error(
            folder,
            "neither model.safetensors nor model.safetensors.index.json is in this folder",
        )
    })?;
    let json: Value = serde_json::from_str(&text).map_err(|e| file_error(&index, e))?;
    let names = json["weight_map"]
        .as_object()
        .into_iter()
        .flat_map(|map| map.values());
    let mut files: Vec<PathBuf> = names
        .filter_map(|name| Some(folder.join(name.as_str()?)))
        .collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        return Err(file_error(&index, "it names no files"));
    }
    Ok(files)
}

impl Weights for Safetensors {
    fn source(&self) -> String {
        self.path.display().to_string()
    }

    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors
            .get(name)
            .map(|(_, described)| described.shape.clone())
    }

    fn kind(&self, name: &str) -> Option<GgmlDType> {
        self.tensors.get(name)?.1.dtype().map(kind_of)
    }

    fn raw(&self, name: &str, wanted: &[usize]) -> Result<Option<(GgmlDType, &[u8])>, ModelError> {
        self.has_shape(name, wanted)?;
        let (bytes, _, dtype) = self.bytes_of(name)?;
        let is_known = matches!(dtype, DType::F32 | DType::F16 | DType::BF16);
        Ok(is_known.then(|| (kind_of(dtype), bytes)))
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        Ok(Stored::Plain(self.load(name)?))
    }

    fn reads_parts(&self) -> bool {
        true
    }

    fn rows(&self, name: &str, rows: Range<usize>) -> Result<Tensor, ModelError> {
        let (shard, described, dtype) = self.described(name)?;
        let mut shape = described.shape.clone();
        let row = described.shape.iter().skip(1).product::<usize>() * dtype.size_in_bytes();
        if let Some(count) = shape.first_mut() {
            *count = rows.len();
        }
        let mut bytes = vec![0; row * rows.len()];
        let at = (shard.start + described.data_offsets.0 + row * rows.start) as u64;
        let read = read_exact_at(&shard.file, &mut bytes, at);
        read.map_err(|e| file_error(&shard.path, format!("tensor `{name}`: {e}")))?;
        Ok(Tensor::from_raw_buffer(&bytes, dtype, &shape, &Device::Cpu)?.to_dtype(DType::F32)?)
    }
}
