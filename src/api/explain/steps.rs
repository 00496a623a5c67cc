//! What was found at each step.

use ringfence_api::devices::unknown::GuessView;
use ringfence_api::explain::{
    AccessPathDetails, CopyDetails, Details, DeviceDetails, FormDetails, HostDetails,
    MethodDetails, NameDetails, StepId, StepOutcome, StepView, ThrottleDetails, TransportDetails,
};
use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::url_template::shown;
use serde_json::Value;

use super::around::{Around, shown_mac};
use super::words::{self, Circumstances};
use crate::api::devices::view::device_view;
use crate::api::request::token::Token;
use crate::files::names::CERTIFICATES;
use crate::model::published::PublishedTenant;
use crate::phone::Reason;
use crate::phone::explain::Explained;
use crate::throttle::{self, Guessed};

/// What makes the steps.
pub struct Finder<'a> {
    pub explained: &'a Explained,
    pub around: &'a Around,
    pub token: &'a Token,
    /// Unix milliseconds.
    pub now: u64,
}

/// What stands behind the access path, fit to be read.
pub fn shown_path(explained: &Explained) -> String {
    let request = &explained.request;
    shown(&request.path, &request.access_path)
}

/// What is said of a step, before it is known how it ended.
struct Said {
    step: StepId,
    message: String,
    details: Option<Details>,
    /// Where it is not told by the step at which the request ended.
    outcome: Option<StepOutcome>,
}

impl Said {
    fn new(step: StepId, message: impl Into<String>, details: Details) -> Self {
        Self {
            step,
            message: message.into(),
            details: Some(details),
            outcome: None,
        }
    }

    /// Of a step to which it did not come.
    fn nothing(step: StepId) -> Self {
        Self {
            step,
            message: "The request did not come to this step.".to_owned(),
            details: None,
            outcome: Some(StepOutcome::Skipped),
        }
    }

    fn with(self, outcome: Option<StepOutcome>) -> Self {
        Self { outcome, ..self }
    }
}

