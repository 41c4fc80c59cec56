//! A picture of the canvas that is there as a whole, as large as a texture may be.

use super::cpu_texture::{Sheet, Stamps, reduction};
use crate::pixels::{Pixels, Size};
use std::sync::Arc;

/// A picture that is there as a whole.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) size: Size,
    pub(super) sheet: Arc<Sheet>,
    /// `size` over the sheet's.
    pub(super) reduced: u32,
}

impl Layer {
    pub(super) fn of_pixels(stamps: &mut Stamps, pixels: &Pixels, limit: u32) -> Self {
        let sheet = Sheet::of_pixels(stamps, pixels);
        Self::fitted(stamps, sheet, limit)
    }

    pub(super) fn fitted(stamps: &mut Stamps, sheet: Sheet, limit: u32) -> Self {
        let mut layer = Self {
            size: sheet.size,
            sheet: Arc::new(sheet),
            reduced: 1,
        };
        layer.respect(stamps, limit);
        layer
    }

    /// Reduces what a texture of the device cannot hold.
    pub(super) fn respect(&mut self, stamps: &mut Stamps, limit: u32) {
        let factor = reduction(self.sheet.size, limit);
        if factor > 1 {
            self.sheet = Arc::new(self.sheet.reduced(stamps, factor));
            self.reduced *= factor;
        }
    }
}
