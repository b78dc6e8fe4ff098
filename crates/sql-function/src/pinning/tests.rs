use super::*;
use crate::sql::MYSQL;

fn judged(sql: &str, dialect: Dialect) -> Option<&'static str> {
    let sql = format!("-- mode: write\n{sql}");
    let statement = Statement::parse("s", sql.clone(), dialect)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    reason(&statement, dialect)
}

#[track_caller]
fn expect(dialect: Dialect, cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        let reason = judged(sql, dialect);
        match *expected {
            "" => assert_eq!(reason, None, "{sql}"),
            part => {
                assert!(reason.is_some_and(|reason| reason.contains(part)), "{sql}: {reason:?}")
            }
        }
    }
}

#[test]
fn mysql() {
    expect(
        MYSQL,
        &[
            ("SELECT * FROM items WHERE name = 'GET_LOCK(1)' -- GET_LOCK(", ""),
            ("SELECT /* /*! GET_LOCK( */ 1", ""),
            ("INSERT INTO items VALUES (?, ?)", ""),
            ("SELECT a FROM t WHERE b = @a AND c = @@session.sql_mode", ""),
            ("SELECT row_count, found_rows FROM t", ""),
            ("SELECT app.get_lock(1), `get_lock`(2)", ""),
            ("CALL p(@a)", ""),
            ("USE other", ""),
            ("UNLOCK TABLES", ""),
            ("LOCK INSTANCE FOR BACKUP", ""),
            ("FLUSH TABLES items", ""),
            ("DROP TEMPORARY TABLE t", ""),
            ("UPDATE items SET name = 'a'", ""),
            ("INSERT INTO t SET a = 1, b = 2", ""),
            ("SELECT SQL_CALC_FOUND_ROWS a FROM t", ""),
            ("SELECT mail FROM t WHERE mail LIKE '%@x:=1'", ""),
            ("SELECT * FROM t INTO OUTFILE '/tmp/@a'", ""),
            ("CREATE PROCEDURE p() BEGIN SET @a = 1; SELECT GET_LOCK('a', 0); END", ""),
            ("CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @a = 9", ""),
            ("CREATE TABLE temporary_items (id INT)", ""),
            // SET, by what it sets.
            ("SET NAMES utf8mb4", ""),
            ("SET NAMES utf8mb4 COLLATE utf8mb4_bin, autocommit = 1", ""),
            ("SET CHARACTER SET utf8mb4", ""),
            ("set session sql_mode = CONCAT(@@sql_mode, ',ANSI'), time_zone = '+00:00'", ""),
            ("SET @@SESSION.sql_mode = ''", ""),
            ("SET @@sql_mode := '', `time_zone` = '+00:00'", ""),
            ("SET SESSION TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE", ""),
            ("SET transaction_isolation = 'SERIALIZABLE'", ""),
            ("SET LOCAL max_execution_time = 5", ""),
            ("SET ROLE r", ""),
            ("SET PASSWORD = 'x'", ""),
            ("SET TRANSACTION READ ONLY", "next transaction"),
            ("SET @@transaction_read_only = 1", "next one"),
            ("SET max_execution_time = 5000", "does not track"),
            ("SET SESSION sql_mode = '', max_statement_time = 5", "does not track"),
            ("SET sql_mode = IF(1, 'a', 'b'), foreign_key_checks = 0", "does not track"),
            ("SET @@foreign_key_checks = 0", "does not track"),
            ("SET GLOBAL sql_mode = ''", "of the server"),
            ("SET @@GLOBAL.time_zone = 'UTC'", "of the server"),
            ("SET GLOBAL TRANSACTION READ ONLY", "of the server"),
            ("SET STATEMENT max_statement_time = 1 FOR SELECT 1", "does not track"),
            ("SET @a = 5", "user variable"),
            ("SET autocommit = 1, @a := 5", "user variable"),
            // User variables elsewhere.
            ("SELECT @a := 6 AS a", "user variable"),
            ("SELECT @`a b` := 6", "user variable"),
            ("SELECT 6 INTO @a", "user variable"),
            ("SELECT 1, 6 FROM t INTO @a, @b", "user variable"),
            ("LOAD DATA INFILE 'f' INTO TABLE t (a, @b) SET c = @b + 1", "user variable"),
            ("GET DIAGNOSTICS @n = NUMBER", "user variable"),
            // The rest of the list.
            ("SELECT get_lock ('a', 0)", "GET_LOCK"),
            ("DO GET_LOCK('a', 0)", "GET_LOCK"),
            ("EXPLAIN SELECT GET_LOCK('a', 0)", "GET_LOCK"),
            ("LOCK TABLES items WRITE", "locks tables"),
            ("LOCK TABLE items READ", "locks tables"),
            ("FLUSH TABLES a, b WITH READ LOCK", "locks tables"),
            ("CREATE TEMPORARY TABLE t (id INT)", "temporary table"),
            ("CREATE OR REPLACE TEMPORARY TABLE t AS SELECT 1", "temporary table"),
            ("SELECT ROW_COUNT()", "ROW_COUNT"),
            ("SELECT found_rows() AS n", "ROW_COUNT"),
            ("PREPARE p FROM 'SELECT 1'", "prepared"),
            ("EXECUTE p USING @a", "prepared"),
            ("EXECUTE IMMEDIATE 'SELECT 1'", "prepared"),
            ("DEALLOCATE PREPARE p", "prepared"),
            ("DROP PREPARE p", "prepared"),
            ("SELECT /*!80000 1 */ + 2", "executable comment"),
            ("SELECT 1 /*M! */", "executable comment"),
            ("/*! CREATE PROCEDURE */ p() SELECT 1", "executable comment"),
            ("-- exclusive: true\nDELETE FROM items", "exclusive"),
        ],
    );
}

