//! The header of a GGUF, walked through before anything is made of it.
//!
//! What reads the header divides by the alignment it names and makes a value of every entry of a list:
//! a few bytes could end the program, or fill its memory.

use std::io::{self, Read};

/// Bytes of a header; published tokenizers take some ten million.
const LONGEST: u64 = super::files::LONGEST_HEADER;
/// Entries of all lists together, 32 bytes each.
const MOST_VALUES: u64 = 4_000_000;
const MOST_TENSORS: u64 = 1_000_000;
/// Lists in lists.
const DEEPEST: u32 = 4;
const ALIGNMENT: &[u8] = b"general.alignment";

/// Why a header is not read.
type Result<T> = std::result::Result<T, String>;

struct Walk<R> {
    reader: R,
    left: u64,
    values: u64,
}

/// Walks to the end of the header.
pub(crate) fn check(reader: impl Read) -> Result<()> {
    let mut walk = Walk {
        reader,
        left: LONGEST,
        values: MOST_VALUES,
    };
    if walk.bytes(4)? != b"GGUF" {
        return Err("it does not begin as one".to_owned());
    }
    let version = walk.number(4)?;
    if !matches!(version, 2 | 3) {
        return Err(format!("its version is {version}, 2 and 3 are read here"));
    }
    let (tensors, entries) = (walk.number(8)?, walk.number(8)?);
    for _ in 0..entries {
        let length = walk.number(8)?;
        let key = walk.bytes(length)?;
        let kind = walk.number(4)?;
        match (key == ALIGNMENT, kind) {
            (true, 4 | 5 | 10 | 11) => {
                let alignment = walk.number(if kind < 10 { 4 } else { 8 })?;
                if !alignment.is_power_of_two() || alignment > 1 << 16 {
                    return Err(format!("tensors cannot begin at multiples of {alignment}"));
                }
            }
            (true, _) => return Err("its alignment is no number".to_owned()),
            (false, _) => walk.value(kind, 0)?,
        }
    }
    if tensors > MOST_TENSORS {
        return Err(format!("it has {tensors} tensors"));
    }
    for _ in 0..tensors {
        let length = walk.number(8)?;
        walk.skip(length)?;
        let axes = walk.number(4)?;
        // Sides, kind, place.
        walk.skip(axes.saturating_mul(8).saturating_add(12))?;
    }
    Ok(())
}

/// Longest text that is looked up, in bytes.
const LONGEST_LOOKED_UP: u64 = 1000;

/// A short text of a header, read no further than it stands.
pub(crate) fn text_of(reader: impl Read, wanted: &str) -> Option<String> {
    let mut walk = Walk {
        reader,
        left: LONGEST,
        values: MOST_VALUES,
    };
    let begins = walk.bytes(4).is_ok_and(|begin| begin == b"GGUF");
    if !begins || !matches!(walk.number(4), Ok(2 | 3)) {
        return None;
    }
    let (_, entries) = (walk.number(8).ok()?, walk.number(8).ok()?);
    for _ in 0..entries {
        let length = walk.number(8).ok()?;
        let key = walk.bytes(length).ok()?;
        let kind = walk.number(4).ok()?;
        if key != wanted.as_bytes() {
            walk.value(kind, 0).ok()?;
            continue;
        }
        let length = walk
            .number(8)
            .ok()
            .filter(|length| kind == 8 && *length <= LONGEST_LOOKED_UP)?;
        return String::from_utf8(walk.bytes(length).ok()?).ok();
    }
    None
}

fn cut_short(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut short".to_owned(),
        _ => e.to_string(),
    }
}

impl<R: Read> Walk<R> {
    fn spend(&mut self, count: u64) -> Result<()> {
        let left = self.left.checked_sub(count);
        self.left = left.ok_or_else(|| format!("its header is longer than {} MB", LONGEST >> 20))?;
        Ok(())
    }

