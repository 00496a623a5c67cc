//! What may be wrong with a URL in a file.
//!
//! A phone takes what it is given: a URL with one slash or a misspelt macro makes it ask for the
//! wrong thing, for ever. Nothing before an `@` is repeated in a finding, since
//! `scheme://user:password@host` is allowed.

use super::Parameter;
use super::finding::{Finding, Findings, Place, codes};
use super::message::{Message, MessagePart, message, shown};
use crate::url_template::MAX_URL_LEN;

/// The macros that phones expand, within braces; case matters.
pub(super) const MACROS: [&str; 4] = ["MAC", "mac", "MODEL", "fwver"];

/// How far a brace is looked ahead from for its partner, in characters. A macro has at most 7, and
/// a word in braces that is longer than this is broken rather than misspelt.
const MAX_LOOK_AHEAD: usize = 64;

/// The schemes that phones fetch from.
const SCHEMES: [&str; 4] = ["https", "http", "ftp", "tftp"];

/// Checks a parameter's value if it is a URL.
pub(super) fn check(parameter: &Parameter, findings: &mut Findings) {
    let Parameter { name, value, .. } = parameter;
    let at = Place::new(parameter.line, parameter.column);
    let scheme = scheme(value);
    let scheme_known = SCHEMES
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    if value.is_empty() || !(scheme_known || is_url_name(name)) {
        return;
    }
    let name = shown(name);
    // Where a user and a password may be; a password may even have a slash in it.
    let secret = value.rfind('@').unwrap_or_default();
    let whole = value;
    // What lies beyond is not looked at: it is too much already.
    let value = first(whole, MAX_URL_LEN);
    if value.len() < whole.len() {
        findings.push(Finding::error(
            codes::URL_TOO_LONG,
            at,
            message![
                "the URL in ",
                name,
                " is longer than ",
                MAX_URL_LEN,
                " characters"
            ],
            "Shorten it.",
        ));
    }
    let after = match value.split_once("://") {
        Some((_, after)) if scheme_known => after,
        _ if scheme_known => {
            findings.push(Finding::error(
                codes::URL_SLASHES,
                at.right(width(scheme) + 1),
                message![
                    "`",
                    shown(scheme),
                    ":` in ",
                    name,
                    " is not followed by two slashes"
                ],
                message!["Write ", shown(scheme), "://host/path."],
            ));
            value.split_once(':').map_or("", |(_, after)| after)
        }
        _ => {
            findings.push(Finding::warning(
                codes::URL_SCHEME,
                at,
                message![name, " has no scheme that phones are known to fetch from"],
                "Write a whole URL, as https://host/path.",
            ));
            value
        }
    };
    let authority = after.split('/').next().unwrap_or_default();
    if scheme_known && value.contains("://") && authority.is_empty() {
        findings.push(Finding::error(
            codes::URL_HOST,
            at,
            message!["the URL in ", name, " has no host"],
            message!["Write ", shown(scheme), "://host/path."],
        ));
    }
    check_macros(&name, value, secret, at, findings);
}

/// What stands before the first colon; nothing where that is longer than every scheme that is known. Every value of a file is
/// asked for it.
fn scheme(value: &str) -> &str {
    const MAX_SCHEME: usize = 5;
    let first = value.bytes().take(MAX_SCHEME + 1);
    let colon = first.enumerate().find(|(_, byte)| *byte == b':');
    colon
        .and_then(|(at, _)| value.get(..at))
        .unwrap_or_default()
}

/// Whether a parameter of that name holds a URL, by the guides' habit. Every name of a file is looked at, and bytes are
/// looked through faster than characters.
fn is_url_name(name: &str) -> bool {
    name.as_bytes().split(|byte| *byte == b'_').any(|word| {
        let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit());
        let word = word.get(..word.len() - digits.count()).unwrap_or_default();
        word.eq_ignore_ascii_case(b"PATH") || word.eq_ignore_ascii_case(b"URL")
    })
}

