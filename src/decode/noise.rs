//! Keyed noise: a random number is a function of (seed, position, code), never of what was drawn
//! before it. That is what makes a picture independent of lookahead, batching and resuming.

/// Stands where no code does: the keys of [`Counter`].
const NO_CODE: u32 = u32::MAX;

/// The finaliser of splitmix64: a bijection in which every input bit reaches every output bit.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Names the noise at one position: the part of the key that its codes share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseKey(u64);

impl NoiseKey {
    pub fn new(seed: u64, position: u64) -> Self {
        let seed = mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15));
        Self(mix(seed ^ position.wrapping_mul(0xd134_2543_de82_ef95)))
    }

    /// The key itself, for those who make the same noise elsewhere.
    pub fn key(self) -> u64 {
        self.0
    }

    /// Uniform in the open interval (0, 1).
    pub(super) fn uniform(self, code: u32) -> f64 {
        let bits = mix(self.0
            ^ u64::from(code)
                .wrapping_add(1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15));
        ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// `argmax(log p + g)` with Gumbel noise `g = -log(-log uniform)`, as the race it equals: the
    /// least `-log(uniform) / p`. Codes of probability 0 never win; the first of equals does.
    pub fn gumbel_argmax(self, p: &[f32]) -> u32 {
        let (mut best, mut least) = (0, f64::INFINITY);
        for (code, &p) in (0u32..).zip(p).filter(|&(_, &p)| p > 0.0) {
            let time = -self.uniform(code).ln() / f64::from(p);
            if time < least {
                (best, least) = (code, time);
            }
        }
        best
    }
}

impl NoiseKey {
    /// `log p + g` of a code: the highest is drawn.
    pub fn height(self, code: u32, p: &[f32]) -> f64 {
        let p = p.get(code as usize).copied().unwrap_or(0.0);
        f64::from(p).ln() - (-self.uniform(code).ln()).ln()
    }
}

/// Uniforms in sequence, for coupled decoding.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    seed: u64,
    next: u64,
}

impl Counter {
    /// A sequence of its own for each position a draw may start (resume) from.
    pub(super) fn new(seed: u64, position: usize) -> Self {
        Self {
            seed,
            next: (position as u64) << 32,
        }
    }

    pub(super) fn uniform(&mut self) -> f64 {
        let uniform = NoiseKey::new(self.seed, self.next).uniform(NO_CODE);
        self.next = self.next.wrapping_add(1);
        uniform
    }

    /// A code drawn with weights `weight(code)`; `None` where they sum to 0.
    pub(super) fn draw(&mut self, codes: usize, weight: impl Fn(usize) -> f32) -> Option<u32> {
        let total: f64 = (0..codes).map(|code| f64::from(weight(code))).sum();
        let mut left = self.uniform() * total;
        let mut last = None;
        for code in 0..codes {
            let weight = f64::from(weight(code));
            if weight > 0.0 {
                last = Some(code as u32);
                left -= weight;
                if left < 0.0 {
                    break;
                }
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniforms_are_uniform_in_every_part_of_the_key() {
        let of = |part: usize, n: u64| match part {
            0 => NoiseKey::new(n, 7).uniform(3),
            1 => NoiseKey::new(7, n).uniform(3),
            _ => NoiseKey::new(7, 3).uniform(n as u32),
        };
        for part in 0..3 {
            let mut bins = [0.0f64; 64];
            let mut pairs = [0.0f64; 64];
            for n in 0..64_000 {
                let (a, b) = (of(part, n), of(part, n + 1));
                assert!(a > 0.0 && a < 1.0);
                bins[(a * 64.0) as usize] += 1.0;
                pairs[(a * 8.0) as usize * 8 + (b * 8.0) as usize] += 1.0;
            }
            for bins in [bins, pairs] {
                let chi: f64 = bins.iter().map(|n| (n - 1000.0).powi(2) / 1000.0).sum();
                assert!((20.0..130.0).contains(&chi), "part {part}: {chi}");
            }
        }
    }

    #[test]
    fn gumbel_draws_follow_the_probabilities() {
        let p = [0.5, 0.0, 0.3, 0.2];
        let mut seen = [0.0f64; 4];
        for position in 0..40_000 {
            seen[NoiseKey::new(1, position).gumbel_argmax(&p) as usize] += 1.0;
        }
        for (seen, p) in seen.iter().zip(p) {
            assert!((seen / 40_000.0 - f64::from(p)).abs() < 0.01);
        }
        assert_eq!(seen[1], 0.0);
    }

    #[test]
    fn counted_draws_follow_the_weights() {
        let mut counter = Counter::new(5, 0);
        let weights = [0.0, 1.0, 3.0, 0.0];
        let twos = (0..20_000)
            .filter_map(|_| counter.draw(4, |code| weights[code]))
            .filter(|&code| code == 2)
            .count();
        assert!((14_700..15_300).contains(&twos), "{twos}");
        assert_eq!(counter.draw(4, |_| 0.0), None);
    }
}
