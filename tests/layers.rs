//! House rules, read off the sources: a module imports lower ranks only, heavy libraries stay
//! behind their fences, files say what they are, stay short and import each other in no circle.
//!
//! The check works on text, not on types: comments and literals are blanked out first, test parts
//! are left out of the ranks (a test may join what the program must not).

#[path = "layers/circles.rs"]
mod circles;

use std::collections::BTreeSet;
use std::path::Path;

/// Every top-level module, lowest rank first; `lib` only lists them.
const RANKS: [&[&str]; 5] = [
    &["token", "pixels", "task", "understand"],
    &["decode", "model", "picture", "state", "history", "handover"],
    &[
        "session",
        "worker",
        "verify",
        "measure",
        "saved_picture",
        "engine_room",
    ],
    &["cli", "ui"],
    &["main"],
];

/// Imports of a sibling that are allowed, with the reason.
const ALLOWED: [(&str, &str); 8] = [
    // Tasks are told in tokens and pixels, and the size of a grid is one in pixels.
    ("task", "token"),
    ("task", "pixels"),
    ("token", "pixels"),
    // The transformer implements the decoder's seam, `decode::Predictor`.
    ("model", "decode"),
    // Whatever a front may ask of a model is asked of one module, which asks these four.
    ("engine_room", "session"),
    ("engine_room", "verify"),
    ("engine_room", "measure"),
    ("engine_room", "saved_picture"),
];

/// Libraries (a prefix of the crate's name) and the only modules that may name them.
const FENCES: [(&str, &[&str]); 8] = [
    ("cudarc", &["model"]),
    ("candle_", &["model"]),
    ("tokenizers", &["model"]),
    ("egui", &["ui", "main"]),
    ("eframe", &["ui", "main"]),
    ("wgpu", &["ui", "main"]),
    ("winit", &["ui", "main"]),
    ("crossbeam", &["worker"]),
];

/// Lines of a file of the program, and of one of tests.
const LONGEST_FILE: usize = 450;
const LONGEST_TEST: usize = 600;

/// Longer files, with the reason.
const LONG_FILES: [(&str, &str); 2] = [
    (
        "src/task.rs",
        "its words are being sorted into files of their own",
    ),
    (
        "src/model/memory.rs",
        "what assembles models in it is moving to another room",
    ),
];

/// Files whose circles are known, with the reason.
const KNOWN_CIRCLES: [(&str, &str); 3] = [
    (
        "model::memory",
        "it appraises whole models, which ask it for memory: the appraisal is moving to another room",
    ),
    (
        "cli",
        "its words stand beside what carries them out, which is being moved",
    ),
    (
        "decode::candidate",
        "it is being cut apart from the decoding around it",
    ),
];

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

/// Whether a file is longer than it may be. `path` is relative to the package.
fn too_long(path: &str, source: &str, longest: usize) -> Option<String> {
    let lines = source.lines().count();
    let is_excused = LONG_FILES.iter().any(|(excused, _)| *excused == path);
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

/// The modules of files that are compiled for tests only.
fn test_modules(files: &[(String, String)]) -> BTreeSet<Vec<String>> {
    test_files(files).iter().map(|path| module_path(path)).collect()
}

/// `model/movq.rs` is the module `[model, movq]`, `model/mod.rs` is `[model]`, `lib.rs` is `[]`.
fn module_path(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if parts
        .last()
        .is_some_and(|last| last == "mod" || (last == "lib" && parts.len() == 1))
    {
        parts.pop();
    }
    parts
}

/// The source with comments and the insides of literals made blank; lines stay where they are.
fn blank(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The end of the comment or literal that begins at `at`; `at` itself where none does.
fn literal_or_comment(chars: &[char], at: usize) -> usize {
    let next = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    let find = |from: usize, text: &str| {
        let text: Vec<char> = text.chars().collect();
        let found = chars[from.min(chars.len())..]
            .windows(text.len())
            .position(|window| window == text);
        found.map_or(chars.len(), |offset| from + offset + text.len())
    };
    let follows_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match (next(0), next(1)) {
        ('/', '/') => find(at, "\n").saturating_sub(1).max(at + 2),
        ('/', '*') => find(at + 2, "*/"),
        ('r', '"' | '#') if !follows_word => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if next(1 + hashes) != '"' {
                return at;
            }
            find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)))
        }
        ('"', _) => escaped_end(chars, at, '"'),
        // A lifetime has no closing quote behind its first letter.
        ('\'', '\\') => escaped_end(chars, at, '\''),
        ('\'', _) if next(2) == '\'' => at + 3,
        _ => at,
    }
}

