// Adds an item and reads all items, through the function that `cargo xtask local --port 9000` serves.
import { type Invoke, FunctionError, addItem, items, purgeItems, run, runTransaction } from "./client.ts";

const endpoint = process.env["ENDPOINT"] ?? "http://127.0.0.1:9000";
const url = `${endpoint}/2015-03-31/functions/postgres-function/invocations`;
const headers = { "content-type": "application/json" };
const invoke: Invoke = async (event) => {
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(event) });
  return answer.json();
};

const both = await runTransaction(invoke, addItem({ id: 4, name: "fourth" }), items());
for (const { id, name } of both.transaction[1].rows) {
  console.log(id, name);
}

try {
  await run(invoke, addItem({ id: 4, name: "again" }));
} catch (error) {
  console.log(error instanceof FunctionError ? error.errorType : error);
}

// An exclusive statement is skipped while another run is in progress.
const purged = await run(invoke, purgeItems({ above: 3 }));
console.log(purged.skipped ? purged.reason : purged.rows_affected);
