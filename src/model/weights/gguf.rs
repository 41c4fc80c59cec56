//! The program's own model file: one GGUF with decoder, image tokenizer, tokenizer and settings.

use super::filed::{Filed, Numbers, bytes_of};
use super::files::{file_error, overlap, read_at, stand_in_at};
use super::finite::is_finite;
use super::gguf_writing::{CHECKSUM, digits};
use super::{ModelError, first_line, gguf_header};
use candle_core::DType;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::ops::Range;
use std::path::Path;

/// What a file's checksum says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checksum {
    Right,
    /// It was made by an older version.
    Missing,
}

/// Where the bytes are.
enum Bytes {
    /// In a file, read when they are asked for.
    File(File),
    /// In the program itself.
    Static(&'static [u8]),
}

/// A GGUF on disk, or in the program.
pub struct Gguf {
    source: String,
    bytes: Bytes,
    content: Content,
}

impl Gguf {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        if let Some(why) = stand_in_at(path)? {
            return Err(file_error(path, why));
        }
        let io = |e: std::io::Error| file_error(path, e);
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let reader = BufReader::new(file.try_clone().map_err(io)?);
        Self::new((path.display().to_string(), length), Bytes::File(file), reader)
    }

    pub fn from_static(bytes: &'static [u8]) -> Result<Self, ModelError> {
        let source = "the built-in starter model".to_owned();
        Self::new(
            (source, bytes.len() as u64),
            Bytes::Static(bytes),
            Cursor::new(bytes),
        )
    }

    fn new(
        (source, length): (String, u64),
        bytes: Bytes,
        mut reader: impl Read + Seek,
    ) -> Result<Self, ModelError> {
        let wrong = |reason: String| ModelError::File {
            file: source.clone(),
            reason,
        };
        let unreadable =
            |why: &dyn std::fmt::Display| wrong(format!("no readable GGUF model file ({})", first_line(why)));
        gguf_header::check(&mut reader).map_err(|why| unreadable(&why))?;
        reader.rewind().map_err(|e| unreadable(&e))?;
        let content = Content::read(&mut reader).map_err(|e| unreadable(&e))?;
        let gguf = Self {
            source: source.clone(),
            bytes,
            content,
        };
        let names = Filed::names(&gguf);
        let mut spans = Vec::with_capacity(names.len());
        for name in &names {
            let span = gguf.span(name).filter(|span| span.end <= length);
            let span = span.ok_or_else(|| {
                wrong(format!(
                    "tensor `{name}` is cut short: the file is not whole, make or fetch it again"
                ))
            })?;
            spans.push((name.as_str(), span.start, span.end));
        }
        if let Some((a, b)) = overlap(spans) {
            return Err(wrong(format!(
                "tensors `{a}` and `{b}` share bytes: the file is damaged, make or fetch it again"
            )));
        }
        Ok(gguf)
    }

    /// A text stored beside the tensors.
    pub fn meta(&self, key: &str) -> Option<String> {
        match self.content.metadata.get(key) {
            // Files of older versions keep the texts as they lay in the folder.
            Some(Value::String(text)) => Some(text.trim_start_matches('\u{feff}').to_owned()),
            _ => None,
        }
    }

    fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.content.tensor_infos.get(name)
    }

    /// Where a tensor lies in the file.
    fn span(&self, name: &str) -> Option<Range<u64>> {
        let info = self.info(name)?;
        let bytes = bytes_of(numbers(info.ggml_dtype), info.shape.dims())? as u64;
        let from = self.content.tensor_data_offset.checked_add(info.offset)?;
        Some(from..from.checked_add(bytes)?)
    }

    /// Compares the file with the checksum in it.
    pub(crate) fn checksum(&self) -> Result<Checksum, ModelError> {
        let Some(told) = self.meta(CHECKSUM) else {
            return Ok(Checksum::Missing);
        };
        let io = |e: std::io::Error| ModelError::File {
            file: self.source.clone(),
            reason: e.to_string(),
        };
        let found = match &self.bytes {
            Bytes::File(file) => {
                let mut file = file.try_clone().map_err(io)?;
                file.rewind().map_err(io)?;
                sum_of(file, &told).map_err(io)?
            }
            Bytes::Static(bytes) => sum_of(*bytes, &told).map_err(io)?,
        };
        match found == told {
            true => Ok(Checksum::Right),
            false => Err(ModelError::File {
                file: self.source.clone(),
                reason:
                    "it is damaged, for its bytes are not those that were written: import or fetch it again"
                        .to_owned(),
            }),
        }
    }

    /// Reads the whole file: whether it is what was written, and its weights are numbers.
    pub(crate) fn verify(&self) -> Result<Checksum, ModelError> {
        let checksum = self.checksum()?;
        self.check_numbers()?;
        Ok(checksum)
    }

    /// Refuses weights that are no numbers.
    fn check_numbers(&self) -> Result<(), ModelError> {
        for name in Filed::names(self) {
            let rows = self
                .info(&name)
                .and_then(|info| info.shape.dims().first().copied());
            let bytes = self.bytes_of_rows(&name, 0..rows.unwrap_or(1))?;
            if self
                .info(&name)
                .is_some_and(|info| !is_finite(info.ggml_dtype, &bytes))
            {
                return Err(ModelError::File {
                    file: self.source.clone(),
                    reason: format!(
                        "tensor `{name}` has weights that are no numbers: import or fetch it again"
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Sums a file up, with the checksum in its header put back to zeros.
fn sum_of(mut file: impl Read, told: &str) -> std::io::Result<String> {
    let mut sum = Sha256::new();
    let key = [
        &(CHECKSUM.len() as u64).to_le_bytes()[..],
        CHECKSUM.as_bytes(),
        &8u32.to_le_bytes(),
        &(told.len() as u64).to_le_bytes(),
        told.as_bytes(),
    ]
    .concat();
    let mut piece = Vec::new();
    let mut is_put_back = false;
    loop {
        piece.clear();
        // The header is in the first piece: longer ones are refused.
        (&mut file)
            .take(super::files::LONGEST_HEADER)
            .read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(digits(sum));
        }
        if !is_put_back && let Some(at) = piece.windows(key.len()).position(|bytes| bytes == key) {
            let end = at + key.len();
            piece[end - told.len()..end].fill(b'0');
            is_put_back = true;
        }
        sum.update(&piece);
    }
}

fn numbers(kind: GgmlDType) -> Numbers {
    match kind {
        GgmlDType::F32 => Numbers::Plain(DType::F32),
        GgmlDType::F16 => Numbers::Plain(DType::F16),
        GgmlDType::BF16 => Numbers::Plain(DType::BF16),
        blocks => Numbers::Blocks(blocks),
    }
}

impl Filed for Gguf {
    fn source(&self) -> String {
        self.source.clone()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.content.tensor_infos.keys().cloned().collect();
        names.sort();
        names
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.info(name).map(|info| info.shape.dims().to_vec())
    }

    fn numbers(&self, name: &str) -> Option<Numbers> {
        self.info(name).map(|info| numbers(info.ggml_dtype))
    }

    fn bytes_of_rows(&self, name: &str, rows: Range<usize>) -> Result<Cow<'_, [u8]>, ModelError> {
        let whole = self.info(name).zip(self.span(name));
        let (info, span) = whole.ok_or_else(|| ModelError::Missing {
            name: name.to_owned(),
            file: self.source.clone(),
        })?;
        let count = info.shape.dims().first().copied().unwrap_or(1).max(1);
        let row = (span.end - span.start) / count as u64;
        let (from, bytes) = (span.start + row * rows.start as u64, row as usize * rows.len());
        match &self.bytes {
            Bytes::File(file) => read_at(file, from, bytes)
                .map(Cow::Owned)
                .map_err(|e| ModelError::File {
                    file: self.source.clone(),
                    reason: format!("tensor `{name}`: {e}"),
                }),
            Bytes::Static(all) => {
                let part = all.get(from as usize..from as usize + bytes);
                part.map(Cow::Borrowed).ok_or_else(|| ModelError::Missing {
                    name: name.to_owned(),
                    file: self.source.clone(),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::gguf_writing::{Planned, Summed, header};
    use crate::model::weights::{Stored, Weights};
    use std::io::Write;

    /// Two tensors of four numbers, sealed.
    fn whole(values: [f32; 8]) -> Vec<u8> {
        let tensor = |name: &str| Planned {
            name: name.to_owned(),
            shape: vec![2, 2],
            dtype: GgmlDType::F32,
        };
        let listed = [tensor("a"), tensor("b")];
        let header = header(&[("lumina.config", "\u{feff}{}".to_owned())], &listed);
        let mut out = Cursor::new(Vec::new());
        let mut file = Summed::new(&mut out);
        file.write_all(&header.bytes).unwrap();
        for (tensor, values) in listed.iter().zip(values.chunks(4)) {
            file.write_all(bytemuck::cast_slice(values)).unwrap();
            file.write_all(&tensor.padding()).unwrap();
        }
        file.seal(&header).unwrap();
        out.into_inner()
    }

    fn opened(bytes: &[u8]) -> Result<Gguf, ModelError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Gguf::open(file.path())
    }

    const VALUES: [f32; 8] = [0., 1., 2., 3., 4., 5., 6., 7.];

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is() {
        let whole = whole(VALUES);
        let model = opened(&whole).unwrap();
        assert_eq!(model.verify().unwrap(), Checksum::Right);
        assert_eq!(model.meta("lumina.config").as_deref(), Some("{}"));
        let rows = model.stored_rows("b", &[2, 2], 1..2).unwrap();
        assert!(matches!(rows, Stored::Plain(rows) if rows.to_vec2::<f32>().unwrap() == [[6., 7.]]));
        let key = whole
            .windows(13)
            .position(|at| at == CHECKSUM.as_bytes())
            .unwrap();
        let config = whole.windows(2).position(|at| at == b"{}").unwrap();
        for at in [config, key + 13 + 12 + 5, whole.len() - 1, whole.len() - 64] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let why = opened(&changed).unwrap().checksum().unwrap_err().to_string();
            assert!(why.contains("is damaged"), "{at}: {why}");
        }
        // A file of an older version.
        let mut older = whole.clone();
        older[key] = b'x';
        assert_eq!(opened(&older).unwrap().verify().unwrap(), Checksum::Missing);
        let spoilt = VALUES.map(|value| if value == 5.0 { f32::NAN } else { value });
        let why = opened(&self::whole(spoilt))
            .unwrap()
            .verify()
            .unwrap_err()
            .to_string();
        assert!(
            why.contains("tensor `b` has weights that are no numbers"),
            "{why}"
        );
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&whole(VALUES)).unwrap();
        let model = Gguf::open(file.path()).unwrap();
        file.as_file().set_len(100).unwrap();
        let why = model.stored("a").err().unwrap().to_string();
        assert!(why.contains("became shorter"), "{why}");
        assert!(model.checksum().is_err());
    }

    /// The starter with an alignment of 0 in its header: candle's reader divides by it.
    #[test]
    fn an_alignment_of_nothing_is_refused() {
        let mut starter = include_bytes!("../../../assets/starter.gguf").to_vec();
        let key = b"general.alignment";
        let mut entry = (key.len() as u64).to_le_bytes().to_vec();
        entry.extend(key);
        entry.extend(4u32.to_le_bytes());
        entry.extend(0u32.to_le_bytes());
        starter[16] += 1;
        starter.splice(24..24, entry);
        let why = opened(&starter).err().unwrap().to_string();
        assert!(
            why.contains("no readable GGUF") && why.contains("multiples of 0"),
            "{why}"
        );
    }

    #[test]
    fn tensors_that_share_bytes_are_refused() {
        let mut bytes = whole(VALUES);
        // The place of the second tensor, behind its name and shape.
        let at = bytes
            .windows(9)
            .position(|at| at == b"\x01\0\0\0\0\0\0\0b")
            .unwrap()
            + 9
            + 4
            + 16
            + 4;
        bytes[at] = 0;
        let why = opened(&bytes).err().unwrap().to_string();
        assert!(why.contains("`a` and `b` share bytes"), "{why}");
    }
}
