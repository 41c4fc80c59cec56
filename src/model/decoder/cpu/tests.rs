//! The decoder against the logits of the published code, whole, in pieces, and quantised.

use super::*;
use crate::decode::{Feed, Predictor};
use crate::model::decoder::config::Config;
use crate::model::decoder::parts::Head;
use crate::model::weights::{ModelError, Stored, Weights};
use crate::task::Format;
use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::sync::Arc;

struct Loaded(HashMap<String, Tensor>);

impl Weights for Loaded {
    fn source(&self) -> String {
        "test".to_owned()
    }
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.get(name).map(|t| t.dims().to_vec())
    }
    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        Ok(Stored::Plain(self.0[name].clone()))
    }
}

fn golden(name: &str) -> (Arc<Decoder>, Vec<Vec<u32>>, Vec<Vec<f32>>) {
    let dir = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let load = |file: &str| candle_core::safetensors::load(format!("{dir}/{file}"), &Device::Cpu).unwrap();
    let config = Config::from_json(&std::fs::read_to_string(format!("{dir}/config.json")).unwrap()).unwrap();
    let weights = Loaded(load("model.safetensors"));
    let expected = load("expected.safetensors");
    let ids = expected["input_ids"]
        .to_dtype(DType::U32)
        .unwrap()
        .to_vec2()
        .unwrap();
    let logits = expected["logits"].flatten(1, 2).unwrap().to_vec2().unwrap();
    (
        Arc::new(Decoder::load(&weights, &config, &Head::Full, None).unwrap()),
        ids,
        logits,
    )
}

fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_match_the_published_code_in_one_batch() {
    for name in ["decoder-mha", "decoder-gqa"] {
        let (decoder, ids, logits) = golden(name);
        let mut predictor = decoder.predictor(2, ids[0].len()).unwrap();
        let feed = |lane: usize| Feed {
            lane,
            at: 0,
            tokens: &ids[lane],
            scores_from: 0,
        };
        let mut scores = Vec::new();
        predictor.predict(&[feed(0), feed(1)], &mut scores).unwrap();
        assert!(worst(&scores, &logits.concat()) <= 2e-4, "{name}");
    }
}

#[test]
fn pieces_and_overwritten_guesses_change_nothing() {
    let (decoder, ids, logits) = golden("decoder-gqa");
    let vocab = decoder.config().vocab_size;
    let mut predictor = decoder.predictor(2, ids[0].len()).unwrap();
    let mut scores = Vec::new();
    let mut at = 0;
    for piece in [1, 7, 2, 16, 5] {
        let guesses = [3u32; 6];
        let room = &guesses[..6.min(ids[0].len() - at)];
        predictor
            .predict(
                &[Feed {
                    lane: 0,
                    at,
                    tokens: room,
                    scores_from: 6,
                }],
                &mut scores,
            )
            .unwrap();
        let tokens = &ids[0][at..at + piece];
        predictor
            .predict(
                &[Feed {
                    lane: 0,
                    at,
                    tokens,
                    scores_from: 0,
                }],
                &mut scores,
            )
            .unwrap();
        assert!(worst(&scores, &logits[0][at * vocab..(at + piece) * vocab]) <= 2e-4);
        at += piece;
    }
    predictor.fork(0, 1, at).unwrap();
    let tokens = &ids[0][at..];
    predictor
        .predict(
            &[Feed {
                lane: 1,
                at,
                tokens,
                scores_from: 0,
            }],
            &mut scores,
        )
        .unwrap();
    assert!(worst(&scores, &logits[0][at * vocab..]) <= 2e-4);
}

#[test]
fn a_cache_that_no_machine_holds_is_refused_in_words() {
    let (decoder, _, _) = golden("decoder-gqa");
    let refused = decoder.predictor(1 << 40, 256).err().expect("too much");
    let words = refused.to_string();
    assert!(matches!(refused, ModelError::Memory(_)), "{words}");
    assert!(
        words.contains("drawing this picture needs") && words.contains("fewer candidates"),
        "{words}"
    );
}

#[test]
fn quantised_matrices_stay_close() {
    for (quant, bound) in [(Format::Q8_0, 0.4), (Format::Bf16, 0.2)] {
        let dir = format!("{}/tests/golden/decoder-mha", env!("CARGO_MANIFEST_DIR"));
        let weights =
            Loaded(candle_core::safetensors::load(format!("{dir}/model.safetensors"), &Device::Cpu).unwrap());
        let (exact, ids, logits) = golden("decoder-mha");
        let decoder = Arc::new(Decoder::load(&weights, exact.config(), &Head::Full, Some(quant)).unwrap());
        let mut predictor = decoder.predictor(1, ids[0].len()).unwrap();
        let mut scores = Vec::new();
        predictor
            .predict(
                &[Feed {
                    lane: 0,
                    at: 0,
                    tokens: &ids[0],
                    scores_from: 0,
                }],
                &mut scores,
            )
            .unwrap();
        let error = worst(&scores, &logits[0]);
        let mean = scores
            .iter()
            .zip(&logits[0])
            .map(|(x, y)| (x - y).abs())
            .sum::<f32>()
            / scores.len() as f32;
        assert!(
            error > 1e-5 && error <= bound && mean <= bound / 6.0,
            "{} {error} {mean}",
            quant.name()
        );
    }
}
