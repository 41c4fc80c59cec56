//! The answers a language model may give, as an automaton over bytes: JSON of one shape, and nothing else.
//!
//! The shape is `{"objects": [{"name", "count", "colour", "place"} ...], "background", "style", "prompt"}`, its keys
//! in this order. Texts are bounded and are UTF-8 without control characters; colour, place, background and style
//! may be `null`. [`Grammar::closing`] ends every beginning, so that what was accepted can always become a whole
//! answer, wherever the model stops.

/// Things of one scene.
pub const MOST_OBJECTS: u8 = 6;
/// Things of one kind.
pub const MOST_COUNT: u8 = 20;
/// Blanks in a row: a model may set its JSON in lines, and may not go on with that for ever.
const MOST_BLANKS: u8 = 12;

/// What stands at one place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(&'static [u8]),
    /// A text of so many bytes.
    Text {
        least: u16,
        most: u16,
    },
    /// `null`, or a text of at most so many bytes.
    Optional(u16),
    Count,
    /// Another object follows, or the list ends.
    NextObject,
    End,
}

const fn word(word: &'static str) -> Part {
    Part::Literal(word.as_bytes())
}

/// The answer from its beginning to its end.
const PARTS: [Part; 35] = [
    word("{"),
    word("\"objects\""),
    word(":"),
    word("["),
    word("{"),
    word("\"name\""),
    word(":"),
    Part::Text { least: 1, most: 60 },
    word(","),
    word("\"count\""),
    word(":"),
    Part::Count,
    word(","),
    word("\"colour\""),
    word(":"),
    Part::Optional(30),
    word(","),
    word("\"place\""),
    word(":"),
    Part::Optional(60),
    word("}"),
    Part::NextObject,
    word(","),
    word("\"background\""),
    word(":"),
    Part::Optional(120),
    word(","),
    word("\"style\""),
    word(":"),
    Part::Optional(80),
    word(","),
    word("\"prompt\""),
    word(":"),
    Part::Text { least: 1, most: 900 },
    word("}"),
];
/// The first part of an object.
const OBJECT: u8 = 4;

/// How far the present part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Nothing of it is there yet, but so many blanks before it.
    Before(u8),
    /// So many bytes of a literal, or of `null`.
    Literal(u8),
    /// So many bytes of a text.
    Text(u16),
    /// Behind a backslash in a text.
    Escaped(u16),
    /// In the middle of a character: so many bytes are to come, the next one in these bounds.
    Character {
        length: u16,
        left: u8,
        low: u8,
        high: u8,
    },
    /// A number so far.
    Number(u8),
}

/// A beginning of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grammar {
    part: u8,
    inside: Inside,
    objects: u8,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            part: 0,
            inside: Inside::Before(0),
            objects: 0,
        }
    }
}

impl Grammar {
    /// An answer of which nothing is there.
    pub fn new() -> Self {
        Self::default()
    }

    /// The answer with these bytes more; `None` where they do not belong there.
    pub fn with(mut self, bytes: &[u8]) -> Option<Self> {
        bytes.iter().all(|byte| self.take(*byte)).then_some(self)
    }

    /// Whether the answer is whole.
    pub fn is_whole(&self) -> bool {
        self.part() == Part::End
    }

    fn part(&self) -> Part {
        PARTS.get(usize::from(self.part)).copied().unwrap_or(Part::End)
    }

    fn next(&mut self) -> bool {
        self.part += 1;
        self.inside = Inside::Before(0);
        true
    }

    fn go_to(&mut self, inside: Inside) -> bool {
        self.inside = inside;
        true
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.inside {
            Inside::Before(blanks) => self.begin(byte, blanks),
            Inside::Literal(at) => {
                let literal = match self.part() {
                    Part::Literal(literal) => literal,
                    _ => b"null",
                };
                let at = usize::from(at);
                match literal.get(at) == Some(&byte) {
                    true if at + 1 == literal.len() => self.next(),
                    true => self.go_to(Inside::Literal(at as u8 + 1)),
                    false => false,
                }
            }
            Inside::Text(length) => self.text(byte, length),
            Inside::Escaped(length) => {
                matches!(byte, b'"' | b'\\' | b'/' | b'n' | b't') && self.go_to(Inside::Text(length + 1))
            }
            Inside::Character {
                length,
                left,
                low,
                high,
            } => {
                if !(low..=high).contains(&byte) {
                    return false;
                }
                match left {
                    1 => self.go_to(Inside::Text(length + 1)),
                    _ => self.go_to(Inside::Character {
                        length: length + 1,
                        left: left - 1,
                        low: 0x80,
                        high: 0xbf,
                    }),
                }
            }
            Inside::Number(number) => {
                let digit = byte.wrapping_sub(b'0');
                let longer = (digit < 10).then(|| u16::from(number) * 10 + u16::from(digit));
                match longer {
                    Some(number) if number <= u16::from(MOST_COUNT) => {
                        self.go_to(Inside::Number(number as u8))
                    }
                    Some(_) => false,
                    None => self.next() && self.take(byte),
                }
            }
        }
    }

