//! A client in Rust: one module, which needs serde and serde_json.

use std::fmt::Write as _;

use crate::description::{Column, Description, Param, Statement};
use crate::names::{Scope, pascal, snake};
use crate::shape::Shape;
use crate::words;

/// What is the same in every client.
const RUNTIME: &str = include_str!("rust/runtime.rs");

/// Names of types in [`RUNTIME`] and of Rust's prelude, and those that only look like types.
const TYPES: &[&str] = &[
    "Answer",
    "Array",
    "AsMut",
    "AsRef",
    "Box",
    "Clone",
    "Column",
    "Connection",
    "Copy",
    "Debug",
    "Default",
    "Deserialize",
    "DeserializeOwned",
    "Deserializer",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "Error",
    "ExactSizeIterator",
    "Extend",
    "Float",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Integer",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Map",
    "None",
    "Number",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "ResultOf",
    "ResultSet",
    "Self",
    "Send",
    "Serialize",
    "SerializeSeq",
    "Serializer",
    "Sized",
    "Some",
    "Statement",
    "StatementResult",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "Transaction",
    "TransactionAnswer",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Value",
    "Vec",
];

/// The words of the language, which no field may be named.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The module.
pub(crate) fn client(description: &Description, command: &str) -> String {
    let mut scope = Scope::new(TYPES);
    let mut text = head(description, command);
    for statement in description.good() {
        let [name, row] = scope
            .distinct(&statement.name, "statement", |ascii| [pascal(ascii), pascal(ascii) + "Row"]);
        text += &one(statement, &name, &row);
    }
    text + RUNTIME
}

fn head(description: &Description, command: &str) -> String {
    let line = |text: &str| words::lines(text).collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "//! A typed client of a function for {}, written by `{}`. Do not edit it.\n\
         //!\n\
         //! It needs serde with the feature `derive`, and serde_json. [`event`] makes the event of a\n\
         //! statement, and [`Transaction`] that of several; send it as you like, such as with\n\
         //! aws-sdk-lambda, and give the payload of the answer to [`read`] or [`read_transaction`].\n",
        line(description.engine_title()),
        line(command)
    );
    let left_out = words::left_out(description);
    if !left_out.is_empty() {
        text += "//!\n";
    }
    for line in left_out {
        let _ = writeln!(text, "{}", format!("//! {}", escaped(&line)).trim_end());
    }
    text + "\n#![allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic)]\n\
            #![cfg_attr(rustfmt, rustfmt_skip)]\n\n\
            use std::fmt;\n\n\
            use serde::de::DeserializeOwned;\n\
            use serde::ser::SerializeSeq as _;\n\
            use serde::{Deserialize, Deserializer, Serialize, Serializer};\n\
            use serde_json::{Map, Value};\n\n"
}

/// What belongs to one statement.
fn one(statement: &Statement, name: &str, row: &str) -> String {
    let mut text = comment("", &words::of_statement(statement));
    match statement.named_params() {
        Some(named) => text += &named_params(name, &named),
        None => text += &unnamed_params(name, &statement.params),
    }
    let (row_type, fields) = match &statement.columns {
        None => ("Map<String, Value>", String::new()),
        Some(columns) => (row, row_fields(statement, row, columns)),
    };
    text += &fields;
    let columns = statement.columns.iter().flatten();
    let columns: Vec<_> = columns.map(|column| format!("{:?}", column.name)).collect();
    let _ = writeln!(
        text,
        "impl Statement for {name} {{\n    \
             const NAME: &'static str = {:?};\n    \
             const COLUMNS: &'static [&'static str] = &[{}];\n    \
             type Row = {row_type};\n}}\n",
        statement.name,
        columns.join(", ")
    );
    text
}

/// A struct with the parameters, which is an object in JSON.
fn named_params(name: &str, params: &[(&str, &Param)]) -> String {
    let mut scope = Scope::new(KEYWORDS);
    let mut text = format!("#[derive(Clone, Debug, PartialEq, Serialize)]\npub struct {name} {{\n");
    for (wire, param) in params {
        text += &comment("    ", &words::of_param(param));
        text += &field(&mut scope, wire, "param", &param_type(param));
    }
    text + "}\n\n"
}

