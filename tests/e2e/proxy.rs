//! A node in front of a node: it counts what is asked, and need not run code that is sent with a call.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What it does with a call that has no recipient.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OwnCode {
    /// The node runs it.
    Runs,
    /// An error.
    IsRefused,
    /// A success with these bytes, in hex.
    Returns(&'static str),
}

/// The proxy, which serves as long as the tests run.
pub(crate) struct Proxy {
    address: String,
    methods: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// In front of `node`, as in `http://localhost:8545`.
    pub(crate) fn start(node: &str, own_code: OwnCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("it has an address"));
        let methods = Arc::new(Mutex::new(Vec::new()));
        let (seen, node) = (Arc::clone(&methods), node.trim_start_matches("http://").to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                serve(&client.expect("a client"), &node, &seen, own_code);
            }
        });
        Self { address, methods }
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> &str {
        &self.address
    }

    /// The methods that were asked for since the last time, in order. Looking again for a receipt is not counted.
    pub(crate) fn methods(&self) -> Vec<String> {
        let mut methods = std::mem::take(&mut *self.methods.lock().expect("no thread panicked"));
        methods.dedup_by(|later, earlier| later == earlier && later == "eth_getTransactionReceipt");
        methods
    }
}

fn serve(client: &TcpStream, node: &str, methods: &Mutex<Vec<String>>, own_code: OwnCode) {
    let body = read_request(client);
    let request: Value = serde_json::from_slice(&body).expect("a request is JSON");
    let method = request["method"].as_str().expect("one method").to_owned();
    let is_own_code = method == "eth_call" && request["params"][0]["to"].is_null();
    methods.lock().expect("no thread panicked").push(method);
    let refusal = json!({ "code": -32602, "message": "missing recipient" });
    let answer = match own_code {
        OwnCode::IsRefused if is_own_code => response(&request, "error", &refusal),
        OwnCode::Returns(hex) if is_own_code => response(&request, "result", &json!(hex)),
        _ => forward(node, &body),
    };
    (&mut &*client).write_all(&answer).expect("somebody listens");
}

/// The body of a request of HTTP.
fn read_request(client: &TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(client);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).expect("a header") > 2 {
        let lower = line.to_ascii_lowercase();
        let value = lower.strip_prefix("content-length:").map(|number| number.trim().parse());
        length = value.map_or(length, |number| number.expect("a number"));
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    body
}

fn response(request: &Value, key: &str, value: &Value) -> Vec<u8> {
    let body = json!({ "jsonrpc": "2.0", "id": request["id"], key: value }).to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// What the node answers, headers and all.
fn forward(node: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(node).expect("the node is up");
    let head = format!("POST / HTTP/1.1\r\nhost: {node}\r\ncontent-type: application/json\r\n");
    write!(stream, "{head}connection: close\r\ncontent-length: {}\r\n\r\n", body.len()).expect("it listens");
    stream.write_all(body).expect("it listens");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    answer
}
