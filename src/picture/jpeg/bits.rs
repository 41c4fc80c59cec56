//! The entropy-coded data of a JPEG, bit by bit.

/// Whole bytes that may stand between the last block of a scan and the next marker.
const PADDING: usize = 1;

/// Code lengths and symbols by the next 16 bits.
pub(super) type Table = Vec<(u8, u8)>;

/// Entropy-coded data, bit by bit.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            held: 0,
            count: 0,
        }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let Some(&byte) = self.bytes.get(self.at) else {
                return;
            };
            if byte == 0xFF {
                match self.bytes.get(self.at + 1) {
                    Some(0) => self.at += 1,
                    // A marker, or fill bytes before one.
                    _ => return,
                }
            }
            self.at += 1;
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    pub(super) fn symbol(&mut self, table: &Table) -> Option<u8> {
        if self.count < 16 {
            self.fill();
        }
        // Where less than 16 bits are left, a shorter code may still be whole.
        let next = match self.count {
            0..16 => self.held << (16 - self.count),
            count => self.held >> (count - 16),
        };
        let (length, symbol) = table[next as usize & 0xFFFF];
        self.skip(u32::from(length)).filter(|()| length > 0)?;
        Some(symbol)
    }

    pub(super) fn skip(&mut self, bits: u32) -> Option<()> {
        self.read(bits).map(drop)
    }

    pub(super) fn read(&mut self, bits: u32) -> Option<u32> {
        if self.count < bits {
            self.fill();
        }
        self.count = self.count.checked_sub(bits)?;
        Some((self.held >> self.count) as u32 & ((1 << bits) - 1))
    }

    /// Passes over the restart marker of that number; `false` where another thing stands there.
    pub(super) fn pass_restart(&mut self, number: u8) -> bool {
        if !self.ends() {
            return false;
        }
        while self.bytes.get(self.at) == Some(&0xFF) && self.bytes.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        if self.bytes.get(self.at..self.at + 2) != Some(&[0xFF, 0xD0 + number]) {
            return false;
        }
        (self.at, self.held, self.count) = (self.at + 2, 0, 0);
        true
    }

    /// Whether nothing is left of the data but what fills its last byte.
    pub(super) fn ends(&mut self) -> bool {
        self.fill();
        let left = self.count as usize / 8;
        let is_at_marker = self.bytes.get(self.at).is_none_or(|byte| *byte == 0xFF);
        is_at_marker && left <= PADDING
    }
}
