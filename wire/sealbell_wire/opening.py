"""Open a part: check who signed it, open the seal, check that the plaintext belongs there (SPEC 5, 9)."""

from collections.abc import Sequence

from sealbell_wire import content
from sealbell_wire.age.file import open_file
from sealbell_wire.age.keys import Identity
from sealbell_wire.content import Init, Manifest, Notice, Place
from sealbell_wire.errors import FormatError
from sealbell_wire.part import Part, verify_part

Content = Notice | Init | Manifest | None


def open_part(part: Part, doorbell_key: bytes, identities: Sequence[Identity]) -> tuple[bytes, Content]:
    """Return the plaintext of a part and what it says (None for media).

    Raises WireError: SignatureError or ContradictionError if it is not this doorbell's, a SealError branch if it
    cannot be opened, FormatError or ContradictionError if what was sealed does not belong under this record.
    """
    verify_part(part, doorbell_key)
    if part.sealed is None:
        raise FormatError(f"part {part.record.seq}: was dropped by a full outbox")
    plaintext = open_file(part.sealed, identities)
    place = Place(doorbell_key.hex(), part.record.clip, part.record.seq)
    match part.record.kind:
        case "notice":
            return plaintext, content.read_notice(plaintext, place)
        case "init":
            return plaintext, content.read_init(plaintext, place)
        case "manifest":
            return plaintext, content.read_manifest(plaintext, place)
        case "media":
            content.check_media(plaintext, place)
            return plaintext, None
