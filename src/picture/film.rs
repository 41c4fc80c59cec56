//! A time-lapse: a picture row by row as it came, guesses included, as a GIF or an animated PNG.

use super::{PictureError, shrink};
use crate::pixels::{Pixels, Size};
use crate::task::{Guesses, Progress};
use crate::token::{CODE_PIXELS, Grid};
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbaImage};
use std::path::Path;

/// Longer side of what is filmed.
const LONGEST_SIDE: u32 = 512;
/// More moments than this are not filmed; rows always are.
const MOST_MOMENTS: usize = 240;
/// How long it takes from the first row to the last, and how long the finished picture stays, in
/// milliseconds.
const PLAYED: u32 = 4000;
const STANDS: u32 = 2000;
/// What is not drawn yet, and how far guesses stand back into it.
const UNDRAWN: u8 = 128;
const GUESS_PARTS: u16 = 2;

/// Animated formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moving {
    Gif,
    /// An animated PNG.
    Png,
}

impl Moving {
    /// By the ending of a file's name: `.gif`, or `.png` and `.apng`.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "gif" => Some(Self::Gif),
            "png" | "apng" => Some(Self::Png),
            _ => None,
        }
    }
}

/// The moments of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// Of what is shown.
    grid: Grid,
    /// Rows of the token grid above it.
    above: u32,
    so_far: Pixels,
    moments: Vec<Pixels>,
}

impl Film {
    /// An empty film of the rows below the first `above` ones of `grid`.
    pub fn new(grid: Grid, above: u32) -> Self {
        let grid = Grid {
            rows: grid.rows.saturating_sub(above),
            columns: grid.columns,
        };
        Self {
            grid,
            above,
            so_far: Pixels::filled(grid.pixels(), [UNDRAWN; 3]),
            moments: Vec::new(),
        }
    }

    /// Takes what the engine tells of the first candidate.
    pub fn take(&mut self, progress: &Progress) {
        match progress {
            Progress::Row {
                candidate: 0,
                row,
                guesses,
                preview,
                ..
            } => {
                let Some(row) = row.checked_sub(self.above) else {
                    return;
                };
                place(&mut self.so_far, row, preview, None);
                self.moment(row + 1, guesses);
            }
            Progress::Ahead {
                candidate: 0,
                guesses,
                ..
            } if self.moments.len() < MOST_MOMENTS => {
                let rows = self.rows_so_far();
                self.moment(rows, guesses);
            }
            _ => {}
        }
    }

    /// Ends with the finished picture.
    pub fn end(&mut self, pixels: &Pixels) {
        self.moments.push(shrink(pixels, LONGEST_SIDE));
    }

    pub fn moments(&self) -> usize {
        self.moments.len()
    }

    fn rows_so_far(&self) -> u32 {
        let line = 3 * (self.so_far.size().width * CODE_PIXELS) as usize;
        let drawn = self.so_far.rgb().chunks(line.max(1));
        let drawn = drawn.take_while(|row| row.iter().any(|value| *value != UNDRAWN));
        drawn.count() as u32
    }

    fn moment(&mut self, from_row: u32, guesses: &Guesses) {
        let mut moment = self.so_far.clone();
        if let Some(preview) = &guesses.preview {
            place(&mut moment, from_row, preview, Some(GUESS_PARTS));
        }
        self.moments.push(shrink(&moment, LONGEST_SIDE));
    }

    /// The film as a file that plays over and over.
    ///
    /// # Errors
    /// There is no moment in it, or they are not of one size.
    pub fn bytes(&self, format: Moving) -> Result<Vec<u8>, PictureError> {
        let failed = |error: &dyn std::fmt::Display| {
            PictureError::new("the time-lapse", format!("cannot be made ({error})"))
        };
        let Some(last) = self.moments.last() else {
            return Err(failed(&"nothing was drawn"));
        };
        let size = last.size();
        if self.moments.iter().any(|moment| moment.size() != size) {
            return Err(failed(&"the finished picture is of another size than its rows"));
        }
        let step = (PLAYED / self.moments.len() as u32).max(20);
        let stays = |index: usize| match index + 1 == self.moments.len() {
            true => STANDS,
            false => step,
        };
        match format {
            Moving::Gif => self.gif(size, stays).map_err(|error| failed(&error)),
            Moving::Png => self.png(size, stays).map_err(|error| failed(&error)),
        }
    }

