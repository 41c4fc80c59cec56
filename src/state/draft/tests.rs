//! What was chosen of a picture's sampling stays chosen when it is drawn again, and is stored.

use super::*;
use crate::pixels::Pixels;
use crate::state::{
    Answer, DraftAction, Effect, OfferAction, Opened, Order, RunAction, Setting, Store, Studio, Target,
    UndoAction,
};
use crate::task::{Lookahead, Noise, SamplingChoice, Task};
use serde_json::{Value, json};
use std::sync::Arc;

/// As `--noise coupled --top-n-sigma 1.7` leaves it in a picture.
const COUPLED: SamplingChoice = SamplingChoice {
    cfg: Some(4.3),
    top_k: Some(64),
    temperature: Some(0.9),
    top_n_sigma: Some(1.7),
    noise: Noise::Coupled,
    lookahead: Lookahead::Fixed(4),
};

/// A window that was told to use the settings of a picture drawn so.
fn recalled() -> Studio {
    let mut studio = Studio::default();
    let task = Task {
        sampling: COUPLED,
        seed: 77,
        ..Task::new(Mode::Generate, "a cat")
    };
    let pixels = Pixels::filled(Size::new(32, 32), [4; 3]);
    let opened = Opened {
        photo: Photo::new("x.png", Arc::new(pixels)),
        path: None,
        task: Some(Box::new(task)),
    };
    studio.act(Answer::Opened(Box::new(opened), Target::Canvas));
    studio.act(OfferAction::UseSettings);
    studio
}

fn asked(studio: &Studio) -> Task {
    let last: &Order = studio.queue.orders().last().expect("an order");
    last.request.task()
}

#[test]
fn a_coupled_picture_is_drawn_again_as_it_was() {
    let mut studio = recalled();
    studio.act(RunAction::Draw);
    let task = asked(&studio);
    assert_eq!((task.seed, task.sampling), (77, COUPLED));
}

#[test]
fn what_was_chosen_outlives_the_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    store.save(&recalled()).expect("saved");
    drop(store);
    let mut back = Store::open(folder.path()).expect("the store again").load();
    assert_eq!(back.draft.sampling, COUPLED);
    back.act(RunAction::Draw);
    assert_eq!(asked(&back).sampling, COUPLED);
}

#[test]
fn each_can_be_taken_out_and_an_example_takes_out_all() {
    let mut studio = recalled();
    studio.act(DraftAction::Set(Setting::TopNSigma(None)));
    let left = SamplingChoice {
        top_n_sigma: None,
        ..COUPLED
    };
    assert_eq!(studio.draft.sampling, left);
    studio.act(DraftAction::Set(Setting::Noise(Noise::Gumbel)));
    let left = SamplingChoice {
        noise: Noise::Gumbel,
        ..left
    };
    assert_eq!(studio.draft.sampling, left);
    let mut studio = recalled();
    studio.act(RunAction::Example {
        prompt: "a fox".into(),
        seed: 3,
    });
    let models_own = SamplingChoice {
        lookahead: Lookahead::Fixed(4),
        ..SamplingChoice::default()
    };
    assert_eq!(asked(&studio).sampling, models_own);
}

#[test]
fn drafts_and_requests_stored_before_are_read() {
    let mut draft = serde_json::to_value(Draft::default()).expect("JSON");
    let stored = draft.as_object_mut().expect("an object");
    // Drafts had neither.
    assert_eq!(stored.remove("top_n_sigma"), Some(Value::Null));
    assert_eq!(stored.remove("noise"), Some(json!("gumbel")));
    stored.insert("cfg".to_owned(), json!(2.5));
    stored.insert("window".to_owned(), json!({"fixed": 16}));
    let draft: Draft = serde_json::from_value(draft).expect("a draft");
    let sampling = SamplingChoice {
        cfg: Some(2.5),
        lookahead: Lookahead::Fixed(16),
        ..SamplingChoice::default()
    };
    assert_eq!(draft.sampling, sampling);
    let stored = json!({
        "mode": {"kind": "generate"}, "prompt": "a cat", "size": null, "cfg": 4.3, "top_k": 64,
        "temperature": 0.9, "top_n_sigma": 1.7, "seed": u64::MAX, "noise": "coupled",
        "window": {"fixed": 4}, "candidates": 1, "source": null, "mask": null, "feather": 0,
        "force": false, "resume": null
    });
    let request: Request = serde_json::from_value(stored.clone()).expect("a request");
    assert_eq!((request.sampling, request.seed), (COUPLED, u64::MAX));
    let again = serde_json::to_string(&request).expect("JSON");
    let request: Request = serde_json::from_str(&again).expect("a request");
    assert_eq!(request.sampling, COUPLED);
    let names = |value: &Value| -> Vec<String> {
        let names = value.as_object().expect("an object").keys().cloned();
        names.filter(|name| name != "wording").collect()
    };
    let again: Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(names(&again), names(&stored));
}

