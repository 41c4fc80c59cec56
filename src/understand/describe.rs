//! What is said of a thing: how many, how big, of which colour.
//!
//! What a thing cannot be is left over with its reason.

use super::caption::{Item, Said};
use super::grammar::Grammar;
use super::phrases::Phrase;
use super::table::{NUMBERS, TABLE};
use super::understanding::{PartKind, Reason};

impl Grammar<'_> {
    fn last(&mut self) -> Option<&mut Item> {
        self.out.scene.items.last_mut()
    }

    pub(super) fn counted(&mut self, phrase: &Phrase, head: usize) {
        let plural = self.lexemes[head].entry().is_some_and(|entry| entry.plural);
        let value = |at: usize| {
            let name = self.lexemes[at].entry()?.target;
            NUMBERS
                .iter()
                .position(|&number| number == name)
                .map(|place| place + 1)
        };
        // "A group of three": the last one counts.
        let Some((at, count)) = phrase.count.iter().rev().find_map(|&at| Some((at, value(at)?))) else {
            if plural && let Some(item) = self.last() {
                item.count = Some(Said {
                    value: 2,
                    typed: false,
                });
            }
            return;
        };
        for &other in phrase.count.iter().filter(|&&other| other != at) {
            self.unknown(other, Reason::Beside);
        }
        let words = self.lexemes[at].words.as_str();
        let exact = NUMBERS.contains(&words) || words.parse::<usize>() == Ok(count);
        let number = matches!(
            words,
            "six" | "seven" | "eight" | "nine" | "ten" | "eleven" | "twelve" | "dozen"
        );
        self.out.near |= !exact && (number || words.parse::<usize>().is_ok());
        let span = self.lexemes[at].range.clone();
        if let Some(item) = self.last() {
            item.count = Some(Said {
                value: count,
                typed: true,
            });
        }
        self.part(PartKind::Count, NUMBERS[count - 1], at, span);
    }

    pub(super) fn sized(&mut self, phrase: &Phrase) {
        for &at in &phrase.sizes {
            let size = self.lexemes[at].entry().map(|entry| entry.target);
            let span = self.lexemes[at].range.clone();
            match (size, self.last()) {
                (Some(size), Some(item)) if item.size.is_none() && item.count() == 1 => {
                    item.size = Some(size);
                    self.part(PartKind::Size, size, at, span);
                }
                _ => self.unknown(at, Reason::Size),
            }
        }
    }

    pub(super) fn coloured(&mut self, phrase: &Phrase, noun: &str) {
        let Some(info) = TABLE.thing(noun) else { return };
        for &at in &phrase.colours {
            let Some(colour) = self.lexemes[at].entry().map(|entry| entry.target) else {
                continue;
            };
            let span = self.lexemes[at].range.clone();
            let tint = colour == "light blue" || TABLE.tints.iter().any(|tint| tint == colour);
            let fits = if info.takes_colours() {
                tint
            } else {
                info.has_by_nature(colour)
            };
            match self.last() {
                Some(item) if item.colour.is_some() => self.unknown(at, Reason::SecondColour),
                Some(item) if fits => {
                    item.colour = Some(Said {
                        value: colour,
                        typed: true,
                    });
                    self.part(PartKind::Colour, colour, at, span);
                }
                _ => self.unknown(at, Reason::Colour),
            }
        }
    }
}
