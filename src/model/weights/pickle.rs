//! Pickled `.ckpt` files: read, never run.

use super::files::{LONGEST_HEADER, file_error};
use super::{ModelError, Stored, Weights, first_line, kind_of, pickle_limits};
use candle_core::pickle::{Object, PthTensors, Stack};
use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Objects of a checkpoint of tensors lie about six deep within each other.
const DEEPEST: u32 = 100;
/// Objects a checkpoint may consist of.
const MOST_OBJECTS: u64 = 20_000_000;
/// A PyTorch zip-pickle of plain tensors. Nothing in it is ever executed; a pickle that names
/// anything but tensors, their storages and dictionaries is refused.
pub struct Pickle {
    path: PathBuf,
    tensors: PthTensors,
}

impl Pickle {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        refuse_code(path)?;
        let tensors = PthTensors::new(path, None);
        let tensors = tensors.map_err(|e| {
            file_error(
                path,
                format!(
                    "no readable checkpoint of plain tensors ({}): get the original file",
                    first_line(&e)
                ),
            )
        })?;
        if tensors.tensor_infos().is_empty() {
            return Err(file_error(
                path,
                "it holds no plain tensors (a pickle with code is never run): get the original file",
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            tensors,
        })
    }
}

/// Whether a name in a pickle belongs to plain tensors.
fn is_plain(module: &str, name: &str) -> bool {
    match module {
        "collections" => name == "OrderedDict",
        "torch._utils" => matches!(name, "_rebuild_tensor_v2" | "_rebuild_parameter"),
        "torch" => name.ends_with("Storage") || matches!(name, "Size" | "device"),
        "torch.storage" => matches!(name, "UntypedStorage" | "TypedStorage"),
        _ => false,
    }
}

/// The first name in a pickled object that is not of plain tensors.
fn foreign(object: &Object) -> Option<String> {
    let both = |a: &Object, b: &Object| foreign(a).or_else(|| foreign(b));
    match object {
        Object::Class {
            module_name,
            class_name,
        } if !is_plain(module_name, class_name) => Some(format!("{module_name}.{class_name}")),
        Object::Tuple(items) | Object::List(items) => items.iter().find_map(foreign),
        Object::Dict(pairs) => pairs.iter().find_map(|(key, value)| both(key, value)),
        Object::Reduce { callable, args } | Object::Build { callable, args } => both(callable, args),
        Object::PersistentLoad(inner) => foreign(inner),
        _ => None,
    }
}

/// Reads the pickle's objects, runs none of them, and refuses those that would run code.
fn refuse_code(path: &Path) -> Result<(), ModelError> {
    let unreadable = |reason: &dyn std::fmt::Display| {
        file_error(
            path,
            format!(
                "no readable checkpoint of plain tensors ({}): get the original file",
                first_line(reason)
            ),
        )
    };
    let file = File::open(path).map_err(|e| file_error(path, e))?;
    let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| unreadable(&e))?;
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(|e| unreadable(&e))?;
        if !entry.name().is_ok_and(|name| name.ends_with("data.pkl")) {
            continue;
        }
        let mut pickle = Vec::new();
        let mut entry = entry.take(LONGEST_HEADER);
        entry.read_to_end(&mut pickle).map_err(|e| unreadable(&e))?;
        let extent = pickle_limits::extent(&pickle);
        if extent.depth > DEEPEST || extent.count > MOST_OBJECTS {
            return Err(unreadable(&"its objects lie too deep within each other"));
        }
        let mut stack = Stack::empty();
        stack.read_loop(&mut &pickle[..]).map_err(|e| unreadable(&e))?;
        if let Some(name) = stack.stack().iter().find_map(foreign) {
            let reason =
                format!("its pickle asks to run `{name}`, which is never done: get the original file");
            return Err(file_error(path, reason));
        }
    }
    Ok(())
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
        self.tensors
            .tensor_infos()
            .get(name)
            .map(|info| info.layout.dims().to_vec())
    }

    fn kind(&self, name: &str) -> Option<GgmlDType> {
        let info = self.tensors.tensor_infos().get(name)?;
        Some(kind_of(info.dtype))
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let missing = || ModelError::Missing {
            name: name.to_owned(),
            file: self.source(),
        };
        let info = self.tensors.tensor_infos().get(name).ok_or_else(missing)?;
        let wrong = |e: &dyn std::fmt::Display| file_error(&self.path, format!("tensor `{name}`: {e}"));
        if info.layout.is_contiguous() {
            let tensor = self.tensors.get(name).map_err(|e| wrong(&e))?;
            return Ok(Stored::Plain(tensor.ok_or_else(missing)?));
        }
        // Channels-last and transposed tensors: the storage is read whole and put in order.
        let file = File::open(&self.path).map_err(|e| wrong(&e))?;
        let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| wrong(&e))?;
        let mut bytes = Vec::new();
        zip.by_name(&info.path)
            .map_err(|e| wrong(&e))?
            .read_to_end(&mut bytes)
            .map_err(|e| wrong(&e))?;
        let count = bytes.len() / info.dtype.size_in_bytes();
        bytes.truncate(count * info.dtype.size_in_bytes());
        let storage = Tensor::from_raw_buffer(&bytes, info.dtype, &[count], &Device::Cpu)?;
        let storage: Vec<f32> = storage.to_dtype(DType::F32)?.to_vec1()?;
        let mut at = vec![info.layout.start_offset()];
        for (side, stride) in info.layout.dims().iter().zip(info.layout.stride()) {
            at = at
                .iter()
                .flat_map(|from| (0..*side).map(move |index| from + index * stride))
                .collect();
        }
        let values: Option<Vec<f32>> = at.into_iter().map(|at| storage.get(at).copied()).collect();
        let values = values.ok_or_else(|| wrong(&"it is cut short"))?;
        Ok(Stored::Plain(Tensor::from_vec(
            values,
            info.layout.dims(),
            &Device::Cpu,
        )?))
    }
}
