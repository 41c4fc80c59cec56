//! Finds the things in a picture by correlation with every sprite at every scale.
//!
//! Three steps, each finer and on fewer places. The background is told first: the scene whose own
//! picture leaves least unexplained, with a share of the error for each pixel so limited that what
//! stands in front does not matter. Then the silhouette of every sprite is correlated with
//! where the picture differs from its background (masked, normalised, at a quarter of the fine
//! size). The best places are looked at in colour: how much of the difference from the background
//! vanishes when the sprite is put there (its *gain*, and as a share of what its box holds its
//! *fit*), and how the sprite's own pattern correlates with the picture under its mask. Last, the
//! places are moved and scaled a little for the best gain, and taken greedily: the one that explains
//! most and best (gain times fit squared) first, whatever overlaps something taken is passed over.

use super::sums::Sums;
use super::world::{Canvas, Colour, Kind, Sprite, World};
use lumina_studio::pixels::Pixels;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// Shorter side of the picture while silhouettes are looked for.
const COARSE: usize = 32;
/// Shorter side of the picture while colours are compared.
const MIDDLE: usize = 48;
/// Shorter side of the picture while places are improved.
const FINE: usize = 96;
/// Sides of silhouettes at the coarse size: the world's things have 0.26 to 0.84 of the shorter side.
const SCALES: [usize; 10] = [8, 9, 11, 12, 14, 16, 18, 21, 24, 27];
/// Silhouettes may reach over the border by this many coarse pixels.
const BORDER: usize = 2;
/// Correlation of a silhouette from which a place is looked at in colour.
const SILHOUETTE: f32 = 0.45;
/// Places of one sprite that are looked at in colour.
const PLACES: usize = 20;
/// Sprites that are improved at one place.
const RIVALS: usize = 10;
/// A difference from the background of this length is as good as any (colour distance).
const CLEAR: f32 = 70.0;
/// A background pixel counts as explained below this colour distance.
const EXPLAINED: f32 = 40.0;
/// Weight of a box's pixels outside the silhouette in the fit.
const OUTSIDE: f32 = 0.5;

/// What a find must reach to count.
#[derive(Debug, Clone, Copy)]
pub struct Thresholds {
    /// Share of the difference from the background that the sprite explains in its box.
    pub fit: f32,
    /// Correlation of the sprite's pattern with the picture under the mask, border included.
    pub pattern: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            fit: 0.62,
            pattern: 0.7,
        }
    }
}

/// One thing in a picture. Lengths are shares: x and y of the sides, the size of the shorter one.
#[derive(Debug, Clone, PartialEq)]
pub struct Find {
    pub noun: usize,
    /// Index among the world's tints; `None` for a thing in its own colours.
    pub tint: Option<usize>,
    pub x: f32,
    pub y: f32,
    pub size: f32,
    pub fit: f32,
    pub pattern: f32,
}

/// What was found in a picture.
#[derive(Debug, Clone)]
pub struct Seen {
    pub finds: Vec<Find>,
    /// Index of the background that fits best.
    pub background: usize,
    /// Share of the pixels it explains.
    pub explained: f32,
}

/// A silhouette without its mean, of length one.
struct Silhouette {
    noun: usize,
    side: usize,
    values: Vec<f32>,
}

/// Noun, tint, side.
type Cut = (usize, Option<usize>, usize);
/// Width and height.
type Sides = (usize, usize);

pub struct Finder {
    pub world: World,
    pub thresholds: Thresholds,
    silhouettes: Vec<Silhouette>,
    cuts: RwLock<HashMap<Cut, Arc<Sprite>>>,
    backgrounds: RwLock<HashMap<Sides, Arc<Vec<Canvas>>>>,
}

/// A sprite put somewhere, in pixels of one of the sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    noun: usize,
    tint: Option<usize>,
    left: i32,
    top: i32,
    side: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    gain: f32,
    fit: f32,
    pattern: f32,
}

impl Measure {
    /// What places are ranked by: a sprite over two things explains more than one over either,
    /// but worse.
    fn worth(self) -> f32 {
        self.gain * self.fit.max(0.0).powi(2)
    }
}

/// A picture and its background at one size.
struct View {
    picture: Canvas,
    background: Canvas,
}

