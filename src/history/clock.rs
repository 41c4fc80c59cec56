//! Days and times of day as people and folders count them: local ones.

use chrono::{Datelike, Local, NaiveDate, Timelike, Weekday};

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

/// A day, `YYYY-MM-DD`, as people say it on the day `today`.
pub fn day_in_words(day: &str, today: &str) -> String {
    let (Some(then), Some(now)) = (date(day), date(today)) else {
        return day.to_owned();
    };
    if then == now {
        return "Today".to_owned();
    }
    if then.succ_opt() == Some(now) {
        return "Yesterday".to_owned();
    }
    let weekday = match then.weekday() {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    };
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = MONTHS[then.month0() as usize % 12];
    if then.year() == now.year() {
        return format!("{weekday} {} {month}", then.day());
    }
    format!("{weekday} {} {month} {}", then.day(), then.year())
}

fn date(day: &str) -> Option<NaiveDate> {
    let mut parts = day.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    NaiveDate::from_ymd_opt(year, month, parts.next()?.parse().ok()?)
}

/// Whether a folder's name is a day, `YYYY-MM-DD`.
pub(super) fn is_day(name: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    name.len() == 10 && name.bytes().enumerate().all(shape)
}
