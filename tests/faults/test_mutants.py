"""The planted bugs still fit the code, and one of them is caught here and now; the command tries them all."""

import pytest

from tests.faults.mutants import ROOT, judged
from tests.faults.mutations import LIFECYCLE, MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name.replace(" ", "_"))
def test_a_planted_bug_fits_the_code(mutation: Mutation):
    text = (ROOT / mutation.file).read_text()
    assert mutation.planted_in(text) != text


def test_there_are_enough_planted_bugs_and_no_two_are_called_alike():
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 40


def test_a_planted_bug_is_noticed_and_a_harmless_change_is_not():
    proofs = (f"{LIFECYCLE} -k given_back_whole",)
    commission = "returned = (2 * whole.minor * refunded.minor + captured.minor) // (2 * captured.minor)"
    bug = Mutation("no commission back", "app/actions/ledger.py", commission, "returned = 0", proofs)
    harmless = Mutation("nothing", "app/actions/ledger.py", commission, f"{commission}  # as it was", proofs)
    assert [verdict.caught_by is not None for verdict in judged([bug, harmless], 1)] == [True, False]
