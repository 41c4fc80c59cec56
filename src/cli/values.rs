//! Values as they are typed: what none of them may be is said at once.

use crate::task::Lookahead;

pub(super) fn lookahead(text: &str) -> Result<Lookahead, String> {
    match text {
        "auto" => Ok(Lookahead::Auto),
        _ => at_least_one(text)
            .map(Lookahead::Fixed)
            .map_err(|_| "write a number from 1 on, or `auto`".to_owned()),
    }
}

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|n| *n >= 1)
        .ok_or_else(|| "write a whole number from 1 on".to_owned())
}

/// More threads than any machine has cores only wait for each other.
const MOST_THREADS: usize = 1024;

pub(super) fn threads(text: &str) -> Result<usize, String> {
    at_least_one(text)
        .ok()
        .filter(|count| *count <= MOST_THREADS)
        .ok_or_else(|| format!("write a whole number from 1 to {MOST_THREADS}"))
}

fn number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|value: &f32| value.is_finite())
}

pub(super) fn zoom(text: &str) -> Result<f32, String> {
    number(text)
        .filter(|value| (1.0..=2.0).contains(value))
        .ok_or_else(|| "write a number from 1.0 to 2.0".to_owned())
}

pub(super) fn not_negative(text: &str) -> Result<f32, String> {
    number(text)
        .filter(|value| *value >= 0.0)
        .ok_or_else(|| "write a number from 0 on".to_owned())
}

pub(super) fn positive(text: &str) -> Result<f32, String> {
    number(text)
        .filter(|value| *value > 0.0)
        .ok_or_else(|| "write a number above 0".to_owned())
}
