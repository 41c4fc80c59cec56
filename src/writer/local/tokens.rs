//! What the tokens of a vocabulary stand for, in bytes: byte-level vocabularies spell each byte by a character of
//! its own, those that cannot be shown by others from U+0100 on.

use super::super::grammar::Grammar;
use std::collections::HashMap;

/// Tokens that are tried at a step before the answer is ended.
const MOST_TRIED: usize = 2000;
/// Kinds of tokens in a GGUF: an ordinary one.
const NORMAL: u32 = 1;

/// The bytes of each token; none where it is a mark.
#[derive(Debug, Clone)]
pub struct Spelling(Vec<Option<Box<[u8]>>>);

/// The byte a character of such a vocabulary spells.
fn alphabet() -> HashMap<char, u8> {
    let is_shown = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let mut others = 0x100..;
    let spelt = |byte: u8| {
        let code = match is_shown(byte) {
            true => u32::from(byte),
            false => others.next()?,
        };
        Some((char::from_u32(code)?, byte))
    };
    (0..=255).filter_map(spelt).collect()
}

impl Spelling {
    /// Of the tokens in a file and their kinds; without kinds all are ordinary.
    pub fn of(tokens: &[String], kinds: &[u32]) -> Self {
        let alphabet = alphabet();
        let bytes = |(id, token): (usize, &String)| {
            if kinds.get(id).is_some_and(|kind| *kind != NORMAL) {
                return None;
            }
            let bytes = token.chars().map(|c| alphabet.get(&c).copied());
            let bytes: Option<Box<[u8]>> = bytes.collect();
            bytes.filter(|bytes| !bytes.is_empty())
        };
        Self(tokens.iter().enumerate().map(bytes).collect())
    }

    /// The bytes of a token; none of a mark.
    pub fn bytes(&self, token: u32) -> &[u8] {
        let bytes = self.0.get(token as usize).and_then(Option::as_deref);
        bytes.unwrap_or_default()
    }

    /// The token of the highest score that goes on with the answer, and the answer with it; `None` where none of
    /// the likeliest does.
    pub(super) fn choose(&self, scores: &[f32], grammar: Grammar) -> Option<(u32, Grammar)> {
        let with = |token: u32| {
            let bytes = self.bytes(token);
            let further = (!bytes.is_empty()).then(|| grammar.with(bytes))??;
            Some((token, further))
        };
        // Mostly it is the first one.
        if let Some(chosen) = with(likeliest(scores)) {
            return Some(chosen);
        }
        let mut order: Vec<u32> = (0..scores.len() as u32)
            .filter(|token| !self.bytes(*token).is_empty())
            .collect();
        let by_score = |a: &u32, b: &u32| {
            let score = |token: &u32| scores.get(*token as usize).copied().unwrap_or(f32::NEG_INFINITY);
            score(b).total_cmp(&score(a)).then(a.cmp(b))
        };
        if order.len() > MOST_TRIED {
            order.select_nth_unstable_by(MOST_TRIED, by_score);
            order.truncate(MOST_TRIED);
        }
        order.sort_unstable_by(by_score);
        order.into_iter().find_map(with)
    }
}

/// The token of the highest score; the first of them where there are several.
pub(super) fn likeliest(scores: &[f32]) -> u32 {
    let mut best = 0;
    for (token, score) in scores.iter().enumerate() {
        if *score > scores.get(best).copied().unwrap_or(f32::NEG_INFINITY) {
            best = token;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stand_for_bytes() {
        assert_eq!(alphabet().len(), 256);
        let tokens = [
            "\u{120}fox",
            "\u{10a}",
            "\u{e7}\u{128}\u{12c}",
            "<|im_end|>",
            "",
            "\u{718a}",
        ];
        let tokens = tokens.map(str::to_owned);
        let spelling = Spelling::of(&tokens, &[1, 1, 1, 3, 1, 1]);
        assert_eq!((spelling.bytes(0), spelling.bytes(1)), (&b" fox"[..], &b"\n"[..]));
        assert_eq!(
            spelling.bytes(2),
            [0xe7, 0x86, 0x8a],
            "a character may be spelt in parts"
        );
        for none in [3, 4, 5, 99] {
            assert!(spelling.bytes(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn the_likeliest_that_goes_on_is_chosen() {
        let tokens = ["x", "{\"", "{", "objects"].map(str::to_owned);
        let spelling = Spelling::of(&tokens, &[]);
        let chosen = |scores: &[f32], grammar| spelling.choose(scores, grammar).map(|(token, _)| token);
        assert_eq!(chosen(&[9.0, 2.0, 1.0, 5.0], Grammar::new()), Some(1));
        assert_eq!(chosen(&[9.0, 1.0, 2.0, 5.0], Grammar::new()), Some(2));
        let open = Grammar::new().with(b"{\"").unwrap();
        assert_eq!(chosen(&[9.0, 1.0, 2.0, 5.0], open), Some(3));
        let end = Grammar::new().with(b"{\"objects\"").unwrap();
        assert_eq!(chosen(&[9.0, 1.0, 2.0, f32::NAN], end), None);
        assert_eq!(likeliest(&[f32::NAN, 1.0]), 0);
        assert_eq!(likeliest(&[]), 0);
    }
}
