//! Requests that are refused before a function sees the event, and setups that fail.

use std::{fmt, io, net::SocketAddr, path::PathBuf};

/// A request that local Lambda refused. An event that failed in its function is not an error of this
/// kind: it is an [`Invocation`](crate::Invocation) with a `function_error`.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    FunctionNotFound(String),
    FunctionExists(String),
    InvalidContent(String),
    /// The declared media type of the body.
    NotJson(String),
    InvalidParameter(String),
    NoBootstrap(PathBuf),
    TooLarge {
        limit: usize,
    },
    Throttled,
    CannotListen(SocketAddr, io::Error),
    Stopped,
}

impl Error {
    /// The exception an AWS SDK raises for it, such as `ResourceNotFoundException`
    /// (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>).
    pub fn code(&self) -> &'static str {
        match self.kind {
            Kind::FunctionNotFound(_) => "ResourceNotFoundException",
            Kind::FunctionExists(_) => "ResourceConflictException",
            Kind::InvalidContent(_) => "InvalidRequestContentException",
            Kind::NotJson(_) => "UnsupportedMediaTypeException",
            Kind::InvalidParameter(_) | Kind::NoBootstrap(_) => "InvalidParameterValueException",
            Kind::TooLarge { .. } => "RequestTooLargeException",
            Kind::Throttled => "TooManyRequestsException",
            Kind::CannotListen(..) | Kind::Stopped => "ServiceException",
        }
    }

    /// There is no function of that name.
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind, Kind::FunctionNotFound(_))
    }

    /// As many environments as the function's concurrency allows are busy.
    pub fn is_throttled(&self) -> bool {
        matches!(self.kind, Kind::Throttled)
    }

    /// The HTTP status of the answer.
    pub(crate) fn status(&self) -> u16 {
        match self.kind {
            Kind::FunctionNotFound(_) => 404,
            Kind::FunctionExists(_) => 409,
            Kind::InvalidContent(_) | Kind::InvalidParameter(_) | Kind::NoBootstrap(_) => 400,
            Kind::TooLarge { .. } => 413,
            Kind::NotJson(_) => 415,
            Kind::Throttled => 429,
            Kind::CannotListen(..) | Kind::Stopped => 500,
        }
    }
}

/// Lambda's own errors have Lambda's texts, because tools match on them.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::FunctionNotFound(arn) => write!(f, "Function not found: {arn}"),
            Kind::FunctionExists(name) => write!(f, "Function already exist: {name}"),
            Kind::InvalidContent(reason) => {
                write!(f, "Could not parse request body into json: {reason}")
            }
            Kind::NotJson(media_type) => {
                write!(
                    f,
                    "an event must be JSON, not {media_type:?}: send Content-Type: application/json"
                )
            }
            Kind::InvalidParameter(reason) => f.write_str(reason),
            Kind::NoBootstrap(path) => write!(
                f,
                "no executable file {}: build the function, or name the folder of its `bootstrap`",
                path.display()
            ),
            Kind::TooLarge { limit } => write!(
                f,
                "Request must be smaller than {limit} bytes for the InvokeFunction operation"
            ),
            Kind::Throttled => f.write_str("Rate Exceeded."),
            Kind::CannotListen(address, _) => {
                write!(f, "cannot listen on {address}: choose another port, or 0 for a free one")
            }
            Kind::Stopped => f.write_str("local Lambda is shutting down"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::CannotListen(_, source) => Some(source),
            _ => None,
        }
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind }
    }
}
