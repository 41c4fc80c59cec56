//! The pictures a state names: PNG files called by what they are, written once.

use super::super::photo::Photo;
use super::error::StoreError;
use crate::disk::{self, Onto, Readers};
use crate::pixels::{MOST_PIXELS, Original, Pixels, Profile, Samples, Size};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The folder of them.
#[derive(Debug)]
pub(super) struct Shelf(PathBuf);

impl Shelf {
    pub(super) fn of(folder: &Path) -> Self {
        Self(folder.join("pictures"))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    fn file(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.png"))
    }

    pub(super) fn put(&self, photo: &Photo) -> Result<(), StoreError> {
        let path = self.file(&photo.id);
        if path.is_file() {
            return Ok(());
        }
        encode(&photo.pixels)
            .and_then(|bytes| disk::put(&path, &bytes, Readers::Owner, Onto::Any))
            .map_err(|error| StoreError { path, error })
    }

    /// Fills in pictures by their names; each is read once, however many ask for it.
    pub(super) fn filling(&self) -> Filling<'_> {
        Filling {
            shelf: self,
            known: HashMap::new(),
            lost: Vec::new(),
        }
    }

    fn read(&self, id: &str) -> Option<Pixels> {
        // Ids come from a file: they are no paths.
        if id.is_empty() || !id.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let file = File::open(self.file(id)).ok()?;
        let mut reader = png::Decoder::new(BufReader::new(file)).read_info().ok()?;
        let info = reader.info();
        let size = Size::new(info.width, info.height);
        // Its header may say anything: nothing is reserved before that was looked at.
        if u64::from(size.width) * u64::from(size.height) > MOST_PIXELS {
            return None;
        }
        let (colour, depth) = (info.color_type, info.bit_depth);
        let profile = info.icc_profile.as_deref().and_then(Profile::new);
        let mut bytes = vec![0; reader.output_buffer_size()?];
        reader.next_frame(&mut bytes).ok()?;
        let samples = Samples::of_png(colour, depth, bytes)?;
        Pixels::of(size, Original { samples, profile })
    }

    /// Takes away what nobody names any more, but nothing from before `spared`: a state that was set
    /// aside then may name it.
    pub(super) fn sweep(&self, named: &HashSet<String>, spared: Option<SystemTime>) {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let path = entry.path();
            let id = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let is_unnamed = id.is_some_and(|id| !named.contains(&id) && !id.starts_with('.'));
            let is_spared = spared.is_some_and(|time| {
                let date = entry.metadata().and_then(|about| about.modified());
                date.is_ok_and(|date| date <= time)
            });
            if is_unnamed && !is_spared {
                // What cannot be removed now is tried again at the next save.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Pictures as they are read, and those that cannot be.
pub(super) struct Filling<'a> {
    shelf: &'a Shelf,
    known: HashMap<String, Option<Arc<Pixels>>>,
    /// What the user calls those that are gone or cannot be read.
    lost: Vec<String>,
}

impl Filling<'_> {
    /// Whether the picture is there.
    pub(super) fn fill(&mut self, photo: &mut Photo) -> bool {
        let pixels = self.known.entry(photo.id.clone()).or_insert_with(|| {
            let pixels = self.shelf.read(&photo.id).map(Arc::new);
            if pixels.is_none() {
                self.lost.push(photo.name.clone());
            }
            pixels
        });
        if let Some(pixels) = pixels {
            photo.pixels = Arc::clone(pixels);
        }
        pixels.is_some()
    }

    pub(super) fn into_lost(self) -> Vec<String> {
        self.lost
    }
}

/// Fast rather than small: these files come and go with the sources.
fn encode(pixels: &Pixels) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let (info, samples) = pixels.png();
    let mut encoder = png::Encoder::with_info(&mut bytes, info).map_err(io::Error::other)?;
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(&samples).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(bytes)
}
