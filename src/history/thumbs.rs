//! Small versions of pictures, cached as PNG files.
//!
//! A file's name is a hash of the picture's path, date, size in bytes and the side asked for, so a
//! changed picture simply has another name. The cache may be emptied at any time, and a file in it
//! that cannot be read is made again.

use super::error::HistoryError;
use super::stamp::Stamp;
use crate::disk::{self, Readers};
use crate::pixels::{Pixels, Size};
use sha2::{Digest, Sha256};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Longest side of a thumbnail that is read.
const LONGEST: u32 = 4096;

#[derive(Debug)]
pub(super) struct Thumbs {
    folder: PathBuf,
}

impl Thumbs {
    pub(super) fn new(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self { folder }
    }

    /// The thumbnail of a picture in this state, else what `make` makes, which is kept.
    pub(super) fn get(
        &self,
        path: &Path,
        stamp: Stamp,
        longest: u32,
        make: impl FnOnce() -> Result<Pixels, HistoryError>,
    ) -> Result<Pixels, HistoryError> {
        let file = self.file(path, stamp, longest);
        if let Some(pixels) = read(&file) {
            return Ok(pixels);
        }
        let pixels = make()?;
        // A cache that cannot be written costs time, nothing else.
        let _ = self.write(&file, &pixels);
        Ok(pixels)
    }

    /// Leaves the `most` newest files.
    pub(super) fn tidy(&self, most: usize) {
        let listed = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut files: Vec<(SystemTime, PathBuf)> = listed
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort_by(|a, b| b.cmp(a));
        for (_, file) in files.iter().skip(most) {
            let _ = std::fs::remove_file(file);
        }
    }

    fn file(&self, path: &Path, stamp: Stamp, longest: u32) -> PathBuf {
        let since = stamp.modified.duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.as_nanos());
        let mut hash = Sha256::new();
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update(format!("\0{nanos}\0{}\0{longest}", stamp.bytes));
        let digits: String = hash
            .finalize()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.folder.join(format!("{digits}.png"))
    }

    fn write(&self, file: &Path, pixels: &Pixels) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, pixels.size().width, pixels.size().height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(pixels.rgb())?;
        writer.finish()?;
        // Nothing is synced: what a power cut takes is made again.
        let mut temporary = disk::unfinished(&self.folder, Readers::Owner)?;
        temporary.write_all(&bytes)?;
        temporary.persist(file).map_err(|e| e.error)?;
        Ok(())
    }
}

fn read(file: &Path) -> Option<Pixels> {
    let file = BufReader::new(std::fs::File::open(file).ok()?);
    let mut reader = png::Decoder::new(file).read_info().ok()?;
    // Its header may say anything: nothing is reserved before that was looked at.
    if reader.info().width.max(reader.info().height) > LONGEST {
        return None;
    }
    let mut rgb = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut rgb).ok()?;
    let plain = info.color_type == png::ColorType::Rgb && info.bit_depth == png::BitDepth::Eight;
    Pixels::new(Size::new(info.width, info.height), rgb).filter(|_| plain)
}
