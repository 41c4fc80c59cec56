//! Matches on actions: each names all of them.

use super::source::{blank, group_end, sources, test_files, without_tests, words};
use std::collections::BTreeSet;
use std::path::Path;

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
