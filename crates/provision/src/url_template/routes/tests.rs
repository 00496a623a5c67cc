#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use crate::vendor::panasonic;
use proptest::prelude::*;

use super::super::{Part, UrlVars};
use super::*;

fn route(kind: FileKind, form: Form, template: &str) -> Route {
    let template = UrlTemplate::parse(template).unwrap();
    Route {
        kind,
        form,
        template,
        family: None,
    }
}

fn plain(kind: FileKind, template: &str) -> Route {
    route(kind, Form::Plain, template)
}

/// The usual names, with the name that a phone makes up itself from a DHCP option.
fn usual() -> RouteTable {
    RouteTable::new(vec![
        plain(FileKind::Initial, "{MODEL}.cfg"),
        plain(FileKind::Standard, "Config{MAC}.cfg"),
        route(FileKind::Standard, Form::Sealed, "Config{MAC}.enc"),
        plain(FileKind::Product, "Config{MODEL}.cfg"),
        plain(FileKind::Master, "ConfigCom.cfg"),
    ])
    .unwrap()
}

fn refusal(routes: Vec<Route>) -> String {
    RouteTable::new(routes).unwrap_err().to_string()
}

fn conflict(routes: Vec<Route>) -> RouteConflict {
    match RouteTable::new(routes) {
        Err(RouteError::Conflict(conflict)) => *conflict,
        other => panic!("no conflict: {other:?}"),
    }
}

#[test]
fn a_name_of_one_family_is_told_from_one_of_all() {
    let of = |family, template| Route {
        family: Some(family),
        ..plain(FileKind::Standard, template)
    };
    let table = RouteTable::new(vec![
        plain(FileKind::Standard, "Config{MAC}.cfg"),
        of(panasonic::HDV, "own{mac}.cfg"),
        of(panasonic::UT, "own{mac}.cfg"),
        of(panasonic::UT, "all{mac}.cfg"),
        plain(FileKind::Standard, "all{mac}.cfg"),
    ])
    .unwrap();
    let at = |path| table.families_at(path, FileKind::Standard, Form::Plain);
    assert_eq!(at("Config0080F0C571EB.cfg"), None);
    assert_eq!(
        at("own0080f0c571eb.cfg"),
        Some(vec![panasonic::HDV, panasonic::UT])
    );
    assert_eq!(at("all0080f0c571eb.cfg"), None, "a name of none is for all");
    assert_eq!(at("nothing"), Some(Vec::new()), "nobody asks for that");
    assert_eq!(
        table.families_at("own0080f0c571eb.cfg", FileKind::Standard, Form::Sealed),
        Some(Vec::new())
    );
}

#[test]
fn a_name_of_the_file_with_the_key_alone_is_told_by_the_family_and_not_by_how_it_is_encoded() {
    let carriers = Family::ALL.into_iter().filter(|it| it.carrier().is_some());
    let carriers: Vec<Family> = carriers.collect();
    let of = |family, template: &str| Route {
        family: Some(family),
        ..plain(FileKind::Standard, template)
    };
    let routes = carriers.iter().flat_map(|family| {
        let names = ["a.b/cfg{mac}", "a.b/cfg{mac}.bin", "a.b/cfg{mac}.xml"];
        names.map(|name| of(*family, name))
    });
    let other = of(panasonic::UT, "a.b/cfg{mac}");
    let table = RouteTable::new(routes.chain([other]).collect()).unwrap();
    let at = |path| table.carriers_at(path);
    assert!(!carriers.is_empty());
    assert_eq!(at("a.b/cfg0080f0c571eb"), carriers);
    assert_eq!(at("a.b/cfg0080f0c571eb.bin"), carriers);
    assert_eq!(at("a.b/cfg0080f0c571eb%2Ebin"), carriers);
    for path in [
        "a.b/cfg0080f0c571eb.xml",
        "a.b/cfg0080f0c571eb%2Exml",
        "a.b/cfg",
        "%",
    ] {
        assert_eq!(at(path), [], "{path}");
    }
}

