"""What gunicorn does beyond its command line. It reads this file by itself, from the folder in which it is started."""

import gc
import os
from typing import Any

SLOWEST_CLIENT = float(os.environ.get("SLOWEST_CLIENT_SECONDS", "10"))


def pre_request(_worker: Any, request: Any) -> None:
    """Give up on whoever stops in the middle of a request's body: by default, each holds a thread for ever."""
    request.unreader.sock.settimeout(SLOWEST_CLIENT)


def post_worker_init(_worker: Any) -> None:
    """Take what was loaded for granted: the collector would look through all of it again and again, in vain."""
    gc.collect()
    gc.freeze()
