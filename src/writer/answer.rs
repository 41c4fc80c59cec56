//! What a model answered, read and checked: whatever it says around its JSON is passed over, and nothing of it is
//! used that is too long, not to be shown, or does not hold together.

use crate::task::{SceneObject, ScenePlan};
use serde_json::{Value, json};

/// Most of an answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;
/// Braces at which JSON is looked for.
const MOST_TRIES: usize = 64;
const MOST_OBJECTS: usize = 8;
const MOST_COUNT: u64 = 20;
/// In characters.
const LONGEST_NAME: usize = 60;
const LONGEST_COLOUR: usize = 40;
const LONGEST_PLACE: usize = 80;
const LONGEST_GROUND: usize = 160;
const LONGEST_PROMPT: usize = 1200;

/// A checked answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub scene: ScenePlan,
    /// The prose, in one line.
    pub prompt: String,
}

/// The shape of an answer as JSON Schema, for servers that hold their models to one.
pub fn schema() -> Value {
    let text = json!({ "type": "string" });
    let optional = json!({ "type": ["string", "null"] });
    let object = json!({
        "type": "object",
        "properties": {
            "name": text, "count": { "type": "integer" }, "colour": optional, "place": optional,
        },
        "required": ["name", "count", "colour", "place"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {
            "objects": { "type": "array", "items": object },
            "background": optional, "style": optional, "prompt": text,
        },
        "required": ["objects", "background", "style", "prompt"],
        "additionalProperties": false,
    })
}

/// Reads an answer.
///
/// # Errors
/// Says what is wrong with it, in words for the one who gave it.
pub fn read(text: &str) -> Result<Answer, String> {
    if text.len() > LONGEST_ANSWER {
        return Err("the answer is far too long".to_owned());
    }
    let json = json_in(text).ok_or_else(|| "there is no JSON in it".to_owned())?;
    let objects = match &json["objects"] {
        Value::Array(objects) => objects.iter().map(object).collect::<Result<Vec<_>, _>>()?,
        _ => return Err("`objects` is no list".to_owned()),
    };
    if objects.len() > MOST_OBJECTS {
        return Err(format!("there are more than {MOST_OBJECTS} objects"));
    }
    let scene = ScenePlan {
        objects,
        background: optional(&json["background"], "background", LONGEST_GROUND)?,
        style: optional(&json["style"], "style", LONGEST_GROUND)?,
    };
    if scene.objects.is_empty() && scene.background.is_none() {
        return Err("there is neither an object nor a background".to_owned());
    }
    let prompt = required(&json["prompt"], "prompt", LONGEST_PROMPT)?;
    let unnamed: Vec<&str> = scene
        .objects
        .iter()
        .map(|object| object.name.as_str())
        .filter(|name| !names(&prompt, name))
        .collect();
    match unnamed.is_empty() {
        true => Ok(Answer { scene, prompt }),
        false => Err(format!(
            "the prompt does not name these objects: {}",
            unnamed.join(", ")
        )),
    }
}

/// The first object with a prompt in it, behind what the model thought aloud.
fn json_in(text: &str) -> Option<Value> {
    let said = text.rsplit_once("</think>").map_or(text, |(_, said)| said);
    let braces = said.match_indices('{').map(|(at, _)| at).take(MOST_TRIES);
    let values = braces.filter_map(|at| {
        let mut values = serde_json::Deserializer::from_str(&said[at..]).into_iter::<Value>();
        values.next()?.ok()
    });
    let mut whole = values.filter(|value| value.get("prompt").is_some());
    whole.next()
}

fn object(value: &Value) -> Result<SceneObject, String> {
    // Some models name a thing and say no more.
    if value.is_string() {
        return Ok(SceneObject {
            name: required(value, "name", LONGEST_NAME)?,
            count: 1,
            colour: None,
            place: None,
        });
    }
    let colour = value
        .get("colour")
        .or_else(|| value.get("color"))
        .unwrap_or(&Value::Null);
    Ok(SceneObject {
        name: required(&value["name"], "name", LONGEST_NAME)?,
        count: count(&value["count"])?,
        colour: optional(colour, "colour", LONGEST_COLOUR)?,
        place: optional(&value["place"], "place", LONGEST_PLACE)?,
    })
}

fn count(value: &Value) -> Result<u32, String> {
    let number = match value {
        Value::Null => Some(1),
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    };
    number
        .filter(|count| (1..=MOST_COUNT).contains(count))
        .map(|count| count as u32)
        .ok_or_else(|| format!("a count is no whole number from 1 to {MOST_COUNT}"))
}

/// A text in one line.
fn required(value: &Value, key: &str, longest: usize) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| format!("a `{key}` is no text"))?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if !text.contains(char::is_alphanumeric) {
        return Err(format!("a `{key}` says nothing"));
    }
    if text.chars().count() > longest {
        return Err(format!("a `{key}` is longer than {longest} characters"));
    }
    match text.contains(is_hidden) {
        true => Err(format!("a `{key}` has characters that cannot be shown")),
        false => Ok(text),
    }
}

