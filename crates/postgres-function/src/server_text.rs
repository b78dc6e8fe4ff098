//! Values that only the server can convert to text.
//!
//! Results are in binary, and each extension defines the binary form of its types. Such a value is
//! sent back unchanged, as the parameter of `SELECT pg_catalog.format('%s'::pg_catalog.text, $1)`,
//! which returns the text that `psql` shows. (Without the schema, the name could refer to somebody
//! else's function.) This runs in the read's own transaction, or in another read-only one. The
//! statement itself runs once. The cost is a round trip for each such type, and one for every few
//! hundred values.

use bytes::{BufMut, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use sql_function::RESPONSE_LIMIT;
use sql_function::{Error, Value, loggable};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use tokio_postgres::types::{IsNull, Oid, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement as Prepared};

use crate::failure;

/// How many values are converted at once.
const WINDOW: usize = 256;
/// How much memory they may take before they are converted, in bytes. Some have a text that is much
/// shorter than their binary form, so this is more than a response may have.
const MAX_BYTES: usize = 4 * RESPONSE_LIMIT;
/// The memory of a value besides its bytes.
const OVERHEAD: usize = 64;

/// The values of one result that the server has to convert, in order.
#[derive(Default)]
pub(crate) struct Questions {
    values: Vec<(Oid, Unchanged)>,
    types: HashMap<Oid, Type>,
    bytes: usize,
}

impl Questions {
    /// Adds a value, whose text is inserted into the result later.
    pub(crate) fn put(&mut self, json: Value<'_>, of: &Type, raw: &[u8]) {
        json.later();
        self.bytes += OVERHEAD + raw.len();
        if self.are_too_many() {
            return; // the result is refused anyway
        }
        self.types.entry(of.oid()).or_insert_with(|| of.clone());
        self.values.push((of.oid(), Unchanged(raw.into())));
    }

    /// Whether they take too much memory. The result must then be refused: values are missing.
    pub(crate) fn are_too_many(&self) -> bool {
        self.bytes > MAX_BYTES
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values' texts.
    ///
    /// # Errors
    /// The server does not accept a type's binary form, or the connection broke.
    pub(crate) async fn ask(
        self,
        client: &Client,
        through_proxy: bool,
    ) -> Result<Vec<String>, Error> {
        let mut texts = HashMap::new();
        for (oid, of) in self.types {
            let types = std::slice::from_ref(&of);
            const TEXT: &str = "SELECT pg_catalog.format('%s'::pg_catalog.text, $1)";
            let text = client.prepare_typed(TEXT, types).await;
            texts.insert(oid, (text.map_err(|error| failed(&of, error, through_proxy))?, of));
        }
        let ask = |(oid, value): (Oid, Unchanged)| {
            let (text, of) = &texts[&oid];
            text_of(client, text, of, value, through_proxy)
        };
        stream::iter(self.values).map(ask).buffered(WINDOW).try_collect().await
    }
}

async fn text_of(
    client: &Client,
    text: &Prepared,
    of: &Type,
    value: Unchanged,
    through_proxy: bool,
) -> Result<String, Error> {
    client.query_one_scalar(text, &[&value]).await.map_err(|error| failed(of, error, through_proxy))
}

fn failed(of: &Type, error: tokio_postgres::Error, through_proxy: bool) -> Error {
    failure::command(loggable!("converting a value of type {of} to text"), error, through_proxy)
}

/// A value in the binary form in which the server sent it.
struct Unchanged(Box<[u8]>);

/// Without the value: the driver logs it.
impl fmt::Debug for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unchanged({} bytes)", self.0.len())
    }
}

impl ToSql for Unchanged {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.put_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
