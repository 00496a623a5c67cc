//! What differs between two texts, line by line.
//!
//! `similar` finds the differences. Its search has a bound of its own that grows faster than the text, so a long
//! text is given to it in pieces: however two texts differ, the work grows as they do. In return what is said of long
//! texts may not be the shortest way from one to the other.

use std::collections::BTreeMap;

use serde::Serialize;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{DiffOp, DiffTag};

/// The most lines of either text that are looked at together.
const MAX_PIECE: usize = 2_048;

/// How many equal lines are told before and after what differs at most.
const CONTEXT: usize = 3;

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LineKind {
    /// The line is in both texts.
    Equal,
    /// The line is in the newer text alone.
    Insert,
    /// The line is in the older text alone.
    Delete,
}

/// A line of one text or both.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiffLine {
    /// What became of the line.
    pub kind: LineKind,
    /// The number of the line in the older text, counted from 1; null where the line is not there.
    pub from: Option<u32>,
    /// The number of the line in the newer text, counted from 1; null where the line is not there.
    pub to: Option<u32>,
    /// The line without its end. Secrets are masked; a line of which a secret alone differs is deleted and
    /// inserted, with the same text.
    pub text: String,
}

/// Lines that follow each other: what differs, and up to three equal lines around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hunk {
    /// The lines, in the order of the texts.
    pub lines: Vec<DiffLine>,
}

// A template's line may hold what should have been a secret.
impl std::fmt::Debug for DiffLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiffLine")
            .field("kind", &self.kind)
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// A line as it is compared: what is shown, with its end, and what stands behind masks in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Compared<'a> {
    text: &'a str,
    secrets: Vec<&'a str>,
}

/// A text whose lines can be compared.
#[derive(Clone, Default)]
pub struct Lines<'a>(Vec<Compared<'a>>);

impl<'a> Lines<'a> {
    /// A text that is shown as it is.
    pub fn open(text: &'a str) -> Self {
        Self::masked(text, |_| Vec::new())
    }

    /// A text with masks in it. `secrets` says what stands behind those of a line, which is counted from 1.
    pub fn masked(text: &'a str, mut secrets: impl FnMut(u32) -> Vec<&'a str>) -> Self {
        let lines = text.split_inclusive('\n').zip(1..);
        Self(
            lines
                .map(|(text, number)| Compared {
                    text,
                    secrets: secrets(number),
                })
                .collect(),
        )
    }
}

/// What differs between two texts; nothing where they are the same.
pub fn hunks(from: &Lines<'_>, to: &Lines<'_>) -> Vec<Hunk> {
    let mut ids = BTreeMap::new();
    let mut number = |lines: &Lines<'_>| -> Vec<Id> {
        // A copy of the key lives as long as the map; its texts are borrowed.
        lines
            .0
            .iter()
            .map(|line| {
                let next = ids.len();
                let key = (line.text.to_owned(), line.secrets.join("\0"));
                Id(*ids.entry(key).or_insert(next))
            })
            .collect()
    };
    let (old, new) = (number(from), number(to));
    grouped(&changes(&old, &new), from, to)
}

/// A line, by the number that all lines like it have.
#[derive(Clone, Copy, Debug, Eq, PartialOrd, Ord)]
struct Id(usize);

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        #[cfg(test)]
        crate::steps::took(1);
        self.0 == other.0
    }
}

impl std::hash::Hash for Id {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// A line of the older text, of the newer one, or the same one of both, each by its place.
type Place = (Option<usize>, Option<usize>);

fn changes(old: &[Id], new: &[Id]) -> Vec<Place> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = |all: &[Id]| all.len() - head;
    let ends = old.iter().rev().zip(new.iter().rev());
    let tail = ends
        .take(rest(old).min(rest(new)))
        .take_while(|(a, b)| a == b)
        .count();
    let mut places: Vec<Place> = (0..head).map(|at| (Some(at), Some(at))).collect();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let (mut at, mut to) = (head, head);
    while at < old_end || to < new_end {
        let piece = |all: &[Id], from: usize, end: usize| {
            all.get(from..end.min(from + MAX_PIECE))
                .unwrap_or_default()
                .to_vec()
        };
        let (one, other) = (piece(old, at, old_end), piece(new, to, new_end));
        let ops = captured(&one, &other);
        let is_last = at + one.len() == old_end && to + other.len() == new_end;
        let (ops, taken) = match is_last {
            true => (ops.as_slice(), (one.len(), other.len())),
            false => kept(&ops, (one.len(), other.len())),
        };
        places.extend(ops.iter().flat_map(|op| of_op(op, at, to)));
        at += taken.0;
        to += taken.1;
    }
    let ends = (0..tail).map(|end| (Some(old_end + end), Some(new_end + end)));
    places.extend(ends);
    places
}

