//! Single values of a request, whether it came as JSON or as a form; what is wrong with one names it.

use super::refusal::Refusal;
use axum::http::StatusCode;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// The fields of a request. A field that is null is absent.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// # Errors
    /// It is no JSON object.
    pub(super) fn of_json(bytes: &[u8]) -> Result<Self, Refusal> {
        let bad = |message: String| Refusal::new(StatusCode::BAD_REQUEST, message).code("invalid_json");
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(bad("the request has to be a JSON object".to_owned())),
            Err(error) => Err(bad(format!("the request is no JSON ({error})"))),
        }
    }

    /// A field of a form: text, read as what is wanted of it.
    pub(super) fn insert(&mut self, name: String, text: String) {
        self.0.insert(name, Value::String(text));
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// # Errors
    /// The field is no text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let wrong = || Refusal::field(name, format!("`{name}` has to be a text"));
        let text = self.get(name).map(|value| value.as_str().ok_or_else(wrong));
        text.transpose()
    }

    /// One of a few words.
    ///
    /// # Errors
    /// The field is none of them.
    pub(super) fn word<'a>(&self, name: &str, words: &[&'a str]) -> Result<Option<&'a str>, Refusal> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let known = words.iter().find(|word| **word == text).copied();
        let wrong = || Refusal::field(name, format!("`{name}` can be {}", words.join(", ")));
        known.map(Some).ok_or_else(wrong)
    }

    /// # Errors
    /// The field is no whole number of this range.
    pub(super) fn whole(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let of_number = |number: f64| {
            let is_whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
            is_whole.then_some(number as u64)
        };
        let number = match value {
            Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(of_number)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let (least, most) = (range.start(), range.end());
        let wrong = || {
            let message = format!("`{name}` has to be a whole number from {least} to {most}");
            Refusal::field(name, message)
        };
        let number = number.filter(|number| range.contains(number));
        number.map(Some).ok_or_else(wrong)
    }

    /// # Errors
    /// The field is no number from 0 on.
    pub(super) fn number(&self, name: &str) -> Result<Option<f32>, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = match value {
            Value::Number(number) => number.as_f64().map(|number| number as f32),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number: &f32| number.is_finite() && *number >= 0.0);
        let wrong = || Refusal::field(name, format!("`{name}` has to be a number from 0 on"));
        number.map(Some).ok_or_else(wrong)
    }

    /// Whether it is set; absent it is not.
    ///
    /// # Errors
    /// The field is neither true nor false.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(Refusal::field(name, format!("`{name}` has to be true or false"))),
        }
    }

    /// Whether a seed is left to chance, as A1111's -1 does.
    pub(super) fn is_negative(&self, name: &str) -> bool {
        self.get(name)
            .and_then(Value::as_f64)
            .is_some_and(|number| number < 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_they_are_meant_or_named() {
        let json = br#"{"n":2,"m":"3","f":2.0,"x":2.5,"neg":-1,"t":"a","b":true,"c":"False","z":null}"#;
        let fields = Fields::of_json(json).expect("an object");
        for (name, value) in [("n", 2), ("m", 3), ("f", 2)] {
            assert_eq!(fields.whole(name, 1..=9).ok(), Some(Some(value)), "{name}");
        }
        for name in ["x", "neg", "t", "b"] {
            let refusal = fields.whole(name, 1..=9).expect_err(name);
            assert!(
                refusal.message.contains(&format!("`{name}`")),
                "{}",
                refusal.message
            );
        }
        assert_eq!(fields.whole("z", 1..=9).ok(), Some(None));
        assert!(fields.whole("n", 3..=9).is_err() && fields.is_negative("neg"));
        assert_eq!(fields.number("x").ok(), Some(Some(2.5)));
        assert!(fields.flag("b").ok() == Some(true) && fields.flag("c").ok() == Some(false));
        assert!(fields.flag("t").is_err() && fields.text("n").is_err());
        assert_eq!(fields.word("t", &["b", "a"]).ok(), Some(Some("a")));
        assert!(fields.word("t", &["b"]).is_err());
        for wrong in [&b"[]"[..], b"", b"{", b"\xff", b"1"] {
            assert!(Fields::of_json(wrong).is_err());
        }
        let deep = "[".repeat(100_000);
        assert!(Fields::of_json(deep.as_bytes()).is_err());
    }
}
