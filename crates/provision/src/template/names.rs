//! Which names a template has in its tags, whatever it does with them.

use std::collections::BTreeSet;

use super::guard;

/// The words in the tags of a template: variables, and names in strings.
#[derive(Clone, Debug, Default)]
pub struct Names<'s>(BTreeSet<&'s str>);

impl<'s> Names<'s> {
    /// The words of a template; none of one that is refused.
    pub fn of(source: &'s str) -> Self {
        let tags = guard::scan(source, "").unwrap_or_default();
        let words = tags
            .iter()
            .flat_map(|tag| {
                tag.inner
                    .split(|one: char| !(one.is_ascii_alphanumeric() || one == '_'))
            })
            .filter(|word| !word.is_empty());
        Self(words.collect())
    }

    /// Whether a name is among them.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_tags_are_names_and_text_and_comments_are_not() {
        let names = Names::of("A {# B #}{{ C|default(D) }}{% set e = setting('F_1') %}");
        for name in ["C", "D", "F_1", "e"] {
            assert!(names.has(name), "{name}");
        }
        for name in ["A", "B", "F", ""] {
            assert!(!names.has(name), "{name}");
        }
    }
}
