//! A task as the window keeps it: with its pictures by name, so that it can be stored.

use super::photo::Photo;
use crate::pixels::{MaskRuns, Size};
use crate::task::{Audition, Doubt, Mode, SamplingChoice, Story, Task, Wording, Written};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Everything a [`Task`] needs, storable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub mode: Mode,
    pub prompt: String,
    #[serde(default)]
    pub wording: Wording,
    pub size: Option<Size>,
    #[serde(flatten)]
    pub sampling: SamplingChoice,
    pub seed: u64,
    pub candidates: usize,
    pub source: Option<Photo>,
    pub mask: Option<MaskRuns>,
    pub feather: u32,
    pub force: bool,
    /// Codes of a picture that was begun.
    pub resume: Option<Vec<u32>>,
    #[serde(default, skip_serializing_if = "Doubt::is_empty")]
    pub doubt: Doubt,
    #[serde(default, skip_serializing_if = "Story::is_empty")]
    pub story: Story,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audition: Option<Audition>,
    /// Where the prompt comes from when it is not the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
    /// The kept part that this finishes: its file becomes the finished picture's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PathBuf>,
}

impl Request {
    pub fn task(&self) -> Task {
        Task {
            mode: self.mode.clone(),
            prompt: self.prompt.clone(),
            wording: self.wording.clone(),
            size: self.size,
            sampling: self.sampling,
            seed: self.seed,
            candidates: self.candidates,
            source: self.source.as_ref().map(|photo| Arc::clone(&photo.pixels)),
            mask: self.mask.as_ref().and_then(MaskRuns::mask).map(Arc::new),
            feather: self.feather,
            force: self.force,
            resume: self.resume.clone(),
            doubt: self.doubt.clone(),
            story: self.story.clone(),
            audition: self.audition,
            written: self.written.clone(),
        }
    }

    /// The request that makes `task`; its picture gets a name.
    pub fn of(task: &Task) -> Self {
        Self {
            mode: task.mode.clone(),
            prompt: task.prompt.clone(),
            wording: task.wording.clone(),
            size: task.size,
            sampling: task.sampling,
            seed: task.seed,
            candidates: task.candidates,
            source: task
                .source
                .as_ref()
                .map(|pixels| Photo::new("source", Arc::clone(pixels))),
            mask: task.mask.as_deref().map(MaskRuns::of),
            feather: task.feather,
            force: task.force,
            resume: task.resume.clone(),
            doubt: task.doubt.clone(),
            story: task.story.clone(),
            audition: task.audition,
            written: task.written.clone(),
            replaces: None,
        }
    }

    /// What it is called where there is room for a line.
    pub fn title(&self) -> &str {
        let prompt = self.prompt.trim();
        match (&self.mode, prompt.is_empty()) {
            (_, false) => prompt,
            (Mode::Edit, true) => "redraw the masked part",
            (Mode::Predict { map }, true) => map.name(),
            (mode, true) => mode.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Mask, Pixels};

    #[test]
    fn a_task_survives_being_stored() {
        let size = Size::new(4, 3);
        let mut task = Task::new(Mode::Edit, "a hat");
        task.source = Some(Arc::new(Pixels::filled(size, [7; 3])));
        task.mask = Mask::new(size, vec![0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 255]).map(Arc::new);
        (task.seed, task.feather, task.sampling.cfg) = (9, 2, Some(1.5));
        let mut request = Request::of(&task);
        assert_eq!(request.task(), task);
        let text = serde_json::to_string(&request).expect("JSON");
        let mut again: Request = serde_json::from_str(&text).expect("a request");
        again.source = request.source.take();
        assert_eq!(again.task(), task);
    }
}
