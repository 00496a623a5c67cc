//! Why a request ended as it did, in words: what happened, and what to do.

/// What a reason of the events means, and what to do about it; nothing, where there is nothing to do.
pub fn words(reason: &str) -> Option<(&'static str, &'static str)> {
    WORDS
        .iter()
        .find(|(word, _, _)| *word == reason)
        .map(|(_, means, todo)| (*means, *todo))
}

/// The reasons of an event.
const WORDS: &[(&str, &str, &str)] = &[
    ("sealed", "got its sealed file", ""),
    (
        "sealed_last_good",
        "got the last good sealed file, because the current one cannot be made",
        "Look at the file's preview and mend what is wrong.",
    ),
    (
        "sealed_at_plain_name",
        "got the sealed file at the plain name: the bootstrap is gone",
        "If it repeats and the phone does not come up, its bootstrap was lost: re-arm.",
    ),
    ("bootstrap", "took its bootstrap, with the key", ""),
    ("plain_over_https", "got its file as it is, over HTTPS", ""),
    (
        "initial",
        "got its initial file, which names the others",
        "",
    ),
    (
        "forwarded",
        "was sent on to the tenant that the device moved to",
        "",
    ),
    ("shared", "got a file that it shares with others", ""),
    (
        "shared_last_good",
        "got the last good shared file, because the current one cannot be made",
        "Look at the file's preview and mend what is wrong.",
    ),
    ("certificate", "got a root certificate", ""),
    (
        "storage",
        "got nothing for now: the storage did not answer",
        "It passes; if it stays so, look at the database in the Cloudflare dashboard.",
    ),
    (
        "file_not_made",
        "got nothing: its file does not render or fails its lint",
        "Look at the file's preview: the findings say what is wrong.",
    ),
    (
        "no_access_path",
        "asked without an access path",
        "Correct the URL that the phone was given.",
    ),
    (
        "unknown_access_path",
        "asked under an access path that nobody has",
        "Correct the URL that the phone was given.",
    ),
    (
        "access_path_closed",
        "asked under an access path that has expired, or on another host name than the tenant's",
        "Make a new access path, or correct the tenant's host name.",
    ),
    (
        "method_not_allowed",
        "sent neither GET nor HEAD",
        "What asks is no phone, or is set to upload.",
    ),
    (
        "no_such_path",
        "asked for a name that the tenant does not serve",
        "Compare the name with the tenant's URLs.",
    ),
    (
        "macro_not_replaced",
        "sent a macro of the URL as it stands",
        "Use a macro that this phone knows.",
    ),
    (
        "encoded_twice",
        "sent a name with a percent sign escaped twice",
        "Paste the URL anew where the phone got it.",
    ),
    (
        "blank_in_name",
        "sent a name with a blank or a control character",
        "Paste the URL anew where the phone got it.",
    ),
    (
        "query_in_name",
        "sent a name with an escaped ? or #",
        "Paste the URL anew where the phone got it.",
    ),
    (
        "mac_notation",
        "wrote its MAC in another notation than the URL has",
        "Correct the URL: {mac} is the MAC in lower case, {MAC} in upper case.",
    ),
    (
        "extra_slash",
        "sent one slash too many",
        "Correct the URL that the phone was given.",
    ),
    (
        "extra_folder",
        "sent a folder between the access path and the name",
        "Correct the URL, or put the folder into the tenant's URLs.",
    ),
    (
        "wrong_extension",
        "asked for another extension",
        "Correct the URL, or the tenant's URLs.",
    ),
    (
        "wrong_case",
        "asked in other letter case",
        "Correct the URL, or the tenant's URLs.",
    ),
    (
        "not_tls",
        "asked over plain HTTP",
        "Put https into the URL.",
    ),
    (
        "unknown_device",
        "is no device of this tenant",
        "Add it, or adopt it under Unknown phones.",
    ),
    (
        "unknown_model",
        "named a model that the tenant does not have",
        "Add the model, with its regional suffix.",
    ),
    (
        "disabled",
        "got nothing: the device is out of service",
        "Put it back into service.",
    ),
    (
        "key_not_delivered",
        "asked for the sealed file before it took its bootstrap",
        "The phone must ask for the plain name first.",
    ),
    (
        "bootstrap_consumed",
        "asked for the bootstrap, which was taken before",
        "See who took it: re-arm if it was this phone, re-key if it was not.",
    ),
    (
        "bootstrap_expired",
        "came after the bootstrap had expired",
        "Re-arm.",
    ),
    (
        "key_replaced",
        "asked under a key that is history",
        "Re-key.",
    ),
    (
        "head_of_bootstrap",
        "asked by HEAD for a bootstrap that waits",
        "Nothing: the phone comes by GET.",
    ),
    (
        "conditional_bootstrap",
        "asked for the bootstrap under a condition that does not hold",
        "Nothing: the phone comes without one.",
    ),
    (
        "lost_claim",
        "lost the bootstrap to another request or to a change at the same moment",
        "The next request tells.",
    ),
    (
        "wrong_form",
        "asked for the plain file where it is sealed, or for another profile's extension",
        "Look at the model's profile and the tenant's URLs.",
    ),
    (
        "no_family",
        "asked for a name that does not tell the family",
        "Set shared_family, or use a name with {MODEL}.",
    ),
    (
        "no_certificate",
        "asked for a certificate that is not there",
        "Upload the certificate.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_in_words_and_an_unknown_one_is_not_guessed() {
        assert_eq!(
            words("not_tls"),
            Some(("asked over plain HTTP", "Put https into the URL."))
        );
        assert_eq!(words("nonsense"), None);
        for (word, means, _) in WORDS {
            assert!(!means.is_empty() && !means.ends_with('.'), "{word}");
        }
    }
}
