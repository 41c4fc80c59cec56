//! Tables of settings: every row is a process of its own, so that its peak memory is its own.

use super::drawing::Drawn;
use super::score::Scores;
use super::settings::{Series, Settings};
use lumina_studio::model::bundle::find_movq;
use lumina_studio::model::weights::import::import;
use lumina_studio::task::{Cancel, Format, ImportWish};
use std::path::{Path, PathBuf};
use std::process::Command;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const HEAD: &str = "| setting | score from text (95 % interval) | seconds a picture | forwards | codes a forward | model file | peak memory |\n|---|---|---|---|---|---|---|";

/// One row: what it is called, the model's format, and what else the judge is told.
struct Row(&'static str, Option<Format>, &'static [&'static str]);

fn rows(kind: Series) -> Vec<Row> {
    const ONE: &[&str] = &["--window", "1"];
    match kind {
        Series::Quant => vec![
            Row("f32", Some(Format::F32), ONE),
            Row("f16", Some(Format::F16), ONE),
            Row("Q8_0", Some(Format::Q8_0), ONE),
            Row("Q4_K", Some(Format::Q4K), ONE),
        ],
        Series::Lookahead => vec![
            Row("window 1", None, ONE),
            Row("window 4", None, &["--window", "4"]),
            Row("window 16", None, &["--window", "16"]),
            Row("window auto", None, &[]),
        ],
        Series::BestOf => vec![
            Row("best of 1", None, &["--best-of", "1"]),
            Row("best of 4", None, &["--best-of", "4"]),
            Row("best of 8", None, &["--best-of", "8"]),
        ],
        Series::Cfg => vec![
            Row("guidance 1", None, &["--cfg", "1"]),
            Row("guidance 2", None, &["--cfg", "2"]),
            Row("guidance 4", None, &["--cfg", "4"]),
            Row("guidance 8", None, &["--cfg", "8"]),
        ],
        Series::Chain => vec![
            Row("f32", Some(Format::F32), ONE),
            Row("4 bit", Some(Format::Q4K), ONE),
            Row("4 bit, guessing ahead", Some(Format::Q4K), &[]),
        ],
    }
}

/// Arguments without some options that take a value.
fn without(arguments: &[String], options: &[&str]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut skip = false;
    for argument in arguments {
        let name = argument.split('=').next().unwrap_or_default();
        if std::mem::take(&mut skip) {
            continue;
        }
        if options.contains(&name) {
            skip = !argument.contains('=');
        } else {
            kept.push(argument.clone());
        }
    }
    kept
}

/// A checkpoint's folder brought to a format, as a file of its own in `into`; f32 is no file's format.
fn model_file(settings: &Settings, quant: Format, into: &Path) -> Outcome<Option<PathBuf>> {
    let Some(folder) = settings.model.as_deref().filter(|model| model.is_dir()) else {
        return Ok(None);
    };
    if quant == Format::F32 {
        return Ok(None);
    }
    let movq = match &settings.movq {
        Some(movq) => movq.clone(),
        None => find_movq(folder)?,
    };
    let out = into.join(format!("{}.gguf", quant.name()));
    if out.exists() {
        return Ok(Some(out));
    }
    let wish = ImportWish {
        folder: folder.to_owned(),
        movq: Some(movq),
        movq_config: None,
        format: quant,
        output: out.clone(),
    };
    import(&wish, &mut |_| {}, &Cancel::new())?;
    Ok(Some(out))
}

/// Runs the judge for every row of a series and prints the table.
///
/// Formats need a model that still has all its bits: a folder, not a quantised file.
pub fn table(kind: Series, settings: &Settings) -> Outcome<()> {
    let program = std::env::current_exe()?;
    let given: Vec<String> = std::env::args().skip(1).collect();
    let given = without(&given, &["--ablate"]);
    let folder = tempfile::tempdir()?;
    println!("{HEAD}");
    for Row(label, quant, arguments) in rows(kind) {
        let mut command = Command::new(&program);
        let file = quant.map(|quant| model_file(settings, quant, folder.path()));
        if let Some(file) = file.transpose()?.flatten() {
            command.args(without(&given, &["--model", "--movq"]));
            command.arg("--model").arg(file);
        } else {
            command.args(&given);
            command.args(quant.iter().flat_map(|quant| ["--quant", quant.name()]));
        }
        command.args(arguments).args(["--row", label]);
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
