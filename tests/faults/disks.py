"""A disk behind a write cache: what was synced stays; of what was written since, the power cut decides by sectors.

Harsher than most real disks: whatever a file held at any moment since its last sync can be what is found, for each
sector on its own, a sector can be torn in its middle, and a name that was not synced can be there or not. One thing is
taken for granted, as ext4, XFS and Btrfs grant it: syncing a new file also keeps its name.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SECTORS = (512, 4096)  # bytes; the disk of a cut has one size or the other
TORN = 0.05  # of the sectors whose fate is open


class Opened(NamedTuple):
    """``name`` leads to this file from now on."""

    name: str
    file: int


class Wrote(NamedTuple):
    file: int
    offset: int
    data: bytes


class Truncated(NamedTuple):
    file: int
    size: int


class Synced(NamedTuple):
    file: int


class Deleted(NamedTuple):
    name: str
    synced: bool  # whether its folder was, too


class Noted(NamedTuple):
    """Something that is not the disk's: ``what`` was known when everything before had been done."""

    what: str
    index: int


Step = Opened | Wrote | Truncated | Synced | Deleted | Noted


@dataclass
class File:
    """``kept`` survives anything; ``pending`` is what came since."""

    kept: bytes = b""
    pending: list[Wrote | Truncated] = field(default_factory=list)

    def sync(self) -> None:
        self.kept, self.pending = self.whole(), []

    def whole(self) -> bytes:
        """As a running machine reads it."""
        content = bytearray(self.kept)
        for step in self.pending:
            _apply(content, step)
        return bytes(content)

    def cut(self, dice: random.Random, sector: int, survival: float) -> bytes:
        """As it may be found after a power cut; of what is pending, about ``survival`` is there."""
        content, sizes = bytearray(self.kept), [len(self.kept)]
        versions: dict[int, list[bytes]] = {}
        for step in self.pending:
            touched = _touched(step, len(content), sector)
            for number in touched:
                versions.setdefault(number, [_sector(content, number, sector)])
            _apply(content, step)
            for number in touched:
                versions[number].append(_sector(content, number, sector))
            sizes.append(len(content))
        found = bytearray(self.kept)
        found.extend(bytes(max(sizes) + sector - len(found)))
        for number, history in versions.items():
            found[number * sector : (number + 1) * sector] = _fate(history, dice, survival)
        size = sizes[-1] if dice.random() < survival else dice.choice(sizes)
        return bytes(found[:size])


@dataclass
class Disk:
    """Names and files, as steps are done one after the other. ``names`` are what each may lead to after a cut."""

    files: dict[int, File] = field(default_factory=dict)
    names: dict[str, list[int | None]] = field(default_factory=dict)

    def do(self, step: Step) -> None:
        match step:
            case Opened(name, file):
                self.files.setdefault(file, File())
                history = self.names.setdefault(name, [None])
                if history[-1] != file:
                    history.append(file)
            case Wrote(file) | Truncated(file):
                self.files[file].pending.append(step)
            case Synced(file):
                self.files[file].sync()
                for name, history in self.names.items():
                    if history[-1] == file:
                        self.names[name] = [file]
            case Deleted(name, synced):
                self.names[name] = [None] if synced else [*self.names.get(name, [None]), None]

    def whole(self) -> dict[str, bytes]:
        """Every file, as it is for a process that starts after this one was killed."""
        return {
            name: self.files[history[-1]].whole() for name, history in self.names.items() if history[-1] is not None
        }

    def cut(self, dice: random.Random) -> dict[str, bytes]:
        """Every file, as it may be found after a power cut at this moment."""
        sector, survival = dice.choice(SECTORS), dice.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        found = {}
        for name, history in self.names.items():
            file = history[-1] if dice.random() < survival else dice.choice(history)
            if file is not None:
                found[name] = self.files[file].cut(dice, sector, survival)
        return found


def replayed(steps: Sequence[Step], disk: Disk, until: Sequence[int]) -> Iterator[int]:
    """Do ``steps`` on ``disk``, pausing after as many of them as each of ``until`` (ascending) says."""
    done = 0
    for moment in until:
        for step in steps[done:moment]:
            disk.do(step)
        done = moment
        yield moment


def _apply(content: bytearray, step: Wrote | Truncated) -> None:
    if isinstance(step, Truncated):
        del content[step.size :]
        content.extend(bytes(step.size - len(content)))
        return
    content.extend(bytes(max(0, step.offset - len(content))))
    content[step.offset : step.offset + len(step.data)] = step.data


def _touched(step: Wrote | Truncated, length: int, sector: int) -> range:
    """Numbers of the sectors that a step changes in a file of this length."""
    if isinstance(step, Truncated):
        first, end = min(step.size, length), max(step.size, length)
    else:
        first, end = step.offset, step.offset + len(step.data)
    return range(first // sector, -(-end // sector))


def _sector(content: bytearray, number: int, size: int) -> bytes:
    return bytes(content[number * size : (number + 1) * size]).ljust(size, b"\0")


def _fate(versions: list[bytes], dice: random.Random, survival: float) -> bytes:
    if survival in (0.0, 1.0):
        return versions[-1] if survival else versions[0]
    if dice.random() < TORN:
        begin, end, at = dice.choice(versions), dice.choice(versions), dice.randrange(len(versions[0]))
        return begin[:at] + end[at:]
    return versions[-1] if dice.random() < survival else dice.choice(versions)
