//! Made-up services and what they log: web requests that run through several of them under one trace,
//! payments, logins, jobs, a cluster's housekeeping; mostly well, sometimes not.

use std::collections::VecDeque;

use serde_json::{Value, json};
use trawl_event::Timestamp;

use super::rng::Rng;

/// The services that have their own manner; further ones are workers of the same kind.
const SERVICES: [&str; 5] = ["gateway", "checkout", "payments", "auth", "catalog"];
const PATHS: [&str; 8] = [
    "/api/products",
    "/api/cart",
    "/api/checkout",
    "/api/login",
    "/health",
    "/api/orders/history",
    "/api/search",
    "/admin/export",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "kube-probe/1.31",
    "python-requests/2.32.3",
];
const NODES: [&str; 3] = ["ip-10-0-1-17", "ip-10-0-2-40", "ip-10-0-3-5"];
const CAUSES: [(&str, &str); 4] = [
    ("java.net.SocketTimeoutException", "Read timed out"),
    ("java.net.SocketException", "Connection reset"),
    ("java.lang.IllegalStateException", "cart is empty"),
    ("org.postgresql.util.PSQLException", "FATAL: sorry, too many clients already"),
];
const FRAMES: [&str; 6] = [
    "com.shop.payments.StripeGateway.charge(StripeGateway.java:118)",
    "com.shop.payments.PaymentService.pay(PaymentService.java:64)",
    "com.shop.checkout.CheckoutController.submit(CheckoutController.java:91)",
    "org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:885)",
    "org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:166)",
    "java.base/java.lang.Thread.run(Thread.java:1583)",
];

/// An event without its time.
#[derive(Debug, Clone, PartialEq)]
struct Draft {
    service: String,
    level: &'static str,
    message: String,
    trace_id: Option<String>,
    /// The other fields, an object.
    fields: Value,
}

/// Everything that happens, one event after another; it follows from the seed.
#[derive(Debug, Clone)]
pub struct World {
    rng: Rng,
    services: Vec<String>,
    pending: VecDeque<Draft>,
}

impl World {
    /// A world of so many services (at least one).
    pub fn new(seed: u64, services: usize) -> Self {
        let name =
            |place: usize| SERVICES.get(place).map_or_else(|| format!("worker-{place}"), |name| (*name).to_owned());
        Self { rng: Rng::new(seed), services: (0..services.max(1)).map(name).collect(), pending: VecDeque::new() }
    }

