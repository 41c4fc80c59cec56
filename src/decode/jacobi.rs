//! Speculative Jacobi decoding (arXiv 2410.01699) of any number of candidates, in one forward a
//! step for all of them and both guidance branches. Exact in both modes: with keyed Gumbel noise
//! the result is that of plain decoding, token for token; with maximal coupling (arXiv
//! 2510.24211) it is drawn from the same distribution.

use super::candidate::Candidate;
use super::choose::{Chosen, Measures, Recent, Wish, all_finite};
use super::{DrawSettings, Drawing, Drawn, Feed, PredictError, Predictor, Rule};
use crate::task::{Cancel, Noise};
use std::time::Duration;
use thiserror::Error;

/// How often a paused draw looks whether it may go on.
const POLL: Duration = Duration::from_millis(5);

/// What happens during a draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// A candidate got further by at least one code.
    Committed {
        candidate: usize,
        /// Stream positions decided: `tokens.len()`.
        upto: usize,
        /// Ids from `<start>` on, known ones included, as far as decided.
        tokens: &'a [u32],
        /// Ids of the guesses for the positions from `upto` on, known ids in their places.
        guesses: &'a [u32],
        /// Forwards and drawn codes of this candidate so far.
        forwards: usize,
        drawn: usize,
        /// Of the drawn codes, as [`Drawn::log_p`].
        log_p: f64,
    },
    Paused,
    Resumed,
}

/// Why a draw ended before the end of the pictures.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DrawError {
    /// With what was drawn so far, one a candidate.
    #[error("cancelled")]
    Cancelled(Vec<Drawn>),
    #[error(transparent)]
    Predict(#[from] PredictError),
}

