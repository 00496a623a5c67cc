//! What was given on the command line to a verb, and how it becomes a path, a query and a body.

use std::io::Read as _;
use std::path::Path;

use clap::ArgMatches;
use ringfence_api::operation::Operation;
use ringfence_api::path;
use serde_json::{Map, Value};

use crate::client::ApiCall;
use crate::failure::Failure;
use crate::secret;
use crate::session::Session;
use crate::verb::{Arg, Goes, Kind, Verb};
use crate::words;

/// The longest file that an option names, in bytes: longer than any body of the API.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The arguments of a verb.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub matches: &'a ArgMatches,
    pub verb: &'static Verb,
}

impl Given<'_> {
    /// The text of an argument.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.matches.try_get_one::<String>(name).ok().flatten();
        found.map(String::as_str)
    }

    /// The text of an argument that clap insists on.
    ///
    /// # Errors
    /// The argument is not there after all.
    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name).ok_or_else(|| {
            Failure::Usage(format!(
                "{} needs {}.",
                self.verb.words,
                name.to_uppercase()
            ))
        })
    }

    /// The texts of an argument that may be repeated.
    pub fn many(&self, name: &str) -> Vec<&str> {
        let found = self.matches.try_get_many::<String>(name).ok().flatten();
        found
            .map(|texts| texts.map(String::as_str).collect())
            .unwrap_or_default()
    }

    /// Whether a flag is there.
    pub fn flag(&self, name: &str) -> bool {
        let found = self.matches.try_get_one::<bool>(name).ok().flatten();
        found.copied().unwrap_or(false)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        self.text(name).map(|text| number(name, text)).transpose()
    }

    /// A duration such as `20m`, in seconds.
    pub fn seconds(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let length = humantime::parse_duration(text);
        length.map(|length| Some(length.as_secs())).map_err(|_| {
            Failure::Usage(format!(
                "--{} is a duration such as 90s, 20m or 2h.",
                option(name)
            ))
        })
    }

    /// The most items of a list, where the command says it with `--limit`; `--limit 0` is for all.
    ///
    /// # Errors
    /// `--limit` is no number.
    pub fn limit(&self) -> Result<Option<usize>, Failure> {
        Ok(self.number("limit")?.map(|limit| match limit {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        }))
    }

    /// The parameters of the query.
    ///
    /// # Errors
    /// A value is not what it must be.
    pub fn query(&self, session: &Session) -> Result<Vec<(String, String)>, Failure> {
        let mut query = Vec::new();
        for arg in self.verb.each_arg() {
            let name = match arg.goes {
                Goes::Query => arg.name,
                Goes::QueryAs(name) => name,
                _ => continue,
            };
            let text = match self.value(session, arg)? {
                None | Some(Value::Bool(false)) if arg.kind == Kind::Flag => continue,
                None => continue,
                Some(Value::Null) => {
                    return Err(Failure::Usage(format!(
                        "--{} is empty: leave it out, or name one.",
                        option(arg.name)
                    )));
                }
                Some(Value::String(text)) => text,
                Some(other) => other.to_string(),
            };
            query.push((name.to_owned(), text));
        }
        Ok(query)
    }

    /// The body, on top of what it is already.
    ///
    /// # Errors
    /// A value is not what it must be.
    pub fn body(&self, session: &Session, mut body: Value) -> Result<Value, Failure> {
        for arg in self.verb.each_arg() {
            if let Goes::Body(path) = arg.goes
                && let Some(value) = self.value(session, arg)?
            {
                match arg.kind {
                    // A file of options says nothing of those that it leaves out.
                    Kind::Json => add(&mut body, path, value),
                    _ => put(&mut body, path, value),
                }
            }
        }
        Ok(body)
    }

    /// That of the verb's operations whose path has exactly these names, beside the tenant's.
    ///
    /// # Errors
    /// The verb has none.
    pub fn operation(&self, names: &[&str]) -> Result<Operation, Failure> {
        let fits = |operation: &&Operation| {
            let wanted = path::names(operation.pattern()).filter(|name| *name != "tenant");
            wanted.eq(names.iter().copied())
        };
        let found = self.verb.calls.iter().find(fits).copied();
        found.ok_or_else(|| {
            Failure::Usage(format!(
                "{0} takes no such thing: `ringfence help {0}` says what it takes.",
                self.verb.words
            ))
        })
    }

    /// The last of the verb's operations for whose path all names are given.
    ///
    /// # Errors
    /// A name is missing for each.
    fn given_operation(&self) -> Result<Operation, Failure> {
        let mut missing = "place";
        for &operation in self.verb.calls.iter().rev() {
            match path::names(operation.pattern()).find(|name| self.place(name).is_none()) {
                None => return Ok(operation),
                Some(name) => missing = name,
            }
        }
        Err(Failure::Usage(format!("name the {missing}.")))
    }

    /// What stands for a name of a path, and what it is.
    fn place(&self, name: &str) -> Option<(&str, Kind)> {
        if name == "tenant" {
            let arg = self.verb.each_arg().find(|arg| arg.goes == Goes::Tenant);
            let named = arg.and_then(|arg| self.text(arg.name));
            return Some((named.unwrap_or_default(), Kind::Tenant));
        }
        let mut args = self.verb.each_arg();
        let arg = args.find(|arg| arg.goes == Goes::Path && arg.name == name)?;
        match self.text(name) {
            Some(text) => Some((text, arg.kind)),
            None if name == "kind" => Some(("standard", arg.kind)),
            None => None,
        }
    }

    /// The path of an operation, from the places that are given.
    ///
    /// # Errors
    /// A place is missing; the tenant or the site is not there.
    fn path(&self, session: &Session, operation: Operation) -> Result<String, Failure> {
        path::fill(operation.pattern(), |name| match self.place(name) {
            Some(("", Kind::Tenant)) => session.tenant().map(str::to_owned),
            Some((text, Kind::Tenant)) => session.find_tenant(Some(text)),
            Some((text, Kind::Site)) => session.site(text),
            Some((text, Kind::Pool)) => session.pool(text),
            Some((text, Kind::Relay)) => {
                session.relay(&session.pool(self.required("pool")?)?, text)
            }
            Some((text, _)) => Ok(text.to_owned()),
            None => Err(Failure::Usage(format!("name the {name}."))),
        })
    }

    /// The call of that of the verb's operations for whose path all is given, with its query.
    ///
    /// # Errors
    /// As [`Self::call_of`].
    pub fn call(&self, session: &Session) -> Result<ApiCall, Failure> {
        self.call_of(session, self.given_operation()?)
    }

    /// A call of an operation with its path and its query.
    ///
    /// # Errors
    /// A place is missing, the tenant or the site is not there, or a value is not what it must be.
    pub fn call_of(&self, session: &Session, operation: Operation) -> Result<ApiCall, Failure> {
        let mut call = ApiCall::new(operation, self.path(session, operation)?);
        call.query = self.query(session)?;
        Ok(call)
    }

    /// The value of an argument.
    fn value(&self, session: &Session, arg: &Arg) -> Result<Option<Value>, Failure> {
        if arg.kind == Kind::Flag {
            return Ok(self.flag(arg.name).then_some(Value::Bool(true)));
        }
        if arg.is_many {
            let texts = self.many(arg.name);
            if texts.is_empty() {
                return Ok(None);
            }
            let is_none = texts.iter().all(|text| text.is_empty());
            let texts = texts.into_iter().filter(|_| !is_none);
            return Ok(Some(texts.map(Value::from).collect()));
        }
        let Some(text) = self.text(arg.name) else {
            return Ok(None);
        };
        let time = |is_future| {
            words::time(text, is_future)
                .map(Value::from)
                .map_err(|why| Failure::Usage(format!("--{}: {why}.", option(arg.name))))
        };
        Ok(Some(match arg.kind {
            Kind::Text | Kind::Flag | Kind::Rest | Kind::Relay | Kind::Choice(_) => {
                Value::from(text)
            }
            Kind::Optional | Kind::Site | Kind::Pool if text.is_empty() => Value::Null,
            Kind::Optional => Value::from(text),
            Kind::Site => Value::from(session.site(text)?),
            Kind::SiteThere => {
                let tenant = session.find_tenant(Some(self.required("to")?))?;
                Value::from(session.site_of(&tenant, text)?)
            }
            Kind::Pool => Value::from(session.pool(text)?),
            Kind::Tenant => Value::from(session.find_tenant(Some(text))?),
            Kind::Number => Value::from(number(arg.name, text)?),
            Kind::Limit if text == "default" => Value::Null,
            Kind::Limit => Value::from(text.parse::<u64>().map_err(|_| {
                Failure::Usage(format!(
                    "--{} is a whole number, or `default`.",
                    option(arg.name)
                ))
            })?),
            Kind::Past => time(false)?,
            Kind::Future => time(true)?,
            Kind::Switch => Value::Bool(text == "on"),
            Kind::File => Value::from(read_text(text)?),
            Kind::Json => read_json(text)?,
            Kind::Secret => Value::from(secret::read(text)?.expose()),
        }))
    }
}

