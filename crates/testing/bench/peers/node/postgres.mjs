// A function in front of PostgreSQL: its connection is opened when it initializes, and used by every event.

import pg from "pg";
import { ca, database, dialled, host, statements, token, user } from "./database.mjs";

const client = new pg.Client({
  ...dialled,
  user,
  database,
  password: await token(),
  // The name that is verified.
  ssl: { ca, servername: host },
});
await client.connect();

export async function handler({ statement }) {
  const { rows } = await client.query(statements[statement]);
  return { rows };
}
