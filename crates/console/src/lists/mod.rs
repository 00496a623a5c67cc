//! Lists: one page each, all alike.

pub mod audit;
pub mod devices;
pub mod notify;
pub mod of_tenant;
pub mod operations;
pub mod people;
pub mod tenancy;
pub mod webhooks;

use std::collections::BTreeMap;

use crate::href;
use crate::part::Cell;
use crate::text::{EN, fill};

/// Where the page after this one is, with the same filter.
pub fn next(at: &str, filter: &[(&str, &str)], cursor: Option<&String>) -> Option<String> {
    let cursor = cursor?;
    let mut pairs = filter.to_vec();
    pairs.push(("cursor", cursor));
    Some(format!("{at}{}", href::query(&pairs)))
}

/// A value of a filter; nothing, if it is not there.
pub fn value<'a>(filter: &[(&str, &'a str)], name: &str) -> &'a str {
    filter
        .iter()
        .find(|(found, _)| *found == name)
        .map_or("", |(_, value)| value)
}

/// Tokens as people know them, where only their ids are told.
#[derive(Clone, Debug, Default)]
pub struct Whose(BTreeMap<String, Option<String>>);

impl Whose {
    /// Those that there are: their ids, and their names as far as the viewer may know them.
    pub fn new(tokens: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        Self(tokens.into_iter().collect())
    }

    /// What people call a token, and its id where that tells more.
    fn called<'a>(&'a self, id: &'a str) -> (&'a str, &'a str) {
        match (id, self.0.get(id)) {
            ("admin", _) => (EN.admin_token, ""),
            ("time", _) => (EN.by_time, ""),
            (id, Some(Some(name))) => (name, id),
            (id, Some(None)) => (EN.token_of_all, id),
            (id, None) => (EN.removed_token, id),
        }
    }

    /// A token within a sentence.
    pub fn text(&self, id: &str) -> String {
        match self.called(id) {
            (name, "") => name.to_owned(),
            (name, id) => fill(EN.token_named, &[name, id]),
        }
    }

    /// A token by itself.
    pub fn cell(&self, id: &str) -> Cell {
        match self.called(id) {
            (name, "") => Cell::text(name),
            (name, id) => Cell::Named {
                name: name.to_owned(),
                id: id.to_owned(),
            },
        }
    }
}

/// Values that are their own words, after one that stands for all.
pub fn choices(all: &str, values: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut choices = vec![(String::new(), all.to_owned())];
    choices.extend(
        values
            .iter()
            .map(|(value, words)| ((*value).to_owned(), (*words).to_owned())),
    );
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_called_by_its_name_also_when_it_is_gone_or_somebody_elses() {
        let whose = Whose::new([("A".into(), Some("Ada".into())), ("B".into(), None)]);
        for (id, said) in [
            ("admin", "ADMIN_TOKEN"),
            ("A", "Ada (A)"),
            ("B", "a token for every tenant (B)"),
            ("C", "a token that was removed (C)"),
        ] {
            assert_eq!(whose.text(id), said);
        }
        assert_eq!(whose.cell("admin"), Cell::text("ADMIN_TOKEN"));
        let named = Cell::Named {
            name: "Ada".into(),
            id: "A".into(),
        };
        assert_eq!(whose.cell("A"), named);
    }
}
