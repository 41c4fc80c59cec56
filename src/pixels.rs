//! Pictures as plain pixels: the words in which pictures travel between the layers.
//!
//! Nothing here reads or writes files; that is `picture`'s work.

mod colour;
mod original;

pub use colour::Profile;
pub use original::{Original, Samples};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Width and height of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    /// Parses `WxH`, for example `768x512`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not a size: write it as WIDTHxHEIGHT, for example 768x512");
        let (width, height) = text.split_once(['x', 'X', '×']).ok_or_else(wrong)?;
        let side = |s: &str| s.trim().parse::<u32>().ok().filter(|v| *v > 0).ok_or_else(wrong);
        Ok(Self::new(side(width)?, side(height)?))
    }
}

/// An opaque sRGB picture, 8 bits a channel, rows from the top, `3 * width * height` bytes.
///
/// Serialised it is a note of the picture for recordings, `WxH #colour digest`: what is read back is a
/// picture of that size in the mean colour. Pictures that have to last are files of their own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Pixels {
    size: Size,
    rgb: Vec<u8>,
    /// What these pixels show, where that holds more than they can.
    original: Option<Arc<Original>>,
}

impl Pixels {
    /// Wraps `rgb`; `None` unless it holds exactly `3 * width * height` bytes.
    pub fn new(size: Size, rgb: Vec<u8>) -> Option<Self> {
        (rgb.len() == 3 * size.width as usize * size.height as usize).then_some(Self {
            size,
            rgb,
            original: None,
        })
    }

    /// As `original` looks on white; `None` unless it has a sample for every pixel.
    pub fn of(size: Size, original: Original) -> Option<Self> {
        if original.pixels() != size.width as usize * size.height as usize {
            return None;
        }
        let mut pixels = Self::new(size, original.shown())?;
        pixels.original = original.into_plain().map(Arc::new);
        Some(pixels)
    }

    /// What these pixels show, where that holds more: transparency, 16 bits, a colour profile.
    pub fn original(&self) -> Option<&Original> {
        self.original.as_deref()
    }

    /// How a PNG of it begins, and its samples as that wants them: nothing of an original is lost.
    pub fn png(&self) -> (png::Info<'static>, Cow<'_, [u8]>) {
        let mut info = png::Info::with_size(self.size.width, self.size.height);
        info.bit_depth = png::BitDepth::Eight;
        info.color_type = png::ColorType::Rgb;
        match &self.original {
            Some(original) => {
                let bytes = original.describe(&mut info);
                (info, bytes)
            }
            None => {
                info.srgb = Some(png::SrgbRenderingIntent::Perceptual);
                (info, Cow::Borrowed(&self.rgb))
            }
        }
    }

    /// A picture of one colour.
    pub fn filled(size: Size, colour: [u8; 3]) -> Self {
        let count = size.width as usize * size.height as usize;
        Self {
            size,
            rgb: colour.iter().copied().cycle().take(3 * count).collect(),
            original: None,
        }
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// The bytes R, G, B of every pixel, row by row.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// To be changed: what comes of it shows no original any more.
    pub fn rgb_mut(&mut self) -> &mut [u8] {
        self.original = None;
        &mut self.rgb
    }

    /// The rows `from..to` as a picture of their own; the range is cut to the picture.
    pub fn rows(&self, from: u32, to: u32) -> Self {
        let to = to.min(self.size.height);
        let from = from.min(to);
        let stride = 3 * self.size.width as usize;
        Self {
            size: Size::new(self.size.width, to - from),
            rgb: self.rgb[from as usize * stride..to as usize * stride].to_vec(),
            original: None,
        }
    }
}

impl From<Pixels> for String {
    /// Size, mean colour, and the first six bytes of the SHA-256 of all bytes.
    fn from(pixels: Pixels) -> Self {
        let count = (pixels.rgb.len() as u64 / 3).max(1);
        let mut sums = [0u64; 3];
        for pixel in pixels.rgb.chunks_exact(3) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*value);
            }
        }
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let colour = hex(&sums.map(|sum| (sum / count) as u8));
        let digest = Sha256::digest(&pixels.rgb);
        format!("{} #{colour} {}", pixels.size, hex(&digest[..6]))
    }
}

