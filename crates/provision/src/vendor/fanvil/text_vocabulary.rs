//! How phones say the settings of the vocabulary that read lines in modules. A name is the way to the parameter: the
//! module, the group if there is one, and the parameter, with dots between them and `_` for each blank.

use super::vocabulary::{
    ALPHANUMERIC, CODEC_MAP, DTMF, PASSWORD, PASSWORD_OF_OTHERS, TONES, TRANSPORT,
};
use super::{keys, zone};
use crate::vocabulary::{Encoding, Rule, each, host_alone, one, port_alone};

/// What the models with the most have.
const MAX_LINES: u16 = 20;

macro_rules! line {
    ($setting:literal, $name:literal, $value:expr) => {
        each(
            concat!("line_{n}_", $setting),
            concat!("SIP_CONFIG_MODULE.SIP_Line_List.SIP{n}_", $name),
            MAX_LINES,
            $value,
        )
    };
}

macro_rules! clock {
    ($setting:literal, $name:literal, $value:expr) => {
        one(
            $setting,
            concat!("PHONE_FEATURE_MODULE.DateTime_Config.", $name),
            $value,
        )
    };
}

macro_rules! account {
    ($setting:literal, $name:literal, $value:expr) => {
        one(
            $setting,
            concat!("MMI_CONFIG_MODULE.MMI_Account.Account", $name),
            $value,
        )
    };
}

pub(super) const TEXT: &[Rule] = &[
    line!("enabled", "Enable_Reg", Encoding::Flag("1", "0")),
    line!("user", "Enable_Reg", Encoding::Fixed("1")),
    line!("user", "Phone_Number", Encoding::AsIs),
    line!("display_name", "Display_Name", Encoding::AsIs),
    line!("auth_user", "Register_User", Encoding::AsIs),
    line!("user", "Register_User", Encoding::AsIs),
    line!("password", "Register_Pswd", Encoding::AsIs),
    line!("registrar", "Register_Addr", Encoding::AsIs),
    line!("domain", "Register_Addr", Encoding::AsIs),
    line!("port", "Register_Port", Encoding::AsIs),
    line!("transport", "Transport", TRANSPORT),
    line!("outbound_proxy", "Proxy_Addr", Encoding::With(host_alone)),
    line!("outbound_proxy", "Proxy_Port", Encoding::With(port_alone)),
    line!("expires", "Register_TTL", Encoding::AsIs),
    line!("voicemail", "MWI_Num", Encoding::AsIs),
    line!("dtmf", "DTMF_Mode", DTMF),
    each(
        "codecs",
        "SIP_CONFIG_MODULE.SIP_Line_List.SIP{n}_VoiceCodecMap",
        MAX_LINES,
        CODEC_MAP,
    )
    .of_lines(),
    account!("admin_password", "1_Name", Encoding::Fixed("admin")),
    account!("admin_password", "1_Password", PASSWORD).only(ALPHANUMERIC),
    account!("admin_password", "1_Password", PASSWORD_OF_OTHERS).except(ALPHANUMERIC),
    account!("admin_password", "1_Level", Encoding::Fixed("10")),
    account!("user_password", "2_Name", Encoding::Fixed("guest")),
    account!("user_password", "2_Password", PASSWORD).only(ALPHANUMERIC),
    account!("user_password", "2_Password", PASSWORD_OF_OTHERS).except(ALPHANUMERIC),
    account!("user_password", "2_Level", Encoding::Fixed("5")),
    one("tone_country", "MM_CONFIG_MODULE.Select_Your_Tone", TONES),
    clock!("ntp", "Enable_SNTP", Encoding::Fixed("1")),
    clock!("ntp", "SNTP_Server", Encoding::AsIs),
    clock!("time_zone", "Time_Zone", zone::QUARTERS),
    clock!("time_zone", "Time_Zone_Name", zone::LABEL),
    clock!("time_zone", "DST_Type", zone::SUMMER_TIME),
    clock!("time_zone", "DST_Min_Offset", zone::ADDS),
    clock!("time_zone", "DST_Start_Mon", zone::START_MONTH),
    clock!("time_zone", "DST_Start_Week", zone::START_WEEK),
    clock!("time_zone", "DST_Start_Wday", zone::START_WEEKDAY),
    clock!("time_zone", "DST_Start_Hour", zone::START_HOUR),
    clock!("time_zone", "DST_End_Mon", zone::END_MONTH),
    clock!("time_zone", "DST_End_Week", zone::END_WEEK),
    clock!("time_zone", "DST_End_Wday", zone::END_WEEKDAY),
    clock!("time_zone", "DST_End_Hour", zone::END_HOUR),
    one(
        "syslog",
        "LOG_CONFIG_MODULE.Syslog_Server",
        Encoding::With(host_alone),
    ),
    one(
        "syslog",
        "LOG_CONFIG_MODULE.Syslog_Server_Port",
        Encoding::With(port_alone),
    ),
    one(
        "vlan",
        "QOS_CONFIG_MODULE.Enable_VLAN",
        Encoding::Fixed("1"),
    ),
    one("vlan", "QOS_CONFIG_MODULE.VLAN_ID", Encoding::AsIs),
    keys::rule!(
        "type",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Type",
        6,
        keys::TYPE
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "type",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        6,
        keys::LINE
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "value",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        6,
        keys::VALUE
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "line",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        6,
        Encoding::Joined
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "label",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Title",
        6,
        Encoding::AsIs
    )
    .only(keys::PAGE_OF_6),
    keys::rule!(
        "type",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Type",
        12,
        keys::TYPE
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "type",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        12,
        keys::LINE
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "value",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        12,
        keys::VALUE
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "line",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        12,
        Encoding::Joined
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "label",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Title",
        12,
        Encoding::AsIs
    )
    .only(keys::PAGE_OF_12),
    keys::rule!(
        "type",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Type",
        32,
        keys::TYPE
    )
    .only(keys::PAGE_OF_32),
    keys::rule!(
        "type",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        32,
        keys::LINE
    )
    .only(keys::PAGE_OF_32),
    keys::rule!(
        "value",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        32,
        keys::VALUE
    )
    .only(keys::PAGE_OF_32),
    keys::rule!(
        "line",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Value",
        32,
        Encoding::Joined
    )
    .only(keys::PAGE_OF_32),
    keys::rule!(
        "label",
        "DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey{n}_",
        "Title",
        32,
        Encoding::AsIs
    )
    .only(keys::PAGE_OF_32),
    // At intervals, of hours.
    one(
        "provisioning_interval",
        "AUTOUPDATE_CONFIG_MODULE.Flash_Mode",
        Encoding::Fixed("2"),
    ),
    one(
        "provisioning_interval",
        "AUTOUPDATE_CONFIG_MODULE.Flash_Interval",
        Encoding::Units(1, 60),
    ),
    one(
        "firmware_url",
        "FIRMWARE_CHECK_MODULE.Enable_Auto_Upgrade",
        Encoding::Fixed("1"),
    ),
    one(
        "firmware_url",
        "FIRMWARE_CHECK_MODULE.Upgrade_Server_1",
        Encoding::AsIs,
    ),
];
