//! What quantisation costs: scores of the starter decoder in Q8_0 and Q4_K against f32, over the
//! pictures that the public code drew. `cargo test --test quantised -- --nocapture` prints them.

use lumina_studio::decode::Feed;
use lumina_studio::model::bundle::{Bundle, Source};
use lumina_studio::task::Format;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("ids")
}

/// One row of scores a token, for every case.
fn scores(quant: Format) -> (Vec<Vec<f32>>, usize) {
    let model = Bundle::open(&Source {
        model: Some(folder("starter")),
        quant: Some(quant),
        ..Source::default()
    });
    let model = model.unwrap_or_else(|e| panic!("{e}"));
    let text = std::fs::read_to_string(folder("golden/generate/cases.json")).expect("cases");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let mut all = Vec::new();
    for case in &cases {
        let tokens = [
            ids(&case["prompt_ids"]),
            ids(&case["forced_ids"]),
            ids(&case["expected_ids"]),
        ];
        let first = tokens[0].len() + tokens[1].len() - 1;
        let tokens = tokens.concat();
        let mut predictor = model
            .decoder
            .predictor(1, tokens.len())
            .unwrap_or_else(|e| panic!("{e}"));
        let feed = Feed {
            lane: 0,
            at: 0,
            tokens: &tokens,
            scores_from: first,
        };
        let mut scores = Vec::new();
        predictor.predict(&[feed], &mut scores).expect("scores");
        all.push(scores);
    }
    (all, model.alphabet.codes())
}

fn best(row: &[f32]) -> usize {
    (0..row.len())
        .max_by(|a, b| row[*a].total_cmp(&row[*b]))
        .expect("a code")
}

#[test]
fn quantised_scores_stay_close_to_the_exact_ones() {
    let (exact, codes) = scores(Format::F32);
    // Bounds a quarter above what was measured: the largest error, the mean one, and the share of
    // positions with the same best code.
    for (quant, worst_bound, mean_bound, agreement_bound) in
        [(Format::Q8_0, 0.6, 0.043, 0.97), (Format::Q4K, 5.0, 0.36, 0.85)]
    {
        let (rough, _) = scores(quant);
        let (mut worst, mut total, mut count) = (0.0f32, 0.0f64, 0usize);
        let (mut same, mut rows) = (0usize, 0usize);
        for (a, b) in exact.iter().zip(&rough) {
            assert_eq!(a.len(), b.len());
            for (a, b) in a.chunks_exact(codes).zip(b.chunks_exact(codes)) {
                for (a, b) in a.iter().zip(b) {
                    worst = worst.max((a - b).abs());
                    total += f64::from((a - b).abs());
                    count += 1;
                }
                same += usize::from(best(a) == best(b));
                rows += 1;
            }
        }
        let (mean, agreement) = (total / count as f64, same as f64 / rows as f64);
        println!(
            "{} max_abs_error={worst:.3} mean_abs_error={mean:.4} top1={same}/{rows}",
            quant.name()
        );
        assert!(worst > 0.0 && worst <= worst_bound, "{}: {worst}", quant.name());
        assert!(mean <= mean_bound, "{}: {mean}", quant.name());
        assert!(agreement >= agreement_bound, "{}: {agreement}", quant.name());
    }
}
