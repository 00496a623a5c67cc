//! What a template may cost, counted: bytes taken from the allocator while it is rendered, and the
//! fuel that it says it took. No clock is asked.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringfence_provision::family::{Family, Format};
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layers, Value};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::{
    DeviceVars, Limits, RenderContext, SecretsMode, render_metered,
};
use ringfence_test_cost::{Counting, Memory};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const FUEL: u64 = 20_000;
const OUTPUT: usize = 16 * 1024;

/// What a rendering took: the most memory at a time, all memory together, fuel.
struct Cost {
    most: u64,
    all: u64,
    spent: u64,
}

fn cost(source: &str, format: Format) -> Cost {
    let mut layers = Layers::default();
    for (name, value) in [("NTP", "ntp.example"), ("CSV", "a,b,c"), ("N", "5")] {
        layers.tenant.insert(name.into(), Value::Text(value.into()));
    }
    layers.device.insert(
        "PASS".into(),
        Value::Secret("s3cret".repeat(300).as_str().into()),
    );
    let urls = BTreeMap::from([("standard".to_owned(), "https://prov.example/".to_owned())]);
    let context = RenderContext {
        file_name: "file",
        kind: FileKind::Standard,
        format,
        vocabulary: &[],
        layers: &layers,
        device: None,
        urls: &urls,
        secrets: SecretsMode::Reveal,
        limits: Limits {
            fuel: FUEL,
            output: OUTPUT,
        },
    };
    let mut spent = 0;
    Memory::restart();
    let result = render_metered(source, &context, &mut spent);
    let memory = Memory::count();
    if let Ok(rendered) = result {
        assert!(rendered.text.len() <= OUTPUT);
    }
    Cost {
        most: u64::try_from(memory.most).unwrap(),
        all: memory.all,
        spent,
    }
}

/// What is paid for: the tree of the template, and 64 bytes for each fuel. The factor is for what
/// stands around a text (its counters, the growth of a list while it is made).
fn assert_bounded(source: &str, format: Format) -> Result<(), TestCaseError> {
    let cost = cost(source, format);
    let tree = 400 * source.len() as u64 + 64 * 1024;
    // An error that could quote a secret is worked out a second time without it.
    prop_assert!(cost.spent <= 2 * FUEL, "{} fuel: {source}", cost.spent);
    let paid = 64 * FUEL;
    prop_assert!(
        cost.most <= tree + 4 * paid,
        "{} bytes at a time: {source}",
        cost.most
    );
    prop_assert!(
        cost.all <= 2 * (tree + 8 * 64 * cost.spent),
        "{} bytes for {} fuel: {source}",
        cost.all,
        cost.spent
    );
    Ok(())
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a", "b", "c", "NTP", "CSV", "PASS", "x", "urls", "loop",
    ])
    .prop_map(str::to_owned)
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => name(),
        1 => (0..100_000_u32).prop_map(|number| number.to_string()),
        1 => Just("'x'".to_owned()),
        1 => Just("[]".to_owned()),
        1 => Just("range(1000)".to_owned()),
        1 => Just("parameters('')".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator = prop::sample::select(vec![
            "==", "!=", "<", ">=", "in", "not in", "~", "+", "-", "*", "//", "/", "%", "**", "and",
            "or",
        ]);
        let filter = prop::sample::select(vec![
            "join", "join(a)", "join('xx')", "first", "last", "length", "lower", "upper", "trim",
            "trim(b)", "split", "split('')", "split(a)", "replace('', a)", "replace('x', b)",
            "default(a)", "int(1)",
        ]);
        let place = prop::sample::select(vec!["[0]", "[-1]", "[1:]", "[::-1]", "[a]", ".name"]);
        prop_oneof![
            3 => (inner.clone(), operator, inner.clone())
                .prop_map(|(left, op, right)| format!("({left} {op} {right})")),
            3 => (inner.clone(), filter).prop_map(|(value, filter)| format!("({value}|{filter})")),
            2 => prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            1 => (inner.clone(), place).prop_map(|(value, place)| format!("({value}){place}")),
            1 => inner.clone().prop_map(|value| format!("({value}) * 1000")),
            1 => (inner.clone(), inner).prop_map(|(value, test)| format!("({value} is startingwith({test}))")),
        ]
    })
    .prop_filter("a tag has at most 500 bytes", |text| text.len() < 400)
}

