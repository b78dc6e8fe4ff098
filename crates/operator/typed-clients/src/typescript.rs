//! A client in TypeScript. Its types can be erased: Node runs it as it is.

use std::fmt::Write as _;

use crate::description::{Description, Param, Statement};
use crate::names::{Scope, camel, pascal};
use crate::shape::{Shape, Text};
use crate::words;

/// What is the same in every client with statements.
const RUNTIME: &str = include_str!("typescript/runtime.ts");

/// What clients have whose parameters are numbers.
const NUMERIC: &str = include_str!("typescript/numeric.ts");

/// The words of the language, the names in [`RUNTIME`] and [`NUMERIC`], and those that it takes from JavaScript.
const RESERVED: &[&str] = &[
    // The language.
    "abstract",
    "any",
    "arguments",
    "as",
    "asserts",
    "async",
    "await",
    "bigint",
    "boolean",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "constructor",
    "continue",
    "debugger",
    "declare",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "get",
    "global",
    "if",
    "implements",
    "import",
    "in",
    "infer",
    "instanceof",
    "interface",
    "is",
    "keyof",
    "let",
    "module",
    "namespace",
    "never",
    "new",
    "null",
    "number",
    "object",
    "of",
    "override",
    "package",
    "private",
    "protected",
    "public",
    "readonly",
    "require",
    "return",
    "satisfies",
    "set",
    "static",
    "string",
    "super",
    "switch",
    "symbol",
    "this",
    "throw",
    "true",
    "try",
    "type",
    "typeof",
    "undefined",
    "unique",
    "unknown",
    "using",
    "var",
    "void",
    "while",
    "with",
    "yield",
    // JavaScript's own.
    "isFinite",
    "isNaN",
    "Array",
    "Error",
    "Infinity",
    "JSON",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "RangeError",
    "ReadonlyArray",
    "Record",
    "Set",
    "String",
    // The runtime.
    "checkResult",
    "expectedColumns",
    "fieldsOf",
    "numeric",
    "readAnswer",
    "readTransactionAnswer",
    "run",
    "runTransaction",
    "transaction",
    "Answer",
    "Column",
    "Connection",
    "ErrorType",
    "FunctionError",
    "NestedArray",
    "ReadonlyNestedArray",
    "Invoke",
    "ResultSet",
    "Skipped",
    "StatementEvent",
    "StatementName",
    "StatementResult",
    "Statements",
    "TransactionAnswer",
    "TransactionEvent",
    "UnexpectedAnswer",
];

/// Where a value stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// In a row.
    Row,
    /// In an event.
    Event,
    /// In what a caller passes.
    Params,
}

/// A statement with its identifiers.
struct Named<'a> {
    statement: &'a Statement,
    function: String,
    event: String,
    params: String,
    row: String,
}

/// The module.
pub(crate) fn client(description: &Description, command: &str) -> String {
    let mut scope = Scope::new(RESERVED);
    let named: Vec<_> = description.good().map(|statement| name(statement, &mut scope)).collect();
    let mut text = head(description, command);
    if named.is_empty() {
        return text + "export {};\n";
    }
    for named in &named {
        text += &one(named);
    }
    text = text + &all(&named) + RUNTIME;
    // A parameter may be left out of the event: the compiler refuses a function that nobody calls.
    if named.iter().any(|named| params_value(named.statement).contains("numeric(")) {
        text = text + "\n" + NUMERIC;
    }
    text
}

fn name<'a>(statement: &'a Statement, scope: &mut Scope) -> Named<'a> {
    let [function, event, params, row] = scope.distinct(&statement.name, "statement", |ascii| {
        let of = |suffix: &str| format!("{}{suffix}", pascal(ascii));
        [camel(ascii), of("Event"), of("Params"), of("Row")]
    });
    Named { statement, function, event, params, row }
}

