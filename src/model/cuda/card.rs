//! A card that can be used, or in one sentence why there is none; its kernels by file and name.

use super::driver::{self, Context, Fault, Features, Kernel, Module};
use crate::model::weights::ModelError;
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

/// The oldest CUDA whose driver runs the PTX here (`shaders/cuda/ptx.py` says which made it).
const OLDEST: i32 = 12_040;
/// The oldest compute capability the kernels are written for.
const LEAST: (i32, i32) = (8, 0);

/// Why no card is used on most machines without one.
pub const NO_DRIVER: &str = "no NVIDIA driver was found";

/// A file of kernels: its PTX for compute capability 8.0 and for 9.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum File {
    Decoder,
    Choose,
    Repack,
    ProductQ4,
    /// For cards whose blocks get less shared memory.
    ProductQ4Lean,
    ProductQ8,
    ProductHalf,
    Movq,
}

macro_rules! ptx {
    ($name:literal) => {
        [
            include_bytes!(concat!("../../../shaders/cuda/", $name, ".sm80.ptx.gz")).as_slice(),
            include_bytes!(concat!("../../../shaders/cuda/", $name, ".sm90.ptx.gz")).as_slice(),
        ]
    };
}

impl File {
    fn packed(self) -> [&'static [u8]; 2] {
        match self {
            Self::Decoder => ptx!("decoder"),
            Self::Choose => ptx!("choose"),
            Self::Repack => ptx!("repack"),
            Self::ProductQ4 => ptx!("product_q4"),
            Self::ProductQ4Lean => ptx!("product_q4_lean"),
            Self::ProductQ8 => ptx!("product_q8"),
            Self::ProductHalf => ptx!("product_half"),
            Self::Movq => ptx!("movq"),
        }
    }
}

/// A card in use.
pub struct Card {
    pub(super) context: Arc<Context>,
    pub(super) features: Features,
    modules: Mutex<BTreeMap<File, Module>>,
}

/// `12040` as `12.4`.
fn spelled(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

/// The best card of this machine and its ordinal: of those that will do the one with most memory.
fn find() -> Result<(i32, Features), String> {
    let failed = |fault: Fault| {
        format!(
            "the NVIDIA driver does not answer ({}: {})",
            fault.call,
            fault.name()
        )
    };
    if !driver::is_present() {
        return Err(NO_DRIVER.to_owned());
    }
    let missing = driver::missing();
    if let Some(function) = missing.first() {
        return Err(format!(
            "the NVIDIA driver lacks {function}: install one of CUDA {} or newer",
            spelled(OLDEST)
        ));
    }
    match driver::start() {
        Err(fault) if fault.name() == "CUDA_ERROR_NO_DEVICE" => {
            return Err("there is an NVIDIA driver, but no card".to_owned());
        }
        started => started.map_err(failed)?,
    }
    let version = driver::version().map_err(failed)?;
    if version < OLDEST {
        return Err(format!(
            "the NVIDIA driver is of CUDA {}, {} or newer is needed: install driver 550 or newer",
            spelled(version),
            spelled(OLDEST)
        ));
    }
    let mut best: Option<(i32, Features)> = None;
    let mut unfit = None;
    for ordinal in 0..driver::count().map_err(failed)? {
        let features = driver::features(ordinal).map_err(failed)?;
        if features.capability < LEAST {
            unfit = Some(features);
        } else if best
            .as_ref()
            .is_none_or(|(_, best)| features.total_bytes > best.total_bytes)
        {
            best = Some((ordinal, features));
        }
    }
    best.ok_or_else(|| match unfit {
        Some(card) => format!(
            "the {} has compute capability {}.{}, {}.{} or more is needed",
            card.name, card.capability.0, card.capability.1, LEAST.0, LEAST.1
        ),
        None => "there is an NVIDIA driver, but no card".to_owned(),
    })
}

/// What is worth saying of the best card without using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSummary {
    pub name: String,
    pub free_bytes: u64,
}

/// The card that would be used, or why none can be.
pub fn survey() -> Result<CardSummary, String> {
    let card = Card::open()?;
    Ok(CardSummary {
        name: card.features.name.clone(),
        free_bytes: card.free_bytes(),
    })
}

impl Card {
    /// Opens the best card, or says in one sentence why none can be used.
    pub fn open() -> Result<Arc<Self>, String> {
        let (ordinal, features) = find()?;
        let context = Context::new(ordinal).map_err(|fault| {
            format!(
                "the {} cannot be used ({}: {})",
                features.name,
                fault.call,
                fault.name()
            )
        })?;
        Ok(Arc::new(Self {
            context,
            features,
            modules: Mutex::default(),
        }))
    }

    pub fn name(&self) -> &str {
        &self.features.name
    }

    /// Bytes of its memory nobody uses; 0 where it does not say.
    pub fn free_bytes(&self) -> u64 {
        self.context.memory().map_or(0, |(free, _)| free)
    }

    /// A kernel by file and name; the file is compiled for the card when it is first asked for (the
    /// driver keeps what it compiled for the next start). `shared_bytes`: most it will ask for.
    pub(super) fn kernel(&self, file: File, name: &str, shared_bytes: usize) -> Result<Kernel, ModelError> {
        let mut modules = self
            .modules
            .lock()
            .map_err(|_| ModelError::Card("the NVIDIA card's kernels are in an unknown state".to_owned()))?;
        let module = match modules.entry(file) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(self.compile(file)?),
        };
        let name = CString::new(name).map_err(|_| ModelError::Card(format!("`{name}` is no kernel")))?;
        Ok(module.kernel(&name, shared_bytes)?)
    }

    /// Compiles files side by side before they are asked for: the first time on a machine it takes a second
    /// or more each.
    pub(super) fn prepare(&self, files: &[File]) -> Result<(), ModelError> {
        let unknown = || ModelError::Card("the NVIDIA card's kernels are in an unknown state".to_owned());
        let known: Vec<File> = self
            .modules
            .lock()
            .map_err(|_| unknown())?
            .keys()
            .copied()
            .collect();
        let compiled: Vec<_> = std::thread::scope(|scope| {
            let new = files.iter().filter(|file| !known.contains(file));
            let started: Vec<_> = new
                .map(|file| scope.spawn(|| Ok::<_, ModelError>((*file, self.compile(*file)?))))
                .collect();
            started.into_iter().map(|thread| thread.join()).collect()
        });
        let mut modules = self.modules.lock().map_err(|_| unknown())?;
        for outcome in compiled {
            let (file, module) = outcome.map_err(|_| unknown())??;
            modules.entry(file).or_insert(module);
        }
        Ok(())
    }

    fn compile(&self, file: File) -> Result<Module, ModelError> {
        let [eight, nine] = file.packed();
        let packed = if self.features.capability >= (9, 0) {
            nine
        } else {
            eight
        };
        let mut ptx = Vec::new();
        GzDecoder::new(packed)
            .read_to_end(&mut ptx)
            .map_err(|e| ModelError::Card(format!("the kernels in this program are damaged ({e})")))?;
        let ptx = CString::new(ptx)
            .map_err(|_| ModelError::Card("the kernels in this program are damaged".to_owned()))?;
        Ok(self.context.module(&ptx)?)
    }
}
