//! The arguments of every command that loads a model.

use super::values::threads;
use crate::engine_room::ModelSource;
use crate::task::{Device, KvCache};
use clap::Args as Group;
use std::path::PathBuf;

/// Which model, and where it runs.
#[derive(Debug, Clone, Default, Group)]
pub struct ModelArgs {
    /// A .gguf file or a Hugging Face folder; the built-in starter when absent
    #[arg(long, value_name = "FILE|FOLDER")]
    pub model: Option<PathBuf>,
    /// The picture codec of a folder: .ckpt or .safetensors
    #[arg(long, value_name = "FILE")]
    pub movq: Option<PathBuf>,
    /// The codec's configuration, when it differs from the published one
    #[arg(long, value_name = "FILE", requires = "movq")]
    pub movq_config: Option<PathBuf>,
    #[arg(long, default_value = "auto")]
    pub device: Device,
    /// Keys and values on an NVIDIA card: 8 bits a number, or 16, which is finer and takes twice the memory
    #[arg(long, default_value = "q8")]
    pub kv: KvCache,
    /// All cores when absent
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

impl From<&ModelArgs> for ModelSource {
    fn from(args: &ModelArgs) -> Self {
        Self {
            model: args.model.clone(),
            movq: args.movq.clone(),
            movq_config: args.movq_config.clone(),
            device: args.device,
            kv: args.kv,
            threads: args.threads,
        }
    }
}
