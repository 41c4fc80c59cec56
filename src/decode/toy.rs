//! A small model whose joint distribution can be written out, and which checks how its
//! position-addressed memory is used.

use super::{Feed, PredictError, Predictor};
use std::collections::BTreeMap;

/// Id of code 0; smaller ids are prompts, headers and row ends.
pub(super) const FIRST_CODE: u32 = 100;

/// Scores are a hash of the lane's first token (its prompt, if it has one) and its last two.
pub(super) struct Toy {
    codes: usize,
    /// Spread of the scores: how much codes depend on what is before them.
    pub spread: f32,
    /// Takes the place of the last score.
    pub spoilt: Option<f32>,
    lanes: BTreeMap<usize, Vec<u32>>,
    /// Feeds of every forward, by lane and number of tokens.
    pub forwards: Vec<Vec<(usize, usize)>>,
    pub forks: usize,
    /// Called before each forward with its index.
    pub before: Box<dyn FnMut(usize)>,
}

impl Toy {
    pub(super) fn new(codes: usize) -> Self {
        Self {
            codes,
            spread: 4.0,
            spoilt: None,
            lanes: BTreeMap::new(),
            forwards: Vec::new(),
            forks: 0,
            before: Box::new(|_| ()),
        }
    }

    /// Scores of the code after `context`.
    pub(super) fn scores(&self, context: &[u32]) -> Vec<f32> {
        let mut key = u64::from(context[0]);
        for &id in &context[context.len().saturating_sub(2)..] {
            key = (key ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            key ^= key >> 29;
        }
        let score = |code: u64| {
            let hash =
                (key ^ (code + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9)).wrapping_mul(0x94d0_49bb_1331_11eb);
            self.spread * ((hash >> 40) as f32 / (1u64 << 24) as f32 - 0.5)
        };
        let mut scores: Vec<f32> = (0..self.codes as u64).map(score).collect();
        if let (Some(last), Some(value)) = (scores.last_mut(), self.spoilt) {
            *last = value;
        }
        scores
    }
}

impl Predictor for Toy {
    fn codes(&self) -> usize {
        self.codes
    }

    fn predict(&mut self, feeds: &[Feed<'_>], scores: &mut Vec<f32>) -> Result<(), PredictError> {
        (self.before)(self.forwards.len());
        scores.clear();
        assert!(!feeds.is_empty(), "an empty forward");
        let mut seen: Vec<usize> = feeds.iter().map(|feed| feed.lane).collect();
        seen.dedup();
        assert_eq!(seen.len(), feeds.len(), "two feeds of one lane");
        for feed in feeds {
            assert!(!feed.tokens.is_empty() && feed.scores_from <= feed.tokens.len());
            let mut lane = self.lanes.remove(&feed.lane).unwrap_or_default();
            assert!(
                feed.at <= lane.len(),
                "lane {} holds {} of {}",
                feed.lane,
                lane.len(),
                feed.at
            );
            lane.truncate(feed.at);
            lane.extend_from_slice(feed.tokens);
            for end in feed.at + feed.scores_from..lane.len() {
                scores.extend(self.scores(&lane[..=end]));
            }
            self.lanes.insert(feed.lane, lane);
        }
        self.forwards
            .push(feeds.iter().map(|feed| (feed.lane, feed.tokens.len())).collect());
        Ok(())
    }

    fn fork(&mut self, from: usize, to: usize, len: usize) -> Result<(), PredictError> {
        let lane = self.lanes.get(&from).map(|lane| lane[..len].to_vec());
        self.lanes.insert(to, lane.unwrap_or_default());
        self.forks += 1;
        Ok(())
    }
}
