//! What is typed into a phone so that it finds its files, and the same as a picture for a camera. An access path is
//! known only to whoever has it: it is typed here, and shown on the answer to that alone.

use qrcodegen::{QrCode, QrCodeEcc};

use crate::data::{Device, Family};
use crate::part::{Cell, Facts, Field, Form, Picture, Section};
use crate::text::{EN, fill};

/// Where a phone asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Scheme, host, and the port where it is not the usual one: `https://phones.example`.
    pub origin: String,
    /// The segment of the access path; empty where it is not known.
    pub segment: String,
    /// The name of the device's own file, as its phone asks for it.
    pub name: String,
}

/// The whole value of a field of the vendor's that says the protocol, or its port.
const HTTPS: &str = "HTTPS";
const PORT: &str = "443";

impl Place {
    /// The URL of the device's own file.
    pub fn url(&self) -> String {
        let segment = match self.segment.as_str() {
            "" => EN.access_path_place,
            segment => segment,
        };
        let name = self.name.trim_start_matches('/');
        format!("{}/{segment}/{name}", self.origin)
    }

    /// Scheme, host and port, the latter two also as they stand together.
    fn parts(&self) -> (&str, &str, &str, &str) {
        let (scheme, authority) = self.origin.split_once("://").unwrap_or_default();
        let usual = if scheme == "http" { "80" } else { "443" };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (authority, usual),
        };
        (scheme, host, port, authority)
    }

    /// What is typed into a field of the vendor's. A vendor's fields are as for HTTPS at its usual port; where the
    /// port has a field of its own, it stands there alone.
    fn typed(&self, value: &str, has_port: bool) -> String {
        let (scheme, host, port, authority) = self.parts();
        match value {
            HTTPS => return scheme.to_ascii_uppercase(),
            PORT => return port.to_owned(),
            _ => {}
        }
        let segment = match self.segment.as_str() {
            "" => EN.access_path_place,
            segment => segment,
        };
        value
            .replace("<base>", &format!("{}/<segment>", self.origin))
            .replace("<host>", if has_port { host } else { authority })
            .replace("<segment>", segment)
    }
}

/// What is typed into the phone: field by field as its vendor names them, and the URL of its own file.
pub fn fields(device: &Device, family: Option<&Family>, place: &Place) -> Facts {
    let title = fill(EN.type_into, &[&device.model]);
    let mut facts = Facts::new(&title);
    for (field, value) in typed(family, place) {
        facts = facts.with(field, Cell::code(value));
    }
    facts.with(EN.own_url, Cell::code(place.url()))
}

/// The fields of a vendor's phones, and what is typed into each.
fn typed<'a>(family: Option<&'a Family>, place: &Place) -> Vec<(&'a str, String)> {
    let fields = family.map(|family| family.typed.as_slice());
    let fields = fields.unwrap_or_default();
    let has_port = fields.iter().any(|typed| typed.value == PORT);
    let each = fields.iter();
    each.map(|typed| (typed.field.as_str(), place.typed(&typed.value, has_port)))
        .collect()
}

/// The same as a picture, where the access path is known.
pub fn picture(family: Option<&Family>, place: &Place) -> Option<Picture> {
    if place.segment.is_empty() {
        return None;
    }
    let values = typed(family, place).into_iter().map(|(_, value)| value);
    let url = values
        .into_iter()
        .find(|value| value.starts_with(&place.origin));
    code(&url.unwrap_or_else(|| place.url()))
}

/// A text as a QR code (ISO/IEC 18004); nothing, if it is too long for one.
pub fn code(text: &str) -> Option<Picture> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size();
    let mut path = String::new();
    for y in 0..side {
        let mut x = 0;
        while x < side {
            let run = (x..side).take_while(|&x| code.get_module(x, y)).count();
            if run > 0 {
                path.push_str(&format!("M{x} {y}h{run}v1h-{run}z"));
            }
            x += i32::try_from(run).unwrap_or(side) + 1;
        }
    }
    Some(Picture {
        title: EN.qr_code.to_owned(),
        label: fill(EN.qr_says, &[text]),
        side: usize::try_from(side).ok()?,
        path,
    })
}

