//! Paths of the API and their patterns, in which `{name}` stands for one segment: read, and written.

/// What stands for the names of a pattern.
pub type Params = Vec<(&'static str, String)>;

/// What stands for the pattern's names in a path that fits it.
pub fn matches(pattern: &'static str, path: &str) -> Option<Params> {
    let mut params = Params::new();
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        let segment = segments.next()?;
        match name(wanted) {
            Some(name) => params.push((name, decode(segment)?)),
            None if wanted == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(params)
}

/// A segment without its percent-encoding; nothing if it is empty or no UTF-8.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.is_empty())
}

/// The path of a pattern; `value` says what stands for a name.
///
/// # Errors
/// Those of `value`.
pub fn fill<E>(
    pattern: &'static str,
    mut value: impl FnMut(&'static str) -> Result<String, E>,
) -> Result<String, E> {
    let mut path = String::with_capacity(pattern.len());
    for (at, part) in pattern.split('/').enumerate() {
        if at > 0 {
            path.push('/');
        }
        match name(part) {
            Some(name) => path.push_str(&segment(&value(name)?)),
            None => path.push_str(part),
        }
    }
    Ok(path)
}

/// The names of a pattern, in its order.
pub fn names(pattern: &'static str) -> impl Iterator<Item = &'static str> {
    pattern.split('/').filter_map(name)
}

/// The name that a part of a pattern is.
fn name(part: &'static str) -> Option<&'static str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// A segment of a path, as a URL has it.
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // As a segment, dots alone would lead elsewhere.
    match out.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => out,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    const PATTERN: &str = "/api/v1/tenants/{tenant}/devices/{mac}/rekey";

    #[test]
    fn a_segment_leads_nowhere_else() {
        assert_eq!(segment("KX-UTG300B"), "KX-UTG300B");
        assert_eq!(segment("a/../b?c"), "a%2F..%2Fb%3Fc");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(segment("é"), "%C3%A9");
    }

    #[test]
    fn nothing_else_fits_a_pattern() {
        for path in [
            "",
            "/",
            "/api/v1/tenants/T/devices/M",
            "/api/v1/tenants/T/devices//rekey",
            "/api/v1/tenants/T/devices/M/rekey/",
        ] {
            assert_eq!(matches(PATTERN, path), None, "{path}");
        }
        for segment in ["%", "%4", "%zz", "%ff"] {
            let path = format!("/api/v1/tenants/T/devices/{segment}/rekey");
            assert_eq!(matches(PATTERN, &path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_a_pattern_is_filled_with_is_read_from_its_path(tenant in ".+", mac in ".+") {
            let value = |name: &str| Ok::<_, Infallible>(if name == "mac" { mac.clone() } else { tenant.clone() });
            let Ok(path) = fill(PATTERN, value);
            prop_assert_eq!(matches(PATTERN, &path), Some(vec![("tenant", tenant.clone()), ("mac", mac.clone())]));
        }
    }
}
