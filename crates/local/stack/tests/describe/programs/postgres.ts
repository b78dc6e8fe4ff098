// Uses what PostgreSQL alone has.
import assert from "node:assert/strict";
import { type Invoke, type NestedArray, arrays, run } from "./client.ts";

const url = process.env["INVOKE_URL"] ?? "";
const headers = { "content-type": "application/json" };
const invoke: Invoke = async (event) => {
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(event) });
  return answer.json();
};

const row = (await run(invoke, arrays([[1, null, 3], NaN]))).rows[0];
assert(row);
const list: NestedArray<number | null> | string | null = row.list;
assert.deepEqual(list, [1, null, 3]);
assert.deepEqual(row.nested, [[1], [null]]);
assert.equal(row.bounded, "[0:0]={1}");
assert.equal(row.nan, "NaN");
assert.equal(row.number, "NaN");
assert.deepEqual(row.document, { a: [1] });

const deep = await run(invoke, arrays([[[1], [2]], 0.1]));
assert.deepEqual(deep.rows[0]?.list, [[1], [2]]);
assert.equal(deep.rows[0]?.number, 0.1);

console.log("done");
