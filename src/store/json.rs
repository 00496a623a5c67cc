//! Many rows as the parameter of one statement: JSON, which `json_each` takes apart.

use serde::Serialize;

use crate::db::{Corrupt, StorageError};

/// Most bytes of JSON in a parameter, but for its brackets and a single row that is longer: D1 takes 2 MB.
const MAX_PARAMETER_BYTES: usize = 500_000;

/// The most names in one list: D1 takes values of 2 MB.
pub(super) const MAX_LIST: usize = 10_000;

/// JSON for a parameter that `json_each` takes apart: one parameter for any number of rows.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<String, StorageError> {
    Ok(serde_json::to_string(value).map_err(Corrupt::from)?)
}

/// Rows as JSON lists of [`MAX_PARAMETER_BYTES`] bytes, about.
pub(super) fn parts<T: Serialize>(rows: &[T]) -> Result<Vec<String>, StorageError> {
    let mut all: Vec<String> = Vec::new();
    let mut part = String::new();
    for row in rows {
        let row = json(row)?;
        if !part.is_empty() && part.len() + row.len() > MAX_PARAMETER_BYTES {
            part.push(']');
            all.push(std::mem::take(&mut part));
        }
        part.push(if part.is_empty() { '[' } else { ',' });
        part.push_str(&row);
    }
    if !part.is_empty() {
        part.push(']');
        all.push(part);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rows_go_in_parts_that_a_parameter_holds() {
        assert!(parts::<u8>(&[]).unwrap().is_empty());
        let rows = vec!["x".repeat(1_000); 1_200];
        let parts = parts(&rows).unwrap();
        assert!(
            parts
                .iter()
                .all(|part| part.len() <= MAX_PARAMETER_BYTES + 2)
        );
        let read: Vec<String> = parts
            .iter()
            .flat_map(|part| serde_json::from_str::<Vec<String>>(part).unwrap())
            .collect();
        assert_eq!(read, rows);
        assert_eq!(parts.len(), 3);
    }
}
