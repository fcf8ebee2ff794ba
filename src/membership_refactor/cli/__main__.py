"""python -m membership_refactor.cli, the same as the console script."""

from membership_refactor.cli.main import main

main()
