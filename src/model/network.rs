//! The decoder wherever it runs: by our own loops on a CPU, by our own kernels on an NVIDIA card, of
//! candle's operations elsewhere.

use super::cuda::{Card, CardDecoder, CardPredictor};
use super::decoder::config::Config;
use super::decoder::cpu::Decoder;
use super::decoder::device::DeviceDecoder;
use super::decoder::parts::Head;
use super::weights::{ModelError, Weights};
use crate::decode::Predictor;
use crate::task::{Device, Format, KvCache};
use std::sync::Arc;

/// What a model computes on.
#[derive(Clone)]
pub enum Hardware {
    Cpu,
    /// An NVIDIA card, and how keys and values are kept there.
    Card(Arc<Card>, KvCache),
    Metal(candle_core::Device),
}

impl Hardware {
    /// Opens the device a user asks for, or says why it cannot be used.
    ///
    /// # Errors
    /// The device is not there or cannot be used; `Auto` and `Cpu` never fail.
    pub fn open(device: Device, kv: KvCache) -> Result<Self, ModelError> {
        let reason = |name: &str, why: String| {
            ModelError::Config(format!(
                "{name} cannot be used ({why}): leave out --device or use --device cpu"
            ))
        };
        match device {
            Device::Cpu => Ok(Self::Cpu),
            Device::Auto => Ok(Self::choose(device, kv)?.0),
            Device::Cuda => match Card::open() {
                Ok(card) => Ok(Self::Card(card, kv)),
                Err(why) => Err(reason("CUDA", why)),
            },
            Device::Metal if !candle_core::utils::metal_is_available() => Err(reason(
                "Metal",
                "this build has no Metal, it is the feature `metal`".to_owned(),
            )),
            Device::Metal => match candle_core::Device::new_metal(0) {
                Ok(device) => Ok(Self::Metal(device)),
                Err(e) => Err(reason("Metal", super::weights::first_line(&e))),
            },
        }
    }

    /// Opens the device; where it was left to the program and an NVIDIA card is there but will not do, also
    /// says why.
    pub(super) fn choose(device: Device, kv: KvCache) -> Result<(Self, Option<String>), ModelError> {
        if device != Device::Auto {
            return Ok((Self::open(device, kv)?, None));
        }
        match Card::open() {
            Ok(card) => Ok((Self::Card(card, kv), None)),
            Err(why) => {
                let hardware = Self::open(Device::Metal, kv).unwrap_or(Self::Cpu);
                Ok((hardware, (why != super::cuda::NO_DRIVER).then_some(why)))
            }
        }
    }

    /// A short name, for people.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu => format!("CPU · {} threads", rayon::current_num_threads()),
            Self::Card(card, _) => card.name().to_owned(),
            Self::Metal(_) => "Metal".to_owned(),
        }
    }

    /// Where candle's tensors lie: beside the CPU unless candle computes.
    pub fn tensors(&self) -> candle_core::Device {
        match self {
            Self::Cpu | Self::Card(..) => candle_core::Device::Cpu,
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
    ///
    /// # Errors
    /// A tensor is missing, damaged or of another shape than `config` says, or a card has too little memory.
    pub fn load(
        weights: &dyn Weights,
        config: &Config,
        head: &Head,
        quant: Option<Format>,
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
    ///
    /// # Errors
    /// [`ModelError::Config`] with what to choose instead.
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
    ///
    /// # Errors
    /// `capacity` is more than the model holds, or the memory does not suffice.
    pub fn predictor(&self, lanes: usize, capacity: usize) -> Result<Box<dyn Predictor>, ModelError> {
        self.room_for(capacity)?;
        Ok(match self {
            Self::Cpu(decoder) => Box::new(decoder.predictor(lanes, capacity)?),
            Self::Card(decoder) => Box::new(CardPredictor::new(decoder, lanes, capacity)?),
            Self::Device(decoder) => Box::new(DeviceDecoder::predictor(decoder, lanes, capacity)?),
        })
    }
}
