//! Sums over boxes of a picture.

/// Sums over boxes in four look-ups.
pub struct Sums {
    pub width: usize,
    pub height: usize,
    /// Sum and sum of squares of everything above and to the left.
    upto: Vec<(f32, f32)>,
}

impl Sums {
    pub fn of(values: &[f32], width: usize, height: usize) -> Self {
        let mut upto = vec![(0.0f32, 0.0f32); (width + 1) * (height + 1)];
        for y in 0..height {
            let mut row = (0.0f32, 0.0f32);
            for x in 0..width {
                let value = values[y * width + x];
                row = (row.0 + value, row.1 + value * value);
                let above = upto[y * (width + 1) + x + 1];
                upto[(y + 1) * (width + 1) + x + 1] = (above.0 + row.0, above.1 + row.1);
            }
        }
        Self { width, height, upto }
    }

    pub fn of_box(&self, left: usize, top: usize, side: usize) -> (f32, f32) {
        let at = |x: usize, y: usize| self.upto[y * (self.width + 1) + x];
        let (a, b) = (at(left, top), at(left + side, top));
        let (c, d) = (at(left, top + side), at(left + side, top + side));
        (d.0 - b.0 - c.0 + a.0, d.1 - b.1 - c.1 + a.1)
    }
}
