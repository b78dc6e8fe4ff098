//! The handler on MySQL and MariaDB.

use mysql_function::MySql;
use serde_json::Value;
use sql_function::{Context, Error};
use test_handler::Event;

async fn handle(event: Event, db: Context<MySql>) -> Result<Vec<Value>, Error> {
    tracing::info!(request = db.request_id(), left = ?db.time_left(), "a handler's own line");
    test_handler::handle(event, db).await
}

mysql_function::main!(handle);
