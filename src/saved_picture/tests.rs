//! Every kind of picture goes in and comes out; damaged ones are refused in words.

use super::*;
use crate::history::Reader as _;
use crate::pixels::Size;
use crate::state::{Draft, Request};
use crate::task::{Band, Branch, Doubt, Given, MapKind, Parent, Sampling, Story, Tally};
use std::path::PathBuf;

const PANEL: Size = Size::new(64, 32);

fn sampling() -> Sampling {
    Sampling {
        cfg: 4.3,
        top_k: 64,
        temperature: 0.9,
        top_n_sigma: Some(1.5),
    }
}

/// A picture of the task with `rows` rows of codes; complete when that is all of them.
fn picture_of(task: &Task, rows: u32) -> Picture {
    let panel = Grid::of(PANEL).unwrap();
    let grid = if task.mode.is_dual() {
        panel.doubled()
    } else {
        panel
    };
    let rows = rows.min(grid.rows);
    Picture {
        pixels: (rows == grid.rows).then(|| Pixels::filled(PANEL, [10, 200, 30])),
        grid,
        codes: (0..rows * grid.columns).map(|n| n * 37 % 1024).collect(),
        seed: task.seed,
        score: Some(-12.25),
        seam: Some(-3.5),
        story: task.story.clone(),
        sampling: sampling(),
        panel: PANEL,
        lookahead: 4,
        tally: Tally::default(),
        doubt: (0..rows * grid.columns)
            .map(|n| (n % 5 != 0).then_some(n as f32 / 40.0))
            .collect(),
        caption: match &task.wording {
            Wording::As(caption) => Some(caption.clone()),
            _ => None,
        },
    }
}

fn source() -> Pixels {
    let rgb = (0..3 * 90 * 50).map(|n| (n % 251) as u8).collect();
    Pixels::new(Size::new(90, 50), rgb).unwrap()
}

fn mask() -> Mask {
    let values = (0..45 * 25).map(|n| if n % 45 > 20 { 255 } else { 0 }).collect();
    Mask::new(Size::new(45, 25), values).unwrap()
}

fn tasks() -> Vec<Task> {
    let map = MapKind::Depth;
    let describe = Some("a red umbrella".to_owned());
    let modes = [
        Mode::Generate,
        Mode::Pair { map },
        Mode::Control { map },
        Mode::ControlFromPhoto { map },
        Mode::Subject { describe },
        Mode::Subject { describe: None },
        Mode::Edit,
        Mode::Predict { map },
    ];
    let mut tasks: Vec<Task> = modes
        .into_iter()
        .map(|mode| Task {
            seed: 18_446_744_073_709_551_000,
            source: mode.takes_source().then(|| Arc::new(source())),
            ..Task::new(mode, "ein Bär, 熊\nam Strand")
        })
        .collect();
    let wordings = [Wording::AsTyped, Wording::As("a dog in a meadow".to_owned())];
    tasks.extend(wordings.map(|wording| Task {
        wording,
        ..Task::new(Mode::Generate, "doggo in the park")
    }));
    tasks.push(Task {
        story: Story {
            bands: vec![Band {
                from_row: 2,
                prompt: "a dog".to_owned(),
                wording: Wording::As("a dog in a meadow".to_owned()),
                sampling: SamplingChoice::default().settled(sampling()),
                seed: 5,
            }],
            parent: Some(Parent {
                picture: "ab".repeat(32),
                from_row: 2,
            }),
            earlier: vec!["cd".repeat(32)],
            given: vec![Given {
                from: 1,
                codes: vec![3, 4],
            }],
        },
        ..Task::new(Mode::Generate, "a cat")
    });
    tasks.push(Task {
        mask: Some(Arc::new(mask())),
        feather: 6,
        force: true,
        sampling: SamplingChoice {
            noise: Noise::Coupled,
            ..SamplingChoice::default()
        },
        source: Some(Arc::new(source())),
        ..Task::new(Mode::Edit, "")
    });
    tasks
}

/// The task with what the engine settled on, as it must come back.
fn settled(task: &Task) -> Task {
    let sampling = sampling();
    Task {
        size: Some(PANEL),
        sampling: SamplingChoice {
            cfg: Some(sampling.cfg),
            top_k: Some(sampling.top_k),
            temperature: Some(sampling.temperature),
            top_n_sigma: sampling.top_n_sigma,
            noise: task.sampling.noise,
            lookahead: match task.sampling.noise {
                Noise::Gumbel => Lookahead::Auto,
                Noise::Coupled => Lookahead::Fixed(4),
            },
        },
        ..task.clone()
    }
}

