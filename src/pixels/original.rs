//! A picture as its file holds it, where that is more than opaque 8-bit sRGB.
//!
//! It travels with the pixels that show it, so that an edit under a mask can leave every other
//! sample as it was.

use super::colour::Profile;
use std::borrow::Cow;

/// The samples of a picture, in its own depth and space.
#[derive(Clone, PartialEq, Eq)]
pub struct Original {
    pub samples: Samples,
    /// The space of RGB samples; sRGB when `None`.
    pub profile: Option<Profile>,
}

/// Row by row, channel after channel; transparency is not multiplied in.
#[derive(Clone, PartialEq, Eq)]
pub enum Samples {
    Rgb8(Vec<u8>),
    Rgba8(Vec<u8>),
    Rgb16(Vec<u16>),
    Rgba16(Vec<u16>),
}

impl Samples {
    /// Of a PNG's bytes; `None` for kinds that are not kept.
    pub fn of_png(colour: png::ColorType, depth: png::BitDepth, bytes: Vec<u8>) -> Option<Self> {
        let wide = |bytes: Vec<u8>| {
            let pairs = bytes.chunks_exact(2);
            pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
        };
        match (colour, depth) {
            (png::ColorType::Rgb, png::BitDepth::Eight) => Some(Self::Rgb8(bytes)),
            (png::ColorType::Rgba, png::BitDepth::Eight) => Some(Self::Rgba8(bytes)),
            (png::ColorType::Rgb, png::BitDepth::Sixteen) => Some(Self::Rgb16(wide(bytes))),
            (png::ColorType::Rgba, png::BitDepth::Sixteen) => Some(Self::Rgba16(wide(bytes))),
            _ => None,
        }
    }
}

/// 16 bits as 8, and back.
fn narrow(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}

fn widen(value: u8) -> u16 {
    u16::from(value) * 257
}

/// Colour and alpha, each pixel's apart.
fn split<T: Copy>(samples: &[T]) -> (Vec<T>, Vec<T>) {
    let pixels = samples.chunks_exact(4);
    let colours = pixels.clone().flat_map(|pixel| &pixel[..3]).copied().collect();
    (colours, pixels.map(|pixel| pixel[3]).collect())
}

impl Original {
    pub(super) fn pixels(&self) -> usize {
        match &self.samples {
            Samples::Rgb8(samples) => samples.len() / 3,
            Samples::Rgba8(samples) => samples.len() / 4,
            Samples::Rgb16(samples) => samples.len() / 3,
            Samples::Rgba16(samples) => samples.len() / 4,
        }
    }

    /// Itself, unless plain pixels say as much.
    pub(super) fn into_plain(self) -> Option<Self> {
        let is_plain = matches!(self.samples, Samples::Rgb8(_)) && self.profile.is_none();
        (!is_plain).then_some(self)
    }

