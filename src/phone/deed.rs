//! What is done about a request after its answer, besides its event. A decision only lists it.

use js_sys::ArrayBuffer;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::lifecycle::KeyState;
use ringfence_provision::mac::Mac;

use super::own_file::{InClear, Made};
use super::{PhoneRequest, keep};
use crate::app::App;
use crate::edge;
use crate::files::inputs::FileInputs;
use crate::files::seal;
use crate::kv::to_buffer;
use crate::model::published::FileMeta;
use crate::platform::log;
use crate::store::claims;
use crate::throttle::{self, Guessed};

/// One thing to do.
pub(super) enum Deed {
    /// The access path is nobody's: whoever asked may be guessing.
    CountGuess,
    /// KV did not know the tenant.
    Publish { tenant_id: String, version: u64 },
    /// A sealed file goes out: that may confirm the key, and KV may be told.
    Settle(Box<Settling>),
    /// A plain file was made, and KV has none that is as good.
    Keep(Box<Keeping>),
    /// A bootstrap was taken: the file that the phone asks for next is put where it is fast.
    Refresh {
        mac: Mac,
        inputs: Box<FileInputs>,
        clear: Box<InClear>,
    },
}

/// A sealed file that goes out, and after what it is confirmed.
pub(super) struct Settling {
    /// Whose file it is.
    pub(super) tenant_id: String,
    /// Where it is to lie in KV; `None`: nowhere.
    pub(super) key: Option<String>,
    pub(super) bytes: ArrayBuffer,
    pub(super) meta: FileMeta,
    /// Whether it was fetched in a way that confirms the key.
    pub(super) confirms: bool,
    /// Whether KV has it already.
    pub(super) in_kv: bool,
}

/// A plain file that is to lie in KV, wrapped.
pub(super) struct Keeping {
    pub(super) tenant_id: String,
    pub(super) key: String,
    pub(super) bytes: Vec<u8>,
    pub(super) meta: FileMeta,
}

impl Deed {
    /// Begins it; it goes on after the answer has gone out.
    pub(super) fn start(self, request: &PhoneRequest) {
        let app = request.app.clone();
        match self {
            Self::CountGuess => {
                throttle::wrong_guess(&app, Guessed::AccessPath, &request.caller.address);
            }
            Self::Publish { tenant_id, version } => edge::publish_missed(&app, tenant_id, version),
            Self::Settle(settling) => request.app.later(settle(app, *settling)),
            Self::Keep(keeping) => request.app.later(async move { keeping.keep(&app).await }),
            Self::Refresh { mac, inputs, clear } => request
                .app
                .later(async move { refresh(&app, &mac, &inputs, &clear).await }),
        }
    }
}

impl Keeping {
    async fn keep(&self, app: &App) {
        if let Ok(frame) = seal::wrap_file(&app.keyring, &self.key, &self.bytes).await {
            let (bytes, form) = (to_buffer(&frame), Form::Plain);
            keep::store(app, &self.tenant_id, form, &self.key, &bytes, &self.meta).await;
        }
    }
}

/// The first fetch of a sealed name after a delivery confirms the key (`HEAD` is none); then the file is
/// stored as one that has nothing new to say. While a bootstrap waits for a phone that may have the
/// key already, every fetch goes on asking. Without a key it is stored nowhere.
async fn settle(app: App, settling: Settling) {
    let Settling {
        tenant_id,
        key,
        bytes,
        meta,
        confirms,
        in_kv,
    } = settling;
    if confirms {
        let confirmed = claims::confirm(&app.db, &meta.device, meta.generation, app.now).await;
        if let Err(error) = confirmed {
            log::warn("key_not_confirmed", &[("error", &error.to_string())]);
        }
    }
    let Some(state) = keep::state(&app, &tenant_id, Form::Sealed, &meta).await else {
        return;
    };
    let confirmed = state == KeyState::Confirmed;
    if let Some(key) = key.filter(|_| confirmed || !in_kv) {
        let meta = FileMeta { confirmed, ..meta };
        keep::store(&app, &tenant_id, Form::Sealed, &key, &bytes, &meta).await;
    }
}

/// Puts the file that a phone asks for next where it is fast, after its bootstrap: made of what that one was made of. It
/// will ask where it asked for that one, or where that one told it to.
async fn refresh(app: &App, mac: &Mac, inputs: &FileInputs, clear: &InClear) {
    let tenant_id = &inputs.tenant_id;
    if let Ok(made) = clear.seal(app, inputs).await
        && made.may_be_kept
    {
        let Made { bytes, meta, .. } = made;
        let key = edge::file_key(tenant_id, FileKind::Standard, Form::Sealed, &mac.upper());
        // What changed meanwhile is told by this look.
        if keep::state(app, tenant_id, Form::Sealed, &meta)
            .await
            .is_some()
        {
            keep::store(app, tenant_id, Form::Sealed, &key, &bytes, &meta).await;
        }
    }
}
