//! A root certificate that the operator uploaded, under its own name. Certificates are public.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Body, PhoneOutcome, PhoneRequest, Reason, Served};
use crate::db::{Corrupt, StorageError};
use crate::files::seal::etag;
use crate::model::published::PublishedTenant;
use crate::store::certificates;

/// Serves `certs/{name}`, over TLS.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    name: &str,
) -> Result<PhoneOutcome, StorageError> {
    let Some(body) = certificates::body(&request.app.db, &tenant.tenant, name).await? else {
        return Ok(PhoneOutcome::Refused(Reason::NoCertificate));
    };
    let bytes = STANDARD.decode(body).map_err(|why| {
        let name = name.to_owned();
        Corrupt::Certificate { name, why }
    })?;
    let content_type = if bytes.starts_with(b"-----BEGIN") {
        "application/x-pem-file"
    } else {
        "application/x-x509-ca-cert"
    };
    Ok(PhoneOutcome::Served(Served {
        etag: Some(etag(&bytes).await),
        body: Body::new(&bytes),
        content_type: content_type.into(),
        content_encoding: String::new(),
        reason: Reason::Certificate,
        detail: None,
    }))
}
