//! The image tokenizer of candle's tensors.

use super::config::MovqConfig;
use super::conv::Pointwise;
use super::layers::{Half, Scope, decoder, encoder, pointwise};
use super::norm::Then;
use crate::model::memory::affordable;
use crate::model::weights::{ModelError, Weights};
use crate::pixels::Pixels;
use crate::token::Grid;
use candle_core::{Device, Tensor};

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// A loaded image tokenizer.
pub struct Movq {
    encoder: Half,
    decoder: Half,
    quant_conv: Pointwise,
    post_quant_conv: Pointwise,
    config: MovqConfig,
    /// [codes, dim]
    codebook: Tensor,
    vectors: Vec<Vec<f32>>,
}

/// Codes of a picture, with the distances that chose them.
pub struct Encoded {
    pub codes: Vec<u32>,
    /// Euclidean distance to the nearest code.
    pub best: Vec<f32>,
    /// Euclidean distance to the next one.
    pub second: Vec<f32>,
}

/// Refuses what is no number: as pixels it would be black.
fn all_numbers<'a>(values: impl IntoIterator<Item = &'a f32>) -> Result<()> {
    match values.into_iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(ModelError::Config(
            "the image tokenizer computes no numbers, for its weights are damaged: get the original file"
                .to_owned(),
        )),
    }
}

impl Movq {
    /// Loads an image tokenizer whose tensors' names begin with `prefix`.
    ///
    /// # Errors
    /// A tensor is missing, damaged or of another shape than `config` says, or the device fails.
    pub fn load(weights: &dyn Weights, prefix: &str, config: &MovqConfig, device: &Device) -> Result<Self> {
        let scope = Scope {
            weights,
            name: prefix.to_owned(),
            device,
            embed_dim: config.embed_dim,
        };
        let dd = &config.ddconfig;
        let codebook = scope.get("quantize.embedding.weight", &[config.n_embed, config.embed_dim])?;
        let outs = dd.encoder_outs();
        Ok(Self {
            encoder: encoder(&scope.at("encoder"), dd)?,
            decoder: decoder(&scope.at("decoder"), dd)?,
            quant_conv: pointwise(&scope.at("quant_conv"), outs, config.embed_dim)?,
            post_quant_conv: pointwise(&scope.at("post_quant_conv"), config.embed_dim, dd.z_channels)?,
            vectors: codebook.to_vec2()?,
            config: config.clone(),
            codebook,
        })
    }

    /// The code vectors, [codes][dim].
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors
    }

    /// Codes of a picture, row by row.
    ///
    /// # Errors
    /// The tensor library fails.
    pub fn encode(&self, pixels: &Pixels) -> Result<Vec<u32>> {
        Ok(self.encode_detail(pixels)?.codes)
    }

    /// Codes of a picture, and how near they are.
    ///
    /// # Errors
    /// The tensor library fails.
    pub fn encode_detail(&self, pixels: &Pixels) -> Result<Encoded> {
        let size = pixels.size();
        let values: Vec<f32> = pixels
            .rgb()
            .iter()
            .map(|v| f32::from(*v) / 255.0 * 2.0 - 1.0)
            .collect();
        let shape = (1, size.height as usize, size.width as usize, 3);
        let x = Tensor::from_vec(values, shape, self.codebook.device())?
            .permute((0, 3, 1, 2))?
            .contiguous()?;
        let mut x = self.encoder.conv_in.forward(&x)?;
        for level in &self.encoder.levels {
            x = level.forward(&x, None)?;
            if let Some(conv) = &level.resample {
                x = conv.forward(&x)?;
            }
        }
        let x = self.encoder.middle.forward(&x, None)?;
        let x = self
            .encoder
            .conv_out
            .forward(&self.encoder.norm_out.forward(&x, None, Then::Swish)?)?;
        let prequant = self.quant_conv.forward(&x)?.squeeze(0)?;
        // Before distances are compared: they would all be alike.
        let points: Vec<Vec<f32>> = prequant.flatten_from(1)?.t()?.contiguous()?.to_vec2()?;
        all_numbers(points.iter().flatten())?;
        let mut encoded = Encoded {
            codes: Vec::new(),
            best: Vec::new(),
            second: Vec::new(),
        };
        for point in &points {
            let (mut best, mut second) = ((f32::INFINITY, 0), f32::INFINITY);
            for (code, vector) in self.vectors.iter().enumerate() {
                let distance: f32 = point.iter().zip(vector).map(|(a, b)| (a - b) * (a - b)).sum();
                if distance < best.0 {
                    second = best.0;
                    best = (distance, code);
                } else if distance < second {
                    second = distance;
                }
            }
            encoded.codes.push(best.1 as u32);
            encoded.best.push(best.0.sqrt());
            encoded.second.push(second.sqrt());
        }
        Ok(encoded)
    }

    /// The decoder's output for a whole grid, [3, height, width], not clamped.
    ///
    /// # Errors
    /// The codes are not those of a whole grid or not of this tokenizer, or the memory does not suffice.
    pub fn decode_raw(&self, codes: &[u32], grid: Grid) -> Result<Tensor> {
        if codes.len() != grid.codes() || codes.iter().any(|code| *code as usize >= self.vectors.len()) {
            return Err(ModelError::Config(format!(
                "{} stored tokens do not make a picture of {}",
                codes.len(),
                grid.pixels()
            )));
        }
        if matches!(self.codebook.device(), Device::Cpu) {
            affordable(
                "making the picture of its codes",
                self.config.decode_bytes(grid.pixels()),
            )?;
        }
        let ids = Tensor::new(codes, self.codebook.device())?;
        let dim = self.codebook.dim(1)?;
        let shape = (1, grid.rows as usize, grid.columns as usize, dim);
        let z = self
            .codebook
            .index_select(&ids, 0)?
            .reshape(shape)?
            .permute((0, 3, 1, 2))?
            .contiguous()?;
        let x = self.decoder.conv_in.forward(&self.post_quant_conv.forward(&z)?)?;
        let mut x = self.decoder.middle.forward(&x, Some(&z))?;
        for level in &self.decoder.levels {
            x = level.forward(&x, Some(&z))?;
            if let Some(conv) = &level.resample {
                x = conv.forward(&x)?;
            }
        }
        let x = self.decoder.norm_out.forward(&x, Some(&z), Then::Swish)?;
        Ok(self.decoder.conv_out.forward(&x)?.squeeze(0)?)
    }

    /// The picture of a whole grid: pixel = round((clamp(v) + 1) * 127.5).
    ///
    /// # Errors
    /// As [`Movq::decode_raw`], and a tokenizer that makes no 8x8 pixels of a code.
    pub fn decode(&self, codes: &[u32], grid: Grid) -> Result<Pixels> {
        let raw = self.decode_raw(codes, grid)?.permute((1, 2, 0))?.contiguous()?;
        let values: Vec<f32> = raw.flatten_all()?.to_vec1()?;
        all_numbers(&values)?;
        let rgb = values
            .iter()
            .map(|v| ((v.clamp(-1.0, 1.0) + 1.0) * 127.5).round_ties_even() as u8)
            .collect();
        Pixels::new(grid.pixels(), rgb)
            .ok_or_else(|| ModelError::Config("the image tokenizer does not scale by 8".to_owned()))
    }
}