impl TryFrom<String> for Pixels {
    type Error = String;

    /// A picture of one colour stands for the one that was noted.
    fn try_from(note: String) -> Result<Self, String> {
        let wrong = || format!("`{note}` notes no picture: it is written WxH #rrggbb digest");
        let mut words = note.split(' ');
        let size: Size = words.next().ok_or_else(wrong)?.parse()?;
        let colour = words.next().and_then(|word| word.strip_prefix('#'));
        let colour = colour.filter(|digits| digits.len() == 6).ok_or_else(wrong)?;
        let [_, red, green, blue] = u32::from_str_radix(colour, 16)
            .map_err(|_| wrong())?
            .to_be_bytes();
        if u64::from(size.width) * u64::from(size.height) > MOST_PIXELS {
            return Err(wrong());
        }
        Ok(Self::filled(size, [red, green, blue]))
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pixels({})", self.size)
    }
}

/// What may be redrawn: one value a pixel, 0 keeps it, 255 redraws it. Stored as [`MaskRuns`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "MaskRuns", try_from = "MaskRuns")]
pub struct Mask {
    size: Size,
    values: Vec<u8>,
}

impl Mask {
    /// Wraps `values`; `None` unless there is exactly one for every pixel.
    pub fn new(size: Size, values: Vec<u8>) -> Option<Self> {
        (values.len() == size.width as usize * size.height as usize).then_some(Self { size, values })
    }

    pub fn size(&self) -> Size {
        self.size
    }

    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// Whether anything may be redrawn.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|value| *value < REDRAWN)
    }

    /// Why it cannot be a mask of a picture of that size: another shape, or nothing to redraw.
    pub fn refusal(&self, picture: Size) -> Option<String> {
        let [width, height] = [self.size.width, self.size.height].map(i64::from);
        let [across, down] = [picture.width, picture.height].map(i64::from);
        // A side of a scaled mask is rounded to a pixel.
        if (width * down - height * across).abs() > across + down {
            return Some(format!(
                "the mask is {}, the picture {picture}: make the mask in the picture's shape and the same way up",
                self.size
            ));
        }
        self.is_empty().then(|| {
            "the mask is empty, nothing would be redrawn: make white what is to change, black what is to stay"
                .to_owned()
        })
    }
}

/// Values of a mask from here on are redrawn.
pub const REDRAWN: u8 = 128;

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({})", self.size)
    }
}

/// Most pixels of a picture or a mask that is read.
pub const MOST_PIXELS: u64 = 100_000_000;

/// A mask as runs of (value, count): how it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaskRuns {
    size: Size,
    runs: Vec<(u8, u32)>,
}

impl MaskRuns {
    pub fn of(mask: &Mask) -> Self {
        let mut runs: Vec<(u8, u32)> = Vec::new();
        for &value in mask.values() {
            match runs.last_mut() {
                Some((last, count)) if *last == value => *count += 1,
                _ => runs.push((value, 1)),
            }
        }
        Self {
            size: mask.size(),
            runs,
        }
    }

    /// `None` when the counts do not add up to the size, or to more than [`MOST_PIXELS`].
    pub fn mask(&self) -> Option<Mask> {
        let pixels = u64::from(self.size.width) * u64::from(self.size.height);
        let mut counts = self.runs.iter().map(|(_, count)| u64::from(*count));
        let count = counts.try_fold(0u64, u64::checked_add);
        if count != Some(pixels) || pixels > MOST_PIXELS {
            return None;
        }
        let values = self.runs.iter();
        let values = values.flat_map(|(value, count)| std::iter::repeat_n(*value, *count as usize));
        Mask::new(self.size, values.collect())
    }
}

impl From<Mask> for MaskRuns {
    fn from(mask: Mask) -> Self {
        Self::of(&mask)
    }
}

