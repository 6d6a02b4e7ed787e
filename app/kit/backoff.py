"""How long what did not work is left alone before it is tried again."""

import random


def pause(tries: int, *, longest: int) -> int:
    """Seconds, after so many tries: twice as many each time, up to ``longest``; from half of that to all of it, by
    chance, so that rows that failed together are soon not tried together any more.

    After the first try it is 2, never 1: a clock of whole seconds may tick as soon as it is looked at.
    """
    most = min(2 ** min(tries, 16), longest)
    return random.randint(most // 2 + 1, most)
