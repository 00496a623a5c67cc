//! What lint says about whole files, as snapshots: a change of a code, a place or a word shows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use ringfence_provision::family::Family;
use ringfence_provision::format::{
    Document, Finding, Severity, codes, has_errors, lint, lint_bootstrap, lint_sizes,
};
use ringfence_provision::kind::FileKind;
use ringfence_provision::vendor::panasonic;

const GUIDE_FAULTS: &[u8] = include_bytes!("samples/guide-faults.xml");
const MALFORMED: &[u8] = include_bytes!("samples/malformed.xml");
const STANDARD_XML: &[u8] = include_bytes!("samples/standard.xml");
const FAULTS: &[u8] = include_bytes!("samples/faults.cfg");
const STANDARD_TEXT: &[u8] = include_bytes!("samples/standard.cfg");
const MAGIC: &str = "# Panasonic SIP Phone Standard Format File #\r\n";

#[test]
fn the_three_faults_of_the_guides_sample_are_each_named() {
    let findings = lint(panasonic::UTG, FileKind::Initial, GUIDE_FAULTS);
    insta::assert_snapshot!(table(&findings));
    assert!(Document::parse(panasonic::UTG, GUIDE_FAULTS).is_err());
}

#[test]
fn a_malformed_xml_file_has_every_fault_named_at_its_place() {
    let findings = lint(panasonic::UTG, FileKind::Standard, MALFORMED);
    insta::assert_snapshot!(table(&findings));
}

#[test]
fn a_faulty_text_file_has_every_fault_named_at_its_place() {
    let findings = lint(panasonic::HDV, FileKind::Standard, FAULTS);
    insta::assert_snapshot!(table(&findings));
}

#[test]
fn a_finding_as_the_api_shows_it() {
    let findings = lint(panasonic::UT, FileKind::Standard, b"# Title\r\n\r\n");
    insta::assert_snapshot!(serde_json::to_string_pretty(&findings).unwrap());
}

#[test]
fn good_files_have_no_findings() {
    for (family, file) in [
        (panasonic::UT, STANDARD_TEXT),
        (panasonic::HDV, STANDARD_TEXT),
        (panasonic::UTG, STANDARD_XML),
    ] {
        let findings = lint(family, FileKind::Standard, file);
        assert!(findings.is_empty(), "{}", table(&findings));
    }
}

#[test]
fn no_finding_repeats_a_value() {
    for (family, file) in [(panasonic::HDV, FAULTS), (panasonic::UTG, MALFORMED)] {
        let said = format!("{:?}", lint(family, FileKind::Standard, file));
        for secret in ["hunter", "12341234", "kitchen", "Front desk"] {
            assert!(!said.contains(secret), "{secret}");
        }
    }
}

#[test]
fn the_magic_line_is_that_of_the_family() {
    let tgp = b"# PCC Standard Format File #\r\n\r\n";
    assert!(lint(panasonic::TGP500, FileKind::Standard, tgp).is_empty());
    let findings = lint(panasonic::UT, FileKind::Standard, tgp);
    assert_eq!(findings[0].code, codes::MAGIC_LINE);
    assert!(findings[0].message.contains("another family"));
    let findings = lint(panasonic::UT, FileKind::Standard, b"");
    assert_eq!(findings[0].code, codes::MAGIC_LINE);
}

#[test]
fn line_ends_and_the_final_empty_line_are_warnings_because_the_writer_mends_them() {
    let file = MAGIC.replace("\r\n", "\n") + "A=\"1\"";
    let findings = lint(panasonic::UT, FileKind::Master, file.as_bytes());
    let codes: Vec<_> = findings.iter().map(|f| (f.code, f.line)).collect();
    assert_eq!(codes, [(codes::LINE_END, 1), (codes::FINAL_EMPTY_LINE, 2)]);
    assert!(!has_errors(&findings));
    let mended = Document::parse(panasonic::UT, file.as_bytes())
        .unwrap()
        .to_bytes();
    assert!(lint(panasonic::UT, FileKind::Master, &mended).is_empty());
}

#[test]
fn a_duplicate_says_which_one_the_family_obeys() {
    let text = format!("{MAGIC}A=\"1\"\r\nA=\"2\"\r\n\r\n");
    let said = |family, file: &[u8]| {
        let findings = lint(family, FileKind::Standard, file);
        assert_eq!(findings.len(), 1, "{}", table(&findings));
        assert_eq!(findings[0].code, codes::DUPLICATE_PARAMETER);
        (findings[0].severity, findings[0].message.clone())
    };
    let (severity, message) = said(panasonic::UT, text.as_bytes());
    assert!(severity == Severity::Warning && message.contains("obeys the first"));
    let (severity, message) = said(panasonic::HDV, text.as_bytes());
    assert!(severity == Severity::Error && message.contains("does not say"));
    let (severity, _) = said(panasonic::HDV, text.replace('2', "1").as_bytes());
    assert_eq!(severity, Severity::Warning);

    let xml = "<PANASIPPhoneConfig><Device><Phone><A>1</A><A>2</A></Phone></Device>\
               </PANASIPPhoneConfig>";
    let (severity, message) = said(panasonic::UTG, xml.as_bytes());
    assert!(severity == Severity::Warning && message.contains("obeys the last"));
}

