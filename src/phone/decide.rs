//! What a request gets, decided: from the path to the handler of the kind of file it names. Nothing is
//! written here, but the claim of a bootstrap where the request takes one.

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::url_template::MAX_PATH_LEN;

use super::deed::Deed;
use super::event::Record;
use super::prefetch::Prefetch;
use super::{
    PhoneOutcome, PhoneRequest, Reason, Taking, bootstrap, certificate, initial, sealed, shared,
};
use crate::app::App;
use crate::db::StorageError;
use crate::edge::{self, FoundTenant};
use crate::files::names::CERTIFICATES;
use crate::store::file_inputs::{self, KnownAbove, ReadWhen};
use crate::throttle::{self, Guessed};

/// A key under which KV never has a file.
const NO_FILE: &str = "f1:none";

/// Whose request it is.
pub(super) struct Located {
    /// The tenant behind the access path, if there is one.
    pub(super) found: Option<FoundTenant>,
    prefetch: Option<Prefetch>,
}

/// Looks the access path up.
///
/// # Errors
/// Neither KV nor D1 answers, or D1 is behind what was witnessed.
pub(super) async fn locate(
    request: &PhoneRequest,
    record: &mut Record,
) -> Result<Located, StorageError> {
    let (app, hash) = (&request.app, &request.access_path_hash);
    let prefetch = asks(request).then(|| Prefetch::new(request)).flatten();
    let address = &request.caller.address;
    let trusted = !throttle::is_barred(Guessed::AccessPath, address, app.now);
    let found = edge::find_tenant(app, hash, trusted).await?;
    if let Some(FoundTenant { known, in_kv }) = &found {
        record.record_fact(|facts| facts.tenant = Some((known.clone(), *in_kv)));
        if !in_kv {
            record.deeds.push(Deed::Publish {
                tenant_id: known.tenant.tenant.clone(),
                version: known.tenant.version,
            });
        }
    }
    Ok(Located { found, prefetch })
}

/// Whether the method and the length of the path are those of a question.
fn asks(request: &PhoneRequest) -> bool {
    request.is_read && request.path.len() <= MAX_PATH_LEN
}

/// Decides about a request.
///
/// # Errors
/// Storage fails: the phone hears 503.
pub(super) async fn decide(
    request: &PhoneRequest,
    located: Located,
    taking: Taking,
    record: &mut Record,
) -> Result<PhoneOutcome, StorageError> {
    let app = &request.app;
    let Located { found, prefetch } = located;
    let Some(FoundTenant { known, .. }) = found else {
        record.deeds.push(Deed::CountGuess);
        // D1 has been asked: a KV read is what is left of the usual work.
        edge::read_file(app, NO_FILE).await;
        // One that is too long to be one is unknown, too.
        let is_none = request.access_path.is_empty() || request.access_path.len() > MAX_PATH_LEN;
        return Ok(PhoneOutcome::Refused(if is_none {
            Reason::NoAccessPath
        } else {
            Reason::UnknownAccessPath
        }));
    };
    let tenant = &known.tenant;
    // From here on the request belongs to the tenant, and whatever comes of it is an event.
    record.tenant = Some(tenant.tenant.clone());
    record.events_per_minute = tenant.options.events_per_minute;
    record
        .access_path_hash
        .clone_from(&request.access_path_hash);
    record.access_path.clone_from(&tenant.access_path);
    if !tenant.answers(&request.caller.host, app.now) {
        return refuse_unknown(app, Reason::AccessPathClosed).await;
    }
    if !request.is_read {
        return refuse_unknown(app, Reason::MethodNotAllowed).await;
    }
    if !asks(request) {
        return refuse_unknown(app, Reason::NoSuchPath).await;
    }
    record.names.clone_from(&known.table);

    if let Some(name) = request.path.strip_prefix(CERTIFICATES) {
        if !request.caller.tls {
            return refuse_unknown(app, Reason::NotTls).await;
        }
        return certificate::serve(request, tenant, name).await;
    }
    let (resolved, prefetched) = match &known.table {
        Some(table) => Prefetch::finish(prefetch, table, &request.path),
        None => (None, None),
    };
    let Some(resolved) = resolved else {
        return refuse_unknown(app, Reason::NoSuchPath).await;
    };
    // Phones of one family ask here for their initial file, those of another for their standard file: the device
    // tells, and what is refused is refused as at the name of a standard file.
    let told_by_family = !resolved.others.is_empty();
    record.kind = Some(match told_by_family {
        true => FileKind::Standard,
        false => resolved.kind,
    });
    record.form = Some(resolved.form);
    record.mac = resolved.mac;
    record.record_fact(|facts| facts.named = Some(resolved.clone()));
    let over_http = !request.caller.tls;
    if over_http && !(resolved.form == Form::Sealed && tenant.options.sealed_over_http) {
        return refuse_unknown(app, Reason::NotTls).await;
    }
    match (resolved.kind, resolved.form, resolved.mac) {
        (kind, Form::Sealed, Some(mac)) => {
            sealed::serve(request, tenant, kind, &mac, prefetched, record).await
        }
        (FileKind::Standard, Form::Plain, Some(mac)) => {
            bootstrap::serve(request, tenant, &resolved, &mac, taking, record).await
        }
        (FileKind::Initial, Form::Plain, Some(mac)) if told_by_family => {
            bootstrap::serve(request, tenant, &resolved, &mac, taking, record).await
        }
        (FileKind::Initial, Form::Plain, _) => {
            initial::serve(request, tenant, &resolved, record).await
        }
        (_, Form::Plain, _) => shared::serve(request, tenant, &resolved, record).await,
        (_, Form::Sealed, None) => refuse_unknown(app, Reason::NoSuchPath).await,
    }
}

/// The refusal of what is not even looked up, after as much work as a look-up takes: a stranger
/// learns nothing from the time either.
async fn refuse_unknown(app: &App, reason: Reason) -> Result<PhoneOutcome, StorageError> {
    edge::read_file(app, NO_FILE).await;
    let known = KnownAbove::default();
    file_inputs::device(&app.db, "none", "none", ReadWhen::Always, known).await?;
    Ok(PhoneOutcome::Refused(reason))
}
