//! Tests of files: what an operator wants to be so in them. A change that breaks one is refused with it.

use ringfence_api::answer::{CreatedRevised, Done, Revised, Shown};
use ringfence_api::changing::{About, DryRun, Effect, TrialQuery};
use ringfence_api::check::TestRun;
use ringfence_api::page::Page;
use ringfence_api::tenancy::file_tests::{FileTestInput, FileTestView};
use ringfence_provision::kind::FileKind;
use serde_json::json;

use crate::api::check::candidate::Candidate;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::valid;
use crate::http::problem::Problem;
use crate::store::ChangeError;
use crate::store::file_tests::{self, FileTestRow, MAX_FILE_TESTS};

/// The longest path or name of a parameter, in bytes.
const MAX_PARAMETER: usize = 200;

/// The longest value, in bytes.
const MAX_TEST_VALUE: usize = 1_000;

impl From<FileTestRow> for FileTestView {
    fn from(row: FileTestRow) -> Self {
        Self {
            value: row.expect.has_value().then_some(row.value),
            id: row.id,
            name: row.name,
            model: row.model,
            site: row.site_id,
            device: row.mac,
            file: row.kind,
            parameter: row.parameter,
            expect: row.expect,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

const TAKEN: &[(&str, &str)] = &[(
    "file_tests.name",
    "Another test of this tenant has this name. Choose another one, or change that test.",
)];

/// `listFileTests`.
pub async fn list(call: Call) -> Result<Shown<Page<FileTestView>>, Problem> {
    let tenant = call.tenant().await?;
    let rows = file_tests::list(&call.app.db, &tenant.id).await?;
    let items = rows.into_iter().map(FileTestView::from).collect();
    Ok(Shown(Page { items, next: None }))
}

/// `createFileTest`.
pub async fn create(
    call: Call<TrialQuery, FileTestInput>,
) -> Result<CreatedRevised<FileTestView>, Failure> {
    let tenant = call.tenant().await?;
    let wanted = row(&call, call.app.new_id()).await?;
    tried(&call, &wanted).await?;
    let after = Some(audited(&wanted));
    let entry = call.entry("file_test.create", path(&wanted), None, after);
    file_tests::insert(&call.app.db, &tenant.id, &wanted, &entry)
        .await
        .map_err(|error| match error {
            ChangeError::Overtaken => Problem::conflict(format!(
                "A tenant has at most {MAX_FILE_TESTS} tests of files: remove one first."
            ))
            .into(),
            error => commit::failed(error, call.if_match, TAKEN),
        })?;
    let revision = wanted.revision;
    Ok(CreatedRevised(wanted.into(), revision))
}

/// `getFileTest`.
pub async fn show(call: Call) -> Result<Revised<FileTestView>, Problem> {
    let row = find(&call).await?;
    let revision = row.revision;
    Ok(Revised(row.into(), revision))
}

/// `putFileTest`.
pub async fn put(call: Call<TrialQuery, FileTestInput>) -> Result<Revised<FileTestView>, Failure> {
    let stored = find(&call).await?;
    call.if_match.check(stored.revision)?;
    let wanted = FileTestRow {
        revision: stored.revision,
        created_at: stored.created_at,
        ..row(&call, stored.id.clone()).await?
    };
    tried(&call, &wanted).await?;
    if audited(&stored) == audited(&wanted) {
        let revision = stored.revision;
        return Ok(Revised(stored.into(), revision));
    }
    let entry = call.entry(
        "file_test.update",
        path(&wanted),
        Some(audited(&stored)),
        Some(audited(&wanted)),
    );
    file_tests::update(&call.app.db, call.param("tenant"), &wanted, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    let revision = stored.revision + 1;
    let row = FileTestRow { revision, ..wanted };
    Ok(Revised(row.into(), revision))
}

/// `deleteFileTest`.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let row = find(&call).await?;
    call.if_match.check(row.revision)?;
    call.tried_saying(
        About::Removed,
        "The test is removed. A change that breaks what it says is refused no longer.",
    )?;
    let entry = call.entry("file_test.delete", path(&row), Some(audited(&row)), None);
    file_tests::delete(&call.app.db, call.param("tenant"), &row, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    Ok(Done)
}

/// `runFileTests`.
pub async fn run(call: Call) -> Result<Shown<TestRun>, Problem> {
    let tenant = call.tenant().await?;
    Ok(Shown(Candidate::run_tests(&call.app, &tenant).await?))
}

/// Ends a call that is only to be tried with the files that do not meet the test as they are.
async fn tried(call: &Context, wanted: &FileTestRow) -> Result<(), Failure> {
    if !call.is_trial() {
        return Ok(());
    }
    let tenant = call.tenant().await?;
    let run = Candidate::try_test(&call.app, &tenant, wanted.clone()).await?;
    let (held, failed) = run
        .items
        .first()
        .map_or((0, 0), |result| (result.files, result.failed));
    let failures = run.items.into_iter().flat_map(|result| result.failures);
    let tests = failures
        .map(|test| {
            serde_json::to_value(test).map_err(|error| Problem::internal(error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    let files = |number: u64| match number {
        1 => "1 file".to_owned(),
        number => format!("{number} files"),
    };
    let mut effects = vec![
        Effect::counted(
            About::Tests,
            held,
            format!("{} would be held to the test.", files(held)),
        ),
        Effect::counted(
            About::Tests,
            failed,
            match failed {
                0 => "Each of these meets it as it is.".to_owned(),
                _ => format!("{} of these would not meet it as they are.", files(failed)),
            },
        ),
    ];
    if held == 0 {
        effects.pop();
        effects.push(Effect::counted(
            About::Tests,
            0,
            "No phone has such a file now: the test says nothing until one has.",
        ));
    }
    call.tried(|| DryRun {
        affected: run.devices_of_tenant,
        compared: run.devices,
        tests,
        ..DryRun::of(effects)
    })
}

async fn find(call: &Context) -> Result<FileTestRow, Problem> {
    file_tests::find(&call.app.db, call.param("tenant"), call.param("test"))
        .await?
        .ok_or_else(|| Problem::not_found("test"))
}

fn path(row: &FileTestRow) -> String {
    format!("file-tests/{}", row.id)
}

fn audited(row: &FileTestRow) -> serde_json::Value {
    json!({
        "name": row.name, "model": row.model, "site": row.site_id, "device": row.mac,
        "file": row.kind, "parameter": row.parameter, "expect": row.expect,
        "value_length": row.value.len(), "value": row.expect.has_value().then_some(&row.value),
    })
}

/// The test that a body describes.
async fn row(call: &Call<TrialQuery, FileTestInput>, id: String) -> Result<FileTestRow, Problem> {
    let input = &call.body;
    check(input)?;
    if let Some(site) = &input.site {
        call.site(site).await.map_err(|_| {
            Problem::invalid_value(
                "`site` is not the id of a site of this tenant: the list of its sites has them.",
            )
        })?;
    }
    Ok(FileTestRow {
        id,
        name: input.name.clone(),
        model: input.model.clone(),
        site_id: input.site.clone(),
        mac: input.device.map(|mac| mac.upper()),
        kind: input.file,
        parameter: input.parameter.clone(),
        expect: input.expect,
        value: input.value.clone().unwrap_or_default(),
        revision: 1,
        created_at: call.app.now,
        updated_at: call.app.now,
    })
}

/// Checks what the types do not say.
fn check(input: &FileTestInput) -> Result<(), Problem> {
    valid::name("name", &input.name)?;
    input.model.as_deref().map(valid::model).transpose()?;
    let is_shared = matches!(input.file, FileKind::Product | FileKind::Master);
    if is_shared && (input.site.is_some() || input.device.is_some()) {
        return Err(Problem::invalid_value(format!(
            "The {} file is one for several phones: leave `site` and `device` out.",
            input.file.as_str()
        )));
    }
    let parameter = &input.parameter;
    let has_control = parameter.chars().any(char::is_control);
    if parameter.is_empty() || parameter.len() > MAX_PARAMETER || has_control {
        return Err(Problem::invalid_value(format!(
            "`parameter` is 1 to {MAX_PARAMETER} bytes on one line."
        )));
    }
    match (input.expect.has_value(), &input.value) {
        (true, None) => Err(Problem::invalid_value(format!(
            "`value` is what the parameter is compared with; `expect` {:?} takes one.",
            input.expect.as_str()
        ))),
        (false, Some(_)) => Err(Problem::invalid_value(format!(
            "`value`: leave it out, `expect` {:?} compares with none.",
            input.expect.as_str()
        ))),
        (true, Some(value)) if value.len() > MAX_TEST_VALUE => Err(Problem::invalid_value(
            format!("`value` is at most {MAX_TEST_VALUE} bytes long."),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::tenancy::file_tests::*;

    fn checked(change: serde_json::Value) -> Result<(), Problem> {
        let mut all = json!({
            "name": "Line 1", "file": "standard", "parameter": "SIP_1", "expect": "equals", "value": "a",
        });
        let members = all.as_object_mut().unwrap();
        members.extend(change.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        check(&serde_json::from_value(all).unwrap())
    }

    #[test]
    fn a_test_is_refused_where_it_could_not_say_anything() {
        assert!(checked(json!({})).is_ok());
        assert!(checked(json!({ "expect": "absent", "value": null })).is_ok());
        for wrong in [
            json!({ "name": " " }),
            json!({ "parameter": "" }),
            json!({ "parameter": "x".repeat(MAX_PARAMETER + 1) }),
            json!({ "value": null }),
            json!({ "expect": "present" }),
            json!({ "value": "x".repeat(MAX_TEST_VALUE + 1) }),
            json!({ "file": "master", "site": "S" }),
            json!({ "file": "product", "device": "0080F0C571EB" }),
            json!({ "model": "not a model" }),
        ] {
            assert_eq!(checked(wrong.clone()).unwrap_err().status(), 422, "{wrong}");
        }
    }

    #[test]
    fn file_test_json_format_unchanged() {
        let row: FileTestRow = serde_json::from_value(json!({
            "id": "I", "name": "N", "model": "M", "site_id": null, "mac": null, "kind": "standard",
            "parameter": "P", "expect": "absent", "value": "", "revision": 2, "created_at": 1,
            "updated_at": 3,
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_string(&FileTestView::from(row)).unwrap(),
            r#"{"id":"I","name":"N","model":"M","site":null,"device":null,"file":"standard","parameter":"P","expect":"absent","value":null,"revision":2,"created_at":1,"updated_at":3}"#
        );
    }
}
