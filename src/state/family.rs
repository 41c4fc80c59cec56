//! Pictures that branch off each other, as families: trees whose branches name what they came from.

use super::outcome::{Outcome, OutcomeId};
use super::{Errand, Origin, Studio};
use crate::task::{Lineage, Story};
use std::collections::HashMap;

/// What a picture says of its family.
#[derive(Debug, Clone, Copy)]
pub struct Kin<'a> {
    picture: &'a str,
    /// Names it had while it was a part.
    earlier: &'a [String],
    parent: Option<&'a str>,
}

impl<'a> Kin<'a> {
    pub fn new(picture: &'a str, story: &'a Story) -> Self {
        Self {
            picture,
            earlier: &story.earlier,
            parent: story.parent.as_ref().map(|parent| parent.picture.as_str()),
        }
    }

    pub fn of_lineage(lineage: &'a Lineage) -> Self {
        Self {
            picture: &lineage.picture,
            earlier: &lineage.earlier,
            parent: lineage.parent.as_deref(),
        }
    }

    fn of(outcome: &'a Outcome) -> Option<Self> {
        let origin: &Origin = outcome.origin.as_ref()?;
        Some(Self::new(&origin.picture, &origin.story))
    }
}

/// One picture of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its place in what was arranged.
    pub index: usize,
    /// Branches between it and the head of the family.
    pub depth: usize,
}

/// Pictures of one tree, each behind the one it branches off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The name of its head, also where that is not there.
    pub name: String,
    pub members: Vec<Member>,
}

/// Families in the order of their first members; pictures that branch off nothing are families of one.
/// `all` is newest first, within a family the older branch comes first.
pub fn families(all: &[Option<Kin<'_>>]) -> Vec<Family> {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (index, kin) in all.iter().enumerate() {
        let Some(kin) = kin else { continue };
        for name in std::iter::once(kin.picture).chain(kin.earlier.iter().map(String::as_str)) {
            names.entry(name).or_insert(index);
        }
    }
    let parent = |index: usize| {
        let name = all[index].as_ref()?.parent?;
        names.get(name).copied().filter(|parent| *parent != index)
    };
    // A file may say anything: a circle ends where it began.
    let head = |index: usize| {
        let up = std::iter::successors(Some(index), |at| parent(*at));
        up.take(all.len()).last().unwrap_or(index)
    };
    // The same picture drawn twice is two families; branches of one that is not there are one.
    let name = |index: usize| {
        let head = head(index);
        match &all[head] {
            Some(kin) => match kin.parent {
                Some(parent) => (None, parent.to_owned()),
                None => (Some(head), kin.picture.to_owned()),
            },
            None => (Some(head), String::new()),
        }
    };
    let mut found: Vec<Family> = Vec::new();
    let mut places: HashMap<(Option<usize>, String), usize> = HashMap::new();
    for index in 0..all.len() {
        let key = name(index);
        let name = key.1.clone();
        let place = *places.entry(key).or_insert_with(|| {
            let members = Vec::new();
            found.push(Family { name, members });
            found.len() - 1
        });
        let depth = std::iter::successors(parent(index), |at| parent(*at));
        let depth = depth.take(all.len()).count();
        found[place].members.push(Member { index, depth });
    }
    for family in &mut found {
        family.members = in_order(&family.members, &parent);
    }
    found
}

/// Each behind the one it branches off, the oldest first.
fn in_order(members: &[Member], parent: &dyn Fn(usize) -> Option<usize>) -> Vec<Member> {
    let mut ordered: Vec<Member> = Vec::with_capacity(members.len());
    let mut left: Vec<Member> = members.to_vec();
    left.sort_by_key(|member| (member.depth, std::cmp::Reverse(member.index)));
    for member in left {
        let above = parent(member.index);
        let from = above.and_then(|above| ordered.iter().position(|other| other.index == above));
        // Behind its parent and all that came of that so far.
        let at = from.map_or(ordered.len(), |from| {
            let below = ordered[from + 1..].iter();
            from + 1
                + below
                    .take_while(|other| other.depth > ordered[from].depth)
                    .count()
        });
        ordered.insert(at, member);
    }
    ordered
}

/// One line of the strip.
#[derive(Debug, Clone, Copy)]
pub struct StripLine<'a> {
    pub outcome: &'a Outcome,
    pub depth: usize,
}