/// Draws all pictures. Candidate i uses lane 2i for its conditional branch and, where guidance or
/// the score needs one, lane 2i + 1 for its unconditional branch.
///
/// # Errors
/// [`DrawError::Cancelled`] with what was drawn when `cancel` was called; [`DrawError::Predict`] when a
/// forward fails, the drawing's ids are not as many as the model's codes, or a stream starts with an unknown
/// token.
pub fn draw(
    predictor: &mut dyn Predictor,
    drawings: &[Drawing<'_>],
    settings: &DrawSettings,
    cancel: &Cancel,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Drawn>, DrawError> {
    draw_by(predictor, drawings, (settings, Rule::Exact), cancel, events)
}

pub(super) fn draw_by(
    predictor: &mut dyn Predictor,
    drawings: &[Drawing<'_>],
    (settings, rule): (&DrawSettings, Rule),
    cancel: &Cancel,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Drawn>, DrawError> {
    let codes = predictor.codes();
    for drawing in drawings {
        if drawing.code_ids.len() != codes {
            let named = drawing.code_ids.len();
            return Err(PredictError(format!(
                "the vocabulary names {named} picture codes, the model scores {codes}"
            ))
            .into());
        }
        if matches!(drawing.stream.first(), Some(None)) {
            return Err(PredictError("a stream must start with a known token".to_owned()).into());
        }
    }
    let mut candidates: Vec<Candidate<'_>> = drawings
        .iter()
        .map(|drawing| Candidate::new(drawing, settings, rule))
        .collect();
    if let Err(error) = share_prefill(predictor, &mut candidates, settings, cancel, events) {
        return Err(error.of(candidates));
    }
    let mut recent = Recent::default();
    while candidates.iter().any(|candidate| !candidate.is_done()) {
        let going = candidates.iter().filter(|candidate| !candidate.is_done()).count();
        let most = predictor.rows_at_once(going * settings.branches());
        for candidate in &mut candidates {
            candidate.plan(settings, most);
        }
        let done = match settings.noise {
            Noise::Gumbel => choose(
                predictor,
                &mut candidates,
                settings,
                &mut recent,
                (cancel, &mut *events),
            ),
            Noise::Coupled => score(predictor, &mut candidates, settings, (cancel, &mut *events)),
        };
        let settled = match done {
            Ok(settled) => settled,
            Err(error) => return Err(error.of(candidates)),
        };
        for (index, candidate) in candidates.iter().enumerate() {
            if settled[index] {
                let guesses = candidate.guesses();
                events(Event::Committed {
                    candidate: index,
                    upto: candidate.ids.len(),
                    tokens: &candidate.ids,
                    guesses: &guesses,
                    forwards: candidate.forwards,
                    drawn: candidate.drawn,
                    log_p: candidate.log_p,
                });
            }
        }
    }
    Ok(candidates.into_iter().map(Candidate::finish).collect())
}

/// One forward that chooses codes; says which candidates got further.
fn choose(
    predictor: &mut dyn Predictor,
    candidates: &mut [Candidate<'_>],
    settings: &DrawSettings,
    recent: &mut Recent,
    (cancel, events): Watch<'_, '_>,
) -> Result<Vec<bool>, Halt> {
    let (mut asks, mut ahead, mut row, mut reach) = (Vec::new(), Vec::new(), 0, 0);
    for (index, candidate) in candidates.iter().enumerate() {
        candidate.wishes((index, row), settings.lookahead, &mut asks, &mut ahead);
        row += candidate.rows() * settings.branches();
        reach = reach.max(candidate.drawing.stride + settings.lookahead);
    }
    let wish = Wish {
        sampling: &settings.sampling,
        asks: &asks,
        ahead: &ahead,
        reach,
        measures: Measures {
            log_u: settings.score,
            entropy: true,
        },
    };
    let mut chosen = Chosen::default();
    forward(candidates, (cancel, events), |feeds| {
        chosen = predictor.choose(feeds, &wish, recent)?;
        let codes = predictor.codes();
        let are_codes = chosen.choices.iter().all(|choice| (choice.code as usize) < codes);
        if chosen.choices.len() != asks.len() || chosen.guesses.len() != ahead.len() || !are_codes {
            return Err(PredictError(
                "the model chose other codes than were asked for".to_owned(),
            ));
        }
        Ok(())
    })?;
    let (mut choices, mut guesses) = (chosen.choices.as_slice(), chosen.guesses.as_slice());
    let mut settle = |candidate: &mut Candidate<'_>| {
        let (asked, ahead) = candidate.wished(settings.lookahead);
        let (own, others) = choices.split_at(asked);
        let (own_guesses, other_guesses) = guesses.split_at(ahead);
        (choices, guesses) = (others, other_guesses);
        candidate.settle_choices(own, own_guesses)
    };
    Ok(candidates.iter_mut().map(&mut settle).collect())
}

/// One forward that is drawn from here, with coupled noise; says which candidates got further.
fn score(
    predictor: &mut dyn Predictor,
    candidates: &mut [Candidate<'_>],
    settings: &DrawSettings,
    watch: Watch<'_, '_>,
) -> Result<Vec<bool>, Halt> {
    let codes = predictor.codes();
    let rows: usize = candidates.iter().map(|candidate| candidate.rows()).sum();
    let asked = rows * settings.branches() * codes;
    let mut scores = Vec::new();
    forward(candidates, watch, |feeds| {
        predictor.predict(feeds, &mut scores)?;
        let found = scores.len();
        match found == asked {
            true => all_finite(&scores),
            false => Err(PredictError(format!(
                "the model returned {found} scores where {asked} were asked for"
            ))),
        }
    })?;
    let mut rest = scores.as_slice();
    let mut settle = |candidate: &mut Candidate<'_>| {
        // Rows come feed by feed: a candidate's conditional ones, then its unconditional ones.
        let (own, others) = rest.split_at(candidate.rows() * settings.branches() * codes);
        rest = others;
        candidate.settle_scores(own, codes, settings)
    };
    Ok(candidates.iter_mut().map(&mut settle).collect())
}

/// Who may stop a draw, and who hears of it.
type Watch<'a, 'b> = (&'a Cancel, &'a mut (dyn FnMut(Event<'_>) + 'b));

/// Runs what all candidates have in common once, where they have it in common.
fn share_prefill(
    predictor: &mut dyn Predictor,
    candidates: &mut [Candidate<'_>],
    settings: &DrawSettings,
    cancel: &Cancel,
    events: &mut dyn FnMut(Event<'_>),
) -> Result<(), Halt> {
    let Some((first, others)) = candidates.split_first_mut() else {
        return Ok(());
    };
    let same = |other: &Candidate<'_>| other.drawing.prompt == first.drawing.prompt && other.ids == first.ids;
    if others.is_empty() || first.is_done() || !others.iter().all(same) {
        return Ok(());
    }
    let mut scores = Vec::new();
    while first.prefill(1) {
        forward(std::slice::from_mut(first), (cancel, &mut *events), |feeds| {
            predictor.predict(feeds, &mut scores)
        })?;
        first.advance();
    }
    for (index, other) in (1..).zip(others) {
        for branch in 0..settings.branches() {
            predictor.fork(branch, 2 * index + branch, first.held[branch])?;
        }
        other.held = first.held;
        other.forwards = first.forwards;
    }
    Ok(())
}

/// One forward of all that is planned, after the pause and unless cancelled.
fn forward(
    candidates: &mut [Candidate<'_>],
    (cancel, events): Watch<'_, '_>,
    run: impl FnOnce(&[Feed<'_>]) -> Result<(), PredictError>,
) -> Result<(), Halt> {
    if cancel.is_paused() {
        events(Event::Paused);
        while cancel.is_paused() {
            std::thread::sleep(POLL);
        }
        if !cancel.is_cancelled() {
            events(Event::Resumed);
        }
    }
    if cancel.is_cancelled() {
        return Err(Halt::Cancelled);
    }
    let mut feeds: Vec<Feed<'_>> = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        for (branch, tokens) in candidate.feeds.iter().enumerate().filter(|(_, f)| !f.is_empty()) {
            feeds.push(Feed {
                lane: 2 * index + branch,
                at: candidate.held[branch],
                tokens,
                scores_from: tokens.len() - candidate.rows(),
            });
        }
    }
    run(&feeds)?;
    for candidate in candidates {
        candidate.forwards += usize::from(candidate.feeds.iter().any(|feed| !feed.is_empty()));
    }
    Ok(())
}

/// A [`DrawError`] before the candidates are handed over.
enum Halt {
    Cancelled,
    Predict(PredictError),
}

impl From<PredictError> for Halt {
    fn from(error: PredictError) -> Self {
        Self::Predict(error)
    }
}

impl Halt {
    fn of(self, candidates: Vec<Candidate<'_>>) -> DrawError {
        match self {
            Self::Cancelled => DrawError::Cancelled(candidates.into_iter().map(Candidate::finish).collect()),
            Self::Predict(error) => DrawError::Predict(error),
        }
    }
}
