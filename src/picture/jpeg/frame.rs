//! What the head of a JPEG says of its blocks, and what of them was seen.

use crate::pixels::MOST_PIXELS;

/// One of the components that a picture is made of.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) id: u8,
    pub(super) across: usize,
    pub(super) down: usize,
    /// Blocks of a row as they are interleaved.
    pub(super) stride: usize,
    /// Blocks that show something, where the component stands in a scan alone.
    pub(super) own: (usize, usize),
    /// Bits that are still to come, by coefficient; `u8::MAX` before the first.
    pub(super) to_come: [u8; 64],
    /// Which coefficients of each block are not zero; of progressive files.
    pub(super) set: Vec<u64>,
}

/// What a scan is a part of.
pub(super) struct Frame {
    pub(super) is_progressive: bool,
    pub(super) components: Vec<Component>,
    pub(super) mcus: (usize, usize),
}

/// Two bytes of a segment.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([
        *bytes.get(at)?,
        *bytes.get(at + 1)?,
    ])))
}

impl Frame {
    pub(super) fn of(segment: &[u8], is_progressive: bool) -> Option<Self> {
        let (height, width) = (word(segment, 1)?, word(segment, 3)?);
        let count = usize::from(*segment.get(5)?);
        let told = segment.get(6..6 + 3 * count)?;
        let pixels = (width * height) as u64;
        if !(1..=MOST_PIXELS).contains(&pixels) || !(1..=4).contains(&count) {
            return None;
        }
        let sides = |told: &[u8]| (usize::from(told[1] >> 4), usize::from(told[1] & 15));
        if told
            .chunks_exact(3)
            .any(|told| !matches!(sides(told), (1..=4, 1..=4)))
        {
            return None;
        }
        let most = told
            .chunks_exact(3)
            .map(sides)
            .fold((1, 1), |most, (across, down)| {
                (most.0.max(across), most.1.max(down))
            });
        let mcus = (width.div_ceil(8 * most.0), height.div_ceil(8 * most.1));
        let components = told.chunks_exact(3).map(|told| {
            let (across, down) = sides(told);
            let (stride, rows) = (mcus.0 * across, mcus.1 * down);
            Component {
                id: told[0],
                across,
                down,
                stride,
                own: (
                    (width * across).div_ceil(most.0).div_ceil(8),
                    (height * down).div_ceil(most.1).div_ceil(8),
                ),
                to_come: [u8::MAX; 64],
                set: vec![0; if is_progressive { stride * rows } else { 0 }],
            }
        });
        Some(Self {
            is_progressive,
            components: components.collect(),
            mcus,
        })
    }

    /// Whether something of every component was there.
    pub(super) fn shows_everything(&self) -> bool {
        self.components
            .iter()
            .all(|component| component.to_come[0] < u8::MAX)
    }

    /// Whether nothing more can come.
    pub(super) fn is_final(&self) -> bool {
        let mut bits = self.components.iter().flat_map(|component| component.to_come);
        bits.all(|to_come| to_come == 0)
    }
}
