//! What each family makes of the settings of the vocabulary, in the words and numbers of the vendor's phones.

#![allow(clippy::unwrap_used)]

#[path = "support/phone.rs"]
mod phone;

use phone::Phone;
use ringfence_provision::family::Family;
use ringfence_provision::format::{has_errors, lint};
use ringfence_provision::kind::FileKind;

fn phone(family: &str, model: &'static str) -> Phone {
    Phone {
        family: Family::parse(family).unwrap(),
        mac: "0080F0C0FFEE",
        model,
    }
}

/// A family, a model of it, settings, and what must stand in the file then.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const PHONE: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_password", "s3cret"),
    ("line_1_domain", "a.example"),
    ("line_2_user", "202"),
    ("line_2_password", "s3cret"),
    ("line_2_domain", "a.example"),
    ("line_1_expires", "90"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "info"),
    ("line_2_dtmf", "info"),
    ("line_1_srtp", "required"),
    ("language", "de-AT"),
    ("tone_country", "at"),
    ("ntp", "ntp.example"),
    ("syslog", "log.example"),
    ("codecs", "g722,pcma"),
    ("dial_plan", "xx."),
    ("vlan", "20"),
    ("user_password", "Us3r"),
    ("resync_time", "03:00"),
    ("firmware_url", "https://fw.example/x/"),
    ("phone_book_url", "http://book.example/a/phonebook.xml"),
];

const CASES: &[Case] = &[
    (
        "yealink",
        "T46S",
        PHONE,
        &[
            "account.1.sip_server.1.expires = 90\n",
            "account.1.dtmf.type = 2\n",
            "account.1.srtp_encryption = 2\n",
            "account.1.codec.g722.enable = 1\n",
            "account.1.codec.g722.priority = 1\n",
            "account.1.codec.pcma.priority = 2\n",
            "account.1.codec.pcmu.enable = 0\n",
            "account.2.codec.g722.priority = 1\n",
            "dialplan.digitmap.enable = 1\n",
            "dialplan.digitmap.string = xx.\n",
            "lang.gui = German\n",
            "lang.wui = German\n",
            "local_time.ntp_server1 = ntp.example\n",
            "remote_phonebook.data.1.url = http://book.example/a/phonebook.xml\n",
            "static.auto_provision.weekly.begin_time = 03:00\n",
            "static.auto_provision.weekly.dayofweek = 0123456\n",
            "static.firmware.url = https://fw.example/x/\n",
            "static.network.vlan.internet_port_enable = 1\n",
            "static.network.vlan.internet_port_vid = 20\n",
            "static.syslog.server = log.example\n",
            "voice.tone.country = Austria\n",
            "voice_mail.number.1 = *97\n",
        ],
    ),
    (
        "yealink-v80",
        "T22P",
        PHONE,
        &[
            "account.1.expires = 90\n",
            "account.1.sip_server.1.expires = 90\n",
            "account.1.dtmf.type = 2\n",
            "firmware.url = https://fw.example/x/\n",
            "network.vlan.internet_port_vid = 20\n",
            "syslog.mode = 1\n",
            "syslog.server = log.example\n",
            "voice_mail.number.1 = *97\n",
        ],
    ),
    (
        "gxp",
        "GXP2160",
        PHONE,
        &[
            "<P32>2</P32>",
            "<P33>*97</P33>",
            "<P2301>0</P2301>",
            "<P2302>0</P2302>",
            "<P2303>1</P2303>",
            "<P2403>1</P2403>",
            "<P183>2</P183>",
            "<P290>xx.</P290>",
            "<P459>xx.</P459>",
            "<P57>9</P57>",
            "<P58>8</P58>",
            "<P1362>de</P1362>",
            "<P30>ntp.example</P30>",
            "<P207>log.example</P207>",
            "<P208>2</P208>",
            "<P51>20</P51>",
            "<P196>Us3r</P196>",
            "<P194>2</P194>",
            "<P285>3</P285>",
            "<P6767>2</P6767>",
            "<P192>fw.example/x</P192>",
            "<P330>1</P330>",
            "<P331>book.example/a</P331>",
        ],
    ),
    (
        "gxp-v2",
        "GRP2614",
        PHONE,
        &[
            "\"account.1.call.dialplan\">xx.<",
            "\"account.2.call.dialplan\">xx.<",
            "\"account.1.codec.choice.1\">G.722<",
            "\"account.2.codec.choice.2\">PCMA<",
            "\"language.gui\">de<",
            "\"maintain.syslog.server\">log.example<",
            "\"network.port.eth.1.vlan.enable\">Yes<",
            "\"phonebook.download.mode\">EnabledUseHTTP<",
            "\"phonebook.download.server\">book.example/a<",
            "\"provisioning.auto.hour\">3<",
            "\"provisioning.auto.mode\">YesUpgradeHourOfDay<",
            "\"provisioning.firmware.protocol\">HTTPS<",
            "\"provisioning.firmware.serverPath\">fw.example/x<",
        ],
    ),
    (
        "snom",
        "snomD345",
        PHONE,
        &[
            "<user_expiry idx=\"1\" perm=\"R\">90<",
            "<user_mailbox idx=\"1\" perm=\"R\">*97<",
            "<user_dtmf_info idx=\"1\" perm=\"R\">sip_info_only<",
            "<user_srtp idx=\"1\" perm=\"R\">on<",
            "<user_savp idx=\"1\" perm=\"R\">mandatory<",
            "<codec_priority_list idx=\"2\" perm=\"R\">g722,pcma,telephone-event<",
            "<user_dp_str idx=\"2\" perm=\"R\">xx.<",
            "<webserver_user_name perm=\"R\">user<",
            "<webserver_user_password perm=\"R\">Us3r<",
            "<language perm=\"R\">Deutsch<",
            "<web_language perm=\"R\">Deutsch<",
            "<tone_scheme perm=\"R\">AUT<",
            "<ntp_server perm=\"R\">ntp.example<",
            "<syslog_server perm=\"R\">log.example<",
            "<vlan_id perm=\"R\">20<",
            "<firmware perm=\"R\">https://fw.example/x/<",
            "<dkey_directory perm=\"R\">url http://book.example/a/phonebook.xml<",
            "<prov_polling_mode perm=\"R\">abs<",
            "<prov_polling_time perm=\"R\">03:00<",
        ],
    ),
    (
        "htek",
        "UC903",
        PHONE,
        &[
            "<P32>2</P32>",
            "<P33>*97</P33>",
            "<P20166>2</P20166>",
            "<P4200>xx.</P4200>",
            "<P4201>xx.</P4201>",
            "<P57>9</P57>",
            "<P58>8</P58>",
            "<P20058>2</P20058>",
            "<P30>ntp.example</P30>",
            "<P24053>1</P24053>",
            "<P51>20</P51>",
            "<P4401>http://book.example/a/phonebook.xml</P4401>",
        ],
    ),
    (
        "htek",
        "UC926",
        &[
            ("line_7_user", "207"),
            ("line_7_password", "seven"),
            ("line_7_domain", "a.example"),
            ("line_16_label", "last"),
            ("dial_plan", "xx."),
        ],
        &[
            "<P24090>1</P24090>",
            "<P24088>0</P24088>",
            "<P24110>207</P24110>",
            "<P24120>207</P24120>",
            "<P24130>seven</P24130>",
            "<P24140>207</P24140>",
            "<P24109>last</P24109>",
            "<P4200>xx.</P4200>",
            "<P24180>xx.</P24180>",
        ],
    ),
    (
        "mitel",
        "6869i",
        &[
            ("line_1_expires", "90"),
            ("line_2_expires", "90"),
            ("codecs", "g722,pcma"),
            ("dial_plan", "xx."),
        ],
        &[
            "sip registration period: 90\n",
            "sip customized codec: payload=9;ptime=20;silsupp=off,payload=8;ptime=20;silsupp=off\n",
            "sip dial plan: xx.\n",
        ],
    ),
    (
        "fanvil",
        "X5U",
        PHONE,
        &[
            "<VoiceCodecMap>G722,PCMA</VoiceCodecMap>\n    </line>\n  </sip>",
            "<SelectYourTone>22</SelectYourTone>",
        ],
    ),
    (
        "fanvil-x",
        "X4",
        PHONE,
        &[
            "<Signal_Standard>22</Signal_Standard>",
            "<Language>16</Language>",
        ],
    ),
    (
        "fanvil-text",
        "X5U",
        PHONE,
        &[
            "SIP1 VoiceCodecMap:G722,PCMA\n",
            "SIP2 VoiceCodecMap:G722,PCMA\n",
        ],
    ),
];