    /// Appends the next event as one line of JSON.
    pub fn next(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        let draft = loop {
            match self.pending.pop_front() {
                Some(draft) => break draft,
                None => self.happen(),
            }
        };
        let mut line = format!("{{\"timestamp\":\"{at}\"");
        let trace_id = draft.trace_id.map(Value::from);
        let named = [
            ("service", Some(draft.service.into())),
            ("level", Some(draft.level.into())),
            ("message", Some(draft.message.into())),
            ("trace_id", trace_id),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let others = match draft.fields {
            Value::Object(members) => members,
            _ => serde_json::Map::new(),
        };
        for (name, value) in named.chain(others) {
            line.push_str(&format!(",{}:{value}", Value::from(name)));
        }
        line.push_str("}\n");
        out.extend_from_slice(line.as_bytes());
    }

    /// Lets one thing happen; all its events become pending.
    fn happen(&mut self) {
        match self.rng.below(100) {
            0..70 => self.web_request(),
            70..82 => self.job(),
            82..94 => self.cluster(),
            _ => self.login(),
        }
    }

    fn log(&mut self, service: &str, level: &'static str, message: String, trace_id: Option<&str>, fields: Value) {
        // In a small world some services are missing, and the ones that are there speak for them.
        let known = self.services.iter().any(|name| name == service);
        let service = if known { service.to_owned() } else { self.services[0].clone() }; // There is at least one.
        self.pending.push_back(Draft { service, level, message, trace_id: trace_id.map(str::to_owned), fields });
    }

    fn web_request(&mut self) {
        let trace = self.rng.hex(32);
        let trace = Some(trace.as_str());
        let path = self.rng.favourite(&PATHS);
        let user = format!("u{}", self.rng.below(20_000));
        self.log("auth", "DEBUG", format!("token verified for user {user}"), trace, json!({ "user": { "id": user } }));
        let status = match path {
            "/api/checkout" => self.checkout(trace, &user),
            "/api/products" | "/api/search" => {
                let (hit, found) = (self.rng.percent(80), self.rng.below(48));
                let fields = json!({ "cache": { "hit": hit }, "found": found });
                self.log("catalog", "INFO", format!("listed {found} products"), trace, fields);
                200
            }
            "/admin/export" => 403,
            _ => [200, 200, 200, 201, 204, 304, 404][self.rng.below(7) as usize],
        };
        self.access(trace, path, status);
    }

    fn access(&mut self, trace: Option<&str>, path: &str, status: u16) {
        let rng = &mut self.rng;
        let method = if matches!(path, "/api/checkout" | "/api/login") { "POST" } else { "GET" };
        let latency_ms = rng.latency_ms(if status >= 500 { 900.0 } else { 24.0 });
        let bytes = rng.below(60_000) + 180;
        let ip = format!("203.0.{}.{}", rng.below(4) + 112, rng.below(254) + 1);
        let agent = rng.favourite(&AGENTS);
        let fields = json!({
            "http": { "method": method, "path": path, "status": status, "latency_ms": latency_ms, "bytes": bytes },
            "client": { "ip": ip, "user_agent": agent },
        });
        let level = match status {
            500.. => "ERROR",
            400.. => "WARN",
            _ => "INFO",
        };
        let message = format!("{method} {path} {status} {latency_ms}ms");
        self.log("gateway", level, message, trace, fields);
    }

    /// A purchase; gives the status of its answer.
    fn checkout(&mut self, trace: Option<&str>, user: &str) -> u16 {
        let order = format!("ord-{:08}", self.rng.below(100_000_000));
        let cents = self.rng.below(40_000) + 499;
        let amount = cents as f64 / 100.0;
        let items = self.rng.below(5) + 1;
        let fields = json!({ "order": { "id": order, "items": items, "amount": amount }, "user": { "id": user } });
        self.log("checkout", "INFO", format!("order {order} submitted with {items} items"), trace, fields);
        match self.rng.below(100) {
            0..88 => {
                let ms = self.rng.latency_ms(180.0);
                let card = ["visa", "mastercard", "amex"][self.rng.below(3) as usize];
                let fields =
                    json!({ "payment": { "amount": amount, "currency": "EUR", "card": card }, "latency_ms": ms });
                self.log("payments", "INFO", format!("charged {amount} EUR for {order}"), trace, fields);
                201
            }
            88..95 => {
                let fields =
                    json!({ "payment": { "amount": amount, "currency": "EUR", "decline_code": "insufficient_funds" } });
                self.log("payments", "WARN", format!("card declined for {order}: insufficient funds"), trace, fields);
                402
            }
            _ => {
                let (kind, cause) = CAUSES[self.rng.below(CAUSES.len() as u64) as usize];
                let from = self.rng.below(3) as usize;
                let stack: String = FRAMES[from..].iter().map(|frame| format!("\n\tat {frame}")).collect();
                let fields = json!({ "error": { "type": kind, "retryable": from != 2 }, "order": { "id": order } });
                self.log(
                    "payments",
                    "ERROR",
                    format!("payment for {order} failed: {kind}: {cause}{stack}"),
                    trace,
                    fields,
                );
                502
            }
        }
    }

    fn login(&mut self) {
        let user = format!("u{}", self.rng.below(20_000));
        let ip = format!("198.51.100.{}", self.rng.below(254) + 1);
        let fields = json!({ "user": { "id": user }, "client": { "ip": ip } });
        if self.rng.percent(70) {
            self.log("auth", "INFO", format!("user {user} logged in"), None, fields);
            return;
        }
        let attempts = self.rng.below(4) + 1;
        for _ in 0..attempts {
            let message = format!("login failed for user {user} from {ip}: wrong password");
            self.log("auth", "WARN", message, None, fields.clone());
        }
    }

    fn job(&mut self) {
        let place = self.rng.below(self.services.len() as u64) as usize;
        let service = self.services[place].clone();
        let (rows, seconds) = (self.rng.below(5_000), self.rng.latency_ms(900.0).round() / 1000.0);
        let queue = self.rng.favourite(&["orders", "emails", "invoices"]);
        let fields = json!({ "job": { "queue": queue, "rows": rows, "seconds": seconds }, "tags": ["batch", queue] });
        self.log(&service, "INFO", format!("processed {rows} rows of {queue} in {seconds} s"), None, fields);
        if self.rng.percent(4) {
            let message = format!("queue {queue} is falling behind: lag {} s", self.rng.below(900) + 30);
            self.log(&service, "WARN", message, None, json!({ "job": { "queue": queue } }));
        }
    }

    fn cluster(&mut self) {
        let place = self.rng.below(self.services.len() as u64) as usize;
        let service = self.services[place].clone();
        let pod = format!("{service}-{}-{}", self.rng.hex(9), self.rng.hex(5));
        let node = self.rng.favourite(&NODES);
        let (level, message) = match self.rng.below(20) {
            0 => ("FATAL", format!("container {service} was killed: out of memory (limit 512Mi)")),
            1 | 2 => (
                "ERROR",
                format!(
                    "readiness probe failed: Get \"http://10.1.0.{}:8080/health\": context deadline exceeded",
                    self.rng.below(200)
                ),
            ),
            3..=6 => ("INFO", format!("scaled deployment {service} to {} replicas", self.rng.below(8) + 2)),
            _ => ("TRACE", format!("heartbeat of {pod}")),
        };
        let tier = if place.is_multiple_of(2) { "web" } else { "batch" };
        let labels = json!({ "app": service, "app.kubernetes.io/part-of": "shop", "tier": tier });
        let fields =
            json!({ "kubernetes": { "namespace": "prod", "node": node, "pod": { "name": pod, "labels": labels } } });
        self.log(&service, level, message, None, fields);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn events(seed: u64, services: usize, count: i64) -> Vec<Value> {
        let mut world = World::new(seed, services);
        let mut text = Vec::new();
        (0..count).for_each(|second| world.next(Timestamp(second * 1_000_000_000), &mut text));
        String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_events_again() {
        assert_eq!(events(7, 5, 500), events(7, 5, 500));
        assert_ne!(events(7, 5, 500), events(8, 5, 500));
    }

    #[test]
    fn the_world_has_variety() {
        let events = events(1, 8, 20_000);
        let values = |name: &str| -> HashSet<&str> { events.iter().filter_map(|event| event[name].as_str()).collect() };
        assert_eq!(values("service").len(), 8);
        assert_eq!(values("level"), HashSet::from(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]));
        assert!(events.iter().any(|event| event["message"].as_str().unwrap().contains("\n\tat ")));
        assert!(events.iter().any(|event| event["kubernetes"]["pod"]["labels"]["tier"] == "web"));
        let mut services_of_trace: HashMap<&str, HashSet<&str>> = HashMap::new();
        for event in &events {
            if let Some(trace) = event["trace_id"].as_str() {
                services_of_trace.entry(trace).or_default().insert(event["service"].as_str().unwrap());
            }
        }
        assert!(services_of_trace.values().any(|services| services.len() >= 4));
    }

    #[test]
    fn a_small_world_keeps_to_its_services() {
        assert!(events(1, 1, 1000).iter().all(|event| event["service"] == "gateway"));
    }
}
