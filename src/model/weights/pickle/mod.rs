//! Pickled `.ckpt` files: read, never run.
//!
//! Both layouts of PyTorch: a zip with the pickle and one file a storage, and (before version 1.6)
//! pickles one behind the other with the storages after them.

mod machine;
#[cfg(test)]
mod machine_tests;
mod tensors;
#[cfg(test)]
mod tests;

use super::filed::{Filed, Numbers};
use super::files::{file_error, read_at};
use super::{ModelError, first_line};
use machine::{Object, Trouble};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use tensors::{Described, Element};

/// Longest pickle, in bytes; those of published checkpoints have some hundred thousand.
const LONGEST: u64 = 32 << 20;
/// How a file of the layout before version 1.6 begins: a pickled number.
pub(super) const OLD_MAGIC: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";

/// Where the bytes of a storage lie in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    from: u64,
    bytes: u64,
}

/// A checkpoint of plain tensors. Nothing in it is ever executed; a pickle that names anything but
/// tensors, their storages and dictionaries is refused.
pub(super) struct Pickle {
    path: PathBuf,
    file: File,
    tensors: HashMap<String, Described>,
    places: HashMap<String, Place>,
}

impl Pickle {
    pub(super) fn open(path: &Path) -> Result<Self, ModelError> {
        let unreadable = |reason: &dyn std::fmt::Display| {
            file_error(
                path,
                format!(
                    "no readable checkpoint of plain tensors ({}): get the original file",
                    first_line(reason)
                ),
            )
        };
        let mut file = File::open(path).map_err(|e| file_error(path, e))?;
        let mut start = vec![0; OLD_MAGIC.len()];
        let is_old = file.read_exact(&mut start).is_ok() && start == OLD_MAGIC;
        let read = match is_old {
            true => old(&file),
            false => zipped(&file),
        };
        let (tensors, places) = read.map_err(|trouble| match trouble {
            Trouble::Broken(why) => unreadable(&why),
            Trouble::Foreign(name) => file_error(
                path,
                format!("its pickle asks to run `{name}`, which is never done: get the original file"),
            ),
        })?;
        let opened = Self {
            path: path.to_owned(),
            file,
            tensors,
            places,
        };
        opened.check()?;
        Ok(opened)
    }

    /// Refuses tensors that lie outside of their storage, or have more elements than it.
    fn check(&self) -> Result<(), ModelError> {
        if self.tensors.is_empty() {
            return Err(file_error(
                &self.path,
                "it holds no plain tensors (a pickle with code is never run): get the original file",
            ));
        }
        for (name, described) in &self.tensors {
            let held = self
                .places
                .get(&described.storage)
                .map_or(0, |place| place.bytes / described.element.bytes as u64);
            let fits = described.extent().is_some_and(|(count, reach)| {
                let end = described.offset.checked_add(reach);
                end.is_some_and(|end| end as u64 <= held) && count as u64 <= held
            });
            if !fits {
                return Err(file_error(
                    &self.path,
                    format!(
                        "tensor `{name}` of shape {:?} has more elements than its storage: get the original file",
                        described.shape
                    ),
                ));
            }
        }
        Ok(())
    }

    fn described(&self, name: &str) -> Option<&Described> {
        let described = self.tensors.get(name)?;
        described.element.dtype.is_some().then_some(described)
    }

    /// Elements of a tensor's storage, as bytes; counted from its own first one.
    fn storage(
        &self,
        name: &str,
        described: &Described,
        elements: Range<usize>,
    ) -> Result<Vec<u8>, ModelError> {
        let size = described.element.bytes;
        let place = self.places.get(&described.storage);
        let from = place.map_or(0, |place| place.from);
        let at = from + ((described.offset + elements.start) * size) as u64;
        read_at(&self.file, at, elements.len() * size)
            .map_err(|e| file_error(&self.path, format!("tensor `{name}`: {e}")))
    }

    /// Rows of a tensor that is stored in another order: channels last, or transposed.
    fn gathered(&self, name: &str, described: &Described, rows: Range<usize>) -> Result<Vec<u8>, ModelError> {
        let size = described.element.bytes;
        let (_, reach) = described.extent().unwrap_or_default();
        let stored = self.storage(name, described, 0..reach)?;
        let (shape, stride) = (&described.shape, &described.stride);
        let mut at = vec![0; shape.len()];
        if let Some(first) = at.first_mut() {
            *first = rows.start;
        }
        let count = rows.len() * shape.iter().skip(1).product::<usize>();
        let mut bytes = Vec::with_capacity(count * size);
        for _ in 0..count {
            let from = at
                .iter()
                .zip(stride)
                .map(|(at, stride)| at * stride)
                .sum::<usize>()
                * size;
            bytes.extend_from_slice(&stored[from..from + size]);
            for (at, side) in at.iter_mut().zip(shape).rev() {
                *at += 1;
                if *at < *side {
                    break;
                }
                *at = 0;
            }
        }
        Ok(bytes)
    }
}

