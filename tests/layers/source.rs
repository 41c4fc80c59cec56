//! Reading sources: their files, their modules, and their code without comments and tests.

use std::collections::BTreeSet;
use std::path::Path;

/// The modules of files that are compiled for tests only.
pub(super) fn test_modules(files: &[(String, String)]) -> BTreeSet<Vec<String>> {
    test_files(files).iter().map(|path| module_path(path)).collect()
}

/// `model/movq.rs` is the module `[model, movq]`, `model/mod.rs` is `[model]`, `lib.rs` is `[]`.
pub(super) fn module_path(path: &str) -> Vec<String> {
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
pub(super) fn blank(source: &str) -> String {
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
pub(super) fn without_tests(code: &str) -> String {
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
pub(super) fn group_end(code: &str) -> usize {
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

pub(super) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// All sources below `folder` as (path relative to `src`, text).
pub(super) fn sources(folder: &Path, prefix: &str, into: &mut Vec<(String, String)>) {
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
pub(super) fn test_files(files: &[(String, String)]) -> BTreeSet<String> {
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
