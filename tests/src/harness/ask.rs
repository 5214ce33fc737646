//! A request of a client, sent byte by byte as written here.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};

use super::reply::Reply;

/// A request, built up and then sent on a connection of its own.
#[derive(Clone, Debug)]
pub struct Ask {
    address: SocketAddr,
    method: String,
    host: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    /// A GET, with no header but `Host` and `Connection: close`.
    pub fn get(address: SocketAddr, host: &str, path: &str) -> Ask {
        Ask {
            address,
            method: "GET".to_string(),
            host: host.to_string(),
            path: path.to_string(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Another method.
    pub fn method(mut self, method: &str) -> Ask {
        self.method = method.to_string();
        self
    }

    /// Another `Host` than that of the address.
    pub fn host(mut self, host: &str) -> Ask {
        self.host = host.to_string();
        self
    }

    /// One more header.
    pub fn header(mut self, name: &str, value: &str) -> Ask {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// One more `Cookie` header.
    pub fn cookie(self, cookie: &str) -> Ask {
        self.header("cookie", cookie)
    }

    /// A body, with its length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Ask {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("content-length", &length)
    }

    /// Sends the request and reads nothing.
    pub fn unread(&self) -> io::Result<TcpStream> {
        let mut request = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", self.method, self.path, self.host);
        let connection_is_said = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection"));
        if !connection_is_said {
            request.push_str("connection: close\r\n");
        }
        for (name, value) in &self.headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend(&self.body);
        let mut connection = TcpStream::connect(self.address)?;
        connection.set_nodelay(true)?;
        connection.write_all(&bytes)?;
        Ok(connection)
    }

    /// Sends the request and reads the head of the answer.
    pub fn try_send(&self) -> io::Result<Reply> {
        Reply::read(self.unread()?, &self.method)
    }

    /// Sends the request and reads the head of the answer, which must come.
    pub fn send(&self) -> Reply {
        self.try_send().unwrap_or_else(|error| {
            panic!("{} {} on {} was not answered: {error}", self.method, self.path, self.host)
        })
    }
}
