//! `Range` (RFC 9110 §14): one range is answered; several are ignored, as §14.2 allows, since a
//! phone that asked for them gets the whole file, which it can use.

/// What to send of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: 200.
    Whole,
    /// From the first to the last position, both included: 206.
    Range { first: usize, last: usize },
    /// Nothing that was asked for exists: 416.
    Unsatisfiable,
}

/// The part that a `Range` header asks of a file of `length` bytes. What is not understood counts
/// as no header (§14.2).
pub fn part(header: Option<&str>, length: usize) -> Part {
    let Some(ranges) = header.and_then(bytes_unit) else {
        return Part::Whole;
    };
    if ranges.contains(',') {
        return Part::Whole;
    }
    let Some((from, to)) = ranges.trim().split_once('-') else {
        return Part::Whole;
    };
    match (number(from), number(to)) {
        // bytes=5-9, and to beyond the end
        (Number::Of(first), Number::Of(last)) if first <= last => bounded(first, last, length),
        // bytes=5-
        (Number::Of(first), Number::None) => bounded(first, usize::MAX, length),
        // bytes=-5
        (Number::None, Number::Of(suffix)) => match length.checked_sub(1) {
            Some(last) if suffix > 0 => Part::Range {
                first: length.saturating_sub(suffix),
                last,
            },
            _ => Part::Unsatisfiable,
        },
        _ => Part::Whole,
    }
}

fn bytes_unit(header: &str) -> Option<&str> {
    let (unit, ranges) = header.split_once('=')?;
    unit.trim().eq_ignore_ascii_case("bytes").then_some(ranges)
}

fn bounded(first: usize, last: usize, length: usize) -> Part {
    match length.checked_sub(1) {
        Some(end) if first <= end => Part::Range {
            first,
            last: last.min(end),
        },
        _ => Part::Unsatisfiable,
    }
}

enum Number {
    None,
    Of(usize),
    Not,
}

/// Digits only: no sign, no space. A number too large to hold is as good as the largest.
fn number(text: &str) -> Number {
    if text.is_empty() {
        Number::None
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Number::Of(text.parse().unwrap_or(usize::MAX))
    } else {
        Number::Not
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_open_and_suffix_ranges() {
        assert_eq!(
            part(Some("bytes=0-4"), 10),
            Part::Range { first: 0, last: 4 }
        );
        assert_eq!(
            part(Some("bytes=5-"), 10),
            Part::Range { first: 5, last: 9 }
        );
        assert_eq!(
            part(Some("bytes=-3"), 10),
            Part::Range { first: 7, last: 9 }
        );
        assert_eq!(
            part(Some("bytes=-30"), 10),
            Part::Range { first: 0, last: 9 }
        );
        assert_eq!(
            part(Some("Bytes = 9-99"), 10),
            Part::Range { first: 9, last: 9 }
        );
        assert_eq!(
            part(Some("bytes=0-99999999999999999999999"), 10),
            Part::Range { first: 0, last: 9 }
        );
    }

    #[test]
    fn beyond_the_end_is_unsatisfiable() {
        assert_eq!(part(Some("bytes=10-"), 10), Part::Unsatisfiable);
        assert_eq!(part(Some("bytes=-0"), 10), Part::Unsatisfiable);
        assert_eq!(part(Some("bytes=0-0"), 0), Part::Unsatisfiable);
    }

    #[test]
    fn several_ranges_and_nonsense_get_the_whole_file() {
        for header in [
            "bytes=0-1,3-4",
            "bytes=4-2",
            "lines=0-1",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "0-1",
            "",
        ] {
            assert_eq!(part(Some(header), 10), Part::Whole, "{header}");
        }
        assert_eq!(part(None, 10), Part::Whole);
    }
}
