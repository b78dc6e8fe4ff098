"""Logs in to RDS with IAM tokens, as an application does: `python app.py` prints its items."""

import os
from dataclasses import dataclass

import boto3
import psycopg
import pymysql


@dataclass
class Database:
    """What a token is signed for, and whom to trust."""

    engine: str
    host: str
    port: int
    region: str
    user: str
    name: str
    ca_bundle: str

    @classmethod
    def from_environment(cls):
        names = {"engine", "host", "region", "user", "name", "ca_bundle"}
        values = {name: os.environ[f"DB_{name.upper()}"] for name in names}
        return cls(port=int(os.environ["DB_PORT"]), **values)


def token(database):
    """A token is valid for 15 minutes, and made without a request: sign one for each connection."""
    rds = boto3.client("rds", region_name=database.region)
    return rds.generate_db_auth_token(
        DBHostname=database.host, Port=database.port, DBUsername=database.user
    )


def connect(database):
    """A connection over TLS that verifies the server before it sends the token."""
    if database.engine == "postgres":
        return psycopg.connect(
            host=database.host,
            port=database.port,
            user=database.user,
            password=token(database),
            dbname=database.name,
            sslmode="verify-full",
            sslrootcert=database.ca_bundle,
        )
    return pymysql.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=token(database),
        database=database.name,
        ssl_ca=database.ca_bundle,
        ssl_verify_cert=True,
        ssl_verify_identity=True,
    )


def items(database):
    """The names of the items."""
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT name FROM items ORDER BY id")
        return [name for (name,) in cursor.fetchall()]


if __name__ == "__main__":
    print(*items(Database.from_environment()), sep="\n")
