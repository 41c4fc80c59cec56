//! Results in the strip and the history: what is shown when one goes, what is asked of the disk.

use super::super::{Answer, Ended, Listing, Piece, Query, Studio, ViewAction};
use super::*;
use crate::task::Failure;

fn outcome(id: u64) -> Outcome {
    Outcome {
        id: OutcomeId(id),
        path: Some(path(id)),
        title: format!("picture {id}"),
        seed: id,
        size: Size::new(8, 8),
        score: None,
        contest: None,
        rows: None,
        ended: Ended::Finished,
        origin: None,
        gone: false,
        thumbnail: None,
        pixels: None,
        before: None,
    }
}

fn path(id: u64) -> PathBuf {
    PathBuf::from(format!("/pictures/2025-11-20/{id}.png"))
}

fn pixels(value: u8) -> Arc<Pixels> {
    Arc::new(Pixels::filled(Size::new(8, 8), [value; 3]))
}

/// Three results, the second one on the canvas.
fn studio() -> Studio {
    let mut studio = Studio {
        outcomes: [1, 2, 3].map(outcome).to_vec(),
        ..Studio::default()
    };
    // Ids of their own for what comes later.
    studio.next_id = 100;
    let effects = studio.act(ResultAction::Do(Which::Outcome(OutcomeId(2)), Verb::Show));
    assert!(effects.contains(&Effect::Fetch(OutcomeId(2), path(2))));
    studio
}

#[test]
fn the_next_picture_is_shown_when_one_goes_to_the_trash_and_it_comes_back_to_its_place() {
    let mut studio = studio();
    let trash = studio.act(ResultAction::Do(Which::Outcome(OutcomeId(2)), Verb::Trash));
    assert_eq!(trash, [Effect::Errand(Errand::Trash(path(2)))]);
    assert_eq!(studio.outcomes.len(), 3, "nothing goes before the file has gone");
    studio.act(Answer::Trashed(path(2)));
    assert_eq!(studio.shown, Shown::Outcome(OutcomeId(3)));
    assert_eq!(studio.notices[0].reason, "picture 2");
    studio.act(Answer::Trashed(path(3)));
    assert_eq!(studio.shown, Shown::Outcome(OutcomeId(1)));
    assert_eq!(studio.notices.len(), 1);
    assert_eq!(studio.notices[0].reason, "2 pictures");
    let back = studio.act(ResultAction::TakeBack);
    let asked = [3, 2].map(|id| Effect::Errand(Errand::TakeBack(path(id))));
    assert_eq!(back, asked);
    studio.act(Answer::TakenBack(path(3)));
    studio.act(Answer::TakenBack(path(2)));
    let ids: Vec<u64> = studio.outcomes.iter().map(|outcome| outcome.id.0).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert!(studio.thrown.is_empty() && studio.notices.is_empty());
}

#[test]
fn a_dismissed_notice_ends_the_way_back() {
    let mut studio = studio();
    studio.act(Answer::Trashed(path(1)));
    let notice = studio.notices[0].id;
    studio.act(ViewAction::DismissNotice(notice));
    assert!(studio.thrown.is_empty());
    studio.act(Answer::Trashed(path(3)));
    assert_eq!(studio.notices[0].reason, "picture 3");
}

#[test]
fn comparing_reads_what_is_not_in_memory() {
    let mut studio = studio();
    let right = Which::Outcome(OutcomeId(3));
    let effects = studio.act(ResultAction::Do(right.clone(), Verb::Compare));
    let asked = [2, 3].map(|id| Effect::Fetch(OutcomeId(id), path(id)));
    assert_eq!(effects, asked);
    let effects = studio.act(Answer::Fetched(OutcomeId(3), pixels(3)));
    assert_eq!(effects, [Effect::Fetch(OutcomeId(2), path(2))]);
    let effects = studio.act(Answer::Fetched(OutcomeId(2), pixels(2)));
    let pair = Stage::Compare(Some((pixels(2), pixels(3))));
    assert_eq!(effects, [Effect::Stage(pair)]);
    let effects = studio.act(ResultAction::Do(right, Verb::Compare));
    assert_eq!(
        (effects, studio.compared),
        (vec![Effect::Stage(Stage::Compare(None))], None)
    );
}

