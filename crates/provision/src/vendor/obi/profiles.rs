//! How OBi devices want their files sealed.
//!
//! The rule `SYNC -A=aes -K=$SPRM0 -IV=$SPRM1 …` names two secret parameters, each of 32 hexadecimal digits; it never
//! has the key itself. With one IV for all files, two files that begin alike look alike: hence weak.
//! The vendor allows gzip before sealing; it is not used. From public descriptions of the rule; nothing was
//! tried on hardware.

use crate::seal::{Grade, Method, ProfileSpec};

/// The vendor's profiles.
pub const PROFILES: [ProfileSpec; 1] = [ProfileSpec {
    name: "obi-128",
    method: Method::FixedIv,
    extension: "aes",
    key_parameter: "SPRM0",
    key_length_parameter: None,
    iv_parameter: Some("SPRM1"),
    gzip: false,
    grade: Grade::Weak,
}];
