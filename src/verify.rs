//! Golden vectors: proves that this program, on this machine, computes what the public code does.

use crate::decode::{Feed, Predictor};
use crate::model::bundle::{Bundle, Source, find_movq};
use crate::model::decoder::config::Config;
use crate::model::decoder::parts::Head;
use crate::model::movq::MovqConfig;
use crate::model::movq::codec::PictureCodec;
use crate::model::network::{Hardware, Network};
use crate::model::weights::Weights;
use crate::model::weights::checkpoint::{Safetensors, open_movq};
use crate::picture;
use crate::pixels::{Pixels, Size};
use crate::task::{Device, Format, KvCache};
use crate::token::Grid;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::path::Path;

/// An NVIDIA card multiplies halves: scores of decoders stored in f32 are within this (3e-3 is reached with
/// keys and values of 8 bits, 5.4e-3 with f16), and guided ones closer than this may be taken for each other.
const CARD_ERROR: f32 = 6e-3;
const CARD_TIE: f32 = 0.05;

/// The outcome of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// One line: name, worst error, tokens equal of total, and what else is worth saying.
    pub line: String,
    pub passed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Case {
    Decoder {
        logits_max_abs_error: f32,
    },
    Movq {
        decoded_max_abs_error: f32,
        tie_distance: f32,
    },
    Generate {
        checkpoint: String,
        token_tie: f32,
        picture_max_difference: u8,
    },
}

#[derive(Deserialize)]
struct Drawn {
    name: String,
    template: String,
    map: Option<String>,
    prompt: String,
    size: [u32; 2],
    panel: Option<String>,
    cfg: f32,
    prompt_ids: Vec<u32>,
    forced_ids: Vec<u32>,
    expected_ids: Vec<u32>,
    picture: Option<String>,
}

/// Runs the case in `folder`; with `quant` its decoder's matrices are brought to that format.
///
/// # Errors
/// The case or its checkpoint is missing something or damaged, or the device cannot be used.
pub fn verify(folder: &Path, quant: Option<Format>, device: Device, kv: KvCache) -> Result<Vec<Verdict>> {
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name))
            .with_context(|| format!("cannot read {}", folder.join(name).display()))
    };
    let name = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let case: Case = serde_json::from_str(&read("case.json")?).context("case.json is not a case")?;
    let hardware = Hardware::open(device, kv)?;
    let is_card = matches!(hardware, Hardware::Card(..));
    match case {
        Case::Decoder { logits_max_abs_error } => {
            let config = Config::from_json(&read("config.json")?)?;
            let weights = Safetensors::open(&folder.join("model.safetensors"))?;
            let network = Network::load(&weights, &config, &Head::Full, quant, &hardware)?;
            let bound = match is_card {
                true => logits_max_abs_error.max(CARD_ERROR),
                false => logits_max_abs_error,
            };
            let mut verdict = decoder(folder, &name, &network, bound)?;
            // A quantised decoder is measured, not judged: its error is the format's.
            verdict.passed |= quant.is_some_and(|quant| quant != Format::F32);
            Ok(vec![verdict])
        }
        Case::Movq {
            decoded_max_abs_error,
            tie_distance,
        } => Ok(vec![movq(
            folder,
            &name,
            &PictureCodec::load(
                open_movq(&find_movq(folder)?)?.as_ref(),
                "",
                &MovqConfig::from_json(&read("config.json")?)?,
                &hardware,
            )?,
            (decoded_max_abs_error, tie_distance),
        )?]),
        Case::Generate {
            checkpoint,
            token_tie,
            picture_max_difference,
        } => {
            let source = Source {
                model: Some(folder.join(checkpoint)),
                quant,
                device,
                kv,
                ..Source::default()
            };
            let model = Bundle::open(&source)?;
            let cases: Vec<Drawn> =
                serde_json::from_str(&read("cases.json")?).context("cases.json is not a list of cases")?;
            let token_tie = match is_card {
                true => token_tie.max(CARD_TIE),
                false => token_tie,
            };
            let bounds = Bounds {
                token_tie,
                picture_max_difference,
                tokens: match quant {
                    None | Some(Format::F32) => Tokens::Judged,
                    Some(_) => Tokens::Measured,
                },
            };
            cases
                .iter()
                .map(|case| generate(folder, &name, &model, case, &bounds))
                .collect()
        }
    }
}