impl Finder<'_> {
    /// The steps, in the order in which a request passes them.
    pub fn steps(&self, method: &str) -> Vec<StepView> {
        let tenant = self.tenant();
        let mut said = vec![self.throttle(), self.access_path()];
        match tenant {
            None => said.extend(
                [
                    StepId::Host,
                    StepId::Method,
                    StepId::Name,
                    StepId::Transport,
                    StepId::Device,
                    StepId::Key,
                    StepId::Form,
                    StepId::Copy,
                    StepId::File,
                ]
                .map(Said::nothing),
            ),
            Some(tenant) => said.extend([
                self.host(tenant),
                self.method(method),
                self.name(),
                self.transport(tenant),
                self.device(),
                self.key(),
                self.form(),
                self.copy(),
                self.file(),
            ]),
        }
        let failed = self.failed_at();
        said.into_iter()
            .map(|said| finished(said, failed))
            .collect()
    }

    fn reason(&self) -> Reason {
        self.explained.reason()
    }

    fn failed_at(&self) -> Option<StepId> {
        let facts = &self.explained.facts;
        let tenant = self.tenant();
        let circumstances = Circumstances {
            tenant_is_known: tenant.is_some(),
            is_expired: tenant.is_some_and(|tenant| tenant.is_expired(self.now)),
            file_has_owner: facts.inputs.is_some(),
        };
        words::failed_at(self.reason(), circumstances)
    }

    fn tenant(&self) -> Option<&PublishedTenant> {
        let (known, _) = self.explained.facts.tenant.as_ref()?;
        Some(&known.tenant)
    }

    /// The family of the phone in question.
    fn family(&self) -> Option<Family> {
        let of_device = self.around.device.as_ref().map(|device| device.family);
        let inputs = self.explained.facts.inputs.as_ref();
        of_device.or_else(|| inputs.map(|inputs| inputs.family))
    }

    /// Whether the name is one that phones of the family take for something else.
    fn is_forbidden(&self) -> bool {
        let path = &self.explained.request.path;
        self.family()
            .is_some_and(|family| family.spec().forbids(path))
    }

    /// The model in the name; where a URL was put together twice, that may be the access path.
    fn model_in_name(&self) -> Option<String> {
        let named = self.explained.facts.named.as_ref()?;
        let model = named.model.as_ref()?;
        Some(self.explained.without_access_path(model))
    }

    fn throttle(&self) -> Said {
        let address = &self.explained.request.caller.address;
        let is_throttled = throttle::is_barred(Guessed::AccessPath, address, self.now);
        let keeps_out = is_throttled && self.reason() == Reason::UnknownAccessPath;
        let message = match (address.is_empty(), is_throttled) {
            (true, _) => "No address is known, so no throttle is either.",
            (_, true) => {
                "Too many wrong access paths came from this address: for up to a minute only what KV knows is answered here."
            }
            (_, false) => "The address is not throttled here.",
        };
        let details = Details::Throttle(ThrottleDetails { is_throttled });
        Said::new(StepId::Throttle, message, details).with(Some(match is_throttled {
            _ if keeps_out => StepOutcome::Failed,
            true => StepOutcome::Information,
            false => StepOutcome::Passed,
        }))
    }

    fn access_path(&self) -> Said {
        let step = StepId::AccessPath;
        let Some((known, in_kv)) = &self.explained.facts.tenant else {
            let message = match self.reason() {
                Reason::NoAccessPath => "The URL has no access path in front of a name.",
                Reason::Storage => "Neither KV nor D1 told whose access path it is.",
                _ => "No access path like this one is known.",
            };
            return Said {
                step,
                message: message.to_owned(),
                details: None,
                outcome: None,
            };
        };
        let tenant = &known.tenant;
        let row = self.around.access_path.as_ref();
        let label = row.map(|row| row.label.clone());
        let d1_version = self.around.tenant.as_ref().map(|tenant| tenant.version);
        let kv_version = in_kv.then_some(tenant.version);
        let details = AccessPathDetails {
            tenant: tenant.tenant.clone(),
            id: row.map(|row| row.id.clone()).or(tenant.access_path.clone()),
            expires_at: tenant.expires_at,
            is_expired: tenant.is_expired(self.now),
            target: tenant.target.clone(),
            in_kv: *in_kv,
            kv_version,
            d1_version,
            label: label.clone(),
        };
        let named = match label.as_deref() {
            Some("") | None => "The access path is one of the tenant".to_owned(),
            Some(label) => format!("The access path is the tenant's, “{label}”"),
        };
        let message = if details.is_expired {
            format!("{named}, and its time is over.")
        } else if row.is_none() {
            format!("{named} that D1 does not have any more: KV has not heard of it yet.")
        } else if kv_version.zip(d1_version).is_some_and(|(kv, d1)| kv < d1) {
            format!("{named}; KV still has the tenant as it was before the last change.")
        } else {
            format!("{named}.")
        };
        Said::new(step, message, Details::AccessPath(details))
    }

    fn host(&self, tenant: &PublishedTenant) -> Said {
        let host = self.explained.request.caller.host.clone();
        let message = match &tenant.hostname {
            None => "The tenant is bound to no host: whatever leads here will do.".to_owned(),
            Some(bound) if tenant.answers_on(&host) => {
                format!("The tenant is bound to {bound}, and was asked there.")
            }
            Some(bound) => format!("The tenant is bound to {bound}, and was asked somewhere else."),
        };
        let bound_to = tenant.hostname.clone();
        Said::new(
            StepId::Host,
            message,
            Details::Host(HostDetails { host, bound_to }),
        )
    }

    fn method(&self, method: &str) -> Said {
        let message = match method {
            "GET" => "The request is a GET.",
            "HEAD" => "The request is a HEAD: it hears what a GET would, and consumes nothing.",
            _ => "Phones fetch files by GET or HEAD.",
        };
        let method = method.to_owned();
        Said::new(
            StepId::Method,
            message,
            Details::Method(MethodDetails { method }),
        )
    }

    fn name(&self) -> Said {
        if self.failed_at().is_some_and(|failed| failed < StepId::Name) {
            return Said::nothing(StepId::Name);
        }
        let facts = &self.explained.facts;
        let record = &self.explained.event.record;
        let path = &self.explained.request.path;
        let names = facts
            .tenant
            .as_ref()
            .and_then(|(known, _)| known.table.as_ref());
        let named = facts.named.as_ref();
        let families = named
            .zip(names)
            .and_then(|(named, names)| names.families_at(path, named.kind, named.form));
        let detail = self.explained.detail().unwrap_or_default();
        let expected = detail
            .get("expected")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let also = detail.get("also").and_then(Value::as_array);
        let also = also.into_iter().flatten().filter_map(Value::as_str);
        let differs = expected.iter().map(|_| self.reason().as_str()).chain(also);
        let certificate = path.strip_prefix(CERTIFICATES);
        let details = NameDetails {
            kind: named.map(|named| named.kind),
            form: named.map(|named| named.form),
            mac: shown_mac(record.mac),
            model: self.model_in_name(),
            families,
            certificate: certificate.map(|_| shown_path(self.explained)),
            differs: differs.map(str::to_owned).collect(),
            expected,
        };
        let message = match (named, &details.expected) {
            (_, Some(expected)) => format!("The name is nearly {expected}, and not quite."),
            (Some(named), None) => format!(
                "The name asks for the {} file, {}.",
                named.kind.as_str(),
                named.form.as_str()
            ),
            (None, None) if certificate.is_some() => "The name asks for a certificate.".to_owned(),
            (None, None) => "No name of the tenant fits, and none is near.".to_owned(),
        };
        Said::new(StepId::Name, message, Details::Name(details))
    }

    fn transport(&self, tenant: &PublishedTenant) -> Said {
        let tls = self.explained.request.caller.tls;
        let sealed_over_http = tenant.options.sealed_over_http;
        let message = match tls {
            true => "The request comes over HTTPS.",
            false if self.reason() == Reason::NotTls => {
                "The request comes over plain HTTP, over which this file does not go out."
            }
            false => "The request comes over plain HTTP.",
        };
        let details = TransportDetails {
            tls,
            sealed_over_http,
        };
        Said::new(StepId::Transport, message, Details::Transport(details))
    }

    fn device(&self) -> Said {
        let facts = &self.explained.facts;
        let named = facts.named.as_ref();
        let device = self.around.device.as_ref();
        let detail = self.explained.detail().unwrap_or_default();
        let guess = detail.get("guess").map(guess_view);
        let forwarded_to = facts.forward.as_ref().map(|forward| &forward.target_id);
        let model = self
            .model_in_name()
            .or_else(|| facts.inputs.as_ref().map(|inputs| inputs.model.clone()));
        let details = DeviceDetails {
            mac: shown_mac(self.explained.event.record.mac),
            model: model.filter(|_| device.is_none()),
            family: self.family(),
            guess,
            is_forwarded: forwarded_to.is_some(),
            forwarded_to: forwarded_to.filter(|id| self.token.sees(id)).cloned(),
            device: device.map(|row| device_view(row.clone(), self.now)),
        };
        let message = match device {
            Some(device) if device.disabled != 0 => {
                format!(
                    "The MAC is that of the device {}, which is out of service.",
                    device.mac
                )
            }
            Some(device) => format!(
                "The MAC is that of the device {}, a {}.",
                device.mac, device.model
            ),
            None if details.is_forwarded => {
                "The device went to another tenant, which sends its phone on.".to_owned()
            }
            None => self.ownerless(&details),
        };
        let nothing_to_tell = details.mac.is_none() && details.family.is_none() && named.is_none();
        let said = Said::new(StepId::Device, message, Details::Device(Box::new(details)));
        // A certificate, for example, is for whoever asks.
        said.with(nothing_to_tell.then_some(StepOutcome::Skipped))
    }

    /// What is said of a file that is no device's.
    fn ownerless(&self, details: &DeviceDetails) -> String {
        if let Some(mac) = &details.mac {
            let probably = details
                .guess
                .as_ref()
                .and_then(|guess| guess.vendor.as_ref());
            return match probably {
                Some(vendor) => format!(
                    "No device of the tenant has the MAC {mac}; by what it says of itself it is a phone of {vendor}."
                ),
                None => format!("No device of the tenant has the MAC {mac}."),
            };
        }
        match (self.reason(), details.family) {
            (Reason::UnknownModel, _) => "The tenant has no such model.".to_owned(),
            (Reason::NoFamily, _) => {
                "The name tells neither device nor model, and no family, or more than one, could get this file."
                    .to_owned()
            }
            (_, Some(family)) => format!("The file is one for all phones of the family {}.", family.as_str()),
            (_, None) => "The request names no device and no model.".to_owned(),
        }
    }

    fn key(&self) -> Said {
        let Some(device) = &self.around.device else {
            return Said::nothing(StepId::Key);
        };
        let view = device_view(device.clone(), self.now).key;
        let state = device.key_state.as_str();
        let named = self.explained.facts.named.as_ref();
        let decides = device.profile.is_some()
            && named.is_some_and(|named| {
                named.kind == FileKind::Standard || named.form == Form::Sealed
            });
        let message = if device.profile.is_none() {
            "Files of this device are not sealed: its key decides nothing.".to_owned()
        } else if view.bootstrap_waits {
            format!("The key is {state}: its bootstrap waits for the phone.")
        } else {
            match view
                .last_taken_by
                .as_ref()
                .and_then(|by| by.address.as_ref())
                .filter(|address| !address.is_empty())
            {
                Some(address) => {
                    format!("The key is {state}; its bootstrap was last taken from {address}.")
                }
                None => format!("The key is {state}."),
            }
        };
        let outcome = (!decides).then_some(StepOutcome::Information);
        Said::new(StepId::Key, message, Details::Key(view)).with(outcome)
    }

    fn form(&self) -> Said {
        let Some(named) = &self.explained.facts.named else {
            return Said::nothing(StepId::Form);
        };
        let device = self.around.device.as_ref();
        let details = FormDetails {
            asked: named.form,
            served: words::served(self.reason()),
            family: self.family(),
            profile: device.and_then(|device| device.profile.clone()),
        };
        let message = match (self.reason(), details.served) {
            (Reason::WrongForm, _) => {
                "This phone does not get this file in the form that the name asks for.".to_owned()
            }
            (Reason::NoSuchPath, _) if self.is_forbidden() => {
                "Phones of this family take what is at this name for something else than their file, so nothing is ever there."
                    .to_owned()
            }
            (Reason::NoSuchPath, _) => {
                "The name is one by which phones of another family ask.".to_owned()
            }
            (_, Some("bootstrap")) => {
                "The bootstrap goes out: the plain file with the key, once.".to_owned()
            }
            (Reason::SealedAtPlainName, _) => {
                "The bootstrap is gone, so the sealed file goes out at the plain name.".to_owned()
            }
            (_, Some(served)) => format!("The {served} file goes out."),
            (_, None) => format!("The name asks for the {} form.", named.form.as_str()),
        };
        Said::new(StepId::Form, message, Details::Form(details))
    }

    fn copy(&self) -> Said {
        let facts = &self.explained.facts;
        let served = words::served(self.reason());
        let copy = facts.copies.last();
        let last_good = matches!(
            self.reason(),
            Reason::SealedLastGood | Reason::SharedLastGood
        );
        let from_kv = facts.came_from_kv || last_good;
        if copy.is_none() && self.around.version.is_none() {
            return Said::nothing(StepId::Copy);
        }
        let device = self.around.device.as_ref();
        let key_is_gone = copy.zip(device).is_some_and(|(copy, device)| {
            copy.form == Form::Sealed
                && (copy.meta.generation != device.generation || copy.meta.device != device.id)
        });
        let kv_version = copy.map(|copy| copy.meta.version);
        let d1_version = self.around.version;
        let is_stale = key_is_gone || kv_version.zip(d1_version).is_some_and(|(kv, d1)| kv < d1);
        let details = CopyDetails {
            served_from: served.map(|_| if from_kv { "kv" } else { "d1" }),
            kv_version,
            d1_version,
            is_stale,
        };
        let message = match (copy, details.served_from, is_stale) {
            (_, Some("kv"), true) if last_good => {
                "The last good file goes out of KV, for the present one cannot be made."
            }
            (_, Some("kv"), true) => {
                "The file goes out of KV, where it is older than in D1: KV may be a minute behind."
            }
            (_, Some("kv"), false) => "The file goes out of KV, and is the latest.",
            (Some(_), Some(_), true) => {
                "KV has an older file, which is passed over: it is made anew."
            }
            (_, Some(_), _) => "The file is made anew from what D1 has.",
            (Some(_), None, true) => "KV has an older file.",
            (Some(_), None, false) => "KV has the latest file.",
            (None, None, _) => "KV has no file for this request.",
        };
        let outcome = served.is_none().then_some(StepOutcome::Information);
        Said::new(StepId::Copy, message, Details::Copy(details)).with(outcome)
    }

    fn file(&self) -> Said {
        let reason = self.reason();
        let Some(details) = &self.around.file else {
            return match reason {
                Reason::NoCertificate => Said {
                    step: StepId::File,
                    message: "The tenant has no certificate of that name.".to_owned(),
                    details: None,
                    outcome: Some(StepOutcome::Failed),
                },
                Reason::Certificate | Reason::Forwarded => Said {
                    step: StepId::File,
                    message: "The file goes out as it is.".to_owned(),
                    details: None,
                    outcome: Some(StepOutcome::Passed),
                },
                Reason::Storage | Reason::FileNotMade => Said {
                    step: StepId::File,
                    message: "The file cannot be made now: the verdict says why.".to_owned(),
                    details: None,
                    outcome: None,
                },
                _ => Said::nothing(StepId::File),
            };
        };
        let errors = details.findings.iter().filter(|it| it.is_error()).count();
        let is_broken = details.error.is_some() || errors > 0;
        let message = match &details.error {
            Some(error) => format!("The file cannot be rendered: {error}."),
            None if errors > 0 => format!("The file does not pass its lint: errors: {errors}."),
            None if details.findings.is_empty() => "The file passes its lint.".to_owned(),
            None => format!(
                "The file passes its lint, with warnings: {}.",
                details.findings.len()
            ),
        };
        let served = words::served(reason).is_some();
        let outcome = match (is_broken, served) {
            (true, _) => Some(StepOutcome::Failed),
            (false, true) => Some(StepOutcome::Passed),
            (false, false) => None,
        };
        Said::new(StepId::File, message, Details::File(details.clone())).with(outcome)
    }
}

