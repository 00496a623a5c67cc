//! `If-Match`, `If-None-Match` and `If-Range` (RFC 9110 §13).

/// The headers of a request that say whether and how much of a file it wants (RFC 9110 §13.1, §14.2), as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub range: Option<String>,
    pub if_range: Option<String>,
}

impl Conditions {
    /// Reads them by their names in small letters.
    pub fn read(header: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            if_match: header("if-match"),
            if_none_match: header("if-none-match"),
            range: header("range"),
            if_range: header("if-range"),
        }
    }

    /// Whether `If-None-Match` says that the client has a file with this ETag, and no condition that comes before it
    /// (§13.2.2) has a say.
    pub fn name_copy(&self, etag: &str) -> bool {
        let known = self.if_none_match.as_deref();
        known.is_some_and(|known| none_match(known, etag)) && self.if_match.is_none()
    }

    /// Whether the conditions of a `GET` let a representation through that has neither an ETag nor a
    /// modification date, in the order of §13.2.2.
    ///
    /// Dates are ignored, as §13.1.3 and §13.1.4 demand where no modification date is available: they say
    /// that the client has something older. A list of ETags names other representations: none of them is
    /// this one, so `If-None-Match` lets it through and `If-Match` does not. `If-None-Match: *` wants
    /// nothing that exists.
    pub fn pass_without_validators(&self) -> bool {
        let star = |list: &str| list.split(',').any(|member| member.trim() == "*");
        self.if_match.as_deref().is_none_or(star)
            && !self.if_none_match.as_deref().is_some_and(star)
    }
}

/// Whether `If-Match` lets a request through, by strong comparison (§13.1.1).
pub fn if_match(header: &str, etag: &str) -> bool {
    let header = header.trim();
    header == "*" || header.split(',').any(|candidate| candidate.trim() == etag)
}

/// Whether `If-None-Match` names the ETag, by weak comparison (§13.1.2).
pub fn none_match(header: &str, etag: &str) -> bool {
    let header = header.trim();
    header == "*"
        || header
            .split(',')
            .any(|candidate| strip_weak(candidate.trim()) == strip_weak(etag))
}

/// Whether `If-Range` lets a `Range` through: only a strong match of the very ETag (§13.1.5); a
/// date never does, since no `Last-Modified` is sent.
pub fn if_range(header: Option<&str>, etag: &str) -> bool {
    header.is_none_or(|value| value.trim() == etag)
}

fn strip_weak(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passes(headers: &[(&str, &str)]) -> bool {
        let conditions = Conditions::read(|wanted| {
            let found = headers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        });
        conditions.pass_without_validators()
    }

    #[test]
    fn of_what_has_no_validator_only_a_condition_on_this_or_on_anything_keeps_it_back() {
        const DATE: &str = "Sat, 21 Nov 2026 10:00:00 GMT";
        for headers in [
            &[][..],
            &[("if-modified-since", DATE)],
            &[("if-modified-since", "yesterday")],
            &[("if-unmodified-since", DATE)],
            &[("if-none-match", "\"a\"")],
            &[("if-none-match", "W/\"a\", \"*\"")],
            &[("if-none-match", "")],
            &[("if-none-match", "\"a\""), ("if-modified-since", DATE)],
            &[("if-match", "*")],
            &[("if-match", "*"), ("if-none-match", "\"a\"")],
        ] {
            assert!(passes(headers), "{headers:?}");
        }
        for headers in [
            &[("if-none-match", "*")][..],
            &[("if-none-match", " \"a\" , * ")],
            &[("if-none-match", "*"), ("if-modified-since", DATE)],
            &[("if-match", "\"a\"")],
            &[("if-match", "W/\"a\"")],
            &[("if-match", "")],
            &[("if-match", "\"a\""), ("if-none-match", "\"b\"")],
            &[("if-match", "*"), ("if-none-match", "*")],
        ] {
            assert!(!passes(headers), "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn dates_change_nothing_and_lists_count_as_for_an_etag_that_is_in_none(
            if_match_list in prop::option::of("(\\*|W/\"[a-c]{0,3}\"|\"[a-c*]{0,3}\")"),
            none_match_list in prop::option::of("(\\*|(W/)?\"[a-c]{0,3}\"(, ?(W/)?\"[a-c*]{0,3}\"){0,2})"),
            since in prop::option::of("\\PC{0,30}"),
            unmodified in prop::option::of("\\PC{0,30}"),
        ) {
            let mut headers = Vec::new();
            for (name, value) in [
                ("if-match", &if_match_list),
                ("if-none-match", &none_match_list),
                ("if-modified-since", &since),
                ("if-unmodified-since", &unmodified),
            ] {
                headers.extend(value.as_deref().map(|value| (name, value)));
            }
            const OTHER: &str = "\"of no file\"";
            let expected = if_match_list.as_deref().is_none_or(|list| if_match(list, OTHER))
                && !none_match_list.as_deref().is_some_and(|list| none_match(list, OTHER));
            prop_assert_eq!(passes(&headers), expected);
        }
    }

    #[test]
    fn a_list_a_star_and_a_weak_form_match() {
        assert!(none_match("\"a\"", "\"a\""));
        assert!(none_match("\"b\", W/\"a\"", "\"a\""));
        assert!(none_match(" * ", "\"a\""));
        assert!(!none_match("\"b\"", "\"a\""));
        assert!(!none_match("", "\"a\""));
        assert!(!none_match("a", "\"a\""));
    }

    #[test]
    fn if_match_takes_a_list_and_a_star_but_no_weak_form() {
        assert!(if_match("\"a\"", "\"a\""));
        assert!(if_match("\"b\" , \"a\"", "\"a\""));
        assert!(if_match("*", "\"a\""));
        assert!(!if_match("W/\"a\"", "\"a\""));
        assert!(!if_match("\"b\"", "\"a\""));
    }

    #[test]
    fn if_range_takes_the_very_etag_and_no_date() {
        assert!(if_range(None, "\"a\""));
        assert!(if_range(Some("\"a\""), "\"a\""));
        assert!(!if_range(Some("W/\"a\""), "\"a\""));
        assert!(!if_range(Some("Sat, 21 Nov 2026 10:00:00 GMT"), "\"a\""));
    }
}
