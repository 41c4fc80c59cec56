//! The user's words rewritten before they are drawn: who is asked, what came, what became of it.

use super::action::{DraftAction, Setting, WriterAnswer, WritingAction};
use super::draft::{Draft, Tab};
use super::effect::{Effect, WriterEffect};
use super::notice::Tone;
use super::studio::Studio;
use crate::task::{FoundWriter, Rewritten, WriterChoice, Written};

/// What becomes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is shown beside the own words.
    Show,
    /// It is drawn.
    Draw,
}

/// A question to a writer that is not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    pub own: String,
    pub by: String,
    pub then: Then,
}

/// What the window knows of writers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Writing {
    /// `None` before the first look.
    pub found: Option<Vec<FoundWriter>>,
    pub asking: Option<Asking>,
    /// What is shown beside the own words.
    pub shown: Option<Rewritten>,
    /// Why there is nothing to show.
    pub remark: Option<String>,
    /// The address that is typed.
    pub url: String,
    /// What became of the key.
    pub said: Option<String>,
}

impl Draft {
    /// Where the prompt comes from, if a writer made it of other words.
    pub fn written(&self) -> Option<&Written> {
        let written = self.written.as_ref()?;
        (self.tab != Tab::Predict && written.own.trim() != self.words().trim()).then_some(written)
    }
}

impl Studio {
    /// Whether there are words of the user's own that a writer can be asked about. An instruction for a masked edit
    /// says what to draw as a prompt does.
    pub fn can_be_rewritten(&self) -> bool {
        let has_words = !self.draft.words().trim().is_empty();
        has_words && self.draft.tab != Tab::Predict && self.writing.asking.is_none()
    }

    pub(super) fn act_on_writing(&mut self, action: WritingAction) -> Vec<Effect> {
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
    pub(super) fn write_first(&mut self) -> Option<Vec<Effect>> {
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

    pub(super) fn take_in_writer_answer(&mut self, answer: WriterAnswer) -> Vec<Effect> {
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

    fn written(&mut self, done: Result<Rewritten, crate::task::Failure>) -> Vec<Effect> {
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

/// Words, and whether each is in one of two texts only.
type Marked<'a> = Vec<(&'a str, bool)>;

/// Two texts word by word: which words of the second are not in the first, in its order, and which of the first are
/// gone. By their longest common sequence of words; case and commas do not count.
pub fn changed_words<'a>(before: &'a str, after: &'a str) -> (Marked<'a>, Marked<'a>) {
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let (old, new): (Vec<&str>, Vec<&str>) = (
        before.split_whitespace().take(MOST_WORDS).collect(),
        after.split_whitespace().take(MOST_WORDS).collect(),
    );
    let (was, is): (Vec<String>, Vec<String>) = (
        old.iter().map(|w| plain(w)).collect(),
        new.iter().map(|w| plain(w)).collect(),
    );
    let wide = is.len() + 1;
    // Length of the longest common sequence of the words behind each pair.
    let mut common = vec![0_u32; (was.len() + 1) * wide];
    for i in (0..was.len()).rev() {
        for j in (0..is.len()).rev() {
            common[i * wide + j] = match was[i] == is[j] {
                true => common[(i + 1) * wide + j + 1] + 1,
                false => common[(i + 1) * wide + j].max(common[i * wide + j + 1]),
            };
        }
    }
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < was.len() || j < is.len() {
        if i < was.len() && j < is.len() && was[i] == is[j] {
            gone.push((old[i], false));
            come.push((new[j], false));
            (i, j) = (i + 1, j + 1);
        } else if j < is.len() && (i == was.len() || common[i * wide + j + 1] >= common[(i + 1) * wide + j]) {
            come.push((new[j], true));
            j += 1;
        } else {
            gone.push((old[i], true));
            i += 1;
        }
    }
    (gone, come)
}

/// Words that are compared; a prompt has tens.
const MOST_WORDS: usize = 1000;

/// What a writer is called in a menu.
pub fn writer_name(choice: &WriterChoice) -> String {
    match choice {
        WriterChoice::BuiltIn => "Built in".to_owned(),
        other => other.title(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Effect, RunAction, UndoAction};
    use crate::task::{Failure, Report, ScenePlan, Task};

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
        studio.act(super::super::action::Answer::Writer(WriterAnswer::Written(
            Box::new(done),
        )))
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
    fn words_are_compared_by_their_longest_common_sequence() {
        let (gone, come) = changed_words("A puppy, in a park", "a small dog in a sunny park");
        let marked = |words: Vec<(&str, bool)>| {
            let changed = words.into_iter().filter(|(_, is_changed)| *is_changed);
            changed.map(|(word, _)| word.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(marked(gone), ["puppy,"]);
        assert_eq!(marked(come), ["small", "dog", "sunny"]);
        assert_eq!(changed_words("", ""), (Vec::new(), Vec::new()));
        let (gone, come) = changed_words("a cat", "");
        assert_eq!((gone.len(), come.len()), (2, 0));
    }

    #[test]
    fn a_key_is_written_nowhere() {
        let action = WritingAction::KeepKey(
            "http://localhost".to_owned(),
            super::super::action::Secret {
                text: "sk-1".to_owned(),
            },
        );
        let said = format!("{action:?} {}", serde_json::to_string(&action).expect("JSON"));
        assert!(!said.contains("sk-1"), "{said}");
    }
}
