//! The audit log as a chain: exporting it, verifying it, and cutting what is old and exported.

use std::cell::Cell;
use std::fmt::Write as _;

use ringfence_api::admin::audit_chain::{
    AuditExport, ChainLine, ChainMark, CutInput, CutRow, ExportQuery, Link, PartQuery, PartView,
    VerifyQuery, VerifyView,
};
use ringfence_api::answer::{Lines, Shown};
use ringfence_api::query::Nothing;
use serde_json::json;

use crate::api::request::call::Call;
use crate::api::request::commit::Failure;
use crate::app::App;
use crate::audit::chain::{self, Head};
use crate::http::problem::Problem;
use crate::platform::{DAY_MS, log};
use crate::store::audit_chain::{self as store, ChainError, MAX_PAGES_CHAINED};

/// For how many days an entry is kept at least.
pub const MIN_KEPT_DAYS: u64 = 90;

/// How many lines an answer has at most.
const MAX_LINES: u32 = 500;

/// How many entries a part has at most, and how many bytes of what they say.
const MAX_PART: u32 = 20_000;
const MAX_PART_BYTES: u64 = 32 * 1024 * 1024;

/// As many pages of entries as a part may have: a page ends after 500 entries or after 2 MiB.
const MAX_PAGES_OF_PART: usize = 60;

/// How many pages of entries one call verifies.
const MAX_PAGES: usize = 10;

/// How many cuts are shown.
const MAX_CUTS: u32 = 50;

thread_local! {
    /// Until when, in Unix milliseconds, another request of this isolate is at it.
    static EXTENDING: Cell<u64> = const { Cell::new(0) };
}

/// For how long at most one request extends the chain: the runtime ends it then.
const EXTENDING_MS: u64 = 30_000;

/// Takes what is not in the chain yet into it, after the answer. What is missed here is done by the
/// next change, or by the cron event.
pub fn extend_later(app: &App) {
    if EXTENDING.get() > app.now {
        return;
    }
    EXTENDING.set(app.now + EXTENDING_MS);
    let worker = app.clone();
    app.later(async move {
        let result = store::extend(&worker.db, &worker.keyring, MAX_PAGES_CHAINED).await;
        EXTENDING.set(0);
        log_failure(result.map(drop));
    });
}

/// Logs that the chain could not be extended. That somebody else was faster is as good.
fn log_failure(result: Result<(), ChainError>) {
    match result {
        Ok(()) | Err(ChainError::Overtaken) => {}
        Err(error) => log::warn("audit_not_chained", &[("error", &error.to_string())]),
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Storage(error) => error.into(),
            ChainError::Overtaken => Self::Overtaken(Problem::conflict(
                "Somebody else was extending or cutting the audit chain at the same moment. Repeat the request.",
            )),
            ChainError::Forged | ChainError::UnknownKey(_) => Self::Problem(Problem::conflict(
                format!("Nothing was done, because {}", told(&error)),
            )),
        }
    }
}

/// `exportAudit`.
pub async fn export(call: Call<ExportQuery>) -> Result<Lines<AuditExport>, Failure> {
    let query = &call.query;
    let limit = query.limit.unwrap_or(MAX_LINES);
    if !(1..=MAX_LINES).contains(&limit) {
        return Err(Problem::invalid_request(format!("`limit` is 1 to {MAX_LINES}.")).into());
    }
    let app = &call.app;
    let head = store::extend(&app.db, &app.keyring, MAX_PAGES_CHAINED).await?;
    let from = from(&call, query.after, &head).await?;
    let entries = store::page(&app.db, from.number, query.until, limit).await?;
    let mut lines = String::new();
    let mut link = from.clone();
    let end = |link: &Link, complete: Option<bool>| {
        let chain = ChainMark {
            complete,
            hash: link.hash.clone(),
            number: link.number,
        };
        serde_json::to_string(&ChainLine { chain })
            .map_err(|error| Problem::internal(error.to_string()))
    };
    let _ = writeln!(lines, "{}", end(&from, None)?);
    for (row, _) in entries
        .iter()
        .take_while(|(row, _)| row.number <= head.number)
    {
        link = chain::next_link(&link, row);
        lines.push_str(&chain::line(row));
        lines.push('\n');
    }
    let complete = link.number >= head.number || {
        let more = store::page(&app.db, link.number, query.until, 1).await?;
        more.first().is_none_or(|(row, _)| row.number > head.number)
    };
    let _ = writeln!(lines, "{}", end(&link, Some(complete))?);
    Ok(Lines(AuditExport(lines)))
}

