//! Whether a picture is what was asked: facts looked up in what was found, maps compared pixel by
//! pixel. Every threshold is here or in [`super::finder::Thresholds`].

use super::finder::{Find, Finder, Seen};
use super::prompts::Fact;
use super::world::{Colour, Scene};
use lumina_studio::picture;
use lumina_studio::pixels::Pixels;
use lumina_studio::task::CANNY_THRESHOLDS;

/// A thing is on a side when its middle is this far from the picture's middle (share of the side).
const OFF_CENTRE: f32 = 0.08;
/// A thing is in the middle when its own middle is no further off than this.
const CENTRED: f32 = 0.16;
/// Middles of two things of which one is left of (above) the other are this far apart.
const APART: f32 = 0.1;
/// Small and big things, shares of the shorter side.
const SMALL: f32 = 0.43;
const BIG: f32 = 0.66;
/// A big thing beside a small one is larger by this factor.
const LARGER: f32 = 1.35;
/// A background counts when it explains this share of the pixels.
const BACKGROUND: f32 = 0.12;
/// Edges of two maps agree within this many pixels for every 128 of the shorter side.
const EDGE_REACH: f64 = 2.0;
/// A map of edges is followed when its F1 is at least this.
pub const EDGES_FOLLOWED: f64 = 0.75;
/// A depth map is right when its mean error is at most this share of white.
pub const DEPTH_ERROR: f64 = 0.06;
/// What an edit must leave alone is left alone at this mean error (share of white).
pub const UNTOUCHED_ERROR: f64 = 0.05;
/// Channels of a grey pixel are this near to each other; a map has at most this share of others.
const GREY: u8 = 24;
const COLOURED: f64 = 0.02;
/// Pixels of which no neighbour this near changes are those to be left alone.
const MARGIN: i32 = 6;

/// Whether a picture has no colour worth the name: maps have none.
pub fn is_colourless(picture: &Pixels) -> bool {
    let pixels = picture.rgb().chunks_exact(3);
    let count = pixels.len();
    let coloured = pixels.filter(|p| {
        p.iter()
            .max()
            .zip(p.iter().min())
            .is_some_and(|(a, b)| a - b > GREY)
    });
    coloured.count() as f64 <= COLOURED * count as f64
}

impl Finder {
    fn of<'a>(&'a self, seen: &'a Seen, noun: &'a str) -> impl Iterator<Item = &'a Find> + 'a {
        let index = self.world.noun(noun);
        seen.finds.iter().filter(move |find| Some(find.noun) == index)
    }

    /// Whether a find shows a colour: as its tint, or in its own colours taken together.
    fn shows(&self, find: &Find, colour: &str) -> bool {
        let tints = &self.world.tints;
        let tint = find.tint.unwrap_or_else(|| {
            let sprite = self.world.sprite(find.noun, None, 24);
            let alpha: f32 = sprite.alpha.iter().sum();
            let sum = sprite.colours.iter().fold([0.0f32; 3], |sum, colour| {
                std::array::from_fn(|c| sum[c] + colour[c])
            });
            let mean = sum.map(|s| s / alpha.max(1e-3));
            let far = |tint: &Colour| -> f32 { tint.iter().zip(&mean).map(|(a, b)| (a - b) * (a - b)).sum() };
            let order = (0..tints.len()).min_by(|a, b| far(&tints[*a].1).total_cmp(&far(&tints[*b].1)));
            order.unwrap_or_default()
        });
        tints[tint].0 == colour
    }

    pub fn holds(&self, fact: &Fact, seen: &Seen) -> bool {
        let all = |noun: &str, what: &dyn Fn(&Find) -> bool| {
            self.of(seen, noun).next().is_some() && self.of(seen, noun).all(what)
        };
        match fact {
            Fact::Count { noun, count } => self.of(seen, noun).count() == *count,
            Fact::Colour { noun, colour } => all(noun, &|find| self.shows(find, colour)),
            Fact::Place { noun, place } => all(noun, &|find| stands(find, place)),
            Fact::Relation { noun, relation, to } => {
                all(noun, &|one| all(to, &|other| related(one, relation, other)))
            }
            Fact::Size { noun, size } => all(noun, &|find| match size.as_str() {
                "small" => find.size <= SMALL,
                "big" => find.size >= BIG,
                _ => (SMALL..BIG).contains(&find.size),
            }),
            Fact::Larger { noun, than } => {
                all(noun, &|one| all(than, &|other| one.size > LARGER * other.size))
            }
            Fact::Shows { nouns } => nouns.iter().any(|noun| self.of(seen, noun).next().is_some()),
            Fact::Backgrounds { backgrounds } => {
                backgrounds.contains(&self.world.backgrounds[seen.background].name)
                    && seen.explained >= BACKGROUND
            }
            Fact::Background { background } => {
                self.world.backgrounds[seen.background].name == *background && seen.explained >= BACKGROUND
            }
        }
    }

    /// Whether a thing that was found was asked for, in its colour, size and place; `None` where that
    /// cannot be said of one thing, as of one of too many.
    pub fn is_as_asked(&self, find: &Find, clauses: &[Vec<Fact>], seen: &Seen) -> Option<bool> {
        let name = &self.world.nouns[find.noun].name;
        let about: Vec<&Fact> = clauses
            .iter()
            .flatten()
            .filter(|fact| fact.nouns().contains(&name.as_str()))
            .collect();
        // This one and all that are called otherwise.
        let mut alone = seen.clone();
        alone
            .finds
            .retain(|other| other.noun != find.noun || other == find);
        let mut is_right = !about.is_empty();
        for fact in about {
            is_right &= match fact {
                Fact::Count { count: 0, .. } => false,
                Fact::Count { count, .. } if self.of(seen, name).count() > *count => return None,
                Fact::Count { .. } | Fact::Shows { .. } => true,
                // Beside a thing that is missing it stands nowhere.
                Fact::Relation { .. } | Fact::Larger { .. } => {
                    let is_there = |noun: &&str| self.of(seen, noun).next().is_some();
                    !fact.nouns().iter().all(is_there) || self.holds(fact, &alone)
                }
                _ => self.holds(fact, &alone),
            };
        }
        Some(is_right)
    }

    /// Which clauses hold.
    pub fn clauses(&self, clauses: &[Vec<Fact>], seen: &Seen) -> Vec<bool> {
        clauses
            .iter()
            .map(|clause| clause.iter().all(|fact| self.holds(fact, seen)))
            .collect()
    }
}

