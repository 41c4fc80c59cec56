//! Four inks of a JPEG as its profile means them; decoders mix them as if there were none.

use crate::pixels::Profile;
use image::RgbImage;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// The picture in sRGB; `None` where its samples are no inks.
pub(super) fn of_jpeg(bytes: &[u8], profile: &Profile) -> Option<RgbImage> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    let space = decoder.input_colorspace()?;
    if !matches!(space, ColorSpace::CMYK | ColorSpace::YCCK) {
        return None;
    }
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let (width, height) = decoder.dimensions()?;
    let mut samples = decoder.decode().ok()?;
    for pixel in samples.chunks_exact_mut(4) {
        if space == ColorSpace::YCCK {
            let [y, cb, cr] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
            let (cb, cr) = (cb - 128.0, cr - 128.0);
            let colours = [
                y + 1.402 * cr,
                y - 0.344_136 * cb - 0.714_136 * cr,
                y + 1.772 * cb,
            ];
            for (value, colour) in pixel.iter_mut().zip(colours) {
                *value = 255 - colour.round().clamp(0.0, 255.0) as u8;
            }
        }
        // Files hold what is left of the paper, a profile asks for the ink.
        pixel.iter_mut().for_each(|value| *value = 255 - *value);
    }
    RgbImage::from_raw(
        u32::try_from(width).ok()?,
        u32::try_from(height).ok()?,
        profile.to_srgb8(&samples)?,
    )
}
