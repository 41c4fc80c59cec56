//! Takes out of a recording what belongs to the machine and the hour it was made on.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// Stands for the folder of the window's files.
const HOME: &str = "/home/user/lumina";
/// Stands for the day of the recording.
const DAY: &str = "2026-01-31";
/// What a forward takes.
const SECONDS_PER_FORWARD: f64 = 0.1;
/// What everything else takes.
const SECONDS: f64 = 0.25;

/// Names of the machine and what stands for them.
pub struct Machine {
    home: String,
    day: String,
    /// Pictures in the order they were first named: their files begin with the time of day.
    pictures: Vec<PathBuf>,
}

impl Machine {
    /// `day` as the window says it, `YYYY-MM-DD`.
    pub fn new(home: &Path, day: &str) -> Self {
        Self {
            home: home.to_string_lossy().into_owned(),
            day: day.to_owned(),
            pictures: Vec::new(),
        }
    }

    pub fn take_out(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.neutral(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.take_out(value)),
            Value::Object(fields) => {
                let forwards = fields.get("forwards").and_then(Value::as_f64);
                if let Some(seconds) = fields.get_mut("seconds") {
                    let tenths = forwards.map(|forwards| forwards * SECONDS_PER_FORWARD * 10.0);
                    *seconds = tenths.map_or(SECONDS, |tenths| tenths.round() / 10.0).into();
                }
                fields.values_mut().for_each(|value| self.take_out(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn neutral(&mut self, text: &str) -> String {
        let text = text.replace(&self.home, HOME).replace(&self.day, DAY);
        let Some((folder, file)) = text.rsplit_once('/') else {
            return text;
        };
        let (time, name) = file.split_at_checked(6).unwrap_or(("", file));
        if !folder.ends_with(DAY) || time.is_empty() || !time.bytes().all(|digit| digit.is_ascii_digit()) {
            return text;
        }
        let path = PathBuf::from(&text);
        let known = self.pictures.iter().position(|picture| *picture == path);
        let minute = known.unwrap_or_else(|| {
            self.pictures.push(path);
            self.pictures.len() - 1
        });
        format!("{folder}/12{minute:02}00{name}")
    }
}