#[test]
fn a_path_asks_for_the_file_of_the_narrowest_template() {
    let table = usual();
    let mac = Mac::parse("0080F0C571EB").unwrap();
    let of = |path| {
        let resolved = table.resolve(path)?;
        Some((resolved.kind, resolved.form, resolved.mac, resolved.model))
    };
    let model = |model: &str| Some(model.to_owned());
    for (path, expected) in [
        (
            "Config0080F0C571EB.cfg",
            Some((FileKind::Standard, Form::Plain, Some(mac), None)),
        ),
        (
            "Config0080F0C571EB.enc",
            Some((FileKind::Standard, Form::Sealed, Some(mac), None)),
        ),
        (
            "ConfigCom.cfg",
            Some((FileKind::Master, Form::Plain, None, None)),
        ),
        (
            "ConfigKX-UTG300B.cfg",
            Some((FileKind::Product, Form::Plain, None, model("KX-UTG300B"))),
        ),
        (
            "KX-UTG300B.cfg",
            Some((FileKind::Initial, Form::Plain, None, model("KX-UTG300B"))),
        ),
        // A model without its last hexadecimal digit of a MAC is a model.
        (
            "Config0080F0C571E.cfg",
            Some((FileKind::Product, Form::Plain, None, model("0080F0C571E"))),
        ),
        ("ConfigKX-UTG300B.enc", None),
        // Neither a MAC as this template writes it nor a model.
        (
            "Config0080f0c571eb.cfg",
            Some((
                FileKind::Initial,
                Form::Plain,
                None,
                model("Config0080f0c571eb"),
            )),
        ),
        ("Config0080f0c571eb.enc", None),
        ("0080F0C571EB.cfg", None),
        ("Config01005E000001.cfg", None),
        ("ConfigCom.CFG", None),
        (
            "6940.cfg",
            Some((FileKind::Initial, Form::Plain, None, model("6940"))),
        ),
        ("006940006940.cfg", None),
        ("..cfg", None),
        (".cfg", None),
        ("", None),
    ] {
        assert_eq!(of(path), expected, "{path}");
    }
}

#[test]
fn a_path_is_decoded_once_and_never_normalised() {
    let table = usual();
    assert!(table.resolve("%43onfig0080F0C571EB%2Ecfg").is_some());
    for path in [
        "/ConfigCom.cfg",
        "ConfigCom.cfg/",
        "x/../ConfigCom.cfg",
        "x//ConfigCom.cfg",
        "%2fConfigCom.cfg",
        "%2543onfigCom.cfg",
        "ConfigCom.cfg%00",
        "ConfigCom.cfg?",
        "ConfigCom.cfg%",
    ] {
        assert_eq!(table.resolve(path), None, "{path}");
    }
}

#[test]
fn values_are_bounded_after_reading() {
    let table = usual();
    let longest = "K".repeat(32);
    for prefix in ["", "Config"] {
        assert!(table.resolve(&format!("{prefix}{longest}.cfg")).is_some() || prefix.is_empty());
        assert_eq!(table.resolve(&format!("{prefix}{longest}K.cfg")), None);
    }
    assert!(table.resolve(&format!("{longest}.cfg")).is_some());
}

#[test]
fn overlap_without_containment_is_refused_with_an_example() {
    let found = conflict(vec![
        plain(FileKind::Product, "{MODEL}-a.cfg"),
        plain(FileKind::Initial, "b{MODEL}.cfg"),
    ]);
    assert_eq!(found.first.kind, FileKind::Product);
    assert_eq!(found.second.kind, FileKind::Initial);
    assert_eq!(found.example_path, "b-a.cfg");
}

#[test]
fn an_example_is_a_path_that_two_names_read_in_two_ways() {
    // `.cfg.cfg` is shorter, and the model is `.cfg` by both.
    let found = conflict(vec![
        plain(FileKind::Initial, "{MODEL}.cfg"),
        plain(FileKind::Initial, ".cfg{MODEL}"),
    ]);
    let [before, behind] = [&found.first, &found.second].map(|route| {
        let readings = every_reading(route.template.parts(), &found.example_path);
        assert_eq!(readings.len(), 1, "{route}");
        readings[0].clone()
    });
    assert_ne!(before, behind, "{}", found.example_path);
    assert_eq!(found.example_path.len(), ".cfg.cfg".len() + 1);
    // Where there is one path only, and both read it alike, it is refused all the same.
    let digits = "a".repeat(12);
    let found = conflict(vec![
        plain(FileKind::Standard, &format!("{{mac}}{digits}")),
        plain(FileKind::Standard, &format!("{digits}{{mac}}")),
    ]);
    assert_eq!(found.example_path, "a".repeat(24));
}

