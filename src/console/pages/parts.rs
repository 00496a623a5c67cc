//! What is too long for one file: a page says so, and offers the parts one by one.

use ringfence_console::href;
use ringfence_console::part::{Act, Page, Section};
use ringfence_console::shell::Shell;
use ringfence_console::text::{EN, fill};

use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// Where the number of a part stands in the address, and whether its file is asked for instead of its page.
const PART: &str = "part";
const FILE: &str = "file";

/// A file that may be one of several. Whether it is, and where the next one begins, may be known before it is made: then a
/// part is made once, when it is kept.
pub struct Exported {
    /// What it is called, without its ending.
    pub stem: &'static str,
    pub ending: &'static str,
    pub content_type: &'static str,
    /// Why there are several, where there are.
    pub says: &'static str,
    /// The name by which the address says where a part begins, and where the next one does.
    pub begins: &'static str,
    pub next: Option<String>,
}

impl Exported {
    fn number(visit: &Visit) -> u64 {
        visit.query.get(PART).parse().unwrap_or(1)
    }

    fn is_whole(&self, visit: &Visit) -> bool {
        Self::number(visit) <= 1 && self.next.is_none()
    }

    /// Whether the file is what was asked for: it is the whole, or the part to be kept.
    pub fn is_file(&self, visit: &Visit) -> bool {
        self.is_whole(visit) || visit.query.is_ticked(FILE)
    }

    /// The file.
    pub fn file(&self, visit: &Visit, bytes: Vec<u8>) -> Reply {
        let name = match self.is_whole(visit) {
            true => format!("{}.{}", self.stem, self.ending),
            false => format!("{}-{}.{}", self.stem, Self::number(visit), self.ending),
        };
        Reply::file(name, self.content_type, bytes)
    }
}

/// The page of a part. `query` is what the address says beside it.
pub fn page(visit: &Visit, shell: Shell, query: &[(&str, &str)], of: &Exported) -> Reply {
    let number = Exported::number(visit);
    let to = |begins: &str, number: u64, file: &str| {
        let number = number.to_string();
        let mut pairs = query.to_vec();
        pairs.extend([(of.begins, begins), (PART, number.as_str()), (FILE, file)]);
        format!("{}{}", visit.path, href::query(&pairs))
    };
    let here = visit.query.get(of.begins);
    let text = number.to_string();
    let keep = Act::main(&fill(EN.keep_part, &[&text]), to(here, number, "true"));
    let mut acts = vec![keep];
    let says = match &of.next {
        Some(next) => {
            let text = fill(EN.next_part, &[&(number + 1).to_string()]);
            acts.push(Act::plain(&text, to(next, number + 1, "")));
            EN.part_goes_on
        }
        None => EN.part_is_last,
    };
    let page = Page::new(shell)
        .with(Section::Text(of.says.to_owned()))
        .with(Section::Text(fill(says, &[&text])))
        .with(Section::Acts(acts));
    Reply::page(page)
}
