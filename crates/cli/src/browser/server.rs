//! The server of the page: on loopback, for one page of one browser.
//!
//! Another page of the browser can send requests here too, and with a name that resolves to loopback it could even read the
//! answers. So every request must name this very address as its host, and whatever is not a fixed file must come from this very
//! origin, with a key that only the page has: the token of the address, which is valid once, and then the session's.

use std::{fmt, io, mem, net::Ipv4Addr, sync::Arc, time::Duration};

use alloy::primitives::{Address, hex};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request as HttpRequest, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

/// How long a person has to connect a wallet, and to answer each request.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long the page's question for the next request stays open.
const POLL: Duration = Duration::from_secs(20);
/// The largest answer of the page that is read.
const BODY_LIMIT: usize = 16 * 1024;

/// What every response carries.
static HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What the page passes to the wallet, and what it shows before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Request {
    /// What is to be signed.
    pub(super) title: String,
    /// Its details.
    pub(super) facts: Vec<(&'static str, String)>,
    /// Who must sign.
    pub(super) account: Address,
    /// The chain that the wallet must be on, in hexadecimal digits.
    pub(super) chain: String,
    /// The method of EIP-1193.
    pub(super) method: &'static str,
    /// Its parameters.
    pub(super) params: Value,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    /// What the wallet answered.
    Result(Value),
    /// The wallet did nothing, for this reason.
    Declined(String),
    /// The wallet may have done it, or still do so; why it is not known.
    Unknown(String),
}

/// The server. It ends when it is dropped.
pub(super) struct Server {
    desk: Arc<Desk>,
    task: JoinHandle<io::Result<()>>,
}

/// Where the command and the page meet.
struct Desk {
    /// `127.0.0.1` with the port.
    host: String,
    /// The account that must sign; none if any may.
    expected: Option<Address>,
    /// Opens the page, once.
    token: String,
    /// The key of the page that has opened.
    session: String,
    state: watch::Sender<Visit>,
}

/// How far the page is.
#[derive(Default)]
struct Visit {
    is_open: bool,
    account: Option<Address>,
    pending: Option<Pending>,
    /// How many requests there were.
    count: u64,
}

struct Pending {
    id: u64,
    request: Request,
    /// Whether the page has gone on to ask the wallet.
    begun: bool,
    answer: Option<Answer>,
}

/// What the page is told: a status and a JSON value, which is a sentence for a refusal.
type Reply = (StatusCode, [(HeaderName, &'static str); 1], String);

impl Server {
    /// Serves the page on a free port. Only `expected` may sign, if there is one.
    pub(super) async fn start(expected: Option<Address>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let host = listener.local_addr()?.to_string();
        let (token, session) = (secret()?, secret()?);
        let desk = Arc::new(Desk { host, expected, token, session, state: watch::Sender::default() });
        let routes = routes(desk.clone());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { desk, task })
    }

    /// Where the page is. What is behind the `#` stays in the browser.
    pub(super) fn address(&self) -> String {
        format!("http://{}/#{}", self.desk.host, self.desk.token)
    }

    /// The account of the wallet, once one is connected; none if nobody connects one.
    pub(super) async fn account(&self) -> Option<Address> {
        let mut visit = self.desk.state.subscribe();
        let connected = timeout(PATIENCE, visit.wait_for(|visit| visit.account.is_some())).await;
        connected.ok()?.ok()?.account
    }

    /// Passes a request to the wallet by the page.
    pub(super) async fn ask(&self, request: Request) -> Answer {
        let desk = &self.desk;
        desk.state.send_modify(|visit| {
            visit.count = visit.count.saturating_add(1);
            visit.pending = Some(Pending { id: visit.count, request, begun: false, answer: None });
        });
        let mut visit = desk.state.subscribe();
        let is_answered = |visit: &Visit| visit.pending.as_ref().is_some_and(|one| one.answer.is_some());
        // Whether the time is over, the request itself tells.
        drop(timeout(PATIENCE, visit.wait_for(is_answered)).await);
        let mut pending = None;
        desk.state.send_modify(|visit| pending = visit.pending.take());
        pending.map_or_else(|| Answer::Declined("it was not asked".into()), Pending::answer)
    }
}

/// Without its keys.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("host", &self.desk.host).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pending {
    /// The answer; if there is none, the time is over.
    fn answer(self) -> Answer {
        let within = format!("within {} minutes", PATIENCE.as_secs() / 60);
        match (self.answer, self.begun) {
            (Some(answer), _) => answer,
            (None, true) => Answer::Unknown(format!("the wallet has not answered {within}")),
            (None, false) => Answer::Declined(format!("nobody continued in the page {within}")),
        }
    }
}

impl Desk {
    /// Checks where a request comes from: see the module.
    fn admits(&self, method: &Method, headers: &HeaderMap) -> Result<(), Reply> {
        let is_only = |name: HeaderName, value: &str| {
            let mut values = headers.get_all(name).iter();
            values.next().is_some_and(|one| one == value) && values.next().is_none()
        };
        if !is_only(header::HOST, &self.host) {
            return Err(refuse(StatusCode::MISDIRECTED_REQUEST, "This is not the address of the page."));
        }
        let is_bare_read = method == Method::GET && !headers.contains_key(header::ORIGIN);
        if is_bare_read || is_only(header::ORIGIN, &format!("http://{}", self.host)) {
            return Ok(());
        }
        Err(refuse(StatusCode::FORBIDDEN, "This is not the origin of the page."))
    }

    /// Begins the only session.
    fn open(&self, headers: &HeaderMap) -> Result<&str, Reply> {
        if bearer(headers) != Some(self.token.as_str()) {
            return Err(refuse(
                StatusCode::UNAUTHORIZED,
                "The address is not the one that the command has printed.",
            ));
        }
        let is_first = self.state.send_if_modified(|visit| !mem::replace(&mut visit.is_open, true));
        if is_first {
            return Ok(&self.session);
        }
        Err(refuse(StatusCode::FORBIDDEN, "The address is valid once, and another page has opened it."))
    }

    fn knows(&self, headers: &HeaderMap) -> Result<(), Reply> {
        if bearer(headers) == Some(self.session.as_str()) && self.state.borrow().is_open {
            return Ok(());
        }
        Err(refuse(StatusCode::UNAUTHORIZED, "This page does not belong to the command."))
    }

    /// Takes the account of the wallet: it must be the expected one, and stays the same.
    fn connect(&self, account: Address) -> Result<(), Reply> {
        let wanted = self.expected.or(self.state.borrow().account).unwrap_or(account);
        if wanted != account {
            let sentence =
                format!("The wallet offers {account}, but {wanted} must sign. Choose it in the wallet.");
            return Err(refuse(StatusCode::CONFLICT, &sentence));
        }
        self.state.send_modify(|visit| visit.account = Some(account));
        Ok(())
    }

    /// Lets the page ask the wallet, once for each request.
    fn begin(&self, id: u64) -> Result<(), Reply> {
        let begins = self.state.send_if_modified(|visit| match &mut visit.pending {
            Some(pending) if pending.id == id && !pending.begun => {
                pending.begun = true;
                true
            }
            _ => false,
        });
        if begins { Ok(()) } else { Err(gone()) }
    }

    /// Takes the answer, if anybody waits for it.
    fn answer(&self, id: u64, answer: Answer) -> Result<(), Reply> {
        let is_taken = self.state.send_if_modified(|visit| match &mut visit.pending {
            Some(pending) if pending.id == id && pending.answer.is_none() => {
                pending.answer = Some(answer);
                true
            }
            _ => false,
        });
        if is_taken { Ok(()) } else { Err(gone()) }
    }
}

fn reply(status: StatusCode, value: &Value) -> Reply {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string())
}

fn gone() -> Reply {
    refuse(StatusCode::GONE, "The command does not wait for this any more.")
}

fn refuse(status: StatusCode, sentence: &str) -> Reply {
    reply(status, &json!({ "error": sentence }))
}

fn accept(value: &Value) -> Reply {
    reply(StatusCode::OK, value)
}

/// What the page sends.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Reply> {
    serde_json::from_slice(body)
        .map_err(|_| refuse(StatusCode::UNPROCESSABLE_ENTITY, "The command does not understand this."))
}

