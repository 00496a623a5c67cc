#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::kind::{FileKind, Form};

fn vars() -> UrlVars<'static> {
    UrlVars {
        mac: Some(Mac::parse("0080F0C571EB").unwrap()),
        model: Some("KX-HDV130N"),
        fwver: Some("01.000"),
    }
}

#[test]
fn both_spellings_of_the_macros_render_for_a_device() {
    for (source, path) in [
        ("Config{MAC}.cfg", "Config0080F0C571EB.cfg"),
        ("Config<MAC>.cfg", "Config0080F0C571EB.cfg"),
        ("{mac}/boot.xml", "0080f0c571eb/boot.xml"),
        ("<MODEL>_<fwver>.cfg", "KX-HDV130N_01.000.cfg"),
        ("a/{MODEL}/{mac}.enc", "a/KX-HDV130N/0080f0c571eb.enc"),
        ("ConfigCom.cfg", "ConfigCom.cfg"),
    ] {
        let template = UrlTemplate::parse(source).unwrap();
        assert_eq!(template.render(&vars()).unwrap(), path);
        assert_eq!(template.as_str(), source);
        let curly = source.replace('<', "{").replace('>', "}");
        assert_eq!(template.with_phone_macros(), curly);
        assert_eq!(template, UrlTemplate::parse(&curly).unwrap());
    }
}

#[test]
fn what_no_phone_expands_is_refused_with_its_place() {
    let refusals: Vec<String> = [
        "",
        "https://prov.example/Config{MAC}.cfg",
        "Config{Mac}.cfg",
        "Config{MODEL }.cfg",
        "{/{fwver}",
        "Config{MAC.cfg",
        "ConfigMAC}.cfg",
        "Config{MAC>.cfg",
        "Config<{MAC}>.cfg",
        "{MAC}/Config{mac}.cfg",
        "Config {MAC}.cfg",
        "Config{MAC}.cfg?x=1",
        "Config%20.cfg",
        "Gerät{MAC}",
        "/Config{MAC}.cfg",
        "a//b",
        "a/",
        "a/../b",
        "./a",
        &"a".repeat(257),
    ]
    .iter()
    .map(|source| UrlTemplate::parse(source).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn a_value_that_could_not_be_read_back_is_refused() {
    let render = |source: &str, vars: &UrlVars<'_>| {
        UrlTemplate::parse(source)
            .unwrap()
            .render(vars)
            .map_err(|error| error.to_string())
    };
    let model = |model| UrlVars {
        model: Some(model),
        ..vars()
    };
    for bad in [
        "",
        "KX/1",
        "..",
        "._-",
        "006940006940",
        "0080F0C571EB",
        "a b",
        "Ä",
        "KX-HDV130NKX-HDV130NKX-HDV130NKXX",
    ] {
        assert!(render("{MODEL}.cfg", &model(bad)).is_err(), "{bad}");
    }
    for good in [
        "KX-UTG300B",
        "a",
        "ABCDEFABCDE",
        "ABCDEFABCDEF0",
        "6940",
        "0069400069400",
    ] {
        assert!(render("{MODEL}.cfg", &model(good)).is_ok(), "{good}");
    }
    insta::assert_snapshot!(render("{MODEL}.cfg", &model("0080F0C571EB")).unwrap_err());
    insta::assert_snapshot!(render("{MODEL}.cfg", &UrlVars::default()).unwrap_err());
}

#[test]
fn a_url_is_bounded_as_a_whole() {
    let base = format!("https://prov.example/{}", "a".repeat(32));
    assert_eq!(check_url_len(&base, &"b".repeat(384 - 54)), Ok(()));
    assert_eq!(
        check_url_len(&base, &"b".repeat(384 - 53)),
        Err(UrlTooLong { len: 385 })
    );
    assert_eq!(
        check_url_len(&format!("{base}/"), &"b".repeat(384 - 54)),
        Ok(())
    );
}

#[test]
fn json_is_the_text_as_it_was_written() {
    let template: UrlTemplate = serde_json::from_str("\"Config<MAC>.cfg\"").unwrap();
    let json = serde_json::to_string(&template).unwrap();
    assert_eq!(json, "\"Config<MAC>.cfg\"");
    assert!(serde_json::from_str::<UrlTemplate>("\"{MAc}\"").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(source in "[{}<>/.MACmacODELfwver%é -]{0,40}|\\PC{0,40}") {
        if let Ok(template) = UrlTemplate::parse(&source) {
            let again = UrlTemplate::parse(&template.with_phone_macros()).unwrap();
            prop_assert_eq!(&again, &template);
            // What a template renders asks for a file: it is a path as it stands.
            let path = template.render(&vars()).unwrap();
            prop_assert_eq!(decode(&path), Ok(path));
        }
    }
}

#[test]
fn the_shortest_path_is_one_that_a_phone_could_ask_for() {
    let template = UrlTemplate::parse("a/{MODEL}-{MAC}-{fwver}.cfg").unwrap();
    assert_eq!(template.shortest(), "a/M-000000000000-1.cfg");
}

#[test]
fn a_mac_with_colons_is_read_in_either_case_and_a_phone_is_told_the_macro_that_it_knows() {
    let name = UrlTemplate::parse("{MAC:COLONS}.xml").unwrap();
    assert!(name.uses_mac());
    assert_eq!(name.with_phone_macros(), "{mac}.xml");
    let mac = Mac::parse("0080F0C571EB").unwrap();
    let vars = UrlVars {
        mac: Some(mac),
        ..UrlVars::default()
    };
    assert_eq!(name.render(&vars).unwrap(), "00:80:F0:C5:71:EB.xml");
    let route = Route {
        kind: FileKind::Standard,
        form: Form::Plain,
        template: name,
        family: None,
    };
    let table = RouteTable::new(vec![route]).unwrap();
    for path in ["00:80:F0:C5:71:EB.xml", "00:80:f0:c5:71:eb.xml"] {
        assert_eq!(table.resolve(path).and_then(|named| named.mac), Some(mac));
    }
    for path in [
        "0080F0C571EB.xml",
        "00-80-F0-C5-71-EB.xml",
        "008:0F0:C571:EB.xml",
        "00:80:F0:C5:71:EB:.xml",
    ] {
        assert!(table.resolve(path).is_none(), "{path}");
    }
}

#[test]
fn a_template_is_written_with_other_words_for_its_macros_and_says_for_which_there_is_none() {
    let template = UrlTemplate::parse("p/{mac}-<MODEL>x.cfg").unwrap();
    let words = |wanted: Macro, next: Option<char>| match (wanted, next) {
        (Macro::MacLower, Some('-')) => Some("M"),
        (Macro::Model, Some('x')) => Some("T"),
        _ => None,
    };
    assert_eq!(template.written(words).as_deref(), Ok("p/M-Tx.cfg"));
    let upper = template.with(Macro::MacLower, Macro::MacUpper);
    assert_eq!(upper, UrlTemplate::parse("p/{MAC}-{MODEL}x.cfg").unwrap());
    assert_eq!(upper.written(words), Err(Macro::MacUpper));
    let macros: Vec<Macro> = upper.macros().collect();
    assert_eq!(macros, [Macro::MacUpper, Macro::Model]);
    assert_eq!(upper.folder(), "p");
    let nested = UrlTemplate::parse("a/{MODEL}/{mac}").unwrap();
    assert_eq!(nested.folder(), "a/{MODEL}");
    assert_eq!(
        nested.written(|_, next| next.is_none().then_some("x")),
        Err(Macro::Model)
    );
    assert_eq!(UrlTemplate::parse("{mac}").unwrap().folder(), "");
}
