//! What all files of a checkpoint have in common: how they are read, and what is no such file at all.
//!
//! Files are read, never mapped. A mapped file that another program cuts short ends this one with a
//! signal at the first page that is gone. What is kept was copied out of the map anyway, so reading
//! takes no memory more: a tensor is held once, and pages of the file are the system's own.

use super::{ModelError, first_line};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longest header or pickle accepted, in bytes.
pub(super) const LONGEST_HEADER: u64 = 100 << 20;
/// Longest text beside the weights. Tokenizers of the published models have a third of it.
const LONGEST_TEXT: u64 = 32 << 20;

/// Why a file cannot be used.
pub(super) fn file_error(path: &Path, reason: impl std::fmt::Display) -> ModelError {
    ModelError::File {
        file: path.display().to_string(),
        reason: first_line(&reason),
    }
}

/// What a file is that was saved in the place of another one, by its first bytes.
pub(super) fn stand_in(start: &[u8]) -> Option<&'static str> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let begins = |word: &[u8]| {
        let found = text.trim_ascii_start().get(..word.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    if begins(b"version https://git-lfs") {
        return Some(
            "it is a pointer of Git LFS, not the file itself: run `git lfs pull` in its folder, or download the file",
        );
    }
    let is_page = [&b"<!doctype"[..], b"<html", b"<head", b"<?xml"]
        .into_iter()
        .any(begins);
    is_page.then_some(
        "it is a web page, not the file itself: its download was answered with a page, download it again",
    )
}

/// The first bytes of a file, fewer where it is shorter.
pub(super) fn start_of(path: &Path, count: usize) -> Result<Vec<u8>, ModelError> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(count as u64).read_to_end(&mut start))
        .map_err(|e| file_error(path, e))?;
    Ok(start)
}

/// [`stand_in`] of a file.
pub(crate) fn stand_in_at(path: &Path) -> Result<Option<&'static str>, ModelError> {
    Ok(stand_in(&start_of(path, 256)?))
}

/// A text file without its byte order mark.
pub(crate) fn text_of(path: &Path) -> Result<String, ModelError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST_TEXT + 1).read_to_end(&mut bytes))
        .map_err(|e| file_error(path, e))?;
    if bytes.len() as u64 > LONGEST_TEXT {
        let most = LONGEST_TEXT >> 20;
        return Err(file_error(
            path,
            format!("it is longer than {most} MB: no such file of a model is, get the original one"),
        ));
    }
    if let Some(why) = stand_in(&bytes) {
        return Err(file_error(path, why));
    }
    let text = String::from_utf8(bytes).map_err(|_| file_error(path, "it is no text in UTF-8"))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The same of a file that need not be there.
pub(crate) fn text_if_there(path: &Path) -> Result<Option<String>, ModelError> {
    match path.symlink_metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        _ => text_of(path).map(Some),
    }
}

/// Bytes of a file from a place on, wherever others read.
pub(super) fn read_at(file: &File, at: u64, count: usize) -> std::io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    // Before anything is allocated: the file may have shrunk since its header was read.
    if at.checked_add(count as u64).is_none_or(|end| end > length) {
        return Err(std::io::Error::other(
            "the file became shorter while it was used: fetch it again",
        ));
    }
    let mut bytes = vec![0; count];
    read_exact_at(file, &mut bytes, at)?;
    Ok(bytes)
}

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

/// A tensor's place in a file: name, first byte, first byte behind it.
pub(super) type Span<'a> = (&'a str, u64, u64);

/// Two tensors that share bytes: no program writes such a file.
pub(super) fn overlap<'a>(mut spans: Vec<Span<'a>>) -> Option<(&'a str, &'a str)> {
    spans.retain(|(_, from, upto)| from < upto);
    spans.sort_by_key(|(_, from, _)| *from);
    let two = spans.windows(2).find(|two| two[0].2 > two[1].1)?;
    Some((two[0].0, two[1].0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_in_the_place_of_a_file_is_named() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 13\n";
        assert!(stand_in(pointer).unwrap().contains("git lfs pull"));
        for page in ["<!DOCTYPE html>", "\n <html lang=en>", "\u{feff}<HTML>"] {
            assert!(stand_in(page.as_bytes()).unwrap().contains("web page"), "{page}");
        }
        for file in [&b"{\"a\": 1}"[..], b"PK\x03\x04", b"GGUF", b"", b"<"] {
            assert_eq!(stand_in(file), None);
        }
    }

    #[test]
    fn a_text_is_read_without_its_mark_and_not_without_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, "\u{feff}{}").unwrap();
        assert_eq!(text_of(&path).unwrap(), "{}");
        assert_eq!(text_if_there(&path).unwrap().as_deref(), Some("{}"));
        assert_eq!(text_if_there(&folder.path().join("none.json")).unwrap(), None);
        std::fs::write(&path, b"\xff\xfe{\0").unwrap();
        assert!(text_of(&path).unwrap_err().to_string().contains("UTF-8"));
        let long = File::create(&path).unwrap();
        long.set_len(LONGEST_TEXT + 1).unwrap();
        assert!(text_of(&path).unwrap_err().to_string().contains("longer than"));
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(100).unwrap();
        assert_eq!(read_at(&file, 50, 50).unwrap(), vec![0; 50]);
        file.set_len(80).unwrap();
        let error = read_at(&file, 50, 50).unwrap_err().to_string();
        assert!(error.contains("became shorter"), "{error}");
        assert!(read_at(&file, u64::MAX, 2).is_err());
    }

    #[test]
    fn tensors_that_share_bytes_are_found() {
        assert_eq!(overlap(vec![("b", 8, 16), ("a", 0, 8), ("empty", 4, 4)]), None);
        assert_eq!(overlap(vec![("b", 7, 16), ("a", 0, 8)]), Some(("a", "b")));
    }
}
