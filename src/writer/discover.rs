//! Writers that are there already: servers on this machine, and language models among its files.

use super::ask::Until;
use super::endpoint::models_of;
use super::local::is_writer;
use super::request::{Question, ask};
use crate::task::Cancel;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most files of models that are offered.
const MOST_FILES: usize = 64;

/// Where a server is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which program usually listens there.
    pub title: &'static str,
    pub port: u16,
}

/// Where the usual programs listen.
pub const PLACES: [Place; 3] = [
    Place {
        title: "Ollama",
        port: 11434,
    },
    Place {
        title: "llama.cpp",
        port: 8080,
    },
    Place {
        title: "LM Studio",
        port: 1234,
    },
];

/// A server that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub title: String,
    pub url: String,
    /// What it offers; may be none.
    pub models: Vec<String>,
}

/// The servers of this machine that list models, all asked at once; each has `time` to answer. No key goes along.
pub fn served(places: &[Place], time: Duration) -> Vec<Served> {
    let look = |place: &Place| {
        let url = format!("http://127.0.0.1:{}", place.port);
        let cancel = Cancel::new();
        let question = Question {
            url: format!("{url}/v1/models"),
            body: None,
            keys: None,
            by: place.title.to_owned(),
        };
        let reply = ask(question, &Until::from_now(time, &cancel)).ok()?;
        Some(Served {
            title: place.title.to_owned(),
            models: models_of(&reply.good(&url).ok()?)?,
            url,
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = places
            .iter()
            .map(|place| scope.spawn(move || look(place)))
            .collect();
        let found = threads
            .into_iter()
            .filter_map(|thread| thread.join().ok().flatten());
        found.collect()
    })
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Language models of the families that are known, in these folders and in the snapshots of a Hugging Face cache.
/// Only headers are read.
pub fn models_in(folders: &[PathBuf], cache: Option<&Path>) -> Vec<PathBuf> {
    let repositories = cache.map(entries).unwrap_or_default().into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("models--")
    });
    let snapshots = repositories.flat_map(|path| entries(&path.join("snapshots")));
    let all = folders.iter().cloned().chain(snapshots);
    let files = all.flat_map(|folder| entries(&folder)).filter(|path| {
        let is_gguf = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
        is_gguf && path.is_file() && is_writer(path)
    });
    files.take(MOST_FILES).collect()
}
