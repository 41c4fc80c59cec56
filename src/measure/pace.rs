//! How long a picture of a checkpoint takes on this machine, before its weights are imported or even read:
//! a few layers of its shape, with weights nobody trained, stand for all of them.

use super::{PROMPT, forward};
use crate::decode::Recent;
use crate::model::cuda::CardDecoder;
use crate::model::decoder::config::Config;
use crate::model::decoder::parts::Head;
use crate::model::movq::MovqConfig;
use crate::model::movq::codec::PictureCodec;
use crate::model::network::{Hardware, Network};
use crate::model::weights::random_weights::Invented;
use crate::pixels::Size;
use crate::task::{Cancel, Device, Format, KvCache};
use crate::token::Grid;
use anyhow::{Result, bail};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Layers that are measured, once few and once more: what one more takes is what all others take.
const LAYERS: [usize; 2] = [1, 2];
/// The picture whose decode is timed; larger ones take as much longer as they have more pixels.
const SAMPLE: Size = Size {
    width: 64,
    height: 64,
};
/// Forwards of each kind at most.
const MOST_TRIES: usize = 40;
/// The first one, which is not counted, tells whether a second one has to be waited for: not where it took
/// so many times the budget.
const TOO_SLOW: u32 = 4;

/// A checkpoint whose pace is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Pacing<'a> {
    pub(crate) config: &'a Config,
    pub(crate) movq: &'a MovqConfig,
    pub device: Device,
    pub kv: KvCache,
    /// Of the picture.
    pub size: Size,
    /// Time for each format; making the layers counts. What is begun is ended.
    pub budget: Duration,
}

/// What a picture takes, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paced {
    /// One forward of both guidance branches in the middle of the picture.
    pub forward: f64,
    /// The whole picture, one code a forward, turned into pixels. Guesses that hold make it less.
    pub picture: f64,
}

impl Pacing<'_> {
    /// A part of the model: so many layers, and no words but codes.
    fn with_layers(&self, layers: usize) -> Config {
        Config {
            num_hidden_layers: layers,
            vocab_size: self.movq.n_embed,
            is_part_of_large: !self.config.is_small(),
            ..self.config.clone()
        }
    }
}

/// Measures the formats one after the other; the answer has one entry for each.
///
/// # Errors
/// The device cannot be used, the shape does not fit its memory, the hardware fails, or `cancel` was called.
pub fn pace(pacing: &Pacing<'_>, formats: &[Format], cancel: &Cancel) -> Result<Vec<Paced>> {
    let hardware = Hardware::open(pacing.device, pacing.kv)?;
    let grid = Grid::of(pacing.size)?;
    let decode = decode_seconds(pacing, &hardware)?;
    let mut paced = Vec::new();
    for format in formats {
        let forward = forward_seconds(pacing, *format, &hardware, grid, cancel)?;
        paced.push(Paced {
            forward,
            picture: forward * f64::from(grid.codes() as u32) + decode,
        });
    }
    Ok(paced)
}

fn decode_seconds(pacing: &Pacing<'_>, hardware: &Hardware) -> Result<f64> {
    let weights = Invented::repeated(Format::F32);
    let codec = PictureCodec::load(&weights, "", pacing.movq, hardware)?;
    let grid = Grid::of(SAMPLE)?;
    let codes: Vec<u32> = (0..grid.codes() as u32)
        .map(|at| at * 97 % pacing.movq.n_embed as u32)
        .collect();
    // A card compiles its kernels the first time.
    if matches!(hardware, Hardware::Card(..)) {
        codec.decode(&codes, grid)?;
    }
    let began = Instant::now();
    codec.decode(&codes, grid)?;
    let area = |size: Size| f64::from(size.width) * f64::from(size.height);
    Ok(began.elapsed().as_secs_f64() * area(pacing.size) / area(SAMPLE))
}

/// One forward through all layers, from what few and some more of them take.
fn forward_seconds(
    pacing: &Pacing<'_>,
    format: Format,
    hardware: &Hardware,
    grid: Grid,
    cancel: &Cancel,
) -> Result<f64> {
    let all = pacing.config.num_hidden_layers;
    let [few, more] = LAYERS.map(|layers| layers.min(all));
    let budget = pacing.budget / 2;
    let least = seconds_of(pacing, few, format, hardware, grid, budget, cancel)?;
    if few == more {
        return Ok(least);
    }
    let most = seconds_of(pacing, more, format, hardware, grid, budget, cancel)?;
    let layer = (most - least).max(0.0) / (more - few) as f64;
    Ok(least + layer * (all - few) as f64)
}

fn seconds_of(
    pacing: &Pacing<'_>,
    layers: usize,
    format: Format,
    hardware: &Hardware,
    grid: Grid,
    budget: Duration,
    cancel: &Cancel,
) -> Result<f64> {
    let began = Instant::now();
    let (config, codes) = (pacing.with_layers(layers), pacing.movq.n_embed);
    let network = match hardware {
        Hardware::Card(card, kv) => Network::Card(Arc::new(CardDecoder::of_shape(
            card, &config, codes, format, *kv,
        )?)),
        _ => {
            let weights = Invented::repeated(format);
            Network::load(&weights, &config, &Head::Codes(0..codes as u32), None, hardware)?
        }
    };
    let context = grid.stream_len() / 2;
    let mut predictor = network.predictor(2, grid.stream_len() + PROMPT)?;
    let (mut recent, mut times) = (Recent::default(), Vec::new());
    let most = |count: usize| match count {
        0 => true,
        1 => began.elapsed() < TOO_SLOW * budget,
        more => more < MOST_TRIES && began.elapsed() < budget,
    };
    while most(times.len()) {
        if cancel.is_cancelled() {
            bail!("cancelled");
        }
        let begun = Instant::now();
        forward(predictor.as_mut(), &mut recent, codes, context, 1)?;
        times.push(begun.elapsed().as_secs_f64());
    }
    if times.len() > 1 {
        times.remove(0);
    }
    // The quickest: what else this machine does meanwhile only makes them slower.
    Ok(times.into_iter().fold(f64::INFINITY, f64::min))
}
