//! A whole model: decoder, image tokenizer, text tokenizer, templates, and what it was made for.
//!
//! It is opened from a GGUF made by `import`, from a Hugging Face folder with its MoVQ beside it,
//! or from the starter model that is built into the program.

use super::card::Card;
use super::decoder::config::Config;
use super::decoder::parts::Head;
use super::footprint::Scale;
use super::memory::possible;
use super::movq::MovqConfig;
use super::movq::codec::PictureCodec;
use super::movq::preview::Preview;
use super::network::{Hardware, Network};
use super::prompts::Prompts;
use super::text::{Text, TokenizerFiles};
use super::weights::checkpoint::{open_decoder, open_movq};
use super::weights::files::{stand_in_at, text_if_there, text_of};
use super::weights::gguf::Gguf;
use super::weights::{ModelError, Weights};
use crate::pixels::Size;
use crate::task::{Device, Format, KvCache, gigabytes};
use crate::token::Alphabet;
use std::path::{Path, PathBuf};

/// The built-in starter model, made by `lumina-studio import` from its public checkpoint.
static STARTER: &[u8] = include_bytes!("../../assets/starter.gguf");
/// How its pictures score that go right. It was measured after the file was made.
const STARTER_WATCHDOG: &str = include_str!("../../assets/starter/watchdog.json");

/// Where a model comes from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// A `.gguf` or a Hugging Face folder; the built-in starter model when `None`.
    pub model: Option<PathBuf>,
    /// The image tokenizer of a folder; `movqgan*.ckpt` or `.safetensors` in it when `None`.
    pub movq: Option<PathBuf>,
    /// Sizes of the image tokenizer; `movq.json` beside it, else read off its tensors.
    pub movq_config: Option<PathBuf>,
    /// Brings the decoder's matrices to another format than the stored one.
    pub quant: Option<Format>,
    /// Where it shall compute.
    pub device: Device,
    /// How keys and values are kept on a card.
    pub kv: KvCache,
}

/// A model in memory.
pub struct Bundle {
    pub name: String,
    pub card: Card,
    pub prompts: Prompts,
    pub text: Text,
    pub alphabet: Alphabet,
    pub decoder: Network,
    /// Where it runs, for people.
    pub device: String,
    /// Why it does not run on the NVIDIA card that is there, where the choice was left to the program.
    pub remark: Option<String>,
    /// Its weights in memory.
    pub bytes: u64,
    pub movq: PictureCodec,
    pub preview: Preview,
}

/// Everything read from disk before the parts are built.
pub(crate) struct Parts<'a> {
    name: String,
    pub(crate) config: String,
    pub(super) files: TokenizerFiles,
    pub(crate) card: Card,
    /// How the decoder is stored.
    pub(crate) format: String,
    pub(super) decoder: &'a dyn Weights,
    movq: &'a dyn Weights,
    movq_prefix: &'a str,
    movq_config: Option<String>,
    pub(super) quant: Option<Format>,
    pub(super) hardware: Hardware,
    /// Why not on a card, if there is one.
    remark: Option<String>,
    device: Device,
}

impl Parts<'_> {
    pub(crate) fn movq_sizes(&self) -> Result<MovqConfig, ModelError> {
        match &self.movq_config {
            Some(json) => MovqConfig::from_json(json),
            None => MovqConfig::infer(self.movq, self.movq_prefix),
        }
    }

    /// Goes back to the CPU where the card that was found has too little memory, unless the user chose it.
    fn settle(&mut self, config: &Config, movq_config: &MovqConfig) -> Result<(), ModelError> {
        let Hardware::Card(card, kv) = &self.hardware else {
            return Ok(());
        };
        let size = self.card.default_size("generate").unwrap_or(Size::new(256, 256));
        let scale = self.scale(config, movq_config);
        let free = card.free_bytes();
        let why = match scale.needs_on_card(self.quant, *kv, size) {
            Ok(needs) if needs.held() <= free => return Ok(()),
            Ok(needs) => ModelError::Memory(format!(
                "{} needs about {} of the memory of the {} for {size}, {} are free",
                self.card.name,
                gigabytes(needs.held()),
                card.name(),
                gigabytes(free)
            )),
            Err(why) => why,
        };
        if self.device != Device::Auto {
            return Err(ModelError::Memory(format!(
                "{why}: close other programs that use it, or choose the CPU (--device cpu)"
            )));
        }
        (self.hardware, self.remark) = (Hardware::Cpu, Some(why.to_string()));
        Ok(())
    }

    pub(crate) fn scale<'a>(&'a self, config: &'a Config, movq_config: &'a MovqConfig) -> Scale<'a> {
        Scale {
            config,
            decoder: self.decoder,
            movq: self.movq,
            movq_prefix: self.movq_prefix,
            movq_config,
        }
    }
}

