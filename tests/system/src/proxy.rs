//! A bad network: connections that break off when the request has been heard and the answer is on its way.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::chance::Chance;

/// Bytes that are passed on at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// Passes connections on to a server, and breaks some of them off. It lives as long as the process.
pub struct Proxy {
    address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    broken: Arc<AtomicUsize>,
}

impl Proxy {
    /// A way to `server` on which `percent` of a hundred answers are lost.
    pub fn start(server: SocketAddr, percent: usize, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let broken = Arc::new(AtomicUsize::new(0));
        let (counter, server) = (Arc::clone(&broken), Arc::new(Mutex::new(server)));
        let led_to = Arc::clone(&server);
        thread::spawn(move || {
            for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
                let mut chance = Chance::new(seed ^ ((number as u64 + 1) << 20));
                let counter = Arc::clone(&counter);
                let server = *led_to.lock().expect("no holder panics");
                // A server that is down, or a caller that is gone, ends the connection: nothing else is wanted.
                thread::spawn(move || drop(pass_on(&client, server, percent, &mut chance, &counter)));
            }
        });
        Self { address, server, broken }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes new connections on to another server.
    pub fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().expect("no holder panics") = server;
    }

    /// How many answers it has lost.
    pub fn broken(&self) -> usize {
        self.broken.load(Ordering::Relaxed)
    }
}

fn pass_on(
    client: &TcpStream,
    server: SocketAddr,
    percent: usize,
    chance: &mut Chance,
    broken: &AtomicUsize,
) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &*client, &mut &server);
            let _ = server.shutdown(Shutdown::Both);
        });
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(read @ 1..) = (&server).read(&mut chunk) {
            if chance.percent(percent) {
                broken.fetch_add(1, Ordering::Relaxed);
                break;
            }
            if (&*client).write_all(&chunk[..read]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
    Ok(())
}
