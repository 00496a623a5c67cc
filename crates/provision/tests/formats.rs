//! Reading, writing, keys and the effective view, over whole files and random ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use ringfence_provision::effective::effective;
use ringfence_provision::family::Format;
use ringfence_provision::format::{
    Document, codes, escape, has_errors, insert_key, lint, lint_bootstrap, text, xml,
};
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::Layer;
use ringfence_provision::vendor::panasonic;

const STANDARD_XML: &[u8] = include_bytes!("samples/standard.xml");
const STANDARD_TEXT: &[u8] = include_bytes!("samples/standard.cfg");
const KEY: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

#[test]
fn the_canonical_text_file() {
    let document = Document::parse(panasonic::UT, STANDARD_TEXT).unwrap();
    let bytes = document.to_bytes();
    assert_eq!(
        bytes,
        b"# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!\r\n\
        SIP_USER_ID_1=\"201\"\r\nSIP_PASS_1=\"e3#rl2(&ae#1\"\r\nDISPLAY_NAME_1=\"\"\r\n\r\n"
    );
    assert_eq!(
        Document::parse(panasonic::UT, &bytes).unwrap().to_bytes(),
        bytes
    );
}

#[test]
fn the_canonical_xml_file() {
    let document = Document::parse(panasonic::UTG, STANDARD_XML).unwrap();
    let bytes = document.to_bytes();
    insta::assert_snapshot!(String::from_utf8(bytes.clone()).unwrap());
    assert_eq!(Document::parse(panasonic::UTG, &bytes).unwrap(), document);
}

#[test]
fn parameters_of_xml_are_named_by_where_they_are() {
    let document = Document::parse(panasonic::UTG, STANDARD_XML).unwrap();
    let parameters: Vec<_> = document
        .parameters()
        .into_iter()
        .map(|p| format!("{}:{} {}={:?}", p.line, p.column, p.path, p.value))
        .collect();
    insta::assert_snapshot!(parameters.join("\n"));
}

#[test]
fn a_declaration_is_kept_and_none_is_added() {
    let body = "<PANASIPPhoneConfig><Device/></PANASIPPhoneConfig>";
    for declaration in ["", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"] {
        let file = format!("{declaration}{body}");
        let written = Document::parse(panasonic::UTG, file.as_bytes())
            .unwrap()
            .to_bytes();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written.starts_with("<?xml"), !declaration.is_empty());
        assert!(written.ends_with("</PANASIPPhoneConfig>\n"));
    }
}

#[test]
fn the_key_goes_where_the_xml_family_looks_for_it() {
    let document = Document::parse(panasonic::UTG, STANDARD_XML).unwrap();
    let document = insert_key(
        panasonic::UTG,
        FileKind::Standard,
        document,
        &[("CFG_FILE_KEY", KEY), ("CFG_FILE_KEY_LENGTH", "192")],
    );
    let bytes = document.unwrap().to_bytes();
    assert!(lint_bootstrap(panasonic::UTG, &bytes).is_empty());
    assert!(has_errors(&lint(
        panasonic::UTG,
        FileKind::Standard,
        &bytes
    )));
    let parameters = Document::parse(panasonic::UTG, &bytes)
        .unwrap()
        .parameters();
    let value = |path: &str| {
        let found = parameters.iter().find(|parameter| parameter.path == path);
        found.map(|parameter| parameter.value.as_str())
    };
    assert_eq!(value("Device/System/Prov/CFG_FILE_KEY"), Some(KEY));
    assert_eq!(value("Device/System/Prov/CFG_FILE_KEY_LENGTH"), Some("192"));
    // In the group that was there.
    assert_eq!(
        String::from_utf8(bytes).unwrap().matches("<Prov>").count(),
        1
    );
}

#[test]
fn the_key_makes_the_groups_that_are_missing() {
    let document = Document::Xml(xml::Document::new(panasonic::UTG.xml().unwrap()));
    let document = insert_key(
        panasonic::UTG,
        FileKind::Standard,
        document,
        &[("CFG_FILE_KEY", KEY)],
    );
    let paths: Vec<_> = document
        .unwrap()
        .parameters()
        .into_iter()
        .map(|p| p.path)
        .collect();
    assert_eq!(paths, ["Device/System/Prov/CFG_FILE_KEY"]);
}

#[test]
fn the_key_is_a_line_of_a_text_file() {
    let document = Document::parse(panasonic::HDV, STANDARD_TEXT).unwrap();
    let document = insert_key(
        panasonic::HDV,
        FileKind::Standard,
        document,
        &[("CFG_FILE_KEY2", KEY)],
    );
    let bytes = document.unwrap().to_bytes();
    assert!(lint_bootstrap(panasonic::HDV, &bytes).is_empty());
    let written = String::from_utf8(bytes).unwrap();
    assert!(written.ends_with(&format!("\r\nCFG_FILE_KEY2=\"{KEY}\"\r\n\r\n")));
}

#[test]
fn a_key_is_refused_where_it_does_not_belong() {
    let document = || Document::parse(panasonic::UT, STANDARD_TEXT).unwrap();
    let code = |family, kind, document, name, key| {
        insert_key(family, kind, document, &[(name, key)])
            .unwrap_err()
            .code
    };
    let (ut, standard) = (panasonic::UT, FileKind::Standard);
    let name = "CFG_FILE_KEY1";
    let no = codes::KEY_NOT_INSERTED;
    assert_eq!(code(ut, FileKind::Master, document(), name, KEY), no);
    assert_eq!(code(panasonic::UTG, standard, document(), name, KEY), no);
    assert_eq!(code(ut, standard, document(), "no name", KEY), no);
    assert_eq!(code(ut, standard, document(), name, ""), no);
    assert_eq!(code(ut, standard, document(), name, "a\"b"), no);
    let two = insert_key(ut, standard, document(), &[(name, KEY), ("IV", "")]);
    assert_eq!(two.unwrap_err().code, no);
    let none = insert_key(ut, standard, document(), &[]);
    assert_eq!(none.unwrap_err().code, no);
    let with = insert_key(ut, standard, document(), &[(name, KEY)]).unwrap();
    assert_eq!(
        code(ut, standard, with, "CFG_FILE_KEY2", KEY),
        codes::KEY_IN_FILE
    );
}

