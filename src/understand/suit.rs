//! What nobody said and a caption needs: a background that suits, a colour of a shape, something to show.
//!
//! What was said and captions cannot hold is moved to what is not drawn.

use super::caption::{Item, Said};
use super::grammar::{PLACES, RELATIONS, Reading};
use super::table::{NUMBERS, TABLE};
use super::understanding::{Part, PartKind, Reason, Unknown};

/// What to show before a background that was named alone.
const SHOWN: [(&str, &str); 13] = [
    ("meadow", "tree"),
    ("beach", "palm tree"),
    ("sunset", "sailboat"),
    ("night", "moon"),
    ("snow", "snowman"),
    ("sea", "fish"),
    ("desert", "cactus"),
    ("mountains", "pine tree"),
    ("forest", "fox"),
    ("road", "car"),
    ("room", "chair"),
    ("space", "rocket"),
    ("light blue", "cloud"),
];

/// Things offered where nothing is near.
const POPULAR: [&str; 18] = [
    "dog",
    "rocket",
    "sunflower",
    "cat",
    "castle",
    "robot",
    "unicorn",
    "sailboat",
    "butterfly",
    "penguin",
    "rainbow",
    "teddy bear",
    "fox",
    "car",
    "snowman",
    "panda",
    "balloon",
    "dinosaur",
];

/// Completes a reading, so that its scene is one captions can tell.
pub(super) fn complete(reading: &mut Reading, end: usize) {
    bare_background(reading, end);
    drop_untold(reading);
    plain_shapes(reading, end);
    counts_chosen(reading, end);
    background(reading, end);
    for at in 0..reading.parts.len() {
        reading.parts[at].alternatives = alternatives(reading, &reading.parts[at]);
    }
}

fn chosen(kind: PartKind, meaning: &str, item: usize, end: usize) -> Part {
    Part {
        kind,
        meaning: meaning.to_owned(),
        words: String::new(),
        range: end..end,
        chosen: true,
        alternatives: Vec::new(),
        span: end..end,
        item,
    }
}

fn bare_background(reading: &mut Reading, end: usize) {
    let Some(background) = &reading.scene.background else {
        return;
    };
    if !reading.scene.items.is_empty() || reading.outside {
        return;
    }
    let shown = SHOWN
        .iter()
        .find(|(name, _)| *name == background.value)
        .map_or("star", |(_, noun)| noun);
    let noun = if background.value == "yellow" {
        "heart"
    } else {
        shown
    };
    reading.scene.items.push(Item {
        chosen: true,
        ..Item::of(noun)
    });
    reading.parts.push(chosen(PartKind::Thing, noun, 0, end));
    reading.near = true;
}

/// Sizes, places and relations that the caption's form has no room for.
fn drop_untold(reading: &mut Reading) {
    let items = &mut reading.scene.items;
    let many = items.len();
    let mut dropped = Vec::new();
    let counted = items.iter().any(|item| item.count() > 1);
    let placed = items.iter().any(|item| item.place.is_some());
    let pair = many == 2 && !counted && !placed;
    for (at, item) in items.iter_mut().enumerate() {
        let crowd = many == 1 && item.count() > 1;
        if item.place.is_some() && (crowd || (many == 1 && item.size == Some("big"))) {
            item.place = None;
            dropped.push((at, PartKind::Place, Reason::Place));
        }
        if item.size.is_some() && (many > 1 && !pair) {
            item.size = None;
            dropped.push((at, PartKind::Size, Reason::Size));
        }
        if item.relation.is_some_and(|relation| relation != "and") && (many > 2 || placed) {
            item.relation = Some("and");
            dropped.push((at, PartKind::Relation, Reason::Relation));
        }
    }
    for (item, kind, reason) in dropped {
        let of = |part: &Part| part.item == item && part.kind == kind;
        if let Some(at) = reading.parts.iter().position(of) {
            let part = reading.parts.remove(at);
            reading.unknown.push(Unknown {
                words: part.words,
                range: part.range,
                reason,
            });
        }
    }
    reading
        .unknown
        .sort_by_key(|one| (one.range.start, one.range.end));
}

fn plain_shapes(reading: &mut Reading, end: usize) {
    let background = reading.scene.background.as_ref().map_or("", |one| one.value);
    let colours = ["red", "blue", "yellow", "purple"].into_iter();
    let mut free = colours.filter(|&colour| !like(colour, background));
    for (at, item) in reading.scene.items.iter_mut().enumerate() {
        if item.colour.is_none() && TABLE.thing(item.noun).is_some_and(|info| info.is_shape()) {
            let colour = free.next().unwrap_or("black");
            item.colour = Some(Said {
                value: colour,
                typed: false,
            });
            reading.parts.push(chosen(PartKind::Colour, colour, at, end));
        }
    }
}

