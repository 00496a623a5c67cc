//! The Durable Object `Witness`: how far the database has come, kept where the database is not. One
//! object for the deployment.
//!
//! *Invariant:* what an answer says is witnessed is in the object's SQLite before the answer leaves
//! (output gates), and a call is answered without waiting for anything, so that no two mix.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /call` | a [`WitnessCall`] | 200 with a [`WitnessReply`]; 400 if the body is none |
//!
//! Only the Worker reaches it. What is decided is in [`crate::witness`].

use std::cell::OnceCell;

use ringfence_sql::SqlError;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::db::object::ObjectSql;
use crate::witness::{WitnessCall, WitnessRecord, WitnessReply};

/// See the module.
#[durable_object]
pub struct Witness {
    state: State,
    /// Opened by the first call, or the first that finds the tables in order.
    record: OnceCell<WitnessRecord<ObjectSql>>,
}

// A panic costs its own request: what it leaves behind is in SQLite, statement by statement.
impl std::panic::RefUnwindSafe for Witness {}

impl DurableObject for Witness {
    fn new(state: State, _env: Env) -> Self {
        Self {
            state,
            record: OnceCell::new(),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let text = request.text().await?;
        let call: WitnessCall = match ringfence_json::from_str(&text) {
            Ok(call) => call,
            Err(error) => return Response::error(format!("not a call: {error}"), 400),
        };
        let reply = self
            .record()
            .and_then(|record| record.answer(call))
            .unwrap_or_else(|error| WitnessReply::Failed { detail: error.0 });
        Response::from_json(&reply)
    }
}

impl Witness {
    fn record(&self) -> Result<&WitnessRecord<ObjectSql>, SqlError> {
        if self.record.get().is_none() {
            let opened = WitnessRecord::open(ObjectSql(self.state.storage().sql()))?;
            // Somebody else cannot have come first: nothing was waited for.
            let _ = self.record.set(opened);
        }
        self.record
            .get()
            .ok_or_else(|| SqlError("the tables are not open".into()))
    }
}
