//! What is typed is understood before the built-in starter draws it: what is said of it, what is stored,
//! and what it refuses.

mod stage;

use serde_json::Value;
use stage::Stage;

/// The event of that name among what `--json` said.
fn event(said: &str, name: &str) -> Value {
    let events = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut named = events.filter(|event| event["event"] == name);
    named.next().unwrap_or_else(|| panic!("no `{name}` in {said}"))
}

const SMALL: [&str; 4] = ["--seed", "3", "--size", "128x128"];

#[test]
fn words_of_people_become_a_caption_that_is_told_and_stored() {
    let stage = Stage::new();
    let words = "a puppy playing in the park";
    let (_, said) = stage.told(&[&["generate", words, "-o", "a.png"], &SMALL[..]].concat());
    assert!(
        said.contains("drawing: a dog in a meadow; not known: playing"),
        "{said}"
    );
    let (_, said) = stage.told(&[&["generate", words, "-o", "b.png", "--json"], &SMALL[..]].concat());
    let started = event(&said, "started");
    assert_eq!(started["reading"]["caption"], "a dog in a meadow");
    assert_eq!(started["reading"]["unknown"], serde_json::json!(["playing"]));
    // Both wordings are in the picture, and the picture is that of the caption.
    let info = stage.info("a.png");
    assert_eq!(
        (&info["prompt"], &info["caption"]),
        (&words.into(), &"a dog in a meadow".into())
    );
    let caption = "a dog in a meadow";
    let (_, said) = stage.told(&[&["generate", caption, "-o", "c.png", "--json"], &SMALL[..]].concat());
    assert_eq!(event(&said, "started")["reading"], Value::Null);
    assert_eq!(stage.info("c.png")["caption"], Value::Null);
    assert_eq!(stage.tokens("a.png"), stage.tokens("c.png"));
    stage.told(&["redraw", "a.png", "-o", "again.png"]);
    assert_eq!(stage.pixels("a.png"), stage.pixels("again.png"));
}

#[test]
fn words_can_be_drawn_as_they_are() {
    let stage = Stage::new();
    let words = "a puppy playing in the park";
    let (_, said) = stage.told(&[&["generate", words, "-o", "a.png", "--as-typed"], &SMALL[..]].concat());
    assert!(!said.contains("drawing:"), "{said}");
    stage.told(&[&["generate", words, "-o", "b.png"], &SMALL[..]].concat());
    assert_ne!(stage.tokens("a.png"), stage.tokens("b.png"));
    assert_eq!(stage.info("a.png")["as_typed"], true);
}

#[test]
fn what_the_world_lacks_is_refused_with_something_near() {
    let stage = Stage::new();
    for words in [
        "a portrait of my mother",
        "freedom",
        "hello, how are you?",
        "",
        "!!!",
    ] {
        let output = stage.run(&["generate", words, "-o", "a.png"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!stage.path("a.png").exists(), "{words}");
    }
    let output = stage.run(&["generate", "a portrait of my mother", "-o", "a.png"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("try a ") && said.contains("--as-typed"), "{said}");
    // Told to, it draws all the same.
    stage.told(&[&["generate", "freedom", "--as-typed", "-o", "a.png"], &SMALL[..]].concat());
}

/// A picture does not tell the starter what it shows: the words or a description have to.
#[test]
fn the_words_of_a_subject_name_it() {
    let stage = Stage::new();
    let subject = stage::golden("generate/subject_panel.png");
    for words in ["in the snow", "at night", ""] {
        let output = stage.run(&["subject", &subject, words, "-o", "a.png"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}: {said}");
        assert!(said.contains("say what the subject is"), "{said}");
        assert!(!stage.path("a.png").exists(), "{words}");
    }
    let draw = |words: &str, more: &[&str], file: &str| {
        let args = [&["subject", &subject, words, "-o", file], more, &SMALL[..]].concat();
        stage.told(&args);
    };
    draw("in the snow", &["--describe", "a red umbrella"], "a.png");
    assert_eq!(stage.info("a.png")["caption"], "a red umbrella in the snow");
    draw("doggo at the seaside", &[], "b.png");
    assert_eq!(stage.info("b.png")["caption"], "a dog on the beach");
}

/// Other checkpoints get the words as they are: theirs are not the starter's.
#[test]
fn words_for_other_models_are_their_own() {
    let stage = Stage::new();
    let folder = stage::starter("").display().to_string();
    let args = [
        "generate",
        "a puppy playing in the park",
        "--model",
        &folder,
        "--seed",
        "1",
        "-o",
        "a.png",
    ];
    let (_, said) = stage.told(&args);
    assert!(!said.contains("drawing:"), "{said}");
    assert_eq!(stage.info("a.png")["caption"], Value::Null);
}

/// Help and README name the sizes the built-in model was made for.
#[test]
fn the_sizes_that_are_named_are_those_of_the_model() {
    let stage = Stage::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = root.join("assets/starter.gguf").display().to_string();
    let info = stage.info(&model);
    let tasks = info["tasks"].as_array().expect("tasks");
    let mut sizes: Vec<(u64, u64)> = Vec::new();
    for task in tasks {
        let of_task = task["sizes"].as_array().expect("sizes").iter();
        sizes.extend(of_task.map(|size| {
            let side = |at: usize| size[at].as_u64().expect("pixels");
            (side(0), side(1))
        }));
    }
    sizes.sort_by_key(|(width, height)| (width * height, *width));
    sizes.dedup();
    let named = |(width, height): (u64, u64)| format!("{width}x{height}");
    let range = format!("from {} to {}", named(sizes[0]), named(sizes[sizes.len() - 1]));
    let (help, _) = stage.told(&["--help"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&range), "{range} in {help}");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    assert!(
        readme.contains(&format!("in {} sizes {range}", sizes.len())),
        "{range}"
    );
}
