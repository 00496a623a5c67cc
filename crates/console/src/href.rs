//! Addresses of pages and of the API's resources: whatever stands in them is escaped.

/// A path of these segments, each escaped.
pub fn path<const N: usize>(segments: [&str; N]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        escape(segment, &mut path);
    }
    path
}

/// A query of these pairs, without those whose value is empty; with its question mark if there is any.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.push(if query.is_empty() { '?' } else { '&' });
        escape(name, &mut query);
        query.push('=');
        escape(value, &mut query);
    }
    query
}

/// What RFC 3986 §2.3 calls unreserved stays, the rest is percent-encoded.
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                into.push(char::from(byte));
            }
            _ => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// A page of a tenant.
pub fn tenant(id: &str, page: &str) -> String {
    let base = format!("/console{}", path(["tenants", id]));
    if page.is_empty() {
        base
    } else {
        format!("{base}/{page}")
    }
}

/// The page of a device, or one below it.
pub fn device(tenant_id: &str, mac: &str, page: &str) -> String {
    let base = tenant(tenant_id, &format!("devices{}", path([mac])));
    if page.is_empty() {
        base
    } else {
        format!("{base}/{page}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_address_is_escaped() {
        assert_eq!(path(["a b", "c/d", "ü"]), "/a%20b/c%2Fd/%C3%BC");
        assert_eq!(
            query(&[("q", "a&b=c"), ("x", ""), ("y", "1")]),
            "?q=a%26b%3Dc&y=1"
        );
        assert_eq!(query(&[("x", "")]), "");
        assert_eq!(
            device("T", "00", "rekey"),
            "/console/tenants/T/devices/00/rekey"
        );
    }
}