/// A struct with the parameters, which is an array in JSON.
fn unnamed_params(name: &str, params: &[Param]) -> String {
    let mut text = format!("#[derive(Clone, Debug, PartialEq)]\npub struct {name}");
    if params.is_empty() {
        text += ";\n\n";
    } else {
        text += "(\n";
        for param in params {
            text += &comment("    ", &words::of_param(param));
            let _ = writeln!(text, "    pub {},", param_type(param));
        }
        text += ");\n\n";
    }
    let count = params.len();
    let _ = writeln!(text, "impl Serialize for {name} {{");
    text += "    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {\n";
    let binding = if params.is_empty() { "params" } else { "mut params" };
    let _ = writeln!(text, "        let {binding} = serializer.serialize_seq(Some({count}))?;");
    for at in 0..count {
        let _ = writeln!(text, "        params.serialize_element(&self.{at})?;");
    }
    text + "        params.end()\n    }\n}\n\n"
}

fn row_fields(statement: &Statement, row: &str, columns: &[Column]) -> String {
    let mut scope = Scope::new(KEYWORDS);
    let mut text = comment("", &[format!("A row of {:?}.", statement.name)]);
    let _ = writeln!(text, "#[derive(Clone, Debug, PartialEq, Deserialize)]\npub struct {row} {{");
    for column in columns {
        text += &comment("    ", &words::of_type(&column.type_name, &column.schema));
        let rust = type_of(&Shape::of(&column.schema), false);
        text += &field(&mut scope, &column.name, "column", &rust);
    }
    text + "}\n\n"
}

/// A field, with its name in JSON if that is another.
fn field(scope: &mut Scope, wire: &str, kind: &str, rust: &str) -> String {
    let [name] = scope.distinct(wire, kind, |ascii| [snake(ascii)]);
    let rename =
        if name == wire { String::new() } else { format!("    #[serde(rename = {wire:?})]\n") };
    format!("{rename}    pub {name}: {rust},\n")
}

/// The type of a parameter. A number that JSON does not have is sent as a string, and never as null.
fn param_type(param: &Param) -> String {
    type_of(&Shape::of(&param.schema), true)
}

/// The type of a value, in a row or as a parameter.
fn type_of(shape: &Shape, is_param: bool) -> String {
    if shape.null && !shape.any {
        return match &*type_of(&shape.not_null(), is_param) {
            // It has a null of its own.
            "Value" => "Value".to_owned(),
            inner => format!("Option<{inner}>"),
        };
    }
    let elements = || match &shape.list {
        Some(list) => type_of(list, is_param),
        None => "Value".to_owned(),
    };
    let (text, list) = (shape.text.is_some(), shape.list.is_some());
    match shape.kinds() {
        _ if shape.any => "Value".to_owned(),
        2 if shape.is_large_integer() => "Integer".to_owned(),
        2 if shape.is_float() => "Float".to_owned(),
        2 if is_param && shape.number && text => "Number".to_owned(),
        2 if text && list => format!("Array<{}>", elements()),
        1 if shape.boolean => "bool".to_owned(),
        1 if shape.number && is_param => "Float".to_owned(),
        1 if shape.number => "f64".to_owned(),
        1 if shape.integer => "i64".to_owned(),
        1 if text => "String".to_owned(),
        1 if list && shape.nested => format!("Array<{}>", elements()),
        1 if list => format!("Vec<{}>", elements()),
        1 if shape.object => "Map<String, Value>".to_owned(),
        _ => "Value".to_owned(),
    }
}

/// A comment for rustdoc, in which nothing is a link or HTML.
fn comment(indent: &str, lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{}", format!("{indent}/// {}", escaped(line)).trim_end());
    }
    text
}

fn escaped(line: &str) -> String {
    line.replace('[', "\\[").replace('<', "\\<")
}
