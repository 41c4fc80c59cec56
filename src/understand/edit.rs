//! Changes of the typed text by its parts: one taken out, one replaced.
//!
//! The text is changed where the part stands, as a hand would. Where that would be understood otherwise
//! than wanted, the whole is worded anew.

use super::article::article;
use super::caption::{Said, Scene, place_words, relation_words};
use super::table::{NUMBERS, TABLE};
use super::understand;
use super::understanding::{Part, PartKind, Understanding};

/// The text without a part; the same text for a part that was not typed.
pub fn text_without(u: &Understanding, part: usize) -> String {
    let Some(out) = u.parts.get(part).filter(|part| !part.chosen) else {
        return u.typed.clone();
    };
    let mut wanted = u.scene.typed();
    match out.kind {
        PartKind::Thing => {
            if out.item < wanted.items.len() {
                wanted.items.remove(out.item);
            }
            if let Some(first) = wanted.items.first_mut() {
                first.relation = None;
            }
        }
        PartKind::Background => wanted.background = None,
        _ => set(&mut wanted, out, None),
    }
    let cut = match out.kind {
        PartKind::Relation => replaced(&u.typed, &out.range, " and "),
        PartKind::Thing | PartKind::Background => replaced(&u.typed, &out.span, " "),
        _ => replaced(&u.typed, &out.range, " "),
    };
    checked(cut, &wanted)
}

/// The text with a part that means something else; what was chosen is written at the end.
pub fn text_with(u: &Understanding, part: usize, meaning: &str) -> String {
    let Some(now) = u.parts.get(part) else {
        return u.typed.clone();
    };
    let mut wanted = u.scene.typed();
    if now.chosen && now.kind == PartKind::Thing {
        wanted.items = u.scene.items.clone();
    }
    let words = match now.kind {
        PartKind::Thing => {
            let (Some(info), Some(item)) = (TABLE.thing(meaning), wanted.items.get_mut(now.item)) else {
                return u.typed.clone();
            };
            let Some(shown) = u.scene.items.get(now.item) else {
                return u.typed.clone();
            };
            (item.noun, item.chosen) = (info_name(meaning), false);
            keep_colour(item);
            let word = info.word(shown.count()).to_owned();
            if now.chosen {
                format!("{} {word}", article(&word))
            } else {
                word
            }
        }
        PartKind::Background => {
            let Some(info) = TABLE.backgrounds.iter().find(|one| one.name == meaning) else {
                return u.typed.clone();
            };
            wanted.background = Some(Said {
                value: info.name.as_str(),
                typed: true,
            });
            info.caption().to_owned()
        }
        kind => {
            let Some(value) = known(kind, meaning) else {
                return u.typed.clone();
            };
            set(&mut wanted, now, Some(value));
            match kind {
                PartKind::Place => place_words(value).to_owned(),
                PartKind::Relation => relation_words(value).to_owned(),
                _ => value.to_owned(),
            }
        }
    };
    let range = if now.kind == PartKind::Background {
        &now.span
    } else {
        &now.range
    };
    let text = if now.chosen {
        if matches!(now.kind, PartKind::Count | PartKind::Colour) {
            String::new()
        } else {
            format!("{} {words}", u.typed.trim_end())
        }
    } else {
        replaced(&u.typed, range, &format!(" {words} "))
    };
    checked(text, &wanted)
}

fn info_name(meaning: &str) -> &'static str {
    let found = TABLE.things.iter().find(|info| info.name == meaning);
    found.map_or("", |info| info.name.as_str())
}

/// Drops a colour that a thing cannot have.
fn keep_colour(item: &mut super::caption::Item) {
    let Some(info) = TABLE.thing(item.noun) else {
        return;
    };
    item.colour = item.colour.take().filter(|colour| {
        let tint = TABLE.tints.iter().any(|tint| tint == colour.value) || colour.value == "light blue";
        if info.takes_colours() {
            tint
        } else {
            info.has_by_nature(colour.value)
        }
    });
}

/// A value as the program's own word.
fn known(kind: PartKind, meaning: &str) -> Option<&'static str> {
    match kind {
        PartKind::Colour => TABLE
            .backgrounds
            .iter()
            .map(|one| one.name.as_str())
            .find(|name| *name == meaning),
        PartKind::Count => NUMBERS.into_iter().find(|name| *name == meaning),
        PartKind::Size => ["small", "big"].into_iter().find(|name| *name == meaning),
        PartKind::Place => super::grammar::PLACES.into_iter().find(|name| *name == meaning),
        _ => super::grammar::RELATIONS
            .into_iter()
            .find(|name| *name == meaning),
    }
}

/// Sets what a part says of a thing.
fn set(scene: &mut Scene, part: &Part, value: Option<&'static str>) {
    let Some(item) = scene.items.get_mut(part.item) else {
        return;
    };
    match part.kind {
        PartKind::Count => {
            let count = value.and_then(|name| NUMBERS.iter().position(|one| *one == name));
            item.count = count.map(|place| Said {
                value: place + 1,
                typed: true,
            });
        }
        PartKind::Size => item.size = value,
        PartKind::Colour => item.colour = value.map(|value| Said { value, typed: true }),
        PartKind::Place => item.place = value,
        PartKind::Relation => item.relation = Some(value.unwrap_or("and")),
        PartKind::Thing | PartKind::Background => (),
    }
}

/// A text with a stretch replaced: spaces and articles in order.
fn replaced(text: &str, range: &std::ops::Range<usize>, words: &str) -> String {
    let (before, after) = (
        text.get(..range.start).unwrap_or(""),
        text.get(range.end..).unwrap_or(""),
    );
    let joined = format!("{before}{words}{after}");
    let mut out: Vec<&str> = joined.split_whitespace().collect();
    for at in 0..out.len() {
        if let (true, Some(next)) = (matches!(out[at], "a" | "an" | "A" | "An"), out.get(at + 1)) {
            let fits = article(&next.to_lowercase());
            out[at] = match out[at].starts_with('A') {
                true if fits == "an" => "An",
                true => "A",
                false => fits,
            };
        }
    }
    let text = out
        .join(" ")
        .replace(" ,", ",")
        .replace(" .", ".")
        .replace(" ;", ";");
    let text = text.trim().trim_start_matches([',', ';', '.', ':']).trim_start();
    text.trim_end_matches([',', ';', ':']).trim_end().to_owned()
}

/// The text if it is understood as wanted, else the wanted scene in plain words.
fn checked(text: String, wanted: &Scene) -> String {
    if wanted.items.is_empty() && wanted.background.is_none() {
        let rest = understand(&text);
        return if rest.parts.iter().any(|part| !part.chosen) {
            String::new()
        } else {
            text
        };
    }
    let found = understand(&text);
    let shown = found
        .scene
        .items
        .iter()
        .map(|item| item.count())
        .collect::<Vec<_>>();
    let meant = wanted.items.iter().map(|item| item.count()).collect::<Vec<_>>();
    let same_counts = shown == meant || wanted.items.iter().any(|item| item.count.is_none());
    let singles = wanted
        .items
        .iter()
        .zip(&shown)
        .all(|(item, &count)| item.count.is_some() || count == 1 || text_has_no_number(&found));
    if found.scene.typed() == *wanted && same_counts && singles && !found.is_outside() {
        text
    } else {
        wanted.worded()
    }
}

/// Whether plurals of a text stand without a number.
fn text_has_no_number(found: &Understanding) -> bool {
    !found.parts.iter().any(|part| part.kind == PartKind::Count)
}
