//! What is around a page: who is signed in, and where one can go from there.

use crate::href;
use crate::part::Cell;
use crate::text::{EN, Texts, fill};
use crate::{explain, lint};

/// A way to another page, in a navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    pub href: String,
    /// Whether the page is that one, or one below it.
    pub current: bool,
}

/// Who looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// The name of the token; empty for `ADMIN_TOKEN`.
    pub name: String,
    /// The one tenant that the token sees; `None`: every one.
    pub tenant: Option<String>,
    pub write: bool,
    pub reveal: bool,
}

impl Viewer {
    /// Whether everything may be changed, in every tenant.
    pub fn runs_all(&self) -> bool {
        self.tenant.is_none() && self.write
    }
}

/// The navigation of a tenant.
#[derive(Clone, Debug)]
pub struct TenantNav {
    pub name: String,
    pub items: Vec<Item>,
}

/// What is around a page.
#[derive(Clone, Debug)]
pub struct Shell {
    pub t: &'static Texts,
    pub title: String,
    /// A sentence below the title, in its parts.
    pub lead: Vec<Cell>,
    /// What the page is about, where that has a page of its own: its name, and where it is.
    pub up: Option<(String, String)>,
    pub nav: Vec<Item>,
    pub tenant: Option<TenantNav>,
    /// The name of whoever is signed in.
    pub who: Option<String>,
    /// What has just been done.
    pub done: Option<String>,
    /// Where the page has itself brought up to date from.
    pub live: Option<String>,
    /// How often, in seconds.
    pub every_s: u32,
    /// Whether the page has a template to be written.
    pub editor: bool,
    /// Whether a form of the page sends itself, where the page may run its script.
    pub goes_on: bool,
}

impl Shell {
    /// A page for somebody who is not signed in.
    pub fn outside(title: &str) -> Self {
        Self {
            t: &EN,
            title: title.to_owned(),
            lead: Vec::new(),
            up: None,
            nav: Vec::new(),
            tenant: None,
            who: None,
            done: None,
            live: None,
            every_s: 10,
            editor: false,
            goes_on: false,
        }
    }

    /// A page for a viewer. `at` is the path of the page.
    pub fn new(title: impl Into<String>, viewer: &Viewer, at: &str) -> Self {
        let t = &EN;
        let mut pages = vec![
            (t.fleet, "/console".to_owned()),
            (t.explain, "/console/explain".to_owned()),
        ];
        match &viewer.tenant {
            Some(_) => {}
            None => pages.extend([
                (t.tenants, "/console/tenants".into()),
                (t.devices, "/console/devices".into()),
                (t.pools, "/console/pools".into()),
                (t.webhooks, "/console/webhooks".into()),
                (t.tokens, "/console/tokens".into()),
                (t.audit, "/console/audit".into()),
            ]),
        }
        pages.extend([
            (t.sessions, "/console/sessions".into()),
            (t.about, "/console/about".into()),
        ]);
        // To check a file is a way to find out why a phone got nothing.
        let at = match at {
            lint::PATH => explain::PATH,
            "/console/audit.ndjson" => "/console/audit",
            at => at,
        };
        let name = match viewer.name.as_str() {
            "" => t.admin_token.to_owned(),
            name => name.to_owned(),
        };
        let who = if viewer.write {
            name
        } else {
            fill(t.read_only, &[&name])
        };
        Self {
            nav: items(pages, at),
            who: Some(who),
            ..Self::outside(&title.into())
        }
    }

    /// The same with a sentence below the title.
    #[must_use]
    pub fn leading(mut self, lead: impl Into<String>) -> Self {
        self.lead = vec![Cell::text(lead)];
        self
    }

    /// The same below the page of what it is about.
    #[must_use]
    pub fn below(mut self, text: &str, href: impl Into<String>) -> Self {
        self.up = Some((text.to_owned(), href.into()));
        self
    }