/// The option that an argument is written as.
pub fn option(name: &str) -> String {
    name.replace('_', "-")
}

fn number(name: &str, text: &str) -> Result<u64, Failure> {
    text.parse()
        .map_err(|_| Failure::Usage(format!("{} is a whole number.", option(name))))
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// The file cannot be read, or has more than `most` bytes.
pub fn read_bytes(path: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let name = Path::new(path);
    let wrong = |error: std::io::Error| Failure::file(name, &error);
    let read = match path {
        "-" => std::io::stdin()
            .lock()
            .take(most + 1)
            .read_to_end(&mut bytes),
        _ => {
            let file = std::fs::File::open(name).map_err(wrong)?;
            file.take(most + 1).read_to_end(&mut bytes)
        }
    };
    read.map_err(wrong)?;
    if bytes.len() as u64 > most {
        return Err(Failure::Usage(format!(
            "{path} has more than {most} bytes, the most that are taken. Is it the right file?"
        )));
    }
    Ok(bytes)
}

/// Reads a file, or standard input for `-`, as text.
///
/// # Errors
/// The file cannot be read, or is not UTF-8.
pub fn read_text(path: &str) -> Result<String, Failure> {
    let bytes = read_bytes(path, MAX_FILE)?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::Usage(format!(
            "{path} is not written in UTF-8. Save it as UTF-8 and try again."
        ))
    })
}