/// What `similar::capture_diff_slices` gives for this algorithm; that function has all the others in it too, 75 KB of
/// the Worker's module.
fn captured(old: &[Id], new: &[Id]) -> Vec<DiffOp> {
    let mut found = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut found, old, 0..old.len(), new, 0..new.len());
    found.into_inner().into_inner().into_ops()
}

/// What of a piece is believed: as far as its last equal lines, behind which the next piece begins. Where these
/// come too early for the pieces to come to an end, all of it.
fn kept(ops: &[DiffOp], whole: (usize, usize)) -> (&[DiffOp], (usize, usize)) {
    let last = ops.iter().rposition(|op| op.tag() == DiffTag::Equal);
    let found = last.and_then(|last| {
        let op = ops.get(last)?;
        let end = (op.old_range().end, op.new_range().end);
        (end.0.max(end.1) >= MAX_PIECE / 2).then_some((ops.get(..=last)?, end))
    });
    found.unwrap_or((ops, whole))
}

fn of_op(op: &DiffOp, at: usize, to: usize) -> Vec<Place> {
    let old = op.old_range().map(|place| Some(at + place));
    let new = op.new_range().map(|place| Some(to + place));
    match op.tag() {
        DiffTag::Equal => old.zip(new).collect(),
        DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
            let gone = old.map(|place| (place, None));
            gone.chain(new.map(|place| (None, place))).collect()
        }
    }
}

/// What differs, with the lines around it.
fn grouped(places: &[Place], from: &Lines<'_>, to: &Lines<'_>) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    // The first place that is not told yet.
    let mut next = 0;
    let differs = |place: &Place| place.0.is_none() || place.1.is_none();
    for (at, _) in places.iter().enumerate().filter(|(_, it)| differs(it)) {
        let begin = at.saturating_sub(CONTEXT).max(next);
        let end = (at + CONTEXT + 1).min(places.len());
        let lines = places.get(begin..end).unwrap_or_default();
        let lines = lines.iter().map(|place| line(*place, from, to));
        match hunks.last_mut().filter(|_| begin == next && next > 0) {
            Some(hunk) => hunk.lines.extend(lines),
            None => hunks.push(Hunk {
                lines: lines.collect(),
            }),
        }
        next = next.max(end);
    }
    hunks
}

