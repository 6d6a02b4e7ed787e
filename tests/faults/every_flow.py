"""All flows, of hours near and far."""

from tests.faults.far_flows import FAR
from tests.faults.flows import NEAR

FLOWS = [*NEAR, *FAR]
