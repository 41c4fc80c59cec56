//! The starter's world, drawn as `assets/starter/recipe/world.py` draws it (its head says how):
//! scenes are plain data, and both programs make the same pixels of them within 2 of 255.

use image::RgbaImage;
use lumina_studio::pixels::{Pixels, Size};
use lumina_studio::token::CODE_PIXELS;
use serde::Deserialize;
use std::collections::HashMap;

const WORLD: &str = include_str!("../../assets/starter/recipe/world.json");
const SPRITES: &[u8] = include_bytes!("../../assets/starter/recipe/sprites.png");
/// Grey of the depth map: objects by layer, then the far end and the rise of the ground.
const DEPTH_LAYERS: [f32; 3] = [150.0, 200.0, 250.0];
const DEPTH_FAR: f32 = 30.0;
const DEPTH_GROUND: f32 = 80.0;
/// Things stand on the grid of codes: its step in pixels, and how many of them things are wide.
const CODE: i64 = CODE_PIXELS as i64;
const CODES: [i64; 8] = [3, 5, 6, 8, 12, 16, 24, 32];

pub type Colour = [f32; 3];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In its own colours only.
    Plain,
    /// In its own colours or in any one.
    Tintable,
    /// In any one colour.
    Shape,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Noun {
    pub name: String,
    pub kind: Kind,
    /// Whether the first edition knows it.
    pub first: bool,
    cell: usize,
    luma: i32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Layer {
    Band {
        band: [i64; 2],
        top: Colour,
        bottom: Colour,
    },
    Polygon {
        polygon: Vec<[i64; 2]>,
        colour: Colour,
    },
    Disc {
        disc: [i64; 3],
        colour: Colour,
    },
    Dots {
        dots: Vec<[i64; 2]>,
        colour: Colour,
    },
}

#[derive(Debug, Clone, Deserialize)]
pub struct Background {
    pub name: String,
    layers: Vec<Layer>,
    ground: i64,
}

#[derive(Debug, Deserialize)]
struct Stored {
    cell: usize,
    columns: usize,
    colours: HashMap<String, Colour>,
    tints: Vec<String>,
    nouns: Vec<Noun>,
    backgrounds: Vec<Background>,
}

/// One thing of a scene; lengths in thousandths.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Item {
    pub noun: String,
    pub colour: Option<String>,
    pub size: i64,
    pub x: i64,
    pub y: i64,
    pub layer: usize,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Scene {
    pub background: String,
    pub objects: Vec<Item>,
}

/// Colours times alpha (0 to 255) and alpha (0 to 1) of a square picture.
#[derive(Debug, Clone)]
pub struct Sprite {
    pub side: usize,
    pub colours: Vec<Colour>,
    pub alpha: Vec<f32>,
}

/// A picture in floating point, 0 to 255.
#[derive(Debug, Clone)]
pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<Colour>,
}

pub struct World {
    pub nouns: Vec<Noun>,
    pub backgrounds: Vec<Background>,
    /// Colours that things can be had in.
    pub tints: Vec<(String, Colour)>,
    colours: HashMap<String, Colour>,
    cell: usize,
    columns: usize,
    atlas: RgbaImage,
}

fn of_side(thousandths: i64, side: usize) -> i64 {
    (thousandths * side as i64 + 500).div_euclid(1000)
}

/// For every output pixel the inputs it is made of: the first one and their weights.
pub fn weights(ins: usize, outs: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = ins as f64 / outs as f64;
    let reach = scale.max(1.0);
    (0..outs)
        .map(|i| {
            let centre = (i as f64 + 0.5) * scale;
            let first = (centre - reach - 0.5).floor().max(0.0) as usize;
            let last = ((centre + reach).ceil() as usize).min(ins);
            let weight = |j: usize| (1.0 - (j as f64 + 0.5 - centre).abs() / reach).max(0.0);
            let all: Vec<f64> = (first..last).map(weight).collect();
            let sum: f64 = all.iter().sum();
            (first, all.iter().map(|w| (w / sum) as f32).collect())
        })
        .collect()
}

impl Canvas {
    pub fn of(pixels: &Pixels) -> Self {
        let size = pixels.size();
        let colour = |rgb: &[u8]| [f32::from(rgb[0]), f32::from(rgb[1]), f32::from(rgb[2])];
        Self {
            width: size.width as usize,
            height: size.height as usize,
            pixels: pixels.rgb().chunks_exact(3).map(colour).collect(),
        }
    }

    pub fn to_pixels(&self) -> Pixels {
        let bytes = self.pixels.iter().flatten();
        let rgb = bytes.map(|v| (v.clamp(0.0, 255.0) + 0.5).floor() as u8).collect();
        let size = Size::new(self.width as u32, self.height as u32);
        Pixels::new(size, rgb).unwrap_or_else(|| Pixels::filled(size, [0; 3]))
    }

