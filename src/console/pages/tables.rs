//! Pages of the API's answers that are alike: a list or a few facts, and what can be done there.

use ringfence_console::data::Read as _;
use ringfence_console::href;
use ringfence_console::part::{Act, Cell, Facts, Form, List, Page, Section, Table, Tone};
use ringfence_console::text::{self, EN, count, fill};
use ringfence_console::trial;
use serde_json::{Value, json};

use crate::console::page::PageResult;
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// The tests of files, and what came of running them.
pub async fn file_tests(visit: Visit) -> PageResult {
    let at = href::tenant(visit.tenant_id(), "file-tests");
    let list: Value = visit.get(&visit.of_tenant("/file-tests"), &[]).await?;
    let shell = visit.tenant_shell(EN.file_tests).await?;
    let mut page = Page::new(shell.leading(EN.file_tests_lead));
    if visit.query.is_ticked("run") {
        let run: Value = visit.get(&visit.of_tenant("/file-test-run"), &[]).await?;
        page = page.with(run_of(&run));
        let failures = run.list("items").iter().flat_map(|it| it.list("failures"));
        let failures: Vec<String> = failures.map(trial::test).collect();
        if !failures.is_empty() {
            page = page.with(List::of(EN.test_failures, failures));
        }
    }
    let rows = list.list("items").iter().map(|test| {
        let below = |page: &str| format!("{at}{}/{page}", href::path([test.text("id")]));
        let acts = match visit.viewer.write {
            true => vec![
                Act::of(EN.edit, test.text("name"), below("edit")),
                Act::of(EN.remove, test.text("name"), below("remove")),
            ],
            false => Vec::new(),
        };
        let whose = [test.text("device"), test.text("model"), test.text("site")];
        let whose = whose.into_iter().find(|text| !text.is_empty());
        vec![
            Cell::text(test.text("name")),
            Cell::text(whose.unwrap_or(EN.any)),
            Cell::text(test.text("file")),
            Cell::code(test.text("parameter")),
            Cell::text(trial::expected(test)),
            Cell::Acts(acts),
        ]
    });
    let columns = [
        EN.test_says,
        EN.test_whose,
        EN.kind,
        EN.parameter,
        EN.expects,
        EN.actions,
    ];
    let mut table = Table::new(EN.file_tests, &columns, EN.no_file_tests)
        .with_rows(rows)
        .with_act(
            visit
                .viewer
                .write
                .then(|| Act::main(EN.add_test, format!("{at}/new"))),
        );
    if !list.list("items").is_empty() {
        table
            .acts
            .push(Act::plain(EN.run_tests, format!("{at}?run=true")));
    }
    Ok(Reply::page(page.with(table)))
}

fn run_of(run: &Value) -> Table {
    let title = fill(
        EN.test_run_of,
        &[&run.count("devices"), &run.count("devices_of_tenant")],
    );
    let rows = run.list("items").iter().map(|test| {
        let failed = test.number("failed").unwrap_or_default();
        let state = match failed {
            0 => Cell::state(Tone::Good, EN.test_met),
            number => Cell::state(Tone::Bad, count(number, EN.one_file_fails, EN.files_fail)),
        };
        vec![
            Cell::text(test.text("name")),
            state,
            Cell::text(test.count("files")),
        ]
    });
    Table::new(
        &title,
        &[EN.test_says, EN.state, EN.files],
        EN.no_file_tests,
    )
    .with_rows(rows)
}

/// The certificates.
pub async fn certificates(visit: Visit) -> PageResult {
    let at = href::tenant(visit.tenant_id(), "certificates");
    let list: Value = visit.get(&visit.of_tenant("/certificates"), &[]).await?;
    let now = visit.now();
    let rows = list.list("items").iter().map(|one| {
        let name = one.text("name");
        let acts = match visit.viewer.write {
            true => vec![Act::of(
                EN.remove,
                name,
                format!("{at}{}/remove", href::path([name])),
            )],
            false => Vec::new(),
        };
        vec![
            Cell::code(name),
            Cell::code(one.text("digest")),
            Cell::time(one.number("created_at"), now, ""),
            Cell::Acts(acts),
        ]
    });
    let columns = [EN.name, EN.digest, EN.created, EN.actions];
    let table = Table::new("", &columns, EN.no_certificates)
        .with_rows(rows)
        .with_act(
            visit
                .viewer
                .write
                .then(|| Act::main(EN.add_certificate, format!("{at}/new"))),
        );
    let shell = visit.tenant_shell(EN.certificates).await?;
    let page = Page::new(shell.leading(EN.certificates_lead)).with(table);
    Ok(Reply::page(page))
}

