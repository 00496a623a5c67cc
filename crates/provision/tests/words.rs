//! What each family makes of the settings of the vocabulary, in the words and numbers of the vendor's phones.

#![allow(clippy::unwrap_used)]

#[path = "support/phone.rs"]
mod phone;

use phone::Phone;
use ringfence_provision::family::Family;
use ringfence_provision::format::{Confidence, has_errors, judge, lint};
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

/// A key of each kind that most phones have.
const KEYS: &[(&str, &str)] = &[
    ("key_1_type", "line"),
    ("key_1_line", "2"),
    ("key_2_type", "blf"),
    ("key_2_value", "202"),
    ("key_2_label", "A <&> \"B\""),
    ("key_3_type", "speed_dial"),
    ("key_3_value", "0301234"),
    ("key_3_line", "2"),
    ("key_4_type", "park"),
    ("key_4_value", "701"),
];

/// And of those that few have.
const MORE_KEYS: &[(&str, &str)] = &[
    ("key_5_type", "dtmf"),
    ("key_5_value", "*1"),
    ("key_6_type", "url"),
    ("key_6_value", "http://a.example/?a=1&b=2"),
];

/// A line for each transport; the third has the one that is there where nothing is said.
const TRANSPORTS: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_password", "s3cret"),
    ("line_1_domain", "a.example"),
    ("line_1_transport", "tls"),
    ("line_2_user", "202"),
    ("line_2_password", "s3cret"),
    ("line_2_domain", "a.example"),
    ("line_2_transport", "tcp"),
    ("line_3_user", "203"),
    ("line_3_password", "s3cret"),
    ("line_3_domain", "a.example"),
];

