//! A picture of the user's, named by its content so that it is stored once.

use crate::pixels::{Pixels, Size};
use crate::task::{Given, Task};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// Longer side of a thumbnail.
pub const THUMBNAIL: u32 = 240;

/// A picture and its name. Stored by `id`; the pixels are filled in when the state is restored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Photo {
    /// Of the size and the bytes: equal ids are equal pictures.
    pub id: String,
    /// For the user: a file name, or what made it.
    pub name: String,
    #[serde(skip, default = "Photo::absent")]
    pub pixels: Arc<Pixels>,
    /// Its codes in a grid of its own size, as far as they are known: it was drawn by the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<Given>,
}

/// A picture that was read, and the task stored in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    #[serde(with = "whole")]
    pub photo: Photo,
    pub path: Option<PathBuf>,
    pub task: Option<Box<Task>>,
}

impl PartialEq for Photo {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Photo {
    /// Reads every byte: large pictures are named off the window's thread.
    pub fn new(name: impl Into<String>, pixels: Arc<Pixels>) -> Self {
        let mut hash = Sha256::new();
        hash.update(pixels.size().to_string());
        hash.update(pixels.rgb());
        if let Some(original) = pixels.original() {
            hash.update(original.bytes());
        }
        let id = hash
            .finalize()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            id,
            name: name.into(),
            pixels,
            codes: Vec::new(),
        }
    }

    /// The same picture, of which codes are known.
    pub fn with_codes(self, codes: Vec<Given>) -> Self {
        Self { codes, ..self }
    }

    pub fn size(&self) -> Size {
        self.pixels.size()
    }

    /// Stands for the pixels between reading the state and reading the pictures.
    fn absent() -> Arc<Pixels> {
        Arc::new(Pixels::filled(Size::new(1, 1), [0; 3]))
    }
}

/// For `#[serde(with)]`: a photo with its pixels, where nothing else stores them.
pub(super) mod whole {
    use super::Photo;
    use crate::pixels::{Pixels, shared};
    use crate::task::Given;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    #[derive(Serialize, Deserialize)]
    struct Whole {
        id: String,
        name: String,
        #[serde(with = "shared")]
        pixels: Arc<Pixels>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        codes: Vec<Given>,
    }

    pub(in super::super) fn serialize<S: Serializer>(
        photo: &Photo,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Photo {
            id,
            name,
            pixels,
            codes,
        } = photo.clone();
        let whole = Whole {
            id,
            name,
            pixels,
            codes,
        };
        whole.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Photo, D::Error> {
        let Whole {
            id,
            name,
            pixels,
            codes,
        } = Whole::deserialize(deserializer)?;
        Ok(Photo {
            id,
            name,
            pixels,
            codes,
        })
    }
}

/// A picture small enough for a strip: its longer side `side` at most, each pixel the mean of
/// those it covers.
pub fn thumbnail(pixels: &Pixels, side: u32) -> Pixels {
    let from = pixels.size();
    let longest = from.width.max(from.height).max(1);
    if longest <= side {
        return pixels.clone();
    }
    let scaled = |length: u32| (u64::from(length) * u64::from(side) / u64::from(longest)).max(1) as u32;
    let to = Size::new(scaled(from.width), scaled(from.height));
    let span = |index: u32, of: u32, length: u32| {
        let at = |i: u32| (u64::from(i) * u64::from(length) / u64::from(of)) as usize;
        at(index)..at(index + 1).max(at(index) + 1)
    };
    let mut rgb = Vec::with_capacity(3 * to.width as usize * to.height as usize);
    for y in 0..to.height {
        for x in 0..to.width {
            let (mut sum, mut count) = ([0u32; 3], 0);
            for row in span(y, to.height, from.height) {
                for column in span(x, to.width, from.width) {
                    let at = 3 * (row * from.width as usize + column);
                    for (total, value) in sum.iter_mut().zip(&pixels.rgb()[at..at + 3]) {
                        *total += u32::from(*value);
                    }
                    count += 1;
                }
            }
            rgb.extend(sum.map(|total| (total / count.max(1)) as u8));
        }
    }
    Pixels::new(to, rgb).unwrap_or_else(|| Pixels::filled(to, [0; 3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_pictures_have_one_name() {
        let picture = |value| Arc::new(Pixels::filled(Size::new(4, 2), [value; 3]));
        assert_eq!(Photo::new("a", picture(1)), Photo::new("b", picture(1)));
        assert_ne!(Photo::new("a", picture(1)), Photo::new("a", picture(2)));
        let turned = Arc::new(Pixels::filled(Size::new(2, 4), [1; 3]));
        assert_ne!(Photo::new("a", picture(1)), Photo::new("a", turned));
    }

    #[test]
    fn thumbnails_keep_shape_and_mean() {
        let mut pixels = Pixels::filled(Size::new(4, 2), [0; 3]);
        pixels.rgb_mut()[..3].fill(40);
        let small = thumbnail(&pixels, 2);
        assert_eq!(small.size(), Size::new(2, 1));
        assert_eq!(small.rgb(), &[10, 10, 10, 0, 0, 0]);
        assert_eq!(thumbnail(&pixels, 9).size(), Size::new(4, 2));
    }
}