fn counts_chosen(reading: &mut Reading, end: usize) {
    for (at, item) in reading.scene.items.iter().enumerate() {
        if item.count.as_ref().is_some_and(|count| !count.typed) {
            reading
                .parts
                .push(chosen(PartKind::Count, NUMBERS[item.count() - 1], at, end));
        }
    }
}

/// Whether a colour can hardly be told from a background.
fn like(colour: &str, background: &str) -> bool {
    match background {
        "meadow" | "forest" => colour == "green",
        "beach" | "desert" => matches!(colour, "yellow" | "orange" | "brown"),
        "sunset" => matches!(colour, "orange" | "red" | "pink"),
        "night" | "space" => matches!(colour, "black" | "blue" | "purple"),
        "snow" => colour == "white",
        "sea" => matches!(colour, "blue" | "light blue"),
        "light blue" => matches!(colour, "blue" | "light blue" | "white"),
        "room" => matches!(colour, "brown" | "orange"),
        "road" | "mountains" => matches!(colour, "grey" | "black"),
        _ => colour == background,
    }
}

fn background(reading: &mut Reading, end: usize) {
    let Some(first) = reading.scene.items.first() else {
        return;
    };
    if reading.scene.background.is_some() {
        return;
    }
    let suits = TABLE
        .thing(first.noun)
        .map_or(&[][..], |info| info.suits.as_slice());
    let colours: Vec<&str> = reading
        .scene
        .items
        .iter()
        .filter(|item| TABLE.thing(item.noun).is_some_and(|info| info.takes_colours()))
        .filter_map(|item| item.colour.as_ref().map(|colour| colour.value))
        .collect();
    let shows = |&&name: &&&str| !colours.iter().any(|colour| like(colour, name));
    let last = ["white", "light blue", "black"];
    let name = suits.iter().chain(&last).find(shows).copied().unwrap_or("white");
    reading.scene.background = Some(Said {
        value: name,
        typed: false,
    });
    reading.parts.push(chosen(PartKind::Background, name, 0, end));
}

/// What a part could be instead.
fn alternatives(reading: &Reading, part: &Part) -> Vec<String> {
    let info = reading
        .scene
        .items
        .get(part.item)
        .and_then(|item| TABLE.thing(item.noun));
    let suits = info.map_or(&[][..], |info| info.suits.as_slice()).iter().copied();
    let all: Vec<&str> = match part.kind {
        PartKind::Thing => TABLE
            .thing(&part.meaning)
            .into_iter()
            .flat_map(|info| info.like())
            .collect(),
        PartKind::Background => {
            let rest = TABLE.backgrounds.iter().rev().map(|one| one.name.as_str());
            let mut all: Vec<&str> = suits.collect();
            all.extend(rest.filter(|name| !all.contains(name)).collect::<Vec<_>>());
            all
        }
        PartKind::Colour => TABLE.tints.iter().map(String::as_str).collect(),
        PartKind::Count => NUMBERS.to_vec(),
        PartKind::Size => vec!["small", "big"],
        PartKind::Place => PLACES.to_vec(),
        PartKind::Relation => RELATIONS.to_vec(),
    };
    let natural = |colour: &str| info.is_none_or(|info| info.takes_colours() || info.has_by_nature(colour));
    let fits = |name: &&str| *name != part.meaning && (part.kind != PartKind::Colour || natural(name));
    all.into_iter().filter(fits).map(str::to_owned).collect()
}

/// Three things to offer: what was named beside, what is near, then popular ones.
pub(super) fn offers(reading: &Reading, typed: &str) -> [String; 3] {
    let named = reading.scene.items.iter().map(|item| item.noun);
    let near = reading
        .offers
        .split(',')
        .filter(|name| TABLE.thing(name).is_some());
    // The same text is always offered the same.
    let turn = typed.bytes().fold(0_usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let popular = (0..POPULAR.len()).map(|at| POPULAR[(turn + at) % POPULAR.len()]);
    let mut offered: Vec<String> = Vec::new();
    for name in named.chain(near).chain(popular) {
        if offered.len() < 3 && offered.iter().all(|one| one != name) {
            offered.push(name.to_owned());
        }
    }
    let mut offered = offered.into_iter();
    std::array::from_fn(|_| offered.next().unwrap_or_else(|| "dog".to_owned()))
}
