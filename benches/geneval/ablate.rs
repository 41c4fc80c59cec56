//! Tables of settings: every row is a process of its own, so that its peak memory is its own.

use super::drawing::Drawn;
use super::score::Scores;
use super::settings::{Series, Settings};
use std::path::Path;
use std::process::Command;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const HEAD: &str = "| setting | score from text (95 % interval) | seconds a picture | forwards | codes a forward | model file | peak memory |\n|---|---|---|---|---|---|---|";

/// (label, arguments) of every row; `FORMAT` alone asks for a model file of that format.
fn rows(kind: Series) -> Vec<(&'static str, Vec<&'static str>)> {
    match kind {
        Series::Quant => vec![
            ("f32", vec!["--quant", "f32", "--window", "1"]),
            ("f16", vec!["--quant", "f16", "--window", "1"]),
            ("Q8_0", vec!["--quant", "q8_0", "--window", "1"]),
            ("Q4_K", vec!["--quant", "q4_k", "--window", "1"]),
        ],
        Series::Window => vec![
            ("window 1", vec!["--window", "1"]),
            ("window 4", vec!["--window", "4"]),
            ("window 16", vec!["--window", "16"]),
            ("window auto", vec![]),
        ],
        Series::BestOf => vec![
            ("best of 1", vec!["--best-of", "1"]),
            ("best of 4", vec!["--best-of", "4"]),
            ("best of 8", vec!["--best-of", "8"]),
        ],
        Series::Cfg => vec![
            ("guidance 1", vec!["--cfg", "1"]),
            ("guidance 2", vec!["--cfg", "2"]),
            ("guidance 4", vec!["--cfg", "4"]),
            ("guidance 8", vec!["--cfg", "8"]),
        ],
        Series::Chain => vec![
            ("f32", vec!["--quant", "f32", "--window", "1"]),
            ("4 bit", vec!["--quant", "q4_k", "--window", "1"]),
            ("4 bit, guessing ahead", vec!["--quant", "q4_k"]),
        ],
    }
}

/// Runs the judge for every row of a series and prints the table.
pub fn table(kind: Series, settings: &Settings) -> Outcome<()> {
    let program = std::env::current_exe()?;
    let given: Vec<String> = std::env::args().skip(1).collect();
    let without_series = |arguments: &[String]| -> Vec<String> {
        let mut kept = Vec::new();
        let mut skip = false;
        for argument in arguments {
            if skip || argument == "--ablate" || argument.starts_with("--ablate=") {
                skip = argument == "--ablate";
                continue;
            }
            kept.push(argument.clone());
        }
        kept
    };
    let common = without_series(&given);
    println!("{HEAD}");
    for (label, arguments) in rows(kind) {
        let mut command = Command::new(&program);
        command.args(&common).args(arguments).args(["--row", label]);
        if settings.only.is_empty() {
            command.args(["--only", "generate"]);
        }
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("{label}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}

/// Most memory this process had, in MiB; `None` where the system does not tell.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

fn bytes_of(path: &Path) -> Option<u64> {
    std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)
        .map(|meta| meta.len())
}

fn means(drawn: &[Drawn]) -> (f64, f64, f64) {
    let count = drawn.iter().filter(|one| one.picture.is_some()).count().max(1) as f64;
    let sum = |what: &dyn Fn(&Drawn) -> f64| drawn.iter().map(what).sum::<f64>();
    let seconds = sum(&|one| one.tally.seconds);
    let forwards = sum(&|one| one.tally.forwards as f64);
    let codes = sum(&|one| one.tally.tokens as f64);
    (seconds / count, forwards / count, codes / forwards.max(1.0))
}

/// One row of a table.
pub fn row(label: &str, scores: &Scores, drawn: &[Drawn], settings: &Settings) -> String {
    let (seconds, forwards, codes) = means(drawn);
    let file = settings.model.as_deref().and_then(bytes_of);
    let file = file.map_or("-".to_owned(), |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
    let peak = peak_mib().map_or("-".to_owned(), |mib| format!("{mib:.0} MiB"));
    format!(
        "| {label} | {} | {seconds:.2} | {forwards:.0} | {codes:.2} | {file} | {peak} |",
        scores.overall().told()
    )
}

/// The same in words.
pub fn facts(drawn: &[Drawn]) -> String {
    let (seconds, forwards, codes) = means(drawn);
    format!("{seconds:.2} s a picture, {forwards:.0} forwards of {codes:.2} codes")
}