fn decoder(folder: &Path, name: &str, network: &Network, bound: f32) -> Result<Verdict> {
    let config = network.config();
    let expected = Safetensors::open(&folder.join("expected.safetensors"))?;
    let shape = expected
        .shape("input_ids")
        .context("expected.safetensors has no input_ids")?;
    let [batch, len] = shape[..] else {
        bail!("input_ids is not [batch, tokens]")
    };
    let ids: Vec<u32> = expected.ids("input_ids")?;
    let logits: Vec<f32> = expected
        .f32("logits", &[batch, len, config.vocab_size])?
        .flatten_all()?
        .to_vec1()?;
    let mut predictor = network.predictor(batch, len)?;
    let lane = |lane: usize| Feed {
        lane,
        at: 0,
        tokens: &ids[lane * len..(lane + 1) * len],
        scores_from: 0,
    };
    let feeds: Vec<Feed<'_>> = (0..batch).map(lane).collect();
    let mut scores = Vec::new();
    predictor.predict(&feeds, &mut scores)?;
    let errors = || scores.iter().zip(&logits).map(|(a, b)| (a - b).abs());
    let worst = largest(errors());
    let mean = errors().sum::<f32>() / logits.len() as f32;
    let rows = scores
        .chunks_exact(config.vocab_size)
        .zip(logits.chunks_exact(config.vocab_size));
    let equal = rows.filter(|(a, b)| best(a) == best(b)).count();
    let passed = worst <= bound;
    let line = format!(
        "{name} max_abs_error={worst:.3e} tokens={equal}/{} mean_abs_error={mean:.3e}",
        batch * len
    );
    Ok(Verdict { line, passed })
}

/// The largest error; none, where one is no number: `max` would pass it over.
fn largest(errors: impl Iterator<Item = f32>) -> f32 {
    errors.fold(0.0, |most: f32, error| match most.is_nan() || error.is_nan() {
        true => f32::NAN,
        false => most.max(error),
    })
}

/// Whether two distances are so close that rounding may order them either way.
fn is_tie(gap: f32, tie: f32) -> bool {
    gap < tie
}

fn best(row: &[f32]) -> usize {
    row.iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
        .map_or(0, |(index, _)| index)
}

fn movq(folder: &Path, name: &str, model: &PictureCodec, (bound, tie): (f32, f32)) -> Result<Verdict> {
    let expected = Safetensors::open(&folder.join("expected.safetensors"))?;
    let (mut worst, mut equal, mut total, mut wrong) = (0.0f32, 0, 0, 0);
    for index in 0.. {
        let Some(shape) = expected.shape(&format!("image_{index}")) else {
            break;
        };
        let (height, width) = (shape[1], shape[2]);
        let planes = expected.bytes(&format!("image_{index}"))?;
        let count = height * width;
        let rgb = (0..count)
            .flat_map(|at| [planes[at], planes[count + at], planes[2 * count + at]])
            .collect();
        let pixels =
            Pixels::new(Size::new(width as u32, height as u32), rgb).context("image has another size")?;
        let tokens = expected.ids(&format!("tokens_{index}"))?;
        let detail = model.encode_detail(&pixels)?;
        for (at, (found, wanted)) in detail.codes.iter().zip(&tokens).enumerate() {
            total += 1;
            if found == wanted {
                equal += 1;
            } else if !is_tie(detail.second[at] - detail.best[at], tie) {
                wrong += 1;
            }
        }
        let grid = Grid {
            rows: (height / 8) as u32,
            columns: (width / 8) as u32,
        };
        let decoded: Vec<f32> = model.decode_raw(&tokens, grid)?;
        let wanted: Vec<f32> = expected
            .f32(&format!("decoded_{index}"), &[3, height, width])?
            .flatten_all()?
            .to_vec1()?;
        ensure!(
            decoded.len() == wanted.len(),
            "{name}: picture {index} has another size"
        );
        let errors = decoded.iter().zip(&wanted).map(|(a, b)| (a - b).abs());
        worst = largest(errors.chain([worst]));
    }
    ensure!(total > 0, "{name}: no image_0 in expected.safetensors");
    let line = format!("{name} max_abs_error={worst:.3e} tokens={equal}/{total} beyond_ties={wrong}");
    Ok(Verdict {
        line,
        passed: worst <= bound && wrong == 0,
    })
}

/// What a drawn case is held to.
struct Bounds {
    /// Guided logits closer than this may be taken for each other.
    token_tie: f32,
    picture_max_difference: u8,
    tokens: Tokens,
}

/// Tokens of a quantised decoder are measured, not judged: their differences are the format's.
#[derive(Clone, Copy, PartialEq)]
enum Tokens {
    Judged,
    Measured,
}

