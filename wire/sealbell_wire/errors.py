"""The error tree of everything that parses bytes from outside: one root, few branches, messages for a person."""


class WireError(Exception):
    """Bytes from outside were refused. The message says what, in what, and why; it never holds peer text raw."""


class FormatError(WireError):
    """The bytes do not follow the grammar of SPEC.md: too long, cut, out of order, or with something after."""


class SignatureError(WireError):
    """A signature does not fit, or its key can never be trusted (small order)."""


class ContradictionError(WireError):
    """Two well-signed statements cannot both be true: a chain that does not join, a name used twice."""


class SealError(WireError):
    """A sealed file could not be opened; the branches stand in sealbell_wire.age.errors."""
