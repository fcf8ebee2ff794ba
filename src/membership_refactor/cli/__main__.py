"""``python -m membership_refactor.cli`` runs the same command line as the console script."""

from membership_refactor.cli import main

main()