#[test]
fn the_longest_line_and_value_pass_and_one_more_does_not() {
    let codes = |name: &str, value: &str| -> Vec<_> {
        let file = format!("{MAGIC}{name}=\"{value}\"\r\n\r\n");
        let findings = lint(panasonic::UT, FileKind::Master, file.as_bytes());
        findings.iter().map(|finding| finding.code).collect()
    };
    let name = "N".repeat(32);
    assert_eq!(codes(&name, &"v".repeat(500)), [""; 0]);
    assert_eq!(codes("N", &"v".repeat(501)), [codes::VALUE_TOO_LONG]);
    assert_eq!(codes(&(name + "N"), ""), [codes::NAME_TOO_LONG]);
    // 533 bytes of value make 1 + 1 + 1 + 533 + 1 + 2 = 539 bytes of line.
    assert_eq!(codes("N", &("ü".repeat(266))), [codes::LINE_TOO_LONG]);
    assert_eq!(codes("N", &("ü".repeat(265))), [""; 0]);
}

#[test]
fn sizes_are_bounded_for_one_file_and_for_all_of_a_device() {
    let rest = |family: Family| vec![b'#'; family.total_limit() + 1];
    for family in Family::ALL {
        let findings = lint(family, FileKind::Standard, &rest(family));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].code, codes::FILE_TOO_LARGE);
    }
    let sizes = [
        (FileKind::Standard, 2 * 1024),
        (FileKind::Master, 118 * 1024),
    ];
    assert_eq!(lint_sizes(panasonic::UTG, &sizes), []);
    let sizes = [sizes[0], sizes[1], (FileKind::Initial, 1)];
    let findings = lint_sizes(panasonic::UTG, &sizes);
    assert_eq!(findings[0].code, codes::TOTAL_TOO_LARGE);
    assert!(
        findings[0]
            .message
            .contains("the master file is the largest")
    );
    assert_eq!(lint_sizes(panasonic::UDS124, &sizes), []);
}

#[test]
fn a_file_of_rubbish_yields_a_bounded_number_of_findings() {
    for rubbish in ["<", "<\"", "</a>", "&", "<a>", "a=\n", "<a b='"] {
        for family in [panasonic::UT, panasonic::UTG] {
            let file = rubbish.repeat(20_000);
            let findings = lint(family, FileKind::Standard, file.as_bytes());
            assert!((1..=101).contains(&findings.len()), "{rubbish}");
            assert!(has_errors(&findings), "{rubbish}");
        }
    }
}

#[test]
fn many_warnings_do_not_end_the_reading() {
    let lines: String = (0..300).map(|n| format!("  A_{n}=\"1\"\r\n")).collect();
    let file = format!("{MAGIC}{lines}\r\n");
    let document = Document::parse(panasonic::UT, file.as_bytes()).unwrap();
    assert_eq!(document.parameters().len(), 300);

    let file = format!("{MAGIC}{lines}LAST=1\r\n\r\n");
    let findings = lint(panasonic::UT, FileKind::Standard, file.as_bytes());
    assert!(
        findings
            .iter()
            .any(|finding| finding.code == codes::VALUE_UNQUOTED)
    );
    assert!(Document::parse(panasonic::UT, file.as_bytes()).is_err());
}

#[test]
fn a_document_type_is_refused_and_nothing_behind_it_read() {
    for doctype in [
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>",
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">",
        "<!doctype x>",
        "<!DOCTYPE x [<!ENTITY a \"",
        "<!DOCTYPE>",
    ] {
        let file = format!("{doctype}<PANASIPPhoneConfig>&b;</PANASIPPhoneConfig>");
        let findings = Document::parse(panasonic::UTG, file.as_bytes()).unwrap_err();
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert!(codes.contains(&codes::XML_DOCTYPE), "{doctype}: {codes:?}");
        assert!(!codes.contains(&codes::XML_REFERENCE), "{doctype}");
    }
}

#[test]
fn xml_nests_only_so_deep() {
    let file = format!("<PANASIPPhoneConfig>{}", "<Device>".repeat(30_000 / 8));
    let findings = Document::parse(panasonic::UTG, file.as_bytes()).unwrap_err();
    assert!(
        findings
            .iter()
            .any(|finding| finding.code == codes::XML_DEPTH)
    );
}

