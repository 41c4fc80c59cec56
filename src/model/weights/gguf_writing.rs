//! Writing the program's own model file: its header, and the checksum in it.

use candle_core::quantized::GgmlDType;
use sha2::{Digest, Sha256};
use std::io::{Seek, SeekFrom, Write};

/// Version written; readers of 2 and 3 take it.
const VERSION: u32 = 3;
/// Tensors start at multiples of this.
const ALIGNMENT: u64 = 32;
/// Where the file's checksum stands: SHA-256 in hexadecimal digits of the whole file, taken with
/// [`UNSUMMED`] in its place. The starter in the program has none, for it is part of the program; nor
/// have files of older versions.
pub(super) const CHECKSUM: &str = "lumina.sha256";
const UNSUMMED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

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

/// Everything before the tensors' bytes.
pub(crate) struct Header {
    pub(crate) bytes: Vec<u8>,
    /// Where the checksum is to be written.
    checksum_at: u64,
}

/// Texts, the room for the checksum, then the list of tensors, padded.
pub(crate) fn header(texts: &[(&str, String)], tensors: &[Planned]) -> Header {
    let mut out = Vec::new();
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    };
    let entry = |out: &mut Vec<u8>, key: &str, value: &str| {
        text(out, key);
        out.extend(8u32.to_le_bytes());
        text(out, value);
    };
    out.extend(b"GGUF");
    out.extend(VERSION.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((1 + texts.len() as u64).to_le_bytes());
    for (key, value) in texts {
        entry(&mut out, key, value);
    }
    entry(&mut out, CHECKSUM, UNSUMMED);
    let checksum_at = (out.len() - UNSUMMED.len()) as u64;
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
    Header {
        bytes: out,
        checksum_at,
    }
}

pub(super) fn digits(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes and sums at once.
pub(crate) struct Summed<W> {
    writer: W,
    sum: Sha256,
}

impl<W: Write + Seek> Summed<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self {
            writer,
            sum: Sha256::new(),
        }
    }

    /// Writes the checksum of everything that was written to its place.
    pub(crate) fn seal(mut self, header: &Header) -> std::io::Result<()> {
        self.writer.seek(SeekFrom::Start(header.checksum_at))?;
        self.writer.write_all(digits(self.sum).as_bytes())?;
        self.writer.flush()
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.writer.write(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}
