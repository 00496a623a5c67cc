//! Sites.

use ringfence_api::answer::{CreatedRevised, Done, Revised, Shown};
use ringfence_api::changing::{About, ChangeQuery};
use ringfence_api::page::{Page, PageQuery};
use ringfence_api::tenancy::sites::{SiteInput, SiteView};
use serde_json::json;

use crate::api::request::call::Call;
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::valid;
use crate::http::problem::Problem;
use crate::store::devices;
use crate::store::sites::{self, SiteRow};

impl From<SiteRow> for SiteView {
    fn from(row: SiteRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

const TAKEN: &[(&str, &str)] = &[(
    "sites.name",
    "Another site of this tenant has this name. Choose another one, or change that site.",
)];

/// `listSites`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<SiteView>>, Problem> {
    let tenant = call.tenant().await?;
    let window = PageWindow::of(&call.query)?;
    let rows = sites::list(&call.app.db, &tenant.id, window.after_text(), window.rows()).await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        SiteView::from,
    )))
}

/// `createSite`.
pub async fn create(
    call: Call<ChangeQuery, SiteInput>,
) -> Result<CreatedRevised<SiteView>, Failure> {
    let tenant = call.tenant().await?;
    let name = valid::name("name", &call.body.name)?;
    call.tried_saying(
        About::Added,
        "A site is added. No file becomes another: devices are put to it one by one or together.",
    )?;
    let id = call.app.new_id();
    let entry = call.entry(
        "site.create",
        format!("sites/{id}"),
        None,
        Some(json!({ "name": name })),
    );
    sites::insert(&call.app.db, &tenant.id, &id, name, call.app.now, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    let row = call.site(&id).await?;
    let revision = row.revision;
    Ok(CreatedRevised(row.into(), revision))
}

/// `getSite`.
pub async fn show(call: Call) -> Result<Revised<SiteView>, Problem> {
    let row = call.site(call.param("site")).await?;
    let revision = row.revision;
    Ok(Revised(row.into(), revision))
}

/// `putSite`.
pub async fn put(call: Call<ChangeQuery, SiteInput>) -> Result<Revised<SiteView>, Failure> {
    let name = valid::name("name", &call.body.name)?;
    let row = call.site(call.param("site")).await?;
    call.if_match.check(row.revision)?;
    call.tried_saying(
        About::Replaced,
        "The site has another name from then on. No file becomes another.",
    )?;
    if row.name == name {
        let revision = row.revision;
        return Ok(Revised(row.into(), revision));
    }
    let entry = call.entry(
        "site.update",
        format!("sites/{}", row.id),
        Some(json!({ "name": row.name })),
        Some(json!({ "name": name })),
    );
    sites::rename(
        &call.app.db,
        call.param("tenant"),
        &row,
        name,
        call.app.now,
        &entry,
    )
    .await
    .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    let row = call.site(&row.id).await?;
    let revision = row.revision;
    Ok(Revised(row.into(), revision))
}

/// `deleteSite`.
pub async fn delete(call: Call<ChangeQuery>) -> Result<Done, Failure> {
    let row = call.site(call.param("site")).await?;
    call.if_match.check(row.revision)?;
    if call.is_trial() {
        let devices = devices::at_site(&call.app.db, call.param("tenant"), &row.id).await?;
        if devices > 0 {
            return Err(Problem::conflict(format!(
                "The site still has devices ({devices}). Put them to another site, or to none, first."
            ))
            .into());
        }
        call.tried_saying(
            About::Removed,
            "The site is removed with the settings of its layer. The site has no devices, so no file becomes another.",
        )?;
    }
    let entry = call.entry(
        "site.delete",
        format!("sites/{}", row.id),
        Some(json!({ "name": row.name })),
        None,
    );
    sites::delete(&call.app.db, call.param("tenant"), &row, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    Ok(Done)
}
