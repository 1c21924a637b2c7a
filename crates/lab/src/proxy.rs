//! A node in front of a node: it keeps what is asked, and answers by itself, or not at all, where its owner says so.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What it does with a call that has no recipient.
#[derive(Debug, Clone, Copy)]
pub enum OwnCode {
    /// The node runs it.
    Runs,
    /// An error.
    IsRefused,
    /// A success with these bytes, in hex.
    Returns(&'static str),
}

/// What it does with one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The node answers.
    Node,
    /// A success with this result.
    Result(Value),
    /// An error of JSON-RPC, with this code and message.
    Error(i64, &'static str),
    /// An HTTP status with these headers, each ended by a new line, and this body.
    Status(u16, &'static str, &'static str),
    /// A success for another request.
    OtherId(Value),
    /// The connection is closed before the node is asked.
    Cut,
    /// The node is asked, and the connection closed instead of telling its answer.
    Lost,
    /// There is no answer, and the connection stays open.
    Silence,
}

/// The proxy, which serves as long as the program runs.
#[derive(Debug)]
pub struct Proxy {
    address: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Proxy {
    /// In front of `node`, as in `http://localhost:8545`.
    pub fn start(node: &str, own_code: OwnCode) -> Self {
        Self::replying(node, move |request| {
            let is_own_code = request["method"] == "eth_call" && request["params"][0]["to"].is_null();
            match own_code {
                OwnCode::IsRefused if is_own_code => Reply::Error(-32602, "missing recipient"),
                OwnCode::Returns(hex) if is_own_code => Reply::Result(json!(hex)),
                _ => Reply::Node,
            }
        })
    }

    /// The same, with the reply to each request, which are asked for in order.
    pub fn replying(node: &str, reply: impl FnMut(&Value) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("it has an address"));
        let requests = Arc::default();
        let (seen, node) = (Arc::clone(&requests), node.trim_start_matches("http://").to_owned());
        let reply = Arc::new(Mutex::new(reply));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, node, seen, reply) =
                    (client.expect("a client"), node.clone(), Arc::clone(&seen), Arc::clone(&reply));
                thread::spawn(move || serve(client, &node, &seen, &reply));
            }
        });
        Self { address, requests }
    }

    /// Where it is reached.
    pub fn url(&self) -> &str {
        &self.address
    }

    /// What was asked since the last time, in order.
    pub fn requests(&self) -> Vec<Value> {
        std::mem::take(&mut *self.requests.lock().expect("no thread panicked"))
    }

    /// The methods that were asked for since the last time, in order. Looking again for a receipt is not counted.
    pub fn methods(&self) -> Vec<String> {
        let requests = self.requests();
        let method = |request: &Value| request["method"].as_str().expect("one method").to_owned();
        let mut methods: Vec<_> = requests.iter().map(method).collect();
        methods.dedup_by(|later, earlier| later == earlier && later == "eth_getTransactionReceipt");
        methods
    }
}

fn serve(
    mut client: TcpStream,
    node: &str,
    seen: &Mutex<Vec<Value>>,
    reply: &Mutex<impl FnMut(&Value) -> Reply>,
) {
    // Clients may open a connection and not use it.
    let Some(body) = read_request(&client) else { return };
    let request: Value = serde_json::from_slice(&body).expect("a request is JSON");
    let reply = {
        let mut seen = seen.lock().expect("no thread panicked");
        seen.push(request.clone());
        (reply.lock().expect("no thread panicked"))(&request)
    };
    let id = &request["id"];
    let answer = match reply {
        Reply::Node => forward(node, &body),
        Reply::Result(result) => success(id, &result),
        Reply::Error(code, message) => error(id, code, message),
        Reply::Status(status, headers, body) => response(status, headers, body),
        Reply::OtherId(result) => success(&json!(u64::MAX), &result),
        Reply::Cut => return,
        Reply::Lost => {
            forward(node, &body);
            return;
        }
        Reply::Silence => {
            // Ends when the client gives up.
            let _ = client.read(&mut [0]);
            return;
        }
    };
    // A client that has given up does not listen.
    let _ = client.write_all(&answer);
}

/// The body of a request of HTTP; none if the connection was closed before one.
fn read_request(client: &TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(client);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).ok()? > 2 {
        let lower = line.to_ascii_lowercase();
        let value = lower.strip_prefix("content-length:").map(|number| number.trim().parse());
        length = value.map_or(length, |number| number.expect("a number"));
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok().filter(|()| length > 0)?;
    Some(body)
}

fn success(id: &Value, result: &Value) -> Vec<u8> {
    response(200, "", &json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
}

fn error(id: &Value, code: i64, message: &str) -> Vec<u8> {
    let error = json!({ "code": code, "message": message });
    response(200, "", &json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string())
}

fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let headers = headers.replace('\n', "\r\n");
    let head =
        format!("HTTP/1.1 {status} x\r\n{headers}content-type: application/json\r\nconnection: close\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// What the node answers, headers and all.
fn forward(node: &str, body: &[u8]) -> Vec<u8> {
    post(node, "/", "", body).expect("the node answers")
}

/// What the server `host` answers to a request for `path` with these headers, each ended by a new line: its head and its body.
pub(crate) fn post(host: &str, path: &str, headers: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(host)?;
    let headers = headers.replace('\n', "\r\n");
    let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-type: application/json\r\n");
    write!(stream, "{head}connection: close\r\ncontent-length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The JSON in an answer.
pub(crate) fn json_of(answer: &[u8]) -> serde_json::Result<Value> {
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |head| head + 4);
    serde_json::from_slice(&answer[body..])
}

/// What `node`, as in `http://localhost:8545`, answers to a request.
pub fn ask(node: &str, request: &Value) -> Value {
    let answer = forward(node.trim_start_matches("http://"), request.to_string().as_bytes());
    json_of(&answer).expect("the node answers in JSON")
}