fn with_sizes() -> Studio {
    let sizes = [(192, 192), (224, 160), (160, 224)].map(|(width, height)| Size::new(width, height));
    let skill = |mode: &str| crate::task::Skill {
        mode: mode.to_owned(),
        sizes: sizes.to_vec(),
        default_size: Some(sizes[0]),
        ..Default::default()
    };
    let mut studio = Studio::default();
    studio.apply(&crate::task::Report::Loaded {
        model: "starter".to_owned(),
        seconds: 0.1,
        profile: crate::task::Profile {
            skills: ["generate", "edit", "subject", "predict"].map(skill).to_vec(),
            ..Default::default()
        },
    });
    studio
}

fn photo_of(width: u32, height: u32) -> Photo {
    let pixels = Pixels::filled(Size::new(width, height), [width as u8; 3]);
    Photo::new("photo.png", Arc::new(pixels))
}

fn give(studio: &mut Studio, photo: Photo, target: Target) {
    let opened = Opened {
        photo,
        path: None,
        task: None,
    };
    studio.act(Answer::Opened(Box::new(opened), target));
}

/// A square chosen for Create is none for a photo that is edited.
#[test]
fn a_size_belongs_to_its_mode_and_a_picture_brings_its_shape() {
    let mut studio = with_sizes();
    let square = Size::new(192, 192);
    let set = |studio: &mut Studio, size| studio.act(DraftAction::Set(Setting::Size(Some(size))));
    set(&mut studio, square);
    give(&mut studio, photo_of(640, 480), Target::Canvas);
    assert_eq!(studio.size(), Some(Size::new(224, 160)));
    // What is chosen for this picture holds, also while another mode is looked at ...
    set(&mut studio, square);
    studio.act(DraftAction::Set(Setting::Tab(Tab::Create)));
    assert_eq!(studio.size(), Some(square));
    studio.act(DraftAction::Set(Setting::Tab(Tab::Edit)));
    assert_eq!(studio.size(), Some(square));
    // ... and with a picture of the same shape; another shape brings its own.
    give(&mut studio, photo_of(320, 240), Target::Canvas);
    assert_eq!(studio.size(), Some(square));
    give(&mut studio, photo_of(480, 640), Target::Canvas);
    assert_eq!(studio.size(), Some(Size::new(160, 224)));
    // Chosen before there is a picture: the user decided.
    studio.act(DraftAction::Set(Setting::Tab(Tab::Predict)));
    set(&mut studio, square);
    give(&mut studio, photo_of(640, 480), Target::Predict);
    assert_eq!(studio.size(), Some(square));
    // Two subjects of different shapes.
    give(&mut studio, photo_of(640, 480), Target::Reference);
    set(&mut studio, square);
    give(&mut studio, photo_of(480, 640), Target::Reference);
    assert_eq!(studio.size(), Some(Size::new(160, 224)));
    // Undone, the choice is back with the picture it was made for.
    studio.act(UndoAction::Undo);
    assert_eq!(studio.size(), Some(square));
}

#[test]
fn a_restored_seed_is_for_one_picture() {
    let mut studio = with_sizes();
    let mut task = Task::new(Mode::Generate, "a dog");
    task.seed = 77;
    let mut opened = Opened {
        photo: photo_of(8, 8),
        path: None,
        task: Some(Box::new(task)),
    };
    studio.act(Answer::Opened(Box::new(opened.clone()), Target::Settings));
    assert_eq!(
        (studio.draft.seed, studio.draft.seed_choice),
        (77, SeedChoice::Once)
    );
    let drawn = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Submit(task) => Some(task.seed),
            _ => None,
        })
    };
    assert_eq!(drawn(&studio.act(RunAction::Draw)), Some(77));
    assert_eq!(studio.draft.seed_choice, SeedChoice::Random);
    // Remixed, its seed is not taken over at all.
    let own = studio.draft.seed;
    opened.task = Some(Box::new(Task {
        seed: 4_000_000,
        ..Task::new(Mode::Generate, "an owl")
    }));
    for remixed in [true, false] {
        match remixed {
            true => drop(studio.act(Answer::Opened(Box::new(opened.clone()), Target::Remix))),
            false => {
                studio.act(Answer::Opened(Box::new(opened.clone()), Target::Canvas));
                studio.act(OfferAction::Remix);
            }
        }
        let draft = &studio.draft;
        assert_eq!((draft.prompt.as_str(), draft.seed), ("an owl", own));
        assert_eq!(draft.seed_choice, SeedChoice::Random);
        studio.act(DraftAction::Set(Setting::Words("a cat".to_owned())));
    }
}