/// `measureAudit`: where a part ends, without making it.
pub async fn measure(call: Call<PartQuery>) -> Result<Shown<PartView>, Failure> {
    let app = &call.app;
    // Whoever goes on after the part finds its last entry in the chain.
    let head = store::extend(&app.db, &app.keyring, MAX_PAGES_OF_PART).await?;
    let from = from(&call, call.query.after, &head).await?;
    let part = store::extent(&app.db, from.number, MAX_PART, MAX_PART_BYTES).await?;
    Ok(Shown(PartView {
        entries: part.as_ref().map_or(0, |part| part.entries),
        next: part
            .map(|part| part.number)
            .filter(|number| *number < head.number),
    }))
}

/// What a page that goes on after an entry builds on.
async fn from<Q, B>(call: &Call<Q, B>, after: Option<u64>, head: &Head) -> Result<Link, Problem> {
    match after {
        None => Ok(head.cut()),
        Some(number) if number == head.cut_number => Ok(head.cut()),
        Some(number) => store::link(&call.app.db, number)
            .await?
            .filter(|_| number > head.cut_number)
            .ok_or_else(|| {
                Problem::invalid_request(format!(
                    "`after`: the chain has no entry {number}. Leave it out to begin after the last cut."
                ))
            }),
    }
}

/// `verifyAudit`.
pub async fn verify(call: Call<VerifyQuery>) -> Result<Shown<VerifyView>, Failure> {
    let app = &call.app;
    let cuts = store::cuts(&app.db, MAX_CUTS).await?;
    let found = |fault: Option<String>, from: Link, to: Link, next, pending| {
        Ok(Shown(VerifyView {
            ok: fault.is_none(),
            fault,
            from,
            to,
            next,
            pending,
            cuts: cuts.clone(),
        }))
    };
    let head = match store::extend(&app.db, &app.keyring, MAX_PAGES_CHAINED).await {
        Ok(head) => head,
        Err(error @ (ChainError::Forged | ChainError::UnknownKey(_))) => {
            let nothing = chain::first_link();
            return found(Some(told(&error)), nothing.clone(), nothing, None, 0);
        }
        Err(error) => return Err(error.into()),
    };
    let from = from(&call, call.query.after, &head).await?;
    let (pending, stored_end) = store::beyond(&app.db, &head).await?;
    if let Some(fault) = cut_fault(&head, &cuts) {
        return found(
            Some(format!("{fault}. {COMPARE}")),
            from.clone(),
            from,
            None,
            pending,
        );
    }
    let mut link = from.clone();
    for _ in 0..MAX_PAGES {
        let mut entries = store::page(&app.db, link.number, None, MAX_LINES).await?;
        entries.retain(|(row, _)| row.number <= head.number);
        if entries.is_empty() {
            let fault = (link != head.end() || stored_end != head.number).then(|| {
                format!(
                    "the log ends at entry {}, but its sealed end is entry {}: entries were taken out, or their hashes changed. {COMPARE}",
                    link.number, head.number
                )
            });
            return found(fault, from, link, None, pending);
        }
        match chain::follow(link.clone(), &entries) {
            Ok(end) => link = end,
            Err(fault) => {
                let fault = format!("{fault}. {COMPARE}");
                return found(Some(fault), from, link, None, pending);
            }
        }
    }
    let next = Some(link.number);
    found(None, from, link, next, pending)
}

/// What to do about a log that is not what it was.
const COMPARE: &str = "Compare the log with what was exported of it before.";

/// Why the chain cannot be followed, and what to do.
fn told(error: &ChainError) -> String {
    match error {
        // It says by itself what to do.
        ChainError::UnknownKey(_) => format!("{error}."),
        _ => format!("{error}. {COMPARE}"),
    }
}

