//! Where messages may be sent: an `https` URL with a name. Nothing that leads into a network of its own.

use worker::Url;

/// Longer URLs are none.
const MAX_URL: usize = 500;

/// Endings of names that no public server has (RFC 6761, 6762, 8375, 9476; `internal` is reserved by ICANN).
const NOT_PUBLIC: [&str; 8] = [
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "test",
    "invalid",
    "onion",
    "alt",
];

/// Whether a URL may be a receiver's. `local` lets a loopback address over HTTP pass, for tests on one machine: see
/// [`loopback_counts_as_tls`](crate::platform::config::loopback_counts_as_tls).
pub fn check(text: &str, local: bool) -> Result<Url, &'static str> {
    if text.len() > MAX_URL {
        return Err("`url` is at most 500 bytes long.");
    }
    let url = Url::parse(text)
        .map_err(|_| "`url` is no URL, such as `https://hooks.example/ringfence`.")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "`url` has a user name or password in it. Leave them out: messages are signed, and the receiver checks that.",
        );
    }
    if url.fragment().is_some() {
        return Err(
            "`url` has a fragment, which is never sent. Leave out the `#` and what follows.",
        );
    }
    let host = url.host_str().unwrap_or_default();
    if local && matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
        return Ok(url);
    }
    if url.scheme() != "https" {
        return Err("`url` must begin with `https://`.");
    }
    // The parser has made an address of each way to write one: `0x7f.1`, `2130706433`.
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let is_address = host.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
    if is_address {
        return Err(
            "`url` has an address in place of a name. Give the receiver a public name, which its certificate is for.",
        );
    }
    let is_below = |end: &str| {
        name.strip_suffix(end)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    let is_private = NOT_PUBLIC.iter().any(|end| name == *end || is_below(end));
    if !name.contains('.') || is_private {
        return Err(
            "`url` has a name that no public server has, so nothing can be sent there. Give the receiver a public name, such as hooks.example.org.",
        );
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_public_name_over_https_may_be_told() {
        for url in [
            "https://hooks.example/ringfence",
            "https://hooks.example:8443/a?b=c",
            "https://10.0.0.1.example/",
            "https://localhost.example/",
        ] {
            assert!(check(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_leads_inside_is_refused_however_it_is_written() {
        for url in [
            "http://hooks.example/",
            "ftp://hooks.example/",
            "file:///etc/passwd",
            "https://",
            "hooks.example",
            "https://user@hooks.example/",
            "https://user:word@hooks.example/",
            "https://hooks.example/#a",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f.0.0.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest",
            "https://192.0.2.1./",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fe80::1]/",
            "https://１２７.0.0.1/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://router.home.arpa/",
            "https://intranet/",
        ] {
            assert!(check(url, false).is_err(), "{url}");
        }
        let long = format!("https://hooks.example/{}", "a".repeat(MAX_URL));
        assert!(check(&long, false).is_err());
    }

    #[test]
    fn a_loopback_receiver_takes_the_switch_for_tests() {
        for url in [
            "http://127.0.0.1:8000/",
            "http://localhost:1/",
            "https://[::1]/",
        ] {
            assert!(check(url, true).is_ok(), "{url}");
            assert!(check(url, false).is_err(), "{url}");
        }
        assert!(check("http://10.0.0.1/", true).is_err());
        assert!(check("http://hooks.example/", true).is_err());
    }

    proptest! {
        #[test]
        fn no_address_passes(address in any::<[u8; 4]>(), v6 in any::<[u16; 8]>()) {
            let v4 = std::net::Ipv4Addr::from(address);
            let number = u32::from(v4);
            for host in [v4.to_string(), number.to_string(), format!("{number:#x}"), format!("[{}]", std::net::Ipv6Addr::from(v6))] {
                prop_assert!(check(&format!("https://{host}/"), false).is_err(), "{}", host);
            }
        }
    }
}