    /// The same within a tenant.
    #[must_use]
    pub fn within(mut self, id: &str, name: &str, at: &str) -> Self {
        let t = self.t;
        let pages = [
            (t.overview, ""),
            (t.devices, "devices"),
            (t.operations, "operations"),
            (t.unknown_phones, "unknown"),
            (t.access_paths, "access-paths"),
            (t.sites, "sites"),
            (t.models, "models"),
            (t.settings, "settings"),
            (t.templates, "templates"),
            (t.notify, "notify"),
            (t.webhooks, "webhooks"),
            (t.requests, "requests"),
            (t.audit, "audit"),
        ];
        let pages = pages.map(|(text, page)| (text, href::tenant(id, page)));
        self.tenant = Some(TenantNav {
            name: name.to_owned(),
            items: items(pages.into(), &belongs_to(id, at)),
        });
        self
    }
}

/// The page of a tenant that another one belongs to, where its path does not say so.
fn belongs_to(id: &str, at: &str) -> String {
    let tenant = href::tenant(id, "");
    let Some(below) = at
        .strip_prefix(&tenant)
        .and_then(|below| below.strip_prefix('/'))
    else {
        return at.to_owned();
    };
    let (first, rest) = below.split_once('/').unwrap_or((below, ""));
    match first {
        "devices.csv" => href::tenant(id, "devices"),
        "jobs" | "rollouts" => href::tenant(id, "notify"),
        // What has versions stands behind the word.
        "history" | "rollback" => format!("{tenant}/{rest}"),
        _ => at.to_owned(),
    }
}

/// A navigation. The current page is the longest of them that the path begins with.
fn items(pages: Vec<(&str, String)>, at: &str) -> Vec<Item> {
    let is_at = |href: &str| {
        at == href
            || at
                .strip_prefix(href)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    let current = pages
        .iter()
        .map(|(_, href)| href.as_str())
        .filter(|href| is_at(href))
        .max_by_key(|href| href.len())
        .unwrap_or_default()
        .to_owned();
    pages
        .into_iter()
        .map(|(text, href)| Item {
            text: text.to_owned(),
            current: href == current,
            href,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(items: &[Item]) -> Vec<&str> {
        let current = items.iter().filter(|item| item.current);
        current.map(|item| item.text.as_str()).collect()
    }

    #[test]
    fn one_page_is_the_current_one() {
        let admin = Viewer {
            write: true,
            ..Viewer::default()
        };
        let at = "/console/tenants/T/devices/0080F0C571EB/rekey";
        let shell = Shell::new("x", &admin, at).within("T", "Harbour", at);
        assert_eq!(current(&shell.nav), ["Tenants"]);
        let tenant = shell.tenant.map(|nav| nav.items).unwrap_or_default();
        assert_eq!(current(&tenant), ["Devices"]);
        for (below, page) in [
            ("rollouts/R", "NOTIFY"),
            ("jobs/J/cancel", "NOTIFY"),
            ("history/settings", "Settings"),
            ("rollback/templates/standard/utg", "Templates"),
            ("history/devices/0080F0C571EB/settings", "Devices"),
            ("history/options", "Overview"),
            ("devices.csv", "Devices"),
            ("limits", "Overview"),
        ] {
            let at = format!("/console/tenants/T/{below}");
            let shell = Shell::new("x", &admin, &at).within("T", "Harbour", &at);
            let tenant = shell.tenant.map(|nav| nav.items).unwrap_or_default();
            assert_eq!(current(&tenant), [page], "{below}");
        }
        for (at, page) in [
            ("/console", "Fleet"),
            ("/console/lint", "Explain"),
            ("/console/audit.ndjson", "Audit log"),
        ] {
            assert_eq!(current(&Shell::new("x", &admin, at).nav), [page], "{at}");
        }
    }

    #[test]
    fn who_sees_one_tenant_is_not_led_to_what_takes_all() {
        let one = Viewer {
            tenant: Some("T".into()),
            ..Viewer::default()
        };
        let shell = Shell::new("x", &one, "/console");
        let texts: Vec<_> = shell.nav.iter().map(|item| item.text.as_str()).collect();
        assert_eq!(texts, ["Fleet", "Explain", "Sessions", "About"]);
    }
}
