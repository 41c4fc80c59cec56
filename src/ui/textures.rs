//! Small pictures of the panels on the GPU, by what they show.

use crate::pixels::Pixels;
use crate::state::{OutcomeId, Photo, thumbnail};
use egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Longer side of what is uploaded.
const SIDE: u32 = 240;
/// Frames that a texture outlasts its last showing. Painting takes some ten frames a picture: were
/// it many, the results of a long queue would pile up on the GPU.
const KEPT: u64 = 60;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Photo(String),
    Outcome(OutcomeId),
    Example(&'static str),
    /// What could stand in a cell of a picture: row, column, place among the alternatives, digest.
    Patch(OutcomeId, u32, u32, usize, u64),
    /// An order, which of its candidates, and how many rows.
    Lane(u64, usize, u32),
}

#[derive(Default)]
pub(super) struct Textures {
    held: HashMap<Key, (TextureHandle, u64)>,
    run: Option<(u64, TextureHandle)>,
    overlay: Option<(ColorImage, TextureHandle)>,
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
        let oldest = self.frame.saturating_sub(KEPT);
        self.held.retain(|_, (_, used)| *used >= oldest);
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

    /// One of several pictures that are drawn together: its order, its number, its rows.
    pub(super) fn lane(
        &mut self,
        ctx: &Context,
        (order, candidate, rows): (u64, usize, u32),
        small: impl FnOnce() -> Pixels,
    ) -> TextureHandle {
        // One texture a lane: what it showed a row ago goes at once.
        let is_older =
            |key: &Key| matches!(key, Key::Lane(_, other, old) if *other == candidate && *old != rows);
        self.held.retain(|key, _| !is_older(key));
        self.get(ctx, Key::Lane(order, candidate, rows), small)
    }

    pub(super) fn example(&mut self, ctx: &Context, name: &'static str, png: &[u8]) -> TextureHandle {
        self.get(ctx, Key::Example(name), || {
            let read = crate::picture::read_bytes(png, name);
            read.unwrap_or_else(|_| Pixels::filled(crate::pixels::Size::new(8, 8), [128; 3]))
        })
    }

    /// A small picture of what could stand in a cell.
    pub(super) fn patch(
        &mut self,
        ctx: &Context,
        (outcome, row, column, place): (OutcomeId, u32, u32, usize),
        small: &Pixels,
    ) -> TextureHandle {
        // The same place may hold another code after the model was exchanged.
        let digest = small.rgb().iter().fold(0_u64, |sum, value| {
            sum.wrapping_mul(31).wrapping_add(u64::from(*value))
        });
        self.get(ctx, Key::Patch(outcome, row, column, place, digest), || {
            small.clone()
        })
    }

    /// What lies over the cells of the picture: one texel a cell.
    pub(super) fn overlay(&mut self, ctx: &Context, cells: ColorImage) -> TextureHandle {
        match &mut self.overlay {
            Some((known, texture)) => {
                if *known != cells {
                    texture.set(cells.clone(), TextureOptions::NEAREST);
                    *known = cells;
                }
                texture.clone()
            }
            held => {
                let texture = ctx.load_texture("overlay", cells.clone(), TextureOptions::NEAREST);
                *held = Some((cells, texture.clone()));
                texture
            }
        }
    }

    /// The picture being drawn; `stamp` changes with every row.
    pub(super) fn run(&mut self, ctx: &Context, stamp: u64, small: impl FnOnce() -> Pixels) -> TextureHandle {
        match &mut self.run {
            Some((known, texture)) => {
                if *known != stamp {
                    *known = stamp;
                    texture.set(colour_image(&small()), TextureOptions::LINEAR);
                }
                texture.clone()
            }
            held => {
                let texture = ctx.load_texture("run", colour_image(&small()), TextureOptions::LINEAR);
                *held = Some((stamp, texture.clone()));
                texture
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    #[test]
    fn what_is_not_shown_any_more_is_given_back_soon() {
        let (ctx, mut textures) = (Context::default(), Textures::default());
        let small = Pixels::filled(Size::new(8, 8), [1, 2, 3]);
        let uploaded = || ctx.tex_manager().read().num_allocated();
        let before = uploaded();
        // Two results, of which the second stays in view.
        let first = textures.outcome(&ctx, OutcomeId(1), &small).id();
        for _ in 0..=KEPT {
            let shown = textures.outcome(&ctx, OutcomeId(2), &small);
            assert_eq!((uploaded() - before, shown.id() == first), (2, false));
            textures.next_frame();
        }
        assert_eq!(uploaded() - before, 1);
        assert_ne!(textures.outcome(&ctx, OutcomeId(1), &small).id(), first);
    }

    #[test]
    fn a_run_keeps_one_texture_for_all_its_rows() {
        let (ctx, mut textures) = (Context::default(), Textures::default());
        let grey = |shade| move || Pixels::filled(Size::new(8, 8), [shade; 3]);
        let first = textures.run(&ctx, 1, grey(10));
        let again = textures.run(&ctx, 1, || unreachable!("nothing new to upload"));
        let next = textures.run(&ctx, 2, grey(20));
        assert_eq!((first.id(), first.id()), (again.id(), next.id()));
        // Its last upload is the new row's.
        let mut uploads = ctx.tex_manager().write().take_delta();
        let last = uploads.set.remove(&next.id()).and_then(|mut found| found.pop());
        uploads.clear();
        let egui::ImageData::Color(shown) = last.expect("an upload").image;
        assert_eq!(shown.pixels[0], egui::Color32::from_rgb(20, 20, 20));
    }
}
