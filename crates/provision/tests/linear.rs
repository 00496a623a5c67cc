//! Nothing that a file, a template or a name carries costs more than linear time and memory, in any
//! family: hostile repetitions, N of them and four times as many.
//!
//! Memory is counted, exactly, by the allocator. Time is a clock's: what is counted within the
//! crate (`format/linear.rs`) are only the places that are known to look at something again, and
//! this is for the others, libraries' included. So that a busy machine fails nothing, the quickest of
//! several runs counts, and only what grows by far more than the file does fails: quadratic time
//! would be sixteen times as much.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use ringfence_provision::vendor::{fanvil, guess, panasonic};
use std::collections::BTreeMap;

use ringfence_provision::effective::effective;
use ringfence_provision::family::{Family, Format};
use ringfence_provision::format::{Document, lint};
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::layers::{self, Layer, Layers};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::{Encoding, Envelope};
use ringfence_provision::template::{Limits, RenderContext, SecretsMode, check_template, render};
use ringfence_provision::unused::{FileSource, Watch};
use ringfence_provision::url_template::{Route, RouteTable, UrlTemplate, shown};
use ringfence_test_cost::{Counting, PIECES, assert_linear, repeated};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn lint_of_text_is_linear_in_every_family_and_kind() {
    lint_is_linear(Format::Text);
}

#[test]
fn lint_of_lines_is_linear_in_every_family_and_kind() {
    lint_is_linear(Format::Lines);
}

#[test]
fn lint_of_xml_is_linear_in_every_family_and_kind() {
    lint_is_linear(Format::Xml);
}

/// What stands before and after a repetition.
fn places(format: Format) -> &'static [(&'static str, &'static str)] {
    match format {
        Format::Text => &[("", ""), ("A_URL=\"http://x/", "\"\r\n\r\n"), ("A=\"", "")],
        Format::Lines => &[("", ""), ("a.url = http://x/", "\n"), ("", " = a\n")],
        Format::Xml => &[
            ("", ""),
            ("<PANASIPPhoneConfig>", "</PANASIPPhoneConfig>"),
            (
                "<PANASIPPhoneConfig><Device><A_URL>http://x/",
                "</A_URL></Device></PANASIPPhoneConfig>",
            ),
            (
                "<PANASIPPhoneConfig><Initial><CfgFiles><A_URL>http://x/",
                "</A_URL></CfgFiles></Initial></PANASIPPhoneConfig>",
            ),
            (
                "<PANASIPPhoneConfig><Device ",
                "></Device></PANASIPPhoneConfig>",
            ),
            (
                "<PANASIPPhoneConfig><Device x=\"",
                "\"></Device></PANASIPPhoneConfig>",
            ),
        ],
    }
}

/// There is a test for each format, so that they share the cores.
fn lint_is_linear(format: Format) {
    let places = places(format);
    for family in Family::ALL.into_iter().filter(|it| it.format() == format) {
        let magic = family
            .magic_line()
            .map_or(String::new(), |line| format!("{line}\r\n"));
        for (piece, (before, after)) in PIECES
            .iter()
            .flat_map(|it| places.iter().map(move |at| (it, at)))
        {
            for kind in family.kinds() {
                let what = format!("{family:?} {kind:?} {before:?} {piece:?}");
                let bytes = if *kind == FileKind::Standard {
                    12_000
                } else {
                    4_000
                };
                assert_linear(&what, bytes, |bytes| {
                    let file = format!("{magic}{before}{}{after}", repeated(piece, bytes));
                    lint(family, *kind, file.as_bytes());
                });
            }
        }
    }
}

#[test]
fn a_file_as_large_as_the_api_takes_is_linted_in_linear_time_too() {
    // 1,040,000 braces in one URL took minutes when each looked for its partner to the end.
    for piece in ["{", "<", "{<"] {
        assert_linear(piece, 260_000, |bytes| {
            let file = format!("A_URL=\"http://x/{}\"", repeated(piece, bytes));
            lint(panasonic::UDS124, FileKind::Standard, file.as_bytes());
        });
    }
}

