//! How codes are drawn: what the user may choose, and what is drawn by after the model's defaults
//! were filled in.

use serde::{Deserialize, Serialize};

/// How codes are drawn from the model's scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Guidance scale: scores are `u + cfg * (c - u)`.
    pub cfg: f32,
    /// Codes kept before the draw; those tied with the last one stay too.
    pub top_k: usize,
    /// Divides the scores after top-k.
    pub temperature: f32,
    /// Keeps scores within this many standard deviations of the best; off when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_n_sigma: Option<f32>,
}

/// Which randomness speculative decoding uses; both sample the model's own distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Noise {
    /// Noise fixed by seed, position and code: a seed means one picture for every lookahead.
    #[default]
    Gumbel,
    /// Maximal coupling of each guess with its new distribution.
    Coupled,
}

/// How many codes are guessed ahead in one forward; `--window` on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lookahead {
    /// Measured on this machine.
    #[default]
    Auto,
    /// 1 is plain autoregressive decoding.
    Fixed(usize),
}

/// What was chosen of the sampling; the rest is the model's. Lies flat in whatever is stored with
/// it: its field names are those of requests, drafts and journals.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SamplingChoice {
    /// `None` takes the model's own default, here and in the next three.
    pub cfg: Option<f32>,
    pub top_k: Option<usize>,
    pub temperature: Option<f32>,
    pub top_n_sigma: Option<f32>,
    pub noise: Noise,
    #[serde(rename = "window")]
    pub lookahead: Lookahead,
}

impl SamplingChoice {
    /// What is drawn by where the model's defaults are `defaults`.
    pub fn resolve(&self, defaults: &Sampling) -> Sampling {
        Sampling {
            cfg: self.cfg.unwrap_or(defaults.cfg),
            top_k: self.top_k.unwrap_or(defaults.top_k),
            temperature: self.temperature.unwrap_or(defaults.temperature),
            top_n_sigma: self.top_n_sigma.or(defaults.top_n_sigma),
        }
    }

    /// The same lookahead, which decides speed, with everything else as the model likes it.
    pub fn left_to_the_model(self) -> Self {
        Self {
            lookahead: self.lookahead,
            ..Self::default()
        }
    }

    /// The same noise and lookahead with everything else chosen as in `sampling`: another model's
    /// defaults cannot change it.
    pub fn settled(self, sampling: Sampling) -> Self {
        let Sampling {
            cfg,
            top_k,
            temperature,
            top_n_sigma,
        } = sampling;
        Self {
            cfg: Some(cfg),
            top_k: Some(top_k),
            temperature: Some(temperature),
            top_n_sigma,
            noise: self.noise,
            lookahead: self.lookahead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_chosen_is_the_models() {
        let defaults = Sampling {
            cfg: 4.0,
            top_k: 64,
            temperature: 0.9,
            top_n_sigma: Some(2.0),
        };
        assert_eq!(SamplingChoice::default().resolve(&defaults), defaults);
        let other = Sampling {
            cfg: 1.5,
            top_k: 8,
            temperature: 1.1,
            top_n_sigma: Some(1.0),
        };
        assert_eq!(SamplingChoice::default().settled(other).resolve(&defaults), other);
    }

    #[test]
    fn it_lies_flat_under_its_old_names() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Holder {
            seed: u64,
            #[serde(flatten)]
            sampling: SamplingChoice,
        }
        let old = r#"{"seed":18446744073709551000,"cfg":4.3,"top_k":64,"temperature":0.9,"top_n_sigma":1.7,"noise":"coupled","window":{"fixed":4}}"#;
        let holder: Holder = serde_json::from_str(old).expect("a stored choice");
        let sampling = SamplingChoice {
            cfg: Some(4.3),
            top_k: Some(64),
            temperature: Some(0.9),
            top_n_sigma: Some(1.7),
            noise: Noise::Coupled,
            lookahead: Lookahead::Fixed(4),
        };
        let seed = 18_446_744_073_709_551_000;
        assert_eq!(holder, Holder { seed, sampling });
        assert_eq!(serde_json::to_string(&holder).expect("JSON"), old);
        // An old draft knew neither noise nor top-n-sigma.
        let old = r#"{"seed":1,"cfg":null,"window":"auto"}"#;
        let holder: Holder = serde_json::from_str(old).expect("a stored choice");
        assert_eq!(holder.sampling, SamplingChoice::default());
    }
}
