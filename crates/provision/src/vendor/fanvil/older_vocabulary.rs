//! How phones that read `<VOIP_CONFIG_FILE>` say the settings of the vocabulary. A name is the way to the parameter:
//! the module, and of a list its name and the `ID` of the entry, with dots between them.

use super::vocabulary::{ALPHANUMERIC, DTMF, PASSWORD, PASSWORD_OF_OTHERS, TONES};
use super::{keys, zone};
use crate::vocabulary::{Encoding, Rule, each, host_alone, one, port_alone};

/// What X5 has; an X3 has two.
const MAX_LINES: u16 = 6;

/// Of TLS the number is from FusionPBX alone.
const TRANSPORT: Encoding = Encoding::Choice(&[("udp", "0"), ("tcp", "1"), ("tls", "2")]);

/// From WAZO's plugin.
const LANGUAGE: Encoding = Encoding::Word(&[
    ("en", "0"),
    ("nl", "3"),
    ("fr", "4"),
    ("it", "7"),
    ("es", "10"),
    ("de", "16"),
]);

macro_rules! line {
    ($name:literal) => {
        concat!("SIP_CONFIG_MODULE.SIP_Line_List.SIP{n}.", $name)
    };
}

pub(super) const VOIP_CONFIG: &[Rule] = &[
    of_line(
        "line_{n}_enabled",
        line!("Enable_Reg"),
        Encoding::Flag("1", "0"),
    ),
    of_line("line_{n}_user", line!("Enable_Reg"), Encoding::Fixed("1")),
    of_line(
        "line_{n}_display_name",
        line!("Display_Name"),
        Encoding::AsIs,
    ),
    of_line("line_{n}_user", line!("Phone_Number"), Encoding::AsIs),
    of_line("line_{n}_auth_user", line!("Register_User"), Encoding::AsIs),
    of_line("line_{n}_user", line!("Register_User"), Encoding::AsIs),
    of_line("line_{n}_password", line!("Register_Pswd"), Encoding::AsIs),
    of_line("line_{n}_registrar", line!("Register_Addr"), Encoding::AsIs),
    of_line("line_{n}_domain", line!("Register_Addr"), Encoding::AsIs),
    of_line("line_{n}_port", line!("Register_Port"), Encoding::AsIs),
    of_line("line_{n}_transport", line!("Transport"), TRANSPORT),
    of_line(
        "line_{n}_outbound_proxy",
        line!("Proxy_Addr"),
        Encoding::With(host_alone),
    ),
    of_line(
        "line_{n}_outbound_proxy",
        line!("Proxy_Port"),
        Encoding::With(port_alone),
    ),
    of_line("line_{n}_expires", line!("Register_TTL"), Encoding::AsIs),
    of_line("line_{n}_voicemail", line!("MWI_Num"), Encoding::AsIs),
    of_line("line_{n}_dtmf", line!("DTMF_Mode"), DTMF),
    one(
        "admin_password",
        "MMI_CONFIG_MODULE.MMI_Account.Account1.Name",
        Encoding::Fixed("admin"),
    ),
    one(
        "admin_password",
        "MMI_CONFIG_MODULE.MMI_Account.Account1.Password",
        PASSWORD,
    )
    .only(ALPHANUMERIC),
    one(
        "admin_password",
        "MMI_CONFIG_MODULE.MMI_Account.Account1.Password",
        PASSWORD_OF_OTHERS,
    )
    .except(ALPHANUMERIC),
    one(
        "admin_password",
        "MMI_CONFIG_MODULE.MMI_Account.Account1.Level",
        Encoding::Fixed("10"),
    ),
    one(
        "user_password",
        "MMI_CONFIG_MODULE.MMI_Account.Account2.Name",
        Encoding::Fixed("guest"),
    ),
    one(
        "user_password",
        "MMI_CONFIG_MODULE.MMI_Account.Account2.Password",
        PASSWORD,
    )
    .only(ALPHANUMERIC),
    one(
        "user_password",
        "MMI_CONFIG_MODULE.MMI_Account.Account2.Password",
        PASSWORD_OF_OTHERS,
    )
    .except(ALPHANUMERIC),
    one(
        "user_password",
        "MMI_CONFIG_MODULE.MMI_Account.Account2.Level",
        Encoding::Fixed("5"),
    ),
    one("language", "GLOBAL_CONFIG_MODULE.Language", LANGUAGE),
    one("tone_country", "DSP_CONFIG_MODULE.Signal_Standard", TONES),
    one(
        "ntp",
        "GLOBAL_CONFIG_MODULE.Enable_SNTP",
        Encoding::Fixed("1"),
    ),
    one("ntp", "GLOBAL_CONFIG_MODULE.SNTP_Server", Encoding::AsIs),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.Time_Zone",
        zone::QUARTERS,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.Time_Zone_Name",
        zone::LABEL,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.Enable_DST",
        zone::SUMMER_TIME,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_Fixed_Type",
        zone::BY_WEEK,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_Min_Offset",
        zone::ADDS,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_Start_Mon",
        zone::START_MONTH,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_Start_Week",
        zone::START_WEEK,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_Start_Wday",
        zone::START_WEEKDAY,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_Start_Hour",
        zone::START_HOUR,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_End_Mon",
        zone::END_MONTH,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_End_Week",
        zone::END_WEEK,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_End_Wday",
        zone::END_WEEKDAY,
    ),
    one(
        "time_zone",
        "GLOBAL_CONFIG_MODULE.DST_End_Hour",
        zone::END_HOUR,
    ),
    one(
        "syslog",
        "AAA_CONFIG_MODULE.Enable_Syslog",
        Encoding::Fixed("1"),
    ),
    one(
        "syslog",
        "AAA_CONFIG_MODULE.Syslog_address",
        Encoding::With(host_alone),
    ),
    one(
        "syslog",
        "AAA_CONFIG_MODULE.Syslog_port",
        Encoding::With(port_alone),
    ),
    one(
        "vlan",
        "QOS_CONFIG_MODULE.Enable_VLAN",
        Encoding::Fixed("1"),
    ),
    one("vlan", "QOS_CONFIG_MODULE.VLAN_ID", Encoding::AsIs),
    // As many as FusionPBX's template for an X4 has.
    keys::rule!(
        "type",
        "PHONE_CONFIG_MODULE.Function_Key.Fkey{n}.",
        "Type",
        39,
        keys::TYPE
    ),
    keys::rule!(
        "type",
        "PHONE_CONFIG_MODULE.Function_Key.Fkey{n}.",
        "Value",
        39,
        keys::LINE
    ),
    keys::rule!(
        "value",
        "PHONE_CONFIG_MODULE.Function_Key.Fkey{n}.",
        "Value",
        39,
        keys::VALUE
    ),
    keys::rule!(
        "line",
        "PHONE_CONFIG_MODULE.Function_Key.Fkey{n}.",
        "Value",
        39,
        Encoding::Joined
    ),
    keys::rule!(
        "label",
        "PHONE_CONFIG_MODULE.Function_Key.Fkey{n}.",
        "Title",
        39,
        Encoding::AsIs
    ),
    // At intervals, of hours, as in the newer files.
    one(
        "provisioning_interval",
        "AUTOUPDATE_CONFIG_MODULE.Download_Mode",
        Encoding::Fixed("2"),
    ),
    one(
        "provisioning_interval",
        "AUTOUPDATE_CONFIG_MODULE.Download_Interval",
        Encoding::Units(1, 60),
    ),
    one(
        "firmware_url",
        "AUTOUPDATE_CONFIG_MODULE.Enable_Auto_Upgrade",
        Encoding::Fixed("1"),
    ),
    one(
        "firmware_url",
        "AUTOUPDATE_CONFIG_MODULE.Upgrade_Server_1",
        Encoding::AsIs,
    ),
    one(
        "phone_book_url",
        "PHONE_CONFIG_MODULE.Xml_PhoneBook.XML-PBook1.Name",
        Encoding::Fixed("Directory"),
    ),
    one(
        "phone_book_url",
        "PHONE_CONFIG_MODULE.Xml_PhoneBook.XML-PBook1.Addr",
        Encoding::AsIs,
    ),
];

const fn of_line(setting: &'static str, parameter: &'static str, value: Encoding) -> Rule {
    each(setting, parameter, MAX_LINES, value)
}
