//! Profiles: written, listed, removed.

use std::io::IsTerminal as _;

use serde_json::json;

use crate::client;
use crate::failure::Failure;
use crate::given::Given;
use crate::output::Output;
use crate::profile::{self, Profile};
use crate::secret;
use crate::table::List;

/// `profiles list`.
///
/// # Errors
/// The file cannot be read.
pub fn list(output: Output, _: &Given<'_>) -> Result<(), Failure> {
    let profiles = profile::load(&profile::path())?;
    let mut list = List::new(
        output,
        &[
            ("NAME", "name"),
            ("DEFAULT", "default"),
            ("URL", "url"),
            ("TENANT", "tenant"),
            ("TOKEN", "token"),
        ],
    );
    for (name, profile) in &profiles.profiles {
        list.page(&[json!({
            "name": name,
            "default": profiles.default.as_ref() == Some(name),
            "url": profile.url,
            "tenant": profile.tenant,
            "token": profile.token_place(),
        })])?;
    }
    list.end(false)
}

/// `profiles add`.
///
/// # Errors
/// The URL is none, or the file cannot be written.
pub fn add(output: Output, given: &Given<'_>) -> Result<(), Failure> {
    let path = profile::path();
    let mut profiles = profile::load(&path)?;
    let name = given.required("name")?;
    let url = given.text("global-url").ok_or_else(|| {
        Failure::Usage("name the installation: --url https://phones.operator.example.".to_owned())
    })?;
    let token_from = given.text("token_from").map(str::to_owned);
    if token_from
        .as_deref()
        .is_some_and(|it| !secret::is_reference(it))
    {
        return Err(Failure::Usage(
            "--token-from says where the token is: env:VARIABLE, file:PATH or command:LINE."
                .to_owned(),
        ));
    }
    let token = match token_from {
        Some(_) => None,
        None => {
            if std::io::stdin().is_terminal() {
                output.remark("Paste the token, then Enter and Ctrl-D.");
            }
            Some(secret::read("-")?.expose().to_owned())
        }
    };
    let tenant = given.text("global-tenant").map(str::to_owned);
    let profile = Profile::new(client::base(url)?, tenant, token, token_from);
    profiles.profiles.insert(name.to_owned(), profile);
    if given.flag("as_default") || profiles.profiles.len() == 1 {
        profiles.default = Some(name.to_owned());
    }
    profile::save(&path, &profiles)?;
    output.remark(&format!("{} has the profile {name}.", path.display()));
    Ok(())
}

/// `profiles use`.
///
/// # Errors
/// There is none of that name, or the file cannot be written.
pub fn use_(output: Output, given: &Given<'_>) -> Result<(), Failure> {
    let path = profile::path();
    let mut profiles = profile::load(&path)?;
    let name = given.required("name")?;
    if !profiles.profiles.contains_key(name) {
        return Err(missing(name));
    }
    profiles.default = Some(name.to_owned());
    profile::save(&path, &profiles)?;
    output.remark(&format!("Commands that name no profile take {name}."));
    Ok(())
}

/// `profiles remove`.
///
/// # Errors
/// There is none of that name, or the file cannot be written.
pub fn remove(output: Output, given: &Given<'_>) -> Result<(), Failure> {
    let path = profile::path();
    let mut profiles = profile::load(&path)?;
    let name = given.required("name")?;
    if profiles.profiles.remove(name).is_none() {
        return Err(missing(name));
    }
    if profiles.default.as_deref() == Some(name) {
        profiles.default = None;
    }
    profile::save(&path, &profiles)?;
    output.remark("The profile is removed. The token of the profile still works: `ringfence tokens remove` ends a token.");
    Ok(())
}

fn missing(name: &str) -> Failure {
    Failure::Usage(format!(
        "there is no profile {name}. `ringfence profiles list` shows them."
    ))
}
