"""A function in front of MySQL: its connection is opened when it initializes, and used by every event."""

import socket

import pymysql

from database import CA_BUNDLE, DATABASE, DIALLED_HOST, DIALLED_PORT, HOST, STATEMENTS, USER, token

connection = pymysql.connect(
    host=HOST,
    user=USER,
    password=token(),
    database=DATABASE,
    ssl_ca=CA_BUNDLE,
    ssl_verify_cert=True,
    ssl_verify_identity=True,
    # Or else all events would see the rows as the first one did.
    autocommit=True,
    cursorclass=pymysql.cursors.DictCursor,
    # It would dial the host that it verifies.
    defer_connect=True,
)
dialled = socket.create_connection((DIALLED_HOST, DIALLED_PORT))
dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
connection.connect(dialled)


def handler(event, context):
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS[event["statement"]])
        return {"rows": cursor.fetchall()}
