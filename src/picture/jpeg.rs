//! Whether all of a JPEG is there. Decoders fill what is missing with grey and say nothing.
//!
//! The entropy-coded data is walked block by block without computing a pixel (ITU-T T.81, annexes F
//! and G): a scan that is whole ends at a marker exactly where its last block ends. A file of a kind
//! that is not understood here is left to the decoder to judge.

mod bits;
mod frame;
mod scan;

use bits::{Bits, Table};
use frame::{Frame, word};
use scan::Scan;
use std::ops::ControlFlow;

/// As many as the decoder takes: a scan of a few bytes may pass over all of a picture.
const MOST_SCANS: usize = 100;

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Extent {
    Whole,
    /// The share of blocks that are there, where that can be told.
    Cut(Option<f64>),
    /// Nothing that is known here.
    Unknown,
}

struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
    tables: [[Option<Table>; 4]; 2],
    restart: usize,
    frame: Option<Frame>,
    scans: usize,
}

/// How much of a JPEG is there.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    let mut walker = Walker {
        bytes,
        at: 2,
        tables: [const { [const { None }; 4] }; 2],
        restart: 0,
        frame: None,
        scans: 0,
    };
    loop {
        match walker.segment() {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(extent) => return extent,
        }
    }
}

impl Walker<'_> {
    /// One marker and what belongs to it.
    fn segment(&mut self) -> ControlFlow<Extent> {
        let Some(marker) = self.marker() else {
            return ControlFlow::Break(self.without_end());
        };
        match marker {
            // The end.
            0xD9 => {
                let seen = self.frame.as_ref().is_some_and(Frame::shows_everything);
                return ControlFlow::Break(if seen { Extent::Whole } else { Extent::Cut(None) });
            }
            // Markers that stand alone.
            0x01 | 0xD0..=0xD8 => return ControlFlow::Continue(()),
            _ => {}
        }
        let bytes = self.bytes;
        let segment = word(bytes, self.at)
            .filter(|length| *length >= 2)
            .and_then(|length| bytes.get(self.at + 2..self.at + length));
        let Some(segment) = segment else {
            return ControlFlow::Break(self.without_end());
        };
        self.at += segment.len() + 2;
        let known = match marker {
            0xC0..=0xC2 if self.frame.is_none() => {
                Frame::of(segment, marker == 0xC2).map(|frame| self.frame = Some(frame))
            }
            0xC4 => self.huffman(segment),
            // A second head; lossless, hierarchical, arithmetic; a height told afterwards.
            0xC0..=0xC3 | 0xC5..=0xCF | 0xDC => None,
            0xDD => word(segment, 0).map(|restart| self.restart = restart),
            0xDA => return self.scan(segment),
            _ => Some(()),
        };
        match known {
            Some(()) => ControlFlow::Continue(()),
            None => ControlFlow::Break(Extent::Unknown),
        }
    }

    /// The next marker; what stands before it is passed over.
    fn marker(&mut self) -> Option<u8> {
        loop {
            let found = self.bytes.get(self.at..)?.iter().position(|byte| *byte == 0xFF)?;
            self.at += found + 1;
            let marker = *self.bytes.get(self.at)?;
            if marker != 0xFF {
                self.at += 1;
                if marker != 0 {
                    return Some(marker);
                }
            }
        }
    }

    /// The file ends before its end is told: nothing of the picture has to be lost.
    fn without_end(&self) -> Extent {
        match &self.frame {
            Some(frame) if frame.is_final() => Extent::Whole,
            _ => Extent::Cut(None),
        }
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = segment.split_first() {
            let counts = rest.get(..16)?;
            let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let mut symbols = rest.get(16..16 + total)?.iter();
            let mut table = Vec::with_capacity(1 << 16);
            for (length, count) in (1u8..).zip(counts) {
                for symbol in symbols.by_ref().take(usize::from(*count)) {
                    let span = 1usize << (16 - length);
                    if table.len() + span > 1 << 16 {
                        return None;
                    }
                    table.resize(table.len() + span, (length, *symbol));
                }
            }
            table.resize(1 << 16, (0, 0));
            let class = self.tables.get_mut(usize::from(kind >> 4))?;
            *class.get_mut(usize::from(kind & 15))? = Some(table);
            segment = &rest[16 + total..];
        }
        Some(())
    }

    fn scan(&mut self, header: &[u8]) -> ControlFlow<Extent> {
        let unknown = ControlFlow::Break(Extent::Unknown);
        self.scans += 1;
        if self.scans > MOST_SCANS {
            return unknown;
        }
        let Some(frame) = &mut self.frame else {
            return unknown;
        };
        let Some(scan) = Scan::of(header, frame) else {
            return unknown;
        };
        let (mut bits, total) = (Bits::new(&self.bytes[self.at..]), scan.mcus(frame));
        let mut walked = 0;
        let mut run = 0;
        let mut next_restart = 0;
        while walked < total {
            if self.restart > 0 && walked > 0 && walked.is_multiple_of(self.restart) {
                if !bits.pass_restart(next_restart) {
                    break;
                }
                next_restart = (next_restart + 1) % 8;
                run = 0;
            }
            if scan
                .walk(walked, frame, &self.tables, &mut bits, &mut run)
                .is_none()
            {
                break;
            }
            walked += 1;
        }
        if walked < total || !bits.ends() {
            let share = (!frame.is_progressive).then_some(walked as f64 / total.max(1) as f64);
            return ControlFlow::Break(Extent::Cut(share.filter(|share| *share < 1.0)));
        }
        scan.record(frame);
        self.at += bits.at;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests;
