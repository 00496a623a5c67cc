//! `phone`: a phone of any family, without the phone.
//!
//! It asks by the names of its family in their order, reads its files by the family's syntax, finds its key where the
//! family has it, opens what is sealed with it, and says step by step what it asked and what it got. What a family
//! does is data of `ringfence-provision`; sealed files are opened by that crate, which the Worker does not seal with.

mod boot;
mod listen;
mod load;

use ringfence_provision::family::Family;
use ringfence_provision::mac::Mac;
use ringfence_provision::secret::SecretString;
use serde_json::{Value, json};

use crate::client;
use crate::failure::Failure;
use crate::given::Given;
use crate::output::{Format, Output};
use crate::profile::write_private;
use crate::secret;
use crate::table;
use boot::{Phone, Step};

/// `phone`.
///
/// # Errors
/// The phone has no file in the end, or the command is not as it must be.
pub fn phone(output: Output, given: &Given<'_>) -> Result<(), Failure> {
    let mac = Mac::parse(given.required("mac")?).map_err(|error| {
        Failure::Usage(format!(
            "--mac: {error}. Write it as 0080F0C571EB or 00:80:F0:C5:71:EB."
        ))
    })?;
    let model = given.required("model")?;
    let base = base(given.required("url")?)?;
    let mut phone = Phone::new(&base, mac, model, family(given, model)?);
    if let Some(agent) = given.text("user_agent") {
        agent.clone_into(&mut phone.user_agent);
    }
    if let Some(count) = given.number("count")? {
        if ["notify", "keep", "save"]
            .iter()
            .any(|it| given.text(it).is_some())
        {
            return Err(Failure::Usage(
                "--count is a check of load: leave out --notify, --keep and --save.".to_owned(),
            ));
        }
        let at_once = given.number("at_once")?;
        return load::run(output, &phone, count, at_once);
    }
    if let Some(path) = given.text("keep") {
        phone.remember(path.as_ref())?;
    }
    let agent = client::agent(base.starts_with("https:"));
    let mut steps = Vec::new();
    let mut say = |step: &Step| -> Result<(), Failure> {
        steps.push(step.json());
        match output.format {
            Format::People if !output.quiet => output.line(&step.line()),
            _ => Ok(()),
        }
    };
    phone.boot(&agent, &mut say)?;
    if let Some(path) = given.text("keep") {
        phone.keep(path.as_ref())?;
    }
    if let Some(folder) = given.text("save") {
        save(&phone, folder)?;
    }
    summary(output, &phone, &steps)?;
    verdict(&phone)?;
    match given.text("notify") {
        None => Ok(()),
        Some(address) => {
            let length = given.seconds("for")?;
            listen::listen(output, &mut phone, &agent, address, length)
        }
    }
}

fn summary(output: Output, phone: &Phone, steps: &[Value]) -> Result<(), Failure> {
    match output.format {
        Format::Json => table::json(
            output,
            &json!({"mac": phone.mac.upper(), "family": phone.family.as_str(), "has_file": phone.has_file(),
                "has_key": phone.has_key(), "opened_sealed": phone.has_opened, "steps": steps}),
        ),
        Format::Csv => {
            let mut list = table::List::new(
                output,
                &[
                    ("NAME", "name"),
                    ("STATUS", "status"),
                    ("BYTES", "bytes"),
                    ("WHAT", "what"),
                ],
            );
            list.page(steps)?;
            list.end(false)
        }
        Format::People => Ok(()),
    }
}

fn verdict(phone: &Phone) -> Result<(), Failure> {
    if !phone.has_file() {
        return Err(Failure::Unfinished(format!(
            "{} has no file in the end. `ringfence events --device {}` says why each request ended so.",
            phone.mac.upper(),
            phone.mac.upper()
        )));
    }
    Ok(())
}

/// Writes what it got, opened, for the owner alone: there are passwords in it.
fn save(phone: &Phone, folder: &str) -> Result<(), Failure> {
    for (name, bytes) in &phone.files {
        let flat = name.replace(['/', '\\'], "_");
        write_private(&std::path::Path::new(folder).join(flat), bytes)?;
    }
    Ok(())
}

fn family(given: &Given<'_>, model: &str) -> Result<Family, Failure> {
    let known = || {
        let all: Vec<&str> = Family::ALL.iter().map(|family| family.as_str()).collect();
        all.join(", ")
    };
    match given.text("family") {
        Some(word) => Family::parse(word)
            .ok_or_else(|| Failure::Usage(format!("--family is one of {}.", known()))),
        None => Family::guess(model).ok_or_else(|| {
            Failure::Usage(format!(
                "the model {model} does not tell its family: --family is one of {}.",
                known()
            ))
        }),
    }
}

/// The provisioning URL, without a slash at its end. Its path is as good as a password, so it may come by standard
/// input or by reference.
fn base(text: &str) -> Result<String, Failure> {
    let text = match text == "-" || secret::is_reference(text) {
        true => secret::read(text)?,
        false => SecretString::new(text),
    };
    let url = text.expose().trim().trim_end_matches('/').to_owned();
    let parsed: Option<ureq::http::Uri> = url.parse().ok();
    let is_fit = parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.query().is_none()
            && uri.host().is_some()
    });
    match is_fit {
        true => Ok(url),
        false => Err(Failure::Usage(
            "the provisioning URL is what `ringfence access-paths create` shows: https://phones.operator.example/SEGMENT/."
                .to_owned(),
        )),
    }
}
