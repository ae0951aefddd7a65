"""Padme: round a length up so that it keeps only its leading bits (SPEC 9; Nikitin et al., PETS 2019, section 4)."""


def padme(length: int) -> int:
    """Return the padded length in bytes: at most 12 % more, 3.2 % from 64 KiB on, and few distinct values."""
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask
