//! Values that only the server can put into text.
//!
//! A result comes in binary, and the binary form of an extension's type is that extension's own. The
//! server reads its own binary form too: such a value is sent back as it came, as the parameter of
//! `SELECT pg_catalog.format('%s'::pg_catalog.text, $1)`, and returns in the text that `psql` shows. (Unqualified, the
//! name may be a function that somebody made for that type.) That is asked in the transaction of the
//! read, or in one that reads. The statement itself runs once, unchanged. That costs a round trip for each such type, and another for every few hundred
//! values.

use bytes::{BufMut, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use sql_function::RESPONSE_LIMIT;
use sql_function::{Error, Value, named};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use tokio_postgres::types::{IsNull, Oid, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement as Prepared};

use crate::failure;

/// How many values are on their way at once.
const WINDOW: usize = 256;
/// How much memory they may take until they are text. Some have a text much shorter than their
/// binary form, so there is more room than in a response.
const MOST_BYTES: usize = 4 * RESPONSE_LIMIT;
/// What a value takes beside its bytes.
const EACH: usize = 64;

/// The values of one result that the server is asked about, in their order.
#[derive(Default)]
pub(crate) struct Questions {
    values: Vec<(Oid, AsItCame)>,
    types: HashMap<Oid, Type>,
    bytes: usize,
}

impl Questions {
    /// Leaves a place for the text of a value, and adds the value in the form in which it came.
    pub(crate) fn put(&mut self, json: Value<'_>, of: &Type, raw: &[u8]) {
        json.later();
        self.bytes += EACH + raw.len();
        if self.are_too_many() {
            return; // the result is refused: its memory is worth more
        }
        self.types.entry(of.oid()).or_insert_with(|| of.clone());
        self.values.push((of.oid(), AsItCame(raw.into())));
    }

    /// Whether there are more than the memory is for. The last ones are then lost.
    pub(crate) fn are_too_many(&self) -> bool {
        self.bytes > MOST_BYTES
    }

    /// Whether there is nothing to ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values' texts.
    ///
    /// # Errors
    /// The server does not read a type's binary form, or the connection broke.
    pub(crate) async fn ask(self, client: &Client) -> Result<Vec<String>, Error> {
        let mut texts = HashMap::new();
        for (oid, of) in self.types {
            let types = std::slice::from_ref(&of);
            const TEXT: &str = "SELECT pg_catalog.format('%s'::pg_catalog.text, $1)";
            let text = client.prepare_typed(TEXT, types).await;
            texts.insert(oid, (text.map_err(|error| failed(&of, error))?, of));
        }
        let ask = |(oid, value): (Oid, AsItCame)| {
            let (text, of) = &texts[&oid];
            text_of(client, text, of, value)
        };
        stream::iter(self.values).map(ask).buffered(WINDOW).try_collect().await
    }
}

async fn text_of(
    client: &Client,
    text: &Prepared,
    of: &Type,
    value: AsItCame,
) -> Result<String, Error> {
    client.query_one_scalar(text, &[&value]).await.map_err(|error| failed(of, error))
}

fn failed(of: &Type, error: tokio_postgres::Error) -> Error {
    failure::command(named!("asking for the text of a value of type {of}"), error)
}

/// A parameter in binary.
struct AsItCame(Box<[u8]>);

/// The driver wants one, and shows it in its log.
impl fmt::Debug for AsItCame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsItCame({} bytes)", self.0.len())
    }
}

impl ToSql for AsItCame {
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
