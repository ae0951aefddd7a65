"""How many files and connections this process may have open: as many as the system lets it."""

import resource

RESERVED = 512  # for the store, the broker's connection, followers that read, libraries
ENOUGH = 4_096  # below this the relay says so


def raise_limit() -> int:
    """Raise the soft limit on descriptors to the hard one, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1_048_576
