//! Pictures that are not what was asked: the ground truth with one thing wrong. A judge that lets
//! them pass is worth nothing.

use super::prompts::{Fact, Prompt};
use super::world::{Kind, Scene, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Noun,
    Count,
    Side,
    Colour,
    Size,
    Background,
}

impl Wrong {
    pub const ALL: [Self; 6] = [
        Self::Noun,
        Self::Count,
        Self::Side,
        Self::Colour,
        Self::Size,
        Self::Background,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Noun => "wrong noun",
            Self::Count => "wrong count",
            Self::Side => "wrong side",
            Self::Colour => "wrong colour",
            Self::Size => "wrong size",
            Self::Background => "wrong background",
        }
    }
}

/// A number that looks chosen at random and is always the same for a prompt.
fn chosen(text: &str, below: usize) -> usize {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 20) as usize % below.max(1)
}

fn asks(prompt: &Prompt, what: impl Fn(&Fact) -> bool) -> bool {
    prompt.clauses.iter().flatten().any(what)
}

/// The prompt's scene with one thing wrong; `None` where the prompt does not speak of it.
pub fn corrupted(world: &World, prompt: &Prompt, wrong: Wrong) -> Option<Scene> {
    let mut scene = prompt.wanted().clone();
    let first = scene.objects.first()?.clone();
    match wrong {
        Wrong::Noun => {
            asks(
                prompt,
                |fact| matches!(fact, Fact::Count { noun, .. } if *noun == first.noun),
            )
            .then_some(())?;
            let fits = |kind: Kind| (kind == Kind::Shape) == (first.colour.is_some() && kind != Kind::Plain);
            let others: Vec<&str> = world
                .nouns
                .iter()
                .filter(|noun| match first.colour {
                    Some(_) => noun.kind != Kind::Plain,
                    None => noun.kind != Kind::Shape && (noun.first || fits(noun.kind)),
                })
                .map(|noun| noun.name.as_str())
                .filter(|name| scene.objects.iter().all(|item| item.noun != *name))
                .collect();
            let other = others[chosen(&prompt.text, others.len())].to_owned();
            let swapped = scene.objects.iter_mut().filter(|item| item.noun == first.noun);
            swapped.for_each(|item| item.noun.clone_from(&other));
        }
        Wrong::Count => {
            asks(
                prompt,
                |fact| matches!(fact, Fact::Count { count, .. } if *count > 1),
            )
            .then_some(())?;
            let counts = |noun: &str| scene.objects.iter().filter(|item| item.noun == noun).count();
            let at = scene.objects.iter().position(|item| counts(&item.noun) > 1)?;
            scene.objects.remove(at);
        }
        Wrong::Side => {
            let sided = |fact: &Fact| match fact {
                Fact::Relation { .. } => true,
                Fact::Place { place, .. } => place != "middle",
                _ => false,
            };
            asks(prompt, sided).then_some(())?;
            for item in &mut scene.objects {
                (item.x, item.y) = (1000 - item.x, 1000 - item.y);
            }
            // Two rows of the same things mirrored are the same picture.
            (prompt.category != "long").then_some(())?;
        }
        Wrong::Colour => {
            asks(prompt, |fact| matches!(fact, Fact::Colour { .. })).then_some(())?;
            let at = scene.objects.iter().position(|item| item.colour.is_some())?;
            let other = (at + 1..scene.objects.len()).find(|other| {
                let (a, b) = (&scene.objects[at], &scene.objects[*other]);
                b.colour.is_some() && a.colour != b.colour
            });
            match other {
                // Bound to the wrong things.
                Some(other) => {
                    let tint = scene.objects[other].colour.clone();
                    scene.objects[other].colour = scene.objects[at].colour.take();
                    scene.objects[at].colour = tint;
                }
                None => {
                    let free: Vec<&String> = world
                        .tints
                        .iter()
                        .map(|(name, _)| name)
                        .filter(|name| {
                            Some(*name) != scene.objects[at].colour.as_ref() && **name != scene.background
                        })
                        .collect();
                    let noun = scene.objects[at].noun.clone();
                    let tint = Some(free[chosen(&prompt.text, free.len())].clone());
                    let painted = scene.objects.iter_mut().filter(|item| item.noun == noun);
                    painted.for_each(|item| item.colour.clone_from(&tint));
                }
            }
        }
        Wrong::Size => {
            asks(prompt, |fact| matches!(fact, Fact::Size { .. })).then_some(())?;
            let item = scene.objects.first_mut()?;
            item.size = if item.size > 500 { 320 } else { 760 };
            (item.x, item.y) = if item.size > 500 {
                (500, 500)
            } else {
                (item.x, item.y)
            };
        }
        Wrong::Background => {
            asks(prompt, |fact| matches!(fact, Fact::Background { .. })).then_some(())?;
            let names: Vec<&String> = world
                .backgrounds
                .iter()
                .map(|background| &background.name)
                .filter(|name| **name != scene.background)
                .collect();
            scene.background = names[chosen(&prompt.text, names.len())].clone();
        }
    }
    Some(scene)
}