/// Goes through braces, angle brackets and blanks. What lies before the offset `secret` is not
/// repeated.
fn check_macros(
    name: &MessagePart,
    value: &str,
    secret: usize,
    at: Place,
    findings: &mut Findings,
) {
    let mut skip = 0;
    for (column, (offset, character)) in value.char_indices().enumerate() {
        let at = at.right(column);
        if findings.is_hopeless() {
            return;
        }
        if offset < skip {
            continue;
        }
        let rest = value.get(offset..).unwrap_or_default();
        let quoted = |text: &str| match offset < secret {
            true => MessagePart::Fixed("what is in braces"),
            false => shown(&format!("`{text}`")),
        };
        if let Some(text) = angle_macro(rest) {
            skip = offset + text.len() + "<>".len();
            findings.push(Finding::warning(
                codes::MACRO_ANGLE,
                at,
                message![
                    "`<",
                    text,
                    ">` in ",
                    name,
                    " is not how phones spell a macro"
                ],
                message!["Write {", text, "}."],
            ));
            continue;
        }
        let finding = match character {
            '{' => match read_macro(rest) {
                Macro::Known(length) => {
                    skip = offset + length;
                    continue;
                }
                Macro::Unknown(text) => {
                    skip = offset + text.len();
                    let help = match closest(text) {
                        Some(known) => message!["Write {", known, "}: case and blanks matter."],
                        None => Message::from(
                            "Phones know {MAC}, {mac}, {MODEL} and {fwver}, and send the rest as \
                             it is.",
                        ),
                    };
                    let message = message![quoted(text), " in ", name, " is no macro of phones"];
                    Finding::error(codes::MACRO_UNKNOWN, at, message, help)
                }
                Macro::Broken(text, good) => {
                    // What is good within the broken one needs no finding of its own, what is not
                    // does.
                    skip = offset + good;
                    Finding::error(
                        codes::MACRO_BROKEN,
                        at,
                        message![quoted(text), " in ", name, " is a broken macro"],
                        "Write {MAC}, {mac}, {MODEL} or {fwver}, one pair of braces each.",
                    )
                }
            },
            '}' => Finding::error(
                codes::MACRO_BROKEN,
                at,
                message!["a closing brace in ", name, " that was not opened"],
                "Write {MAC}, {mac}, {MODEL} or {fwver}, one pair of braces each.",
            ),
            '<' | '>' | ' ' | '"' | '\\' => Finding::error(
                codes::URL_CHARACTER,
                at,
                message![
                    "the URL in ",
                    name,
                    " has a blank, quote, backslash or angle bracket"
                ],
                "Percent-encode it, or delete it.",
            ),
            _ => continue,
        };
        findings.push(finding);
    }
}

/// What an opening brace begins.
enum Macro<'a> {
    /// A macro, and how many bytes it has.
    Known(usize),
    /// Braces around a word that is no macro.
    Unknown(&'a str),
    /// Something else, and how many of its bytes need not be looked at again.
    Broken(&'a str, usize),
}

/// `rest` begins with the brace.
fn read_macro(rest: &str) -> Macro<'_> {
    let rest = first(rest, MAX_LOOK_AHEAD);
    #[cfg(test)]
    crate::steps::took(rest.len());
    let Some(end) = rest.find('}') else {
        return Macro::Broken("{", 1);
    };
    let text = rest.get(..=end).unwrap_or_default();
    if let Some(whole) = read_word(text) {
        return whole;
    }
    // `{}`, `{MAC/x}`, or the brace of another macro comes first, as in `{/{fwver}`.
    let inner = text.rfind('{').unwrap_or_default();
    let seen = match text.get(inner..).and_then(read_word) {
        Some(Macro::Unknown(_)) => inner,
        _ => text.len(),
    };
    Macro::Broken(text, seen)
}

/// One word in braces, or nothing.
fn read_word(text: &str) -> Option<Macro<'_>> {
    let word = text.strip_prefix('{')?.strip_suffix('}')?;
    if word.trim().is_empty() || word.contains(['{', '}', '/']) {
        return None;
    }
    Some(match MACROS.contains(&word) {
        true => Macro::Known(text.len()),
        false => Macro::Unknown(text),
    })
}

fn angle_macro(rest: &str) -> Option<&'static str> {
    let rest = rest.strip_prefix('<')?;
    MACROS.into_iter().find(|word| {
        let after = rest.strip_prefix(word);
        after.is_some_and(|after| after.starts_with('>'))
    })
}

