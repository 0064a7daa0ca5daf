//! How long requests take.

use std::time::Duration;

/// Time to the first byte of a request: the median that the design plans with (`docs/design.md`, "Limits that shape the
/// design"). AWS promises less for small objects, "roughly 100–200 milliseconds"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>).
pub const FIRST_BYTE: Duration = Duration::from_millis(30);
/// Bytes per second of one connection: AWS advises one for each 85–90 MB/s
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html>).
pub const CONNECTION_BYTES_PER_SECOND: u64 = 90_000_000;
/// Connections over which the ranges of one call go out. With all of them busy a worker would take 1.4 GB/s, more than
/// Lambda lets through even in a burst, so that further ones would gain nothing.
pub const CONNECTIONS: usize = 16;
/// Most keys in the answer to one LIST (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>).
pub const LIST_KEYS: usize = 1000;

/// The timing of an object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S3Timing {
    /// From request to first byte.
    pub first_byte: Duration,
    /// Bandwidth of one connection.
    pub bytes_per_second: u64,
    /// Most requests of one call that are under way at once.
    pub connections: usize,
}

impl Default for S3Timing {
    /// S3 Standard, asked from Lambda in the same region.
    fn default() -> Self {
        Self { first_byte: FIRST_BYTE, bytes_per_second: CONNECTION_BYTES_PER_SECOND, connections: CONNECTIONS }
    }
}

impl S3Timing {
    /// Time of one request that moves `bytes`.
    pub fn request(&self, bytes: u64) -> Duration {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second.max(1));
        self.first_byte.saturating_add(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)))
    }

    /// Time of requests that go out together: each connection takes the next one, in this order, when it is free.
    pub fn together(&self, bytes: impl IntoIterator<Item = u64>) -> Duration {
        let mut free_at: Vec<Duration> = Vec::new();
        for request in bytes {
            let time = self.request(request);
            let is_full = free_at.len() >= self.connections.max(1);
            match free_at.iter_mut().min() {
                Some(free) if is_full => *free = free.saturating_add(time),
                _ => free_at.push(time),
            }
        }
        free_at.into_iter().max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_request_takes_latency_and_bandwidth() {
        let timing = S3Timing::default();
        assert_eq!(timing.request(0), 30 * MILLISECOND);
        assert_eq!(timing.request(90_000_000), 1030 * MILLISECOND);
        assert_eq!(timing.request(2_700_000), 60 * MILLISECOND);
        assert_eq!(S3Timing { bytes_per_second: 0, ..timing }.request(1), 1030 * MILLISECOND);
    }

    #[test]
    fn requests_up_to_the_connections_take_as_long_as_the_longest() {
        let timing = S3Timing::default();
        assert_eq!(timing.together([]), Duration::ZERO);
        assert_eq!(timing.together([0; CONNECTIONS]), 30 * MILLISECOND);
        assert_eq!(timing.together([0, 2_700_000, 90_000]), 60 * MILLISECOND);
    }

    #[test]
    fn further_requests_wait_for_a_free_connection() {
        let timing = S3Timing { connections: 2, ..S3Timing::default() };
        assert_eq!(timing.together([0, 0, 0]), 60 * MILLISECOND);
        // The first connection is busy for 1,030 ms; the other takes the three short ones.
        assert_eq!(timing.together([90_000_000, 0, 0, 0]), 1030 * MILLISECOND);
        assert_eq!(timing.together([0, 0, 90_000_000]), 1060 * MILLISECOND);
        assert_eq!(S3Timing { connections: 0, ..timing }.together([0, 0]), 60 * MILLISECOND);
    }
}
