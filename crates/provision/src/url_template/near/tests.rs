#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::UrlVars;
use super::super::routes::Route;
use super::*;
use crate::kind::{FileKind, Form};

fn table(templates: &[&str]) -> RouteTable {
    let routes = templates.iter().map(|template| Route {
        kind: if template.contains("MODEL") {
            FileKind::Product
        } else {
            FileKind::Master
        },
        form: Form::Plain,
        family: None,
        template: UrlTemplate::parse(template).unwrap(),
    });
    RouteTable::new(routes.collect()).unwrap()
}

/// The names that a tenant has by default.
fn usual() -> RouteTable {
    let route = |kind, form, template| Route {
        kind,
        form,
        family: None,
        template: UrlTemplate::parse(template).unwrap(),
    };
    RouteTable::new(vec![
        route(FileKind::Initial, Form::Plain, "{MODEL}.cfg"),
        route(FileKind::Initial, Form::Plain, "Initial{MAC}.cfg"),
        route(FileKind::Standard, Form::Plain, "Config{MAC}.cfg"),
        route(FileKind::Standard, Form::Sealed, "Config{MAC}.enc"),
        route(FileKind::Product, Form::Plain, "Config{MODEL}.cfg"),
        route(FileKind::Product, Form::Sealed, "Product{MAC}.enc"),
        route(FileKind::Master, Form::Plain, "ConfigCom.cfg"),
        route(FileKind::System, Form::Plain, "System.cfg"),
    ])
    .unwrap()
}

#[test]
fn the_ordinary_mistakes_are_named_with_the_name_that_was_expected() {
    use Slip::*;
    let table = usual();
    for (path, slip, also, expected) in [
        (
            "Config0080f0000104.cfg",
            WrongCase,
            vec![],
            "Config0080F0000104.cfg",
        ),
        (
            "config0080f0000104.cfg",
            WrongCase,
            vec![],
            "Config0080F0000104.cfg",
        ),
        (
            "Config0080F0000104.CFG",
            WrongCase,
            vec![],
            "Config0080F0000104.cfg",
        ),
        ("configcom.CFG", WrongCase, vec![], "ConfigCom.cfg"),
        ("KX-UTG300B.CFG", WrongCase, vec![], "KX-UTG300B.cfg"),
        (
            "configKX-UTG300B.cfg",
            WrongCase,
            vec![],
            "ConfigKX-UTG300B.cfg",
        ),
        (
            "Config%7BMAC%7D.cfg",
            MacroNotReplaced,
            vec![],
            "Config{MAC}.cfg",
        ),
        (
            "Config{mac}.ENC",
            MacroNotReplaced,
            vec![WrongCase],
            "Config{MAC}.enc",
        ),
        (
            "Config%3CMAC%3E.cfg",
            MacroNotReplaced,
            vec![],
            "Config{MAC}.cfg",
        ),
        ("Config$MA.cfg", MacroNotReplaced, vec![], "Config{MAC}.cfg"),
        (
            "Config${mac}.enc",
            MacroNotReplaced,
            vec![],
            "Config{MAC}.enc",
        ),
        (
            "Config%MAC%.cfg",
            MacroNotReplaced,
            vec![],
            "Config{MAC}.cfg",
        ),
        (
            "Config{SERIAL}.cfg",
            MacroNotReplaced,
            vec![],
            "Config{MAC}.cfg",
        ),
        ("%7BMODEL%7D.cfg", MacroNotReplaced, vec![], "{MODEL}.cfg"),
        (
            "Config%7BMODEL%7D.cfg",
            MacroNotReplaced,
            vec![],
            "Config{MODEL}.cfg",
        ),
        (
            "Config0080F0000104.cfg%20",
            BlankInName,
            vec![],
            "Config0080F0000104.cfg",
        ),
        (
            "%09Config 0080F0000104.cfg%0D%0A",
            BlankInName,
            vec![],
            "Config0080F0000104.cfg",
        ),
        (
            "ConfigCom.cfg%E2%80%8B",
            BlankInName,
            vec![],
            "ConfigCom.cfg",
        ),
        (
            "config0080f0000104.cfg%20",
            BlankInName,
            vec![WrongCase],
            "Config0080F0000104.cfg",
        ),
        (
            "Config%257BMAC%257D.cfg",
            MacroNotReplaced,
            vec![EncodedTwice],
            "Config{MAC}.cfg",
        ),
        ("%2543onfigCom.cfg", EncodedTwice, vec![], "ConfigCom.cfg"),
        ("ConfigCom.cfg%3Fx=1", QueryInName, vec![], "ConfigCom.cfg"),
        (
            "Config00:80:f0:00:01:04.cfg",
            MacNotation,
            vec![],
            "Config0080F0000104.cfg",
        ),
        (
            "config00-80-F0-00-01-04.enc",
            MacNotation,
            vec![WrongCase],
            "Config0080F0000104.enc",
        ),
        ("/ConfigCom.cfg", ExtraSlash, vec![], "ConfigCom.cfg"),
        (
            "Config0080F0000104.cfg/",
            ExtraSlash,
            vec![],
            "Config0080F0000104.cfg",
        ),
        (
            "prov/Config0080F0000104.cfg",
            ExtraFolder,
            vec![],
            "Config0080F0000104.cfg",
        ),
        (
            "Config0080F0000104.xml",
            WrongExtension,
            vec![],
            "Config0080F0000104.cfg",
        ),
        (
            "Config0080F0000104",
            WrongExtension,
            vec![],
            "Config0080F0000104.cfg",
        ),
        ("ConfigCom.xml", WrongExtension, vec![], "ConfigCom.cfg"),
    ] {
        let near = table.near_miss(path).unwrap_or_else(|| panic!("{path}"));
        let found = (near.slip, near.also, near.expected);
        assert_eq!(found, (slip, also, expected.to_owned()), "{path}");
    }
}

