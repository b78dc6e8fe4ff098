//! The schema in which the user lacks privileges.

/// The schema (MySQL's database) in a server's message about missing privileges, if `sql`, the refused
/// statement, names it too: the message alone may come from anyone, such as a function. PostgreSQL names
/// the schema when the user lacks USAGE on it, MariaDB always, and MySQL never.
pub(super) fn denied_schema(because: &str, sql: &str) -> Option<String> {
    let schema = schema_of(because)?;
    let quoted = |quote: &str| format!("{quote}{}{quote}", schema.replace(quote, &quote.repeat(2)));
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut before = sql.match_indices('.').map(|(dot, _)| sql[..dot].trim_end());
    let names = before.any(|before| {
        let word = before.rsplit(|c| !is_name(c)).next();
        word.is_some_and(|word| !word.is_empty() && word == schema)
            || before.ends_with(&quoted("\""))
            || before.ends_with(&quoted("`"))
    });
    names.then_some(schema)
}

/// The schema in a server's message.
fn schema_of(because: &str) -> Option<String> {
    if let Some((_, schema)) = because.split_once("permission denied for schema ") {
        return Some(schema.to_owned());
    }
    let (_, table) = because.rsplit_once(" for table `")?;
    let (schema, _) = table.split_once("`.`")?;
    Some(schema.replace("``", "`"))
}

#[cfg(test)]
mod tests {
    use super::denied_schema;

    #[test]
    fn the_schema_is_the_one_in_the_servers_message_and_in_the_statement() {
        let of_postgres = "ERROR (42501): permission denied for schema Year's-Q_1";
        let of_mariadb = "SELECT command denied to user 'u'@'h' for table `a``b-c`.`closed`";
        let plain = "ERROR (42501): permission denied for schema other";
        for (because, sql, schema) in [
            (of_postgres, "SELECT * FROM \"Year's-Q_1\".closed", Some("Year's-Q_1")),
            (of_mariadb, "SELECT * FROM `a``b-c` . closed", Some("a`b-c")),
            (plain, "SELECT * FROM other.closed", Some("other")),
            (plain, "SELECT * FROM another.closed, brother.closed", None),
            (plain, "SELECT other FROM closed", None),
            (plain, "SELECT f()", None),
            ("ERROR (42501): permission denied for table closed", "SELECT * FROM a.closed", None),
            ("SELECT command denied to user 'u'@'h' for table 'closed'", "SELECT a.b", None),
        ] {
            assert_eq!(denied_schema(because, sql).as_deref(), schema, "{because}: {sql}");
        }
    }
}
