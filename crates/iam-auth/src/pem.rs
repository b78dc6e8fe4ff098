//! Splits a CA bundle into its certificates, strictly (RFC 7468, section 5). General PEM parsers
//! skip what they do not know, so that a truncated bundle would silently have fewer roots.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The certificates of a bundle, in order. Only blank lines and `#` comments are allowed between
/// them.
///
/// The error names the line, but does not quote it: it may be a key.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::str::from_utf8(pem).map_err(|_| "it is not text; use PEM, not DER")?;
    let mut certificates = Vec::new();
    let mut block = None;
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end()))
    {
        // Both are slices of `text`, whose start is the smaller address.
        let start = line.as_ptr().addr() - text.as_ptr().addr();
        match (block, line) {
            (None, "") => {}
            (None, _) if line.starts_with('#') => {}
            (None, BEGIN) => block = Some((number, start)),
            (None, _) if line.starts_with("-----BEGIN ") => {
                return Err(format!(
                    "line {number} begins something other than a certificate; \
                     a CA bundle contains only certificates"
                ));
            }
            (None, _) => {
                return Err(format!(
                    "line {number} is outside a certificate; a BEGIN line may be missing \
                     (comments start with #)"
                ));
            }
            (Some((_, begin)), END) => {
                let der = CertificateDer::from_pem_slice(&pem[begin..start + line.len()]);
                certificates.push(der.map_err(|error| {
                    let index = certificates.len() + 1;
                    format!("certificate {index}, which ends at line {number}, is damaged: {error}")
                })?);
                block = None;
            }
            (Some(_), _) if line.starts_with("-----") => {
                return Err(format!(
                    "line {number} is before the END line of certificate {}; the certificate may be truncated",
                    certificates.len() + 1
                ));
            }
            (Some(_), _) => {}
        }
    }
    match block {
        Some((begin, _)) => Err(format!(
            "certificate {}, which begins at line {begin}, has no END line; the file may be truncated",
            certificates.len() + 1
        )),
        None => Ok(certificates),
    }
}

/// The text of a bundle: lines of 64 characters (section 2).
pub(crate) fn text(certificates: &[CertificateDer<'_>]) -> String {
    let mut pem = String::new();
    for der in certificates {
        let base64 = STANDARD.encode(der);
        pem.extend([BEGIN, "\n"]);
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            // Base64 is ASCII, so every index is a character boundary.
            let (line, next) = rest.split_at(rest.len().min(64));
            pem.extend([line, "\n"]);
            rest = next;
        }
        pem.extend([END, "\n"]);
    }
    pem
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    // "hello" in base64: this module does not look inside.
    const BLOCK: &str = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";

    #[test]
    fn certificates_in_order() {
        let other = BLOCK.replace("aGVsbG8=", "d29y\nbGQ=").replace('\n', "\r\n");
        let bundle = format!("# two\n\n{BLOCK}   \n# second\n{other}");
        let ders = certificates(bundle.as_bytes()).unwrap();
        assert_eq!(ders, [b"hello".to_vec().into(), b"world".to_vec().into()]);
        assert_eq!(certificates(b"").unwrap(), []);
    }

    #[test]
    fn what_is_not_a_bundle_is_refused_by_line() {
        for (bundle, expected) in [
            (BLOCK.replace("-----BEGIN CERTIFICATE-----\n", ""), "line 1 is outside a certificate"),
            (format!("{BLOCK}trailing junk\n"), "line 4 is outside a certificate"),
            (format!("{BLOCK}-----BEGIN PRIVATE KEY-----\n"), "line 4 begins something other"),
            (BLOCK.replace("-----END CERTIFICATE-----\n", ""), "begins at line 1, has no END line"),
            (BLOCK.replace("END", "BEGIN"), "line 3 is before the END line of certificate 1"),
            (
                format!("{BLOCK}{}", BLOCK.replace("aGVs", "?GVs")),
                "certificate 2, which ends at line 6, is damaged",
            ),
        ] {
            let error = certificates(bundle.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("bG8") && !error.contains("junk"), "{error}");
        }
        assert!(certificates(&[0x30, 0x82, 0xff]).unwrap_err().contains("use PEM"));
    }
}
