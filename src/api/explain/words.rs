//! What each reason means: at which step a request ends, and what to do next.

use ringfence_api::explain::StepId;

use crate::phone::Reason;

/// What of the circumstances decides which step it was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// Whether the tenant was found.
    pub tenant_is_known: bool,
    /// Whether the access path's time is over.
    pub is_expired: bool,
    /// Whether a device, or a model, was found.
    pub file_has_owner: bool,
}

/// The step at which a request of that reason ends; `None` where a file goes out.
pub fn failed_at(reason: Reason, of: Circumstances) -> Option<StepId> {
    Some(match reason {
        Reason::Sealed
        | Reason::SealedLastGood
        | Reason::SealedAtPlainName
        | Reason::Bootstrap
        | Reason::PlainOverHttps
        | Reason::Initial
        | Reason::Forwarded
        | Reason::Shared
        | Reason::SharedLastGood
        | Reason::Certificate => return None,
        Reason::NoAccessPath | Reason::UnknownAccessPath => StepId::AccessPath,
        Reason::Storage if !of.tenant_is_known => StepId::AccessPath,
        Reason::AccessPathClosed if of.is_expired => StepId::AccessPath,
        Reason::AccessPathClosed => StepId::Host,
        Reason::MethodNotAllowed => StepId::Method,
        // The name is another family's than the device's.
        Reason::NoSuchPath if of.file_has_owner => StepId::Form,
        Reason::NoSuchPath
        | Reason::MacroNotReplaced
        | Reason::EncodedTwice
        | Reason::BlankInName
        | Reason::QueryInName
        | Reason::MacNotation
        | Reason::ExtraSlash
        | Reason::ExtraFolder
        | Reason::WrongExtension
        | Reason::WrongCase => StepId::Name,
        Reason::NotTls => StepId::Transport,
        Reason::UnknownDevice | Reason::UnknownModel | Reason::Disabled | Reason::NoFamily => {
            StepId::Device
        }
        Reason::NotDelivered
        | Reason::Consumed
        | Reason::Expired
        | Reason::Replaced
        | Reason::HeadOfBootstrap
        | Reason::ConditionalBootstrap
        | Reason::LostClaim => StepId::Key,
        Reason::WrongForm => StepId::Form,
        Reason::Storage | Reason::FileNotMade | Reason::NoCertificate => StepId::File,
    })
}

/// What goes out for a reason; `None` where nothing does.
pub fn served(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Sealed | Reason::SealedLastGood | Reason::SealedAtPlainName => Some("sealed"),
        Reason::Bootstrap => Some("bootstrap"),
        Reason::Initial | Reason::Forwarded => Some("initial"),
        Reason::PlainOverHttps | Reason::Shared | Reason::SharedLastGood | Reason::Certificate => {
            Some("plain")
        }
        _ => None,
    }
}

/// What to do next.
pub fn next(reason: Reason) -> &'static str {
    match reason {
        Reason::Sealed => {
            "Nothing is to be done here; if the phone does not come up, look at its own log for whether it can read the file with its key."
        }
        Reason::SealedAtPlainName => {
            "If the phone repeats this and does not come up, its bootstrap was lost on the way: re-arm it."
        }
        Reason::Bootstrap => {
            "The bootstrap waits: let the phone ask, and it is gone after that one answer."
        }
        Reason::PlainOverHttps | Reason::Shared | Reason::Certificate => {
            "Nothing is to be done here; if the phone does not come up, compare the file's parameters with what it should have."
        }
        Reason::Initial => {
            "Nothing is to be done here; see whether the phone goes on to the files that it is told."
        }
        Reason::Forwarded => {
            "Nothing is to be done: the device is another tenant's, and its phone is told the URLs there."
        }
        Reason::SealedLastGood | Reason::SharedLastGood => {
            "Correct what the findings of the file say; until then the last good file goes out."
        }
        Reason::FileNotMade => "Correct what the findings of the file say, or its error.",
        Reason::Storage => {
            "See the detail of the verdict: a database that was put back, a master key that is missing, or a failure that passes by itself."
        }
        Reason::NoAccessPath => {
            "Put the access path in front of the name: https://host/access-path/name."
        }
        Reason::UnknownAccessPath => {
            "Compare the first segment of the URL, letter by letter, with the one that was made; if it is lost, make a new access path, for only its hash is stored."
        }
        Reason::AccessPathClosed => {
            "Give the phone an access path that has not expired, at the host that the tenant is bound to; or change the one or the other."
        }
        Reason::MethodNotAllowed => {
            "What asks so is no phone, or one that is set to upload: switch that off."
        }
        Reason::NoSuchPath => {
            "Compare the path with the tenant's names in `options.urls` and `options.family_urls`, and correct the URL that the phone was given."
        }
        Reason::MacroNotReplaced => {
            "Use a macro that this phone knows, in the URL that it was given or in `options.urls`."
        }
        Reason::WrongCase | Reason::MacNotation | Reason::WrongExtension => {
            "Correct the URL that the phone was given to the expected name, or give the tenant that name in `options.urls`."
        }
        Reason::BlankInName | Reason::EncodedTwice | Reason::QueryInName => {
            "Enter the URL anew where the phone got it: letters were added or escaped on the way."
        }
        Reason::ExtraSlash | Reason::ExtraFolder => {
            "Take the slash or the folder out of the URL, or put the folder into `options.urls`."
        }
        Reason::NotTls => "Write https into the URL that the phone was given.",
        Reason::UnknownDevice => {
            "Add the device to this tenant, or adopt the phone from the list of unknown phones."
        }
        Reason::UnknownModel => "Add the model as the phone writes it, with its regional suffix.",
        Reason::Disabled => "Put the device back into service: enable it.",
        Reason::NotDelivered => {
            "Let the phone ask for the plain name first: its bootstrap has not been taken."
        }
        Reason::Consumed => {
            "See who took the bootstrap: if it was the phone, and the transfer was cut, re-arm it; if it was somebody else, re-key it."
        }
        Reason::Expired => "Re-arm the device: nobody took its bootstrap in time.",
        Reason::Replaced => "Re-key the device: this key is history.",
        Reason::HeadOfBootstrap => {
            "Nothing is to be done: a bootstrap waits, and the phone takes it by GET."
        }
        Reason::ConditionalBootstrap => {
            "Nothing is to be done: a bootstrap waits, and goes to a request without such a condition."
        }
        Reason::LostClaim => {
            "Ask again in a minute: the device, the tenant or its retry window has just changed."
        }
        Reason::WrongForm => {
            "Compare the form and the extension of the name with the profile of the model, `shared_files` and `options.urls`."
        }
        Reason::NoFamily => {
            "Say for which family the name is: `shared_family`, `family_urls`, or a name with {MODEL}."
        }
        Reason::NoCertificate => "Upload the certificate under this name.",
    }
}

#[cfg(test)]
mod tests {
    use crate::api::explain::words::*;

    #[test]
    fn a_request_ends_at_a_step_or_gets_something() {
        for reason in Reason::ALL {
            let failed = failed_at(*reason, Circumstances::default());
            assert_eq!(failed.is_none(), served(*reason).is_some(), "{reason:?}");
        }
    }

    #[test]
    fn what_to_do_next_is_one_sentence() {
        for reason in Reason::ALL {
            let next = next(*reason);
            assert!(next.ends_with('.'), "{reason:?}");
            assert!(!next.contains(". "), "{reason:?}: {next}");
        }
    }
}
