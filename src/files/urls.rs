//! What a file says of URLs: an initial file of the other files', a device's file of its own.
//!
//! A template sees stand-ins for the access path, and for the host and its port where the tenant is bound to
//! none; the real ones are filled in after it has run. So it sees the same in the check of a
//! change, in a preview and for a phone, and cannot behave in one of them and not in another.

use std::collections::BTreeMap;

use ringfence_provision::template::RenderError;
use ringfence_provision::url_template::check_url_len;

/// Stands for the access path, and is as long as those that the API makes.
const ACCESS_PATH: &str = "access-path-comes-here";

/// Stands for the host of a tenant that is bound to none, with its port. No such name can exist (RFC 6761 §6.4).
const HOST: &str = "host-comes-here.invalid";

/// Stands for the same host without its port.
const HOSTNAME: &str = "hostname-comes-here.invalid";

/// Stands for the port of that host.
const PORT: &str = "port-comes-here";

/// What all URLs of a tenant begin with.
#[derive(Clone, Debug)]
pub struct Base {
    /// Scheme, host and, if it is not the scheme's own, port.
    pub origin: String,
    pub access_path: String,
    /// The host that the tenant is bound to.
    pub hostname: Option<String>,
}

/// The names of a device's standard file, whatever the state of its key is.
#[derive(Clone, Debug, Default)]
pub struct OwnNames {
    /// The one under which the device asks: its folder is what the phone is given as its server.
    pub standard: Option<String>,
    /// The one of the file in clear, or of the bootstrap.
    pub plain: Option<String>,
    /// The one of the sealed file; `None` where the device's files are not sealed.
    pub sealed: Option<String>,
}

/// URLs as a template sees them, and what is filled in afterwards.
#[derive(Clone, Debug, Default)]
pub struct Urls {
    seen: BTreeMap<String, String>,
    own: BTreeMap<String, String>,
    /// Stand-ins, and what they stand for, in the order in which they are filled in.
    stand_ins: Vec<(String, String)>,
}

impl Urls {
    /// URLs by the name that a template knows them by. One that would be too long for a phone is
    /// left out, so that a template that needs it says so. `names` are those that an initial file alone may name.
    pub fn new(
        base: &Base,
        own_names: &OwnNames,
        names: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let Base {
            origin,
            access_path,
            hostname,
        } = base;
        let seen_host = hostname.as_deref().unwrap_or(HOST);
        let seen_base = format!("https://{seen_host}/{ACCESS_PATH}");
        // A preview knows no access path, and measures as if it did.
        let longest = if access_path.len() < ACCESS_PATH.len() {
            format!("{origin}/{ACCESS_PATH}")
        } else {
            format!("{origin}/{access_path}")
        };
        let fits = |name: &str| check_url_len(&longest, name).is_ok();
        let OwnNames {
            standard,
            plain,
            sealed,
        } = own_names;
        let mut own = own(hostname.as_deref(), standard.as_deref());
        for (key, name) in [(STANDARD, standard), (PLAIN, plain), (SEALED, sealed)] {
            if let Some(name) = name.as_deref().filter(|name| fits(name)) {
                own.insert(key.to_owned(), format!("{seen_base}/{name}"));
            }
        }
        let mut seen = own.clone();
        seen.remove(STANDARD);
        let others = names.into_iter().filter(|(_, name)| fits(name));
        seen.extend(others.map(|(key, name)| (key, format!("{seen_base}/{name}"))));
        let mut stand_ins = vec![
            (seen_base, format!("{origin}/{access_path}")),
            (ACCESS_PATH.to_owned(), access_path.clone()),
        ];
        if hostname.is_none() {
            let authority = origin
                .split_once("://")
                .map_or("", |(_, authority)| authority);
            stand_ins.push((format!("https://{HOST}"), origin.clone()));
            stand_ins.push((HOST.to_owned(), authority.to_owned()));
            let (name, port) = apart(origin, authority);
            stand_ins.push((HOSTNAME.to_owned(), name.to_owned()));
            stand_ins.push((PORT.to_owned(), port.to_owned()));
        }
        Self {
            seen,
            own,
            stand_ins,
        }
    }

    /// What `urls.…` stands for in the template of an initial file.
    pub fn seen(&self) -> &BTreeMap<String, String> {
        &self.seen
    }

    /// What `urls.…` stands for in the template of another file of a device. That file is kept, so there is
    /// nothing that may change without a change of the tenant or the device: neither the name by the state
    /// of the key, nor certificates.
    pub fn own(&self) -> &BTreeMap<String, String> {
        &self.own
    }

