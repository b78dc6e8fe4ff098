use super::*;
use engine::Engine::{MariaDb, MySql, Postgres};

fn pieces(sql: &str, engine: Engine) -> Vec<(usize, &str)> {
    let pieces = split(sql, engine).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    pieces.iter().map(|piece| (piece.first_line, piece.sql)).collect()
}

#[test]
fn each_statement_has_its_line() {
    let sql = "-- Tables; of a shop.\n\nCREATE TABLE a (b TEXT DEFAULT ';');;\n\
               /* x; */ INSERT INTO a\nVALUES ('it''s;'); SELECT 1\n;\n-- the end;\n";
    for engine in Engine::ALL {
        assert_eq!(
            pieces(sql, engine),
            [
                (3, "-- Tables; of a shop.\n\nCREATE TABLE a (b TEXT DEFAULT ';')"),
                (4, "/* x; */ INSERT INTO a\nVALUES ('it''s;')"),
                (5, "SELECT 1"),
            ]
        );
        assert_eq!(split(sql, engine).unwrap()[0].line, 1);
    }
}

#[test]
fn the_body_of_a_routine_is_one_statement() {
    let mysql = "CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN\n  IF 1 THEN SELECT 1; END IF;\n  \
                 CASE WHEN 1 THEN SELECT 2; END CASE;\n  WHILE 0 DO BEGIN SET @a = CASE 1 WHEN 1 THEN 2 END; END; \
                 END WHILE;\nEND;\nSELECT 3; CREATE TABLE t (begin INT, `end` INT); SELECT 4;\n\
                 CREATE TRIGGER t BEFORE INSERT ON u FOR EACH ROW SET NEW.end = 1; SELECT 5";
    for engine in [MySql, MariaDb] {
        let found: Vec<_> = pieces(mysql, engine).iter().map(|(line, _)| *line).collect();
        assert_eq!(found, [1, 6, 6, 6, 7, 7]);
    }
    assert_eq!(pieces("BEGIN NOT ATOMIC\n SELECT 1; END; SELECT 2", MariaDb).len(), 2);
    assert_eq!(pieces("BEGIN; SELECT 1; COMMIT;", MySql).len(), 3);
    let postgres = "BEGIN;\nCREATE FUNCTION f() RETURNS int AS $$ BEGIN; END $$ LANGUAGE plpgsql;\n\
                    CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT CASE 1 WHEN 1 THEN 2 END; END;\n\
                    CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2);\nCOMMIT;";
    let found: Vec<_> = pieces(postgres, Postgres).iter().map(|(line, _)| *line).collect();
    assert_eq!(found, [1, 2, 3, 4, 5]);
}

#[test]
fn dumps_are_read() {
    let mysqldump = "/*!40101 SET NAMES utf8 */;\nDELIMITER ;;\n\
                     /*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON u\n\
                     FOR EACH ROW BEGIN SET @a = 1; END */;;\ndelimiter ;\nSELECT 1;\n\
                     DELIMITER $$\nCREATE PROCEDURE p() BEGIN SELECT '$$'; END$$\nDELIMITER //\n\
                     SELECT 2 //\n";
    for engine in [MySql, MariaDb] {
        let found = pieces(mysqldump, engine);
        let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 6, 8, 10]);
        assert_eq!(found[3].1, "CREATE PROCEDURE p() BEGIN SELECT '$$'; END");
        assert!(found[1].1.ends_with("END */"), "{found:?}");
        assert_eq!(found[4].1, "SELECT 2");
    }
    let pg_dump = "\\restrict abc\n\nSET x = 0;\n\\unrestrict abc\n";
    assert_eq!(pieces(pg_dump, Postgres), [(3, "SET x = 0")]);
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    for (sql, engine, line, says) in [
        ("SELECT 1;\n\\i other.sql\n", Postgres, 2, "\\i is a command of the client psql"),
        ("SELECT 1\n\\gexec", Postgres, 2, "\\gexec is a command"),
        ("SELECT 1;\nsource other.sql", MySql, 2, "source is a command of the client mysql"),
        ("SELECT 1\\G", MySql, 1, "\\G is a command of the client mysql"),
        ("DELIMITER\nSELECT 1", MySql, 1, "DELIMITER names none"),
        ("\nCOPY public.a (b) FROM stdin;\n1\n\\.\n", Postgres, 2, "let pg_dump write --inserts"),
        ("CREATE DATABASE shop;", MySql, 1, "uses one database"),
        ("\nUSE shop;", MariaDb, 2, "USE: the function uses one database"),
        ("CREATE DATABASE shop", Postgres, 1, "uses one database"),
    ] {
        let error = split(sql, engine).unwrap_err();
        assert_eq!(error.line, line, "{sql}: {error:?}");
        assert!(error.why.contains(says), "{sql}: {error:?}");
    }
    assert_eq!(pieces("INSERT INTO a VALUES (\\N)", MySql).len(), 1);
    assert_eq!(pieces("CREATE SCHEMA shop", Postgres).len(), 1);
}
