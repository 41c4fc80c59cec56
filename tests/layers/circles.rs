//! Circles between files: what a file imports, directly or through others, does not import it.
//!
//! A file is a module; a `mod.rs` stands for its folder. Declaring a child and handing on what is in it
//! (`pub use child::Name`) are no imports, so that a folder's face may list what is behind it.

use super::source::{blank, module_path, without_tests};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

type Path = Vec<String>;

/// Which files each file imports.
pub(super) type Imports = BTreeMap<Path, BTreeSet<Path>>;

/// The imports between the files of a program, given as (path relative to `src`, text). Files compiled
/// for tests only take no part, nor do test parts of others.
pub(super) fn imports(files: &[(String, String)], for_tests: &BTreeSet<Path>) -> Imports {
    let is_test = |place: &Path| (1..=place.len()).any(|upto| for_tests.contains(&place[..upto]));
    let places = files.iter().map(|(path, source)| (module_path(path), source));
    let of_program: Vec<(Path, &String)> = places
        .filter(|(place, _)| !place.is_empty() && !is_test(place))
        .collect();
    let known: BTreeSet<Path> = of_program.iter().map(|(place, _)| place.clone()).collect();
    let of_file = |(place, source): (Path, &String)| {
        let code = without_tests(&blank(source));
        let imported = Reader::new(&place, &known, &code).read();
        (place, imported)
    };
    of_program.into_iter().map(of_file).collect()
}

/// One circle for each group of files that import each other, as short as there is one.
pub(super) fn circles(imports: &Imports) -> Vec<Vec<String>> {
    let mut told: BTreeSet<&Path> = BTreeSet::new();
    let mut found = Vec::new();
    for start in imports.keys() {
        if told.contains(start) {
            continue;
        }
        if let Some(circle) = way_back(imports, start) {
            found.push(circle.iter().map(|place| place.join("::")).collect());
            told.extend(circle);
        }
    }
    found
}

/// The shortest way from a file to itself.
fn way_back<'a>(imports: &'a Imports, start: &'a Path) -> Option<Vec<&'a Path>> {
    let mut came_from: BTreeMap<&Path, &Path> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(place) = waiting.pop_front() {
        for next in imports.get(place).into_iter().flatten() {
            if next == start {
                let mut way = vec![place];
                while let Some(before) = way.last().and_then(|last| came_from.get(last)) {
                    way.push(before);
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, place);
                waiting.push_back(next);
            }
        }
    }
    None
}

/// Words, `::`, and single signs.
fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            first if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            first => first.len_utf8(),
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Reads the imports of one file.
struct Reader<'a> {
    place: &'a Path,
    known: &'a BTreeSet<Path>,
    tokens: Vec<&'a str>,
    /// For each open brace the name of the module it opens, if it opens one.
    open: Vec<Option<&'a str>>,
    found: BTreeSet<Path>,
}

impl<'a> Reader<'a> {
    fn new(place: &'a Path, known: &'a BTreeSet<Path>, code: &'a str) -> Self {
        Self {
            place,
            known,
            tokens: tokens(code),
            open: Vec::new(),
            found: BTreeSet::new(),
        }
    }

