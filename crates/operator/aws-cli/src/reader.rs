//! The endpoint of a cluster's readers.

/// The endpoint of a cluster's readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its host name.
    pub host: String,
    /// Whether the cluster has an instance beside the writer. Without one, the endpoint leads to the writer:
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Endpoints.Reader.html>.
    pub has_readers: bool,
}
