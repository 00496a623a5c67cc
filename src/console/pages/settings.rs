//! Settings of a layer, and templates.

use ringfence_console::data::{Listed, Model, Settings, Site, Template, Word};
use ringfence_console::href;
use ringfence_console::lists::tenancy as lists;
use ringfence_console::marks;
use ringfence_console::problem::Problem;
use ringfence_console::settings::{self as page, body, read, rows};
use ringfence_console::shell::Shell;
use ringfence_console::text::EN;
use serde_json::{Value, json};

use crate::console::page::PageResult;
use crate::console::pages::{history, tenancy};
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// A layer: its title, and the last part of its path in the API and here.
struct Layer {
    title: String,
    below: String,
}

impl Layer {
    fn new(folder: &str, name: &str) -> Self {
        let below = match folder {
            "" => String::new(),
            folder => format!("/{folder}{}", href::path([name])),
        };
        let title = match name {
            "" => EN.settings.to_owned(),
            name => format!("{}: {name}", EN.settings),
        };
        Self { title, below }
    }

    fn api(&self, visit: &Visit) -> String {
        visit.of_tenant(&format!("{}/settings", self.below))
    }

    /// The page of the layer.
    fn page(&self, visit: &Visit) -> String {
        let below = format!("{}/settings", self.below);
        href::tenant(visit.tenant_id(), below.trim_start_matches('/'))
    }
}

macro_rules! layers {
    ($($show:ident $save:ident $reveal:ident = $folder:literal $param:literal;)*) => {
        $(
            /// Shows the settings of a layer.
            pub async fn $show(visit: Visit) -> PageResult {
                show(&visit, &Layer::new($folder, visit.param($param)), false).await
            }

            /// Writes them.
            pub async fn $save(visit: Visit) -> PageResult {
                save(&visit, &Layer::new($folder, visit.param($param))).await
            }

            /// Shows them with their secrets; the API writes down who looked.
            pub async fn $reveal(visit: Visit) -> PageResult {
                show(&visit, &Layer::new($folder, visit.param($param)), true).await
            }
        )*
    };
}
layers! {
    of_tenant save_tenant reveal_tenant = "" "";
    of_site save_site reveal_site = "sites" "site";
    of_model save_model reveal_model = "models" "model";
    of_device save_device reveal_device = "devices" "mac";
}

/// The settings that mean the same for all phones: those that the device's family knows, or all of them.
async fn words(visit: &Visit) -> Result<Vec<Word>, Problem> {
    if !visit.viewer.write {
        return Ok(Vec::new());
    }
    let list: Listed<Word> = visit.get("/vocabulary", &[]).await?;
    let mut words = list.items;
    if let Some(family) = family(visit).await? {
        words.retain(|word| word.families.contains_key(&family));
    }
    Ok(words)
}

/// The family of the phones that a layer is of, if it is one.
async fn family(visit: &Visit) -> Result<Option<String>, Problem> {
    let folder = match (visit.param("mac"), visit.param("model")) {
        ("", "") => return Ok(None),
        ("", model) => href::path(["models", model]),
        (mac, _) => href::path(["devices", mac]),
    };
    let owner: Model = visit.get(&visit.of_tenant(&folder), &[]).await?;
    Ok(Some(owner.family))
}

/// What a page of settings shows besides what is stored.
struct SettingsPage<'a> {
    rows: &'a [page::Row],
    revision: u64,
    revealed: bool,
    dry: Option<&'a Value>,
    problem: Option<Problem>,
}

/// A page of settings, below the page of what they are of. A site is known by its name.
async fn layer_shell(visit: &Visit, layer: &Layer) -> Result<Shell, Problem> {
    let (tenant, mac) = (visit.tenant_id(), visit.param("mac"));
    if !mac.is_empty() {
        let shell = visit.tenant_shell(&layer.title).await?;
        return Ok(shell.below(mac, href::device(tenant, mac, "")));
    }
    if visit.param("site").is_empty() {
        return visit.tenant_shell(&layer.title).await;
    }
    let site: Site = visit.get(&visit.of_tenant(&layer.below), &[]).await?;
    let title = format!("{}: {}", EN.settings, site.name);
    visit.tenant_shell(&title).await
}

async fn layer_page(visit: &Visit, layer: &Layer, shown: SettingsPage<'_>) -> PageResult {
    let shell = layer_shell(visit, layer).await?;
    let status = shown.problem.as_ref().map_or(200, |problem| problem.status);
    let history = format!("history{}/settings", layer.below);
    let of = page::Layer {
        at: &layer.page(visit),
        history: &href::tenant(visit.tenant_id(), &history),
        rows: shown.rows,
        revision: &shown.revision.to_string(),
        words: &words(visit).await?,
        revealed: shown.revealed,
        typed: history::typed(visit),
        dry: shown.dry,
        problem: shown.problem,
    };
    Ok(Reply::refused(status, page::page(shell, &visit.viewer, of)))
}

