//! What a request suggests about the phone that sent it. Whoever asks writes what it likes: a guess is for an
//! operator to look at, and nothing is ever decided by it.

use serde::Serialize;

use super::pattern::{End, fit};
use super::{NAMES, UserAgents, user_agents};
use crate::family::Family;
use crate::mac::Mac;

/// What a request suggests about a phone. Texts are at most 40 printable characters of ASCII.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Guess {
    /// The vendor whose phones call themselves so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<&'static str>,
    /// The family that reads files of that phone; `None` where no family here does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// The model, as the phone writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The version of its firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// The MAC that its User-Agent names, which need not be the one that it asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
}

impl Guess {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a User-Agent suggests, and the name of the file that was asked for where the User-Agent leaves
/// something open. What is looked at of either is bounded.
///
/// ```
/// use ringfence_provision::vendor::guess;
///
/// let guess = guess("Panasonic_KX-UT113/01.133 (0080f0c8c381)", "Config0080F0C8C381.cfg");
/// assert_eq!(guess.vendor, Some("Panasonic"));
/// assert_eq!(guess.model.as_deref(), Some("KX-UT113"));
/// ```
pub fn guess(user_agent: &str, name: &str) -> Guess {
    let guessed = by_user_agent(user_agent);
    let named = by_name(name);
    if guessed.vendor.is_none() {
        return named;
    }
    // A name that another vendor's phones ask for says nothing about this one.
    let theirs = |family: &Family| families(guessed.vendor).contains(family);
    match (&guessed.model, named.family.filter(theirs)) {
        (None, Some(family)) => Guess {
            family: Some(family),
            model: named.model,
            ..guessed
        },
        _ => guessed,
    }
}

/// The families of a vendor.
fn families(vendor: Option<&str>) -> &'static [Family] {
    let mut all = user_agents();
    all.find(|agents| Some(agents.vendor) == vendor)
        .map_or(&[], |agents| agents.families)
}

fn by_user_agent(text: &str) -> Guess {
    let named = user_agents().find_map(|agents| suggested(agents, agents.patterns, text));
    let known = |guess: &Guess| guess.family.is_some();
    named
        .or_else(|| {
            user_agents()
                .find_map(|agents| suggested(agents, agents.bare_patterns, text).filter(known))
        })
        .unwrap_or_default()
}

/// What the first pattern that fits suggests.
fn suggested(agents: &UserAgents, patterns: &[&str], text: &str) -> Option<Guess> {
    let mut fitting = patterns.iter().map(|it| fit(it, text, End::Anywhere));
    let holes = fitting.find_map(|holes| holes)?;
    let among = agents.families.iter().copied();
    let family = holes.model.and_then(|it| Family::guess_among(among, it));
    Some(Guess {
        vendor: Some(agents.vendor),
        family: family.map(|family| of_firmware(family, holes.firmware)),
        model: holes.model.map(str::to_owned),
        firmware: holes.firmware.map(str::to_owned),
        mac: holes.mac,
    })
}

/// The family of phones with that firmware, where a model's name tells the one of newer firmware.
fn of_firmware(family: Family, firmware: Option<&str>) -> Family {
    match (family.spec().older, firmware) {
        (Some(older), Some(version)) if older.has(version) => older.family,
        _ => family,
    }
}

/// What the name of a file tells: the model, if it suggests a family, and a family whose phones alone ask so.
fn by_name(name: &str) -> Guess {
    let file = name.rsplit('/').next().unwrap_or(name);
    // The name that says most fits best: `{MODEL}.cfg` would take nearly every other one.
    let mut best: Option<(usize, Option<&str>)> = None;
    let mut theirs: Vec<Family> = Vec::new();
    for family in Family::ALL {
        let own = family.spec().names;
        let names = if own.is_empty() { NAMES } else { own };
        let mut asks_so = false;
        for (_, _, pattern) in names {
            let Some(holes) = fit(pattern, file, End::Here) else {
                continue;
            };
            asks_so |= !own.is_empty();
            let says = literals(pattern) + 100 * usize::from(holes.mac.is_some());
            if best.is_none_or(|(most, _)| says > most) {
                best = Some((says, holes.model));
            }
        }
        if asks_so {
            theirs.push(family);
        }
    }
    let model = best.and_then(|(_, model)| model);
    if let Some((model, family)) = model.and_then(|it| Some((it, Family::guess(it)?))) {
        return Guess {
            family: Some(family),
            model: Some(model.to_owned()),
            ..Guess::default()
        };
    }
    match *theirs {
        [family] => Guess {
            family: Some(family),
            ..Guess::default()
        },
        _ => Guess::default(),
    }
}

