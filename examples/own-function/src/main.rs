//! Takes an order from the stock, or says that there is not enough.

use postgres_function::Postgres;
use postgres_function::sql_function::{Context, Error, Mode, params};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    id: i32,
    quantity: i32,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    quantity: i32,
}

#[derive(Serialize)]
struct Taken {
    name: String,
    left: i32,
}

async fn take(order: Order, mut db: Context<Postgres>) -> Result<Taken, Error> {
    let mut transaction = db.begin(Mode::Write);
    let items: Vec<Item> = transaction
        .query_mut("SELECT name, quantity FROM stock WHERE id = $1 FOR UPDATE", &params![order.id])
        .await?;
    let Some(Item { name, quantity }) = items.into_iter().next() else {
        return Err(Error::own("NoSuchItem", format!("there is no item {}", order.id)));
    };
    let left = quantity - order.quantity;
    if left < 0 {
        return Err(Error::own("OutOfStock", format!("there are only {quantity} of {name}")));
    }
    transaction
        .execute("UPDATE stock SET quantity = $2 WHERE id = $1", &params![order.id, left])
        .await?;
    transaction.commit().await?;
    Ok(Taken { name, left })
}

postgres_function::main!(take);
