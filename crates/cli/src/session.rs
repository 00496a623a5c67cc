//! What one command works with: the client, the tenant it is about, and how it speaks.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use ringfence_api::operation::Operation;
use ringfence_api::path;
use ringfence_api::tenancy::sites::SiteView;
use serde_json::Value;

use crate::client::{ApiCall, Client};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::text;

/// A command that runs.
#[derive(Debug)]
pub struct Session {
    pub client: Client,
    pub output: Output,
    /// What the command or the profile says: an id or a name.
    tenant: Option<String>,
    id: OnceCell<String>,
    /// The names of the tenant's sites, by their ids, once they are known.
    sites: RefCell<Option<Rc<BTreeMap<String, String>>>>,
}

impl Session {
    /// A session for one command.
    pub fn new(client: Client, output: Output, tenant: Option<String>) -> Self {
        Self {
            client,
            output,
            tenant,
            id: OnceCell::new(),
            sites: RefCell::new(None),
        }
    }

    /// The id of the tenant that the command is about: the one that was named, or the only one that the token sees.
    ///
    /// # Errors
    /// There is none of that name, or several and none was named.
    pub fn tenant(&self) -> Result<&str, Failure> {
        if let Some(id) = self.id.get() {
            return Ok(id);
        }
        let found = self.find_tenant(self.tenant.as_deref())?;
        Ok(self.id.get_or_init(|| found))
    }

