//! What the command line says: results on stdout, everything else on stderr.
//!
//! With `--json` both carry one object per line; the `finished` lines stand on both, for they are
//! events and results. A closed pipe is no reason to lose a picture: write errors are ignored.

use crate::engine_room::Note;
use crate::task::{Failure, Fault, Picture, Profile, Progress, Reading, Tally};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

pub(super) struct Console<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) err: &'a mut dyn Write,
    pub(super) json: bool,
    /// Whether stderr is a terminal, where one line can be written over and over.
    pub(super) live: bool,
    /// Rows of the picture under way.
    pub(super) rows: u32,
    /// Those of them that are decided.
    pub(super) row: u32,
    /// Columns covered by the updating line.
    pub(super) covered: usize,
}

impl Console<'_> {
    /// A result, for whoever called the program.
    pub(super) fn result(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
        let _ = self.out.flush();
    }

    /// Something worth knowing; one line.
    pub(super) fn say(&mut self, line: &str) {
        self.clear();
        let _ = writeln!(self.err, "{line}");
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
            let width = line.chars().count();
            let pad = self.covered.saturating_sub(width);
            let _ = write!(self.err, "\r{line}{:pad$}", "");
            let _ = self.err.flush();
            self.covered = width;
        }
    }

    fn clear(&mut self) {
        if self.covered > 0 {
            let _ = write!(self.err, "\r{:1$}\r", "", self.covered);
            self.covered = 0;
        }
    }

    fn event(&mut self, event: &Value) {
        let _ = writeln!(self.err, "{event}");
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

    /// A picture that is done and saved.
    pub(super) fn finished(&mut self, picture: &Picture, file: &Path, turn: usize) {
        let shown = file.display().to_string();
        if self.json {
            let event = with_turn(ended("finished", picture, Some(file)), turn);
            self.event(&event);
            self.result(&event.to_string());
        } else {
            let score = picture.score.map(|score| format!(" · score {score:.2}"));
            self.say(&format!(
                "seed {} · {}{}",
                picture.seed,
                tally_words(&picture.tally),
                score.unwrap_or_default()
            ));
            self.result(&shown);
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
        "seed": picture.seed, "score": picture.score, "window": picture.lookahead,
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
    fn a_reason_is_one_line_without_a_backtrace() {
        let message =
            "the file is cut\n   short\n   0: candle_core::error::Error::bt\n  12: main\n      at x.rs:1";
        assert_eq!(one_line(message), "the file is cut short");
        assert_eq!(one_line("sizes:\n3: one"), "sizes: 3: one");
    }
}
