//! What a mask means, decided once: its transparency where that varies, else its brightness.
//!
//! Transparency has two meanings. One colour on nothing is a stroke: what is painted is redrawn. A
//! photo, or black, with a hole in it is a picture of what stays: the hole is redrawn. Brightness is
//! taken between its own darkest and brightest, for programs write 0 and 1, or red on black.

use super::PictureError;
use super::reading::{bytes_of, open};
use crate::pixels::{Mask, Size};
use image::DynamicImage;
use std::path::Path;

/// Values up to this far apart are noise of one value, and values this near an end are that end.
const NOISE: u8 = 16;
/// How far colours of one stroke are from their mean, in each channel.
const ONE_COLOUR: f64 = 24.0;
/// Colours darker than this are black.
const BLACK: f64 = 40.0;

/// A mask that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskFile {
    /// 255 may be redrawn, 0 stays.
    pub mask: Mask,
    /// What it was taken for, where that does not go without saying.
    pub remark: Option<String>,
}

/// Reads a mask: white may be redrawn, black stays. The module says what of others.
///
/// # Errors
/// As [`super::read`].
pub fn read_mask(path: &Path) -> Result<MaskFile, PictureError> {
    let name = path.display().to_string();
    let image = open(&bytes_of(path)?, &name)?.image;
    let size = Size::new(image.width(), image.height());
    let (values, meaning) = values(&image);
    let wrong = || PictureError::new(name, "its size and its data do not agree");
    let mask = Mask::new(size, values).ok_or_else(wrong)?;
    let share = {
        let redrawn = mask
            .values()
            .iter()
            .filter(|value| **value >= crate::pixels::REDRAWN);
        100.0 * redrawn.count() as f64 / mask.values().len().max(1) as f64
    };
    let remark = meaning.map(|meaning| format!("mask: {meaning} ({share:.1} % of the picture is redrawn)"));
    Ok(MaskFile { mask, remark })
}

fn values(image: &DynamicImage) -> (Vec<u8>, Option<String>) {
    let rgba = rgba(image);
    let pixels = || rgba.chunks_exact(4);
    let (least, most) = pixels().fold((255, 0), |(least, most), pixel| {
        (pixel[3].min(least), pixel[3].max(most))
    });
    if most - least <= NOISE {
        let brightness = pixels().map(luma).collect();
        return by_brightness(brightness, depth_lost(image));
    }
    let alpha = || pixels().map(|pixel| scaled(pixel[3], least, most));
    let opaque = || pixels().filter(|pixel| scaled(pixel[3], least, most) >= 192);
    let (count, sums) = opaque().fold((0.0, [0.0; 3]), |(count, sums), pixel| {
        (
            count + 1.0,
            std::array::from_fn(|c| sums[c] + f64::from(pixel[c])),
        )
    });
    let mean: [f64; 3] = sums.map(|sum: f64| sum / f64::max(count, 1.0));
    let share_of =
        |is: &dyn Fn(&[u8]) -> bool| opaque().filter(|pixel| is(pixel)).count() as f64 / f64::max(count, 1.0);
    let near_mean = |pixel: &[u8]| (0..3).all(|c| (f64::from(pixel[c]) - mean[c]).abs() <= ONE_COLOUR);
    let is_black = mean.iter().all(|value| *value < BLACK);
    if share_of(&near_mean) > 0.99 {
        return match is_black {
            true => (
                alpha().map(|a| 255 - a).collect(),
                said("what is transparent in it is redrawn, what is black stays"),
            ),
            false => (
                alpha().collect(),
                said("what is painted in it is redrawn, what is transparent stays"),
            ),
        };
    }
    let is_end = |pixel: &[u8]| {
        let grey = pixel[..3].iter().max().unwrap_or(&0) - pixel[..3].iter().min().unwrap_or(&0) <= NOISE;
        grey && !(NOISE * 2..=255 - NOISE * 2).contains(&luma(pixel))
    };
    if share_of(&is_end) > 0.95 {
        let white = pixels()
            .zip(alpha())
            .map(|(pixel, alpha)| (u16::from(luma(pixel)) * u16::from(alpha) / 255) as u8);
        return (white.collect(), said("what is white and opaque in it is redrawn"));
    }
    (
        alpha().map(|a| 255 - a).collect(),
        said("the hole in its picture is redrawn"),
    )
}

fn said(meaning: &str) -> Option<String> {
    Some(meaning.to_owned())
}

/// 8 bits a channel; of 16 bits the upper ones, or the lower ones where only they are used.
fn rgba(image: &DynamicImage) -> Vec<u8> {
    if !depth_lost(image) {
        return image.to_rgba8().into_raw();
    }
    let mut lower: Vec<u8> = image
        .to_rgba16()
        .into_raw()
        .into_iter()
        .map(|value| value.min(255) as u8)
        .collect();
    lower.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 255);
    lower
}

