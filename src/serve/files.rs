//! Pictures that are fetched by their address: in memory only, under names nobody guesses, for an hour at
//! most, the oldest giving way.

use super::secrets::random_hex;
use crate::task::Failure;
use axum::body::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MOST_FILES: usize = 64;
const MOST_BYTES: usize = 256 << 20;
/// How long a picture is there.
const LIFE: Duration = Duration::from_secs(3600);
/// Bytes of randomness in a name.
const NAME_BYTES: usize = 20;

struct File {
    name: String,
    bytes: Bytes,
    kind: &'static str,
    made: Instant,
}

#[derive(Default)]
pub(super) struct Files(Mutex<VecDeque<File>>);

impl Files {
    /// Keeps a picture of the media type `kind`; its name.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub(super) fn put(&self, bytes: Bytes, kind: &'static str) -> Result<String, Failure> {
        let ending = kind.rsplit('/').next().unwrap_or_default();
        let name = format!("{}.{ending}", random_hex(NAME_BYTES)?);
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.push_back(File {
            name: name.clone(),
            bytes,
            kind,
            made: Instant::now(),
        });
        drop_old(&mut files, Instant::now());
        Ok(name)
    }

    /// A picture and its media type.
    pub(super) fn get(&self, name: &str) -> Option<(Bytes, &'static str)> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop_old(&mut files, Instant::now());
        let file = files.iter().find(|file| file.name == name)?;
        Some((file.bytes.clone(), file.kind))
    }
}

/// Takes out what is too old or too much, but not the newest.
fn drop_old(files: &mut VecDeque<File>, now: Instant) {
    let mut bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    while let Some(oldest) = files.front() {
        let is_old = now.saturating_duration_since(oldest.made) > LIFE;
        let is_much = files.len() > MOST_FILES || (bytes > MOST_BYTES && files.len() > 1);
        if !is_old && !is_much {
            break;
        }
        bytes -= oldest.bytes.len();
        files.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_way_to_number_size_and_age() {
        let files = Files::default();
        let put = |bytes: usize| {
            files
                .put(Bytes::from(vec![7; bytes]), "image/png")
                .expect("a name")
        };
        let first = put(1);
        assert_eq!(files.get(&first).expect("it is there").0.len(), 1);
        let names: Vec<String> = (0..MOST_FILES).map(|_| put(2)).collect();
        assert!(files.get(&first).is_none() && files.get(&names[0]).is_some());
        let large = put(MOST_BYTES - 4);
        let held = names.iter().filter(|name| files.get(name).is_some()).count();
        assert!(held == 2 && files.get(&large).is_some(), "{held}");
        let larger = put(MOST_BYTES + 1);
        assert!(files.get(&large).is_none() && files.get(&larger).is_some());
        let mut kept = files.0.lock().expect("no panic");
        drop_old(&mut kept, Instant::now() + LIFE + Duration::from_secs(1));
        assert!(kept.is_empty());
    }
}