fn saved(folder: &Path, task: &Task, rows: u32) -> PathBuf {
    let path = folder.join("saved.png");
    let picture = picture_of(task, rows);
    let saving = Saving {
        task,
        picture: &picture,
        preview: None,
        model: "starter (a small model)",
    };
    save(&path, &saving).unwrap();
    path
}

#[test]
fn every_task_comes_back_from_its_picture() {
    let folder = tempfile::tempdir().unwrap();
    for task in tasks() {
        let path = saved(folder.path(), &task, 99);
        let kept = read(&path).unwrap();
        assert!(kept.settings.complete);
        assert_eq!(kept.codes(), picture_of(&task, 99).codes);
        assert_eq!(kept.doubt(), &picture_of(&task, 99).doubt);
        assert_eq!(
            (kept.settings.model.as_str(), kept.settings.score),
            ("starter", Some(-12.25))
        );
        let sha = task.source.as_deref().map(fingerprint);
        assert_eq!(kept.settings.source_sha256, sha);
        let expected = Task {
            source: None,
            ..settled(&task)
        };
        assert_eq!(task_of(&path).unwrap(), expected);
        assert_eq!(
            picture::read(&path).unwrap(),
            Pixels::filled(PANEL, [10, 200, 30])
        );
        let refused = stopped(&path, None).unwrap_err();
        assert!(refused.message.contains("nothing to resume"), "{refused}");
    }
}

/// A field that is added to a task is told here what becomes of it, or this does not compile.
#[test]
fn every_setting_comes_back_through_the_windows_draft() {
    let task = Task {
        mode: Mode::Subject {
            describe: Some("a red umbrella".to_owned()),
        },
        prompt: "ein Bär, 熊\nam Strand".to_owned(),
        wording: Wording::AsTyped,
        size: Some(PANEL),
        sampling: SamplingChoice {
            cfg: Some(sampling().cfg),
            top_k: Some(sampling().top_k),
            temperature: Some(sampling().temperature),
            top_n_sigma: sampling().top_n_sigma,
            noise: Noise::Coupled,
            lookahead: Lookahead::Fixed(4),
        },
        seed: 18_446_744_073_709_551_000,
        candidates: 2,
        source: Some(Arc::new(source())),
        mask: None,
        feather: 6,
        force: true,
        resume: Some(vec![1; 8]),
        doubt: Doubt::default(),
        story: Story::default(),
        audition: None,
        written: None,
    };
    let folder = tempfile::tempdir().unwrap();
    // Stopped, for the source is stored in no other.
    let read = task_of(&saved(folder.path(), &task, 3)).unwrap();
    let mut draft = Draft::default();
    draft.recall(&Request::of(&read));
    let Task {
        mode,
        prompt,
        wording,
        size,
        sampling,
        seed,
        source,
        // The picture is one of the candidates and begins anew.
        candidates: _,
        resume: _,
        doubt: _,
        // A mask is painted anew, and feathered with it.
        mask: _,
        feather: _,
        // A window refuses nothing that it offers.
        force: _,
        // One draft, one set of words.
        story: _,
        audition: _,
        // What is drawn from a draft is drawn from the words in it.
        written: _,
    } = draft.request(draft.seed).unwrap().task();
    let SamplingChoice {
        cfg,
        top_k,
        temperature,
        top_n_sigma,
        noise,
        lookahead,
    } = sampling;
    assert_eq!((mode, prompt, wording), (task.mode, task.prompt, task.wording));
    assert_eq!((size, seed, source), (task.size, task.seed, task.source));
    let chosen = task.sampling;
    assert_eq!(
        (cfg, top_k, temperature),
        (chosen.cfg, chosen.top_k, chosen.temperature)
    );
    assert_eq!(
        (top_n_sigma, noise, lookahead),
        (chosen.top_n_sigma, chosen.noise, chosen.lookahead)
    );
}

