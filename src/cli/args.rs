//! The command line as it is typed. Resolved into tasks by `job`.
//!
//! Fixed: other tools rely on these names. What cannot be parsed here ends with exit code 2.

use super::model_args::ModelArgs;
use super::models::ModelsCommand;
use super::picture_args::{AlternativesArgs, DiffArgs, TimelapseArgs};
use super::serve::ServeArgs;
use super::values::{at_least_one, lookahead, not_negative, positive, threads, zoom};
use super::writers::{RewriteArgs, WriteArgs, WritersArgs};
use crate::measure;
use crate::pixels::Size;
use crate::task::{Device, Format, ImportWish, KvCache, Lookahead, MapKind, Noise};
use clap::builder::PossibleValue;
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Draws pictures with Lumina-mGPT 2.0. Opens its window; with a command it does one thing and ends.
///
/// Without --model, the built-in starter draws: a small model of a small world (emoji objects on
/// simple backgrounds, in sizes from 96x160 to 256x256).
#[derive(Debug, Parser)]
#[command(name = "lumina-studio", version, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub window: WindowArgs,
}

/// What the window is opened with.
#[derive(Debug, Clone, Default, Group)]
pub struct WindowArgs {
    /// Pictures to open in the window
    #[arg(value_name = "PICTURE")]
    pub files: Vec<PathBuf>,
    /// The model the window starts with: a .gguf file or a Hugging Face folder
    #[arg(long = "model", id = "window_model", value_name = "FILE|FOLDER")]
    pub model: Option<PathBuf>,
    /// Colours of the window; remembered
    #[arg(long)]
    pub theme: Option<WindowTheme>,
    /// Size of the interface, 1.0 to 2.0; remembered
    #[arg(long, value_name = "F", value_parser = zoom)]
    pub zoom: Option<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WindowTheme {
    System,
    Dark,
    Light,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draw a picture from words
    Generate {
        prompt: String,
        #[command(flatten)]
        draw: DrawArgs,
        #[command(flatten)]
        rows: RowArgs,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Draw a picture together with its map
    Pair {
        prompt: String,
        #[arg(long)]
        kind: Kind,
        #[command(flatten)]
        draw: DrawArgs,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Draw a map from words: to be corrected, and given to `control`
    Sketch {
        prompt: String,
        #[arg(long)]
        kind: Kind,
        #[command(flatten)]
        draw: DrawArgs,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Draw the picture that belongs to a map
    Control {
        /// The map, or with --from-photo a photo
        map: PathBuf,
        prompt: String,
        #[arg(long)]
        kind: Kind,
        /// Make the map from a photo first
        #[arg(long)]
        from_photo: bool,
        /// The map as `sketch` drew it: where MAP still shows the same its tokens are taken
        #[arg(long, value_name = "FILE", conflicts_with = "from_photo")]
        sketch: Option<PathBuf>,
        #[command(flatten)]
        draw: DrawArgs,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Draw the subject of a picture in another scene
    Subject {
        image: PathBuf,
        prompt: String,
        /// What the subject is, in words
        #[arg(long, value_name = "TEXT")]
        describe: Option<String>,
        #[command(flatten)]
        draw: DrawArgs,
    },
    /// Change a picture as an instruction says
    Edit {
        image: PathBuf,
        /// May be empty ("") when there is a mask
        instruction: String,
        /// Another instruction, applied to the result; repeatable
        #[arg(long, value_name = "INSTRUCTION")]
        then: Vec<String>,
        /// White may be redrawn, black is kept
        #[arg(long, value_name = "FILE")]
        mask: Option<PathBuf>,
        /// Pixels inside the mask's border that are blended
        #[arg(long, value_name = "PX", requires = "mask", default_value_t = 0)]
        feather: u32,
        #[command(flatten)]
        draw: DrawArgs,
    },
    /// Draw the map of a picture
    Predict {
        image: PathBuf,
        #[arg(long)]
        kind: Kind,
        #[command(flatten)]
        draw: DrawArgs,
    },
    /// Show what a writer makes of words, and draw nothing
    Rewrite(RewriteArgs),
    /// Show who can rewrite words: the built-in writer, servers on this machine, language models
    Writers(WritersArgs),
    /// Models of the Hugging Face Hub: list, get, verify, remove
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Draw for other programs over HTTP: OpenAI's endpoints for images, and A1111's
    Serve(ServeArgs),
    /// Make one .gguf file of a Hugging Face folder
    Import(ImportArgs),
    /// Show what is stored in a picture or a model file
    Info {
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Show how unsure the model was of each cell of a picture: the brighter, the less sure
    Doubt {
        file: PathBuf,
        /// Write a mask instead: white where the entropy was above this, in nats
        #[arg(long, value_name = "NATS", value_parser = not_negative)]
        above: Option<f32>,
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Say which codes could stand in a row of a picture, and how likely each is
    Alternatives(AlternativesArgs),
    /// Say in which cells two pictures differ
    Diff(DiffArgs),
    /// Film how a picture is drawn, row by row
    Timelapse(TimelapseArgs),
    /// Decode the codes stored in a picture again, to the identical picture; or draw it anew from a row on
    Redraw {
        file: PathBuf,
        /// Keep the rows above this one (counted from 0) and draw the others again
        #[arg(long, value_name = "ROW")]
        from_row: Option<u32>,
        /// Other words from that row on
        #[arg(long, value_name = "TEXT", requires = "from_row")]
        prompt: Option<String>,
        /// Put this code into that column of the row, keep what is left of it, and draw on from there
        #[arg(long, num_args = 2, value_names = ["COLUMN", "CODE"], requires = "from_row", conflicts_with_all = ["prompt", "seed"])]
        take: Vec<u32>,
        /// The seed from that row on; random when absent
        #[arg(long, value_name = "N", requires = "from_row")]
        seed: Option<u64>,
        /// The source of a masked edit
        #[arg(long, value_name = "FILE")]
        source: Option<PathBuf>,
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        model: ModelArgs,
    },
    /// Finish a picture that was stopped
    Resume {
        file: PathBuf,
        /// The finished picture; the stopped one is replaced when this is absent
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The source of a masked edit
        #[arg(long, value_name = "FILE")]
        source: Option<PathBuf>,
        /// Codes guessed ahead: a number, or `auto`
        #[arg(long = "window", value_name = "WINDOW", value_parser = lookahead)]
        lookahead: Option<Lookahead>,
        /// Write the rows into the file as they come
        #[arg(long)]
        journal: bool,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        model: ModelArgs,
    },
    /// Compare this machine's results with stored reference cases, or check a model file
    Verify(VerifyArgs),
    /// Measure how fast this machine draws
    Bench {
        /// Measure forwards of a published shape instead, with random weights made in memory
        #[arg(long, value_name = "SHAPE", conflicts_with = "model")]
        shape: Option<PublishedShape>,
        /// How the random weights are stored
        #[arg(long, default_value = "q4_k", requires = "shape")]
        quant: Format,
        #[command(flatten)]
        model: ModelArgs,
    },
}

/// A shape whose weights need not be there to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PublishedShape {
    #[value(name = "7b")]
    SevenB,
}

impl From<PublishedShape> for measure::Shape {
    fn from(shape: PublishedShape) -> Self {
        match shape {
            PublishedShape::SevenB => measure::SEVEN_B,
        }
    }
}

/// Common to everything that draws.
#[derive(Debug, Clone, Group)]
pub struct DrawArgs {
    /// The picture (PNG); a new `lumina-SEED.png` when absent
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Draw this many seeds, keep all of them, name the likeliest first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub best_of: u16,
    /// Of one panel; both sides multiples of 32
    #[arg(long, value_name = "WxH")]
    pub size: Option<Size>,
    /// Random when absent
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Guidance scale
    #[arg(long, value_name = "F", value_parser = not_negative)]
    pub cfg: Option<f32>,
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub top_k: Option<usize>,
    #[arg(long, value_name = "F", value_parser = positive)]
    pub temperature: Option<f32>,
    #[arg(long, value_name = "F", value_parser = positive)]
    pub top_n_sigma: Option<f32>,
    /// Codes guessed ahead: a number, or `auto`
    #[arg(long = "window", value_name = "N|auto", default_value = "auto", value_parser = lookahead)]
    pub lookahead: Lookahead,
    #[arg(long, default_value = "gumbel")]
    pub noise: NoiseKind,
    /// Give the model the prompt as it is; the starter otherwise gets it in words of its own
    #[arg(long)]
    pub as_typed: bool,
    /// Draw even if the model was not trained for it
    #[arg(long)]
    pub force: bool,
    /// Write the rows into the file of the picture as they come: even after a kill `resume` goes on
    #[arg(long, requires = "output")]
    pub journal: bool,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model: ModelArgs,
}

/// What only a model that draws row by row can do.
#[derive(Debug, Clone, Default, Group)]
pub struct RowArgs {
    /// Other words from a row (counted from 0) on; repeatable, from the top down
    #[arg(long, num_args = 2, value_names = ["ROW", "WORDS"])]
    pub then_from_row: Vec<String>,
    /// Begin with the first rows of another picture of the same width, and draw the others
    #[arg(long, num_args = 2, value_names = ["FILE", "ROWS"], conflicts_with = "best_of")]
    pub begin_with: Vec<std::ffi::OsString>,
    /// Draw only the first rows of this many seeds, finish the likeliest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=256), conflicts_with = "best_of")]
    pub audition: Option<u16>,
    /// How many rows of each; a sixth of the picture when absent
    #[arg(long, value_name = "R", requires = "audition", value_parser = clap::value_parser!(u32).range(1..))]
    pub rows: Option<u32>,
    /// How many of them to finish
    #[arg(long, value_name = "M", requires = "audition", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub keep: u16,
}

#[derive(Debug, Clone, Group)]
pub struct ImportArgs {
    pub folder: PathBuf,
    /// The picture codec: .ckpt or .safetensors
    #[arg(long, value_name = "FILE")]
    pub movq: PathBuf,
    /// The codec's configuration, when it differs from the published one
    #[arg(long, value_name = "FILE")]
    pub movq_config: Option<PathBuf>,
    #[arg(long)]
    pub quant: Format,
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

impl From<&ImportArgs> for ImportWish {
    fn from(args: &ImportArgs) -> Self {
        Self {
            folder: args.folder.clone(),
            movq: Some(args.movq.clone()),
            movq_config: args.movq_config.clone(),
            format: args.quant,
            output: args.output.clone(),
        }
    }
}

#[derive(Debug, Clone, Group)]
pub struct VerifyArgs {
    #[arg(required = true, value_name = "DIR")]
    pub cases: Vec<PathBuf>,
    #[arg(long, default_value = "auto")]
    pub device: Device,
    /// Keys and values on an NVIDIA card
    #[arg(long, default_value = "q8")]
    pub kv: KvCache,
    /// Quantise the decoder's weights first
    #[arg(long, value_name = "Q")]
    pub model_quant: Option<Format>,
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Canny,
    Depth,
    Hed,
    Pose,
}

impl From<Kind> for MapKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Canny => Self::Canny,
            Kind::Depth => Self::Depth,
            Kind::Hed => Self::Hed,
            Kind::Pose => Self::Pose,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NoiseKind {
    Coupled,
    Gumbel,
}

impl From<NoiseKind> for Noise {
    fn from(noise: NoiseKind) -> Self {
        match noise {
            NoiseKind::Coupled => Self::Coupled,
            NoiseKind::Gumbel => Self::Gumbel,
        }
    }
}

impl ValueEnum for Device {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for KvCache {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.name());
        Some(match self {
            Self::Bytes => value,
            Self::Half => value
                .alias("bf16")
                .help("Also taken for `bf16`, which is coarser"),
        })
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::OFFERED
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}
