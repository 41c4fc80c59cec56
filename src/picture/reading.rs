//! Pictures out of files: by their content, upright, in sRGB, whole.

use super::jpeg::{self, Extent};
use super::{PictureError, cmyk, kinds};
use crate::pixels::{MOST_PIXELS, Original, Pixels, Profile, Samples, Size};
use crate::task::Cause;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

/// Longest side accepted, in pixels.
const LONGEST: u32 = 16_384;
/// Most memory of one decoder.
const MOST_MEMORY: u64 = 1 << 30;

/// Endings of the pictures that are read.
pub const ENDINGS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "tif", "tiff", "gif", "bmp", "jfif"];

/// A picture as it was decoded: upright, in its own space.
pub(super) struct Opened {
    pub(super) image: DynamicImage,
    profile: Option<Profile>,
}

/// Reads a picture by its content: upright, in sRGB, transparency blended over white. What its file
/// held beyond that is in [`Pixels::original`].
///
/// # Errors
/// There is no such file, it is no picture of these kinds, damaged, not whole, or larger than is read.
pub fn read(path: &Path) -> Result<Pixels, PictureError> {
    let name = path.display().to_string();
    read_bytes(&bytes_of(path)?, &name)
}

/// As [`read`], from memory; `name` is for messages.
///
/// # Errors
/// The bytes are no picture of these kinds, damaged, not whole, or one larger than is read.
pub fn read_bytes(bytes: &[u8], name: &str) -> Result<Pixels, PictureError> {
    let (size, original) = original(open(bytes, name)?);
    let wrong = || PictureError::new(name, "its size and its data do not agree");
    Pixels::of(size, original).ok_or_else(wrong)
}

/// Width and height as the head of a picture says, before anything is decoded; `name` is for messages.
///
/// # Errors
/// The bytes are no picture of these kinds, or its head is damaged.
pub fn size_of(bytes: &[u8], name: &str) -> Result<Size, PictureError> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let reader = reader.map_err(|e| PictureError::new(name, e))?;
    if !reader.format().is_some_and(is_read) {
        return Err(PictureError::new(name, kinds::refusal(bytes)).because(Cause::OtherKind));
    }
    let (width, height) = reader.into_dimensions().map_err(|e| {
        PictureError::new(name, format!("this picture cannot be read ({e})")).because(Cause::Damaged)
    })?;
    Ok(Size::new(width, height))
}

pub(super) fn bytes_of(path: &Path) -> Result<Vec<u8>, PictureError> {
    let wrong =
        |e: std::io::Error| PictureError::new(path.display().to_string(), &e).because(Cause::of_io(&e));
    std::fs::read(path).map_err(wrong)
}

/// RGB samples in the picture's own depth; grey and CMYK profiles are converted here, for a result
/// has colours that grey has not, and PNG has no CMYK.
fn original(opened: Opened) -> (Size, Original) {
    let Opened { image, profile } = opened;
    let size = Size::new(image.width(), image.height());
    let (is_grey, has_alpha, is_deep) = {
        let colour = image.color();
        let is_deep = colour.bytes_per_pixel() / colour.channel_count() > 1;
        (!colour.has_color(), colour.has_alpha(), is_deep)
    };
    let samples = match (is_deep, has_alpha) {
        (false, false) => Samples::Rgb8(image.to_rgb8().into_raw()),
        (false, true) => opaque8(image.to_rgba8().into_raw()),
        (true, false) => Samples::Rgb16(image.to_rgb16().into_raw()),
        (true, true) => opaque16(image.to_rgba16().into_raw()),
    };
    let profile = profile.filter(|profile| !profile.is_of_grey() || is_grey);
    match profile {
        Some(grey) if grey.is_of_grey() => {
            let samples = from_grey(samples, &grey);
            (
                size,
                Original {
                    samples,
                    profile: None,
                },
            )
        }
        profile => {
            let profile = profile.filter(Profile::is_of_rgb);
            (size, Original { samples, profile })
        }
    }
}

/// Without an alpha that hides nothing.
fn opaque8(rgba: Vec<u8>) -> Samples {
    if rgba.chunks_exact(4).any(|pixel| pixel[3] < u8::MAX) {
        return Samples::Rgba8(rgba);
    }
    Samples::Rgb8(
        rgba.chunks_exact(4)
            .flat_map(|pixel| &pixel[..3])
            .copied()
            .collect(),
    )
}

fn opaque16(rgba: Vec<u16>) -> Samples {
    if rgba.chunks_exact(4).any(|pixel| pixel[3] < u16::MAX) {
        return Samples::Rgba16(rgba);
    }
    Samples::Rgb16(
        rgba.chunks_exact(4)
            .flat_map(|pixel| &pixel[..3])
            .copied()
            .collect(),
    )
}

/// Grey samples, three times each, in sRGB; as they are where they cannot be converted.
fn from_grey(samples: Samples, profile: &Profile) -> Samples {
    fn place<T: Copy>(mut samples: Vec<T>, channels: usize, rgb: Option<Vec<T>>) -> Vec<T> {
        let pairs = samples.chunks_exact_mut(channels);
        for (pixel, rgb) in pairs.zip(rgb.as_deref().unwrap_or_default().chunks_exact(3)) {
            pixel[..3].copy_from_slice(rgb);
        }
        samples
    }
    fn grey<T: Copy>(samples: &[T], channels: usize) -> Vec<T> {
        samples.iter().step_by(channels).copied().collect()
    }
    match samples {
        Samples::Rgb8(samples) => {
            let rgb = profile.to_srgb8(&grey(&samples, 3));
            Samples::Rgb8(place(samples, 3, rgb))
        }
        Samples::Rgba8(samples) => {
            let rgb = profile.to_srgb8(&grey(&samples, 4));
            Samples::Rgba8(place(samples, 4, rgb))
        }
        Samples::Rgb16(samples) => {
            let rgb = profile.to_srgb16(&grey(&samples, 3));
            Samples::Rgb16(place(samples, 3, rgb))
        }
        Samples::Rgba16(samples) => {
            let rgb = profile.to_srgb16(&grey(&samples, 4));
            Samples::Rgba16(place(samples, 4, rgb))
        }
    }
}