    /// The file with the real URLs in it.
    ///
    /// # Errors
    /// The template has changed the letters of a stand-in, so that no phone could use the URL.
    pub fn fill(&self, file: &str, text: String) -> Result<Filled, RenderError> {
        let mut text = text;
        let mut is_changed = false;
        for (stand_in, real) in &self.stand_ins {
            if text.contains(stand_in.as_str()) {
                is_changed = true;
                text = text.replace(stand_in.as_str(), real);
            }
        }
        let lower = text.to_ascii_lowercase();
        let broken = [ACCESS_PATH, HOST, HOSTNAME, PORT]
            .into_iter()
            .find_map(|part| lower.find(part));
        match broken {
            Some(at) => Err(RenderError::Failed {
                file: file.to_owned(),
                line: line_at(&lower, at),
                message: "the access path, the host and its port are filled into the file after the template has run, so it can write a URL but not change the letters of these"
                    .to_owned(),
            }),
            None => Ok(Filled { text, is_changed }),
        }
    }
}

/// A file after it was filled in.
#[derive(Debug, PartialEq, Eq)]
pub struct Filled {
    pub text: String,
    /// Whether there was anything to fill in: under another access path or host it is another file.
    pub is_changed: bool,
}

/// The URL of a device's standard file among those that the device's own files may name.
const STANDARD: &str = "standard";

/// The URL of the same file in clear, or of the bootstrap.
const PLAIN: &str = "plain";

/// The URL of the same file sealed.
const SEALED: &str = "sealed";

/// An authority without its port, and the port: the scheme's own where none is written. The brackets of an address stay.
fn apart<'a>(origin: &str, authority: &'a str) -> (&'a str, &'a str) {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ if origin.starts_with("http:") => (authority, "80"),
        _ => (authority, HTTPS),
    }
}

/// The port of HTTPS (RFC 9110 §4.2.2).
const HTTPS: &str = "443";

