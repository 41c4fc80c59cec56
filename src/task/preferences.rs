//! How the user wants the program to be, whatever is drawn.

use super::models::KvCache;
use super::writing::WriterChoice;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What the settings page holds. What is not said is left to the program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Where pictures go; `None` is the folder of the system for pictures.
    pub pictures: Option<PathBuf>,
    pub naming: Naming,
    pub export: Export,
    /// All cores when `None`.
    pub threads: Option<usize>,
    /// How keys and values are kept on an NVIDIA card.
    pub cache: KvCache,
    pub when_done: WhenDone,
    pub log: LogLevel,
    pub log_prompts: LogPrompts,
    /// Who rewrites prompts.
    pub writer: WriterChoice,
    /// Every prompt is rewritten before it is drawn.
    pub write_first: bool,
}

/// How the files of pictures are named. The time of day comes first, so that they stand in the
/// order they were drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Naming {
    /// Time, seed, words of the prompt.
    #[default]
    TimeSeedWords,
    TimeWords,
    /// Nothing of what is shown.
    TimeSeed,
}

impl Naming {
    pub const ALL: [Self; 3] = [Self::TimeSeedWords, Self::TimeWords, Self::TimeSeed];

    /// The name without its ending; `time` is `HHMMSS`.
    pub fn stem(self, time: &str, seed: u64, words: &str) -> String {
        let seed = seed.to_string();
        let parts = match self {
            Self::TimeSeedWords => vec![time, &seed, words],
            Self::TimeWords => vec![time, words],
            Self::TimeSeed => vec![time, &seed],
        };
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("-")
    }
}

/// The format a picture is offered in when it is saved elsewhere. Its settings go with it in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Export {
    /// The kept file itself, with its codes.
    #[default]
    Png,
    Jpeg,
    WebP,
}

impl Export {
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::WebP];

    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
        }
    }

    /// Endings of its files, the usual one first.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::WebP => &["webp"],
        }
    }

    /// The format a file's ending stands for.
    pub fn of_ending(ending: &str) -> Option<Self> {
        let is_its = |format: &Self| {
            format
                .endings()
                .iter()
                .any(|its| its.eq_ignore_ascii_case(ending))
        };
        Self::ALL.into_iter().find(is_its)
    }
}

/// What happens when a picture is done and the window is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum WhenDone {
    #[default]
    Nothing,
    /// The desktop says so.
    Notify,
}

/// How much goes into the log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LogLevel {
    /// Only what went wrong.
    Errors,
    #[default]
    Usual,
    Everything,
}

impl LogLevel {
    pub const ALL: [Self; 3] = [Self::Errors, Self::Usual, Self::Everything];

    pub fn name(self) -> &'static str {
        match self {
            Self::Errors => "Errors",
            Self::Usual => "Usual",
            Self::Everything => "Everything",
        }
    }
}

/// Whether prompts and names of pictures may stand in the log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LogPrompts {
    #[default]
    No,
    Yes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_the_time_and_end_as_chosen() {
        let stem = |naming: Naming| naming.stem("101112", 5, "a-cat");
        assert_eq!(
            Naming::ALL.map(stem),
            ["101112-5-a-cat", "101112-a-cat", "101112-5"]
        );
        assert_eq!(Naming::TimeWords.stem("101112", 5, ""), "101112");
    }

    #[test]
    fn an_ending_names_its_format() {
        assert_eq!(Export::of_ending("JPG"), Some(Export::Jpeg));
        assert_eq!(Export::of_ending("jpeg"), Some(Export::Jpeg));
        assert_eq!(Export::of_ending("tiff"), None);
    }
}