async fn show(visit: &Visit, layer: &Layer, reveal: bool) -> PageResult {
    let query: &[_] = if reveal { &[("reveal", "true")] } else { &[] };
    let settings: Settings = visit.get(&layer.api(visit), query).await?;
    let shown = SettingsPage {
        rows: &rows(&settings),
        revision: settings.revision,
        revealed: reveal,
        dry: None,
        problem: None,
    };
    layer_page(visit, layer, shown).await
}

async fn save(visit: &Visit, layer: &Layer) -> PageResult {
    let typed = read(visit.form.all());
    let (dry, problem) = match history::change(visit, "PUT", &layer.api(visit), body(&typed)).await
    {
        Ok(None) => return Ok(Reply::see(&format!("{}?done=saved", layer.page(visit)))),
        Ok(dry) => (dry, None),
        Err(problem) => (None, Some(problem)),
    };
    let now: Settings = visit.get(&layer.api(visit), &[]).await?;
    // What was only tried is saved against what it was tried on.
    let seen = visit.form.get("if_match").parse().ok();
    let shown = SettingsPage {
        rows: &typed,
        revision: seen.filter(|_| problem.is_none()).unwrap_or(now.revision),
        revealed: false,
        dry: dry.as_ref(),
        problem,
    };
    layer_page(visit, layer, shown).await
}

/// The templates; with a family in the address, the one that was asked for.
pub async fn templates(visit: Visit) -> PageResult {
    let query = &visit.query;
    if let (Some(kind), Some(family)) = (query.filled("kind"), query.filled("family")) {
        let model = query
            .filled("model")
            .map(|model| href::path([model]))
            .unwrap_or_default();
        let to = format!("templates{}{model}", href::path([kind, family]));
        return Ok(Reply::see(&href::tenant(visit.tenant_id(), &to)));
    }
    let shell = visit.tenant_shell(EN.templates).await?;
    let list: Listed<Template> = visit.get(&visit.of_tenant("/templates"), &[]).await?;
    let families = tenancy::families(&visit).await?;
    let page = lists::templates(
        shell,
        &visit.viewer,
        visit.tenant_id(),
        &list,
        &families,
        visit.now(),
    );
    Ok(Reply::page(page))
}

/// The last part of a template's path, in the API and here.
fn place(visit: &Visit) -> String {
    let model = match visit.param("model") {
        "" => String::new(),
        model => href::path([model]),
    };
    format!(
        "/templates{}{model}",
        href::path([visit.param("kind"), visit.param("family")])
    )
}

fn title(visit: &Visit) -> String {
    format!(
        "{}: {} {} {}",
        EN.template,
        visit.param("kind"),
        visit.param("family"),
        visit.param("model")
    )
    .trim_end()
    .to_owned()
}

async fn template_page(
    visit: &Visit,
    template: &Template,
    dry: Option<&Value>,
    problem: Option<Problem>,
) -> PageResult {
    let shell = visit.tenant_shell(&title(visit)).await?;
    let status = problem.as_ref().map_or(200, |problem| problem.status);
    let history = format!("history{}", place(visit));
    let of = page::OfTemplate {
        at: &visit.path,
        history: &href::tenant(visit.tenant_id(), &history),
        template,
        typed: history::typed(visit),
        dry,
        problem,
    };
    Ok(Reply::refused(
        status,
        page::template(shell, &visit.viewer, of),
    ))
}

/// One template.
pub async fn template(visit: Visit) -> PageResult {
    let template: Template = visit.get(&visit.of_tenant(&place(&visit)), &[]).await?;
    template_page(&visit, &template, None, None).await
}

/// Writes it, or says what that would change; for the editor, what would be wrong with it.
pub async fn save_template(visit: Visit) -> PageResult {
    let path = visit.of_tenant(&place(&visit));
    // A browser sends line ends as CRLF.
    let source = visit.form.get("source").replace("\r\n", "\n");
    if visit.form.get("typing") == "true" {
        return Ok(Reply::json(marked(&visit, &path, &source).await));
    }
    let body = json!({ "source": source });
    let (dry, problem) = match history::change(&visit, "PUT", &path, body).await {
        Ok(None) => return Ok(Reply::see(&format!("{}?done=saved", visit.path))),
        Ok(dry) => (dry, None),
        Err(problem) => (None, Some(problem)),
    };
    let now: Template = visit.get(&path, &[]).await?;
    let seen = visit.form.get("if_match").parse().ok();
    let kept = Template {
        revision: seen.filter(|_| problem.is_none()).unwrap_or(now.revision),
        source,
        ..now
    };
    template_page(&visit, &kept, dry.as_ref(), problem).await
}

/// What is wrong with a template that has not been saved, by a trial of its save.
async fn marked(visit: &Visit, path: &str, source: &str) -> Value {
    let tried = visit
        .send_with::<Value>(
            "PUT",
            path,
            &[("dry_run", "true")],
            Some(json!({ "source": source })),
        )
        .await;
    let found = match &tried {
        Ok(trial) => marks::of_trial(trial),
        Err(problem) => marks::of_problem(problem),
    };
    json!({ "marks": marks::json(&found) })
}
