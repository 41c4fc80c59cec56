//! House rules, read off the sources: a module imports lower ranks only, heavy libraries stay
//! behind their fences, files say what they are, stay short and import each other in no circle.
//!
//! The check works on text, not on types: comments and literals are blanked out first, test parts
//! are left out of the ranks (a test may join what the program must not).

#[path = "layers/circles.rs"]
mod circles;
#[path = "layers/matches.rs"]
mod matches;
#[path = "layers/source.rs"]
mod source;

use source::{blank, group_end, module_path, sources, test_files, test_modules, without_tests, words};
use std::collections::BTreeSet;
use std::path::Path;

/// Every top-level module, lowest rank first; `lib` only lists them.
const RANKS: [&[&str]; 5] = [
    &["token", "pixels", "task", "understand", "disk", "web"],
    &[
        "decode", "model", "picture", "state", "history", "handover", "log", "hub", "writer",
    ],
    &[
        "session",
        "worker",
        "verify",
        "measure",
        "saved_picture",
        "engine_room",
    ],
    &["cli", "ui", "serve"],
    &["main"],
];

/// Imports of a sibling that are allowed, with the reason.
const ALLOWED: [(&str, &str); 10] = [
    // Tasks are told in tokens and pixels, and the size of a grid is one in pixels.
    ("task", "token"),
    ("task", "pixels"),
    ("token", "pixels"),
    // The transformer implements the decoder's seam, `decode::Predictor`.
    ("model", "decode"),
    // A language model lies in the same kind of file, whose header is walked through first.
    ("writer", "model"),
    // Whatever a front may ask of a model is asked of one module, which asks these four.
    ("engine_room", "session"),
    ("engine_room", "verify"),
    ("engine_room", "measure"),
    ("engine_room", "saved_picture"),
    // The door is opened from the command line and knows nothing of it.
    ("cli", "serve"),
];

/// Libraries (a prefix of the crate's name) and the only modules that may name them.
const FENCES: [(&str, &[&str]); 15] = [
    ("cudarc", &["model"]),
    ("candle_", &["model", "writer"]),
    ("tokenizers", &["model", "writer"]),
    ("egui", &["ui", "main"]),
    ("eframe", &["ui", "main"]),
    ("wgpu", &["ui", "main"]),
    ("winit", &["ui", "main"]),
    ("crossbeam", &["worker"]),
    ("ureq", &["web", "hub", "writer"]),
    ("rustls", &["web", "serve"]),
    ("axum", &["serve"]),
    ("hyper_util", &["serve"]),
    ("tokio", &["serve"]),
    ("fs4", &["disk"]),
    ("keyring", &["writer"]),
];

/// Lines of a file of the program, and of one of tests.
const LONGEST_FILE: usize = 450;
const LONGEST_TEST: usize = 600;

/// Longer files, with the reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// Files whose circles are known, with the reason.
const KNOWN_CIRCLES: [(&str, &str); 0] = [];

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|modules| modules.contains(&module))
}

/// What is wrong with one source file. `path` is relative to `src`, with `/` between its parts;
/// `is_test` says that the file is compiled for tests only.
fn complaints(path: &str, source: &str, is_test: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut complain = |text: String| found.push(format!("{path}: {text}"));
    if !source.starts_with("//!") {
        complain("does not open with `//!`".to_owned());
    }
    let place = module_path(path);
    let top = place.first().map_or("lib", |module| module.as_str());
    if top == "lib" {
        return found;
    }
    let code = blank(source);
    for (library, homes) in FENCES {
        let named = words(&code).any(|word| word.starts_with(library));
        if named && !homes.contains(&top) {
            found.push(format!("{path}: names `{library}`, which only {homes:?} may"));
        }
    }
    let Some(own) = rank(top) else {
        found.push(format!(
            "{path}: `{top}` has no rank: give it one here and in lib.rs"
        ));
        return found;
    };
    if is_test {
        return found;
    }
    for import in imports(&without_tests(&code), place.len()) {
        match rank(&import) {
            _ if import == top || ALLOWED.contains(&(top, import.as_str())) => {}
            Some(other) if other < own => {}
            Some(other) => found.push(format!(
                "{path}: `{top}` (rank {own}) imports `{import}` (rank {other})"
            )),
            None => found.push(format!(
                "{path}: imports `{import}`, which is no module with a rank"
            )),
        }
    }
    found
}

