//! Damage: the same for the same seed, on every machine.

use serde_json::{Value, json};

/// splitmix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound.max(1) as u64) as usize
    }
}

const WORDS: [u32; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x00ff_ffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];

/// One to eight changes anywhere.
pub fn bytes(dice: &mut Dice, whole: &[u8]) -> Vec<u8> {
    let mut out = whole.to_vec();
    for _ in 0..=dice.below(8) {
        let at = dice.below(out.len());
        let end = (at + 1 + dice.below(64)).min(out.len());
        match dice.below(9) {
            _ if out.is_empty() => {}
            0 => out[at] ^= 1 << dice.below(8),
            1 => out[at] = dice.roll() as u8,
            2 => out[at] = [0, 0x7f, 0x80, 0xff][dice.below(4)],
            3 | 4 => {
                let word = WORDS[dice.below(WORDS.len())];
                let word = if dice.below(2) == 0 {
                    word.to_le_bytes()
                } else {
                    word.to_be_bytes()
                };
                for (to, from) in out[at..].iter_mut().zip(word) {
                    *to = from;
                }
            }
            5 => drop(out.drain(at..end)),
            6 => {
                let part = out[at..end].to_vec();
                out.splice(at..at, part);
            }
            7 => {
                let to = dice.below(out.len());
                let part = out[at..end].to_vec();
                for (to, from) in out[to..].iter_mut().zip(part) {
                    *to = from;
                }
            }
            // Seldom: what is cut short is refused soon.
            _ if dice.below(4) == 0 => out.truncate(at),
            _ => {}
        }
    }
    out
}

fn extreme(dice: &mut Dice) -> Value {
    match dice.below(22) {
        0 => Value::Null,
        1 => json!(0),
        2 => json!(-1),
        3 => json!(1),
        4 => json!(u32::MAX),
        5 => json!(u64::MAX),
        6 => json!(i64::MIN),
        7 => json!(1e308),
        8 => json!(-1e-308),
        9 => json!(0.5),
        10 => json!(""),
        11 => json!("NaN"),
        12 => json!("../../x"),
        13 => json!("a".repeat(100_000)),
        14 => json!(vec![0; 100_000]),
        15 => json!([]),
        16 => json!({}),
        17 => json!(true),
        18 => (0..100).fold(json!(1), |inner, _| json!([inner])),
        19 => json!(1u64 << 40),
        20 => json!(2_000_000),
        _ => json!(65_536),
    }
}

/// One to three values of a JSON replaced, or bytes of its text.
pub fn text(dice: &mut Dice, whole: &str) -> Vec<u8> {
    let value: Value = serde_json::from_str(whole).expect("an undamaged text");
    if dice.below(3) == 0 {
        return bytes(dice, whole.as_bytes());
    }
    let mut value = value;
    for _ in 0..=dice.below(3) {
        replace(dice, &mut value);
    }
    value.to_string().into_bytes()
}

/// Goes down by chance and replaces what it stops at.
fn replace(dice: &mut Dice, value: &mut Value) {
    let stops = dice.below(6) == 0;
    match value {
        Value::Object(map) if !stops && !map.is_empty() => {
            let key = map.keys().nth(dice.below(map.len())).cloned().unwrap_or_default();
            if dice.below(12) == 0 {
                map.remove(&key);
            } else if let Some(inner) = map.get_mut(&key) {
                replace(dice, inner);
            }
        }
        Value::Array(list) if !stops && !list.is_empty() => {
            let at = dice.below(list.len());
            match dice.below(12) {
                0 => drop(list.remove(at)),
                1 => list.push(list[at].clone()),
                _ => replace(dice, &mut list[at]),
            }
        }
        value => *value = extreme(dice),
    }
}

/// The sums of a PNG's chunks put right, so that damage goes deeper than they.
pub fn png_sums(png: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at + 8 + length.min(png.len());
        if end + 4 > png.len() {
            return;
        }
        let sum = crc(&png[at + 4..end]);
        png[end..end + 4].copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(sum & 1))
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}
