//! The elements of `<sysConf>` that hold elements: from the full template of FusionPBX for an X6U and from
//! WAZO's for a V67. Everything else is a parameter.

/// Those directly below the outermost element.
pub(super) const SECTIONS: &[&str] = &[
    "net",
    "mm",
    "sip",
    "call",
    "phone",
    "dm",
    "vqm",
    "cti",
    "ateTest",
    "mcast",
    "dsskey",
    "web",
    "log",
    "tr069",
    "hotspot",
    "vpn",
    "mt",
    "ap",
    "ota",
    "fwCheck",
    "qos",
    "dot1x",
    "pubApp",
    "record",
    "UIconfig",
    "background",
];

/// All of them. There is a parameter `port` in `<ldap>`, too, which cannot be told from the group.
pub(super) const GROUPS: &[&str] = &[
    "net",
    "mm",
    "sip",
    "call",
    "phone",
    "dm",
    "vqm",
    "cti",
    "ateTest",
    "mcast",
    "dsskey",
    "web",
    "log",
    "tr069",
    "hotspot",
    "vpn",
    "mt",
    "ap",
    "ota",
    "fwCheck",
    "qos",
    "dot1x",
    "pubApp",
    "record",
    "UIconfig",
    "background",
    // One of each.
    "NetGlobal",
    "agent",
    "basic",
    "blfLed",
    "capability",
    "date",
    "display",
    "dynamic",
    "lineLed",
    "opt",
    "p2p",
    "pnp",
    "powerLed",
    "softKeyConfig",
    "softkey",
    "sslMode",
    "timeDisplay",
    "volume",
    "wifi",
    // Several, told apart by their index.
    "Fkey",
    "account",
    "addr",
    "alertInfo",
    "bwCallLog",
    "bwDir",
    "dssSoft",
    "hs",
    "internal",
    "ldap",
    "line",
    "port",
    "xmlContact",
];

/// The attribute of those of which there are several.
pub(super) const COUNTED: &[(&str, &str, bool)] = &[
    ("Fkey", "index", true),
    ("account", "index", true),
    ("addr", "index", true),
    ("alertInfo", "index", true),
    ("bwCallLog", "index", true),
    ("bwDir", "index", true),
    ("dssSoft", "index", true),
    ("hs", "index", true),
    ("internal", "index", true),
    ("ldap", "index", true),
    ("line", "index", true),
    ("port", "index", true),
    ("xmlContact", "index", true),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_writes_every_group_that_is_read() {
        let template = include_str!("templates/standard.j2");
        for group in GROUPS {
            assert!(template.contains(&format!("\"{group}\"")), "{group}");
        }
        for section in SECTIONS {
            assert!(GROUPS.contains(section), "{section}");
        }
        for (group, _, _) in COUNTED {
            assert!(GROUPS.contains(group), "{group}");
        }
    }
}
