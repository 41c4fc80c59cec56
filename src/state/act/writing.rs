//! What is done about writers: one is asked, its words are shown, taken, drawn.

use super::super::action::{DraftAction, Setting, WriterAnswer, WritingAction};
use super::super::draft::Tab;
use super::super::effect::{Effect, WriterEffect};
use super::super::notice::Tone;
use super::super::studio::Studio;
use super::super::writing::{Asking, Then};
use crate::task::{Failure, Rewritten};

impl Studio {
    /// Whether there are words of the user's own that a writer can be asked about. An instruction for a masked edit
    /// says what to draw as a prompt does.
    pub fn can_be_rewritten(&self) -> bool {
        let has_words = !self.draft.words().trim().is_empty();
        has_words && self.draft.tab != Tab::Predict && self.writing.asking.is_none()
    }

    pub(in super::super) fn act_on_writing(&mut self, action: WritingAction) -> Vec<Effect> {
        match action {
            WritingAction::Look => return vec![Effect::Writer(WriterEffect::Look)],
            WritingAction::Choose(choice) => self.preferences.writer = choice,
            WritingAction::BeforeEvery(on) => self.preferences.write_first = on,
            WritingAction::Ask if self.can_be_rewritten() => return self.ask_writer(Then::Show),
            WritingAction::Ask => {}
            WritingAction::Stop => return self.stop_asking(),
            WritingAction::Edit(text) => {
                if let Some(shown) = &mut self.writing.shown {
                    shown.prompt = text;
                }
            }
            WritingAction::Take => {
                if let Some(shown) = self
                    .writing
                    .shown
                    .take()
                    .filter(|shown| !shown.prompt.trim().is_empty())
                {
                    return self.take_written(shown);
                }
            }
            WritingAction::Leave => (self.writing.shown, self.writing.remark) = (None, None),
            WritingAction::Back => {
                if let Some(written) = self.draft.written().cloned() {
                    return self.act(DraftAction::Set(Setting::Words(written.own)));
                }
            }
            WritingAction::TypeUrl(url) => (self.writing.url, self.writing.said) = (url, None),
            WritingAction::KeepKey(url, key) => {
                self.writing.said = None;
                return vec![Effect::Writer(WriterEffect::KeepKey(url, key))];
            }
        }
        Vec::new()
    }

    fn ask_writer(&mut self, then: Then) -> Vec<Effect> {
        let (own, choice) = (
            self.draft.words().trim().to_owned(),
            self.preferences.writer.clone(),
        );
        self.writing.asking = Some(Asking {
            own: own.clone(),
            by: choice.title(),
            then,
        });
        (self.writing.shown, self.writing.remark) = (None, None);
        vec![Effect::Writer(WriterEffect::Ask { choice, own })]
    }

    /// A picture is asked for: where that is wished, the writer is asked first. `None`: it is drawn as it is.
    pub(in super::super) fn write_first(&mut self) -> Option<Vec<Effect>> {
        if !self.preferences.write_first
            || self.draft.words().trim().is_empty()
            || self.draft.tab == Tab::Predict
        {
            return None;
        }
        if self.writing.asking.is_some() {
            // The first press still waits: the second one waits no longer.
            return Some(self.stop_asking());
        }
        // What was rewritten is not rewritten again.
        (self.draft.written().is_none()).then(|| self.ask_writer(Then::Draw))
    }

    fn stop_asking(&mut self) -> Vec<Effect> {
        let Some(asking) = self.writing.asking.take() else {
            return Vec::new();
        };
        let mut effects = vec![Effect::Writer(WriterEffect::Stop)];
        if asking.then == Then::Draw {
            effects.extend(self.draw());
        }
        effects
    }

    /// The shown words become the prompt; Undo brings the own ones back.
    fn take_written(&mut self, rewritten: Rewritten) -> Vec<Effect> {
        let effects = self.act(DraftAction::Set(Setting::Words(rewritten.prompt)));
        self.draft.written = Some(rewritten.written);
        effects
    }

