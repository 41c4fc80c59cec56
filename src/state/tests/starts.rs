//! Several starts of a picture: drawn, chosen, drawn on.

use super::*;

fn auditioned() -> Studio {
    let mut studio = ready();
    studio.act(DraftAction::Set(Setting::Starts(3)));
    let effects = draw(&mut studio, "a cat", 0);
    let task = submitted(&effects)[0];
    assert_eq!(
        (task.candidates, task.audition.map(|audition| audition.keep)),
        (3, Some(0))
    );
    studio.apply(&started(0));
    for candidate in 0..3 {
        let Report::Progress { task, mut progress } = row(0, 0) else {
            unreachable!("a row");
        };
        if let Progress::Row { candidate: of, .. } = &mut progress {
            *of = candidate;
        }
        studio.apply(&Report::Progress { task, progress });
    }
    let run = studio.run.as_ref().expect("a run");
    assert_eq!((run.far().done, run.far().of), (1, 1), "a sixth of four rows");
    // The likeliest comes first.
    let start = |seed| Picture {
        seed,
        score: Some(-(seed as f64)),
        ..picture(1, None)
    };
    let pictures = vec![start(6), start(5), start(7)];
    let effects = studio.apply(&Report::Finished {
        task: TaskId(0),
        pictures,
    });
    assert!(effects.is_empty(), "{effects:?}");
    studio
}

#[test]
fn chosen_starts_are_drawn_on_and_the_others_go() {
    let mut studio = auditioned();
    let phase = |studio: &Studio| studio.run.as_ref().map(|run| run.phase);
    assert_eq!(
        (phase(&studio), studio.outcomes.len()),
        (Some(Phase::Choosing), 0)
    );
    // Nothing is chosen yet.
    assert!(studio.act(RunAction::Resume).is_empty());
    for candidate in [2, 0, 1, 1, 9] {
        studio.act(RunAction::Choose(candidate));
    }
    let effects = studio.act(RunAction::Resume);
    let task = submitted(&effects)[0];
    assert_eq!((task.seed, task.candidates, task.audition), (5, 1, None));
    assert_eq!(task.resume.as_deref(), Some(&[1, 1, 1, 1][..]));
    assert!(matches!(effects[0], Effect::JournalEnd(_)));
    let waiting: Vec<u64> = studio.queue.orders().map(|order| order.request.seed).collect();
    assert_eq!(waiting, [7]);
    // Its row is in sight.
    assert_eq!(studio.run.as_ref().map(|run| run.rows()), Some(1));
}

#[test]
fn starts_that_nobody_chose_are_not_lost() {
    let mut studio = auditioned();
    draw(&mut studio, "a dog", 1);
    // The likeliest is kept as a part, and the next picture begins.
    let kept = &studio.outcomes[0];
    assert_eq!(
        (kept.seed, kept.ended, kept.rows),
        (6, Ended::Stopped, Some((1, 4)))
    );
    let run = studio.run.as_ref().expect("a run");
    assert_eq!(run.order.request.prompt, "a dog");
    let mut studio = auditioned();
    studio.act(RunAction::Discard);
    assert!(studio.run.is_none() && studio.outcomes.is_empty());
}
