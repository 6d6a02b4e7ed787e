"""`python -m stripe_simulator`: one process, one port, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from urllib.parse import urlsplit

from .browser import LOOPBACK_HOSTS
from .server import Heartbeat, Server
from .simulator import Simulator


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    if options.webhook_url and (urlsplit(options.webhook_url).hostname or "") not in LOOPBACK_HOSTS:
        print("The webhook URL must be on this machine.", file=sys.stderr)
        return 2
    simulator = Simulator(options.database, options.webhook_url, options.webhook_secret)
    try:
        server = Server(simulator, options.host, options.port)
    except (ValueError, OSError) as error:
        print(f"Cannot start: {error}", file=sys.stderr)
        return 2
    heartbeat = Heartbeat(simulator)
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the serving loop, which this very thread runs: ask from another one.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    heartbeat.start()
    print(f"Stripe simulator on http://{options.host}:{server.server_address[1]}", flush=True)
    server.serve_forever(poll_interval=0.1)
    heartbeat.stop()
    server.server_close()
    simulator.close()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stripe_simulator", description="A stateful stand-in for Stripe's API.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback host (default: %(default)s)")
    parser.add_argument("--port", type=int, default=12111, help="0 picks a free one (default: %(default)s)")
    parser.add_argument("--database", default=":memory:", help="an SQLite file (default: in memory)")
    parser.add_argument("--webhook-url", help="where events are posted; none: no deliveries")
    parser.add_argument("--webhook-secret", default="whsec_test", help="signs them (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
