//! Phones that asked and are no devices of the tenant: a list, and one call to add one of them.
//!
//! What they say of themselves is no proof of anything, so it is shown, and filled in where an operator adds
//! the device and says nothing else. A phone gets nothing before that.

use ringfence_api::answer::{CreatedRevised, Done, Revised, Shown};
use ringfence_api::changing::{About, ChangeQuery, TrialQuery};
use ringfence_api::devices::fleet::WithDoubles;
use ringfence_api::devices::unknown::{AdoptInput, GuessView, UnknownView};
use ringfence_api::devices::{DeviceInput, SeenView};
use ringfence_api::page::{Page, PageQuery};
use ringfence_provision::family::Family;
use serde_json::json;

use crate::api::devices::{TAKEN_MAC, add, around, fleet, revised};
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::valid;
use crate::http::problem::Problem;
use crate::store::models;
use crate::store::unknown::{self, UnknownRow};

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
    call: Call<ChangeQuery, AdoptInput>,
) -> Result<CreatedRevised<WithDoubles>, Failure> {
    let mac = call.mac()?.upper();
    let found = around(&call, &mac, call.body.site.as_deref()).await?;
    if found.device.is_some() {
        return Err(Problem::conflict(TAKEN_MAC).into());
    }
    let phone = phone(&call, &mac).await?;
    let said = call.body.model.as_deref();
    let model = chosen(said, phone.model.as_deref())?;
    let family = phone.family.as_deref().and_then(Family::parse);
    let family = family.filter(|_| said.is_none_or(|said| phone.model.as_deref() == Some(said)));
    // The tenant may have the model as a label has it, or as the file that phones ask for.
    let alike = match said {
        Some(_) => None,
        None => models::alike(&call.app.db, &found.tenant.id, &model, None).await?,
    };
    let input = DeviceInput {
        model: alike.unwrap_or(model),
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
pub async fn dismiss(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let tenant = call.tenant().await?;
    let row = phone(&call, &call.mac()?.upper()).await?;
    call.tried_saying(
        About::Removed,
        "The phone is taken off the list, and is there again when it asks again. The phone gets nothing either way.",
    )?;
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
fn chosen(said: Option<&str>, guessed: Option<&str>) -> Result<String, Problem> {
    if let Some(model) = said {
        return Ok(model.to_owned());
    }
    let model = guessed.ok_or_else(|| {
        Problem::invalid_value("The phone does not say which model it is: say `model`.")
    })?;
    // Some write blanks into it, which no name of a file may have.
    let model = model.replace(' ', "-");
    valid::model(&model).map_err(|_| {
        Problem::invalid_value(
            "What the phone calls itself (`guess.model` in the list) is no name of a model: say `model`, as its files are to be named, 1 to 32 letters, digits, `.`, `_` and `-`.",
        )
    })?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::devices::unknown::*;

    #[test]
    fn what_an_operator_says_comes_before_what_the_phone_says() {
        assert_eq!(chosen(Some("A"), Some("B")).unwrap(), "A");
        assert_eq!(chosen(None, Some("B")).unwrap(), "B");
        assert_eq!(chosen(None, Some("N870 IP PRO")).unwrap(), "N870-IP-PRO");
        for guessed in [None, Some("X6U+"), Some("0080F0C571EB")] {
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
