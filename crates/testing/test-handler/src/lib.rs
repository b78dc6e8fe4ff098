//! A handler of one's own that does what its event says: tests send it events that fail, hang,
//! panic, or leave something behind.
//!
//! An event is a list of steps, each a word and perhaps a number. `begin` opens a transaction for
//! the steps up to `commit`, `rollback` or `drop`. A step after a `?` may fail: its error is part of
//! the answer.

#![forbid(unsafe_code)]

mod raw;
mod sql;

pub use raw::Raw;

use serde::Deserialize;
use serde_json::{Value, json};
use sql_function::{Answer, Context, Error, Mode, Transaction, params};
use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

use sql::Sql;

/// The outcome of the last task that was spawned.
static SPAWNED: Mutex<Value> = Mutex::new(Value::Null);

/// What to do.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    steps: Vec<String>,
}

/// The value of a row.
#[derive(Deserialize)]
struct Row {
    v: Value,
}

/// Takes the steps of an event. Returns what each of them returned.
///
/// # Errors
/// That of the first step that fails.
pub async fn handle<C: Raw>(event: Event, mut db: Context<C>) -> Result<Vec<Value>, Error> {
    let mut answers = vec![];
    let mut steps = event.steps.into_iter();
    while let Some(step) = steps.next() {
        match step.as_str() {
            "begin" | "begin read" => {
                let mode = if step == "begin" { Mode::Write } else { Mode::Read };
                let mut transaction = db.begin(mode);
                loop {
                    match steps.next().as_deref() {
                        None => return Ok(answers),
                        Some("drop") => break,
                        Some("rollback") => break transaction.rollback().await,
                        Some("commit") => break transaction.commit().await?,
                        Some("?commit") => {
                            answers.push(told(transaction.commit().await.map(|()| Value::Null)));
                            break;
                        }
                        Some(step) => match step.strip_prefix('?') {
                            Some(step) => answers.push(told(inside(step, &mut transaction).await)),
                            None => answers.push(inside(step, &mut transaction).await?),
                        },
                    }
                }
            }
            "spawn" => {
                let step = steps.next().unwrap_or_default();
                tokio::spawn(async move {
                    let outcome = outside(&step, &mut db).await;
                    *SPAWNED.lock().unwrap_or_else(PoisonError::into_inner) = told(outcome);
                });
                sleep(Duration::from_millis(300)).await;
                return Ok(answers);
            }
            step => match step.strip_prefix('?') {
                Some(step) => answers.push(told(outside(step, &mut db).await)),
                None => answers.push(outside(step, &mut db).await?),
            },
        }
    }
    Ok(answers)
}

/// A step outside a transaction.
async fn outside<C: Raw>(step: &str, db: &mut Context<C>) -> Result<Value, Error> {
    let sql = Sql::of(C::ENGINE);
    let (word, number) = split(step);
    match word {
        "add" => {
            let added = db.execute(sql.add, &params![number, "added"]).await?;
            Ok(added.rows_affected.into())
        }
        "returning" => {
            let rows = db.query_mut::<Row>(sql.returning, &params![number]).await?;
            Ok(rows.into_iter().map(|row| row.v).collect())
        }
        "items" => {
            let Answer::<Value> { rows, skipped, .. } = db.statement("items", &params![]).await?;
            Ok(json!({"rows": rows, "skipped": skipped}))
        }
        "statement" => {
            let answer = db.statement::<Value>("exclusive", &params![]).await?;
            Ok(json!({"skipped": answer.skipped}))
        }
        "driver" => {
            let mut driver = db.driver().await?;
            C::raw(&mut driver, sql.raw(number)).await?;
            Ok("raw".into())
        }
        "late" => {
            sleep(Duration::from_millis(600)).await;
            first(db.query(sql.one, &params![]).await)
        }
        "set" => Ok(db.execute(sql.set, &params![]).await?.rows_affected.into()),
        "temporary" => Ok(db.execute(sql.temporary, &params![]).await?.rows_affected.into()),
        "misfit" => Ok(db.query::<u8>(sql.one, &params![]).await?.len().into()),
        "canceled" => {
            let seconds = params![20];
            let slow = db.query_mut::<Row>(sql.sleep, &seconds);
            let outcome = tokio::time::timeout(Duration::from_millis(number), slow).await;
            Ok(outcome.is_err().into())
        }
        _ => match sql.read(word) {
            Some(text) => first(db.query(text, &of(word, number)).await),
            None => common(word, number).await,
        },
    }
}

/// A step in a transaction.
async fn inside<C: Raw>(step: &str, db: &mut Transaction<'_, C>) -> Result<Value, Error> {
    let sql = Sql::of(C::ENGINE);
    let (word, number) = split(step);
    match word {
        "add" => {
            let added = db.execute(sql.add, &params![number, "added"]).await?;
            Ok(added.rows_affected.into())
        }
        "items" => Ok(db.statement::<Value>("items", &params![]).await?.rows.into()),
        "temporary" => Ok(db.execute(sql.temporary, &params![]).await?.rows_affected.into()),
        "sleep" => first(db.query_mut(sql.sleep, &params![number]).await),
        _ => match sql.read(word) {
            Some(text) => first(db.query(text, &of(word, number)).await),
            None => common(word, number).await,
        },
    }
}

/// A step without the database.
async fn common(word: &str, number: u64) -> Result<Value, Error> {
    match word {
        "own" => Err(Error::own("OutOfStock", format!("there are only {number} of them"))),
        "static" => Err(Error::own("Closed", "the shop is closed")),
        "panic" => panic!("at step {number}"),
        "hang" => pending().await,
        "wait" => {
            sleep(Duration::from_millis(number)).await;
            Ok(Value::Null)
        }
        "spawned" => Ok(SPAWNED.lock().unwrap_or_else(PoisonError::into_inner).clone()),
        "large" => Ok("x".repeat(7 << 20).into()),
        _ => Err(Error::own("NoSuchStep", word.to_owned())),
    }
}

fn split(step: &str) -> (&str, u64) {
    let (word, number) = step.split_once(' ').unwrap_or((step, "0"));
    (word, number.parse().unwrap_or_default())
}

fn of(word: &str, number: u64) -> Vec<sql_function::Param> {
    if word == "sleep" { vec![number.into()] } else { vec![] }
}

fn first(rows: Result<Vec<Row>, Error>) -> Result<Value, Error> {
    Ok(rows?.into_iter().next().map_or(Value::Null, |row| row.v))
}

fn told(outcome: Result<Value, Error>) -> Value {
    outcome.unwrap_or_else(|error| json!({"error": error.error_type(), "message": error.report()}))
}