#[test]
fn settings_are_written_in_the_phones_own_words() {
    for (family, model, settings, expected) in CASES {
        let phone = phone(family, model);
        let text = phone.rendered(settings, &[]).unwrap().text;
        let findings = lint(phone.family, FileKind::Standard, text.as_bytes());
        assert!(!has_errors(&findings), "{findings:#?}\n{text}");
        for part in *expected {
            assert_eq!(text.matches(part).count(), 1, "{family} {part}\n{text}");
        }
    }
}

#[test]
fn what_a_family_has_no_word_for_is_refused_by_its_name() {
    for (family, model, setting, says) in [
        (
            "yealink",
            "T46S",
            ("codecs", "pcma,ilbc"),
            "these phones know pcmu, pcma, g722, g729, g726-32 and opus alone",
        ),
        ("yealink", "T46S", ("language", "sv"), "alone"),
        ("yealink", "T46S", ("tone_country", "PL"), "alone"),
        (
            "yealink",
            "T46S",
            ("dial_plan", "%NULL%"),
            "forget the parameter",
        ),
        (
            "yealink-v80",
            "T22P",
            ("syslog", "a.example:514"),
            "no port",
        ),
        ("gxp", "GXP2160", ("syslog", "a.example:514"), "no port"),
        ("gxp", "GXP2160", ("resync_time", "03:30"), "full hour"),
        ("gxp-v2", "GRP2614", ("resync_time", "03:30"), "full hour"),
        ("gxp", "GXP2160", ("language", "is"), "alone"),
        (
            "snom",
            "snomD345",
            ("line_1_dtmf", "inband"),
            "rfc2833 and info alone",
        ),
        ("snom", "snomD345", ("codecs", "opus"), "alone"),
        ("snom", "snomD345", ("tone_country", "PL"), "alone"),
        ("htek", "UC903", ("codecs", "opus"), "alone"),
        (
            "mitel",
            "6869i",
            ("codecs", "opus"),
            "pcmu, pcma, g722 and g729 alone",
        ),
        ("fanvil-x", "X4", ("language", "pl"), "alone"),
    ] {
        let error = phone(family, model).refusal(setting);
        assert!(
            error.contains(setting.0) && error.contains(says),
            "{family} {error}"
        );
    }
}
