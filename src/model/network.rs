//! The decoder wherever it runs: by our own loops on a CPU, by our own kernels on an NVIDIA card, of
//! candle's operations elsewhere.

use super::cuda::{Card, CardDecoder, CardPredictor, KvCache};
use super::decoder::config::Config;
use super::decoder::cpu::{Decoder, Head};
use super::decoder::device::DeviceDecoder;
use super::weights::{ModelError, Quant, Weights};
use crate::decode::Predictor;
use candle_core::Device;
use std::sync::Arc;

/// The device a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// An NVIDIA card or Metal where this machine has one that will do, else the CPU.
    #[default]
    Auto,
    Cpu,
    Cuda,
    Metal,
}

/// What a model computes on.
#[derive(Clone)]
pub enum Hardware {
    Cpu,
    /// An NVIDIA card, and how keys and values are kept there.
    Card(Arc<Card>, KvCache),
    Metal(Device),
}

impl Place {
    /// Opens the device, or says why it cannot be used.
    pub fn open(self, kv: KvCache) -> Result<Hardware, ModelError> {
        let reason = |name: &str, why: String| {
            ModelError::Config(format!(
                "{name} cannot be used ({why}): leave out --device or use --device cpu"
            ))
        };
        match self {
            Self::Cpu => Ok(Hardware::Cpu),
            Self::Auto => Ok(self.choose(kv)?.0),
            Self::Cuda => match Card::open() {
                Ok(card) => Ok(Hardware::Card(card, kv)),
                Err(why) => Err(reason("CUDA", why)),
            },
            Self::Metal if !candle_core::utils::metal_is_available() => Err(reason(
                "Metal",
                "this build has no Metal, it is the feature `metal`".to_owned(),
            )),
            Self::Metal => match Device::new_metal(0) {
                Ok(device) => Ok(Hardware::Metal(device)),
                Err(e) => Err(reason("Metal", super::weights::first_line(&e))),
            },
        }
    }

    /// Opens the device; where it was left to the program and an NVIDIA card is there but will not do, also
    /// says why.
    pub(super) fn choose(self, kv: KvCache) -> Result<(Hardware, Option<String>), ModelError> {
        if self != Self::Auto {
            return Ok((self.open(kv)?, None));
        }
        match Card::open() {
            Ok(card) => Ok((Hardware::Card(card, kv), None)),
            Err(why) => {
                let hardware = Self::Metal.open(kv).unwrap_or(Hardware::Cpu);
                Ok((hardware, (why != super::cuda::NO_DRIVER).then_some(why)))
            }
        }
    }
}

impl Hardware {
    /// A short name, for people.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu => format!("CPU · {} threads", rayon::current_num_threads()),
            Self::Card(card, _) => card.name().to_owned(),
            Self::Metal(_) => "Metal".to_owned(),
        }
    }

    /// Where candle's tensors lie: beside the CPU unless candle computes.
    pub fn tensors(&self) -> Device {
        match self {
            Self::Cpu | Self::Card(..) => Device::Cpu,
            Self::Metal(device) => device.clone(),
        }
    }
}

/// A loaded decoder; shared by every task drawn with it.
#[derive(Clone)]
pub enum Network {
    Cpu(Arc<Decoder>),
    Card(Arc<CardDecoder>),
    Device(Arc<DeviceDecoder>),
}

impl Network {
    /// Loads a decoder to `hardware`; `quant` brings its matrices to another format than the stored
    /// one.
    pub fn load(
        weights: &dyn Weights,
        config: &Config,
        head: &Head,
        quant: Option<Quant>,
        hardware: &Hardware,
    ) -> Result<Self, ModelError> {
        Ok(match hardware {
            Hardware::Cpu => Self::Cpu(Arc::new(Decoder::load(weights, config, head, quant)?)),
            Hardware::Card(card, kv) => Self::Card(Arc::new(CardDecoder::load(
                card, weights, config, head, quant, *kv,
            )?)),
            Hardware::Metal(device) => Self::Device(Arc::new(DeviceDecoder::load(
                weights, config, head, quant, device,
            )?)),
        })
    }

    pub fn config(&self) -> &Config {
        match self {
            Self::Cpu(decoder) => decoder.config(),
            Self::Card(decoder) => decoder.config(),
            Self::Device(decoder) => decoder.config(),
        }
    }

    /// Bytes of the memory of one lane that holds `capacity` tokens.
    pub fn lane_bytes(&self, capacity: usize) -> usize {
        match self {
            Self::Cpu(decoder) => decoder.lane_bytes(capacity),
            Self::Card(decoder) => decoder.lane_bytes(capacity),
            Self::Device(decoder) => decoder.lane_bytes(capacity),
        }
    }

    /// Refuses streams of more tokens than the model holds.
    pub fn room_for(&self, needed: usize) -> Result<(), ModelError> {
        let held = self.config().max_position_embeddings;
        if needed > held {
            return Err(ModelError::Config(format!(
                "prompt and picture need {needed} tokens, this model holds {held}: choose a smaller picture or a shorter prompt"
            )));
        }
        Ok(())
    }

    /// A predictor with `lanes` lanes that can each hold `capacity` tokens. Its cache is
    /// allocated here, once.
    pub fn predictor(&self, lanes: usize, capacity: usize) -> Result<Box<dyn Predictor>, ModelError> {
        self.room_for(capacity)?;
        Ok(match self {
            Self::Cpu(decoder) => Box::new(decoder.predictor(lanes, capacity)?),
            Self::Card(decoder) => Box::new(CardPredictor::new(decoder, lanes, capacity)?),
            Self::Device(decoder) => Box::new(DeviceDecoder::predictor(decoder, lanes, capacity)?),
        })
    }
}
