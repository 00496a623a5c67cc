//! Which URLs a file names: those of the access path that it was asked under, or of the one that the
//! tenant's phones are to move to.

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::secret::SecretString;
use ringfence_provision::wrap::Keyring;

use super::PhoneRequest;
use crate::db::{Corrupt, StorageError};
use crate::files::inputs::FileInputs;
use crate::files::names::own_urls;
use crate::files::render;
use crate::files::urls::{Base, Urls};
use crate::model::published::{Place, PublishedTenant};
use crate::model::tenant::TenantOptions;
use crate::store::access_paths::segment_identity;
use crate::store::file_inputs::Addresses;

/// Where a file was asked for.
#[derive(Clone, Debug)]
pub(super) struct RequestUrl {
    /// What the request's own URL begins with.
    asked: String,
    /// What the URLs in a file begin with, unless it stays on plain HTTP.
    origin: String,
    segment: SecretString,
    /// Id of the access path, where KV knows it.
    id: Option<String>,
    hostname: Option<String>,
}

impl RequestUrl {
    pub(super) fn of(request: &PhoneRequest, tenant: &PublishedTenant) -> Self {
        Self {
            asked: request.caller.origin.clone(),
            origin: request.url_origin(),
            segment: SecretString::new(&*request.access_path),
            id: tenant.access_path.clone(),
            hostname: tenant.hostname.clone(),
        }
    }

    /// What the URLs in a file begin with, and what is recorded of it where the file is kept: `None` where
    /// KV does not know the access path's id. What is recorded has the scheme of the request, whatever the file names: a
    /// file that was made for plain HTTP goes out over HTTPS to nobody, nor the other way round.
    ///
    /// # Errors
    /// The segment that the phones are to move to does not open.
    pub(super) fn base(
        &self,
        keyring: &Keyring,
        inputs: &FileInputs,
    ) -> Result<(Base, Option<Place>), StorageError> {
        let addresses = inputs.addresses.as_ref();
        let target = addresses
            .map(|addresses| target(keyring, &inputs.tenant_id, addresses))
            .transpose()?
            .flatten();
        let (id, segment) = match target {
            Some((id, segment)) => (Some(id), segment),
            None => (self.id.clone(), self.segment.clone()),
        };
        let base = Base {
            origin: self.origin.clone(),
            access_path: segment.expose().to_owned(),
            hostname: addresses.map_or_else(|| self.hostname.clone(), |it| it.hostname.clone()),
        };
        let place = id.map(|access_path| Place {
            access_path,
            origin: self.asked.clone(),
        });
        Ok((base, place))
    }

    /// What a device's file of a kind that is no initial one may name in that form, with what is recorded of it.
    ///
    /// # Errors
    /// The segment that the phones are to move to does not open, or the options of the tenant cannot be
    /// read.
    pub(super) fn own_urls(
        &self,
        keyring: &Keyring,
        inputs: &FileInputs,
        kind: FileKind,
        form: Form,
    ) -> Result<(Urls, Option<Place>), StorageError> {
        // Most files name none.
        let Some(addresses) = inputs
            .addresses
            .as_ref()
            .filter(|_| render::may_name_urls(inputs, kind))
        else {
            return Ok((Urls::default(), None));
        };
        let options: TenantOptions =
            ringfence_json::from_str(&addresses.options).map_err(|why| {
                let tenant = inputs.tenant_id.clone();
                Corrupt::TenantOptions { tenant, why }
            })?;
        let (mut base, place) = self.base(keyring, inputs)?;
        if options.rules().stays_on_http(form, inputs.family) {
            base.origin.clone_from(&self.asked);
        }
        Ok((own_urls(&base, &options, inputs), place))
    }
}

/// The access path that the phones of a tenant are to move to, if it names one, and its segment.
///
/// # Errors
/// The segment does not open.
pub(super) fn target(
    keyring: &Keyring,
    tenant_id: &str,
    addresses: &Addresses,
) -> Result<Option<(String, SecretString)>, StorageError> {
    let Some(id) = &addresses.target else {
        return Ok(None);
    };
    let wrapped = addresses.target_segment.as_deref().unwrap_or_default();
    let segment = segment(keyring, tenant_id, id, wrapped)?;
    Ok(Some((id.clone(), segment)))
}

/// The segment of an access path, which is stored wrapped.
///
/// # Errors
/// The segment does not open: the master key is missing, or the row was changed or moved.
pub fn segment(
    keyring: &Keyring,
    tenant_id: &str,
    id: &str,
    wrapped: &str,
) -> Result<SecretString, StorageError> {
    let identity = segment_identity(tenant_id, id);
    keyring
        .unwrap(&identity, wrapped)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(SecretString::new)
        .ok_or_else(|| Corrupt::Wrapped(identity).into())
}
