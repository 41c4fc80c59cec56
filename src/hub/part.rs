//! One try at one file: from where its part ends to the last byte, and the sum over all of it.

use super::cache::Folder;
use super::client::{About, Answer, Client, Wanted};
use super::error::HubError;
use super::listing::{RepoFile, path_of};
use super::meter::Meter;
use super::repository::Repository;
use super::sum::{PIECE, Sum, Summing};
use crate::disk;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// First bytes of a file that are looked at.
const START: usize = 256;

/// A file to fetch, and what is needed for it.
pub(super) struct Order<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a Repository,
    pub(super) folder: &'a Folder,
    pub(super) commit: &'a str,
    pub(super) file: &'a RepoFile,
    pub(super) meter: &'a Meter,
    /// Its place on the meter.
    pub(super) slot: usize,
    /// Nobody wants it any more.
    pub(super) is_over: &'a dyn Fn() -> bool,
    pub(super) remark: &'a dyn Fn(String),
}

/// How a try ended that was no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    Whole,
    /// The bytes of an earlier part were wrong: it begins anew.
    BadPart,
}

/// Where the bytes to come belong.
enum Place {
    /// Behind those that are here.
    Behind,
    /// At the beginning: what was here is dropped.
    Anew,
}

impl Order<'_> {
    /// Goes on with the file.
    ///
    /// # Errors
    /// Whatever keeps its bytes from being here, with their sum, under their name. What came is kept, unless it is
    /// known to be wrong.
    pub(super) fn go_on(&self) -> Result<Tried, HubError> {
        let (path, size) = (self.folder.part(&self.file.sum), self.file.size);
        let io = |error: io::Error| HubError::disk(&path, &error);
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut part = opened.map_err(io)?;
        let mut here = part.metadata().map_err(io)?.len();
        if here > size {
            part.set_len(0).map_err(io)?;
            here = 0;
        }
        let was_here = here > 0;
        let mut summing = Summing::new(&self.file.sum, size);
        self.meter.set(self.slot, 0);
        if was_here {
            let told = &mut |bytes| self.meter.add(self.slot, bytes);
            summing
                .add_file(&part, self.is_over, told)
                .map_err(|error| match (self.is_over)() {
                    true => HubError::Cancelled,
                    false => io(error),
                })?;
        }
        let mut is_of_one_try = !was_here;
        if here < size || size == 0 {
            let answer = self.ask(here)?;
            let start = match self.place(&answer, here)? {
                Place::Behind => here,
                Place::Anew => 0,
            };
            if start == 0 && was_here {
                summing = Summing::new(&self.file.sum, size);
                part.set_len(0).map_err(io)?;
                self.meter.set(self.slot, 0);
                is_of_one_try = true;
                (self.remark)(format!(
                    "{} does not go on with {}: it begins anew",
                    answer.host, self.file.name
                ));
            }
            part.seek(SeekFrom::Start(start)).map_err(io)?;
            self.note(&answer)?;
            self.take(answer, start, &mut part, &mut summing)?;
        }
        self.finish(part, summing, is_of_one_try)
    }

    fn ask(&self, here: u64) -> Result<Answer, HubError> {
        let mut headers = Vec::new();
        if here > 0 {
            headers.push(("range", format!("bytes={here}-")));
            let mark = fs::read_to_string(self.folder.mark(&self.file.sum)).unwrap_or_default();
            // Only a strong one may stand there, and nothing that breaks a header.
            let is_strong = mark.starts_with('"') && mark.chars().all(|c| c.is_ascii_graphic());
            if is_strong {
                headers.push(("if-range", mark));
            }
        }
        let about = About {
            repository: self.repository,
            file: &self.file.name,
        };
        let path = path_of(self.repository, self.commit, &self.file.name);
        let answer = self.client.ask(Wanted::Body, &path, &headers, about)?;
        let said = answer.etag.as_deref().and_then(Sum::from_text);
        // A server that says another kind of sum says nothing of this one.
        let is_other = |said: &Sum| said.text().len() == self.file.sum.text().len() && *said != self.file.sum;
        if said.as_ref().is_some_and(is_other)
            || answer.linked_size.is_some_and(|size| size != self.file.size)
        {
            self.drop_part();
            return Err(HubError::Changed {
                file: self.file.name.clone(),
            });
        }
        Ok(answer)
    }

    /// Where the bytes of an answer belong.
    fn place(&self, answer: &Answer, here: u64) -> Result<Place, HubError> {
        let (host, file) = (answer.host.clone(), self.file.name.clone());
        match answer.status {
            416 => {
                self.drop_part();
                Err(HubError::Range { host, file })
            }
            206 => match range(answer.header("content-range").unwrap_or_default()) {
                Some((first, of)) if first == here && of.is_none_or(|of| of == self.file.size) => {
                    Ok(Place::Behind)
                }
                Some((_, Some(of))) if of != self.file.size => {
                    self.drop_part();
                    Err(HubError::Length {
                        file,
                        found: of,
                        wanted: self.file.size,
                    })
                }
                _ => {
                    self.drop_part();
                    Err(HubError::OtherPart { host, file })
                }
            },
            _ => Ok(Place::Anew),
        }
    }

    /// Notes what the server calls the version that its bytes are of.
    fn note(&self, answer: &Answer) -> Result<(), HubError> {
        let mark = self.folder.mark(&self.file.sum);
        let etag = answer.header("etag").unwrap_or_default();
        fs::write(&mark, etag).map_err(|error| HubError::disk(&mark, &error))
    }

    /// Writes what comes behind what is here.
    fn take(
        &self,
        answer: Answer,
        start: u64,
        part: &mut File,
        summing: &mut Summing,
    ) -> Result<(), HubError> {
        let (name, size, host) = (self.file.name.clone(), self.file.size, answer.host.clone());
        let path = self.folder.part(&self.file.sum);
        let said = answer.length().map(|length| start.saturating_add(length));
        let is_page = answer
            .header("content-type")
            .is_some_and(|kind| kind.contains("text/html"));
        let mut reader = answer.into_reader();
        let (mut here, mut piece, mut is_first) = (start, vec![0; PIECE], true);
        let read_some = |reader: &mut dyn Read, piece: &mut [u8]| loop {
            match reader.read(piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted && !(self.is_over)() => {}
                read => return read,
            }
        };
        loop {
            let read = read_some(&mut reader, &mut piece);
            if (self.is_over)() {
                return Err(HubError::Cancelled);
            }
            let read = read.map_err(|error| self.client.broken(&error, &name))?;
            if is_first {
                is_first = false;
                if let Some(error) = self.stand_in(&piece[..read.min(START)], start, is_page, &host) {
                    return Err(error);
                }
                if let Some(found) = said.filter(|said| *said != size) {
                    return Err(HubError::Length {
                        file: name,
                        found,
                        wanted: size,
                    });
                }
            }
            if read == 0 {
                return match here == size {
                    true => Ok(()),
                    false => Err(HubError::Cut { file: name }),
                };
            }
            if here + read as u64 > size {
                self.drop_part();
                return Err(HubError::Length {
                    file: name,
                    found: here + read as u64,
                    wanted: size,
                });
            }
            let written = part.write_all(&piece[..read]);
            written.map_err(|error| HubError::disk(&path, &error))?;
            summing.add(&piece[..read]);
            here += read as u64;
            self.meter.add(self.slot, read as u64);
        }
    }

    /// What came in the place of the file, by its first bytes.
    fn stand_in(&self, start: &[u8], at: u64, is_page: bool, host: &str) -> Option<HubError> {
        let (host, file) = (host.to_owned(), self.file.name.clone());
        let text = start
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(start)
            .trim_ascii_start();
        let begins = |word: &[u8]| {
            let found = text.get(..word.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(word))
        };
        if is_page || at == 0 && [&b"<!doctype"[..], b"<html", b"<head"].into_iter().any(begins) {
            return Some(HubError::Page { host, file });
        }
        (at == 0 && begins(b"version https://git-lfs")).then_some(HubError::Pointer { host, file })
    }

    /// Gives the file its name, if its bytes are right.
    fn finish(&self, part: File, summing: Summing, is_of_one_try: bool) -> Result<Tried, HubError> {
        let (path, blob) = (self.folder.part(&self.file.sum), self.folder.blob(&self.file.sum));
        if !summing.is(&self.file.sum) {
            self.drop_part();
            self.meter.set(self.slot, 0);
            return match is_of_one_try {
                true => Err(HubError::Sum {
                    file: self.file.name.clone(),
                }),
                false => Ok(Tried::BadPart),
            };
        }
        let named = part.sync_all().and_then(|()| fs::rename(&path, &blob));
        named.map_err(|error| HubError::disk(&path, &error))?;
        let _ = fs::remove_file(self.folder.mark(&self.file.sum));
        disk::sync_folder(&self.folder.blobs());
        self.meter.set(self.slot, self.file.size);
        Ok(Tried::Whole)
    }

    /// What is here of it is wrong, or cannot be told to be right.
    fn drop_part(&self) {
        // Where it cannot be removed it is found wrong again.
        let _ = fs::remove_file(self.folder.part(&self.file.sum));
        let _ = fs::remove_file(self.folder.mark(&self.file.sum));
    }
}

/// First byte and length of the whole of a `Content-Range`.
fn range(said: &str) -> Option<(u64, Option<u64>)> {
    let (range, of) = said.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let first = range.split_once('-')?.0.trim().parse().ok()?;
    let of = of.trim();
    match of {
        "*" => Some((first, None)),
        of => Some((first, Some(of.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read() {
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        for wrong in [
            "",
            "bytes */10",
            "5-9/10",
            "bytes 5-9",
            "bytes x-9/10",
            "bytes 5-9/y",
            "bytes -1-9/10",
        ] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
