"""Everything that SQLite does to the files of one database, written down while it happens.

SQLite reaches the disk through a table of functions (its VFS). Here a copy of that table becomes the default one of
the process, in which opening, writing, truncating, syncing and deleting are noted and passed on. It is the very
library that Python's own ``sqlite3`` is linked to, so whatever the application does goes through it.
Source: https://www.sqlite.org/vfs.html
"""

import _sqlite3
import ctypes
import sqlite3
import threading
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast, string_at
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults.disks import Deleted, Noted, Opened, Step, Synced, Truncated, Wrote

IO_ERROR = 10  # SQLITE_IOERR

XOpen = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)  # vfs, name, file, flags, flags as opened
XDelete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)  # vfs, name, whether to sync the folder
XClose = CFUNCTYPE(c_int, c_void_p)  # file
XWrite = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)  # file, data, length, offset
XTruncate = CFUNCTYPE(c_int, c_void_p, c_int64)  # file, size
XSync = CFUNCTYPE(c_int, c_void_p, c_int)  # file, flags


class _Vfs(Structure):
    """``sqlite3_vfs``: what does not interest us is a pointer that is passed on."""

    _fields_ = (
        ("version", c_int),
        ("size_of_file", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", XOpen),
        ("delete", XDelete),
        *((f"rest_{n}", c_void_p) for n in range(14)),
    )


class _Methods(Structure):
    """``sqlite3_io_methods``: what can be done to an open file."""

    _fields_ = (
        ("version", c_int),
        ("close", XClose),
        ("read", c_void_p),
        ("write", XWrite),
        ("truncate", XTruncate),
        ("sync", XSync),
        *((f"rest_{n}", c_void_p) for n in range(13)),
    )


class _File(Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


class Unreachable(Exception):
    """Python's SQLite cannot be reached from outside, as when it is built into the interpreter without its names."""


class Recording:
    """The steps done to ``database`` and the files beside it, in the order in which they happened."""

    def __init__(self, database: Path) -> None:
        self.steps: list[Step] = []
        self._prefix = str(database)
        self._lock = threading.RLock()
        self._files: dict[int, int] = {}  # SQLite's handle to our number of the file
        self._named: dict[str, int] = {}
        self._numbers = count()
        self._tables: dict[int, _Methods] = {}
        self._library = _library()
        self._original: Any = self._library.sqlite3_vfs_find(None).contents

    def begin(self) -> None:
        """Record from now on, and for the rest of this process's life."""
        original = self._original
        self._own = _Vfs.from_buffer_copy(original)
        self._own.name = b"recording"
        self._own.open = XOpen(self._guarded(self._open))
        self._own.delete = XDelete(self._guarded(self._delete))
        if self._library.sqlite3_vfs_register(ctypes.byref(self._own), 1):
            raise Unreachable("SQLite takes no VFS.")

    def note(self, what: str, index: int = 0) -> None:
        """Remember that something was known now."""
        with self._lock:
            self.steps.append(Noted(what, index))

    def _guarded(self, step: Callable[..., int]) -> Callable[..., int]:
        """One step at a time, so that the record has them in the order in which they happened."""

        def one(*given: Any) -> int:
            try:
                with self._lock:
                    return step(*given)
            except Exception:
                return IO_ERROR  # an exception cannot pass through C: the application sees a broken disk

        return one

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out_flags: int | None) -> int:
        code: int = self._original.open(ctypes.addressof(self._original), name, file, flags, out_flags)
        path = string_at(name).decode() if name else ""
        if code == 0 and path.startswith(self._prefix):
            self._files[file] = self._number_of(path)
            opened = cast(file, POINTER(_File)).contents
            opened.methods = ctypes.pointer(self._table_like(opened.methods))
        return code

    def _number_of(self, path: str) -> int:
        """The file that a name leads to. What is in it when it is first met has been there for long."""
        if path not in self._named:
            self._named[path] = number = next(self._numbers)
            self.steps.append(Opened(path, number))
            content = Path(path).read_bytes()
            if content:
                self.steps += [Wrote(number, 0, content), Synced(number)]
        return self._named[path]

    def _delete(self, _vfs: int, name: bytes, sync_folder: int) -> int:
        code: int = self._original.delete(ctypes.addressof(self._original), name, sync_folder)
        if code == 0 and self._named.pop(name.decode(), None) is not None:
            self.steps.append(Deleted(name.decode(), bool(sync_folder)))
        return code

    def _table_like(self, theirs: Any) -> _Methods:
        address = ctypes.addressof(theirs.contents)
        if address not in self._tables:
            own, original = _Methods.from_buffer_copy(theirs.contents), theirs.contents

            def close(file: int) -> int:
                self._files.pop(file, None)
                return int(original.close(file))

            def write(file: int, data: int, length: int, offset: int) -> int:
                code = int(original.write(file, data, length, offset))
                self.steps.append(Wrote(self._files[file], offset, string_at(data, length)))
                return code

            def truncate(file: int, size: int) -> int:
                code = int(original.truncate(file, size))
                self.steps.append(Truncated(self._files[file], size))
                return code

            def sync(file: int, flags: int) -> int:
                code = int(original.sync(file, flags))
                self.steps.append(Synced(self._files[file]))
                return code

            own.close, own.write = XClose(self._guarded(close)), XWrite(self._guarded(write))
            own.truncate, own.sync = XTruncate(self._guarded(truncate)), XSync(self._guarded(sync))
            self._tables[address] = own
        return self._tables[address]


def is_reachable() -> bool:
    """Whether the functions of Python's SQLite can be found by their names, and are those that it uses."""
    try:
        library = _library()
    except Unreachable:
        return False
    library.sqlite3_libversion.restype = c_char_p
    return bool(library.sqlite3_libversion() == sqlite3.sqlite_version.encode())


def _library() -> Any:
    try:
        library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        library.sqlite3_vfs_find.argtypes = (c_char_p,)
        library.sqlite3_vfs_register.argtypes = (c_void_p, c_int)
    except (OSError, AttributeError) as error:
        raise Unreachable(str(error)) from error
    return library
