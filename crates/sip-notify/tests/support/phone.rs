//! A phone, as far as one NOTIFY sees it.

use std::collections::HashMap;

use ringfence_sip_notify::digest::{Algorithm, Input};

use super::{answer, header, headers};

/// What a phone does with the requests of a session, one after the other. A copy of a request gets
/// a copy of its answer, as RFC 3261 §17.2.2 demands.
#[derive(Clone, Debug)]
pub enum Step {
    /// Answers.
    Say(&'static str, Vec<&'static str>),
    /// Answers 100, and later this.
    Ring(&'static str, u64),
    /// Hears nothing of the first copies, then answers.
    Deaf(u32, &'static str),
    /// Lets through who knows the password; challenges with this header line otherwise.
    Guard {
        status: &'static str,
        challenge: &'static str,
        answer: &'static str,
    },
}

pub struct Phone {
    steps: Vec<Step>,
    /// By branch: the step, and how often the request was heard.
    heard: HashMap<String, (usize, u32)>,
    /// The first copy of each request, in order.
    pub requests: Vec<Vec<u8>>,
}

impl Phone {
    pub fn new(steps: Vec<Step>) -> Self {
        Self {
            steps,
            heard: HashMap::new(),
            requests: Vec::new(),
        }
    }

    pub fn silent() -> Self {
        Self::new(vec![Step::Deaf(u32::MAX, "200 OK")])
    }

    /// Answers, each with the time it takes the phone.
    pub fn hear(&mut self, request: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let branch = header(request, "Via").to_owned();
        let requests = &mut self.requests;
        let next = requests.len().min(self.steps.len() - 1);
        let (step, copies) = self.heard.entry(branch).or_insert_with(|| {
            requests.push(request.to_vec());
            (next, 0)
        });
        *copies += 1;
        match &self.steps[*step] {
            Step::Say(status, more) => vec![(0, answer(request, status, more))],
            Step::Ring(status, delay) => vec![
                (0, answer(request, "100 Trying", &[])),
                (*delay, answer(request, status, &[])),
            ],
            Step::Deaf(deaf, _) if *copies <= *deaf => Vec::new(),
            Step::Deaf(_, status) => vec![(0, answer(request, status, &[]))],
            Step::Guard {
                status,
                challenge,
                answer: granted,
            } => {
                if knows_password(request, challenge) {
                    vec![(0, answer(request, granted, &[]))]
                } else {
                    vec![(0, answer(request, status, &[challenge]))]
                }
            }
        }
    }
}

/// Whether the request answers the challenge with the password of [`super::credentials`].
fn knows_password(request: &[u8], challenge: &str) -> bool {
    let name = if challenge.starts_with("WWW") {
        "Authorization"
    } else {
        "Proxy-Authorization"
    };
    let nonce = parameter(challenge, "nonce").unwrap();
    headers(request, name).iter().any(|line| {
        parameter(line, "nonce") == Some(nonce)
            && parameter(line, "response") == Some(&expected(request, line))
    })
}

/// The digest that belongs to an authorisation line.
pub fn expected(request: &[u8], line: &str) -> String {
    let first_line = std::str::from_utf8(request)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let mut words = first_line.split(' ');
    Input {
        algorithm: Algorithm::parse(parameter(line, "algorithm").unwrap().as_bytes()).unwrap(),
        username: parameter(line, "username").unwrap(),
        password: "s3cret",
        realm: parameter(line, "realm").unwrap(),
        nonce: parameter(line, "nonce").unwrap(),
        method: words.next().unwrap(),
        uri: words.next().unwrap(),
        cnonce: parameter(line, "cnonce").unwrap_or_default(),
        nonce_count: parameter(line, "nc").map(|count| u32::from_str_radix(count, 16).unwrap()),
    }
    .response()
}

/// A parameter of a challenge or of its answer, without quotes.
pub fn parameter<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let line = line
        .split_once("Digest ")
        .map_or(line, |(_, parameters)| parameters);
    line.split(", ")
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .map(|value| value.trim_matches('"'))
}
