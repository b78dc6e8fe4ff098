//! What the handler does with each driver's own client.

use mysql_function::MySql;
use mysql_function::mysql_async::prelude::Queryable;
use postgres_function::Postgres;
use sql_function::{Connector, Driver, Error};

/// An engine whose driver's client the handler uses.
pub trait Raw: Connector {
    /// Runs `sql` with the driver's own client.
    fn raw(
        driver: &mut Driver<'_, Self>,
        sql: &'static str,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

impl Raw for MySql {
    async fn raw(driver: &mut Driver<'_, MySql>, sql: &'static str) -> Result<(), Error> {
        driver.query_drop(sql).await.map_err(|error| Error::own("Driver", error.to_string()))
    }
}

impl Raw for Postgres {
    async fn raw(driver: &mut Driver<'_, Postgres>, sql: &'static str) -> Result<(), Error> {
        // Prepared, by name.
        let run = driver.execute(sql, &[]).await.map(drop);
        run.map_err(|error| Error::own("Driver", error.to_string()))
    }
}