    pub fn resized(&self, width: usize, height: usize) -> Self {
        let mut tall = vec![[0.0; 3]; self.width * height];
        for (y, (first, list)) in weights(self.height, height).iter().enumerate() {
            for (j, weight) in list.iter().enumerate() {
                let from = &self.pixels[(first + j) * self.width..][..self.width];
                for (out, pixel) in tall[y * self.width..].iter_mut().zip(from) {
                    add(out, pixel, *weight);
                }
            }
        }
        let mut pixels = vec![[0.0; 3]; width * height];
        for (x, (first, list)) in weights(self.width, width).iter().enumerate() {
            for y in 0..height {
                for (j, weight) in list.iter().enumerate() {
                    add(
                        &mut pixels[y * width + x],
                        &tall[y * self.width + first + j],
                        *weight,
                    );
                }
            }
        }
        Self {
            width,
            height,
            pixels,
        }
    }
}

fn add(out: &mut Colour, pixel: &Colour, weight: f32) {
    for (o, p) in out.iter_mut().zip(pixel) {
        *o += weight * p;
    }
}

fn holds(points: &[[i64; 2]], x: i64, y: i64, (width, height): (i64, i64)) -> bool {
    let corner = |i: usize| {
        let [px, py] = points[i % points.len()];
        (px * width, py * height)
    };
    let sides: Vec<i64> = (0..points.len())
        .map(|i| {
            let ((ax, ay), (bx, by)) = (corner(i), corner(i + 1));
            (bx - ax) * (1000 * y + 500 - ay) - (by - ay) * (1000 * x + 500 - ax)
        })
        .collect();
    sides.iter().all(|side| *side >= 0) || sides.iter().all(|side| *side <= 0)
}

impl Layer {
    fn paint(&self, canvas: &mut Canvas) {
        let (width, height) = (canvas.width, canvas.height);
        let mut fill = |found: &dyn Fn(i64, i64) -> bool, colour: Colour| {
            for y in 0..height {
                for x in 0..width {
                    if found(x as i64, y as i64) {
                        canvas.pixels[y * width + x] = colour;
                    }
                }
            }
        };
        match self {
            Self::Band { band, top, bottom } => {
                let (first, last) = (of_side(band[0], height), of_side(band[1], height));
                for y in first..last {
                    let t = (y - first) as f32 / (last - first - 1).max(1) as f32;
                    let colour: Colour = std::array::from_fn(|c| top[c] + (bottom[c] - top[c]) * t);
                    canvas.pixels[y as usize * width..][..width].fill(colour);
                }
            }
            Self::Polygon { polygon, colour } => {
                let sides = (width as i64, height as i64);
                fill(&|x, y| holds(polygon, x, y, sides), *colour);
            }
            Self::Disc { disc, colour } => {
                let (cx, cy) = (of_side(disc[0], width), of_side(disc[1], height));
                let radius = of_side(disc[2], width.min(height));
                let inside = |x: i64, y: i64| {
                    let (dx, dy) = (2 * (x - cx) + 1, 2 * (y - cy) + 1);
                    dx * dx + dy * dy <= 4 * radius * radius
                };
                fill(&inside, *colour);
            }
            Self::Dots { dots, colour } => {
                let side = (width.min(height) / 64).max(1);
                for [x, y] in dots {
                    let (x, y) = (*x as usize * width / 1000, *y as usize * height / 1000);
                    for row in y..(y + side).min(height) {
                        canvas.pixels[row * width..][x..(x + side).min(width)].fill(*colour);
                    }
                }
            }
        }
    }
}