    /// The first byte of a part.
    fn begin(&mut self, byte: u8, blanks: u8) -> bool {
        let part = self.part();
        if part == Part::End {
            return false;
        }
        if matches!(byte, b' ' | b'\n') {
            return blanks < MOST_BLANKS && self.go_to(Inside::Before(blanks + 1));
        }
        match (part, byte) {
            (Part::Literal(literal), _) if literal.first() == Some(&byte) => match literal.len() {
                1 => self.next(),
                _ => self.go_to(Inside::Literal(1)),
            },
            (Part::Text { .. } | Part::Optional(_), b'"') => self.go_to(Inside::Text(0)),
            (Part::Optional(_), b'n') => self.go_to(Inside::Literal(1)),
            (Part::Count, b'1'..=b'9') => self.go_to(Inside::Number(byte - b'0')),
            (Part::NextObject, b',') if self.objects + 1 < MOST_OBJECTS => {
                self.objects += 1;
                self.part = OBJECT;
                self.go_to(Inside::Before(0))
            }
            (Part::NextObject, b']') => self.next(),
            _ => false,
        }
    }

    /// Least and most bytes of the present text.
    fn bounds(&self) -> (u16, u16) {
        match self.part() {
            Part::Text { least, most } => (least, most),
            Part::Optional(most) => (1, most),
            _ => (0, 0),
        }
    }

    fn text(&mut self, byte: u8, length: u16) -> bool {
        let (least, most) = self.bounds();
        // A character of several bytes has to fit as a whole.
        let fits = |bytes: u16| length + bytes <= most;
        let character = |left: u8, low: u8, high: u8| Inside::Character {
            length: length + 1,
            left,
            low,
            high,
        };
        match byte {
            b'"' => length >= least && self.next(),
            b'\\' => fits(2) && self.go_to(Inside::Escaped(length + 1)),
            0x20..=0x7e => fits(1) && self.go_to(Inside::Text(length + 1)),
            // U+0080 to U+009F are control characters.
            0xc2 => fits(2) && self.go_to(character(1, 0xa0, 0xbf)),
            0xc3..=0xdf => fits(2) && self.go_to(character(1, 0x80, 0xbf)),
            0xe0 => fits(3) && self.go_to(character(2, 0xa0, 0xbf)),
            0xed => fits(3) && self.go_to(character(2, 0x80, 0x9f)),
            0xe1..=0xef => fits(3) && self.go_to(character(2, 0x80, 0xbf)),
            0xf0 => fits(4) && self.go_to(character(3, 0x90, 0xbf)),
            0xf1..=0xf3 => fits(4) && self.go_to(character(3, 0x80, 0xbf)),
            0xf4 => fits(4) && self.go_to(character(3, 0x80, 0x8f)),
            _ => false,
        }
    }

    /// Bytes that make a whole answer of this beginning: what is begun is ended, and what is missing says nothing.
    pub fn closing(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !self.is_whole() {
            let next = self.nearest();
            debug_assert!(!next.is_empty());
            // Each is a byte that is taken, so this ends.
            match self.with(next) {
                Some(further) => {
                    bytes.extend_from_slice(next);
                    self = further;
                }
                None => break,
            }
        }
        bytes
    }

    /// The next bytes on the shortest way to the end.
    fn nearest(&self) -> &'static [u8] {
        match (self.inside, self.part()) {
            (Inside::Before(_), Part::Literal(literal)) => literal,
            (Inside::Before(_), Part::Text { .. }) => b"\"",
            (Inside::Before(_), Part::Optional(_)) => b"null",
            (Inside::Before(_), Part::Count) => b"1",
            (Inside::Before(_), Part::NextObject | Part::End) => b"]",
            (Inside::Literal(at), Part::Literal(literal)) => {
                literal.get(usize::from(at)..).unwrap_or_default()
            }
            (Inside::Literal(at), _) => b"null".get(usize::from(at)..).unwrap_or_default(),
            (Inside::Text(0), _) => b"-",
            (Inside::Text(_), _) => b"\"",
            (Inside::Escaped(_), _) => b"/",
            (Inside::Character { low, .. }, _) => match low {
                0x90 => b"\x90",
                0xa0 => b"\xa0",
                _ => b"\x80",
            },
            (Inside::Number(_), _) => b",",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Numbers without a pattern.
    fn dice(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move |sides| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize % sides
        }
    }

