//! Which model is asked for, and where it shall run.

use crate::hub;
use crate::model::bundle::{Bundle, Source};
use crate::model::discovery;
use crate::model::network::Hardware;
use crate::session::Session;
use crate::task::{Device, Failure, KvCache};
use std::path::{Path, PathBuf};

/// Which model, and where it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelSource {
    /// A `.gguf` or a Hugging Face folder; the built-in starter when `None`.
    pub model: Option<PathBuf>,
    /// The image tokenizer of a folder; the one in the folder when `None`.
    pub movq: Option<PathBuf>,
    /// Its sizes; `movq.json` beside it, else read off its tensors.
    pub movq_config: Option<PathBuf>,
    pub device: Device,
    pub kv: KvCache,
    /// All cores when `None`.
    pub threads: Option<usize>,
}

impl ModelSource {
    /// A model of which only the path is known: the image tokenizer of a folder is looked for in it,
    /// beside it and in the Hugging Face cache.
    pub fn found(model: Option<&Path>, device: Device) -> Self {
        Self {
            model: model.map(Path::to_owned),
            movq: model.filter(|path| path.is_dir()).and_then(movq_for),
            device,
            ..Self::default()
        }
    }

    pub(super) fn source(&self) -> Source {
        Source {
            model: self.model.clone(),
            movq: self.movq.clone(),
            movq_config: self.movq_config.clone(),
            quant: None,
            device: self.device,
            kv: self.kv,
        }
    }

    /// Loads the model for work on this thread.
    pub(super) fn session(&self) -> Result<Session, Failure> {
        Ok(Session::new(Bundle::open(&self.source())?))
    }
}

/// The image tokenizer of a checkpoint folder, wherever it lies.
pub(super) fn movq_for(folder: &Path) -> Option<PathBuf> {
    discovery::movq_for(folder, hub::cache_of_user().as_deref())
}

/// Refuses a device that cannot be used, and sets the number of threads.
pub(super) fn prepare(device: Device, threads: Option<usize>) -> Result<(), Failure> {
    if let Some(threads) = threads {
        // A pool that is already running keeps its size.
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global();
    }
    // These two can always be used.
    if matches!(device, Device::Auto | Device::Cpu) {
        return Ok(());
    }
    let opened = Hardware::open(device, KvCache::default());
    opened.map(|_| ()).map_err(|e| Failure::usage(e.to_string()))
}
