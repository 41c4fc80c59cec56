//! What is told of models on the Hugging Face Hub: which there are, what is here, how far a download is.

use super::models::gigabytes;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A model people may fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// `OWNER/NAME`.
    pub repository: String,
    pub title: String,
    /// What it is for.
    pub about: String,
    #[serde(default)]
    pub licence: Option<String>,
    /// About how much is fetched, in bytes.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// The files that are wanted, where the repository has others of their kind.
    #[serde(default)]
    pub files: Vec<String>,
    /// The repository with its image tokenizer, where that is another one.
    #[serde(default)]
    pub tokenizer: Option<String>,
}

/// What the cache holds of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// `OWNER/NAME`.
    pub repository: String,
    /// All its files on the disk, parts among them.
    pub bytes: u64,
    /// Of them in files that are not whole.
    pub parts: u64,
    /// The folder with all its files; `None` while it is not whole.
    pub snapshot: Option<PathBuf>,
    /// What it lacks, where it has a snapshot.
    pub missing: Vec<String>,
    pub kind: StoredKind,
}

impl Stored {
    pub fn is_whole(&self) -> bool {
        self.snapshot.is_some() && self.missing.is_empty()
    }
}

/// What a repository holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoredKind {
    /// A checkpoint.
    Model,
    /// An image tokenizer alone.
    Tokenizer,
    /// Nothing that tells.
    Unknown,
}

/// What a download does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TransferPhase {
    /// The list of files is asked for.
    #[default]
    Asking,
    Fetching,
    /// What is here already is read again.
    Checking,
}

/// How far a download, or a check, is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transfer {
    pub phase: TransferPhase,
    /// The file that got its last bytes last.
    pub file: String,
    /// Bytes that are here of all bytes.
    pub done: u64,
    pub of: u64,
    pub files_done: usize,
    pub files: usize,
    /// Bytes a second over the last few seconds; 0 while nothing comes.
    pub rate: f64,
}

impl Transfer {
    /// Seconds to the end at the present rate; `None` while nothing comes.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.of.saturating_sub(self.done) as f64;
        (self.rate > 0.0 && self.of > 0).then(|| left / self.rate)
    }

    /// How far it is, how fast, and how long it takes: `41 % · 6.6 GB of 16.0 GB · 45.1 MB/s · 4 min left`.
    pub fn words(&self) -> String {
        if self.of == 0 {
            return "Asking for the list of files …".to_owned();
        }
        let mut words = format!(
            "{:.0} % · {} of {}",
            (100.0 * self.share()).floor(),
            gigabytes(self.done),
            gigabytes(self.of)
        );
        if self.rate > 0.0 {
            words += &format!(" · {:.1} MB/s", self.rate / 1e6);
        }
        if let Some(seconds) = self.seconds_left() {
            words += &format!(" · {}", time_left(seconds));
        }
        words
    }

    /// From 0 to 1.
    pub fn share(&self) -> f64 {
        self.done as f64 / self.of.max(1) as f64
    }
}

/// `3 min left`, rounded so that it does not dance.
pub fn time_left(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => "a few seconds left".to_owned(),
        s if s < 90.0 => format!("{:.0} s left", (s / 10.0).round() * 10.0),
        s if s < 5400.0 => format!("{:.0} min left", (s / 60.0).round()),
        s => format!("{:.0} h left", (s / 3600.0).round()),
    }
}

/// What a look at the Hub's models found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HubShelf {
    pub offered: Vec<Offered>,
    pub stored: Vec<Stored>,
    /// The folder of the cache.
    pub cache: PathBuf,
    /// On its disk.
    pub free_bytes: Option<u64>,
    /// What is wrong with the user's own list.
    pub remark: Option<String>,
}

impl HubShelf {
    pub fn stored(&self, repository: &str) -> Option<&Stored> {
        self.stored.iter().find(|stored| stored.repository == repository)
    }

    pub fn offered(&self, repository: &str) -> Option<&Offered> {
        self.offered
            .iter()
            .find(|offered| offered.repository == repository)
    }

    /// The repository of the image tokenizer that a model needs and that is not whole here.
    pub fn missing_tokenizer(&self, repository: &str) -> Option<&str> {
        let tokenizer = self.offered(repository)?.tokenizer.as_deref()?;
        let is_here = self.stored(tokenizer).is_some_and(Stored::is_whole);
        (!is_here).then_some(tokenizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_rate() {
        let mut transfer = Transfer {
            done: 25,
            of: 100,
            rate: 25.0,
            ..Transfer::default()
        };
        assert_eq!((transfer.seconds_left(), transfer.share()), (Some(3.0), 0.25));
        assert_eq!(
            transfer.words(),
            "25 % · 1 MB of 1 MB · 0.0 MB/s · a few seconds left"
        );
        transfer.rate = 0.0;
        assert_eq!(transfer.seconds_left(), None);
        assert_eq!(Transfer::default().share(), 0.0);
        let words: Vec<String> = [3.0, 44.0, 46.0, 89.0, 91.0, 600.0, 7200.0]
            .map(time_left)
            .to_vec();
        let expected = ["a few seconds", "40 s", "50 s", "90 s", "2 min", "10 min", "2 h"];
        assert_eq!(words, expected.map(|time| format!("{time} left")));
    }
}