fn escaped_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut end = at + 1;
    while end < chars.len() && chars[end] != quote {
        end += if chars[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(chars.len())
}

/// Leaves out every item behind `#[cfg(test)]`, up to its `;` or its closing brace.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let item = &rest[at + "#[cfg(test)]".len()..];
        let end = item.find(['{', ';']).unwrap_or(item.len());
        let end = match item.as_bytes().get(end) {
            Some(b'{') => end + group_end(&item[end..]),
            _ => (end + 1).min(item.len()),
        };
        rest = &item[end..];
    }
    kept + rest
}

/// Length of the group that `code` begins with, braces included.
fn group_end(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + c.len_utf8();
        }
    }
    code.len()
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
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

/// All sources below `folder` as (path relative to `src`, text).
fn sources(folder: &Path, prefix: &str, into: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder of sources")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
        if entry.is_dir() {
            sources(&entry, &format!("{prefix}{name}/"), into);
        } else if name.ends_with(".rs") {
            into.push((
                format!("{prefix}{name}"),
                std::fs::read_to_string(&entry).expect("text"),
            ));
        }
    }
}

/// Files that are compiled for tests only: those named by `#[cfg(test)] mod NAME;`.
fn test_files(files: &[(String, String)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, source) in files {
        let code = blank(source);
        let mut folder = module_path(path).join("/");
        if !folder.is_empty() {
            folder.push('/');
        }
        for (at, mark) in code.match_indices("#[cfg(test)]") {
            let item = code[at + mark.len()..]
                .split(['{', ';'])
                .next()
                .unwrap_or_default();
            let mut item = words(item).skip_while(|word| *word != "mod");
            if let (Some("mod"), Some(name)) = (item.next(), item.next()) {
                found.insert(format!("{folder}{name}.rs"));
            }
        }
    }
    found
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
        wrong.extend(too_long(&format!("src/{path}"), source, longest));
    }
    let mut tests = Vec::new();
    sources(&package.join("tests"), "tests/", &mut tests);
    sources(&package.join("benches"), "benches/", &mut tests);
    wrong.extend(
        tests
            .iter()
            .filter_map(|(path, source)| too_long(path, source, LONGEST_TEST)),
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_planted_long_file_is_found() {
    let lines = |count: usize| format!("//! Words.\n{}", "\n".repeat(count - 1));
    assert_eq!(too_long("src/session.rs", &lines(450), LONGEST_FILE), None);
    let found = too_long("src/session.rs", &lines(451), LONGEST_FILE);
    assert!(found.is_some_and(|found| found.contains("451 lines")));
    let generated = lines(900).replace("Words", "Generated");
    assert_eq!(too_long("src/session.rs", &generated, LONGEST_FILE), None);
    // An exception that nobody needs is one too many.
    assert_eq!(too_long(LONG_FILES[0].0, &lines(900), LONGEST_FILE), None);
    assert!(too_long(LONG_FILES[0].0, &lines(10), LONGEST_FILE).is_some());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    let mut imports = circles::imports(&files, &test_modules(&files));
    let circles_with = |imports: &circles::Imports| -> Vec<String> {
        let circles = circles::circles(imports).into_iter();
        circles.map(|circle| circle.join(" -> ")).collect()
    };
    for (known, _) in KNOWN_CIRCLES {
        let before = circles_with(&imports);
        imports.remove(&known.split("::").map(str::to_owned).collect::<Vec<_>>());
        assert_ne!(
            before,
            circles_with(&imports),
            "{known} is in no circle any more: take it out of KNOWN_CIRCLES"
        );
    }
    let wrong = circles_with(&imports);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
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

/// Matches on an action that have an arm for whatever is left: a new action would compile there
/// and do nothing.
fn catch_alls(path: &str, source: &str) -> Vec<String> {
    let code = without_tests(&blank(source));
    let mut found = Vec::new();
    for (at, keyword) in code.match_indices("match") {
        let rest = &code[at + keyword.len()..];
        let before = code[..at].chars().next_back();
        let is_word =
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_') && rest.starts_with([' ', '\n']);
        let Some(open) = at_level(rest, "{").filter(|_| is_word) else {
            continue;
        };
        let body = &rest[open..][..group_end(&rest[open..])];
        let patterns = patterns(body.trim_start_matches('{').trim_end_matches('}'));
        // Where the action stands: the place in a tuple, or 0 alone.
        let named: BTreeSet<usize> = patterns
            .iter()
            .flat_map(|pattern| pattern.iter().enumerate())
            .filter(|(_, part)| names_an_action(part))
            .map(|(place, _)| place)
            .collect();
        for pattern in &patterns {
            let whole = pattern.len() == 1 && !named.is_empty();
            let takes_all = |place: &usize| pattern.get(*place).is_some_and(|part| takes_all(part));
            if whole && takes_all(&0) || named.iter().any(takes_all) {
                let line = code[..at].lines().count();
                let arm = pattern.join(", ");
                found.push(format!(
                    "{path}: the match on an action in line {line} has the arm `{arm}`"
                ));
            }
        }
    }
    found
}

/// The alternatives of all arms without a condition, each as the parts of its tuple.
fn patterns(mut arms: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    while let Some(arrow) = at_level(arms, "=>") {
        let (pattern, arm) = (&arms[..arrow], arms[arrow + 2..].trim_start());
        if at_level(pattern, " if ").is_none() {
            for alternative in split_at_level(pattern, "|") {
                let tuple = alternative
                    .strip_prefix('(')
                    .and_then(|rest| rest.strip_suffix(')'));
                found.push(tuple.map_or(vec![alternative], |parts| split_at_level(parts, ",")));
            }
        }
        let end = match arm.starts_with('{') {
            true => group_end(arm),
            false => at_level(arm, ",").unwrap_or(arm.len()),
        };
        arms = arm[end..].trim_start().trim_start_matches(',');
    }
    found
}

fn names_an_action(part: &str) -> bool {
    part.match_indices("::")
        .filter_map(|(at, _)| words(&part[..at]).last())
        .any(|word| word.ends_with("Action") || word.ends_with("Answer"))
}

/// `_`, or a name that whatever is left is bound to.
fn takes_all(part: &str) -> bool {
    split_at_level(part, "|").into_iter().any(|part| {
        let mut letters = part.chars();
        letters.next().is_some_and(|c| c == '_' || c.is_lowercase())
            && letters.all(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Where `text` stands first outside of all brackets.
fn at_level(code: &str, text: &str) -> Option<usize> {
    let mut depth = 0;
    code.char_indices().find_map(|(at, c)| {
        if depth == 0 && code[at..].starts_with(text) {
            return Some(at);
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        None
    })
}

fn split_at_level<'a>(mut code: &'a str, separator: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    while let Some(at) = at_level(code, separator) {
        found.push(code[..at].trim());
        code = &code[at + separator.len()..];
    }
    found.push(code.trim());
    found.retain(|part| !part.is_empty());
    found
}

#[test]
fn every_match_on_an_action_names_all_of_them() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    let for_tests = test_files(&files);
    let wrong: Vec<String> = files
        .iter()
        .filter(|(path, _)| !for_tests.contains(path))
        .flat_map(|(path, source)| catch_alls(path, source))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn an_arm_for_whatever_action_is_left_is_noticed() {
    let wrong = [
        "match action { Action::Run(run) => self.run(run), _ => {} }",
        "match action.into() {\n    RunAction::Draw => {\n        draw();\n    }\n    other => self.rest(other),\n}",
        "match (action, phase) { (RunAction::Keep, Some(_)) => keep(), (_, None) => {} }",
        "match (phase, action) { (Some(_), Answer::Gone(paths)) => gone(paths), (None, rest) => act(rest) }",
        "match (action, phase) { (RunAction::Keep, Some(_)) => keep(), _ => {} }",
        "match action { QueueAction::Clear | _ => {} }",
        "match page { Page::Canvas => match answer { ModelAnswer::Ended(_) => 1, _ => 2 }, _ => 3 }",
    ];
    for code in wrong {
        let found = catch_alls("state/act.rs", &format!("fn f() {{ {code} }}"));
        assert_eq!(found.len(), 1, "{code}: {found:?}");
    }
    let fine = [
        "match phase { Some(Phase::Paused) => RunAction::Resume, _ => RunAction::Pause }",
        "match action { RunAction::Draw => match phase { None => 1, _ => 2 }, RunAction::Keep => 3 }",
        "match (action, phase) { (RunAction::Draw, _) => 1, (RunAction::Keep, Some(_)) => 2, (RunAction::Keep, None) => 3 }",
        "match action { odd if odd.is_odd() => 0, QueueAction::Front(_) | QueueAction::Clear => 1 }",
        "match action { Action::Run(_) => /* _ => */ 1, Action::View(ViewAction::Zoom(zoom)) => 2 }",
        "if matches!(action, Action::Run(RunAction::Draw)) { match page { Page::Canvas => 1, _ => 2 } }",
    ];
    for code in fine {
        let found = catch_alls("state/act.rs", &format!("fn f() {{ {code} }}"));
        assert!(found.is_empty(), "{code}: {found:?}");
    }
}
