//! What becomes of each message between the driver and a proxy.

use bytes::{Bytes, BytesMut};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, OnceLock};

use crate::messages::{Cutter, Message, Piece, text, write};

/// The `routine` of the error that the driver gets if a statement's columns have changed since it was
/// prepared. The server has carried out the statement by then.
pub(crate) const CHANGED: &str = "rds_iam_lambda_changed_columns";

/// The unnamed statement.
const UNNAMED: &[u8] = b"\0";

/// A statement that the driver has prepared.
struct Statement {
    name: Bytes,
    /// Its text, with a NUL.
    sql: Bytes,
    /// The types that the driver asked for: their number, and an object id for each.
    types: Bytes,
    /// The types of its parameters, in the same form, when the server has told them. With them, it is
    /// parsed to the same effect each time.
    params: OnceLock<Bytes>,
    /// What the driver was told of its columns.
    columns: OnceLock<Vec<u8>>,
}

/// A message that the server will answer.
enum Expected {
    /// Parse, of the driver, or an additional one.
    Parsed(Option<Arc<Statement>>),
    /// Describe, of a statement.
    Described(Description),
    /// Sync or a simple query, whose last answer is ReadyForQuery.
    Ready { is_sync: bool },
}

/// What to do with the description of a statement.
#[derive(Clone)]
enum Description {
    /// Pass it on.
    Pass,
    /// Remember it, and pass it on.
    Remember(Arc<Statement>),
    /// Compare its columns, and drop it.
    Compare(Arc<Statement>),
}

/// The statements of a connection, and what is under way on it.
#[derive(Default)]
pub(crate) struct Filter {
    sent: Cutter,
    received: Cutter,
    statements: HashMap<Bytes, Arc<Statement>>,
    /// The statement that is the unnamed one on the server until the end of this flight.
    current: Option<Bytes>,
    expected: VecDeque<Expected>,
    /// Whether the server ignores what is sent until the next Sync, because of an error before.
    ignored: bool,
    /// Whether the server waits for data, and the end of the flight has not been sent yet.
    copying: bool,
    /// Whose columns come next.
    columns_of: Option<Description>,
    /// Whether the columns of the statement that runs have changed: its rows are dropped.
    changed: bool,
    /// Whether the rest of the message that is being received is dropped.
    dropping: bool,
    logged_in: bool,
}

impl Filter {
    /// Whether the server has been ready for a query.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.logged_in
    }

    /// Writes what to send in place of `bytes`, which the driver sends.
    ///
    /// # Errors
    /// They are no messages.
    pub(crate) fn send(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> io::Result<()> {
        while let Some(piece) = self.sent.next(&mut bytes, |tag| b"PBDC".contains(&tag))? {
            match piece {
                // The server would ignore it.
                Piece::Whole(_) if self.ignored => {}
                Piece::Whole(message) => match message.tag() {
                    b'P' => self.parse(&message, out)?,
                    b'B' => self.bind(&message, out)?,
                    b'D' => self.describe(&message, out)?,
                    _ => self.close(&message, out)?,
                },
                Piece::Header(header) => {
                    self.pass(header[0]);
                    out.extend_from_slice(&header);
                }
                Piece::Body(body) => out.extend_from_slice(body),
            }
        }
        Ok(())
    }

    /// A message of this type is sent as it is.
    fn pass(&mut self, tag: u8) {
        match tag {
            b'S' | b'Q' | b'F' => {
                (self.current, self.ignored) = (None, false);
                if !self.copying {
                    self.expected.push_back(Expected::Ready { is_sync: tag == b'S' });
                }
            }
            b'c' | b'f' => self.copying = false,
            _ => {}
        }
    }

    fn parse(&mut self, message: &Message, out: &mut BytesMut) -> io::Result<()> {
        let (name, rest) = text(message.body())?;
        let (sql, types) = text(rest)?;
        let statement = Arc::new(Statement {
            name: Bytes::copy_from_slice(name),
            sql: Bytes::copy_from_slice(&rest[..=sql.len()]),
            types: Bytes::copy_from_slice(types),
            params: OnceLock::new(),
            columns: OnceLock::new(),
        });
        write(out, b'P', &[UNNAMED, rest])?;
        self.current = Some(statement.name.clone());
        if !name.is_empty() {
            self.statements.insert(statement.name.clone(), statement.clone());
        }
        self.expected.push_back(Expected::Parsed(Some(statement)));
        Ok(())
    }

    fn bind(&mut self, message: &Message, out: &mut BytesMut) -> io::Result<()> {
        let (portal, rest) = text(message.body())?;
        let (name, values) = text(rest)?;
        if name.is_empty() {
            out.extend_from_slice(message.bytes());
            return Ok(());
        }
        let statement = self.prepared(name)?;
        if self.parse_again(&statement, out)? {
            write(out, b'D', &[b"S", UNNAMED])?;
            self.expected.push_back(Expected::Described(Description::Compare(statement)));
        }
        write(out, b'B', &[portal, b"\0", UNNAMED, values])
    }

    fn describe(&mut self, message: &Message, out: &mut BytesMut) -> io::Result<()> {
        let Some((b'S', name)) = message.body().split_first() else {
            out.extend_from_slice(message.bytes());
            return Ok(());
        };
        let (name, _) = text(name)?;
        if name.is_empty() {
            self.expected.push_back(Expected::Described(Description::Pass));
            out.extend_from_slice(message.bytes());
            return Ok(());
        }
        let statement = self.prepared(name)?;
        self.parse_again(&statement, out)?;
        self.expected.push_back(Expected::Described(Description::Remember(statement)));
        write(out, b'D', &[b"S", UNNAMED])
    }

    /// The server answers the end of the unnamed statement as that of a named one.
    fn close(&mut self, message: &Message, out: &mut BytesMut) -> io::Result<()> {
        let Some((b'S', name)) = message.body().split_first() else {
            out.extend_from_slice(message.bytes());
            return Ok(());
        };
        let (name, _) = text(name)?;
        self.statements.remove(name);
        self.current = None;
        write(out, b'C', &[b"S", UNNAMED])
    }

    /// A statement that the driver has prepared.
    ///
    /// # Errors
    /// It has not. The name must not be sent: it may be that of another client's statement.
    fn prepared(&self, name: &[u8]) -> io::Result<Arc<Statement>> {
        self.statements.get(name).cloned().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the driver uses a statement it has not prepared",
            )
        })
    }

    /// Makes a statement the unnamed one, unless it is. Returns whether it was not.
    fn parse_again(&mut self, statement: &Arc<Statement>, out: &mut BytesMut) -> io::Result<bool> {
        if self.current.as_ref() == Some(&statement.name) {
            return Ok(false);
        }
        let types = statement.params.get().unwrap_or(&statement.types);
        write(out, b'P', &[UNNAMED, &statement.sql, types])?;
        self.current = Some(statement.name.clone());
        self.expected.push_back(Expected::Parsed(None));
        Ok(true)
    }

    /// Writes what the driver gets of `bytes`, which the server sends.
    ///
    /// # Errors
    /// They are no messages.
    pub(crate) fn receive(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> io::Result<()> {
        while let Some(piece) = self.received.next(&mut bytes, |tag| b"1tTnEZG".contains(&tag))? {
            match piece {
                Piece::Whole(message) => self.answer(&message, out)?,
                Piece::Header(header) => {
                    // Notices, notifications and parameters belong to no statement.
                    self.dropping = self.changed && !b"NAS".contains(&header[0]);
                    if !self.dropping {
                        out.extend_from_slice(&header);
                    }
                }
                Piece::Body(_) if self.dropping => {}
                Piece::Body(body) => out.extend_from_slice(body),
            }
        }
        Ok(())
    }

    fn answer(&mut self, message: &Message, out: &mut BytesMut) -> io::Result<()> {
        let passes = match message.tag() {
            b'1' => match self.expected.pop_front() {
                Some(Expected::Parsed(by_driver)) => by_driver.is_some(),
                other => return Err(unexpected(other, "ParseComplete")),
            },
            b't' => match self.expected.pop_front() {
                Some(Expected::Described(description)) => {
                    self.columns_of = Some(description.clone());
                    if let Description::Remember(statement) = &description {
                        let types = Bytes::copy_from_slice(message.body());
                        let _ = statement.params.set(types); // the same ones each time
                    }
                    !matches!(description, Description::Compare(_))
                }
                other => return Err(unexpected(other, "ParameterDescription")),
            },
            b'T' | b'n' => self.columns(message)?,
            b'E' => {
                self.skip_to_ready();
                self.ignored = self.expected.is_empty();
                (self.columns_of, self.changed) = (None, false);
                true
            }
            b'Z' => {
                if std::mem::take(&mut self.changed) {
                    write(out, b'E', &[changed().as_bytes()])?;
                }
                self.skip_to_ready();
                self.expected.pop_front();
                (self.columns_of, self.ignored, self.logged_in) = (None, false, true);
                true
            }
            // Until the driver has sent the data, the server ignores the end of the flight.
            _ => {
                match self.expected.front() {
                    Some(Expected::Ready { is_sync: true }) => drop(self.expected.pop_front()),
                    None => self.copying = true,
                    _ => {}
                }
                true
            }
        };
        if passes {
            out.extend_from_slice(message.bytes());
        }
        Ok(())
    }

    /// Whether the driver gets this description of columns.
    fn columns(&mut self, message: &Message) -> io::Result<bool> {
        match self.columns_of.take() {
            Some(Description::Compare(statement)) => {
                let told = statement.columns.get();
                self.changed =
                    told.is_some_and(|told| columns(message).ok().as_ref() != Some(told));
                Ok(false)
            }
            Some(Description::Remember(statement)) => {
                let _ = statement.columns.set(columns(message)?); // what the driver relies on
                Ok(true)
            }
            _ => Ok(!self.changed),
        }
    }

    /// After an error, the server answers nothing up to the next Sync: a statement that it has not
    /// parsed is not there.
    fn skip_to_ready(&mut self) {
        while let Some(expected) =
            self.expected.pop_front_if(|next| !matches!(next, Expected::Ready { .. }))
        {
            if let Expected::Parsed(Some(statement)) = expected {
                self.statements.remove(&statement.name);
            }
        }
    }
}

