//! The modules of the form in lines: those of Tancredi's templates for newer phones, then those that older phones have
//! besides. Any other is passed over.

pub(super) const MODULES: &[&str] = &[
    "NET CONFIG MODULE",
    "MM CONFIG MODULE",
    "SIP CONFIG MODULE",
    "CALL FEATURE MODULE",
    "PHONE FEATURE MODULE",
    "DEVICE MANAGER MODULE",
    "VQM CONFIG MODULE",
    "CTI CONFIG MODULE",
    "ATE CONFIG MODULE",
    "MCAST CFG MODULE",
    "DSSKEY CONFIG MODULE",
    "MMI CONFIG MODULE",
    "LOG CONFIG MODULE",
    "TR069 CONFIG MODULE",
    "SIP Hotspot MODULE",
    "VPN CONFIG MODULE",
    "MAINTENANCE CONFIG MODULE",
    "AUTOUPDATE CONFIG MODULE",
    "FIRMWARE CHECK MODULE",
    "QOS CONFIG MODULE",
    "DOT1X CONFIG MODULE",
    "APP CONFIG MODULE",
    "RECORD CONFIG MODULE",
    "UI DEFINED CONFIG MODULE",
    "UI MAINTAIN CONFIG MODULE",
    // Older ones.
    "GLOBAL CONFIG MODULE",
    "LAN CONFIG MODULE",
    "TELE CONFIG MODULE",
    "DSP CONFIG MODULE",
    "PPPoE CONFIG MODULE",
    "DEBUG CONFIG MODULE",
    "AAA CONFIG MODULE",
    "ACCESS CONFIG MODULE",
    "DHCP CONFIG MODULE",
    "NAT CONFIG MODULE",
    "PHONE CONFIG MODULE",
    "SCREEN KEY CONFIG MODULE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_writes_every_module_that_is_read() {
        let template = include_str!("templates/text.j2");
        // Each list of names between quotes; there are two, since no expression may be longer.
        let lists = template.split('"').filter(|it| it.contains(" CONFIG,"));
        let stems = lists.flat_map(|it| it.split(','));
        let written = stems.map(|it| format!("{it} MODULE"));
        assert!(written.eq(MODULES.iter().copied().map(str::to_owned)));
    }
}