/// Asks for the access path.
pub fn form(action: &str) -> Form {
    let segment = Field::line("segment", EN.access_path, "");
    Form::post(action, EN.show_url)
        .titled(EN.whose_access_path)
        .saying(EN.access_path_asked)
        .with(segment.hinting(EN.segment_hint).required())
}

/// All of it.
pub fn sections(
    device: &Device,
    family: Option<&Family>,
    place: &Place,
    action: &str,
) -> Vec<Section> {
    let mut sections = vec![Section::Facts(fields(device, family, place))];
    match picture(family, place) {
        Some(picture) => sections.push(picture.into()),
        None => sections.push(form(action).into()),
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Typed;

    fn family(value: &str) -> Family {
        Family {
            typed: vec![Typed {
                field: "Server URL".into(),
                value: value.into(),
            }],
            ..Family::default()
        }
    }

    #[test]
    fn an_access_path_stands_where_it_is_known_and_nowhere_else() {
        let mut place = Place {
            origin: "https://phones.example".into(),
            segment: String::new(),
            name: "/Config.cfg".into(),
        };
        assert_eq!(
            place.url(),
            format!("https://phones.example/{}/Config.cfg", EN.access_path_place)
        );
        let family = family("<base>/");
        assert!(picture(Some(&family), &place).is_none());
        place.segment = "seg".into();
        let picture = picture(Some(&family), &place).unwrap_or_default();
        assert!(picture.label.ends_with("https://phones.example/seg/"));
    }

    #[test]
    fn the_port_stands_where_the_vendor_has_it() {
        let place = |origin: &str| Place {
            origin: origin.into(),
            segment: "seg".into(),
            name: "/Config.cfg".into(),
        };
        let family = |values: &[&str]| Family {
            typed: values
                .iter()
                .map(|&value| Typed {
                    field: value.to_owned(),
                    value: value.to_owned(),
                })
                .collect(),
            ..Family::default()
        };
        let values = |origin: &str, family: &Family| -> Vec<String> {
            let fields = typed(Some(family), &place(origin));
            fields.into_iter().map(|(_, value)| value).collect()
        };
        let apart = family(&["HTTPS", "<host>", "<segment>", "443"]);
        let together = family(&["HTTPS", "<host>/<segment>", "<base>/x"]);
        for (origin, one, other) in [
            (
                "https://phones.example",
                ["HTTPS", "phones.example", "seg", "443"],
                [
                    "HTTPS",
                    "phones.example/seg",
                    "https://phones.example/seg/x",
                ],
            ),
            (
                "http://127.0.0.1:8787",
                ["HTTP", "127.0.0.1", "seg", "8787"],
                ["HTTP", "127.0.0.1:8787/seg", "http://127.0.0.1:8787/seg/x"],
            ),
            (
                "https://[::1]:8443",
                ["HTTPS", "[::1]", "seg", "8443"],
                ["HTTPS", "[::1]:8443/seg", "https://[::1]:8443/seg/x"],
            ),
            (
                "http://[::1]",
                ["HTTP", "[::1]", "seg", "80"],
                ["HTTP", "[::1]/seg", "http://[::1]/seg/x"],
            ),
        ] {
            assert_eq!(values(origin, &apart), one, "{origin}");
            assert_eq!(values(origin, &together), other, "{origin}");
            assert_eq!(place(origin).url(), format!("{origin}/seg/Config.cfg"));
        }
    }

    #[test]
    fn a_picture_has_the_squares_of_the_code() {
        let picture = code("https://phones.example/segment/").unwrap_or_default();
        // The finder in the upper left corner begins with seven dark squares.
        assert!(picture.path.starts_with("M0 0h7v1h-7z"), "{}", picture.path);
        assert!(picture.side >= 21);
        assert!(code(&"x".repeat(10_000)).is_none());
    }
}