#[test]
fn a_stopped_picture_goes_on_from_itself() {
    let folder = tempfile::tempdir().unwrap();
    for task in tasks() {
        for rows in [0, 3] {
            let path = saved(folder.path(), &task, rows);
            let mut expected = Task {
                resume: Some(picture_of(&task, rows).codes),
                ..settled(&task)
            };
            expected.sampling.lookahead = Lookahead::Fixed(4);
            expected.doubt = read(&path).unwrap().doubt().clone();
            // Branches of the part go on naming it.
            expected.story.earlier.push(read(&path).unwrap().fingerprint());
            assert_eq!(stopped(&path, None).unwrap(), expected);
            assert_eq!(task_of(&path).unwrap(), settled(&task));
            let grey = picture::read(&path).unwrap();
            assert_eq!(
                grey,
                Pixels::filled(picture_of(&task, rows).grid.pixels(), UNDRAWN)
            );
        }
    }
}

#[test]
fn a_stopped_picture_shows_its_rows_and_takes_its_own_source_only() {
    let folder = tempfile::tempdir().unwrap();
    let task = &tasks()[6];
    let picture = picture_of(task, 3);
    let shown = Pixels::filled(picture.grid.pixels(), [7, 8, 9]);
    let path = folder.path().join("stopped.png");
    let saving = Saving {
        task,
        picture: &picture,
        preview: Some(&shown),
        model: "m",
    };
    save(&path, &saving).unwrap();
    assert_eq!(picture::read(&path).unwrap(), shown);
    let original = folder.path().join("original.png");
    std::fs::write(&original, picture::encode_png(&source()).unwrap()).unwrap();
    let resumed = stopped(&path, Some(&original)).unwrap();
    assert_eq!(resumed.source.as_deref(), Some(&source()));
    let refused = stopped(&path, Some(&path)).unwrap_err();
    assert!(refused.message.contains("is not the picture"), "{refused}");
}

#[test]
fn a_masked_edit_is_finished_in_its_own_source_only() {
    let folder = tempfile::tempdir().unwrap();
    let task = tasks().pop().unwrap();
    let kept = read(&saved(folder.path(), &task, 99)).unwrap();
    let original = folder.path().join("original.png");
    std::fs::write(&original, picture::encode_png(&source()).unwrap()).unwrap();
    let drawn = Pixels::filled(PANEL, [250, 0, 0]);
    let finished = kept.finish(drawn.clone(), Some(&original)).unwrap();
    assert_eq!(finished, picture::compose(&source(), &mask(), &drawn, 6));
    assert_ne!(finished, source());
    let refusals = [
        kept.finish(drawn.clone(), None),
        kept.finish(drawn.clone(), Some(&saved(folder.path(), &task, 99))),
    ];
    for (refused, words) in refusals.into_iter().zip(["--source FILE", "is not the picture"]) {
        let failure = refused.unwrap_err();
        assert!(failure.message.contains(words), "{failure}");
    }
    let plain = read(&saved(folder.path(), &tasks()[0], 99)).unwrap();
    assert_eq!(plain.finish(drawn.clone(), None).unwrap(), drawn);
}

#[test]
fn what_was_kept_can_be_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &tasks()[1], 99);
    let kept = read(&path).unwrap();
    let again = folder.path().join("again.png");
    kept.write(&again, &picture::read(&path).unwrap()).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap());
}

#[test]
fn info_names_every_setting_but_not_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let task = tasks().pop().unwrap();
    let json = read(&saved(folder.path(), &task, 3)).unwrap().to_json();
    assert_eq!(json["tokens"].as_array().unwrap().len(), 3 * 8);
    assert_eq!(json["grid"], json!({"rows": 8, "columns": 8}));
    assert_eq!(json["mode"]["kind"], "edit");
    assert!(json.get("source_png").is_none() && json["mask"].is_object());
}