/// What a device's file may say of where its files are, in the pieces in which phones take it. A host that a tenant is
/// bound to has no port.
fn own(bound: Option<&str>, standard: Option<&str>) -> BTreeMap<String, String> {
    let host = bound.unwrap_or(HOST);
    let folder = standard
        .and_then(|name| name.rsplit_once('/'))
        .map(|(folder, _)| format!("/{folder}"))
        .unwrap_or_default();
    let path = format!("{ACCESS_PATH}{folder}");
    [
        ("base", format!("https://{host}/{path}")),
        ("without_scheme", format!("{host}/{path}")),
        ("origin", format!("https://{host}")),
        ("host", host.to_owned()),
        ("hostname", bound.unwrap_or(HOSTNAME).to_owned()),
        ("port", bound.map_or(PORT, |_| HTTPS).to_owned()),
        ("path", path),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The line of the file that a byte is in, counted from 1.
fn line_at(text: &str, at: usize) -> u32 {
    let before = text.get(..at).unwrap_or_default();
    u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn base(hostname: Option<&str>, origin: &str, access_path: &str) -> Base {
        Base {
            origin: origin.into(),
            access_path: access_path.into(),
            hostname: hostname.map(str::to_owned),
        }
    }

    fn urls(base: &Base) -> Urls {
        let name = ("standard".to_owned(), "Config{MAC}.cfg".to_owned());
        let named = |name: &str| Some(name.to_owned());
        let own_names = OwnNames {
            standard: named("gs/cfg0080f0c571eb.xml"),
            plain: named("gs/0080f0c571eb.cfg"),
            sealed: named("0080f0c571eb.enc"),
        };
        Urls::new(base, &own_names, [name])
    }

    #[test]
    fn a_template_sees_the_same_wherever_it_runs() {
        for hostname in [None, Some("phones.example")] {
            let host = hostname.unwrap_or("ringfence.example.workers.dev");
            let check = base(hostname, "https://provisioning.example", &"0".repeat(22));
            let phone = base(
                hostname,
                &format!("https://{host}"),
                "kqz5wnd7yq3m2v6xkqz5wn",
            );
            let preview = base(hostname, "http://127.0.0.1:8787", "ACCESS-PATH");
            assert_eq!(urls(&check).seen(), urls(&phone).seen());
            assert_eq!(urls(&check).seen(), urls(&preview).seen());
            assert_eq!(urls(&check).own(), urls(&phone).own());
            assert_eq!(urls(&check).own(), urls(&preview).own());
        }
    }

    #[test]
    fn what_is_written_is_the_real_url() {
        let base = base(None, "http://127.0.0.1:8787", "s3gment");
        let urls = urls(&base);
        let url = &urls.seen()["standard"];
        let host = url.split('/').nth(2).unwrap();
        let path = url.split('/').nth(3).unwrap();
        let text = format!("A={url} B={host} C={path} D=https://{host}/x\n");
        assert_eq!(
            urls.fill("initial", text).unwrap().text,
            "A=http://127.0.0.1:8787/s3gment/Config{MAC}.cfg B=127.0.0.1:8787 C=s3gment \
             D=http://127.0.0.1:8787/x\n"
        );
        let error = urls.fill("initial", format!("\n{}", url.to_uppercase()));
        assert!(matches!(error, Err(RenderError::Failed { line: 2, .. })));
    }

    #[test]
    fn a_bound_host_is_no_stand_in() {
        let base = base(Some("phones.example"), "https://phones.example", "s3gment");
        let urls = urls(&base);
        let url = &urls.seen()["standard"];
        assert!(url.starts_with("https://phones.example/"), "{url}");
        let elsewhere = url.replace("phones.example", "cdn.example");
        assert_eq!(
            urls.fill("initial", elsewhere).unwrap().text,
            "https://cdn.example/s3gment/Config{MAC}.cfg"
        );
    }

    #[test]
    fn a_url_that_no_phone_takes_is_left_out_for_all_alike() {
        let name = |length| [("standard".to_owned(), "x".repeat(length))];
        for access_path in ["ACCESS-PATH", &"0".repeat(22)] {
            let base = base(None, "https://a.example", access_path);
            let longest = 384 - "https://a.example/".len() - 22 - 1;
            let named = |length| {
                let own_names = OwnNames {
                    standard: Some("x".repeat(length)),
                    ..OwnNames::default()
                };
                let urls = Urls::new(&base, &own_names, name(length));
                [urls.seen(), urls.own()].map(|urls| urls.contains_key("standard"))
            };
            assert_eq!(named(longest), [true, true]);
            assert_eq!(named(longest + 1), [false, false]);
        }
    }

    #[test]
    fn a_host_and_its_port_can_be_named_apart() {
        for (hostname, origin, expected) in [
            (None, "https://a.example:8443", "a.example 8443"),
            (None, "https://a.example", "a.example 443"),
            (None, "http://127.0.0.1:8787", "127.0.0.1 8787"),
            (None, "http://a.example", "a.example 80"),
            (None, "https://[2001:db8::1]:8443", "[2001:db8::1] 8443"),
            (None, "https://[2001:db8::1]", "[2001:db8::1] 443"),
            (Some("b.example"), "https://b.example", "b.example 443"),
        ] {
            let urls = urls(&base(hostname, origin, "s3gment"));
            let [name, port] = ["hostname", "port"].map(|piece| urls.own()[piece].clone());
            let filled = urls.fill("standard", format!("{name} {port}")).unwrap();
            assert_eq!(filled.text, expected);
            assert_eq!(filled.is_changed, hostname.is_none());
        }
        let urls = urls(&base(None, "https://a.example", "s3gment"));
        let broken = urls.fill("standard", urls.own()["port"].to_uppercase());
        assert!(matches!(broken, Err(RenderError::Failed { line: 1, .. })));
    }

    #[test]
    fn a_devices_file_names_where_its_files_are_in_the_pieces_that_phones_take() {
        let base = base(None, "https://phones.example:8443", "s3gment");
        let urls = urls(&base);
        let all: Vec<String> = urls
            .own()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let filled = urls.fill("standard", all.join("\n")).unwrap();
        assert!(filled.is_changed);
        assert_eq!(
            filled.text.lines().collect::<Vec<_>>(),
            [
                "base=https://phones.example:8443/s3gment/gs",
                "host=phones.example:8443",
                "hostname=phones.example",
                "origin=https://phones.example:8443",
                "path=s3gment/gs",
                "plain=https://phones.example:8443/s3gment/gs/0080f0c571eb.cfg",
                "port=8443",
                "sealed=https://phones.example:8443/s3gment/0080f0c571eb.enc",
                "standard=https://phones.example:8443/s3gment/gs/cfg0080f0c571eb.xml",
                "without_scheme=phones.example:8443/s3gment/gs",
            ]
        );
        let nothing = urls.fill("standard", "phones.example".into()).unwrap();
        assert!(!nothing.is_changed);
    }
}
