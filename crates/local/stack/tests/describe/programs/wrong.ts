// Each marked line is a mistake that the compiler must find.
import { type Invoke, addItem, arrays, echo, exact, items, purgeItems, run, runTransaction } from "./client.ts";

const invoke: Invoke = async () => ({});
const read = await run(invoke, items());
const purged = await run(invoke, purgeItems({ above: 1 }));
const both = await runTransaction(invoke, items(), addItem({ id: 1, name: "" }));
const total = (await run(invoke, exact())).rows[0]?.["order-total"];

items([]); // wrong: it takes no parameters
addItem({ id: 4 }); // wrong: a parameter is missing
addItem({ id: 4, name: null }); // wrong: it is not declared as nullable
addItem({ id: true, name: "" }); // wrong: the type
addItem({ id: 4, name: "", more: 1 }); // wrong: no such parameter
addItem([4, ""]); // wrong: it has names
arrays({ list: [] }); // wrong: it has none
arrays([[true], 1]); // wrong: the type of an element
echo({ number: 1 }); // wrong: a nullable parameter is not optional
read.rows[0]?.nmae; // wrong: no such column
read.rows[0]?.id.toFixed(); // wrong: it may be null
purged.rows_affected; // wrong: it may be skipped
if (!both.skipped) both.transaction[2]; // wrong: there are two statements
if (!both.skipped) both.transaction[1].rows[0]?.id; // wrong: the write returns no such column
export const lost: number | null | undefined = total; // wrong: it may be a string of digits
await run(invoke, { statement: "other" }); // wrong: no such statement
await run(invoke, { statement: "add-item" }); // wrong: without its parameters
