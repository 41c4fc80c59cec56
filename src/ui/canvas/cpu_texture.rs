//! The CPU's copy of a texture, in horizontal bands, each with the stamp of its last change.
//!
//! Whoever holds a texture compares stamps and takes over only the bands that differ, however many
//! frames were skipped in between; a texture that was lost knows no stamps and gets all of them.
//! Copies are cheap: the bytes are shared.

use crate::pixels::{Mask, Pixels, Size};
use std::sync::Arc;

/// Rows of a band of a picture that is there at once.
const PICTURE_BAND: u32 = 64;

/// What a texel holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texel {
    /// R, G, B.
    Colour,
    /// One value, 0 to 255.
    Value,
}

impl Texel {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Colour => 3,
            Self::Value => 1,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Band {
    pub(super) stamp: u64,
    pub(super) bytes: Arc<[u8]>,
}

/// Numbers that are never given twice in one canvas.
#[derive(Debug, Default)]
pub(super) struct Stamps(u64);

impl Stamps {
    pub(super) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

#[derive(Debug, Clone)]
pub(super) struct Sheet {
    /// Another serial is another texture.
    pub(super) serial: u64,
    pub(super) size: Size,
    pub(super) texel: Texel,
    /// Rows of texels in a band; the last band may have fewer.
    band_rows: u32,
    bands: Vec<Option<Band>>,
}

impl Sheet {
    /// A sheet of which nothing is known.
    pub(super) fn empty(serial: u64, size: Size, texel: Texel, band_rows: u32) -> Self {
        let band_rows = band_rows.max(1);
        Self {
            serial,
            size,
            texel,
            band_rows,
            bands: vec![None; size.height.div_ceil(band_rows) as usize],
        }
    }

    pub(super) fn of_pixels(stamps: &mut Stamps, pixels: &Pixels) -> Self {
        let mut sheet = Self::empty(stamps.next(), pixels.size(), Texel::Colour, PICTURE_BAND);
        sheet.take(stamps, pixels.rgb());
        sheet
    }

    pub(super) fn of_mask(stamps: &mut Stamps, mask: &Mask) -> Self {
        let mut sheet = Self::empty(stamps.next(), mask.size(), Texel::Value, PICTURE_BAND);
        sheet.take(stamps, mask.values());
        sheet
    }

    /// Takes over all texels, stamping only the bands in which something changed.
    pub(super) fn take(&mut self, stamps: &mut Stamps, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let length = self.stride() * self.band_rows as usize;
        for (band, bytes) in self.bands.iter_mut().zip(bytes.chunks(length)) {
            if band.as_ref().is_none_or(|band| *band.bytes != *bytes) {
                *band = Some(Band {
                    stamp: stamps.next(),
                    bytes: bytes.into(),
                });
            }
        }
    }

    /// Puts one band in; `false` when there is no such band or the bytes do not fill it.
    pub(super) fn put(&mut self, stamps: &mut Stamps, index: u32, bytes: &[u8]) -> bool {
        let length = self.stride() * self.rows_of(index) as usize;
        match self.bands.get_mut(index as usize) {
            Some(band) if length == bytes.len() => {
                *band = Some(Band {
                    stamp: stamps.next(),
                    bytes: bytes.into(),
                });
                true
            }
            _ => false,
        }
    }

    /// Whether the sheet holds exactly these texels.
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        let length = (self.stride() * self.band_rows as usize).max(1);
        let whole = self.stride() * self.size.height as usize;
        let held = |(band, bytes): (&Option<Band>, &[u8])| band.as_ref().is_some_and(|b| *b.bytes == *bytes);
        whole == bytes.len() && self.bands.iter().zip(bytes.chunks(length)).all(held)
    }

    pub(super) fn bands(&self) -> &[Option<Band>] {
        &self.bands
    }

    /// First texel row of a band.
    pub(super) fn top_of(&self, index: u32) -> u32 {
        index * self.band_rows
    }

    /// Texel rows in a band.
    pub(super) fn rows_of(&self, index: u32) -> u32 {
        let left = self.size.height.saturating_sub(self.top_of(index));
        left.min(self.band_rows)
    }

    fn stride(&self) -> usize {
        self.size.width as usize * self.texel.bytes()
    }

