// Uses the client of the test's statements on any engine.
import assert from "node:assert/strict";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  FunctionError,
  type Invoke,
  UnexpectedAnswer,
  addItem,
  echo,
  exact,
  items,
  purgeItems,
  readAnswer,
  run,
  runTransaction,
  slow,
  twice,
} from "./client.ts";

// As the client's head shows them.
const url = process.env["INVOKE_URL"] ?? "";
const headers = { "content-type": "application/json" };
const byFetch: Invoke = async (event) => {
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(event) });
  return answer.json();
};
const lambda = new LambdaClient({});
const FunctionName = process.env["FUNCTION_NAME"];
const bySdk: Invoke = async (event) => {
  const Payload = JSON.stringify(event);
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload }));
  return JSON.parse(new TextDecoder().decode(answer.Payload));
};

for (const invoke of [byFetch, bySdk]) {
  const answer = await run(invoke, items());
  const names: (string | null)[] = answer.rows.map((row) => row.name);
  assert.deepEqual(names, ["first", "second", "third"]);
  assert.equal(answer.row_count, 3);
  assert.equal(typeof answer.connection.reused, "boolean");
}
const invoke = byFetch;

// A write, twice: the second is an error, with the function's own type.
assert.equal((await run(invoke, addItem({ id: 4, name: "fourth" }))).rows_affected, 1);
const refused = run(invoke, addItem({ id: 4, name: "again" }));
await assert.rejects(refused, (error) => {
  assert(error instanceof FunctionError);
  assert.equal(error.errorType, "Query");
  assert.match(error.message, /^Query: /);
  return true;
});

// An exclusive statement may be skipped.
const purged = await run(invoke, purgeItems({ above: 3n }));
assert(!purged.skipped);
assert.equal(purged.rows_affected, 1);
const deadline = Date.now() + 60_000;
let skipped = 0;
while (skipped === 0) {
  assert(Date.now() < deadline, "no run was skipped");
  const answers = await Promise.all([run(invoke, slow()), run(invoke, slow())]);
  for (const answer of answers) {
    if (answer.skipped) {
      assert.equal(answer.statement, "slow");
      assert.notEqual(answer.reason, "");
      skipped += 1;
    } else {
      assert.equal(answer.rows[0]?.one, 1);
    }
  }
}

// All digits arrive, whatever they are sent as.
for (const number of [9007199254740993n, "9007199254740993"]) {
  const answer = await run(invoke, echo({ number, class: "a'b\\c" }));
  assert.equal(String(answer.rows[0]?.number), "9007199254740993");
  assert.equal(answer.rows[0]?.class, "a'b\\c");
}
const small = await run(invoke, echo({ number: -7, class: null }));
assert.deepEqual(small.rows, [{ number: -7, class: null }]);
assert.throws(() => echo({ number: 2 ** 53 + 2, class: "" }), RangeError);
assert.throws(() => echo({ number: 0.5, class: "" }), RangeError);
const doubled = await run(invoke, twice([21, "word"]));
assert.equal(Number(doubled.rows[0]?.["2 times"]), 42);

// The values of docs/TYPES.md, under names that are no identifiers.
const row = (await run(invoke, exact())).rows[0];
assert(row);
const total: number | string | null = row["order-total"];
assert.equal(BigInt(total ?? 0), 9007199254740993n);
assert.equal(BigInt(row.type ?? 0), 7n);
const amount: string | null = row["größe"];
assert.equal(amount, "12345678901234567890.10");
assert.equal(row.bytes, "/w==");
assert.equal(row.at, "2024-02-29T12:34:56");
assert.equal(row.nothing, null);

// All or none.
const both = await runTransaction(invoke, addItem({ id: 5, name: "fifth" }), items());
assert(!both.skipped);
const [added, read] = both.transaction;
assert.equal(added.rows_affected, 1);
assert.equal(read.rows.at(-1)?.name, "fifth");
await assert.rejects(
  runTransaction(invoke, addItem({ id: 6, name: "sixth" }), addItem({ id: 5, name: "again" })),
  FunctionError,
);
assert.equal((await run(invoke, items())).rows.length, 4);

// Another deployment than the client was written from.
assert.throws(() => readAnswer(items(), null), UnexpectedAnswer);
assert.throws(() => readAnswer(items(), { ...both.transaction[0] }), UnexpectedAnswer);
const renamed = { ...read, columns: [{ name: "id", type: "int4" }] };
assert.throws(() => readAnswer(items(), renamed), /"items" returns no column "name"/);
assert.throws(
  () => readAnswer(items(), { errorMessage: "Task timed out after 3.00 seconds" }),
  (error) => error instanceof FunctionError && error.errorType === "Error",
);

console.log("done");
