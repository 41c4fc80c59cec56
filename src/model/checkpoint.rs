//! Checkpoints on disk: safetensors shards and pickled `.ckpt` files.

use super::weights::{ModelError, Stored, Weights};
use candle_core::pickle::PthTensors;
use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

fn file_error(path: &Path, reason: impl std::fmt::Display) -> ModelError {
    ModelError::File { file: path.display().to_string(), reason: reason.to_string() }
}

/// Memory-mapped safetensors, one file or the shards an index names.
pub struct Safetensors {
    path: PathBuf,
    map: MmapedSafetensors,
}

impl Safetensors {
    /// Opens a file, or a folder with `model.safetensors` or `model.safetensors.index.json`.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let files = if path.is_dir() { shards(path)? } else { vec![path.to_owned()] };
        for file in &files {
            let read = std::fs::File::open(file).map_err(|e| file_error(file, e))?;
            if read.metadata().map_err(|e| file_error(file, e))?.len() < 8 {
                return Err(file_error(file, "too short for a safetensors file: fetch it again"));
            }
        }
        // SAFETY: the map is read-only; a checkpoint that another program rewrites while it is
        // loaded would be read torn, which the shape checks bound and nothing here prevents.
        #[allow(unsafe_code)]
        let map = unsafe { MmapedSafetensors::multi(&files) };
        let map = map.map_err(|e| file_error(path, format!("no whole safetensors file, fetch it again ({e})")))?;
        Ok(Self { path: path.to_owned(), map })
    }

    /// An integer tensor as ids.
    pub fn ids(&self, name: &str) -> Result<Vec<u32>, ModelError> {
        Ok(self.map.load(name, &Device::Cpu)?.to_dtype(DType::U32)?.flatten_all()?.to_vec1()?)
    }

    /// A tensor of bytes.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, ModelError> {
        Ok(self.map.load(name, &Device::Cpu)?.flatten_all()?.to_vec1()?)
    }
}

fn shards(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let whole = folder.join("model.safetensors");
    if whole.is_file() {
        return Ok(vec![whole]);
    }
    let index = folder.join("model.safetensors.index.json");
    let text = std::fs::read_to_string(&index)
        .map_err(|_| file_error(folder, "neither model.safetensors nor model.safetensors.index.json is in this folder"))?;
    let json: Value = serde_json::from_str(&text).map_err(|e| file_error(&index, e))?;
    let names = json["weight_map"].as_object().into_iter().flat_map(|map| map.values());
    let mut files: Vec<PathBuf> = names.filter_map(|name| Some(folder.join(name.as_str()?))).collect();
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
        let mut names: Vec<String> = self.map.tensors().into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.map.get(name).ok().map(|view| view.shape().to_vec())
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let tensor = self.map.load(name, &Device::Cpu);
        Ok(Stored::Plain(tensor.map_err(|e| file_error(&self.path, format!("tensor `{name}`: {e}")))?))
    }
}

/// A PyTorch zip-pickle of plain tensors. Nothing in it is ever executed; a pickle that asks for
/// more than tensors is refused.
pub struct Pickle {
    path: PathBuf,
    tensors: PthTensors,
}

impl Pickle {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let tensors = PthTensors::new(path, None);
        let tensors = tensors.map_err(|e| file_error(path, format!("no readable checkpoint of plain tensors ({e})")))?;
        if tensors.tensor_infos().is_empty() {
            return Err(file_error(path, "it holds no plain tensors (a pickle with code is never run): get the original file"));
        }
        Ok(Self { path: path.to_owned(), tensors })
    }
}

impl Weights for Pickle {
    fn source(&self) -> String {
        self.path.display().to_string()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.tensors.tensor_infos().keys().cloned().collect();
        names.sort();
        names
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors.tensor_infos().get(name).map(|info| info.layout.dims().to_vec())
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let tensor = self.tensors.get(name).map_err(|e| file_error(&self.path, format!("tensor `{name}`: {e}")))?;
        let missing = || ModelError::Missing { name: name.to_owned(), file: self.source() };
        Ok(Stored::Plain(tensor.ok_or_else(missing)?))
    }
}

/// Opens an image tokenizer's weights, by content: a zip is a pickle, all else safetensors.
pub fn open_movq(path: &Path) -> Result<Box<dyn Weights>, ModelError> {
    let mut magic = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.map_err(|e| file_error(path, e))?;
    Ok(match &magic {
        b"PK\x03\x04" => Box::new(Pickle::open(path)?),
        _ => Box::new(Safetensors::open(path)?),
    })
}
