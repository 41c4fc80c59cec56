//! What the command line says: results on stdout, everything else on stderr.
//!
//! With `--json` both carry one object per line; the `finished` lines stand on both, for they are
//! events and results. A closed pipe is no reason to lose a picture: what cannot be said is noted,
//! and the run ends with another code once its work is done.
//!
//! What is said may come out of somebody's file: a terminal gets none of its control characters.

use crate::engine_room::Note;
use crate::task::{Failure, Fault, Picture, Profile, Progress, Reading, Tally};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io::{ErrorKind, Write};
use std::path::Path;

pub(super) struct Console<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) err: &'a mut dyn Write,
    pub(super) json: bool,
    /// Whether stderr is a terminal, where one line can be written over and over.
    pub(super) live: bool,
    /// Whether stdout is one, which obeys control characters.
    pub(super) out_is_terminal: bool,
    /// Rows of the picture under way.
    pub(super) rows: u32,
    /// Those of them that are decided.
    pub(super) row: u32,
    /// Columns covered by the updating line.
    pub(super) covered: usize,
    /// Why a result did not reach whoever called the program.
    pub(super) unsaid: Option<std::io::Error>,
}

impl Console<'_> {
    /// A result, for whoever called the program.
    pub(super) fn result(&mut self, line: &str) {
        let said = writeln!(self.out, "{}", harmless(line, self.json)).and_then(|()| self.out.flush());
        if let Err(error) = said {
            self.unsaid.get_or_insert(error);
        }
    }

    /// A file that was made: its name as it is, for another program to open.
    pub(super) fn file(&mut self, file: &Path) {
        if self.out_is_terminal {
            return self.result(&file.display().to_string());
        }
        let name = file.as_os_str().as_encoded_bytes();
        let written = self.out.write_all(name).and_then(|()| self.out.write_all(b"\n"));
        if let Err(error) = written.and_then(|()| self.out.flush()) {
            self.unsaid.get_or_insert(error);
        }
    }

    /// Why the results are not all with whoever called the program. One who listens no longer has
    /// heard enough.
    pub(super) fn unsaid(&mut self) -> Option<Failure> {
        let error = self
            .unsaid
            .take()
            .filter(|error| error.kind() != ErrorKind::BrokenPipe)?;
        Some(Failure::failed(format!(
            "the results could not be written to standard output ({error})"
        )))
    }

    /// Something worth knowing; one line.
    pub(super) fn say(&mut self, line: &str) {
        self.clear();
        let _ = writeln!(self.err, "{}", harmless(line, false));
    }

    /// What was made of what the user gave.
    pub(super) fn remark(&mut self, remark: &str) {
        if self.json {
            self.event(&json!({ "event": "remark", "message": remark }));
        } else {
            self.say(remark);
        }
    }

    /// What a long piece of work says.
    pub(super) fn note(&mut self, note: Note<'_>) {
        match note {
            Note::Remark(line) => self.say(line),
            Note::Result(line) => self.result(line),
        }
    }

    /// The updating line; nothing where lines cannot be updated.
    pub(super) fn update(&mut self, line: &str) {
        if self.live && !self.json {
            let line = harmless(line, false);
            let width = line.chars().count();
            let pad = self.covered.saturating_sub(width);
            let _ = write!(self.err, "\r{line}{:pad$}", "");
            let _ = self.err.flush();
            self.covered = width;
        }
    }

    pub(super) fn clear(&mut self) {
        if self.covered > 0 {
            let _ = write!(self.err, "\r{:1$}\r", "", self.covered);
            self.covered = 0;
        }
    }

    pub(super) fn event(&mut self, event: &Value) {
        let _ = writeln!(self.err, "{}", harmless(&event.to_string(), true));
    }

    pub(super) fn loaded(&mut self, model: &str, seconds: f64, profile: &Profile) {
        if self.json {
            self.event(&json!({
                "event": "loaded", "model": model, "seconds": seconds, "device": profile.device,
                "remark": profile.remark,
            }));
            return;
        }
        if let Some(why) = &profile.remark {
            self.say(&format!("drawing on the CPU: {why}"));
        }
        self.update(&format!("{model} loaded in {seconds:.1} s"));
    }

    fn at(&self, tally: &Tally) -> String {
        format!("row {}/{} · {}", self.row, self.rows, tally_words(tally))
    }

    pub(super) fn progress(&mut self, progress: &Progress, turn: usize) {
        let event = match progress {
            Progress::Started {
                grid,
                panel,
                sampling,
                lookahead,
                rows_forced,
                to_draw,
                reading,
            } => {
                (self.row, self.rows) = (0, grid.rows);
                if let Some(reading) = reading.as_ref().filter(|_| !self.json) {
                    self.say(&reading_words(reading));
                }
                json!({
                    "event": "started", "rows": grid.rows, "columns": grid.columns,
                    "width": panel.width, "height": panel.height, "rows_forced": rows_forced,
                    "codes": to_draw.iter().sum::<u32>(),
                    "window": lookahead, "cfg": sampling.cfg, "top_k": sampling.top_k,
                    "temperature": sampling.temperature, "top_n_sigma": sampling.top_n_sigma,
                    "tokens": 0, "forwards": 0, "seconds": 0.0,
                    "reading": reading,
                })
            }
            Progress::Row {
                candidate,
                row,
                tally,
                ..
            } => {
                self.row = row + 1;
                self.update(&self.at(tally));
                json!({
                    "event": "row", "candidate": candidate, "row": row, "rows": self.rows,
                    "tokens": tally.tokens, "forwards": tally.forwards, "seconds": tally.seconds,
                    "score": tally.score(),
                })
            }
            Progress::Ahead { candidate, tally, .. } => {
                self.update(&self.at(tally));
                json!({
                    "event": "ahead", "candidate": candidate, "tokens": tally.tokens,
                    "forwards": tally.forwards, "seconds": tally.seconds,
                })
            }
            Progress::Paused => json!({ "event": "paused" }),
            Progress::Resumed => json!({ "event": "resumed" }),
            Progress::Decoding => {
                self.update("decoding the picture");
                json!({ "event": "decoding" })
            }
        };
        if self.json {
            self.event(&with_turn(event, turn));
        }
    }

    /// The row that was told last has the picture score as few right ones do.
    pub(super) fn may_go_wrong(&mut self, turn: usize) {
        let (row, rows) = (self.row, self.rows);
        if self.json {
            let event = json!({ "event": "may_go_wrong", "row": row.saturating_sub(1), "rows": rows });
            self.event(&with_turn(event, turn));
        } else {
            self.say(&format!(
                "hint: after {row} of {rows} rows this picture is less likely than right ones are: it may go wrong (Ctrl-C stops it and keeps the rows)"
            ));
        }
    }

    /// A picture that is done and saved.
    pub(super) fn finished(&mut self, picture: &Picture, file: &Path, turn: usize) {
        if self.json {
            let event = with_turn(ended("finished", picture, Some(file)), turn);
            self.event(&event);
            self.result(&event.to_string());
        } else {
            let score = picture.score.map(|score| format!(" · score {score:.2}"));
            let seam = picture.seam.map(|seam| format!(" · seam {seam:.2}"));
            self.say(&format!(
                "seed {} · {}{}{}",
                picture.seed,
                tally_words(&picture.tally),
                score.unwrap_or_default(),
                seam.unwrap_or_default()
            ));
            self.file(file);
        }
    }

    /// A picture that was stopped and whose rows are saved.
    pub(super) fn kept(&mut self, picture: &Picture, file: &Path) {
        let rows = picture.codes.len() / (picture.grid.columns as usize).max(1);
        if self.json {
            self.event(&ended("cancelled", picture, Some(file)));
        } else {
            self.say(&format!(
                "cancelled: the {rows} of {} rows drawn so far are in {} (finish it with `lumina-studio resume`)",
                picture.grid.rows,
                file.display()
            ));
        }
    }

    /// A picture that could not be written where it should be, and is elsewhere.
    pub(super) fn rescued(&mut self, failure: &Failure, file: &Path) {
        let (message, file) = (one_line(&failure.message), file.display().to_string());
        if self.json {
            self.event(&json!({ "event": "rescued", "message": message, "file": file }));
        } else {
            self.say(&format!(
                "lumina-studio: {message}; the picture is in {file} instead"
            ));
        }
    }

    /// Stopped before more was drawn than a file has already.
    pub(super) fn nothing_new(&mut self) {
        if self.json {
            self.event(&json!({ "event": "cancelled", "file": null }));
        } else {
            self.say("cancelled: no further row was drawn, the stopped picture is as it was");
        }
    }

    /// Stopped before there was anything to keep.
    pub(super) fn cancelled(&mut self) {
        if self.json {
            self.event(&json!({ "event": "cancelled", "file": null }));
        } else {
            self.say("cancelled: no row was drawn, nothing is saved");
        }
    }

    pub(super) fn failed(&mut self, failure: &Failure) {
        let message = one_line(&failure.message);
        if self.json {
            let usage = failure.fault == Fault::Usage;
            self.event(&json!({ "event": "failed", "message": message, "usage": usage }));
        } else {
            self.say(&format!("lumina-studio: {message}"));
        }
    }
}