/// The names and types of the columns in a RowDescription or NoData.
fn columns(message: &Message) -> io::Result<Vec<u8>> {
    // A table, its column, the type, its size and modifier, and the format.
    const FIELD: usize = 18;
    const TYPE: std::ops::Range<usize> = 6..10;
    let mut columns = vec![];
    let Some((_count, mut rest)) = message.body().split_first_chunk::<2>() else {
        return Ok(columns);
    };
    columns.push(b'T'); // a result without columns is a result
    while !rest.is_empty() {
        let (name, field) = text(rest)?;
        let (field, after) =
            field.split_first_chunk::<FIELD>().ok_or(io::ErrorKind::InvalidData)?;
        columns.extend_from_slice(name);
        columns.push(0);
        columns.extend_from_slice(&field[TYPE]);
        rest = after;
    }
    Ok(columns)
}

/// The fields of the error in place of rows whose columns have changed. PostgreSQL has this code for the
/// same change of a named statement, which it has not run then.
fn changed() -> String {
    format!(
        "SERROR\0VERROR\0C0A000\0Mthe statement was run, but its columns are not those that it was \
         prepared with\0HPrepare it again.\0R{CHANGED}\0\0"
    )
}

/// The server answers something else than what was sent. What follows would be taken for the answer to
/// another message.
fn unexpected(expected: Option<Expected>, what: &str) -> io::Error {
    let awaited = match expected {
        Some(Expected::Parsed(_)) => "ParseComplete",
        Some(Expected::Described(_)) => "ParameterDescription",
        Some(Expected::Ready { .. }) => "ReadyForQuery",
        None => "nothing",
    };
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} instead of {awaited}"))
}
