//! What is done about a request after its answer, besides its event. A decision only lists it.

use ringfence_provision::kind::Form;
use ringfence_provision::mac::Mac;

use super::{PhoneRequest, keep, sealed};
use crate::app::App;
use crate::edge;
use crate::files::inputs::FileInputs;
use crate::files::seal;
use crate::kv::to_buffer;
use crate::model::published::FileMeta;
use crate::throttle::{self, Guessed};

/// One thing to do.
pub(super) enum Deed {
    /// The access path is nobody's: whoever asked may be guessing.
    CountGuess,
    /// KV did not know the tenant.
    Publish { tenant_id: String, version: u64 },
    /// A sealed file goes out: that may confirm the key, and KV may be told.
    Settle(Box<sealed::Settling>),
    /// A plain file was made, and KV has none that is as good.
    Keep(Box<Keeping>),
    /// A bootstrap was taken: the file that the phone asks for next is put where it is fast.
    Refresh {
        mac: Mac,
        bundle: Box<FileInputs>,
        clear: Box<sealed::InClear>,
    },
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
            Self::Settle(settling) => request.app.later(sealed::settle(app, *settling)),
            Self::Keep(keeping) => request.app.later(async move { keeping.keep(&app).await }),
            Self::Refresh { mac, bundle, clear } => request
                .app
                .later(async move { sealed::refresh(&app, &mac, &bundle, &clear).await }),
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
