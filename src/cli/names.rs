//! What the pictures are called.
//!
//! `NAME.png` is the result (the best one of several), `NAME-2.png` the second best and so on;
//! results of earlier turns are `NAME-turn-1.png` ... A name the program chose never replaces a
//! file; a name the user gave does.

use crate::disk;
use crate::task::Failure;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Endings of picture formats that are read but not written.
const READ_ONLY: [&str; 14] = [
    "jpg", "jpeg", "jfif", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "heif", "jxl", "psd", "svg",
];

/// The names of one run: `candidates` pictures in each of `turns` turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    output: Output,
    turns: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Output {
    /// A name the user gave: it may replace a file.
    Given(PathBuf),
    /// Of this seed and the first free take of it.
    Chosen { folder: PathBuf, seed: u64, take: u64 },
}

impl Output {
    /// The name of the result, or of a later take of it.
    fn path(&self, later: u64) -> PathBuf {
        match self {
            Self::Given(path) => path.clone(),
            Self::Chosen { folder, seed, take } => match take + later {
                1 => folder.join(format!("lumina-{seed}.png")),
                take => folder.join(format!("lumina-{seed}-take-{take}.png")),
            },
        }
    }
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
            let output = Output::Given(output.to_owned());
            let names = Self { output, turns };
            // The names made of it are longer.
            let all = (0..turns).flat_map(|turn| (0..candidates).map(move |rank| (turn, rank)));
            for (turn, rank) in all {
                taken_by_the_file_system(&names.file(turn, rank))?;
            }
            return Ok(names);
        }
        let taken =
            |names: &Self| (0..turns).any(|turn| (0..candidates).any(|rank| names.file(turn, rank).exists()));
        let takes = (1..).map(|take| {
            let folder = folder.to_owned();
            let output = Output::Chosen { folder, seed, take };
            Self { output, turns }
        });
        let mut free = takes.filter(|names| !taken(names));
        let names = free
            .next()
            .ok_or_else(|| Failure::failed("every name is taken"))?;
        place(&names.output.path(0))?;
        Ok(names)
    }

    /// Refuses names that are those of files the pictures are made from: they would be replaced.
    pub(super) fn spare<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a Path>,
        candidates: usize,
    ) -> Result<(), Failure> {
        let ranks = (0..self.turns).flat_map(|turn| (0..candidates).map(move |rank| (turn, rank)));
        let outputs: Vec<PathBuf> = ranks.map(|(turn, rank)| self.file(turn, rank)).collect();
        for input in inputs {
            for output in &outputs {
                spare(output, input)?;
            }
        }
        Ok(())
    }

    /// Whether a file that has the name already is replaced.
    pub(super) fn replace(&self) -> bool {
        matches!(self.output, Output::Given(_))
    }

    /// The picture of a turn (0-based) that came out `rank`-th (0 is the best).
    pub(super) fn file(&self, turn: usize, rank: usize) -> PathBuf {
        self.of_take(0, turn, rank)
    }

    /// That name, and those it may have where another program took it meanwhile.
    pub(super) fn files(&self, turn: usize, rank: usize) -> impl Iterator<Item = PathBuf> + '_ {
        (0..).map(move |later| self.of_take(later, turn, rank))
    }

    fn of_take(&self, later: u64, turn: usize, rank: usize) -> PathBuf {
        let output = self.output.path(later);
        let mut suffix = String::new();
        if turn + 1 < self.turns {
            suffix += &format!("-turn-{}", turn + 1);
        }
        if rank > 0 {
            suffix += &format!("-{}", rank + 1);
        }
        if suffix.is_empty() {
            return output;
        }
        // `a.b` has no ending of a picture: the suffix goes after all of it.
        let is_png = has_ending(&output, &["png"]);
        let stem = if is_png {
            output.file_stem()
        } else {
            output.file_name()
        };
        let mut name = stem.unwrap_or_default().to_owned();
        name.push(suffix);
        if is_png {
            name.push(".png");
        }
        output.with_file_name(name)
    }
}

/// Refuses an output that is the very file `input`.
pub(super) fn spare(output: &Path, input: &Path) -> Result<(), Failure> {
    match (output.canonicalize(), input.canonicalize()) {
        (Ok(one), Ok(other)) if one == other => Err(Failure::usage(format!(
            "{} is the picture that is read: give the output another name, or it would be replaced",
            output.display()
        ))),
        _ => Ok(()),
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
    taken_by_the_file_system(output)?;
    // A device or a pipe would be replaced by a file.
    if output.exists() && !output.is_file() {
        return Err(Failure::usage(format!("{shown} is no file that can be replaced")));
    }
    let folder = disk::folder_of(output);
    if !folder.is_dir() {
        return Err(Failure::usage(format!(
            "{shown}: there is no folder {}",
            folder.display()
        )));
    }
    disk::sweep(folder);
    // Files are written under a temporary name first: whether that can be done is seen by doing it.
    tempfile::tempfile_in(folder).map(|_| ()).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.split(" at path").next().unwrap_or_default();
        Failure::usage(format!("{shown}: nothing can be written there ({reason})"))
    })
}

/// Refuses a name that the file system will not take: it is asked about it.
fn taken_by_the_file_system(output: &Path) -> Result<(), Failure> {
    match std::fs::symlink_metadata(output) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            let name = output.file_name().unwrap_or_default();
            Err(Failure::usage(format!(
                "no file can have the name {} here ({error}, {} bytes): choose a shorter one",
                name.display(),
                name.len()
            )))
        }
        Ok(_) | Err(_) => Ok(()),
    }
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
    fn names_longer_than_the_file_system_takes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let name = |bytes: usize| folder.path().join(format!("{}.png", "a".repeat(bytes - 4)));
        let new = |bytes, shape| Names::new(Some(&name(bytes)), Path::new(""), 1, shape);
        assert!(new(255, (1, 1)).is_ok());
        assert!(new(256, (1, 1)).unwrap_err().message.contains("256 bytes"));
        // Here `-2`, `-turn-1` and `-turn-1-2` are longer than the name itself.
        assert!(new(253, (1, 1)).is_ok() && new(253, (1, 2)).is_ok());
        assert!(new(254, (1, 2)).unwrap_err().message.contains("256 bytes"));
        assert!(new(249, (2, 1)).unwrap_err().message.contains("256 bytes"));
        assert!(new(247, (2, 1)).is_ok() && new(247, (2, 2)).is_err());
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
