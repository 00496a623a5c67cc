//! The audit log, and the rotation of the master key.

use std::time::{Duration, Instant};

use ringfence_api::admin::audit_chain::ChainLine;
use ringfence_api::operation::Operation;
use serde_json::{Value, json};

use crate::cli::show_list;
use crate::failure::Failure;
use crate::given::Given;
use crate::output::Format;
use crate::session::Session;
use crate::table::{self, Columns, List};
use crate::words::{count, field, plain, text, time};

/// How long a rotation may get on no further before it counts as stopped.
const STANDSTILL: Duration = Duration::from_secs(180);

/// Columns of the audit log.
pub const AUDIT_COLUMNS: Columns = &[
    ("AT", "at"),
    ("ACTION", "action"),
    ("OBJECT", "object"),
    ("CHANGES", "changes"),
    ("TOKEN", "token"),
    ("ADDRESS", "address"),
    ("ID", "id"),
    ("REQUEST", "request_id"),
];

/// `tokens list`.
pub fn tokens(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let list = List::new(
        session.output,
        &[
            ("ID", "id"),
            ("NAME", "name"),
            ("ACCESS", "access"),
            ("TENANT", "tenant"),
            ("REVEAL", "reveal"),
            ("EXPIRES", "expires_at"),
            ("CREATED", "created_at"),
        ],
    );
    let limit = list.limit(given.limit()?);
    let mut call = given.call(session)?;
    // That of a profile or of the environment is not meant: a token may be for all tenants.
    if let Some(tenant) = given.text("global-tenant") {
        call = call.asking("tenant", session.find_tenant(Some(tenant))?);
    }
    show_list(session, &call, list, limit)
}

/// `audit list`.
///
/// # Errors
/// The log is not to be had.
pub fn audit(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let operation = match given.flag("everywhere") {
        true => Operation::ListAudit,
        false => Operation::ListTenantAudit,
    };
    let call = given.call_of(session, operation)?;
    let list = List::new(session.output, AUDIT_COLUMNS);
    let limit = list.limit(given.limit()?);
    show_list(session, &call, list, limit)
}

/// `audit export`: one entry a line, all of them.
///
/// # Errors
/// The log is not to be had or cannot be written.
pub fn export_audit(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mut after = given.number("after")?;
    let until = match given.text("until") {
        Some(text) => {
            Some(time(text, false).map_err(|why| Failure::Usage(format!("--until: {why}.")))?)
        }
        None => None,
    };
    loop {
        let mut call = session.call(Operation::ExportAudit, &[])?;
        if let Some(after) = after {
            call = call.asking("after", after.to_string());
        }
        if let Some(until) = until {
            call = call.asking("until", until.to_string());
        }
        let answer = session.client.call(&call)?;
        // The last line says how far the page goes.
        let mut lines = answer.body.split(|byte| *byte == b'\n');
        let last = lines.rfind(|line| !line.is_empty()).unwrap_or_default();
        let end: Option<ChainLine> = serde_json::from_slice(last).ok();
        session.output.bytes(&answer.body)?;
        match end.map(|line| line.chain) {
            Some(chain) if chain.complete == Some(true) => return Ok(()),
            Some(chain) if Some(chain.number) != after => after = Some(chain.number),
            _ => {
                return Err(Failure::Unreachable(
                    "the export does not say how far it goes: update this program.".to_owned(),
                ));
            }
        }
    }
}

/// `audit verify`: along the whole chain.
///
/// # Errors
/// Something was changed or taken out.
pub fn verify_audit(session: &Session, _: &Given<'_>) -> Result<(), Failure> {
    let mut after: Option<u64> = None;
    loop {
        let mut call = session.call(Operation::VerifyAudit, &[])?;
        if let Some(after) = after {
            call = call.asking("after", after.to_string());
        }
        let answer = session.client.call(&call)?.json()?;
        if field(&answer, "ok").as_bool() != Some(true) {
            table::one(session.output, &answer)?;
            return Err(Failure::Unfinished(format!(
                "the audit log is not whole: {}",
                plain(text(&answer, "fault"))
            )));
        }
        let next = field(&answer, "next");
        match next.as_u64().or_else(|| next.as_str()?.parse().ok()) {
            Some(next) if Some(next) != after => after = Some(next),
            _ => {
                let number = field(&answer, "to.number").as_u64().unwrap_or(0);
                if session.output.format == Format::People {
                    session.output.remark(&format!(
                        "The audit log is whole up to entry {number}, whose hash is {}.",
                        text(&answer, "to.hash")
                    ));
                    return Ok(());
                }
                return table::one(session.output, &answer);
            }
        }
    }
}

/// `rotate`: steps until nothing remains.
///
/// # Errors
/// A value cannot be read with either master key.
pub fn rotate(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    if given.flag("status") {
        let call = session.call(Operation::GetRotation, &[])?;
        let answer = session.client.call(&call)?.json()?;
        return table::one(session.output, &answer);
    }
    let number = |answer: &Value, name: &str| field(answer, name).as_u64().unwrap_or(0);
    let mut all = 0;
    let mut got_on = Instant::now();
    loop {
        let step = session
            .call(Operation::Rotate, &[])?
            .with(json!({}))
            .repeatable();
        let answer = session.client.call(&step)?.json()?;
        let done = number(&answer, "rewrapped");
        all += done;
        let remaining = number(&answer, "remaining");
        session.output.remark(&format!(
            "{} wrapped under {}, {}{remaining} to go",
            count(all, "value"),
            plain(text(&answer, "current")),
            match field(&answer, "is_at_least").as_bool() {
                Some(true) => "at least ",
                _ => "",
            }
        ));
        let unreadable = number(&answer, "unreadable");
        let failed = field(&answer, "failed").as_array().map_or(0, Vec::len);
        if remaining == 0 {
            if session.output.format != Format::People {
                table::one(session.output, &answer)?;
            }
            return match unreadable {
                0 => Ok(()),
                unreadable => Err(Failure::Unfinished(format!(
                    "{} cannot be read with MASTER_KEY or MASTER_KEY_PREVIOUS: keep both.",
                    count(unreadable, "value")
                ))),
            };
        }
        if done > 0 {
            got_on = Instant::now();
            continue;
        }
        // Files are taken out of KV at last, whose list is up to a minute behind.
        if got_on.elapsed() > STANDSTILL {
            return Err(Failure::Unfinished(format!(
                "{} to go, and nothing gets on any more; {failed} of the last step failed. The Worker's log says why.",
                count(remaining, "value")
            )));
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}