    pub(in super::super) fn take_in_writer_answer(&mut self, answer: WriterAnswer) -> Vec<Effect> {
        match answer {
            WriterAnswer::Found(found) => self.writing.found = Some(found),
            WriterAnswer::KeyKept(done) => {
                self.writing.said = Some(match done {
                    Ok(()) => "The key is in the system's keyring.".to_owned(),
                    Err(failure) => failure.message,
                });
            }
            WriterAnswer::Written(done) => return self.written(*done),
        }
        Vec::new()
    }

    fn written(&mut self, done: Result<Rewritten, Failure>) -> Vec<Effect> {
        // An answer that nobody waits for any more is none.
        let Some(asking) = self.writing.asking.take() else {
            return Vec::new();
        };
        let is_the_same = self.draft.words().trim() == asking.own;
        match (done, asking.then) {
            (Ok(rewritten), Then::Show) if rewritten.prompt.trim() == asking.own => {
                self.writing.remark = Some(format!("{} would change nothing of it.", sentence(&asking.by)));
                Vec::new()
            }
            (Ok(rewritten), Then::Show) => {
                self.writing.shown = Some(rewritten);
                Vec::new()
            }
            (Err(failure), Then::Show) => {
                self.writing.remark = Some(failure.message);
                Vec::new()
            }
            (Ok(rewritten), Then::Draw) if is_the_same => {
                let mut effects = self.take_written(rewritten);
                effects.extend(self.draw());
                effects
            }
            // The words were changed meanwhile: the newer ones are what the user wants.
            (Ok(_), Then::Draw) => self.draw(),
            (Err(failure), Then::Draw) => {
                let effects = self.draw();
                self.notify(
                    Tone::Info,
                    "Drawn from your own words",
                    &failure.message,
                    "Choose another writer beside the prompt, or none before every picture.",
                );
                effects
            }
        }
    }
}

