"""Which rule is played next.

Hypothesis would choose evenly, and switch rules off for a whole history at random, until none may be left that fits:
such a history ends early. Here what happens often is likelier than what is odd; up to three kinds of things never
happen in a history (a worker that never works, webhooks that never come …), and something always fits.
"""

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.faults.histories.play import Play

WEIGHTS = {
    "book": 4,
    "book_a_trial": 1,
    "go_on_with_a_trial": 3,
    "accept_a_request": 16,
    "decline_a_request": 2,
    "propose_another_time": 4,
    "answer_about_the_time": 8,
    "book_far_ahead": 2,
    "save_a_card": 6,
    "pay": 14,
    "come_back_from_paying": 8,
    "answer_the_bank": 8,
    "agree_that_it_is_done": 3,
    "complete": 14,
    "report_a_no_show": 2,
    "refund_a_part": 4,
    "object_to_a_charge": 4,
    "answer_a_proposal": 3,
    "rule_on_it": 3,
    "miss_the_mentor": 2,
    "answer_that_nobody_came": 2,
    "cancel": 1,
    "cancel_from_an_old_page": 2,
    "open_a_cancellation_page": 1,
    "submit_again": 3,
    "use_the_dashboard": 1,
    "the_post_comes": 5,
    "do_a_job": 5,
    "do_all_jobs": 3,
    "wait_for_what_comes": 8,
    "wait_until_leases_are_over": 2,
}  # and 1 for every other
MAY_BE_ABSENT = (
    "pay",
    "save_a_card",
    "accept_a_request",
    "propose_another_time",
    "come_back_from_paying",
    "cancel",
    "use_the_dashboard",
    "the_post_comes",
    "the_post_is_lost",
    "do_all_jobs",
    "do_a_job",
    "everything_settles",
    "wait_for_what_comes",
    "stripe_forgets_the_keys",
)


@st.composite
def next_rule(draw: Any, play: "Play") -> tuple[Any, dict[str, Any]]:
    """A rule that fits, and what it is given: what Hypothesis's own strategy would draw."""
    fitting = [rule for rule in play.setup_state().rules if all(fits(play) for fits in rule.preconditions)]
    present = [rule for rule in fitting if rule.function.__name__ not in play.absent] or fitting
    weighted = [rule for rule in present for _ in range(WEIGHTS.get(rule.function.__name__, 1))]
    rule = draw(st.sampled_from(weighted))
    return rule, {name: draw(strategy) for name, strategy in rule.arguments_strategies.items()}