/// Whether a picture of 16 bits only uses what fits into 8.
fn depth_lost(image: &DynamicImage) -> bool {
    let colour = image.color();
    let is_deep = colour.bytes_per_pixel() / colour.channel_count() == 2;
    is_deep && {
        let image = image.to_rgba16();
        let mut colours = image.pixels().flat_map(|pixel| &pixel.0[..3]);
        colours.all(|value| *value <= 255)
    }
}

fn luma(pixel: &[u8]) -> u8 {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
}

fn scaled(value: u8, least: u8, most: u8) -> u8 {
    let range = u16::from(most.saturating_sub(least)).max(1);
    (u16::from(value.saturating_sub(least)) * 255 / range).min(255) as u8
}

fn by_brightness(brightness: Vec<u8>, is_lower_half: bool) -> (Vec<u8>, Option<String>) {
    let least = brightness.iter().copied().min().unwrap_or(0);
    let most = brightness.iter().copied().max().unwrap_or(0);
    let mut seen = [false; 256];
    for value in &brightness {
        seen[usize::from(*value)] = true;
    }
    let is_noise = most - least <= NOISE && seen.iter().filter(|seen| **seen).count() > 2;
    // One value, or one with noise, is black or white as it is.
    if most == least || is_noise {
        return (brightness, None);
    }
    let spreads = least <= 2 * NOISE && most >= 255 - 2 * NOISE;
    let meaning = (!spreads || is_lower_half).then(|| {
        format!("its brightness goes from {least} to {most} only, which is taken for black to white")
    });
    let values = brightness
        .into_iter()
        .map(|value| scaled(value, least, most))
        .collect();
    (values, meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgb, Rgba};

    fn read(image: impl Into<DynamicImage>) -> (Vec<u8>, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        let image: DynamicImage = image.into();
        image.save(&path).unwrap();
        let file = read_mask(&path).unwrap();
        (file.mask.values().to_vec(), file.remark.unwrap_or_default())
    }

    fn rgba(pixels: [[u8; 4]; 4]) -> DynamicImage {
        image::RgbaImage::from_fn(4, 1, |x, _| Rgba(pixels[x as usize])).into()
    }

    #[test]
    fn a_stroke_is_redrawn_and_so_is_a_hole() {
        const NOTHING: [u8; 4] = [0; 4];
        let white = [255; 4];
        let (values, remark) = read(rgba([white, white, NOTHING, [255, 255, 255, 0]]));
        assert_eq!(values, [255, 255, 0, 0]);
        assert!(
            remark.contains("painted") && remark.contains("50.0 %"),
            "{remark}"
        );
        let blue = [0, 0, 200, 255];
        assert_eq!(read(rgba([NOTHING, blue, blue, NOTHING])).0, [0, 255, 255, 0]);
        let black = [0, 0, 0, 255];
        let (values, remark) = read(rgba([black, black, NOTHING, black]));
        assert_eq!(values, [0, 0, 255, 0]);
        assert!(remark.contains("black stays"), "{remark}");
        let (values, remark) = read(rgba([[90, 40, 10, 255], [10, 200, 30, 255], NOTHING, [80; 4]]));
        assert_eq!(values[..3], [0, 0, 255]);
        assert!(remark.contains("hole"), "{remark}");
        let (values, remark) = read(rgba([white, black, NOTHING, [255, 255, 255, 0]]));
        assert_eq!(values, [255, 0, 0, 0]);
        assert!(remark.contains("white and opaque"), "{remark}");
    }

    #[test]
    fn brightness_counts_between_its_own_ends() {
        let grey = |values: [u8; 4]| read(image::GrayImage::from_fn(4, 1, |x, _| Luma([values[x as usize]])));
        assert_eq!(grey([0, 255, 0, 255]), (vec![0, 255, 0, 255], String::new()));
        let (values, remark) = grey([0, 1, 1, 0]);
        assert_eq!(values, [0, 255, 255, 0]);
        assert!(remark.contains("from 0 to 1"), "{remark}");
        assert_eq!(grey([0, 0, 0, 0]).0, [0; 4]);
        assert_eq!(grey([255; 4]).0, [255; 4]);
        assert_eq!(grey([0, 1, 2, 3]).0, [0, 1, 2, 3], "noise of a black mask");
        let red = image::RgbImage::from_fn(4, 1, |x, _| Rgb([if x < 2 { 255 } else { 0 }, 0, 0]));
        let (values, remark) = read(red);
        assert_eq!(values, [255, 255, 0, 0]);
        assert!(remark.contains("from 0 to 76"), "{remark}");
        let deep =
            image::ImageBuffer::<Luma<u16>, _>::from_fn(4, 1, |x, _| Luma([if x < 1 { 1u16 } else { 0 }]));
        assert_eq!(read(deep).0, [255, 0, 0, 0]);
    }
}