fn squared(a: &Colour, b: &Colour) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Sides of a picture brought to a shorter side.
fn sides(picture: &Canvas, shorter: usize) -> (usize, usize) {
    let least = picture.width.min(picture.height).max(1);
    let side = |length: usize| (length * shorter + least / 2) / least;
    (side(picture.width), side(picture.height))
}

impl View {
    /// Colour of the background at a pixel, beyond the border too.
    fn behind(&self, x: i32, y: i32) -> usize {
        let x = x.clamp(0, self.picture.width as i32 - 1) as usize;
        let y = y.clamp(0, self.picture.height as i32 - 1) as usize;
        y * self.picture.width + x
    }

    fn inside(&self, x: i32, y: i32) -> bool {
        (0..self.picture.width as i32).contains(&x) && (0..self.picture.height as i32).contains(&y)
    }

    fn measure(&self, sprite: &Sprite, left: i32, top: i32) -> Measure {
        let (mut before, mut after, mut gain) = (0.0f32, 0.0f32, 0.0f32);
        // Sums for the correlation of picture and sprite, all channels together.
        let (mut n, mut sx, mut sy, mut sxx, mut syy, mut sxy) = (0.0f32, 0.0, 0.0, 0.0, 0.0, 0.0);
        for y in 0..sprite.side as i32 {
            for x in 0..sprite.side as i32 {
                let at = y as usize * sprite.side + x as usize;
                let alpha = sprite.alpha[at];
                let (px, py) = (left + x, top + y);
                let clear = squared_alpha(alpha);
                if !self.inside(px, py) {
                    // What would lie outside the picture is missing from it.
                    after += clear * CLEAR * CLEAR;
                    before += clear * CLEAR * CLEAR;
                    continue;
                }
                let here = self.behind(px, py);
                let (picture, background) = (&self.picture.pixels[here], &self.background.pixels[here]);
                let drawn: Colour =
                    std::array::from_fn(|c| background[c] * (1.0 - alpha) + sprite.colours[at][c]);
                let (old, new) = (squared(picture, background), squared(picture, &drawn));
                let weight = if alpha > 0.05 { 1.0 } else { OUTSIDE };
                before += weight * old;
                after += weight * new;
                gain += old - new;
                if alpha > 0.05 {
                    for (p, d) in picture.iter().zip(&drawn) {
                        n += 1.0;
                        sx += p;
                        sy += d;
                        sxx += p * p;
                        syy += d * d;
                        sxy += p * d;
                    }
                }
            }
        }
        let n = n.max(1.0);
        let (vx, vy) = (sxx - sx * sx / n, syy - sy * sy / n);
        // A thing of one even colour has no pattern to compare: its fit decides alone.
        let flat = vy / n < 90.0;
        Measure {
            gain,
            fit: 1.0 - after / before.max(1.0),
            pattern: if flat {
                1.0
            } else {
                (sxy - sx * sy / n) / (vx * vy).sqrt().max(1e-3)
            },
        }
    }
}

fn squared_alpha(alpha: f32) -> f32 {
    alpha * alpha
}

impl Finder {
    pub fn new(world: World) -> Self {
        let mut silhouettes = Vec::new();
        for noun in 0..world.nouns.len() {
            for side in SCALES {
                let alpha = world.sprite(noun, None, side).alpha;
                let mean = alpha.iter().sum::<f32>() / alpha.len() as f32;
                let length = alpha.iter().map(|a| (a - mean) * (a - mean)).sum::<f32>().sqrt();
                let values = alpha.iter().map(|a| (a - mean) / length.max(1e-6)).collect();
                silhouettes.push(Silhouette { noun, side, values });
            }
        }
        Self {
            world,
            thresholds: Thresholds::default(),
            silhouettes,
            cuts: RwLock::default(),
            backgrounds: RwLock::default(),
        }
    }

    fn cut(&self, cut: Cut) -> Arc<Sprite> {
        if let Some(known) = self.cuts.read().ok().and_then(|cuts| cuts.get(&cut).cloned()) {
            return known;
        }
        let colour = cut.1.map(|tint| self.world.tints[tint].1);
        let made = Arc::new(self.world.sprite(cut.0, colour, cut.2));
        if let Ok(mut cuts) = self.cuts.write() {
            cuts.insert(cut, Arc::clone(&made));
        }
        made
    }

