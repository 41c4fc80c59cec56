//! Whether this machine computes what others did: golden vectors, and pictures drawn elsewhere. And
//! whether a model is what was written.

use super::info::is_gguf;
use super::source::prepare;
use super::{Note, failed};
use crate::model::bundle::{Bundle, Source};
use crate::model::weights::gguf::{Checksum, Gguf};
use crate::session::Session;
use crate::task::{Device, Doubt, Failure, Format, KvCache};
use crate::{picture, saved_picture, verify as golden};
use std::path::{Path, PathBuf};

/// What is to be checked, and where.
#[derive(Debug, Clone, Copy)]
pub struct Verification<'a> {
    /// Folders with a reference case, models in one file, and pictures saved by this program.
    pub cases: &'a [PathBuf],
    pub device: Device,
    pub kv: KvCache,
    /// Brings the decoder's matrices to a format first.
    pub format: Option<Format>,
    /// All cores when `None`.
    pub threads: Option<usize>,
}

/// Whether every case is within its tolerances.
///
/// # Errors
/// The device cannot be used, a case cannot be read, none is among them, or a saved picture cannot be told to
/// the built-in model.
pub fn verify(asked: &Verification<'_>, note: &mut dyn FnMut(Note<'_>)) -> Result<bool, Failure> {
    prepare(asked.device, asked.threads)?;
    let (mut passed, mut run, mut pictures) = (true, 0, Vec::new());
    for case in asked.cases {
        if is_gguf(case) {
            run += 1;
            let checked = Gguf::open(case).and_then(|model| model.verify());
            passed &= checked.is_ok();
            let file = case.display();
            note(Note::Result(&match checked {
                Ok(Checksum::Right) => format!("{file} checksum=right"),
                Ok(Checksum::Missing) => {
                    format!("{file} checksum=none (written by an older version; its weights are numbers)")
                }
                Err(why) => format!("WRONG: {why}"),
            }));
            continue;
        }
        if case.is_file() {
            match picture::holds_record(case) {
                true => pictures.push(case.as_path()),
                false => note(Note::Remark(&format!(
                    "{} is neither a folder, nor a model, nor a picture saved by this program: passed over",
                    case.display()
                ))),
            }
            continue;
        }
        run += 1;
        let verdicts = golden::verify(case, asked.format, asked.device, asked.kv);
        for verdict in verdicts.map_err(failed)? {
            note(Note::Result(&verdict.line));
            passed &= verdict.passed;
        }
    }
    run += pictures.len();
    if !pictures.is_empty() {
        passed &= replay(asked, &pictures, note)?;
    }
    if run == 0 {
        return Err(Failure::usage(
            "none of these is a folder with a reference case, a model, or a picture saved by this program",
        ));
    }
    Ok(passed)
}

/// Codes this machine prefers by more than this many nats are no near ties.
const TIE: f64 = 0.5;

/// Tells saved pictures to the built-in model again, and how many codes come out the same.
fn replay(
    asked: &Verification<'_>,
    pictures: &[&Path],
    note: &mut dyn FnMut(Note<'_>),
) -> Result<bool, Failure> {
    let source = Source {
        quant: asked.format,
        device: asked.device,
        kv: asked.kv,
        ..Source::default()
    };
    let mut session = Session::new(Bundle::open(&source).map_err(failed)?);
    let mut passed = true;
    for picture in pictures {
        let kept = saved_picture::read(picture)?;
        let agreement = session.replay(&kept.task()?, kept.codes())?;
        passed &= agreement.widest < TIE;
        let doubt: Doubt = agreement.entropies.iter().copied().collect();
        let noted = (0..doubt.len()).filter(|code| kept.doubt().nats(*code).is_some());
        let (same, others): (Vec<usize>, Vec<usize>) =
            noted.partition(|code| doubt.nats(*code) == kept.doubt().nats(*code));
        note(Note::Result(&format!(
            "{} codes={}/{} widest_difference={:.4} doubt={}/{}",
            picture.display(),
            agreement.equal,
            agreement.codes,
            agreement.widest,
            same.len(),
            same.len() + others.len(),
        )));
    }
    Ok(passed)
}
