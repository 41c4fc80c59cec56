//! One candidate of a draw: what it has decided, what its lanes hold, what it guesses, and the
//! rules by which guesses become codes.

use super::choose::{Ahead, Ask, Choice, entropy};
use super::noise::{Counter, NoiseKey};
use super::sampling::{distribution, log_softmax};
use super::{DrawSettings, Drawing, Drawn, Rule};
use crate::task::Noise;
use std::collections::VecDeque;

/// Most tokens of a lane in one forward, not counting guesses: bounds the memory of a forward.
const CHUNK: usize = 512;

/// A guessed code and the distribution it was drawn from (`None`: uniform). Gumbel mode keeps no
/// distributions.
#[derive(Debug, Clone)]
struct Slot {
    code: u32,
    q: Option<Vec<f32>>,
}

pub(super) struct Candidate<'a> {
    pub drawing: &'a Drawing<'a>,
    /// Decided ids: a prefix of the stream that ends before a code to be drawn, or at its end.
    pub ids: Vec<u32>,
    /// Tokens of each branch's lane that are right: conditional, unconditional.
    pub held: [usize; 2],
    /// What the next forward runs on each lane; empty where the branch has nothing to run.
    pub feeds: [Vec<u32>; 2],
    pub forwards: usize,
    pub drawn: usize,
    score: Option<f64>,
    pub log_p: f64,
    /// One for each of `ids`.
    entropies: Vec<Option<f32>>,
    branches: usize,
    /// Coupled noise: how guesses become codes.
    rule: Rule,
    /// Guesses for the codes from `ids.len()` on.
    slots: Vec<Slot>,
    /// Stream positions of the codes the next forward gives distributions for.
    targets: Vec<usize>,
    /// Gumbel mode: guesses for the codes behind the last target, made beside it.
    spare: VecDeque<u32>,
    counter: Counter,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(drawing: &'a Drawing<'a>, settings: &DrawSettings, rule: Rule) -> Self {
        let ids: Vec<u32> = drawing.stream.iter().map_while(|id| *id).collect();
        Self {
            drawing,
            counter: Counter::new(drawing.seed, ids.len()),
            entropies: vec![None; ids.len()],
            ids,
            held: [0; 2],
            feeds: [Vec::new(), Vec::new()],
            forwards: 0,
            drawn: 0,
            score: settings.score.then_some(0.0),
            log_p: 0.0,
            branches: settings.branches(),
            rule,
            slots: Vec::new(),
            targets: Vec::new(),
            spare: VecDeque::new(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.ids.len() == self.drawing.stream.len()
    }

    pub(super) fn finish(self) -> Drawn {
        Drawn {
            ids: self.ids,
            drawn: self.drawn,
            forwards: self.forwards,
            score: self.score,
            log_p: self.log_p,
            entropies: self.entropies,
        }
    }

    /// Rows of scores each branch returns in the planned forward: one for every position between
    /// the first and the last target.
    pub(super) fn rows(&self) -> usize {
        match (self.targets.first(), self.targets.last()) {
            (Some(first), Some(last)) => last - first + 1,
            _ => 0,
        }
    }

    /// Decided tokens of a branch, by position of its lane.
    fn context(&self, branch: usize) -> usize {
        let prompt = if branch == 0 { self.drawing.prompt.len() } else { 0 };
        prompt + self.ids.len()
    }

    /// The decided tokens `held..to` of a branch.
    fn feed_known(&mut self, branch: usize, to: usize) {
        let prompt: &[u32] = if branch == 0 { self.drawing.prompt } else { &[] };
        let known = prompt.iter().chain(&self.ids);
        let held = self.held[branch];
        let tokens = known.skip(held).take(to.saturating_sub(held));
        self.feeds[branch].clear();
        self.feeds[branch].extend(tokens);
    }

    /// Plans a forward without scores if any branch lacks more than `lacking` decided tokens; the
    /// last one is left for the forward that scores.
    pub(super) fn prefill(&mut self, lacking: usize) -> bool {
        self.targets.clear();
        let lacks = (0..self.branches).any(|branch| self.context(branch) - self.held[branch] > lacking);
        if lacks {
            for branch in 0..self.branches {
                let to = (self.context(branch) - 1).min(self.held[branch] + CHUNK);
                self.feed_known(branch, to);
            }
        }
        lacks
    }

    /// Notes that a forward without scores was run.
    pub(super) fn advance(&mut self) {
        for (held, feed) in self.held.iter_mut().zip(&mut self.feeds) {
            *held += feed.len();
            feed.clear();
        }
    }

    /// Plans the next forward: what is decided but not held, then guesses, each followed by the
    /// known tokens behind it, as many as one pass over the weights takes (`most` tokens of a lane).
    pub(super) fn plan(&mut self, settings: &DrawSettings, most: usize) {
        self.targets.clear();
        self.feeds.iter_mut().for_each(Vec::clear);
        if self.is_done() || self.prefill(CHUNK) {
            return;
        }
        for branch in 0..self.branches {
            self.feed_known(branch, self.context(branch));
        }
        let start = self.ids.len();
        self.targets.push(start);
        let fed = self.feeds.iter().map(Vec::len).max().unwrap_or(0);
        // Of a long beginning the last token alone is scored.
        let fed = if fed > most { 1 } else { fed };
        let mut run = Vec::new();
        while self.targets.len() < settings.lookahead {
            let last = self.targets.last().copied().unwrap_or(start);
            let known = self.drawing.stream.iter().skip(last + 1).map_while(|id| *id);
            let next = last + 1 + known.clone().count();
            // Past the last code nothing is fed; a long known run waits until it is reached.
            let ahead = run.len() + next - last;
            if next >= self.drawing.stream.len() || ahead > CHUNK || fed + ahead > most {
                break;
            }
            let Some(code) = self.guess(self.targets.len() - 1, settings.noise) else {
                break;
            };
            run.push(self.drawing.code_ids.start + code);
            run.extend(known);
            self.targets.push(next);
        }
        self.slots.truncate(self.targets.len() - 1);
        for feed in &mut self.feeds[..self.branches] {
            feed.extend(&run);
        }
    }

    /// The guess of slot `slot`, which stands at `position`; a new one where there is none yet.
    fn guess(&mut self, slot: usize, noise: Noise) -> Option<u32> {
        if slot >= self.slots.len() {
            let code = match noise {
                // Any guess will do; this one is right where neighbours have like distributions.
                Noise::Gumbel => self.spare.pop_front()?,
                Noise::Coupled => self.counter.draw(self.drawing.code_ids.len(), |_| 1.0)?,
            };
            self.slots.push(Slot { code, q: None });
        }
        self.slots.get(slot).map(|slot| slot.code)
    }

    fn noise(&self, position: usize) -> NoiseKey {
        NoiseKey::new(self.drawing.seed, position as u64)
    }

    /// What the planned forward is to choose in Gumbel mode: the code of every target, and guesses at as
    /// many codes behind the last one as the next forward can need. `first_row`: rows of scores that
    /// other candidates' feeds come before this one's with.
    pub(super) fn wishes(
        &self,
        (candidate, first_row): (usize, usize),
        lookahead: usize,
        asks: &mut Vec<Ask>,
        ahead: &mut Vec<Ahead>,
    ) {
        let (Some(&first), Some(&last)) = (self.targets.first(), self.targets.last()) else {
            return;
        };
        asks.extend(self.targets.iter().map(|&position| {
            let c = first_row + position - first;
            Ask {
                candidate,
                position,
                noise: self.noise(position),
                c,
                u: (self.branches == 2).then(|| c + self.rows()),
            }
        }));
        let behind = self.drawing.stream.iter().enumerate().skip(last + 1);
        let open = behind
            .filter(|(_, id)| id.is_none())
            .take(lookahead.saturating_sub(1));
        ahead.extend(open.map(|(position, _)| Ahead {
            candidate,
            noise: self.noise(position),
            left: last,
            above: position.checked_sub(self.drawing.stride),
        }));
    }

    /// How many choices and guesses [`Self::wishes`] asked for.
    pub(super) fn wished(&self, lookahead: usize) -> (usize, usize) {
        let (mut asks, mut ahead) = (Vec::new(), Vec::new());
        self.wishes((0, 0), lookahead, &mut asks, &mut ahead);
        (asks.len(), ahead.len())
    }

    /// Takes the choices for the planned forward: commits the slots up to and including the first
    /// that changed, keeps the others' new codes as guesses. Says whether a code was committed.
    pub(super) fn settle_choices(&mut self, choices: &[Choice], guesses: &[u32]) -> bool {
        let targets = std::mem::take(&mut self.targets);
        if targets.is_empty() {
            self.advance();
            return false;
        }
        let mut slots = std::mem::take(&mut self.slots).into_iter();
        let mut open = true;
        for (&position, choice) in targets.iter().zip(choices) {
            let guessed = slots.next().map(|slot| slot.code);
            if open {
                open = guessed == Some(choice.code);
                self.log_p += choice.log_c;
                if let (Some(score), Some(log_u)) = (&mut self.score, choice.log_u) {
                    *score += choice.log_c - log_u;
                }
                self.commit(position, choice.code, choice.entropy);
            } else {
                self.slots.push(Slot {
                    code: choice.code,
                    q: None,
                });
            }
        }
        self.spare = guesses.iter().copied().collect();
        true
    }

    /// The same from scores, with coupled noise.
    pub(super) fn settle_scores(&mut self, scores: &[f32], codes: usize, settings: &DrawSettings) -> bool {
        let targets = std::mem::take(&mut self.targets);
        let Some(&first) = targets.first() else {
            self.advance();
            return false;
        };
        let (c, u) = scores.split_at(scores.len() / self.branches);
        let mut slots = std::mem::take(&mut self.slots).into_iter();
        let mut open = true;
        let mut p = Vec::new();
        for &position in &targets {
            let row = (position - first) * codes..(position - first + 1) * codes;
            let c = &c[row.clone()];
            let u = (self.branches == 2).then(|| &u[row]);
            distribution(c, u, &settings.sampling, &mut p);
            let guess = slots.next();
            let guessed = guess.as_ref().map(|slot| slot.code);
            let slot = match guess {
                Some(guess) => self.couple(guess, &p),
                // The distribution after the last guess: drawn from only if all guesses held.
                None if !open => break,
                None => Slot {
                    code: self.counter.draw(codes, |code| p[code]).unwrap_or(0),
                    q: None,
                },
            };
            if open {
                open = guessed == Some(slot.code);
                let code = slot.code as usize;
                let log_p = log_softmax(c, code);
                self.log_p += log_p;
                if let (Some(score), Some(u)) = (&mut self.score, u) {
                    *score += log_p - log_softmax(u, code);
                }
                self.commit(position, slot.code, Some(entropy(&p)));
            } else {
                self.slots.push(slot);
            }
        }
        true
    }

    /// Speculative acceptance with the residual of arXiv 2410.01699, algorithm 1, and the kept
    /// guesses of arXiv 2510.24211 (maximal coupling of q and p):
    /// `x' = x` with probability `min(1, p(x) / q(x))`, else `x' ~ (p - q)+`; `q' = p` always.
    fn couple(&mut self, guess: Slot, p: &[f32]) -> Slot {
        let uniform = 1.0 / p.len() as f32;
        let q = |code: usize| guess.q.as_ref().map_or(uniform, |q| q[code]);
        let x = guess.code as usize;
        // The same code can come back only with probability 0: there p(x) < q(x).
        if self.counter.uniform() * f64::from(q(x)) < f64::from(p[x]) {
            #[cfg(test)]
            if self.rule == Rule::KeepOldQ {
                return guess;
            }
            return Slot {
                code: guess.code,
                q: Some(p.to_vec()),
            };
        }
        let residual = match self.rule {
            Rule::Exact => self.counter.draw(p.len(), |code| (p[code] - q(code)).max(0.0)),
            #[cfg(test)]
            Rule::KeepOldQ => self.counter.draw(p.len(), |code| (p[code] - q(code)).max(0.0)),
            #[cfg(test)]
            Rule::ResampleFromP => self.counter.draw(p.len(), |code| p[code]),
        };
        // Rounding alone can leave no residual; then q is p.
        let code = residual.or_else(|| self.counter.draw(p.len(), |code| p[code]));
        Slot {
            code: code.unwrap_or(guess.code),
            q: Some(p.to_vec()),
        }
    }

    /// Decides the code at `position` and all known tokens behind it. The lanes hold everything
    /// before it, for all guesses before it were right.
    fn commit(&mut self, position: usize, code: u32, entropy: Option<f32>) {
        self.held = [self.drawing.prompt.len() + position, position];
        self.ids.push(self.drawing.code_ids.start + code);
        self.entropies.push(entropy);
        let known = self
            .drawing
            .stream
            .iter()
            .skip(self.ids.len())
            .map_while(|id| *id);
        self.ids.extend(known);
        self.entropies.resize(self.ids.len(), None);
        self.drawn += 1;
    }

    /// The guesses as stream ids from `ids.len()` on, known ids in their places.
    pub(super) fn guesses(&self) -> Vec<u32> {
        let mut slots = self.slots.iter();
        let ahead = self.drawing.stream.iter().skip(self.ids.len());
        let guess = |id: &Option<u32>| {
            id.or_else(|| slots.next().map(|slot| self.drawing.code_ids.start + slot.code))
        };
        ahead.map_while(guess).collect()
    }
}
