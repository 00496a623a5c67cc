//! The templates that a tenant begins with.

use crate::family::Family;
use crate::kind::FileKind;

/// A text file that begins with a magic line.
macro_rules! text {
    ($magic:literal, $kind:expr) => {
        match $kind {
            FileKind::Initial => concat!($magic, "\n", include_str!("default/text_initial.j2")),
            FileKind::Standard => text!($magic, named "standard"),
            FileKind::Product => text!($magic, named "product"),
            FileKind::Master => text!($magic, named "master"),
            FileKind::System => text!($magic, named "system"),
        }
    };
    ($magic:literal, named $kind:literal) => {
        concat!(
            $magic,
            "\n{% set kind = \"",
            $kind,
            "\" %}\n",
            include_str!("default/text_parameters.j2")
        )
    };
}

/// An XML file with parameters of the device.
macro_rules! xml {
    ($kind:literal) => {
        concat!(
            "{% set kind = \"",
            $kind,
            "\" %}\n",
            include_str!("default/xml_device.j2")
        )
    };
}

/// The template of a kind of file for a family, until an operator writes another.
///
/// The guides' names of most parameters are not known here, so the templates name almost none:
/// settings say by their names where they go. In a text family `standard_X` becomes the parameter
/// `X` of the standard file; in the XML family `standard_Prov_X` becomes `System/Prov/X` and
/// `standard_Line1_Sip_X` becomes `X` of the first line's `Sip`. Likewise for `product_`,
/// `master_` and `system_`, and for `initial_X` in a text family.
///
/// All work without any setting; an initial file needs `urls.standard`.
pub fn default_template(family: Family, kind: FileKind) -> &'static str {
    match family {
        Family::Ut | Family::Uds124 | Family::Hdv => text!(
            "# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!",
            kind
        ),
        Family::Tgp500 => text!("# PCC Standard Format File #", kind),
        Family::Utg => match kind {
            FileKind::Initial => include_str!("default/xml_initial.j2"),
            FileKind::Standard => xml!("standard"),
            FileKind::Product => xml!("product"),
            FileKind::Master => xml!("master"),
            FileKind::System => xml!("system"),
        },
    }
}
