"""A function in front of PostgreSQL: its connection is opened when it initializes, and used by every event."""

import psycopg
from psycopg.rows import dict_row

from database import CA_BUNDLE, DATABASE, DIALLED_HOST, DIALLED_PORT, HOST, STATEMENTS, USER, token

connection = psycopg.connect(
    # The name that is verified, and the address that is dialled.
    host=HOST,
    hostaddr=DIALLED_HOST,
    port=DIALLED_PORT,
    user=USER,
    password=token(),
    dbname=DATABASE,
    sslmode="verify-full",
    sslrootcert=CA_BUNDLE,
    # Or else a transaction would stay open from the first event on.
    autocommit=True,
    row_factory=dict_row,
)


def handler(event, context):
    return {"rows": connection.execute(STATEMENTS[event["statement"]]).fetchall()}