#[test]
fn the_family_of_a_device_tells_two_files_of_one_name_apart() {
    let of = |family, kind, template| Route {
        family: Some(family),
        ..plain(kind, template)
    };
    let (index, file) = (panasonic::HDV, panasonic::UT);
    let table = RouteTable::new(vec![
        of(file, FileKind::Standard, "{mac}.cfg"),
        of(index, FileKind::Initial, "{mac}.cfg"),
        of(index, FileKind::Initial, "{MAC}.cfg"),
        of(panasonic::UTG, FileKind::Standard, "{MAC}.cfg"),
        of(index, FileKind::Initial, "000000000000.cfg"),
    ])
    .unwrap();
    let at = |path: &str| table.resolve(path).unwrap();
    let found = at("0080f0c571eb.cfg");
    assert_eq!(found.kind, FileKind::Standard);
    assert_eq!(found.others, [(index, FileKind::Initial)]);
    let found = at("0080F0C571EB.cfg");
    assert_eq!(found.kind, FileKind::Initial);
    assert_eq!(found.others, [(panasonic::UTG, FileKind::Standard)]);
    // All digits: it is in both cases at once.
    assert_eq!(at("008000000001.cfg").others.len(), 2);
    let all = at("000000000000.cfg");
    assert_eq!((all.mac, all.others), (None, Vec::new()));
    let asks = |kind| table.families_at("0080f0c571eb.cfg", kind, Form::Plain);
    assert_eq!(asks(FileKind::Initial), Some(vec![index]));
    assert_eq!(asks(FileKind::Standard), Some(vec![file]));

    // Nothing tells two files of one family apart, nor a name of all, a sealed file, or another device.
    for (first, second) in [
        (
            of(index, FileKind::Standard, "{mac}.cfg"),
            of(index, FileKind::Initial, "{mac}.cfg"),
        ),
        (
            plain(FileKind::Standard, "{mac}.cfg"),
            of(index, FileKind::Initial, "{mac}.cfg"),
        ),
        (
            Route {
                form: Form::Sealed,
                ..of(file, FileKind::Standard, "{mac}.cfg")
            },
            of(index, FileKind::Initial, "{mac}.cfg"),
        ),
        (
            of(file, FileKind::Standard, "0{mac}"),
            of(index, FileKind::Initial, "{mac}0"),
        ),
        (
            of(file, FileKind::Product, "{mac}.cfg"),
            of(index, FileKind::Initial, "{mac}.cfg"),
        ),
    ] {
        conflict(vec![first, second]);
    }
}

#[test]
fn a_familys_name_stands_back_behind_a_given_one() {
    let of = |family, kind, template| Route {
        family: Some(family),
        ..plain(kind, template)
    };
    let brought = [
        of(panasonic::UT, FileKind::Initial, "{MODEL}.cfg"),
        of(panasonic::UT, FileKind::Standard, "{mac}.cfg"),
        of(panasonic::HDV, FileKind::Initial, "CP-{MODEL}.cfg"),
    ];
    let given = plain(FileKind::Product, "{MODEL}.cfg");
    let (table, back) = RouteTable::beside(vec![given.clone()], &brought).unwrap();
    assert_eq!(back.len(), 1);
    assert_eq!((&back[0].first, &back[0].second), (&given, &brought[0]));
    let kind = |path| table.resolve(path).map(|found| found.kind);
    assert_eq!(kind("KX-UT136.cfg"), Some(FileKind::Product));
    assert_eq!(kind("CP-1.cfg"), Some(FileKind::Initial), "it is narrower");
    assert_eq!(kind("0080f0c571eb.cfg"), Some(FileKind::Standard));
    // The same file by the same name is in nobody's way.
    let given = plain(FileKind::Initial, "{MODEL}.cfg");
    let (_, back) = RouteTable::beside(vec![given], &brought).unwrap();
    assert_eq!(back, []);
    // What is given contradicts itself, and families contradict each other.
    let both = ["{MODEL}.cfg", ".cfg{MODEL}"].map(|name| plain(FileKind::Initial, name));
    assert!(RouteTable::beside(both.to_vec(), &brought).is_err());
    let clash = [
        of(panasonic::UT, FileKind::Initial, "{MODEL}.cfg"),
        of(panasonic::HDV, FileKind::Product, "{MODEL}.cfg"),
    ];
    assert!(RouteTable::beside(Vec::new(), &clash).is_err());
}

