//! Small loops over activations, written so that the compiler keeps them in vector registers, and
//! run with the widest instructions this machine has ([`fast`]).
//!
//! Every sum has an order that depends on its length alone, never on what else is computed beside
//! it: results do not depend on the batch.

use pulp::Arch;

/// Runs `work` compiled for the best instruction set at hand. It and what it calls must be marked
/// `#[inline(always)]`: what is left outside has the oldest processor's instructions.
#[inline(always)]
pub(crate) fn fast<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// Independent sums: one vector register of 8 lanes, or two of 4.
const LANES: usize = 8;

/// Sum of `f(value)` in eight independent sums.
#[inline(always)]
pub(crate) fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|v| f(*v)).sum();
    for chunk in chunks {
        for (sum, v) in sums.iter_mut().zip(chunk) {
            *sum += f(*v);
        }
    }
    let [a, b, c, d, e, g, h, i] = sums;
    ((a + e) + (b + g)) + ((c + h) + (d + i)) + rest
}

/// Adding it rounds to an integer, which then stands in the low bits.
pub(crate) const ROUND: f32 = 12_582_912.0;

/// `e^x` for x <= 88, within 2 units in the last place: 2^n * e^r with |r| <= ln 2 / 2.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let value = p * r * r + r + 1.0;
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    value * f32::from_bits(power)
}

#[inline(always)]
pub(crate) fn add(to: &mut [f32], from: &[f32]) {
    for (a, b) in to.iter_mut().zip(from) {
        *a += b;
    }
}

/// RMSNorm of each row: x / sqrt(mean(x^2) + eps) * weight.
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    let mut out = x.to_vec();
    fast(
        #[inline(always)]
        || {
            for row in out.chunks_exact_mut(weight.len()) {
                let scale = 1.0 / (sum(row, |v| v * v) / weight.len() as f32 + eps).sqrt();
                for (v, w) in row.iter_mut().zip(weight) {
                    *v = *v * scale * w;
                }
            }
        },
    );
    out
}

/// LayerNorm of one head: mean and variance, eps 1e-5, weight, bias.
#[inline(always)]
pub(crate) fn layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32]) {
    let len = x.len() as f32;
    let mean = sum(x, |v| v) / len;
    let variance = sum(x, |v| (v - mean) * (v - mean)) / len;
    let scale = 1.0 / (variance + 1e-5).sqrt();
    for ((v, w), b) in x.iter_mut().zip(weight).zip(bias) {
        *v = (*v - mean) * scale * w + b;
    }
}

/// Half-split ("rotate half") rotation of one head.
#[inline(always)]
pub(crate) fn rotate(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (low, high) = x.split_at_mut(cos.len());
    for (((a, b), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
    }
}

/// The activation functions a configuration may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    Silu,
    Relu,
    Gelu,
    GeluTanh,
}

impl Activation {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "relu" => Self::Relu,
            "gelu" => Self::Gelu,
            "gelu_pytorch_tanh" | "gelu_new" => Self::GeluTanh,
            _ => Self::Silu,
        }
    }

    fn of(self, x: f32) -> f32 {
        match self {
            Self::Silu => x / (1.0 + exp(-x)),
            Self::Relu => x.max(0.0),
            Self::Gelu => {
                0.5 * x * (1.0 + candle_core::cpu::erf::erf_f32(x * std::f32::consts::FRAC_1_SQRT_2))
            }
            Self::GeluTanh => 0.5 * x * (1.0 + (0.797_884_6 * (x + 0.044_715 * x * x * x)).tanh()),
        }
    }

    /// Rows of [gate, up] become rows of act(gate) * up.
    pub(crate) fn gated(self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut out = vec![0.0; rows.len() / 2];
        fast(
            #[inline(always)]
            || {
                for (out, row) in out.chunks_exact_mut(width).zip(rows.chunks_exact(2 * width)) {
                    let (gate, up) = row.split_at(width);
                    if self == Self::Silu {
                        for ((out, g), u) in out.iter_mut().zip(gate).zip(up) {
                            *out = g / (1.0 + exp(-g)) * u;
                        }
                    } else {
                        for ((out, g), u) in out.iter_mut().zip(gate).zip(up) {
                            *out = self.of(*g) * u;
                        }
                    }
                }
            },
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_the_exponential() {
        for step in -8700..=8800 {
            let x = step as f32 / 100.0;
            let (found, exact) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found / exact - 1.0).abs() < 4e-7, "{x}: {found} {exact}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn sums_take_every_value() {
        let values: Vec<f32> = (0..29).map(|v| v as f32).collect();
        assert_eq!(sum(&values, |v| 2.0 * v), 812.0);
    }
}
