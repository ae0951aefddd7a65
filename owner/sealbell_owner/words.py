"""The owner's 24 words: BIP39 in English, 256 bits. The entropy is used directly, not BIP39's stretched seed."""

from mnemonic import Mnemonic

from sealbell_wire.errors import FormatError

ENTROPY_BYTES = 32
WORDS = 24
MAX_WORDS_BYTES = 1_024  # 24 words of at most 8 letters take 215


def encode_words(entropy: bytes) -> list[str]:
    """Return the 24 words of 32 random bytes. Raises ValueError for another length."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"24 words hold {ENTROPY_BYTES} bytes, got {len(entropy)}")
    return Mnemonic("english").to_mnemonic(entropy).split(" ")


def decode_words(text: str) -> bytes:
    """Return the 32 bytes of 24 words, in any case, apart by any space. FormatError names a word only by its place."""
    if len(text) > MAX_WORDS_BYTES:
        raise FormatError(f"words: {len(text)} characters are more than {WORDS} words can have")
    words = text.lower().split()
    if len(words) != WORDS:
        raise FormatError(f"words: there are {len(words)}, and an owner has {WORDS}")
    bip39 = Mnemonic("english")
    for place, word in enumerate(words, start=1):
        if word not in bip39.wordlist:
            raise FormatError(f"words: word {place} is not one of the list")
    try:
        return bytes(bip39.to_entropy(words))
    except ValueError:
        raise FormatError("words: the last word does not fit the others, so one of them is wrong") from None