/// A greedy draw, fed with what the public code drew wherever a near tie went the other way.
fn generate(folder: &Path, name: &str, model: &Bundle, case: &Drawn, bounds: &Bounds) -> Result<Verdict> {
    let panel = Size::new(case.size[0], case.size[1]);
    let one = Grid::of(panel)?;
    let template = if case.template == "text_to_image" {
        "generate"
    } else {
        &case.template
    };
    let grid = if template == "generate" {
        one
    } else {
        one.doubled()
    };
    let text = model.prompts.fill(
        template,
        panel,
        case.map.as_deref().unwrap_or_default(),
        &case.prompt,
    )?;
    let prompt = model.text.prompt(&model.alphabet, &[&text])?;
    let mut faults = Vec::new();
    if prompt != case.prompt_ids {
        faults.push("prompt_ids differ".to_owned());
    }
    let mut panel_codes = (0, 0);
    if let Some(file) = &case.panel {
        let pixels = picture::fit(&picture::read(&folder.join(file))?, panel);
        let detail = model.movq.encode_detail(&pixels)?;
        let forced: Vec<u32> = case
            .forced_ids
            .iter()
            .filter_map(|id| model.alphabet.code_of_id(*id))
            .collect();
        ensure!(
            forced.len() == detail.codes.len(),
            "{}: forced rows of another size",
            case.name
        );
        for (at, (found, wanted)) in detail.codes.iter().zip(&forced).enumerate() {
            panel_codes.1 += 1;
            if found == wanted {
                panel_codes.0 += 1;
            } else if !is_tie(detail.second[at] - detail.best[at], 1e-4) {
                faults.push(format!("panel code {at} is {found}, not {wanted}"));
            }
        }
    }
    let capacity = case.prompt_ids.len() + case.forced_ids.len() + case.expected_ids.len();
    let mut predictor = model.decoder.predictor(2, capacity)?;
    let (equal, excused) = follow(predictor.as_mut(), model, case, bounds.token_tie)?;
    let total = case.expected_ids.len();
    if bounds.tokens == Tokens::Judged && equal + excused != total {
        faults.push(format!("{} tokens differ beyond ties", total - equal - excused));
    }
    let mut difference = 0;
    if let Some(file) = &case.picture {
        let ids = case.forced_ids.iter().chain(&case.expected_ids);
        let codes: Vec<u32> = ids.filter_map(|id| model.alphabet.code_of_id(*id)).collect();
        let drawn = model.movq.decode(&codes, grid)?;
        let wanted = picture::read(&folder.join(file))?;
        ensure!(
            drawn.size() == wanted.size(),
            "{}: the picture has another size",
            case.name
        );
        difference = drawn
            .rgb()
            .iter()
            .zip(wanted.rgb())
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap_or(0);
        if difference > bounds.picture_max_difference {
            faults.push(format!("pixels differ by {difference}"));
        }
    }
    let forced = if panel_codes.1 > 0 {
        format!(" panel={}/{}", panel_codes.0, panel_codes.1)
    } else {
        String::new()
    };
    let said = if faults.is_empty() {
        String::new()
    } else {
        format!(" WRONG: {}", faults.join("; "))
    };
    let error = f32::from(difference) / 127.5;
    let line = format!(
        "{name}/{} max_abs_error={error:.3e} tokens={equal}/{total} ties={excused}{forced}{said}",
        case.name
    );
    Ok(Verdict {
        line,
        passed: faults.is_empty(),
    })
}

/// Draws greedily token by token; returns (equal, different within a tie).
fn follow(predictor: &mut dyn Predictor, model: &Bundle, case: &Drawn, tie: f32) -> Result<(usize, usize)> {
    let guided = case.cfg != 1.0;
    let start: Vec<u32> = case.prompt_ids.iter().chain(&case.forced_ids).copied().collect();
    let mut pending = (start, case.forced_ids.clone());
    let mut at = (0, 0);
    let (mut equal, mut excused) = (0, 0);
    let mut scores = Vec::new();
    for &wanted in &case.expected_ids {
        let Some(code) = model.alphabet.code_of_id(wanted) else {
            // Row ends and the image end are known, never drawn.
            let known = wanted == model.alphabet.row_end || wanted == model.alphabet.image_end;
            equal += usize::from(known);
            pending.0.push(wanted);
            pending.1.push(wanted);
            continue;
        };
        let feed = |lane, at, tokens: &Vec<u32>| (lane, at, tokens.len(), tokens.clone());
        let lanes = [feed(0, at.0, &pending.0), feed(1, at.1, &pending.1)];
        let lanes = &lanes[..if guided { 2 } else { 1 }];
        let feeds: Vec<Feed<'_>> = lanes
            .iter()
            .map(|(lane, at, len, tokens)| Feed {
                lane: *lane,
                at: *at,
                tokens,
                scores_from: len - 1,
            })
            .collect();
        predictor.predict(&feeds, &mut scores)?;
        at = (at.0 + pending.0.len(), at.1 + pending.1.len());
        let count = model.alphabet.codes();
        let row: Vec<f32> = match guided {
            true => (0..count)
                .map(|i| scores[count + i] + case.cfg * (scores[i] - scores[count + i]))
                .collect(),
            false => scores[..count].to_vec(),
        };
        let drawn = best(&row);
        if drawn == code as usize {
            equal += 1;
        } else if row[drawn] - row[code as usize] < tie {
            excused += 1;
        }
        pending = (vec![wanted], vec![wanted]);
    }
    Ok((equal, excused))
}
