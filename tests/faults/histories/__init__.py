"""Histories: anything may happen in any order, and the money must still be right.

A Hypothesis state machine plays people, Stripe's dashboard, the worker, the post (webhooks), the clock, a bad network
and death, against one application on a real database and the simulator in this process. A model in plain Python, which
knows the promises and nothing of the application's code, says after every step what may be true, and once everything
has settled what must be.

    python -m tests.faults.histories --size 2000 --steps 40 --seed 1 --processes 2
    python -m tests.faults.histories --size 2000 --steps 40 --seed 1 --replay sqlite/17

=============  ========================================================================================
``machine``    the state machine: who can do what next
``people``     its rules for people, ``requests`` for mentors who want to be asked, ``shifts`` for those who meet at
               another time, ``trials`` for free ones, ``quarrels`` for those who do not agree; ``outside`` those for
               dashboard, post, worker and clock
``model``      hours, what people were promised, what was done in the dashboard, and plain arithmetic
``checks``     what must be true after every step, and after everything has settled; ``contests`` of objections,
               ``consents`` of requests, ``moves`` of other times, ``holds`` of several for one hour, ``gifts`` of
               trials, ``books`` of our books
``theirs``     what happened at Stripe, read from its own journal of events
``ours``       what our tables say, read without the application's code
``stage``      one application, one database and one Stripe for all histories, cleaned in between
``troubles``   faults, deaths, and what happens meanwhile
=============  ========================================================================================
"""
