//! Codes that open one session of the console. Whoever has a token makes one for a browser, so that the token
//! itself is neither pasted there nor part of an address: the code stands behind the `#` of a link, which a
//! browser sends to nobody; the page reads it and posts it.

use ringfence_api::admin::sign_in_codes::SignInCodeView;
use ringfence_api::answer::Created;
use serde_json::json;

use crate::api::admin::sessions::admin_mark;
use crate::api::request::call::Call;
use crate::api::request::commit::{self, Failure};
use crate::platform;
use crate::platform::config;
use crate::platform::credential::{self, NewCredential};
use crate::store::sign_in_codes::{self, NewCode};

/// For how long a code is good.
const LASTS_MS: u64 = 10 * 60 * 1000;

/// `createSignInCode`.
pub async fn create(call: Call) -> Result<Created<SignInCodeView>, Failure> {
    let app = &call.app;
    let id = app.new_id();
    let new = NewCredential::new(credential::SIGN_IN_CODE, &id, platform::random_array()?);
    let lasts_until = app.now + LASTS_MS;
    let code = NewCode {
        hash: new.hash,
        token_id: call.token.id.clone(),
        admin_mark: call
            .token
            .is_admin()
            .then(|| config::admin_token(&app.env).map(|text| admin_mark(app, &text)))
            .flatten(),
        expires_at: call
            .token
            .expires_at
            .map_or(lasts_until, |end| end.min(lasts_until)),
        id,
    };
    let entry = call.entry(
        "sign_in_code.create",
        format!("sign-in-codes/{}", code.id),
        None,
        Some(json!({ "token": code.token_id, "expires_at": code.expires_at })),
    );
    sign_in_codes::insert(&app.db, &code, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    Ok(Created(SignInCodeView {
        url: format!("{}/console/sign-in#code={}", call.caller.origin, new.text),
        code: new.text,
        expires_at: code.expires_at,
        id: code.id,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sign_in_code_json_format_unchanged() {
        let view = SignInCodeView {
            id: "01JD0000000000000000000000".into(),
            code: "rfc_x".into(),
            url: "https://phones.example/console/sign-in#code=rfc_x".into(),
            expires_at: 1000,
        };
        assert_eq!(
            serde_json::to_string(&view).unwrap(),
            r#"{"id":"01JD0000000000000000000000","code":"rfc_x","url":"https://phones.example/console/sign-in#code=rfc_x","expires_at":1000}"#
        );
    }
}
