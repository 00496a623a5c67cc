//! The OpenAPI document, made from the table of operations and their types. Only tests make it; the Worker serves the
//! file that a test holds to it.
//!
//! `UPDATE=1 cargo test -p ringfence-api openapi` writes the file anew (`tests/openapi.rs`).
#![allow(clippy::indexing_slicing)]

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::changing::DryRun;
use crate::check::{BrokenFile, Checked, FailedTest};
use crate::operation::{Needs, Operation, Shape};
use crate::problem::ProblemKind;
use crate::query::Nothing;

/// What an operation takes and gives.
pub(crate) struct Shapes {
    query: Option<Schema>,
    body: Option<Schema>,
    status: u16,
    etag: bool,
    content_type: &'static str,
    answer: Option<Schema>,
}

/// Reads an operation's shapes off its types.
pub(crate) fn shapes<S: Shape>(generator: &mut SchemaGenerator) -> Shapes {
    let nothing = Nothing::schema_name();
    let status = S::Answer::STATUS;
    Shapes {
        // A query is taken apart into its parameters, so it is not a component.
        query: (S::Query::schema_name() != nothing).then(|| S::Query::json_schema(generator)),
        body: (S::Body::schema_name() != nothing).then(|| generator.subschema_for::<S::Body>()),
        status,
        etag: S::Answer::ETAG,
        content_type: S::Answer::CONTENT_TYPE,
        answer: (status != 204).then(|| generator.subschema_for::<<S::Answer as Answer>::Body>()),
    }
}

/// The whole document.
pub fn document() -> Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for &operation in Operation::ALL {
        let path = paths
            .entry(operation.pattern())
            .or_insert_with(|| json!({}));
        path[operation.method().to_ascii_lowercase()] = described(operation, &mut generator);
    }
    let problem = problem(&mut generator);
    let mut schemas = generator.take_definitions(true);
    close_bodies(&mut paths, &mut schemas);
    schemas.insert("Problem".to_owned(), problem);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ringfence",
            "version": "1",
            "summary": "Phone provisioning at the edge: the operator's API",
            "description": "Times are Unix milliseconds. `PUT` writes a whole resource and may be repeated. A resource with a `revision` has it as its ETag: sent back as `If-Match`, it protects from overwriting what somebody else changed. Lists are paged: `next` of a page is the `cursor` of the next one. A body is at most 1 MiB, and members that it does not know are refused. Every answer carries its request id in `ringfence-request-id`.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token, `rf_…`, or the deployment's `ADMIN_TOKEN`.",
                },
            },
            "responses": {
                "Problem": {
                    "description": "What is wrong, as problem details of RFC 9457.",
                    "content": { "application/problem+json": {
                        "schema": { "$ref": "#/components/schemas/Problem" },
                    } },
                },
            },
        },
    })
}

/// Operations whose answer is that of a trial too.
const OWN_TRIALS: &[Operation] = &[Operation::PutDevices];

fn described(operation: Operation, generator: &mut SchemaGenerator) -> Value {
    let shapes = operation.shapes(generator);
    let mut parameters: Vec<Value> = operation
        .pattern()
        .split('/')
        .filter_map(path_parameter)
        .collect();
    parameters.extend(shapes.query.iter().flat_map(query_parameters));
    if shapes.etag && matches!(operation.method(), "PUT" | "POST") || operation.method() == "DELETE"
    {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "description": "The ETag that the resource was read with, or `*`.",
            "schema": { "type": "string" },
        }));
    }
    let mut success = json!({ "description": "The request was carried out." });
    let mut tried = None;
    if parameters.iter().any(|it| it["name"] == "dry_run") && !OWN_TRIALS.contains(&operation) {
        tried = Some(generator.subschema_for::<DryRun>());
    }
    if let Some(answer) = shapes.answer {
        let schema = match tried.as_ref().filter(|_| shapes.status == 200) {
            Some(tried) => json!({ "anyOf": [answer, tried] }),
            None => json!(answer),
        };
        success["content"] = json!({ shapes.content_type: { "schema": schema } });
    }
    if shapes.etag {
        success["headers"] = json!({ "ETag": {
            "description": "The revision of the resource in quotes.",
            "schema": { "type": "string" },
        } });
    }
    let mut described = json!({
        "operationId": operation.id(),
        "summary": operation.summary(),
        "tags": [tag(operation.pattern())],
        "responses": {
            shapes.status.to_string(): success,
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let Some(tried) = tried.filter(|_| shapes.status != 200) {
        described["responses"]["200"] = json!({
            "description": "What the change would do, where the change was only tried.",
            "content": { "application/json": { "schema": tried } },
        });
    }
    if !parameters.is_empty() {
        described["parameters"] = json!(parameters);
    }
    if let Some(body) = shapes.body {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": body } },
        });
    }
    match operation.needs() {
        Needs::Nothing => described["security"] = json!([]),
        needs => described["description"] = json!(right(needs)),
    }
    described
}

