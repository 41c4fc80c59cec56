//! What went wrong, kept for the page that shows it.

use super::Studio;
use crate::task::Cause;

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

/// What to do about a background job that could not be done: what it is due to decides, and where
/// that is not known, what the job was.
pub(super) fn remedy(what: &str, cause: Cause) -> &'static str {
    match cause {
        Cause::Missing => "It may have been moved, renamed or deleted: open it from where it is now.",
        Cause::Denied => "You may not read or write it: change who may, or use a folder of your own.",
        Cause::Full => "Make room on the disk, or choose another one.",
        Cause::Folder => "Open a picture in it.",
        Cause::OtherKind => {
            "It is another kind of file, whatever its name says: open a picture (PNG, JPEG, WebP, TIFF, GIF or BMP)."
        }
        Cause::Damaged => "The file is damaged or not whole: copy or download it again.",
        Cause::TooLarge => "Make it smaller with another program, then open it again.",
        Cause::Memory => "Close other programs, or see on the models page what needs less memory.",
        Cause::Unknown => remedy_by_job(what),
    }
}

fn remedy_by_job(what: &str) -> &'static str {
    match what {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Answer;
    use crate::task::Failure;

    #[test]
    fn what_is_advised_follows_from_the_cause() {
        let advice = |cause| {
            let mut studio = Studio::default();
            let failure = Failure::failed("text.png: no").because(cause);
            studio.act(Answer::Failed("The picture cannot be read".into(), failure));
            assert_eq!(studio.mishaps[0].remedy, studio.notices[0].remedy);
            studio.notices[0].remedy.clone()
        };
        assert!(advice(Cause::OtherKind).contains("another kind of file"));
        assert!(advice(Cause::Missing).contains("moved, renamed or deleted"));
        assert!(advice(Cause::Damaged).contains("damaged"));
        assert!(advice(Cause::TooLarge).contains("smaller"));
        assert!(advice(Cause::Denied).contains("You may not"));
        assert_eq!(advice(Cause::Unknown), "");
        assert!(remedy("Nothing can be remembered", Cause::Unknown).contains("tried again"));
    }
}