fn statements() -> impl Strategy<Value = String> {
    let target = || prop::sample::select(vec!["a", "b", "c"]);
    let leaf = prop_oneof![
        4 => (target(), expression()).prop_map(|(to, value)| format!("{{% set {to} = {value} %}}")),
        2 => (target(), 1..60_usize).prop_map(|(to, times)|
            format!("{{% set {to} = [{to}, {to}] %}}").repeat(times)),
        3 => (target(), 1..60_usize).prop_map(|(to, times)|
            format!("{{% set {to} = {to} ~ {to} %}}").repeat(times)),
        3 => (target(), 1..60_usize).prop_map(|(to, times)|
            format!("{{% set {to} = {to} + {to} %}}").repeat(times)),
        2 => expression().prop_map(|value| format!("{{{{ {value} }}}}")),
        1 => expression().prop_map(|value| format!("{{% if {value} %}}y{{% endif %}}")),
    ];
    let body = prop::collection::vec(leaf, 1..6).prop_map(|all| all.concat());
    body.prop_recursive(3, 16, 3, move |inner| {
        prop_oneof![
            (expression(), inner.clone())
                .prop_map(|(list, body)| format!("{{% for x in {list} %}}{body}{{% endfor %}}")),
            inner
                .clone()
                .prop_map(|body| format!("{{% for x in range(1000) %}}{body}{{% endfor %}}")),
            (inner.clone(), inner).prop_map(|(one, other)| format!("{one}{other}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_template_takes_more_than_it_has_paid_for(body in statements(), first in 0..3_u8) {
        let begin = [
            "{% set a = ['x'] %}{% set b = ['x'] %}{% set c = 'x' %}",
            "{% set a = 'x' * 50000 %}{% set b = [a] * 100 %}{% set c = a ~ 'y' %}",
            "{% set a = range(1000) %}{% set b = '&' * 3000 %}{% set c = [b, b] %}",
        ];
        let begin = begin.get(usize::from(first)).unwrap();
        for format in [Format::Text, Format::Xml] {
            assert_bounded(&format!("{begin}{body}"), format)?;
        }
    }
}

#[test]
fn the_costliest_of_each_kind_take_no_more_than_they_have_paid_for() {
    let doubled = "{% set a = [a,a] %}".repeat(60);
    for body in [
        format!("{{% set a = ['x'] %}}{doubled}{{% if a == a %}}{{% endif %}}"),
        format!("{{% set a = 'x' %}}{}", "{% set a = a ~ a %}".repeat(60)),
        format!("{{% set a = ['x'] %}}{}", "{% set a = a + a %}".repeat(60)),
        "{% set a = [1] * 99999999 %}".to_owned(),
        "{% set a = 'x' * 99999999 %}".to_owned(),
        "{% set t = 'x' * 500000 %}{{ ([t] * 2000)|join }}".to_owned(),
        "{% set t = 'x' * 500000 %}{{ t|split('') }}".to_owned(),
        "{% set t = 'x' * 500000 %}{{ t|replace('', t) }}".to_owned(),
        "{% set t = 'x' * 100000 %}{% for i in range(1000) %}{{ 'n' if urls[t] is defined }}{% endfor %}"
            .to_owned(),
        "{% set t = '&' * 500000 %}{{ t }}".to_owned(),
        "{% for i in range(1000) %}{% set p = parameters('') %}{% endfor %}".to_owned(),
        "{% for i in range(1000) %}{{ PASS }}{% endfor %}".to_owned(),
        "{{ NTP }}\n".repeat(20_000),
        "{% set a = 1 %}".repeat(17_000),
    ] {
        for format in [Format::Text, Format::Xml] {
            assert_bounded(&body, format).unwrap();
        }
    }
}

/// The Worker's budget for a whole check is made for this: 500 ordinary devices.
#[test]
fn a_device_with_240_settings_takes_less_than_5_000_fuel() {
    let mut layers = Layers::default();
    for number in 0..60 {
        for name in ["standard_P", "standard_Line1_Sip_P", "product_P", "OTHER"] {
            let value = Value::Text(format!("value {number}"));
            layers.tenant.insert(format!("{name}_{number}"), value);
        }
    }
    layers.device.insert(
        "standard_Line1_Sip_SIP_PASS".into(),
        Value::Secret("s3cret".into()),
    );
    let urls = ["standard", "plain", "product", "master", "certificate_1"]
        .map(|name| (name.to_owned(), format!("https://prov.example/{name}.cfg")));
    for family in Family::ALL {
        let mut spent = 0;
        for kind in [FileKind::Initial, FileKind::Standard] {
            let context = RenderContext {
                file_name: "file",
                kind,
                format: family.format(),
                vocabulary: &[],
                layers: &layers,
                device: Mac::parse("0080F0C571EB").ok().map(|mac| DeviceVars {
                    mac,
                    model: "KX",
                    sealed_extension: None,
                }),
                urls: &BTreeMap::from(urls.clone()),
                secrets: SecretsMode::Reveal,
                limits: Limits::default(),
            };
            render_metered(family.template(kind), &context, &mut spent).unwrap();
        }
        println!("{family:?}: {spent} fuel");
        assert!(spent < 5_000, "{family:?}: {spent}");
    }
}