#[test]
fn postgres() {
    expect(
        Dialect::Postgres,
        &[
            ("SELECT * FROM items WHERE name = 'nextval(''s'')' -- set_config(", ""),
            ("UPDATE items SET name = $1", ""),
            ("ALTER ROLE r SET search_path = app", ""),
            ("SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)", ""),
            ("SELECT currval('s'), lastval()", ""),
            ("CALL p()", ""),
            ("DO $$ BEGIN PERFORM set_config('a', 'b', true); END $$", ""),
            ("CREATE FUNCTION f() RETURNS int LANGUAGE sql SET a = 'b' RETURN nextval('s')", ""),
            ("CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()", ""),
            ("GRANT EXECUTE ON FUNCTION f() TO r", ""),
            ("INSERT INTO temp SELECT 1", ""),
            ("INSERT INTO temp (a) VALUES (1)", ""),
            ("SELECT 1 INTO temp FROM t", ""),
            ("SELECT temp FROM t WHERE temporary", ""),
            ("SELECT app.nextval('s')", ""),
            ("SELECT /*! a */ 1", ""),
            ("NOTIFY a", ""),
            ("-- exclusive: true\nDELETE FROM items", ""),
            ("-- exclusive: true\nREFRESH MATERIALIZED VIEW CONCURRENTLY v", ""),
            ("CREATE INDEX CONCURRENTLY i ON t (a)", ""),
            ("SET LOCAL statement_timeout = 5", "SET"),
            ("set search_path = app", "SET"),
            ("SET TRANSACTION READ ONLY", "SET"),
            ("RESET ALL", "resets"),
            ("SELECT set_config('a', 'b', true)", "set_config"),
            ("SELECT pg_catalog.set_config('a', 'b', true)", "set_config"),
            ("SELECT \"set_config\"('a', 'b', true)", "set_config"),
            ("PREPARE p AS SELECT 1", "prepared"),
            ("EXECUTE p", "prepared"),
            ("EXPLAIN ANALYZE EXECUTE p", "prepared"),
            ("EXPLAIN (ANALYZE, VERBOSE) EXECUTE p", "prepared"),
            ("CREATE TABLE t AS EXECUTE p", "prepared"),
            ("DEALLOCATE ALL", "prepared"),
            ("DISCARD ALL", "prepared"),
            ("DECLARE c CURSOR FOR SELECT 1", "cursor"),
            ("LOAD 'auto_explain'", "library"),
            ("CREATE TEMP TABLE t (id int)", "temporary"),
            ("CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1", "temporary"),
            ("CREATE TEMP SEQUENCE s", "temporary"),
            ("CREATE LOCAL TEMP TABLE t AS SELECT 1", "temporary"),
            ("SELECT 1 AS a INTO TEMP t", "temporary"),
            ("SELECT 1 AS a INTO LOCAL TEMPORARY TABLE t", "temporary"),
            ("INSERT INTO pg_temp.t VALUES (1)", "temporary"),
            ("SELECT * FROM \"pg_temp\".t", "temporary"),
            ("SELECT nextval('s')", "nextval"),
            ("INSERT INTO t VALUES (NEXTVAL ('s'))", "nextval"),
            ("SELECT setval('s', 5)", "nextval"),
            ("SELECT pg_advisory_lock(1)", "advisory"),
            ("SELECT pg_try_advisory_lock_shared(1, 2)", "advisory"),
            ("-- exclusive: true\nVACUUM items", "transaction"),
            ("-- exclusive: true\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "transaction"),
            ("-- exclusive: true\nREINDEX (CONCURRENTLY) TABLE t", "transaction"),
        ],
    );
}

#[test]
fn long_text_pins_with_its_comments() {
    for dialect in [MYSQL, Dialect::Postgres] {
        let of = |length: usize| {
            let head = "-- mode: write\nDELETE FROM items -- ";
            let filled = format!("DELETE FROM items -- {}", "x".repeat(length - head.len()));
            judged(&filled, dialect)
        };
        assert_eq!(of(MAX_TEXT), None);
        assert!(of(MAX_TEXT + 1).is_some_and(|reason| reason.contains("16 KB")));
    }
}