#[test]
fn the_picture_before_is_the_one_to_compare_with() {
    let mut studio = studio();
    let beside = |studio: &Studio, id| studio.neighbour(OutcomeId(id)).map(|id| id.0);
    assert_eq!(beside(&studio, 1), Some(2));
    assert_eq!(beside(&studio, 3), Some(2));
    studio.act(Answer::Gone(vec![path(2)]));
    assert_eq!(beside(&studio, 1), Some(3));
    // A guest of the history is compared with the latest result.
    assert_eq!(beside(&studio, 77), Some(1));
}

#[test]
fn the_history_brings_one_guest_at_a_time() {
    let mut studio = studio();
    let piece = |id| Piece {
        path: path(id),
        day: "2025-11-20".to_owned(),
        version: 0,
        title: format!("old {id}"),
        seed: Some(id),
        size: Some(Size::new(8, 8)),
        ended: Ended::Finished,
        rows: (1, 1),
        lineage: None,
        place: Default::default(),
    };
    studio.act(ViewAction::Page(Page::History));
    let listing = Listing {
        query: Query::default(),
        pieces: [1, 7, 8, 9].map(piece).to_vec(),
        total: 4,
        starred: std::iter::once(path(8)).collect(),
    };
    studio.act(Answer::Listed(Box::new(listing)));
    for id in [7, 8, 9, 8] {
        let effects = studio.act(ResultAction::Do(Which::Kept(path(id)), Verb::Show));
        let fetched = |effect: &Effect| matches!(effect, Effect::Fetch(_, of) if *of == path(id));
        assert!(effects.iter().any(fetched));
        assert_eq!(studio.page, Page::Canvas);
    }
    assert_eq!(studio.guests.len(), 2, "the shown one and the one before it");
    studio.act(ResultAction::Do(Which::Kept(path(1)), Verb::Show));
    assert_eq!(studio.shown, Shown::Outcome(OutcomeId(1)), "a result is no guest");
    assert!(studio.album.is_starred(Some(&path(8))));
    let star = studio.act(ResultAction::Do(Which::Kept(path(8)), Verb::Star));
    assert_eq!(star, [Effect::Errand(Errand::Star(path(8), Star::Off))]);
    studio.act(Answer::NotStarred(path(8), Failure::failed("the disk is full")));
    assert!(studio.album.is_starred(Some(&path(8))));
}

#[test]
fn answers_to_older_questions_are_not_shown() {
    let mut studio = studio();
    let query = |words: &str| Query {
        words: words.to_owned(),
        starred_only: false,
    };
    for words in ["f", "fo"] {
        let asked = studio.act(ResultAction::Ask(query(words)));
        assert_eq!(asked, [Effect::Errand(Errand::Find(query(words)))]);
    }
    let answer = |words| Listing {
        query: query(words),
        pieces: Vec::new(),
        total: words.len(),
        starred: Default::default(),
    };
    studio.act(Answer::Listed(Box::new(answer("fo"))));
    studio.act(Answer::Listed(Box::new(answer("f"))));
    assert_eq!(studio.album.total, 2);
}

#[test]
fn what_is_not_saved_yet_waits() {
    let mut studio = studio();
    studio.outcomes[0].path = None;
    let which = Which::Outcome(OutcomeId(1));
    assert!(
        studio
            .act(ResultAction::Do(which.clone(), Verb::Reveal))
            .is_empty()
    );
    assert_eq!(studio.notices[0].title, "Not yet");
    studio.outcomes[0].pixels = Some(pixels(5));
    let copied = studio.act(ResultAction::Do(which, Verb::Copy));
    assert_eq!(copied, [Effect::Copy(pixels(5))]);
}

#[test]
fn a_picture_that_is_missed_leaves_the_canvas() {
    let mut studio = studio();
    let effects = studio.act(Answer::Missed(path(2)));
    assert_eq!(studio.shown, Shown::Outcome(OutcomeId(1)));
    assert!(effects.contains(&Effect::Fetch(OutcomeId(1), path(1))));
    let notice = &studio.notices[0];
    assert_eq!(notice.reason, "picture 2: its file was moved or deleted.");
    assert!(notice.offer.is_some());
    studio.act(ResultAction::TakeOffGone);
    assert_eq!(studio.outcomes.len(), 2);
    // In memory it can still be shown, and is not missed.
    studio.outcomes[0].pixels = Some(pixels(1));
    studio.act(Answer::Gone(vec![path(1)]));
    assert_eq!(studio.shown, Shown::Outcome(OutcomeId(1)));
}
