//! The history page as the state knows it: what is asked of the library, and what it answered.
//!
//! The library itself reads and writes files, so it is no part of the state: it answers with a
//! [`Listing`], and an answer to an older question is not taken in.

use super::family::{Family, Kin, families};
use super::outcome::{Ended, Outcome};
use crate::pixels::Size;
use crate::task::Lineage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which of the kept pictures are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Query {
    /// Words of the prompt.
    pub words: String,
    pub starred_only: bool,
}

impl Query {
    /// Whether everything is asked for.
    pub fn is_open(&self) -> bool {
        self.words.trim().is_empty() && !self.starred_only
    }
}

/// One kept picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub path: PathBuf,
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Another number once the file was written again.
    pub version: u64,
    /// Its prompt, or the file's name.
    pub title: String,
    /// Unknown of other programs' pictures.
    pub seed: Option<u64>,
    pub size: Option<Size>,
    pub ended: Ended,
    /// Rows of codes there are, and rows of the whole grid.
    pub rows: (u32, u32),
    /// Unknown of other programs' pictures.
    #[serde(default)]
    pub lineage: Option<Lineage>,
    #[serde(skip)]
    pub place: Place,
}

/// Where a picture stands among those that branch off each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Branches between it and the head of its family.
    pub depth: usize,
    /// Of the one that stands for its family: the family's name and its pictures.
    pub family: Option<(String, usize)>,
}

/// What the library answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    pub query: Query,
    /// Newest first.
    pub pieces: Vec<Piece>,
    /// How many there are without a query.
    pub total: usize,
    pub starred: BTreeSet<PathBuf>,
}

/// Whether the library has answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Looked {
    #[default]
    Never,
    Now,
    /// It is being asked.
    Again,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Album {
    pub query: Query,
    /// Those that are shown: of a folded family one, whose day counts for all of it.
    pub pieces: Vec<Piece>,
    /// All that were listed.
    pub listed: Vec<Piece>,
    /// Families that are shown whole, by their names; in the strip, too.
    pub unfolded: BTreeSet<String>,
    pub total: usize,
    pub looked: Looked,
    /// Of all kept pictures, also of those that are not listed.
    pub starred: BTreeSet<PathBuf>,
}

impl Album {
    pub fn piece(&self, path: &Path) -> Option<&Piece> {
        self.listed.iter().find(|piece| piece.path == path)
    }

    pub fn is_starred(&self, path: Option<&Path>) -> bool {
        path.is_some_and(|path| self.starred.contains(path))
    }

    pub(super) fn take(&mut self, listing: Listing) {
        self.starred = listing.starred;
        if listing.query != self.query {
            return;
        }
        (self.listed, self.total) = (listing.pieces, listing.total);
        self.looked = Looked::Now;
        self.arrange();
    }

    /// Unfolds a family, or folds it.
    pub(super) fn turn_family(&mut self, name: String) {
        if !self.unfolded.remove(&name) {
            self.unfolded.insert(name);
        }
        self.arrange();
    }

    /// What is shown of all that were listed.
    fn arrange(&mut self) {
        let kin: Vec<Option<Kin<'_>>> = self
            .listed
            .iter()
            .map(|piece| piece.lineage.as_ref().map(Kin::of_lineage))
            .collect();
        let mut shown = Vec::with_capacity(self.listed.len());
        for Family { name, members } in families(&kin) {
            let Some(newest) = members.iter().min_by_key(|member| member.index) else {
                continue;
            };
            let day = &self.listed[newest.index].day;
            let is_open = self.unfolded.contains(&name);
            let count = members.len();
            let one = [*newest];
            let members = if is_open { members.as_slice() } else { &one };
            for (nth, member) in members.iter().enumerate() {
                let family = (nth == 0 && count > 1).then(|| (name.clone(), count));
                let depth = if is_open { member.depth } else { 0 };
                shown.push(Piece {
                    day: day.clone(),
                    place: Place { depth, family },
                    ..self.listed[member.index].clone()
                });
            }
        }
        self.pieces = shown;
    }

    pub(super) fn forget(&mut self, path: &Path) {
        let before = self.listed.len();
        self.listed.retain(|piece| piece.path != path);
        self.total = self.total.saturating_sub(before - self.listed.len());
        self.arrange();
    }

    /// Stars a picture, or takes its star; says which.
    pub(super) fn turn_star(&mut self, path: &Path) -> Star {
        if self.starred.remove(path) {
            return Star::Off;
        }
        self.starred.insert(path.to_owned());
        Star::On
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Star {
    On,
    Off,
}

/// A picture in the trash, and its place in the strip if it had one.
#[derive(Debug, Clone, PartialEq)]
pub struct Thrown {
    pub path: PathBuf,
    pub title: String,
    pub outcome: Option<(usize, Outcome)>,
}
