//! The image tokenizer wherever it runs: of candle's tensors, or by our own kernels on an NVIDIA card.

use super::{Encoded, Movq, MovqConfig};
use crate::model::cuda::CardMovq;
use crate::model::network::Hardware;
use crate::model::weights::{ModelError, Weights};
use crate::pixels::Pixels;
use crate::token::Grid;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// A loaded image tokenizer.
pub enum PictureCodec {
    Tensors(Box<Movq>),
    Card(Box<CardMovq>),
}

impl PictureCodec {
    /// Loads an image tokenizer whose tensors' names begin with `prefix`.
    ///
    /// # Errors
    /// A tensor is missing, damaged or of another shape than `config` says, or the hardware fails.
    pub fn load(
        weights: &dyn Weights,
        prefix: &str,
        config: &MovqConfig,
        hardware: &Hardware,
    ) -> Result<Self> {
        Ok(match hardware {
            Hardware::Card(card, _) => Self::Card(Box::new(CardMovq::load(card, weights, prefix, config)?)),
            Hardware::Cpu | Hardware::Metal(_) => Self::Tensors(Box::new(Movq::load(
                weights,
                prefix,
                config,
                &hardware.tensors(),
            )?)),
        })
    }

    /// The code vectors, [codes][dim].
    pub fn vectors(&self) -> &[Vec<f32>] {
        match self {
            Self::Tensors(movq) => movq.vectors(),
            Self::Card(movq) => movq.vectors(),
        }
    }

    /// Codes of a picture, row by row.
    ///
    /// # Errors
    /// The tensor library or the card fails.
    pub fn encode(&self, pixels: &Pixels) -> Result<Vec<u32>> {
        Ok(self.encode_detail(pixels)?.codes)
    }

    /// Codes of a picture, and how near they are.
    ///
    /// # Errors
    /// As [`PictureCodec::encode`].
    pub fn encode_detail(&self, pixels: &Pixels) -> Result<Encoded> {
        match self {
            Self::Tensors(movq) => movq.encode_detail(pixels),
            Self::Card(movq) => movq.encode_detail(pixels),
        }
    }

    /// The decoder's output for a whole grid, [3][height][width], not clamped.
    ///
    /// # Errors
    /// The codes are not those of a whole grid or not of this tokenizer, or the memory does not suffice.
    pub fn decode_raw(&self, codes: &[u32], grid: Grid) -> Result<Vec<f32>> {
        match self {
            Self::Tensors(movq) => Ok(movq.decode_raw(codes, grid)?.flatten_all()?.to_vec1()?),
            Self::Card(movq) => movq.decode_raw(codes, grid),
        }
    }

    /// The picture of a whole grid: pixel = round((clamp(v) + 1) * 127.5).
    ///
    /// # Errors
    /// As [`PictureCodec::decode_raw`], and a tokenizer that makes no 8x8 pixels of a code.
    pub fn decode(&self, codes: &[u32], grid: Grid) -> Result<Pixels> {
        match self {
            Self::Tensors(movq) => movq.decode(codes, grid),
            Self::Card(movq) => movq.decode(codes, grid),
        }
    }
}
