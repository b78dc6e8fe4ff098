/// A statement with its parameters.
pub trait Statement: Serialize {
    /// Its name in an event.
    const NAME: &'static str;
    /// The columns that it returns.
    const COLUMNS: &'static [&'static str];
    /// A row that it returns.
    type Row: DeserializeOwned;
}

/// The event that runs a statement.
///
/// # Errors
/// A parameter is not JSON. Those of this module are.
pub fn event<S: Statement>(statement: &S) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Event<'a, S> {
        statement: &'static str,
        params: &'a S,
    }
    serde_json::to_string(&Event { statement: S::NAME, params: statement })
}

/// Statements that run in order: all of them, or none.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    events: Vec<String>,
}

impl Transaction {
    /// A transaction without statements, which no function accepts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a statement.
    ///
    /// # Errors
    /// As [`event`].
    pub fn and<S: Statement>(mut self, statement: &S) -> Result<Self, serde_json::Error> {
        self.events.push(event(statement)?);
        Ok(self)
    }

    /// The event that runs them.
    #[must_use]
    pub fn event(&self) -> String {
        format!("{{\"transaction\":[{}]}}", self.events.join(","))
    }
}

/// Reads the function's answer to a statement.
///
/// # Errors
/// The function failed; another run of the statement was in progress; or the answer is not what this
/// module was written for.
pub fn read<S: Statement>(answer: &[u8]) -> Result<Answer<S::Row>, Error> {
    check(answer)?;
    let read: Answer<S::Row> = serde_json::from_slice(answer).map_err(|error| unexpected(&error))?;
    let is_there = |name: &&&str| read.result.columns.iter().any(|column| column.name == ***name);
    let missing = S::COLUMNS.iter().find(|name| !is_there(name));
    match missing {
        _ if read.result.statement != S::NAME => {
            Err(unexpected(&format!("it is one of {:?}", read.result.statement)))
        }
        Some(column) => Err(unexpected(&format!("{:?} returns no column {column:?}", S::NAME))),
        None => Ok(read),
    }
}

/// Reads the function's answer to a transaction. `T` is a tuple with the result of each statement, such as
/// `(ResultOf<A>, ResultOf<B>)`.
///
/// # Errors
/// As [`read`].
pub fn read_transaction<T: DeserializeOwned>(answer: &[u8]) -> Result<TransactionAnswer<T>, Error> {
    check(answer)?;
    serde_json::from_slice(answer).map_err(|error| unexpected(&error))
}

/// What a statement of a transaction returned.
pub type ResultOf<S> = StatementResult<<S as Statement>::Row>;

/// The answer to a statement.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Answer<R> {
    /// What it returned.
    #[serde(flatten)]
    pub result: StatementResult<R>,
    /// How the function got its connection.
    pub connection: Connection,
}

/// The answer to a transaction.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TransactionAnswer<T> {
    /// What its statements returned, in order.
    pub transaction: T,
    /// How the function got its connection.
    pub connection: Connection,
}

/// What a statement returned.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct StatementResult<R> {
    /// Its name.
    pub statement: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<R>,
    /// How many rows there are.
    pub row_count: u64,
    /// How many rows it added, changed or removed.
    pub rows_affected: u64,
    /// The first number that MySQL or MariaDB generated for an inserted row.
    pub last_insert_id: Option<u64>,
    /// What a procedure returned after its first rows.
    #[serde(default)]
    pub more_results: Vec<ResultSet>,
    /// How long it took, in milliseconds.
    pub query_ms: f64,
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The server's name for its type.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// What a procedure returned after its first rows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ResultSet {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Map<String, Value>>,
    /// How many rows there are.
    pub row_count: u64,
}

/// How the function got its connection.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Connection {
    /// Whether an earlier event used it.
    pub reused: bool,
    /// How long opening it took, in milliseconds.
    pub connect_ms: f64,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The function failed. `Query.Transient` may be sent again; `OutcomeUnknown` must not.
    Function {
        /// What failed, such as `Login.Denied`. Lambda adds its own, such as `Sandbox.Timedout`.
        error_type: String,
        /// The chain of causes, and what to do.
        message: String,
    },
    /// Another run of an exclusive statement was in progress: nothing was done.
    Skipped {
        /// The statement.
        statement: String,
        /// Why, for people.
        reason: String,
    },
    /// The answer is none that this module knows: the deployed statements are others now.
    Unexpected(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function { error_type, message } => write!(f, "{error_type}: {message}"),
            Self::Skipped { statement, reason } => write!(f, "{statement} was skipped: {reason}"),
            Self::Unexpected(why) => {
                write!(f, "unexpected answer: {why}; write this client anew with `cargo xtask describe`")
            }
        }
    }
}

impl std::error::Error for Error {}

/// An integer of any size that the server has: a number in JSON, or a string of digits where a number would
/// not hold it exactly in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Integer(pub i128);

impl<T: Into<i128>> From<T> for Integer {
    fn from(number: T) -> Self {
        Self(number.into())
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(number) if number.unsigned_abs() <= 1 << 53 => serializer.serialize_i64(number),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Json {
            Number(i64),
            Large(u64),
            Digits(String),
        }
        match Json::deserialize(deserializer)? {
            Json::Number(number) => Ok(number.into()),
            Json::Large(number) => Ok(number.into()),
            Json::Digits(digits) => digits.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

/// A floating-point number: a number in JSON, or one of the strings `NaN`, `Infinity` and `-Infinity`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Float(pub f64);

impl<T: Into<f64>> From<T> for Float {
    fn from(number: T) -> Self {
        Self(number.into())
    }
}

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_finite() => serializer.serialize_f64(number),
            number if number.is_nan() => serializer.serialize_str("NaN"),
            number if number > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Json {
            Number(f64),
            NotFinite(String),
        }
        match Json::deserialize(deserializer)? {
            Json::Number(number) => Ok(Self(number)),
            Json::NotFinite(name) => name.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

/// A number as a parameter: a `f64`, or a string with all digits of a decimal.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A number that a double holds.
    Float(f64),
    /// All digits, as in `"12345678901234567890.10"`.
    Digits(String),
}

impl<T: Into<f64>> From<T> for Number {
    fn from(number: T) -> Self {
        Self::Float(number.into())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Float(number) => Float(*number).serialize(serializer),
            Self::Digits(digits) => serializer.serialize_str(digits),
        }
    }
}

/// An array of PostgreSQL, which does not tell how many dimensions it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Array<T> {
    /// The elements of one dimension.
    Elements(Vec<T>),
    /// The arrays of several.
    Nested(Vec<Array<T>>),
    /// The server's own text of an array whose bounds do not begin with 1.
    Text(String),
}

/// Whether the answer is an error, or says that the statement was skipped.
fn check(answer: &[u8]) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "errorType", default)]
        error_type: Option<String>,
        #[serde(rename = "errorMessage", default)]
        message: Option<String>,
        #[serde(default)]
        skipped: bool,
        #[serde(default)]
        statement: String,
        #[serde(default)]
        reason: String,
    }
    let head: Head = serde_json::from_slice(answer).map_err(|error| unexpected(&error))?;
    match head.message {
        Some(message) => {
            let error_type = head.error_type.unwrap_or_else(|| "Error".to_owned());
            Err(Error::Function { error_type, message })
        }
        None if head.skipped => {
            Err(Error::Skipped { statement: head.statement, reason: head.reason })
        }
        None => Ok(()),
    }
}

fn unexpected(why: &impl fmt::Display) -> Error {
    Error::Unexpected(why.to_string())
}
