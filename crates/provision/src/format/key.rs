//! Putting the device's key into its bootstrap.

use super::finding::{Finding, Place, codes};
use super::words::{Words, words};
use super::{Document, EscapeError};
use crate::family::Family;
use crate::kind::FileKind;

/// The document with the key in it, where the family's phones look for it: in XML within the elements of
/// its [`KeyPlace`](crate::vendor::KeyPlace), in a text file as a line.
///
/// `key_param` and `key_len_param` are the names that the sealing profile has for the key and for
/// the length of the cipher's key in bits.
///
/// # Errors
/// A finding that says why: the file is no standard file, is of the other format, has a key
/// already, or the key cannot be written. The key itself is not in it.
pub fn insert_key(
    family: Family,
    kind: FileKind,
    mut document: Document,
    key_param: &str,
    key_len_param: Option<(&str, u16)>,
    key: &str,
) -> Result<Document, Finding> {
    if kind != FileKind::Standard {
        let kind = kind.as_str();
        return Err(refusal(words![
            "a ",
            kind,
            " file is read by other devices too"
        ]));
    }
    if document.format() != family.format() {
        return Err(refusal("the file is not in the format of the family"));
    }
    if key.is_empty() {
        return Err(refusal("the key is empty"));
    }
    let place = &family.spec().key;
    let parameters = document.parameters();
    let taken = parameters.iter().find(|parameter| {
        let name = parameter.name.as_str();
        name.starts_with(place.prefix)
            || name == key_param
            || key_len_param.is_some_and(|(length_param, _)| name == length_param)
    });
    if let Some(parameter) = taken {
        return Err(Finding::error(
            codes::KEY_IN_FILE,
            Place::new(parameter.line, parameter.column),
            "the file sets a file key of its own",
            "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
        ));
    }
    let bits = key_len_param.map(|(name, bits)| (name, bits.to_string()));
    let length = bits.iter().map(|(name, bits)| (*name, bits.as_str()));
    for (name, value) in std::iter::once((key_param, key)).chain(length) {
        push(&mut document, place.groups, name, value)
            .map_err(|_| refusal("the key or its length cannot be written in this format"))?;
    }
    Ok(document)
}

fn push(
    document: &mut Document,
    groups: &[&str],
    name: &str,
    value: &str,
) -> Result<(), EscapeError> {
    match document {
        Document::Text(document) => document.push(name, value),
        Document::Xml(document) => document.push(groups, name, value),
    }
}

fn refusal(reason: impl Into<Words>) -> Finding {
    Finding::error(
        codes::KEY_NOT_INSERTED,
        Place::FILE,
        reason,
        "Check the family of the device and the sealing profile of its tenant.",
    )
}
