//! Certificates that RDS servers do not have, or no longer have.

use local_rds::ServerCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;

/// Start and end, in seconds from now.
#[derive(Clone, Copy)]
pub(crate) struct Validity(i64, i64);

impl Validity {
    /// Valid for a long time.
    pub(crate) const YEARS: Validity = Validity(-DAY, 3650 * DAY);
    /// Valid for ten more days.
    pub(crate) const DAYS: Validity = Validity(-300 * DAY, 10 * DAY);
    /// Expired.
    pub(crate) const OVER: Validity = Validity(-300 * DAY, -DAY);
    /// Not valid yet.
    pub(crate) const AHEAD: Validity = Validity(2 * DAY, 300 * DAY);

    fn set(self, params: &mut CertificateParams) {
        #[allow(clippy::disallowed_methods, reason = "servers and clients go by it")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let at = |seconds: i64| {
            let seconds = now.checked_add_signed(seconds).unwrap();
            date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
        };
        (params.not_before, params.not_after) = (at(self.0), at(self.1));
    }
}

/// A root that signs servers' certificates directly.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str, validity: Validity) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        validity.set(&mut params);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn issue(&self, host: &str, validity: Validity) -> ServerCertificate {
        let (params, key) = server(host, validity);
        let chain_pem = params.signed_by(&key, &self.0).unwrap().pem();
        ServerCertificate { chain_pem, key_pem: key.serialize_pem() }
    }
}

/// A self-signed server certificate.
pub(crate) fn self_signed(host: &str) -> ServerCertificate {
    let (params, key) = server(host, Validity::YEARS);
    let chain_pem = params.self_signed(&key).unwrap().pem();
    ServerCertificate { chain_pem, key_pem: key.serialize_pem() }
}

fn server(host: &str, validity: Validity) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "a server");
    validity.set(&mut params);
    (params, KeyPair::generate().unwrap())
}
