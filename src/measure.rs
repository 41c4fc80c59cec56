//! How fast this machine runs a model of the published shape: weights nobody trained, so that nothing has
//! to be fetched first. A forward's time does not depend on what the weights are.

mod pace;

pub use pace::{Paced, Pacing, pace};

use crate::decode::{
    Ahead, Ask, DrawError, DrawSettings, Drawing, Event, Feed, Measures, NoiseKey, Predictor, Recent, Wish,
    draw,
};
use crate::model::cuda::CardDecoder;
use crate::model::decoder::config::Config;
use crate::model::decoder::parts::Head;
use crate::model::movq::MovqConfig;
use crate::model::movq::codec::PictureCodec;
use crate::model::network::{Hardware, Network};
use crate::model::weights::random_weights::Invented;
use crate::pixels::{Pixels, Size};
use crate::task::{Cancel, Device, Format, KvCache, Noise, Sampling};
use crate::token::Grid;
use anyhow::Result;
use std::sync::Arc;
use std::time::Instant;

/// Rows of both guidance branches together.
const ROWS: [usize; 4] = [2, 8, 16, 32];
/// Tokens the conditional branch has before the picture.
const PROMPT: usize = 80;

/// A shape that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub name: &'static str,
    pub hidden: usize,
    pub between: usize,
    pub heads: usize,
    pub layers: usize,
    pub codes: usize,
    /// Tokens of the picture that stand before what is measured.
    pub contexts: [usize; 4],
    /// Of its image tokenizer: channels, and of what they are multiples by resolution.
    pub channels: usize,
    pub multiples: [usize; 4],
    /// Forwards of each kind, of which the first quarter is not counted.
    pub tries: usize,
    /// Of the picture whose first row is timed.
    pub size: Size,
}

/// The published model of 7 billion weights.
pub const SEVEN_B: Shape = Shape {
    name: "7B",
    hidden: 4096,
    between: 11_008,
    heads: 32,
    layers: 32,
    codes: 16_384,
    contexts: [16, 1024, 4656, 9300],
    channels: 256,
    multiples: [1, 2, 2, 4],
    tries: 24,
    size: Size::new(768, 768),
};

/// Layers measured on a CPU, where all of them would take minutes.
const CPU_LAYERS: usize = 2;
const SAMPLING: Sampling = Sampling {
    cfg: 4.0,
    top_k: 4096,
    temperature: 1.0,
    top_n_sigma: None,
};

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub shape: Shape,
    pub quant: Format,
    pub device: Device,
    pub kv: KvCache,
}

impl Shape {
    fn codec(&self) -> Result<MovqConfig> {
        let Self {
            channels,
            multiples,
            codes,
            ..
        } = self;
        Ok(MovqConfig::from_json(&format!(
            r#"{{"ddconfig": {{"z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": {channels},
                "ch_mult": {multiples:?}, "num_res_blocks": 2, "attn_resolutions": [32]}}, "n_embed": {codes},
                "embed_dim": 4}}"#
        ))?)
    }

    fn config(&self, layers: usize) -> Result<Config> {
        let Self {
            hidden,
            between,
            heads,
            codes,
            ..
        } = self;
        Ok(Config::from_json(&format!(
            r#"{{"vocab_size": {codes}, "hidden_size": {hidden}, "intermediate_size": {between},
                "num_hidden_layers": {layers}, "num_attention_heads": {heads}, "max_position_embeddings": 10240}}"#
        ))?)
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Measures forwards of a shape and tells line after line of a table in Markdown.
///
/// # Errors
/// The device cannot be used, the shape does not fit its memory, or the hardware fails.
pub fn measure(subject: &Subject, tell: &mut dyn FnMut(&str)) -> Result<()> {
    let hardware = Hardware::open(subject.device, subject.kv)?;
    tell(&format!("device: {}", hardware.name()));
    let began = Instant::now();
    let shape = &subject.shape;
    let (network, layers) = match &hardware {
        Hardware::Card(card, kv) => {
            let decoder = CardDecoder::of_shape(
                card,
                &shape.config(shape.layers)?,
                shape.codes,
                subject.quant,
                *kv,
            )?;
            (Network::Card(Arc::new(decoder)), shape.layers)
        }
        _ => {
            let weights = Invented::default();
            let head = Head::Codes(0..shape.codes as u32);
            let layers = CPU_LAYERS.min(shape.layers);
            let config = Config {
                is_part_of_large: !shape.config(shape.layers)?.is_small(),
                ..shape.config(layers)?
            };
            let network = Network::load(&weights, &config, &head, Some(subject.quant), &hardware)?;
            (network, layers)
        }
    };
    tell(&format!(
        "{layers} of {} layers of the {}, {}, random weights, made in {:.1} s",
        shape.layers,
        shape.name,
        subject.quant.name(),
        began.elapsed().as_secs_f64()
    ));
    let speed = match &network {
        Network::Card(decoder) => Some(decoder.card().read_speed()?),
        _ => None,
    };
    if let Some(speed) = speed {
        tell(&format!("measured read speed: {:.0} GB/s", speed / 1e9));
    }
    if let Network::Card(decoder) = &network {
        let began = Instant::now();
        let codec = PictureCodec::load(&Invented::default(), "", &shape.codec()?, &hardware)?;
        tell(&format!(
            "its image tokenizer, random weights, made in {:.1} s",
            began.elapsed().as_secs_f64()
        ));
        forwards(&network, shape, speed, tell)?;
        first_row(&network, shape, tell)?;
        pictures(&codec, shape, tell)?;
        tell(&format!(
            "most memory of the card reserved at once: {:.2} GB",
            decoder.card().most_reserved() as f64 / 1e9
        ));
        return Ok(());
    }
    forwards(&network, shape, speed, tell)
}