/// Whether a file is longer than it may be, unless it is one of those `excused`. `path` is relative to
/// the package.
fn too_long(path: &str, source: &str, longest: usize, excused: &[(&str, &str)]) -> Option<String> {
    let lines = source.lines().count();
    let is_excused = excused.iter().any(|(long, _)| *long == path);
    let is_too_long = lines > longest && !source.starts_with("//! Generated");
    match (is_too_long, is_excused) {
        (true, false) => Some(format!(
            "{path}: has {lines} lines, at most {longest} are allowed"
        )),
        (false, true) => Some(format!(
            "{path}: is no longer too long: take it out of LONG_FILES"
        )),
        _ => None,
    }
}

/// The top-level modules named by `crate::X`, by `crate::{X, Y::Z}`, and by `super::` repeated
/// until it reaches the crate (`depth` times) in the code of a module so deep.
fn imports(code: &str, depth: usize) -> BTreeSet<String> {
    let tight: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let tight = tight.replace(" ::", "::").replace(":: ", "::").replace("{ ", "{");
    let mut found = BTreeSet::new();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in tight.match_indices(root.as_str()) {
            let before = tight[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$')) {
                continue;
            }
            let path = &tight[at + root.len()..];
            match path.strip_prefix('{') {
                Some(group) => found.extend(heads(&group[..group_end(path).saturating_sub(2)])),
                None => found.extend(words(path).next().map(str::to_owned)),
            }
        }
    }
    // Macros and `crate::fn` do not exist here: all that is named is a module or `self`.
    found.remove("self");
    found.remove("super");
    found
}

