//! Whether a form was sent from the console itself. The cookie's `SameSite=Strict` keeps other sites out
//! already; this also keeps out what another page of the same site would send.

use worker::Headers;

/// Whether what a browser says of a POST fits the console's own origin. A browser says at least one of the two.
///
/// # Errors
/// A header cannot be read.
pub fn is_own(headers: &Headers, origin: &str) -> worker::Result<bool> {
    let from = headers.get("origin")?;
    let site = headers.get("sec-fetch-site")?;
    Ok(fits(from.as_deref(), site.as_deref(), origin))
}

fn fits(from: Option<&str>, site: Option<&str>, origin: &str) -> bool {
    let said = from.is_some() || site.is_some();
    said && from.is_none_or(|from| from == origin) && site.is_none_or(|site| site == "same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_from_the_console_or_is_refused() {
        let own = "https://phones.example";
        assert!(fits(Some(own), Some("same-origin"), own));
        assert!(fits(Some(own), None, own));
        assert!(fits(None, Some("same-origin"), own));
        for (from, site) in [
            (None, None),
            (Some("https://other.example"), Some("same-origin")),
            (Some("https://phones.example:8443"), None),
            (Some("null"), None),
            (Some(own), Some("same-site")),
            (None, Some("cross-site")),
            (None, Some("none")),
        ] {
            assert!(!fits(from, site, own), "{from:?} {site:?}");
        }
    }
}
