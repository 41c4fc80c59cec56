//! Days and times of day as people and folders count them: local ones.

use chrono::{Datelike, Local, Timelike};

/// A second in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

impl Moment {
    /// Now, on this system's clock and in its time zone.
    pub fn now() -> Self {
        let now = Local::now();
        Self {
            year: now.year(),
            month: now.month(),
            day: now.day(),
            hour: now.hour(),
            minute: now.minute(),
            second: now.second(),
        }
    }

    /// `YYYY-MM-DD`.
    pub fn day(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `YYYY-MM-DD HH:MM:SS`, for people.
    pub fn in_words(&self) -> String {
        format!(
            "{} {:02}:{:02}:{:02}",
            self.day(),
            self.hour,
            self.minute,
            self.second
        )
    }

    /// `HHMMSS`.
    pub(super) fn time(&self) -> String {
        format!("{:02}{:02}{:02}", self.hour, self.minute, self.second)
    }
}

/// Whether a folder's name is a day, `YYYY-MM-DD`.
pub(super) fn is_day(name: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    name.len() == 10 && name.bytes().enumerate().all(shape)
}
