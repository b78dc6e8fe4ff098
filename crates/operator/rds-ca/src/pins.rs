//! The fingerprints of the roots that somebody has accepted: `pins.csv`.
//!
//! A root that is not pinned, or differs from its pin, is refused. Anybody can make a root with the right
//! name and a valid signature.

use std::collections::BTreeMap;

use crate::Failure;
use crate::root::Root;

const HEADER: &str = "region,ca_id,subject,expires,sha256";

/// The pins, by the subject's common name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pins(BTreeMap<String, Pin>);

/// A pinned root. The region is empty for the roots of Amazon Trust Services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pin {
    pub(crate) region: String,
    ca: String,
    expires: String,
    pub(crate) sha256: String,
}

impl Pins {
    /// Reads `pins.csv`.
    pub(crate) fn read(csv: &str) -> Result<Self, Failure> {
        let mut lines = csv.lines().enumerate();
        if lines.next().is_none_or(|(_, header)| header != HEADER) {
            return Err(format!("pins.csv does not begin with the line {HEADER:?}").into());
        }
        let mut pins = BTreeMap::new();
        for (index, line) in lines {
            let wrong = |why: &str| format!("pins.csv line {}: {why}", index + 1);
            let fields: Vec<_> = line.split(',').collect();
            let [region, ca, subject, expires, sha256] = fields[..] else {
                return Err(wrong("a pin has five fields").into());
            };
            if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong("the last field is not a SHA-256").into());
            }
            let pin = Pin {
                region: region.into(),
                ca: ca.into(),
                expires: expires.into(),
                sha256: sha256.into(),
            };
            if pins.insert(subject.to_owned(), pin).is_some() {
                return Err(wrong(&format!("{subject:?} is pinned twice")).into());
            }
        }
        Ok(Self(pins))
    }

    /// Writes `pins.csv`: by region, then by name.
    pub(crate) fn write(&self) -> String {
        let mut pins: Vec<_> = self.0.iter().collect();
        pins.sort_by_key(|(subject, pin)| (&pin.region, *subject));
        let lines = pins.into_iter().map(|(subject, pin)| {
            format!("{},{},{subject},{},{}\n", pin.region, pin.ca, pin.expires, pin.sha256)
        });
        std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
    }

    /// Checks a root against its pin. The error names the root.
    pub(crate) fn verify(&self, root: &Root) -> Result<(), String> {
        match self.0.get(&root.subject) {
            None => Err(format!("{:?} ({}) is not pinned", root.subject, root.sha256)),
            Some(pin) if pin.sha256 != root.sha256 => {
                Err(format!("{:?} is {} but pinned as {}", root.subject, root.sha256, pin.sha256))
            }
            Some(_) => Ok(()),
        }
    }

    /// The subjects and regions that are pinned.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Pin)> {
        self.0.iter().map(|(subject, pin)| (subject.as_str(), pin))
    }

    /// Pins `roots` in place of all pins of the regions for which `covers` returns true.
    pub(crate) fn replaced(&self, covers: impl Fn(&str) -> bool, roots: &[Root]) -> Self {
        let mut pins = self.0.clone();
        pins.retain(|_, pin| !covers(&pin.region));
        pins.extend(roots.iter().map(|root| {
            let pin = Pin {
                region: root.region().unwrap_or_default().to_owned(),
                ca: root.ca().to_owned(),
                expires: root.expires.to_string(),
                sha256: root.sha256.clone(),
            };
            (root.subject.clone(), pin)
        }));
        Self(pins)
    }
}
