//! Random weights of any shape asked for: what benches and tests of size run on, without a
//! checkpoint. Nothing that is drawn with them means anything.

use super::{ModelError, Stored, Weights, blocks_of, decoder_format};
use crate::task::Format;
use candle_core::quantized::{QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use half::bf16;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Uniform values around 0; norms are 1 and biases 0. The same name gives the same values.
#[derive(Debug, Default)]
pub struct Invented {
    shapes: Mutex<BTreeMap<String, Vec<usize>>>,
    /// The decoder's format; all rows of a tensor are its first one then.
    repeated: Option<Format>,
}

/// splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `count` values of the tensor `name`, from its value `from` on (a multiple of 4).
pub fn values(name: &str, shape: &[usize], from: usize, count: usize) -> Vec<bf16> {
    if name.ends_with("bias") {
        return vec![bf16::ZERO; count];
    }
    if name.contains("norm") {
        return vec![bf16::ONE; count];
    }
    // Variance 1 / inputs keeps activations where they are.
    let inputs: usize = shape.iter().skip(1).product::<usize>().max(1);
    let reach = (3.0 / inputs as f32).sqrt();
    let seed = name.bytes().fold(0u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut state = seed.wrapping_add((from as u64 / 4).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut out = Vec::with_capacity(count + 3);
    while out.len() < count {
        let bits = next(&mut state);
        for part in 0..4 {
            let unit = f32::from((bits >> (16 * part)) as u16) / 32_767.5 - 1.0;
            out.push(bf16::from_f32(reach * unit));
        }
    }
    out.truncate(count);
    out
}

impl Invented {
    /// Weights of which every row is the same, the decoder's stored as an import to `format` stores them:
    /// made in a moment, and a forward through them takes as long as through any others.
    pub fn repeated(format: Format) -> Self {
        Self {
            repeated: Some(format),
            ..Self::default()
        }
    }

    /// A tensor whose rows are all its first one.
    fn tiled(name: &str, shape: &[usize], format: Format) -> Result<Stored, ModelError> {
        let rows = shape.first().copied().unwrap_or(1);
        let row = Self::tensor(name, shape, 0..1.min(rows))?;
        let mut times = vec![1; shape.len()];
        if let Some(first) = times.first_mut() {
            *first = rows;
        }
        if shape.len() != 2 {
            return Ok(Stored::Plain(row.repeat(times)?));
        }
        let kind = match decoder_format(name, shape, format).1 {
            Format::F32 => return Ok(Stored::Plain(row.to_dtype(DType::F32)?.repeat(times)?)),
            Format::F16 => return Ok(Stored::Plain(row.to_dtype(DType::F16)?.repeat(times)?)),
            Format::Bf16 => return Ok(Stored::Plain(row.repeat(times)?)),
            format @ (Format::Q8_0 | Format::Q4K) => format.ggml(),
        };
        let bytes = blocks_of(&row, kind)?.data()?.repeat(rows);
        let storage = QStorage::from_data(bytes.into(), &Device::Cpu, kind)?;
        Ok(Stored::Quantized(Arc::new(QTensor::new(storage, shape)?)))
    }

    /// Every tensor asked for so far.
    pub fn asked(&self) -> BTreeMap<String, Vec<usize>> {
        self.shapes
            .lock()
            .map(|shapes| shapes.clone())
            .unwrap_or_default()
    }

    fn tensor(name: &str, shape: &[usize], rows: Range<usize>) -> Result<Tensor, ModelError> {
        let row: usize = shape.iter().skip(1).product();
        let mut dims = shape.to_vec();
        if let Some(count) = dims.first_mut() {
            *count = rows.len();
        }
        let values = values(name, shape, row * rows.start, row * rows.len());
        Ok(Tensor::from_vec(values, dims, &Device::Cpu)?)
    }
}

impl Weights for Invented {
    fn source(&self) -> String {
        "random weights".to_owned()
    }

    fn names(&self) -> Vec<String> {
        self.asked().into_keys().collect()
    }

    /// Known only after the tensor was asked for with a shape.
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.asked().remove(name)
    }

    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let shape = self.shape(name).unwrap_or_default();
        if let Some(format) = self.repeated {
            return Self::tiled(name, &shape, format);
        }
        let rows = 0..shape.first().copied().unwrap_or(1);
        Ok(Stored::Plain(Self::tensor(name, &shape, rows)?))
    }

    fn stored_as(&self, name: &str, wanted: &[usize]) -> Result<Stored, ModelError> {
        if let Ok(mut shapes) = self.shapes.lock() {
            shapes.insert(name.to_owned(), wanted.to_vec());
        }
        self.stored(name)
    }

    fn f32(&self, name: &str, wanted: &[usize]) -> Result<Tensor, ModelError> {
        match self.stored_as(name, wanted)? {
            Stored::Plain(tensor) => Ok(tensor.to_dtype(DType::F32)?),
            Stored::Quantized(tensor) => Ok(tensor.dequantize(&Device::Cpu)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_the_part_of_the_whole() {
        let whole = values("a.weight", &[8, 16], 0, 128);
        assert_eq!(values("a.weight", &[8, 16], 32, 48), whole[32..80]);
        assert!(whole.iter().any(|v| *v != whole[0]));
        assert_ne!(values("b.weight", &[8, 16], 0, 128), whole);
    }

    #[test]
    fn repeated_rows_are_all_the_first_one_in_the_format_of_an_import() {
        let name = "model.layers.0.mlp.up_proj.weight";
        for format in Format::ALL {
            let weights = Invented::repeated(format);
            let stored = weights.stored_as(name, &[3, 256]).unwrap();
            assert_eq!(stored.dims(), [3, 256]);
            let kind = match &stored {
                Stored::Plain(tensor) => super::super::kind_of(tensor.dtype()),
                Stored::Quantized(tensor) => tensor.dtype(),
            };
            assert_eq!(kind, format.ggml());
            let rows = weights.f32(name, &[3, 256]).unwrap().to_vec2::<f32>().unwrap();
            assert!(rows[1..].iter().all(|row| *row == rows[0]));
            assert!(rows[0].iter().any(|value| *value != rows[0][0]));
        }
    }
}
