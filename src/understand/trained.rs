//! Whether a text is worded just as the training captions are: then the model gets it as it is.
//!
//! A caption is a row of pieces (a thing with article or number, a place, a joint, a background) that are
//! in the vocabulary of `assets/starter/recipe/scenes.py`, letter by letter, with one background.

use super::table::TABLE;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Longer texts are no captions.
const LONGEST: usize = 1000;
/// Most words of a piece.
const WORDS: usize = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Article,
    Number,
    Size,
    Colour,
    Noun,
    Place,
    Joint,
    Setting,
    Comma,
    Colon,
}

const PLACES: [&str; 15] = [
    "on the left",
    "on the left side",
    "at the left",
    "on the right",
    "on the right side",
    "at the right",
    "at the top",
    "at the bottom",
    "in the middle",
    "in the centre",
    "in the top left corner",
    "at the top left",
    "in the top right corner",
    "at the top right",
    "in the bottom left corner",
];
const MORE_PLACES: [&str; 3] = [
    "at the bottom left",
    "in the bottom right corner",
    "at the bottom right",
];
const JOINTS: [&str; 14] = [
    "and",
    "next to",
    "beside",
    "with",
    "to the left of",
    "left of",
    "to the right of",
    "right of",
    "above",
    "over",
    "below",
    "under",
    "in front of",
    "behind",
];

static PIECES: LazyLock<HashMap<&'static str, Piece>> = LazyLock::new(|| {
    let mut pieces = HashMap::new();
    let mut add = |words: &[&'static str], piece| {
        for word in words {
            pieces.insert(*word, piece);
        }
    };
    let table = &*TABLE;
    add(&["a", "an"], Piece::Article);
    add(&["two", "a pair of", "three", "four", "five"], Piece::Number);
    add(&["small", "little", "tiny", "big", "large", "huge"], Piece::Size);
    add(&PLACES, Piece::Place);
    add(&MORE_PLACES, Piece::Place);
    add(&JOINTS, Piece::Joint);
    add(&[",", ";"], Piece::Comma);
    add(&[":"], Piece::Colon);
    for tint in &table.tints {
        add(&[tint.as_str()], Piece::Colour);
    }
    for noun in &table.things {
        for [one, many] in &noun.words {
            add(&[one.as_str(), many.as_str()], Piece::Noun);
        }
    }
    for background in &table.backgrounds {
        for words in &background.words {
            add(&[words.as_str()], Piece::Setting);
        }
    }
    pieces
});

/// The words with punctuation apart; None where the spaces are not those of a caption.
fn spaced(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > LONGEST || text.contains("  ") || text != text.trim() {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            ',' | ';' | ':' => {
                out.push(' ');
                out.push(c);
            }
            'a'..='z' | ' ' | '-' => out.push(c),
            _ => return None,
        }
    }
    Some(out)
}

/// The pieces, the longest first; `rest` words that are known to edits alone may be named.
fn pieces(text: &str, more: &HashMap<&str, Piece>) -> Option<Vec<Piece>> {
    let mut borders = vec![0];
    borders.extend(text.match_indices(' ').map(|(at, _)| at + 1));
    borders.push(text.len() + 1);
    let (mut found, mut at) = (Vec::new(), 0);
    while at + 1 < borders.len() {
        let (to, piece) = (at + 1..=(at + WORDS).min(borders.len() - 1))
            .rev()
            .find_map(|to| {
                let words = text.get(borders[at]..borders[to] - 1)?;
                Some((to, *PIECES.get(words).or_else(|| more.get(words))?))
            })?;
        found.push(piece);
        at = to;
    }
    Some(found)
}

/// Whether a text is a caption of a picture, as the model was trained with.
pub(super) fn is_scene(text: &str) -> bool {
    let Some(pieces) = spaced(text).and_then(|text| pieces(&text, &HashMap::new())) else {
        return false;
    };
    let settings = pieces.iter().filter(|&&piece| piece == Piece::Setting).count();
    settings == 1 && pieces.contains(&Piece::Noun) && in_order(&pieces)
}

/// Whether every piece may follow the one before: things are named whole.
fn in_order(pieces: &[Piece]) -> bool {
    use Piece::{Article, Colon, Colour, Comma, Joint, Noun, Number, Place, Setting, Size};
    let mut before = None;
    for &piece in pieces {
        let begins = !matches!(before, Some(Article | Number | Size | Colour));
        let fits = match piece {
            Article | Number => begins && !matches!(before, Some(Noun)),
            Size => matches!(before, Some(Article | Number)),
            Colour => matches!(before, Some(Article | Number | Size)),
            Noun => !begins,
            Place | Setting => begins,
            Joint => matches!(before, Some(Noun | Place)),
            Comma => matches!(before, Some(Noun | Place)),
            Colon => matches!(before, Some(Setting)),
        };
        if !fits {
            return false;
        }
        before = Some(piece);
    }
    matches!(before, Some(Noun | Place | Setting))
}

/// Whether a text tells a change of a picture, as the model was trained with.
pub(super) fn is_edit(text: &str) -> bool {
    let firsts = [
        "replace the ",
        "turn the ",
        "change the background: ",
        "make the ",
        "paint the ",
        "colour the ",
        "remove the ",
        "take away the ",
        "delete the ",
        "move the ",
        "add ",
        "put ",
        "place ",
    ];
    let Some(first) = firsts.iter().find(|first| text.starts_with(**first)) else {
        return false;
    };
    let Some(rest) = text.get(first.len()..).and_then(spaced) else {
        return false;
    };
    let mut more = HashMap::from([("into", Piece::Joint), ("background", Piece::Noun)]);
    more.extend(
        TABLE
            .backgrounds
            .iter()
            .map(|one| (one.name.as_str(), Piece::Colour)),
    );
    let moves = ["to the left", "to the right", "to the top", "to the bottom"];
    let corners = [
        "to the top left corner",
        "to the top right corner",
        "to the bottom left corner",
        "to the bottom right corner",
    ];
    more.extend(moves.iter().chain(&corners).map(|words| (*words, Piece::Place)));
    let Some(pieces) = pieces(&rest, &more) else {
        return false;
    };
    match *first {
        "change the background: " => pieces == [Piece::Setting],
        "add " | "put " | "place " => {
            pieces.first() == Some(&Piece::Article)
                && pieces.last() == Some(&Piece::Place)
                && in_order(&pieces)
        }
        "make the " | "paint the " | "colour the " => pieces == [Piece::Noun, Piece::Colour],
        "move the " => pieces == [Piece::Noun, Piece::Place],
        "replace the " | "turn the " => {
            matches!(pieces.as_slice(), [Piece::Noun, Piece::Joint, rest @ ..] if in_order(rest))
        }
        _ => pieces == [Piece::Noun],
    }
}
