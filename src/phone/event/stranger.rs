//! A phone that asked and is no device of the tenant: what its request suggests about it, for an operator who
//! may want to add it.
//!
//! Found out after the answer, and only where the event will be written. Nobody is served by it.

use ringfence_provision::vendor::{self, Guess};
use serde_json::{Map, Value, json};

use crate::phone::event::Event;
use crate::store::unknown::Sighting;

/// A phone that is no device, as far as its request tells.
#[derive(Debug)]
pub(super) struct Stranger {
    mac: String,
    guess: Guess,
}

impl Event {
    /// Writes into the event what the request suggests, if it may be that of a phone which nobody has
    /// added. Whether the MAC is a device's is looked up when it is written.
    pub(super) fn look_at_stranger(&mut self) {
        let is_stranger = self.outcome == "refused"
            && self.record.device.is_none()
            && self.reason.may_be_unknown_phone();
        let Some(path) = self.path.as_deref().filter(|_| is_stranger) else {
            return;
        };
        let guess = vendor::guess(&self.user_agent, path);
        if !guess.is_empty() {
            self.detail = Some(with_guess(self.detail.take(), &guess));
        }
        // What the name says comes before what the phone says.
        if let Some(mac) = self.record.mac.or(guess.mac) {
            let mac = mac.upper();
            self.stranger = Some(Stranger { mac, guess });
        }
    }

    /// What is to be recorded of it, with the event.
    pub(super) fn sighting<'a>(&'a self, tenant_id: &'a str, at: u64) -> Option<Sighting<'a>> {
        let Stranger { mac, guess } = self.stranger.as_ref()?;
        Some(Sighting {
            tenant_id,
            mac,
            vendor: guess.vendor,
            family: guess.family.map(|family| family.as_str()),
            model: guess.model.as_deref(),
            firmware: guess.firmware.as_deref(),
            is_plausible: is_plausible(guess, mac),
            at,
            address: &self.address,
            country: &self.country,
            user_agent: &self.user_agent,
            path: self.path.as_deref().unwrap_or_default(),
        })
    }
}

/// Whether it calls itself a phone, and not one with another MAC.
fn is_plausible(guess: &Guess, mac: &str) -> bool {
    guess.vendor.is_some() && guess.mac.is_none_or(|own| own.upper() == mac)
}

/// The event's `detail`, with a guess in it.
fn with_guess(detail: Option<String>, guess: &Guess) -> String {
    let detail = detail.and_then(|text| ringfence_json::from_str(&text).ok());
    let mut members = match detail {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.insert("guess".into(), json!(guess));
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use crate::phone::event::stranger::*;

    #[test]
    fn guess_detail_format_unchanged() {
        let guess = vendor::guess("Panasonic_KX-UT113/01.133 (0080f0c8c381)", "");
        assert_eq!(
            with_guess(None, &guess),
            r#"{"guess":{"family":"ut","firmware":"01.133","mac":"0080F0C8C381","model":"KX-UT113","vendor":"Panasonic"}}"#
        );
        assert_eq!(
            with_guess(Some(r#"{"expected":"x"}"#.into()), &Guess::default()),
            r#"{"expected":"x","guess":{}}"#
        );
    }

    #[test]
    fn one_that_names_another_mac_is_no_phone() {
        let guess = vendor::guess("Panasonic_KX-UT113/01.133 (0080f0c8c381)", "");
        assert!(is_plausible(&guess, "0080F0C8C381"));
        assert!(!is_plausible(&guess, "0080F0C8C382"));
        assert!(!is_plausible(&Guess::default(), "0080F0C8C381"));
        let without = vendor::guess("Panasonic_KX-UT113/01.133", "");
        assert!(is_plausible(&without, "0080F0C8C382"));
    }
}
