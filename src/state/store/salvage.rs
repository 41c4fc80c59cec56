//! What can be read of a JSON of which not all can be read; and what is not known here, kept.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads what it can: a part that is wrong stays as it is by default. The wrong parts by name.
pub(super) fn read<T: DeserializeOwned + Serialize + Default>(raw: &Value) -> (T, Vec<String>) {
    if let Ok(all) = serde_json::from_value(raw.clone()) {
        return (all, Vec::new());
    }
    let mut filling = Filling::<T> {
        whole: serde_json::to_value(T::default()).unwrap_or(Value::Null),
        lost: Vec::new(),
        read: std::marker::PhantomData,
    };
    filling.fill("", raw);
    let read = serde_json::from_value(filling.whole).unwrap_or_default();
    (read, filling.lost)
}

/// A value that can be read at every moment, and gets one part of the raw one after the other.
struct Filling<T> {
    whole: Value,
    lost: Vec<String>,
    read: std::marker::PhantomData<T>,
}

impl<T: DeserializeOwned> Filling<T> {
    fn is_right(&self) -> bool {
        serde_json::from_value::<T>(self.whole.clone()).is_ok()
    }

    /// Tries one part, then the parts of it.
    fn fill(&mut self, at: &str, raw: &Value) {
        let Some(place) = self.whole.pointer_mut(at) else {
            return;
        };
        let was = std::mem::replace(place, raw.clone());
        if self.is_right() {
            return;
        }
        let parts = match (raw, &was) {
            (Value::Object(raw), Value::Object(_)) => raw.len(),
            (Value::Array(raw), Value::Array(_)) => raw.len(),
            _ => 0,
        };
        self.set(at, was.clone());
        match raw {
            Value::Object(raw) if parts > 0 => {
                for (name, part) in raw {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    self.fill(&format!("{at}/{name}"), part);
                }
            }
            Value::Array(raw) if parts > 0 => self.fill_list(at, raw),
            _ => self.lost.push(at.trim_start_matches('/').replace('/', " ")),
        }
    }

    fn set(&mut self, at: &str, value: Value) {
        if let Some(place) = self.whole.pointer_mut(at) {
            *place = value;
        }
    }

    /// Of a list the entries that can be read.
    fn fill_list(&mut self, at: &str, raw: &[Value]) {
        self.set(at, Value::Array(Vec::new()));
        for (index, entry) in raw.iter().enumerate() {
            let list = |whole: &mut Value, change: &mut dyn FnMut(&mut Vec<Value>)| {
                if let Some(list) = whole.pointer_mut(at).and_then(Value::as_array_mut) {
                    change(list);
                }
            };
            list(&mut self.whole, &mut |list| list.push(entry.clone()));
            if !self.is_right() {
                list(&mut self.whole, &mut |list| drop(list.pop()));
                let name = at.trim_start_matches('/').replace('/', " ");
                self.lost.push(format!("{name} {}", index + 1));
            }
        }
    }
}

/// What `raw` has and `known` has not. Entries of a list are told by their `id`.
pub(super) fn unknown(raw: &Value, known: &Value) -> Value {
    let mut found = Map::new();
    match (raw, known) {
        (Value::Object(raw), Value::Object(known)) => {
            for (name, part) in raw {
                let more = match known.get(name) {
                    None => part.clone(),
                    Some(known) => unknown(part, known),
                };
                if !more.is_null() {
                    found.insert(name.clone(), more);
                }
            }
        }
        (Value::Array(raw), Value::Array(known)) => {
            for entry in raw.iter().filter(|entry| !entry["id"].is_null()) {
                let twin = known.iter().find(|known| known["id"] == entry["id"]);
                let more = twin.map_or(Value::Null, |twin| unknown(entry, twin));
                if !more.is_null() {
                    found.insert(entry["id"].to_string(), more);
                }
            }
        }
        _ => {}
    }
    match found.is_empty() {
        true => Value::Null,
        false => Value::Object(found),
    }
}

/// Puts what [`unknown`] found back to where it was.
pub(super) fn put_back(into: &mut Value, more: &Value) {
    let Value::Object(more) = more else { return };
    match into {
        Value::Object(into) => {
            for (name, part) in more {
                match into.get_mut(name) {
                    None => drop(into.insert(name.clone(), part.clone())),
                    Some(there) => put_back(there, part),
                }
            }
        }
        Value::Array(into) => {
            for entry in into {
                if let Some(part) = more.get(&entry["id"].to_string()) {
                    put_back(entry, part);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Part {
        id: u32,
        word: String,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Whole {
        name: String,
        part: Part,
        parts: Vec<Part>,
    }

    #[test]
    fn what_is_wrong_costs_nothing_but_itself() {
        let raw = json!({
            "name": "a", "new": 1, "part": {"id": 1, "word": 7},
            "parts": [{"id": 1, "word": "x"}, {"id": -1, "word": "y"}, {"id": 3, "word": "z"}],
        });
        let (whole, lost) = read::<Whole>(&raw);
        assert_eq!(lost, ["part word", "parts 2"]);
        assert_eq!((whole.name.as_str(), whole.part.id), ("a", 1));
        let words: Vec<_> = whole.parts.iter().map(|part| part.word.as_str()).collect();
        assert_eq!(words, ["x", "z"]);
        assert_eq!(
            read::<Whole>(&json!([1])),
            (Whole::default(), vec![String::new()])
        );
    }

    #[test]
    fn what_is_not_known_survives() {
        let raw = json!({
            "name": "a", "new": [1], "part": {"id": 1, "word": "x", "more": {"b": null, "c": 2}},
            "parts": [{"id": 1, "word": "x", "star": 5}, {"id": 2, "word": "gone", "star": 6}],
        });
        let (whole, lost) = read::<Whole>(&raw);
        assert!(lost.is_empty());
        let more = unknown(&raw, &json!(whole));
        let changed = Whole {
            name: "b".to_owned(),
            part: Part { id: 9, ..whole.part },
            parts: whole.parts.into_iter().take(1).collect(),
        };
        let mut changed = json!(changed);
        put_back(&mut changed, &more);
        assert_eq!(
            changed,
            json!({
                "name": "b", "new": [1], "part": {"id": 9, "word": "x", "more": {"b": null, "c": 2}},
                "parts": [{"id": 1, "word": "x", "star": 5}],
            })
        );
        assert_eq!(unknown(&json!({"a": 1}), &json!({"a": 2})), Value::Null);
    }
}
