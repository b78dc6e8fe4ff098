//! The parts of causes' texts that differ by engine. Each function has its own.

macro_rules! engine_texts {
    ($($(#[doc = $doc:literal])+ $field:ident,)*) => {
        /// An engine's words and commands. Each field fills the placeholder of its name, and may hold
        /// placeholders itself.
        #[derive(Debug)]
        pub struct EngineTexts { $($(#[doc = $doc])+ pub $field: &'static str,)* }

        impl EngineTexts {
            /// Every placeholder that it fills, with the text.
            pub fn entries(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
                [$((stringify!($field), self.$field)),*].into_iter()
            }
        }
    };
}

engine_texts! {
    /// The engine's name.
    engine,
    /// Its name in `openssl s_client -starttls`.
    starttls,
    /// Has the server parse a statement, with parameters or without, and run nothing.
    parse_statement,
    /// Makes the user, with IAM authentication and rights in the database.
    create_user,
    /// Shows users whose names are like the user's.
    show_user,
    /// Lets the user log in again.
    unlock_user,
    /// Shows the user's rights.
    show_grants,
    /// Lists the databases.
    show_databases,
    /// Lets the user use the database.
    grant_database,
    /// The schema that holds the tables unless a statement names another: MySQL's database.
    schema,
    /// Gives the user rights to the tables of a schema.
    grant_tables,
    /// Shows connections and their limits.
    show_connections,
    /// The settings that limit connections.
    connections_setting,
    /// Shows the hosts that the server admits.
    show_hosts,
    /// Admits the function's host.
    allow_host,
    /// Shows whether TLS is on.
    show_tls,
    /// The setting for versions of TLS.
    tls_setting,
    /// Shows whether the server is read-only.
    show_read_only,
    /// Makes the server writable.
    unset_read_only,
    /// Shows the server's clock.
    show_time,
}
