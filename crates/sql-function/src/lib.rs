//! What the MySQL and the PostgreSQL Lambda share: settings, events, statements, rows, errors and the Lambda boundary.
