//! Certificates like those of RDS, generated for each test.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SerialNumber,
    date_time_ymd,
};

/// Certificates are valid from 2020 to 2040; this is in between.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(crate) type Root = CertifiedIssuer<'static, KeyPair>;

/// What a certificate authority of this name would ask for.
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "Amazon Web Services, Inc.");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params.serial_number = Some(SerialNumber::from(7));
    params
}

/// A certificate that signs itself.
pub(crate) fn self_signed(params: CertificateParams) -> Root {
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
