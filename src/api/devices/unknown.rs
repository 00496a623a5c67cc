//! Phones that asked and are no devices of the tenant: a list, and one call to add one of them.
//!
//! What they say of themselves is no proof of anything, so it is shown, and filled in where an operator adds
//! the device and says nothing else. A phone gets nothing before that.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::devices::fleet::{self, WithDoubles};
use crate::api::devices::{DeviceInput, SeenView, TAKEN_MAC, add, around, revised};
use crate::api::request::answer::{CreatedRevised, Done, Revised, Shown};
use crate::api::request::call::{Call, Context, Nothing};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::{Page, PageQuery, PageWindow};
use crate::api::request::valid;
use crate::http::problem::Problem;
use crate::store::unknown::{self, UnknownRow};

/// What an operator decides about a phone that becomes a device. What is left out is filled in from what the
/// phone says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AdoptInput {
    /// The model, as the phone writes it, with its regional suffix; left out, it is the guessed one. A model that
    /// the tenant does not have yet is added if its name suggests its family, as when a device is added.
    pub model: Option<String>,
    /// Id of a site.
    pub site: Option<String>,
    /// For people; at most 100 characters.
    pub label: String,
    /// The settings of the device's layer, as in `PUT …/settings`.
    #[cfg_attr(test, schemars(with = "Option<BTreeMap<String, serde_json::Value>>"))]
    pub settings: Option<BTreeMap<String, serde_json::Value>>,
}

/// A phone that asked and is no device of the tenant. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnknownView {
    /// The MAC address: twelve upper-case hexadecimal digits.
    pub mac: String,
    /// What the phone says of itself; no proof.
    pub guess: GuessView,
    /// How many requests there were, as far as their events had room.
    pub times: u64,
    /// The time of the first request, in Unix milliseconds.
    pub first_seen_at: u64,
    /// Who asked last, and when.
    pub last_seen: SeenView,
    /// The name that the last request asked for: what stands behind the access path, without a query, made
    /// fit to be read.
    pub path: String,
}

/// What User-Agent and name of a file suggest about a phone. Whoever asks writes them as it likes.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GuessView {
    /// The vendor whose phones call themselves so; null if it does not call itself a phone.
    pub vendor: Option<String>,
    /// The family that reads files of that phone; null where it is not known, or there is none.
    pub family: Option<Family>,
    /// The model, as the phone writes it.
    pub model: Option<String>,
    /// The version of the phone's firmware.
    pub firmware: Option<String>,
}

impl From<UnknownRow> for UnknownView {
    fn from(row: UnknownRow) -> Self {
        Self {
            mac: row.mac,
            guess: GuessView {
                vendor: row.vendor,
                family: row.family.as_deref().and_then(Family::parse),
                model: row.model,
                firmware: row.firmware,
            },
            times: row.times,
            first_seen_at: row.first_at,
            last_seen: SeenView {
                at: row.last_at,
                address: Some(row.address),
                user_agent: Some(row.user_agent),
                country: Some(row.country).filter(|it| !it.is_empty()),
            },
            path: row.path,
        }
    }
}

/// `listUnknown`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<UnknownView>>, Problem> {
    let tenant = call.tenant().await?;
    let window: PageWindow<2> = PageWindow::new(call.query.limit, call.query.cursor.as_deref())?;
    let after = window.after.as_ref();
    let after = after.map(|[at, mac]| (at.parse().unwrap_or_default(), mac.as_str()));
    let rows = unknown::list(&call.app.db, &tenant.id, after, window.rows()).await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.last_at.to_string(), row.mac.clone()],
        UnknownView::from,
    )))
}

