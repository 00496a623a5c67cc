//! Putting the device's key into its bootstrap, or into the file that carries it alone.

use super::finding::{Finding, Place, codes};
use super::message::{Message, message};
use super::{Document, EscapeError};
use crate::family::Family;
use crate::kind::FileKind;
use crate::layers::Layers;
use crate::mac::Mac;

/// The document with the key in it, where the family's phones look for it: in XML within the elements of
/// its [`KeyPlace`](crate::vendor::KeyPlace), in a text file as a line.
///
/// `parameters` are names and values, the key first, as [`Sealer::parameters`](crate::seal::Sealer::parameters)
/// gives them.
///
/// # Errors
/// A finding that says why: the file is no standard file, is of the other format, has a key
/// already, or the key cannot be written. The key itself is not in it.
pub fn insert_key(
    family: Family,
    kind: FileKind,
    mut document: Document,
    parameters: &[(&str, &str)],
) -> Result<Document, Finding> {
    if kind != FileKind::Standard {
        let kind = kind.as_str();
        return Err(refusal(message![
            "a ",
            kind,
            " file is read by other devices too"
        ]));
    }
    if document.format() != family.format() {
        return Err(refusal("the file is not in the format of the family"));
    }
    if parameters.is_empty() || parameters.iter().any(|(_, value)| value.is_empty()) {
        return Err(refusal("the key is empty"));
    }
    let place = &family.spec().key;
    let present = document.in_place();
    let taken = present.iter().find(|parameter| {
        let name = parameter.name.as_str();
        name.starts_with(place.prefix) || parameters.iter().any(|(ours, _)| name == *ours)
    });
    if let Some(parameter) = taken {
        return Err(Finding::error(
            codes::KEY_IN_FILE,
            Place::new(parameter.line, parameter.column),
            "the file sets a file key of its own",
            "Delete it: each device has a key of its own, which Ringfence puts into its bootstrap.",
        ));
    }
    drop(present);
    for (name, value) in parameters {
        push(&mut document, place.groups, name, value).map_err(|_| {
            refusal("the key or what goes with it cannot be written in this format")
        })?;
    }
    Ok(document)
}

/// The file that carries the key alone ([`KeyCarrier`](crate::vendor::KeyCarrier)), of the device whose standard file
/// `document` is: the key, and what of that file tells the phone where it asks next.
///
/// # Errors
/// A finding that says why: the family has no such file, the key is empty, or a value cannot be written. No value
/// is in it.
pub fn key_carrier(
    family: Family,
    mac: Mac,
    document: &Document,
    layers: &Layers,
    key: &str,
) -> Result<Vec<u8>, Finding> {
    let Some(carrier) = family.carrier() else {
        return Err(refusal(
            "phones of the family ask for no file with the key alone",
        ));
    };
    if key.is_empty() {
        return Err(refusal("the key is empty"));
    }
    let present = document.in_place();
    let along = carrier.along.iter().filter_map(|along| {
        let found = present.iter().rfind(|one| one.path == along.path)?;
        if along.words.is_empty() {
            return Some((along.name, found.value.as_str()));
        }
        let mut words = along.words.iter();
        let (_, word) = words.find(|(theirs, _)| *theirs == found.value)?;
        Some((along.name, *word))
    });
    let set = layers.effective();
    let extras = carrier.extras.iter().map(|extra| {
        let own = set.get(extra.setting).map(|(_, value)| value.expose());
        (extra.name, own.unwrap_or(extra.value))
    });
    let parameters: Vec<(&str, &str)> = along.chain([(carrier.key, key)]).chain(extras).collect();
    (carrier.write)(mac, &parameters)
}

fn push(
    document: &mut Document,
    groups: &[&str],
    name: &str,
    value: &str,
) -> Result<(), EscapeError> {
    match document {
        Document::Text(document) => document.push(name, value),
        Document::Lines(document) => document.push(name, value),
        Document::Xml(document) => document.push(groups, name, value),
    }
}

fn refusal(reason: impl Into<Message>) -> Finding {
    Finding::error(
        codes::KEY_NOT_INSERTED,
        Place::FILE,
        reason,
        "Check the family of the device and the sealing profile of its tenant.",
    )
}
