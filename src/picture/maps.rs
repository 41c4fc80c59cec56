//! Maps made by computation.

use crate::pixels::Pixels;
use image::GrayImage;
use imageproc::edges::canny as edges;

/// Lowest threshold.
const LEAST: f32 = 0.01;

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
    // An edge has a pixel on each side of it.
    if size.width < 3 || size.height < 3 {
        return map;
    }
    // The lower one is the lower one, whoever gave them; at 0 edges would be followed off the picture.
    let within = |value: f32| match value.is_finite() {
        true => value.clamp(LEAST, 2048.0),
        false => LEAST,
    };
    let (low, high) = (within(low), within(high));
    let found = edges(&grey, low.min(high), low.max(high));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    #[test]
    fn thresholds_in_any_order_give_a_map_of_any_picture() {
        for size in [(1, 1), (1, 9), (2, 2), (3, 3), (40, 30)] {
            let size = Size::new(size.0, size.1);
            let mut pixels = Pixels::filled(size, [0; 3]);
            let half = pixels.rgb().len() / 2;
            pixels.rgb_mut()[half..].fill(255);
            let map = canny(&pixels, 100.0, 200.0);
            assert_eq!((map.size(), &map), (size, &canny(&pixels, 200.0, 100.0)));
            for (low, high) in [(0.0, 0.0), (f32::NAN, 9.0), (f32::INFINITY, -1.0), (-5.0, 1e30)] {
                assert_eq!(canny(&pixels, low, high).size(), size);
            }
        }
    }
}
