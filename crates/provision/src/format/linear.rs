//! No file costs more than linear time: what is looked at again is counted, for N and 2N of hostile
//! repetitions in every family. `tests/linear.rs` holds the whole to a clock and to its memory.

use crate::vendor::panasonic;
use ringfence_test_cost::PIECES;

use super::lint;
use crate::family::{Family, Format};
use crate::kind::FileKind;
use crate::steps;

/// Where it is repeated: what stands before it and after it, once.
pub(super) fn places(format: Format) -> &'static [(&'static str, &'static str)] {
    match format {
        Format::Text => &[
            ("", ""),
            ("A_URL=\"http://x/", "\"\r\n\r\n"),
            ("A_PATH=\"", "\"\r\n\r\n"),
            ("A=\"", ""),
            ("# ", "\r\n\r\n"),
        ],
        Format::Lines => &[
            ("", ""),
            ("a.1.url = http://x/", "\n"),
            ("a = ", "\n"),
            ("", " = a\n"),
            ("# ", "\n"),
        ],
        Format::Xml => &[
            ("", ""),
            ("<PANASIPPhoneConfig>", "</PANASIPPhoneConfig>"),
            (
                "<PANASIPPhoneConfig><Device><A_URL>http://x/",
                "</A_URL></Device></PANASIPPhoneConfig>",
            ),
            (
                "<PANASIPPhoneConfig><Device ",
                "></Device></PANASIPPhoneConfig>",
            ),
            (
                "<PANASIPPhoneConfig><Device x=\"",
                "\"></Device></PANASIPPhoneConfig>",
            ),
            ("<!-- ", " --><PANASIPPhoneConfig/>"),
        ],
    }
}

/// Files that repeat something whose cost is in what stands around it; `{}` is where it goes.
fn shapes(n: usize) -> [(Family, String); 5] {
    let root = |inside: &str| format!("<PANASIPPhoneConfig>{inside}</PANASIPPhoneConfig>");
    let attributes: String = (0..n / 8).map(|at| format!(" a{at}=\"\"")).collect();
    let (half, parameters) = ("x".repeat(n / 2), "<A/>".repeat(n / 8));
    [
        (
            panasonic::UTG,
            root(&format!("<Device><A{attributes}/></Device>")),
        ),
        (
            panasonic::UTG,
            root(&format!("<{half}>{parameters}</{half}>")),
        ),
        (
            panasonic::UTG,
            root(&format!("<Line idx=\"{half}\">{parameters}</Line>")),
        ),
        (
            panasonic::UTG,
            root(&format!(
                "<Device><Phone><A>1</A>{parameters}</Phone></Device>"
            )),
        ),
        (panasonic::HDV, format!("A{half}=\"1\"\r\n").repeat(2)),
    ]
}

fn steps(family: Family, text: &str) -> usize {
    steps::of(|| {
        lint(family, FileKind::Standard, text.as_bytes());
    })
}

/// What a reader may do however small the file: a hundred findings, each with a look ahead.
const FREE: usize = 20_000;

fn check(family: Family, what: &str, small: &str, large: &str) {
    let (once, twice) = (steps(family, small), steps(family, large));
    assert!(
        twice <= 2 * once + once / 4 + FREE,
        "{family:?} {what}: {once} steps for {} bytes, {twice} for {}",
        small.len(),
        large.len()
    );
    // The counted places look at each byte some times at most; a hundred errors may each begin
    // anew.
    assert!(
        twice <= 110 * large.len() + FREE,
        "{family:?} {what}: {twice} steps"
    );
}

#[test]
fn what_is_looked_at_again_is_linear_in_every_family() {
    const N: usize = 6_000;
    for family in Family::ALL {
        let magic = family
            .magic_line()
            .map_or(String::new(), |line| format!("{line}\r\n"));
        for piece in PIECES {
            for (before, after) in places(family.format()) {
                let file = |bytes: usize| {
                    format!(
                        "{magic}{before}{}{after}",
                        piece.repeat(bytes / piece.len())
                    )
                };
                let what = format!("{before:?} {piece:?}");
                check(family, &what, &file(N), &file(2 * N));
            }
        }
    }
}

#[test]
fn names_attributes_and_indices_that_every_parameter_repeats_are_bounded() {
    for ((family, small), (_, large)) in shapes(24_000).into_iter().zip(shapes(48_000)) {
        check(
            family,
            &small.chars().take(60).collect::<String>(),
            &small,
            &large,
        );
    }
}

#[test]
fn a_brace_is_looked_ahead_from_no_further_than_a_macro_could_reach() {
    let file = |braces: usize| format!("A_URL=\"http://x/{}\"", "{".repeat(braces));
    let steps = |braces| steps(panasonic::UDS124, &file(braces));
    // Beyond the 384 characters that a URL may have, not a single brace is looked at.
    assert_eq!(steps(100_000) - 100_000, steps(200_000) - 200_000);
}
