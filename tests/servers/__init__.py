"""Real servers for the tests. Standard library only: `bin/test` starts them before anything is installed.

Each is found in the same order: an address given in the environment, programs on the machine, apt (as root), a wheel.
"""