/// The text with what a terminal obeys, or turns about, written out: `\u{1b}`, in JSON `\u001b`.
pub(super) fn harmless(text: &str, is_json: bool) -> Cow<'_, str> {
    let obeyed = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (c.is_control() && !matches!(c, '\n' | '\t')) || turns
    };
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match (obeyed(c), is_json) {
            (false, _) => written.push(c),
            (true, true) => written += &format!("\\u{:04x}", u32::from(c)),
            (true, false) => written.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(written)
}

/// One reason, one line, whatever a library put into it: a backtrace is none.
fn one_line(message: &str) -> String {
    let is_frame = |line: &&str| {
        let number = line.trim_start().split(':').next().unwrap_or_default();
        line.starts_with(' ') && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
    };
    let reason = message.lines().take_while(|line| !is_frame(line));
    reason
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}

fn with_turn(mut event: Value, turn: usize) -> Value {
    event["turn"] = json!(turn + 1);
    event
}

fn ended(event: &str, picture: &Picture, file: Option<&Path>) -> Value {
    json!({
        "event": event, "file": file.map(|file| file.display().to_string()),
        "seed": picture.seed, "score": picture.score, "seam": picture.seam, "window": picture.lookahead,
        "rows": picture.codes.len() / (picture.grid.columns as usize).max(1),
        "tokens": picture.tally.tokens, "forwards": picture.tally.forwards,
        "seconds": picture.tally.seconds,
    })
}

