//! Functions with statements of every kind, served by the program; and what it writes for them.

use local_rds::Engine;
use std::process::Command;

use crate::run::{Run, Serving, text};

const ITEMS: &str = "CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(255) NOT NULL);
INSERT INTO items (id, name) VALUES (1, 'first'), (2, 'second'), (3, 'third');";

const POSTGRES: [(&str, &str); 8] = [
    ("items", "-- Every item.\nSELECT id, name FROM items ORDER BY id"),
    (
        "add-item",
        "-- mode: write\n-- param: id int its number\n-- param: name text\n\
         INSERT INTO items (id, name) VALUES ($1, $2)",
    ),
    (
        "purge-items",
        "-- mode: write\n-- exclusive: true\n-- param: above int\nDELETE FROM items WHERE id > $1",
    ),
    (
        "echo",
        "-- param: number int?\n-- param: class text?\nSELECT $1::int8 AS number, $2::text AS class",
    ),
    ("twice", "SELECT $1::int4 * 2 AS \"2 times\", $2::text AS word"),
    (
        "exact",
        "SELECT 9007199254740993::int8 AS \"order-total\", 7::int8 AS \"type\", \
         12345678901234567890.10::numeric AS \"größe\", '\\xff'::bytea AS bytes, \
         '2024-02-29 12:34:56'::timestamp AS at, NULL::text AS nothing",
    ),
    (
        "arrays",
        "SELECT $1::int4[] AS list, ARRAY[ARRAY[1], ARRAY[NULL]]::int4[] AS nested, \
         '[0:0]={1}'::int4[] AS bounded, 'NaN'::float8 AS nan, '{\"a\": [1]}'::jsonb AS document, \
         $2::float8 AS number",
    ),
    ("slow", "-- exclusive: true\nSELECT 1 AS one FROM pg_sleep(1)"),
];

const MYSQL: [(&str, &str); 7] = [
    POSTGRES[0],
    (
        "add-item",
        "-- mode: write\n-- param: id int its number\n-- param: name text\n\
         INSERT INTO items (id, name) VALUES (?, ?)",
    ),
    (
        "purge-items",
        "-- mode: write\n-- exclusive: true\n-- param: above int\nDELETE FROM items WHERE id > ?",
    ),
    (
        "echo",
        "-- param: number int?\n-- param: class text?\nSELECT CAST(? AS SIGNED) AS number, CAST(? AS CHAR) AS class",
    ),
    ("twice", "SELECT ? * 2 AS `2 times`, ? AS word"),
    (
        "exact",
        "SELECT 9007199254740993 AS `order-total`, CAST(7 AS SIGNED) AS `type`, \
         12345678901234567890.10 AS `größe`, x'FF' AS bytes, \
         CAST('2024-02-29 12:34:56' AS DATETIME) AS at, CAST(NULL AS CHAR) AS nothing",
    ),
    ("slow", "-- exclusive: true\nSELECT 1 + SLEEP(1) AS one"),
];

/// Functions that are served.
pub(crate) struct Served {
    pub(crate) run: Run,
    pub(crate) serving: Serving,
    pub(crate) function: String,
}

impl Served {
    /// A function for `engine` with statements of every kind.
    pub(crate) fn start(engine: Engine) -> Served {
        let run = Run::new();
        run.write("schema.sql", ITEMS);
        let statements: &[_] = if engine == Engine::Postgres { &POSTGRES } else { &MYSQL };
        for (name, sql) in statements {
            run.write(&format!("sql/{}/{name}.sql", engine.statements()), sql);
        }
        Served::these(run, "--statements sql --schema schema.sql", engine)
    }

    /// A function for `engine` of these statements.
    pub(crate) fn these(run: Run, statements: &str, engine: Engine) -> Served {
        // No event but a read: nothing is changed before the clients run.
        run.write("event.json", r#"{"statement":"items"}"#);
        let arguments = format!("local {statements} --engine {engine} --event event.json");
        let mut serving = run.serve(&arguments);
        serving.wait_for("Log in with a new token");
        Served { run, serving, function: format!("{engine}-function") }
    }

    /// The URL at which the function is invoked.
    pub(crate) fn url(&self) -> String {
        format!("{}/2015-03-31/functions/{}/invocations", self.endpoint(), self.function)
    }

    pub(crate) fn endpoint(&self) -> String {
        let text = self.serving.text();
        let (_, address) = text.split_once("http://").expect("it shows how to invoke a function");
        format!("http://{}", address.split('/').next().unwrap())
    }

    /// Gives a command what a client of AWS needs.
    pub(crate) fn as_aws(&self, command: &mut Command) {
        command.env("AWS_ENDPOINT_URL_LAMBDA", self.endpoint());
        command.env("AWS_REGION", "eu-west-1");
        command.env("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE");
        command.env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    }

    /// What `describe --function` prints for the function.
    pub(crate) fn describe(&self, arguments: &str) -> String {
        let arguments = format!("describe --function {} {arguments}", self.function);
        let mut command = self.run.command(&arguments);
        self.as_aws(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Sends an event, and returns the answer.
    pub(crate) fn invoke(&self, event: &str) -> serde_json::Value {
        let host = "host: ADDRESS\r\n";
        let response = self.serving.post(&self.function, host, event);
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {response}"))
    }

    /// Ends everything.
    pub(crate) fn end(self) {
        self.serving.interrupt();
        self.run.assert_nothing_left();
    }
}