    /// Every background at a size.
    fn backgrounds(&self, width: usize, height: usize) -> Arc<Vec<Canvas>> {
        let key = (width, height);
        if let Some(known) = self
            .backgrounds
            .read()
            .ok()
            .and_then(|all| all.get(&key).cloned())
        {
            return known;
        }
        let names = self.world.backgrounds.iter().map(|background| &background.name);
        let made = names.map(|name| {
            let large = self.world.background(name, 2 * width, 2 * height);
            large.resized(width, height)
        });
        let made: Arc<Vec<Canvas>> = Arc::new(made.collect());
        if let Ok(mut all) = self.backgrounds.write() {
            all.insert(key, Arc::clone(&made));
        }
        made
    }

    /// The background that fits best, and the share of pixels it explains.
    fn background(&self, picture: &Canvas) -> (usize, f32) {
        let (width, height) = (picture.width, picture.height);
        // Things stand in the middle more often than at the border.
        let weight = |at: usize| {
            let across = (at % width) as f32 / (width - 1) as f32 - 0.5;
            let down = (at / width) as f32 / (height - 1) as f32 - 0.5;
            if across.abs().max(down.abs()) > 0.4 {
                1.0
            } else {
                0.25
            }
        };
        let limit = 3.0 * EXPLAINED * EXPLAINED;
        let score = |canvas: &Canvas| {
            let pairs = picture.pixels.iter().zip(&canvas.pixels).enumerate();
            pairs
                .map(|(at, (a, b))| weight(at) * squared(a, b).min(limit))
                .sum::<f32>()
        };
        let all = self.backgrounds(width, height);
        let scores = all.iter().map(score).enumerate();
        let best = scores.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |best| best.0);
        let pairs = picture.pixels.iter().zip(&all[best].pixels);
        let explained = pairs
            .filter(|(a, b)| squared(a, b) < EXPLAINED * EXPLAINED)
            .count();
        (best, explained as f32 / picture.pixels.len() as f32)
    }

    fn view(&self, picture: &Canvas, shorter: usize, background: usize) -> View {
        let (width, height) = sides(picture, shorter);
        let picture = picture.resized(width, height);
        let mut background = self.backgrounds(width, height)[background].clone();
        // A drawn background may be off a little as a whole.
        for c in 0..3 {
            let mut off: Vec<f32> = picture
                .pixels
                .iter()
                .zip(&background.pixels)
                .filter(|(a, b)| squared(a, b) < EXPLAINED * EXPLAINED)
                .map(|(a, b)| a[c] - b[c])
                .collect();
            if off.is_empty() {
                continue;
            }
            let middle = off.len() / 2;
            let (_, shift, _) = off.select_nth_unstable_by(middle, f32::total_cmp);
            let shift = *shift;
            background.pixels.iter_mut().for_each(|pixel| pixel[c] += shift);
        }
        View { picture, background }
    }

    pub fn look(&self, pixels: &Pixels) -> Seen {
        let picture = Canvas::of(pixels);
        let fine_sides = sides(&picture, FINE);
        let (background, explained) = self.background(&picture.resized(fine_sides.0, fine_sides.1));
        let [coarse, middle, fine] = [COARSE, MIDDLE, FINE].map(|side| self.view(&picture, side, background));
        let mut places = self.silhouetted(&coarse);
        places.iter_mut().for_each(|place| {
            let up = |v: i32| v * MIDDLE as i32 / COARSE as i32;
            let side = place.side * MIDDLE / COARSE;
            (place.left, place.top, place.side) = (up(place.left), up(place.top), side);
        });
        let coloured: Vec<(Place, Measure)> = places
            .iter()
            .flat_map(|place| self.coloured(&middle, *place))
            .map(|place| self.climbed(&middle, place, &[2, 1, 1]))
            .filter(|(_, measure)| measure.fit > self.thresholds.fit / 2.0)
            .collect();
        let improved = self.improved(&fine, coloured);
        Seen {
            finds: self.taken(&fine, improved),
            background,
            explained,
        }
    }

    /// Places where a silhouette fits, a few for every sprite.
    fn silhouetted(&self, view: &View) -> Vec<Place> {
        let (width, height) = (view.picture.width + 2 * BORDER, view.picture.height + 2 * BORDER);
        let mut differs = vec![0.0f32; width * height];
        for y in 0..view.picture.height {
            for x in 0..view.picture.width {
                let at = y * view.picture.width + x;
                let apart = squared(&view.picture.pixels[at], &view.background.pixels[at]).sqrt();
                differs[(y + BORDER) * width + x + BORDER] = (apart / CLEAR).min(1.0);
            }
        }
        let sums = Sums::of(&differs, width, height);
        let mut places = Vec::new();
        for group in self.silhouettes.chunk_by(|a, b| a.noun == b.noun) {
            let mut found: Vec<(f32, Place)> = Vec::new();
            for silhouette in group {
                self.correlate(silhouette, &differs, &sums, &mut found);
            }
            found.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut kept: Vec<Place> = Vec::new();
            for (_, place) in found {
                if kept.len() == PLACES {
                    break;
                }
                if kept.iter().all(|other| !near(other, &place)) {
                    kept.push(place);
                }
            }
            places.extend(kept);
        }
        places
    }

    fn correlate(
        &self,
        silhouette: &Silhouette,
        differs: &[f32],
        sums: &Sums,
        found: &mut Vec<(f32, Place)>,
    ) {
        let side = silhouette.side;
        if side > sums.width || side > sums.height {
            return;
        }
        let step = 1 + side / 14;
        let count = (side * side) as f32;
        for top in (0..=sums.height - side).step_by(step) {
            for left in (0..=sums.width - side).step_by(step) {
                let (sum, squares) = sums.of_box(left, top, side);
                let length = (squares - sum * sum / count).max(0.0).sqrt();
                // Nearly nothing there, or nearly nothing but difference.
                if sum < 0.08 * count || length < 1e-3 {
                    continue;
                }
                let mut dot = 0.0;
                for row in 0..side {
                    let values = &silhouette.values[row * side..][..side];
                    let there = &differs[(top + row) * sums.width + left..][..side];
                    dot += values.iter().zip(there).map(|(a, b)| a * b).sum::<f32>();
                }
                let score = dot / length;
                if score > SILHOUETTE {
                    let place = Place {
                        noun: silhouette.noun,
                        tint: None,
                        left: left as i32 - BORDER as i32,
                        top: top as i32 - BORDER as i32,
                        side,
                    };
                    found.push((score, place));
                }
            }
        }
    }

    /// The place in the likeliest colours of its sprite.
    fn coloured(&self, view: &View, place: Place) -> Vec<Place> {
        let kind = self.world.nouns[place.noun].kind;
        let mut tints: Vec<Option<usize>> = Vec::new();
        if kind != Kind::Shape {
            tints.push(None);
        }
        if kind != Kind::Plain {
            tints.extend(self.likely_tints(view, place).map(Some));
        }
        let sprite = |tint: Option<usize>| self.cut((place.noun, tint, place.side));
        let worth = |tint: &Option<usize>| view.measure(&sprite(*tint), place.left, place.top).fit > 0.0;
        tints.retain(worth);
        tints.into_iter().map(|tint| Place { tint, ..place }).collect()
    }

    /// The two tints nearest to what is under a silhouette.
    fn likely_tints(&self, view: &View, place: Place) -> impl Iterator<Item = usize> + use<> {
        let sprite = self.cut((place.noun, None, place.side));
        let (mut sum, mut count) = ([0.0f32; 3], 0.0f32);
        for (at, alpha) in sprite.alpha.iter().enumerate().filter(|(_, alpha)| **alpha > 0.7) {
            let (x, y) = (
                place.left + (at % place.side) as i32,
                place.top + (at / place.side) as i32,
            );
            let pixel = view.picture.pixels[view.behind(x, y)];
            sum.iter_mut().zip(pixel).for_each(|(s, p)| *s += alpha * p);
            count += alpha;
        }
        let mean = sum.map(|s| s / count.max(1e-3));
        let mut order: Vec<usize> = (0..self.world.tints.len()).collect();
        order.sort_by(|a, b| {
            let far = |tint: &usize| squared(&self.world.tints[*tint].1, &mean);
            far(a).total_cmp(&far(b))
        });
        order.into_iter().take(2)
    }

    /// The sprites of most worth at every place, moved and scaled for the largest gain.
    fn improved(&self, view: &View, mut coloured: Vec<(Place, Measure)>) -> Vec<(Place, Measure)> {
        coloured.sort_by(|a, b| b.1.worth().total_cmp(&a.1.worth()));
        let mut groups: Vec<Vec<Place>> = Vec::new();
        for (place, _) in coloured {
            let group = groups.iter_mut().find(|group| near(&group[0], &place));
            match group {
                Some(group) if group.len() < RIVALS => {
                    if group
                        .iter()
                        .all(|other| (other.noun, other.tint) != (place.noun, place.tint))
                    {
                        group.push(place);
                    }
                }
                Some(_) => {}
                None => groups.push(vec![place]),
            }
        }
        let ratio = (FINE / MIDDLE) as i32;
        let finer = |place: Place| Place {
            left: place.left * ratio,
            top: place.top * ratio,
            side: place.side * ratio as usize,
            ..place
        };
        groups
            .into_iter()
            .flatten()
            .map(|place| self.climbed(view, finer(place), &[2, 1, 1]))
            .collect()
    }

    /// Moved and scaled by the steps given as long as the gain grows.
    fn climbed(&self, view: &View, start: Place, steps: &[i32]) -> (Place, Measure) {
        let measure = |place: &Place| {
            let sprite = self.cut((place.noun, place.tint, place.side));
            view.measure(&sprite, place.left, place.top)
        };
        let mut best = (start, measure(&start));
        for &reach in steps {
            let grown = |by: i32| {
                let side = (best.0.side as i32 + 2 * by).max(8);
                Place {
                    left: best.0.left - by,
                    top: best.0.top - by,
                    side: side as usize,
                    ..best.0
                }
            };
            let moved = |dx: i32, dy: i32| Place {
                left: best.0.left + dx,
                top: best.0.top + dy,
                ..best.0
            };
            let tries = [
                moved(-reach, 0),
                moved(reach, 0),
                moved(0, -reach),
                moved(0, reach),
                grown(-reach),
                grown(reach),
            ];
            for place in tries {
                let found = measure(&place);
                if found.gain > best.1.gain {
                    best = (place, found);
                }
            }
        }
        best
    }

    /// The most worth first; what overlaps something taken is passed over.
    fn taken(&self, view: &View, mut improved: Vec<(Place, Measure)>) -> Vec<Find> {
        improved.sort_by(|a, b| b.1.worth().total_cmp(&a.1.worth()));
        let mut covered = vec![false; view.picture.pixels.len()];
        let mut finds = Vec::new();
        for (place, measure) in improved {
            if measure.fit < self.thresholds.fit || measure.pattern < self.thresholds.pattern {
                continue;
            }
            let sprite = self.cut((place.noun, place.tint, place.side));
            let solid = sprite.alpha.iter().enumerate().filter(|(_, alpha)| **alpha > 0.5);
            let pixels: Vec<usize> = solid
                .map(|(at, _)| {
                    (
                        place.left + (at % place.side) as i32,
                        place.top + (at / place.side) as i32,
                    )
                })
                .filter(|(x, y)| view.inside(*x, *y))
                .map(|(x, y)| view.behind(x, y))
                .collect();
            let known = pixels.iter().filter(|at| covered[**at]).count();
            if pixels.is_empty() || known as f32 > 0.25 * pixels.len() as f32 {
                continue;
            }
            pixels.iter().for_each(|at| covered[*at] = true);
            let half = place.side as f32 / 2.0;
            finds.push(Find {
                noun: place.noun,
                tint: place.tint,
                x: (place.left as f32 + half) / view.picture.width as f32,
                y: (place.top as f32 + half) / view.picture.height as f32,
                size: place.side as f32 / FINE as f32,
                fit: measure.fit,
                pattern: measure.pattern,
            });
        }
        finds
    }
}

/// Whether two places are about the same.
fn near(a: &Place, b: &Place) -> bool {
    let centre = |p: &Place| (2 * p.left + p.side as i32, 2 * p.top + p.side as i32);
    let ((ax, ay), (bx, by)) = (centre(a), centre(b));
    let reach = a.side.min(b.side) as i32;
    let alike = 10 * a.side.min(b.side) > 7 * a.side.max(b.side);
    alike && 2 * (ax - bx).abs() < reach && 2 * (ay - by).abs() < reach
}
