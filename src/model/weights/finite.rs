//! Whether numbers are numbers: weights that are not would draw blank pictures.

use candle_core::quantized::GgmlDType;
use half::{bf16, f16};

/// Whether all bytes of a tensor, stored in one of the formats that are written here, are finite
/// numbers: weights of plain types, scales of blocks.
pub(in crate::model) fn is_finite(kind: GgmlDType, bytes: &[u8]) -> bool {
    let half = |two: &[u8]| {
        two.first_chunk()
            .is_none_or(|two| f16::from_le_bytes(*two).is_finite())
    };
    match kind {
        GgmlDType::F32 => bytes
            .as_chunks()
            .0
            .iter()
            .all(|four| f32::from_le_bytes(*four).is_finite()),
        GgmlDType::F16 => bytes.as_chunks::<2>().0.iter().all(|two| half(two)),
        GgmlDType::BF16 => bytes
            .as_chunks()
            .0
            .iter()
            .all(|two| bf16::from_le_bytes(*two).is_finite()),
        // A scale, then 32 bytes.
        GgmlDType::Q8_0 => bytes.chunks(kind.type_size()).all(half),
        // A scale and a least value, then the rest.
        GgmlDType::Q4K => bytes
            .chunks(kind.type_size())
            .all(|block| half(block) && half(block.get(2..).unwrap_or_default())),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::blocks_of;
    use candle_core::{Device, Tensor};

    #[test]
    fn numbers_that_a_format_cannot_hold_are_found() {
        let formats = [
            GgmlDType::F32,
            GgmlDType::F16,
            GgmlDType::BF16,
            GgmlDType::Q8_0,
            GgmlDType::Q4K,
        ];
        let stored = |format, value: f32| {
            let mut values = vec![0.5f32; 512];
            values[300] = value;
            let tensor = Tensor::from_vec(values, (2, 256), &Device::Cpu).unwrap();
            blocks_of(&tensor, format).unwrap().data().unwrap().into_owned()
        };
        for format in formats {
            assert!(is_finite(format, &stored(format, 3.0)), "{format:?}");
            // The first number of each, which blocks begin with; a second one stands beside it.
            let infinite = match format {
                GgmlDType::F32 => f32::INFINITY.to_le_bytes().to_vec(),
                GgmlDType::BF16 => bf16::INFINITY.to_le_bytes().to_vec(),
                _ => f16::INFINITY.to_le_bytes().to_vec(),
            };
            let seconds = if format == GgmlDType::Q4K { 2 } else { 0 };
            for at in [0, seconds, format.type_size()] {
                let mut spoilt = stored(format, 3.0);
                spoilt[at..at + infinite.len()].copy_from_slice(&infinite);
                assert!(!is_finite(format, &spoilt), "{format:?} at {at}");
            }
        }
        // Too large for a half, not for the others.
        assert!(!is_finite(GgmlDType::F16, &stored(GgmlDType::F16, 1e6)));
        assert!(is_finite(GgmlDType::BF16, &stored(GgmlDType::BF16, 1e6)));
        assert!(is_finite(GgmlDType::Q8_0, &stored(GgmlDType::Q8_0, 1e6)));
        assert!(!is_finite(GgmlDType::Q8_0, &stored(GgmlDType::Q8_0, 1e8)));
        assert!(!is_finite(GgmlDType::Q4K, &stored(GgmlDType::Q4K, 1e9)));
    }
}
