//! What is understood as a scene, and the scene in the words of the model's training captions.
//!
//! The forms are those of `assets/starter/recipe/scenes.py`: one thing with size, colour and place; a
//! count; two things with a joint; from three things on, or where places are asked for, a clause each.

use super::article::article;
use super::table::{NUMBERS, TABLE, ThingInfo};

/// A value and whether it was typed; what was not is chosen here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said<T> {
    pub(super) value: T,
    pub(super) typed: bool,
}

/// One thing of a scene, or several of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) noun: &'static str,
    pub(super) chosen: bool,
    pub(super) count: Option<Said<usize>>,
    pub(super) size: Option<&'static str>,
    pub(super) colour: Option<Said<&'static str>>,
    pub(super) place: Option<&'static str>,
    /// How it stands to the thing before it.
    pub(super) relation: Option<&'static str>,
}

impl Item {
    pub(super) fn of(noun: &'static str) -> Self {
        Self {
            noun,
            chosen: false,
            count: None,
            size: None,
            colour: None,
            place: None,
            relation: None,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
            .as_ref()
            .map_or(1, |count| count.value)
            .clamp(1, NUMBERS.len())
    }

    /// The colour as captions have it: none where the thing has it of its own.
    fn colour(&self, info: &ThingInfo) -> Option<&'static str> {
        let colour = self.colour.as_ref()?.value;
        info.takes_colours()
            .then_some(if colour == "light blue" { "blue" } else { colour })
    }

    /// "a big red car", "two red cars".
    fn name(&self, sized: bool) -> String {
        let Some(info) = TABLE.thing(self.noun) else {
            return String::new();
        };
        let count = self.count();
        let mut words = Vec::new();
        words.extend(self.size.filter(|_| sized && count == 1));
        words.extend(self.colour(info));
        words.push(info.word(count));
        let words = words.join(" ");
        match count {
            1 => format!("{} {words}", article(&words)),
            _ => format!("{} {words}", NUMBERS[count - 1]),
        }
    }
}

/// What is to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) items: Vec<Item>,
    pub(super) background: Option<Said<&'static str>>,
}

/// The words of a place.
pub(super) fn place_words(place: &str) -> &'static str {
    match place {
        "left" => "on the left",
        "right" => "on the right",
        "top" => "at the top",
        "bottom" => "at the bottom",
        "top left" => "in the top left corner",
        "top right" => "in the top right corner",
        "bottom left" => "in the bottom left corner",
        "bottom right" => "in the bottom right corner",
        _ => "in the middle",
    }
}

/// The words of a relation.
pub(super) fn relation_words(relation: &str) -> &'static str {
    match relation {
        "left of" => "to the left of",
        "right of" => "to the right of",
        "above" => "above",
        "below" => "below",
        "in front of" => "in front of",
        "behind" => "behind",
        _ => "and",
    }
}

impl Scene {
    /// The caption the model knows best for it; empty where there is no thing.
    pub(super) fn caption(&self) -> String {
        let setting = self
            .background
            .as_ref()
            .and_then(|one| TABLE.background(one.value));
        let setting = setting.map_or("", |one| one.caption());
        match self.items.as_slice() {
            [] => String::new(),
            [one] => joined(&[&Self::single(one), setting]),
            [one, other] if Self::is_pair(one, other) => joined(&[&Self::pair(one, other), setting]),
            many => {
                let clauses = Self::long(many);
                if setting.is_empty() {
                    clauses
                } else {
                    format!("{clauses}, {setting}")
                }
            }
        }
    }

    fn is_pair(one: &Item, other: &Item) -> bool {
        one.count() == 1 && other.count() == 1 && one.place.is_none() && other.place.is_none()
    }

    fn single(item: &Item) -> String {
        if item.count() > 1 {
            return item.name(false);
        }
        let (mut item, mut place) = (item.clone(), item.place);
        match item.size {
            // A big one fills the picture: captions name no place for it.
            Some("big") => place = None,
            Some(_) => (),
            // What stands in a corner is small in captions; the middle is said of small ones alone.
            None if place.is_some_and(|place| place.contains(' ')) => item.size = Some("small"),
            None => place = place.filter(|&place| place != "middle"),
        }
        joined(&[&item.name(true), place.map_or("", place_words)])
    }