/// How far the tenant's phones have moved to an access path.
pub async fn target(visit: Visit) -> PageResult {
    let below = format!("access-paths{}/target", href::path([visit.param("path")]));
    let at = href::tenant(visit.tenant_id(), &below);
    let query = visit.query.only(&["cursor"]);
    let shell = visit.tenant_shell(EN.target).await?;
    let found = visit
        .get::<Value>(&visit.of_tenant(&format!("/{below}")), &query)
        .await;
    let now = visit.now();
    let target = match found {
        Ok(target) => target,
        // It is none yet: it can become one.
        Err(problem) if problem.status == 404 && visit.viewer.write => {
            let acts = vec![Act::main(EN.set_target, format!("{at}/set"))];
            let page = Page::new(shell).with(Section::Text(EN.target_does.into()));
            return Ok(Reply::page(page.with(Section::Acts(acts))));
        }
        Err(problem) => return Err(problem),
    };
    let mut facts = Facts::new("")
        .with(EN.target_since, Cell::time(target.number("since"), now, ""))
        .with(EN.target_moved, Cell::text(target.count("moved")))
        .with(EN.target_not_moved, Cell::text(target.count("not_moved")));
    if visit.viewer.write {
        facts.acts = vec![Act::plain(EN.end_target, format!("{at}/end"))];
    }
    let rows = target.list("items").iter().map(|device| {
        let mac = device.text("mac");
        vec![
            Cell::link(mac, href::device(visit.tenant_id(), mac, "")),
            Cell::text(device.text("label")),
            Cell::word(device.text("model")),
            Cell::time(device.number("last_used_at"), now, EN.never),
        ]
    });
    let columns = [EN.mac, EN.label, EN.model, EN.last_used];
    let cursor = target.text("next");
    let next = (!cursor.is_empty()).then(|| format!("{at}{}", href::query(&[("cursor", cursor)])));
    let table = Table::new(EN.target_left, &columns, EN.target_none_left)
        .with_rows(rows)
        .with_next(next);
    Ok(Reply::page(Page::new(shell).with(facts).with(table)))
}

/// The rotation of the master key, and its next step.
pub async fn rotation(visit: Visit) -> PageResult {
    let rotation: Value = visit.get("/rotation", &[]).await?;
    Ok(Reply::page(rotation_page(&visit, &rotation)))
}

/// Takes a step.
pub async fn rotate(visit: Visit) -> PageResult {
    let rotation: Value = visit.send("POST", "/rotation", Some(json!({}))).await?;
    Ok(Reply::page(rotation_page(&visit, &rotation)))
}

fn rotation_page(visit: &Visit, rotation: &Value) -> Page {
    let left = rotation.number("remaining").unwrap_or_default();
    let tone = if left == 0 { Tone::Good } else { Tone::Warn };
    let mut facts = Facts::new("")
        .with(EN.master_key, Cell::code(rotation.text("current")))
        .with(
            EN.master_key_before,
            Cell::text(match rotation.text("previous") {
                "" => EN.none,
                previous => previous,
            }),
        )
        .with(EN.rotation_remaining, Cell::state(tone, text::number(left)))
        .with(
            EN.rotation_unreadable,
            Cell::text(rotation.count("unreadable")),
        );
    if rotation.at("rewrapped").is_number() {
        facts = facts.with(EN.rotation_step, Cell::text(rotation.count("rewrapped")));
    }
    let mut page = Page::new(visit.shell(EN.rotation).leading(EN.rotation_lead)).with(facts);
    let failed = rotation.list("failed").iter().filter_map(Value::as_str);
    let failed: Vec<String> = failed.map(str::to_owned).collect();
    if !failed.is_empty() {
        page = page.with(List::of(EN.rotation_failed, failed));
    }
    if left > 0 && visit.viewer.runs_all() {
        page = page.with(Form::post("/console/rotation", EN.rotation_go).saying(EN.rotation_does));
    }
    page
}

/// Whether the database was put back, and what that undid.
pub async fn restored(visit: Visit) -> PageResult {
    let restored: Value = visit.get("/restored", &[]).await?;
    Ok(Reply::page(restored_page(&visit, &restored)))
}

/// Takes it into use.
pub async fn take(visit: Visit) -> PageResult {
    let body = json!({ "remove_all": visit.form.is_ticked("remove_all") });
    match visit.send::<Value>("POST", "/restored", Some(body)).await {
        Ok(_) => Ok(Reply::see("/console/restored?done=changed")),
        Err(problem) => {
            let restored: Value = visit.get("/restored", &[]).await?;
            let status = problem.status;
            let page = restored_page(&visit, &restored).with_problem(Some(problem));
            Ok(Reply::refused(status, page))
        }
    }
}

fn restored_page(visit: &Visit, restored: &Value) -> Page {
    let behind = restored.is("behind");
    let database = match behind {
        true => Cell::state(Tone::Bad, EN.database_behind),
        false => Cell::state(Tone::Good, EN.database_well),
    };
    let mut facts = Facts::new("")
        .with(EN.database, database)
        .with(EN.restored_stands, Cell::text(restored.count("stands_at")))
        .with(
            EN.restored_witnessed,
            Cell::text(restored.count("witnessed")),
        );
    for (label, member) in [
        (EN.tokens, "tokens"),
        (EN.access_paths, "access_paths"),
        (EN.relays, "relays"),
        (EN.tenants, "tenants"),
        (EN.restored_disabled, "disabled"),
        (EN.restored_rekey, "rekey"),
    ] {
        let number = restored.list(member).len();
        if behind && number > 0 {
            facts = facts.with(label, Cell::text(text::number(number as u64)));
        }
    }
    let mut page = Page::new(visit.shell(EN.restored).leading(EN.restored_lead)).with(facts);
    let now = visit.now();
    let rows = restored.list("steps").iter().map(|step| {
        vec![
            Cell::time(step.number("at"), now, ""),
            Cell::code(step.text("action")),
            Cell::text(step.text("object")),
        ]
    });
    if behind {
        let columns = [EN.when, EN.event, EN.object];
        page = page.with(Table::new(EN.restored_undone, &columns, EN.none).with_rows(rows));
    }
    let left = restored.number("remaining").unwrap_or_default();
    if (behind || left > 0) && visit.viewer.runs_all() {
        let all =
            ringfence_console::part::Field::check("remove_all", EN.restored_remove_all, false);
        let form = Form::post("/console/restored", EN.restored_take)
            .saying(EN.restored_does)
            .with(all)
            .dangerous();
        page = page.with(form);
    }
    page
}
