//! Imports that are planned, measured and broken off; memory that runs out.

use super::*;
use crate::state::{Effect, ImportAction, ModelAction, ModelAnswer, ModelEffect, Pace, Page};
use crate::task::{
    Appraisal, Cause, Failure, Fitting, Format, ImportWish, Known, Needs, Origin, Plan, Survey, Way,
};
use std::path::PathBuf;

fn needs(weights: u64) -> Needs {
    Needs {
        weights,
        ..Needs::default()
    }
}

fn wish() -> ImportWish {
    ImportWish {
        folder: "/hf/lumina".into(),
        movq: Some("/hf/movq.ckpt".into()),
        movq_config: None,
        format: Format::Q4K,
        output: "/models/lumina-q4_k.gguf".into(),
    }
}

fn fitting(free: u64) -> Fitting {
    let way = |format, held| Way {
        format,
        device: crate::task::Device::Cuda,
        needs: needs(held),
        free_bytes: Some(free),
        file_bytes: held,
        seconds: None,
    };
    Fitting {
        size: Some(Size::new(768, 768)),
        ways: vec![way(Format::Q4K, 5), way(Format::Q8_0, 8), way(Format::F16, 15)],
    }
}

fn models(effects: &[Effect]) -> Vec<&ModelEffect> {
    let of_models = effects.iter().filter_map(|effect| match effect {
        Effect::Models(effect) => Some(effect),
        _ => None,
    });
    of_models.collect()
}

fn planned(studio: &Studio) -> &ImportWish {
    studio.models.import.wish().expect("a planned import")
}

#[test]
fn a_plan_takes_the_advised_format_and_is_measured_at_once() {
    let mut studio = ready();
    let effects = studio.act(ModelAnswer::Planned(wish()));
    assert_eq!(models(&effects), [&ModelEffect::Fit(wish())]);
    let effects = studio.act(ModelAnswer::Fitted(wish().folder, Ok(fitting(20))));
    let taken = ImportWish {
        format: Format::Q8_0,
        output: "/models/lumina-q8_0.gguf".into(),
        ..wish()
    };
    assert_eq!(planned(&studio), &taken, "the finer one fits the card");
    assert_eq!(models(&effects), [&ModelEffect::Measure(taken, fitting(20))]);
    assert_eq!(studio.models.fit.pace, Pace::Measuring);
    // Another folder's answer is none.
    studio.act(ModelAnswer::Measured("/other".into(), Ok(fitting(1))));
    assert_eq!(studio.models.fit.pace, Pace::Measuring);
    studio.act(ModelAnswer::Measured(wish().folder, Ok(fitting(20))));
    assert_eq!(studio.models.fit.pace, Pace::Known);
    // What the user chooses stays, whatever is found out later.
    studio.act(ImportAction::Format(Format::F16));
    studio.act(ImportAction::Movq("/other/movq.ckpt".into()));
    studio.act(ModelAnswer::Fitted(wish().folder, Ok(fitting(20))));
    assert_eq!(planned(&studio).format, Format::F16);
    // The import does not share the machine with a measurement.
    assert_eq!(studio.models.fit.pace, Pace::Measuring);
    let effects = studio.act(ImportAction::Start);
    let [stop, import] = models(&effects)[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(stop, &ModelEffect::StopMeasuring);
    assert!(matches!(import, ModelEffect::Import(wish) if wish.format == Format::F16));
}

#[test]
fn nothing_is_measured_while_a_picture_is_drawn() {
    let mut studio = ready();
    draw(&mut studio, "a cat", 1);
    studio.act(ModelAnswer::Planned(wish()));
    let effects = studio.act(ModelAnswer::Fitted(wish().folder, Ok(fitting(20))));
    assert_eq!(models(&effects), Vec::<&ModelEffect>::new());
    assert_eq!(studio.models.fit.pace, Pace::Unknown);
    // And what is imported meanwhile is not opened over it.
    studio.act(ImportAction::Start);
    let effects = studio.act(ModelAnswer::Ended(Ok(Vec::new())));
    let opens = |effect: &&ModelEffect| matches!(effect, ModelEffect::Appraise(_));
    assert!(!models(&effects).iter().any(opens), "{effects:?}");
    let effects = studio.act(ImportAction::Measure);
    assert_eq!(
        models(&effects),
        Vec::<&ModelEffect>::new(),
        "nothing is planned now"
    );
}

#[test]
fn an_imported_model_is_opened() {
    let mut studio = ready();
    studio.act(ModelAnswer::Planned(wish()));
    studio.act(ImportAction::Start);
    let effects = studio.act(ModelAnswer::Ended(Ok(Vec::new())));
    assert!(models(&effects).contains(&&ModelEffect::Appraise(wish().output)));
    assert_eq!(studio.models.pending, Some(wish().output));
}

#[test]
fn a_killed_import_stands_ready_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut studio = ready();
    studio.act(ModelAnswer::Planned(wish()));
    studio.act(ImportAction::Format(Format::F16));
    studio.act(ImportAction::Start);
    let mut store = Store::open(folder.path()).expect("a store");
    store.snapshot(&studio).write().expect("it is stored");
    let mut again = Store::open(folder.path()).expect("a store").load();
    let wanted = ImportWish {
        format: Format::F16,
        output: "/models/lumina-f16.gguf".into(),
        ..wish()
    };
    let effects = again.go_on_with_import();
    assert_eq!(models(&effects), [&ModelEffect::Fit(wanted.clone())]);
    again.act(ModelAnswer::Fitted(wish().folder, Ok(fitting(20))));
    assert_eq!(planned(&again), &wanted, "as it was planned");
}