/// The keys, by family and model.
const WITH_KEYS: &[Case] = &[
    (
        "yealink",
        "T46S",
        KEYS,
        &[
            "linekey.1.line = 2\nlinekey.1.type = 15\nlinekey.2.label = A <&> \"B\"\nlinekey.2.line = 1\n\
             linekey.2.type = 16\nlinekey.2.value = 202\nlinekey.3.line = 2\nlinekey.3.type = 13\n\
             linekey.3.value = 0301234\nlinekey.4.line = 1\nlinekey.4.type = 10\nlinekey.4.value = 701\n",
        ],
    ),
    (
        "yealink",
        "T46S",
        MORE_KEYS,
        &[
            "linekey.5.type = 11\nlinekey.5.value = *1\n",
            "linekey.6.type = 17\nlinekey.6.value = http://a.example/?a=1&b=2\n",
        ],
    ),
    (
        "yealink-v80",
        "T38G",
        KEYS,
        &[
            "linekey.2.line = 0\n",
            "linekey.3.line = 2\n",
            "linekey.1.line = 2\n",
        ],
    ),
    ("yealink-v80", "T28P", KEYS, &["linekey.2.line = 1\n"]),
    (
        "snom",
        "snomD345",
        KEYS,
        &[
            "<functionKeys e=\"2\">\n",
            "<fkey idx=\"0\" context=\"2\" label=\"\" perm=\"R\">line</fkey>",
            "<fkey idx=\"1\" context=\"1\" label=\"A &lt;&amp;&gt; &quot;B&quot;\" perm=\"R\">blf 202</fkey>",
            "<fkey idx=\"2\" context=\"2\" label=\"\" perm=\"R\">speed 0301234</fkey>",
            "<fkey idx=\"3\" context=\"1\" label=\"\" perm=\"R\">speed 701</fkey>",
        ],
    ),
    ("snom", "snom720", KEYS, &[">orbit 701</fkey>"]),
    (
        "snom",
        "snomD345",
        &[
            ("key_6_type", "url"),
            ("key_6_value", "http://a.example/?a=1&b=2"),
        ],
        &[
            "<fkey idx=\"5\" context=\"1\" label=\"\" perm=\"R\">url http://a.example/?a=1&amp;b=2</fkey>",
        ],
    ),
    (
        "fanvil",
        "X6U",
        KEYS,
        &[
            "<Fkey index=\"1\">\n        <Type>2</Type>\n        <Value>SIP2</Value>\n",
            "<Fkey index=\"2\">\n        <Title>A &lt;&amp;&gt; &quot;B&quot;</Title>\n        <Type>1</Type>\n        <Value>202@1/ba</Value>\n",
            "<Fkey index=\"3\">\n        <Type>1</Type>\n        <Value>0301234@2/f</Value>\n",
            "<Fkey index=\"4\">\n        <Type>1</Type>\n        <Value>701@1/c</Value>\n",
        ],
    ),
    (
        "fanvil",
        "X5U-V2",
        MORE_KEYS,
        &[
            "<Fkey index=\"5\">\n        <Type>4</Type>\n        <Value>*1</Value>\n",
            "<Fkey index=\"6\">\n        <Type>7</Type>\n        <Value>http://a.example/?a=1&amp;b=2</Value>\n",
        ],
    ),
    (
        "fanvil-x",
        "X4",
        KEYS,
        &[
            "<ID>Fkey1</ID>\n        <Type>2</Type>\n        <Value>SIP2</Value>\n",
            "<Value>202@1/ba</Value>\n",
        ],
    ),
    (
        "fanvil-text",
        "X210",
        KEYS,
        &[
            "--Dsskey Config1--:\nFkey1 Type:2\nFkey1 Value:SIP2\nFkey2 Title:A <&> \"B\"\nFkey2 Type:1\nFkey2 Value:202@1/ba\n",
        ],
    ),
    (
        "mitel",
        "Mitel 6867i",
        &[
            ("key_1_type", "line"),
            ("key_1_line", "2"),
            ("key_20_type", "blf"),
            ("key_20_value", "202"),
            ("key_20_label", "Reception"),
            ("key_4_type", "park"),
            ("key_4_value", "701"),
        ],
        &[
            "topsoftkey1 line: 2\ntopsoftkey1 type: line\n",
            "topsoftkey20 label: Reception\ntopsoftkey20 line: 1\ntopsoftkey20 type: blf\ntopsoftkey20 value: 202\n",
            "topsoftkey4 value: asterisk;701\n",
        ],
    ),
    (
        "mitel",
        "6731i",
        &[("key_3_type", "speed_dial"), ("key_3_value", "0301234")],
        &["prgkey3 line: 1\nprgkey3 type: speeddial\nprgkey3 value: 0301234\n"],
    ),
    (
        "mitel",
        "6739i",
        &[("key_55_type", "blf"), ("key_55_value", "202")],
        &["softkey55 type: blf\n"],
    ),
    (
        "gxp",
        "GXP2160",
        KEYS,
        &[
            "<P1363>0</P1363>",
            "<P1364>1</P1364>",
            "<P1365>11</P1365>",
            "<P1366>0</P1366>",
            "<P1467>A &lt;&amp;&gt; &quot;B&quot;</P1467>",
            "<P1468>202</P1468>",
            "<P1367>10</P1367>",
            "<P1369>19</P1369>",
        ],
    ),
    (
        "gxp",
        "GXP2160",
        &[
            ("key_8_type", "dtmf"),
            ("key_8_value", "*1"),
            ("key_8_label", "x"),
        ],
        &[
            "<P23804>15</P23804>",
            "<P23805>0</P23805>",
            "<P23806>x</P23806>",
            "<P23807>*1</P23807>",
        ],
    ),
    (
        "gxp-v2",
        "GRP2614",
        KEYS,
        &[
            "\"pks.vpk.1.keyMode\">Line<",
            "\"pks.vpk.1.account\">1<",
            "\"pks.vpk.2.keyMode\">BLF<",
            "\"pks.vpk.2.value\">202<",
            "\"pks.vpk.3.keyMode\">SpeedDial<",
            "\"pks.vpk.4.keyMode\">CallPark<",
        ],
    ),
    (
        "htek-u",
        "UC926U",
        &[
            ("key_2_type", "blf"),
            ("key_2_value", "202"),
            ("key_2_label", "x"),
            ("key_36_type", "park"),
            ("key_36_value", "701"),
        ],
        &[
            "<LineKey2_Mode>0</LineKey2_Mode>",
            "<LineKey2_Type>3</LineKey2_Type>",
            "<LineKey2_Value>202</LineKey2_Value>",
            "<LineKey2_Label>x</LineKey2_Label>",
            "<LineKey2_Account>255</LineKey2_Account>",
            "<LineKey36_Type>8</LineKey36_Type>",
            "<LineKey36_Value>701</LineKey36_Value>",
        ],
    ),
    (
        "htek",
        "UC903",
        &[
            ("key_2_type", "blf"),
            ("key_2_value", "202"),
            ("key_2_label", "x"),
            ("key_6_type", "park"),
            ("key_6_value", "701"),
        ],
        &[
            "<P20601>0</P20601>",
            "<P41201>3</P41201>",
            "<P41301>202</P41301>",
            "<P41401>x</P41401>",
            "<P41501>255</P41501>",
            "<P20605>0</P20605>",
            "<P20205>8</P20205>",
            "<P20206>701</P20206>",
            "<P20208>255</P20208>",
        ],
    ),
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
        "ut",
        "KX-UT136",
        PHONE,
        &[
            "REG_EXPIRE_TIME_1=\"90\"",
            "VM_NUMBER_1=\"*97\"",
            "DIAL_PLAN_1=\"xx.\"",
            "DIAL_PLAN_2=\"xx.\"",
            "SYSLOG_ADDR=\"log.example\"",
            "VLAN_ENABLE=\"Y\"",
            "VLAN_ID_IP_PHONE=\"20\"",
        ],
    ),
    (
        "ut",
        "KX-UT133",
        &[
            ("key_1_type", "line"),
            ("key_1_line", "2"),
            ("key_2_type", "blf"),
            ("key_2_value", "202"),
            ("key_2_label", "x"),
            ("key_24_type", "speed_dial"),
            ("key_24_value", "0301234"),
        ],
        &[
            "FLEX_BUTTON_FACILITY_ACT1=\"X_PANASONIC_IPTEL_DN\"",
            "FLEX_BUTTON_FACILITY_ARG1=\"2\"",
            "FLEX_BUTTON_FACILITY_ACT2=\"X_PANASONIC_IPTEL_CONTACT\"",
            "FLEX_BUTTON_FACILITY_ARG2=\"202\"",
            "FLEX_BUTTON_LABEL2=\"x\"",
            "FLEX_BUTTON_FACILITY_ACT24=\"X_PANASONIC_IPTEL_ONETOUCH\"",
            "FLEX_BUTTON_QUICK_DIAL24=\"0301234\"",
        ],
    ),
    (
        "utg",
        "KX-UTG300B",
        PHONE,
        &[
            "<REG_EXPIRE_TIME>90</REG_EXPIRE_TIME>",
            "<VM_NUMBER>*97</VM_NUMBER>",
            "<SYSLOG_SERVER_ENABLE>Y</SYSLOG_SERVER_ENABLE>",
            "<SYSLOG_ADDR>log.example</SYSLOG_ADDR>",
        ],
    ),
    (
        "utg",
        "KX-UTG300B",
        &[
            ("standard_Network_STUN_STUN_SERV_ADDR", "a.example"),
            ("standard_Network_IPv6_IP_ADDR_MODE", "0"),
            ("standard_Phone_Telephone_DEFAULT_LINE", "2"),
        ],
        &[
            "<IPv6>\n        <IP_ADDR_MODE>0</IP_ADDR_MODE>\n      </IPv6>",
            "<STUN>\n        <STUN_SERV_ADDR>a.example</STUN_SERV_ADDR>\n      </STUN>",
            "<Phone>\n      <Telephone>\n        <DEFAULT_LINE>2</DEFAULT_LINE>",
        ],
    ),
    (
        "utg",
        "KX-UTG300B",
        &[
            ("ntp", "ntp.example"),
            ("standard_Network_HTTP_HTTP_AUTH_ID", "me"),
        ],
        &[
            "    <Network>\n      <NTP>\n        <NTP_ADDR>ntp.example</NTP_ADDR>\n        <NTP_MODE>2</NTP_MODE>\n      </NTP>\n      <HTTP>\n        <HTTP_AUTH_ID>me</HTTP_AUTH_ID>\n      </HTTP>\n    </Network>\n",
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
            "account.1.codec.6.enable = 1\naccount.1.codec.6.payload_type = G722\naccount.1.codec.6.priority = 1\n",
            "account.2.codec.2.priority = 2\n",
            "account.1.codec.1.enable = 0\n",
            "account.1.codec.5.enable = 0\n",
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
        "ht",
        "HT802",
        PHONE,
        &[
            "<P32>2</P32>",
            "<P850>102</P850>",
            "<P860>102</P860>",
            "<P183>2</P183>",
            "<P207>log.example</P207>",
            "<P208>2</P208>",
            "<P30>ntp.example</P30>",
            "<P51>20</P51>",
            "<P196>Us3r</P196>",
        ],
    ),
    // Public templates write the word for TLS in one piece, and that of the GHP6xx with blanks.
    (
        "gxp-v2",
        "GRP2614",
        TRANSPORTS,
        &[
            "\"account.1.sip.transport\">TlsOrTcp<",
            "\"account.2.sip.transport\">TCP<",
            "\"account.3.sip.transport\">UDP<",
        ],
    ),
    (
        "gxp-v2",
        "GHP611W",
        TRANSPORTS,
        &[
            "\"account.1.sip.transport\">Tls Or Tcp<",
            "\"account.2.sip.transport\">TCP<",
            "\"account.3.sip.transport\">UDP<",
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
            "<firmware-settings>\n    <firmware perm=\"R\">https://fw.example/x/<",
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
        "htek-u",
        "UC924U",
        PHONE,
        &[
            "<Account1_Active>1</Account1_Active>",
            "<Account1_Profile>0</Account1_Profile>",
            "<Account1_SipUserId>201</Account1_SipUserId>",
            "<Account1_AuthenticateID>201</Account1_AuthenticateID>",
            "<Account1_AuthenticatePassword>s3cret</Account1_AuthenticatePassword>",
            "<Account1_DispalyName>201</Account1_DispalyName>",
            "<Account1_VoiceMailId>*97</Account1_VoiceMailId>",
            "<Account1_DialPlan>xx.</Account1_DialPlan>",
            "<Account2_SipUserId>202</Account2_SipUserId>",
            "<Account2_Profile>0</Account2_Profile>",
            "<Account2_DialPlan>xx.</Account2_DialPlan>",
            "<Profile1_Sipserver>a.example</Profile1_Sipserver>",
            "<Profile1_SipTransport>0</Profile1_SipTransport>",
            "<Profile1_RegisterExpiration>2</Profile1_RegisterExpiration>",
            "<Profile1_DtmfMode>2</Profile1_DtmfMode>",
            "<Profile1_Choice1>9</Profile1_Choice1>",
            "<Profile1_Choice2>8</Profile1_Choice2>",
            "<Tones_SelectCountry>2</Tones_SelectCountry>",
            "<NW_Adv_UrlOrIpAddress>ntp.example</NW_Adv_UrlOrIpAddress>",
            "<NW_Adv_Vlan_WANVlan>1</NW_Adv_Vlan_WANVlan>",
            "<NW_Adv_Layer2QoS_802_1Q_VLANTag>20</NW_Adv_Layer2QoS_802_1Q_VLANTag>",
            "<UserPassword>Us3r</UserPassword>",
            "<RemotePhoneBook1_Url>http://book.example/a/phonebook.xml</RemotePhoneBook1_Url>",
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
        "poly",
        "VVX 411",
        &[("codecs", "g722,pcma")],
        &[
            "voice.codecPref.G722=\"1\"",
            "voice.codecPref.G711_A=\"2\"",
            "voice.codecPref.G711_Mu=\"0\"",
            "voice.codecPref.G729_AB=\"0\"",
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
    for (family, model, settings, expected) in CASES.iter().chain(WITH_KEYS) {
        let phone = phone(family, model);
        let text = phone.rendered(settings, &[]).unwrap().text;
        let findings = lint(phone.family, FileKind::Standard, text.as_bytes());
        assert!(!has_errors(&findings), "{findings:#?}\n{text}");
        for part in *expected {
            assert_eq!(text.matches(part).count(), 1, "{family} {part}\n{text}");
        }
    }
}

/// The numbers of a Grandstream's accounts: user, server, password, name and whether a NOTIFY is obeyed.
#[test]
fn the_numbers_of_a_grandstreams_accounts_differ_by_model() {
    for (model, line, numbers) in [
        ("GXP2160", 5, Some([1704, 1702, 1706, 1717])),
        ("GXP2170", 6, Some([1804, 1802, 1806, 1817])),
        ("GXP2160", 7, None),
        ("GXP2135", 5, None),
        ("GXP1628", 5, None),
        ("GRP2603P", 5, Some([704, 702, 706, 717])),
        ("GRP2604", 6, Some([804, 802, 806, 817])),
        ("GRP2604", 7, None),
        ("GRP2602W", 5, None),
        ("GRP2613", 5, None),
        ("GRP2613W", 6, Some([1804, 1802, 1806, 1817])),
        ("GRP2614", 7, Some([50604, 50602, 50606, 50617])),
        ("GRP2614", 12, Some([51104, 51102, 51106, 51117])),
        ("GRP2614", 13, None),
        ("GRP2616", 6, Some([1804, 1802, 1806, 1817])),
        ("GRP2616", 16, Some([51504, 51502, 51506, 51517])),
        ("GRP2670", 17, None),
    ] {
        let phone = phone("gxp", model);
        let of = |word: &str| format!("line_{line}_{word}");
        let names = ["user", "registrar", "password", "label", "port"].map(of);
        let values = ["u", "a.example", "s3cret", "x", "5061"];
        let settings: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
        let made = phone.rendered(&settings, &[]).unwrap();
        let Some(numbers) = numbers else {
            assert_eq!(made.left_out.len(), settings.len(), "{model} {line}");
            continue;
        };
        assert_eq!(made.left_out, [""; 0], "{model} {line}");
        let expected = ["u", "a.example:5061", "s3cret", "x"];
        for (number, value) in numbers.into_iter().zip(expected) {
            let element = format!("<P{number}>{value}</P{number}>");
            assert_eq!(
                made.text.matches(&element).count(),
                1,
                "{model} {}",
                made.text
            );
        }
        // What lets a NOTIFY reset the phone to the factory's settings is the operator's.
        assert!(!made.text.contains("<P26"), "{}", made.text);
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
        (
            "yealink-v80",
            "T22P",
            ("codecs", "opus"),
            "pcmu, pcma, g729 and g722 alone",
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
            "htek-u",
            "UC926U",
            ("codecs", "g729"),
            "pcmu, pcma, g722 and g726-32 alone",
        ),
        (
            "poly",
            "VVX 411",
            ("codecs", "opus"),
            "pcmu, pcma, g722 and g729 alone",
        ),
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

#[test]
fn a_key_that_the_phone_has_not_is_told() {
    for (family, model, setting) in [
        ("fanvil", "X5U", ("key_7_label", "x")),
        ("ut", "KX-UT670", ("key_1_label", "x")),
        ("ut", "KX-UT136", ("key_25_label", "x")),
        ("hdv", "KX-HDV230", ("key_1_label", "x")),
        // How many keys stand on a page of it is not known.
        ("fanvil", "V64", ("key_1_label", "x")),
        ("fanvil-text", "V64", ("key_1_label", "x")),
        ("gxp", "GRP2614", ("key_1_label", "x")),
        ("gxp", "GXP1610", ("key_1_label", "x")),
        ("gxp", "GXP2160", ("key_33_label", "x")),
        ("mitel", "6731i", ("key_9_type", "line")),
        ("mitel", "9112i", ("key_1_type", "line")),
        ("yealink", "T46S", ("key_30_label", "x")),
        ("htek", "UC903", ("key_1_line", "2")),
        ("htek-u", "UC926U", ("key_37_label", "x")),
        ("snom", "snomD345", ("key_79_label", "x")),
    ] {
        let left_out = phone(family, model).left_out(&[setting]);
        assert_eq!(left_out, [setting.0], "{family}");
    }
}

#[test]
fn a_key_without_a_word_for_it_or_without_a_value_is_refused() {
    for (family, model) in [
        ("yealink", "T46S"),
        ("yealink-v80", "T28P"),
        ("snom", "snomD345"),
        ("fanvil", "X5U"),
        ("fanvil-x", "X4"),
        ("fanvil-text", "X5U"),
        ("mitel", "6867i"),
        ("gxp", "GXP2160"),
        ("gxp-v2", "GRP2614"),
        ("htek", "UC903"),
    ] {
        let phone = phone(family, model);
        let error = phone.refusal(("key_2_type", "blf"));
        assert!(error.contains("set its key_…_value as well"), "{error}");
    }
    for (family, model, kind) in [
        ("snom", "snomD345", "dtmf"),
        ("mitel", "6867i", "url"),
        ("mitel", "6867i", "dtmf"),
        ("gxp", "GXP2160", "url"),
        ("gxp-v2", "GRP2614", "url"),
        ("htek", "UC903", "dtmf"),
        ("htek", "UC903", "url"),
        ("htek-u", "UC926U", "dtmf"),
    ] {
        let settings = [("key_2_type", kind), ("key_2_value", "1")];
        let error = phone(family, model).refused(&settings);
        assert!(
            error.contains("key_2_type") && error.contains("alone"),
            "{family} {error}"
        );
    }
    let settings = [("key_2_type", "blf"), ("key_2_value", "202@b")];
    let error = phone("fanvil", "X5U").refused(&settings);
    assert!(error.contains("no @ and no /"), "{error}");
}

/// A wish that cannot be said takes nothing of another setting with it.
#[test]
fn a_wish_that_is_left_out_leaves_the_other_ones_whole() {
    for (family, model, on, minutes) in [
        ("gxp", "GXP2170", "<P194>1<", "<P193>1440<"),
        (
            "gxp-v2",
            "GRP2670",
            "auto.mode\">YesUpgradeMin<",
            "auto.minute\">1440<",
        ),
    ] {
        let settings = [("resync_time", "03:30"), ("provisioning_interval", "1440")];
        let made = phone(family, model).rendered(&settings, &[]).unwrap();
        let unsaid: Vec<_> = made.unsaid.iter().map(|it| it.setting.as_str()).collect();
        assert_eq!(unsaid, ["resync_time"], "{family}");
        assert!(
            made.text.contains(on) && made.text.contains(minutes),
            "{}",
            made.text
        );
    }
}

/// Where a phone fetches in one of two ways, the time of day counts, and the interval is told.
#[test]
fn an_interval_gives_way_to_a_time_of_day() {
    for (family, model) in [
        ("gxp", "GXP2170"),
        ("gxp-v2", "GRP2670"),
        ("snom", "snomD785"),
        ("spa", "SPA504G"),
        ("mpp", "8841-3PCC"),
        ("poly", "VVX 411"),
        ("obi", "OBi1062"),
        ("ut", "KX-UT136"),
        ("uds124", "KX-UDS124"),
        ("tgp500", "KX-TGP550"),
        ("utg", "KX-UTG300B"),
        ("hdv", "KX-HDV230"),
    ] {
        let phone = phone(family, model);
        let time = ("resync_time", "03:00");
        let both = [time, ("provisioning_interval", "1440")];
        let made = phone.rendered(&both, &[]).unwrap();
        let [wrong] = made.unsaid.as_slice() else {
            panic!("{family} {:?}", made.unsaid);
        };
        assert_eq!(wrong.setting, "provisioning_interval", "{family}");
        assert!(
            wrong.reason.contains("resync_time is set as well"),
            "{family} {}",
            wrong.reason
        );
        let alone = phone.rendered(&[time], &[]).unwrap();
        assert_eq!(alone.text, made.text, "{family}");
        assert_eq!(alone.unsaid, [], "{family}");
    }
}

/// Where a family has parameters of some lines alone, the others are told.
#[test]
fn what_reaches_some_lines_alone_is_told() {
    let line = |n: u16| {
        [("user", "u"), ("password", "p"), ("domain", "a.example")]
            .map(|(word, value)| (format!("line_{n}_{word}"), value))
    };
    let phone_of = |family, model, lines: &[u16]| {
        let mut settings: Vec<_> = lines.iter().flat_map(|n| line(*n)).collect();
        settings.push(("codecs".to_owned(), "g722,pcma"));
        settings.push(("dial_plan".to_owned(), "xx."));
        let settings: Vec<_> = settings.iter().map(|(a, b)| (a.as_str(), *b)).collect();
        let made = phone(family, model).rendered(&settings, &[]).unwrap();
        let told: Vec<_> = made
            .partly
            .iter()
            .map(|it| format!("{}: {}", it.setting, it.reason))
            .collect();
        (made, told)
    };
    let none = "no parameter of these phones is known for";
    let (made, told) = phone_of("gxp", "GXP2170", &[1, 2, 5, 6]);
    let expected = [
        format!("codecs: {none} lines 2, 5 and 6"),
        format!("dial_plan: {none} lines 5 and 6"),
    ];
    assert_eq!(told, expected);
    assert!(made.text.contains("<P57>9</P57>"), "{}", made.text);
    assert!(made.text.contains("<P459>xx.</P459>"), "{}", made.text);
    let family = Family::parse("gxp").unwrap();
    let (_, findings) =
        judge(family, FileKind::Standard, &made, Confidence::Open, || None).unwrap();
    let messages: Vec<_> = findings.iter().map(|it| it.message.as_str()).collect();
    assert!(
        messages.contains(
            &format!("codecs is not of all lines of gxp: {none} lines 2, 5 and 6").as_str()
        ),
        "{messages:?}"
    );
    // Lines that the family does not know are told as such.
    assert_eq!(phone_of("gxp", "GXP1610", &[1, 5]).1, [""; 0]);
    for (family, model) in [
        ("gxp", "GXP2170"),
        ("gxp-v2", "GRP2670"),
        ("yealink", "T58W"),
        ("snom", "snomD785"),
        ("htek", "UC926"),
        ("ut", "KX-UT136"),
        ("spa", "SPA504G"),
    ] {
        let lines: &[u16] = if family == "gxp" { &[1] } else { &[1, 2, 5] };
        assert_eq!(phone_of(family, model, lines).1, [""; 0], "{family}");
    }
}

/// A KX-UT670 tells its zone by a code that is not public.
#[test]
fn a_zone_is_told_to_none_but_those_that_read_it() {
    let zone = ("time_zone", "Europe/Berlin");
    assert_eq!(phone("ut", "KX-UT670").left_out(&[zone]), ["time_zone"]);
    let made = phone("ut", "KX-UT670").rendered(&[zone], &[]).unwrap();
    assert!(!made.text.contains("DST_") && !made.text.contains("TIME_ZONE"));
    let made = phone("ut", "KX-UT136").rendered(&[zone], &[]).unwrap();
    assert!(made.text.contains("TIME_ZONE=\"60\""), "{}", made.text);
}

/// All lines and keys of the largest models fit into a file and into what its making may cost.
#[test]
fn a_phone_with_every_line_and_every_key_is_made() {
    for (family, model, lines, keys) in [
        ("yealink", "T58W", 16, 29),
        ("yealink-v80", "T38G", 16, 6),
        ("snom", "snomD785", 12, 78),
        ("fanvil", "X210", 20, 32),
        ("fanvil-x", "X4", 6, 39),
        ("fanvil-text", "X210", 20, 32),
        ("mitel", "6873i", 24, 48),
        ("gxp", "GXP2170", 6, 32),
        ("gxp", "GRP2670", 16, 0),
        ("gxp-v2", "GRP2670", 16, 40),
        ("htek", "UC926", 16, 36),
        ("htek-u", "UC926U", 16, 36),
        ("ut", "KX-UT136", 8, 24),
        ("utg", "KX-UTG300B", 8, 0),
    ] {
        let mut settings: Vec<(String, &str)> = [
            ("codecs", "g722,pcma"),
            ("dial_plan", "xx."),
            ("time_zone", "Europe/Berlin"),
            ("admin_password", "12345678"),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        for n in 1..=lines {
            for (word, value) in [
                ("user", "201"),
                ("password", "e3rl2(&ae1"),
                ("domain", "sip.example.net"),
                ("display_name", "Anna <&> Oz"),
                ("expires", "90"),
                ("voicemail", "*97"),
                ("dtmf", "rfc2833"),
                ("srtp", "off"),
            ] {
                settings.push((format!("line_{n}_{word}"), value));
            }
        }
        for n in 1..=keys {
            for (word, value) in [("type", "blf"), ("value", "202"), ("label", "Ben & <B>")] {
                settings.push((format!("key_{n}_{word}"), value));
            }
        }
        let settings: Vec<_> = settings.iter().map(|(a, b)| (a.as_str(), *b)).collect();
        let phone = phone(family, model);
        let made = phone.rendered(&settings, &[]).unwrap();
        let findings = lint(phone.family, FileKind::Standard, made.text.as_bytes());
        assert!(!has_errors(&findings), "{family} {findings:#?}");
        let shown = made.text.matches("202").count();
        assert!(shown >= keys, "{family} {shown}\n{}", made.text);
    }
}

#[test]
fn what_belongs_to_a_key_that_does_nothing_is_told() {
    for (family, model) in [
        ("yealink", "T46S"),
        ("snom", "snomD345"),
        ("fanvil", "X5U"),
        ("mitel", "6867i"),
        ("gxp", "GXP2160"),
        ("htek", "UC903"),
    ] {
        let made = phone(family, model);
        let value = ("key_2_value", "202");
        let silent = made.rendered(&[value], &[]).unwrap();
        let [wrong] = silent.unsaid.as_slice() else {
            panic!("{family} {:?}", silent.unsaid);
        };
        assert_eq!(wrong.setting, "key_2_value", "{family}");
        assert!(
            wrong.reason.contains("set the type of the key"),
            "{family} {}",
            wrong.reason
        );
        assert!(!silent.text.contains("202"), "{family} {}", silent.text);
        // A type, or a layer that takes the key back.
        for kind in ["speed_dial", ""] {
            let said = made.rendered(&[value, ("key_2_type", kind)], &[]);
            assert_eq!(said.unwrap().unsaid, [], "{family} {kind}");
        }
    }
}
