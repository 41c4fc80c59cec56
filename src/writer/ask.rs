//! What a language model is asked, and how it is asked once more.

use super::answer::{self, Answer};
use super::error::WriterError;
use crate::task::{Cancel, Rewritten, Written};
use std::time::{Duration, Instant};

/// Longest words that are rewritten, in bytes.
const LONGEST_WORDS: usize = 4000;
/// Of a wrong answer, when it is shown again, in bytes.
const LONGEST_SHOWN: usize = 2000;

const TASK: &str = "You plan pictures for a text-to-image model. From the user's words make one scene: first its \
objects, then its background and style, then a prompt of two or three plain English sentences that describes exactly \
that scene and names every object in it. Keep all the user asked for, and add what makes the picture complete: light, \
colours, what is where. At most 6 objects. Answer with JSON alone, of this form: {\"objects\": [{\"name\": \"fox\", \
\"count\": 1, \"colour\": \"red\", \"place\": \"on the left\"}], \"background\": \"a snowy forest\", \"style\": \
\"photograph\", \"prompt\": \"A red fox stands on the left in a snowy forest, in soft morning light. Photograph.\"} \
Colour, place, background and style may be null.";

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What was said, in order.
pub(super) type Talk = Vec<(Role, String)>;

/// Answers a talk, and says what it does meanwhile.
pub(super) type AnswerTo<'a> = dyn FnMut(&Talk, &mut dyn FnMut(&str)) -> Result<String, WriterError> + 'a;

/// Until when an answer is waited for, and who may end it sooner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until<'a> {
    pub(super) cancel: &'a Cancel,
    pub(super) began: Instant,
    pub(super) time: Duration,
}

impl<'a> Until<'a> {
    pub(super) fn from_now(time: Duration, cancel: &'a Cancel) -> Self {
        Self {
            cancel,
            began: Instant::now(),
            time,
        }
    }

    pub(super) fn left(&self) -> Duration {
        self.time.saturating_sub(self.began.elapsed())
    }

    /// # Errors
    /// The time is over, or `cancel` was called.
    pub(super) fn go_on(&self, by: &str) -> Result<(), WriterError> {
        if self.cancel.is_cancelled() {
            return Err(WriterError::Cancelled);
        }
        match self.left().is_zero() {
            true => Err(WriterError::Late {
                by: by.to_owned(),
                time: self.time,
            }),
            false => Ok(()),
        }
    }
}

/// The user's words without blanks around them.
///
/// # Errors
/// There are none, or far too many.
pub(super) fn words(own: &str) -> Result<&str, WriterError> {
    let words = own.trim();
    if words.is_empty() {
        return Err(WriterError::NoWords);
    }
    if words.len() > LONGEST_WORDS {
        return Err(WriterError::LongWords {
            length: words.len(),
            most: LONGEST_WORDS,
        });
    }
    Ok(words)
}

/// Asks for a scene by `answer_to`, and once more where the answer is not usable.
///
/// # Errors
/// The words cannot be rewritten, no answer comes, or none that is usable.
pub(super) fn twice(
    own: &str,
    by: &str,
    until: &Until<'_>,
    told: &mut dyn FnMut(&str),
    answer_to: &mut AnswerTo<'_>,
) -> Result<Rewritten, WriterError> {
    let asked = words(own)?;
    let mut talk = vec![(Role::System, TASK.to_owned()), (Role::User, asked.to_owned())];
    let first = answer_to(&talk, told)?;
    let (answer, repaired) = match answer::read(&first) {
        Ok(answer) => (answer, false),
        Err(why) => {
            until.go_on(by)?;
            told(&format!("asking {by} once more: {why}"));
            talk.push((Role::Assistant, head_of(&first, LONGEST_SHOWN).to_owned()));
            talk.push((
                Role::User,
                format!("That cannot be used: {why}. Answer again, with the JSON alone."),
            ));
            let second = answer_to(&talk, told)?;
            let answer = answer::read(&second).map_err(|why| WriterError::Answer {
                by: by.to_owned(),
                why,
            })?;
            (answer, true)
        }
    };
    let Answer { scene, prompt } = answer;
    Ok(Rewritten {
        prompt,
        written: Written {
            own: own.to_owned(),
            by: by.to_owned(),
            scene: Some(scene),
        },
        repaired,
        seconds: until.began.elapsed().as_secs_f64(),
    })
}

/// The beginning of a text, at most so many bytes.
pub(super) fn head_of(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at));
    end.and_then(|end| text.get(..end)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"objects": [{"name": "fox", "count": 1}], "prompt": "A fox in the snow."}"#;

    fn asked(own: &str, answers: &[&str]) -> (Result<Rewritten, WriterError>, Vec<Talk>) {
        let cancel = Cancel::new();
        let until = Until::from_now(Duration::from_secs(60), &cancel);
        let (mut talks, mut answers) = (Vec::new(), answers.iter());
        let mut answer_to = |talk: &Talk, _: &mut dyn FnMut(&str)| {
            talks.push(talk.clone());
            answers
                .next()
                .map(|answer| (*answer).to_owned())
                .ok_or(WriterError::Cancelled)
        };
        let rewritten = twice(own, "it", &until, &mut |_| {}, &mut answer_to);
        (rewritten, talks)
    }

    #[test]
    fn a_good_answer_is_taken_and_a_bad_one_is_asked_again_once() {
        let (rewritten, talks) = asked(" fox ", &[GOOD]);
        let rewritten = rewritten.unwrap();
        assert_eq!(
            (rewritten.prompt.as_str(), rewritten.repaired),
            ("A fox in the snow.", false)
        );
        assert_eq!((rewritten.written.own.as_str(), talks.len()), (" fox ", 1));
        let (rewritten, talks) = asked("fox", &["Sure!", GOOD]);
        assert!(rewritten.unwrap().repaired);
        let last = &talks[1];
        assert_eq!(last.len(), 4);
        assert!(last[3].1.contains("there is no JSON in it"), "{last:?}");
        let (rewritten, talks) = asked("fox", &["Sure!", "No.", GOOD]);
        assert!(matches!(rewritten, Err(WriterError::Answer { .. })));
        assert_eq!(talks.len(), 2);
    }

    #[test]
    fn the_example_in_the_question_is_a_right_answer() {
        let example = &TASK[TASK.find('{').unwrap()..TASK.rfind('}').unwrap() + 1];
        assert_eq!(answer::read(example).unwrap().scene.objects.len(), 1);
    }

    #[test]
    fn words_have_bounds() {
        assert_eq!(words("  a "), Ok("a"));
        assert_eq!(words(" \n"), Err(WriterError::NoWords));
        assert!(matches!(
            words(&"a".repeat(4001)),
            Err(WriterError::LongWords { .. })
        ));
        assert_eq!(head_of("añb", 2), "a");
    }
}
