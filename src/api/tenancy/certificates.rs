//! Root certificates that phones may fetch: PEM or DER, served as they were uploaded.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringfence_api::answer::{Done, Shown};
use ringfence_api::changing::ChangeQuery;
use ringfence_api::page::Page;
use ringfence_api::tenancy::certificates::{CertificateInput, CertificateView};
use serde_json::json;

use crate::api::check::candidate::Candidate;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::valid;
use crate::http::problem::Problem;
use crate::platform::hash::sha256_hex;
use crate::store::ChangeError;
use crate::store::certificates::{self, CertificateRow};
use crate::store::devices::Affected;

/// How many certificates a tenant has at most.
const MAX_CERTIFICATES: u32 = 20;
/// How large one is at most, in bytes.
const MAX_SIZE: usize = 32 * 1024;
/// How many certificates a PEM file has at most.
const MAX_BLOCKS: usize = 10;

impl From<CertificateRow> for CertificateView {
    fn from(row: CertificateRow) -> Self {
        Self {
            digest: sha256_hex(&row.body),
            name: row.name,
            body: row.body,
            created_at: row.created_at,
        }
    }
}

/// `listCertificates`.
pub async fn list(call: Call) -> Result<Shown<Page<CertificateView>>, Problem> {
    let tenant = call.tenant().await?;
    let rows = certificates::list(&call.app.db, &tenant.id).await?;
    let items = rows.into_iter().map(CertificateView::from).collect();
    Ok(Shown(Page { items, next: None }))
}

/// `getCertificate`.
pub async fn show(call: Call) -> Result<Shown<CertificateView>, Problem> {
    Ok(Shown(find(&call).await?.into()))
}

/// `putCertificate`.
pub async fn put(
    call: Call<ChangeQuery, CertificateInput>,
) -> Result<Shown<CertificateView>, Failure> {
    let tenant = call.tenant().await?;
    let name = valid::certificate(call.param("name"))?;
    let row = CertificateRow {
        name: name.to_owned(),
        body: STANDARD.encode(file(&call.body)?),
        created_at: call.app.now,
    };
    let stored = certificates::find(&call.app.db, &tenant.id, name).await?;
    tried(&call, |names| {
        names.insert(name.to_owned());
    })
    .await?;
    if let Some(stored) = stored.clone().filter(|stored| stored.body == row.body) {
        commit::publish(&call.app, &tenant.id).await?;
        return Ok(Shown(stored.into()));
    }
    let audited = |row: &CertificateRow| json!({ "digest": sha256_hex(&row.body) });
    let entry = call.entry(
        "certificate.update",
        format!("certificates/{name}"),
        stored.as_ref().map(audited),
        Some(audited(&row)),
    );
    certificates::put(&call.app.db, &tenant.id, &row, MAX_CERTIFICATES, &entry)
        .await
        .map_err(|error| match error {
            ChangeError::Overtaken => Problem::conflict(format!(
                "A tenant has at most {MAX_CERTIFICATES} certificates: remove one first."
            ))
            .into(),
            error => commit::failed(error, call.if_match, &[]),
        })?;
    commit::publish(&call.app, &tenant.id).await?;
    Ok(Shown(row.into()))
}

