//! What the words in braces of causes' texts stand for. A word after a colon, as in
//! `{user:mysql_string}`, is the form in which a command takes the value: see `quote.rs`.

use std::collections::BTreeMap;

use crate::cause::Cause;
use crate::command::{Part, marked, parts};
use crate::engine_texts::EngineTexts;
use crate::quote::quoted;
use crate::rds_resource::{self, RdsResource};

/// What fills the placeholders of causes' texts.
#[derive(Clone, Debug, Default)]
pub struct Placeholders {
    /// Texts of ours, which may hold placeholders themselves.
    texts: BTreeMap<&'static str, &'static str>,
    /// What settings and servers say, which is taken literally.
    values: BTreeMap<&'static str, String>,
}

/// A cause's texts, filled in.
#[derive(Clone, Debug)]
pub struct Filled {
    /// What the cause is.
    pub title: String,
    /// How to confirm it.
    pub confirm: String,
    /// How to fix it.
    pub fix: String,
}

impl Placeholders {
    /// Those that an engine's texts fill.
    pub fn of_engine(texts: &EngineTexts) -> Placeholders {
        Placeholders { texts: texts.entries().collect(), values: BTreeMap::new() }
    }

    /// Fills a placeholder with a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Placeholders {
        self.values.insert(name, value.to_owned());
        self
    }

    /// Adds the commands for a resource of RDS.
    #[must_use]
    pub fn with_resource(mut self, resource: RdsResource) -> Placeholders {
        self.texts.extend([
            ("show_resource", resource.show_id()),
            ("show_iam", resource.show_iam()),
            ("turn_iam_on", resource.turn_iam_on()),
            ("target", resource.target()),
            ("show_proxy", rds_resource::SHOW_PROXY),
            ("proxy_require_iam", rds_resource::PROXY_REQUIRE_IAM),
            ("proxy_iam_auth", rds_resource::PROXY_IAM_AUTH),
            ("database_arn", rds_resource::DATABASE_ARN),
            ("arn", "arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{user}"),
        ]);
        self.with("resource_id", resource.id())
    }

    /// The texts of `cause`, filled in. A placeholder without a value stands in capitals, for the
    /// reader to fill.
    pub fn fill(&self, cause: Cause) -> Filled {
        let entry = cause.entry();
        let [title, confirm, fix] = [entry.title, entry.confirm, entry.fix].map(|t| self.text(t));
        Filled { title, confirm, fix }
    }

    /// `text`, which is one of ours, filled in, its commands between as many backticks as their values
    /// require.
    fn text(&self, text: &str) -> String {
        let filled = parts(text).map(|part| match part {
            Part::Text(text) => self.filled(text),
            Part::Command { inside, .. } => marked(&self.filled(inside)),
        });
        filled.collect()
    }

    /// A part of a text, filled in.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((placeholder, after)) = after.split_once('}') else {
                rest = &rest[before.len()..];
                break;
            };
            filled.push_str(&match placeholder.split_once(':') {
                None => self.value(placeholder),
                // An unknown form keeps its braces, for the tests to find.
                Some((name, form)) => {
                    quoted(form, &self.value(name)).unwrap_or_else(|| format!("{{{placeholder}}}"))
                }
            });
            rest = after;
        }
        filled + rest
    }

    /// What a placeholder stands for.
    fn value(&self, name: &str) -> String {
        match (self.values.get(name), self.texts.get(name)) {
            (Some(value), _) => value.clone(),
            (None, Some(text)) => self.text(text),
            // What a diagnosis may add to a sentence, and what only the reader knows.
            (None, None) if name.starts_with("real_") => String::new(),
            (None, None) => name.to_ascii_uppercase().replace('_', "-"),
        }
    }
}
