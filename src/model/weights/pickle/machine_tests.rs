//! The pickle machine, code by code.

use super::machine::*;

fn root(pickle: &[u8]) -> Object {
    let (objects, used) = read(pickle).unwrap();
    assert_eq!(used, pickle.len());
    objects.get(objects.root).clone()
}

#[test]
fn numbers_and_texts_are_those_that_were_written() {
    let int = |pickle: &[u8]| root(pickle);
    assert_eq!(int(b"\x80\x02K\xff."), Object::Int(255));
    assert_eq!(int(b"M\x01\x02."), Object::Int(513));
    assert_eq!(int(b"J\xff\xff\xff\xff."), Object::Int(-1));
    assert_eq!(int(b"\x8a\x01\x80."), Object::Int(-128));
    assert_eq!(int(b"\x8a\x03\0\0\x01."), Object::Int(65_536));
    assert_eq!(int(b"\x8a\x00."), Object::Int(0));
    assert_eq!(int(b"L12L\n."), Object::Int(12));
    for text in [&b"X\x02\0\0\0ab."[..], b"U\x02ab.", b"\x8c\x02ab."] {
        assert_eq!(root(text), Object::Text("ab".to_owned()));
    }
}

#[test]
fn what_was_remembered_is_recalled_without_a_copy() {
    // A list that holds the same tuple twice: 3 objects in all.
    let (objects, _) = read(b"\x80\x02](K\x01\x85q\x00h\x00e.").unwrap();
    assert_eq!(objects.all().len(), 3);
    assert!(matches!(objects.get(objects.root), Object::List(items) if items[0] == items[1]));
    // 60 tuples that double each other.
    let double = |id: u8| [b'h', id, b'h', id, 0x86, b'q', id + 1];
    let lines: Vec<u8> = (0..60).flat_map(double).collect();
    let (objects, _) = read(&[&b"K\x01q\0"[..], &lines, b"."].concat()).unwrap();
    assert_eq!(objects.all().len(), 61);
}

#[test]
fn depth_costs_nothing() {
    let deep = [&[b']'; 200_000][..], &[b'a'; 199_999], b"."].concat();
    assert_eq!(read(&deep).unwrap().0.all().len(), 200_000);
}

#[test]
fn names_of_anything_but_tensors_are_refused() {
    let foreign = |pickle: &[u8]| match read(pickle) {
        Err(Trouble::Foreign(name)) => name,
        other => panic!("{:?}", other.map(|_| ())),
    };
    assert_eq!(foreign(b"cos\nsystem\n."), "os.system");
    assert_eq!(foreign(b"\x8c\x02os\x8c\x06system\x93."), "os.system");
    assert_eq!(foreign(b"(ios\nsystem\n."), "os.system");
    assert!(matches!(root(b"ctorch\nFloatStorage\n."), Object::Named(name) if name == "torch.FloatStorage"));
}

#[test]
fn what_is_damaged_is_an_error() {
    for pickle in [
        &b""[..],
        b".",
        b"K",
        b"X\xff\xff\xff\xffshort.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"h\x01.",
        b"t.",
        b"K\x01(R.",
        b"K\x01K\x02a.",
        b"}K\x01(K\x02u.",
        b"\xee.",
        b"q\0.",
    ] {
        assert!(matches!(read(pickle), Err(Trouble::Broken(_))), "{pickle:?}");
    }
    let many = vec![b'N'; MOST + 1];
    assert!(matches!(read(&many), Err(Trouble::Broken(why)) if why.contains("too many")));
}
