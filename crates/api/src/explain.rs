//! What is asked of `explain` and what it answers.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_provision::format::RenderedFinding;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::layers::Layer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::admin::events::EventView;
use crate::devices::unknown::GuessView;
use crate::devices::{DeviceView, KeyView};

/// What is to be explained: exactly one of `url`, `request_id` and `mac`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExplainInput {
    /// A URL as the phone asked it, or its path alone, with the access path in front; the answer
    /// never repeats the access path. A path alone is taken to be asked of the tenant's host.
    pub url: Option<String>,
    /// The id of a phone's request, from its answer's `ringfence-request-id`, its event or the log: what was
    /// asked then is explained with what is there now.
    pub request_id: Option<String>,
    /// The MAC of a phone, in any notation.
    pub mac: Option<String>,
    /// Id of the tenant of the phone with that `mac`; left out, it is the token's own, or the one that has such a
    /// device.
    pub tenant: Option<String>,
    /// Id of the access path under which the phone with that `mac` asks; left out, it is the newest that has not
    /// expired.
    pub access_path: Option<String>,
    /// The model of a phone that is no device yet, for names that are made of it.
    pub model: Option<String>,
    /// The name that the phone with that `mac` asks for, below the access path; left out, it is that of its
    /// standard file.
    pub name: Option<String>,
    /// The address that the phone asks from, for the retry window and the throttle.
    pub address: Option<String>,
    /// What the phone says it is.
    pub user_agent: Option<String>,
    /// The method of the request; GET if it is left out.
    pub method: Option<String>,
    /// Headers of the request that decide something, such as `If-None-Match` and `Range`.
    pub headers: BTreeMap<String, String>,
}

/// What a phone would hear to a request at this moment, and why. Nothing is consumed or written.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExplainView {
    /// The request that is explained.
    pub asked: AskedView,
    /// What is looked at, in the order in which a request passes it.
    pub steps: Vec<StepView>,
    /// How the request ends, as its event would say it.
    pub verdict: VerdictView,
    /// The answer that the phone hears.
    pub hears: HearsView,
    /// What to do next, in one sentence.
    pub next: String,
    /// The event of the request whose id was given: how it ended then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<EventView>,
}

/// Where a request to be explained comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Source {
    /// The request was made from the member `url`.
    Url,
    /// The request was made from the event that `request_id` names.
    RequestId,
    /// The request was made from the member `mac`.
    Mac,
}

/// A phone's request, without its access path.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskedView {
    /// The member of the input that the request was made from.
    pub from: Source,
    /// The method of the request.
    pub method: String,
    /// The host of the URL, without a port.
    pub host: String,
    /// Whether the request comes over HTTPS, or from this machine where that counts as such.
    pub tls: bool,
    /// What stands behind the access path, without a query, made fit to be read.
    pub path: String,
    /// The address that the request comes from; null if none was given.
    pub address: Option<String>,
    /// What the phone says it is; null if it says nothing.
    pub user_agent: Option<String>,
    /// What was not given or not written down, and is taken to be so.
    pub assumed: Vec<String>,
}

/// What a step of `explain` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StepId {
    /// Whether the address is kept from asking the database.
    Throttle,
    /// The first segment of the URL.
    AccessPath,
    /// The host that the tenant is bound to.
    Host,
    /// The method, which is GET or HEAD.
    Method,
    /// What the name asks for.
    Name,
    /// Whether the request comes over HTTPS.
    Transport,
    /// The device, or the model, that the file is for.
    Device,
    /// The state of the device's key.
    Key,
    /// The form in which the file goes out.
    Form,
    /// The versions in KV and in D1.
    Copy,
    /// The file itself.
    File,
}

/// How a step of `explain` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StepOutcome {
    /// The request passes this step.
    Passed,
    /// The request ends at this step, or what is served is not what should be.
    Failed,
    /// The request did not come to this step, or the step has nothing to tell of the request.
    Skipped,
    /// The step decides nothing about this request and is told all the same.
    Information,
}

/// A step of `explain`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepView {
    /// The step of the explanation, as a word for programs; never renamed.
    pub step: StepId,
    /// How this step of the explanation ended.
    pub outcome: StepOutcome,
    /// What was found, in a sentence for people.
    pub message: String,
    /// What was found, for programs; null where a step was skipped.
    pub details: Option<Details>,
}

/// What a step of `explain` found; which members there are, the step tells.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Details {
    Throttle(ThrottleDetails),
    AccessPath(AccessPathDetails),
    Host(HostDetails),
    Method(MethodDetails),
    Name(NameDetails),
    Transport(TransportDetails),
    Device(Box<DeviceDetails>),
    Key(KeyView),
    Form(FormDetails),
    Copy(CopyDetails),
    File(FileDetails),
}

/// The details of the step `throttle`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThrottleDetails {
    /// Whether too many wrong access paths came from the address, as far as the isolate remembers
    /// that answers here. The throttle ends within a minute, and keeps out only what KV does not
    /// know.
    pub is_throttled: bool,
}

