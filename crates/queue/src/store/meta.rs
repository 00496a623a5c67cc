//! Single values: the schema's version, the pool's id and options.

use super::Store;
use crate::options::PoolOptions;
use ringfence_sql::{Sql, SqlError, args};

impl<S: Sql> Store<S> {
    /// A value by its name.
    pub fn meta(&self, name: &str) -> Result<Option<String>, SqlError> {
        #[derive(serde::Deserialize)]
        struct Meta {
            value: String,
        }
        let row: Option<Meta> = self.row("SELECT value FROM meta WHERE name = ?", args![name])?;
        Ok(row.map(|row| row.value))
    }

    /// Sets a value.
    pub fn set_meta(&self, name: &str, value: &str) -> Result<(), SqlError> {
        let sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value";
        self.sql.run(sql, args![name, value])
    }

    /// The pool's options; the defaults until it has others.
    pub fn options(&self) -> Result<PoolOptions, SqlError> {
        let text = self.meta("options")?;
        Ok(text
            .and_then(|text| ringfence_json::from_str(&text).ok())
            .unwrap_or_default())
    }
}