    /// 8-bit sRGB, blended over white where it is transparent.
    pub(super) fn shown(&self) -> Vec<u8> {
        let (mut colours, alpha) = match &self.samples {
            Samples::Rgb8(samples) => (self.shown8(samples), None),
            Samples::Rgb16(samples) => (self.shown16(samples), None),
            Samples::Rgba8(samples) => {
                let (colours, alpha) = split(samples);
                (self.shown8(&colours), Some(alpha))
            }
            Samples::Rgba16(samples) => {
                let (colours, alpha) = split(samples);
                let alpha = alpha.into_iter().map(narrow).collect();
                (self.shown16(&colours), Some(alpha))
            }
        };
        for (pixel, alpha) in colours.chunks_exact_mut(3).zip(alpha.into_iter().flatten()) {
            let alpha = u32::from(alpha);
            for value in pixel {
                *value = ((u32::from(*value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
            }
        }
        colours
    }

    fn shown8(&self, colours: &[u8]) -> Vec<u8> {
        let converted = self
            .profile
            .as_ref()
            .and_then(|profile| profile.to_srgb8(colours));
        converted.unwrap_or_else(|| colours.to_vec())
    }

    fn shown16(&self, colours: &[u16]) -> Vec<u8> {
        let converted = self
            .profile
            .as_ref()
            .and_then(|profile| profile.to_srgb16(colours));
        let colours = converted.as_deref().unwrap_or(colours);
        colours.iter().copied().map(narrow).collect()
    }

    /// Tells a PNG what it holds; its samples in that order of bytes.
    pub(super) fn describe(&self, info: &mut png::Info<'static>) -> Cow<'_, [u8]> {
        let wide = |samples: &[u16]| samples.iter().flat_map(|value| value.to_be_bytes()).collect();
        let (colour, depth, bytes) = match &self.samples {
            Samples::Rgb8(samples) => (
                png::ColorType::Rgb,
                png::BitDepth::Eight,
                Cow::Borrowed(&samples[..]),
            ),
            Samples::Rgba8(samples) => (
                png::ColorType::Rgba,
                png::BitDepth::Eight,
                Cow::Borrowed(&samples[..]),
            ),
            Samples::Rgb16(samples) => (
                png::ColorType::Rgb,
                png::BitDepth::Sixteen,
                Cow::Owned(wide(samples)),
            ),
            Samples::Rgba16(samples) => (
                png::ColorType::Rgba,
                png::BitDepth::Sixteen,
                Cow::Owned(wide(samples)),
            ),
        };
        (info.color_type, info.bit_depth) = (colour, depth);
        match &self.profile {
            Some(profile) => info.icc_profile = Some(Cow::Owned(profile.icc().to_vec())),
            None => info.srgb = Some(png::SrgbRenderingIntent::Perceptual),
        }
        bytes
    }

    /// Every byte, for those who tell pictures apart.
    pub fn bytes(&self) -> Vec<u8> {
        let mut info = png::Info::default();
        let mut bytes = self.describe(&mut info).into_owned();
        bytes.extend(info.icc_profile.as_deref().unwrap_or_default());
        bytes
    }

    /// Blends new colours (8-bit sRGB) into some of its pixels, which become as opaque as they are
    /// covered: `covered` has each pixel's index and share, `colours` three values for each.
    pub fn cover(&mut self, covered: &[(usize, f32)], colours: &[u8]) {
        let eight = || {
            let converted = self
                .profile
                .as_ref()
                .and_then(|profile| profile.of_srgb8(colours));
            converted.unwrap_or_else(|| colours.to_vec())
        };
        let sixteen = || {
            let wide: Vec<u16> = colours.iter().copied().map(widen).collect();
            let converted = self.profile.as_ref().and_then(|profile| profile.of_srgb16(&wide));
            converted.unwrap_or(wide)
        };
        match &self.samples {
            Samples::Rgb8(_) | Samples::Rgba8(_) => {
                let new = eight();
                match &mut self.samples {
                    Samples::Rgb8(samples) => blend(samples, 3, covered, &new),
                    Samples::Rgba8(samples) => blend(samples, 4, covered, &new),
                    Samples::Rgb16(_) | Samples::Rgba16(_) => {}
                }
            }
            Samples::Rgb16(_) | Samples::Rgba16(_) => {
                let new = sixteen();
                match &mut self.samples {
                    Samples::Rgb16(samples) => blend(samples, 3, covered, &new),
                    Samples::Rgba16(samples) => blend(samples, 4, covered, &new),
                    Samples::Rgb8(_) | Samples::Rgba8(_) => {}
                }
            }
        }
    }
}

/// A sample of 8 or 16 bits.
trait Sample: Copy {
    const MOST: f32;
    fn to_f32(self) -> f32;
    fn of_f32(value: f32) -> Self;
}

impl Sample for u8 {
    const MOST: f32 = 255.0;
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
    fn of_f32(value: f32) -> Self {
        value.round() as Self
    }
}

impl Sample for u16 {
    const MOST: f32 = 65_535.0;
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
    fn of_f32(value: f32) -> Self {
        value.round() as Self
    }
}

fn blend<T: Sample>(samples: &mut [T], channels: usize, covered: &[(usize, f32)], colours: &[T]) {
    for ((index, share), new) in covered.iter().zip(colours.chunks_exact(3)) {
        let pixel = &mut samples[index * channels..(index + 1) * channels];
        let old_alpha = pixel.get(3).map_or(T::MOST, |alpha| alpha.to_f32());
        let alpha = old_alpha * (1.0 - share) + T::MOST * share;
        // How much of what is seen is new.
        let new_part = if alpha > 0.0 { T::MOST * share / alpha } else { 0.0 };
        for (value, new) in pixel.iter_mut().zip(new) {
            *value = T::of_f32(value.to_f32() * (1.0 - new_part) + new.to_f32() * new_part);
        }
        if let Some(value) = pixel.get_mut(3) {
            *value = T::of_f32(alpha);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Pixels, Size};

    #[test]
    fn what_is_shown_is_on_white_and_what_is_not_covered_stays() {
        let samples = vec![10, 20, 30, 255, 0, 0, 0, 0, 200, 100, 0, 128];
        let original = Original {
            samples: Samples::Rgba8(samples.clone()),
            profile: None,
        };
        let pixels = Pixels::of(Size::new(3, 1), original.clone()).expect("three pixels");
        assert_eq!(pixels.rgb(), [10, 20, 30, 255, 255, 255, 227, 177, 127]);
        let mut covered = original;
        covered.cover(&[(1, 1.0)], &[7, 8, 9]);
        let Samples::Rgba8(after) = &covered.samples else {
            panic!("still 8 bits");
        };
        assert_eq!(after[..4], samples[..4]);
        assert_eq!(after[4..8], [7, 8, 9, 255]);
        assert_eq!(after[8..], samples[8..]);
    }

    #[test]
    fn sixteen_bits_are_kept_and_what_is_plain_is_no_original() {
        let deep = Original {
            samples: Samples::Rgb16(vec![257, 300, 65_535, 1, 2, 3]),
            profile: None,
        };
        let pixels = Pixels::of(Size::new(2, 1), deep.clone()).expect("two pixels");
        assert_eq!(pixels.rgb(), [1, 1, 255, 0, 0, 0]);
        let (info, bytes) = pixels.png();
        let again = Samples::of_png(info.color_type, info.bit_depth, bytes.into_owned());
        assert!(again == Some(deep.samples.clone()));
        let plain = Original {
            samples: Samples::Rgb8(vec![1, 2, 3]),
            profile: None,
        };
        let pixels = Pixels::of(Size::new(1, 1), plain).expect("a pixel");
        assert!(pixels.original().is_none());
        assert!(Pixels::of(Size::new(9, 9), deep).is_none());
    }
}
