//! The whole relay on loopback: a pool that speaks the wire, a phone that speaks SIP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use ringfence_relay::config::{Checked, check, load};
use ringfence_relay::run::Relay;
use ringfence_wire::{
    CLOSE_REPLACED, ErrorCode, Hello, Job, JobRef, JobResult, Outcome, PING, PONG, PoolFrame,
    RelayFrame, ReturnReason, Target, Welcome, batches,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const PATIENCE: Duration = Duration::from_secs(20);

/// The pool's side of one connection.
struct Conversation {
    socket: WebSocketStream<TcpStream>,
    hello: Hello,
}

impl Conversation {
    /// Accepts the relay, checks its credential, and welcomes it.
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        #[allow(clippy::result_large_err)]
        let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            assert_eq!(request.headers()["authorization"], "Bearer secret-1");
            assert_eq!(request.uri().path(), "/relay/v1");
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, check)
            .await
            .unwrap();
        let mut conversation = Self {
            socket,
            hello: Hello {
                version: String::new(),
                software: String::new(),
                instance: String::new(),
                capacity: 0,
                in_flight: 0,
                transports: vec![],
                ping_interval_ms: None,
            },
        };
        let RelayFrame::Hello(hello) = conversation.next().await else {
            panic!("hello comes first");
        };
        conversation.hello = hello;
        conversation
            .say(&PoolFrame::Welcome(Welcome {
                pool: "p1".into(),
                relay: "r1".into(),
                ping_interval_ms: None,
            }))
            .await;
        conversation
    }

    async fn say(&mut self, frame: &PoolFrame) {
        self.say_text(&frame.encode().unwrap()).await;
    }

    async fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next frame, pings answered.
    async fn next(&mut self) -> RelayFrame {
        loop {
            let message = timeout(PATIENCE, self.socket.next())
                .await
                .expect("the relay says something")
                .expect("the connection stays")
                .unwrap();
            match message {
                Message::Text(text) if text.as_str() == PING => self.say_text(PONG).await,
                Message::Text(text) => return RelayFrame::decode(&text).unwrap(),
                _ => {}
            }
        }
    }

    /// The next results; acknowledgements are passed over.
    async fn results(&mut self) -> Vec<JobResult> {
        loop {
            match self.next().await {
                RelayFrame::Result(results) => return results,
                RelayFrame::Ack(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A phone that answers when told to.
struct Phone {
    socket: UdpSocket,
}

impl Phone {
    async fn new() -> Self {
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    fn aor(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.socket.local_addr().unwrap())
    }

    async fn hear(&self) -> (SocketAddr, String) {
        let mut buffer = [0; 2048];
        let (length, from) = timeout(PATIENCE, self.socket.recv_from(&mut buffer))
            .await
            .expect("a NOTIFY comes")
            .unwrap();
        (from, String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    async fn answer(&self, (from, request): &(SocketAddr, String), status: &str) {
        let echoed = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
        let lines: String = request
            .lines()
            .filter(|line| echoed.iter().any(|name| line.starts_with(name)))
            .map(|line| format!("{line}\r\n"))
            .collect();
        let text = format!("SIP/2.0 {status}\r\n{lines}Content-Length: 0\r\n\r\n");
        self.socket.send_to(text.as_bytes(), from).await.unwrap();
    }
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    http: SocketAddr,
}

/// Starts a relay that dials `listener`; `more` is TOML.
async fn start(listener: &TcpListener, more: &str) -> Running {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = free.local_addr().unwrap();
    drop(free);
    let text = format!(
        r#"
        [pool]
        url = "ws://{}/relay/v1"
        credential = "secret-1"
        reconnect_min_ms = 100
        reconnect_max_ms = 200
        drain_s = 4
        [sip]
        bind = ["127.0.0.1:0"]
        from = "sip:prov@pbx.example"
        [destinations]
        allow = ["127.0.0.1/32"]
        [http]
        listen = "{http}"
        {more}
        "#,
        listener.local_addr().unwrap()
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.toml");
    std::fs::write(&path, text).unwrap();
    let Checked { settings, findings } = check(&load(Some(&path), []).unwrap(), true);
    let settings = settings.unwrap_or_else(|| panic!("{findings:?}"));
    let relay = Relay::open(settings).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(relay.run(async move {
        let _ = stopped.await;
    }));
    Running { stop, task, http }
}

fn job(id: &str, aor: String) -> Job {
    Job {
        job: JobRef {
            id: id.into(),
            lease: 1,
        },
        lease_ms: 120_000,
        target: Target { aor, address: None },
        event: "check-sync".into(),
        headers: vec![],
        content_type: None,
        body: None,
        route: None,
        credentials: None,
        destinations: None,
    }
}

fn returned(ids: &[&str]) -> RelayFrame {
    RelayFrame::Return {
        jobs: ids.iter().map(|id| job_ref(id)).collect(),
        reason: ReturnReason::Drain,
    }
}

fn job_ref(id: &str) -> JobRef {
    JobRef {
        id: id.into(),
        lease: 1,
    }
}

async fn pool() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[tokio::test]
async fn a_job_goes_out_and_its_result_comes_back() {
    let (listener, phone) = (pool().await, Phone::new().await);
    let running = start(&listener, "").await;
    let mut pool = Conversation::accept(&listener).await;
    assert_eq!(pool.hello.software, "ringfence-relay");
    assert_eq!((pool.hello.capacity, pool.hello.in_flight), (20_000, 0));
    assert_eq!(pool.hello.ping_interval_ms, Some(30_000));

    pool.say(&PoolFrame::Job(vec![job("a", phone.aor("101"))]))
        .await;
    assert_eq!(pool.next().await, RelayFrame::Ack(vec![job_ref("a")]));
    let heard = phone.hear().await;
    assert!(heard.1.contains("\r\nEvent: check-sync\r\n"));
    assert!(heard.1.contains("\r\nDate: "));
    phone.answer(&heard, "200 OK").await;

    let results = pool.results().await;
    assert_eq!(
        (results.len(), results[0].outcome, results[0].code),
        (1, Outcome::Answered, Some(200))
    );
    pool.say(&PoolFrame::Recorded(vec![job_ref("a")])).await;
    running.stop.send(()).unwrap();
    timeout(PATIENCE, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_result_is_said_again_after_the_connection_was_cut() {
    let (listener, phone) = (pool().await, Phone::new().await);
    let running = start(&listener, "").await;
    let mut first = Conversation::accept(&listener).await;
    let jobs = ["a", "b"].map(|id| job(id, phone.aor(id)));
    first.say(&PoolFrame::Job(jobs.to_vec())).await;
    let (a, b) = (phone.hear().await, phone.hear().await);
    phone.answer(&a, "200 OK").await;
    assert_eq!(first.results().await.len(), 1);
    let instance = first.hello.instance.clone();
    drop(first);
    // Answered while there is no connection.
    phone.answer(&b, "486 Busy Here").await;

    let mut second = Conversation::accept(&listener).await;
    assert_eq!(second.hello.instance, instance);
    assert_eq!(second.hello.in_flight, 2);
    let mut results = second.results().await;
    if results.len() == 1 {
        results.extend(second.results().await);
    }
    results.sort_by(|a, b| a.job.cmp(&b.job));
    let outcomes: Vec<_> = results
        .iter()
        .map(|r| (r.job.id.as_str(), r.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [("a", Outcome::Answered), ("b", Outcome::Rejected)]
    );
    second
        .say(&PoolFrame::Recorded(vec![job_ref("a"), job_ref("b")]))
        .await;
    running.stop.send(()).unwrap();
    timeout(PATIENCE, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_relay_whose_credential_another_process_uses_does_not_hurry_back() {
    let listener = pool().await;
    let running = start(&listener, "").await;
    let mut pool = Conversation::accept(&listener).await;
    for _ in 0..3 {
        let replaced = CloseFrame {
            code: CLOSE_REPLACED.into(),
            reason: "replaced".into(),
        };
        let since = Instant::now();
        pool.socket.close(Some(replaced)).await.unwrap();
        pool = Conversation::accept(&listener).await;
        // Its `reconnect_max_ms`; any other wait is shorter.
        assert!(since.elapsed() >= Duration::from_millis(200));
    }
    running.stop.send(()).unwrap();
    timeout(PATIENCE, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_finishes_what_is_out_and_hands_back_the_rest() {
    let (listener, phone) = (pool().await, Phone::new().await);
    let running = start(&listener, "[pace]\nper_destination = 1").await;
    let mut pool = Conversation::accept(&listener).await;
    let jobs = ["out", "waits"].map(|id| job(id, phone.aor(id)));
    pool.say(&PoolFrame::Job(jobs.to_vec())).await;
    assert!(matches!(pool.next().await, RelayFrame::Ack(jobs) if jobs.len() == 2));
    let heard = phone.hear().await;
    running.stop.send(()).unwrap();
    assert_eq!(pool.next().await, returned(&[]), "no more jobs, please");
    let RelayFrame::Return { jobs, reason } = pool.next().await else {
        panic!("the waiting job comes back");
    };
    assert_eq!(
        (jobs, reason),
        (vec![job_ref("waits")], ReturnReason::Drain)
    );
    phone.answer(&heard, "200 OK").await;
    assert_eq!(pool.results().await[0].job, job_ref("out"));
    assert!(
        !running.task.is_finished(),
        "the result is not recorded yet"
    );
    pool.say(&PoolFrame::Recorded(vec![job_ref("out")])).await;
    timeout(PATIENCE, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_hands_back_what_nobody_answers_in_time() {
    let (listener, phone) = (pool().await, Phone::new().await);
    let running = start(&listener, "").await;
    let mut pool = Conversation::accept(&listener).await;
    pool.say(&PoolFrame::Job(vec![job("out", phone.aor("101"))]))
        .await;
    pool.next().await;
    phone.hear().await;
    running.stop.send(()).unwrap();
    assert_eq!(pool.next().await, returned(&[]));
    // It was sent, and the phone may have heard: not as if nothing had gone out.
    let given_back = RelayFrame::Return {
        jobs: vec![job_ref("out")],
        reason: ReturnReason::Lease,
    };
    assert_eq!(pool.next().await, given_back);
    timeout(PATIENCE, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_not_understood_is_answered_and_the_connection_stays() {
    let (listener, phone) = (pool().await, Phone::new().await);
    let running = start(&listener, "").await;
    let mut pool = Conversation::accept(&listener).await;
    let too_long = " ".repeat(70_000);
    for (text, expected) in [
        (r#"{"v":1,"type":"dance"}"#, ErrorCode::UnknownType),
        ("not JSON", ErrorCode::Malformed),
        (too_long.as_str(), ErrorCode::TooLarge),
    ] {
        pool.say_text(text).await;
        assert!(matches!(pool.next().await, RelayFrame::Error(error) if error.code == expected));
    }
    pool.say(&PoolFrame::Job(vec![job("a", phone.aor("101"))]))
        .await;
    assert!(matches!(pool.next().await, RelayFrame::Ack(_)));
    phone.hear().await;
    drop(running.stop);
    running.task.abort();
}

#[tokio::test]
async fn thousands_of_jobs_are_each_acknowledged_told_and_answered_once() {
    const JOBS: usize = 3000;
    let (listener, phone) = (pool().await, Phone::new().await);
    let running = start(&listener, "[pace]\nper_destination = 3000").await;
    let mut pool = Conversation::accept(&listener).await;
    let jobs: Vec<Job> = (0..JOBS)
        .map(|n| job(&format!("{n:026}"), phone.aor("101")))
        .collect();
    let (frames, misfits) = batches(jobs, PoolFrame::Job);
    assert!(misfits.is_empty());
    // Branches, since a copy of a NOTIFY may be heard where the machine is slow.
    let notified = tokio::spawn(async move {
        let mut branches = std::collections::BTreeSet::new();
        while branches.len() < JOBS {
            let heard = phone.hear().await;
            phone.answer(&heard, "200 OK").await;
            let via = heard.1.lines().find(|line| line.starts_with("Via:"));
            branches.insert(via.unwrap().to_owned());
        }
        phone
    });
    let (mut acknowledged, mut answered) = (Vec::new(), Vec::new());
    for frame in &frames {
        pool.say(frame).await;
    }
    while answered.len() < JOBS {
        match pool.next().await {
            RelayFrame::Ack(jobs) => acknowledged.extend(jobs),
            RelayFrame::Result(results) => {
                assert!(results.iter().all(|r| r.outcome == Outcome::Answered));
                let jobs: Vec<JobRef> = results.into_iter().map(|result| result.job).collect();
                pool.say(&PoolFrame::Recorded(jobs.clone())).await;
                answered.extend(jobs);
            }
            other => panic!("{other:?}"),
        }
    }
    let phone = notified.await.unwrap();
    for mut jobs in [acknowledged, answered] {
        jobs.sort();
        jobs.dedup();
        assert_eq!(jobs.len(), JOBS);
    }
    running.stop.send(()).unwrap();
    timeout(PATIENCE, running.task).await.unwrap().unwrap();
    drop(phone);
}

#[tokio::test]
async fn a_forbidden_destination_hears_nothing() {
    let (listener, phone) = (pool().await, Phone::new().await);
    let running = start(&listener, "").await;
    let mut pool = Conversation::accept(&listener).await;
    let mut forbidden = job("a", "sip:101@127.0.0.2:5060".into());
    forbidden.target.address = Some("127.0.0.2:5060".into());
    pool.say(&PoolFrame::Job(vec![forbidden])).await;
    let results = pool.results().await;
    assert_eq!(
        (results[0].outcome, results[0].attempts),
        (Outcome::NotAllowed, 0)
    );
    drop(phone);
    drop(running.stop);
    running.task.abort();
}

async fn fetch(from: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(from).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn health_and_metrics_say_how_things_stand() {
    let (listener, phone) = (pool().await, Phone::new().await);
    let running = start(&listener, "").await;
    let early = fetch(running.http, "/healthz").await;
    assert!(early.starts_with("HTTP/1.1 503 "), "{early}");
    let mut pool = Conversation::accept(&listener).await;
    pool.say(&PoolFrame::Job(vec![job("a", phone.aor("101"))]))
        .await;
    phone.answer(&phone.hear().await, "200 OK").await;
    pool.results().await;
    let health = fetch(running.http, "/healthz").await;
    assert!(
        health.starts_with("HTTP/1.1 200 ") && health.contains("\"unrecorded\":1"),
        "{health}"
    );
    let metrics = fetch(running.http, "/metrics").await;
    for line in [
        "ringfence_relay_connected 1",
        "ringfence_relay_results_total{outcome=\"answered\",reason=\"ok\"} 1",
        "ringfence_relay_datagrams_sent_total 1",
        "ringfence_relay_round_trip_seconds_count 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(fetch(running.http, "/").await.starts_with("HTTP/1.1 404 "));
    drop(running.stop);
    running.task.abort();
}
