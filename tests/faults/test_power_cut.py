"""SQLite and a power cut: what was acknowledged is there. And the cut is one that can be told from none."""

import random
from pathlib import Path

import pytest

from tests.faults.disks import Deleted, Disk, Noted, Opened, Synced, Truncated, Wrote
from tests.faults.file_worlds import FileWorld
from tests.faults.power_cut import ANSWERED, Record, prove, record
from tests.faults.sqlite_writes import is_reachable

HOURS, CUTS = 6, 60
CONTROL_HOURS, CONTROL_CUTS = 3, 20

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not is_reachable(), reason="Python's SQLite is built in without its names: nothing to record"),
]


def world_in(folder: Path, migrated: Path) -> FileWorld:
    made = FileWorld(folder)
    made.file.write_bytes(migrated.read_bytes())
    return made


@pytest.fixture(scope="module")
def world(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> FileWorld:
    return world_in(tmp_path_factory.mktemp("power"), migrated_sqlite)


@pytest.fixture(scope="module")
def lived(world: FileWorld) -> Record:
    """What people's lives did to the disk. The files are as they left them."""
    made = record(world, hours=HOURS)
    disk = Disk()
    for step in made.steps:
        disk.do(step)
    real = {str(file): file.read_bytes() for file in world.folder.glob("test.db*") if file.suffix != ".db-shm"}
    assert disk.whole() == real, "the record leaves something out"
    return made


def test_whenever_the_power_goes_every_acknowledged_commit_is_there_and_ends_right(world: FileWorld, lived: Record):
    outcome = prove(world, lived, cuts=CUTS, seed=1, recover_every=CUTS // 4)
    assert outcome.wrongs == [], outcome
    assert outcome.recovered == 4


def test_without_a_sync_at_every_commit_the_same_cuts_lose_some(migrated_sqlite: Path, tmp_path: Path):
    world = world_in(tmp_path, migrated_sqlite)
    lived = record(world, hours=CONTROL_HOURS, synchronous="NORMAL")
    outcome = prove(world, lived, cuts=CONTROL_CUTS, seed=1)
    assert len(outcome.lost) >= CONTROL_CUTS // 4, outcome
    assert outcome.broken == []


def cuts_of(disk: Disk, count: int = 400) -> set[tuple[tuple[str, bytes], ...]]:
    dice = random.Random(1)
    return {tuple(sorted(disk.cut(dice).items())) for _ in range(count)}


def test_what_was_synced_survives_every_cut():
    disk = Disk()
    for step in (Opened("a", 1), Wrote(1, 0, b"x" * 9_000), Truncated(1, 8_192), Synced(1)):
        disk.do(step)
    assert cuts_of(disk) == {(("a", b"x" * 8_192),)}


def test_what_was_not_synced_survives_in_any_part_and_any_order():
    disk = Disk()
    for step in (
        Opened("a", 1),
        Wrote(1, 0, b"x" * 1_024),
        Synced(1),
        Wrote(1, 0, b"y" * 512),
        Wrote(1, 512, b"z" * 512),
    ):
        disk.do(step)
    found = {dict(cut)["a"] for cut in cuts_of(disk)}
    for first in (b"x", b"y"):
        for second in (b"x", b"z"):
            assert first * 512 + second * 512 in found
    assert any(len(set(content[:512])) == 2 for content in found), "a sector can be torn"
    assert disk.whole()["a"] == b"y" * 512 + b"z" * 512


def test_a_file_that_grew_may_have_its_length_without_its_content():
    disk = Disk()
    for step in (Opened("a", 1), Wrote(1, 0, b"x" * 1_024)):
        disk.do(step)
    found = {dict(cut).get("a") for cut in cuts_of(disk)}
    assert {None, b"", bytes(1_024), b"x" * 1_024} <= found


def test_a_deleted_name_may_come_back_until_its_folder_is_synced():
    disk = Disk()
    for step in (Opened("a", 1), Wrote(1, 0, b"old"), Synced(1), Deleted("a", synced=False), Opened("a", 2)):
        disk.do(step)
    assert {dict(cut).get("a") for cut in cuts_of(disk)} == {b"old", b"", None}
    disk.do(Deleted("a", synced=True))
    assert cuts_of(disk) == {()}


def test_stripe_is_found_as_it_was_when_the_power_went():
    steps = [Noted(ANSWERED, 0), Noted("committed", 0), Noted(ANSWERED, 1)]
    made = Record(steps, stripes=["before", "after"])  # type: ignore[list-item]
    assert (made.stripe(2), made.stripe(3)) == ("before", "after")