    /// The id of a tenant by its id or name.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn find_tenant(&self, wanted: Option<&str>) -> Result<String, Failure> {
        // An id needs no look-up; a name of this form is found by its id all the same, or by nobody.
        if let Some(wanted) = wanted.filter(|wanted| is_id(wanted)) {
            return Ok(wanted.to_owned());
        }
        let mut all = Vec::new();
        let list = self.call(Operation::ListTenants, &[])?;
        self.client.pages(&list, usize::MAX, |items| {
            all.extend(items);
            Ok(())
        })?;
        let names = |tenants: &[Value]| {
            let names: Vec<&str> = tenants.iter().map(|tenant| text(tenant, "name")).collect();
            names.join(", ")
        };
        let fitting: Vec<Value> = match wanted {
            Some(wanted) => {
                let same =
                    |tenant: &Value| text(tenant, "name").to_lowercase() == wanted.to_lowercase();
                all.iter().filter(|tenant| same(tenant)).cloned().collect()
            }
            None => all.clone(),
        };
        match (fitting.as_slice(), wanted) {
            ([only], _) => Ok(text(only, "id").to_owned()),
            ([], Some(wanted)) => Err(Failure::Usage(format!(
                "no tenant is called {wanted}. `ringfence tenants list` shows them all."
            ))),
            ([], None) => Err(Failure::Usage(
                "there is no tenant yet. Make one: ringfence tenants create NAME.".to_owned(),
            )),
            (several, Some(wanted)) => Err(Failure::Usage(format!(
                "{} tenants are called {wanted}: name the id of one.",
                several.len()
            ))),
            (several, None) => Err(Failure::Usage(format!(
                "name the tenant: --tenant, RINGFENCE_TENANT or `tenant` of the profile. There are {}.",
                if several.len() <= 8 {
                    names(several)
                } else {
                    format!("{} of them", several.len())
                }
            ))),
        }
    }

    /// A call of an operation. `names` says what stands for the names of its path; the tenant is the command's.
    ///
    /// # Errors
    /// As [`Self::tenant`], or a name is missing.
    pub fn call(&self, operation: Operation, names: &[(&str, &str)]) -> Result<ApiCall, Failure> {
        let path = path::fill(operation.pattern(), |name| {
            match names.iter().find(|(it, _)| *it == name) {
                Some((_, value)) => Ok((*value).to_owned()),
                None if name == "tenant" => self.tenant().map(str::to_owned),
                None => Err(Failure::Usage(format!("name the {name}."))),
            }
        })?;
        Ok(ApiCall::new(operation, path))
    }

    /// The names of the tenant's sites, by their ids.
    pub fn sites(&self) -> Result<Rc<BTreeMap<String, String>>, Failure> {
        if let Some(sites) = &*self.sites.borrow() {
            return Ok(Rc::clone(sites));
        }
        let list = self.call(Operation::ListSites, &[])?;
        let sites = self.client.all::<SiteView>(&list)?.into_iter();
        let found = Rc::new(sites.map(|site| (site.id, site.name)).collect());
        *self.sites.borrow_mut() = Some(Rc::clone(&found));
        Ok(found)
    }

    /// Has the sites be listed anew the next time: one was added.
    pub fn forget_sites(&self) {
        *self.sites.borrow_mut() = None;
    }

    /// The id of a site by its id or name.
    ///
    /// # Errors
    /// There is none, or several are called so.
    pub fn site(&self, wanted: &str) -> Result<String, Failure> {
        let sites = self.sites()?;
        if sites.contains_key(wanted) {
            return Ok(wanted.to_owned());
        }
        let mut fitting = sites
            .iter()
            .filter(|(_, name)| name.to_lowercase() == wanted.to_lowercase());
        match (fitting.next(), fitting.next()) {
            (Some((id, _)), None) => Ok(id.clone()),
            (Some(_), Some(_)) => Err(Failure::Usage(format!(
                "several sites are called {wanted}: name the id of one (ringfence sites list)."
            ))),
            (None, _) => Err(Failure::Usage(format!(
                "no site is called {wanted}. `ringfence sites list` shows them all."
            ))),
        }
    }

    /// The id of a pool by its id or name.
    ///
    /// # Errors
    /// There is none, or several are called so.
    pub fn pool(&self, wanted: &str) -> Result<String, Failure> {
        // The one that is always there has this id, and a token of one tenant may not list the others.
        if wanted == "default" {
            return Ok(wanted.to_owned());
        }
        let list = self.call(Operation::ListPools, &[])?;
        self.named(&list, wanted, "pool", "ringfence pools list")
    }

    /// The id of a relay of a pool by its id or name.
    ///
    /// # Errors
    /// As [`Self::pool`].
    pub fn relay(&self, pool: &str, wanted: &str) -> Result<String, Failure> {
        let list = self.call(Operation::ListRelays, &[("pool", pool)])?;
        self.named(&list, wanted, "relay", "ringfence relays list POOL")
    }

    /// The id of a site of another tenant by its id or name.
    ///
    /// # Errors
    /// As [`Self::pool`].
    pub fn site_of(&self, tenant: &str, wanted: &str) -> Result<String, Failure> {
        let list = self.call(Operation::ListSites, &[("tenant", tenant)])?;
        let command = "ringfence sites list --tenant TENANT";
        self.named(&list, wanted, "site", command)
    }

    /// The id of that item of a list which has this name. An id needs no look-up.
    fn named(
        &self,
        list: &ApiCall,
        wanted: &str,
        noun: &str,
        command: &str,
    ) -> Result<String, Failure> {
        if is_id(wanted) {
            return Ok(wanted.to_owned());
        }
        let mut fitting = Vec::new();
        self.client.pages(list, usize::MAX, |items| {
            let ids = items
                .iter()
                .filter(|item| text(item, "name").to_lowercase() == wanted.to_lowercase())
                .map(|item| text(item, "id").to_owned());
            fitting.extend(ids);
            Ok(())
        })?;
        match fitting.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Failure::Usage(format!(
                "no {noun} is called {wanted}. `{command}` shows them all."
            ))),
            several => Err(Failure::Usage(format!(
                "{} {noun}s are called {wanted}: name the id of one (`{command}`).",
                several.len()
            ))),
        }
    }
}

/// Whether a text is a ULID, as ids are.
pub fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}
