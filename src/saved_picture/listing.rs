//! Saved pictures as the library looks at them.

use super::read;
use crate::history::{About, Reader};
use crate::picture;
use crate::pixels::Pixels;
use crate::task::Lineage;
use std::path::Path;

/// Reads pictures for [`crate::history::Library`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Shelf;

impl Reader for Shelf {
    fn about(&self, path: &Path) -> Option<About> {
        let kept = read(path).ok()?;
        let grid = kept.grid();
        let rows = kept.codes().len() / grid.columns.max(1) as usize;
        Some(About {
            prompt: kept.settings.prompt.clone(),
            mode: kept.settings.mode.name().to_owned(),
            seed: kept.settings.seed,
            model: kept.settings.model.clone(),
            panel: kept.settings.size,
            rows: (rows as u32, grid.rows),
            lineage: Lineage::new(kept.fingerprint(), &kept.settings.story),
        })
    }

    fn small(&self, path: &Path, longest: u32) -> Result<Pixels, String> {
        let pixels = picture::read(path).map_err(|e| e.to_string())?;
        Ok(picture::shrink(&pixels, longest))
    }
}
