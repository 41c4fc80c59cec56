//! What is told of models: what one is and needs, where it can compute, how one is made.
//!
//! Plain data, read off the headers of files by the model's side and shown by the window.

use super::Failure;
use crate::pixels::Size;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where a model computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A GPU where this build and this machine have one that will do, else the CPU.
    #[default]
    Auto,
    Cpu,
    /// An NVIDIA card.
    Cuda,
    Metal,
}

impl Device {
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Cuda, Self::Metal];

    /// The word used on the command line and in stored settings, and the one for people.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Auto => ("auto", "Automatic"),
            Self::Cpu => ("cpu", "CPU"),
            Self::Cuda => ("cuda", "CUDA"),
            Self::Metal => ("metal", "Metal"),
        }
    }

    /// As the command line and stored settings name it.
    pub fn name(self) -> &'static str {
        self.names().0
    }

    /// As people are told of it.
    pub fn title(self) -> &'static str {
        self.names().1
    }
}

/// A device of this machine, and why it cannot be used if it cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    pub device: Device,
    /// "16 threads", "NVIDIA RTX 4090"; empty where nothing is known.
    pub about: String,
    pub hindrance: Option<String>,
    /// Of its own memory; `None` where it shares the machine's or nothing is known.
    pub free_bytes: Option<u64>,
}

/// How keys and values are kept on an NVIDIA card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum KvCache {
    /// 8 bits a number, and a scale for each head and position.
    #[default]
    Bytes,
    /// f16: finer than the bf16 of the published code, twice as long as bytes.
    Half,
}

impl KvCache {
    pub const ALL: [Self; 2] = [Self::Bytes, Self::Half];

    /// As the command line names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "q8",
            Self::Half => "f16",
        }
    }
}

/// How the decoder's matrices are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Format {
    #[default]
    Q4K,
    Q8_0,
    F16,
    Bf16,
    F32,
}

impl Format {
    /// The smallest first.
    pub const ALL: [Self; 5] = [Self::Q4K, Self::Q8_0, Self::F16, Self::Bf16, Self::F32];
    /// What people may import to. No model is published in f32: such a file would only be larger.
    pub const OFFERED: [Self; 4] = [Self::Q4K, Self::Q8_0, Self::F16, Self::Bf16];

    /// As files and the command line name it, and what it costs and gives.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Q4K => (
                "q4_k",
                "smallest and fastest; its pictures differ from the exact ones",
            ),
            Self::Q8_0 => ("q8_0", "nearly the exact pictures at about half the size of f16"),
            Self::F16 => ("f16", "as published, rounded to half precision; the largest"),
            Self::Bf16 => (
                "bf16",
                "as published bit for bit where the checkpoint is bf16; the largest",
            ),
            Self::F32 => ("f32", "every bit of any checkpoint at twice the size of f16"),
        }
    }

    /// As files and the command line name it.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What it costs and gives.
    pub fn about(self) -> &'static str {
        self.words().1
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| format!("`{text}` is no format: use q4_k, q8_0, f16, bf16 or f32"))
    }
}

/// Bytes of memory a model takes to draw one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Needs {
    /// Decoder and image tokenizer.
    pub weights: u64,
    /// Keys and values of both guidance branches.
    pub cache: u64,
    /// Turning the codes into pixels.
    pub decode: u64,
    /// What is held besides while the file is read: its largest tensor once more.
    pub file: u64,
}

impl Needs {
    /// What has to be there: nothing of it can be given back while a picture is drawn.
    pub fn held(&self) -> u64 {
        self.weights + self.cache + self.decode
    }

    /// The most the process is seen to use: what reading takes counts while it is loaded, cache and
    /// decode while it draws.
    pub fn peak(&self) -> u64 {
        self.held().max(self.weights + self.file)
    }
}

/// A way to get by with less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Plan {
    /// A smaller picture the model was made for.
    Smaller(Size, Needs),
    /// A smaller picture it was not made for: the command line draws it.
    Forced(Size, Needs),
    /// The same model, stored in another format.
    Stored(Format, Needs),
}

impl Plan {
    pub fn needs(&self) -> &Needs {
        match self {
            Self::Smaller(_, needs) | Self::Forced(_, needs) | Self::Stored(_, needs) => needs,
        }
    }
}

/// A model before it is loaded, read off its headers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Appraisal {
    pub name: String,
    pub note: Option<String>,
    pub provenance: Option<String>,
    pub licence: Option<String>,
    /// How its matrices are stored.
    pub format: String,
    /// Weights of the decoder.
    pub weights: u64,
    /// The picture it draws unless another size is chosen.
    pub size: Size,
    /// Where it would run: on an NVIDIA card, or not.
    pub runs_on: Device,
    /// Of the memory there.
    pub needs: Needs,
    /// What would need less, the least change first.
    pub plans: Vec<Plan>,
}

