//! Small pictures of the panels on the GPU, by what they show.

use crate::pixels::Pixels;
use crate::state::{OutcomeId, Photo, thumbnail};
use egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Longer side of what is uploaded.
const SIDE: u32 = 240;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Photo(String),
    Outcome(OutcomeId),
    Example(&'static str),
}

#[derive(Default)]
pub(super) struct Textures {
    held: HashMap<Key, (TextureHandle, u64)>,
    run: Option<(u64, TextureHandle)>,
    frame: u64,
}

/// A picture as egui uploads it.
pub(super) fn colour_image(pixels: &Pixels) -> ColorImage {
    let size = pixels.size();
    ColorImage::from_rgb([size.width as usize, size.height as usize], pixels.rgb())
}

impl Textures {
    /// Forgets what was not shown for a while.
    pub(super) fn next_frame(&mut self) {
        self.frame += 1;
        if self.frame.is_multiple_of(600) {
            let oldest = self.frame - 600;
            self.held.retain(|_, (_, used)| *used >= oldest);
        }
    }

    fn get(&mut self, ctx: &Context, key: Key, small: impl FnOnce() -> Pixels) -> TextureHandle {
        let frame = self.frame;
        match self.held.entry(key) {
            Entry::Occupied(mut held) => {
                held.get_mut().1 = frame;
                held.get().0.clone()
            }
            Entry::Vacant(place) => {
                let image = colour_image(&small());
                let texture = ctx.load_texture(format!("{:?}", place.key()), image, TextureOptions::LINEAR);
                place.insert((texture, frame)).0.clone()
            }
        }
    }

    pub(super) fn photo(&mut self, ctx: &Context, photo: &Photo) -> TextureHandle {
        let key = Key::Photo(photo.id.clone());
        self.get(ctx, key, || thumbnail(&photo.pixels, SIDE))
    }

    pub(super) fn outcome(&mut self, ctx: &Context, id: OutcomeId, small: &Pixels) -> TextureHandle {
        self.get(ctx, Key::Outcome(id), || small.clone())
    }

    pub(super) fn example(&mut self, ctx: &Context, name: &'static str, png: &[u8]) -> TextureHandle {
        self.get(ctx, Key::Example(name), || {
            let read = crate::picture::read_bytes(png, name);
            read.unwrap_or_else(|_| Pixels::filled(crate::pixels::Size::new(8, 8), [128; 3]))
        })
    }

    /// The picture being drawn; `stamp` changes with every row.
    pub(super) fn run(&mut self, ctx: &Context, stamp: u64, small: impl FnOnce() -> Pixels) -> TextureHandle {
        match &mut self.run {
            Some((known, texture)) if *known == stamp => texture.clone(),
            held => {
                let texture = ctx.load_texture("run", colour_image(&small()), TextureOptions::LINEAR);
                *held = Some((stamp, texture.clone()));
                texture
            }
        }
    }
}