#[test]
fn damaged_records_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let task = tasks().pop().unwrap();
    let path = saved(folder.path(), &task, 3);
    let good: Record<Value> = picture::read_record(&path).unwrap();
    let refusal = |change: &dyn Fn(&mut Record<Value>)| {
        let mut record = good.clone();
        change(&mut record);
        picture::write(&path, &Pixels::filled(PANEL, [0; 3]), &record).unwrap();
        let failure = stopped(&path, None).expect_err("a damaged record");
        assert!(!failure.message.contains('\n'), "{failure}");
        failure.message
    };
    assert!(
        refusal(&|record| record.settings["size"] = json!({"width": 100, "height": 32})).contains("100x32")
    );
    assert!(refusal(&|record| record.settings["size"]["width"] = json!(-1)).contains("settings"));
    assert!(refusal(&|record| record.settings["mode"] = json!({"kind": "dream"})).contains("dream"));
    assert!(refusal(&|record| record.grid.rows = u32::MAX).contains("grid"));
    assert!(refusal(&|record| record.codes.truncate(23)).contains("23 of 64"));
    assert!(refusal(&|record| record.codes = vec![0; 65]).contains("65 of 64"));
    assert!(refusal(&|record| record.settings["complete"] = json!(true)).contains("24 of 64"));
    assert!(refusal(&|record| record.settings = Value::Null).contains("settings"));
    let runs = |size: u32, runs: Value| {
        move |record: &mut Record<Value>| {
            record.settings["mask"] = json!({"size": {"width": size, "height": size}, "runs": runs});
        }
    };
    assert!(refusal(&runs(4, json!([[0, 15]]))).contains("mask"));
    let huge = json!([[0, u32::MAX], [9, 1]]);
    assert!(refusal(&runs(65_536, huge)).contains("mask"));
    assert!(refusal(&|record| record.settings["source_png"] = json!("0")).contains("stored source"));
    assert!(refusal(&|record| record.settings["source_png"] = json!("zz")).contains("stored source"));
    assert!(refusal(&|record| record.settings["source_png"] = json!("00ff")).contains("stored source"));
    let without = |record: &mut Record<Value>| {
        record.settings.as_object_mut().unwrap().remove("source_png");
    };
    assert!(refusal(&without).contains("--source FILE"));
}

#[test]
fn the_library_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &tasks()[1], 3);
    let about = Shelf.about(&path).unwrap();
    assert_eq!(
        (about.prompt.as_str(), about.mode.as_str()),
        ("ein Bär, 熊\nam Strand", "pair")
    );
    assert_eq!((about.rows, about.is_complete()), ((3, 8), false));
    assert_eq!(Shelf.small(&path, 16).unwrap().size(), Size::new(16, 16));
    let text = folder.path().join("text.png");
    std::fs::write(&text, "none").unwrap();
    assert!(Shelf.about(&text).is_none() && Shelf.small(&text, 16).is_err());
}

#[test]
fn a_picture_branches_off_at_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::new(Mode::Generate, "a cat");
    let path = saved(folder.path(), &task, 99);
    let branch = |from_row, prompt: Option<&str>| Branch {
        from_row,
        words: prompt.map(|prompt| (prompt.to_owned(), Wording::Understood)),
        seed: Some(9),
        ..Branch::default()
    };
    let of = |path: &Path, from_row, prompt| branch_of(path, None, &branch(from_row, prompt));
    let child = of(&path, 2, Some("a dog")).unwrap();
    assert_eq!(child.resume.as_deref(), Some(&picture_of(&task, 99).codes[..16]));
    assert_eq!((child.prompt.as_str(), child.seed), ("a cat", 0));
    let band = &child.story.bands[0];
    assert_eq!((band.from_row, band.prompt.as_str(), band.seed), (2, "a dog", 9));
    assert_eq!(band.wording, Wording::Understood);
    let parent = child.story.parent.clone().unwrap();
    assert_eq!(parent.picture, read(&path).unwrap().fingerprint());
    // A child of the child: what began above its row stays.
    let path = saved(folder.path(), &child, 99);
    let grandchild = of(&path, 3, None).unwrap();
    let rows: Vec<u32> = grandchild.story.bands.iter().map(|band| band.from_row).collect();
    assert_eq!(
        (rows, grandchild.story.bands[1].prompt.as_str()),
        (vec![2, 3], "a dog")
    );
    // Above the band its words never were.
    let other = of(&path, 1, None).unwrap();
    assert_eq!(other.story.bands.len(), 1);
    assert_eq!(other.story.bands[0].prompt, "a cat");
    // Without a row of it nothing is a branch.
    let anew = of(&path, 0, None).unwrap();
    assert!(anew.story.is_empty() && anew.resume.is_none());
    assert_eq!((anew.prompt.as_str(), anew.seed), ("a cat", 9));
    assert!(of(&path, 4, None).unwrap_err().message.contains("0 to 3"));
    // Rows of a source are none of the picture's.
    let task = tasks().into_iter().find(|task| task.mode == Mode::Edit).unwrap();
    let path = saved(folder.path(), &task, 99);
    let child = of(&path, 1, None).unwrap();
    assert_eq!(
        (child.story.bands[0].from_row, child.resume.unwrap().len()),
        (5, 40)
    );
    let task = tasks().pop().unwrap();
    let masked = saved(folder.path(), &task, 99);
    assert!(
        of(&masked, 1, None)
            .unwrap_err()
            .message
            .contains("--source FILE")
    );
}