#[test]
fn the_nearer_file_wins_and_shows_what_it_shadows() {
    let file = |parameters: &[(&str, &str)]| {
        let mut document = text::Document::new(panasonic::UDS124);
        for (name, value) in parameters {
            document.push(name, value).unwrap();
        }
        Document::Text(document)
    };
    let standard = file(&[("A", "standard"), ("B", "first"), ("B", "second")]);
    let product = file(&[("A", "product"), ("C", "product")]);
    let master = file(&[("A", "master"), ("C", "master"), ("D", "master")]);
    let system = file(&[("D", "system")]);
    let files = [
        (FileKind::System, &system),
        (FileKind::Master, &master),
        (FileKind::Standard, &standard),
        (FileKind::Product, &product),
    ];
    let seen = effective(panasonic::UDS124, &files, |kind, _, _| match kind {
        FileKind::Standard => Some(Layer::Device),
        FileKind::Master => Some(Layer::Tenant),
        _ => None,
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&seen).unwrap());
}

#[test]
fn the_last_of_two_in_one_file_wins_where_the_family_says_so() {
    let mut document = xml::Document::new(panasonic::UTG.xml().unwrap());
    for value in ["1", "2", "3"] {
        document.push(&["Device", "Phone"], "A", value).unwrap();
    }
    let document = Document::Xml(document);
    let seen = effective(
        panasonic::UTG,
        &[(FileKind::Master, &document)],
        |_, _, _| None,
    );
    assert_eq!(seen[0].value, "3");
    let shadows: Vec<_> = seen[0].shadows.iter().map(|s| s.value.as_str()).collect();
    assert_eq!(shadows, ["2", "1"]);
}

#[test]
fn nothing_shows_a_value_when_debugged() {
    let document = Document::parse(panasonic::UTG, STANDARD_XML).unwrap();
    let seen = effective(
        panasonic::UTG,
        &[(FileKind::Standard, &document)],
        |_, _, _| None,
    );
    let said = format!("{document:?} {:?} {seen:?}", document.parameters());
    assert!(!said.contains("e3#") && !said.contains("201"), "{said}");
}

fn names() -> impl Strategy<Value = String> {
    "[A-Z][A-Z0-9_]{0,31}".prop_filter("a word of its own meaning", |name| {
        !name.starts_with("CFG") && !name.contains("PATH") && !name.contains("URL")
    })
}

proptest! {
    /// Whatever a value is, the phone reads that very value, or it is refused.
    #[test]
    fn an_escaped_value_is_read_back_unchanged(value in "\\PC{0,60}|[ -~]{0,60}|(?s:.){0,20}") {
        for (family, kind) in [(panasonic::HDV, FileKind::Standard), (panasonic::UTG, FileKind::Product)] {
            let Ok(escaped) = escape(family.format(), &value) else { continue };
            let file = match family.format() {
                Format::Text => format!(
                    "# Panasonic SIP Phone Standard Format File #\r\nA=\"{escaped}\"\r\n\r\n"
                ),
                Format::Lines => format!("a = {escaped}\n"),
                Format::Xml => format!(
                    "<PANASIPPhoneConfig><Device><Phone><A>{escaped}</A></Phone></Device>\
                     </PANASIPPhoneConfig>"
                ),
            };
            let findings = lint(family, kind, file.as_bytes());
            // A URL by its own looks may be a bad one.
            prop_assume!(!findings.iter().any(|finding| finding.code.starts_with("url")));
            prop_assert!(!has_errors(&findings), "{findings:?}");
            let document = Document::parse(family, file.as_bytes()).unwrap();
            prop_assert_eq!(&document.parameters()[0].value, &value);
            let again = Document::parse(family, &document.to_bytes()).unwrap();
            prop_assert_eq!(&again.parameters()[0].value, &value);
        }
    }

    /// What was put in is what a written file is read as, and its lint has nothing to say.
    #[test]
    fn a_written_file_is_read_as_it_was_made(
        parameters in prop::collection::btree_map(names(), "[ -!#-~äöü]{0,80}", 0..20),
    ) {
        let mut text = text::Document::new(panasonic::TGP500);
        let mut xml = xml::Document::new(panasonic::UTG.xml().unwrap());
        for (name, value) in &parameters {
            text.push(name, value).unwrap();
            xml.push(&["Device", "Lines", "Voip"], name, value).unwrap();
        }
        if parameters.is_empty() {
            xml.push(&["Device", "Phone"], "A", "").unwrap();
        }
        for (family, document) in [
            (panasonic::TGP500, Document::Text(text)),
            (panasonic::UTG, Document::Xml(xml)),
        ] {
            let bytes = document.to_bytes();
            prop_assert!(!has_errors(&lint(family, FileKind::Product, &bytes)));
            let read = Document::parse(family, &bytes).unwrap();
            prop_assert_eq!(read.to_bytes(), bytes);
            if parameters.is_empty() { continue }
            let values = read.parameters().into_iter().map(|p| (p.name, p.value));
            prop_assert_eq!(values.collect::<std::collections::BTreeMap<_, _>>(), parameters.clone());
        }
    }
}
