//! What a path will turn out to name, by what was last known of the tenant behind it.
//!
//! With it, the read of a sealed file begins together with the tenant's instead of after it: at a
//! location far from KV's store that is half the time of the answer. A guess decides nothing. The
//! tenant's own answer says whether the names still mean that, and whether the file is good.

use std::rc::Rc;

use ringfence_provision::kind::Form;
use ringfence_provision::url_template::{Resolved, RouteTable};

use super::PhoneRequest;
use crate::edge::{self, FileRead};

/// A path read by the names of a tenant as they were.
pub(super) struct Prefetch {
    table: Rc<RouteTable>,
    resolved: Option<Resolved>,
    read: Option<FileRead>,
}

impl Prefetch {
    /// Reads the request's path and begins to read the sealed file it names, unless the phone has that very file as far as
    /// this isolate knows. `None` where no request of before told this isolate whose access path it is.
    pub(super) fn new(request: &PhoneRequest) -> Option<Self> {
        let app = &request.app;
        let known = edge::last_known(&request.access_path_hash)?;
        let table = Rc::clone(known.table.as_ref()?);
        let resolved = table.resolve(&request.path);
        let sealed = resolved.as_ref().filter(|named| named.form == Form::Sealed);
        let read = sealed.and_then(|named| {
            let owner = named.mac?.upper();
            let key = edge::file_key(&known.tenant.tenant, named.kind, Form::Sealed, &owner);
            let is_unchanged = edge::known(&key, app.now, |meta| {
                request.conditions.name_copy(&meta.etag)
            });
            is_unchanged.is_none().then(|| FileRead::begin(app, key))
        });
        Some(Self {
            table,
            resolved,
            read,
        })
    }

    /// What the path names by `table`, and the read that was begun if it may be of use.
    pub(super) fn finish(
        prefetch: Option<Self>,
        table: &Rc<RouteTable>,
        path: &str,
    ) -> (Option<Resolved>, Option<FileRead>) {
        match prefetch {
            Some(prefetch) if Rc::ptr_eq(&prefetch.table, table) => {
                (prefetch.resolved, prefetch.read)
            }
            _ => (table.resolve(path), None),
        }
    }
}
