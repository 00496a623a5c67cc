//! Lists: one page each, all alike.

pub mod audit;
pub mod devices;
pub mod notify;
pub mod of_tenant;
pub mod operations;
pub mod people;
pub mod tenancy;

use crate::href;
use crate::text::EN;

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

/// A token as people know it, where only its id is told.
pub fn whose(token: &str) -> &str {
    match token {
        "admin" => EN.admin_token,
        id => id,
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
