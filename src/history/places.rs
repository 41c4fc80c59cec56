//! Where the library, its cache and its stars lie on this system.

use directories::{ProjectDirs, UserDirs};
use std::path::{Path, PathBuf};

/// The folder of the library, as people see it.
const LIBRARY: &str = "Lumina Studio";

/// The folders of one user. None of them has to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Holds a folder a day.
    pub pictures: PathBuf,
    /// May be emptied at any time.
    pub cache: PathBuf,
    pub data: PathBuf,
}

impl Places {
    /// The folders of the current user (`HOME`, `XDG_*` and `user-dirs.dirs` on Linux); `None`
    /// where there is no home.
    pub fn of_user() -> Option<Self> {
        let user = UserDirs::new()?;
        let project = ProjectDirs::from("", "", "lumina-studio")?;
        let pictures = match user.picture_dir() {
            Some(folder) => folder.to_owned(),
            None => user.home_dir().join("Pictures"),
        };
        Some(Self {
            pictures: pictures.join(LIBRARY),
            cache: project.cache_dir().to_owned(),
            data: project.data_dir().to_owned(),
        })
    }

    /// All of them below one folder.
    pub fn below(folder: &Path) -> Self {
        Self {
            pictures: folder.join("pictures"),
            cache: folder.join("cache"),
            data: folder.join("data"),
        }
    }
}
