"""How long what did not work is left alone before it is tried again."""

import random


def pause(tries: int, *, longest: int) -> int:
    """Whole seconds: twice as many after each try, up to ``longest``; from half of that to all of it, by chance.

    Rows that failed together are thus not tried again at the same moment. Never 1: a clock of whole seconds may tick
    as soon as it is looked at.
    """
    most = min(2 ** min(tries, 16), longest)
    return random.randint(most // 2 + 1, most)
