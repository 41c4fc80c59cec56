//! The decoder wherever it runs: by our own loops on a CPU, of candle's operations elsewhere.

use super::config::Config;
use super::device_decoder::DeviceDecoder;
use super::transformer::{Decoder, Head};
use super::weights::{ModelError, Quant, Weights};
use crate::decode::Predictor;
use candle_core::Device;
use std::sync::Arc;

/// The device a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// CUDA or Metal where this build and this machine have it, else the CPU.
    #[default]
    Auto,
    Cpu,
    Cuda,
    Metal,
}

impl Place {
    /// Opens the device, or says why it cannot be used.
    pub fn open(self) -> Result<Device, ModelError> {
        let reason = |name: &str, why: String| {
            ModelError::Config(format!(
                "{name} cannot be used ({why}): leave out --device or use --device cpu"
            ))
        };
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto => Ok(Self::Cuda
                .open()
                .or_else(|_| Self::Metal.open())
                .unwrap_or(Device::Cpu)),
            Self::Cuda if !candle_core::utils::cuda_is_available() => Err(reason(
                "CUDA",
                "this build has no CUDA, it is the feature `cuda`".to_owned(),
            )),
            Self::Cuda => Device::new_cuda(0).map_err(|e| reason("CUDA", super::weights::first_line(&e))),
            Self::Metal if !candle_core::utils::metal_is_available() => Err(reason(
                "Metal",
                "this build has no Metal, it is the feature `metal`".to_owned(),
            )),
            Self::Metal => Device::new_metal(0).map_err(|e| reason("Metal", super::weights::first_line(&e))),
        }
    }
}

/// A short name of a device, for people.
pub fn device_name(device: &Device) -> String {
    match device {
        Device::Cpu => format!("CPU · {} threads", rayon::current_num_threads()),
        Device::Cuda(_) => "CUDA".to_owned(),
        Device::Metal(_) => "Metal".to_owned(),
    }
}

/// A loaded decoder; shared by every task drawn with it.
#[derive(Clone)]
pub enum Network {
    Cpu(Arc<Decoder>),
    Device(Arc<DeviceDecoder>),
}

impl Network {
    /// Loads a decoder to `device`; `quant` brings its matrices to another format than the stored
    /// one.
    pub fn load(
        weights: &dyn Weights,
        config: &Config,
        head: &Head,
        quant: Option<Quant>,
        device: &Device,
    ) -> Result<Self, ModelError> {
        Ok(match device {
            Device::Cpu => Self::Cpu(Arc::new(Decoder::load(weights, config, head, quant)?)),
            _ => Self::Device(Arc::new(DeviceDecoder::load(
                weights, config, head, quant, device,
            )?)),
        })
    }

    pub fn config(&self) -> &Config {
        match self {
            Self::Cpu(decoder) => decoder.config(),
            Self::Device(decoder) => decoder.config(),
        }
    }

    /// Bytes of the memory of one lane that holds `capacity` tokens.
    pub fn lane_bytes(&self, capacity: usize) -> usize {
        match self {
            Self::Cpu(decoder) => decoder.lane_bytes(capacity),
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
            Self::Device(decoder) => Box::new(DeviceDecoder::predictor(decoder, lanes, capacity)?),
        })
    }
}
