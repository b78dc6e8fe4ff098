// A typed client of a function for PostgreSQL, written by `cargo xtask describe --typescript`. Do not edit it.
//
//     const answer = await run(invoke, STATEMENT(PARAMS));
//     const answer = await runTransaction(invoke, STATEMENT(PARAMS), STATEMENT(PARAMS));
//
// `invoke` sends an event. With @aws-sdk/client-lambda:
//
//     const lambda = new LambdaClient({});
//     const invoke: Invoke = async (event) => {
//       const Payload = JSON.stringify(event);
//       const answer = await lambda.send(new InvokeCommand({ FunctionName: "postgres-function", Payload }));
//       return JSON.parse(new TextDecoder().decode(answer.Payload));
//     };
//
// With the function that `cargo xtask local --port 9000` serves:
//
//     const url = "http://127.0.0.1:9000/2015-03-31/functions/postgres-function/invocations";
//     const headers = { "content-type": "application/json" };
//     const invoke: Invoke = async (event) => {
//       const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(event) });
//       return answer.json();
//     };
//
// An integer that a number does not hold exactly is a string of digits; BigInt() takes both.

/* eslint-disable */

/** The parameters of "add-item". */
export type AddItemParams = {
  /** the new item's number (`int4`) */
  readonly id: number | bigint | string;
  /** its name, of at most 255 characters (`varchar`) */
  readonly name: string;
};

/** The event of "add-item". */
export interface AddItemEvent {
  readonly statement: "add-item";
  readonly params: {
    readonly id: number | string;
    readonly name: string;
  };
}

/** A row of "add-item". */
export interface AddItemRow {
  /** `int4` */
  id: number | null;
  /** `varchar` */
  name: string | null;
}

/**
 * Adds an item: {"statement": "add-item", "params": {"id": 4, "name": "fourth"}}
 *
 * Writes, at most 5000 ms.
 */
export function addItem(params: AddItemParams): AddItemEvent {
  return { statement: "add-item", params: { id: numeric(params["id"], true, true), name: params["name"] } };
}

/** The event of "items". */
export interface ItemsEvent {
  readonly statement: "items";
}

/** A row of "items". */
export interface ItemsRow {
  /** `int4` */
  id: number | null;
  /** `varchar` */
  name: string | null;
}

/**
 * Every item.
 *
 * Reads only.
 */
export function items(): ItemsEvent {
  return { statement: "items" };
}

/** The parameters of "purge-items". */
export type PurgeItemsParams = {
  /** the highest id that stays (`int4`) */
  readonly above: number | bigint | string;
};

/** The event of "purge-items". */
export interface PurgeItemsEvent {
  readonly statement: "purge-items";
  readonly params: {
    readonly above: number | string;
  };
}

/** A row of "purge-items". */
export interface PurgeItemsRow {}

/**
 * Removes the items above an id: {"statement": "purge-items", "params": {"above": 3}}
 * One run at a time: a second one that starts meanwhile is skipped, and says so.
 *
 * Writes, one run at a time, at most 30000 ms.
 * A schedule runs it: `cron(0 4 * * ? *)`, Europe/Berlin.
 */
export function purgeItems(params: PurgeItemsParams): PurgeItemsEvent {
  return { statement: "purge-items", params: { above: numeric(params["above"], true, true) } };
}

/** The statements, by the names that events have. */
export interface Statements {
  "add-item": { event: AddItemEvent; row: AddItemRow; exclusive: false };
  items: { event: ItemsEvent; row: ItemsRow; exclusive: false };
  "purge-items": { event: PurgeItemsEvent; row: PurgeItemsRow; exclusive: true };
}

/** The columns that each statement returns. */
const expectedColumns: { readonly [N in StatementName]: readonly string[] } = {
  "add-item": ["id", "name"],
  items: ["id", "name"],
  "purge-items": [],
};

/** Sends an event to the function, and returns the function's answer, read from JSON. */
export type Invoke = (event: StatementEvent | TransactionEvent) => Promise<unknown>;

/** The name of a statement. */
export type StatementName = keyof Statements;

/** The event of a statement. */
export type StatementEvent = Statements[StatementName]["event"];

/** An event that runs statements in order: all of them, or none. */
export interface TransactionEvent<E extends readonly StatementEvent[] = readonly StatementEvent[]> {
  readonly transaction: E;
}

/** An array of PostgreSQL, which does not tell how many dimensions it has. */
export type NestedArray<T> = Array<T | NestedArray<T>>;

/** The same as a parameter. */
export type ReadonlyNestedArray<T> = ReadonlyArray<T | ReadonlyNestedArray<T>>;

/** A column of a result. */
export interface Column {
  name: string;
  type: string;
}

/** How the function got its connection. */
export interface Connection {
  reused: boolean;
  connect_ms: number;
}

/** What a procedure returned after its first rows. */
export interface ResultSet {
  columns: Column[];
  rows: Record<string, unknown>[];
  row_count: number;
}

/** What a statement returned. */
export interface StatementResult<N extends StatementName = StatementName> {
  statement: N;
  columns: Column[];
  rows: Statements[N]["row"][];
  row_count: number;
  rows_affected: number;
  /** The first number that MySQL or MariaDB generated for an inserted row. */
  last_insert_id?: number;
  more_results?: ResultSet[];
  query_ms: number;
  skipped?: undefined;
}

/** The answer for an exclusive statement that another run is executing: nothing was done. */
export interface Skipped {
  statement: StatementName;
  skipped: true;
  /** Why, for people. */
  reason: string;
  connection: Connection;
}

