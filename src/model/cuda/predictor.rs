//! Runs tokens through a [`CardDecoder`], and chooses codes there: scores stay on the card unless they
//! are asked for.

use super::buffers::Buffers;
use super::cache::Cache;
use super::card::File;
use super::decoder::CardDecoder;
use super::driver::{HostMemory, Memory};
use super::forward::{End, Forward, Kept, Shape, most_codes};
use super::layout::{MOST_EACH, MOST_ROWS};
use super::step::{self, Chosen, Told};
use crate::decode::{self, Choice, Feed, PredictError, Predictor, Recent, choose_on_host};
use crate::model::decoder::parts::room_for;
use crate::model::weights::ModelError;
use bytemuck::Zeroable;
use std::sync::Arc;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Some tokens of a feed, which go through in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    /// Which of the feeds.
    feed: usize,
    from: usize,
    count: usize,
}

/// How feeds are cut into steps: what comes before the last tokens, two feeds at a time, then the
/// last tokens of as many feeds as fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Cut {
    before: Vec<Vec<Part>>,
    last: Vec<Vec<Part>>,
}

impl Cut {
    fn of(feeds: &[Feed<'_>]) -> Self {
        let scored = |feed: &Feed<'_>| feed.tokens.len().saturating_sub(feed.scores_from);
        // Rows every feed needs in its last step, as far as a step goes.
        let needed = feeds.iter().map(scored).max().unwrap_or(0).clamp(1, MOST_EACH);
        // Both branches of a candidate stay together.
        let together = (MOST_ROWS / needed / 2 * 2).max(2).min(feeds.len().max(1));
        let each = (MOST_ROWS / together).min(MOST_EACH);
        let mut cut = Self::default();
        let indices: Vec<usize> = (0..feeds.len())
            .filter(|i| !feeds[*i].tokens.is_empty())
            .collect();
        for pair in indices.chunks(MOST_ROWS / MOST_EACH) {
            let ends: Vec<usize> = pair
                .iter()
                .map(|i| feeds[*i].tokens.len().saturating_sub(each))
                .collect();
            let most = ends.iter().copied().max().unwrap_or(0);
            for from in (0..most).step_by(MOST_EACH) {
                let parts = pair.iter().zip(&ends).filter(|(_, end)| **end > from);
                let parts = parts.map(|(feed, end)| Part {
                    feed: *feed,
                    from,
                    count: (end - from).min(MOST_EACH),
                });
                cut.before.push(parts.collect());
            }
        }
        for group in indices.chunks(together) {
            let parts = group.iter().map(|feed| {
                let count = feeds[*feed].tokens.len().min(each);
                Part {
                    feed: *feed,
                    from: feeds[*feed].tokens.len() - count,
                    count,
                }
            });
            cut.last.push(parts.collect());
        }
        cut
    }

    /// Whether every row of scores comes in a last step.
    fn scores_last(&self, feeds: &[Feed<'_>]) -> bool {
        let early = |part: &Part| feeds[part.feed].scores_from < part.from + part.count;
        !self.before.iter().flatten().any(early)
    }
}

/// Distributions of the last positions of each candidate, in a ring.
struct Ring {
    memory: Memory,
    length: usize,
    /// Position each row of the ring is of, by candidate.
    positions: Vec<Vec<Option<usize>>>,
}

impl Ring {
    fn row(&self, candidate: usize, position: usize) -> i32 {
        (candidate * self.length + position % self.length) as i32
    }

    fn holds(&self, candidate: usize, position: usize) -> bool {
        let of = self.positions.get(candidate);
        of.and_then(|of| of.get(position % self.length)) == Some(&Some(position))
    }
}

/// Lanes of a decoder on a card.
pub struct CardPredictor {
    decoder: Arc<CardDecoder>,
    cache: Cache,
    buffers: Buffers,
    forward: Forward,
    ring: Option<Ring>,
    told: HostMemory,
    chosen: HostMemory,
}

impl CardPredictor {
    /// Lanes that can each hold `capacity` tokens. Everything is reserved here, once, but the room for
    /// distributions, which the first choice asks for.
    pub(in crate::model) fn new(decoder: &Arc<CardDecoder>, lanes: usize, capacity: usize) -> Result<Self> {
        let card = &decoder.card;
        let mut made = Self {
            cache: Cache::new(card, &decoder.layout, decoder.cell, (lanes, capacity))?,
            buffers: Buffers::new(decoder, lanes)?,
            forward: Forward::new(decoder)?,
            ring: None,
            told: card.context.host(size_of::<Told>())?,
            chosen: card.context.host(size_of::<Chosen>())?,
            decoder: decoder.clone(),
        };
        if let Some(name) = most_codes(decoder.codes) {
            // Files of kernels cannot be opened while a step is recorded.
            card.kernel(File::Choose, name, 0)?;
            made.reserve_ring(MOST_EACH)?;
        }
        Ok(made)
    }

    /// Room for distributions that far back.
    fn reserve_ring(&mut self, reach: usize) -> Result<()> {
        let length = reach + 2 * MOST_ROWS;
        if self.ring.as_ref().is_some_and(|ring| ring.length >= length) {
            return Ok(());
        }
        // What is recorded writes to the old one.
        self.forward.forget_choices();
        self.ring = None;
        let candidates = self.cache.lanes.div_ceil(2).max(1);
        let bytes = 4 * candidates * length * self.decoder.codes;
        self.ring = Some(Ring {
            memory: self.decoder.card.context.zeros("drawing this picture", bytes)?,
            length,
            positions: vec![vec![None; length]; candidates],
        });
        Ok(())
    }

    /// Carries out one step; `wish` says what is to be chosen.
    fn step(
        &mut self,
        feeds: &[Feed<'_>],
        parts: &[Part],
        end: End,
        wish: Option<step::Wish>,
    ) -> Result<Shape> {
        let each = parts.iter().map(|part| part.count).max().unwrap_or(1);
        let shape = Shape {
            feeds: parts.len(),
            each,
            end,
        };
        let mut told = Told::zeroed();
        told.wish = wish.unwrap_or(told.wish);
        let mut tokens = vec![];
        for part in parts {
            tokens.extend_from_slice(&feeds[part.feed].tokens[part.from..part.from + part.count]);
        }
        let rows = self
            .decoder
            .table
            .rows(&self.decoder.config, &self.decoder.layout, &tokens)?;
        let mut rows = rows.into_iter();
        for (index, part) in parts.iter().enumerate() {
            let feed = &feeds[part.feed];
            told.step.lanes[index] = feed.lane as i32;
            told.step.at[index] = (feed.at + part.from) as i32;
            // Shorter feeds are filled up; what that leaves behind their end is written over.
            let of_feed = &mut told.step.tokens[index * each..][..part.count];
            of_feed
                .iter_mut()
                .zip(rows.by_ref())
                .for_each(|(to, row)| *to = row);
        }
        let bytes = bytemuck::bytes_of(&told);
        self.told.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
        self.buffers.told.put_from(0, &self.told, bytes.len())?;
        let kept = self.ring.as_ref().map(|ring| Kept(ring.memory.at(0)));
        self.forward
            .run(&self.decoder, (&self.cache, &self.buffers), shape, kept)?;
        Ok(shape)
    }

    /// Refuses feeds of lanes that are not there, or of more tokens than a lane holds.
    fn check(&self, feeds: &[Feed<'_>]) -> Result<()> {
        for feed in feeds {
            let capacity = if feed.lane < self.cache.lanes {
                self.cache.capacity
            } else {
                0
            };
            room_for(feed, capacity)?;
        }
        Ok(())
    }

    fn scores(&mut self, feeds: &[Feed<'_>]) -> Result<Vec<f32>> {
        self.check(feeds)?;
        let (codes, stride) = (self.decoder.codes, self.decoder.head.outputs);
        // Where each feed's rows of scores begin.
        let mut first = Vec::with_capacity(feeds.len());
        let mut count = 0;
        for feed in feeds {
            first.push(count);
            count += feed.tokens.len().saturating_sub(feed.scores_from);
        }
        let mut scores = vec![0.0; count * codes];
        let cut = Cut::of(feeds);
        for parts in cut.before.iter().chain(&cut.last) {
            let is_scored = |part: &Part| feeds[part.feed].scores_from < part.from + part.count;
            let end = match parts.iter().any(is_scored) {
                true => End::Scores,
                false => End::Nothing,
            };
            let shape = self.step(feeds, parts, end, None)?;
            if end == End::Nothing {
                self.decoder.card.context.wait()?;
                continue;
            }
            let found: Vec<f32> = self.buffers.scores.get(0, shape.rows() * stride)?;
            for (index, part) in parts.iter().enumerate() {
                let from = feeds[part.feed].scores_from;
                for token in part.from.max(from)..part.from + part.count {
                    let row = &found[(index * shape.each + token - part.from) * stride..][..codes];
                    let to = (first[part.feed] + token - from) * codes;
                    scores[to..to + codes].copy_from_slice(row);
                }
            }
        }
        Ok(scores)
    }

    fn chosen(&mut self, feeds: &[Feed<'_>], cut: &Cut, wish: &decode::Wish<'_>) -> Result<decode::Chosen> {
        self.check(feeds)?;
        self.reserve_ring(wish.reach)?;
        for parts in &cut.before {
            self.step(feeds, parts, End::Nothing, None)?;
            self.decoder.card.context.wait()?;
        }
        // Which feed and token each row of scores is of.
        let rows = feeds
            .iter()
            .enumerate()
            .flat_map(|(index, feed)| (feed.scores_from..feed.tokens.len()).map(move |token| (index, token)));
        let rows: Vec<(usize, usize)> = rows.collect();
        let mut choices: Vec<Option<Choice>> = vec![None; wish.asks.len()];
        let mut guesses: Vec<Option<u32>> = vec![None; wish.ahead.len()];
        for parts in &cut.last {
            let each = parts.iter().map(|part| part.count).max().unwrap_or(1);
            let place = |row: usize| {
                let (feed, token) = *rows.get(row)?;
                let index = parts.iter().position(|part| part.feed == feed)?;
                Some((index * each + token.checked_sub(parts[index].from)?) as i32)
            };
            let mut told = step::Wish::zeroed();
            let sampling = wish.sampling;
            told.cfg = sampling.cfg;
            told.temperature = sampling.temperature;
            told.top_n_sigma = sampling.top_n_sigma.unwrap_or(0.0);
            told.top_k = i32::try_from(sampling.top_k).unwrap_or(i32::MAX);
            let Some(ring) = &mut self.ring else {
                return Err(ModelError::Card("there is no room for distributions".to_owned()));
            };
            let (mut of_asks, mut of_ahead) = (Vec::new(), Vec::new());
            for (index, ask) in wish.asks.iter().enumerate() {
                let Some(c) = place(ask.c) else { continue };
                let u = ask
                    .u
                    .map(|u| place(u).ok_or_else(|| ModelError::Card("two branches were parted".to_owned())));
                told.ask[of_asks.len()] = step::Ask {
                    place: ask.noise.key(),
                    c,
                    u: u.transpose()?.unwrap_or(-1),
                    keep: ring.row(ask.candidate, ask.position),
                    unused: 0,
                };
                let length = ring.length;
                ring.positions[ask.candidate][ask.position % length] = Some(ask.position);
                of_asks.push(index);
            }
            let candidates: Vec<usize> = of_asks.iter().map(|index| wish.asks[*index].candidate).collect();
            for (index, ahead) in wish.ahead.iter().enumerate() {
                if !candidates.contains(&ahead.candidate) || of_ahead.len() == MOST_ROWS {
                    continue;
                }
                let above = ahead.above.filter(|above| ring.holds(ahead.candidate, *above));
                told.guess[of_ahead.len()] = step::Guess {
                    place: ahead.noise.key(),
                    left: ring.row(ahead.candidate, ahead.left),
                    above: above.map_or(-1, |above| ring.row(ahead.candidate, above)),
                };
                of_ahead.push(index);
            }
            (told.asks, told.guesses) = (of_asks.len() as i32, of_ahead.len() as i32);
            let end = if of_asks.is_empty() {
                End::Nothing
            } else {
                End::Choices
            };
            self.step(feeds, parts, end, Some(told))?;
            self.buffers
                .chosen
                .get_into(0, &mut self.chosen, size_of::<Chosen>())?;
            self.decoder.card.context.wait()?;
            let found: Chosen = self
                .chosen
                .value()
                .ok_or_else(|| ModelError::Card("the choices are cut short".to_owned()))?;
            for (index, choice) in of_asks.into_iter().zip(found.of_ask) {
                // One score that is no number makes both sums none.
                let code = u32::try_from(choice.code).ok();
                let code = code.filter(|_| choice.log_c.is_finite() && choice.log_u.is_finite());
                let code = code.ok_or_else(|| ModelError::Card(PredictError::not_finite().0))?;
                choices[index] = Some(Choice {
                    code,
                    log_c: f64::from(choice.log_c),
                    log_u: Some(f64::from(choice.log_u)),
                    entropy: Some(choice.entropy),
                });
            }
            for (index, guess) in of_ahead.into_iter().zip(found.of_guess) {
                guesses[index] = u32::try_from(guess).ok();
            }
        }
        let choices: Option<Vec<Choice>> = choices.into_iter().collect();
        Ok(decode::Chosen {
            choices: choices.ok_or_else(|| ModelError::Card("a code was not chosen".to_owned()))?,
            guesses: guesses.into_iter().map(|guess| guess.unwrap_or(0)).collect(),
        })
    }
}

fn said(error: &ModelError) -> PredictError {
    PredictError(error.to_string())
}

impl Predictor for CardPredictor {
    fn codes(&self) -> usize {
        self.decoder.codes
    }

    fn predict(&mut self, feeds: &[Feed<'_>], scores: &mut Vec<f32>) -> Result<(), PredictError> {
        *scores = self.scores(feeds).map_err(|error| said(&error))?;
        Ok(())
    }

    fn choose(
        &mut self,
        feeds: &[Feed<'_>],
        wish: &decode::Wish<'_>,
        recent: &mut Recent,
    ) -> Result<decode::Chosen, PredictError> {
        let cut = Cut::of(feeds);
        let fits = cut.scores_last(feeds) && most_codes(self.decoder.codes).is_some();
        match fits {
            true => self.chosen(feeds, &cut, wish).map_err(|error| said(&error)),
            false => choose_on_host(self, feeds, wish, recent),
        }
    }

    fn rows_at_once(&self, feeds: usize) -> usize {
        (MOST_ROWS / feeds.max(1)).clamp(1, MOST_EACH)
    }

    fn fork(&mut self, from: usize, to: usize, _len: usize) -> Result<(), PredictError> {
        let lanes = self.cache.lanes;
        if from >= lanes || to >= lanes {
            return Err(PredictError(format!("no lanes {from} and {to}")));
        }
        if from == to {
            return Ok(());
        }
        self.cache.copy_lane(from, to).map_err(|error| said(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feeds<'a>(tokens: &'a [u32], of: &[(usize, usize)]) -> Vec<Feed<'a>> {
        of.iter()
            .enumerate()
            .map(|(lane, (count, scored))| Feed {
                lane,
                at: 0,
                tokens: &tokens[..*count],
                scores_from: count - scored,
            })
            .collect()
    }

    /// Every token goes through once, in order, in steps no larger than the card takes.
    fn covers(feeds: &[Feed<'_>]) -> Cut {
        let cut = Cut::of(feeds);
        let mut reached = vec![0; feeds.len()];
        for step in cut.before.iter().chain(&cut.last) {
            let each = step.iter().map(|part| part.count).max().unwrap();
            assert!(each <= MOST_EACH && each * step.len() <= MOST_ROWS, "{step:?}");
            for part in step {
                assert_eq!(part.from, reached[part.feed]);
                reached[part.feed] += part.count;
            }
        }
        let whole: Vec<usize> = feeds.iter().map(|feed| feed.tokens.len()).collect();
        assert_eq!(reached, whole);
        cut
    }

    #[test]
    fn feeds_are_cut_into_steps_that_the_card_takes() {
        let tokens = [7; 600];
        let ahead = covers(&feeds(&tokens, &[(16, 16), (16, 16)]));
        assert_eq!((ahead.before.len(), ahead.last.len()), (0, 1));
        // A prompt of one branch before the guesses of both.
        let start = covers(&feeds(&tokens, &[(70, 1), (4, 1)]));
        assert_eq!((start.before.len(), start.last.len()), (4, 1));
        assert!(start.scores_last(&feeds(&tokens, &[(70, 1), (4, 1)])));
        let eight = covers(&feeds(&tokens, &[(4, 4); 8]));
        assert_eq!((eight.before.len(), eight.last.len()), (0, 1));
        let many = covers(&feeds(&tokens, &[(2, 2); 40]));
        assert_eq!(many.last.len(), 3);
        // More scores than a step has rows: they come in several.
        let all = feeds(&tokens, &[(40, 40), (40, 40)]);
        assert!(!covers(&all).scores_last(&all));
        covers(&feeds(&tokens, &[(512, 0), (300, 0), (17, 0)]));
        covers(&feeds(&tokens, &[(512, 0)]));
        covers(&feeds(&tokens, &[(17, 3), (1, 1), (33, 2), (2, 1)]));
    }
}
