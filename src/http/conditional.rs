//! `If-None-Match` and `If-Range` (RFC 9110 §13).

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
    use super::*;

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
    fn if_range_takes_the_very_etag_and_no_date() {
        assert!(if_range(None, "\"a\""));
        assert!(if_range(Some("\"a\""), "\"a\""));
        assert!(!if_range(Some("W/\"a\""), "\"a\""));
        assert!(!if_range(Some("Sat, 21 Nov 2026 10:00:00 GMT"), "\"a\""));
    }
}