/// Says of every object of a body, and of every object in it, that it takes no other members: the
/// Worker refuses them, though the types pass over them.
fn close_bodies(paths: &mut Map<String, Value>, schemas: &mut Map<String, Value>) {
    let mut open: Vec<String> = Vec::new();
    for operation in paths.values_mut().flat_map(|path| path.as_object_mut()) {
        for body in operation
            .values_mut()
            .filter_map(|operation| operation.get_mut("requestBody"))
        {
            close(body, &mut open);
        }
    }
    let mut closed = BTreeSet::new();
    while let Some(name) = open.pop() {
        if closed.insert(name.clone()) {
            close(&mut schemas[&name], &mut open);
        }
    }
}

/// The same of one schema; the names of those that it refers to go to `references`.
fn close(schema: &mut Value, references: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") {
                let none = json!(false);
                members.entry("additionalProperties").or_insert(none);
            }
            for (member, value) in members {
                match value {
                    Value::String(pointer) if member == "$ref" => {
                        references.extend(pointer.rsplit('/').next().map(str::to_owned));
                    }
                    // An example or a default is no schema.
                    _ if member == "default" => {}
                    value => close(value, references),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, references)),
        _ => {}
    }
}

fn right(needs: Needs) -> &'static str {
    match needs {
        Needs::Nothing => "Takes no token.",
        Needs::Read => "Takes any token that sees the tenant.",
        Needs::Write => "Takes a token that sees the tenant and may write.",
        Needs::ReadAll => "Takes a token for all tenants.",
        Needs::WriteAll => "Takes a token for all tenants that may write.",
        Needs::Metrics => "Takes a token for metrics.",
    }
}

/// The resource that a path is about: its last plural.
fn tag(pattern: &str) -> &str {
    let known = [
        "file-tests",
        "webhooks",
        "history",
        "operations",
        "jobs",
        "rollouts",
        "relays",
        "pools",
        "unknown",
        "devices",
        "certificates",
        "templates",
        "models",
        "sites",
        "access-paths",
        "events",
        "audit",
        "tokens",
        "sessions",
        "sign-in-codes",
        "rotation",
        "tenants",
    ];
    known
        .into_iter()
        .find(|tag| pattern.split('/').any(|segment| segment == *tag))
        .unwrap_or("service")
}

fn path_parameter(segment: &str) -> Option<Value> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    let description = match name {
        "tenant" => "The id of the tenant.",
        "site" => "The id of the site.",
        "token" => "The id of the token.",
        "path" => "The id of the access path.",
        "mac" => "The MAC of the device or phone, in any notation.",
        "model" => "The name of the model, as the phone writes it.",
        "kind" => "The kind of the file: initial, standard, product, master or system.",
        "family" => "The family of phones, as `listFamilies` names it.",
        "name" => "The file name of the certificate.",
        "test" => "The id of the test of files.",
        "job" => "The id of the job.",
        "rollout" => "The id of the rollout.",
        "pool" => "The id of the pool.",
        "relay" => "The id of the relay.",
        "operation" => "The id of the operation.",
        "session" => "The id of the session.",
        "webhook" => "The id of the webhook.",
        "message" => "The id of the message.",
        other => panic!("{other} has no description"),
    };
    Some(json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": { "type": "string" },
    }))
}

fn query_parameters(schema: &Schema) -> Vec<Value> {
    let schema = schema.as_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    properties
        .into_iter()
        .map(|(name, mut schema)| {
            let description = schema
                .as_object_mut()
                .and_then(|members| members.remove("description"));
            let mut parameter = json!({ "name": name, "in": "query", "schema": schema });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            if required.contains(&json!(name)) {
                parameter["required"] = json!(true);
            }
            parameter
        })
        .collect()
}

fn problem(generator: &mut SchemaGenerator) -> Value {
    let listed = |of: Schema, description: &str| json!({ "type": "array", "items": of, "description": description });
    let devices = listed(
        generator.subschema_for::<BrokenFile>(),
        "The files that could not be served, each with its findings, at most the first 20; only with `invalid-files`.",
    );
    let tests = listed(
        generator.subschema_for::<FailedTest>(),
        "The tests of files that the change would break, at most the first 20; only with `failed-tests`.",
    );
    let mut checked = json!(generator.subschema_for::<Checked>());
    checked["description"] = json!(
        "What was rendered to find the problem; only with `invalid-files` and `failed-tests`."
    );
    let types: Vec<String> = ProblemKind::ALL
        .iter()
        .map(|kind| format!("urn:ringfence:problem:{}", kind.as_str()))
        .collect();
    json!({
        "type": "object",
        "description": "RFC 9457 problem details. `type` is stable; further members depend on it, such as `devices` and `checked` of `invalid-files`, `tests` of `failed-tests`.",
        "properties": {
            "type": { "type": "string", "enum": types, "description": "What is wrong, as a URI for programs to match on." },
            "title": { "type": "string", "description": "What the type means, for people." },
            "status": { "type": "integer", "description": "The HTTP status of the answer." },
            "detail": { "type": "string", "description": "What is wrong with this very request, and what to do about it." },
            "request_id": { "type": "string", "description": "The id of the request, which is also in the log." },
            "files": { "type": "integer", "description": "Number of files that could not be served; only with `invalid-files`." },
            "devices": devices,
            "tests": tests,
            "checked": checked,
        },
        "required": ["type", "title", "status", "detail", "request_id"],
    })
}
