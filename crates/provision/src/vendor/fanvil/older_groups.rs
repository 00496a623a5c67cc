//! The elements of `<VOIP_CONFIG_FILE>` that hold elements: from FusionPBX's full template for an X4. Everything
//! else is a parameter. A list holds entries, whose element has the list's name with `_Entry` behind it, and whose
//! first parameter `ID` tells them apart.

/// Those directly below the outermost element.
pub(super) const MODULES: &[&str] = &[
    "GLOBAL_CONFIG_MODULE",
    "TELE_CONFIG_MODULE",
    "DSP_CONFIG_MODULE",
    "SIP_CONFIG_MODULE",
    "MCAST_CFG_MODULE",
    "PPPoE_CONFIG_MODULE",
    "MMI_CONFIG_MODULE",
    "QOS_CONFIG_MODULE",
    "DEBUG_CONFIG_MODULE",
    "AAA_CONFIG_MODULE",
    "ACCESS_CONFIG_MODULE",
    "PHONE_CONFIG_MODULE",
    "SCREEN_KEY_CONFIG_MODULE",
    "SIP_Hotspot_MODULE",
    "RECORD_CONFIG_MODULE",
    "AUTOUPDATE_CONFIG_MODULE",
    "VPN_CONFIG_MODULE",
    "DOT1X_CONFIG_MODULE",
    "TR069_CONFIG_MODULE",
];

/// All of them.
pub(super) const GROUPS: &[&str] = &[
    "GLOBAL_CONFIG_MODULE",
    "TELE_CONFIG_MODULE",
    "DSP_CONFIG_MODULE",
    "SIP_CONFIG_MODULE",
    "MCAST_CFG_MODULE",
    "PPPoE_CONFIG_MODULE",
    "MMI_CONFIG_MODULE",
    "QOS_CONFIG_MODULE",
    "DEBUG_CONFIG_MODULE",
    "AAA_CONFIG_MODULE",
    "ACCESS_CONFIG_MODULE",
    "PHONE_CONFIG_MODULE",
    "SCREEN_KEY_CONFIG_MODULE",
    "SIP_Hotspot_MODULE",
    "RECORD_CONFIG_MODULE",
    "AUTOUPDATE_CONFIG_MODULE",
    "VPN_CONFIG_MODULE",
    "DOT1X_CONFIG_MODULE",
    "TR069_CONFIG_MODULE",
    // Lists and their entries.
    "Alert_Info_Ring",
    "Alert_Info_Ring_Entry",
    "BW_Directory_Conf",
    "BW_Directory_Conf_Entry",
    "Code_Plan_List",
    "Code_Plan_List_Entry",
    "Function_Key",
    "Function_Key_Entry",
    "LDAP_Config",
    "LDAP_Config_Entry",
    "Line_Conf_List",
    "Line_Conf_List_Entry",
    "MMI_Account",
    "MMI_Account_Entry",
    "Mcast_Addr",
    "Mcast_Addr_Entry",
    "Port_Config",
    "Port_Config_Entry",
    "SIP_Line_List",
    "SIP_Line_List_Entry",
    "Soft_Dss_Key",
    "Soft_Dss_Key_Entry",
    "Xml_PhoneBook",
    "Xml_PhoneBook_Entry",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_writes_every_group_that_is_read() {
        let template = include_str!("templates/older.j2");
        for group in GROUPS {
            let name = group.trim_end_matches("_Entry");
            assert!(template.contains(&format!("\"{name}\"")), "{group}");
            assert!(GROUPS.contains(&name), "{group}");
        }
        for module in MODULES {
            assert!(GROUPS.contains(module), "{module}");
        }
    }
}