#[test]
fn what_is_near_to_nothing_is_left_alone() {
    let table = usual();
    for path in [
        "",
        "wp-login.php",
        "favicon.ico",
        "KX-UTG999Z.cfg",
        "ConfigKX-UTG999Z.cfg",
        "Config0080F0C571E.cfg",
        "Config0080F0C571EB.cfg",
        "ConfigCom.cfg",
        "Config01005E000001.cfg",
        "%FF",
        "{{{{{",
    ] {
        assert_eq!(table.near_miss(path), None, "{path}");
    }
}

#[test]
fn folders_of_the_name_itself_are_no_folders_too_many() {
    let table = table(&["phones/{MAC}/boot.xml"]);
    let near = table.near_miss("a/Phones/0080f0c571eb/boot.xml").unwrap();
    assert_eq!(near.slip, Slip::ExtraFolder);
    assert_eq!(near.also, [Slip::WrongCase]);
    assert_eq!(near.expected, "phones/0080F0C571EB/boot.xml");
    assert_eq!(table.near_miss("0080f0c571eb/boot.xml"), None);
}

#[test]
fn twice_the_repetitions_take_no_more_than_twice_the_steps() {
    let hostile = table(&[
        "a{MODEL}/a{fwver}/a{MAC}.cfg",
        "{fwver}/{MODEL}/{mac}x",
        "b{MODEL}/{fwver}1/{MAC}",
        "{MODEL}@{fwver}",
    ]);
    for table in [usual(), hostile] {
        for one in "aA1f.-_/\\ {}<>%$@:é\u{200b}?#"
            .chars()
            .map(String::from)
            .chain(["%25", "%20", "{MAC}", "a1", "00:80:f0", "$MA", "../"].map(String::from))
        {
            let steps = |times: usize| near_miss(&table, &one.repeat(times)).1;
            let (few, many) = (steps(8).max(50), steps(16));
            assert!(many <= few * 5 / 2, "{one:?}: {few} and {many}");
            for times in [32, 64, 128, 256, 512] {
                assert!(steps(times) <= MAX_STEPS + 1, "{one:?}");
            }
        }
    }
}

#[test]
fn words_are_each_others_own() {
    let words: BTreeSet<&str> = Slip::ALL.iter().map(|slip| slip.as_str()).collect();
    assert_eq!(words.len(), Slip::ALL.len());
}

static USUAL: LazyLock<RouteTable> = LazyLock::new(usual);

fn some_mac() -> impl Strategy<Value = Mac> {
    any::<[u8; 6]>().prop_filter_map("no unicast", |octets| Mac::from_octets(octets).ok())
}

proptest! {
    #[test]
    fn a_name_with_any_letter_case_is_near_to_itself(
        mac in some_mac(), which in 0..3_usize, flips in prop::collection::vec(any::<bool>(), 32),
        blank in prop::sample::select(vec!["", "%20", "%09", "%C2%A0"]),
    ) {
        let table = &*USUAL;
        let name = ["Config{MAC}.cfg", "Config{MAC}.enc", "Initial{MAC}.cfg"]
            .map(|name| UrlTemplate::parse(name).unwrap());
        let vars = UrlVars { mac: Some(mac), ..UrlVars::default() };
        let right = name.get(which).unwrap().render(&vars).unwrap();
        let flip = |(c, flip): (char, &bool)| match (flip, c.is_ascii_lowercase()) {
            (false, _) => c,
            (true, true) => c.to_ascii_uppercase(),
            (true, false) => c.to_ascii_lowercase(),
        };
        let wrong: String = right.chars().zip(flips.iter().cycle()).map(flip).collect();
        let path = format!("{wrong}{blank}");
        match table.near_miss(&path) {
            Some(near) => {
                prop_assert_eq!(&near.expected, &right);
                let slips: Vec<Slip> = [near.slip].into_iter().chain(near.also).collect();
                prop_assert_eq!(slips.contains(&Slip::WrongCase), wrong != right);
                prop_assert_eq!(slips.contains(&Slip::BlankInName), !blank.is_empty());
            }
            None => prop_assert_eq!(path, right),
        }
    }

    #[test]
    fn what_was_expected_is_a_name_that_the_table_reads_and_not_the_one_that_came(
        path in "[Cc]onfig[0-9A-Fa-f:{}MACac%20.-]{0,20}\\.(cfg|CFG|enc|xml)|\\PC{0,40}|[%/.A-F0-9cgConfi?{}<>$-]{0,60}",
    ) {
        let table = &*USUAL;
        if let Some(near) = table.near_miss(&path)
            && !near.expected.contains('{')
        {
            prop_assert_ne!(&near.expected, &path);
            prop_assert!(table.resolve(&near.expected).is_some(), "{}", near.expected);
        }
    }
}