impl Appraisal {
    /// Whether it fits; unknown memory is taken to be enough.
    pub fn fits(&self, free_bytes: Option<u64>) -> bool {
        free_bytes.is_none_or(|free| self.needs.held() <= free)
    }

    /// The changes with which it would fit, and what to close where none does.
    pub fn ways_out(&self, free_bytes: u64) -> Vec<String> {
        let fitting = self.plans.iter().filter(|plan| plan.needs().held() <= free_bytes);
        let mut ways: Vec<String> = fitting
            .map(|plan| match plan {
                Plan::Smaller(size, needs) => {
                    format!("a picture of {size} needs about {}", gigabytes(needs.held()))
                }
                Plan::Forced(size, needs) => format!(
                    "`lumina-studio generate --size {size} --force` needs about {} (it was not trained for that size)",
                    gigabytes(needs.held())
                ),
                Plan::Stored(format, needs) => format!(
                    "imported as {} it needs about {}",
                    format.name(),
                    gigabytes(needs.held())
                ),
            })
            .collect();
        let missing = self.needs.held().saturating_sub(free_bytes);
        ways.push(format!("close programs that hold {}", gigabytes(missing)));
        ways
    }
}

/// `11.9 GB`, and megabytes below one of them.
pub fn gigabytes(bytes: u64) -> String {
    if bytes < 1_000_000_000 {
        format!("{} MB", bytes.div_ceil(1_000_000))
    } else {
        format!("{:.1} GB", bytes as f64 / 1e9)
    }
}

/// How a model came to the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It was used before.
    Used,
    /// It lies beside one that was.
    Beside,
    /// It lies in the Hugging Face cache.
    Hub,
}

/// A model on this computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub path: PathBuf,
    pub origin: Origin,
    /// Why its headers cannot be read, if they cannot.
    pub appraisal: Result<Appraisal, Failure>,
}

/// What a look around found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Survey {
    /// `None` where the system does not say.
    pub free_bytes: Option<u64>,
    pub devices: Vec<DeviceState>,
    pub starter: Option<Appraisal>,
    pub models: Vec<Known>,
}

/// A Hugging Face folder that shall become one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportWish {
    pub folder: PathBuf,
    /// The image tokenizer's weights, when they were found or named.
    pub movq: Option<PathBuf>,
    /// Its sizes; `movq.json` beside it, else read off its tensors.
    pub movq_config: Option<PathBuf>,
    pub format: Format,
    pub output: PathBuf,
}

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportStep {
    /// The tensor written last.
    pub name: String,
    /// Bytes written of all bytes.
    pub done: u64,
    pub of: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    /// What was stored by an older version is read by this one.
    #[test]
    fn devices_and_formats_are_stored_under_the_same_words_as_ever() {
        let stored = Device::ALL.map(|device| serde_json::to_value(device).unwrap());
        assert_eq!(stored, Device::ALL.map(Device::name));
        let stored = Format::ALL.map(|format| serde_json::to_value(format).unwrap());
        assert_eq!(stored, ["Q4K", "Q8_0", "F16", "Bf16", "F32"]);
        assert!(
            Format::ALL
                .iter()
                .all(|format| format.name().parse() == Ok(*format))
        );
    }

    fn needs(weights: u64, cache: u64) -> Needs {
        Needs {
            weights: weights * GB,
            cache: cache * GB,
            decode: 0,
            file: 0,
        }
    }

    #[test]
    fn only_the_plans_that_fit_are_offered() {
        let appraisal = Appraisal {
            name: "7B".to_owned(),
            note: None,
            provenance: None,
            licence: None,
            format: "f16".to_owned(),
            weights: 7 * GB,
            size: Size::new(768, 768),
            runs_on: Device::Cpu,
            needs: needs(14, 10),
            plans: vec![
                Plan::Smaller(Size::new(512, 512), needs(14, 4)),
                Plan::Stored(Format::Q4K, needs(6, 10)),
            ],
        };
        assert!(appraisal.fits(Some(24 * GB)) && appraisal.fits(None));
        assert!(!appraisal.fits(Some(24 * GB - 1)));
        let ways = appraisal.ways_out(17 * GB);
        assert_eq!(
            ways,
            [
                "imported as q4_k it needs about 16.0 GB",
                "close programs that hold 7.0 GB"
            ]
        );
        assert_eq!(appraisal.ways_out(18 * GB).len(), 3);
        assert_eq!(appraisal.ways_out(GB), ["close programs that hold 23.0 GB"]);
    }

    #[test]
    fn reading_counts_while_it_is_loaded_only() {
        let all = Needs {
            weights: 5,
            cache: 1,
            decode: 1,
            file: 5,
        };
        assert_eq!((all.held(), all.peak()), (7, 10));
        assert_eq!(gigabytes(11_930_000_000), "11.9 GB");
        assert_eq!(gigabytes(31_200_000), "32 MB");
    }
}