/// `adoptUnknown`. It is the way on which any device is added.
pub async fn adopt(
    call: Call<Nothing, AdoptInput>,
) -> Result<CreatedRevised<WithDoubles>, Failure> {
    let mac = call.mac()?.upper();
    let found = around(&call, &mac, call.body.site.as_deref()).await?;
    if found.device.is_some() {
        return Err(Problem::conflict(TAKEN_MAC).into());
    }
    let phone = phone(&call, &mac).await?;
    let model = chosen(call.body.model.as_deref(), phone.model.as_deref())?;
    let family = phone.family.as_deref().and_then(Family::parse);
    let family = family.filter(|_| phone.model.as_deref() == Some(model));
    let input = DeviceInput {
        model: model.to_owned(),
        site: call.body.site.clone(),
        label: call.body.label.clone(),
        settings: call.body.settings.clone(),
    };
    let (row, checked) = add(&call, &found, mac, &input, family).await?;
    let Revised(mut view, revision) = revised(row, call.app.now);
    view.checked = Some(checked);
    let view = fleet::with_doubles(&call, &found.tenant.id, view).await?;
    Ok(CreatedRevised(view, revision))
}

/// `dismissUnknown`.
pub async fn dismiss(call: Call) -> Result<Done, Failure> {
    let tenant = call.tenant().await?;
    let row = phone(&call, &call.mac()?.upper()).await?;
    let before = json!({ "vendor": row.vendor, "model": row.model, "times": row.times });
    let object = format!("unknown/{}", row.mac);
    let entry = call.entry("unknown.dismiss", object, Some(before), None);
    unknown::dismiss(&call.app.db, &tenant.id, &row.mac, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    Ok(Done)
}

async fn phone(call: &Context, mac: &str) -> Result<UnknownRow, Problem> {
    unknown::find(&call.app.db, call.param("tenant"), mac)
        .await?
        .ok_or_else(|| Problem::not_found("unknown phone"))
}

/// The model that a device gets: as an operator says, or else as the phone does.
fn chosen<'a>(said: Option<&'a str>, guessed: Option<&'a str>) -> Result<&'a str, Problem> {
    if let Some(model) = said {
        return Ok(model);
    }
    let model = guessed.ok_or_else(|| {
        Problem::invalid_value("The phone does not say which model it is: say `model`.")
    })?;
    // Some write blanks into it, which no name of a file may have.
    valid::model(model).map_err(|_| {
        Problem::invalid_value(
            "What the phone calls itself (`guess.model` in the list) is no name of a model: say `model`, as its files are to be named, 1 to 32 letters, digits, `.`, `_` and `-`.",
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::devices::unknown::*;

    #[test]
    fn what_an_operator_says_comes_before_what_the_phone_says() {
        assert_eq!(chosen(Some("A"), Some("B")).unwrap(), "A");
        assert_eq!(chosen(None, Some("B")).unwrap(), "B");
        for guessed in [None, Some("X6U Pro"), Some("0080F0C571EB")] {
            let problem = chosen(None, guessed).unwrap_err();
            assert_eq!(problem.status(), 422);
            assert!(problem.detail.contains("say `model`"));
        }
    }

    #[test]
    fn unknown_json_format_unchanged() {
        let row: UnknownRow = serde_json::from_value(json!({
            "mac": "0080F0C8C381", "vendor": "Panasonic", "family": "ut", "model": "KX-UT113",
            "firmware": "01.133", "times": 3, "first_at": 1, "last_at": 2, "address": "192.0.2.7",
            "country": "DE", "user_agent": "Panasonic_KX-UT113/01.133 (0080f0c8c381)",
            "path": "Config0080F0C8C381.cfg",
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_string(&UnknownView::from(row)).unwrap(),
            r#"{"mac":"0080F0C8C381","guess":{"vendor":"Panasonic","family":"ut","model":"KX-UT113","firmware":"01.133"},"times":3,"first_seen_at":1,"last_seen":{"at":2,"address":"192.0.2.7","user_agent":"Panasonic_KX-UT113/01.133 (0080f0c8c381)","country":"DE"},"path":"Config0080F0C8C381.cfg"}"#
        );
    }
}
