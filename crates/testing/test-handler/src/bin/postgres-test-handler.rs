//! The handler on PostgreSQL.

use postgres_function::Postgres;
use serde_json::Value;
use sql_function::{Context, Error};
use test_handler::Event;

async fn handle(event: Event, db: Context<Postgres>) -> Result<Vec<Value>, Error> {
    tracing::info!(request = db.request_id(), left = ?db.time_left(), "a handler's own line");
    test_handler::handle(event, db).await
}

postgres_function::main!(handle);
