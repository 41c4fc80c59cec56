//! What the pictures are called.
//!
//! `NAME.png` is the result (the best one of several), `NAME-2.png` the second best and so on;
//! results of earlier turns are `NAME-turn-1.png` ... A name the program chose never replaces a
//! file; a name the user gave does.

use crate::task::Failure;
use std::path::{Path, PathBuf};

/// Endings of picture formats that are read but not written.
const READ_ONLY: [&str; 8] = ["jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif"];

/// The names of one run: `candidates` pictures in each of `turns` turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    output: PathBuf,
    turns: usize,
}

impl Names {
    /// The user's name, or a new one in `folder`.
    pub(super) fn new(
        output: Option<&Path>,
        folder: &Path,
        seed: u64,
        (turns, candidates): (usize, usize),
    ) -> Result<Self, Failure> {
        if let Some(output) = output {
            check(output)?;
            let output = output.to_owned();
            return Ok(Self { output, turns });
        }
        let taken =
            |names: &Self| (0..turns).any(|turn| (0..candidates).any(|rank| names.file(turn, rank).exists()));
        let mut names = Self {
            output: folder.join(format!("lumina-{seed}.png")),
            turns,
        };
        let mut take = 2;
        while taken(&names) {
            names.output = folder.join(format!("lumina-{seed}-take-{take}.png"));
            take += 1;
        }
        place(&names.output)?;
        Ok(names)
    }

    /// The picture of a turn (0-based) that came out `rank`-th (0 is the best).
    pub(super) fn file(&self, turn: usize, rank: usize) -> PathBuf {
        let mut suffix = String::new();
        if turn + 1 < self.turns {
            suffix += &format!("-turn-{}", turn + 1);
        }
        if rank > 0 {
            suffix += &format!("-{}", rank + 1);
        }
        if suffix.is_empty() {
            return self.output.clone();
        }
        // `a.b` has no ending of a picture: the suffix goes after all of it.
        let is_png = has_ending(&self.output, &["png"]);
        let stem = if is_png {
            self.output.file_stem()
        } else {
            self.output.file_name()
        };
        let mut name = stem.unwrap_or_default().to_owned();
        name.push(suffix);
        if is_png {
            name.push(".png");
        }
        self.output.with_file_name(name)
    }
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| endings.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// Refuses, before any work is done, a name under which no picture can be written.
pub(super) fn check(output: &Path) -> Result<(), Failure> {
    let shown = output.display();
    if has_ending(output, &READ_ONLY) {
        return Err(Failure::usage(format!(
            "{shown}: pictures are written as PNG, give the output a name that ends in .png"
        )));
    }
    place(output)
}

/// Refuses a place where no file can be written.
pub(super) fn place(output: &Path) -> Result<(), Failure> {
    let shown = output.display();
    if output.file_name().is_none() || output.is_dir() {
        return Err(Failure::usage(format!(
            "{shown} is a folder: name the file in it"
        )));
    }
    // A device or a pipe would be replaced by a file.
    if output.exists() && !output.is_file() {
        return Err(Failure::usage(format!("{shown} is no file that can be replaced")));
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::usage(format!(
            "{shown}: there is no folder {}",
            folder.display()
        )));
    }
    // Files are written under a temporary name first: whether that can be done is seen by doing it.
    tempfile::tempfile_in(folder).map(|_| ()).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.split(" at path").next().unwrap_or_default();
        Failure::usage(format!("{shown}: nothing can be written there ({reason})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_ranks_stand_beside_the_result() {
        let names = Names::new(Some(Path::new("a.b.PNG")), Path::new(""), 1, (2, 3)).unwrap();
        let file = |turn, rank| names.file(turn, rank).display().to_string();
        assert_eq!(file(1, 0), "a.b.PNG");
        assert_eq!(file(1, 1), "a.b-2.png");
        assert_eq!(file(0, 0), "a.b-turn-1.png");
        assert_eq!(file(0, 2), "a.b-turn-1-3.png");
    }

    #[test]
    fn a_chosen_name_is_always_new() {
        let folder = tempfile::tempdir().unwrap();
        let name = || {
            let names = Names::new(None, folder.path(), 7, (1, 2)).unwrap();
            let file = names.file(0, 0);
            file.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(name(), "lumina-7.png");
        std::fs::write(folder.path().join("lumina-7-2.png"), "").unwrap();
        assert_eq!(name(), "lumina-7-take-2.png");
    }

    #[test]
    fn names_no_picture_can_have_are_refused() {
        for wrong in [
            "a.jpg",
            "a.WebP",
            "/",
            ".",
            "no/such/folder/a.png",
            "Cargo.toml/a.png",
            "/dev/null",
        ] {
            assert!(
                Names::new(Some(Path::new(wrong)), Path::new(""), 1, (1, 1)).is_err(),
                "{wrong}"
            );
        }
    }
}
