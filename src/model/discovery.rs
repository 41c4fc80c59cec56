//! Models that lie on this computer already: in the Hugging Face cache, beside those used before.
//!
//! Only names and folders are looked at; nothing is fetched and nothing is copied.

use super::bundle::find_movq;
use crate::task::Origin;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Most offers a folder makes.
const MOST: usize = 32;

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Snapshots in the cache of repositories whose name contains `words`:
/// `models--ORG--NAME/snapshots/REVISION`.
fn snapshots(hub: &Path, words: &str) -> Vec<PathBuf> {
    let repositories = folders(hub).into_iter().filter(|path| {
        let name = name_of(path);
        name.starts_with("models--") && name.to_lowercase().contains(words)
    });
    repositories
        .flat_map(|path| folders(&path.join("snapshots")))
        .collect()
}

/// What people call a folder: a snapshot's name is a number, its repository's is not.
pub fn title(path: &Path) -> String {
    let repository = path.ancestors().map(name_of).find_map(|name| {
        let repository = name.strip_prefix("models--")?;
        Some(repository.replace("--", "/"))
    });
    repository.unwrap_or_else(|| name_of(path))
}

/// The image tokenizer that belongs to a checkpoint folder: in it, beside it, or in the cache.
pub fn movq_for(folder: &Path, hub: Option<&Path>) -> Option<PathBuf> {
    let beside = folder.parent();
    let cached = hub.map(|hub| snapshots(hub, "movq")).unwrap_or_default();
    let places = [Some(folder), beside].into_iter().flatten().map(Path::to_owned);
    places.chain(cached).find_map(|place| find_movq(&place).ok())
}

/// Where the file made of a folder goes unless the user says otherwise: beside it, but never into
/// the cache, which others tidy up.
pub fn shelf_for(folder: &Path) -> PathBuf {
    let in_cache = folder
        .ancestors()
        .any(|above| name_of(above).starts_with("models--"));
    let home = || directories::UserDirs::new().map(|user| user.home_dir().to_owned());
    let shelf = if in_cache {
        home()
    } else {
        folder.parent().map(Path::to_owned)
    };
    shelf.unwrap_or_else(|| folder.to_owned())
}

/// Models used before, `.gguf` files beside them, and checkpoints in the cache, each once.
pub fn models(used: &[PathBuf], hub: Option<&Path>) -> Vec<(PathBuf, Origin)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut add = |path: PathBuf, origin: Origin| {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if seen.insert(real) {
            found.push((path, origin));
        }
    };
    used.iter().for_each(|path| add(path.clone(), Origin::Used));
    let mut beside: Vec<&Path> = used.iter().filter_map(|path| path.parent()).collect();
    beside.sort_unstable();
    beside.dedup();
    for folder in beside {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path());
        let mut files: Vec<PathBuf> = files
            .filter(|path| {
                path.extension()
                    .is_some_and(|end| end.eq_ignore_ascii_case("gguf"))
            })
            .collect();
        files.sort();
        files
            .into_iter()
            .take(MOST)
            .for_each(|path| add(path, Origin::Beside));
    }
    let cached = hub.map(|hub| snapshots(hub, "lumina-mgpt")).unwrap_or_default();
    for path in cached
        .into_iter()
        .filter(|path| path.join("config.json").is_file())
    {
        add(path, Origin::Hub);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_lies_there_is_offered_once() {
        let folder = tempfile::tempdir().unwrap();
        let hub = folder.path().join("hub");
        let lumina = hub.join("models--Alpha-VLLM--Lumina-mGPT-2.0/snapshots/0123");
        let other = hub.join("models--somebody--other/snapshots/4567");
        let movq = hub.join("models--ai-forever--MoVQGAN/snapshots/89ab");
        for path in [&lumina, &other, &movq] {
            fs::create_dir_all(path).unwrap();
        }
        fs::create_dir_all(hub.join("models--Alpha-VLLM--Lumina-mGPT-half/snapshots/cd")).unwrap();
        fs::write(lumina.join("config.json"), "{}").unwrap();
        fs::write(other.join("config.json"), "{}").unwrap();
        fs::write(movq.join("movqgan_270M.ckpt"), "").unwrap();
        let shelf = folder.path().join("shelf");
        fs::create_dir(&shelf).unwrap();
        for name in ["a.gguf", "b.GGUF", "c.bin"] {
            fs::write(shelf.join(name), "").unwrap();
        }
        let used = [shelf.join("a.gguf"), folder.path().join("gone/x.gguf")];
        let found = models(&used, Some(&hub));
        assert_eq!(
            found,
            [
                (used[0].clone(), Origin::Used),
                (used[1].clone(), Origin::Used),
                (shelf.join("b.GGUF"), Origin::Beside),
                (lumina.clone(), Origin::Hub),
            ]
        );
        assert_eq!(title(&lumina), "Alpha-VLLM/Lumina-mGPT-2.0");
        assert_eq!(title(&shelf), "shelf");
        assert_eq!(
            movq_for(&lumina, Some(&hub)),
            Some(movq.join("movqgan_270M.ckpt"))
        );
        assert_eq!(movq_for(&lumina, None), None);
        fs::write(shelf.parent().unwrap().join("movq.safetensors"), "").unwrap();
        assert_eq!(
            movq_for(&shelf, None),
            Some(folder.path().join("movq.safetensors"))
        );
    }
}