/// The beginning of a text, at most `characters` characters.
fn first(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters);
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The macro that was meant, when only case or blanks are wrong.
fn closest(text: &str) -> Option<&'static str> {
    let word = text.trim_matches(|c: char| c == '{' || c == '}' || c.is_whitespace());
    MACROS
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(word))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_of(name: &str, value: &str) -> Vec<(&'static str, u32)> {
        let mut findings = Findings::default();
        let parameter = Parameter {
            path: name.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            line: 1,
            column: 1,
        };
        check(&parameter, &mut findings);
        let findings = findings.into_vec();
        findings.iter().map(|f| (f.code, f.column)).collect()
    }

    #[test]
    fn good_urls_pass() {
        for value in [
            "",
            "https://prov.example/Config{MAC}.cfg",
            "HTTPS://prov.example:8443/{MODEL}/{fwver}/{mac}.cfg",
            "http://user:pa%20ss@192.0.2.1/x.cfg",
            "tftp://prov.example/x",
            "https://[2001:db8::1]/x.cfg",
        ] {
            assert_eq!(codes_of("CFG_STANDARD_FILE_PATH", value), [], "{value}");
        }
    }

    #[test]
    fn only_urls_are_looked_at() {
        assert_eq!(codes_of("SIP_PASS_1", "{/{fwver} <MAC>"), []);
        assert_eq!(
            codes_of("ANYTHING", "http:/prov.example"),
            [(codes::URL_SLASHES, 6)]
        );
    }

    #[test]
    fn slashes_scheme_and_host_are_checked() {
        for (value, code) in [
            ("http:/prov.example/x", codes::URL_SLASHES),
            ("https:prov.example/x", codes::URL_SLASHES),
            ("https:/\u{201c}", codes::URL_SLASHES),
            ("prov.example/x", codes::URL_SCHEME),
            ("gopher://prov.example/x", codes::URL_SCHEME),
            ("https:///x", codes::URL_HOST),
            ("https://", codes::URL_HOST),
        ] {
            let found = codes_of("CFG_ROOT_CERTIFICATE_PATH1", value);
            assert_eq!(found.first().map(|f| f.0), Some(code), "{value}");
            assert_eq!(found.len(), 1, "{value}");
        }
    }

    #[test]
    fn macros_are_known_or_named() {
        for (path, code, column) in [
            ("{/{fwver}/x", codes::MACRO_BROKEN, 1),
            ("{MAC", codes::MACRO_BROKEN, 1),
            ("a{}", codes::MACRO_BROKEN, 2),
            ("MAC}", codes::MACRO_BROKEN, 4),
            ("{{MAC}", codes::MACRO_BROKEN, 1),
            ("{MAC/x}", codes::MACRO_BROKEN, 1),
            ("{Mac}", codes::MACRO_UNKNOWN, 1),
            ("{SERIAL}", codes::MACRO_UNKNOWN, 1),
            ("<MAC>", codes::MACRO_ANGLE, 1),
            ("a b", codes::URL_CHARACTER, 2),
        ] {
            let value = format!("https://prov.example/{path}");
            let found = codes_of("FIRM_FILE_PATH", &value);
            assert_eq!(found, [(code, 21 + column)], "{path}");
        }
    }

    #[test]
    fn a_broken_macro_does_not_hide_the_one_behind_it() {
        let found = codes_of("XML_URL", "https://prov.example/{/{Mac}{x}");
        let codes: Vec<_> = found.iter().map(|f| f.0).collect();
        assert_eq!(
            codes,
            [
                codes::MACRO_BROKEN,
                codes::MACRO_UNKNOWN,
                codes::MACRO_UNKNOWN
            ]
        );
    }

    #[test]
    fn a_password_is_not_repeated() {
        let mut findings = Findings::default();
        let parameter = Parameter {
            path: String::new(),
            name: "CFG_PATH".to_owned(),
            value: "https://me:{hunter2}{/{hunter3}@prov.example/".to_owned(),
            line: 1,
            column: 1,
        };
        check(&parameter, &mut findings);
        let findings = findings.into_vec();
        assert!(!findings.is_empty());
        assert!(!format!("{findings:?}").contains("hunter"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

        /// What is looked for among bytes is what there is among characters.
        #[test]
        fn schemes_and_names_of_urls_are_found_as_characters_would_tell(
            name in "([A-Zpathurlä0-9_]{0,6}_?(PATH|url|Url9|path12|URLX)?_?){0,3}",
            value in "(https|HTTP|ftp|tftp|sip|ä)?:?(//)?[a-zä:/]{0,8}",
        ) {
            let named = name.split('_').any(|word| {
                let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
                word.eq_ignore_ascii_case("PATH") || word.eq_ignore_ascii_case("URL")
            });
            proptest::prop_assert_eq!(is_url_name(&name), named);
            let is_known = |scheme: &str| SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
            let before = value.split_once(':').map_or("", |(before, _)| before);
            proptest::prop_assert_eq!(is_known(scheme(&value)), is_known(before));
        }
    }
}
