//! How unsure a model was of each code that it drew.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The entropy, in nats, of the distribution each code of a picture was drawn from, row by row. Half a
/// byte a code: little entropies are told apart better than large ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Doubt(Vec<u8>);

/// The largest level. It stands for this many nats and more.
const LARGEST: u8 = 14;
const LARGEST_NATS: f32 = 8.0;
/// A code that no model drew here: it was given, or nothing was noted of it.
const NOT_DRAWN: u8 = 15;

impl Doubt {
    /// Notes the next code; `None` for one that was given.
    pub fn push(&mut self, nats: Option<f32>) {
        let level = nats.map_or(NOT_DRAWN, |nats| {
            let part = (nats / LARGEST_NATS).clamp(0.0, 1.0).sqrt();
            (part * f32::from(LARGEST)).round() as u8
        });
        self.0.push(level);
    }

    /// In nats, as near as it is stored; `None` where nothing is known of a code.
    pub fn nats(&self, index: usize) -> Option<f32> {
        self.part(index).map(|part| part * part * LARGEST_NATS)
    }

    /// From 0, certain, to 1: what a picture of it shows. The root of its share of the largest entropy.
    pub fn part(&self, index: usize) -> Option<f32> {
        let level = *self.0.get(index)?;
        (level <= LARGEST).then(|| f32::from(level) / f32::from(LARGEST))
    }

    /// Codes something is noted of, given ones among them.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every code was given.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(|level| *level == NOT_DRAWN)
    }

    pub fn truncate(&mut self, codes: usize) {
        self.0.truncate(codes);
    }

    /// Takes over what `other` knows of codes of which nothing is known here.
    pub fn fill(&mut self, other: &Self) {
        for (level, known) in self.0.iter_mut().zip(&other.0) {
            if *level == NOT_DRAWN {
                *level = *known;
            }
        }
    }

    /// A hexadecimal digit a code; `f` for one of which nothing is known.
    pub fn text(&self) -> String {
        let digit = |level: &u8| char::from_digit(u32::from(*level), 16);
        self.0.iter().filter_map(digit).collect()
    }

    /// What [`Self::text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = text
            .chars()
            .map(|digit| digit.to_digit(16).map(|digit| digit as u8));
        digits.collect::<Option<Vec<u8>>>().map(Self)
    }
}

impl FromIterator<Option<f32>> for Doubt {
    fn from_iter<I: IntoIterator<Item = Option<f32>>>(nats: I) -> Self {
        let mut doubt = Self::default();
        nats.into_iter().for_each(|nats| doubt.push(nats));
        doubt
    }
}

impl Serialize for Doubt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Doubt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text).ok_or_else(|| serde::de::Error::custom("doubt is told in hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_come_back_as_near_as_half_a_byte_allows() {
        let nats = [0.0, 0.04, 0.2, 0.7, 1.5, 3.0, 5.0, 8.0];
        let doubt: Doubt = nats.iter().copied().map(Some).collect();
        for (index, nats) in nats.iter().enumerate() {
            let found = doubt.nats(index).expect("it was drawn");
            // Half a step of the root, on both sides.
            let (root, step) = ((nats / 8.0_f32).sqrt(), 0.5 / 14.0 + 1e-6);
            let (least, most) = ((root - step).max(0.0), root + step);
            assert!(
                found >= 8.0 * least * least && found <= 8.0 * most * most,
                "{nats}: {found}"
            );
        }
        let endless: Doubt = [Some(100.0), Some(-1.0), Some(f32::NAN)].into_iter().collect();
        assert_eq!((endless.nats(0), endless.nats(1)), (Some(8.0), Some(0.0)));
    }

    #[test]
    fn text_holds_a_digit_a_code() {
        let doubt: Doubt = [None, Some(0.0), Some(8.0), Some(2.0)].into_iter().collect();
        assert_eq!(doubt.text(), "f0e7");
        assert_eq!(Doubt::from_text("f0e7"), Some(doubt.clone()));
        assert_eq!((doubt.nats(0), doubt.nats(4)), (None, None));
        assert_eq!(Doubt::from_text("0g"), None);
        let mut filled = Doubt::from_text("0fff2").expect("a doubt");
        filled.fill(&doubt);
        assert_eq!(filled.text(), "00e72");
        assert!(!doubt.is_blank() && Doubt::from_text("ff").is_some_and(|doubt| doubt.is_blank()));
    }
}
