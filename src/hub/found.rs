//! What is in the cache of what this program can use.

use super::cache::{Folder, MARK, PART, missing_in, names_in};
use super::needs::{CONFIG, is_movq};
use super::remove::size_of;
use super::repository::Repository;
use crate::task::{Stored, StoredKind};
use std::fs;
use std::path::Path;

/// Longest configuration that is looked into, in bytes.
const LONGEST_CONFIG: u64 = 1 << 20;

/// Repositories in the cache: those of these names, and all that look like a model of this kind or like its image
/// tokenizer. The cache is shared: language models and the like are left alone.
pub fn found(cache: &Path, offered: &[Repository]) -> Vec<Stored> {
    let entries = fs::read_dir(cache).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut repositories: Vec<Repository> = names.filter_map(|name| Repository::of_folder(&name)).collect();
    repositories.sort();
    let of_it = |repository: &Repository| {
        let folder = Folder::of(cache, repository);
        let snapshot = folder.current();
        let kind = snapshot.as_deref().map_or(StoredKind::Unknown, kind_of);
        let name = repository.to_string().to_lowercase();
        let is_named = name.contains("lumina-mgpt") || name.contains("movq") || offered.contains(repository);
        if !is_named && kind == StoredKind::Unknown && !has_marks(&folder) {
            return None;
        }
        let bytes = size_of(&folder.root).bytes;
        (bytes > 0).then(|| Stored {
            repository: repository.to_string(),
            bytes,
            parts: leftovers_in(&folder),
            missing: snapshot.as_deref().map(missing_in).unwrap_or_default(),
            snapshot,
            kind,
        })
    };
    repositories.iter().filter_map(of_it).collect()
}

/// Bytes of a repository in files that are not whole.
pub fn leftovers(cache: &Path, repository: &Repository) -> u64 {
    leftovers_in(&Folder::of(cache, repository))
}

fn leftovers_in(folder: &Folder) -> u64 {
    let entries = fs::read_dir(folder.blobs()).into_iter().flatten().flatten();
    let parts = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(&format!(".{PART}")));
    parts
        .filter_map(|part| part.metadata().ok())
        .map(|about| about.len())
        .sum()
}

/// Whether this program began to fetch it.
fn has_marks(folder: &Folder) -> bool {
    let mut entries = fs::read_dir(folder.blobs()).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().ends_with(&format!(".{MARK}")))
}

fn kind_of(snapshot: &Path) -> StoredKind {
    let names = names_in(snapshot);
    let has_movq = names.iter().any(|name| is_movq(name));
    let has_card = names.iter().any(|name| name == "lumina.json");
    let config = snapshot.join(CONFIG);
    let is_short = fs::metadata(&config).is_ok_and(|about| about.len() <= 32 * LONGEST_CONFIG);
    let text = is_short.then(|| fs::read_to_string(&config).ok()).flatten();
    match text {
        // The names of the codes of pictures stand in it.
        Some(text) if has_card || text.contains("MOVQGAN") => StoredKind::Model,
        Some(text) if text.contains("\"chameleon\"") => StoredKind::Model,
        None if has_movq => StoredKind::Tokenizer,
        Some(_) | None => StoredKind::Unknown,
    }
}
