//! A file of SQL as the statements that it has: D1 takes one at a time.

/// The statements of a script, in order, each without the semicolon that ends it and without what stands around it.
/// Comments within a statement stay in it.
///
/// SQLite's own rules: a semicolon ends a statement but in comments, strings, quoted names and the body of a
/// trigger, which ends with the `END` that follows a semicolon. What is not closed goes on to the end of the
/// script; SQLite refuses it when it is run.
///
/// ```
/// let script = "CREATE TABLE a (b); -- one; two\nINSERT INTO a VALUES (';');";
/// assert_eq!(
///     ringfence_sql::statements(script),
///     ["CREATE TABLE a (b)", "INSERT INTO a VALUES (';')"],
/// );
/// ```
pub fn statements(script: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut head = Head::Empty;
    // From the first token of the statement to behind its last one so far.
    let mut from = 0;
    let mut to = 0;
    let mut at = 0;
    while let Some(rest) = script.get(at..).filter(|rest| !rest.is_empty()) {
        let (token, length) = next(rest);
        let start = at;
        at += length;
        if matches!(token, Token::Space) {
            continue;
        }
        if matches!(token, Token::Semicolon) && head.ends() {
            found.extend(script.get(from..to).filter(|text| !text.is_empty()));
            head = Head::Empty;
            (from, to) = (at, at);
            continue;
        }
        if matches!(head, Head::Empty) {
            from = start;
        }
        to = at;
        head = head.after(&token);
    }
    found.extend(script.get(from..to).filter(|text| !text.is_empty()));
    found
}

/// What is known of a statement by its tokens so far.
#[derive(Clone, Copy)]
enum Head {
    Empty,
    /// `EXPLAIN`, perhaps with `QUERY PLAN`.
    Explain,
    /// `CREATE`, perhaps with `TEMP`.
    Create,
    /// Neither creates a trigger.
    Plain,
    /// Within a trigger.
    Trigger,
    /// Behind a semicolon of a trigger's body.
    BodySemicolon,
    /// Behind the `END` of a trigger's body.
    BodyEnd,
}

impl Head {
    /// Whether a semicolon here ends the statement.
    fn ends(self) -> bool {
        !matches!(self, Self::Trigger | Self::BodySemicolon)
    }

    fn after(self, token: &Token<'_>) -> Self {
        match (self, token) {
            (Self::Empty, _) if token.is("EXPLAIN") => Self::Explain,
            (Self::Explain, _) if token.is("QUERY") || token.is("PLAN") => Self::Explain,
            (Self::Empty | Self::Explain, _) if token.is("CREATE") => Self::Create,
            (Self::Create, _) if token.is("TEMP") || token.is("TEMPORARY") => Self::Create,
            (Self::Create, _) if token.is("TRIGGER") => Self::Trigger,
            (Self::Empty | Self::Explain | Self::Create | Self::Plain, _) => Self::Plain,
            (_, Token::Semicolon) => Self::BodySemicolon,
            (Self::BodySemicolon, _) if token.is("END") => Self::BodyEnd,
            (Self::Trigger | Self::BodySemicolon | Self::BodyEnd, _) => Self::Trigger,
        }
    }
}

enum Token<'a> {
    /// White space or a comment.
    Space,
    Semicolon,
    Word(&'a str),
    /// A string, a quoted name, a sign.
    Other,
}

impl Token<'_> {
    fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// The token that a text begins with, and its length in bytes, of which there is one at least.
fn next(text: &str) -> (Token<'_>, usize) {
    let Some(first) = text.chars().next() else {
        return (Token::Other, 0);
    };
    let rest = text.get(first.len_utf8()..).unwrap_or_default();
    match first {
        ' ' | '\t' | '\n' | '\r' | '\x0c' => (Token::Space, 1),
        ';' => (Token::Semicolon, 1),
        '-' if rest.starts_with('-') => (Token::Space, text.find('\n').unwrap_or(text.len())),
        // At the very end of a text it is two signs.
        '/' if rest.starts_with('*') && rest.len() > 1 => {
            let body = rest.get(1..).unwrap_or_default();
            (
                Token::Space,
                body.find("*/").map_or(text.len(), |end| 2 + end + 2),
            )
        }
        '\'' | '"' | '`' => (Token::Other, 1 + quoted(rest, first)),
        '[' => (
            Token::Other,
            rest.find(']').map_or(text.len(), |end| 1 + end + 1),
        ),
        _ if is_of_word(first) => {
            let length = text.find(|c| !is_of_word(c)).unwrap_or(text.len());
            (Token::Word(text.get(..length).unwrap_or_default()), length)
        }
        _ => (Token::Other, first.len_utf8()),
    }
}

/// The length of what follows an opening quote, up to and with the closing one; a doubled quote closes nothing.
fn quoted(text: &str, quote: char) -> usize {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(quote)) {
        at += found + 1;
        if !text.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            return at;
        }
        at += 1;
    }
    text.len()
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii()
}
