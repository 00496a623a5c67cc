//! The body of a request, read as it comes and no further than it may be long.
//!
//! A body without `Content-Length` could be of any length. Held whole before it is measured it costs
//! memory that the module does not give back. So it is read piece by piece, and what is too long is
//! told as soon as it is, with the rest unread.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use worker::Request;

#[wasm_bindgen]
extern "C" {
    type Stream;

    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn get_reader(this: &Stream) -> Result<Reader, JsValue>;

    type Reader;

    #[wasm_bindgen(method, catch)]
    async fn read(this: &Reader) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn cancel(this: &Reader) -> Result<JsValue, JsValue>;
}

/// Why there is no body.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than it may be.
    TooLarge,
    /// The connection ended, or the runtime does not give the body out.
    Lost,
}

/// The body of a request, if it has at most `limit` bytes. Of a longer one not more than `limit` and
/// the piece that crosses it are read.
///
/// # Errors
/// The body is longer, or ended before its end.
pub async fn read(request: &Request, limit: usize) -> Result<Vec<u8>, BodyError> {
    let lost = |_: JsValue| BodyError::Lost;
    let announced = announced(request.headers().get("content-length").ok().flatten());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge);
    }
    let body = Reflect::get(request.inner(), &"body".into()).map_err(lost)?;
    if body.is_null() || body.is_undefined() {
        return Ok(Vec::new());
    }
    let reader = body.unchecked_into::<Stream>().get_reader().map_err(lost)?;
    let mut bytes = Vec::new();
    loop {
        let next = reader.read().await.map_err(lost)?;
        let done = Reflect::get(&next, &"done".into()).map_err(lost)?;
        if done.is_truthy() {
            return Ok(bytes);
        }
        let piece: Uint8Array = Reflect::get(&next, &"value".into())
            .and_then(JsCast::dyn_into)
            .map_err(lost)?;
        // Still in the runtime's memory: what is too long does not come into the module's.
        let length = piece.length() as usize;
        if length > limit - bytes.len() {
            // The rest is nobody's business; whether the sender hears of it is the runtime's.
            let _ = reader.cancel().await;
            return Err(BodyError::TooLarge);
        }
        let start = bytes.len();
        bytes.resize(start + length, 0);
        if let Some(room) = bytes.get_mut(start..) {
            piece.copy_to(room);
        }
    }
}

/// What `Content-Length` says; `None` where it says nothing that can be used.
fn announced(header: Option<String>) -> Option<u64> {
    let text = header?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are a number as well, and a large one.
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_believed_only_if_it_is_a_number() {
        let announced = |text: &str| announced(Some(text.to_owned()));
        assert_eq!(announced("0"), Some(0));
        assert_eq!(announced("1048577"), Some(1_048_577));
        assert_eq!(announced("99999999999999999999999"), Some(u64::MAX));
        for nonsense in ["", "-1", "+1", "1, 1", "0x10", "1e9"] {
            assert_eq!(announced(nonsense), None, "{nonsense}");
        }
        assert_eq!(super::announced(None), None);
    }
}
