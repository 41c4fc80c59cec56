//! Safetensors: one file, or shards that an index names.

use super::filed::{Filed, Numbers, bytes_of};
use super::files::{LONGEST_HEADER, file_error, overlap, read_at, stand_in_at, text_of};
use super::{ModelError, Stored, Weights};
use candle_core::{DType, Tensor};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Axes of a tensor.
const MOST_AXES: usize = 8;

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
        bytes_of(Numbers::Plain(self.dtype()?), &self.shape)
    }
}

/// A header's tensors. Read as what they are, entry by entry: as free JSON a header would take many
/// times its length.
struct Header(Vec<(String, Described)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("tensors by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut all = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let described = map.next_value().map_err(|e| {
                        serde::de::Error::custom(format!("tensor `{name}` is described wrongly: {e}"))
                    })?;
                    all.push((name, described));
                }
                Ok(Header(all))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// One safetensors file.
struct Shard {
    path: PathBuf,
    file: File,
    /// Where the tensors' bytes begin.
    start: u64,
}

/// Safetensors, one file or the shards an index names.
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
        if let Some(why) = stand_in_at(&path)? {
            return Err(wrong(why.to_owned()));
        }
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
        let header = BufReader::new((&file).take(header_len));
        let Header(tensors) = serde_json::from_reader(header)
            .map_err(|e| wrong(format!("no safetensors file (its header cannot be read: {e})")))?;
        let start = 8 + header_len;
        for (name, described) in &tensors {
            let (from, upto) = described.data_offsets;
            let held = upto.checked_sub(from);
            let is_shaped = described.shape.len() <= MOST_AXES;
            if !is_shaped || (described.dtype().is_some() && described.wanted() != held) {
                let shape: Vec<usize> = described.shape.iter().take(MOST_AXES).copied().collect();
                return Err(wrong(format!(
                    "tensor `{name}`: its shape {shape:?} and its length do not agree"
                )));
            }
            if held.is_none() || start.checked_add(upto as u64).is_none_or(|end| end > length) {
                return Err(wrong(format!(
                    "tensor `{name}` is cut short: the file is not whole, fetch it again"
                )));
            }
        }
        let span = |(name, described): &'_ (String, Described)| {
            let (from, upto) = described.data_offsets;
            (name.clone(), from as u64, upto as u64)
        };
        let spans: Vec<_> = tensors.iter().map(span).collect();
        let spans = spans
            .iter()
            .map(|(name, from, upto)| (name.as_str(), *from, *upto));
        if let Some((a, b)) = overlap(spans.collect()) {
            return Err(wrong(format!(
                "tensors `{a}` and `{b}` share bytes: the file is damaged, fetch it again"
            )));
        }
        for (name, described) in tensors {
            self.tensors.insert(name, (self.shards.len(), described));
        }
        self.shards.push(Shard { path, file, start });
        Ok(())
    }

    fn described(&self, name: &str) -> Result<(&Shard, &Described, DType), ModelError> {
        let missing = || ModelError::Missing {
            name: name.to_owned(),
            file: Filed::source(self),
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

    fn load(&self, name: &str) -> Result<Tensor, ModelError> {
        match self.stored(name)? {
            Stored::Plain(tensor) => Ok(tensor),
            Stored::Quantized(_) => Err(file_error(&self.path, format!("tensor `{name}` is no plain one"))),
        }
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

fn shards(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let whole = folder.join("model.safetensors");
    if whole.is_file() {
        return Ok(vec![whole]);
    }
    let index = folder.join("model.safetensors.index.json");
    if !index.is_file() {
        let others = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
        let has_others = others.iter().any(|name| folder.join(name).is_file());
        return Err(file_error(
            folder,
            match has_others {
                true => {
                    "its weights are pickled (pytorch_model.bin), safetensors are read here: fetch model.safetensors, or convert them"
                }
                false => "neither model.safetensors nor model.safetensors.index.json is in this folder",
            },
        ));
    }
    let text = text_of(&index)?;
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

impl Filed for Safetensors {
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

    fn numbers(&self, name: &str) -> Option<Numbers> {
        self.tensors.get(name)?.1.dtype().map(Numbers::Plain)
    }

    fn bytes_of_rows(&self, name: &str, rows: Range<usize>) -> Result<Cow<'_, [u8]>, ModelError> {
        let (shard, described, dtype) = self.described(name)?;
        let row = described.shape.iter().skip(1).product::<usize>() * dtype.size_in_bytes();
        let at = shard.start + (described.data_offsets.0 + row * rows.start) as u64;
        read_at(&shard.file, at, row * rows.len())
            .map(Cow::Owned)
            .map_err(|e| file_error(&shard.path, format!("tensor `{name}`: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(header: &str, bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new()
            .suffix(".safetensors")
            .tempfile()
            .unwrap();
        file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
        file.write_all(header.as_bytes()).unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    const TWO: &str = r#"{"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
        "b": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]}}"#;

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let file = file(TWO, &[0; 16]);
        let weights = Safetensors::open(file.path()).unwrap();
        assert_eq!(weights.ids("b").unwrap(), [0]);
        assert_eq!(
            weights.rows("a", 1..2).unwrap().to_vec2::<f32>().unwrap(),
            [[0.0]]
        );
        file.as_file().set_len(40).unwrap();
        for name in ["a", "b"] {
            let why = weights.stored(name).err().unwrap().to_string();
            assert!(why.contains(name) && why.contains("became shorter"), "{why}");
        }
    }

    #[test]
    fn headers_that_ask_for_too_much_are_refused() {
        let refused = |header: &str, words: &str| {
            let why = Safetensors::open(file(header, &[0; 16]).path())
                .err()
                .unwrap()
                .to_string();
            assert!(why.contains(words), "{why}");
        };
        refused(
            r#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 4]}}"#,
            "do not agree",
        );
        refused(
            r#"{"a": {"dtype": "F32", "shape": [4, 2], "data_offsets": [0, 32]}}"#,
            "cut short",
        );
        let axes = ["1"; 9].join(", ");
        refused(
            &format!(r#"{{"a": {{"dtype": "F32", "shape": [{axes}], "data_offsets": [0, 4]}}}}"#),
            "do not agree",
        );
        refused(
            r#"{"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0]}}"#,
            "do not agree",
        );
        refused(
            r#"{"a": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}, "b": {"dtype": "U8", "shape": [8], "data_offsets": [4, 12]}}"#,
            "share bytes",
        );
        refused(r#"{"a": {"dtype": "F32"}}"#, "tensor `a` is described wrongly");
        refused(r#"[1, 2]"#, "no safetensors file");
    }

    #[test]
    fn what_is_no_file_of_weights_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, bytes: &[u8], words: &str| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            let why = Safetensors::open(folder.path()).err().unwrap().to_string();
            assert!(why.contains(words), "{why}");
        };
        refused("pytorch_model.bin", b"PK", "fetch model.safetensors");
        refused("model.safetensors", b"<!DOCTYPE html><html>", "web page");
        refused(
            "model.safetensors",
            b"version https://git-lfs.github.com/spec/v1\n",
            "git lfs pull",
        );
    }
}