/// Decodes a picture of any kind that is read.
pub(super) fn open(bytes: &[u8], name: &str) -> Result<Opened, PictureError> {
    let wrong = |reason: String| PictureError::new(name, reason);
    let format = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| wrong(e.to_string()))?
        .format();
    let Some(format) = format.filter(|format| is_read(*format)) else {
        return Err(wrong(kinds::refusal(bytes)).because(Cause::OtherKind));
    };
    let opened = decode(bytes, format);
    let opened = match (opened, format) {
        // A file that lost its end may have lost nothing of the picture.
        (Err(Trouble::Broken(_)), ImageFormat::Png) => decode(&ended_png(bytes), format),
        (opened, _) => opened,
    };
    opened.map_err(|trouble| match trouble {
        Trouble::TooLarge(width, height) => wrong(format!(
            "a picture of {width}x{height} is too large: at most {LONGEST} pixels a side and 100 million in all are read, make it smaller"
        ))
        .because(Cause::TooLarge),
        Trouble::Broken(reason) => {
            wrong(format!("this picture cannot be read ({reason})")).because(Cause::Damaged)
        }
        Trouble::Cut(share) => {
            let about = share.map(|share| format!(", about {:.0} % of it is there", 100.0 * share));
            wrong(format!(
                "this picture is not whole: its file ends early or has a hole{}; copy or download it again",
                about.unwrap_or_default()
            ))
            .because(Cause::Damaged)
        }
    })
}

fn is_read(format: ImageFormat) -> bool {
    matches!(
        format,
        ImageFormat::Png
            | ImageFormat::Jpeg
            | ImageFormat::WebP
            | ImageFormat::Tiff
            | ImageFormat::Gif
            | ImageFormat::Bmp
    )
}

enum Trouble {
    TooLarge(u32, u32),
    Broken(String),
    /// With the share that is there.
    Cut(Option<f64>),
}

impl From<image::ImageError> for Trouble {
    fn from(error: image::ImageError) -> Self {
        Self::Broken(error.to_string())
    }
}

fn decode(bytes: &[u8], format: ImageFormat) -> Result<Opened, Trouble> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if width > LONGEST || height > LONGEST || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Trouble::TooLarge(width, height));
    }
    if format == ImageFormat::Jpeg
        && let Extent::Cut(share) = jpeg::extent(bytes)
    {
        return Err(Trouble::Cut(share));
    }
    let orientation = decoder.orientation()?;
    let icc = decoder.icc_profile().ok().flatten();
    let profile = match icc {
        Some(icc) => Profile::new(&icc),
        None if format == ImageFormat::Png => told_by_png(bytes),
        None => None,
    };
    let inks = profile.as_ref().filter(|profile| profile.is_of_cmyk());
    let mut image = match inks.and_then(|profile| cmyk::of_jpeg(bytes, profile)) {
        Some(image) => image.into(),
        None => DynamicImage::from_decoder(decoder)?,
    };
    image.apply_orientation(orientation);
    Ok(Opened { image, profile })
}

/// The space of a PNG without a profile, where it is told otherwise.
fn told_by_png(bytes: &[u8]) -> Option<Profile> {
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info().ok()?;
    let info = reader.info();
    if let Some(told) = &info.coding_independent_code_points {
        return Profile::of_code_points(told.color_primaries, told.transfer_function);
    }
    if info.srgb.is_some() {
        return None;
    }
    let primaries = info.chrm_chunk.as_ref().map(|told| {
        let point = |(x, y): (png::ScaledFloat, png::ScaledFloat)| (x.into_value(), y.into_value());
        [told.white, told.red, told.green, told.blue].map(point)
    });
    Profile::of_gamma(info.gama_chunk?.into_value(), primaries)
}

/// A PNG with an end where it was cut: whether all of its picture is there shows in decoding it.
fn ended_png(bytes: &[u8]) -> Cow<'_, [u8]> {
    const SIGNATURE: usize = 8;
    const END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";
    let mut at = SIGNATURE;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = &head[4..];
        if kind == b"IEND" {
            return Cow::Borrowed(bytes);
        }
        let Some(next) = at.checked_add(12).and_then(|at| at.checked_add(length)) else {
            return Cow::Borrowed(bytes);
        };
        if next > bytes.len() {
            let data = &bytes[at + 8..bytes.len().min(at + 8 + length)];
            let mut ended = bytes[..at].to_vec();
            ended.extend((data.len() as u32).to_be_bytes());
            ended.extend(kind);
            ended.extend(data);
            let mut sum = flate2::Crc::new();
            sum.update(kind);
            sum.update(data);
            ended.extend(sum.sum().to_be_bytes());
            ended.extend(END);
            return Cow::Owned(ended);
        }
        at = next;
    }
    let whole = bytes.get(..at).unwrap_or(bytes);
    Cow::Owned([whole, END].concat())
}

#[cfg(test)]
mod tests;
