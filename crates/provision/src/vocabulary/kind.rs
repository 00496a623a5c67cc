//! What the values of settings are, whoever made the phone.

use std::net::Ipv6Addr;

/// What the values of a setting are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text in one line.
    Text,
    /// A host name or an address, without a port; an IPv6 address may stand in brackets.
    Host,
    /// The same, and a port if there is one: `sip.example.net:5061`, `[2001:db8::1]:5061`.
    HostPort,
    /// 1 to 65535.
    Port,
    /// `yes` or `no`.
    Flag,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// A whole number.
    Number {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// A time zone by its IANA name.
    Zone,
    /// Two or three letters, and a region of two letters if one is meant: `de`, `en-GB`.
    Language,
    /// Two letters of ISO 3166.
    Country,
    /// `HH:MM`, from 00:00 to 23:59.
    TimeOfDay,
    /// An `http` or `https` URL.
    Url,
    /// Names of codecs with commas between them.
    Codecs,
}

/// The codecs that may be named.
pub(super) const CODECS: &[&str] = &[
    "pcmu", "pcma", "g722", "g729", "g726-32", "g723", "ilbc", "opus",
];

impl Kind {
    /// The word for it in the table that the API serves.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Host => "host",
            Self::HostPort => "host_and_port",
            Self::Port => "port",
            Self::Flag => "flag",
            Self::Choice(_) => "choice",
            Self::Number { .. } => "number",
            Self::Zone => "time_zone",
            Self::Language => "language",
            Self::Country => "country",
            Self::TimeOfDay => "time_of_day",
            Self::Url => "url",
            Self::Codecs => "codecs",
        }
    }

    /// The value as the rules of families see it: words in small letters, flags as `yes` and `no`, the rest
    /// as it is. An empty value is left to the family.
    ///
    /// # Errors
    /// What a value must be. The value itself is not in it.
    pub fn read(self, value: &str) -> Result<String, String> {
        let small = value.trim().to_ascii_lowercase();
        let good = match self {
            Self::Text => !value.contains(char::is_control),
            Self::Host => is_host(value),
            Self::HostPort => split_port(value).is_some(),
            Self::Port => whole(value).is_some_and(|port| (1..=65_535).contains(&port)),
            Self::Flag => return flag(&small),
            Self::Choice(words) => {
                let found = words.iter().find(|word| **word == small);
                return found
                    .map(|word| (*word).to_owned())
                    .ok_or_else(|| format!("the value must be {}", or(words)));
            }
            Self::Number { min, max } => {
                whole(value).is_some_and(|number| (min..=max).contains(&number))
            }
            // Whether there is such a zone is known where it is looked up.
            Self::Zone => !value.is_empty() && value.bytes().all(is_of_zone),
            Self::Language => is_language(value),
            Self::Country => value.len() == 2 && value.bytes().all(|it| it.is_ascii_alphabetic()),
            Self::TimeOfDay => is_time(value),
            Self::Url => {
                let rest = ["https://", "http://"]
                    .into_iter()
                    .find_map(|scheme| value.strip_prefix(scheme));
                rest.is_some_and(|rest| {
                    !rest.is_empty()
                        && !rest.starts_with('/')
                        && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
                })
            }
            Self::Codecs => {
                let names: Vec<&str> = small.split(',').map(str::trim).collect();
                return match names.iter().all(|name| CODECS.contains(name)) {
                    true => Ok(names.join(",")),
                    false => Err(format!(
                        "the value must be names of codecs with commas between them: {}",
                        CODECS.join(", ")
                    )),
                };
            }
        };
        match good {
            true => Ok(value.to_owned()),
            false => Err(format!("the value must be {}", self.wanted())),
        }
    }

    /// What a value must be, in words that follow "the value must be".
    fn wanted(self) -> String {
        match self {
            Self::Text => "one line without control characters".to_owned(),
            Self::Host => "a host name or an address, without a port".to_owned(),
            Self::HostPort => {
                "a host name or an address, with :port if there is one; an IPv6 address stands in brackets"
                    .to_owned()
            }
            Self::Port => "a number from 1 to 65535".to_owned(),
            Self::Flag => "yes or no".to_owned(),
            Self::Choice(words) => or(words),
            Self::Number { min, max } => format!("a whole number from {min} to {max}"),
            Self::Zone => "the IANA name of a time zone, such as Europe/Berlin".to_owned(),
            Self::Language => "a language such as de or en-GB".to_owned(),
            Self::Country => "the two letters of a country, such as DE".to_owned(),
            Self::TimeOfDay => "a time of day as HH:MM, from 00:00 to 23:59".to_owned(),
            Self::Url => "a URL that begins with https:// or http://".to_owned(),
            Self::Codecs => "names of codecs".to_owned(),
        }
    }
}

fn flag(small: &str) -> Result<String, String> {
    match small {
        "yes" | "true" | "on" | "1" => Ok("yes".to_owned()),
        "no" | "false" | "off" | "0" => Ok("no".to_owned()),
        _ => Err("the value must be yes or no".to_owned()),
    }
}

