#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::vendor::panasonic;
use proptest::prelude::*;

use super::*;
use crate::family::Family;
use crate::format::{Document, has_errors, lint};
use crate::layers::Value;
use crate::secret::MASK;

const PASSWORD: &str = "e3#rl2(&ae#1";

/// What a test renders with.
struct Bench {
    layers: Layers,
    urls: BTreeMap<String, String>,
    format: Format,
    secrets: SecretsMode,
    limits: Limits,
}

impl Bench {
    fn new(format: Format) -> Self {
        let mut bench = Self {
            layers: Layers::default(),
            urls: BTreeMap::new(),
            format,
            secrets: SecretsMode::Reveal,
            limits: Limits::default(),
        };
        let tenant = &mut bench.layers.tenant;
        tenant.insert("NTP".into(), Value::Text("ntp.example".into()));
        tenant.insert("REGION".into(), Value::Text("EU".into()));
        bench
            .layers
            .site
            .insert("NTP".into(), Value::Text("ntp2.example".into()));
        bench
            .layers
            .device
            .insert("PASS".into(), Value::Secret(PASSWORD.into()));
        bench
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        let value = Value::Text(value.to_owned());
        self.layers.device.insert(name.to_owned(), value);
        self
    }

    fn secret(mut self, name: &str, value: &str) -> Self {
        let value = Value::Secret(value.into());
        self.layers.device.insert(name.to_owned(), value);
        self
    }

    fn masked(mut self) -> Self {
        self.secrets = SecretsMode::Mask;
        self
    }

    fn render(&self, source: &str) -> Result<Rendered, RenderError> {
        self.metered(source, &mut 0)
    }

    fn metered(&self, source: &str, spent: &mut u64) -> Result<Rendered, RenderError> {
        render_metered(
            source,
            &RenderContext {
                file_name: "Config{MAC}.cfg",
                kind: FileKind::Standard,
                format: self.format,
                vocabulary: &[],
                layers: &self.layers,
                device: Some(DeviceVars {
                    mac: Mac::parse("0080F0C571EB").unwrap(),
                    model: "KX-UTG300B",
                    sealed_extension: Some("enc"),
                }),
                urls: &self.urls,
                secrets: self.secrets,
                limits: self.limits,
            },
            spent,
        )
    }

    fn text(&self, source: &str) -> String {
        self.render(source).unwrap().text
    }

    fn error(&self, source: &str) -> String {
        self.render(source).unwrap_err().to_string()
    }
}

fn text() -> Bench {
    Bench::new(Format::Text)
}

fn xml() -> Bench {
    Bench::new(Format::Xml)
}

#[test]
fn a_password_survives_every_format_or_is_refused() {
    assert_eq!(text().text("P=\"{{ PASS }}\"\n"), "P=\"e3#rl2(&ae#1\"\r\n");
    assert_eq!(xml().text("<P>{{ PASS }}</P>"), "<P>e3#rl2(&amp;ae#1</P>");
    let quoted = |bench: Bench| bench.secret("PASS", "a\"b<c>'d").render("{{ PASS }}");
    assert_eq!(quoted(xml()).unwrap().text, "a&quot;b&lt;c&gt;&apos;d");
    insta::assert_snapshot!(quoted(text()).unwrap_err().to_string());
}

#[test]
fn nothing_goes_round_the_escape() {
    for source in [
        "{{ PASS|safe }}",
        "{{ PASS|e }}",
        "{{ PASS|escape }}",
        "{% autoescape false %}{{ PASS }}{% endautoescape %}",
        "{% set x %}{{ PASS }}{% endset %}{{ x }}",
        "{% filter upper %}{{ PASS }}{% endfilter %}",
        "{% macro m() %}{{ PASS }}{% endmacro %}{{ m() }}",
        "{% raw %}{{ PASS }}{% endraw %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "<![CDATA[{{ PASS }}]]>",
        "<![CDATA{{ '['|lower }}{{ PASS }}]]>",
        "{% for x in [[1]] recursive %}{% set y = loop([]) %}{% endfor %}{% if false %}{%endif%}\
         {% for x in [[]] recursive %}{{ PASS }}{{ loop(x) ~ loop([[]]) }}{% endfor %}",
    ] {
        let result = xml().render(source);
        assert!(result.is_err(), "{source}: {:?}", result.map(|it| it.text));
    }
    // What a filter or an operator makes is escaped like any value, once.
    assert_eq!(
        xml().text("{{ PASS|upper }} {{ PASS ~ '<' }} {{ [PASS, '&']|join('>') }} {{ '&amp;' }}"),
        "E3#RL2(&amp;AE#1 e3#rl2(&amp;ae#1&lt; e3#rl2(&amp;ae#1&gt;&amp; &amp;amp;"
    );
}

