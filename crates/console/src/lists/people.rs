//! Who may do what: tokens and sessions.

use crate::data::{Listed, Session, Token};
use crate::href;
use crate::lists::{choices, next};
use crate::part::{Act, Cell, Field, Form, Kind, Page, Table, Tone};
use crate::shell::{Shell, Viewer};
use crate::text::EN;

/// Tokens.
pub fn tokens(
    shell: Shell,
    viewer: &Viewer,
    list: &Listed<Token>,
    tenants: &[(String, String)],
    now: u64,
) -> Page {
    let columns = [EN.name, EN.sees, EN.may, EN.created, EN.ends, EN.actions];
    let rows = list.items.iter().map(|token| {
        let sees = match &token.tenant {
            None => Cell::text(EN.every_tenant),
            Some(id) => {
                let known = tenants.iter().find(|(found, _)| found == id);
                Cell::link(
                    known.map_or(id.as_str(), |(_, name)| name),
                    href::tenant(id, ""),
                )
            }
        };
        let may = match (token.access.as_str(), token.reveal) {
            ("metrics", _) => EN.may_metrics,
            ("write", true) => EN.may_write_reveal,
            ("write", false) => EN.may_write,
            (_, true) => EN.may_read_reveal,
            (_, false) => EN.may_read,
        };
        let ends = match token.expires_at {
            Some(end) if end <= now => Cell::state(Tone::Quiet, EN.expired),
            end => Cell::time(end, now, EN.never),
        };
        let acts = match viewer.runs_all() {
            true => vec![Act::of(
                EN.remove,
                &token.name,
                format!("/console/tokens{}/remove", href::path([&token.id])),
            )],
            false => Vec::new(),
        };
        let name = match &token.email {
            Some(email) => format!("{} ({email})", token.name),
            None => token.name.clone(),
        };
        vec![
            Cell::text(&name),
            sees,
            Cell::text(may),
            Cell::time(Some(token.created_at), now, ""),
            ends,
            Cell::Acts(acts),
        ]
    });
    let table = Table::new("", &columns, EN.no_tokens)
        .with_rows(rows)
        .with_next(next("/console/tokens", &[], list.next.as_ref()))
        .with_act(
            viewer
                .runs_all()
                .then(|| Act::main(EN.add_token, "/console/tokens/new")),
        );
    Page::new(shell).with(table)
}

/// The form of a new token.
pub fn token_form(viewer: &Viewer, tenants: &[(String, String)], typed: &Token) -> Form {
    let tenants: Vec<_> = tenants
        .iter()
        .map(|(id, name)| (id.as_str(), name.as_str()))
        .collect();
    let access = vec![
        ("read".to_owned(), EN.may_read.to_owned()),
        ("write".to_owned(), EN.may_write.to_owned()),
        ("metrics".to_owned(), EN.may_metrics.to_owned()),
    ];
    let days = [("30", EN.days_30), ("90", EN.days_90), ("365", EN.days_365)];
    let mut form = Form::post("/console/tokens", EN.make_token)
        .with(
            Field::line("name", EN.name, &typed.name)
                .hinting(EN.token_name_hint)
                .required(),
        )
        .with(Field::select(
            "tenant",
            EN.sees,
            choices(EN.every_tenant, &tenants),
            typed.tenant.clone().unwrap_or_default(),
        ))
        .with(Field::select("access", EN.may, access, &typed.access))
        .with(Field::select(
            "days",
            EN.ends,
            choices(EN.never, &days),
            "365",
        ));
    let email = typed.email.clone().unwrap_or_default();
    form = form.with(
        Field::new(Kind::Input("email"), "email", EN.token_email, email)
            .hinting(EN.token_email_hint),
    );
    if viewer.reveal {
        form = form.with(Field::check("reveal", EN.may_reveal, typed.reveal));
    }
    form.or_back("/console/tokens")
}

/// Sessions of the console. `own` is the one that is looking.
pub fn sessions(shell: Shell, list: &Listed<Session>, own: &str, now: u64) -> Page {
    let columns = [
        EN.token,
        EN.signed_in,
        EN.last_used,
        EN.ends,
        EN.network,
        EN.browser,
        EN.actions,
    ];
    let rows = list.items.iter().map(|session| {
        let name = session
            .token_name
            .clone()
            .unwrap_or_else(|| match session.token.as_str() {
                "admin" => EN.admin_token.to_owned(),
                _ => EN.removed_token.to_owned(),
            });
        let state = match session.id == own {
            true => Cell::state(Tone::Good, format!("{name}, {}", EN.this_session)),
            false => Cell::text(&name),
        };
        let act = Act::of(
            EN.end,
            &name,
            format!("/console/sessions{}/end", href::path([&session.id])),
        );
        vec![
            state,
            Cell::time(Some(session.created_at), now, ""),
            Cell::time(Some(session.last_used_at), now, ""),
            Cell::time(Some(session.expires_at), now, ""),
            Cell::code(&session.network),
            Cell::text(&session.user_agent),
            Cell::Acts(vec![act]),
        ]
    });
    let table = Table::new("", &columns, EN.no_sessions)
        .with_rows(rows)
        .with_next(next("/console/sessions", &[], list.next.as_ref()));
    Page::new(shell).with(table)
}
