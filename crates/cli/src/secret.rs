//! Secrets that a file or an option refers to, and the tokens: where they are, and never what they are.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use ringfence_provision::secret::SecretString;

use crate::failure::Failure;

/// The longest secret, in bytes.
const MAX_SECRET: u64 = 64 * 1024;

/// Reads what a reference leads to: `env:NAME`, `file:PATH`, `command:LINE`, or `-` for standard input. One line end
/// at its end is taken off.
///
/// # Errors
/// The text is no reference, or the reference leads to nothing. The message names the reference and not the secret.
pub fn read(reference: &str) -> Result<SecretString, Failure> {
    let text = match reference.split_once(':') {
        Some(("env", name)) => std::env::var(name).map_err(|_| {
            Failure::Usage(format!(
                "the variable {name} is not set: the secret {reference} is to be in it."
            ))
        })?,
        Some(("file", path)) => file(Path::new(path))?,
        Some(("command", line)) => command(line)?,
        _ if reference == "-" => standard_input()?,
        _ => {
            return Err(Failure::Usage(
                "a secret is given by where it is: env:NAME, file:PATH, command:LINE, or - for standard input. What stands on the command line is seen by everybody on the machine."
                    .to_owned(),
            ));
        }
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(Failure::Usage(format!("the secret {reference} is empty.")));
    }
    Ok(SecretString::new(text))
}

/// Whether a text says where a secret is.
pub fn is_reference(text: &str) -> bool {
    let begins = ["env:", "file:", "command:"];
    begins.iter().any(|begin| text.starts_with(begin))
}

/// Reads standard input as a secret's text, to its end.
///
/// # Errors
/// Standard input cannot be read, or is too long.
pub fn standard_input() -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr().lock(),
            "The secret is read from standard input; what is typed is shown. Ctrl-D ends it."
        );
    }
    let mut text = String::new();
    let read = std::io::stdin()
        .take(MAX_SECRET + 1)
        .read_to_string(&mut text);
    match read {
        Ok(_) if text.len() as u64 <= MAX_SECRET => Ok(text),
        Ok(_) => Err(Failure::Usage(format!(
            "standard input has more than {MAX_SECRET} bytes, which is no secret."
        ))),
        Err(error) => Err(Failure::Usage(format!(
            "standard input could not be read: {error}"
        ))),
    }
}

fn file(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let opened = std::fs::File::open(path).map_err(|error| Failure::file(path, &error))?;
    let read = opened.take(MAX_SECRET + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::file(path, &error))?;
    if text.len() as u64 > MAX_SECRET {
        return Err(Failure::Usage(format!(
            "{} has more than {MAX_SECRET} bytes, which is no secret.",
            path.display()
        )));
    }
    Ok(text)
}

fn command(line: &str) -> Result<String, Failure> {
    let wrong = |why: String| Failure::Usage(format!("the command `{line}` gave no secret: {why}"));
    let output = Command::new("sh")
        .args(["-c", line])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| wrong(error.to_string()))?;
    if !output.status.success() {
        return Err(wrong(output.status.to_string()));
    }
    String::from_utf8(output.stdout).map_err(|_| wrong("it is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_secret_is_where_its_reference_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "Harbour-77\r\n").unwrap();
        let by_file = read(&format!("file:{}", path.display())).unwrap();
        assert_eq!(by_file.expose(), "Harbour-77");
        let by_command = read("command:printf Quay-9").unwrap();
        assert_eq!(by_command.expose(), "Quay-9");
    }

    #[test]
    fn what_is_no_reference_is_refused_and_not_repeated() {
        for wrong in [
            "Harbour-77",
            "env:RINGFENCE_NO_SUCH_VARIABLE",
            "command:false",
        ] {
            let failure = read(wrong).unwrap_err();
            assert_eq!(failure.code(), 2);
            assert!(!failure.to_string().contains("Harbour-77"));
        }
    }
}