    fn bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        self.spend(count)?;
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(count).read_to_end(&mut bytes);
        read.map_err(|e| cut_short(&e))?;
        match bytes.len() as u64 == count {
            true => Ok(bytes),
            false => Err("it is cut short".to_owned()),
        }
    }

    /// A little-endian number of at most eight bytes.
    fn number(&mut self, bytes: u64) -> Result<u64> {
        let bytes = self.bytes(bytes)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn skip(&mut self, count: u64) -> Result<()> {
        self.spend(count)?;
        let skipped = io::copy(&mut (&mut self.reader).take(count), &mut io::sink());
        match skipped.map_err(|e| cut_short(&e))? == count {
            true => Ok(()),
            false => Err("it is cut short".to_owned()),
        }
    }

    fn value(&mut self, kind: u64, depth: u32) -> Result<()> {
        match kind {
            0 | 1 | 7 => self.skip(1),
            2 | 3 => self.skip(2),
            4..=6 => self.skip(4),
            10..=12 => self.skip(8),
            8 => {
                let length = self.number(8)?;
                self.skip(length)
            }
            9 if depth < DEEPEST => {
                let (kind, count) = (self.number(4)?, self.number(8)?);
                let left = self.values.checked_sub(count);
                self.values = left.ok_or("its lists are too long")?;
                for _ in 0..count {
                    self.value(kind, depth + 1)?;
                }
                Ok(())
            }
            9 => Err("its lists lie too deep within each other".to_owned()),
            other => Err(format!("it has a value of an unknown kind ({other})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(entries: &[(&[u8], u32, &[u8])]) -> Vec<u8> {
        let mut out = b"GGUF\x03\0\0\0".to_vec();
        out.extend(0u64.to_le_bytes());
        out.extend((entries.len() as u64).to_le_bytes());
        for (key, kind, value) in entries {
            out.extend((key.len() as u64).to_le_bytes());
            out.extend(*key);
            out.extend(kind.to_le_bytes());
            out.extend(*value);
        }
        out
    }

    fn refused(entries: &[(&[u8], u32, &[u8])], words: &str) {
        let why = check(header(entries).as_slice()).unwrap_err();
        assert!(why.contains(words), "{why}");
    }

    #[test]
    fn an_alignment_is_a_power_of_two() {
        assert_eq!(
            check(header(&[(ALIGNMENT, 4, &32u32.to_le_bytes())]).as_slice()),
            Ok(())
        );
        assert_eq!(
            check(header(&[(ALIGNMENT, 10, &64u64.to_le_bytes())]).as_slice()),
            Ok(())
        );
        for wrong in [0u32, 3, 1 << 20] {
            refused(&[(ALIGNMENT, 4, &wrong.to_le_bytes())], "multiples of");
        }
        refused(&[(ALIGNMENT, 8, &[0; 8])], "no number");
    }

    #[test]
    fn a_text_is_looked_up() {
        let text = |value: &str| [&(value.len() as u64).to_le_bytes()[..], value.as_bytes()].concat();
        let (name, kind) = (text("a model"), text("qwen3"));
        let bytes = header(&[
            (b"general.name", 8, &name),
            (b"general.architecture", 8, &kind),
            (b"x", 99, &[]),
        ]);
        let of = |bytes: &[u8], key: &str| text_of(bytes, key);
        assert_eq!(of(&bytes, "general.architecture").as_deref(), Some("qwen3"));
        assert_eq!(of(&bytes, "missing"), None);
        assert_eq!(of(&bytes[..bytes.len() - 20], "general.architecture"), None);
        assert_eq!(of(&header(&[(b"a", 4, &[0; 4])]), "a"), None, "that is no text");
        assert_eq!(of(b"GGML", "a"), None);
    }

    #[test]
    fn lists_have_bounds() {
        let list = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
        let bytes = [list(0, 3), vec![1, 2, 3]].concat();
        assert_eq!(check(header(&[(b"a", 9, &bytes)]).as_slice()), Ok(()));
        refused(&[(b"a", 9, &list(0, MOST_VALUES + 1))], "too long");
        refused(&[(b"a", 9, &list(0, 9))], "cut short");
        let deep: Vec<u8> = (0..9).flat_map(|_| list(9, 1)).collect();
        refused(&[(b"a", 9, &deep)], "too deep");
        refused(&[(b"a", 8, &u64::MAX.to_le_bytes())], "longer than");
        refused(&[(b"a", 99, &[])], "unknown kind");
    }
}