#[test]
fn conflicts_name_both_templates_an_example_and_a_way_out() {
    let both_cases = refusal(vec![
        plain(FileKind::Standard, "{MAC}.cfg"),
        plain(FileKind::Initial, "{mac}.cfg"),
    ]);
    let same_name = refusal(vec![
        plain(FileKind::Standard, "Config{MAC}.cfg"),
        route(FileKind::Standard, Form::Sealed, "Config<MAC>.cfg"),
    ]);
    let alone = refusal(vec![plain(FileKind::Product, "{MODEL}.{fwver}.cfg")]);
    let hexadecimal = refusal(vec![
        plain(FileKind::Product, "{MODEL}.cfg"),
        plain(FileKind::Initial, "ad{MODEL}.cfg"),
    ]);
    insta::assert_snapshot!([both_cases, same_name, alone, hexadecimal].join("\n"));
}

#[test]
fn readings_that_agree_do_not_disturb_each_other() {
    let table = RouteTable::new(vec![
        plain(FileKind::Standard, "Config{MAC}.cfg"),
        plain(FileKind::Standard, "Config{mac}.cfg"),
        plain(FileKind::Standard, "Config<mac>.cfg"),
    ])
    .unwrap();
    assert_eq!(table.routes().count(), 2);
    for path in [
        "Config0080F0C571EB.cfg",
        "Config0080f0c571eb.cfg",
        "Config008000000001.cfg",
    ] {
        assert!(table.resolve(path).unwrap().mac.is_some(), "{path}");
    }
    assert_eq!(table.resolve("Config0080f0C571EB.cfg"), None);
}

#[test]
fn a_file_names_what_it_depends_on() {
    let refusals = [
        plain(FileKind::Standard, "Config{MODEL}.cfg"),
        route(FileKind::Master, Form::Sealed, "ConfigCom.enc"),
        plain(FileKind::Product, "product.cfg"),
    ]
    .map(|route| refusal(vec![route]));
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn too_many_routes_are_not_compared() {
    let routes = |count| {
        (0..count)
            .map(|n| plain(FileKind::Initial, &format!("{n}/{{MODEL}}.cfg")))
            .collect()
    };
    assert!(RouteTable::new(routes(32)).is_ok());
    assert_eq!(
        RouteTable::new(routes(33)).unwrap_err(),
        RouteError::TooMany(33)
    );
}

#[test]
fn a_table_that_takes_too_long_to_compare_is_refused() {
    let tail = "a".repeat(200);
    let found = RouteTable::new(vec![
        plain(FileKind::Initial, &format!("{{MODEL}}{tail}")),
        plain(FileKind::Product, &format!("K{{MODEL}}{tail}")),
    ]);
    assert_eq!(found.unwrap_err(), RouteError::TooComplicated);
}

#[test]
fn json_format_unchanged() {
    let json = serde_json::to_string(&usual()).unwrap();
    insta::assert_snapshot!(json);
    let again: RouteTable = serde_json::from_str(&json).unwrap();
    assert!(again.routes().eq(usual().routes()));
    assert_eq!(
        again.resolve("ConfigCom.cfg"),
        usual().resolve("ConfigCom.cfg")
    );
}

/// Everything that a template may read out of a path, found by trying every split: the slow way,
/// to judge the automata by.
fn every_reading(parts: &[Part], path: &str) -> Vec<Vec<(Macro, String)>> {
    let Some((part, rest)) = parts.split_first() else {
        return if path.is_empty() {
            vec![vec![]]
        } else {
            vec![]
        };
    };
    match part {
        Part::Literal(text) => path
            .strip_prefix(text.as_str())
            .map_or_else(Vec::new, |path| every_reading(rest, path)),
        Part::Macro(each) => (1..=path.len())
            .filter(|end| path.is_char_boundary(*end) && stands_for(*each, &path[..*end]))
            .flat_map(|end| {
                let value = (upper(*each), path[..end].to_owned());
                every_reading(rest, &path[end..])
                    .into_iter()
                    .map(move |more| [vec![value.clone()], more].concat())
            })
            .collect(),
    }
}

fn upper(each: Macro) -> Macro {
    match each {
        Macro::MacLower | Macro::MacColons => Macro::MacUpper,
        each => each,
    }
}

/// What the module's table says, without the bounds on lengths.
fn stands_for(each: Macro, value: &str) -> bool {
    let twelve_digits = value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let all = |set: &str| {
        value
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || set.contains(one))
    };
    match each {
        Macro::MacUpper => twelve_digits && value == value.to_ascii_uppercase(),
        Macro::MacLower => twelve_digits && value == value.to_ascii_lowercase(),
        Macro::MacColons => {
            value.len() == 17
                && value.bytes().enumerate().all(|(at, byte)| match at % 3 {
                    2 => byte == b':',
                    _ => byte.is_ascii_hexdigit(),
                })
        }
        Macro::Model => {
            !twelve_digits && all("._-") && value.contains(|one: char| one.is_ascii_alphanumeric())
        }
        Macro::Fwver => all(".") && value.contains(|one: char| one.is_ascii_digit()),
    }
}