impl World {
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let stored: Stored = serde_json::from_str(WORLD)?;
        let atlas = image::load_from_memory(SPRITES)?.to_rgba8();
        let tint = |name: &String| Some((name.clone(), *stored.colours.get(name)?));
        Ok(Self {
            tints: stored.tints.iter().filter_map(tint).collect(),
            nouns: stored.nouns,
            backgrounds: stored.backgrounds,
            colours: stored.colours,
            cell: stored.cell,
            columns: stored.columns,
            atlas,
        })
    }

    pub fn noun(&self, name: &str) -> Option<usize> {
        self.nouns.iter().position(|noun| noun.name == name)
    }

    /// A sprite in its own colours or in one colour, scaled.
    pub fn sprite(&self, noun: usize, tint: Option<Colour>, side: usize) -> Sprite {
        let cell = self.cell;
        let index = self.nouns[noun].cell;
        let (left, top) = (index % self.columns * cell, index / self.columns * cell);
        let mut premultiplied = vec![[0.0f32; 4]; cell * cell];
        for (i, out) in premultiplied.iter_mut().enumerate() {
            let (x, y) = (left + i % cell, top + i / cell);
            let rgba = self.atlas.get_pixel(x as u32, y as u32).0;
            let alpha = f32::from(rgba[3]);
            let luma = (77 * i32::from(rgba[0]) + 150 * i32::from(rgba[1]) + 29 * i32::from(rgba[2])) >> 8;
            let shade = ((3 * (luma - self.nouns[noun].luma)) >> 2) as f32;
            for c in 0..3 {
                let value = match tint {
                    Some(colour) => (colour[c] + shade).clamp(0.0, 255.0),
                    None => f32::from(rgba[c]),
                };
                out[c] = value * alpha / 255.0;
            }
            out[3] = alpha;
        }
        scaled(&premultiplied, cell, side)
    }

    pub fn background(&self, name: &str, width: usize, height: usize) -> Canvas {
        let mut canvas = Canvas {
            width,
            height,
            pixels: vec![[0.0; 3]; width * height],
        };
        let known = self.backgrounds.iter().find(|known| known.name == name);
        for layer in known.iter().flat_map(|known| &known.layers) {
            layer.paint(&mut canvas);
        }
        canvas
    }

    /// Left, top and side of a thing in pixels.
    pub fn placed(item: &Item, width: usize, height: usize) -> (i64, i64, usize) {
        let wide = of_side(item.size, width.min(height));
        // The first of equals is the smaller.
        let side = CODES
            .iter()
            .map(|codes| CODE * codes)
            .min_by_key(|side| (side - wide).abs());
        let side = side.unwrap_or(CODE);
        let corner = |centre: i64| (2 * centre - side + CODE).div_euclid(2 * CODE) * CODE;
        (
            corner(of_side(item.x, width)),
            corner(of_side(item.y, height)),
            side as usize,
        )
    }

    /// Calls `paint(pixel, colour times alpha, alpha)` for every pixel a thing covers.
    fn cover(&self, item: &Item, (width, height): (usize, usize), mut paint: impl FnMut(usize, Colour, f32)) {
        let Some(noun) = self.noun(&item.noun) else {
            return;
        };
        let tint = item.colour.as_ref().and_then(|name| self.colours.get(name));
        let (left, top, side) = Self::placed(item, width, height);
        let sprite = self.sprite(noun, tint.copied(), side);
        for (i, (colour, alpha)) in sprite.colours.iter().zip(&sprite.alpha).enumerate() {
            let (x, y) = (left + (i % side) as i64, top + (i / side) as i64);
            if (0..width as i64).contains(&x) && (0..height as i64).contains(&y) {
                paint(y as usize * width + x as usize, *colour, *alpha);
            }
        }
    }

    pub fn render(&self, scene: &Scene, size: Size) -> Pixels {
        let (width, height) = (size.width as usize, size.height as usize);
        let mut canvas = self.background(&scene.background, width, height);
        for item in &scene.objects {
            self.cover(item, (width, height), |at, colour, alpha| {
                for (value, sprite) in canvas.pixels[at].iter_mut().zip(colour) {
                    *value = *value * (1.0 - alpha) + sprite;
                }
            });
        }
        canvas.to_pixels()
    }

    /// The depth map, near is white.
    pub fn depth(&self, scene: &Scene, size: Size) -> Pixels {
        let (width, height) = (size.width as usize, size.height as usize);
        let known = self
            .backgrounds
            .iter()
            .find(|known| known.name == scene.background);
        let ground = of_side(known.map_or(1000, |known| known.ground), height) as usize;
        let mut canvas = self.background("", width, height);
        for (y, row) in canvas.pixels.chunks_exact_mut(width).enumerate() {
            let rise = (y + 1).saturating_sub(ground) as f32 / height.saturating_sub(ground).max(1) as f32;
            row.fill([DEPTH_FAR + DEPTH_GROUND * rise; 3]);
        }
        for item in &scene.objects {
            self.cover(item, (width, height), |at, _, alpha| {
                if alpha >= 0.5 {
                    canvas.pixels[at] = [DEPTH_LAYERS[item.layer.min(2)]; 3];
                }
            });
        }
        canvas.to_pixels()
    }
}

/// Scales a square picture of colours times alpha.
fn scaled(from: &[[f32; 4]], cell: usize, side: usize) -> Sprite {
    let list = weights(cell, side);
    let mut tall = vec![[0.0f32; 4]; cell * side];
    for (y, (first, row)) in list.iter().enumerate() {
        for (j, weight) in row.iter().enumerate() {
            for x in 0..cell {
                for c in 0..4 {
                    tall[y * cell + x][c] += weight * from[(first + j) * cell + x][c];
                }
            }
        }
    }
    let mut sprite = Sprite {
        side,
        colours: Vec::with_capacity(side * side),
        alpha: Vec::with_capacity(side * side),
    };
    for y in 0..side {
        for (first, row) in &list {
            let mut sum = [0.0f32; 4];
            for (j, weight) in row.iter().enumerate() {
                for c in 0..4 {
                    sum[c] += weight * tall[y * cell + first + j][c];
                }
            }
            sprite.colours.push([sum[0], sum[1], sum[2]]);
            sprite.alpha.push(sum[3] / 255.0);
        }
    }
    sprite
}
