//! The judge's command line.

use clap::{Parser, ValueEnum};
use lumina_studio::pixels::Size;
use lumina_studio::task::{Format, Lookahead, SamplingChoice};
use std::path::PathBuf;

/// Series of settings, each a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Series {
    /// f32, f16, 8 and 4 bits.
    Quant,
    /// One code a forward, and guessing ahead.
    #[value(name = "window")]
    Lookahead,
    /// Best of 1, 4 and 8 by the model's own likelihood ratio.
    BestOf,
    /// Guidance 1, 2, 4 and 8.
    Cfg,
    /// f32, then 4 bits, then 4 bits guessing ahead.
    Chain,
}

/// Judges what a model draws.
#[derive(Debug, Clone, Parser)]
#[allow(clippy::struct_excessive_bools)]
pub struct Settings {
    /// A .gguf or a Hugging Face folder; the built-in starter model when absent
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Its picture codec, where it does not lie in the folder
    #[arg(long, value_name = "FILE")]
    pub movq: Option<PathBuf>,
    /// Judge about this many of the prompts, evenly taken
    #[arg(long, value_name = "N")]
    pub prompts: Option<usize>,
    /// Only these categories or tasks, divided by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Prompts in the first edition's words, of its things only
    #[arg(long)]
    pub first_edition: bool,
    /// Prompts in people's wording
    #[arg(long, conflicts_with = "first_edition")]
    pub people: bool,
    /// Give the model the prompts as they are
    #[arg(long)]
    pub as_typed: bool,
    /// Of one panel; the model's own when absent
    #[arg(long, value_name = "WxH")]
    pub size: Option<Size>,
    /// The first prompt's seed, one more for each
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Judge ground truth
    #[arg(long)]
    pub truth: bool,
    /// Judge the ground truth of other prompts of the same category
    #[arg(long)]
    pub shuffled: bool,
    /// Judge ground truth with one thing wrong
    #[arg(long)]
    pub corrupted: bool,
    /// Pass ground truth through the model's picture codec first
    #[arg(long)]
    pub round_trip: bool,
    /// f32, f16, bf16, q8_0 or q4_k
    #[arg(long, value_parser = str::parse::<Format>)]
    pub quant: Option<Format>,
    /// Codes guessed ahead; measured when absent
    #[arg(long = "window", value_name = "N")]
    pub lookahead: Option<usize>,
    /// Draw this many seeds, judge the likeliest
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub best_of: usize,
    /// Guidance scale
    #[arg(long)]
    pub cfg: Option<f32>,
    #[arg(long)]
    pub top_k: Option<usize>,
    #[arg(long)]
    pub temperature: Option<f32>,
    /// A table of several settings
    #[arg(long, value_enum)]
    pub ablate: Option<Series>,
    /// Print one row of such a table
    #[arg(long, value_name = "LABEL")]
    pub row: Option<String>,
    /// Draw this many prompts at once, each with its share of the cores; the pictures are the same
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub at_once: usize,
    /// Keep the pictures in a folder
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,
    /// Judge the pictures that `--save`, or anyone, put into a folder instead of drawing
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    /// Tell of every true picture that fails what was found in it
    #[arg(long)]
    pub failures: bool,
    /// Print the file names and texts of the prompts, tab between them
    #[arg(long)]
    pub list: bool,
    /// Draw 24 prompts with the seeds 0 to 23 side by side
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
    /// Finish the likeliest of N beginnings, against the first of them
    #[arg(long, value_name = "N")]
    pub audition: Option<usize>,
    /// Of N pictures from text, how well doubt tells wrong things from right ones
    #[arg(long, value_name = "N")]
    pub doubt: Option<usize>,
    /// Draw N masked edits, four seeds each, and choose by the scores
    #[arg(long, value_name = "N")]
    pub seam: Option<usize>,
    /// Make the table of scores that right pictures have while they are drawn, and try it
    #[arg(long)]
    pub watchdog: bool,
    /// Where that table is written
    #[arg(short, long, value_name = "FILE", requires = "watchdog")]
    pub output: Option<PathBuf>,
    /// What cargo adds
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Settings {
    pub fn sampling(&self) -> SamplingChoice {
        SamplingChoice {
            cfg: self.cfg,
            top_k: self.top_k,
            temperature: self.temperature,
            lookahead: self.lookahead.map_or(Lookahead::Auto, Lookahead::Fixed),
            ..SamplingChoice::default()
        }
    }
}
