//! The fields of a form, or of a query.

/// Names and values in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`. What is not written like that is as good as nothing.
    pub fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first value of that name; empty, if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value)
    }

    /// The same without blanks around it; `None`, if nothing is left.
    pub fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }

    /// Whether a box was ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        self.get(name) == "true"
    }

    /// Those of these names that have a value.
    pub fn only<'a>(&'a self, names: &[&'a str]) -> Vec<(&'a str, &'a str)> {
        let values = names.iter().map(|name| (*name, self.get(name)));
        values.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Every value of that name.
    pub fn every<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All of them.
    pub fn all(&self) -> &[(String, String)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_a_browser_writes_them() {
        let fields = Fields::parse(b"a=1+2&b=%C3%BC&c=&a=3");
        assert_eq!(
            (fields.get("a"), fields.get("b"), fields.get("x")),
            ("1 2", "ü", "")
        );
        assert_eq!(fields.every("a").collect::<Vec<_>>(), ["1 2", "3"]);
        assert_eq!(fields.filled("c"), None);
        assert_eq!(fields.only(&["b", "c", "d"]), [("b", "ü")]);
        assert_eq!(Fields::parse(&[0xff, b'=']).get("a"), "");
    }
}