/// How much of a pattern is text.
fn literals(pattern: &str) -> usize {
    let mut inside = false;
    let mut number = 0;
    for c in pattern.chars() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            _ if !inside => number += 1,
            _ => {}
        }
    }
    number
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::vendor::pattern::MAX_HOLE;

    /// Vendor, family, model, firmware and MAC, each empty where it is not known.
    fn shown(guess: &Guess) -> [String; 5] {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        [
            guess.vendor.unwrap_or_default().to_owned(),
            guess
                .family
                .map_or(String::new(), |it| it.as_str().to_owned()),
            text(&guess.model),
            text(&guess.firmware),
            guess.mac.map(Mac::upper).unwrap_or_default(),
        ]
    }

    #[test]
    fn what_phones_call_themselves_is_read() {
        for (user_agent, expected) in [
            (
                "Panasonic_KX-UT113/01.133 (0080f0c8c381)",
                ["Panasonic", "ut", "KX-UT113", "01.133", "0080F0C8C381"],
            ),
            (
                "Panasonic_KX-UTG300B/01.133 (0080f0c571eb)",
                ["Panasonic", "utg", "KX-UTG300B", "01.133", "0080F0C571EB"],
            ),
            (
                "Grandstream Model HW GXP1628 SW 1.0.4.138 DevId c074ad2bd859",
                ["Grandstream", "gxp", "GXP1628", "1.0.4.138", "C074AD2BD859"],
            ),
            (
                "Grandstream Model HW GHP611 V1.0A SW 1.0.1.49 DevId c074ad2bd859",
                [
                    "Grandstream",
                    "gxp-v2",
                    "GHP611",
                    "1.0.1.49",
                    "C074AD2BD859",
                ],
            ),
            (
                "Grandstream Model HW GRP2614 SW 1.0.5.15 DevId c074ad2bd859",
                ["Grandstream", "gxp", "GRP2614", "1.0.5.15", "C074AD2BD859"],
            ),
            (
                "Grandstream Model HW HT801 V1.1A SW 1.0.17.5 DevId c074ad2bd859",
                ["Grandstream", "ht", "HT801", "1.0.17.5", "C074AD2BD859"],
            ),
            (
                "Grandstream Model HW GXV3350  V1.3A SW 1.0.3.6 DevId c074ad2bd859",
                ["Grandstream", "", "GXV3350", "1.0.3.6", "C074AD2BD859"],
            ),
            (
                "Grandstream GXP2000 (gxp2000e.bin:1.2.5.3/boot55e.bin:1.1.6.9) DevId 000b822726c8",
                ["Grandstream", "", "GXP2000", "1.2.5.3", "000B822726C8"],
            ),
            (
                "Mozilla/4.0 (compatible; snom320-SIP 8.4.18 1.1.3-s)",
                ["Snom", "snom", "snom320", "8.4.18", ""],
            ),
            (
                "Mozilla/4.0 (compatible; snom710-SIP 8.7.5.35 1.1.5-IFX-05.01.12 000413741767)",
                ["Snom", "snom", "snom710", "8.7.5.35", "000413741767"],
            ),
            (
                "Mozilla/4.0 (compatible; snomD785-SIP 10.1.33.33 2010.12-00004-g9ba52f5 \
                 000413922D24 SXM:0 UXM:0)",
                ["Snom", "snom", "snomD785", "10.1.33.33", "000413922D24"],
            ),
            (
                "Mozilla/4.0 (compatible; Snom M900 05.20.0001 000413b60680)",
                ["Snom", "snom-m", "M900", "05.20.0001", "000413B60680"],
            ),
            (
                "Htek UC903 2.0.4.2 00:1f:c1:1c:22:a9",
                ["Htek", "htek", "UC903", "2.0.4.2", "001FC11C22A9"],
            ),
            (
                "Htek UC924U V2.42.6.5.13 001fc11fa80e",
                ["Htek", "htek-u", "UC924U", "2.42.6.5.13", "001FC11FA80E"],
            ),
            // The firmware tells which of two families.
            (
                "Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37",
                [
                    "Yealink",
                    "yealink-v80",
                    "T46G",
                    "28.72.0.1",
                    "0015654AA937",
                ],
            ),
            (
                "Yealink SIP-T46G 28.83.0.130 00:15:65:4a:a9:37",
                ["Yealink", "yealink", "T46G", "28.83.0.130", "0015654AA937"],
            ),
            // Without the vendor's name.
            (
                "W52P 25.81.0.30 00:15:65:4a:a9:37",
                [
                    "Yealink",
                    "yealink-v80",
                    "W52P",
                    "25.81.0.30",
                    "0015654AA937",
                ],
            ),
            (
                "VP530P 23.70.0.40 00:15:65:4a:a9:37",
                [
                    "Yealink",
                    "yealink-v80",
                    "VP530P",
                    "23.70.0.40",
                    "0015654AA937",
                ],
            ),
            (
                "N510 IP PRO/42.245.00.000.000;7C2F804DF9A9",
                [
                    "Gigaset",
                    "gigaset-n510",
                    "N510 IP PRO",
                    "42.245.00.000.000",
                    "7C2F804DF9A9",
                ],
            ),
        ] {
            assert_eq!(shown(&guess(user_agent, "x")), expected, "{user_agent}");
        }
    }

    #[test]
    fn phones_of_vendors_that_may_have_no_family_are_named_too() {
        for (user_agent, vendor, model, firmware, mac) in [
            (
                "Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37",
                "Yealink",
                "T46G",
                "28.72.0.1",
                "0015654AA937",
            ),
            (
                "yealink W52P 25.30.0.1 00:15:65:4a:a9:37",
                "Yealink",
                "W52P",
                "25.30.0.1",
                "0015654AA937",
            ),
            (
                "Yealink-T46G 28.71.0.81 28.1.0.128.0.0.0",
                "Yealink",
                "T46G",
                "28.71.0.81",
                "",
            ),
            (
                "Cisco-CP-8841-3PCC/11.0 (00562b043615)",
                "Cisco",
                "CP-8841-3PCC",
                "11.0",
                "00562B043615",
            ),
            (
                "Cisco/ATA191-MPP-11-1-0-MSR4 (FCH2443D9R4)",
                "Cisco",
                "ATA191",
                "",
                "",
            ),
            (
                "Cisco/SPA508G-7.4.8a (0002FDFF2103)(CBT141400UK)",
                "Cisco",
                "SPA508G",
                "7.4.8a",
                "0002FDFF2103",
            ),
            (
                "Cisco/SPA525G-7.4.7 (CBT141900G7)",
                "Cisco",
                "SPA525G",
                "7.4.7",
                "",
            ),
            // A serial number, although it looks like a MAC.
            (
                "Linksys/SPA-942-6.1.5(a) (88019FA42805)",
                "Cisco",
                "SPA-942",
                "6.1.5",
                "",
            ),
            (
                "FileTransport PolycomVVX-VVX_400-UA/4.1.4.7430 Type/Application",
                "Poly",
                "VVX_400",
                "4.1.4.7430",
                "",
            ),
            (
                "FileTransport PolycomVVX-VVX_400-UA/4.1.4.7430 (SN:0004a11a1a1a) Type/Updater",
                "Poly",
                "VVX_400",
                "4.1.4.7430",
                "0004A11A1A1A",
            ),
            (
                "Fanvil X5U-V2 2.12.16.17 0c383e557eb1",
                "Fanvil",
                "X5U-V2",
                "2.12.16.17",
                "0C383E557EB1",
            ),
            (
                "Fanvil X6U Pro 0.0.10 0c383e2cd782",
                "Fanvil",
                "X6U Pro",
                "0.0.10",
                "0C383E2CD782",
            ),
            (
                "Gigaset N870 IP PRO/83.V2.11.0+build.a546b91;7C2F80E0D605;Handset=50",
                "Gigaset",
                "N870 IP PRO",
                "83.V2.11.0+build.a546b91",
                "7C2F80E0D605",
            ),
            (
                "Gigaset N720 DM PRO/70.089.00.000.000;7C2F80CA21E4",
                "Gigaset",
                "N720 DM PRO",
                "70.089.00.000.000",
                "7C2F80CA21E4",
            ),
            (
                "Aastra6731i MAC:00-08-5D-23-74-29 V:3.2.0.70-SIP",
                "Mitel",
                "6731i",
                "3.2.0.70",
                "00085D237429",
            ),
            (
                "Mitel6940 MAC:14-00-E9-29-4C-6B V:6.4.0.140-SIP",
                "Mitel",
                "6940",
                "6.4.0.140",
                "1400E9294C6B",
            ),
            (
                "Flyingvoice FIP13G V0.6.24 00:21:F2:22:AE:F1",
                "Flyingvoice",
                "FIP13G",
                "0.6.24",
                "0021F222AEF1",
            ),
        ] {
            let [is_vendor, _, is_model, is_firmware, is_mac] = shown(&guess(user_agent, ""));
            assert_eq!(
                [is_vendor, is_model, is_firmware, is_mac],
                [vendor, model, firmware, mac],
                "{user_agent}"
            );
        }
    }

    #[test]
    fn what_is_no_phone_suggests_nothing() {
        for user_agent in [
            "",
            "curl/8.5.0",
            "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
            "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
            "Panasonic",
            "Panasonic_/1.0",
            "Htek UC903",
            "Toaster 3.0.1 00:15:65:4a:a9:37",
            "Toaster/3.0.1;7C2F804DF9A9",
        ] {
            assert!(guess(user_agent, "wp-login.php").is_empty(), "{user_agent}");
        }
    }

    #[test]
    fn a_name_suggests_what_the_user_agent_leaves_open() {
        for (name, family, model) in [
            ("KX-UT113NE.cfg", "ut", "KX-UT113NE"),
            ("ConfigKX-UTG300B.cfg", "utg", "KX-UTG300B"),
            ("phones/snomD345-000413A11FA7.htm", "snom", "snomD345"),
            // Phones of several vendors ask so.
            ("000413A11FA7.xml", "", ""),
            ("cfgc074ad2bd859.xml", "", ""),
            ("Config0080F0C571EB.cfg", "", ""),
            ("ConfigCom.cfg", "", ""),
            ("robots.cfg", "", ""),
        ] {
            let [vendor, is_family, is_model, ..] = shown(&guess("curl/8.5.0", name));
            assert_eq!(
                [&*vendor, &*is_family, &*is_model],
                ["", family, model],
                "{name}"
            );
        }
        let other = guess(
            "Htek UC903 2.0.4.2 00:1f:c1:1c:22:a9",
            "snomD345-000413A11FA7.htm",
        );
        assert_eq!(other.family.unwrap().as_str(), "htek");
    }

    #[test]
    fn no_vendor_is_there_twice_and_every_pattern_names_a_model() {
        let all: Vec<_> = user_agents().collect();
        for (at, agents) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|it| it.vendor != agents.vendor));
            assert!(agents.patterns.iter().all(|it| it.contains("{model}")));
        }
        let mut families: Vec<Family> = all.iter().flat_map(|it| it.families).copied().collect();
        families.sort();
        families.dedup();
        assert_eq!(families.len(), Family::ALL.len(), "a family of no vendor");
    }

    proptest! {
        #[test]
        fn whatever_is_sent_a_guess_is_short_and_printable(
            begin in prop::sample::select(vec!["", "Panasonic_", "Htek ", "Mozilla/4.0 (compatible; ", "Fanvil "]),
            text in "\\PC{0,80}|[A-Za-z0-9./ :();-]{0,300}|[ ]{0,400}",
            name in "\\PC{0,80}|[A-Za-z0-9./{}-]{0,300}",
        ) {
            let guess = guess(&format!("{begin}{text}"), &name);
            for text in [guess.model, guess.firmware].into_iter().flatten() {
                prop_assert!(!text.is_empty() && text.len() <= MAX_HOLE);
                prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            }
        }
    }
}
