//! What other programs say of a picture, and how JSON says it.

use crate::pixels::Size;
use serde_json::Value;

/// Sides beyond this are a mistake, not a size.
pub(super) const LONGEST_SIDE: u64 = 16_384;

/// What another program's picture says about how it was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Foreign {
    pub prompt: String,
    pub negative: Option<String>,
    pub seed: Option<u64>,
    pub size: Option<Size>,
    /// Who wrote it, as people call it.
    pub program: String,
}

/// A whole number that is not negative, also when it is written as a text or as `7.0`.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64().or_else(|| {
            let float = n.as_f64()?;
            (float.fract() == 0.0 && (0.0..9.0e15).contains(&float)).then_some(float as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(super) fn size(width: &Value, height: &Value) -> Option<Size> {
    let side = |value: &Value| number(value).filter(|side| (1..=LONGEST_SIDE).contains(side));
    Some(Size::new(side(width)? as u32, side(height)? as u32))
}

/// The size in a text such as `(1152, 896)` or `512x512`.
pub(super) fn sizes_in(text: &str) -> Option<Size> {
    let mut sides = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|side| !side.is_empty());
    let sides = [sides.next()?, sides.next()?].map(Value::from);
    size(&sides[0], &sides[1])
}

/// The text of a JSON value; `None` when there is nothing in it.
pub(super) fn words(value: &Value) -> Option<String> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