/// The image tokenizer's weights in a checkpoint folder.
///
/// # Errors
/// No file in the folder is called like one.
pub fn find_movq(folder: &Path) -> Result<PathBuf, ModelError> {
    let entries = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries
        .filter(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .to_lowercase();
            name.contains("movq")
                && (name.ends_with(".ckpt") || name.ends_with(".safetensors") || name.ends_with(".pt"))
        })
        .collect();
    found.sort();
    found.into_iter().next().ok_or_else(|| ModelError::File {
        file: folder.display().to_string(),
        reason: "no image tokenizer (movqgan_270M.ckpt) in this folder: name it with --movq FILE".to_owned(),
    })
}

/// The tokenizer files of a checkpoint folder, those that are there.
///
/// # Errors
/// One of them is there and cannot be read.
pub fn tokenizer_files(folder: &Path) -> Result<TokenizerFiles, ModelError> {
    let read = |name: &str| text_if_there(&folder.join(name));
    Ok(TokenizerFiles {
        tokenizer: read("tokenizer.json")?,
        vocab: read("vocab.json")?,
        merges: read("merges.txt")?,
        added_tokens: read("added_tokens.json")?,
        tokenizer_config: read("tokenizer_config.json")?,
        special_tokens_map: read("special_tokens_map.json")?,
    })
}

/// `movq.json` beside the image tokenizer, or the file named.
///
/// # Errors
/// The file that was named, or is there, cannot be read.
pub fn movq_config(named: Option<&Path>, movq: &Path) -> Result<Option<String>, ModelError> {
    let beside = movq.with_file_name("movq.json");
    match named {
        Some(path) => text_of(path).map(Some),
        None if beside.is_file() => text_of(&beside).map(Some),
        None => Ok(None),
    }
}

/// Opens what `source` names and hands it to `build`.
pub(crate) fn with_parts<T>(
    source: &Source,
    build: impl FnOnce(Parts<'_>) -> Result<T, ModelError>,
) -> Result<T, ModelError> {
    match &source.model {
        None => {
            let gguf = Gguf::from_static(STARTER)?;
            let mut parts = gguf_parts(&gguf, "starter", source)?;
            parts.card = parts.card.with_watchdog(STARTER_WATCHDOG)?;
            build(parts)
        }
        Some(path) if path.is_dir() => in_folder(path, source, build),
        Some(path) => {
            no_part_of_a_model(path)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            build(gguf_parts(&Gguf::open(path)?, &name, source)?)
        }
    }
}

/// Refuses one file of a checkpoint where the model is asked for, and says what to name instead.
pub(crate) fn no_part_of_a_model(path: &Path) -> Result<(), ModelError> {
    let wrong = |reason: String| {
        Err(ModelError::File {
            file: path.display().to_string(),
            reason,
        })
    };
    if let Some(why) = stand_in_at(path)? {
        return wrong(why.to_owned());
    }
    let end = path.extension().unwrap_or_default().to_ascii_lowercase();
    let is_part = ["safetensors", "json", "ckpt", "pt", "pth", "bin"]
        .iter()
        .any(|part| end == *part);
    match is_part {
        true => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            wrong(format!(
                "it is one file of a checkpoint: name its folder as the model ({}), or a .gguf made by `lumina-studio import`",
                folder.display()
            ))
        }
        false => Ok(()),
    }
}

fn gguf_parts<'a>(gguf: &'a Gguf, name: &str, source: &Source) -> Result<Parts<'a>, ModelError> {
    let meta = |key: &str| gguf.meta(key);
    let (hardware, remark) = Hardware::choose(source.device, source.kv)?;
    let config = meta("lumina.config").ok_or_else(|| ModelError::File {
        file: gguf.source(),
        reason: "this GGUF holds no Lumina-mGPT model: make one with `lumina-studio import`".to_owned(),
    })?;
    let card = match meta("lumina.card") {
        Some(text) => Card::from_json(&text)?,
        None => Card::generic(name),
    };
    Ok(Parts {
        name: name.to_owned(),
        config,
        files: TokenizerFiles {
            tokenizer: meta("lumina.tokenizer"),
            vocab: meta("lumina.vocab"),
            merges: meta("lumina.merges"),
            added_tokens: meta("lumina.added_tokens"),
            tokenizer_config: meta("lumina.tokenizer_config"),
            special_tokens_map: meta("lumina.special_tokens_map"),
        },
        card,
        format: meta("lumina.quant").unwrap_or_else(|| "gguf".to_owned()),
        decoder: gguf,
        movq: gguf,
        movq_prefix: "movq.",
        movq_config: meta("lumina.movq_config"),
        quant: source.quant,
        hardware,
        remark,
        device: source.device,
    })
}

