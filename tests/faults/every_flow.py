"""All flows, of hours near and far, and of those that move from the one to the other."""

from tests.faults.far_flows import FAR
from tests.faults.flows import NEAR
from tests.faults.move_flows import MOVES

FLOWS = [*NEAR, *FAR, *MOVES]
