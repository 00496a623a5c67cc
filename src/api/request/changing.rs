//! How a change is made: with a comment, or only to see what it would do.
//!
//! The query says it in the same words for every operation that takes them, and is read in one place.

use ringfence_provision::mac::Mac;
use serde::Deserialize;
use serde_json::Value;

use crate::api::request::read::query;
use crate::http::problem::Problem;

/// The longest comment, in characters.
pub const MAX_COMMENT: usize = 200;

/// What a call says about the change that it makes.
#[derive(Clone, Debug, Default)]
pub struct Changing {
    /// For people, kept beside the versions that the change makes; empty: none.
    pub comment: String,
    /// Whether the change is only to be tried.
    pub trial: Option<Trial>,
    /// The version that the change goes back to, if it does.
    pub rolled_back_to: Option<u64>,
}

/// What is wanted of a trial.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trial {
    /// The device of which the differences are shown.
    pub device: Option<Mac>,
}

/// What a query may say besides what its operation takes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Read {
    dry_run: Option<String>,
    device: Option<String>,
    comment: Option<String>,
}

impl Changing {
    /// Reads a query. What does not belong there its operation refuses.
    ///
    /// # Errors
    /// The comment is too long, or the device's MAC is none.
    pub fn of(text: &str) -> Result<Self, Problem> {
        // A member that is there twice is refused by the operation's own type, in its own words.
        let Ok(read) = query::<Read>(text) else {
            return Ok(Self::default());
        };
        let comment = read.comment.unwrap_or_default();
        if comment.chars().count() > MAX_COMMENT || comment.chars().any(char::is_control) {
            return Err(Problem::invalid_request(format!(
                "`comment` is at most {MAX_COMMENT} characters on one line."
            )));
        }
        let trial = match read.dry_run.as_deref() {
            Some("true") => Some(Trial {
                device: read.device.as_deref().map(device).transpose()?,
            }),
            _ => None,
        };
        Ok(Self {
            comment,
            trial,
            rolled_back_to: None,
        })
    }
}

impl Changing {
    /// What the audit log says of what a change led to, with what was said about the change. The members' names
    /// are none that a setting can have.
    pub(super) fn said_with(&self, after: Option<Value>) -> Option<Value> {
        let comment = (!self.comment.is_empty()).then(|| self.comment.as_str().into());
        let said = [
            ("?comment", comment),
            ("?rolled_back_to", self.rolled_back_to.map(Value::from)),
        ];
        let mut said = said
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .peekable();
        if said.peek().is_none() {
            return after;
        }
        let mut all = match after {
            Some(Value::Object(members)) => members,
            None => serde_json::Map::new(),
            other => return other,
        };
        all.extend(said);
        Some(Value::Object(all))
    }
}

fn device(text: &str) -> Result<Mac, Problem> {
    Mac::parse(text).map_err(|error| Problem::invalid_request(format!("`device`: {error}.")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::request::changing::*;

    #[test]
    fn a_query_says_how_a_change_is_made() {
        let read = Changing::of("comment=ticket+7&dry_run=true&device=00:80:F0:C5:71:EB").unwrap();
        assert_eq!(read.comment, "ticket 7");
        let device = read.trial.unwrap().device.unwrap();
        assert_eq!(device.upper(), "0080F0C571EB");
        for none in ["", "dry_run=false&device=x", "notify=true&limit=7"] {
            let read = Changing::of(none).unwrap();
            assert!(read.trial.is_none() && read.comment.is_empty(), "{none}");
        }
    }

    #[test]
    fn the_audit_log_has_what_was_said() {
        let said = Changing {
            comment: "ticket 7".into(),
            rolled_back_to: Some(3),
            ..Changing::default()
        };
        let json = |value: Option<Value>| value.map(|it| it.to_string());
        let after = Some(serde_json::json!({ "NTP": 1 }));
        let both = r#"{"?comment":"ticket 7","?rolled_back_to":3,"NTP":1}"#;
        assert_eq!(json(said.said_with(after.clone())).as_deref(), Some(both));
        assert!(said.said_with(None).is_some());
        assert_eq!(Changing::default().said_with(after.clone()), after);
        assert_eq!(Changing::default().said_with(None), None);
    }

    #[test]
    fn a_comment_is_one_short_line_and_a_device_is_a_mac() {
        let long = format!("comment={}", "x".repeat(MAX_COMMENT + 1));
        for wrong in [&*long, "comment=a%0Ab", "dry_run=true&device=front+desk"] {
            assert_eq!(Changing::of(wrong).unwrap_err().status(), 400, "{wrong}");
        }
        assert!(Changing::of(&long[..long.len() - 1]).is_ok());
    }
}
