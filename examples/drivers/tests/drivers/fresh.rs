//! Each new connection of a pool logs in with a token of its own: after the credentials were rotated, a
//! token from before is refused, and so a pool that kept one would fail.

use local_rds::Engine;

use crate::world::World;

#[allow(dead_code)] // main
#[path = "../../src/bin/deadpool-postgres.rs"]
mod deadpool_postgres_example;
#[allow(dead_code)] // main
#[path = "../../src/bin/mysql-async.rs"]
mod mysql_async_example;
#[allow(dead_code)] // main
#[path = "../../src/bin/sqlx-mysql.rs"]
mod sqlx_mysql_example;
#[allow(dead_code)] // main
#[path = "../../src/bin/sqlx-postgres.rs"]
mod sqlx_postgres_example;

#[tokio::test]
async fn deadpool_postgres() {
    use deadpool_postgres_example::Logins;
    let world = World::new(Engine::Postgres);
    let pool: deadpool::managed::Pool<_> =
        deadpool::managed::Pool::builder(Logins(world.db.clone())).build().unwrap();
    let first = pool.get().await.unwrap();
    world.rotate().await;
    let second = pool.get().await.unwrap();
    for client in [&first, &second] {
        client.simple_query("SELECT 1").await.unwrap();
    }
    drop(first);
    drop(pool.get().await.unwrap());
    assert_eq!(pool.status().size, 2, "an idle connection is used again");
}

#[tokio::test]
async fn mysql_async() {
    use ::mysql_async::prelude::Queryable as _;
    use mysql_async_example::Logins;
    for engine in [Engine::MySql, Engine::MariaDb] {
        let world = World::new(engine);
        let pool: deadpool::managed::Pool<_> =
            deadpool::managed::Pool::builder(Logins(world.db.clone())).build().unwrap();
        let mut first = pool.get().await.unwrap();
        world.rotate().await;
        let mut second = pool.get().await.unwrap();
        for connection in [&mut first, &mut second] {
            connection.query_drop("SELECT 1").await.unwrap();
        }
        drop(first);
        drop(pool.get().await.unwrap());
        assert_eq!(pool.status().size, 2, "an idle connection is used again");
    }
}

#[tokio::test]
async fn sqlx_postgres() {
    use sqlx_postgres_example::{acquire, pool};
    let world = World::dialling_a_name(Engine::Postgres);
    let pool = pool(&world.db);
    let first = acquire(&pool, &world.db).await.unwrap();
    world.rotate().await;
    pool.acquire().await.map(drop).expect_err("the token of the first login is still used");
    let second = acquire(&pool, &world.db).await.unwrap();
    assert_eq!(pool.size(), 2);
    drop((first, second));
}

#[tokio::test]
async fn sqlx_mysql() {
    use sqlx_mysql_example::{acquire, pool};
    for engine in [Engine::MySql, Engine::MariaDb] {
        let world = World::dialling_a_name(engine);
        let pool = pool(&world.db);
        let first = acquire(&pool, &world.db).await.unwrap();
        world.rotate().await;
        pool.acquire().await.map(drop).expect_err("the token of the first login is still used");
        let second = acquire(&pool, &world.db).await.unwrap();
        assert_eq!(pool.size(), 2);
        drop((first, second));
    }
}
