//! The pickle machine: follows the codes of a pickle and runs nothing of what it asks for.
//!
//! Objects lie in one list and name each other by their place in it. Remembering and recalling one
//! copies nothing and nothing here calls itself, so neither objects that double each other nor ones
//! that lie deep within each other cost more than their codes. How many there may be is bounded.

use std::collections::HashMap;

/// Objects, places on the stack and remembered ones a checkpoint may have; a published one has some
/// ten thousand.
pub(super) const MOST: usize = 4_000_000;

/// The place of an object.
pub(super) type Id = u32;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    Int(i64),
    Text(String),
    /// Something that has a name in Python, `module.name`: one of plain tensors.
    Named(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// What a call would give; it is never made.
    Call {
        callable: Id,
        args: Id,
    },
    /// What lies outside of the pickle: the bytes of a storage.
    Outside(Id),
    /// Of no use here.
    Other,
}

/// Why a pickle is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It names something that is not of plain tensors.
    Foreign(String),
    Broken(String),
}

fn broken<T>(why: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Broken(why.into()))
}

/// Whether a name belongs to plain tensors.
fn is_plain(module: &str, name: &str) -> bool {
    match module {
        "collections" => matches!(name, "OrderedDict" | "defaultdict"),
        "torch._utils" => matches!(name, "_rebuild_tensor_v2" | "_rebuild_parameter"),
        "torch" => {
            name.ends_with("Storage")
                || matches!(name, "Size" | "device" | "float32" | "float16" | "bfloat16")
        }
        "torch.storage" => matches!(name, "UntypedStorage" | "TypedStorage"),
        _ => false,
    }
}

/// The objects of a pickle.
pub(super) struct Objects {
    all: Vec<Object>,
    pub(super) root: Id,
}

impl Objects {
    pub(super) fn get(&self, id: Id) -> &Object {
        self.all.get(id as usize).unwrap_or(&Object::Other)
    }

    pub(super) fn all(&self) -> &[Object] {
        &self.all
    }
}