/// 128 random bits.
fn secret() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(hex::encode(bytes))
}

/// The key of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn routes(desk: Arc<Desk>) -> Router {
    let file = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/hello", post(hello))
        .route("/account", post(account))
        .route("/next", post(next))
        .route("/begin", post(begin))
        .route("/answer", post(answer))
        .layer(middleware::from_fn_with_state(desk.clone(), of_session))
        .route("/open", post(open))
        .route("/", file("text/html; charset=utf-8", include_str!("page.html")))
        .route("/page.js", file("text/javascript; charset=utf-8", include_str!("page.js")))
        .route("/wallet.js", file("text/javascript; charset=utf-8", &levee_pages::site::WALLET_SCRIPT.text))
        .route("/page.css", file("text/css; charset=utf-8", include_str!("page.css")))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(desk.clone(), from_page))
        .with_state(desk)
}

/// Answers only what comes from the page, and says how the browser must treat every answer.
async fn from_page(State(desk): State<Arc<Desk>>, request: HttpRequest, next: Next) -> Response {
    let mut response = match desk.admits(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in &HEADERS {
        response.headers_mut().insert(name.clone(), HeaderValue::from_static(value));
    }
    response
}

async fn of_session(State(desk): State<Arc<Desk>>, request: HttpRequest, next: Next) -> Response {
    match desk.knows(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn open(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Result<Reply, Reply> {
    Ok(accept(&json!({ "session": desk.open(&headers)? })))
}

async fn hello(State(desk): State<Arc<Desk>>) -> Reply {
    accept(&json!({ "account": desk.expected.map(|account| account.to_string()) }))
}

#[derive(Deserialize)]
struct Connected {
    account: Address,
}

async fn account(State(desk): State<Arc<Desk>>, body: Bytes) -> Result<Reply, Reply> {
    let Connected { account } = read(&body)?;
    desk.connect(account)?;
    Ok(accept(&Value::Null))
}

#[derive(Serialize)]
struct Offered<'a> {
    id: u64,
    begun: bool,
    #[serde(flatten)]
    request: &'a Request,
}

/// The request that waits for an answer; null if there is none for a while.
async fn next(State(desk): State<Arc<Desk>>) -> Reply {
    let mut visit = desk.state.subscribe();
    let is_open = |visit: &Visit| visit.pending.as_ref().is_some_and(|pending| pending.answer.is_none());
    let Ok(Ok(visit)) = timeout(POLL, visit.wait_for(is_open)).await else {
        return accept(&json!({ "request": null }));
    };
    let request = visit.pending.as_ref().map(|pending| {
        let Pending { id, begun, request, .. } = pending;
        Offered { id: *id, begun: *begun, request }
    });
    accept(&json!({ "request": request }))
}

#[derive(Deserialize)]
struct Begun {
    id: u64,
}

async fn begin(State(desk): State<Arc<Desk>>, body: Bytes) -> Result<Reply, Reply> {
    let Begun { id } = read(&body)?;
    desk.begin(id)?;
    Ok(accept(&Value::Null))
}

#[derive(Deserialize)]
struct Answered {
    id: u64,
    #[serde(flatten)]
    answer: Answer,
}

async fn answer(State(desk): State<Arc<Desk>>, body: Bytes) -> Result<Reply, Reply> {
    let Answered { id, answer } = read(&body)?;
    desk.answer(id, answer)?;
    Ok(accept(&Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    const ACCOUNT: Address = Address::repeat_byte(1);

    fn request() -> Request {
        Request {
            title: "Pledge".into(),
            facts: vec![("to", "somebody".into())],
            account: ACCOUNT,
            chain: "0x1".into(),
            method: "eth_sendTransaction",
            params: json!([]),
        }
    }

    /// What the server answers to a request with these lines: its head and its body.
    async fn answer(server: &Server, lines: &[&str], body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&server.desk.host).await.unwrap();
        let length = format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        let request = format!("{}\r\n{length}", lines.join("\r\n"));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        (head.to_owned(), body.to_owned())
    }

    fn status(head: &str) -> u16 {
        head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status")
    }

    /// The same as the page sends it.
    async fn by_page(server: &Server, path: &str, key: &str, body: Value) -> (u16, Value) {
        let host = &server.desk.host;
        let lines: [&str; 5] = [
            &format!("POST {path} HTTP/1.1"),
            &format!("host: {host}"),
            &format!("origin: http://{host}"),
            &format!("authorization: Bearer {key}"),
            "content-type: application/json",
        ];
        let (head, body) = answer(server, &lines, &body.to_string()).await;
        (status(&head), serde_json::from_str(&body).unwrap_or_default())
    }

    /// Opens the page, and returns the key of its session.
    async fn opened(server: &Server) -> String {
        let (status, opened) = by_page(server, "/open", &server.desk.token, json!({})).await;
        assert_eq!(status, 200);
        opened["session"].as_str().expect("a key").to_owned()
    }

    #[tokio::test]
    async fn only_this_address_and_this_origin_are_answered() {
        let server = Server::start(None).await.unwrap();
        let host = server.desk.host.clone();
        let port = host.split(':').nth(1).unwrap();
        let (here, token) = (format!("http://{host}"), server.desk.token.clone());
        let localhost = format!("localhost:{port}");
        let cases: [(&str, &str, Option<&str>, u16); 9] = [
            ("GET /", &host, None, 200),
            ("GET /", &host, Some(&here), 200),
            ("GET /", &host, Some("https://evil.example"), 403),
            ("GET /", &localhost, None, 421),
            ("GET /page.js", &format!("evil.example:{port}"), None, 421),
            ("POST /open", &localhost, Some(&format!("http://{localhost}")), 421),
            ("POST /open", &host, None, 403),
            ("POST /open", &host, Some("null"), 403),
            ("POST /open", &host, Some(&format!("https://{host}")), 403),
        ];
        for (line, host, origin, expected) in cases {
            let origin = origin.map(|origin| format!("origin: {origin}\r\n")).unwrap_or_default();
            let authorization = format!("{origin}authorization: Bearer {token}");
            let lines = [&format!("{line} HTTP/1.1"), &format!("host: {host}"), &authorization];
            let (head, _) = answer(&server, &lines.map(String::as_str), "").await;
            assert_eq!(status(&head), expected, "{line} {host} {origin}");
            for header in ["content-security-policy: default-src 'none';", "cache-control: no-store"] {
                assert!(head.contains(header), "{head}");
            }
            assert!(head.contains("frame-ancestors 'none'") && !head.contains("access-control"), "{head}");
        }
        // None of them has used the token.
        opened(&server).await;
    }

    #[tokio::test]
    async fn the_token_is_valid_once_and_the_session_is_needed() {
        let server = Server::start(None).await.unwrap();
        let token = server.desk.token.clone();
        assert_eq!(server.address(), format!("http://{}/#{token}", server.desk.host));
        let other = "0".repeat(token.len());
        for key in ["", &token[..10], &other] {
            assert_eq!(by_page(&server, "/open", key, json!({})).await.0, 401, "{key}");
        }
        assert_eq!(by_page(&server, "/hello", &token, json!({})).await.0, 401);
        let session = opened(&server).await;
        assert_eq!(by_page(&server, "/open", &token, json!({})).await.0, 403);
        for key in [&token, &other, ""] {
            for path in ["/hello", "/account", "/next", "/begin", "/answer"] {
                assert_eq!(by_page(&server, path, key, json!({})).await.0, 401, "{path}");
            }
        }
        assert_eq!(by_page(&server, "/hello", &session, json!({})).await, (200, json!({ "account": null })));
        let long = json!({ "account": "0".repeat(BODY_LIMIT) });
        assert_eq!(by_page(&server, "/account", &session, long).await.0, 413);
        assert_eq!(by_page(&server, "/account", &session, json!({ "account": "0x" })).await.0, 422);
    }

    #[tokio::test]
    async fn the_account_is_the_expected_one_and_stays_the_same() {
        let (named, free) = (Server::start(Some(ACCOUNT)).await.unwrap(), Server::start(None).await.unwrap());
        let other = Address::repeat_byte(2);
        for server in [&named, &free] {
            let session = opened(server).await;
            if server.desk.expected.is_some() {
                let (status, refusal) =
                    by_page(server, "/account", &session, json!({ "account": other })).await;
                let sentence =
                    format!("The wallet offers {other}, but {ACCOUNT} must sign. Choose it in the wallet.");
                assert_eq!((status, &refusal["error"]), (409, &json!(sentence)));
            }
            assert_eq!(by_page(server, "/account", &session, json!({ "account": ACCOUNT })).await.0, 200);
            assert_eq!(server.account().await, Some(ACCOUNT));
            assert_eq!(by_page(server, "/account", &session, json!({ "account": other })).await.0, 409);
        }
    }

    #[tokio::test]
    async fn a_request_is_begun_once_and_answered_by_its_number() {
        let server = Server::start(None).await.unwrap();
        let session = opened(&server).await;
        let page = async {
            let (_, offered) = by_page(&server, "/next", &session, json!({})).await;
            let request = &offered["request"];
            assert_eq!((&request["id"], &request["begun"]), (&json!(1), &json!(false)));
            assert_eq!(
                (&request["title"], &request["facts"]),
                (&json!("Pledge"), &json!([["to", "somebody"]]))
            );
            let begin = async |id: u64| by_page(&server, "/begin", &session, json!({ "id": id })).await.0;
            assert_eq!((begin(2).await, begin(1).await, begin(1).await), (410, 200, 410));
            let (_, offered) = by_page(&server, "/next", &session, json!({})).await;
            assert_eq!(offered["request"]["begun"], true);
            for (id, result) in [(2, "another's"), (1, "its own"), (1, "too late")] {
                by_page(&server, "/answer", &session, json!({ "id": id, "result": result })).await;
            }
        };
        let (given, ()) = tokio::join!(server.ask(request()), page);
        assert_eq!(given, Answer::Result(json!("its own")));
        assert_eq!(by_page(&server, "/begin", &session, json!({ "id": 1 })).await.0, 410);
    }

    #[test]
    fn without_an_answer_it_counts_whether_the_wallet_was_asked() {
        let pending = |begun| Pending { id: 1, request: request(), begun, answer: None };
        let unknown = Answer::Unknown("the wallet has not answered within 10 minutes".into());
        assert_eq!(pending(true).answer(), unknown);
        let declined = Answer::Declined("nobody continued in the page within 10 minutes".into());
        assert_eq!(pending(false).answer(), declined);
        let answered = Pending { answer: Some(Answer::Declined("no".into())), ..pending(true) };
        assert_eq!(answered.answer(), Answer::Declined("no".into()));
    }
}
