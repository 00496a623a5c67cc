//! One change of many devices: picked, asked for, confirmed, followed.

use ringfence_console::data::{Listed, Read as _, Tenant};
use ringfence_console::href;
use ringfence_console::lists::operations::{self as page, Became, Picked};
use ringfence_console::part::{Field, Form, Page};
use ringfence_console::problem::Problem;
use ringfence_console::text::EN;
use ringfence_console::trial;
use ringfence_provision::mac::Mac;
use serde_json::{Value, json};

use crate::console::page::PageResult;
use crate::console::pages::choices::{models, sites};
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// How many of the lines that are no MACs are named at most.
const MAX_NAMED: usize = 20;

/// The most characters that are shown of a line that is no MAC.
const MAX_LINE: usize = 40;

/// What is carried from one form to the next.
const CARRIED: &[&str] = &[
    "macs", "all", "query", "verb", "restart", "model", "site", "name", "value", "secret", "names",
    "tenant",
];

/// The operations.
pub async fn list(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.operations).await?;
    let query = visit.query.only(&["cursor"]);
    let list: Value = visit.get(&visit.of_tenant("/operations"), &query).await?;
    let tenant = visit.tenant_id();
    let page = page::page(shell, &visit.viewer, tenant, &list, visit.now());
    Ok(Reply::page(page))
}

/// One of them, with what became of its devices.
pub async fn one(visit: Visit) -> PageResult {
    let path = visit.of_tenant(&format!(
        "/operations{}",
        href::path([visit.param("operation")])
    ));
    let operation: Value = visit.get(&path, &[]).await?;
    let only = visit.query.get("outcome");
    let query = visit.query.only(&["outcome", "cursor"]);
    let devices: Value = visit.get(&format!("{path}/devices"), &query).await?;
    let page = page::one(
        visit.tenant_shell(EN.operation).await?,
        &visit.viewer,
        visit.tenant_id(),
        &operation,
        Became {
            devices: &devices,
            only,
        },
        &visit.whose([operation.text("token")]).await?,
        visit.now(),
    );
    Ok(Reply::page(page))
}

/// What a form picks: MACs that were pasted or carried along, and those that are ticked.
pub fn picked(visit: &Visit) -> Picked {
    let form = &visit.form;
    let mut macs: Vec<&str> = form.get("macs").lines().map(str::trim).collect();
    macs.retain(|line| !line.is_empty());
    let typed: std::collections::BTreeSet<&str> = macs.iter().copied().collect();
    macs.extend(form.every("mac").filter(|mac| !typed.contains(mac)));
    Picked {
        macs: macs.join("\n"),
        all: form.is_ticked("all"),
        query: form.get("query").to_owned(),
        verb: form.get("verb").to_owned(),
    }
}

/// The MACs in a text, or the lines that are none.
fn read(text: &str) -> Result<Vec<Mac>, Vec<String>> {
    let (mut macs, mut bad) = (Vec::new(), Vec::new());
    let parts = text.split(['\n', ',', ';', '\t', ' ']).map(str::trim);
    for part in parts.filter(|part| !part.is_empty()) {
        match Mac::parse(part) {
            Ok(mac) => macs.push(mac),
            Err(error) if bad.len() < MAX_NAMED => {
                let shown: String = part.chars().take(MAX_LINE).collect();
                bad.push(format!("{shown}: {error}"));
            }
            Err(_) => {}
        }
    }
    if bad.is_empty() { Ok(macs) } else { Err(bad) }
}

/// The selection as the API takes it.
fn selection(picked: &Picked) -> Result<Value, Problem> {
    if picked.all {
        return Ok(json!({ "query": picked.query }));
    }
    let macs = read(&picked.macs).map_err(|findings| Problem {
        findings,
        ..Problem::new(422, EN.bad_macs, EN.bad_macs_detail)
    })?;
    if macs.is_empty() {
        return Err(Problem::new(422, EN.cannot_read, EN.nothing_selected));
    }
    let macs: Vec<String> = macs.into_iter().map(Mac::upper).collect();
    Ok(json!({ "macs": macs }))
}

/// What is done to each device, as the API takes it.
fn action(visit: &Visit) -> Value {
    let form = &visit.form;
    match form.get("verb") {
        "notify" => json!({ "notify": { "restart": form.is_ticked("restart") } }),
        "change" => {
            let mut input = serde_json::Map::new();
            let model = form.filled("model");
            input.extend(model.map(|model| ("model".to_owned(), model.into())));
            if form.get("site") != "keep" {
                input.insert("site".into(), form.filled("site").into());
            }
            json!({ "change": input })
        }
        "set" => {
            let value = form.get("value");
            let value = match form.is_ticked("secret") {
                true => json!({ "secret": value }),
                false => json!(value),
            };
            json!({ "set": { "settings": { form.get("name").trim(): value } } })
        }
        "unset" => {
            let names = form.get("names").split([',', '\n', ' ']).map(str::trim);
            let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
            json!({ "unset": { "names": names } })
        }
        "move" => json!({ "move": { "tenant": form.get("tenant") } }),
        other => json!(other),
    }
}

/// The form that picks, without a list beside it.
pub async fn new(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.change_many).await?;
    let form = page::pick(visit.tenant_id(), &visit.viewer, &Picked::default());
    Ok(Reply::page(Page::new(shell).with(form)))
}

