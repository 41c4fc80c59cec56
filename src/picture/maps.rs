//! Maps made by computation.

use crate::pixels::Pixels;
use image::GrayImage;
use imageproc::edges::canny as edges;

/// White edges, two pixels wide, on black. `low` and `high` are gradient thresholds on the scale
/// of an 8-bit Sobel filter (0 to 255 is the useful range).
pub fn canny(pixels: &Pixels, low: f32, high: f32) -> Pixels {
    let size = pixels.size();
    let luma = |rgb: &[u8]| {
        (0.299 * f32::from(rgb[0]) + 0.587 * f32::from(rgb[1]) + 0.114 * f32::from(rgb[2])) as u8
    };
    let grey = pixels.rgb().chunks_exact(3).map(luma).collect();
    let mut map = Pixels::filled(size, [0; 3]);
    let Some(grey) = GrayImage::from_raw(size.width, size.height, grey) else {
        return map;
    };
    let found = edges(&grey, low, high);
    let (width, height) = (size.width as usize, size.height as usize);
    for (x, y, _) in found.enumerate_pixels().filter(|(_, _, value)| value.0[0] > 0) {
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let (x, y) = (x as usize + dx, y as usize + dy);
            if x < width && y < height {
                map.rgb_mut()[3 * (y * width + x)..][..3].fill(255);
            }
        }
    }
    map
}
