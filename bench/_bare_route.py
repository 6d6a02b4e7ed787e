"""What a webhook costs at the least: a bare Flask route, the HMAC, one INSERT through a psycopg pool.

Run as a program it makes its table.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time

import psycopg
from flask import Flask, request
from psycopg_pool import ConnectionPool

TABLE = "CREATE TABLE bare_event (id text PRIMARY KEY, type text NOT NULL, body text NOT NULL)"
INSERT = "INSERT INTO bare_event (id, type, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
DATABASE, SECRET = os.environ["DATABASE_URL"], os.environ["STRIPE_WEBHOOK_SECRET"].encode()
THREADS, TOLERANCE = 4, 300

app = Flask(__name__)
pool = ConnectionPool(DATABASE, min_size=THREADS, max_size=THREADS, kwargs={"autocommit": True}, open=False)


@app.post("/webhooks/stripe")
def stripe() -> tuple[dict[str, str], int]:
    body = request.get_data()
    signed = dict(part.split("=", 1) for part in request.headers["Stripe-Signature"].split(","))
    mac = hmac.new(SECRET, signed["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mac, signed["v1"]) or abs(time.time() - int(signed["t"])) > TOLERANCE:
        return {"error": "forged"}, 400
    event = json.loads(body)
    with pool.connection() as connection:
        stored = connection.execute(INSERT, (event["id"], event["type"], body.decode()))
    return {"status": "success" if stored.rowcount else "already_processed"}, 200


if __name__ == "__main__":
    with psycopg.connect(DATABASE, autocommit=True) as connection:
        connection.execute(TABLE)
else:
    pool.open()
