//! The cookie of a session.

/// `__Host-` has the browser take it from this very host alone, over HTTPS, for all paths (RFC 6265bis §4.1.3.2).
const NAME: &str = "__Host-ringfence";

/// What goes with it: no script reads it, no other site's request carries it.
const SCOPE: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// The session's cookie in a `Cookie` header.
pub fn of(header: Option<&str>) -> Option<String> {
    header?
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .map(|(_, value)| value.to_owned())
}

/// `Set-Cookie` for a session that has just been opened.
pub fn set(value: &str, lasts_s: u64) -> String {
    format!("{NAME}={value}; {SCOPE}; Max-Age={lasts_s}")
}

/// `Set-Cookie` that takes it away.
pub fn unset() -> String {
    format!("{NAME}=; {SCOPE}; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_is_read_among_others() {
        assert_eq!(
            of(Some("a=b; __Host-ringfence=rfs_x; c=d")).as_deref(),
            Some("rfs_x")
        );
        for header in [
            None,
            Some(""),
            Some("ringfence=x"),
            Some("x__Host-ringfence=y"),
        ] {
            assert_eq!(of(header), None);
        }
    }

    #[test]
    fn the_cookie_is_for_this_host_and_no_script() {
        let set = set("v", 60);
        assert!(set.starts_with("__Host-ringfence=v; Path=/; Secure; HttpOnly; SameSite=Strict"));
        assert!(unset().ends_with("Max-Age=0"));
    }
}
