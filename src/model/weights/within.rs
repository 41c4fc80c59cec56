//! Tensors whose names have something before them: `state_dict.`, `module.`, `model.`.

use super::{ModelError, RawRows, Stored, Weights};
use candle_core::Tensor;
use candle_core::quantized::GgmlDType;
use std::ops::Range;

/// Prefixes that are taken where a file holds the model more than once.
const PREFERRED: [&str; 4] = ["state_dict.", "model.", "module.", "state_dict.module."];

/// What stands before `anchor` in the names of a file. An error: it stands there several times.
pub(crate) fn prefix_of(weights: &dyn Weights, anchor: &str) -> Result<String, ModelError> {
    if weights.contains(anchor) {
        return Ok(String::new());
    }
    let names = weights.names();
    let before = names.iter().filter_map(|name| name.strip_suffix(anchor));
    let found: Vec<&str> = before.filter(|before| before.ends_with('.')).collect();
    match found.as_slice() {
        [] => Ok(String::new()),
        [one] => Ok((*one).to_owned()),
        several => match PREFERRED.into_iter().find(|prefix| several.contains(prefix)) {
            Some(prefix) => Ok(prefix.to_owned()),
            None => Err(ModelError::File {
                file: weights.source(),
                reason: format!(
                    "it holds several models ({}): get a file with one of them",
                    several.join(", ")
                ),
            }),
        },
    }
}

/// The tensors below a prefix, by their names without it.
pub(crate) struct Within {
    weights: Box<dyn Weights>,
    prefix: String,
}

impl Within {
    /// `weights` with whatever stands before `anchor` taken off.
    pub(crate) fn of(weights: Box<dyn Weights>, anchor: &str) -> Result<Box<dyn Weights>, ModelError> {
        let prefix = prefix_of(weights.as_ref(), anchor)?;
        Ok(match prefix.is_empty() {
            true => weights,
            false => Box::new(Self { weights, prefix }),
        })
    }

    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Weights for Within {
    fn source(&self) -> String {
        self.weights.source()
    }

    fn names(&self) -> Vec<String> {
        let all = self.weights.names();
        let own = all.iter().filter_map(|name| name.strip_prefix(&self.prefix));
        own.map(str::to_owned).collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.weights.shape(&self.full(name))
    }

    fn kind(&self, name: &str) -> Option<GgmlDType> {
        self.weights.kind(&self.full(name))
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        self.weights.stored(&self.full(name))
    }

    fn raw_rows(
        &self,
        name: &str,
        wanted: &[usize],
        rows: Range<usize>,
    ) -> Result<Option<RawRows<'_>>, ModelError> {
        self.weights.raw_rows(&self.full(name), wanted, rows)
    }

    fn stored_rows(&self, name: &str, wanted: &[usize], rows: Range<usize>) -> Result<Stored, ModelError> {
        self.weights.stored_rows(&self.full(name), wanted, rows)
    }

    fn reads_parts(&self) -> bool {
        self.weights.reads_parts()
    }

    fn rows(&self, name: &str, rows: Range<usize>) -> Result<Tensor, ModelError> {
        self.weights.rows(&self.full(name), rows)
    }
}
