"""`python -m symlnn`: the command line."""

from ._cli import main

main()
