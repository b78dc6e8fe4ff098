// The settings, which are those of the functions, and a token.

import { readdirSync, readFileSync } from "node:fs";
import { Signer } from "@aws-sdk/rds-signer";

const env = process.env;
export const host = env.DB_HOST;
export const user = env.DB_USER;
export const database = env.DB_NAME;
export const ca = readFileSync(env.DB_CA_BUNDLE, "utf8");

/** What to dial: the name that the certificate has is another. */
const [dialledHost, dialledPort] = env.DB_CONNECT_TO.split(":");
export const dialled = { host: dialledHost, port: Number(dialledPort) };

/** By name. */
export const statements = Object.fromEntries(
  readdirSync(env.STATEMENTS_DIR).map((file) => [
    file.replace(/\.sql$/, ""),
    readFileSync(`${env.STATEMENTS_DIR}/${file}`, "utf8"),
  ]),
);

export function token() {
  const port = Number(env.DB_PORT);
  return new Signer({ hostname: host, port, username: user, region: env.AWS_REGION }).getAuthToken();
}