#[test]
fn an_unknown_variable_names_itself_the_file_the_line_and_the_layers() {
    let source = |expression: &str| format!("A=\"{{{{ NTP }}}}\"\n\n{expression}\n");
    let errors: Vec<String> = [
        "{{ NTQ }}",
        "{% if NTQ == 'x' %}{% endif %}",
        "{% if OTHER is defined %}x{% endif %}{{ NTQ|upper }}",
        "{{ OTHER|default('') }}{{ NTQ ~ NTP }}",
        "{{ setting('NTQ') }}",
        "{% for n in range(1, 3) %}{{ setting('NTQ_' ~ n) }}{% endfor %}",
        "{% set x = NTQ %}\n\n{{ x }}",
        "{{ device.serial }}",
        "{{ urls.product }}",
        "{{ urls['certificate_' ~ 1] }}",
        "{{ NTP.x }}",
    ]
    .iter()
    .map(|expression| text().error(&source(expression)))
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn what_may_be_missing_can_be_asked_for() {
    let source = "{% if X is defined %}X{% else %}-{% endif %}{{ X|default('d') }}\
                  {{ setting('X', 'e') }}{{ 'x' if NTP is undefined }}";
    assert_eq!(text().text(source), "-de");
    assert_eq!(text().set("X", "1").text(source), "X11");
}

#[test]
fn a_template_can_tell_whether_files_are_sealed() {
    let source = "{% if device.sealed_extension is defined %}.{{ device.sealed_extension }}{% else %}-{% endif %}";
    assert_eq!(text().text(source), ".enc");
    let mut context = RenderContext {
        file_name: "",
        kind: FileKind::Standard,
        format: Format::Text,
        vocabulary: &[],
        layers: &Layers::default(),
        device: Some(DeviceVars {
            mac: Mac::parse("0080F0C571EB").unwrap(),
            model: "KX-UTG300B",
            sealed_extension: None,
        }),
        urls: &BTreeMap::new(),
        secrets: SecretsMode::Reveal,
        limits: Limits::default(),
    };
    assert_eq!(render(source, &context).unwrap().text, "-");
    context.device = None;
    assert_eq!(render(source, &context).unwrap().text, "-");
}

#[test]
fn what_is_used_is_told_by_line_and_layer() {
    let source = "# {{ device.mac }} {{ device.mac_lower }} {{ device.model }}\r\n\
                  {% set ntp = NTP %}\r\n\
                  {% if REGION == 'EU' %}\r\n\
                  A=\"{{ ntp }}\"\r\n\
                  {% endif %}\r\n\
                  B=\"\"\r\n\
                  C=\"{{ PASS|lower }}\"\r\n\
                  {% for p in parameters('PA') %}\r\n\
                  D=\"{{ p.name }} {{ p.value }}\"\r\n\
                  {% endfor %}\r\n";
    let rendered = text().render(source).unwrap();
    insta::assert_snapshot!(format!("{}\n{:#?}", rendered.text, rendered.used));
    assert_eq!(layer_at(&rendered.used, 1), None);
    assert_eq!(layer_at(&rendered.used, 2), Some(Layer::Site));
    assert_eq!(layer_at(&rendered.used, 3), None);
    assert_eq!(layer_at(&rendered.used, 4), Some(Layer::Device));
    assert_eq!(layer_at(&rendered.used, 9), None);
}

#[test]
fn a_line_shows_the_nearest_layer() {
    let used = |line, layer| UsedSetting {
        line,
        name: "A".into(),
        layer,
        secret: false,
    };
    let all = [
        used(1, Layer::Tenant),
        used(1, Layer::Device),
        used(2, Layer::Site),
    ];
    assert_eq!(layer_at(&all, 1), Some(Layer::Device));
    assert_eq!(layer_at(&all, 2), Some(Layer::Site));
    assert_eq!(layer_at(&all, 3), None);
}

#[test]
fn a_masked_rendering_never_has_the_secret() {
    let source = "{{ PASS }} {{ PASS|upper }} {{ PASS|length }} {{ PASS == 'e3#rl2(&ae#1' and 1 }}";
    let error = text().masked().error(source);
    assert!(error.contains("bool"), "{error}");
    let rendered = text()
        .masked()
        .render("{{ PASS }} {{ PASS|length }} {{ NTP }}")
        .unwrap();
    assert_eq!(rendered.text, format!("{MASK} 8 ntp2.example"));
    assert!(rendered.used.iter().any(|used| used.secret));
    // A preview fails where the file would.
    let bad = text().secret("PASS", "a\"b").masked();
    assert_eq!(
        bad.error("{{ PASS }}"),
        text().secret("PASS", "a\"b").error("{{ PASS }}")
    );
}

#[test]
fn no_error_and_no_debug_shows_a_secret() {
    for source in [
        "{{ PASS }}\n{{ PASS|int }}",
        "{{ PASS + 1 }}",
        "{{ PASS|nope }}",
        "{{ PASS() }}",
        "{{ PASS.upper() }}",
        "{{ {}[PASS] }}",
        "{{ range(PASS) }}",
        "{{ setting(PASS) }}",
        "{{ setting(PASS|upper|lower) }}",
        "{{ urls[PASS] }}",
        "{{ device[PASS ~ ''] }}",
        "{% if PASS == 'hunter2' %}{{ urls[PASS] }}{% endif %}",
        "{{ [PASS] }}",
        "{{ [PASS]|int }}",
        "{{ PASS|replace }}",
        "{{ -PASS }}",
        "{% for x in 5 %}{{ PASS }}{% endfor %}",
        "{{ PASS|default(nope=PASS) }}",
    ] {
        let error = text().secret("PASS", "hunter2").render(source).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let rendered = text().render("{{ PASS }}").unwrap();
    assert!(!format!("{rendered:?}").contains(PASSWORD));
}

#[test]
fn only_texts_and_numbers_are_values() {
    assert_eq!(text().text("{{ 5060 }} {{ 1 + 1 }}"), "5060 2");
    let errors = [
        "{{ true }}",
        "{{ [1] }}",
        "{{ {} }}",
        "{{ none }}",
        "{{ setting }}",
    ]
    .map(|source| text().error(source));
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn work_is_bounded() {
    let nested = format!(
        "{}x{}",
        "{% for a in range(1000) %}".repeat(5),
        "{% endfor %}".repeat(5)
    );
    let doubling = format!(
        "{{% set a = 'aaaaaaaa' %}}{}",
        "{% set a = a ~ a %}".repeat(40)
    );
    for source in [
        nested.as_str(),
        &doubling,
        "{{ 'a' * 100000000 }}",
        "{% for x in [1] * 100000000 %}{% endfor %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{% set c = 'x' * 1000 %}\
         {% endfor %}{% endfor %}",
    ] {
        let error = text().render(source).unwrap_err();
        let expected = matches!(
            error,
            RenderError::TooMuchWork { .. }
                | RenderError::TooLarge { .. }
                | RenderError::Failed { .. }
                | RenderError::NotAvailable { .. }
        );
        assert!(expected, "{source}: {error}");
    }
    let mut small = text();
    small.limits.output = 10;
    assert_eq!(small.text("123456789"), "123456789");
    assert_eq!(small.text("12345678\n").len(), 10);
    assert_eq!(
        small.render("123456789\n"),
        Err(RenderError::TooLarge {
            file: "Config{MAC}.cfg".into(),
            limit: 10
        })
    );
}

/// The ways in which a list could get into a list.
const NESTING: [&str; 12] = [
    "{% set a = [[1]] %}",
    "{% set a = [1] %}{% set a = [a, a] %}",
    "{% set a = [1] %}{% set a = (a, 2) %}",
    "{% for x in [[1], [2]] %}{% endfor %}",
    "{% with a = [1] %}{% set b = [a] %}{% endwith %}",
    "{% set a = ['x'|split(',')] %}",
    "{% set a = [range(3)] %}",
    "{% set a = [parameters('N')] %}",
    "{% set a = [[1] if 1 else 2] %}",
    "{% set a = [setting('X', [1])] %}",
    "{% set a = [X|default([1])] %}",
    "{% for x in [1] %}{% set a = [loop.cycle([1])] %}{% endfor %}",
];

#[test]
fn a_list_in_a_list_is_refused_with_its_line() {
    for source in NESTING {
        let error = text().render(&format!("\n\n{source}")).unwrap_err();
        let file = "Config{MAC}.cfg".to_owned();
        assert_eq!(error, RenderError::Nested { file, line: 3 }, "{source}");
    }
    insta::assert_snapshot!(text().error(NESTING[0]));
    // What shows without settings is told when the template is saved.
    let nested = check_template(NESTING[0], "x").unwrap_err();
    assert!(matches!(nested, RenderError::Nested { line: 1, .. }));
}

#[test]
fn what_used_to_escape_its_fuel_is_refused_before_the_work() {
    let doubled = |times: usize, rest: &str| {
        let twice = "{% set a = [a,a] %}".repeat(times);
        format!("{{% set a = ['x'] %}}{{% set b = ['x'] %}}\n{twice}{rest}")
    };
    for times in [1, 20, 22, 24, 60] {
        for rest in [
            "{% if a == b %}{% endif %}",
            "{% if a < b %}{% endif %}",
            "{% if a in 'x' %}{% endif %}",
            "{{ a ~ '' }}",
            "{{ a|join }}",
            "{{ a|replace('x', 'y') }}",
        ] {
            let error = text().render(&doubled(times, rest)).unwrap_err();
            assert!(
                matches!(error, RenderError::Nested { line: 2, .. }),
                "{error}"
            );
        }
    }
    let deep = format!(
        "{{% set a = [1] %}}{}",
        "{% set a = [a] %}\n".repeat(10_000)
    );
    let error = text().render(&deep).unwrap_err();
    assert!(
        matches!(error, RenderError::Nested { line: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_list_of_large_texts_is_not_made_into_a_larger_one_for_nothing() {
    // 1,000 places that share one text of 50 KB.
    let list = "{% set t = 'x' * 50000 %}{% set l = [t] * 1000 %}";
    for rest in [
        "{{ l|join|length }}",
        "{{ l|join(t)|length }}",
        "{% for i in range(1000) %}{% if l == [t] * 1000 %}{% endif %}{% endfor %}",
        "{% for i in range(1000) %}{% if t ~ 'a' == t ~ 'b' %}{% endif %}{% endfor %}",
        "{% set u = t ~ 'a' %}{% set v = t ~ 'b' %}\
         {% for i in range(1000) %}{% if u < v or u == v %}{% endif %}{% endfor %}",
        "{% for i in range(1000) %}{% if 'y' in t %}{% endif %}{% endfor %}",
        "{% for i in range(1000) %}{% if ('y' ~ t) in l %}{% endif %}{% endfor %}\
         {% for i in range(1000) %}{% if t[1:] ~ 'y' in l %}{% endif %}{% endfor %}",
        "{% for i in range(1000) %}{% if t is startingwith(t) %}{% endif %}{% endfor %}",
        "{% for i in range(1000) %}{% set x = t|upper %}{% endfor %}",
        "{% for i in range(1000) %}{% set x = t|length %}{% endfor %}",
        "{% for i in range(1000) %}{% set x = t[-1] %}{% endfor %}",
        "{% for i in range(1000) %}{% set x = t[:1] %}{% endfor %}",
        "{{ t|trim(t) }}",
        "{{ t|replace('x', t)|length }}",
        "{{ t|replace('', t)|length }}",
        "{% set x = t|split('x') %}{% set x = t|split('') %}{% set x = t|split('') %}\
         {% set x = t|split('x') %}",
        "{% for i in range(1000) %}{{ 'x' if urls[t] is defined else '' }}{% endfor %}",
        "{% for i in range(1000) %}{{ setting(t, '') }}{% endfor %}",
    ] {
        let error = text().render(&format!("{list}{rest}")).unwrap_err();
        assert!(
            matches!(error, RenderError::TooMuchWork { .. }),
            "{rest}: {error}"
        );
    }
}

#[test]
fn work_grows_with_the_size_of_what_is_worked_on() {
    // Each costs at least one unit, a 64th of a fuel, for each byte of the text.
    for work in [
        "t == u",
        "t != u",
        "t < u",
        "t >= u",
        "t <= u <= t",
        "t in u",
        "'y' in t",
        "u in [t]",
        "t ~ ''",
        "t + ''",
        "t * 1",
        "t|upper",
        "t|lower",
        "t|trim",
        "t|trim('y')",
        "t|length",
        "t|replace('y', '')",
        "t|split",
        "t|split('y')",
        "[t]|join",
        "t|int(0)",
        "t[0]",
        "t[1:]",
        "t[::-1]",
        "t is startingwith(u)",
        "t is endingwith(u)",
        "t is in(u)",
        "urls[t] is defined",
        "setting(t, '')",
        "parameters(t)",
        "t is in([u])",
    ] {
        let spent = |size: usize| {
            let source = format!(
                "{{% set t = 'x' * {size} %}}{{% set u = 'x' * {size} %}}\
                 {{% if {work} %}}{{% endif %}}"
            );
            let mut spent = 0;
            let result = text().metered(&source, &mut spent);
            assert!(result.is_ok(), "{work}: {:?}", result.unwrap_err());
            spent
        };
        // The two texts have their price, too.
        let (once, twice) = (spent(64_000), spent(128_000));
        assert!(twice - once >= 2_000 + 1_000, "{work}: {once} {twice}");
    }
}

#[test]
fn a_computed_name_is_told_in_short() {
    let error = text().error("{{ setting('x' * 100000) }}");
    assert!(error.len() < 300, "{error}");
    let error = text().error("{{ urls['x' * 100000] }}");
    assert!(error.len() < 300, "{error}");
}

#[test]
fn expressions_mean_what_they_mean_in_jinja() {
    let settings = [
        ("CSV", "a,b,,c"),
        ("WORDS", " one  two three "),
        ("N", "42"),
        ("U", "äöü"),
    ];
    let bench = settings
        .into_iter()
        .fold(text(), |bench, (name, value)| bench.set(name, value));
    for (source, expected) in [
        (
            "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 4 / 2 }}",
            "3 -4 2 3.5 2.0",
        ),
        (
            "{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 1.5 + 1 }} {{ 3 * 1.0 }}",
            "1024 0.5 2.5 3.0",
        ),
        (
            "{{ N|int + 1 }} {{ 'x'|int(7) }} {{ '3.9'|int }} {{ 'ff'|int(base=16) }}",
            "43 7 3 255",
        ),
        (
            "{{ CSV|split(',')|join('-') }} {{ CSV|split(',', 1)|last }}",
            "a-b--c b,,c",
        ),
        (
            "{{ WORDS|split|join('+') }} {{ WORDS|split(none, 1)|last }}",
            "one+two+three two three ",
        ),
        (
            "{{ WORDS|trim }}|{{ 'xxaxx'|trim('x') }}",
            "one  two three|a",
        ),
        (
            "{{ U|length }}{{ U[0] }}{{ U[-1] }}{{ U[1:] }}{{ U[::-1] }}",
            "3äüöüüöä",
        ),
        (
            "{{ U|first }}{{ U|last }}{{ [1,2,3]|first }}{{ [1,2,3][-1] }}",
            "äü13",
        ),
        (
            "{{ [1,2,3,4][1:3]|join }}{{ [1,2,3,4][::2]|join }}{{ [1,2,3][::-1]|join }}",
            "2313321",
        ),
        (
            "{{ ([1] + [2])|join }}{{ ([1, 2] * 2)|join }}{{ 'ab' * 2 }}{{ 2 * 'c' }}",
            "121212ababcc",
        ),
        (
            "{{ 'y' if 1 == 1.0 and 1 < 2 <= 2 and not 1 > 2 else 'n' }}",
            "y",
        ),
        (
            "{{ 'y' if 'b' in CSV and 2 in [1, 2] and 3 not in [1, 2] else 'n' }}",
            "y",
        ),
        (
            "{{ 'y' if [1, 'a'] == [1, 'a'] and [1] < [1, 2] and [] != [1] else 'n' }}",
            "y",
        ),
        (
            "{% for x in [1, 2, 3] if x != 2 %}{{ loop.index }}/{{ loop.length }}={{ x }} {% endfor %}",
            "1/2=1 2/2=3 ",
        ),
        ("{% for x in [] %}x{% else %}none{% endfor %}", "none"),
        (
            "{% for x in 'ab' %}{{ x }}{{ loop.revindex }}{{ ',' if not loop.last }}{% endfor %}",
            "a2,b1",
        ),
        (
            "{% for x in range(4) %}{{ loop.cycle('a', 'b') }}{% endfor %}",
            "abab",
        ),
        ("{% set a, b = 'x-y'|split('-') %}{{ b }}{{ a }}", "yx"),
        (
            "{% set x = 1 %}{% for i in range(2) %}{% set x = 2 %}{% endfor %}{{ x }}",
            "1",
        ),
        (
            "{% set x = 1 %}{% if 1 %}{% set x = 2 %}{% endif %}{{ x }}",
            "2",
        ),
        (
            "{% with x = 1, y = x + 1 %}{{ x }}{{ y }}{% endwith %}{{ x is defined ~ '' }}",
            "12False",
        ),
        ("{{ parameters('RE')|join(',', attribute='name') }}", "GION"),
        (
            "{{ 'aXbX'|replace('X', '-') }} {{ 'aXbX'|replace('X', '-', 1) }}",
            "a-b- a-bX",
        ),
        (
            "{{ MISSING|default('d') }}{{ ''|default('e', true) }}{{ ''|d('f') }}",
            "de",
        ),
        (
            "{{ 'x' if false }}{{ NTP is string ~ '' }}{{ 1 is number ~ '' }}{{ none is none ~ '' }}",
            "TrueTrueTrue",
        ),
        (
            "{{ 'abc' is startingwith 'ab' and 'yes' }}{{ 'abc' is endingwith('bc') and 1 }}",
            "yes1",
        ),
        ("{{ (REGION or 'x') ~ (false or 'z') ~ (1 and 2) }}", "EUz2"),
    ] {
        let result = bench.render(source);
        let result = result.map(|rendered| rendered.text.clone());
        assert_eq!(result.as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn a_template_that_would_exhaust_the_stack_is_refused() {
    for source in [
        format!("{{{{ 1{} }}}}", "+1".repeat(100_000)),
        format!("{{{{ \"}}}}\"{} }}}}", "~'}}'".repeat(40_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(200_000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(50_000)),
        format!("{{{{ NTP{} }}}}", "|upper".repeat(30_000)),
        format!("{{{{ NTP{} }}}}", ".a".repeat(100_000)),
        format!("{{{{ {}1{} }}}}", "(".repeat(100), ")".repeat(100)),
        format!("{{{{ {}{} }}}}", "[".repeat(100_000), "]".repeat(100_000)),
        format!(
            "{}{}",
            "{% if 1 %}".repeat(9000),
            "{% endif %}".repeat(9000)
        ),
        format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(20_000)),
        "x".repeat(MAX_SOURCE_LEN + 1),
        "\n".repeat(20_001),
    ] {
        let error = text().render(&source).unwrap_err();
        let expected = matches!(
            error,
            RenderError::TooDeep { .. } | RenderError::SourceTooLong { .. }
        );
        assert!(expected, "{error}");
    }
    // The longest of what is let through, in the worst shapes.
    for source in [
        format!("{{{{ {}1 }}}}", "-".repeat(MAX_TAG_LEN - 4)),
        format!("{{{{ 1{} }}}}", "+1".repeat((MAX_TAG_LEN - 4) / 2)),
        format!("{{{{ NTP{} }}}}", "|d".repeat((MAX_TAG_LEN - 8) / 2)),
        format!(
            "{}{{{{ {}1{} }}}}{}",
            "{% if 1 %}".repeat(MAX_NESTING),
            "(".repeat(MAX_NESTING),
            ")".repeat(MAX_NESTING),
            "{% endif %}".repeat(MAX_NESTING)
        ),
    ] {
        let result = text().render(&source);
        assert!(result.is_ok(), "{:?}", result.unwrap_err());
    }
    // Many blocks one after the other are no nesting.
    let flat = "{% if 1 %}{% if 0 %}{% elif 0 %}{% elif 1 %}x{% endif %}{% endif %}".repeat(500);
    assert_eq!(text().text(&flat), "x".repeat(500));
}

#[test]
fn syntax_errors_have_a_line() {
    let errors = [
        "\n\n{{ A B }}",
        "\n{% if X %}",
        "{{ 'x }}",
        "\n{# x",
        "{% nope %}",
        "{{ a) }}",
    ]
    .map(|source| {
        check_template(source, "Config{MAC}.cfg")
            .unwrap_err()
            .to_string()
    });
    insta::assert_snapshot!(errors.join("\n"));
    assert_eq!(check_template("{{ UNKNOWN|upper }}", "x"), Ok(()));
}

#[test]
fn default_templates_render_to_files_without_findings() {
    let mut files = String::new();
    let mut bench = text().secret("standard_SIP_PASS_1", PASSWORD);
    for (name, value) in [
        ("initial_CFG_RTRY_INTVL", "30"),
        ("standard_SIP_DETECT_SSAF_1", "N"),
        ("product_NTP_ADDR", "ntp.example"),
        ("master_CFG_RESYNC_FROM_SIP", "check-sync"),
        ("standard_Prov_CFG_RESYNC_FROM_SIP", "check-sync"),
        ("standard_Line1_Sip_SIP_DETECT_SSAF", "N"),
        ("master_Voip_EXAMPLE", "1 & 2"),
    ] {
        bench = bench.set(name, value);
    }
    let base = "https://prov.example/ap";
    for (name, path) in [
        ("standard", "Config{MAC}.cfg"),
        ("plain", "Config{MAC}.cfg"),
        ("sealed", "Config{MAC}.aes"),
        ("product", "Config{MODEL}.cfg"),
        ("master", "ConfigCom.cfg"),
        ("certificate_1", "root.pem"),
    ] {
        bench.urls.insert(name.to_owned(), format!("{base}/{path}"));
    }
    bench.urls.insert("base".to_owned(), base.to_owned());
    for family in Family::ALL {
        bench.format = family.format();
        for &kind in family.kinds() {
            let text = bench.text(family.template(kind));
            // Settings of the other format's spelling are no parameters of this one.
            let findings = lint(family, kind, text.as_bytes());
            assert!(
                findings.is_empty(),
                "{family:?} {kind:?}: {findings:#?}\n{text}"
            );
            if [panasonic::UTG, panasonic::TGP500].contains(&family) {
                files += &format!("== {family:?} {kind:?}\n{text}");
            }
            let mut bare = Bench::new(family.format());
            bare.urls = bench.urls.clone();
            let text = bare.text(family.template(kind));
            let findings = lint(family, kind, text.as_bytes());
            assert!(
                !has_errors(&findings),
                "{family:?} {kind:?}: {findings:#?}\n{text}"
            );
        }
    }
    insta::assert_snapshot!(files);
}

#[test]
fn the_event_of_a_notify_is_what_the_phone_obeys() {
    let event = |family: Family, settings: &[(&str, &str)]| {
        let mut bench = Bench::new(family.format());
        for (name, value) in settings {
            bench = bench.set(name, value);
        }
        let text = bench.text(family.template(FileKind::Standard));
        let findings = lint(family, FileKind::Standard, text.as_bytes());
        assert!(!has_errors(&findings), "{findings:#?}\n{text}");
        let document = Document::parse(family, text.as_bytes()).unwrap();
        let parameters = document.parameters().into_iter();
        let events = parameters.filter(|one| one.name.ends_with("CFG_RESYNC_FROM_SIP"));
        events.map(|one| one.value.clone()).collect::<Vec<_>>()
    };
    for (family, own) in [
        (panasonic::UTG, "standard_Prov_CFG_RESYNC_FROM_SIP"),
        (panasonic::HDV, "standard_CFG_RESYNC_FROM_SIP"),
    ] {
        let shared = ("CFG_RESYNC_FROM_SIP", "resync;reboot=false");
        assert!(event(family, &[]).is_empty());
        assert_eq!(event(family, &[shared]), ["resync"]);
        assert_eq!(event(family, &[(own, "own")]), ["own"]);
        assert_eq!(event(family, &[shared, (own, "own")]), ["own"]);
    }
}

/// The value that the phone would read, from a file with one parameter.
fn read_back(family: Family, text: &str) -> String {
    let document = Document::parse(family, text.as_bytes()).unwrap();
    document.parameters()[0].value.clone()
}

fn one_parameter(family: Family) -> &'static str {
    match family.format() {
        Format::Xml => {
            "<PANASIPPhoneConfig>\n <Device>\n  <System>\n   <Prov>\n    \
             <X>{{ PASS }}</X>\n   </Prov>\n  </System>\n </Device>\n</PANASIPPhoneConfig>\n"
        }
        Format::Text => "# Panasonic SIP Phone Standard Format File #\nX=\"{{ PASS }}\"\n\n",
        Format::Lines => "x = {{ PASS }}\n",
    }
}

proptest! {
    #[test]
    fn a_value_is_read_back_as_it_was_or_refused(
        value in "[ -~]{0,40}|\\PC{0,40}|[<>&\"'#=;\\]\\[\r\n\t a]{0,12}"
    ) {
        for family in [panasonic::HDV, panasonic::UTG] {
            let bench = Bench::new(family.format()).secret("PASS", &value);
            let Ok(rendered) = bench.render(one_parameter(family)) else {
                continue;
            };
            if let Ok(document) = Document::parse(family, rendered.text.as_bytes()) {
                prop_assert_eq!(&document.parameters()[0].value, &value, "{:?}", family);
                let served = String::from_utf8(document.to_bytes()).unwrap();
                prop_assert_eq!(&read_back(family, &served), &value, "{:?}", family);
            }
        }
    }
}

/// `standard_A_PS<handset>_<number>` for all handsets of a KX-UDS124, as many as a layer holds.
fn handsets() -> Bench {
    let mut bench = text();
    bench.limits = Limits::of(panasonic::UDS124);
    let most = panasonic::UDS124.settings_limit();
    for n in 0..most {
        let (handset, parameter) = (n % 255 + 1, n / 255);
        let name = format!("standard_SIP_PARAMETER_PS{handset}_{parameter}");
        let value = Value::Text("v".repeat(60));
        bench.layers.device.insert(name, value);
    }
    bench
}

#[test]
fn a_base_stations_file_has_lines_for_every_handset_with_room_to_spare() {
    let mut bench = handsets();
    bench.limits.fuel /= 2;
    let template = panasonic::UDS124.template(FileKind::Standard);
    let file = bench.text(template);
    for handset in 1..=255 {
        assert!(file.contains(&format!("SIP_PARAMETER_PS{handset}_18=\"vvv")));
    }
    assert!(file.len() > Limits::default().output);
    assert!(file.len() < panasonic::UDS124.total_limit() / 3);
    assert!(!has_errors(&lint(
        panasonic::UDS124,
        FileKind::Standard,
        file.as_bytes()
    )));
}

#[test]
fn other_families_have_the_usual_limits() {
    for family in [
        panasonic::UT,
        panasonic::TGP500,
        panasonic::UTG,
        panasonic::HDV,
    ] {
        assert_eq!(Limits::of(family), Limits::default(), "{family:?}");
    }
}
