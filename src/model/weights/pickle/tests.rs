//! Checkpoints of both layouts, written here code by code.

use super::*;
use crate::model::weights::checkpoint::open_movq;
use crate::model::weights::{Stored, Weights};
use std::io::Write;

/// A tensor to be pickled: elements of its storage, and where it lies in them.
struct Pickled<'a> {
    key: &'a str,
    shape: &'a [u16],
    stride: &'a [u16],
    offset: u16,
}

fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn int(number: u16) -> Vec<u8> {
    [&b"M"[..], &number.to_le_bytes()].concat()
}

fn tuple(parts: &[Vec<u8>]) -> Vec<u8> {
    [b"(".to_vec(), parts.concat(), b"t".to_vec()].concat()
}

/// `_rebuild_tensor_v2(storage, offset, shape, stride, False, OrderedDict())`
fn tensor(of: &Pickled<'_>) -> Vec<u8> {
    let sides = |sides: &[u16]| tuple(&sides.iter().map(|side| int(*side)).collect::<Vec<_>>());
    let storage = tuple(&[
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(of.key),
        text("cpu"),
        int(0),
    ]);
    let args = tuple(&[
        [storage, b"Q".to_vec()].concat(),
        int(of.offset),
        sides(of.shape),
        sides(of.stride),
        b"\x89ccollections\nOrderedDict\n)R".to_vec(),
    ]);
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec(),
        args,
        b"R".to_vec(),
    ]
    .concat()
}

fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> = entries
        .iter()
        .flat_map(|(key, value)| [text(key), value.clone()].concat())
        .collect();
    [b"}(".to_vec(), entries, b"u".to_vec()].concat()
}

fn pickle(root: &[u8]) -> Vec<u8> {
    [b"\x80\x02", root, b"."].concat()
}

/// 0, 1, 2 ...
fn storage(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|value| (value as f32).to_le_bytes())
        .collect()
}

