//! The log file: what the program did and what went wrong, for somebody who helps.
//!
//! A file a day, the last [`DAYS`] of them, in a folder of its own. Neither prompts nor names of
//! pictures, which are made of prompts, stand in it unless the user allows that: those who write
//! lines leave them out, and [`without_names`] takes them out of messages.

use crate::task::LogLevel;
use std::path::{Path, PathBuf};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// Files that are kept.
const DAYS: usize = 7;

/// The log of this program while it runs.
#[derive(Debug)]
pub struct Log {
    filter: reload::Handle<Targets, Registry>,
}

impl Log {
    /// Begins to write into `folder`, once for the whole program; `None` where that cannot be: the
    /// program works all the same.
    pub fn start(folder: &Path, level: LogLevel) -> Option<Self> {
        let files = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("lumina-studio")
            .filename_suffix("log")
            .max_log_files(DAYS)
            .build(folder)
            .ok()?;
        let (filter, handle) = reload::Layer::new(targets(level));
        let lines = fmt::layer().with_writer(files).with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(filter).with(lines);
        subscriber.try_init().ok()?;
        Some(Self { filter: handle })
    }

    /// How much is written from now on.
    pub fn set_level(&self, level: LogLevel) {
        // It fails only when the program ends.
        let _ = self.filter.modify(|filter| *filter = targets(level));
    }
}

/// Our own lines by the level, of others only what they warn of.
fn targets(level: LogLevel) -> Targets {
    let (own, others) = match level {
        LogLevel::Errors => (LevelFilter::ERROR, LevelFilter::ERROR),
        LogLevel::Usual => (LevelFilter::INFO, LevelFilter::WARN),
        LogLevel::Everything => (LevelFilter::DEBUG, LevelFilter::WARN),
    };
    Targets::new()
        .with_default(others)
        .with_target(env!("CARGO_CRATE_NAME"), own)
}

/// The folder of the log below the program's own.
pub fn folder(data: &Path) -> PathBuf {
    data.join("log")
}

/// The last `count` lines of the newest file.
pub fn last_lines(folder: &Path, count: usize) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    // The day is in the name.
    files.sort();
    let newest = files.iter().rev().find_map(|file| std::fs::read(file).ok());
    let text = newest.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let lines: Vec<String> = text
        .iter()
        .flat_map(|text| text.lines())
        .map(str::to_owned)
        .collect();
    let from = lines.len().saturating_sub(count);
    lines[from..].to_vec()
}

/// A message without the names of files below `folder`, and without the user's own folder.
pub fn without_names(message: &str, folder: &Path, home: Option<&Path>) -> String {
    let shown = folder.display().to_string();
    let mut rest = message;
    let mut told = String::new();
    while let Some(at) = rest.find(&shown).filter(|_| !shown.is_empty()) {
        let (before, after) = rest.split_at(at + shown.len());
        told.push_str(before);
        // Names of pictures have neither of these.
        let end = after.find([':', '"', '\n', ')', ',']).unwrap_or(after.len());
        if end > 0 {
            told.push_str("/\u{2026}");
        }
        rest = &after[end..];
    }
    told.push_str(rest);
    match home.map(|home| home.display().to_string()) {
        Some(home) if home.len() > 1 => told.replace(&home, "~"),
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pictures_are_left_out_of_messages() {
        let folder = Path::new("/home/ada/Pictures/Lumina Studio");
        let told = |message: &str| without_names(message, folder, Some(Path::new("/home/ada")));
        assert_eq!(
            told("/home/ada/Pictures/Lumina Studio/2026-11-27/101010-5-my-secret.png: the disk is full"),
            "~/Pictures/Lumina Studio/\u{2026}: the disk is full"
        );
        assert_eq!(told("the model is gone"), "the model is gone");
        assert_eq!(told("/home/ada/x.gguf: no"), "~/x.gguf: no");
        assert_eq!(
            told("/home/ada/Pictures/Lumina Studio"),
            "~/Pictures/Lumina Studio"
        );
    }

    #[test]
    fn the_newest_lines_are_found() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(last_lines(&folder.path().join("absent"), 5).is_empty());
        for (name, text) in [
            ("lumina-studio.2026-11-26.log", "old\n"),
            ("lumina-studio.2026-11-27.log", "one\ntwo\nthree\n"),
        ] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        assert_eq!(last_lines(folder.path(), 2), ["two", "three"]);
    }

    #[test]
    fn levels_let_through_what_they_say() {
        let lets = |level, target: &str, line| targets(level).would_enable(target, &line);
        let own = env!("CARGO_CRATE_NAME");
        assert!(lets(LogLevel::Usual, own, tracing::Level::INFO));
        assert!(!lets(LogLevel::Usual, own, tracing::Level::DEBUG));
        assert!(!lets(LogLevel::Errors, own, tracing::Level::WARN));
        assert!(lets(LogLevel::Everything, own, tracing::Level::DEBUG));
        assert!(!lets(LogLevel::Everything, "wgpu_core", tracing::Level::INFO));
    }
}