fn some_template() -> impl Strategy<Value = UrlTemplate> {
    let part = prop_oneof![
        Just("{MAC}"),
        Just("{mac}"),
        Just("{MAC:COLONS}"),
        Just("{MODEL}"),
        Just("{MODEL}"),
        Just("{fwver}"),
        Just("Config"),
        Just("C"),
        Just("a"),
        Just("4"),
        Just(":"),
        Just("-"),
        Just("."),
        Just("/"),
        Just(".cfg"),
    ];
    prop::collection::vec(part, 1..5).prop_filter_map("not a template", |parts| {
        UrlTemplate::parse(&parts.concat()).ok()
    })
}

fn some_route() -> impl Strategy<Value = Route> {
    let kind = prop::sample::select(FileKind::ALL.to_vec());
    let form = prop_oneof![Just(Form::Plain), Just(Form::Sealed)];
    (kind, form, some_template())
        .prop_map(|(kind, form, template)| Route {
            kind,
            form,
            template,
            family: None,
        })
        .prop_filter("names too little", |route| route.check().is_ok())
}

fn some_vars() -> impl Strategy<Value = (Mac, String, String)> {
    let mac =
        any::<[u8; 6]>().prop_filter_map("no unicast", |octets| Mac::from_octets(octets).ok());
    let model = "[A-Ca-c4._-]{1,8}|Config[0-9A-F]{12}|Com|KX-UTG300B|[0-9A-F]{11}|[0-9]{1,13}"
        .prop_filter("no model", |value| Macro::Model.accepts(value));
    let fwver = "[0-9a-c.]{1,6}".prop_filter("no version", |value| Macro::Fwver.accepts(value));
    (mac, model, fwver)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_table_reads_what_it_writes_or_is_refused_with_a_true_example(
        routes in prop::collection::vec(some_route(), 1..5),
        values in prop::collection::vec(some_vars(), 8),
    ) {
        match RouteTable::new(routes.clone()) {
            Err(RouteError::Conflict(conflict)) => {
                let RouteConflict { first, second, example_path } = *conflict;
                let mut readings = every_reading(first.template.parts(), &example_path);
                prop_assert!(!readings.is_empty());
                if first == second {
                    prop_assert!(readings.len() > 1, "{first} reads {example_path} once");
                } else {
                    let others = every_reading(second.template.parts(), &example_path);
                    prop_assert!(!others.is_empty());
                    readings.extend(others);
                    let same_file = first.kind == second.kind && first.form == second.form;
                    let differ = readings.iter().any(|reading| *reading != readings[0]);
                    prop_assert!(!same_file || differ, "{first} {second} {example_path}");
                }
            }
            // Some few are not compared to the end, and refused for that.
            Err(RouteError::TooComplicated) => {}
            Err(error) => prop_assert!(false, "{error}"),
            Ok(table) => {
                for (route, (mac, model, fwver)) in
                    routes.iter().flat_map(|route| values.iter().map(move |value| (route, value)))
                {
                    let vars = UrlVars {
                        mac: Some(*mac),
                        model: Some(model),
                        fwver: Some(fwver),
                    };
                    let path = route.template.render(&vars).unwrap();
                    check_resolution(&table, route, &path)?;
                }
            }
        }
    }

    #[test]
    fn no_path_makes_it_panic(path in "\\PC{0,60}|[%/.A-F0-9cgConfi?-]{0,60}") {
        let _ = usual().resolve(&path);
    }
}

