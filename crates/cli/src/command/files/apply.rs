//! Making the installation as the files say.
//!
//! A change is checked against the files that phones would get with it, so one may have to wait for another: a template
//! for a setting that it reads, a phone for the template. What is refused is tried again after the others, as long as
//! that gets on.

use std::collections::VecDeque;

use ringfence_api::devices::batch::MAX_ROWS;
use ringfence_api::operation::Operation;
use serde_json::{Value, json};

use super::compare::{Difference, FileChange, Gone, Other, What, writing};
use super::fleet::Place;
use crate::client::ApiCall;
use crate::failure::{Failure, Problem};
use crate::session::Session;
use crate::words::{count, field, text};

/// The most bytes of a call of the batch; the API takes 1 MiB.
const MAX_CALL: usize = 700_000;

/// Makes the changes.
///
/// # Errors
/// Some are refused in the end; the others are made.
pub(super) fn apply(
    session: &Session,
    difference: Difference,
    deletes: bool,
    comment: Option<&str>,
) -> Result<(), Failure> {
    let comment = comment.unwrap_or("ringfence apply");
    let mut pending: VecDeque<FileChange> = difference.changes.into();
    let mut made = 0;
    let mut refused: Vec<(String, Failure)> = Vec::new();
    loop {
        let mut left = VecDeque::new();
        let before = made;
        refused.clear();
        while let Some(change) = pending.pop_front() {
            let group = gather(change, &mut pending);
            for (change, outcome) in make(session, group, comment)? {
                match outcome {
                    Ok(()) => made += 1,
                    Err(failure) => {
                        refused.push((change.name().to_owned(), failure));
                        left.push_back(change);
                    }
                }
            }
        }
        if left.is_empty() || made == before {
            break;
        }
        pending = left;
    }
    let mut deleted = 0;
    if deletes && refused.is_empty() {
        for other in difference.others {
            match delete(session, &other, comment) {
                Ok(()) => deleted += 1,
                Err(Failure::Refused(problem)) => {
                    refused.push((other.name, Failure::Refused(problem)));
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    session.output.remark(&format!(
        "{} made, {deleted} deleted.",
        count(made, "change")
    ));
    if refused.is_empty() {
        return Ok(());
    }
    let mut text = format!("{} refused:", count(refused.len() as u64, "change"));
    for (name, failure) in refused {
        text.push_str(&format!("\n{name}: {failure}"));
    }
    Err(Failure::Unfinished(text))
}

/// Phones go together, as many as a call takes; everything else goes by itself.
fn gather(first: FileChange, pending: &mut VecDeque<FileChange>) -> Vec<FileChange> {
    let size = |change: &FileChange| match &change.what {
        What::Device(_, row, false) => Some(row.to_string().len()),
        _ => None,
    };
    let Some(mut bytes) = size(&first) else {
        return vec![first];
    };
    let mut group = vec![first];
    while let Some(next) = pending.front()
        && let Some(more) = size(next)
        && group.len() < MAX_ROWS
        && bytes + more <= MAX_CALL
        && let Some(next) = pending.pop_front()
    {
        bytes += more;
        group.push(next);
    }
    group
}

/// What became of a change: made, or refused by the API.
type Made = Result<(), Failure>;

fn make(
    session: &Session,
    group: Vec<FileChange>,
    comment: &str,
) -> Result<Vec<(FileChange, Made)>, Failure> {
    if matches!(
        group.first().map(|it| &it.what),
        Some(What::Device(_, _, false))
    ) {
        return devices(session, group, comment);
    }
    let mut out = Vec::new();
    for change in group {
        let made = one(session, &change.what, comment);
        match made {
            Ok(()) => out.push((change, Ok(()))),
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                out.push((change, Err(Failure::Refused(problem))));
            }
            // A site that could not be made is not there for its settings.
            Err(Failure::Usage(why)) => out.push((change, Err(Failure::Usage(why)))),
            Err(failure) => return Err(failure),
        }
    }
    Ok(out)
}

fn one(session: &Session, what: &What, comment: &str) -> Result<(), Failure> {
    let call = match what {
        What::Options(options) => {
            let call = session.call(Operation::PutTenant, &[])?;
            let present = session.client.call(&call.reading()?)?;
            let tenant = present.json()?;
            let body = json!({"name": field(&tenant, "name"), "hostname": field(&tenant, "hostname"), "options": options});
            call.with(body).if_match(present.etag)
        }
        What::Model(name, body) => {
            let call = session.call(Operation::PutModel, &[("model", name)])?;
            call.with(body.clone())
        }
        What::Site(name) => session
            .call(Operation::CreateSite, &[])?
            .with(json!({"name": name})),
        What::Layer(whose, settings) => {
            let call = writing(session, whose)?;
            let present = session.client.call(&call.reading()?)?;
            call.with(json!({"settings": settings}))
                .if_match(present.etag)
        }
        What::Template(place, source) => {
            let of = [Operation::PutTemplate, Operation::PutModelTemplate];
            template(session, place, of)?.with(json!({"source": source}))
        }
        What::Device(mac, row, _) => {
            let body = json!({"model": field(row, "model"), "label": field(row, "label"), "site": null, "settings": field(row, "settings")});
            let call = session.call(Operation::PutDevice, &[("mac", &mac.upper())])?;
            call.with(body)
        }
    };
    session.client.call(&call.asking("comment", comment))?;
    if let What::Site(_) = what {
        session.forget_sites();
    }
    Ok(())
}

/// A call about a template: by the first operation where it is a family's, by the second where it is a model's.
fn template(session: &Session, place: &Place, of: [Operation; 2]) -> Result<ApiCall, Failure> {
    let [of_family, of_model] = of;
    let (kind, family) = (("kind", &*place.kind), ("family", &*place.family));
    match &place.model {
        None => session.call(of_family, &[kind, family]),
        Some(model) => session.call(of_model, &[kind, family, ("model", model)]),
    }
}

fn devices(
    session: &Session,
    group: Vec<FileChange>,
    comment: &str,
) -> Result<Vec<(FileChange, Made)>, Failure> {
    let rows: Vec<&Value> = group
        .iter()
        .filter_map(|change| match &change.what {
            What::Device(_, row, _) => Some(row),
            _ => None,
        })
        .collect();
    let call = session
        .call(Operation::PutDevices, &[])?
        .with(json!({"devices": rows}))
        .asking("comment", comment)
        .repeatable();
    let answer = session.client.call(&call)?.json()?;
    session.forget_sites();
    let items = field(&answer, "items")
        .as_array()
        .cloned()
        .unwrap_or_default();
    let made = items.iter().map(|item| match text(item, "outcome") {
        "refused" => {
            let problem = Problem::of_row(item);
            Err(Failure::Refused(Box::new(problem)))
        }
        _ => Ok(()),
    });
    Ok(group.into_iter().zip(made).collect())
}

fn delete(session: &Session, other: &Other, comment: &str) -> Result<(), Failure> {
    let call = match &other.what {
        Gone::Device(mac) => session.call(Operation::DeleteDevice, &[("mac", &mac.upper())])?,
        Gone::Template(place) => {
            let of = [Operation::DeleteTemplate, Operation::DeleteModelTemplate];
            template(session, place, of)?
        }
        Gone::Model(name) => session.call(Operation::DeleteModel, &[("model", name)])?,
        Gone::Site(name) => {
            let site = session.site(name)?;
            session.call(Operation::DeleteSite, &[("site", &site)])?
        }
    };
    session.client.call(&call.asking("comment", comment))?;
    Ok(())
}
