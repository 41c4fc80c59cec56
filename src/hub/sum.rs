//! The sum of a file as the Hub says it: it names the file in the cache and is what its bytes are held to.

use super::error::HubError;
use crate::task::Cancel;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes read at a time.
pub(super) const PIECE: usize = 256 << 10;

/// What a file's bytes must come to, in small hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Sum {
    /// Of a file in large file storage.
    Sha256(String),
    /// Of a small file: git's sum of a blob, over its length and its bytes.
    Git(String),
}

impl Sum {
    /// Reads what stands in an ETag, or in the list of files.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let text = text
            .trim()
            .trim_start_matches("W/")
            .trim_matches('"')
            .to_ascii_lowercase();
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text.len() {
            64 if is_hex => Some(Self::Sha256(text)),
            40 if is_hex => Some(Self::Git(text)),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Sha256(text) | Self::Git(text) => text,
        }
    }
}

/// A sum under way.
pub(super) enum Summing {
    Sha256(Sha256),
    Git(Sha1),
}

impl Summing {
    /// `length`: bytes of the whole file.
    pub(super) fn new(sum: &Sum, length: u64) -> Self {
        match sum {
            Sum::Sha256(_) => Self::Sha256(Sha256::new()),
            Sum::Git(_) => {
                let mut sum = Sha1::new();
                sum.update(format!("blob {length}\0"));
                Self::Git(sum)
            }
        }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(sum) => sum.update(bytes),
            Self::Git(sum) => sum.update(bytes),
        }
    }

    /// Adds all that is left of a file. `told` hears of every piece's bytes.
    ///
    /// # Errors
    /// The file cannot be read, or `is_over` said that nobody wants the sum any more.
    pub(super) fn add_file(
        &mut self,
        mut file: &File,
        is_over: &dyn Fn() -> bool,
        told: &mut dyn FnMut(u64),
    ) -> Result<(), std::io::Error> {
        let mut piece = vec![0; PIECE];
        loop {
            if is_over() {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            match file.read(&mut piece)? {
                0 => return Ok(()),
                read => {
                    self.add(&piece[..read]);
                    told(read as u64);
                }
            }
        }
    }

    pub(super) fn is(self, sum: &Sum) -> bool {
        let digits = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let found = match self {
            Self::Sha256(sum) => digits(&sum.finalize()),
            Self::Git(sum) => digits(&sum.finalize()),
        };
        found == sum.text()
    }
}

/// Whether a file's bytes come to its sum.
///
/// # Errors
/// The file cannot be read, or `cancel` was called.
pub(super) fn is_right(
    path: &Path,
    sum: &Sum,
    cancel: &Cancel,
    told: &mut dyn FnMut(u64),
) -> Result<bool, HubError> {
    let mut read = || {
        let file = File::open(path)?;
        let mut summing = Summing::new(sum, file.metadata()?.len());
        summing.add_file(&file, &|| cancel.is_cancelled(), told)?;
        Ok(summing.is(sum))
    };
    read().map_err(|error| match cancel.is_cancelled() {
        true => HubError::Cancelled,
        false => HubError::disk(path, &error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_git_and_of_sha256() {
        let empty = [
            "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ];
        for text in empty {
            let sum = Sum::from_text(&format!("\"{}\"", text.to_uppercase())).unwrap();
            assert_eq!(sum.text(), text);
            assert!(Summing::new(&sum, 0).is(&sum));
        }
        let sum = Sum::from_text("ce013625030ba8dba906f756967f9e9ca394464a").unwrap();
        let mut summing = Summing::new(&sum, 6);
        summing.add(b"hello\n");
        assert!(summing.is(&sum));
        for none in ["", "abc", "../../etc/passwd", &"g".repeat(40), &"é".repeat(20)] {
            assert_eq!(Sum::from_text(none), None, "{none}");
        }
    }
}