/** The answer to a statement's event. */
export type Answer<N extends StatementName = StatementName> =
  | (StatementResult<N> & { connection: Connection })
  | (Statements[N]["exclusive"] extends false ? never : Skipped);

/** The answer to a transaction, with one result for each statement. */
export type TransactionAnswer<E extends readonly StatementEvent[] = readonly StatementEvent[]> =
  | {
      transaction: { -readonly [I in keyof E]: StatementResult<E[I]["statement"]> };
      connection: Connection;
      skipped?: undefined;
    }
  | (Statements[E[number]["statement"]]["exclusive"] extends false ? never : Skipped);

/** The types of the function's errors. Lambda adds its own, such as `Sandbox.Timedout`. */
export type ErrorType =
  | "Settings"
  | "Event"
  | "Statement"
  | "Credentials"
  | "Connect.Dns"
  | "Connect.Tcp"
  | "Connect.Tls"
  | "Login.Denied"
  | "Login.Refused"
  | "Query"
  | "Query.Transient"
  | "ServerReadOnly"
  | "ConnectionLost"
  | "Timeout"
  | "OutcomeUnknown"
  | "ResultTooLarge"
  | "Internal"
  | (string & {});

/** The function failed. `Query.Transient` may be sent again; `OutcomeUnknown` must not. */
export class FunctionError extends Error {
  readonly errorType: ErrorType;

  constructor(errorType: ErrorType, message: string) {
    super(`${errorType}: ${message}`);
    this.name = "FunctionError";
    this.errorType = errorType;
  }
}

/** The answer is none that this client knows: the deployed statements are not those it was written from. */
export class UnexpectedAnswer extends Error {
  constructor(message: string) {
    super(`${message}; write this client anew with \`cargo xtask describe\``);
    this.name = "UnexpectedAnswer";
  }
}

/**
 * Runs a statement.
 *
 * @throws FunctionError when the function fails, UnexpectedAnswer when its statements are others now
 */
export async function run<E extends StatementEvent>(
  invoke: Invoke,
  event: E,
): Promise<Answer<E["statement"]>> {
  return readAnswer(event, await invoke(event));
}

/**
 * Runs statements in order: all of them, or none.
 *
 * @throws FunctionError when the function fails, UnexpectedAnswer when its statements are others now
 */
export async function runTransaction<E extends readonly StatementEvent[]>(
  invoke: Invoke,
  ...events: E
): Promise<TransactionAnswer<E>> {
  const event = transaction(...events);
  return readTransactionAnswer(event, await invoke(event));
}

/** The event that runs statements in order: all of them, or none. */
export function transaction<E extends readonly StatementEvent[]>(...events: E): TransactionEvent<E> {
  return { transaction: events };
}

/** Reads the answer to a statement's event, as `run` does. */
export function readAnswer<E extends StatementEvent>(
  event: E,
  answer: unknown,
): Answer<E["statement"]> {
  const fields = fieldsOf(answer);
  if (fields["skipped"] !== true) {
    checkResult(event, fields);
  }
  return answer as Answer<E["statement"]>;
}

/** Reads the answer to a transaction, as `runTransaction` does. */
export function readTransactionAnswer<E extends readonly StatementEvent[]>(
  event: TransactionEvent<E>,
  answer: unknown,
): TransactionAnswer<E> {
  const fields = fieldsOf(answer);
  if (fields["skipped"] !== true) {
    const results: unknown = fields["transaction"];
    if (!Array.isArray(results) || results.length !== event.transaction.length) {
      throw new UnexpectedAnswer(`the answer has no ${event.transaction.length} results`);
    }
    event.transaction.forEach((step, index) => checkResult(step, fieldsOf(results[index])));
  }
  return answer as TransactionAnswer<E>;
}

/** The fields of an answer that is not an error. */
function fieldsOf(answer: unknown): Record<string, unknown> {
  if (typeof answer !== "object" || answer === null) {
    throw new UnexpectedAnswer("the answer is not an object");
  }
  const fields = answer as Record<string, unknown>;
  if (typeof fields["errorMessage"] === "string") {
    const { errorType = "Error", errorMessage } = fields;
    throw new FunctionError(String(errorType), errorMessage);
  }
  return fields;
}

/** Checks that a result is the statement's, with all columns of its type. */
function checkResult(event: StatementEvent, result: Record<string, unknown>): void {
  const { statement, columns, rows } = result;
  if (statement !== event.statement || !Array.isArray(columns) || !Array.isArray(rows)) {
    throw new UnexpectedAnswer(`the answer has no result of ${JSON.stringify(event.statement)}`);
  }
  const names = new Set(columns.map((column: Column) => column.name));
  const missing = expectedColumns[event.statement].filter((name) => !names.has(name));
  if (missing.length > 0) {
    const [statement, column] = [event.statement, missing[0]].map((name) => JSON.stringify(name));
    throw new UnexpectedAnswer(`the statement ${statement} returns no column ${column}`);
  }
}

/**
 * A number as JSON has it. Without this, JSON would silently change the numbers that it cannot hold.
 *
 * @throws RangeError when its digits are lost already, or when it is not finite and must be
 */
function numeric<T>(value: unknown, isInteger: boolean, takesText: boolean): T {
  if (Array.isArray(value)) {
    return value.map((element) => numeric<unknown>(element, isInteger, takesText)) as T;
  }
  if (typeof value === "bigint") {
    return String(value) as T;
  }
  if (typeof value === "number" && isInteger && !Number.isSafeInteger(value)) {
    throw new RangeError(`${value} is not an integer that a number holds exactly`);
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    if (!takesText) {
      throw new RangeError(`JSON has no number ${value}`);
    }
    return String(value) as T;
  }
  return value as T;
}
