//! That all is well.

/// The answer of a Worker whose database answers.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// The word `ok`: the Worker and its database answer.
    pub status: &'static str,
    /// The last migration in the database, where that is a newer Worker's: this one does not know it and serves on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer_schema: Option<String>,
}
