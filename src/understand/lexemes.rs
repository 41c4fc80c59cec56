//! A typed text as words with a meaning each: the longest that the table knows, wherever they stand.
//!
//! Ranges are bytes of the text as typed and lie on borders of characters.

use super::table::{Entry, Kind, LONGEST, TABLE, Table};
use std::ops::Range;

/// Longest word in characters of scripts without spaces.
const LONGEST_CJK: usize = 8;
const NEGATIONS: [&str; 11] = [
    "no",
    "not",
    "without",
    "don't",
    "dont",
    "never",
    "minus",
    "except",
    "excluding",
    "ohne",
    "sans",
];

/// What a stretch of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    Known(Entry),
    /// What follows is not wanted.
    Negation,
    /// Punctuation that ends a phrase.
    Break,
    /// No word there is.
    Strange,
}

/// A stretch of the text with its meaning.
#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    pub(super) sense: Sense,
    pub(super) range: Range<usize>,
    /// In lower case, words parted by one space.
    pub(super) words: String,
    /// "dog's": it tells whose something is.
    pub(super) possessive: bool,
}

impl Lexeme {
    pub(super) fn entry(&self) -> Option<Entry> {
        match self.sense {
            Sense::Known(entry) => Some(entry),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        self.entry().map(|entry| entry.kind)
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind() == Some(kind)
    }
}

#[derive(Debug)]
struct Token {
    range: Range<usize>,
    /// Its place in the lowered text.
    low: Range<usize>,
    what: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Word,
    /// Of a script without spaces between words, or an emoji.
    Cjk,
    Break,
}

/// Cuts a text into lexemes.
pub(super) fn read(text: &str) -> Vec<Lexeme> {
    let (tokens, low) = tokens(text);
    let language = language(&tokens, &low);
    let reader = Reader {
        table: &TABLE,
        tokens: &tokens,
        low: &low,
        language,
    };
    reader.read()
}

fn is_cjk(c: char) -> bool {
    matches!(c as u32, 0x3005..=0x3007 | 0x3041..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7a3 | 0xf900..=0xfaff)
}

fn is_emoji(c: char) -> bool {
    matches!(c as u32, 0x231a..=0x23f3 | 0x2600..=0x27bf | 0x2b50 | 0x1f300..=0x1faff)
}

/// The tokens, and the text in lower case with one space between them.
fn tokens(text: &str) -> (Vec<Token>, String) {
    let (mut found, mut low) = (Vec::<Token>::new(), String::with_capacity(text.len() + 8));
    let mut characters = text.char_indices();
    // The token that is being read goes on while this is true.
    let mut open = false;
    while let Some((at, c)) = characters.next() {
        let end = at + c.len_utf8();
        let mut ahead = characters.clone().map(|(_, c)| c);
        let next = match ahead.next() {
            // "Jack-o'-lantern"
            Some('\'' | '’' | '-' | '‐' | '‑') => ahead.next(),
            next => next,
        };
        let what = match c {
            _ if is_cjk(c) || is_emoji(c) => Shape::Cjk,
            _ if c.is_alphanumeric() => Shape::Word,
            '\'' | '’' | '-' | '‐' | '‑' if open && next.is_some_and(char::is_alphanumeric) => {
                Shape::Word
            }
            '&' | '+' => Shape::Word,
            ',' | ';' | ':' | '.' | '!' | '?' | '\n' | '|' | '/' | '(' | ')' | '。' | '、' | '，' | '！'
            | '？' | '–' | '—' | '"' | '“' | '”' => Shape::Break,
            // Marks that belong to the letter before, such as accents written apart.
            '\u{300}'..='\u{36f}' | '\u{fe0f}' | '\u{200d}' if open => Shape::Word,
            _ => {
                open = false;
                continue;
            }
        };
        let goes_on = open && what != Shape::Break && found.last().is_some_and(|last| last.what == what);
        if !goes_on {
            if !low.is_empty() {
                low.push(' ');
            }
            found.push(Token {
                range: at..end,
                low: low.len()..low.len(),
                what,
            });
        }
        match c {
            '’' => low.push('\''),
            '‐' | '‑' => low.push('-'),
            _ => low.extend(c.to_lowercase()),
        }
        if let Some(last) = found.last_mut() {
            (last.range.end, last.low.end) = (end, low.len());
        }
        open = what != Shape::Break && !matches!(c, '&' | '+');
    }
    (found, low)
}

/// The language most words are of; None is English.
fn language(tokens: &[Token], low: &str) -> Option<&'static str> {
    let (mut english, mut others) = (0, Vec::<(&'static str, usize)>::new());
    let mut add = |language, by| match others.iter_mut().find(|(one, _)| *one == language) {
        Some((_, count)) => *count += by,
        None => others.push((language, by)),
    };
    let mut english_draws = false;
    for token in tokens.iter().take(60) {
        let Some(word) = low.get(token.low.clone()) else {
            continue;
        };
        if let Some(entry) = TABLE.exact(word).filter(|_| token.what == Shape::Word) {
            let drawn = entry.kind.is_drawn() || entry.kind == Kind::Noun;
            // "Chat" and "pain" are English too, but of them English alone could draw nothing.
            english += match word {
                "a" | "the" | "of" | "and" | "with" | "in" | "on" | "an" => 4,
                _ if drawn || entry.kind == Kind::Polite => 2,
                _ => 1,
            };
            english_draws |= drawn;
        }
        for language in TABLE.languages(word) {
            add(language, 2);
        }
        let parts = word
            .split_once('\'')
            .filter(|(elided, _)| elided.chars().count() <= 2);
        for language in parts
            .into_iter()
            .flat_map(|(elided, _)| TABLE.languages(elided_word(elided)))
        {
            add(language, 1);
        }
        // What Japanese alone, Korean alone or else Chinese is written in.
        for c in word.chars().filter(|&c| is_cjk(c)) {
            let language = match c as u32 {
                0x3041..=0x30ff => "ja",
                0xac00..=0xd7a3 => "ko",
                _ => "zh",
            };
            add(language, if language == "ja" { 9 } else { 1 });
        }
    }
    let mut best = None;
    for &(language, count) in &others {
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((language, count));
        }
    }
    // One word that is both: the one that can be drawn.
    best.filter(|&(_, count)| count > english || (count == english && tokens.len() == 1 && !english_draws))
        .map(|(language, _)| language)
}

fn elided_word(word: &str) -> &str {
    match word {
        "l" => "l'",
        "d" => "d'",
        _ => word,
    }
}

struct Reader<'a> {
    table: &'a Table,
    tokens: &'a [Token],
    low: &'a str,
    language: Option<&'static str>,
}

