//! The blocks of one scan of a JPEG, each walked over by its codes.

use super::bits::{Bits, Table};
use super::frame::Frame;

/// One pass over the blocks of some components.
pub(super) struct Scan {
    /// Index of a component, its DC table, its AC table.
    parts: Vec<(usize, usize, usize)>,
    /// The first coefficient, the last one, the bits seen before, those to come.
    first: usize,
    last: usize,
    high: u8,
    low: u8,
}

impl Scan {
    pub(super) fn of(header: &[u8], frame: &Frame) -> Option<Self> {
        let count = usize::from(*header.first()?);
        let told = header.get(1..1 + 2 * count)?;
        let rest = header.get(1 + 2 * count..4 + 2 * count)?;
        let parts = told.chunks_exact(2).map(|told| {
            let index = frame
                .components
                .iter()
                .position(|component| component.id == told[0])?;
            Some((index, usize::from(told[1] >> 4), usize::from(told[1] & 15)))
        });
        let (first, last, high, low) = match frame.is_progressive {
            true => (
                usize::from(rest[0]),
                usize::from(rest[1]),
                rest[2] >> 4,
                rest[2] & 15,
            ),
            false => (0, 63, 0, 0),
        };
        let is_sound = first <= last && last < 64 && count > 0 && (first == 0 || count == 1);
        let is_sound = is_sound && (!frame.is_progressive || first > 0 || last == 0);
        let parts: Option<Vec<_>> = parts.collect();
        is_sound.then_some(Self {
            parts: parts?,
            first,
            last,
            high,
            low,
        })
    }

    pub(super) fn mcus(&self, frame: &Frame) -> usize {
        match self.parts[..] {
            [(index, ..)] => frame.components[index].own.0 * frame.components[index].own.1,
            _ => frame.mcus.0 * frame.mcus.1,
        }
    }

    /// Walks over one MCU; `None` where it is not there or is no such thing.
    pub(super) fn walk(
        &self,
        mcu: usize,
        frame: &mut Frame,
        tables: &[[Option<Table>; 4]; 2],
        bits: &mut Bits<'_>,
        run: &mut u32,
    ) -> Option<()> {
        let alone = self.parts.len() == 1;
        for (index, dc, ac) in &self.parts {
            let component = frame.components.get_mut(*index)?;
            let (across, down) = match alone {
                true => (1, 1),
                false => (component.across, component.down),
            };
            let columns = if alone { component.own.0 } else { frame.mcus.0 };
            let (left, top) = (mcu % columns * across, mcu / columns * down);
            for block in 0..across * down {
                let at = (top + block / across) * component.stride + left + block % across;
                let mut none = 0;
                let set = component.set.get_mut(at).unwrap_or(&mut none);
                let table = |class: usize, index: usize| tables[class].get(index)?.as_ref();
                if frame.is_progressive {
                    match (self.first, self.high) {
                        (0, 0) => skip_coded(bits, table(0, *dc)?)?,
                        (0, _) => bits.skip(1)?,
                        (_, 0) => self.first_bits(bits, table(1, *ac)?, set, run)?,
                        _ => self.further_bits(bits, table(1, *ac)?, set, run)?,
                    }
                } else {
                    skip_coded(bits, table(0, *dc)?)?;
                    sequential(bits, table(1, *ac)?)?;
                }
            }
        }
        Some(())
    }

    fn first_bits(&self, bits: &mut Bits<'_>, table: &Table, set: &mut u64, run: &mut u32) -> Option<()> {
        if *run > 0 {
            *run -= 1;
            return Some(());
        }
        let mut k = self.first;
        while k <= self.last {
            let symbol = bits.symbol(table)?;
            let (zeros, size) = (symbol >> 4, symbol & 15);
            match (zeros, size) {
                (15, 0) => k += 16,
                (_, 0) => {
                    *run = (1 << zeros) - 1 + bits.read(u32::from(zeros))?;
                    return Some(());
                }
                _ => {
                    k += usize::from(zeros);
                    bits.skip(u32::from(size))?;
                    *set |= 1u64.checked_shl(k as u32).filter(|_| k <= self.last)?;
                    k += 1;
                }
            }
        }
        Some(())
    }

    fn further_bits(&self, bits: &mut Bits<'_>, table: &Table, set: &mut u64, run: &mut u32) -> Option<()> {
        let (mut k, before) = (self.first, *set);
        let is_set = |k: usize| before >> k & 1 == 1;
        while *run == 0 && k <= self.last {
            let symbol = bits.symbol(table)?;
            let (mut zeros, size) = (symbol >> 4, symbol & 15);
            match (zeros, size) {
                (15, 0) | (_, 1) => bits.skip(u32::from(size))?,
                (_, 0) => {
                    *run = (1 << zeros) + bits.read(u32::from(zeros))?;
                    break;
                }
                _ => return None,
            }
            while k <= self.last && (is_set(k) || zeros > 0) {
                match is_set(k) {
                    true => bits.skip(1)?,
                    false => zeros -= 1,
                }
                k += 1;
            }
            if size > 0 {
                *set |= 1u64.checked_shl(k as u32).filter(|_| k <= self.last)?;
            }
            k += 1;
        }
        if *run > 0 {
            let rest = (k..=self.last).filter(|k| is_set(*k)).count();
            (0..rest).try_for_each(|_| bits.skip(1))?;
            *run -= 1;
        }
        Some(())
    }

    pub(super) fn record(&self, frame: &mut Frame) {
        for (index, ..) in &self.parts {
            frame.components[*index].to_come[self.first..=self.last].fill(self.low);
        }
    }
}

/// A DC difference.
fn skip_coded(bits: &mut Bits<'_>, table: &Table) -> Option<()> {
    let size = bits.symbol(table)?;
    bits.skip(u32::from(size).min(16))
}

/// The AC coefficients of a block that is coded at once.
fn sequential(bits: &mut Bits<'_>, table: &Table) -> Option<()> {
    let mut k = 1;
    while k < 64 {
        let symbol = bits.symbol(table)?;
        match (symbol >> 4, symbol & 15) {
            (15, 0) => k += 16,
            (_, 0) => return Some(()),
            (zeros, size) => {
                k += usize::from(zeros) + 1;
                bits.skip(u32::from(size))?;
            }
        }
    }
    (k <= 64).then_some(())
}
