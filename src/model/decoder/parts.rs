//! What all decoders share, wherever they run: which rows of the head they compute, the embedding,
//! and what a lane has room for.

use super::config::Config;
use crate::decode::Feed;
use crate::model::weights::{ModelError, Stored, Weights};
use crate::task::Format;
use candle_core::{DType, Device, Tensor};
use std::ops::Range;

/// Half types are widened where there is room: candle's products of half types round the
/// activations too.
pub(crate) fn widened(weights: &dyn Weights, config: &Config) -> Result<Option<Format>, ModelError> {
    let first = config
        .tensors()
        .into_iter()
        .find(|(name, _)| name.contains("_proj.weight"));
    Ok(match first {
        Some((name, shape)) if config.is_small() => match weights.stored_as(&name, &shape)? {
            Stored::Plain(_) => Some(Format::F32),
            Stored::Quantized(_) => None,
        },
        _ => None,
    })
}

/// Which rows of the head a decoder computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// Every token of the vocabulary.
    Full,
    /// The picture codes only.
    Codes(std::ops::Range<u32>),
}

impl Head {
    /// The rows that are asked for, of a vocabulary's.
    pub(crate) fn ids(&self, config: &Config) -> Result<Range<usize>, ModelError> {
        match self {
            Self::Full => Ok(0..config.vocab_size),
            Self::Codes(ids) if (ids.end as usize) <= config.vocab_size => {
                Ok(ids.start as usize..ids.end as usize)
            }
            Self::Codes(ids) => Err(ModelError::Config(format!(
                "the picture codes {ids:?} lie outside the vocabulary of {}: this model can be verified, not drawn with",
                config.vocab_size
            ))),
        }
    }
}

/// The rows of the head that are asked for, and how many they are.
pub(crate) fn head_rows(
    weights: &dyn Weights,
    config: &Config,
    head: &Head,
) -> Result<(Stored, usize), ModelError> {
    let shape = [config.vocab_size, config.hidden_size];
    let rows = head.ids(config)?;
    Ok((
        weights.stored_rows(config.head_name(), &shape, rows.clone())?,
        rows.len(),
    ))
}

/// Rows of the embedding, one below the other.
pub(crate) fn embed(embedding: &Stored, config: &Config, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
    if let Some(id) = tokens.iter().find(|id| **id as usize >= config.vocab_size) {
        return Err(ModelError::Config(format!(
            "token {id} is outside the vocabulary of {}",
            config.vocab_size
        )));
    }
    let ids = Tensor::new(tokens, &Device::Cpu)?;
    let rows = match embedding {
        Stored::Plain(table) => table.index_select(&ids, 0)?.to_dtype(DType::F32)?,
        Stored::Quantized(table) => table.embedding(&ids)?,
    };
    Ok(rows.flatten_all()?.to_vec1()?)
}

/// Refuses a feed of more tokens than its lane holds.
pub(crate) fn room_for(feed: &Feed<'_>, capacity: usize) -> Result<(), ModelError> {
    if feed.at + feed.tokens.len() > capacity {
        return Err(ModelError::Config(format!(
            "lane {} holds {capacity} tokens, not more",
            feed.lane
        )));
    }
    Ok(())
}
