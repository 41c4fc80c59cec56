//! A file the user is asked for by its path, where the desktop has no dialog for it.

use super::action::Target;
use super::models::Asked;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    Picture(Target),
    Model,
    Import(Asked),
    /// Where a copy of this file shall go.
    Copy(PathBuf),
    /// Where the film of this picture shall go.
    Film(PathBuf),
}

impl Wanted {
    /// What the path is of.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Picture(_) => "The path of a picture (PNG, JPEG or WebP)",
            Self::Model => "The path of a model (.gguf)",
            Self::Import(Asked::Folder) => "The path of a Hugging Face folder",
            Self::Import(Asked::Movq) => "The path of movqgan_270M.ckpt or .safetensors",
            Self::Import(Asked::Output) => "The path of the model that is to be written (.gguf)",
            Self::Copy(_) => "The path of the copy (.png)",
            Self::Film(_) => "The path of the time-lapse (.png or .gif)",
        }
    }
}

/// A path as people type and paste it: with spaces around it, in quotes, as an address, from home.
pub(super) fn typed_path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    let quoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    let text = quoted('"').or(quoted('\'')).unwrap_or(text);
    let text = text.strip_prefix("file://").unwrap_or(text);
    let home = text.strip_prefix("~/").zip(std::env::home_dir());
    match home {
        _ if text.is_empty() => None,
        Some((rest, home)) => Some(home.join(rest)),
        None => Some(PathBuf::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_people_write_them() {
        let path = |text| typed_path(text).map(|path| path.display().to_string());
        assert_eq!(path("  /a b/c.png\n").as_deref(), Some("/a b/c.png"));
        assert_eq!(path("\"/a b/c.png\"").as_deref(), Some("/a b/c.png"));
        assert_eq!(path("'/a/c.png'").as_deref(), Some("/a/c.png"));
        assert_eq!(path("file:///a/c.png").as_deref(), Some("/a/c.png"));
        assert_eq!(path("  "), None);
        let home = std::env::home_dir().expect("a home");
        assert_eq!(typed_path("~/c.png"), Some(home.join("c.png")));
    }
}
