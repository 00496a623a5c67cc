//! Vendors whose phones ask, although no family here has files for them: an operator sees at least what
//! stands there. A vendor that gets a folder takes its patterns along.
//!
//! From public provisioning servers. Nothing was tried on hardware.

use crate::vendor::UserAgents;

/// What their phones call themselves.
pub(super) const USER_AGENTS: [UserAgents; 1] = [UserAgents {
    vendor: "Flyingvoice",
    families: &[],
    patterns: &["Flyingvoice {model} V{firmware} {mac}"],
    bare_patterns: &[],
}];