impl Reader<'_> {
    fn read(&self) -> Vec<Lexeme> {
        let (mut found, mut at) = (Vec::with_capacity(self.tokens.len()), 0);
        while let Some(token) = self.tokens.get(at) {
            let word = self.low.get(token.low.clone()).unwrap_or("");
            match token.what {
                Shape::Break => {
                    found.push(self.lexeme(at, at + 1, Sense::Break));
                    at += 1;
                }
                Shape::Cjk => {
                    self.without_spaces(token, word, &mut found);
                    at += 1;
                }
                Shape::Word => at = self.word(at, word, &mut found),
            }
        }
        found
    }

    fn lexeme(&self, from: usize, to: usize, sense: Sense) -> Lexeme {
        let low = self.tokens[from].low.start..self.tokens[to - 1].low.end;
        Lexeme {
            sense,
            range: self.tokens[from].range.start..self.tokens[to - 1].range.end,
            words: self.low.get(low).unwrap_or("").to_owned(),
            possessive: false,
        }
    }

    /// Reads what begins with a word, and says where to go on.
    fn word(&self, at: usize, word: &str, found: &mut Vec<Lexeme>) -> usize {
        if let Some((to, entry)) = self.compound(at, word) {
            found.push(self.lexeme(at, to, Sense::Known(entry)));
            return to;
        }
        let whole = self.lexeme(at, at + 1, Sense::Strange);
        if NEGATIONS.contains(&word) {
            found.push(Lexeme {
                sense: Sense::Negation,
                ..whole
            });
        } else if let Some(entry) = self.meaning(word) {
            found.push(Lexeme {
                sense: Sense::Known(entry),
                ..whole
            });
        } else if let Some(owner) = word.strip_suffix("'s").or_else(|| word.strip_suffix("s'")) {
            let sense = self.meaning(owner).map_or(Sense::Strange, Sense::Known);
            found.push(Lexeme {
                sense,
                possessive: true,
                ..whole
            });
        } else if word.contains(['-', '\'']) {
            self.parts(whole, word, found);
        } else {
            let meant = self
                .table
                .spelling
                .meant(word)
                .and_then(|meant| self.table.english(meant));
            let sense = meant.map_or(Sense::Strange, Sense::Known);
            found.push(Lexeme { sense, ..whole });
        }
        at + 1
    }

    /// The longest compound that begins here.
    fn compound(&self, at: usize, word: &str) -> Option<(usize, Entry)> {
        let start = self.tokens.get(at)?.low.start;
        let spaced = self.table.starts_compound(word);
        for many in (2..=LONGEST).rev() {
            let last = self.tokens.get(at + many - 1);
            let Some(last) = last.filter(|last| last.what == Shape::Word && spaced) else {
                continue;
            };
            let Some(text) = self.low.get(start..last.low.end) else {
                continue;
            };
            let entry = self
                .language
                .and_then(|language| self.table.foreign(text, Some(language)));
            let entry = entry
                .or_else(|| self.table.exact(text))
                .or_else(|| self.table.foreign(text, None));
            let entry = entry.or_else(|| self.table.english(text).filter(|entry| entry.plural));
            if let Some(entry) = entry {
                return Some((at + many, entry));
            }
        }
        None
    }

    fn meaning(&self, word: &str) -> Option<Entry> {
        let own = self
            .language
            .and_then(|language| self.table.foreign(word, Some(language)));
        own.or_else(|| self.table.english(word))
            .or_else(|| self.table.foreign(word, None))
    }

    /// A word with a hyphen or an apostrophe that is none of the table's: its parts, each by itself.
    fn parts(&self, whole: Lexeme, word: &str, found: &mut Vec<Lexeme>) {
        // Lowering a letter may change its length: then the parts share the range of the whole.
        let same = word.len() == whole.range.len();
        let mut at = 0;
        for part in word.split(['-', '\'']) {
            let range = if same {
                whole.range.start + at..whole.range.start + at + part.len()
            } else {
                whole.range.clone()
            };
            at += part.len() + 1;
            if part.is_empty() {
                continue;
            }
            let elided = self.table.foreign(elided_word(part), self.language);
            let sense = elided
                .or_else(|| self.meaning(part))
                .map_or(Sense::Strange, Sense::Known);
            found.push(Lexeme {
                sense,
                range,
                words: part.to_owned(),
                possessive: false,
            });
        }
    }

    /// Words of scripts without spaces: the longest first; what is left over is strange.
    ///
    /// A single character beside strange ones is most likely a part of another word, so it is strange too.
    fn without_spaces(&self, token: &Token, word: &str, found: &mut Vec<Lexeme>) {
        // These characters have no capitals, so that places in both texts go together.
        let borders: Vec<usize> = word
            .char_indices()
            .map(|(at, _)| at)
            .chain([word.len()])
            .collect();
        let (first, mut at) = (found.len(), 0);
        while at + 1 < borders.len() {
            let longest = (borders.len() - 1).min(at + LONGEST_CJK);
            let hit = (at + 1..=longest).rev().find_map(|to| {
                let text = word.get(borders[at]..borders[to])?;
                let own = self
                    .language
                    .and_then(|language| self.table.foreign(text, Some(language)));
                Some((to, own.or_else(|| self.table.foreign(text, None))?))
            });
            let (to, sense) = hit.map_or((at + 1, Sense::Strange), |(to, entry)| (to, Sense::Known(entry)));
            let range = token.range.start + borders[at]..token.range.start + borders[to];
            let words = word.get(borders[at]..borders[to]).unwrap_or("").to_owned();
            found.push(Lexeme {
                sense,
                range,
                words,
                possessive: false,
            });
            at = to;
        }
        // A lone thing of one character beside a strange one: both are strange.
        let run = &mut found[first..];
        let strange: Vec<bool> = run.iter().map(|one| one.sense == Sense::Strange).collect();
        for (at, one) in run.iter_mut().enumerate() {
            let beside = strange.get(at + 1) == Some(&true) || (at > 0 && strange[at - 1]);
            let drawn = one
                .kind()
                .is_some_and(|kind| kind.is_thing() || kind == Kind::Background);
            if beside && drawn && one.words.chars().count() == 1 {
                one.sense = Sense::Strange;
            }
        }
        join_strange(found, first);
    }
}

/// Makes one of strange lexemes that stand side by side.
fn join_strange(found: &mut Vec<Lexeme>, first: usize) {
    let mut joined = Vec::<Lexeme>::new();
    for one in found.drain(first..) {
        match joined.last_mut() {
            Some(last) if last.sense == Sense::Strange && one.sense == Sense::Strange => {
                last.range.end = one.range.end;
                last.words.push_str(&one.words);
            }
            _ => joined.push(one),
        }
    }
    found.extend(joined);
}
