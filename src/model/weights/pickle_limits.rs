//! How deep the objects of a pickle lie within each other and how many they are, before any of
//! them is made.
//!
//! Readers of pickles follow objects by calling themselves: one that lies deep enough would end
//! the program with a full stack. And they copy what was remembered: a few lines that double each
//! other would fill any memory. Checkpoints of tensors are about six deep. Only what candle's
//! reader knows is followed; at any other code it stops, and so does this.

use std::collections::HashMap;

/// How deep an object is, and of how many it consists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Extent {
    pub(crate) depth: u32,
    pub(crate) count: u64,
}

impl Extent {
    const LEAF: Self = Self { depth: 0, count: 1 };

    /// Both side by side.
    fn with(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            count: self.count.saturating_add(other.count),
        }
    }

    /// Inside of another object.
    fn wrapped(self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            count: self.count.saturating_add(1),
        }
    }
}

/// One place of the pickle machine's stack.
#[derive(Clone, Copy)]
enum StackItem {
    Object(Extent),
    Mark,
}

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<StackItem>,
    memo: HashMap<u32, Extent>,
    /// The deepest and the largest of all objects.
    most: Extent,
}

/// The depth and the size of the deepest and the largest object that reading `pickle` would make.
pub(crate) fn extent(pickle: &[u8]) -> Extent {
    let mut machine = Machine {
        rest: pickle,
        stack: Vec::new(),
        memo: HashMap::new(),
        most: Extent::default(),
    };
    // Whatever cannot be followed is refused by the reader with its own words.
    while machine.step().is_some() {}
    machine.most
}

impl Machine<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// A little-endian number of `bytes` bytes.
    fn number(&mut self, bytes: usize) -> Option<u32> {
        let taken = self.take(bytes)?;
        Some(
            taken
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
        )
    }

    fn line(&mut self) -> Option<()> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        self.take(end + 1).map(|_| ())
    }

    fn push(&mut self, object: Extent) {
        self.most.depth = self.most.depth.max(object.depth);
        self.most.count = self.most.count.max(object.count);
        self.stack.push(StackItem::Object(object));
    }

    fn pop(&mut self) -> Option<Extent> {
        match self.stack.pop()? {
            StackItem::Object(object) => Some(object),
            StackItem::Mark => Some(Extent::LEAF),
        }
    }

    /// All that stands above the last mark.
    fn pop_to_mark(&mut self) -> Option<Extent> {
        let mut all = Extent::default();
        loop {
            match self.stack.pop()? {
                StackItem::Object(object) => all = all.with(object),
                StackItem::Mark => return Some(all),
            }
        }
    }

    /// Puts the top `count` objects into a new one.
    fn wrap(&mut self, count: usize) -> Option<()> {
        let mut inner = Extent::default();
        for _ in 0..count {
            inner = inner.with(self.pop()?);
        }
        self.push(inner.wrapped());
        Some(())
    }

    /// Puts something into the container on top.
    fn put_in(&mut self, inner: Extent) -> Option<()> {
        let container = self.pop()?;
        self.push(container.with(inner.wrapped()));
        Some(())
    }

    fn remember(&mut self, id: u32) -> Option<()> {
        let Some(StackItem::Object(object)) = self.stack.last() else {
            return None;
        };
        self.memo.insert(id, *object);
        Some(())
    }

    fn recall(&mut self, id: u32) -> Option<()> {
        let object = *self.memo.get(&id)?;
        self.push(object);
        Some(())
    }

    fn plain(&mut self, bytes: usize) -> Option<()> {
        self.take(bytes)?;
        self.push(Extent::LEAF);
        Some(())
    }

    /// One code; `None` at the end and at codes that are not known.
    fn step(&mut self) -> Option<()> {
        match self.number(1)? as u8 {
            0x80 => self.take(1).map(|_| ()),
            b'c' => {
                self.line()?;
                self.line()?;
                self.plain(0)
            }
            b'K' => self.plain(1),
            b'M' => self.plain(2),
            b'J' => self.plain(4),
            b'G' => self.plain(8),
            0x8a => {
                let length = self.number(1)? as usize;
                self.plain(length)
            }
            b'X' => {
                let length = self.number(4)? as usize;
                self.plain(length)
            }
            b'N' | 0x88 | 0x89 | b')' | b']' | b'}' | b'd' => self.plain(0),
            b'(' => {
                self.stack.push(StackItem::Mark);
                Some(())
            }
            b'q' => {
                let id = self.number(1)?;
                self.remember(id)
            }
            b'r' => {
                let id = self.number(4)?;
                self.remember(id)
            }
            b'h' => {
                let id = self.number(1)?;
                self.recall(id)
            }
            b'j' => {
                let id = self.number(4)?;
                self.recall(id)
            }
            b't' => {
                let inner = self.pop_to_mark()?;
                self.push(inner.wrapped());
                Some(())
            }
            0x85 => self.wrap(1),
            0x86 => self.wrap(2),
            0x87 => self.wrap(3),
            b'R' | b'b' | 0x81 => self.wrap(2),
            b'Q' => self.wrap(1),
            b'a' => {
                let value = self.pop()?;
                self.put_in(value)
            }
            b's' => {
                let pair = self.pop()?.with(self.pop()?);
                self.put_in(pair)
            }
            b'e' | b'u' => {
                let inner = self.pop_to_mark()?;
                self.put_in(inner)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pickle: &[u8]) -> u32 {
        extent(pickle).depth
    }

    #[test]
    fn copies_that_double_each_other_are_counted() {
        let double = |id: u8| [b'h', id, b'h', id, 0x86, b'q', id + 1];
        let lines: Vec<u8> = (0..60).flat_map(double).collect();
        let pickle = [&b"K\x01q\0"[..], &lines].concat();
        let most = extent(&pickle);
        assert_eq!(most.depth, 60);
        assert!(most.count > 1 << 60);
    }

    #[test]
    fn depth_is_counted_through_every_container() {
        assert_eq!(depth(b"\x80\x02K\x01."), 0);
        assert_eq!(depth(b"]]]aa."), 2);
        assert_eq!(depth(b"K\x01\x85\x85\x85."), 3);
        assert_eq!(depth(b"((tt."), 2);
        assert_eq!(depth(b"}X\x01\0\0\0a)s."), 1);
        // What is remembered keeps its depth.
        assert_eq!(depth(b"K\x01\x85\x85q\x07h\x07\x86."), 3);
        let deep = [&[b']'; 5000][..], &[b'a'; 4999], b"."].concat();
        assert_eq!(depth(&deep), 4999);
        assert_eq!(depth(b"X\xff\xff\xff\xffshort"), 0);
    }
}
