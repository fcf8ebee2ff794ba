"""The campaign: random writers, kills and crashes through the whole chain, up and down, for long.

``python -m tests.campaign`` runs it; a short form is part of the suite.
"""