/// Control characters, and those that turn the direction of a text or have no width.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn optional(value: &Value, key: &str, longest: usize) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if matches!(text.trim(), "" | "null" | "none" | "None") => Ok(None),
        value => required(value, key, longest).map(Some),
    }
}

/// Whether a prose names a thing, in whatever number.
fn names(prose: &str, name: &str) -> bool {
    let (prose, name) = (prose.to_lowercase(), name.to_lowercase());
    // Not every script has blanks between its words.
    if !name.is_ascii() && prose.contains(&name) {
        return true;
    }
    // The noun: what stands before "of", "with" ..., and of that the last word.
    let ends = [" of ", " with ", " in ", " on ", " at "];
    let head = ends.iter().filter_map(|end| name.find(end)).min();
    let head = &name[..head.unwrap_or(name.len())];
    let noun = head
        .split(is_between)
        .rfind(|word| !word.is_empty())
        .map(singular);
    let mut words = prose.split(is_between).filter(|word| !word.is_empty());
    noun.is_some_and(|noun| words.any(|word| singular(word) == noun))
}

fn is_between(c: char) -> bool {
    !c.is_alphanumeric()
}

/// A word in one form for one and for many, which need not be an English one.
fn singular(word: &str) -> String {
    const ODD: [(&str, &str); 10] = [
        ("children", "child"),
        ("feet", "foot"),
        ("geese", "goose"),
        ("men", "man"),
        ("mice", "mouse"),
        ("oxen", "ox"),
        ("people", "person"),
        ("teeth", "tooth"),
        ("women", "woman"),
        ("dice", "die"),
    ];
    let odd = || {
        let found = ODD.iter().find(|(many, _)| *many == word);
        found.map(|(_, one)| (*one).to_owned())
    };
    let cut = |end: &str, instead: &str| {
        let stem = word.strip_suffix(end).filter(|stem| stem.len() >= 2)?;
        Some(format!("{stem}{instead}"))
    };
    let hissing = || {
        let stem = word.strip_suffix("es")?;
        let hisses = ["s", "x", "z", "ch", "sh", "o"]
            .iter()
            .any(|end| stem.ends_with(end));
        hisses.then(|| stem.to_owned())
    };
    let plain = || cut("s", "").filter(|_| !word.ends_with("ss") && !word.ends_with("us"));
    let one = odd().or_else(|| cut("ies", "y"));
    let one = one.or_else(|| cut("ves", "f")).or_else(hissing).or_else(plain);
    let one = one.unwrap_or_else(|| word.to_owned());
    // "knife" and "knives", "glove" and "gloves", "shoe" and "shoes" meet without their last vowel.
    let bare = one
        .strip_suffix('e')
        .filter(|bare| bare.len() >= 3)
        .unwrap_or(&one);
    match (bare.strip_suffix('v'), bare.strip_suffix('i')) {
        (Some(stem), _) => format!("{stem}f"),
        (_, Some(stem)) => format!("{stem}y"),
        (None, None) => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOX: &str = r#"{"objects": [{"name": "red fox", "count": 2, "colour": "red", "place": null}],
        "background": "snow", "style": "", "prompt": "Two foxes\n play in  the snow."}"#;

    fn wrong(text: &str) -> String {
        read(text).expect_err(text)
    }

    fn of(objects: Value, prompt: &str) -> String {
        json!({ "objects": objects, "background": null, "style": null, "prompt": prompt }).to_string()
    }

    #[test]
    fn an_answer_is_found_in_what_models_put_around_it() {
        let plain = read(FOX).unwrap();
        assert_eq!(plain.prompt, "Two foxes play in the snow.");
        assert_eq!((plain.scene.objects[0].count, &plain.scene.style), (2, &None));
        for around in [
            format!("```json\n{FOX}\n```"),
            format!("Sure, here it is: {FOX} I hope you like {{it}}!"),
            format!("<think>A fox? {{\"prompt\": 1}} {{...}}</think>\n\n{FOX}"),
            format!("{{{{ {FOX}"),
        ] {
            assert_eq!(read(&around).as_ref(), Ok(&plain), "{around}");
        }
        // American English, numbers as texts, names alone.
        let loose = r#"{"objects": ["moon", {"name": "fox", "count": "3", "color": "red", "age": 4}],
            "prompt": "Three foxes under the moon."}"#;
        let loose = read(loose).unwrap().scene.objects;
        assert_eq!((loose[1].count, loose[1].colour.as_deref()), (3, Some("red")));
    }

    #[test]
    fn what_does_not_hold_together_is_told() {
        let fox = json!([{ "name": "fox", "count": 1 }]);
        assert!(wrong("A fox.").contains("no JSON"));
        assert!(wrong(r#"{"objects": [{"name": "fox", "cou"#).contains("no JSON"));
        assert!(wrong(r#"{"prompt": "A fox."}"#).contains("no list"));
        assert!(wrong(&of(json!([]), "A fox.")).contains("neither"));
        assert!(wrong(&of(fox.clone(), "A dog.")).contains("does not name these objects: fox"));
        assert!(wrong(&of(fox.clone(), " - ")).contains("says nothing"));
        assert!(wrong(&of(fox.clone(), &"fox ".repeat(400))).contains("longer than 1200"));
        assert!(wrong(&of(json!(vec!["fox"; 9]), "Foxes.")).contains("more than 8"));
        for (count, _) in [
            (json!(0), 0),
            (json!(21), 0),
            (json!(-1), 0),
            (json!(1.5), 0),
            (json!("many"), 0),
        ] {
            let objects = json!([{ "name": "fox", "count": count }]);
            assert!(wrong(&of(objects, "A fox.")).contains("count"), "{count}");
        }
        for hidden in ["\u{1b}[2J", "\u{7}", "\u{202e}", "\u{9b}", "\u{feff}"] {
            assert!(wrong(&of(fox.clone(), &format!("A fox{hidden}."))).contains("cannot be shown"));
            let objects = json!([{ "name": format!("fox{hidden}x") }]);
            assert!(wrong(&of(objects, "A fox.")).contains("cannot be shown"));
        }
        assert!(wrong(&of(json!([{ "name": "f".repeat(61) }]), "A fox.")).contains("longer than 60"));
        assert!(wrong(&"{".repeat(1000)).contains("no JSON"));
        assert!(wrong(&"[{\"prompt\":".repeat(7000)).contains("too long"));
    }

    #[test]
    fn a_thing_is_named_in_whatever_number() {
        for (prose, name) in [
            ("Two foxes.", "fox"),
            ("A mouse runs.", "mice"),
            ("Three Berries!", "a berry"),
            ("Some wolves howl", "grey wolf"),
            ("A knife.", "knives"),
            ("One glove, two shoes", "gloves"),
            ("One glove, two shoes", "shoe"),
            ("Glasses of wine", "glass of wine"),
            ("A boy with a red balloon", "boy with balloon"),
            ("Ein Bär im Wald", "Bär"),
            ("雪の中の熊", "熊"),
            ("A bus, buses", "bus"),
            ("A cookie", "cookies"),
            ("Geese on a pond", "goose"),
            ("a thing", "the things"),
        ] {
            assert!(names(prose, name), "{prose}: {name}");
        }
        for (prose, name) in [
            ("An education.", "cat"),
            ("A foxglove", "fox of snow"),
            ("grass", "gras"),
        ] {
            assert!(!names(prose, name), "{prose}: {name}");
        }
    }

    #[test]
    fn the_schema_has_the_keys_that_are_read() {
        let schema = schema();
        let required = schema["required"].as_array().unwrap();
        assert_eq!(required.len(), schema["properties"].as_object().unwrap().len());
        let object = &schema["properties"]["objects"]["items"];
        assert_eq!(object["required"], json!(["name", "count", "colour", "place"]));
    }
}