/// `udp, tcp or tls`
pub(super) fn or(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A whole number without a sign or leading zeros.
pub(super) fn whole(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| plain && !padded)
}

/// A name or an address, without a port.
pub(super) fn is_host(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Some(inner) = inner {
        return inner.parse::<Ipv6Addr>().is_ok();
    }
    text.parse::<Ipv6Addr>().is_ok()
        || (1..=253).contains(&text.len())
            && text
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_'))
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// Host and port of `host`, `host:port`, `[address]` and `[address]:port`.
pub(super) fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let is_port = |port: &str| whole(port).is_some_and(|port| (1..=65_535).contains(&port));
    if is_host(text) {
        return Some((text, None));
    }
    let (host, port) = text.rsplit_once(':')?;
    // The last piece of an IPv6 address without brackets is no port.
    let clear = !host.contains(':') || host.starts_with('[');
    (clear && is_host(host) && is_port(port)).then_some((host, Some(port)))
}

fn is_of_zone(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+')
}

fn is_language(text: &str) -> bool {
    let letters = |part: &str| part.bytes().all(|it| it.is_ascii_alphabetic());
    match text.split_once('-') {
        Some((language, region)) => {
            is_language(language) && !language.contains('-') && region.len() == 2 && letters(region)
        }
        None => (2..=3).contains(&text.len()) && letters(text),
    }
}

fn is_time(text: &str) -> bool {
    let two = |digits: &str, below: u32| {
        digits.len() == 2
            && digits.bytes().all(|it| it.is_ascii_digit())
            && digits.parse::<u32>().is_ok_and(|number| number < below)
    };
    text.split_once(':')
        .is_some_and(|(hours, minutes)| two(hours, 24) && two(minutes, 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(kind: Kind, values: &[&str]) {
        for value in values {
            assert!(kind.read(value).is_ok(), "{kind:?} {value:?}");
        }
    }

    fn bad(kind: Kind, values: &[&str]) {
        for value in values {
            let error = kind.read(value).err();
            assert!(
                error.is_some_and(|it| it.starts_with("the value must be ")),
                "{kind:?} {value:?}"
            );
        }
    }

    #[test]
    fn a_value_is_of_its_kind_or_refused() {
        good(Kind::Text, &["", "a b", "ü\"<&"]);
        bad(Kind::Text, &["a\nb", "\t"]);
        good(
            Kind::Host,
            &[
                "sip.example.net",
                "192.0.2.1",
                "2001:db8::1",
                "[2001:db8::1]",
            ],
        );
        bad(
            Kind::Host,
            &[
                "",
                "a b",
                "sip.example.net:5060",
                "-a",
                "sip:a",
                "[192.0.2.1]",
            ],
        );
        good(
            Kind::HostPort,
            &["a", "a:5061", "[::1]:5061", "::1", "192.0.2.1:1"],
        );
        bad(
            Kind::HostPort,
            &[
                "a:", "a:0", "a:65536", ":5060", "a:b:c", "[::1]:", "a:5060:1",
            ],
        );
        good(Kind::Port, &["1", "65535"]);
        bad(Kind::Port, &["0", "65536", "05060", "+5", "", " 5060"]);
        good(Kind::Number { min: 60, max: 90 }, &["60", "90"]);
        bad(Kind::Number { min: 60, max: 90 }, &["59", "91", "1e1", ""]);
        good(Kind::Language, &["de", "en-GB", "gsw"]);
        bad(Kind::Language, &["", "d", "de_DE", "en-GBR", "en-gb-x"]);
        good(Kind::Country, &["DE", "gb"]);
        bad(Kind::Country, &["", "D", "DEU", "D1"]);
        good(Kind::TimeOfDay, &["00:00", "23:59"]);
        bad(
            Kind::TimeOfDay,
            &["24:00", "1:00", "01:60", "0100", "+1:00"],
        );
        good(Kind::Url, &["https://a/b?c", "http://a"]);
        bad(
            Kind::Url,
            &["ftp://a", "https://", "https:///a", "https://a b", "a"],
        );
    }

    #[test]
    fn words_and_flags_lose_their_case() {
        let transport = Kind::Choice(&["udp", "tcp", "tls"]);
        assert_eq!(transport.read("TLS"), Ok("tls".to_owned()));
        let error = transport.read("tsl").err();
        assert_eq!(error.as_deref(), Some("the value must be udp, tcp or tls"));
        assert_eq!(Kind::Flag.read("On"), Ok("yes".to_owned()));
        assert_eq!(Kind::Flag.read("0"), Ok("no".to_owned()));
        bad(Kind::Flag, &["", "maybe", "2"]);
        assert_eq!(Kind::Codecs.read("G722, PCMA"), Ok("g722,pcma".to_owned()));
        bad(Kind::Codecs, &["", "g722,", "mp3"]);
    }
}
