//! Small versions of pictures.

use super::fit::resize;
use crate::pixels::{Pixels, Size};
use fast_image_resize::FilterType;

/// The picture in its own shape with no side over `longest`; one that fits is left as it is.
pub fn shrink(pixels: &Pixels, longest: u32) -> Pixels {
    let size = pixels.size();
    let most = size.width.max(size.height);
    if most <= longest || longest == 0 {
        return pixels.clone();
    }
    let side = |side: u32| {
        let scaled = (u64::from(side) * u64::from(longest) + u64::from(most) / 2) / u64::from(most);
        (scaled as u32).max(1)
    };
    resize(
        pixels,
        Size::new(side(size.width), side(size.height)),
        FilterType::CatmullRom,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_stays_and_nothing_grows() {
        let small = |width, height| shrink(&Pixels::filled(Size::new(width, height), [9, 80, 200]), 120);
        assert_eq!(small(1000, 500).size(), Size::new(120, 60));
        assert_eq!(small(9, 4000).size(), Size::new(1, 120));
        assert_eq!(small(120, 7).size(), Size::new(120, 7));
        assert!(
            small(999, 555)
                .rgb()
                .chunks_exact(3)
                .all(|pixel| pixel == [9, 80, 200])
        );
    }
}
