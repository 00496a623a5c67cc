//! Reading a query and a body, and saying what is wrong with them without repeating a value.
//!
//! A value may be a secret that stands in the wrong member, or has the wrong type. A refusal says
//! which member it is about, what stands there and what should.

use ringfence_json::Error;
use serde::de::DeserializeOwned;

use crate::http::problem::Problem;

/// The most unknown members that are named.
const MAX_UNKNOWN: usize = 5;

/// The longest name of a member that is repeated, in bytes.
const MAX_MEMBER: usize = 40;

/// Reads a query.
pub fn query<Q: DeserializeOwned>(query: &str) -> Result<Q, Problem> {
    ringfence_json::from_pairs(form_urlencoded::parse(query.as_bytes())).map_err(wrong_query)
}

/// Reads a body, which has no members that nothing reads: they are refused. The types themselves
/// pass over them, because the same types read what is stored, and a newer version may have stored
/// more. A query is never stored, so its type refuses them by itself.
///
/// An empty body is an empty object: what has only optional members may be left out.
pub fn body<B: DeserializeOwned>(body: &[u8]) -> Result<B, Problem> {
    let body = if body.is_empty() { b"{}" } else { body };
    match ringfence_json::from_slice_noting(body, MAX_UNKNOWN) {
        (Ok(read), unknown) if unknown.is_empty() => Ok(read),
        (Ok(_), unknown) => Err(wrong_body(None, &unknown)),
        (Err(error), unknown) => Err(wrong_body(Some(error), &unknown)),
    }
}

fn wrong_query(error: Error) -> Problem {
    Problem::invalid_request(format!("The query: {}.", without_values(error.what())))
}

fn wrong_body(error: Option<Error>, unknown: &[Vec<String>]) -> Problem {
    // The misspelt name first: it is often why another is missing.
    let unknown = unknown.iter().map(|path| {
        let path = members(path.iter().map(String::as_str));
        format!("unknown field `{path}`")
    });
    let mut wrong = unknown.collect::<Vec<_>>().join(", ");
    let what_to_do = match wrong.is_empty() {
        true => "",
        false => " The description of the API (/api/v1/openapi.json) has those that this takes.",
    };
    let body = match &error {
        Some(error) if !error.is_data() => "The body is no JSON",
        _ => "The body",
    };
    if let Some(error) = error {
        wrong.push_str(if wrong.is_empty() { "" } else { "; " });
        wrong.push_str(&without_values(error.what()));
        let path = members(error.path());
        if !path.is_empty() {
            wrong.push_str(&format!(" at `{path}`"));
        }
    }
    Problem::invalid_request(format!("{body}: {wrong}.{what_to_do}"))
}

/// The path of a member. Names of this API are small letters and `_`; what is not written like one
/// may be no name at all.
fn members<'a>(path: impl Iterator<Item = &'a str>) -> String {
    path.map(member).collect::<Vec<_>>().join(".")
}

fn member(name: &str) -> &str {
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_index = name.len() <= 4 && name.bytes().all(|byte| byte.is_ascii_digit());
    match name.len() <= MAX_MEMBER && (is_name || is_index) {
        true => name,
        false => "…",
    }
}

/// The words of a reader without the values that it quotes.
fn without_values(message: &str) -> String {
    // These quote members and values that the API itself knows.
    const KNOWN: [&str; 3] = [
        "missing field",
        "duplicate field",
        "provided string was not",
    ];
    if KNOWN.iter().any(|known| message.starts_with(known)) {
        return message.to_owned();
    }
    // What is expected comes last and is the API's own, whatever the value in front holds.
    let (seen, expected) = match message.rsplit_once(", expected ") {
        Some((seen, expected)) => (seen, Some(expected)),
        None => (message, None),
    };
    let seen = match seen.strip_prefix("unknown field `") {
        Some(name) => format!("unknown field `{}`", member(name.trim_end_matches('`'))),
        None => unquoted(seen),
    };
    match expected {
        Some(expected) => format!("{seen}, expected {expected}"),
        None => seen,
    }
}