    fn token(&self, at: usize) -> &'a str {
        self.tokens.get(at).copied().unwrap_or_default()
    }

    fn before(&self, at: usize, back: usize) -> &'a str {
        at.checked_sub(back).map_or("", |at| self.token(at))
    }

    fn read(mut self) -> BTreeSet<Path> {
        let mut at = 0;
        while at < self.tokens.len() {
            match self.token(at) {
                "{" => {
                    let opens = self.before(at, 2) == "mod";
                    self.open.push(opens.then(|| self.before(at, 1)));
                    at += 1;
                }
                "}" => {
                    self.open.pop();
                    at += 1;
                }
                // Not the `use<'a>` of a returned `impl Trait`.
                "use" if self.token(at + 1) != "<" => {
                    let is_handed_on = matches!(self.before(at, 1), "pub" | ")");
                    let mut paths = Vec::new();
                    at = self.tree(at + 1, &[], &mut paths);
                    for path in paths {
                        self.import(&path, is_handed_on);
                    }
                }
                token if is_word(token) && !matches!(self.before(at, 1), "::" | ".") => {
                    let mut path = vec![token.to_owned()];
                    let first = at;
                    at += 1;
                    while self.token(at) == "::" && is_word(self.token(at + 1)) {
                        path.push(self.token(at + 1).to_owned());
                        at += 2;
                    }
                    // `pub(in super::super)` imports nothing.
                    let is_reach = self.before(first, 1) == "in" && self.before(first, 2) == "(";
                    if path.len() > 1 && !is_reach {
                        self.import(&path, false);
                    }
                }
                _ => at += 1,
            }
        }
        self.found
    }

    /// The paths of a `use` tree that begins at `at`, each with `prefix` before it; where it ends.
    fn tree(&self, mut at: usize, prefix: &[String], into: &mut Vec<Path>) -> usize {
        let mut path = prefix.to_vec();
        loop {
            match self.token(at) {
                "{" => {
                    at += 1;
                    while !matches!(self.token(at), "}" | "") {
                        at = self.tree(at, &path, into);
                        at += usize::from(self.token(at) == ",");
                    }
                    return at + 1;
                }
                "" | ";" | "," | "}" => {
                    into.push(path);
                    return at;
                }
                "as" => at += 2,
                token => {
                    if is_word(token) {
                        path.push(token.to_owned());
                    }
                    at += 1;
                }
            }
        }
    }

    /// Notes the file that a path leads to, if it is another one of the program.
    fn import(&mut self, path: &[String], is_handed_on: bool) {
        let inside = self.open.iter().flatten().map(|name| (*name).to_owned());
        let here: Path = self.place.iter().cloned().chain(inside).collect();
        let mut reached = here.clone();
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => {
                reached.clear();
                rest = &path[1..];
            }
            Some("self" | "super") => {}
            // A child by its name; anything else is of another library or was imported by a `use`.
            Some(first)
                if self
                    .known
                    .contains(&[here.as_slice(), &[first.to_owned()]].concat()) => {}
            _ => return,
        }
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => {
                    reached.pop();
                }
                name => {
                    reached.push(name.to_owned());
                    if !self.known.contains(&reached) {
                        reached.pop();
                        break;
                    }
                }
            }
            rest = others;
        }
        // A module inside a file is that file.
        while !reached.is_empty() && !self.known.contains(&reached) {
            reached.pop();
        }
        let is_own_child = reached.starts_with(self.place);
        if !reached.is_empty() && reached != *self.place && !(is_handed_on && is_own_child) {
            self.found.insert(reached);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, String)> = files
            .iter()
            .map(|(path, code)| ((*path).to_owned(), (*code).to_owned()))
            .collect();
        let for_tests = BTreeSet::from([vec!["a".to_owned(), "tests".to_owned()]]);
        let circles = circles(&imports(&files, &for_tests));
        circles.into_iter().map(|circle| circle.join(" -> ")).collect()
    }

    #[test]
    fn a_planted_circle_is_found_however_it_is_written() {
        let ways = [
            ("use crate::a::two::Two;", "use super::one;"),
            (
                "use super::{self as room, two::{Two, More}};",
                "use crate::a::one::{self, One};",
            ),
            ("fn f() { super::two::go() }", "fn f() -> crate::a::one::One {}"),
            (
                "use super::two as other;",
                "mod inner { use super::super::one::One; }",
            ),
            (
                "pub use super::two::Two;",
                "use crate::{task::Task, a::{one::*}};",
            ),
        ];
        for (one, two) in ways {
            let found = told(&[
                ("a/mod.rs", "mod one; mod two;"),
                ("a/one.rs", one),
                ("a/two.rs", two),
            ]);
            assert_eq!(found, ["a::one -> a::two"], "{one} {two}");
        }
        let long = [
            ("a/mod.rs", "use two::Two; pub struct Room;"),
            ("a/one.rs", "use super::Room;"),
            ("a/two.rs", "use super::one::One;"),
        ];
        assert_eq!(told(&long), ["a -> a::two -> a::one"]);
        let by_name = [("a.rs", "fn f() { two::go() }"), ("a/two.rs", "use super::Room;")];
        assert_eq!(told(&by_name), ["a -> a::two"]);
    }

    #[test]
    fn what_is_no_circle_is_let_through() {
        let fine = [
            (
                "a/mod.rs",
                "mod one; pub mod two; pub use one::One; pub(crate) use self::two::{Two, More};",
            ),
            (
                "a/one.rs",
                "use super::{Two, two::More}; pub(in super::super) fn f(x: &Self) { x.two::<u8>() }",
            ),
            (
                "a/two.rs",
                "// use super::one;\n#[cfg(test)] mod tests { use super::super::one::One; }\n\
                 mod inner { use super::Two; fn f() -> impl Sized + use<'a> { self::one() } }",
            ),
            ("a/tests.rs", "use super::one;"),
            ("a/tests/more.rs", "use crate::a::tests;"),
            ("b.rs", "use crate::a::two; fn f() { two::go(); std::a::b() }"),
        ];
        assert_eq!(told(&fine), Vec::<String>::new());
    }
}
