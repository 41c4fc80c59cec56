//! What is typed is understood before it is drawn.
//!
//! The starter model draws the things of a small world, from captions of one style. Here a prompt in
//! anybody's words becomes such a caption: a table says what words mean, a small grammar what they say of
//! each other, and what is left over is told with a reason. A caption of the model's own style passes
//! through unchanged. The way of a text is
//!
//! | module | step |
//! |---|---|
//! | `table`, `spelling` | the words there are, and those that are mistyped |
//! | `lexemes` | the text as words with a meaning each |
//! | `phrases` | words as phrases: what each is about |
//! | `grammar`, `describe` | phrases as a scene, and what is left over |
//! | `suit` | what a caption needs and nobody said |
//! | `caption` | the scene in the model's words |
//! | `trained` | texts that are such captions already |
//! | `edit` | a part taken out of the text or replaced in it |
//!
//! Nothing here fails or panics, whatever is typed, and time grows with the length of the text alone.

mod article;
mod caption;
mod describe;
mod edit;
mod grammar;
mod lexemes;
mod phrases;
mod spelling;
mod suit;
mod table;
#[cfg(test)]
mod tests;
mod trained;
mod understanding;

pub use edit::{text_with, text_without};
pub use table::{BackgroundInfo, ThingInfo, with_article};
pub use understanding::{Part, PartKind, Reason, Told, Understanding, Unknown, Verdict};

use caption::Scene;
use table::{Kind, TABLE};

/// More of a text is not read.
const MOST_BYTES: usize = 4000;

/// Understands a text.
pub fn understand(text: &str) -> Understanding {
    let read = head_of(text, MOST_BYTES);
    let lexemes = lexemes::read(read);
    let phrases = phrases::cut(&lexemes);
    let mut reading = grammar::Grammar::read(&lexemes, &phrases);
    suit::complete(&mut reading, text.len());
    for part in &mut reading.parts {
        part.words = text.get(part.range.clone()).unwrap_or("").to_owned();
    }
    for unknown in &mut reading.unknown {
        unknown.words = text.get(unknown.range.clone()).unwrap_or("").to_owned();
    }
    let trained = is_caption(text);
    let says = |lexeme: &lexemes::Lexeme| {
        lexeme.sense != lexemes::Sense::Break && lexeme.kind() != Some(Kind::Polite)
    };
    let nothing = reading.outside || reading.scene.items.is_empty();
    let verdict = if trained {
        Verdict::Known
    } else if !lexemes.iter().any(says) {
        Verdict::Empty
    } else if nothing {
        Verdict::Outside {
            near: suit::offers(&reading, text),
        }
    } else if reading.near {
        Verdict::Near
    } else {
        Verdict::Known
    };
    if nothing && !trained {
        // Nothing is drawn: so there are no parts of a picture.
        reading.parts.clear();
        reading.scene = Scene::default();
    }
    let as_typed = trained || !matches!(verdict, Verdict::Known | Verdict::Near);
    Understanding {
        typed: text.to_owned(),
        caption: if as_typed {
            text.to_owned()
        } else {
            reading.scene.caption()
        },
        parts: reading.parts,
        unknown: reading.unknown,
        verdict,
        scene: reading.scene,
    }
}

/// Understands the words about a subject, which is shown by a picture and may be described beside it.
///
/// A description is put before words that name no thing themselves: "a red ball" and "in snow" are
/// understood as "a red ball in snow". Where neither names one, that is the verdict.
pub fn understand_subject(describe: Option<&str>, text: &str) -> Understanding {
    let alone = understand(text);
    let mut understood = match describe.map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) if !alone.names_a_thing() => understand(&format!("{words} {text}")),
        _ => alone,
    };
    if !understood.is_outside() && !understood.names_a_thing() {
        understood.verdict = Verdict::Unnamed;
    }
    understood
}

/// What is said where words about a subject do not name it: a picture alone does not tell the starter
/// what it shows.
pub fn unnamed_subject(text: &str) -> String {
    let place = match text.trim() {
        "" => "in the snow",
        words => words,
    };
    format!("say what the subject is as well, for example \u{201c}a fox {place}\u{201d}")
}

/// The beginning of a text, at most so many bytes.
fn head_of(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at));
    end.and_then(|end| text.get(..end)).unwrap_or("")
}

/// Whether a text is worded as the model's training captions are; `understand` leaves it as it is.
pub fn is_caption(text: &str) -> bool {
    trained::is_scene(text) || trained::is_edit(text)
}

/// All things, in the order of the world.
pub fn things() -> &'static [ThingInfo] {
    &TABLE.things
}

/// All backgrounds, in the order of the world.
pub fn backgrounds() -> &'static [BackgroundInfo] {
    &TABLE.backgrounds
}

/// Words of the world that begin as the last word of a text does, things first; at most `most`.
///
/// Each is to stand instead of that last word, or of the last two where it has more than one.
pub fn complete(prefix: &str, most: usize) -> Vec<String> {
    let tail = prefix
        .rsplit([',', '.', ';', ':', '\n'])
        .next()
        .unwrap_or("")
        .trim_start()
        .to_lowercase();
    if tail.is_empty() || prefix.ends_with([' ', ',', '.', ';', ':', '\n']) {
        return Vec::new();
    }
    let last = tail.rsplit(' ').next().unwrap_or("");
    let two = tail
        .rmatch_indices(' ')
        .nth(1)
        .and_then(|(at, _)| tail.get(at + 1..))
        .unwrap_or(&tail);
    let names = TABLE.things.iter().map(|noun| noun.word(1));
    let others = TABLE
        .things
        .iter()
        .flat_map(|noun| noun.words.iter().skip(1).map(|pair| pair[0].as_str()));
    let things = names.chain(others);
    let grounds = TABLE.backgrounds.iter().map(|one| one.name.as_str());
    let sizes = ["small", "big", "two", "three", "four", "five", "background"];
    let all: Vec<&str> = things.chain(grounds).chain(sizes).collect();
    let mut found: Vec<String> = Vec::new();
    // What the last two words begin is meant rather than what the last one does.
    let typed = if two == last { vec![last] } else { vec![two, last] };
    for begun in typed {
        for word in all
            .iter()
            .filter(|word| word.starts_with(begun) && **word != begun)
        {
            if found.len() < most && found.iter().all(|one| one != word) {
                found.push((*word).to_owned());
            }
        }
    }
    found
}

/// What is said of a text that is wholly outside the world, with three things to offer instead.
pub fn outside(near: &[String; 3]) -> String {
    format!(
        "the built-in starter draws 170 simple things, and this is none of them: try {}, bring the published model \
         for any other subject (--model), or have your words drawn as they are (--as-typed)",
        offered(near)
    )
}

/// "A castle, a house or a tree."
pub fn offered(near: &[String; 3]) -> String {
    let [first, second, third] = near.each_ref().map(|thing| with_article(thing));
    format!("{first}, {second} or {third}")
}
