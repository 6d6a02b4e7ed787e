"""What a mentee who cancels late pays: the mentor's choice, frozen into each booking."""

from enum import StrEnum

from app.kit.money import Money


class Terms(StrEnum):
    """Named as people know them from elsewhere."""

    FLEXIBLE = "flexible"
    STANDARD = "standard"
    STRICT = "strict"

    def late_fee(self, price: Money) -> Money:
        """What a late cancellation costs of ``price``, half up to what a card can be charged; it can be nothing."""
        basis_points = {Terms.FLEXIBLE: 0, Terms.STANDARD: 5_000, Terms.STRICT: 10_000}[self]
        return Money.rounded(price.minor * basis_points, 10_000, price.currency)
