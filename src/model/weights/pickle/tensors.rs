//! From the objects of a pickle to the tensors it describes.

use super::machine::{Id, Object, Objects};
use candle_core::DType;
use std::collections::HashMap;

/// Dictionaries lie within each other no deeper than this: `state_dict`, `model` and the like.
const DEEPEST: usize = 6;
/// Entries looked at; dictionaries that hold each other would give any number of them.
const MOST_ENTRIES: usize = 1_000_000;
/// Axes of a tensor.
const MOST_AXES: usize = 8;

/// Numbers of one kind, as they lie in a storage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Element {
    pub(super) bytes: usize,
    /// `None` where such numbers are not read here.
    pub(super) dtype: Option<DType>,
}

impl Element {
    fn of(storage: &str) -> Option<Self> {
        let (bytes, dtype) = match storage.strip_prefix("torch.")?.strip_suffix("Storage")? {
            "Float" => (4, Some(DType::F32)),
            "Double" => (8, Some(DType::F64)),
            "Half" => (2, Some(DType::F16)),
            "BFloat16" => (2, Some(DType::BF16)),
            "Byte" => (1, Some(DType::U8)),
            "Long" => (8, Some(DType::I64)),
            "Int" => (4, Some(DType::I32)),
            "Char" | "Bool" => (1, None),
            "Short" => (2, None),
            "ComplexFloat" => (8, None),
            "ComplexDouble" => (16, None),
            _ => return None,
        };
        Some(Self { bytes, dtype })
    }
}

/// A tensor as a pickle describes it. Lengths and places are in elements.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Described {
    pub(super) element: Element,
    pub(super) storage: String,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) stride: Vec<usize>,
}

impl Described {
    /// Elements, and how many of the storage lie between the first and the last one, both included.
    /// `None` for more than can be counted.
    pub(super) fn extent(&self) -> Option<(usize, usize)> {
        let count = self
            .shape
            .iter()
            .try_fold(1usize, |all, side| all.checked_mul(*side))?;
        if count == 0 {
            return Some((0, 0));
        }
        let last = self
            .shape
            .iter()
            .zip(&self.stride)
            .try_fold(0usize, |at, (side, stride)| {
                at.checked_add((side - 1).checked_mul(*stride)?)
            })?;
        Some((count, last.checked_add(1)?))
    }

    /// Whether its elements lie one behind the other in their order.
    pub(super) fn is_contiguous(&self) -> bool {
        let mut wanted = 1;
        for (side, stride) in self.shape.iter().zip(&self.stride).rev() {
            if *side != 1 && *stride != wanted {
                return false;
            }
            wanted *= side;
        }
        true
    }
}

/// The tensors of the dictionary at the root, those of dictionaries in it with their keys before
/// their names. An error names a tensor that is described wrongly.
pub(super) fn tensors(objects: &Objects) -> Result<HashMap<String, Described>, String> {
    let mut found = HashMap::new();
    let mut open = vec![(String::new(), objects.root, 0)];
    let mut entries = 0;
    while let Some((before, id, depth)) = open.pop() {
        let Object::Dict(pairs) = objects.get(id) else {
            continue;
        };
        for (key, value) in pairs {
            entries += 1;
            if entries > MOST_ENTRIES {
                return Err("its dictionaries hold too many entries".to_owned());
            }
            let Object::Text(key) = objects.get(*key) else {
                continue;
            };
            let name = format!("{before}{key}");
            match objects.get(*value) {
                Object::Dict(_) if depth < DEEPEST => open.push((format!("{name}."), *value, depth + 1)),
                Object::Call { .. } => match tensor(objects, *value) {
                    Some(Ok(described)) => drop(found.insert(name, described)),
                    Some(Err(why)) => return Err(format!("tensor `{name}` {why}")),
                    None => {}
                },
                _ => {}
            }
        }
    }
    Ok(found)
}

/// What kinds of numbers the storages hold, by their keys.
pub(super) fn storages(objects: &Objects) -> HashMap<String, Element> {
    let outside = objects.all().iter().filter_map(|object| match object {
        Object::Outside(id) => storage(objects, *id),
        _ => None,
    });
    outside.collect()
}

/// `("storage", torch.FloatStorage, key, device, elements)`
fn storage(objects: &Objects, id: Id) -> Option<(String, Element)> {
    let Object::Tuple(parts) = objects.get(id) else {
        return None;
    };
    let [_, kind, key, ..] = parts.as_slice() else {
        return None;
    };
    match (objects.get(*kind), objects.get(*key)) {
        (Object::Named(kind), Object::Text(key)) => Some((key.clone(), Element::of(kind)?)),
        _ => None,
    }
}

fn sides(objects: &Objects, id: Id) -> Option<Vec<usize>> {
    let items = match objects.get(id) {
        Object::Tuple(items) | Object::List(items) => items,
        // torch.Size(...)
        Object::Call { args, .. } => match objects.get(*args) {
            Object::Tuple(args) => match objects.get(*args.first()?) {
                Object::Tuple(items) => items,
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    let side = |id: &Id| match objects.get(*id) {
        Object::Int(side) => usize::try_from(*side).ok(),
        _ => None,
    };
    (items.len() <= MOST_AXES).then(|| items.iter().map(side).collect())?
}

/// `None` for calls that give no tensor.
fn tensor(objects: &Objects, id: Id) -> Option<Result<Described, &'static str>> {
    let Object::Call { callable, args } = objects.get(id) else {
        return None;
    };
    let (Object::Named(name), Object::Tuple(args)) = (objects.get(*callable), objects.get(*args)) else {
        return None;
    };
    match name.as_str() {
        // A parameter is a tensor in a wrapping; one wrapping is all there is.
        "torch._utils._rebuild_parameter" => {
            let inner = *args.first()?;
            match objects.get(inner) {
                Object::Call { callable, args } => match (objects.get(*callable), objects.get(*args)) {
                    (Object::Named(name), Object::Tuple(args))
                        if name == "torch._utils._rebuild_tensor_v2" =>
                    {
                        Some(rebuilt(objects, args))
                    }
                    _ => None,
                },
                _ => None,
            }
        }
        "torch._utils._rebuild_tensor_v2" => Some(rebuilt(objects, args)),
        _ => None,
    }
}

/// `(storage, offset, shape, stride, ...)`
fn rebuilt(objects: &Objects, args: &[Id]) -> Result<Described, &'static str> {
    let [place, offset, shape, stride, ..] = args else {
        return Err("is described with too few words");
    };
    let Object::Outside(place) = objects.get(*place) else {
        return Err("has no storage");
    };
    let (storage, element) = storage(objects, *place).ok_or("has a storage of an unknown kind")?;
    let offset = match objects.get(*offset) {
        Object::Int(offset) => usize::try_from(*offset).map_err(|_| "begins before its storage")?,
        _ => return Err("has no place in its storage"),
    };
    let shape = sides(objects, *shape).ok_or("has no readable shape")?;
    let stride = sides(objects, *stride).ok_or("has no readable stride")?;
    if shape.len() != stride.len() {
        return Err("has a shape and a stride that do not agree");
    }
    Ok(Described {
        element,
        storage,
        offset,
        shape,
        stride,
    })
}
