//! AWS partitions: each has its own ARNs, its own regions, and its own domain for RDS hosts.

use std::fmt;

/// An AWS partition, as named in ARNs.
///
/// Source: botocore's `partitions.json`, which all AWS SDKs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Partition {
    /// `aws`: the commercial regions.
    Aws,
    /// `aws-cn`: China.
    AwsCn,
    /// `aws-us-gov`: AWS GovCloud (US).
    AwsUsGov,
    /// `aws-eusc`: the European Sovereign Cloud.
    AwsEusc,
    /// `aws-iso`: US ISO.
    AwsIso,
    /// `aws-iso-b`: US ISOB.
    AwsIsoB,
    /// `aws-iso-e`: EU ISOE.
    AwsIsoE,
    /// `aws-iso-f`: US ISOF.
    AwsIsoF,
}

impl Partition {
    pub(crate) const ALL: [Self; 8] = [
        Self::Aws,
        Self::AwsCn,
        Self::AwsUsGov,
        Self::AwsEusc,
        Self::AwsIso,
        Self::AwsIsoB,
        Self::AwsIsoE,
        Self::AwsIsoF,
    ];

    /// The partition's name in an ARN, such as `aws-cn`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsEusc => "aws-eusc",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
        }
    }

    /// Whether AWS publishes the roots that verify this partition's databases at an address that is known
    /// here, and Amazon Trust Services issues its public certificates. The European Sovereign Cloud has a
    /// root authority of its own, and the ISO partitions are not public.
    ///
    /// Sources: "Certificate bundles by AWS Region" in the RDS user guide and in that for China; "AWS
    /// European Sovereign Cloud: Sovereign Reference Framework", AWS Security Blog.
    #[must_use]
    pub fn has_known_roots(self) -> bool {
        matches!(self, Self::Aws | Self::AwsCn | Self::AwsUsGov)
    }

    /// The partition of a well-formed region; without a special prefix, the commercial one.
    pub(crate) fn of_region(region: &str) -> Self {
        let is = |prefix| region.starts_with(prefix);
        match () {
            () if is("cn-") => Self::AwsCn,
            () if is("us-gov-") => Self::AwsUsGov,
            () if is("eusc-") => Self::AwsEusc,
            () if is("us-iso-") => Self::AwsIso,
            () if is("us-isob-") => Self::AwsIsoB,
            () if is("eu-isoe-") => Self::AwsIsoE,
            () if is("us-isof-") => Self::AwsIsoF,
            () => Self::Aws,
        }
    }

    /// The domain of the partition's RDS hosts.
    pub(crate) fn domain(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
            Self::AwsEusc => "amazonaws.eu",
            Self::AwsIso => "c2s.ic.gov",
            Self::AwsIsoB => "sc2s.sgov.gov",
            Self::AwsIsoE => "cloud.adc-e.uk",
            Self::AwsIsoF => "csp.hci.ic.gov",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether `text` has the form of a region: lowercase words and a number, as in `us-gov-west-1`.
pub(crate) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.contains('-')
        && words.split('-').all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}
