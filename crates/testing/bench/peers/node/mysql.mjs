// A function in front of MySQL: its connection is opened when it initializes, and used by every event.

import { connect } from "node:net";
import mysql from "mysql2/promise";
import { ca, database, dialled, host, statements, token, user } from "./database.mjs";

const connection = await mysql.createConnection({
  host,
  user,
  database,
  password: await token(),
  enableCleartextPlugin: true,
  // Without verifyIdentity, mysql2 accepts any name that the CA has signed.
  ssl: { ca, verifyIdentity: true },
  // It would dial the host that it verifies; this is how it dials.
  stream: () => connect(dialled).setNoDelay(true),
});

export async function handler({ statement }) {
  const [rows] = await connection.query(statements[statement]);
  return { rows };
}