#[test]
fn the_root_and_the_section_are_those_of_the_kind() {
    let codes = |kind, file: &str| -> Vec<_> {
        let findings = lint(panasonic::UTG, kind, file.as_bytes());
        findings.iter().map(|finding| finding.code).collect()
    };
    let device = "<PANASIPPhoneConfig><Device/></PANASIPPhoneConfig>";
    assert_eq!(codes(FileKind::Product, device), [""; 0]);
    assert!(codes(FileKind::Initial, device).contains(&codes::XML_SECTION));
    assert!(codes(FileKind::System, device).contains(&codes::KIND_NOT_OF_FAMILY));
    assert!(codes(FileKind::Master, "<Config><Device/></Config>").contains(&codes::XML_ROOT));
    assert!(codes(FileKind::Master, "").contains(&codes::XML_ROOT));
    let loose = "<PANASIPPhoneConfig><Device><SIP_PASS>x</SIP_PASS></Device></PANASIPPhoneConfig>";
    assert_eq!(codes(FileKind::Standard, loose), [codes::XML_SECTION]);
}

#[test]
fn nothing_but_comments_and_blanks_stands_outside_of_the_root() {
    let file = |before: &str, behind: &str| {
        format!("{before}<PANASIPPhoneConfig><Device/></PANASIPPhoneConfig>{behind}")
    };
    let good = file("<!-- a -->\n", " <!-- b -->\n");
    assert!(Document::parse(panasonic::UTG, good.as_bytes()).is_ok());
    for stray in ["x", "&#32;", "<![CDATA[ ]]>", "<![CDATA[]]>", "&amp;"] {
        for bad in [file(stray, ""), file("", stray)] {
            let findings = Document::parse(panasonic::UTG, bad.as_bytes()).unwrap_err();
            assert_eq!(findings[0].code, codes::XML_STRAY_TEXT, "{bad}");
        }
    }
}

#[test]
fn xml_is_utf8_and_says_so_or_nothing() {
    let codes = |file: &[u8]| -> Vec<_> {
        let findings = lint(panasonic::UTG, FileKind::Master, file);
        findings
            .iter()
            .map(|f| (f.code, f.line, f.column))
            .collect()
    };
    let body = "<PANASIPPhoneConfig><Device/></PANASIPPhoneConfig>";
    let with = |declaration: &str| codes(format!("{declaration}{body}").as_bytes());
    assert_eq!(with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"), []);
    for bad in [
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
        "<?xml version=\"1.1\"?>",
        "<?xml encoding=\"UTF-8\"?>",
        "<?xml?>",
    ] {
        assert_eq!(with(bad), [(codes::XML_DECLARATION, 1, 1)], "{bad}");
    }
    assert_eq!(
        with(" <?xml version=\"1.0\"?>"),
        [(codes::XML_DECLARATION, 1, 2)]
    );
    assert_eq!(with("\u{feff}"), [(codes::BYTE_ORDER_MARK, 1, 1)]);
    let latin = b"<PANASIPPhoneConfig>\n<!-- \xfc --><Device/></PANASIPPhoneConfig>";
    assert_eq!(codes(latin), [(codes::NOT_UTF8, 2, 6)]);
}

#[test]
fn a_key_of_its_own_is_an_error_but_in_a_bootstrap() {
    let file = format!("{MAGIC}CFG_FILE_KEY1=\"12341234abcdabcd12341234abcdabcd\"\r\n\r\n");
    let findings = lint(panasonic::UT, FileKind::Standard, file.as_bytes());
    assert_eq!(findings[0].code, codes::KEY_IN_FILE);
    assert!(has_errors(&findings));
    assert!(lint_bootstrap(panasonic::UT, file.as_bytes()).is_empty());
}

#[test]
fn resync_wants_an_event() {
    let codes = |value: &str| -> Vec<_> {
        let file = format!("{MAGIC}CFG_RESYNC_FROM_SIP=\"{value}\"\r\n\r\n");
        let findings = lint(panasonic::UT, FileKind::Standard, file.as_bytes());
        findings.iter().map(|finding| finding.code).collect()
    };
    for event in ["check-sync", "resync", ""] {
        assert_eq!(codes(event), [""; 0]);
    }
    for switch in ["Y", "N", "y", "no", "1", "check sync"] {
        assert_eq!(codes(switch), [codes::RESYNC_NOT_AN_EVENT], "{switch}");
    }
}

#[test]
fn an_initial_file_that_names_no_standard_file_is_noticed() {
    let findings = lint(
        panasonic::UT,
        FileKind::Initial,
        format!("{MAGIC}\r\n").as_bytes(),
    );
    assert_eq!(findings[0].code, codes::INITIAL_WITHOUT_STANDARD);
    assert!(!has_errors(&findings));
}

/// One finding a line, help below.
fn table(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| format!("{finding}\n    {}\n", finding.help))
        .collect()
}
