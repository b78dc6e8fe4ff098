//! The identifiers that Lambda generates: request ids, trace ids, log stream names.

use std::hash::{BuildHasher, RandomState};

use crate::clock::Timestamp;

/// A request id: a version 4 UUID.
pub(crate) fn request_id() -> String {
    let bits = u128::from(random()) << 64 | u128::from(random());
    let bits = bits & !(0xf << 76) | 0x4 << 76; // version 4
    let bits = bits & !(0x3 << 62) | 0x2 << 62; // RFC 4122 variant
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A tracing header of AWS X-Ray: `Root=1-<epoch seconds>-<96 bits>;Parent=…;Sampled=0`, or 1
/// (<https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>).
pub(crate) fn trace_header(now: Timestamp, sampled: bool) -> String {
    let (seconds, high, low) = (now.epoch_ms() / 1000, random(), random() as u32);
    let (parent, sampled) = (random(), u8::from(sampled));
    format!("Root=1-{seconds:08x}-{high:016x}{low:08x};Parent={parent:016x};Sampled={sampled}")
}

/// The log stream of one environment: `2026/11/21/[$LATEST]<128 bits>`.
pub(crate) fn log_stream(now: Timestamp) -> String {
    let (year, month, day) = now.date();
    format!("{year:04}/{month:02}/{day:02}/[$LATEST]{:016x}{:016x}", random(), random())
}

/// 64 bits that differ at each call. They have to be unique, not secret: the standard library's
/// randomly keyed hasher is enough.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_a_version_4_uuid() {
        let id = request_id();
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(&id[14..15], "4", "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(id, request_id());
    }
}