/// `route` reads `path`: so it, or one at least as narrow, has to answer, with its reading.
fn check_resolution(table: &RouteTable, route: &Route, path: &str) -> Result<(), TestCaseError> {
    let reading = |route: &Route| {
        let mut readings = every_reading(route.template.parts(), path);
        readings.sort();
        (readings.len() <= 1).then(|| readings.pop())
    };
    let matching: Vec<(&Route, Vec<(Macro, String)>)> = table
        .routes()
        .filter_map(|route| Some((route, reading(route).expect("read in one way")?)))
        .collect();
    prop_assert!(matching.iter().any(|(each, _)| *each == route));
    let (winner, mut values) = matching[0].clone();
    for (other, others) in &matching {
        let same_file = winner.kind == other.kind && winner.form == other.form;
        let mut others = others.clone();
        others.sort();
        values.sort();
        if !same_file || others != values {
            let [narrow, wide] =
                [winner, other].map(|route| Automaton::new(route.template.parts()));
            let within = |one: &Automaton, other| one.within(other, &mut Budget::default());
            prop_assert_eq!(within(&narrow, &wide), Ok(true));
            prop_assert_eq!(within(&wide, &narrow), Ok(false));
        }
    }
    if let Some(resolved) = table.resolve(path) {
        prop_assert_eq!(resolved.kind, winner.kind);
        prop_assert_eq!(resolved.form, winner.form);
        let mut found: Vec<(Macro, String)> = [
            (
                Macro::MacUpper,
                values
                    .iter()
                    .find(|v| v.0 == Macro::MacUpper)
                    .map(|v| v.1.clone()),
            ),
            (Macro::Model, resolved.model.clone()),
            (Macro::Fwver, resolved.fwver.clone()),
        ]
        .into_iter()
        .filter_map(|(each, value)| Some((each, value?)))
        .collect();
        found.sort();
        prop_assert_eq!(&found, &values);
        let mac = values.iter().find(|(each, _)| *each == Macro::MacUpper);
        prop_assert_eq!(resolved.mac, mac.map(|(_, text)| Mac::parse(text).unwrap()));
    } else {
        // Only where a value is beyond its bounds.
        let beyond = values.iter().any(|(each, value)| match each {
            Macro::MacUpper | Macro::MacLower | Macro::MacColons => Mac::parse(value).is_err(),
            each => !each.accepts(value),
        });
        prop_assert!(beyond, "{path} is lost");
    }
    Ok(())
}

#[test]
fn a_name_of_one_family_tells_it_unless_a_device_or_model_does() {
    let own = |family, template| Route {
        family: Some(family),
        ..plain(FileKind::Master, template)
    };
    let table = RouteTable::new(vec![
        plain(FileKind::Master, "All.cfg"),
        own(panasonic::UDS124, "Uds.cfg"),
        own(panasonic::UDS124, "{MODEL}.cfg"),
        own(panasonic::HDV, "{MODEL}.cfg"),
    ])
    .unwrap();
    let family = |path| table.resolve(path).map(|resolved| resolved.family);
    assert_eq!(family("All.cfg"), Some(None));
    assert_eq!(family("Uds.cfg"), Some(Some(panasonic::UDS124)));
    assert_eq!(family("KX-UDS124.cfg"), Some(None));

    let both = vec![
        own(panasonic::UDS124, "Com.cfg"),
        own(panasonic::HDV, "Com.cfg"),
    ];
    assert_eq!(conflict(both).example_path, "Com.cfg");
}