    fn pair(one: &Item, other: &Item) -> String {
        let joint = relation_words(other.relation.unwrap_or("and"));
        let swap = joint == "and" && one.size == Some("small") && other.size == Some("big");
        let (one, other) = if swap { (other, one) } else { (one, other) };
        joined(&[&one.name(true), joint, &other.name(true)])
    }

    /// A clause each: places as asked for, the others where a layout of captions has them.
    fn long(items: &[Item]) -> String {
        let layouts: &[&[&str]] = match items.len() {
            2 if items.iter().any(|item| item.count() > 1) => &[&["top", "bottom"], &["left", "right"]],
            2 => &[
                &["left", "right"],
                &["top", "bottom"],
                &["top left", "bottom right"],
                &["top right", "bottom left"],
            ],
            3 => &[
                &["left", "middle", "right"],
                &["top left", "top right", "bottom"],
                &["top", "bottom left", "bottom right"],
                &["top", "middle", "bottom"],
            ],
            _ => &[&["top left", "top right", "bottom left", "bottom right"]],
        };
        let asked: Vec<&str> = items.iter().filter_map(|item| item.place).collect();
        let fits = layouts
            .iter()
            .find(|layout| asked.iter().all(|place| layout.contains(place)));
        let layout = fits.or(layouts.first()).copied().unwrap_or(&[]);
        let mut free = layout.iter().copied().filter(|place| !asked.contains(place));
        let related = match items {
            [_, other] if asked.is_empty() => other.relation.unwrap_or(""),
            _ => "",
        };
        let mut clauses: Vec<String> = items
            .iter()
            .map(|item| {
                let place = item.place.or_else(|| free.next()).unwrap_or("middle");
                format!("{} {}", item.name(false), place_words(place))
            })
            .collect();
        if let [one, other] = items
            && matches!(related, "below" | "right of" | "left of" | "above")
        {
            let (first, second) = match related {
                "left of" => ("left", "right"),
                "right of" => ("right", "left"),
                "above" => ("top", "bottom"),
                _ => ("bottom", "top"),
            };
            let clause = |item: &Item, place| format!("{} {}", item.name(false), place_words(place));
            clauses = vec![clause(one, first), clause(other, second)];
        }
        match clauses.as_slice() {
            [one, other] => format!("{one} and {other}"),
            _ => clauses.join(", "),
        }
    }

    /// Only what was typed.
    pub(super) fn typed(&self) -> Self {
        let mut typed = self.clone();
        typed.items.retain(|item| !item.chosen);
        for item in &mut typed.items {
            item.count = item.count.take().filter(|count| count.typed);
            item.colour = item.colour.take().filter(|colour| colour.typed);
        }
        typed.background = typed.background.filter(|background| background.typed);
        typed
    }

    /// In words that are understood as just this scene.
    pub(super) fn worded(&self) -> String {
        let mut text = String::new();
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                let joint = relation_words(item.relation.unwrap_or("and"));
                text = format!("{text} {joint} ");
            }
            let mut name = item.name(true);
            // A colour that captions leave out was typed all the same.
            if let (Some(colour), Some(info)) = (&item.colour, TABLE.thing(item.noun))
                && !info.takes_colours()
            {
                let words = format!("{} {}", colour.value, info.word(item.count()));
                name = match item.count() {
                    1 => format!("{} {words}", article(&words)),
                    count => format!("{} {words}", NUMBERS[count - 1]),
                };
            }
            text.push_str(&joined(&[&name, item.place.map_or("", place_words)]));
        }
        let setting = self
            .background
            .as_ref()
            .and_then(|one| TABLE.background(one.value));
        joined(&[&text, setting.map_or("", |one| one.caption())])
    }
}

fn joined(parts: &[&str]) -> String {
    let full: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    full.join(" ")
}