    fn gif(&self, size: Size, stays: impl Fn(usize) -> u32) -> image::ImageResult<Vec<u8>> {
        let mut bytes = Vec::new();
        {
            let mut encoder = GifEncoder::new_with_speed(&mut bytes, 10);
            encoder.set_repeat(Repeat::Infinite)?;
            for (index, moment) in self.moments.iter().enumerate() {
                let rgba = moment.rgb().chunks_exact(3);
                let rgba = rgba
                    .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255])
                    .collect();
                let image = RgbaImage::from_raw(size.width, size.height, rgba).unwrap_or_default();
                let delay = Delay::from_numer_denom_ms(stays(index), 1);
                encoder.encode_frame(Frame::from_parts(image, 0, 0, delay))?;
            }
        }
        Ok(bytes)
    }

    fn png(&self, size: Size, stays: impl Fn(usize) -> u32) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_animated(self.moments.len() as u32, 0)?;
        let mut writer = encoder.write_header()?;
        for (index, moment) in self.moments.iter().enumerate() {
            writer.set_frame_delay(stays(index) as u16, 1000)?;
            writer.write_image_data(moment.rgb())?;
        }
        writer.finish()?;
        Ok(bytes)
    }
}

/// Puts lines of cells from a row on, as far as there is room; of guesses one part in so many.
fn place(onto: &mut Pixels, row: u32, lines: &Pixels, parts: Option<u16>) {
    if lines.size().width != onto.size().width {
        return;
    }
    let from = 3 * (row * CODE_PIXELS * onto.size().width) as usize;
    let Some(below) = onto.rgb_mut().get_mut(from..) else {
        return;
    };
    for (pixel, value) in below.iter_mut().zip(lines.rgb()) {
        *pixel = match parts {
            Some(parts) => {
                let grey = u16::from(UNDRAWN) * (parts - 1);
                ((u16::from(*value) + grey) / parts) as u8
            }
            None => *value,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Tally;
    use image::AnimationDecoder;
    use std::io::Cursor;

    const GRID: Grid = Grid { rows: 4, columns: 2 };

    fn film() -> Film {
        // Two rows are those of a source.
        let mut film = Film::new(GRID, 2);
        for row in 0..4 {
            let shade = 20 * (row as u8 + 1);
            film.take(&Progress::Row {
                candidate: 0,
                row,
                codes: vec![1, 2],
                guesses: Guesses {
                    codes: vec![3, 4],
                    preview: Some(Pixels::filled(Size::new(16, 8), [28; 3])),
                },
                preview: Pixels::filled(Size::new(16, 8), [shade; 3]),
                tally: Tally::default(),
            });
        }
        film.end(&Pixels::filled(Size::new(16, 16), [200, 100, 0]));
        film
    }

    #[test]
    fn rows_come_one_after_the_other_with_their_guesses() {
        let film = film();
        assert_eq!(film.moments(), 3);
        let line = |moment: usize, row: usize| film.moments[moment].rgb()[3 * 16 * 8 * row];
        // The guess is halfway between what it is and grey.
        assert_eq!([line(0, 0), line(0, 1)], [60, 78]);
        assert_eq!([line(1, 0), line(1, 1)], [60, 80]);
        assert_eq!(film.moments[2].rgb()[..3], [200, 100, 0]);
    }

    #[test]
    fn both_formats_play_all_moments() {
        let film = film();
        let gif = film.bytes(Moving::Gif).expect("a GIF");
        let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(gif)).expect("a GIF");
        let frames = decoder.into_frames().collect_frames().expect("frames");
        assert_eq!(frames.len(), 3);
        let last = frames[2].buffer().get_pixel(3, 3).0;
        assert!(last[0].abs_diff(200) < 8 && last[1].abs_diff(100) < 8, "{last:?}");
        let png = film.bytes(Moving::Png).expect("a PNG");
        let decoder = image::codecs::png::PngDecoder::new(Cursor::new(png)).expect("a PNG");
        assert!(decoder.is_apng().expect("its head"));
        let frames = decoder.apng().expect("moves").into_frames();
        let frames = frames.collect_frames().expect("frames");
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[2].buffer().get_pixel(3, 3).0, [200, 100, 0, 255]);
        assert_eq!(frames[2].delay().numer_denom_ms().0, 2000);
        assert!(Film::new(GRID, 0).bytes(Moving::Gif).is_err());
    }

    #[test]
    fn formats_are_told_by_the_ending() {
        let of = |name: &str| Moving::of(Path::new(name));
        assert_eq!(
            [of("a.gif"), of("a.APNG"), of("b.png"), of("c.jpg"), of("d")],
            [
                Some(Moving::Gif),
                Some(Moving::Png),
                Some(Moving::Png),
                None,
                None
            ]
        );
    }
}