/// What the verb needs to know, or, where that is known, what would happen.
pub async fn ask(visit: Visit) -> PageResult {
    let picked = picked(&visit);
    let selected = match selection(&picked) {
        Ok(selected) => selected,
        Err(problem) => return again(&visit, &picked, problem).await,
    };
    let inputs = inputs(&visit).await?;
    let is_answered = visit.form.get("step") == "inputs";
    if !inputs.is_empty() && !is_answered {
        return Ok(Reply::page(
            inputs_page(&visit, &picked, inputs, None).await?,
        ));
    }
    let body = json!({ "selection": selected, "action": action(&visit) });
    let dry = [("dry_run", "true")];
    let path = visit.of_tenant("/operations");
    match visit
        .send_with::<Value>("POST", &path, &dry, Some(body))
        .await
    {
        Ok(dry) => Ok(Reply::page(
            confirm_page(&visit, &picked, &inputs, &dry).await?,
        )),
        Err(problem) if inputs.is_empty() => again(&visit, &picked, problem).await,
        Err(problem) => {
            let status = problem.status;
            let page = inputs_page(&visit, &picked, inputs, Some(problem)).await?;
            Ok(Reply::refused(status, page))
        }
    }
}

async fn again(visit: &Visit, picked: &Picked, problem: Problem) -> PageResult {
    let status = problem.status;
    let shell = visit.tenant_shell(EN.change_many).await?;
    let form = page::pick(visit.tenant_id(), &visit.viewer, picked);
    let page = Page::new(shell).with(form).with_problem(Some(problem));
    Ok(Reply::refused(status, page))
}

async fn inputs(visit: &Visit) -> Result<Vec<Field>, Problem> {
    let verb = visit.form.get("verb");
    let typed = |name: &str| visit.form.get(name).to_owned();
    let (mut kinds, mut places, mut tenants) = (Vec::new(), Vec::new(), Vec::new());
    if verb == "change" {
        let found = models(visit).await?;
        let pairs: Vec<_> = found
            .iter()
            .map(|it| (it.name.as_str(), it.name.as_str()))
            .collect();
        kinds = page::models(&pairs);
        places = sites(visit).await?;
    }
    if verb == "move" {
        let list: Listed<Tenant> = visit.get("/tenants", &[("limit", "200")]).await?;
        tenants = list.items;
        tenants.retain(|tenant| tenant.id != visit.tenant_id());
    }
    Ok(page::inputs(verb, &typed, kinds, &places, &tenants))
}

/// What was said so far, as hidden fields, but for what the form itself asks.
fn carrying(visit: &Visit, picked: &Picked, mut form: Form) -> Form {
    for name in CARRIED {
        let value = match *name {
            "macs" => picked.macs.as_str(),
            name => visit.form.get(name),
        };
        let is_asked = form.fields.iter().any(|field| field.name == *name);
        if !value.is_empty() && !is_asked {
            form = form.with(Field::hidden(name, value));
        }
    }
    form.or_back(href::tenant(visit.tenant_id(), "devices"))
}

async fn inputs_page(
    visit: &Visit,
    picked: &Picked,
    inputs: Vec<Field>,
    problem: Option<Problem>,
) -> Result<Page, Problem> {
    let mut form = Form::post(href::tenant(visit.tenant_id(), "operations/new"), EN.go_on)
        .titled(page::verb(&picked.verb))
        .with(Field::hidden("step", "inputs"));
    form.fields.extend(inputs);
    let shell = visit.tenant_shell(EN.change_many).await?;
    Ok(Page::new(shell)
        .with(carrying(visit, picked, form))
        .with_problem(problem))
}

async fn confirm_page(
    visit: &Visit,
    picked: &Picked,
    inputs: &[Field],
    dry: &Value,
) -> Result<Page, Problem> {
    let form = Form::post(href::tenant(visit.tenant_id(), "operations"), EN.confirm);
    let form = page::confirm(form, &picked.verb, &page::asked(inputs), dry);
    let shell = visit.tenant_shell(EN.change_many).await?;
    let page = Page::new(shell).with(carrying(visit, picked, form));
    Ok(trial::differences(page, dry.at("sample").list("diff")))
}

/// Starts it.
pub async fn start(visit: Visit) -> PageResult {
    let picked = picked(&visit);
    let selected = match selection(&picked) {
        Ok(selected) => selected,
        Err(problem) => return again(&visit, &picked, problem).await,
    };
    let body = json!({
        "selection": selected,
        "action": action(&visit),
        "if_unchanged": visit.form.is_ticked("if_unchanged"),
    });
    let path = visit.of_tenant("/operations");
    match visit.send::<Value>("POST", &path, Some(body)).await {
        Ok(started) => {
            let id = started.pointer("/operation/id").and_then(Value::as_str);
            let id = id.unwrap_or_default();
            let page = format!("operations{}", href::path([id]));
            let to = href::tenant(visit.tenant_id(), &page);
            Ok(Reply::see(&format!("{to}?done=started")))
        }
        Err(problem) => again(&visit, &picked, problem).await,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn macs_are_read_in_any_notation_and_bad_ones_are_named() {
        let found =
            read("0080F0C571EB\n00:80:f0:c5:71:ec, 0080.f0c5.71ed;00-80-F0-C5-71-EE\r\n").unwrap();
        let macs: Vec<String> = found.into_iter().map(Mac::upper).collect();
        assert_eq!(
            macs,
            [
                "0080F0C571EB",
                "0080F0C571EC",
                "0080F0C571ED",
                "0080F0C571EE"
            ]
        );
        let bad = read("0080F0C571EB\n0080F0C571\nfront").unwrap_err();
        let [mac, word] = &*bad else {
            panic!("{bad:?}");
        };
        assert!(mac.starts_with("0080F0C571: ") && word.starts_with("front: "));
        assert_eq!(read(&"x ".repeat(1_000)).unwrap_err().len(), MAX_NAMED);
    }
}
