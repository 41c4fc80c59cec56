//! The settings inside a picture, as they are written.
//!
//! Field names are the format: a field that is added has a default, none is renamed.

use crate::pixels::{Mask, Size};
use crate::task::{Failure, Mode, Noise, Sampling};
use serde::{Deserialize, Serialize};

/// Most pixels of a mask, as of a picture.
const MOST: u64 = 100_000_000;

/// Everything stored in a saved picture beside its tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub mode: Mode,
    pub prompt: String,
    /// Size of one panel.
    pub size: Size,
    pub sampling: Sampling,
    pub seed: u64,
    pub noise: Noise,
    pub window: usize,
    pub model: String,
    /// Whether the picture was drawn to its end.
    pub complete: bool,
    #[serde(default)]
    pub feather: u32,
    #[serde(default)]
    pub force: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mask: Option<StoredMask>,
    /// Of the source's size and RGB bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_sha256: Option<String>,
    /// The source as a PNG in hexadecimal; only in stopped pictures, which need it to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source_png: Option<String>,
}

/// A mask as runs of (value, count).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredMask {
    size: Size,
    runs: Vec<(u8, u32)>,
}

impl StoredMask {
    pub(super) fn of(mask: &Mask) -> Self {
        let mut runs: Vec<(u8, u32)> = Vec::new();
        for &value in mask.values() {
            match runs.last_mut() {
                Some((last, count)) if *last == value => *count += 1,
                _ => runs.push((value, 1)),
            }
        }
        Self {
            size: mask.size(),
            runs,
        }
    }

    pub(super) fn mask(&self) -> Result<Mask, Failure> {
        let wrong = || Failure::failed("the stored mask is damaged");
        let pixels = u64::from(self.size.width) * u64::from(self.size.height);
        let count = self
            .runs
            .iter()
            .try_fold(0u64, |sum, (_, count)| sum.checked_add((*count).into()));
        if count != Some(pixels) || pixels > MOST {
            return Err(wrong());
        }
        let values = self
            .runs
            .iter()
            .flat_map(|(value, count)| std::iter::repeat_n(*value, *count as usize));
        Mask::new(self.size, values.collect()).ok_or_else(wrong)
    }
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// `None` unless every two characters are one byte.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?))
        .collect()
}
