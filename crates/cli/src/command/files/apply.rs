//! Making the installation as the files say.
//!
//! A change is checked against the files that phones would get with it, so one may have to wait for another: a template
//! for a setting that it reads, a phone for the template. What is refused is tried again after the others, as long as
//! that gets on.

use std::collections::VecDeque;

use ringfence_provision::mac::Mac;
use serde_json::{Value, json};

use super::compare::{Change, Difference, Gone, Other, What, path_of};
use super::fleet::Place;
use crate::client::{Call, segment};
use crate::command::import::MAX_ROWS;
use crate::failure::{Failure, Problem};
use crate::session::Session;
use crate::words::{count, field, text};

/// So many bytes a call of the batch has at most: the API takes 1 MiB.
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
    let mut pending: VecDeque<Change> = difference.changes.into();
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
fn gather(first: Change, pending: &mut VecDeque<Change>) -> Vec<Change> {
    let size = |change: &Change| match &change.what {
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
    group: Vec<Change>,
    comment: &str,
) -> Result<Vec<(Change, Made)>, Failure> {
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
            let path = session.below("")?;
            let present = session.client.call(&Call::new("GET", path.clone()))?;
            let tenant = present.json()?;
            let body = json!({"name": field(&tenant, "name"), "hostname": field(&tenant, "hostname"), "options": options});
            Call::new("PUT", path).with(body).if_match(present.etag)
        }
        What::Model(name, body) => {
            Call::new("PUT", session.below(&format!("/models/{}", segment(name)))?)
                .with(body.clone())
        }
        What::Site(name) => Call::new("POST", session.below("/sites")?).with(json!({"name": name})),
        What::Layer(whose, settings) => {
            let path = path_of(session, whose)?;
            let present = session.client.call(&Call::new("GET", path.clone()))?;
            Call::new("PUT", path)
                .with(json!({"settings": settings}))
                .if_match(present.etag)
        }
        What::Template(place, source) => {
            Call::new("PUT", template(session, place)?).with(json!({"source": source}))
        }
        What::Device(mac, row, _) => {
            let body = json!({"model": field(row, "model"), "label": field(row, "label"), "site": null, "settings": field(row, "settings")});
            Call::new("PUT", device(session, *mac)?).with(body)
        }
    };
    session.client.call(&call.asking("comment", comment))?;
    if let What::Site(_) = what {
        session.forget_sites();
    }
    Ok(())
}

fn device(session: &Session, mac: Mac) -> Result<String, Failure> {
    session.below(&format!("/devices/{}", mac.upper()))
}

fn template(session: &Session, place: &Place) -> Result<String, Failure> {
    let mut path = format!(
        "/templates/{}/{}",
        segment(&place.kind),
        segment(&place.family)
    );
    if let Some(model) = &place.model {
        path = format!("{path}/{}", segment(model));
    }
    session.below(&path)
}

fn devices(
    session: &Session,
    group: Vec<Change>,
    comment: &str,
) -> Result<Vec<(Change, Made)>, Failure> {
    let rows: Vec<&Value> = group
        .iter()
        .filter_map(|change| match &change.what {
            What::Device(_, row, _) => Some(row),
            _ => None,
        })
        .collect();
    let call = Call::new("POST", session.below("/device-batch")?)
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
    let path = match &other.what {
        Gone::Device(mac) => device(session, *mac)?,
        Gone::Template(place) => template(session, place)?,
        Gone::Model(name) => session.below(&format!("/models/{}", segment(name)))?,
        Gone::Site(name) => session.below(&format!("/sites/{}", segment(&session.site(name)?)))?,
    };
    session
        .client
        .call(&Call::new("DELETE", path).asking("comment", comment))?;
    Ok(())
}
