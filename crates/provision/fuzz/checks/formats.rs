//! What must hold for any bytes that come in as a file. Used by the fuzz targets and, on a stable
//! compiler, by the smoke test.

use ringfence_provision::family::Family;
use ringfence_provision::format::{Document, has_errors, lint};
use ringfence_provision::kind::FileKind;
use ringfence_provision::vendor::panasonic;

/// Reads the bytes as a text file of each family.
#[allow(dead_code)]
pub(crate) fn text(data: &[u8]) {
    for family in [panasonic::UDS124, panasonic::TGP500, panasonic::HDV] {
        check(family, data);
    }
}

/// Reads the bytes as an XML file.
#[allow(dead_code)]
pub(crate) fn xml(data: &[u8]) {
    check(panasonic::UTG, data);
}

fn check(family: Family, data: &[u8]) {
    let findings = lint(family, FileKind::Standard, data);
    let places = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    for finding in &findings {
        assert!(finding.line as usize <= places, "{finding}");
        assert!(!finding.message.is_empty() && !finding.help.is_empty());
    }
    let document = match Document::parse(family, data) {
        Ok(document) => document,
        Err(refused) => {
            assert!(has_errors(&refused));
            assert!(has_errors(&findings), "{refused:?}");
            return;
        }
    };
    // What was accepted is written so that it is read as the same, and cleaner than it was. A file
    // close to the limit may grow beyond it by its line ends and indentation.
    let written = document.to_bytes();
    if written.len() > family.total_limit() {
        return;
    }
    let again = Document::parse(family, &written).expect("a written file is a good one");
    assert_eq!(again, document);
    assert_eq!(again.to_bytes(), written);
    if !has_errors(&findings) {
        assert!(!has_errors(&lint(family, FileKind::Standard, &written)));
    }
}