fn line((old, new): Place, from: &Lines<'_>, to: &Lines<'_>) -> DiffLine {
    let number = |place: Option<usize>| place.and_then(|at| u32::try_from(at + 1).ok());
    let (kind, found) = match (old, new) {
        (Some(at), None) => (LineKind::Delete, from.0.get(at)),
        (None, Some(at)) => (LineKind::Insert, to.0.get(at)),
        (_, at) => (LineKind::Equal, at.and_then(|at| to.0.get(at))),
    };
    let text = found.map_or("", |line| line.text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    DiffLine {
        kind,
        from: number(old),
        to: number(new),
        text: text.strip_suffix('\r').unwrap_or(text).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn told(hunks: &[Hunk]) -> Vec<String> {
        let lines = hunks.iter().flat_map(|hunk| &hunk.lines);
        lines
            .map(|line| {
                let sign = match line.kind {
                    LineKind::Equal => ' ',
                    LineKind::Insert => '+',
                    LineKind::Delete => '-',
                };
                format!("{sign}{}", line.text)
            })
            .collect()
    }

    fn open(from: &str, to: &str) -> Vec<Hunk> {
        hunks(&Lines::open(from), &Lines::open(to))
    }

    #[test]
    fn what_differs_is_told_with_three_lines_around_it() {
        let from = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n";
        let to = from.replace("2\n3\n", "2\nnew\n3\n").replace("14\n", "");
        let found = open(from, &to);
        assert_eq!(found.len(), 2);
        assert_eq!(
            told(&found),
            [
                " 1", " 2", "+new", " 3", " 4", " 5", " 11", " 12", " 13", "-14", " 15"
            ]
        );
        let lines = &found.first().unwrap().lines;
        let numbers: Vec<_> = lines.iter().map(|line| (line.from, line.to)).collect();
        assert_eq!(numbers.get(2), Some(&(None, Some(3))));
        assert_eq!(numbers.get(3), Some(&(Some(3), Some(4))));
        assert_eq!(open(from, from), []);
        assert_eq!(told(&open("", "a")), ["+a"]);
        assert_eq!(told(&open("a\n", "")), ["-a"]);
    }

    #[test]
    fn changes_that_are_near_are_one_hunk() {
        let found = open("a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n");
        assert_eq!(found.len(), 1);
        let found = open("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_line_of_which_a_secret_alone_differs_is_told_and_the_secret_is_not() {
        let text = "A=\"1\"\nPASS=\"***\"\n";
        let lines = |secret: &'static str| {
            Lines::masked(text, move |line| match line {
                2 => vec![secret],
                _ => Vec::new(),
            })
        };
        let found = hunks(&lines("e3rl2"), &lines("other"));
        assert_eq!(told(&found), [" A=\"1\"", "-PASS=\"***\"", "+PASS=\"***\""]);
        assert!(!serde_json::to_string(&found).unwrap().contains("e3rl2"));
        assert_eq!(hunks(&lines("e3rl2"), &lines("e3rl2")), []);
    }

    #[test]
    fn hunk_json_format_unchanged() {
        let json = serde_json::to_string(&open("a\nb", "a\nc")).unwrap();
        assert_eq!(
            json,
            r#"[{"lines":[{"kind":"equal","from":1,"to":1,"text":"a"},{"kind":"delete","from":2,"to":null,"text":"b"},{"kind":"insert","from":null,"to":2,"text":"c"}]}]"#
        );
    }

    /// What a way from one text to the other makes of both.
    fn applied(old: &[Id], new: &[Id]) -> (Vec<usize>, Vec<usize>) {
        let places = changes(old, new);
        for place in &places {
            if let (Some(at), Some(to)) = *place {
                assert_eq!(old.get(at), new.get(to));
            }
        }
        let from = places.iter().filter_map(|it| it.0).collect();
        (from, places.iter().filter_map(|it| it.1).collect())
    }

    proptest! {
        #[test]
        fn every_line_of_both_is_told_once_and_in_order(
            old in prop::collection::vec(0..6_usize, 0..60),
            new in prop::collection::vec(0..6_usize, 0..60),
        ) {
            let ids = |all: &[usize]| all.iter().copied().map(Id).collect::<Vec<_>>();
            let (from, to) = applied(&ids(&old), &ids(&new));
            prop_assert_eq!(from, (0..old.len()).collect::<Vec<_>>());
            prop_assert_eq!(to, (0..new.len()).collect::<Vec<_>>());
        }
    }

    /// Pairs of texts that are hard to compare, each text of `number` lines.
    fn hostile(number: usize) -> Vec<(Vec<Id>, Vec<Id>)> {
        let all = |of: &dyn Fn(usize) -> usize| (0..number).map(|at| Id(of(at))).collect();
        let mut state = 7_u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % 5
        };
        let noisy: Vec<Id> = (0..number).map(|_| Id(noise())).collect();
        let other: Vec<Id> = (0..number).map(|_| Id(noise())).collect();
        vec![
            (all(&|at| at), all(&|at| number - at)),
            (all(&|at| at), all(&|at| at + number / 2)),
            (all(&|at| at % 2), all(&|at| at % 3)),
            (all(&|at| at), all(&|at| (at * 7_919) % number.max(1))),
            (noisy, other),
        ]
    }

    #[test]
    fn comparing_takes_steps_in_proportion_to_the_lines() {
        let cost = |number: usize| -> Vec<usize> {
            let pairs = hostile(number);
            pairs
                .iter()
                .map(|(old, new)| {
                    crate::steps::of(|| {
                        changes(old, new);
                    })
                })
                .collect()
        };
        let small = 8 * MAX_PIECE;
        for (one, two) in cost(small).into_iter().zip(cost(2 * small)) {
            assert!(two <= one * 5 / 2 + 100_000, "{one} then {two}");
            assert!(two < 2 * small * 2_000, "{two} for {} lines", 2 * small);
        }
        for (old, new) in hostile(small) {
            let (from, to) = applied(&old, &new);
            assert_eq!((from.len(), to.len()), (old.len(), new.len()));
        }
    }
}
