//! Keeps a file that was just made in KV, for the next request. What changed while it was being made and
//! stored does not find it there.

use js_sys::ArrayBuffer;
use ringfence_provision::kind::Form;
use ringfence_provision::lifecycle::KeyState;

use crate::app::App;
use crate::edge;
use crate::model::published::FileMeta;
use crate::platform::log;
use crate::store::file_inputs;

/// The state of the key of the device that a file is for, as long as the file is the device's latest and,
/// if it is sealed, sealed with its present key.
pub(super) async fn state(
    app: &App,
    tenant_id: &str,
    form: Form,
    meta: &FileMeta,
) -> Option<KeyState> {
    let generation = (form == Form::Sealed).then_some(meta.generation);
    file_inputs::if_current(&app.db, tenant_id, &meta.device, generation, meta.version)
        .await
        .ok()
        .flatten()
}

/// Stores a file that was the latest a moment ago; and takes it out again should its device have changed
/// while it was being stored. (A re-key in that gap is covered by its fence.) A file that is not one
/// device's has the version of what it was made from, which tells.
pub(super) async fn store(
    app: &App,
    tenant_id: &str,
    form: Form,
    key: &str,
    bytes: &ArrayBuffer,
    meta: &FileMeta,
) {
    // A put that failed may have landed all the same.
    let stored = edge::put_file(app, key, bytes, meta).await;
    // A sealed file stored as settled must not outlive a re-arm: the next fetch has something to say.
    let must_confirm = form == Form::Sealed && meta.settled;
    let fits = meta.device.is_empty()
        || state(app, tenant_id, form, meta)
            .await
            .is_some_and(|state| !must_confirm || state == KeyState::Confirmed);
    if !fits {
        edge::remove_file(app, key).await;
    } else if let Err(error) = stored {
        log::warn(
            "file_not_stored",
            &[("key", key), ("error", &error.to_string())],
        );
    }
}
