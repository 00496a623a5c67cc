//! `explain`: what a phone hears, and why.

use ringfence_api::explain::ExplainInput;
use ringfence_api::operation::Operation;
use ringfence_provision::mac::Mac;
use serde_json::Value;

use crate::failure::Failure;
use crate::given::Given;
use crate::output::Format;
use crate::session::{Session, is_id};
use crate::table;
use crate::words::{field, plain, text};

/// `explain`.
///
/// # Errors
/// What is to be explained is neither a URL nor a MAC nor the id of a request.
pub fn explain(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let what = given.required("what")?;
    let said = |name: &str| given.text(name).map(str::to_owned);
    let mut input = ExplainInput {
        name: said("name"),
        model: said("model"),
        user_agent: said("user_agent"),
        address: said("address"),
        method: said("method"),
        access_path: said("access_path"),
        ..ExplainInput::default()
    };
    if what.starts_with("http://") || what.starts_with("https://") {
        input.url = Some(what.to_owned());
    } else if is_id(what) {
        input.request_id = Some(what.to_owned());
    } else if Mac::parse(what).is_ok() {
        input.mac = Some(what.to_owned());
        input.tenant = Some(session.tenant()?.to_owned());
    } else {
        return Err(Failure::Usage(
            "name a URL that a phone asks for, the MAC of a phone, or the id of a request (ringfence events)."
                .to_owned(),
        ));
    }
    let call = session
        .call(Operation::Explain, &[])?
        .sending(&input)?
        .repeatable();
    let answer = session.client.call(&call)?.json()?;
    if session.output.format != Format::People {
        return table::one(session.output, &answer);
    }
    session.output.answer(&describe(&answer))
}

fn describe(answer: &Value) -> String {
    let word = |path: &str| plain(text(answer, path));
    let mut out = format!("{} {}\n\n", word("asked.method"), word("asked.path"));
    for step in field(answer, "steps").as_array().into_iter().flatten() {
        let mark = match text(step, "outcome") {
            "passed" => "yes",
            "failed" => "NO",
            "skipped" => "-",
            _ => "i",
        };
        out += &format!("{mark:>4}  {}\n", plain(text(step, "message")));
    }
    let status = field(answer, "verdict.status").as_u64().unwrap_or(0);
    out += &format!(
        "\nThe phone hears {status}: {}, {}.\n",
        word("verdict.outcome"),
        word("verdict.reason")
    );
    if !field(answer, "then").is_null() {
        out += &format!(
            "When it asked, it heard {}: {}, {}.\n",
            field(answer, "then.status"),
            word("then.outcome"),
            word("then.reason")
        );
    }
    for assumed in field(answer, "asked.assumed")
        .as_array()
        .into_iter()
        .flatten()
    {
        out += &format!("{}\n", plain(assumed.as_str().unwrap_or_default()));
    }
    if !word("next").is_empty() {
        out += &format!("{}\n", word("next"));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_steps_stand_in_their_order() {
        let answer = json!({"asked": {"method": "GET", "path": "/…/Config0080F0C571EB.cfg",
                "assumed": ["The access path is the tenant's newest that has not expired."]},
            "steps": [{"step": "access_path", "outcome": "passed", "message": "The access path is known."},
                {"step": "device", "outcome": "failed", "message": "The tenant has no device 0080F0C571EB."},
                {"step": "key", "outcome": "skipped", "message": "There is no device to have one."}],
            "verdict": {"status": 404, "outcome": "refused", "reason": "unknown_device"}, "then": null,

            "next": "Add the device."});
        insta::assert_snapshot!(describe(&answer));
    }
}