/// The same with a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Effect, RunAction, UndoAction};
    use crate::task::{Report, ScenePlan, Task, WriterChoice, Written};

    fn ready() -> Studio {
        let mut studio = Studio::default();
        studio.apply(&Report::Loaded {
            model: "starter".to_owned(),
            seconds: 0.1,
            profile: crate::task::Profile::default(),
        });
        studio
    }

    fn typed(words: &str) -> Studio {
        let mut studio = ready();
        studio.act(DraftAction::Set(Setting::Words(words.to_owned())));
        studio
    }

    fn rewritten(own: &str, prompt: &str) -> Rewritten {
        Rewritten {
            prompt: prompt.to_owned(),
            written: Written {
                own: own.to_owned(),
                by: "qwen3".to_owned(),
                scene: Some(ScenePlan::default()),
            },
            repaired: false,
            seconds: 0.5,
        }
    }

    fn answer(studio: &mut Studio, done: Result<Rewritten, Failure>) -> Vec<Effect> {
        studio.act(crate::state::Answer::Writer(WriterAnswer::Written(Box::new(
            done,
        ))))
    }

    fn tasks(effects: &[Effect]) -> Vec<&Task> {
        let submitted = effects.iter().filter_map(|effect| match effect {
            Effect::Submit(task) => Some(task.as_ref()),
            _ => None,
        });
        submitted.collect()
    }

    #[test]
    fn shown_words_are_taken_edited_drawn_and_undone() {
        let mut studio = typed("a dog");
        let effects = studio.act(WritingAction::Ask);
        let asked = WriterEffect::Ask {
            choice: WriterChoice::BuiltIn,
            own: "a dog".to_owned(),
        };
        assert_eq!(effects, [Effect::Writer(asked)]);
        assert!(!studio.can_be_rewritten(), "one question at a time");
        answer(&mut studio, Ok(rewritten("a dog", "a brown dog in a meadow")));
        assert_eq!(studio.draft.words(), "a dog", "nothing is changed by itself");
        studio.act(WritingAction::Edit("a brown dog on a beach".to_owned()));
        studio.act(WritingAction::Take);
        assert_eq!(studio.draft.words(), "a brown dog on a beach");
        let effects = studio.act(RunAction::Draw);
        let task = tasks(&effects)[0];
        assert_eq!(task.prompt, "a brown dog on a beach");
        assert_eq!(
            task.written.as_ref().map(|written| written.own.as_str()),
            Some("a dog")
        );
        studio.act(UndoAction::Undo);
        assert_eq!((studio.draft.words(), studio.draft.written()), ("a dog", None));
        // Done again it is a rewritten prompt again.
        studio.act(UndoAction::Redo);
        assert!(studio.draft.written().is_some());
        studio.act(WritingAction::Back);
        assert_eq!((studio.draft.words(), studio.draft.written()), ("a dog", None));
    }

    #[test]
    fn where_it_is_wished_every_picture_is_rewritten_first() {
        let mut studio = typed("a dog");
        studio.act(WritingAction::BeforeEvery(true));
        let effects = studio.act(RunAction::Draw);
        assert!(tasks(&effects).is_empty() && studio.writing.asking.is_some());
        let effects = answer(&mut studio, Ok(rewritten("a dog", "a brown dog")));
        assert_eq!(tasks(&effects)[0].prompt, "a brown dog");
        assert_eq!(
            tasks(&effects)[0].written.as_ref().map(|w| w.own.as_str()),
            Some("a dog")
        );
    }

    #[test]
    fn a_writer_that_fails_costs_no_picture_and_says_so() {
        let mut studio = typed("a dog");
        studio.act(WritingAction::BeforeEvery(true));
        studio.act(RunAction::Draw);
        let effects = answer(&mut studio, Err(Failure::failed("it did not answer within 20 s")));
        let task = tasks(&effects)[0];
        assert_eq!((task.prompt.as_str(), &task.written), ("a dog", &None));
        let notice = studio.notices.last().expect("a word");
        assert_eq!(notice.title, "Drawn from your own words");
        assert!(notice.reason.contains("20 s"));
    }

    #[test]
    fn a_second_press_waits_no_longer() {
        let mut studio = typed("a dog");
        studio.act(WritingAction::BeforeEvery(true));
        studio.act(RunAction::Draw);
        let effects = studio.act(RunAction::Draw);
        assert!(effects.contains(&Effect::Writer(WriterEffect::Stop)));
        assert_eq!(tasks(&effects)[0].prompt, "a dog");
        // What comes too late changes nothing.
        assert_eq!(answer(&mut studio, Ok(rewritten("a dog", "a brown dog"))), []);
        assert_eq!(studio.draft.words(), "a dog");
    }

    #[test]
    fn words_typed_meanwhile_are_what_is_drawn() {
        let mut studio = typed("a dog");
        studio.act(WritingAction::BeforeEvery(true));
        studio.act(RunAction::Draw);
        studio.act(DraftAction::Set(Setting::Words("a cat".to_owned())));
        let effects = answer(&mut studio, Ok(rewritten("a dog", "a brown dog")));
        assert_eq!(tasks(&effects)[0].prompt, "a cat");
    }

    #[test]
    fn new_words_are_the_users_own() {
        let mut studio = typed("a dog");
        studio.act(WritingAction::Ask);
        answer(&mut studio, Ok(rewritten("a dog", "a brown dog")));
        studio.act(WritingAction::Take);
        for words in ["", "two castles"] {
            studio.act(DraftAction::Set(Setting::Words(words.to_owned())));
        }
        assert_eq!(studio.draft.written(), None);
    }

    #[test]
    fn a_key_is_written_nowhere() {
        let action = WritingAction::KeepKey(
            "http://localhost".to_owned(),
            crate::state::Secret {
                text: "sk-1".to_owned(),
            },
        );
        let said = format!("{action:?} {}", serde_json::to_string(&action).expect("JSON"));
        assert!(!said.contains("sk-1"), "{said}");
    }
}
