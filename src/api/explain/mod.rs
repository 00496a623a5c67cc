//! What a phone would hear to a request, and why: the phone path's own decision, step by step. Nothing is
//! consumed and nothing written.
//!
//! `asked` reads what the caller has (a URL, the id of a request, a MAC) into a phone's request, `around` reads
//! what the decision did not need to know, `steps` says what was found, and `words` what it means.
//!
//! *Architecture invariants:* the verdict is that of [`crate::phone`], which is asked and not imitated; what
//! belongs to a tenant that the token does not see is as unknown as what does not exist; the segment of an access
//! path is in no answer, error or log line.

mod around;
mod asked;
mod steps;
pub mod words;

use crate::api::devices::keys;
use crate::api::request::call::{Call, Context};
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::phone::Reason;
use crate::phone::explain::{Asking, Explained};
use around::Around;
use asked::Question;
use ringfence_api::answer::Shown;
use ringfence_api::explain::{
    AskedView, ExplainInput, ExplainView, HearsView, Source, VerdictView,
};
use ringfence_api::query::Nothing;
use steps::Finder;

/// `explain`.
pub async fn explain(call: Call<Nothing, ExplainInput>) -> Result<Shown<ExplainView>, Problem> {
    Ok(Shown(explained(&call, &call.body).await?))
}

/// Explains what the caller has.
///
/// # Errors
/// The input says too little or too much, what the input names is not there, or D1 does not answer.
pub async fn explained(context: &Context, input: &ExplainInput) -> Result<ExplainView, Problem> {
    let Question {
        request,
        from,
        host_is_given,
        mut assumed,
        then,
        segment_is_known,
    } = asked::question(context, input).await?;
    let method = asked::method(input, then.as_ref()).to_owned();
    let mut asking = Asking::new(request, |tenant| context.token.sees(tenant)).await;
    if !host_is_given {
        assumed.extend(asked::at_own_host(&mut asking));
    }
    let explained = asking.explain().await;
    let around = Around::read(context, &explained).await?;
    let finder = Finder {
        explained: &explained,
        around: &around,
        token: &context.token,
        now: context.app.now,
    };
    let steps = finder.steps(&method);
    Ok(ExplainView {
        asked: asked_view(&explained, from, method, assumed),
        steps,
        verdict: VerdictView {
            outcome: explained.event.outcome,
            reason: explained.reason().as_str(),
            status: explained.event.status,
            detail: explained.detail(),
        },
        hears: hears(&explained, segment_is_known),
        next: next(explained.reason(), around.device.as_ref()),
        then,
    })
}

/// What to do next. A phone that asks for its sealed file before it has the bootstrap may not come for that by itself.
fn next(reason: Reason, device: Option<&DeviceRow>) -> String {
    let text = words::next(reason);
    let device = device.filter(|_| reason == Reason::NotDelivered);
    match device.and_then(|it| keys::after_rekey(it.family, it.profile.as_deref())) {
        Some(says) => format!("{text} {says}"),
        None => text.to_owned(),
    }
}

fn asked_view(
    explained: &Explained,
    from: Source,
    method: String,
    assumed: Vec<String>,
) -> AskedView {
    let caller = &explained.request.caller;
    let given = |text: &str| {
        let text = explained.without_access_path(text);
        Some(text).filter(|text| !text.is_empty())
    };
    AskedView {
        from,
        method,
        host: caller.host.clone(),
        tls: caller.tls,
        path: steps::shown_path(explained),
        address: given(&caller.address),
        user_agent: given(&caller.user_agent),
        assumed,
    }
}

fn hears(explained: &Explained, segment_is_known: bool) -> HearsView {
    let own = crate::http::REQUEST_ID;
    let names_url = explained.facts.named.as_ref().is_some_and(|named| {
        named.kind == ringfence_provision::kind::FileKind::Initial || explained.names_its_url()
    });
    HearsView {
        status: explained.event.status,
        headers: explained
            .headers
            .iter()
            // Each answer has its own.
            .filter(|(name, _)| **name != own)
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        length: explained.length,
        is_exact: segment_is_known || !names_url,
    }
}
