//! What is typed into a phone so that it finds its files, and the same as a picture for a camera. An access path is
//! known only to whoever has it: it is typed here, and shown on the answer to that alone.

use qrcodegen::{QrCode, QrCodeEcc};

use crate::data::{Device, Family};
use crate::part::{Cell, Facts, Field, Form, Picture, Section};
use crate::text::{EN, fill};

/// Where a phone asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    /// The segment of the access path; empty where it is not known.
    pub segment: String,
    /// The name of the device's own file, as its phone asks for it.
    pub name: String,
}

impl Place {
    /// The URL of the device's own file.
    pub fn url(&self) -> String {
        let segment = match self.segment.as_str() {
            "" => EN.access_path_place,
            segment => segment,
        };
        let name = self.name.trim_start_matches('/');
        format!("https://{}/{segment}/{name}", self.host)
    }

    /// What is typed into a field of the vendor's.
    fn typed(&self, value: &str) -> String {
        let segment = match self.segment.as_str() {
            "" => EN.access_path_place,
            segment => segment,
        };
        value
            .replace("<base>", "https://<host>/<segment>")
            .replace("<host>", &self.host)
            .replace("<segment>", segment)
    }
}

/// What is typed into the phone: field by field as its vendor names them, and the URL of its own file.
pub fn fields(device: &Device, family: Option<&Family>, place: &Place) -> Facts {
    let title = fill(EN.type_into, &[&device.model]);
    let mut facts = Facts::new(&title);
    for typed in family.into_iter().flat_map(|family| &family.typed) {
        facts = facts.with(&typed.field, Cell::code(place.typed(&typed.value)));
    }
    facts.with(EN.own_url, Cell::code(place.url()))
}

/// The same as a picture, where the access path is known.
pub fn picture(family: Option<&Family>, place: &Place) -> Option<Picture> {
    if place.segment.is_empty() {
        return None;
    }
    let typed = family.into_iter().flat_map(|family| &family.typed);
    let url = typed
        .map(|typed| place.typed(&typed.value))
        .find(|value| value.starts_with("https://"));
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
            host: "phones.example".into(),
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
    fn a_picture_has_the_squares_of_the_code() {
        let picture = code("https://phones.example/segment/").unwrap_or_default();
        // The finder in the upper left corner begins with seven dark squares.
        assert!(picture.path.starts_with("M0 0h7v1h-7z"), "{}", picture.path);
        assert!(picture.side >= 21);
        assert!(code(&"x".repeat(10_000)).is_none());
    }
}
