//! The settings inside a picture, as they are written.
//!
//! Field names are the format: a field that is added has a default, none is renamed.

use crate::pixels::{MaskRuns, Size};
use crate::task::{Mode, Noise, Sampling, Story, Written};
use serde::{Deserialize, Serialize};

/// Everything stored in a saved picture beside its tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub mode: Mode,
    pub prompt: String,
    /// The user's own words and who rewrote them, where the prompt is another's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
    /// What the model was given, where that is not the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Whether it was to be given the prompt as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_typed: bool,
    /// Size of one panel.
    pub size: Size,
    pub sampling: Sampling,
    pub seed: u64,
    pub noise: Noise,
    /// How far was guessed ahead.
    #[serde(rename = "window")]
    pub lookahead: usize,
    pub model: String,
    /// Whether the picture was drawn to its end.
    pub complete: bool,
    #[serde(default)]
    pub feather: u32,
    #[serde(default)]
    pub force: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// `log p` of the untouched codes behind a redrawn hole, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seam: Option<f64>,
    #[serde(default, skip_serializing_if = "Story::is_empty")]
    pub story: Story,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mask: Option<MaskRuns>,
    /// Whether the panel is put where the mask is: once it was always the middle of the picture.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) panel_follows_mask: bool,
    /// Of the source's size and RGB bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_sha256: Option<String>,
    /// The source as a PNG in hexadecimal; only in stopped pictures, which need it to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_png: Option<String>,
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// `None` unless every two characters are one byte.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
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