/// Reads a file, or standard input for `-`, as JSON.
///
/// # Errors
/// The file cannot be read, or is no JSON.
pub fn read_json(path: &str) -> Result<Value, Failure> {
    serde_json::from_str(&read_text(path)?)
        .map_err(|error| Failure::Usage(format!("{path} is no JSON: {error}.")))
}

/// Puts a value into a body at a path of fields.
pub fn put(body: &mut Value, path: &str, value: Value) {
    if !body.is_object() {
        *body = Value::Object(Map::new());
    }
    let Value::Object(fields) = body else { return };
    match path.split_once('.') {
        None => {
            fields.insert(path.to_owned(), value);
        }
        Some((first, rest)) => put(fields.entry(first).or_insert(Value::Null), rest, value),
    }
}

/// Adds the members of an object to those that a body has at a path of fields; anything else takes their place.
pub fn add(body: &mut Value, path: &str, value: Value) {
    match (words::field(body, path).is_object(), value) {
        (true, Value::Object(members)) => {
            for (name, value) in members {
                put(body, &format!("{path}.{name}"), value);
            }
        }
        (_, value) => put(body, path, value),
    }
}

/// Splits `NAME=VALUE`.
///
/// # Errors
/// There is no `=` in it.
pub fn pair(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Failure::Usage("write a setting as NAME=VALUE.".to_owned()))
}