/// Follows the pickle at the start of `bytes`; also says where it ends.
pub(super) fn read(bytes: &[u8]) -> Result<(Objects, usize), Trouble> {
    let mut machine = Machine {
        rest: bytes,
        all: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    while machine.step()? {}
    let root = machine.pop()?;
    let used = bytes.len() - machine.rest.len();
    Ok((
        Objects {
            all: machine.all,
            root,
        },
        used,
    ))
}

struct Machine<'a> {
    rest: &'a [u8],
    all: Vec<Object>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Trouble> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return broken("its pickle is cut short");
        };
        self.rest = rest;
        Ok(taken)
    }

    /// A little-endian number of at most eight bytes.
    fn number(&mut self, bytes: usize) -> Result<u64, Trouble> {
        let taken = self.take(bytes)?.iter().rev();
        Ok(taken.fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// Bytes whose count stands before them, in `bytes` bytes.
    fn counted(&mut self, bytes: usize) -> Result<&'a [u8], Trouble> {
        let count = self.number(bytes)?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<String, Trouble> {
        let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') else {
            return broken("its pickle is cut short");
        };
        let line = self.take(end + 1)?;
        let text = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn text(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.push(Object::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// Puts what is there already on the stack.
    fn put(&mut self, id: Id) -> Result<(), Trouble> {
        if self.stack.len() >= MOST {
            return broken("its pickle has too many objects");
        }
        self.stack.push(id);
        Ok(())
    }

    fn push(&mut self, object: Object) -> Result<(), Trouble> {
        if self.all.len() >= MOST {
            return broken("its pickle has too many objects");
        }
        self.all.push(object);
        self.put(self.all.len() as Id - 1)
    }

    fn pop(&mut self) -> Result<Id, Trouble> {
        // What lies below a mark belongs to another container.
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => broken("its pickle takes an object where none is"),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Trouble> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => broken("its pickle closes a container that is not open"),
        }
    }

    fn top(&mut self) -> Result<&mut Object, Trouble> {
        let id = self.stack.last().copied();
        match id.and_then(|id| self.all.get_mut(id as usize)) {
            Some(object) => Ok(object),
            None => broken("its pickle takes an object where none is"),
        }
    }

    fn remember(&mut self, key: u64) -> Result<(), Trouble> {
        let Some(id) = self.stack.last().copied() else {
            return broken("its pickle takes an object where none is");
        };
        if self.memo.len() >= MOST {
            return broken("its pickle has too many objects");
        }
        self.memo.insert(key as u32, id);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<(), Trouble> {
        match self.memo.get(&(key as u32)).copied() {
            Some(id) => self.put(id),
            None => broken("its pickle recalls an object that is not there"),
        }
    }

    fn wrap(&mut self, count: usize) -> Result<(), Trouble> {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Object::Tuple(items))
    }

    fn named(&mut self, module: &str, name: &str) -> Result<(), Trouble> {
        match is_plain(module, name) {
            true => self.push(Object::Named(format!("{module}.{name}"))),
            false => Err(Trouble::Foreign(format!("{module}.{name}"))),
        }
    }

    fn named_by_texts(&mut self) -> Result<(), Trouble> {
        let (name, module) = (self.pop()?, self.pop()?);
        match (self.all.get(module as usize), self.all.get(name as usize)) {
            (Some(Object::Text(module)), Some(Object::Text(name))) => {
                let (module, name) = (module.clone(), name.clone());
                self.named(&module, &name)
            }
            _ => broken("its pickle asks for something without a name"),
        }
    }

    fn call(&mut self) -> Result<(), Trouble> {
        let (args, callable) = (self.pop()?, self.pop()?);
        let is_dict = matches!(self.all.get(callable as usize), Some(Object::Named(name)) if name.starts_with("collections."));
        self.push(match is_dict {
            true => Object::Dict(Vec::new()),
            false => Object::Call { callable, args },
        })
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), Trouble> {
        match self.top()? {
            Object::List(list) => list.extend(items),
            // Sets, and what a call would have given.
            Object::Other | Object::Call { .. } => {}
            _ => return broken("its pickle puts an object where no list is"),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), Trouble> {
        let (pairs, rest) = items.as_chunks::<2>();
        match self.top()? {
            Object::Dict(dict) if rest.is_empty() => {
                dict.extend(pairs.iter().map(|[key, value]| (*key, *value)))
            }
            _ => return broken("its pickle puts an object where no dictionary is"),
        }
        Ok(())
    }

    /// One code; `false` at the end.
    fn step(&mut self) -> Result<bool, Trouble> {
        match self.number(1)? as u8 {
            b'.' => return Ok(false),
            0x80 => drop(self.take(1)?),
            // A frame's length.
            0x95 => drop(self.take(8)?),
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.named(&module, &name)?;
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                return Err(Trouble::Foreign(format!("{module}.{name}")));
            }
            0x93 => self.named_by_texts()?,
            b'K' => {
                let number = self.number(1)? as i64;
                self.push(Object::Int(number))?;
            }
            b'M' => {
                let number = self.number(2)? as i64;
                self.push(Object::Int(number))?;
            }
            b'J' => {
                let number = i64::from((self.number(4)? as u32).cast_signed());
                self.push(Object::Int(number))?;
            }
            0x8a => {
                let bytes = self.counted(1)?;
                self.push(long(bytes))?;
            }
            b'I' | b'L' => {
                let line = self.line()?;
                let number = line.trim_end_matches('L').parse();
                self.push(number.map_or(Object::Other, Object::Int))?;
            }
            b'F' => {
                self.line()?;
                self.push(Object::Other)?;
            }
            b'G' => {
                self.take(8)?;
                self.push(Object::Other)?;
            }
            b'X' | b'T' => {
                let bytes = self.counted(4)?;
                self.text(bytes)?;
            }
            0x8c | b'U' => {
                let bytes = self.counted(1)?;
                self.text(bytes)?;
            }
            0x8d => {
                let bytes = self.counted(8)?;
                self.text(bytes)?;
            }
            b'B' => {
                self.counted(4)?;
                self.push(Object::Other)?;
            }
            b'C' => {
                self.counted(1)?;
                self.push(Object::Other)?;
            }
            0x8e => {
                self.counted(8)?;
                self.push(Object::Other)?;
            }
            b'N' | 0x88 | 0x89 | 0x8f => self.push(Object::Other)?,
            b')' => self.push(Object::Tuple(Vec::new()))?,
            b']' => self.push(Object::List(Vec::new()))?,
            b'}' => self.push(Object::Dict(Vec::new()))?,
            code => self.step_of_stack(code)?,
        }
        Ok(true)
    }

    /// The codes that work on what is there.
    fn step_of_stack(&mut self, code: u8) -> Result<(), Trouble> {
        match code {
            b'(' => {
                if self.marks.len() >= MOST {
                    return broken("its pickle has too many objects");
                }
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'q' => {
                let key = self.number(1)?;
                self.remember(key)
            }
            b'r' => {
                let key = self.number(4)?;
                self.remember(key)
            }
            0x94 => self.remember(self.memo.len() as u64),
            b'h' => {
                let key = self.number(1)?;
                self.recall(key)
            }
            b'j' => {
                let key = self.number(4)?;
                self.recall(key)
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Tuple(items))
            }
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Object::List(items))
            }
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Dict(Vec::new()))?;
                self.set(&items)
            }
            0x91 => {
                self.pop_to_mark()?;
                self.push(Object::Other)
            }
            0x85 => self.wrap(1),
            0x86 => self.wrap(2),
            0x87 => self.wrap(3),
            b'0' => self.pop().map(drop),
            b'1' => self.pop_to_mark().map(drop),
            b'2' => match self.stack.last().copied() {
                Some(id) => self.put(id),
                None => broken("its pickle takes an object where none is"),
            },
            b'R' | 0x81 => self.call(),
            // The state of an object: of dictionaries of tensors it is what belongs to no tensor.
            b'b' => self.pop().map(drop),
            b'Q' => {
                let what = self.pop()?;
                self.push(Object::Outside(what))
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.append(items)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(&items)
            }
            code => broken(format!(
                "its pickle has a code that is not known here ({code:#04x})"
            )),
        }
    }
}

/// A number of any length; of no use here beyond eight bytes.
fn long(bytes: &[u8]) -> Object {
    let Some(top) = bytes.last() else {
        return Object::Int(0);
    };
    if bytes.len() > 8 {
        return Object::Other;
    }
    let mut wide = [if top & 0x80 != 0 { 0xff } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Object::Int(i64::from_le_bytes(wide))
}