/// Without what stands from the first quote to the last.
fn unquoted(text: &str) -> String {
    let quotes = ['"', '`', '\''];
    match (text.find(quotes), text.rfind(quotes)) {
        (Some(first), Some(last)) if first < last => {
            let before = text.get(..first).unwrap_or_default();
            let after = text.get(last + 1..).unwrap_or_default();
            format!("{before}…{after}")
        }
        (Some(first), _) => format!("{}…", text.get(..first).unwrap_or_default()),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde::Deserialize;

    use crate::api::request::read::*;
    use ringfence_api::query::{Nothing, RevealQuery};

    #[derive(Debug, Deserialize)]
    struct Named {
        name: String,
    }

    #[test]
    fn an_unknown_member_is_named() {
        let problem = body::<Named>(br#"{"name":"a","nmae":"b"}"#).unwrap_err();
        assert_eq!(
            (problem.kind.as_str(), problem.status()),
            ("invalid-request", 400)
        );
        assert!(
            problem.detail.contains("unknown field `nmae`"),
            "{}",
            problem.detail
        );
        // With what is missing because of it.
        let problem = body::<Named>(br#"{"nmae":"b"}"#).unwrap_err();
        assert!(
            problem
                .detail
                .starts_with("The body: unknown field `nmae`; missing field `name`"),
            "{}",
            problem.detail
        );
        let problem = query::<RevealQuery>("revael=true").unwrap_err();
        assert!(
            problem.detail.contains("unknown field `revael`"),
            "{}",
            problem.detail
        );
    }

    #[test]
    fn an_unknown_member_of_a_member_is_named_by_its_path() {
        use ringfence_api::notify::pools::PoolInput;
        use ringfence_api::notify::rollouts::RolloutInput;
        use ringfence_api::tenancy::tenants::TenantInput;

        fn refusal<B: DeserializeOwned>(text: &str) -> String {
            let problem = body::<B>(text.as_bytes()).err().unwrap();
            assert_eq!(problem.status(), 400);
            problem.detail
        }
        let urls = r#"{"name":"a","options":{"urls":{"master":{"plian":[]}}}}"#;
        assert!(refusal::<TenantInput>(urls).contains("`options.urls.master.plian`"));
        let option = r#"{"name":"a","options":{"retry_windows":1}}"#;
        assert!(refusal::<TenantInput>(option).contains("`options.retry_windows`"));
        let option = r#"{"name":"a","options":{"lease":1}}"#;
        assert!(refusal::<PoolInput>(option).contains("`options.lease`"));
        for (text, path) in [
            (r#"{"selection":{"sites":"x"}}"#, "`selection.sites`"),
            (
                r#"{"window":{"from":"08:00","to":"09:00","day":[]}}"#,
                "`window.day`",
            ),
            (
                r#"{"threshold":{"share":1,"within_s":1,"x":1}}"#,
                "`threshold.x`",
            ),
        ] {
            let detail = refusal::<RolloutInput>(text);
            assert!(detail.contains(path), "{detail}");
        }
    }

    #[test]
    fn only_so_many_unknown_members_are_named() {
        let many: Vec<String> = (0..1000)
            .map(|at| format!(r#""x{}":1"#, "y".repeat(at)))
            .collect();
        let text = format!(r#"{{"name":"a",{}}}"#, many.join(","));
        let problem = body::<Named>(text.as_bytes());
        let detail = problem.unwrap_err().detail;
        assert_eq!(detail.matches("unknown field").count(), MAX_UNKNOWN);
    }

    #[test]
    fn nothing_may_follow_the_body() {
        assert!(body::<Nothing>(b"{} {}").is_err());
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        for text in [&b"name=a"[..], b"{\"name\":", b"{} {}"] {
            let problem = body::<Named>(text).unwrap_err();
            assert!(
                problem.detail.starts_with("The body is no JSON: "),
                "{}",
                problem.detail
            );
        }
    }

    #[test]
    fn a_missing_member_is_named() {
        let problem = body::<Named>(b"").unwrap_err();
        assert!(
            problem.detail.contains("missing field `name`"),
            "{}",
            problem.detail
        );
        assert_eq!(body::<Named>(br#"{"name":"a"}"#).unwrap().name, "a");
    }

    #[test]
    fn nothing_is_taken_where_nothing_is_wanted() {
        assert!(body::<Nothing>(b"").is_ok());
        assert!(body::<Nothing>(b"{}").is_ok());
        assert!(body::<Nothing>(br#"{"force":true}"#).is_err());
        assert!(query::<Nothing>("").is_ok());
        assert!(query::<Nothing>("force=true").is_err());
        assert!(query::<RevealQuery>("reveal=true").unwrap().reveal);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_not_repeated() {
        use ringfence_api::admin::tokens::TokenInput;
        use ringfence_api::tenancy::settings::SettingsInput;
        use ringfence_api::tenancy::tenants::TenantInput;

        const SECRET: &str = "Tr0ub4dor, expected `x`, expected \"-and-3";
        fn detail<B: DeserializeOwned>(body: serde_json::Value) -> String {
            let problem = super::body::<B>(body.to_string().as_bytes()).err().unwrap();
            assert!(!problem.detail.contains("Tr0ub4dor"), "{}", problem.detail);
            assert!(!problem.detail.contains("and-3"), "{}", problem.detail);
            problem.detail
        }
        let json = |text: &str| serde_json::Value::String(text.to_owned());
        let said = detail::<SettingsInput>(serde_json::json!({ "settings": SECRET }));
        assert!(
            said.contains("invalid type: string …, expected a map"),
            "{said}"
        );
        detail::<SettingsInput>(json(SECRET));
        detail::<SettingsInput>(serde_json::json!([SECRET]));
        detail::<TokenInput>(serde_json::json!({ "name": "a", "tenant": [SECRET] }));
        detail::<TenantInput>(
            serde_json::json!({ "name": "a", "options": { "shared_family": SECRET } }),
        );
        let urls = serde_json::json!({ "initial": { "plain": [format!("{{{SECRET}}}")] } });
        detail::<TenantInput>(serde_json::json!({ "name": "a", "options": { "urls": urls } }));
        let said = detail::<Named>(serde_json::json!({ "name": "a", SECRET: "b" }));
        assert_eq!(
            said,
            "The body: unknown field `…`. The description of the API (/api/v1/openapi.json) has those that this takes."
        );
        detail::<Named>(serde_json::json!({ "name": { SECRET: "b" } }));
    }

    #[test]
    fn what_is_expected_is_said() {
        let said = body::<Named>(br#"{"name":5}"#).unwrap_err().detail;
        assert_eq!(
            said,
            "The body: invalid type: integer …, expected a string at `name`."
        );
        let said = query::<RevealQuery>("reveal=hunter2").err().unwrap().detail;
        assert_eq!(
            said,
            "The query: provided string was not `true` or `false`."
        );
        let said = query::<RevealQuery>("hunter2=true").err().unwrap().detail;
        assert_eq!(said, "The query: unknown field `…`, expected `reveal`.");
    }
}