fn head(description: &Description, command: &str) -> String {
    let function = match description.engine.as_str() {
        "mysql" | "mariadb" => "mysql-function",
        _ => "postgres-function",
    };
    let mut text = format!(
        r#"// A typed client of a function for {engine}, written by `{command}`. Do not edit it.
//
//     const answer = await run(invoke, STATEMENT(PARAMS));
//     const answer = await runTransaction(invoke, STATEMENT(PARAMS), STATEMENT(PARAMS));
//
// `invoke` sends an event. With @aws-sdk/client-lambda:
//
//     const lambda = new LambdaClient({{}});
//     const invoke: Invoke = async (event) => {{
//       const Payload = JSON.stringify(event);
//       const answer = await lambda.send(new InvokeCommand({{ FunctionName: "{function}", Payload }}));
//       return JSON.parse(new TextDecoder().decode(answer.Payload));
//     }};
//
// With the function that `cargo xtask local --port 9000` serves:
//
//     const url = "http://127.0.0.1:9000/2015-03-31/functions/{function}/invocations";
//     const headers = {{ "content-type": "application/json" }};
//     const invoke: Invoke = async (event) => {{
//       const answer = await fetch(url, {{ method: "POST", headers, body: JSON.stringify(event) }});
//       return answer.json();
//     }};
//
// An integer that a number does not hold exactly is a string of digits; BigInt() takes both.
"#,
        engine = one_line(description.engine_title()),
        command = one_line(command),
    );
    let left_out = words::left_out(description);
    if !left_out.is_empty() {
        text += "//\n";
    }
    for line in left_out {
        let _ = writeln!(text, "{}", format!("// {line}").trim_end());
    }
    text + "\n/* eslint-disable */\n\n"
}

/// What belongs to one statement.
fn one(named: &Named<'_>) -> String {
    let Named { statement, function, event, params, row } = named;
    let wire = words::json_string(&statement.name);
    let mut text = String::new();

    let takes_params = !statement.params.is_empty();
    if takes_params {
        text += &comment("", &[format!("The parameters of {wire}.")]);
        let _ =
            writeln!(text, "export type {params} = {};\n", params_type(statement, Place::Params));
    }
    text += &comment("", &[format!("The event of {wire}.")]);
    let _ = writeln!(text, "export interface {event} {{\n  readonly statement: {wire};");
    if takes_params {
        let _ = writeln!(text, "  readonly params: {};", params_type(statement, Place::Event));
    }
    text += "}\n\n";

    text += &comment("", &[format!("A row of {wire}.")]);
    match &statement.columns {
        None => {
            let _ = writeln!(text, "export type {row} = Record<string, unknown>;\n");
        }
        Some(columns) if columns.is_empty() => {
            let _ = writeln!(text, "export interface {row} {{}}\n");
        }
        Some(columns) => {
            let _ = writeln!(text, "export interface {row} {{");
            for column in columns {
                text += &comment("  ", &words::of_type(&column.type_name, &column.schema));
                let shape = Shape::of(&column.schema);
                let _ = writeln!(text, "  {}: {};", key(&column.name), type_of(&shape, Place::Row));
            }
            text += "}\n\n";
        }
    }

    text += &comment("", &words::of_statement(statement));
    let (argument, value) = match takes_params {
        true => (format!("params: {params}"), format!(", params: {}", params_value(statement))),
        false => Default::default(),
    };
    let _ = writeln!(text, "export function {function}({argument}): {event} {{");
    let _ = writeln!(text, "  return {{ statement: {wire}{value} }};\n}}\n");
    text
}