fn zip_of(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in files {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn values(weights: &dyn Weights, name: &str) -> Vec<f32> {
    let Stored::Plain(tensor) = weights.stored(name).unwrap() else {
        panic!("{name} is plain");
    };
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// All of a storage of six.
fn plain() -> Vec<u8> {
    tensor(&Pickled {
        key: "0",
        shape: &[2, 3],
        stride: &[3, 1],
        offset: 0,
    })
}

fn opened(root: &[u8]) -> Result<Pickle, ModelError> {
    let file = written(&zip_of(&[
        ("archive/data.pkl", pickle(root)),
        ("archive/data/0", storage(6)),
    ]));
    Pickle::open(file.path())
}

fn refused(root: &[u8], words: &str) {
    let why = opened(root).err().unwrap().to_string();
    assert!(why.contains(words), "{why}");
}

#[test]
fn tensors_are_read_in_their_own_order() {
    let of = |shape: &'static [u16], stride: &'static [u16], offset| {
        let made = Pickled {
            key: "0",
            shape,
            stride,
            offset,
        };
        let weights = opened(&dict(&[("a", tensor(&made))])).unwrap();
        let rows = weights
            .rows("a", 1..2)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>();
        (values(&weights, "a"), rows.unwrap())
    };
    assert_eq!(
        of(&[2, 3], &[3, 1], 0),
        (vec![0., 1., 2., 3., 4., 5.], vec![3., 4., 5.])
    );
    assert_eq!(
        of(&[3, 2], &[1, 3], 0),
        (vec![0., 3., 1., 4., 2., 5.], vec![1., 4.])
    );
    assert_eq!(
        of(&[2, 1, 2], &[2, 9, 1], 1),
        (vec![1., 2., 3., 4.], vec![3., 4.])
    );
    assert_eq!(of(&[3], &[2], 0), (vec![0., 2., 4.], vec![2.]));
}

#[test]
fn dictionaries_within_each_other_are_one_model() {
    for before in [
        "",
        "state_dict.",
        "state_dict.module.",
        "model.first_stage_model.",
    ] {
        let name = "encoder.conv_in.weight";
        let mut parts: Vec<&str> = before.split_terminator('.').collect();
        let mut root = dict(&[(name, plain()), ("step", int(3))]);
        while let Some(part) = parts.pop() {
            root = dict(&[("epoch", int(3)), (part, root)]);
        }
        let file = written(&zip_of(&[
            ("archive/data.pkl", pickle(&root)),
            ("archive/data/0", storage(6)),
        ]));
        let weights = open_movq(file.path()).unwrap();
        assert_eq!(weights.names(), [name], "{before}");
        assert_eq!(values(weights.as_ref(), name), [0., 1., 2., 3., 4., 5.]);
    }
    // The model and its average: the model.
    let both = dict(&[
        ("ema", dict(&[("encoder.conv_in.weight", plain())])),
        ("state_dict", dict(&[("encoder.conv_in.weight", plain())])),
    ]);
    let file = written(&zip_of(&[
        ("archive/data.pkl", pickle(&both)),
        ("archive/data/0", storage(6)),
    ]));
    assert_eq!(open_movq(file.path()).unwrap().names().len(), 1);
}

#[test]
fn the_layout_before_version_1_6_is_read() {
    let second = tensor(&Pickled {
        key: "7",
        shape: &[2],
        stride: &[1],
        offset: 1,
    });
    let root = dict(&[("a", plain()), ("b", second)]);
    let mut bytes = OLD_MAGIC.to_vec();
    bytes.extend(pickle(&int(1001)));
    bytes.extend(pickle(&dict(&[("little_endian", b"\x88".to_vec())])));
    bytes.extend(pickle(&root));
    bytes.extend(pickle(
        &[b"](".to_vec(), text("7"), text("0"), b"e".to_vec()].concat(),
    ));
    for count in [3, 6] {
        bytes.extend((count as u64).to_le_bytes());
        bytes.extend(storage(count));
    }
    let weights = Pickle::open(written(&bytes).path()).unwrap();
    assert_eq!(values(&weights, "a"), [0., 1., 2., 3., 4., 5.]);
    assert_eq!(values(&weights, "b"), [1., 2.]);
    let why = Pickle::open(written(&bytes[..bytes.len() - 1]).path())
        .err()
        .unwrap();
    assert!(why.to_string().contains("cut short"), "{why}");
}

#[test]
fn tensors_that_are_not_what_they_say_are_named() {
    let of = |shape: &'static [u16], stride: &'static [u16], offset| {
        let made = Pickled {
            key: "0",
            shape,
            stride,
            offset,
        };
        dict(&[("a", tensor(&made))])
    };
    // Of a million times the elements that are there.
    refused(&of(&[9999, 9999], &[0, 0], 0), "tensor `a`");
    refused(&of(&[7], &[1], 0), "tensor `a`");
    refused(&of(&[2], &[1], 5), "tensor `a`");
    refused(&of(&[65_535; 8], &[65_535; 8], 0), "tensor `a`");
    refused(&of(&[1; 9], &[1; 9], 0), "tensor `a`");
    refused(&of(&[2, 3], &[1], 0), "tensor `a`");
    // Too few words.
    let short = b"ctorch._utils\n_rebuild_tensor_v2\n(K\x01tR".to_vec();
    refused(
        &dict(&[("a", plain()), ("b", short)]),
        "tensor `b` is described with too few words",
    );
    refused(&dict(&[]), "no plain tensors");
}

/// 761 bytes that took 7.7 GB.
#[test]
fn tuples_that_double_each_other_take_no_memory() {
    let bytes = include_bytes!("../../../../tests/cases/siblings.pkl");
    let file = written(&zip_of(&[("archive/data.pkl", bytes.to_vec())]));
    let why = Pickle::open(file.path()).err().unwrap().to_string();
    assert!(why.contains("no plain tensors"), "{why}");
}

#[test]
fn a_checkpoint_that_became_shorter_is_an_error() {
    let root = dict(&[("a", plain())]);
    let file = written(&zip_of(&[
        ("archive/data/0", storage(6)),
        ("archive/data.pkl", pickle(&root)),
    ]));
    let weights = Pickle::open(file.path()).unwrap();
    file.as_file().set_len(20).unwrap();
    let why = weights.stored("a").err().unwrap().to_string();
    assert!(why.contains("became shorter"), "{why}");
}
