//! What is typed to look at pictures that are there.

use super::model_args::ModelArgs;
use clap::Args as Group;
use std::path::PathBuf;

/// Two pictures of one size.
#[derive(Debug, Clone, Group)]
pub struct DiffArgs {
    pub one: PathBuf,
    pub other: PathBuf,
    /// A picture that is white where they differ, 8x8 pixels a cell
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// One JSON object: how many cells differ, and which (row by row, counted from 0)
    #[arg(long)]
    pub json: bool,
}

/// A row of a picture.
#[derive(Debug, Clone, Group)]
pub struct AlternativesArgs {
    pub file: PathBuf,
    /// Counted from 0
    #[arg(long)]
    pub row: u32,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model: ModelArgs,
}

/// A picture, and where its film goes.
#[derive(Debug, Clone, Group)]
pub struct TimelapseArgs {
    pub file: PathBuf,
    /// A GIF, or an animated PNG, by the ending (.gif, .png, .apng)
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// The picture it was made from, where it was
    #[arg(long, value_name = "FILE")]
    pub source: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
}