impl TryFrom<MaskRuns> for Mask {
    type Error = &'static str;

    fn try_from(runs: MaskRuns) -> Result<Self, Self::Error> {
        runs.mask()
            .ok_or("the runs of the mask do not add up to its size")
    }
}

/// For `#[serde(with)]`: what is shared is stored like what is not.
pub(crate) mod shared {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        T::serialize(value, serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// [`shared`] for what may be absent.
pub(crate) mod shared_or_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Arc<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_deref().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<T>>, D::Error> {
        Option::<T>::deserialize(deserializer).map(|value| value.map(Arc::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_noted_by_size_colour_and_digest() {
        let pixels = Pixels::new(Size::new(2, 1), vec![0, 10, 20, 40, 30, 255]).expect("six bytes");
        let note = serde_json::to_string(&pixels).expect("a note");
        assert_eq!(note.get(..13), Some("\"2x1 #141489 "), "{note}");
        let read: Pixels = serde_json::from_str(&note).expect("a picture");
        assert_eq!(read, Pixels::filled(Size::new(2, 1), [20, 20, 137]));
        for wrong in [
            "2x1",
            "2x1 #14",
            "2x1 141489 00",
            "99999x99999 #000000 00",
            "#000000",
        ] {
            assert!(Pixels::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mask_is_stored_as_runs() {
        let mask = Mask::new(Size::new(3, 1), vec![0, 0, 9]).expect("a mask");
        let stored = serde_json::to_string(&mask).expect("runs");
        assert_eq!(serde_json::from_str::<Mask>(&stored).expect("a mask"), mask);
    }

    #[test]
    fn runs_give_the_mask_back_and_nothing_that_does_not_add_up() {
        let mask = Mask::new(Size::new(3, 2), vec![0, 0, 255, 255, 255, 7]).expect("a mask");
        let mut runs = MaskRuns::of(&mask);
        assert_eq!(runs.runs, [(0, 2), (255, 3), (7, 1)]);
        assert_eq!(runs.mask(), Some(mask));
        runs.runs.pop();
        assert_eq!(runs.mask(), None);
        runs.runs = vec![(1, u32::MAX); 3];
        runs.size = Size::new(u32::MAX, 3);
        assert_eq!(runs.mask(), None, "too large to be read");
    }

    #[test]
    fn a_mask_has_the_shape_of_its_picture_and_something_to_redraw() {
        let mask = |width, height, value| {
            let values = vec![value; width as usize * height as usize];
            Mask::new(Size::new(width, height), values).expect("a mask")
        };
        let picture = Size::new(256, 192);
        for (width, height) in [(256, 192), (128, 96), (85, 64), (86, 64), (1024, 768), (333, 250)] {
            assert_eq!(
                mask(width, height, 255).refusal(picture),
                None,
                "{width}x{height}"
            );
        }
        for (width, height) in [(192, 256), (256, 256), (256, 128), (1920, 1080)] {
            let refusal = mask(width, height, 255).refusal(picture).expect("another shape");
            assert!(refusal.contains(&format!("{width}x{height}")) && refusal.contains("256x192"));
        }
        let refusal = mask(256, 192, REDRAWN - 1).refusal(picture);
        assert!(refusal.expect("nothing to redraw").contains("empty"));
        assert_eq!(mask(256, 192, REDRAWN).refusal(picture), None);
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!("768x512".parse(), Ok(Size::new(768, 512)));
        assert_eq!("128X64".parse(), Ok(Size::new(128, 64)));
        for wrong in ["768", "x", "0x32", "-1x5", "ax b", ""] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn pixels_hold_exactly_their_bytes() {
        assert!(Pixels::new(Size::new(2, 2), vec![0; 11]).is_none());
        let pixels = Pixels::new(Size::new(1, 3), (0..9).collect()).expect("nine bytes");
        assert_eq!(pixels.rows(1, 2).rgb(), &[3, 4, 5]);
        assert_eq!(pixels.rows(2, 9).size(), Size::new(1, 1));
    }
}
