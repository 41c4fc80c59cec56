//! From two rows of scores to the distribution a code is drawn from.

use crate::task::Sampling;

/// Temperatures below this draw the likeliest code, as their limit 0 does.
const COLDEST: f32 = 1e-6;

/// The distribution of one code: guidance, top-k, temperature, top-n-sigma, softmax, in this
/// order. `out` becomes one probability a code, 0 for those filtered out. Without `u`, and at
/// `cfg` 1, the conditional scores `c` are taken alone.
pub fn distribution(c: &[f32], u: Option<&[f32]>, sampling: &Sampling, out: &mut Vec<f32>) {
    guide(c, u, sampling.cfg, out);
    if (1..out.len()).contains(&sampling.top_k) {
        let nth = out.len() - sampling.top_k;
        let (_, &mut least, _) = out.select_nth_unstable_by(nth, f32::total_cmp);
        // The selection shuffled the scores: compute them again rather than keep a copy.
        guide(c, u, sampling.cfg, out);
        for score in out.iter_mut().filter(|score| **score < least) {
            *score = f32::NEG_INFINITY;
        }
    }
    let max = out.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let temperature = sampling.temperature.max(COLDEST);
    for score in out.iter_mut() {
        *score = (*score - max) / temperature;
    }
    if let Some(n) = sampling.top_n_sigma {
        let least = -n * deviation(out);
        for score in out.iter_mut().filter(|score| **score < least) {
            *score = f32::NEG_INFINITY;
        }
    }
    let mut total = 0.0f64;
    for score in out.iter_mut() {
        *score = if *score == f32::NEG_INFINITY {
            0.0
        } else {
            score.exp()
        };
        total += f64::from(*score);
    }
    let scale = (1.0 / total) as f32;
    for p in out.iter_mut() {
        *p *= scale;
    }
}

/// Classifier-free guidance: `u + cfg * (c - u)`.
fn guide(c: &[f32], u: Option<&[f32]>, cfg: f32, out: &mut Vec<f32>) {
    out.clear();
    match u {
        Some(u) if cfg != 1.0 => out.extend(c.iter().zip(u).map(|(c, u)| u + cfg * (c - u))),
        _ => out.extend_from_slice(c),
    }
}

/// Population standard deviation of the finite scores.
fn deviation(scores: &[f32]) -> f32 {
    let finite = || scores.iter().filter(|s| s.is_finite()).map(|&s| f64::from(s));
    let count = finite().count().max(1) as f64;
    let mean = finite().sum::<f64>() / count;
    (finite().map(|s| (s - mean).powi(2)).sum::<f64>() / count).sqrt() as f32
}

/// `log softmax(scores)[code]`.
pub fn log_softmax(scores: &[f32], code: usize) -> f64 {
    let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = scores.iter().map(|s| f64::from(s - max).exp()).sum();
    scores
        .get(code)
        .map_or(f64::NEG_INFINITY, |s| f64::from(s - max) - total.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(cfg: f32, top_k: usize, temperature: f32, top_n_sigma: Option<f32>) -> Sampling {
        Sampling {
            cfg,
            top_k,
            temperature,
            top_n_sigma,
        }
    }

    fn of(c: &[f32], u: Option<&[f32]>, sampling: Sampling) -> Vec<f32> {
        let mut out = vec![9.0; 3];
        distribution(c, u, &sampling, &mut out);
        out
    }

    fn close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
    }

    fn softmax(scores: &[f32]) -> Vec<f32> {
        let total: f32 = scores.iter().map(|s| s.exp()).sum();
        scores.iter().map(|s| s.exp() / total).collect()
    }

    #[test]
    fn guidance_is_linear_and_off_at_one() {
        let (c, u) = ([1.0, 2.0, 0.5], [0.0, 3.0, 0.5]);
        let none = f32::NEG_INFINITY;
        close(
            &of(&c, Some(&u), sampling(4.0, 0, 1.0, None)),
            &softmax(&[4.0, -1.0, 0.5]),
        );
        close(&of(&c, Some(&u), sampling(1.0, 9, 1.0, None)), &softmax(&c));
        close(&of(&c, None, sampling(4.0, 9, 1.0, None)), &softmax(&c));
        close(&of(&c, Some(&u), sampling(0.0, 9, 1.0, None)), &softmax(&u));
        let wild = of(&c, Some(&[none; 3]), sampling(1.0, 3, 1.0, None));
        close(&wild, &softmax(&c));
    }

    #[test]
    fn top_k_keeps_all_ties_and_temperature_follows() {
        let c = [1.0, 3.0, 2.0, 2.0, 2.0, -1.0];
        let none = f32::NEG_INFINITY;
        close(
            &of(&c, None, sampling(1.0, 2, 0.5, None)),
            &softmax(&[none, 6.0, 4.0, 4.0, 4.0, none]),
        );
        close(
            &of(&c, None, sampling(1.0, 1, 1.0, None)),
            &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        );
        close(
            &of(&c, None, sampling(1.0, 6, 0.0, None)),
            &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        );
    }

    #[test]
    fn top_n_sigma_measures_the_survivors() {
        // Survivors 4, 2, 0: deviation sqrt(8/3) = 1.633, whatever the temperature.
        let c = [4.0, 2.0, 0.0, -90.0];
        let none = f32::NEG_INFINITY;
        for temperature in [1.0, 2.0] {
            let two = softmax(&[4.0 / temperature, 2.0 / temperature, none, none]);
            close(&of(&c, None, sampling(1.0, 3, temperature, Some(1.3))), &two);
            let three = softmax(&[4.0, 2.0, 0.0, none].map(|s| s / temperature));
            close(&of(&c, None, sampling(1.0, 3, temperature, Some(2.5))), &three);
        }
        close(
            &of(&c, None, sampling(1.0, 3, 1.0, Some(1.0))),
            &[1.0, 0.0, 0.0, 0.0],
        );
    }

    #[test]
    fn log_softmax_is_the_log_of_softmax() {
        let scores = [0.5, -1.0, 2.0];
        for (code, p) in softmax(&scores).iter().enumerate() {
            assert!((log_softmax(&scores, code) - f64::from(p.ln())).abs() < 1e-6);
        }
    }
}
