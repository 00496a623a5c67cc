//! Why a request ended as it did: for the operator alone, never for whoever asked.

use ringfence_provision::lifecycle::KeyReason;
use ringfence_provision::url_template::Slip;

/// The reasons with their words, in one list: a word cannot be forgotten, nor a reason in
/// `Reason::ALL`.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:expr,)*) => {
        /// Why a request ended as it did. docs/troubleshooting.md explains each of the words to the operator.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason.
            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word in events and logs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

reasons! {
    Sealed = "sealed",
    SealedLastGood = "sealed_last_good",
    /// The sealed standard file, at the name of the bootstrap.
    SealedAtPlainName = "sealed_at_plain_name",
    Bootstrap = "bootstrap",
    PlainOverHttps = "plain_over_https",
    Initial = "initial",
    /// The initial file of the tenant that the device went to.
    Forwarded = "forwarded",
    Shared = "shared",
    SharedLastGood = "shared_last_good",
    Certificate = "certificate",
    /// Storage failed.
    Storage = "storage",
    /// A file does not render, or fails its lint.
    FileNotMade = "file_not_made",
    NoAccessPath = "no_access_path",
    UnknownAccessPath = "unknown_access_path",
    AccessPathClosed = "access_path_closed",
    MethodNotAllowed = "method_not_allowed",
    NoSuchPath = "no_such_path",
    MacroNotReplaced = "macro_not_replaced",
    EncodedTwice = "encoded_twice",
    BlankInName = "blank_in_name",
    QueryInName = "query_in_name",
    MacNotation = "mac_notation",
    ExtraSlash = "extra_slash",
    ExtraFolder = "extra_folder",
    WrongExtension = "wrong_extension",
    WrongCase = "wrong_case",
    NotTls = "not_tls",
    UnknownDevice = "unknown_device",
    UnknownModel = "unknown_model",
    Disabled = "disabled",
    NotDelivered = KeyReason::NotDelivered.as_str(),
    Consumed = KeyReason::Consumed.as_str(),
    Expired = KeyReason::Expired.as_str(),
    Replaced = KeyReason::Replaced.as_str(),
    HeadOfBootstrap = "head_of_bootstrap",
    ConditionalBootstrap = "conditional_bootstrap",
    LostClaim = "lost_claim",
    WrongForm = "wrong_form",
    NoFamily = "no_family",
    NoCertificate = "no_certificate",
}

/// What a request leaves for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// An event of the tenant, as far as its minute has room, and a log line.
    Event,
    /// An event if the tenant was known by then; the log line always.
    EventIfTenantKnown,
    /// A log line alone: it belongs to no tenant.
    LogLine,
}

impl Reason {
    /// What a request that ends so leaves.
    pub fn trace(self) -> Trace {
        match self {
            Self::NoAccessPath | Self::UnknownAccessPath => Trace::LogLine,
            // Whose access path it is may be what could not be found out.
            Self::Storage => Trace::EventIfTenantKnown,
            Self::Sealed
            | Self::SealedLastGood
            | Self::SealedAtPlainName
            | Self::Bootstrap
            | Self::PlainOverHttps
            | Self::Initial
            | Self::Forwarded
            | Self::Shared
            | Self::SharedLastGood
            | Self::Certificate
            | Self::FileNotMade
            | Self::AccessPathClosed
            | Self::MethodNotAllowed
            | Self::NoSuchPath
            | Self::MacroNotReplaced
            | Self::EncodedTwice
            | Self::BlankInName
            | Self::QueryInName
            | Self::MacNotation
            | Self::ExtraSlash
            | Self::ExtraFolder
            | Self::WrongExtension
            | Self::WrongCase
            | Self::NotTls
            | Self::UnknownDevice
            | Self::UnknownModel
            | Self::Disabled
            | Self::NotDelivered
            | Self::Consumed
            | Self::Expired
            | Self::Replaced
            | Self::HeadOfBootstrap
            | Self::ConditionalBootstrap
            | Self::LostClaim
            | Self::WrongForm
            | Self::NoFamily
            | Self::NoCertificate => Trace::Event,
        }
    }

    /// Whether who asked may be a phone that nobody has added: the access path was good, and no device was
    /// found for the request.
    pub fn may_be_unknown_phone(self) -> bool {
        matches!(
            self,
            Self::UnknownDevice
                | Self::UnknownModel
                | Self::NoSuchPath
                | Self::MacroNotReplaced
                | Self::EncodedTwice
                | Self::BlankInName
                | Self::QueryInName
                | Self::MacNotation
                | Self::ExtraSlash
                | Self::ExtraFolder
                | Self::WrongExtension
                | Self::WrongCase
                | Self::NotTls
                | Self::NoFamily
        )
    }

    /// Whether the name itself was the trouble, so that it is worth a look what it nearly is. A name in
    /// the wrong letter case may read as that of a model.
    pub fn may_be_near_miss(self) -> bool {
        matches!(self, Self::NoSuchPath | Self::UnknownModel)
    }
}

impl From<Slip> for Reason {
    fn from(slip: Slip) -> Self {
        match slip {
            Slip::MacroNotReplaced => Self::MacroNotReplaced,
            Slip::EncodedTwice => Self::EncodedTwice,
            Slip::BlankInName => Self::BlankInName,
            Slip::QueryInName => Self::QueryInName,
            Slip::MacNotation => Self::MacNotation,
            Slip::ExtraSlash => Self::ExtraSlash,
            Slip::ExtraFolder => Self::ExtraFolder,
            Slip::WrongExtension => Self::WrongExtension,
            Slip::WrongCase => Self::WrongCase,
        }
    }
}

impl From<KeyReason> for Reason {
    fn from(reason: KeyReason) -> Self {
        match reason {
            KeyReason::Consumed => Self::Consumed,
            KeyReason::Expired => Self::Expired,
            KeyReason::NotDelivered => Self::NotDelivered,
            KeyReason::Replaced => Self::Replaced,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/troubleshooting.md");

    /// The words in the first column of the table of reasons.
    fn explained() -> BTreeSet<&'static str> {
        let table = DOCUMENT
            .split("| reason | cause | do |\n|---|---|---|\n")
            .nth(1)
            .unwrap();
        let rows = table.lines().take_while(|line| line.starts_with('|'));
        rows.filter_map(|row| row.split('|').nth(1))
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .collect()
    }

    #[test]
    fn the_document_explains_every_reason_and_no_other() {
        let words: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len(), "two reasons share a word");
        assert_eq!(explained(), words);
    }

    #[test]
    fn the_document_says_which_reasons_leave_a_log_line_alone() {
        for reason in Reason::ALL {
            let row = DOCUMENT.lines().find(|line| {
                let cell = line
                    .strip_prefix('|')
                    .and_then(|line| line.split('|').next());
                cell.is_some_and(|cell| cell.contains(&format!("`{}`", reason.as_str())))
            });
            let only = row.unwrap().contains("log line only");
            assert_eq!(only, reason.trace() == Trace::LogLine, "{reason:?}");
        }
    }

    #[test]
    fn a_slip_has_the_same_word_as_its_reason() {
        for slip in Slip::ALL {
            assert_eq!(Reason::from(slip).as_str(), slip.as_str());
        }
    }

    #[test]
    fn a_reason_of_the_life_cycle_keeps_its_word() {
        for reason in [
            KeyReason::Consumed,
            KeyReason::Expired,
            KeyReason::NotDelivered,
            KeyReason::Replaced,
        ] {
            assert_eq!(Reason::from(reason).as_str(), reason.as_str());
        }
    }
}
