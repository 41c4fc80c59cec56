//! The choice of codes by keyed noise: what is asked of a predictor, and how it is done where the
//! predictor does not do it itself. This is the oracle of every predictor that does.

use super::noise::NoiseKey;
use super::sampling::{distribution, log_softmax};
use super::{Feed, PredictError, Predictor};
use crate::task::Sampling;
use std::collections::BTreeMap;

/// One code to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    pub candidate: usize,
    /// Where the code stands in its stream.
    pub position: usize,
    pub noise: NoiseKey,
    /// Which of the rows of scores the feeds ask for, in their order, are those of the conditional
    /// branch and (where there is one) of the unconditional branch.
    pub c: usize,
    pub u: Option<usize>,
}

/// A code further on, to be guessed at from the distributions of its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead {
    pub candidate: usize,
    pub noise: NoiseKey,
    /// Position of the neighbour before it: one that is asked for beside it.
    pub left: usize,
    /// Position of the neighbour above; its distribution counts if it is still known.
    pub above: Option<usize>,
}

/// What is to be chosen, and how.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub sampling: &'a Sampling,
    pub asks: &'a [Ask],
    pub ahead: &'a [Ahead],
    /// Distributions are kept for this many positions before the last one asked for.
    pub reach: usize,
    pub measures: Measures,
}

/// What is to be told of a choice beside the code; more may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measures {
    /// [`Choice::log_u`].
    pub log_u: bool,
    pub entropy: bool,
}

/// A chosen code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    pub code: u32,
    /// `log p(code)` by the plain scores of the conditional branch, in nats.
    pub log_c: f64,
    /// The same of the unconditional branch, where there is one.
    pub log_u: Option<f64>,
    /// Of the distribution the code was drawn from, in nats.
    pub entropy: Option<f32>,
}

/// Choices and guesses, in the order they were asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chosen {
    pub choices: Vec<Choice>,
    pub guesses: Vec<u32>,
}

/// The distributions computed last, by candidate and position: what guesses are made of.
#[derive(Debug, Clone, Default)]
pub struct Recent(BTreeMap<(usize, usize), Vec<f32>>);

impl Recent {
    fn guess(&self, ahead: &Ahead) -> Option<u32> {
        let left = self.0.get(&(ahead.candidate, ahead.left))?;
        let above = ahead
            .above
            .and_then(|above| self.0.get(&(ahead.candidate, above)));
        Some(match above {
            Some(above) => {
                let both: Vec<f32> = left.iter().zip(above).map(|(a, b)| a + b).collect();
                ahead.noise.gumbel_argmax(&both)
            }
            None => ahead.noise.gumbel_argmax(left),
        })
    }

    fn forget(&mut self, candidate: usize, before: usize) {
        self.0.retain(|(of, at), _| *of != candidate || *at >= before);
    }
}

/// Refuses scores that are no numbers: drawn from, they would give a blank picture.
pub(super) fn all_finite(scores: &[f32]) -> Result<(), PredictError> {
    match scores.iter().all(|score| score.is_finite()) {
        true => Ok(()),
        false => Err(PredictError::not_finite()),
    }
}

/// Runs the feeds and chooses codes from their scores: what [`Predictor::choose`] does unless a
/// predictor has a way of its own.
///
/// # Errors
/// The predictor's own, and scores that are not as many as were asked for.
pub fn choose_on_host(
    predictor: &mut (impl Predictor + ?Sized),
    feeds: &[Feed<'_>],
    wish: &Wish<'_>,
    recent: &mut Recent,
) -> Result<Chosen, PredictError> {
    let codes = predictor.codes();
    let mut scores = Vec::new();
    predictor.predict(feeds, &mut scores)?;
    let asked: usize = feeds
        .iter()
        .map(|feed| feed.tokens.len() - feed.scores_from)
        .sum();
    if scores.len() != asked * codes {
        return Err(PredictError(format!(
            "the model returned {} scores where {} were asked for",
            scores.len(),
            asked * codes
        )));
    }
    all_finite(&scores)?;
    let row = |row: usize| &scores[row * codes..(row + 1) * codes];
    let mut chosen = Chosen::default();
    for ask in wish.asks {
        let (c, u) = (row(ask.c), ask.u.map(row));
        let mut p = Vec::new();
        distribution(c, u, wish.sampling, &mut p);
        let code = ask.noise.gumbel_argmax(&p);
        let log_p = |scores| log_softmax(scores, code as usize);
        chosen.choices.push(Choice {
            code,
            log_c: log_p(c),
            log_u: u.filter(|_| wish.measures.log_u).map(log_p),
            entropy: wish.measures.entropy.then(|| entropy(&p)),
        });
        recent.0.insert((ask.candidate, ask.position), p);
    }
    for ahead in wish.ahead {
        chosen.guesses.push(recent.guess(ahead).unwrap_or(0));
    }
    for ask in wish.asks {
        recent.forget(ask.candidate, ask.position.saturating_sub(wish.reach));
    }
    Ok(chosen)
}

/// In nats, of probabilities that add up to 1.
pub fn entropy(p: &[f32]) -> f32 {
    let parts = p.iter().filter(|p| **p > 0.0).map(|p| f64::from(*p));
    -parts.map(|p| p * p.ln()).sum::<f64>() as f32
}
