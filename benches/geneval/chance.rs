//! What chance alone does to a figure: intervals by drawing anew what was drawn, and how well a number
//! ranks two kinds.

use super::score::Share;

/// How often the sample is drawn anew for an interval.
const DRAWS: usize = 2000;

/// Splitmix64: the same numbers every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * limit as u128) >> 64) as usize
    }
}

/// The 95 % interval of a figure of a sample, by drawing its members anew with replacement; what belongs
/// together (the cells of one picture) is one member.
pub fn interval<T>(members: &[T], figure: impl Fn(&[&T]) -> Option<f64>) -> Option<(f64, f64)> {
    let mut dice = Dice(1);
    let draw = |_| {
        let again: Vec<&T> = members
            .iter()
            .map(|_| &members[dice.below(members.len())])
            .collect();
        figure(&again)
    };
    let mut found: Vec<f64> = (0..DRAWS).filter_map(draw).collect();
    found.sort_by(f64::total_cmp);
    let at = |share: f64| found.get((share * found.len() as f64) as usize).copied();
    at(0.025).zip(at(0.975))
}

/// How often one of `high` is above one of `low`, ties counting half: the area under the curve.
pub fn auc(high: &[f64], low: &[f64]) -> Option<f64> {
    if high.is_empty() || low.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> = high.iter().map(|value| (*value, true)).collect();
    all.extend(low.iter().map(|value| (*value, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for ties in all.chunk_by(|a, b| a.0 == b.0) {
        let highs = ties.iter().filter(|(_, is_high)| *is_high).count() as f64;
        let lows = ties.len() as f64 - highs;
        wins += highs * (below + lows / 2.0);
        below += lows;
    }
    Some(wins / (high.len() as f64 * low.len() as f64))
}

/// Two ways to do the same tasks, task by task.
#[derive(Debug, Clone, Copy, Default)]
pub struct Paired {
    pub first: Share,
    pub second: Share,
    pub only_first: usize,
    pub only_second: usize,
}

impl Paired {
    pub fn of(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut paired = Self::default();
        for (first, second) in pairs {
            paired.first.add(f64::from(u8::from(first)));
            paired.second.add(f64::from(u8::from(second)));
            paired.only_first += usize::from(first && !second);
            paired.only_second += usize::from(second && !first);
        }
        paired
    }

    /// By how much the second way is better, with the interval of Agresti and Min at 95 %: half a task is
    /// added to each kind of disagreement.
    pub fn gain(self) -> (f64, f64, f64) {
        let (b, c) = (self.only_second as f64 + 0.5, self.only_first as f64 + 0.5);
        let n = self.first.all + 2.0;
        let middle = (b - c) / n;
        let reach = 1.959_964 * ((b + c) - (b - c) * (b - c) / n).max(0.0).sqrt() / n;
        let gain = (self.only_second as f64 - self.only_first as f64) / self.first.all.max(1.0);
        (gain, middle - reach, middle + reach)
    }

    /// How likely so uneven disagreements are by chance alone: the exact sign test, two-sided.
    pub fn chance(self) -> f64 {
        let (fewer, all) = (
            self.only_first.min(self.only_second),
            self.only_first + self.only_second,
        );
        let mut term = 0.5f64.powi(all as i32);
        let mut sum = 0.0;
        for k in 0..=fewer {
            sum += term;
            term *= (all - k) as f64 / (k + 1) as f64;
        }
        (2.0 * sum).min(1.0)
    }

    /// `+3.0 points (-1.2 to 7.1); 5 gained, 2 lost, p = 0.45`.
    pub fn told(self) -> String {
        let (gain, low, high) = self.gain();
        format!(
            "{:+.1} points ({:.1} to {:.1}); {} gained, {} lost, p = {:.2}",
            100.0 * gain,
            100.0 * low,
            100.0 * high,
            self.only_second,
            self.only_first,
            self.chance()
        )
    }
}

/// The value below which a share of the values lies.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied()
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