fn appraisal(name: &str, path: &str) -> Known {
    Known {
        path: path.into(),
        origin: Origin::Used,
        appraisal: Ok(Appraisal {
            name: name.to_owned(),
            note: None,
            provenance: None,
            licence: None,
            format: "q8_0".to_owned(),
            weights: 7,
            size: Size::new(768, 768),
            runs_on: crate::task::Device::Cpu,
            needs: needs(16),
            plans: vec![
                Plan::Smaller(Size::new(512, 512), needs(12)),
                Plan::Stored(Format::Q4K, needs(9)),
            ],
        }),
    }
}

fn with_survey(free: u64) -> Studio {
    let mut studio = ready();
    studio.model_path = Some(PathBuf::from("/models/lumina-q8_0.gguf"));
    studio.models.survey = Some(Survey {
        free_bytes: Some(free),
        models: vec![
            appraisal("Lumina", "/models/lumina-q8_0.gguf"),
            appraisal("Lumina", env!("CARGO_MANIFEST_DIR")),
        ],
        ..Survey::default()
    });
    studio
}

fn out_of_memory() -> Failure {
    Failure::failed("drawing this picture needs 9 GB of memory").because(Cause::Memory)
}

#[test]
fn memory_that_runs_out_leads_to_the_next_smaller_plan() {
    let mut studio = with_survey(12);
    draw(&mut studio, "a cat", 1);
    studio.apply(&Report::Failed {
        task: TaskId(1),
        failure: out_of_memory(),
    });
    let offer = studio
        .notices
        .last()
        .and_then(|notice| notice.offer.clone())
        .expect("a way out");
    assert_eq!(offer.words, "See what fits");
    studio.act(*offer.action);
    assert_eq!(studio.page, Page::Models);
    let tight = studio.models.tight.clone().expect("what needs less");
    assert!(matches!(tight.next, Some(Plan::Smaller(size, _)) if size == Size::new(512, 512)));
    studio.act(ModelAction::TakeSize(Size::new(512, 512)));
    assert_eq!((studio.page, studio.models.tight.clone()), (Page::Canvas, None));
    assert_eq!(studio.draft.size(), Some(Size::new(512, 512)));
}

#[test]
fn a_format_that_fits_is_imported_from_the_checkpoint_that_is_there() {
    let mut studio = with_survey(10);
    draw(&mut studio, "a cat", 1);
    studio.apply(&Report::Failed {
        task: TaskId(1),
        failure: out_of_memory(),
    });
    let tight = studio.models.tight.clone().expect("what needs less");
    assert!(
        matches!(tight.next, Some(Plan::Stored(Format::Q4K, _))),
        "{tight:?}"
    );
    let effects = studio.act(ModelAction::TakeFormat(Format::Q4K));
    let checkpoint = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(models(&effects), [&ModelEffect::Plan(checkpoint)]);
    let q8 = ImportWish {
        format: Format::Q8_0,
        output: "/models/lumina-q8_0.gguf".into(),
        ..wish()
    };
    studio.act(ModelAnswer::Planned(q8));
    assert_eq!(planned(&studio), &wish(), "in the format that was taken");
}

#[test]
fn other_failures_do_not_speak_of_memory() {
    let mut studio = with_survey(12);
    draw(&mut studio, "a cat", 1);
    studio.apply(&Report::Failed {
        task: TaskId(1),
        failure: Failure::failed("scripted"),
    });
    assert_eq!(studio.models.tight, None);
    assert!(studio.notices.last().is_some_and(|notice| notice.offer.is_none()));
}
