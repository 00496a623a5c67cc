//! Everything that is wrong with a file: what the readers find, and what the values mean.

use super::finding::{Finding, Findings, Place, codes};
use super::message::message;
use super::{Document, Parameter, source, url};
use crate::family::Family;
use crate::kind::FileKind;

/// Everything that is wrong with a file as an operator wrote it or as a template rendered it, in
/// the order of the file.
///
/// Warnings about line ends, the final empty line and blanks are mended by
/// [`Document::to_bytes`]: serve what that gives, not these bytes.
///
/// ```
/// use ringfence_provision::{family::Family, format::lint, kind::FileKind};
///
/// let family = Family::parse("hdv").expect("built in");
/// let magic = family.magic_line().unwrap_or_default();
/// let file = format!("{magic}\r\nSIP_USER_ID_1 = \"7\"\r\n\r\n");
/// let findings = lint(family, FileKind::Standard, file.as_bytes());
/// assert_eq!(findings.len(), 1);
/// assert_eq!(findings[0].code, "space-around-equals");
/// assert_eq!((findings[0].line, findings[0].column), (2, 15));
/// ```
pub fn lint(family: Family, kind: FileKind, bytes: &[u8]) -> Vec<Finding> {
    examine(family, kind, bytes, false).1
}

/// The same for a bootstrap: a standard file that [`insert_key`](super::insert_key) has put the
/// key into.
pub fn lint_bootstrap(family: Family, bytes: &[u8]) -> Vec<Finding> {
    examine(family, FileKind::Standard, bytes, true).1
}

/// Whether all files of one device, of these kinds and sizes in bytes before sealing, are too
/// large together for its phone.
pub fn lint_sizes(family: Family, sizes: &[(FileKind, usize)]) -> Vec<Finding> {
    let limit = family.total_limit();
    let total = sizes
        .iter()
        .fold(0_usize, |sum, (_, size)| sum.saturating_add(*size));
    let largest = sizes.iter().max_by_key(|(_, size)| *size);
    let Some(&(kind, size)) = largest.filter(|_| total > limit) else {
        return Vec::new();
    };
    vec![Finding::error(
        codes::TOTAL_TOO_LARGE,
        Place::FILE,
        message![
            "the files of the device have ",
            total,
            " bytes together, of ",
            limit,
            " allowed; the ",
            kind.as_str(),
            " file is the largest with ",
            size
        ],
        "Leave out what the phones have as their own defaults.",
    )]
}

/// What can be made out of the file, and everything that is wrong with it.
pub(super) fn examine(
    family: Family,
    kind: FileKind,
    bytes: &[u8],
    bootstrap: bool,
) -> (Document, Vec<Finding>) {
    let (document, mut findings) = Document::scan(family, bytes);
    let parameters = document.in_place();
    source::check_duplicates(family, &parameters, &mut findings);
    if bytes.len() > family.total_limit() {
        // Nothing of it has been read.
        drop(parameters);
        return (document, findings.into_vec());
    }
    if !family.kinds().contains(&kind) {
        findings.push(Finding::error(
            codes::KIND_NOT_OF_FAMILY,
            Place::FILE,
            message![
                "phones of this family never ask for a ",
                kind.as_str(),
                " file"
            ],
            "Move its parameters into another file.",
        ));
    }
    let mut file = Examined {
        kind,
        bootstrap,
        document: &document,
        parameters: &parameters,
        findings: &mut findings,
    };
    (family.spec().lint)(&mut file);
    drop(parameters);
    (document, findings.into_vec())
}

/// A file whose syntax was looked at, for the rules of its vendor.
pub struct Examined<'a> {
    /// What kind of file it is.
    pub kind: FileKind,
    /// Whether it is a bootstrap, with the key in it.
    pub bootstrap: bool,
    /// What could be made out of it.
    pub document: &'a Document,
    /// Its parameters.
    parameters: &'a [Parameter],
    /// What was found, and is.
    pub(crate) findings: &'a mut Findings,
}

impl Examined<'_> {
    /// Looks at each parameter, as long as the file is not hopeless: by the vendor's rule, and as a URL
    /// if it may be one.
    pub(crate) fn each_parameter(&mut self, mut rule: impl FnMut(&Parameter, bool, &mut Findings)) {
        for parameter in self.parameters {
            if self.findings.is_hopeless() {
                break;
            }
            rule(parameter, self.bootstrap, self.findings);
            url::check(parameter, self.findings);
        }
    }
}
