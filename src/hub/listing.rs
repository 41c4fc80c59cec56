//! The list of a repository's files: `/api/models/REPOSITORY/revision/main?blobs=true`.

use super::client::{About, Client, LIST, Wanted};
use super::error::HubError;
use super::redirect::encoded;
use super::repository::Repository;
use super::sum::Sum;
use serde::Deserialize;

/// Most files a repository of this program's models has.
const MOST_FILES: usize = 100_000;

/// The revision that is fetched.
pub(super) const REVISION: &str = "main";

/// A file on the Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RepoFile {
    /// Without a folder.
    pub(super) name: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) sum: Sum,
}

/// A file as it is listed: a mirror may leave out what the Hub says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    name: String,
    size: Option<u64>,
    sum: Option<Sum>,
}

/// All files of one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) commit: String,
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    #[serde(alias = "oid")]
    sha256: Option<String>,
    size: Option<u64>,
}

impl Listing {
    /// Asks the Hub.
    ///
    /// # Errors
    /// The Hub cannot be reached, does not have the repository or does not give it, or answers otherwise
    /// than it does.
    pub(super) fn fetch(client: &Client, repository: &Repository) -> Result<Self, HubError> {
        let about = About {
            repository,
            file: LIST,
        };
        let path = format!("/api/models/{repository}/revision/{REVISION}?blobs=true");
        let text = client.list(&path, about)?;
        Self::from_json(&text).map_err(|why| HubError::Answer {
            host: client.host(),
            why,
        })
    }

    fn from_json(text: &str) -> Result<Self, String> {
        let answer: Answer = serde_json::from_str(text)
            .map_err(|error| format!("its list of files cannot be read: {error}"))?;
        let is_commit = (7..=64).contains(&answer.sha.len())
            && answer
                .sha
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
        if !is_commit {
            return Err("its list of files names no commit".to_owned());
        }
        if answer.siblings.len() > MOST_FILES {
            return Err("its list of files is endless".to_owned());
        }
        // What lies in folders is nothing a checkpoint needs.
        let at_the_top = answer
            .siblings
            .into_iter()
            .filter(|file| is_plain(&file.rfilename));
        let files = at_the_top.map(|file| {
            let (sum, size) = match &file.lfs {
                Some(lfs) => (lfs.sha256.as_deref(), lfs.size.or(file.size)),
                None => (file.blob_id.as_deref(), file.size),
            };
            Listed {
                sum: sum.and_then(Sum::from_text),
                size,
                name: file.rfilename,
            }
        });
        Ok(Self {
            commit: answer.sha,
            files: files.collect(),
        })
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.files.iter().map(|file| file.name.as_str()).collect()
    }

    /// The sums of files that another list does not have.
    pub(super) fn sums_not_in(&self, other: &Self) -> Vec<Sum> {
        let sums = self.files.iter().filter_map(|file| file.sum.clone());
        let is_gone = |sum: &Sum| other.files.iter().all(|file| file.sum.as_ref() != Some(sum));
        sums.filter(is_gone).collect()
    }

    /// All that has to be known of a file; asked for where the list leaves it out.
    ///
    /// # Errors
    /// The Hub does not say its length or its sum either.
    pub(super) fn file(
        &self,
        client: &Client,
        repository: &Repository,
        name: &str,
    ) -> Result<RepoFile, HubError> {
        let listed = self.files.iter().find(|file| file.name == name);
        let listed = listed.ok_or_else(|| HubError::NoFile {
            file: name.to_owned(),
        })?;
        if let (Some(size), Some(sum)) = (listed.size, &listed.sum) {
            return Ok(RepoFile {
                name: name.to_owned(),
                size,
                sum: sum.clone(),
            });
        }
        let about = About {
            repository,
            file: name,
        };
        let answer = client.ask(Wanted::Head, &path_of(repository, &self.commit, name), &[], about)?;
        let size = listed.size.or(answer.linked_size).or_else(|| answer.length());
        let sum = listed
            .sum
            .clone()
            .or_else(|| Sum::from_text(answer.etag.as_deref()?));
        match (size, sum) {
            (Some(size), Some(sum)) => Ok(RepoFile {
                name: name.to_owned(),
                size,
                sum,
            }),
            _ => Err(HubError::Answer {
                host: answer.host,
                why: format!("it names no length or no sum of {name}"),
            }),
        }
    }
}

/// Where a file of a commit is fetched.
pub(super) fn path_of(repository: &Repository, commit: &str, name: &str) -> String {
    format!("/{repository}/resolve/{commit}/{}", encoded(name))
}

/// Whether a name is one of a file in the folder itself, on every system.
fn is_plain(name: &str) -> bool {
    let is_known =
        |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.chars().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_names_that_lead_elsewhere_are_left_out() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let large = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let text = serde_json::json!({"sha": sha, "gated": false, "siblings": [
            {"rfilename": "config.json", "size": 3, "blobId": sha},
            {"rfilename": "model.safetensors", "size": 9, "blobId": sha,
                "lfs": {"sha256": large, "size": 9, "pointerSize": 130}},
            {"rfilename": "bare.json"},
            {"rfilename": "../../outside"}, {"rfilename": "a/b"}, {"rfilename": "c:\\d"}, {"rfilename": ".."},
            {"rfilename": "odd.json", "size": 3, "blobId": "../../outside"},
        ]});
        let listing = Listing::from_json(&text.to_string()).unwrap();
        assert_eq!(
            listing.names(),
            ["config.json", "model.safetensors", "bare.json", "odd.json"]
        );
        assert_eq!(listing.files[1].sum, Some(Sum::Sha256(large.to_owned())));
        assert_eq!(listing.files[0].sum, Some(Sum::Git(sha.to_owned())));
        assert_eq!((listing.files[2].size, &listing.files[3].sum), (None, &None));
        for wrong in [
            "",
            "[]",
            "{}",
            "<html>",
            r#"{"sha": "../x", "siblings": []}"#,
            r#"{"sha": "main", "siblings": []}"#,
        ] {
            assert!(Listing::from_json(wrong).is_err(), "{wrong}");
        }
    }
}
