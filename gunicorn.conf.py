"""What gunicorn does beyond its command line. It reads this file by itself, from the folder in which it is started."""

import os
from typing import Any

SLOWEST_CLIENT = float(os.environ.get("SLOWEST_CLIENT_SECONDS", "10"))


def pre_request(_worker: Any, request: Any) -> None:
    """Give up on whoever stops in the middle of a request's body: by default, each holds a thread for ever."""
    request.unreader.sock.settimeout(SLOWEST_CLIENT)