/// `deleteCertificate`.
pub async fn delete(call: Call<ChangeQuery>) -> Result<Done, Failure> {
    let row = find(&call).await?;
    tried(&call, |names| {
        names.remove(&row.name);
    })
    .await?;
    let tenant_id = call.param("tenant");
    let before = json!({ "digest": sha256_hex(&row.body) });
    let entry = call.entry(
        "certificate.delete",
        format!("certificates/{}", row.name),
        Some(before),
        None,
    );
    certificates::delete(&call.app.db, tenant_id, &row.name, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    commit::publish(&call.app, tenant_id).await?;
    Ok(Done)
}

/// Where the call is only a trial: what files would be if they named other certificates.
async fn tried(call: &Context, change: impl FnOnce(&mut BTreeSet<String>)) -> Result<(), Failure> {
    if call.changing.trial.is_none() {
        return Ok(());
    }
    let tenant = call.tenant().await?;
    let there = certificates::list(&call.app.db, &tenant.id).await?;
    let mut names: BTreeSet<String> = there.into_iter().map(|row| row.name).collect();
    change(&mut names);
    let mut candidate = Candidate::load(&call.app, &tenant, &Affected::All).await?;
    candidate.set_certificates(names.into_iter().take(certificates::MAX_NAMED).collect());
    candidate.check(call).await.map(drop)
}

async fn find(call: &Context) -> Result<CertificateRow, Problem> {
    certificates::find(&call.app.db, call.param("tenant"), call.param("name"))
        .await?
        .ok_or_else(|| Problem::not_found("certificate"))
}

/// The bytes of an upload, if they are certificates as far as their outer form tells.
fn file(input: &CertificateInput) -> Result<Vec<u8>, Problem> {
    let bytes = match (&input.pem, &input.der) {
        (Some(pem), None) => {
            check_pem(pem).map_err(|what| Problem::invalid_value(format!("`pem` {what}.")))?;
            pem.clone().into_bytes()
        }
        (None, Some(der)) => {
            let bytes = STANDARD
                .decode(der.trim())
                .map_err(|_| Problem::invalid_value("`der` is not base64. Send the certificate's DER bytes in base64, or its text as `pem`."))?;
            if !is_der(&bytes) {
                return Err(Problem::invalid_value(
                    "`der` is base64, but not of a DER certificate. Convert it (`openssl x509 -outform der`), or send its text as `pem`.",
                ));
            }
            bytes
        }
        _ => {
            return Err(Problem::invalid_value(
                "Send the certificate as `pem` or as `der`, and not as both.",
            ));
        }
    };
    if bytes.len() > MAX_SIZE {
        return Err(Problem::invalid_value(format!(
            "A certificate is at most {MAX_SIZE} bytes long. Leave out what no phone needs, or upload each certificate under a name of its own."
        )));
    }
    Ok(bytes)
}

/// Whether a text is certificates and nothing that is to stay at home.
pub fn check_pem(text: &str) -> Result<(), &'static str> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";

    if text.contains("PRIVATE KEY") {
        return Err("has a private key in it: upload the certificate alone, and replace the key");
    }
    let blocks: Vec<&str> = text.split(BEGIN).skip(1).collect();
    if blocks.is_empty() || blocks.len() > MAX_BLOCKS {
        return Err("must have 1 to 10 blocks -----BEGIN CERTIFICATE-----");
    }
    for block in blocks {
        let (body, _) = block
            .split_once(END)
            .ok_or("has a block without its end: copy it down to -----END CERTIFICATE-----")?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = STANDARD
            .decode(body)
            .map_err(|_| "has a block that is not base64: send the text of the file as it is")?;
        if !is_der(&der) {
            return Err(
                "has a block that is no certificate, or not a whole one: send the text of the file as it is",
            );
        }
    }
    Ok(())
}

/// Whether bytes are one DER sequence, whole and with nothing after it (X.690 §8.1.3, §10.1).
fn is_der(bytes: &[u8]) -> bool {
    let [0x30, rest @ ..] = bytes else {
        return false;
    };
    let (length, content) = match rest {
        [0x81, length, content @ ..] => (usize::from(*length), content),
        [0x82, high, low, content @ ..] => (usize::from(*high) << 8 | usize::from(*low), content),
        [length @ ..=0x7F, content @ ..] => (usize::from(*length), content),
        _ => return false,
    };
    length > 0 && content.len() == length
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::tenancy::certificates::*;

    fn pem(der: &[u8]) -> String {
        let body = STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    fn upload(pem: Option<&str>, der: Option<&[u8]>) -> Result<Vec<u8>, Problem> {
        file(&CertificateInput {
            pem: pem.map(Into::into),
            der: der.map(|der| STANDARD.encode(der)),
        })
    }

    #[test]
    fn pem_and_der_are_taken_as_they_are() {
        let der = [&[0x30, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        assert_eq!(upload(None, Some(&der)).unwrap(), der);
        let text = format!("Comment\n{}{}", pem(&der), pem(&[0x30, 1, 0]));
        assert_eq!(upload(Some(&text), None).unwrap(), text.as_bytes());
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(upload(None, None).is_err());
        assert!(upload(Some(&pem(&[0x30, 1, 0])), Some(&[0x30, 1, 0])).is_err());
        for der in [
            &[][..],
            &[0x30],
            &[0x30, 0],
            &[0x30, 2, 0],
            &[0x30, 1, 0, 0],
            &[0x31, 1, 0],
        ] {
            assert!(upload(None, Some(der)).is_err(), "{der:?}");
            assert!(upload(Some(&pem(der)), None).is_err(), "{der:?}");
        }
        for text in [
            "",
            "-----BEGIN CERTIFICATE-----",
            &pem(&[0x30, 1, 0]).replace("END", "FIN"),
        ] {
            assert!(upload(Some(text), None).is_err(), "{text}");
        }
    }

    #[test]
    fn a_private_key_is_sent_back() {
        let text = format!("{}-----BEGIN PRIVATE KEY-----\n", pem(&[0x30, 1, 0]));
        assert!(
            upload(Some(&text), None)
                .unwrap_err()
                .detail
                .contains("private key")
        );
    }
}