fn stands(find: &Find, place: &str) -> bool {
    let (x, y) = (find.x - 0.5, find.y - 0.5);
    place.split(' ').all(|word| match word {
        "left" => x < -OFF_CENTRE,
        "right" => x > OFF_CENTRE,
        "top" => y < -OFF_CENTRE,
        "bottom" => y > OFF_CENTRE,
        _ => x.abs().max(y.abs()) < CENTRED,
    })
}

fn related(one: &Find, relation: &str, other: &Find) -> bool {
    match relation {
        "left of" => one.x < other.x - APART,
        "right of" => one.x > other.x + APART,
        "above" => one.y < other.y - APART,
        _ => one.y > other.y + APART,
    }
}

/// The program's own map of edges.
pub fn canny(picture: &Pixels) -> Pixels {
    picture::canny(picture, CANNY_THRESHOLDS.0, CANNY_THRESHOLDS.1)
}

fn edges(map: &Pixels) -> Vec<bool> {
    map.rgb()
        .chunks_exact(3)
        .map(|rgb| rgb.iter().map(|v| u32::from(*v)).sum::<u32>() > 384)
        .collect()
}

/// `set` grown by `reach` pixels in every direction.
fn grown(set: &[bool], width: usize, reach: i32) -> Vec<bool> {
    let height = set.len() / width.max(1);
    let mut out = vec![false; set.len()];
    for (at, _) in set.iter().enumerate().filter(|(_, set)| **set) {
        let (x, y) = ((at % width) as i32, (at / width) as i32);
        for ny in (y - reach).max(0)..=(y + reach).min(height as i32 - 1) {
            let row = ny as usize * width;
            let from = (x - reach).max(0) as usize;
            let upto = (x + reach).min(width as i32 - 1) as usize;
            out[row + from..=row + upto].fill(true);
        }
    }
    out
}

/// Agreement of two edge maps of one size: the harmonic mean of precision and recall.
pub fn edge_agreement(drawn: &Pixels, truth: &Pixels) -> f64 {
    let size = truth.size();
    if drawn.size() != size {
        return 0.0;
    }
    let (drawn, truth) = (edges(drawn), edges(truth));
    let reach = (EDGE_REACH * f64::from(size.width.min(size.height)) / 128.0).round() as i32;
    let within = |set: &[bool], of: &[bool]| {
        let near = grown(of, size.width as usize, reach);
        let all = set.iter().filter(|edge| **edge).count();
        let hit = set.iter().zip(&near).filter(|(edge, near)| **edge && **near);
        if all == 0 {
            0.0
        } else {
            hit.count() as f64 / all as f64
        }
    };
    let (precision, recall) = (within(&drawn, &truth), within(&truth, &drawn));
    if precision + recall == 0.0 {
        return 0.0;
    }
    2.0 * precision * recall / (precision + recall)
}

/// Mean absolute difference as a share of white, over the pixels `of` says yes to.
pub fn mean_error(a: &Pixels, b: &Pixels, of: impl Fn(usize) -> bool) -> f64 {
    let (mut sum, mut count) = (0u64, 0u64);
    for (at, (a, b)) in a.rgb().chunks_exact(3).zip(b.rgb().chunks_exact(3)).enumerate() {
        if of(at) {
            let apart = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)));
            sum += apart.sum::<u64>();
            count += 3;
        }
    }
    sum as f64 / (255 * count.max(1)) as f64
}

impl Finder {
    /// How much an edit changed what it had to leave alone: mean error over the pixels that are
    /// the same in both scenes, `None` where there are hardly any.
    pub fn touched(&self, before: &Scene, after: &Scene, given: &Pixels, result: &Pixels) -> Option<f64> {
        let size = given.size();
        let (old, new) = (self.world.render(before, size), self.world.render(after, size));
        let pairs = old.rgb().chunks_exact(3).zip(new.rgb().chunks_exact(3));
        let changed: Vec<bool> = pairs
            .map(|(a, b)| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 2))
            .collect();
        let changed = grown(&changed, size.width as usize, MARGIN);
        let kept = changed.iter().filter(|changed| !**changed).count();
        (kept * 50 > changed.len() && result.size() == size)
            .then(|| mean_error(given, result, |at| !changed[at]))
    }
}