/// The details of the step `access_path`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessPathDetails {
    /// Id of the tenant that the access path belongs to.
    pub tenant: String,
    /// Id of the access path; null where neither KV nor D1 tells it.
    pub id: Option<String>,
    /// The label of the access path; null if D1 does not have it any more.
    pub label: Option<String>,
    /// The time at which the access path ends, in Unix milliseconds; null if the access path does not end.
    pub expires_at: Option<u64>,
    /// Whether the time of the access path is over.
    pub is_expired: bool,
    /// Id of the access path that the tenant's phones are to move to; null if there is none.
    pub target: Option<String>,
    /// Whether KV knew the access path at this location.
    pub in_kv: bool,
    /// The version of the tenant as KV has it; null where KV has none.
    pub kv_version: Option<u64>,
    /// The version of the tenant in D1; null if D1 does not have it any more.
    pub d1_version: Option<u64>,
}

/// The details of the step `host`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostDetails {
    /// The host that was asked.
    pub host: String,
    /// The host that the tenant is bound to; null if it is bound to none.
    pub bound_to: Option<String>,
}

/// The details of the step `method`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MethodDetails {
    /// The method of the request.
    pub method: String,
}

/// The details of the step `name`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NameDetails {
    /// The kind of file that the name asks for; null if it asks for none.
    pub kind: Option<FileKind>,
    /// The form that the name asks for.
    pub form: Option<Form>,
    /// The MAC in the name.
    pub mac: Option<String>,
    /// The model in the name.
    pub model: Option<String>,
    /// The families whose phones ask by this name; null if those of every family may.
    pub families: Option<Vec<Family>>,
    /// The name of a certificate, if that is what is asked for.
    pub certificate: Option<String>,
    /// The name that was meant, where the one asked for is nearly right.
    pub expected: Option<String>,
    /// What differs from the expected name: a reason of the documentation's table, and what is
    /// wrong besides.
    pub differs: Vec<String>,
}

/// The details of the step `transport`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransportDetails {
    /// Whether the request comes over HTTPS.
    pub tls: bool,
    /// Whether the tenant serves sealed files over plain HTTP.
    pub sealed_over_http: bool,
}

/// The details of the step `device`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceDetails {
    /// The device; null if the request is about none, or about an unknown phone.
    pub device: Option<DeviceView>,
    /// The MAC of the phone in question; null if the request names none.
    pub mac: Option<String>,
    /// The model that the file is for, of a file that is not one device's.
    pub model: Option<String>,
    /// The family that the file is written for; null where it is not known.
    pub family: Option<Family>,
    /// What an unknown phone probably is; null where nothing tells.
    pub guess: Option<GuessView>,
    /// Whether the device went to another tenant that sends its phone on.
    pub is_forwarded: bool,
    /// Id of the tenant that the device went to; null for a token that does not see it.
    pub forwarded_to: Option<String>,
}

/// The details of the step `form`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FormDetails {
    /// The form that the name asks for.
    pub asked: Form,
    /// What goes out: `plain`, `sealed`, `bootstrap` (plain, with the key, once) or `initial`; null if nothing.
    pub served: Option<&'static str>,
    /// The family of the phone; null where it is not known.
    pub family: Option<Family>,
    /// Name of the sealing profile; null: plaintext over HTTPS.
    pub profile: Option<String>,
}

/// The details of the step `copy`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CopyDetails {
    /// Where the file comes from that goes out: `kv`, or `d1` where it is made anew; null if none goes out.
    pub served_from: Option<&'static str>,
    /// The version of the copy in KV; null if KV has none for this request.
    pub kv_version: Option<u64>,
    /// The version that D1 has; null where it is not known.
    pub d1_version: Option<u64>,
    /// Whether the copy in KV is not what D1 would give: of an older version, or sealed with a key of before.
    pub is_stale: bool,
}

/// The details of the step `file`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileDetails {
    /// The kind of the file.
    pub kind: FileKind,
    /// What is wrong with the file as D1 has it now.
    pub findings: Vec<RenderedFinding>,
    /// Why the file cannot be rendered, where it cannot.
    pub error: Option<String>,
    /// The parameters of the file, with their layers; values of secrets are masked.
    pub parameters: Vec<ParameterView>,
}

/// A parameter of a file.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParameterView {
    /// The path that names the parameter within the file.
    pub path: String,
    /// The name of the parameter, as the phone knows it.
    pub name: String,
    /// The value of the parameter; masked where it is a secret.
    pub value: String,
    /// The layer whose setting the value shows, if it shows one.
    pub layer: Option<Layer>,
}

/// How a request ends, as its event would say it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerdictView {
    /// How the request ends: served, not_modified, refused, broken or unavailable.
    pub outcome: &'static str,
    /// Why the request ends so, in one word; the documentation explains each.
    pub reason: &'static str,
    /// The HTTP status of the answer.
    pub status: u16,
    /// More about the outcome, such as the findings of a file that cannot be made, or what an
    /// unknown phone probably is.
    pub detail: Option<Value>,
}

/// The answer that a phone hears.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HearsView {
    /// The status of the HTTP answer.
    pub status: u16,
    /// The headers, by their names in small letters; without the request's own id.
    pub headers: BTreeMap<String, String>,
    /// What `Content-Length` says; null if the answer has none.
    pub length: Option<u64>,
    /// Whether length and ETag are those of the phone's answer; false where the file names its URL
    /// and the access path, which is stored as a hash, is not known here.
    pub is_exact: bool,
}