/// What is wrong with the rows that cuts left, if anything is.
fn cut_fault(head: &Head, cuts: &[CutRow]) -> Option<String> {
    let last = cuts
        .first()
        .map_or((0, chain::START), |cut| (cut.number, &cut.hash));
    if last != (head.cut_number, head.cut_hash.as_str()) {
        return Some(format!(
            "the last cut in the database ends at entry {}, but the sealed one at entry {}: somebody has changed it in the database",
            last.0, head.cut_number
        ));
    }
    let torn = cuts
        .iter()
        .zip(cuts.iter().skip(1))
        .find(|(newer, older)| newer.first_number != older.number + 1);
    torn.map(|(newer, _)| {
        format!(
            "the cut that begins at entry {} does not follow the one before it",
            newer.first_number
        )
    })
}

/// `cutAudit`.
pub async fn cut(call: Call<Nothing, CutInput>) -> Result<Shown<CutRow>, Failure> {
    let app = &call.app;
    let input = &call.body;
    let head = store::extend(&app.db, &app.keyring, MAX_PAGES_CHAINED).await?;
    if let Some(fault) = cut_fault(&head, &store::cuts(&app.db, 2).await?) {
        return Err(
            Problem::conflict(format!("Nothing was cut, because {fault}. {COMPARE}")).into(),
        );
    }
    let period = store::period(&app.db, head.cut_number, input.number).await?;
    let (first, last) = period
        .filter(|(_, last)| last.number > head.cut_number && last.hash == input.hash)
        .ok_or_else(|| {
            Problem::invalid_value(
                "`number` and `hash` are not an entry of the chain and its hash. Export the period to its end, keep the lines, and name what the last line says.",
            )
        })?;
    if last.at > app.now.saturating_sub(MIN_KEPT_DAYS * DAY_MS) {
        return Err(Problem::invalid_value(format!(
            "`number`: that entry is younger than {MIN_KEPT_DAYS} days, and younger ones are kept. Export with `until` at least {MIN_KEPT_DAYS} days ago."
        )).into());
    }
    let row = CutRow {
        number: last.number,
        hash: last.hash,
        entries: last.number + 1 - first.number,
        first_number: first.number,
        first_hash: first.hash,
        first_at: first.at,
        last_at: last.at,
        token_id: call.token.id.clone(),
        at: app.now,
    };
    let after = json!({
        "first_number": row.first_number, "number": row.number, "hash": row.hash, "entries": row.entries,
    });
    let entry = call.entry("audit.cut", "audit", None, Some(after));
    store::cut(&app.db, &app.keyring, &head, &row, &entry).await?;
    Ok(Shown(row))
}

#[cfg(test)]
mod tests {
    use crate::api::admin::audit_chain::*;

    fn row(first_number: u64, number: u64) -> CutRow {
        CutRow {
            number,
            hash: format!("{number:064x}"),
            first_number,
            first_hash: String::new(),
            entries: number + 1 - first_number,
            first_at: 1,
            last_at: 2,
            token_id: "admin".into(),
            at: 3,
        }
    }

    fn head(cut: &CutRow) -> Head {
        Head {
            cut_number: cut.number,
            cut_hash: cut.hash.clone(),
            ..Head::start()
        }
    }

    #[test]
    fn cuts_follow_each_other_up_to_the_sealed_one() {
        assert_eq!(cut_fault(&Head::start(), &[]), None);
        let cuts = [row(5, 9), row(1, 4)];
        assert_eq!(cut_fault(&head(&cuts[0]), &cuts), None);
        assert!(cut_fault(&head(&cuts[1]), &cuts).is_some_and(|fault| fault.contains("entry 9")));
        assert!(cut_fault(&Head::start(), &cuts).is_some());
        assert!(cut_fault(&head(&cuts[0]), &[]).is_some());
        let torn = [row(6, 9), row(1, 4)];
        assert!(cut_fault(&head(&torn[0]), &torn).is_some_and(|fault| fault.contains("entry 6")));
    }

    #[test]
    fn cut_json_format_unchanged() {
        let text = serde_json::to_string(&row(1, 2)).unwrap_or_default();
        assert_eq!(
            text,
            r#"{"number":2,"hash":"0000000000000000000000000000000000000000000000000000000000000002","first_number":1,"first_hash":"","entries":2,"first_at":1,"last_at":2,"token_id":"admin","at":3}"#
        );
    }
}
