"""Faults at random while messages flow, and a ledger at the end: nothing lost, nothing twice.

`__main__` is the command, `run` the trial from begin to end. `cluster`, `fleet` and `feed` are what runs; `faults` is what is done
to it; `watch` sees how long judging stood still; `ledger` compares ids; `report` tells. `mutants` are broken workers that must
be found out. `burst` and `lifecycle` are scripted trials on the same parts; `single` is one worker for them, `rows` what they tell.
"""
