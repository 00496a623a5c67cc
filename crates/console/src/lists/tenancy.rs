//! What a tenant has besides devices: access paths, sites, models, templates; and the tenants themselves.

use crate::data::{AccessPath, Family, Listed, Model, Site, Template, Tenant};
use crate::href;
use crate::lint;
use crate::lists::next;
use crate::part::{Act, Cell, Field, Form, Page, Section, Table, Tone};
use crate::shell::{Shell, Viewer};
use crate::text::{self, EN};
use crate::time::Moment;

/// Tenants.
pub fn tenants(shell: Shell, viewer: &Viewer, list: &Listed<Tenant>, now: u64) -> Page {
    let table = Table::new(
        "",
        &[EN.name, EN.hostname, EN.id, EN.created],
        EN.no_tenants,
    )
    .with_rows(list.items.iter().map(|tenant| {
        vec![
            Cell::link(&tenant.name, href::tenant(&tenant.id, "")),
            Cell::text(tenant.hostname.clone().unwrap_or_default()),
            Cell::code(&tenant.id),
            Cell::time(Some(tenant.created_at), now, ""),
        ]
    }))
    .with_next(next("/console/tenants", &[], list.next.as_ref()))
    .with_act(
        viewer
            .runs_all()
            .then(|| Act::main(EN.add_tenant, "/console/tenants/new")),
    );
    Page::new(shell).with(table)
}

/// The form of a tenant; a new one has no id.
pub fn tenant_form(action: &str, tenant: &Tenant, back: &str) -> Form {
    let options = match &tenant.options {
        serde_json::Value::Null => "{}".to_owned(),
        options => serde_json::to_string_pretty(options).unwrap_or_default(),
    };
    let area = Field::new(
        crate::part::Kind::Area(16),
        "options",
        EN.options,
        options.as_str(),
    );
    Form::post(action, EN.save)
        .with(Field::hidden("if_match", tenant.revision.to_string()))
        .with(Field::line("name", EN.name, &tenant.name).required())
        .with(
            Field::line(
                "hostname",
                EN.hostname,
                tenant.hostname.clone().unwrap_or_default(),
            )
            .hinting(EN.hostname_hint),
        )
        .grouping(
            EN.options,
            vec![area.hinting(EN.options_hint)],
            !tenant.id.is_empty() || !matches!(options.as_str(), "{}"),
        )
        .or_back(back)
}

/// Access paths of a tenant.
pub fn access_paths(
    shell: Shell,
    viewer: &Viewer,
    tenant: &str,
    list: &Listed<AccessPath>,
    now: u64,
) -> Page {
    let at = href::tenant(tenant, "access-paths");
    let columns = [
        EN.label,
        EN.state,
        EN.last_used,
        EN.devices_7d,
        EN.created,
        EN.actions,
    ];
    let rows = list.items.iter().map(|path| {
        let state = match (path.expires_at, path.target_since) {
            (Some(end), _) if end <= now => Cell::state(Tone::Quiet, EN.expired),
            (Some(end), _) => Cell::Until {
                tone: Tone::Good,
                text: EN.open_until.into(),
                moment: Moment::new(end, now),
            },
            (_, Some(_)) => Cell::state(Tone::Good, EN.is_target),
            _ => Cell::state(Tone::Good, EN.open),
        };
        let name = if path.label.is_empty() {
            &path.id
        } else {
            &path.label
        };
        let below = |page: &str| format!("{at}{}/{page}", href::path([&path.id]));
        let mut acts = Vec::new();
        if viewer.write || path.target_since.is_some() {
            let words = match path.target_since {
                Some(_) => EN.target_goes,
                None => EN.target_short,
            };
            acts.push(Act::of(words, name, below("target")));
        }
        if viewer.write {
            acts.push(Act::of(EN.edit, name, below("edit")));
            acts.push(Act::of(EN.remove, name, below("remove")));
        }
        vec![
            Cell::text(name),
            state,
            Cell::time(path.last_used_at, now, EN.never),
            Cell::text(text::number(path.devices_7d)),
            Cell::time(Some(path.created_at), now, ""),
            Cell::Acts(acts),
        ]
    });
    let table = Table::new("", &columns, EN.no_access_paths)
        .with_rows(rows)
        .with_next(next(&at, &[], list.next.as_ref()))
        .with_act(
            viewer
                .write
                .then(|| Act::main(EN.add_access_path, format!("{at}/new"))),
        );
    Page::new(shell).with(table)
}

/// Sites of a tenant.
pub fn sites(shell: Shell, viewer: &Viewer, tenant: &str, list: &Listed<Site>, now: u64) -> Page {
    let at = href::tenant(tenant, "sites");
    let rows = list.items.iter().map(|site| {
        let below = |page: &str| format!("{at}{}/{page}", href::path([&site.id]));
        let devices = format!(
            "{}{}",
            href::tenant(tenant, "devices"),
            href::query(&[("site", &site.id)])
        );
        let mut acts = vec![
            Act::of(EN.devices, &site.name, devices),
            Act::of(EN.settings, &site.name, below("settings")),
        ];
        if viewer.write {
            acts.push(Act::of(EN.edit, &site.name, below("edit")));
        }
        if viewer.runs_all() {
            acts.push(Act::of(EN.pool, &site.name, below("pool")));
        }
        if viewer.write {
            acts.push(Act::of(EN.remove, &site.name, below("remove")));
        }
        vec![
            Cell::text(&site.name),
            Cell::time(Some(site.updated_at), now, ""),
            Cell::Acts(acts),
        ]
    });
    let table = Table::new("", &[EN.name, EN.changed, EN.actions], EN.no_sites)
        .with_rows(rows)
        .with_next(next(&at, &[], list.next.as_ref()))
        .with_act(
            viewer
                .write
                .then(|| Act::main(EN.add_site, format!("{at}/new"))),
        );
    Page::new(shell).with(table)
}