/// `drawing: a dog in a meadow; not known: playing`.
fn reading_words(reading: &Reading) -> String {
    let what = if reading.is_near {
        "drawing something near"
    } else {
        "drawing"
    };
    match reading.unknown.is_empty() {
        true => format!("{what}: {}", reading.caption),
        false => format!(
            "{what}: {}; not known: {}",
            reading.caption,
            reading.unknown.join(", ")
        ),
    }
}

fn tally_words(tally: &Tally) -> String {
    format!(
        "{} codes in {} forwards · {:.1} s",
        tally.tokens, tally.forwards, tally.seconds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_nothing_to_obey() {
        assert_eq!(harmless("a\tb\nein Bär, 熊", false), "a\tb\nein Bär, 熊");
        assert_eq!(
            harmless("a\u{1b}[2Jb\u{7}\u{9b}", false),
            "a\\u{1b}[2Jb\\u{7}\\u{9b}"
        );
        let json = json!({ "prompt": "a\u{1b}\u{9b}\u{7f}\u{202e}b" }).to_string();
        let written = harmless(&json, true);
        assert!(
            written.is_ascii() && !written.contains(char::is_control),
            "{written}"
        );
        let read: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read["prompt"], "a\u{1b}\u{9b}\u{7f}\u{202e}b");
    }

    #[test]
    fn a_reason_is_one_line_without_a_backtrace() {
        let message =
            "the file is cut\n   short\n   0: candle_core::error::Error::bt\n  12: main\n      at x.rs:1";
        assert_eq!(one_line(message), "the file is cut short");
        assert_eq!(one_line("sizes:\n3: one"), "sizes: 3: one");
    }
}
