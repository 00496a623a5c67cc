//! The order of codecs for the rules of families: as a list, by their ranks, or codec by codec.

use super::rule::{Reading, Written, these_alone};

/// Our names of the codecs that a family has, and its own.
pub type Words = &'static [(&'static str, &'static str)];

/// All that are wanted, in the family's words with commas between them.
///
/// # Errors
/// One has no word.
pub fn list(reading: &Reading<'_>, words: Words) -> Written {
    let wanted: Result<Vec<_>, _> = named(reading).map(|name| word(name, words)).collect();
    Ok(Some(wanted?.join(",")))
}

/// The one of a rank, counted from 0; where fewer are wanted, nothing.
///
/// # Errors
/// One has no word, or more are wanted than there are `ranks`.
pub fn at(reading: &Reading<'_>, rank: usize, ranks: usize, words: Words) -> Written {
    if named(reading).count() > ranks {
        return Err(format!("these phones take {ranks} codecs at most"));
    }
    let found = named(reading).nth(rank);
    found
        .map(|name| Ok(word(name, words)?.to_owned()))
        .transpose()
}

/// Whether one is wanted: 1 or 0.
///
/// # Errors
/// Another that is wanted has no word.
pub fn on(reading: &Reading<'_>, codec: &str, words: Words) -> Written {
    let rank = rank(reading, codec, words)?;
    Ok(Some(if rank.is_some() { "1" } else { "0" }.to_owned()))
}

/// The rank of one, counted from 1; if it is not wanted, nothing.
///
/// # Errors
/// Another that is wanted has no word.
pub fn rank(reading: &Reading<'_>, codec: &str, words: Words) -> Written {
    for name in named(reading) {
        word(name, words)?;
    }
    let rank = named(reading).position(|name| name == codec);
    Ok(rank.map(|rank| rank.saturating_add(1).to_string()))
}

fn named<'a>(reading: &'a Reading<'_>) -> impl Iterator<Item = &'a str> {
    reading.value().split(',')
}

fn word(name: &str, words: Words) -> Result<&'static str, String> {
    let found = words.iter().find(|(ours, _)| *ours == name);
    found.map(|it| it.1).ok_or_else(|| these_alone(words))
}