#[test]
fn what_a_phone_obeys_and_what_reaches_no_file_is_found_in_linear_time() {
    for family in Family::ALL {
        let magic = family
            .magic_line()
            .map_or(String::new(), |line| format!("{line}\r\n"));
        // The same parameter again and again, and many.
        for different in [1, 1_000_000] {
            assert_linear(&format!("{family:?} {different}"), 12_000, |bytes| {
                let (before, after) = match family.format() {
                    Format::Text | Format::Lines => ("", ""),
                    Format::Xml => (
                        "<PANASIPPhoneConfig><Device>",
                        "</Device></PANASIPPhoneConfig>",
                    ),
                };
                let one = |at: usize| match family.format() {
                    Format::Text => format!("A{}=\"1\"\r\n", at % different),
                    Format::Lines => format!("a{} = 1\n", at % different),
                    Format::Xml => format!("<A{0}>1</A{0}>", at % different),
                };
                let many: String = (0..bytes / 16).map(one).collect();
                let text = format!("{magic}{before}{many}{after}");
                let Ok(document) = Document::parse(family, text.as_bytes()) else {
                    return;
                };
                effective(family, &[(FileKind::Standard, &document)], |_, _, _| None);
            });
        }
    }
    for piece in PIECES {
        assert_linear(piece, 12_000, |bytes| {
            let template = repeated(piece, bytes);
            let names: Vec<String> = (0..bytes / 16).map(|at| format!("NAME_{at}")).collect();
            let watch = Watch::new(Layer::Device, names.iter().map(String::as_str));
            watch.unused(&[FileSource {
                kind: FileKind::Standard,
                layers: &[Layer::Device],
                template: &template,
            }]);
        });
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
    // A module's name is one of a list, and a group's is bounded.
    for group in ["x", "x y "] {
        assert_linear(group, 12_000, |bytes| {
            let (name, lines) = (repeated(group, bytes / 2), "a:b\r\n".repeat(bytes / 10));
            let first = fanvil::TEXT.magic_line().unwrap_or_default();
            for module in ["<SIP CONFIG MODULE>".to_owned(), format!("<{name}>")] {
                let file =
                    format!("{first}\r\n{module}\r\n--{name}--:\r\n{lines}<<END OF FILE>>\r\n");
                lint(fanvil::TEXT, FileKind::Standard, file.as_bytes());
            }
        });
    }
    for shape in 0..3 {
        assert_linear(&format!("shape {shape}"), 12_000, |bytes| {
            lint(
                panasonic::UTG,
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
                    vocabulary: &[],
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
            let _ = Mac::find_in(&text, 4);
            let _ = shown(&text, "0123456789abcdef");
            let _ = shown(&text, piece);
            let _ = layers::check_name(&text);
            let _ = Envelope::parse(Encoding::Base64Lines64, text.as_bytes());
        });
    }
    for piece in [
        "0",
        "0:",
        "00:80:F0:",
        "0080F0C571E",
        "0080F0C571EB0080",
        "%30",
        "U2Fs",
        "U2FsdGVkX18B\n",
        "A\n",
    ] {
        assert_linear(piece, 100_000, |bytes| {
            let text = repeated(piece, bytes);
            let _ = Mac::parse(&text);
            let _ = Mac::find_in(&text, 4);
            let _ = shown(&text, piece);
            let _ = Envelope::parse(Encoding::Base64Lines64, text.as_bytes());
        });
    }
}

#[test]
fn what_a_stranger_calls_itself_is_looked_at_in_linear_time() {
    for begin in [
        "",
        "Fanvil ",
        "FileTransport Poly",
        "Mozilla/4.0 (compatible; ",
        "snom",
    ] {
        for piece in [
            " ",
            "a",
            "1.",
            "a ",
            "-a",
            "00:80:f0:",
            "é",
            "\u{0}",
            "(SN:",
        ] {
            assert_linear(&format!("{begin}{piece}"), 12_000, |bytes| {
                let text = format!("{begin}{}", repeated(piece, bytes));
                for _ in 0..20 {
                    guess(&text, &text);
                }
            });
        }
    }
}