    /// The sheet at one `factor`th of its size, for a device that cannot hold it: means of
    /// `factor` x `factor` texels. Bands that are not known stay so.
    pub(super) fn reduced(&self, stamps: &mut Stamps, factor: u32) -> Self {
        let factor = factor.max(1);
        let size = Size::new(
            self.size.width.div_ceil(factor),
            self.size.height.div_ceil(factor),
        );
        // Bands of a multiple of `factor` rows shrink each for itself.
        let rows = self.band_rows.div_ceil(factor);
        let mut small = Self::empty(stamps.next(), size, self.texel, rows);
        if self.band_rows.is_multiple_of(factor) {
            for (index, band) in self.bands.iter().enumerate() {
                let Some(band) = band else { continue };
                let bytes = self.means_of(index as u32, &band.bytes, factor);
                small.put(stamps, index as u32, &bytes);
            }
        }
        small
    }

    /// One band's means.
    fn means_of(&self, index: u32, bytes: &[u8], factor: u32) -> Vec<u8> {
        let (width, rows, texel) = (self.size.width, self.rows_of(index), self.texel.bytes());
        let small_width = width.div_ceil(factor);
        let mut out = Vec::with_capacity((small_width * rows.div_ceil(factor)) as usize * texel);
        for top in (0..rows).step_by(factor as usize) {
            for left in (0..width).step_by(factor as usize) {
                let (bottom, right) = ((top + factor).min(rows), (left + factor).min(width));
                for channel in 0..texel {
                    let of_row = |y: u32| {
                        (left..right)
                            .map(move |x| u32::from(bytes[(y * width + x) as usize * texel + channel]))
                    };
                    let sum: u32 = (top..bottom).flat_map(of_row).sum();
                    let count = (bottom - top) * (right - left);
                    out.push(((sum + count / 2) / count) as u8);
                }
            }
        }
        out
    }
}

/// The power of two that brings a size under the limit.
pub(super) fn reduction(size: Size, limit: u32) -> u32 {
    let longest = size.width.max(size.height);
    longest.div_ceil(limit.max(1)).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(sheet: &Sheet) -> Vec<Option<u64>> {
        sheet
            .bands()
            .iter()
            .map(|b| b.as_ref().map(|b| b.stamp))
            .collect()
    }

    #[test]
    fn only_changed_bands_get_a_new_stamp() {
        let mut stamps = Stamps::default();
        let size = Size::new(4, 200);
        let mut values = vec![0; 800];
        let mask = Mask::new(size, values.clone()).expect("4 x 200");
        let mut sheet = Sheet::of_mask(&mut stamps, &mask);
        let before = stamped(&sheet);
        assert_eq!(before.len(), 4);
        values[4 * 130] = 255;
        sheet.take(&mut stamps, &values);
        let after = stamped(&sheet);
        let changed: Vec<bool> = before.iter().zip(&after).map(|(a, b)| a != b).collect();
        assert_eq!(changed, [false, false, true, false]);
        assert!(sheet.holds(&values));
        values[799] = 1;
        assert!(!sheet.holds(&values));
    }

    #[test]
    fn a_band_of_the_wrong_length_is_refused() {
        let mut stamps = Stamps::default();
        let mut sheet = Sheet::empty(1, Size::new(2, 9), Texel::Colour, 8);
        assert!(sheet.put(&mut stamps, 0, &[7; 48]));
        assert!(sheet.put(&mut stamps, 1, &[7; 6]), "the last band has one row");
        assert!(!sheet.put(&mut stamps, 1, &[7; 48]));
        assert!(!sheet.put(&mut stamps, 2, &[]));
        assert!(!sheet.put(&mut stamps, 0, &[7; 47]));
    }

    #[test]
    fn a_reduced_sheet_holds_means() {
        let mut stamps = Stamps::default();
        let pixels = Pixels::new(
            Size::new(3, 2),
            vec![0, 0, 0, 40, 0, 8, 9, 9, 9, 0, 100, 0, 40, 100, 8, 9, 9, 9],
        )
        .expect("3 x 2");
        let sheet = Sheet::of_pixels(&mut stamps, &pixels).reduced(&mut stamps, 2);
        assert_eq!(sheet.size, Size::new(2, 1));
        assert!(sheet.holds(&[20, 50, 4, 9, 9, 9]));
    }
}