/// The first word of each entry of a `use` group.
fn heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let entries = group.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    entries
        .filter_map(|entry| words(entry).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_sources_keep_the_house_rules() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    assert!(files.len() > 20, "only {} sources were found", files.len());
    let for_tests = test_files(&files);
    let wrong: Vec<String> = files
        .iter()
        .flat_map(|(path, source)| complaints(path, source, for_tests.contains(path)))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut program = Vec::new();
    sources(&package.join("src"), "", &mut program);
    let for_tests = test_modules(&program);
    let mut wrong = Vec::new();
    for (path, source) in &program {
        let place = module_path(path);
        let is_test = (1..=place.len()).any(|upto| for_tests.contains(&place[..upto]));
        let longest = if is_test { LONGEST_TEST } else { LONGEST_FILE };
        wrong.extend(too_long(&format!("src/{path}"), source, longest, &LONG_FILES));
    }
    let mut tests = Vec::new();
    sources(&package.join("tests"), "tests/", &mut tests);
    sources(&package.join("benches"), "benches/", &mut tests);
    wrong.extend(
        tests
            .iter()
            .filter_map(|(path, source)| too_long(path, source, LONGEST_TEST, &LONG_FILES)),
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_planted_long_file_is_found() {
    let lines = |count: usize| format!("//! Words.\n{}", "\n".repeat(count - 1));
    let told = |source: &str| too_long("src/session.rs", source, LONGEST_FILE, &[]);
    assert_eq!(told(&lines(450)), None);
    assert!(told(&lines(451)).is_some_and(|found| found.contains("451 lines")));
    assert_eq!(told(&lines(900).replace("Words", "Generated")), None);
    // An exception that nobody needs is one too many.
    let excused = [("src/session.rs", "planted")];
    let told = |source: &str| too_long("src/session.rs", source, LONGEST_FILE, &excused);
    assert_eq!(told(&lines(900)), None);
    assert!(told(&lines(10)).is_some());
}

/// The circles that are left when the known ones are excused, and exceptions that nobody needs.
fn circles_left(mut imports: circles::Imports, excused: &[(&str, &str)]) -> Vec<String> {
    let circles_with = |imports: &circles::Imports| -> Vec<String> {
        let circles = circles::circles(imports).into_iter();
        circles.map(|circle| circle.join(" -> ")).collect()
    };
    let mut wrong = Vec::new();
    for (known, _) in excused {
        let before = circles_with(&imports);
        imports.remove(&known.split("::").map(str::to_owned).collect::<Vec<_>>());
        if before == circles_with(&imports) {
            wrong.push(format!(
                "{known} is in no circle any more: take it out of KNOWN_CIRCLES"
            ));
        }
    }
    wrong.extend(circles_with(&imports));
    wrong
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    let imports = circles::imports(&files, &test_modules(&files));
    let wrong = circles_left(imports, &KNOWN_CIRCLES);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_known_circle_is_excused_and_an_exception_that_nobody_needs_is_not() {
    let files = [
        ("a/one.rs", "use super::two;"),
        ("a/two.rs", "use super::one;"),
        ("b.rs", ""),
    ];
    let files = files.map(|(path, code)| (path.to_owned(), code.to_owned()));
    let imports = circles::imports(&files, &BTreeSet::new());
    let left = |excused: &[(&str, &str)]| circles_left(imports.clone(), excused);
    assert_eq!(left(&[]), ["a::one -> a::two"]);
    assert_eq!(left(&[("a::two", "planted")]), Vec::<String>::new());
    let found = left(&[("a::two", "planted"), ("b", "planted")]);
    assert!(
        found.len() == 1 && found[0].starts_with("b is in no circle"),
        "{found:?}"
    );
}

#[test]
fn every_breach_is_noticed() {
    let wrong = |path: &str, code: &str| complaints(path, &format!("//! Words.\n{code}"), false).join("\n");
    let breaches = [
        ("token.rs", "use crate::task::Task;", "imports `task`"),
        ("picture/mod.rs", "use crate::history;", "imports `history`"),
        (
            "decode/jacobi.rs",
            "use crate::model::Weights;",
            "imports `model`",
        ),
        (
            "decode/jacobi.rs",
            "use crate::{task::{Cancel, Noise}, session};",
            "imports `session`",
        ),
        (
            "decode/jacobi.rs",
            "use super::super::worker;",
            "imports `worker`",
        ),
        ("session.rs", "use super::cli::Args;", "imports `cli`"),
        (
            "picture/fit.rs",
            "fn f() { crate::worker::spawn() }",
            "imports `worker`",
        ),
        (
            "picture/fit.rs",
            "#[cfg(test)] mod tests { fn a() {} } use crate::ui;",
            "imports `ui`",
        ),
        ("ui/app.rs", "use crate::cli;", "imports `cli`"),
        ("ui/app.rs", "use candle_core::Tensor;", "names `candle_`"),
        (
            "session.rs",
            "fn f(t: tokenizers::Tokenizer) {}",
            "names `tokenizers`",
        ),
        ("cli/mod.rs", "use egui_extras::image;", "names `egui`"),
        ("picture/mod.rs", "use wgpu::Device;", "names `wgpu`"),
        (
            "cli/draw.rs",
            "use crossbeam_channel::bounded;",
            "names `crossbeam`",
        ),
        ("new.rs", "", "has no rank"),
        ("session.rs", "use crate::new::Thing;", "no module with a rank"),
    ];
    for (path, code, expected) in breaches {
        let found = wrong(path, code);
        assert!(found.contains(expected), "{path}: {code}: {found}");
    }
    assert!(
        complaints("task.rs", "// No module text.", false)
            .join("")
            .contains("open with")
    );
}

#[test]
fn what_is_allowed_is_let_through() {
    let fine = [
        (
            "model/movq.rs",
            "use super::weights; use crate::decode::Feed; use candle_core::Tensor;",
        ),
        (
            "decode/mod.rs",
            "// use crate::cli;\n/* use egui; */ const A: &str = \"use crate::ui\"; use crate::task;",
        ),
        (
            "decode/mod.rs",
            "#[cfg(test)]\nmod tests { use crate::worker; fn f() {} }\n#[cfg(test)]\nmod toy;",
        ),
        (
            "decode/mod.rs",
            "const A: &str = r#\"crate::ui \"quoted\" candle_core\"#; fn f<'a>(c: char) -> bool { c == '\"' }",
        ),
        (
            "cli/mod.rs",
            "use super::cli; use crate::{session, worker::{Ticket, Worker}, saved_picture};",
        ),
        ("main.rs", "use egui::Ui; use crate::ui;"),
        ("lib.rs", "pub mod anything;"),
    ];
    for (path, code) in fine {
        let found = complaints(path, &format!("//! Words.\n{code}"), false);
        assert!(found.is_empty(), "{path}: {code}: {found:?}");
    }
    assert!(complaints("decode/tests.rs", "//! Tests.\nuse crate::worker;", true).is_empty());
    let files = [(
        "decode/mod.rs".to_owned(),
        "//! A.\n#[cfg(test)]\npub(crate) mod toy;\n".to_owned(),
    )];
    assert_eq!(test_files(&files), BTreeSet::from(["decode/toy.rs".to_owned()]));
}
