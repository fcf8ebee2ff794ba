"""Who uses the old structure: samples of the server's statistics and logs, and what they prove.

A sample is compared with the one before it. The time between the two is covered, or it has a hole
that says why a use could have been missed, or somebody used the old structure in it. A gate opens
after enough covered time without a use.
"""