impl Studio {
    /// The results by families, newest first. Of a folded one there is the shown picture, or the newest.
    pub fn strip(&self) -> Vec<(Family, Vec<StripLine<'_>>)> {
        let kin: Vec<Option<Kin<'_>>> = self.outcomes.iter().map(Kin::of).collect();
        let shown = self.shown_outcome().map(|outcome| outcome.id);
        let lines = |family: &Family| -> Vec<StripLine<'_>> {
            let line = |member: &Member| StripLine {
                outcome: &self.outcomes[member.index],
                depth: member.depth,
            };
            if self.album.unfolded.contains(&family.name) {
                return family.members.iter().map(line).collect();
            }
            let members = family.members.iter();
            let on_canvas = members
                .clone()
                .find(|member| Some(self.outcomes[member.index].id) == shown);
            let newest = members.min_by_key(|member| member.index);
            let one = on_canvas.or(newest).map(line);
            one.map(|one| StripLine { depth: 0, ..one }).into_iter().collect()
        };
        families(&kin)
            .into_iter()
            .map(|family| {
                let lines = lines(&family);
                (family, lines)
            })
            .collect()
    }

    /// The results that came of one, itself first.
    pub fn branches_of(&self, id: OutcomeId) -> Vec<&Outcome> {
        let kin: Vec<Option<Kin<'_>>> = self.outcomes.iter().map(Kin::of).collect();
        let families = families(&kin);
        let is_it = |member: &Member| self.outcomes[member.index].id == id;
        let family = families.iter().find(|family| family.members.iter().any(is_it));
        let Some(members) = family.map(|family| &family.members) else {
            return Vec::new();
        };
        let Some(from) = members.iter().position(is_it) else {
            return Vec::new();
        };
        let below = members[from + 1..].iter();
        let below = below.take_while(|member| member.depth > members[from].depth);
        std::iter::once(&members[from])
            .chain(below)
            .map(|member| &self.outcomes[member.index])
            .collect()
    }

    /// What a picture is best compared with in its family: another branch of the same one, else that one.
    pub(super) fn relative(&self, id: OutcomeId) -> Option<OutcomeId> {
        let parent = self.outcome(id)?.origin.as_ref()?.parent()?;
        let others = self
            .outcomes
            .iter()
            .filter(|other| other.id != id && other.can_be_shown());
        let sibling = others.clone().find(|other| {
            let other = other.origin.as_ref();
            other.and_then(Origin::parent) == Some(parent)
        });
        let of_parent = |other: &&Outcome| {
            let origin = other.origin.as_ref();
            origin.is_some_and(|origin| {
                origin.picture == parent || origin.story.earlier.iter().any(|name| name == parent)
            })
        };
        sibling
            .or_else(|| others.clone().find(of_parent))
            .map(|other| other.id)
    }

    /// A picture goes to the trash, with all that came of it.
    pub(super) fn prune(&self, id: OutcomeId) -> Vec<super::Effect> {
        let files = self.branches_of(id).into_iter().filter(|outcome| !outcome.gone);
        let files = files.filter_map(|outcome| outcome.path.clone());
        files
            .map(|path| super::Effect::Errand(Errand::Trash(path)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Parent;

    fn story(parent: Option<&str>, earlier: &[&str]) -> Story {
        Story {
            parent: parent.map(|picture| Parent {
                picture: picture.to_owned(),
                from_row: 1,
            }),
            earlier: earlier.iter().map(|name| (*name).to_owned()).collect(),
            ..Story::default()
        }
    }

    fn arranged(all: &[(&str, Story)]) -> Vec<(String, Vec<(usize, usize)>)> {
        let kin: Vec<_> = all
            .iter()
            .map(|(name, story)| Some(Kin::new(name, story)))
            .collect();
        let pairs = |family: &Family| family.members.iter().map(|m| (m.index, m.depth)).collect();
        families(&kin)
            .iter()
            .map(|family| (family.name.clone(), pairs(family)))
            .collect()
    }

    #[test]
    fn branches_stand_behind_what_they_came_from() {
        // Newest first: e of c, d alone, c of a, b of a, a.
        let all = [
            ("e", story(Some("c"), &[])),
            ("d", story(None, &[])),
            ("c", story(Some("a"), &[])),
            ("b", story(Some("a"), &[])),
            ("a", story(None, &[])),
        ];
        assert_eq!(
            arranged(&all),
            [
                ("a".to_owned(), vec![(4, 0), (3, 1), (2, 1), (0, 2)]),
                ("d".to_owned(), vec![(1, 0)]),
            ]
        );
    }

    #[test]
    fn a_part_that_was_finished_keeps_its_branches() {
        let all = [
            ("child", story(Some("part"), &[])),
            ("whole", story(None, &["part"])),
        ];
        assert_eq!(arranged(&all), [("whole".to_owned(), vec![(1, 0), (0, 1)])]);
        let twice = [("a", story(None, &[])), ("a", story(None, &[]))];
        assert_eq!(arranged(&twice).len(), 2);
        // Without it they are still a family.
        let orphans = [("x", story(Some("gone"), &[])), ("y", story(Some("gone"), &[]))];
        assert_eq!(arranged(&orphans), [("gone".to_owned(), vec![(1, 0), (0, 0)])]);
    }

    #[test]
    fn a_circle_ends() {
        let all = [("a", story(Some("b"), &[])), ("b", story(Some("a"), &[]))];
        let members: usize = arranged(&all).iter().map(|(_, members)| members.len()).sum();
        assert_eq!(members, 2);
    }
}