/// A picture to its codes, and codes to a picture.
fn pictures(codec: &PictureCodec, shape: &Shape, tell: &mut dyn FnMut(&str)) -> Result<()> {
    let grid = Grid::of(shape.size)?;
    let codes: Vec<u32> = (0..grid.codes() as u32)
        .map(|at| at * 97 % shape.codes as u32)
        .collect();
    let pixels = Pixels::filled(shape.size, [90, 120, 200]);
    let (mut decoded, mut encoded) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let began = Instant::now();
        codec.decode(&codes, grid)?;
        decoded.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        codec.encode(&pixels)?;
        encoded.push(began.elapsed().as_secs_f64());
    }
    tell(&format!(
        "image tokenizer, {}: codes to pixels {:.0} ms (the first time {:.0} ms), pixels to codes {:.0} ms",
        shape.size,
        1e3 * median(decoded.clone()),
        1e3 * decoded[0],
        1e3 * median(encoded)
    ));
    Ok(())
}

/// One forward, head and choice of codes included, by rows and context.
fn forwards(network: &Network, shape: &Shape, speed: Option<f64>, tell: &mut dyn FnMut(&str)) -> Result<()> {
    let contexts = shape.contexts;
    let heads = contexts.map(|context| format!(" context {context} |")).concat();
    tell(&format!("| rows |{heads}"));
    tell(&format!("|---|{}", "---|".repeat(contexts.len())));
    let capacity = contexts[contexts.len() - 1] + PROMPT + ROWS[ROWS.len() - 1];
    let mut predictor = network.predictor(2, capacity)?;
    let mut recent = Recent::default();
    for rows in ROWS {
        let mut line = format!("| {rows} |");
        for context in contexts {
            let mut times = Vec::new();
            let tries = shape.tries;
            for turn in 0..tries {
                let began = Instant::now();
                forward(predictor.as_mut(), &mut recent, shape.codes, context, rows / 2)?;
                if turn >= tries / 4 {
                    times.push(began.elapsed().as_secs_f64());
                }
            }
            let seconds = median(times);
            line += &format!(" {:.2} ms", 1e3 * seconds);
            if let (Some(speed), Network::Card(decoder)) = (speed, network) {
                let bytes = decoder.read_bytes(2 * context + PROMPT + rows);
                line += &format!(" ({:.0} %)", 100.0 * bytes as f64 / speed / seconds);
            }
            line += " |";
        }
        tell(&line);
    }
    Ok(())
}

/// One forward of `each` rows of both guidance branches behind `context` codes, with the choice of codes.
fn forward(
    predictor: &mut dyn Predictor,
    recent: &mut Recent,
    codes: usize,
    context: usize,
    each: usize,
) -> Result<()> {
    let tokens: Vec<u32> = (0..each as u32).map(|code| code * 97 % codes as u32).collect();
    let feed = |lane, at| Feed {
        lane,
        at,
        tokens: &tokens,
        scores_from: 0,
    };
    let feeds = [feed(0, context + PROMPT), feed(1, context)];
    let noise = |position: usize| NoiseKey::new(1, position as u64);
    let asks: Vec<Ask> = (0..each)
        .map(|row| Ask {
            candidate: 0,
            position: context + row,
            noise: noise(context + row),
            c: row,
            u: Some(each + row),
        })
        .collect();
    let ahead: Vec<Ahead> = (0..each - 1)
        .map(|row| Ahead {
            candidate: 0,
            noise: noise(context + each + row),
            left: context + each - 1,
            above: (context + row).checked_sub(1),
        })
        .collect();
    let wish = Wish {
        sampling: &SAMPLING,
        asks: &asks,
        ahead: &ahead,
        reach: 128,
        measures: Measures::default(),
    };
    predictor.choose(&feeds, &wish, recent)?;
    Ok(())
}

/// From the start of a picture to its first row, with everything that is done once.
fn first_row(network: &Network, shape: &Shape, tell: &mut dyn FnMut(&str)) -> Result<()> {
    let grid = Grid::of(shape.size)?;
    // Any codes will do for header and row ends: the weights mean nothing.
    let mut stream: Vec<Option<u32>> = vec![Some(1), Some(2), Some(3)];
    for _ in 0..grid.rows {
        stream.extend((0..grid.columns).map(|_| None));
        stream.push(Some(4));
    }
    stream.push(Some(5));
    let prompt: Vec<u32> = (0..PROMPT as u32).collect();
    let began = Instant::now();
    let mut predictor = network.predictor(2, prompt.len() + stream.len())?;
    let drawings = [Drawing {
        prompt: &prompt,
        stream: &stream,
        code_ids: 0..shape.codes as u32,
        stride: grid.columns as usize + 1,
        seed: 1,
    }];
    let cancel = Cancel::new();
    let (mut first, mut forwards) = (None, 0);
    let mut watch = |event: Event<'_>| {
        if let Event::Committed {
            upto,
            forwards: so_far,
            ..
        } = event
            && upto > 3 + grid.columns as usize
        {
            first.get_or_insert(began.elapsed().as_secs_f64());
            forwards = so_far;
            cancel.cancel();
        }
    };
    let settings = DrawSettings {
        sampling: SAMPLING,
        noise: Noise::Gumbel,
        lookahead: 16,
        score: false,
    };
    let ended = draw(predictor.as_mut(), &drawings, &settings, &cancel, &mut watch);
    if let Err(DrawError::Predict(error)) = ended {
        return Err(error.into());
    }
    tell(&format!(
        "first row of a {} picture, window 16: {:.2} s after its start ({forwards} forwards)",
        shape.size,
        first.unwrap_or_default()
    ));
    Ok(())
}
