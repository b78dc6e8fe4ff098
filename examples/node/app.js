// Logs in to RDS with IAM tokens, as an application does: `node app.js` prints its items.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Signer } from "@aws-sdk/rds-signer";
import mysql from "mysql2/promise";
import pg from "pg";

/** What a token is signed for, and whom to trust. */
export function databaseFromEnvironment(env = process.env) {
  return {
    engine: env.DB_ENGINE,
    host: env.DB_HOST,
    port: Number(env.DB_PORT),
    region: env.DB_REGION,
    user: env.DB_USER,
    name: env.DB_NAME,
    caBundle: env.DB_CA_BUNDLE,
  };
}

/** Signs tokens, each valid for 15 minutes, without a request. */
export function tokens({ host, port, user, region }) {
  const signer = new Signer({ hostname: host, port, username: user, region });
  return () => signer.getAuthToken();
}

/** A pool whose connections verify the server, and then send a fresh token each. */
export function pool(database, token = tokens(database)) {
  const { engine, host, port, user, name } = database;
  const ca = readFileSync(database.caBundle, "utf8");
  if (engine === "postgres") {
    return new pg.Pool({ host, port, user, database: name, password: token, ssl: { ca } });
  }
  return mysql.createPool({
    host,
    port,
    user,
    database: name,
    // Without verifyIdentity, mysql2 accepts any name that the CA has signed.
    ssl: { ca, verifyIdentity: true },
    // An option `password` would be the same token for every connection.
    authPlugins: { mysql_clear_password: () => async () => Buffer.from(`${await token()}\0`) },
  });
}

/** The names of the items. */
export async function items(database, token) {
  const connections = pool(database, token);
  try {
    const result = await connections.query("SELECT name FROM items ORDER BY id");
    // mysql2 answers with rows and columns.
    const rows = result.rows ?? result[0];
    return rows.map((row) => row.name);
  } finally {
    await connections.end();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log((await items(databaseFromEnvironment())).join("\n"));
}
