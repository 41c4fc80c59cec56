//! Small versions of kept pictures: read on a thread of their own when they are first shown.
//!
//! Only a few are asked for at a time, and every frame asks for what it shows, so that what was
//! scrolled past is not read first. The oldest leave the GPU when there are too many.

use super::background::{Background, Given, Wake, caught};
use super::library_thread::Careful;
use crate::history::{Library, Places};
use crate::state::THUMBNAIL;
use crate::ui::textures::colour_image;
use egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Asked for and not answered yet, at most.
const UNDER_WAY: usize = 6;
/// On the GPU, at most, unless more are shown at once.
const HELD: usize = 400;

/// A file in one of its states.
type Key = (PathBuf, u64);

/// What became of a picture that was asked for.
#[derive(Clone)]
pub(crate) enum Small {
    Here(TextureHandle),
    Reading,
    Gone,
    /// It is there, but no picture.
    Unreadable,
}

enum Read {
    Picture(ColorImage),
    Gone,
    Unreadable,
}

pub(crate) struct Thumbnails {
    reader: Background<Key, (Key, Read)>,
    /// With the frame that showed it last.
    held: HashMap<Key, (Small, u64)>,
    under_way: usize,
    frame: u64,
}

impl Thumbnails {
    pub(crate) fn new(places: Places, wake: Wake) -> Self {
        let begin = move || {
            let library = Library::new(&places);
            move |key: Key| {
                let small = caught(|| library.thumbnail(&key.0, THUMBNAIL, &Careful));
                let read = match small {
                    Ok(Ok(pixels)) => Read::Picture(colour_image(&pixels)),
                    _ if !key.0.is_file() => Read::Gone,
                    _ => Read::Unreadable,
                };
                Some((key, read))
            }
        };
        Self {
            reader: Background::new("thumbnails", wake, begin, |_| (Key::default(), Read::Unreadable)),
            held: HashMap::new(),
            under_way: 0,
            frame: 0,
        }
    }

    /// Takes in what was read since the last frame.
    pub(crate) fn next_frame(&mut self, ctx: &Context) {
        self.frame += 1;
        for (key, read) in self.reader.answers() {
            self.under_way = self.under_way.saturating_sub(1);
            let small = match read {
                Read::Picture(image) => {
                    let name = key.0.to_string_lossy().into_owned();
                    Small::Here(ctx.load_texture(name, image, TextureOptions::LINEAR))
                }
                Read::Gone => Small::Gone,
                Read::Unreadable => Small::Unreadable,
            };
            self.held.insert(key, (small, self.frame));
        }
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        if self.held.len() <= HELD {
            return;
        }
        let mut used: Vec<u64> = self.held.values().map(|(_, used)| *used).collect();
        used.sort_unstable_by(|a, b| b.cmp(a));
        // What the last frame showed stays, however much that was.
        let oldest = used[HELD - 1].min(self.frame - 1);
        self.held
            .retain(|_, (small, used)| *used >= oldest || matches!(small, Small::Reading));
    }

    /// The thumbnail of a file; another `version` is another picture.
    pub(crate) fn get(&mut self, path: &Path, version: u64) -> Small {
        let key = (path.to_owned(), version);
        if let Some((small, used)) = self.held.get_mut(&key) {
            *used = self.frame;
            return small.clone();
        }
        if self.under_way < UNDER_WAY && self.reader.give(key.clone()) == Given::Yes {
            self.under_way += 1;
            self.held.insert(key, (Small::Reading, self.frame));
        }
        Small::Reading
    }

    /// The GPU has none of them any more.
    pub(crate) fn forget_all(&mut self) {
        self.held.retain(|_, (small, _)| matches!(small, Small::Reading));
    }

    /// Looks again when it is asked for the next time.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.held
            .retain(|(held, _), (small, _)| held != path || matches!(small, Small::Reading));
    }
}
