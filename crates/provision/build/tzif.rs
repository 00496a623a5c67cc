//! What a TZif file (RFC 9636) says about the future: the moments of change that it lists, and the rule
//! behind the last of them.

/// One TZif file, as far as it is needed.
pub(crate) struct Tzif {
    /// The listed changes, oldest first: Unix seconds, and seconds east of UTC from then on.
    pub(crate) turns: Vec<(i64, i32)>,
    /// The rule after the last of them: a POSIX `TZ` string.
    pub(crate) footer: &'static str,
}

/// The counts of a header (§3.1), in their order.
struct Counts {
    utc_marks: usize,
    standard_marks: usize,
    leap_seconds: usize,
    turns: usize,
    types: usize,
    letters: usize,
}

impl Counts {
    /// Splits a header off.
    fn split(bytes: &'static [u8]) -> Option<(Self, &'static [u8])> {
        let (header, rest) = bytes.split_at_checked(44)?;
        let counts = header.strip_prefix(b"TZif")?.get(16..)?;
        let mut counts = counts
            .chunks_exact(4)
            .filter_map(|four| usize::try_from(number(four)).ok());
        let mut next = || counts.next();
        let counts = Self {
            utc_marks: next()?,
            standard_marks: next()?,
            leap_seconds: next()?,
            turns: next()?,
            types: next()?,
            letters: next()?,
        };
        Some((counts, rest))
    }

    /// How long the block of data is, whose times have this many bytes.
    fn block(&self, time: usize) -> usize {
        self.turns * (time + 1)
            + self.types * 6
            + self.letters
            + self.leap_seconds * (time + 4)
            + self.standard_marks
            + self.utc_marks
    }
}

/// Reads a file of version 2 or later; `None` if it is none.
pub(crate) fn read(bytes: &'static [u8]) -> Option<Tzif> {
    let (counts, rest) = Counts::split(bytes)?;
    // The first block is for readers of 32-bit times.
    let (counts, rest) = Counts::split(rest.get(counts.block(4)..)?)?;
    let (block, footer) = rest.split_at_checked(counts.block(8))?;
    let (times, block) = block.split_at_checked(counts.turns * 8)?;
    let (kinds, types) = block.split_at_checked(counts.turns)?;
    let turns = times.chunks_exact(8).zip(kinds).map(|(time, kind)| {
        let kind = types.get(usize::from(*kind) * 6..)?.get(..4)?;
        Some((number(time), i32::try_from(number(kind)).ok()?))
    });
    Some(Tzif {
        turns: turns.collect::<Option<_>>()?,
        footer: std::str::from_utf8(footer)
            .ok()?
            .strip_prefix('\n')?
            .strip_suffix('\n')?,
    })
}

/// A signed number, the highest byte first.
fn number(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| *first >= 0x80) {
        -1
    } else {
        0
    };
    bytes
        .iter()
        .fold(sign, |number, byte| number << 8 | i64::from(*byte))
}
