//! What a repository is called: `OWNER/NAME`, and nothing that leads out of the cache.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Longest name the Hub allows, in characters.
const LONGEST: usize = 96;

/// What was named is no repository.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no repository: write OWNER/NAME as in its address on huggingface.co")]
pub struct NoName(String);

/// A model's repository on the Hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    owner: String,
    name: String,
}

/// The Hub's own rule: letters, digits, `-`, `_` and `.`, and `--` and `..` nowhere.
fn is_part(part: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends_well = !part.starts_with(['-', '.']) && !part.ends_with(['-', '.']);
    !part.is_empty()
        && part.len() <= LONGEST
        && part.chars().all(known)
        && ends_well
        && !part.contains("--")
        && !part.contains("..")
}

impl FromStr for Repository {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        let wrong = || NoName(text.chars().take(200).collect());
        let (owner, name) = text.split_once('/').ok_or_else(wrong)?;
        match is_part(owner) && is_part(name) {
            true => Ok(Self {
                owner: owner.to_owned(),
                name: name.to_owned(),
            }),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}", self.owner, self.name)
    }
}

impl Repository {
    /// Its folder in the cache.
    pub(super) fn folder(&self) -> String {
        format!("models--{}--{}", self.owner, self.name)
    }

    /// The repository a folder of the cache belongs to.
    pub(super) fn of_folder(folder: &str) -> Option<Self> {
        folder
            .strip_prefix("models--")?
            .replacen("--", "/", 1)
            .parse()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        let name: Repository = "Alpha-VLLM/Lumina-mGPT-2.0".parse().unwrap();
        assert_eq!(name.folder(), "models--Alpha-VLLM--Lumina-mGPT-2.0");
        assert_eq!(Repository::of_folder(&name.folder()), Some(name));
        for wrong in [
            "", "one", "a/b/c", "../b", "a/..", "a/.b", "a/b--c", "a b/c", "a/b?c", "/b", "a/", "a\\b/c",
            "é/b",
        ] {
            let refused = wrong.parse::<Repository>().unwrap_err().to_string();
            assert!(refused.contains("OWNER/NAME"), "{wrong}: {refused}");
        }
        assert!(format!("a/{}", "b".repeat(97)).parse::<Repository>().is_err());
        assert_eq!(Repository::of_folder("datasets--a--b"), None);
    }
}
