//! What went wrong, kept for the page that shows it.

use super::Studio;

/// Mishaps that are kept.
const KEPT: usize = 50;

/// Something that went wrong: what happened, why, what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Mishap {
    pub title: String,
    pub reason: String,
    pub remedy: String,
    /// How often it happened without anything else in between.
    pub times: u32,
    /// When it happened last, in words; `None` until the window, which has the clock, has said.
    pub at: Option<String>,
}

/// Work in the background that broke off by a fault of this program.
pub const BROKE_OFF: &str = "Something in the background broke off";

/// What to do about a background job that could not be done.
pub(super) fn remedy(what: &str) -> &'static str {
    match what {
        "The picture cannot be read" => {
            "It may have been moved, renamed or deleted: open it from where it is now."
        }
        "The rows cannot be stored as they come" => {
            "The picture goes on and its rows stay here; they are stored as soon as there is room on the disk."
        }
        "The window's state could not be stored" => {
            "It is tried again every few seconds: make room on the disk, or check who may write there."
        }
        "Nothing can be remembered" => {
            "Pictures can be drawn and saved; it is tried again every few seconds."
        }
        "The graphics device was lost" | "The window broke off and was opened anew" => {
            "The window was opened anew, nothing is lost. If it happens again, update the graphics driver."
        }
        "The graphics driver reported an error" => {
            "The picture itself is not touched by it. If the window looks wrong, close it and open it again."
        }
        BROKE_OFF => {
            "The window goes on, and everything is saved as before. If it happens again with the same file, leave that one out."
        }
        _ => "",
    }
}

impl Studio {
    pub(super) fn note(&mut self, title: &str, reason: &str, remedy: &str) {
        if let Some(last) = self.mishaps.first_mut()
            && (last.title.as_str(), last.reason.as_str()) == (title, reason)
        {
            last.times += 1;
            last.at = None;
            return;
        }
        self.mishaps.insert(
            0,
            Mishap {
                title: title.to_owned(),
                reason: reason.to_owned(),
                remedy: remedy.to_owned(),
                times: 1,
                at: None,
            },
        );
        self.mishaps.truncate(KEPT);
    }

    /// Says when the mishaps happened that are new.
    pub fn stamp_mishaps(&mut self, now: impl Fn() -> String) {
        for mishap in self.mishaps.iter_mut().filter(|mishap| mishap.at.is_none()) {
            mishap.at = Some(now());
        }
    }
}
