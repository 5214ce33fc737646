//! Varnish, as its documentation sets it up for ESI.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use e2e::harness::Child;

/// A running Varnish. Stops when dropped.
pub struct Varnish {
    port: u16,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Varnish {
    /// Starts it before an origin, and waits until it listens.
    pub fn start(origin: SocketAddr) -> Result<Varnish> {
        let folder = tempfile::tempdir()?;
        let vcl = folder.path().join("bench.vcl");
        std::fs::write(&vcl, vcl_of(origin))?;
        // It takes no port of its own choosing that it would tell.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let program =
            if Path::new("/usr/sbin/varnishd").exists() { "/usr/sbin/varnishd" } else { "varnishd" };
        let mut command = Command::new(program);
        command.args(["-F", "-j", "none", "-s", "malloc,256m", "-a"]).arg(format!("127.0.0.1:{port}"));
        command.arg("-n").arg(folder.path().join("work")).arg("-f").arg(&vcl);
        let process = Child::start("Varnish", &mut command);
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline {
                bail!("Varnish does not listen:\n{}", process.lines().join("\n"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(Varnish { port, process, _folder: folder })
    }

    /// The id of the process that manages those that answer.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn vcl_of(origin: SocketAddr) -> String {
    format!(
        r#"vcl 4.1;
backend origin {{ .host = "{}"; .port = "{}"; }}
sub vcl_backend_response {{
    if (beresp.http.surrogate-control ~ "ESI/1.0") {{
        unset beresp.http.surrogate-control;
        set beresp.do_esi = true;
    }}
}}
"#,
        origin.ip(),
        origin.port()
    )
}
