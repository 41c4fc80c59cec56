//! Prompts as people word them, and the laws that hold for any.

use super::*;

/// The caption, or what stands for it where nothing is drawn.
fn drawn(text: &str) -> String {
    let found = understand(text);
    match found.verdict {
        Verdict::Outside { .. } => "outside".to_owned(),
        Verdict::Unnamed => "unnamed".to_owned(),
        Verdict::Empty => "empty".to_owned(),
        Verdict::Known | Verdict::Near => found.caption,
    }
}

fn assert_drawn(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(text, wanted)| drawn(text) != *wanted)
        .map(|(text, wanted)| format!("{text:?}: {:?} instead of {wanted:?}", drawn(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn part(found: &Understanding, kind: PartKind) -> Option<&Part> {
    found.parts.iter().find(|part| part.kind == kind)
}

fn meanings(found: &Understanding) -> Vec<(PartKind, &str)> {
    found
        .parts
        .iter()
        .filter(|part| !part.chosen)
        .map(|part| (part.kind, part.meaning.as_str()))
        .collect()
}

#[test]
fn everyday_wordings() {
    assert_drawn(&[
        ("dog", "a dog in a meadow"),
        ("Dogs", "two dogs in a meadow"),
        ("A CAT!!!", "a cat in a meadow"),
        ("a cute puppy playing in the park", "a dog in a meadow"),
        ("a labrador", "a dog in a meadow"),
        ("a castle on a hill", "a castle in a meadow"),
        ("a golden retriever on the moon", "a dog in outer space"),
        ("please draw me a robot", "a robot in outer space"),
        (
            "can you make a picture of a unicorn in outer space?",
            "a unicorn in outer space",
        ),
        ("pixel art of a fox", "a fox in the forest"),
        (
            "a fox, 8k, highly detailed, trending on artstation",
            "a fox in the forest",
        ),
        ("black and white photo of a cat", "a cat in a meadow"),
        ("penguins at the north pole", "two penguins in the snow"),
        ("a cozy cabin in the woods", "a house in the forest"),
        ("a taxi in new york", "a car on the road"),
        ("my friend's dog", "a dog in a meadow"),
        ("a dog for my friend", "a dog in a meadow"),
        ("my dog named Max", "a dog in a meadow"),
        ("green apple", "a green apple on the beach"),
        ("red car", "a red car on the road"),
        ("a dark red car on the left", "a red car on the left on the road"),
        ("golden crown", "a yellow crown on a white background"),
        ("a tiny key", "a small key on a white background"),
    ]);
}

#[test]
fn compounds_whose_parts_mislead() {
    assert_drawn(&[
        ("a plate of sushi", "outside"),
        ("a glass of wine", "a grapes on a white background"),
        ("jack-o'-lantern", "a pumpkin on a white background"),
        ("a jack-o’-lantern", "a pumpkin on a white background"),
        ("hot dog", "a hot dog on a white background"),
        ("teddy bear", "a teddy bear in a room"),
        ("polar bear in the snow", "a bear in the snow"),
        ("sea lion", "a dolphin under the sea"),
        ("fire truck", "a fire engine on the road"),
        ("ice cream", "an ice cream on a white background"),
        ("space ship", "a rocket in outer space"),
        ("dog house", "a house in a meadow"),
        ("apple tree", "a tree in a meadow"),
        ("pirate ship", "a sailboat on the beach"),
        ("a basket of apples", "two apples in a meadow"),
        ("a slice of pizza", "a pizza on a white background"),
        ("a pair of scissors", "a scissors on a white background"),
        ("an orange", "a peach on a white background"),
        ("an orange cat", "a cat in a meadow"),
        ("a big tree", "a big tree in a meadow"),
    ]);
}

#[test]
fn counts_and_joints() {
    assert_drawn(&[
        ("two kittens", "two cats in a meadow"),
        ("3 cats", "three cats in a meadow"),
        ("ten cats", "five cats in a meadow"),
        ("a couple of cats", "two cats in a meadow"),
        ("several cats", "three cats in a meadow"),
        ("lots of stars", "five stars at night"),
        ("a cat and a ball in the park", "a cat and a football in a meadow"),
        ("a cat sitting on a chair", "a cat above a chair in a meadow"),
        ("a cat wearing a top hat", "a cat below a top hat in a meadow"),
        (
            "a cat to the left of a dog",
            "a cat to the left of a dog in a meadow",
        ),
        (
            "a big dog and a small cat",
            "a big dog and a small cat in a meadow",
        ),
        (
            "a cat on the left and a dog on the right",
            "a cat on the left and a dog on the right, in a meadow",
        ),
        (
            "a cat, a dog and a rabbit",
            "a cat on the left, a dog in the middle, a rabbit on the right, in a meadow",
        ),
        ("a circle", "a red circle on a white background"),
        (
            "a red circle on a blue background",
            "a red circle on a blue background",
        ),
        (
            "three cats and two dogs",
            "three cats at the top and two dogs at the bottom, in a meadow",
        ),
        ("a dog without a hat", "a dog in a meadow"),
        ("no background, just a cat", "a cat on a white background"),
    ]);
}

#[test]
fn typing_errors_but_no_real_words() {
    assert_drawn(&[
        ("dgo", "a dog in a meadow"),
        ("pengiun in the snwo", "a penguin in the snow"),
        ("elefant", "an elephant in a meadow"),
        ("buterfly", "a butterfly in a meadow"),
        ("umbrela", "an umbrella on the beach"),
        ("bycicle", "a bicycle in a meadow"),
        ("crossaint", "a croissant on a white background"),
        ("god", "outside"),
    ]);
}

#[test]
fn near_things_have_the_colour_that_is_asked_for() {
    assert_drawn(&[
        ("a flower", "a rose in a meadow"),
        ("a red flower", "a rose in a meadow"),
        ("a yellow flower", "a sunflower in a meadow"),
        ("una flor amarilla", "a sunflower in a meadow"),
        ("a pink flower", "a pink tulip in a meadow"),
        ("big blue butterfly", "a big blue butterfly in a meadow"),
    ]);
}

#[test]
fn other_languages() {
    assert_drawn(&[
        ("ein roter Apfel", "a red apple in a meadow"),
        ("eine Katze am Strand", "a cat on the beach"),
        ("un chat noir", "a cat in a meadow"),
        ("dos perros en la playa", "two dogs on the beach"),
        ("un gatto sulla spiaggia", "a cat on the beach"),
        ("um cachorro na praia", "a dog on the beach"),
        ("三只企鹅在雪地里", "three penguins in the snow"),
        ("森の中の狐", "a fox in the forest"),
        ("고양이 두 마리", "two cats in a meadow"),
        ("красная машина на дороге", "a red car on the road"),
        ("女孩", "outside"),
        ("소녀", "outside"),
        ("🐶", "a dog in a meadow"),
    ]);
}

#[test]
fn outside_of_the_world() {
    let outside = [
        "a portrait of my mother",
        "freedom",
        "asdf",
        "hello",
        "a woman with a cat",
        "man riding a horse",
        "Albert Einstein",
        "Pikachu",
        "cat lady",
        "sword",
        "the eiffel tower",
        "happiness",
    ];
    assert_drawn(&outside.map(|text| (text, "outside")));
    let Verdict::Outside { near } = understand("a woman with a cat").verdict else {
        panic!("it is outside")
    };
    assert_eq!(near[0], "cat");
    assert_drawn(&[("", "empty"), (" . ", "empty"), ("please draw", "empty")]);
    assert_eq!(understand("a horse").verdict, Verdict::Near);
    assert_eq!(understand("a beach").verdict, Verdict::Near);
}

#[test]
fn reasons_are_told() {
    let found = understand("a fluffy blue cat running, watercolor");
    let told: Vec<_> = found
        .unknown
        .iter()
        .map(|one| (one.words.as_str(), one.reason))
        .collect();
    let wanted = [
        ("fluffy", Reason::Adjective),
        ("blue", Reason::Colour),
        ("running", Reason::Verb),
        ("watercolor", Reason::Style),
    ];
    assert_eq!(told, wanted);
    assert_eq!(
        found.unknown[2].to_string(),
        "running: the starter draws things standing still"
    );
}

#[test]
fn prompts_of_the_judge_pass_unchanged() {
    let prompts = include_str!("../../benches/geneval/prompts.json");
    let prompts: Vec<serde_json::Value> = serde_json::from_str(prompts).expect("the prompts are JSON");
    let mut texts = 0;
    for prompt in prompts {
        let text = prompt["text"].as_str().expect("every prompt has a text");
        assert_eq!(understand(text).caption, text);
        assert!(is_caption(text), "{text}");
        texts += 1;
    }
    assert_eq!(texts, 600);
}

#[test]
fn every_word_of_a_thing_is_that_thing() {
    for thing in things() {
        for [one, many] in &thing.words {
            for text in [one.clone(), format!("a {one}"), format!("two {many}")] {
                let found = understand(&text);
                let meaning = part(&found, PartKind::Thing).map(|part| part.meaning.clone());
                assert_eq!(meaning.as_ref(), Some(&thing.name), "{text}");
                assert_eq!(found.verdict, Verdict::Known, "{text}");
            }
        }
        assert!(!thing.suits.is_empty(), "{}", thing.name);
    }
    for background in backgrounds() {
        for words in &background.words {
            let found = understand(&format!("cat {words}"));
            let meaning = part(&found, PartKind::Background).map(|part| part.meaning.clone());
            assert_eq!(meaning.as_ref(), Some(&background.name), "{words}");
        }
    }
}

#[test]
fn captions_are_captions() {
    let texts = [
        "dog",
        "two kittens",
        "a cat and a ball",
        "a cat, a dog and a rabbit in the park",
        "red circle",
        "a tiny snail in the corner",
        "a huge whale",
        "a cat under a tree",
        "many balloons",
        "five cats and a dog",
    ];
    for text in texts {
        let caption = understand(text).caption;
        assert!(is_caption(&caption), "{text}: {caption}");
    }
}

const TEXTS: [&str; 12] = [
    "a cute puppy playing in the park",
    "two red cars and a cat",
    "a big dog and a small cat on the beach",
    "a cat on the left and a dog on the right, in the forest",
    "a red circle on a blue background",
    "an apple",
    "dogs",
    "a cat sitting on a chair",
    "ein Hund im Wald",
    "a cat, a dog and a rabbit",
    "beach at sunset",
    "a green key in a room, 8k",
];

#[test]
fn a_part_taken_out_is_gone_and_the_rest_stays() {
    for text in TEXTS {
        let before = understand(text);
        for (at, out) in before.parts.iter().enumerate().filter(|(_, part)| !part.chosen) {
            let after = text_without(&before, at);
            let found = understand(&after);
            let of_it = |part: &Part| {
                out.kind == PartKind::Thing && part.item == out.item && part.kind != PartKind::Background
            };
            let gone =
                |part: &Part| std::ptr::eq(part, out) || of_it(part) || part.kind == PartKind::Relation;
            let kept: Vec<_> = before
                .parts
                .iter()
                .filter(|part| !part.chosen && !gone(part))
                .collect();
            let wanted: Vec<_> = kept
                .iter()
                .map(|part| (part.kind, part.meaning.as_str()))
                .collect();
            let mut now = meanings(&found);
            now.retain(|(kind, _)| *kind != PartKind::Relation);
            assert_eq!(now, wanted, "{text:?} without {:?}: {after:?}", out.words);
        }
    }
}

#[test]
fn another_meaning_is_understood() {
    for text in TEXTS {
        let before = understand(text);
        for (at, part) in before.parts.iter().enumerate() {
            for meaning in part.alternatives.iter().take(8) {
                let after = text_with(&before, at, meaning);
                let found = understand(&after);
                let has = found
                    .parts
                    .iter()
                    .any(|one| one.kind == part.kind && one.meaning == *meaning);
                let one = meaning == "one" && self::part(&found, PartKind::Count).is_none();
                let has = has || one || meaning == "and";
                assert!(
                    has,
                    "{text:?} with {meaning:?}: {after:?} is {:?}",
                    meanings(&found)
                );
            }
        }
    }
}

#[test]
fn ranges_lie_in_the_text() {
    for text in TEXTS
        .into_iter()
        .chain(["İstanbul'da bir kedi, a cat", "l'éléphant rouge", "A-CAT-ẞ dog's"])
    {
        let found = understand(text);
        for part in &found.parts {
            assert_eq!(text.get(part.range.clone()), Some(part.words.as_str()));
        }
        for unknown in &found.unknown {
            assert_eq!(text.get(unknown.range.clone()), Some(unknown.words.as_str()));
        }
    }
}

#[test]
fn any_text_is_read() {
    // A fixed stream of numbers: xorshift.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let pieces = [
        "cat", " ", "two ", "of ", "猫", "と", "🐶", "'", "-", "\u{301}", "\u{202e}", "ß", "İ", "\0", ", ",
        "not ",
    ];
    for round in 0..400 {
        let length = next() % 60;
        let bytes: Vec<u8> = (0..length).map(|_| (next() >> 24) as u8).collect();
        let mixed: String = (0..length)
            .map(|_| pieces[next() as usize % pieces.len()])
            .collect();
        for text in [String::from_utf8_lossy(&bytes).into_owned(), mixed] {
            let found = understand(&text);
            if round % 8 == 0 {
                for at in 0..found.parts.len() {
                    text_without(&found, at);
                    text_with(&found, at, "cat");
                }
            }
            complete(&text, 5);
        }
    }
    for text in [
        "cat ".repeat(25_000),
        "a".repeat(100_000),
        "猫".repeat(30_000),
        "\u{5d0}\u{200f}".repeat(9_000),
    ] {
        understand(&text);
        complete(&text, 5);
    }
}

#[test]
fn words_are_completed() {
    assert_eq!(complete("a red ba", 3), ["banana", "balloon", "bat"]);
    assert_eq!(complete("ice c", 1), ["ice cream"]);
    assert!(complete("a cat in the mou", 9).contains(&"mountains".to_owned()));
    assert!(complete("", 9).is_empty() && complete("cat ", 9).is_empty());
}

#[test]
fn a_subject_is_named_by_its_words_or_by_its_description() {
    let of = |describe, text| {
        let understood = understand_subject(describe, text);
        let is_named = understood.names_a_thing();
        let is_unnamed = !is_named && !understood.is_outside();
        assert_eq!(understood.verdict == Verdict::Unnamed, is_unnamed);
        (is_named, understood.caption)
    };
    let caption = |text: &str| text.to_owned();
    assert_eq!(
        of(None, "a fox in the snow"),
        (true, caption("a fox in the snow"))
    );
    assert!(of(None, "my doggo at night").0);
    // Where it is says nothing of what it is.
    for text in ["in the snow", "at night", "on the beach", "somewhere else", ""] {
        assert!(!of(None, text).0, "{text}");
    }
    let described = of(Some("a red umbrella"), "in the snow");
    assert_eq!(described, (true, caption("a red umbrella in the snow")));
    // Words that name a thing need no description.
    assert_eq!(of(Some("my pet"), "a cat on the beach").1, "a cat on the beach");
}