/// A step with how it ended: what comes before the one at which the request ended was passed.
fn finished(said: Said, failed: Option<StepId>) -> StepView {
    let Said {
        step,
        message,
        details,
        outcome,
    } = said;
    let outcome = outcome.unwrap_or(match failed {
        None => StepOutcome::Passed,
        Some(failed) if step == failed => StepOutcome::Failed,
        Some(failed) if step < failed => StepOutcome::Passed,
        Some(_) if details.is_some() => StepOutcome::Information,
        Some(_) => StepOutcome::Skipped,
    });
    StepView {
        step,
        outcome,
        message,
        details: details.filter(|_| outcome != StepOutcome::Skipped),
    }
}

/// A guess as it stands in the detail of an event.
fn guess_view(guess: &Value) -> GuessView {
    let text = |member: &str| guess.get(member).and_then(Value::as_str).map(str::to_owned);
    GuessView {
        vendor: text("vendor"),
        family: text("family").as_deref().and_then(Family::parse),
        model: text("model"),
        firmware: text("firmware"),
    }
}

#[cfg(test)]
mod tests {
    use crate::api::explain::steps::*;

    fn outcome(step: StepId, failed: Option<StepId>, told: bool) -> StepOutcome {
        let details = told.then(|| {
            Details::Method(MethodDetails {
                method: "GET".into(),
            })
        });
        let said = Said {
            step,
            message: String::new(),
            details,
            outcome: None,
        };
        finished(said, failed).outcome
    }

    #[test]
    fn what_comes_before_the_end_was_passed_and_what_comes_after_is_told_or_skipped() {
        let failed = Some(StepId::Device);
        assert_eq!(outcome(StepId::Name, failed, true), StepOutcome::Passed);
        assert_eq!(outcome(StepId::Device, failed, true), StepOutcome::Failed);
        assert_eq!(
            outcome(StepId::File, failed, true),
            StepOutcome::Information
        );
        assert_eq!(outcome(StepId::File, failed, false), StepOutcome::Skipped);
        assert_eq!(outcome(StepId::File, None, true), StepOutcome::Passed);
    }

    #[test]
    fn a_guess_is_read_from_the_detail_of_an_event() {
        let view = guess_view(&serde_json::json!({"vendor": "Panasonic", "family": "ut"}));
        assert_eq!(view.vendor.as_deref(), Some("Panasonic"));
        assert_eq!(view.family.map(Family::as_str), Some("ut"));
        assert_eq!(view.model, None);
    }
}
