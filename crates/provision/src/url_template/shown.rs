//! A request's path as an operator may read it.
//!
//! It was written by a stranger, so it is decoded once, bounded, and without anything that a log or
//! a terminal would act upon. And it may hold what nobody should read: the access path itself where
//! a URL was put together twice, another access path, a key, or `user:password@`.

/// The longest that is shown, in characters.
pub const MAX_SHOWN_LEN: usize = 200;

/// What is shown in the place of something that is not.
const HIDDEN: &str = "…";

/// From how many letters, digits, dashes and underscores in a row on a text may be a secret: an
/// access path has 32, a key 32, a token more. No name of a file that a phone makes up is as long.
const SECRET_LEN: usize = 32;

/// A path below the access path, percent-decoded once and fit to be read: without a query, without
/// `access_path`, without what may be another secret, control and invisible characters escaped as in
/// `\u{7f}`, at most [`MAX_SHOWN_LEN`] characters (and `…` where something was cut off or hidden).
///
/// ```
/// use ringfence_provision::url_template::shown;
///
/// assert_eq!(shown("Phone%7BMAC%7D.cfg%0A", "s3cret"), "Phone{MAC}.cfg\\n");
/// ```
pub fn shown(path: &str, access_path: &str) -> String {
    let decoded = unescaped(path);
    let text = decoded.split(['?', '#']).next().unwrap_or_default();
    let text = without(text, access_path);
    let text = without_long_runs(&without_userinfo(&text));
    let mut shown = String::new();
    let mut length = 0;
    for character in text.chars() {
        let escaped: String = match character {
            '"' | '\'' => character.into(),
            _ => character.escape_debug().collect(),
        };
        length += escaped.chars().count();
        if length > MAX_SHOWN_LEN - 1 {
            shown.push_str(HIDDEN);
            break;
        }
        shown.push_str(&escaped);
    }
    shown
}

/// Percent signs replaced once, whatever comes of it; a percent sign without two digits stays, and
/// what is not UTF-8 is shown as the replacement character.
pub(super) fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = match (byte, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let value = digit(high)
                    .zip(digit(low))
                    .map(|(high, low)| high << 4 | low);
                value
                    .and_then(|value| u8::try_from(value).ok())
                    .zip(Some(after))
            }
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((byte, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Without a text, in whatever case it is written.
fn without(text: &str, secret: &str) -> String {
    if secret.is_empty() {
        return text.to_owned();
    }
    // In ASCII both have their characters at the same places.
    let (folded, secret) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in folded.match_indices(&secret) {
        kept.push_str(text.get(from..at).unwrap_or_default());
        kept.push_str(HIDDEN);
        from = at + secret.len();
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// Without what stands before an `@` in a part between slashes.
fn without_userinfo(text: &str) -> String {
    let parts: Vec<String> = text
        .split('/')
        .map(|part| match part.rsplit_once('@') {
            Some((userinfo, host)) if userinfo.contains(':') => format!("{HIDDEN}@{host}"),
            _ => part.to_owned(),
        })
        .collect();
    parts.join("/")
}

fn without_long_runs(text: &str) -> String {
    let of_a_run = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut kept = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars().map(Some).chain([None]) {
        match character {
            Some(character) if of_a_run(character) => run.push(character),
            other => {
                kept.push_str(if run.len() < SECRET_LEN { &run } else { HIDDEN });
                run.clear();
                kept.extend(other);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCESS_PATH: &str = "9f3c-Secret";

    #[test]
    fn a_path_is_shown_as_it_was_meant() {
        for (path, text) in [
            ("Config0080f0000104.cfg", "Config0080f0000104.cfg"),
            ("Config%7BMAC%7D.cfg", "Config{MAC}.cfg"),
            ("Config.cfg%20", "Config.cfg "),
            ("a%2Fb/c", "a/b/c"),
            ("100%", "100%"),
            ("%C3%A4\"'", "ä\"'"),
            ("", ""),
        ] {
            assert_eq!(shown(path, ACCESS_PATH), text, "{path}");
        }
    }

    #[test]
    fn nothing_in_it_moves_a_cursor_or_turns_the_writing_round() {
        assert_eq!(
            shown("a%0D%0Ab%1B[2J%E2%80%AEc%00%5C", ACCESS_PATH),
            r"a\r\nb\u{1b}[2J\u{202e}c\0\\"
        );
        assert_eq!(shown("%FF", ACCESS_PATH), "\u{fffd}");
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (path, text) in [
            ("9f3c-Secret/Config.cfg", "…/Config.cfg"),
            ("%39F3C-SECRET/9f3c-secret", "…/…"),
            ("0123456789abcdef0123456789abcdef/KX.cfg", "…/KX.cfg"),
            (
                "https:/admin:pa:ss@phones.example/x",
                "https:/…@phones.example/x",
            ),
            ("Config.cfg%3Fpassword=x", "Config.cfg"),
            ("Config.cfg%23x", "Config.cfg"),
            ("a@b", "a@b"),
        ] {
            assert_eq!(shown(path, ACCESS_PATH), text, "{path}");
        }
    }

    proptest! {
        #[test]
        fn it_is_bounded_and_printable_and_holds_neither_access_path_nor_long_run(
            parts in prop::collection::vec(
                "\\PC{0,30}|[%0-9A-Fa-f]{0,40}|[a-zA-Z0-9_-]{0,80}|(?i)9f3c-secret|9f3c%2DSecret", 0..12)
        ) {
            let text = shown(&parts.concat(), ACCESS_PATH);
            prop_assert!(text.chars().count() <= MAX_SHOWN_LEN);
            prop_assert!(!text.chars().any(char::is_control));
            prop_assert!(!text.to_ascii_lowercase().contains(&ACCESS_PATH.to_ascii_lowercase()));
            let run = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            prop_assert!(text.split(run).all(|run| run.len() < SECRET_LEN));
        }
    }
}