/// Tensors by their names, and storages by their keys.
type Contents = (HashMap<String, Described>, HashMap<String, Place>);

fn broken(why: impl std::fmt::Display) -> Trouble {
    Trouble::Broken(first_line(&why))
}

fn zipped(file: &File) -> Result<Contents, Trouble> {
    let reader = file.try_clone().map_err(broken)?;
    let mut zip = zip::ZipArchive::new(BufReader::new(reader)).map_err(broken)?;
    let mut pickle = None;
    let mut places = HashMap::new();
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        let place = Place {
            from: entry.data_start().unwrap_or(u64::MAX),
            bytes: entry.size(),
        };
        if entry.compression() != zip::CompressionMethod::Stored || entry.size() != entry.compressed_size() {
            return Err(broken("it is compressed, which PyTorch never does"));
        }
        // `archive/data.pkl`, `archive/data/0`, `archive/byteorder`
        match name.split_once('/').map_or(name.as_str(), |(_, name)| name) {
            "data.pkl" => pickle = Some(place),
            "byteorder" => {
                let order = read_at(file, place.from, place.bytes.min(16) as usize).map_err(broken)?;
                if order.starts_with(b"big") {
                    return Err(broken("its numbers begin with their highest byte"));
                }
            }
            name => {
                if let Some(key) = name.strip_prefix("data/") {
                    places.insert(key.to_owned(), place);
                }
            }
        }
    }
    let place = pickle.ok_or_else(|| broken("it holds no data.pkl"))?;
    if place.bytes > LONGEST {
        return Err(broken("its pickle is too long"));
    }
    let bytes = read_at(file, place.from, place.bytes as usize).map_err(broken)?;
    let (objects, _) = machine::read(&bytes)?;
    Ok((tensors::tensors(&objects).map_err(broken)?, places))
}

/// A number, a version, facts about the machine, the tensors, the storages' keys; then every storage:
/// how many elements it has, and they.
fn old(file: &File) -> Result<Contents, Trouble> {
    let length = file.metadata().map_err(broken)?.len();
    let head = read_at(file, 0, length.min(LONGEST) as usize).map_err(broken)?;
    let mut at = 0;
    let mut next = || {
        let (objects, used) = machine::read(head.get(at..).unwrap_or_default())?;
        at += used;
        Ok::<_, Trouble>(objects)
    };
    for _ in 0..3 {
        next()?;
    }
    let held = next()?;
    let keys = next()?;
    let Object::List(keys_list) = keys.get(keys.root) else {
        return Err(broken("it does not say which storages it holds"));
    };
    let kinds = tensors::storages(&held);
    let mut places = HashMap::new();
    let mut from = at as u64;
    for key in keys_list {
        let Object::Text(key) = keys.get(*key) else {
            return Err(broken("a storage of it has no name"));
        };
        let Some(Element { bytes, .. }) = kinds.get(key) else {
            return Err(broken("a storage of it is of an unknown kind"));
        };
        let count = read_at(file, from, 8).map_err(broken)?;
        let count = u64::from_le_bytes(count.try_into().unwrap_or_default());
        let bytes = count.checked_mul(*bytes as u64);
        let end = bytes.and_then(|bytes| (from + 8).checked_add(bytes));
        let (Some(bytes), Some(end)) = (bytes, end.filter(|end| *end <= length)) else {
            return Err(broken("it is cut short"));
        };
        places.insert(
            key.clone(),
            Place {
                from: from + 8,
                bytes,
            },
        );
        from = end;
    }
    Ok((tensors::tensors(&held).map_err(broken)?, places))
}

impl Filed for Pickle {
    fn source(&self) -> String {
        self.path.display().to_string()
    }

    fn names(&self) -> Vec<String> {
        let read = self.tensors.keys().filter(|name| self.described(name).is_some());
        let mut names: Vec<String> = read.cloned().collect();
        names.sort();
        names
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.described(name).map(|described| described.shape.clone())
    }

    fn numbers(&self, name: &str) -> Option<Numbers> {
        self.described(name)?.element.dtype.map(Numbers::Plain)
    }

    fn bytes_of_rows(&self, name: &str, rows: Range<usize>) -> Result<Cow<'_, [u8]>, ModelError> {
        let described = self.described(name).ok_or_else(|| ModelError::Missing {
            name: name.to_owned(),
            file: Filed::source(self),
        })?;
        let row: usize = described.shape.iter().skip(1).product();
        let bytes = match described.is_contiguous() {
            true => self.storage(name, described, row * rows.start..row * rows.end)?,
            false => self.gathered(name, described, rows)?,
        };
        Ok(Cow::Owned(bytes))
    }
}
