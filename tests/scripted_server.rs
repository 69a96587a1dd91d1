//! A server on loopback that says what a test has it say, and remembers what it was asked.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the scripted server says.
pub(crate) enum Say {
    Json(String),
    Status(u16, &'static str),
    /// A status with this body.
    Raw(u16, String),
    /// Too many requests, and when to come back.
    Later,
    /// The connection breaks in the middle of the answer.
    Break,
    /// No answer at all.
    Hang,
}

type Script = dyn Fn(&str, usize) -> Say + Send + Sync;

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that answers by path and query, and by how often it was asked for that before.
    pub(crate) fn new(script: impl Fn(&str, usize) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(vec![]));
        let (script, log): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                std::thread::spawn(move || while serve(&stream, &*script, &log).is_some() {});
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: &std::io::Result<TcpStream>, script: &Script, log: &Mutex<Vec<String>>) -> Option<()> {
    let mut stream = stream.as_ref().ok()?;
    let mut head = vec![];
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1)?.to_owned();
    let before = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|asked| **asked == path).count();
        log.push(path.clone());
        before
    };
    let mut more = "";
    let (status, body) = match script(&path, before) {
        Say::Later => {
            more = "retry-after: 1\r\n";
            (429, r#"{"kind":"Status","message":"too many requests"}"#.to_owned())
        }
        Say::Json(body) => (200, body),
        Say::Status(code, message) => (code, format!(r#"{{"kind":"Status","message":"{message}"}}"#)),
        Say::Raw(code, body) => (code, body),
        Say::Break => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{{\"items\":").ok()?;
            return None;
        }
        Say::Hang => {
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
    };
    write!(stream, "HTTP/1.1 {status} X\r\n{more}content-length: {}\r\n\r\n{body}", body.len()).ok()
}