/// What names all statements.
fn all(named: &[Named<'_>]) -> String {
    let mut text = comment("", &["The statements, by the names that events have.".to_owned()]);
    text += "export interface Statements {\n";
    for Named { statement, event, row, .. } in named {
        let (name, exclusive) = (key(&statement.name), statement.exclusive);
        let _ =
            writeln!(text, "  {name}: {{ event: {event}; row: {row}; exclusive: {exclusive} }};");
    }
    text += "}\n\n";
    text += &comment("", &["The columns that each statement returns.".to_owned()]);
    text += "const expectedColumns: { readonly [N in StatementName]: readonly string[] } = {\n";
    for Named { statement, .. } in named {
        let columns = statement.columns.iter().flatten();
        let columns: Vec<_> = columns.map(|column| words::json_string(&column.name)).collect();
        let _ = writeln!(text, "  {}: [{}],", literal_key(&statement.name), columns.join(", "));
    }
    text + "};\n\n"
}

/// The type of the parameters: an object if they have names, and else a tuple.
fn params_type(statement: &Statement, place: Place) -> String {
    let type_of = |param: &Param| type_of(&Shape::of(&param.schema), place);
    match statement.named_params() {
        Some(named) => {
            let mut text = "{\n".to_owned();
            let indent = if place == Place::Event { "    " } else { "  " };
            for (name, param) in named {
                if place == Place::Params {
                    text += &comment(indent, &words::of_param(param));
                }
                let _ = writeln!(text, "{indent}readonly {}: {};", key(name), type_of(param));
            }
            text + &indent[2..] + "}"
        }
        None => {
            let types: Vec<_> = statement.params.iter().map(type_of).collect();
            format!("readonly [{}]", types.join(", "))
        }
    }
}

/// The parameters of an event, from those of the caller.
fn params_value(statement: &Statement) -> String {
    let value = |param: &Param, access: String| match numbers(&Shape::of(&param.schema)) {
        None => access,
        Some(Numbers { are_integers, take_text }) => {
            format!("numeric({access}, {are_integers}, {take_text})")
        }
    };
    match statement.named_params() {
        Some(named) => {
            let fields = named.into_iter().map(|(name, param)| {
                let access = format!("params[{}]", words::json_string(name));
                format!("{}: {}", literal_key(name), value(param, access))
            });
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        None => {
            let values = statement.params.iter().enumerate();
            let values = values.map(|(at, param)| value(param, format!("params[{at}]")));
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The numbers that a value may be or hold.
struct Numbers {
    are_integers: bool,
    /// A string is allowed in place of a number.
    take_text: bool,
}

fn numbers(shape: &Shape) -> Option<Numbers> {
    let own = (shape.integer || shape.number)
        .then(|| Numbers { are_integers: !shape.number, take_text: shape.text.is_some() });
    match (own, shape.list.as_deref().and_then(numbers)) {
        (Some(own), Some(inner)) => Some(Numbers {
            are_integers: own.are_integers && inner.are_integers,
            take_text: own.take_text || inner.take_text,
        }),
        (own, inner) => own.or(inner),
    }
}

/// The type of a value.
fn type_of(shape: &Shape, place: Place) -> String {
    if shape.any {
        return "unknown".to_owned();
    }
    let mut types = Vec::new();
    if shape.boolean {
        types.push("boolean".to_owned());
    }
    if shape.integer || shape.number {
        types.push("number".to_owned());
    }
    if shape.is_large_integer() && place == Place::Params {
        types.push("bigint".to_owned());
    }
    match &shape.text {
        Some(Text::Words(all)) => types.extend(all.iter().map(|word| words::json_string(word))),
        Some(Text::NotFinite) if place != Place::Event => {
            types.extend(["NaN", "Infinity", "-Infinity"].map(words::json_string));
        }
        Some(_) => types.push("string".to_owned()),
        None => {}
    }
    if let Some(elements) = &shape.list {
        let array = match (place, shape.nested) {
            (Place::Row, false) => "Array",
            (Place::Row, true) => "NestedArray",
            (_, false) => "ReadonlyArray",
            (_, true) => "ReadonlyNestedArray",
        };
        types.push(format!("{array}<{}>", type_of(elements, place)));
    }
    if shape.object {
        types.push("Record<string, unknown>".to_owned());
    }
    if shape.null {
        types.push("null".to_owned());
    }
    if types.is_empty() { "never".to_owned() } else { types.join(" | ") }
}

/// A property's name in a type.
fn key(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain { name.to_owned() } else { words::json_string(name) }
}

/// A property's name in an object. `__proto__` would set the object's prototype.
fn literal_key(name: &str) -> String {
    if name == "__proto__" { format!("[{}]", words::json_string(name)) } else { key(name) }
}

/// A comment for tools and people, which nothing in it ends.
fn comment(indent: &str, lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.replace("*/", "*\\/")).collect();
    match &lines[..] {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let mut text = format!("{indent}/**\n");
            for line in lines {
                let _ = writeln!(text, "{}", format!("{indent} * {line}").trim_end());
            }
            text + indent + " */\n"
        }
    }
}

fn one_line(text: &str) -> String {
    words::lines(text).collect::<Vec<_>>().join(" ")
}