    fn has_the_shape(text: &[u8]) {
        let shown = String::from_utf8_lossy(text);
        let answer: Value = serde_json::from_slice(text).unwrap_or_else(|error| panic!("{error}: {shown}"));
        let objects = answer["objects"].as_array().expect("objects");
        assert!(
            (1..=usize::from(MOST_OBJECTS)).contains(&objects.len()),
            "{shown}"
        );
        let is_text = |value: &Value, most: usize| {
            value.as_str().is_some_and(|text| {
                (1..=most).contains(&text.len())
                    && !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t')
            })
        };
        for object in objects {
            assert!(is_text(&object["name"], 60), "{shown}");
            let count = object["count"].as_u64().expect("a count");
            assert!((1..=u64::from(MOST_COUNT)).contains(&count), "{shown}");
            for key in ["colour", "place"] {
                assert!(object[key].is_null() || is_text(&object[key], 60), "{shown}");
            }
            assert_eq!(object.as_object().map(|map| map.len()), Some(4), "{shown}");
        }
        assert!(is_text(&answer["prompt"], 900), "{shown}");
        assert_eq!(answer.as_object().map(|map| map.len()), Some(4), "{shown}");
    }

    #[test]
    fn what_is_accepted_to_its_end_is_json_of_the_shape() {
        for seed in 0..400 {
            let mut dice = dice(seed + 1);
            let (mut grammar, mut text) = (Grammar::new(), Vec::new());
            // Some walks are ended early, by the closing.
            let patience = dice(3000);
            while !grammar.is_whole() && text.len() < patience {
                // Any byte that is accepted, with a liking for ends of texts.
                let byte = if dice(12) == 0 { b'"' } else { dice(256) as u8 };
                if let Some(further) = grammar.with(&[byte]) {
                    grammar = further;
                    text.push(byte);
                } else {
                    assert!(
                        grammar.take_any(),
                        "a dead end after {}",
                        String::from_utf8_lossy(&text)
                    );
                }
            }
            let closing = grammar.closing();
            text.extend(&closing);
            assert!(
                Grammar::new()
                    .with(&text)
                    .is_some_and(|grammar| grammar.is_whole()),
                "{}",
                String::from_utf8_lossy(&text)
            );
            has_the_shape(&text);
        }
    }

    impl Grammar {
        /// Whether any byte goes on.
        fn take_any(&self) -> bool {
            (0..=255).any(|byte| self.with(&[byte]).is_some())
        }
    }

    #[test]
    fn every_beginning_of_an_answer_can_be_ended() {
        let whole = "{\"objects\": [{\"name\": \"K\u{e4}tzchen \\\"\u{718a}\\\"\", \"count\": 12, \"colour\": null, \
                     \"place\": \"left\"},\n {\"name\":\"\u{1f98a}\",\"count\":1,\"colour\":\"red\",\"place\":null}],\
                     \"background\":\"snow\",\"style\":null,\"prompt\":\"Two.\"}";
        for end in 0..=whole.len() {
            let beginning = &whole.as_bytes()[..end];
            let grammar = Grammar::new().with(beginning).expect("a beginning");
            let text = [beginning, &grammar.closing()[..]].concat();
            has_the_shape(&text);
        }
        assert!(
            Grammar::new()
                .with(whole.as_bytes())
                .is_some_and(|grammar| grammar.is_whole())
        );
    }

    #[test]
    fn nothing_else_is_accepted() {
        let begun = "{\"objects\":[{\"name\":\"a\",\"count\":";
        let refused = |text: &str| assert!(Grammar::new().with(text.as_bytes()).is_none(), "{text}");
        for text in [
            "Sure! {",
            "[",
            "{}",
            "{\"prompt\"",
            "{\"objects\":[]",
            "{\"objects\":[{\"name\":\"\"",
        ] {
            refused(text);
        }
        for count in ["0", "21", "100", "-1", "\"", "1.5", "1e3"] {
            refused(&format!("{begun}{count}"));
        }
        for name in ["\u{1}", "\n", "\u{7f}", "\u{85}", "\\u0041", "\\b"] {
            refused(&format!("{{\"objects\":[{{\"name\":\"{name}"));
        }
        refused(&format!("{{{}", " ".repeat(20)));
        refused(&format!("{{\"objects\":[{{\"name\":\"{}", "a".repeat(61)));
        let name = b"{\"objects\":[{\"name\":\"";
        for wrong in [
            &b"\xc0\x80"[..],
            b"\xff",
            b"\xed\xa0\x80",
            b"\xe0\x80\x80",
            b"\xf4\x90\x80\x80",
            b"\x80",
        ] {
            assert!(
                Grammar::new().with(&[&name[..], wrong].concat()).is_none(),
                "{wrong:?}"
            );
        }
        // Nothing follows the end.
        let whole = Grammar::new().closing();
        assert!(Grammar::new().with(&[&whole[..], b" "].concat()).is_none());
    }
}