/// Models of a tenant.
pub fn models(shell: Shell, viewer: &Viewer, tenant: &str, list: &Listed<Model>, now: u64) -> Page {
    let at = href::tenant(tenant, "models");
    let rows = list.items.iter().map(|model| {
        let below = |page: &str| format!("{at}{}/{page}", href::path([&model.name]));
        let devices = format!(
            "{}{}",
            href::tenant(tenant, "devices"),
            href::query(&[("model", &model.name)])
        );
        let mut acts = vec![
            Act::of(EN.devices, &model.name, devices),
            Act::of(EN.settings, &model.name, below("settings")),
        ];
        if viewer.write {
            acts.push(Act::of(EN.edit, &model.name, below("edit")));
            acts.push(Act::of(EN.remove, &model.name, below("remove")));
        }
        vec![
            Cell::word(&model.name),
            Cell::code(&model.family),
            Cell::text(sealing(
                model.profile.as_deref(),
                model.profile_grade.as_deref(),
            )),
            Cell::time(Some(model.updated_at), now, ""),
            Cell::Acts(acts),
        ]
    });
    let table = Table::new(
        "",
        &[EN.name, EN.family, EN.sealing, EN.changed, EN.actions],
        EN.no_models,
    )
    .with_rows(rows)
    .with_next(next(&at, &[], list.next.as_ref()))
    .with_act(
        viewer
            .write
            .then(|| Act::main(EN.add_model, format!("{at}/new"))),
    );
    Page::new(shell).with(table)
}

/// How a model's files are sealed, and how good that is.
pub fn sealing(profile: Option<&str>, grade: Option<&str>) -> String {
    match (profile, grade) {
        (None, _) => EN.not_sealed.to_owned(),
        (Some(profile), None) => profile.to_owned(),
        (Some(profile), Some(grade)) => format!("{profile} ({grade})"),
    }
}

/// The form of a model.
pub fn model_form(
    action: &str,
    model: &Model,
    families: &[Family],
    is_new: bool,
    back: &str,
) -> Form {
    let kinds: Vec<_> = families
        .iter()
        .map(|family| {
            (
                family.family.clone(),
                format!("{} ({})", family.phones, family.family),
            )
        })
        .collect();
    let mut profiles = vec![
        ("default".to_owned(), EN.default_profile.to_owned()),
        (String::new(), EN.not_sealed.to_owned()),
    ];
    let mut all: Vec<&String> = families
        .iter()
        .flat_map(|family| &family.profiles)
        .collect();
    all.sort_unstable();
    all.dedup();
    profiles.extend(
        all.into_iter()
            .map(|profile| (profile.clone(), profile.clone())),
    );
    let profile = match (is_new, &model.profile) {
        (true, None) => "default".to_owned(),
        (_, profile) => profile.clone().unwrap_or_default(),
    };
    let mut form = Form::post(action, EN.save).or_back(back);
    if is_new {
        form = form.with(
            Field::line("name", EN.name, &model.name)
                .hinting(EN.model_hint)
                .required(),
        );
    } else {
        form = form.with(Field::hidden("if_match", model.revision.to_string()));
    }
    form.with(Field::select("family", EN.family, kinds, &model.family))
        .with(Field::select("profile", EN.sealing, profiles, profile).hinting(EN.sealing_hint))
}

/// Templates of a tenant.
pub fn templates(
    shell: Shell,
    viewer: &Viewer,
    tenant: &str,
    list: &Listed<Template>,
    families: &[Family],
    now: u64,
) -> Page {
    let at = href::tenant(tenant, "templates");
    let rows = list.items.iter().map(|template| {
        let model = template.model.as_deref().unwrap_or_default();
        let place = href::path([&template.kind, &template.family]);
        let to = format!(
            "{at}{place}{}",
            if model.is_empty() {
                String::new()
            } else {
                href::path([model])
            }
        );
        vec![
            Cell::link(format!("{} {}", template.kind, template.family), to),
            Cell::text(if model.is_empty() {
                EN.all_models
            } else {
                model
            }),
            Cell::time(template.updated_at, now, ""),
        ]
    });
    let table = Table::new("", &[EN.template, EN.model, EN.changed], EN.no_templates)
        .with_rows(rows)
        .with_next(next(&at, &[], list.next.as_ref()));
    let open = Form::filter(&at, EN.open_template)
        .titled(if viewer.write {
            EN.write_template
        } else {
            EN.read_template
        })
        .with(kind_field(""))
        .with(family_field(families, ""))
        .with(Field::line("model", EN.model, "").hinting(EN.template_model_hint));
    let lint = Section::Acts(vec![Act::plain(EN.lint, lint::PATH)]);
    Page::new(shell).with(table).with(open).with(lint)
}

/// Asks for a kind of file.
pub fn kind_field(kind: &str) -> Field {
    let kinds = ["initial", "standard", "product", "master", "system"];
    let kinds = kinds.map(|kind| (kind.to_owned(), kind.to_owned()));
    let kind = if kind.is_empty() { "standard" } else { kind };
    Field::select("kind", EN.kind, kinds.into(), kind)
}

/// Asks for a family.
pub fn family_field(families: &[Family], family: &str) -> Field {
    let named = |one: &Family| {
        let words = format!("{} ({})", one.phones, one.family);
        (one.family.clone(), words)
    };
    let families = families.iter().map(named).collect();
    Field::select("family", EN.family, families, family)
}