fn in_folder<T>(
    folder: &Path,
    source: &Source,
    build: impl FnOnce(Parts<'_>) -> Result<T, ModelError>,
) -> Result<T, ModelError> {
    let config = text_of(&folder.join("config.json"))?;
    let movq_path = match &source.movq {
        Some(path) if path.is_dir() => find_movq(path)?,
        Some(path) => path.clone(),
        None => find_movq(folder)?,
    };
    let movq = open_movq(&movq_path)?;
    let decoder = open_decoder(folder)?;
    let (hardware, remark) = Hardware::choose(source.device, source.kv)?;
    build(Parts {
        name: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        card: Card::for_folder(folder, &config)?,
        format: "safetensors".to_owned(),
        config,
        files: tokenizer_files(folder)?,
        decoder: decoder.as_ref(),
        movq: movq.as_ref(),
        movq_prefix: "",
        movq_config: movq_config(source.movq_config.as_deref(), &movq_path)?,
        quant: source.quant,
        hardware,
        remark,
        device: source.device,
    })
}

/// What a model file or folder is, read off its headers.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub card: Card,
    pub config: Config,
    /// Weights of the decoder.
    pub weights: usize,
    /// How its matrices are stored.
    pub format: String,
}

/// Describes a `.gguf` or a Hugging Face folder without loading its weights.
///
/// # Errors
/// There is no such file or folder, it is not whole, or it holds no model of this kind.
pub fn describe(path: &Path) -> Result<Summary, ModelError> {
    let (config, card, format) = if path.is_dir() {
        let config = text_of(&path.join("config.json"))?;
        // The headers say whether the files are whole.
        open_decoder(path)?;
        let card = Card::for_folder(path, &config)?;
        (config, card, "safetensors".to_owned())
    } else {
        no_part_of_a_model(path)?;
        let gguf = Gguf::open(path)?;
        // Nothing is loaded: no device is wanted.
        let unplaced = Source {
            device: Device::Cpu,
            ..Source::default()
        };
        let parts = gguf_parts(&gguf, "", &unplaced)?;
        (parts.config, parts.card, parts.format)
    };
    let config = Config::from_json(&config)?;
    Ok(Summary {
        card,
        weights: config.weights(),
        config,
        format,
    })
}

impl Bundle {
    /// Loads what `source` names.
    ///
    /// # Errors
    /// The files are missing, damaged or do not belong together, the device cannot be used, or the memory does
    /// not suffice.
    pub fn open(source: &Source) -> Result<Self, ModelError> {
        with_parts(source, Self::build)
    }

    fn build(mut parts: Parts<'_>) -> Result<Self, ModelError> {
        let config = Config::from_json(&parts.config)?;
        let text = Text::new(&parts.files)?;
        let alphabet = text.alphabet(&config)?;
        let movq_config = parts.movq_sizes()?;
        if alphabet.codes() != movq_config.n_embed {
            return Err(ModelError::Config(format!(
                "the decoder knows {} picture codes, the image tokenizer {}: they do not belong together",
                alphabet.codes(),
                movq_config.n_embed
            )));
        }
        parts.settle(&config, &movq_config)?;
        let bytes = parts.scale(&config, &movq_config).weights(parts.quant);
        if matches!(parts.hardware, Hardware::Cpu) {
            possible(&format!("loading {}", parts.card.name), bytes)?;
        }
        let movq = PictureCodec::load(parts.movq, parts.movq_prefix, &movq_config, &parts.hardware)?;
        let stored = match parts.movq.shape("preview.weight") {
            Some(shape) => Preview::from_tensor(&parts.movq.f32("preview.weight", &shape)?, &movq)?,
            None => None,
        };
        let preview = match stored {
            Some(preview) => preview,
            None => Preview::fit(&movq)?,
        };
        let head = Head::Codes(alphabet.code_ids());
        let decoder = Network::load(parts.decoder, &config, &head, parts.quant, &parts.hardware)?;
        let prompts = Prompts::builtin()?;
        Ok(Self {
            name: parts.name,
            card: parts.card,
            prompts,
            text,
            alphabet,
            decoder,
            device: parts.hardware.name(),
            remark: parts.remark,
            bytes,
            movq,
            preview,
        })
    }
}
