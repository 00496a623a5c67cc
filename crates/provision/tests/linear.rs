//! Nothing that a file, a template or a name carries costs more than linear time and memory, in any
//! family: hostile repetitions, N of them and four times as many.
//!
//! Memory is counted, exactly, by the allocator. Time is a clock's: what is counted within the
//! crate (`format/linear.rs`) are only the places that are known to look at something again, and
//! this is for the others, libraries' included. So that a busy machine fails nothing, the quickest of
//! several runs counts, and only what grows by far more than the file does fails: quadratic time
//! would be sixteen times as much.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ringfence_provision::family::{Family, Format};
use ringfence_provision::format::lint;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::layers::{self, Layers};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::{Encoding, Envelope};
use ringfence_provision::template::{Limits, RenderContext, SecretsMode, check_template, render};
use ringfence_provision::url_template::{Route, RouteTable, UrlTemplate};
use ringfence_test_cost::{Counting, assert_linear, repeated};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PIECES: [&str; 42] = [
    "{",
    "}",
    "{{",
    "{%",
    "{#",
    "{{a",
    "<",
    ">",
    "</",
    "<!--",
    "<![CDATA[",
    "<?",
    "<?xml ",
    "<!",
    "&",
    "&#",
    "&a;",
    "\"",
    "'",
    "=",
    "\\",
    "@",
    "%",
    "%2",
    "/",
    ".",
    " ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\0",
    "ü",
    "\u{201c}",
    "A",
    ":",
    "a=\"",
    "A=\"\r\n",
    "<A>",
    "<a ",
    "a0=\"\" ",
    "]]>",
];

#[test]
fn lint_is_linear_in_every_family() {
    let text: &[(&str, &str)] = &[("", ""), ("A_URL=\"http://x/", "\"\r\n\r\n"), ("A=\"", "")];
    let xml: &[(&str, &str)] = &[
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
    ];
    for family in Family::ALL {
        let magic = family
            .magic_line()
            .map_or(String::new(), |line| format!("{line}\r\n"));
        let places = match family.format() {
            Format::Text => text,
            Format::Xml => xml,
        };
        for piece in PIECES {
            for (before, after) in places {
                assert_linear(
                    &format!("{family:?} {before:?} {piece:?}"),
                    12_000,
                    |bytes| {
                        let file = format!("{magic}{before}{}{after}", repeated(piece, bytes));
                        lint(family, FileKind::Standard, file.as_bytes());
                    },
                );
            }
        }
    }
}

#[test]
fn a_file_as_large_as_the_api_takes_is_linted_at_once() {
    // 1,040,000 braces in one URL took minutes when each looked for its partner to the end.
    for piece in ["{", "<", "{<"] {
        let file = format!("A_URL=\"http://x/{}\"", repeated(piece, 1_040_000));
        let begun = Instant::now();
        lint(Family::Uds124, FileKind::Standard, file.as_bytes());
        let time = begun.elapsed();
        assert!(time < Duration::from_secs(3), "{piece}: {time:?}");
    }
}

#[test]
fn what_every_parameter_repeats_is_bounded() {
    let root = |inside: String| format!("<PANASIPPhoneConfig>{inside}</PANASIPPhoneConfig>");
    let file = |shape: usize, n: usize| match shape {
        0 => {
            let attributes: String = (0..n / 8).map(|at| format!(" a{at}=\"\"")).collect();
            root(format!("<Device><A{attributes}/></Device>"))
        }
        1 => {
            let (name, parameters) = ("x".repeat(n / 2), "<A/>".repeat(n / 8));
            root(format!("<{name}>{parameters}</{name}>"))
        }
        _ => {
            let (index, parameters) = ("1".repeat(n / 2), "<A/>".repeat(n / 8));
            root(format!("<Line idx=\"{index}\">{parameters}</Line>"))
        }
    };
    for shape in 0..3 {
        assert_linear(&format!("shape {shape}"), 12_000, |bytes| {
            lint(
                Family::Utg,
                FileKind::Standard,
                file(shape, bytes).as_bytes(),
            );
        });
    }
}

#[test]
fn templates_are_read_and_rendered_in_linear_time() {
    let layers = Layers::default();
    let urls = BTreeMap::new();
    for piece in PIECES {
        for (before, after) in [
            ("", ""),
            ("{{ ", " }}"),
            ("{% if a %}", "{% endif %}"),
            ("{{ \"", "\" }}"),
        ] {
            assert_linear(&format!("{before:?} {piece:?}"), 12_000, |bytes| {
                let source = format!("{before}{}{after}", repeated(piece, bytes));
                let _ = check_template(&source, "file");
                let context = RenderContext {
                    file_name: "file",
                    kind: FileKind::Standard,
                    format: Format::Text,
                    layers: &layers,
                    device: None,
                    urls: &urls,
                    secrets: SecretsMode::Reveal,
                    limits: Limits::default(),
                };
                let _ = render(&source, &context);
            });
        }
    }
}

#[test]
fn names_paths_and_sealed_files_are_read_in_linear_time() {
    let route = |kind, form, name: &str| Route {
        kind,
        form,
        template: UrlTemplate::parse(name).unwrap(),
        family: None,
    };
    let table = RouteTable::new(vec![
        route(FileKind::Standard, Form::Plain, "Config{MAC}.cfg"),
        route(FileKind::Standard, Form::Sealed, "Config{MAC}.enc"),
        route(FileKind::Initial, Form::Plain, "{MODEL}/{fwver}/{mac}.cfg"),
    ])
    .unwrap();
    for piece in PIECES {
        assert_linear(piece, 100_000, |bytes| {
            let text = repeated(piece, bytes);
            let _ = UrlTemplate::parse(&text);
            let _ = table.resolve(&text);
            let _ = table.resolve(&text[..text.floor_char_boundary(512)]);
            let _ = Mac::parse(&text);
            let _ = layers::check_name(&text);
            let _ = Envelope::parse(Encoding::Base64Lines64, text.as_bytes());
        });
    }
    for piece in ["0", "0:", "U2Fs", "U2FsdGVkX18B\n", "A\n"] {
        assert_linear(piece, 100_000, |bytes| {
            let text = repeated(piece, bytes);
            let _ = Mac::parse(&text);
            let _ = Envelope::parse(Encoding::Base64Lines64, text.as_bytes());
        });
    }
}
