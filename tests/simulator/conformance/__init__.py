"""What the installed library says of requests and objects, turned on the simulator. See `__main__` to renew files."""
