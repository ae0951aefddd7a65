import copy
import pickle

import pytest

from sealbell_wire.age import header
from sealbell_wire.age.errors import HeaderFailure, MacFailure, NoMatch, PayloadFailure, RecipientsError
from sealbell_wire.age.file import Head, Opener, open_body, open_file, rewrap, seal, split, unwrap

PICTURE = b"a face at the door" * 1000


def test_each_reader_opens_it_and_nobody_else(owner, phone, outsider):
    sealed = seal(PICTURE, [owner.recipient, phone.recipient])
    for reader in (owner, phone):
        assert open_file(sealed.file, [reader]) == PICTURE
    for stranger in ([], [outsider], [type(owner)(bytes(32))]):
        with pytest.raises(NoMatch):
            open_file(sealed.file, stranger)


def test_head_and_body_join_to_the_file_that_splits_into_them(owner):
    sealed = seal(PICTURE, [owner.recipient])
    assert split(sealed.file) == (sealed.head, sealed.body)
    assert sealed.head.endswith(b"\n")
    assert sealed.head.count(b"\n---") == 1


def test_the_head_of_one_post_quantum_reader_has_the_size_of_the_specification(owner, outsider):
    assert len(seal(b"", [owner.recipient]).head) == 1627
    assert len(seal(b"", [outsider.recipient]).head) == 168


def test_no_two_files_share_anything(owner):
    first, second = seal(PICTURE, [owner.recipient]), seal(PICTURE, [owner.recipient])
    assert unwrap(first.head, [owner]) != unwrap(second.head, [owner])
    assert first.body[:16] != second.body[:16]


def test_a_head_made_before_there_was_anything_to_seal_opens_for_each_reader(owner, phone):
    head = Head([owner.recipient, phone.recipient])
    sealed = head.seal(PICTURE)
    for reader in (owner, phone):
        assert open_file(sealed.file, [reader]) == PICTURE


@pytest.mark.parametrize("second", [PICTURE, b"another picture"])
def test_a_head_seals_once(owner, second):
    head = Head([owner.recipient])
    head.seal(PICTURE)
    with pytest.raises(RuntimeError, match="each file has a file key of its own"):
        head.seal(second)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_head_is_neither_copied_nor_written(owner, copied):
    with pytest.raises(TypeError, match="neither copied nor written"):
        copied(Head([owner.recipient]))


def test_a_head_does_not_show_its_file_key(outsider, counted_random):
    assert r"\x01" not in repr(Head([outsider.recipient], counted_random))


def test_no_two_heads_share_a_file_key(owner):
    heads = [Head([owner.recipient]) for _ in range(4)]
    assert len({unwrap(head.seal(b"").head, [owner]) for head in heads}) == 4


def test_a_file_key_is_drawn_from_the_randomness_handed_in(outsider, counted_random):
    sealed = seal(b"picture", [outsider.recipient], counted_random)
    assert unwrap(sealed.head, [outsider]) == bytes([1]) * 16
    assert sealed.body[:16] == bytes([3]) * 16  # the second drew the ephemeral secret


@pytest.mark.parametrize("readers", [["owner", "outsider"], ["outsider", "phone", "owner"]])
def test_a_mixed_header_is_never_written(readers, request, owner):
    recipients = [request.getfixturevalue(name).recipient for name in readers]
    with pytest.raises(RecipientsError, match="cannot share a header"):
        seal(PICTURE, recipients)
    with pytest.raises(RecipientsError, match="cannot share a header"):
        rewrap(seal(PICTURE, [owner.recipient]).head, [owner], recipients)


def test_a_mixed_header_of_another_writer_is_opened(owner, outsider, counted_random):
    sealed = seal(PICTURE, [owner.recipient])
    file_key = unwrap(sealed.head, [owner])
    stanzas = [reader.recipient.wrap(file_key, counted_random) for reader in (outsider, owner)]
    mixed = header.serialise(stanzas, file_key)
    for reader in (owner, outsider):
        assert open_file(mixed + sealed.body, [reader]) == PICTURE


def test_a_file_without_or_with_too_many_readers_is_never_written(outsider):
    for recipients in ([], [outsider.recipient] * (header.MAX_STANZAS + 1)):
        with pytest.raises(RecipientsError, match="1 to 1024 recipients"):
            seal(PICTURE, recipients)


def test_a_release_opens_for_its_recipient_alone_and_leaves_the_body_untouched(owner, phone, outsider):
    sealed = seal(PICTURE, [owner.recipient, phone.recipient])
    released = rewrap(sealed.head, [owner], [outsider.recipient])
    assert open_file(released + sealed.body, [outsider]) == PICTURE
    assert len(header.parse(released).stanzas) == 1
    with pytest.raises(NoMatch):
        open_file(released + sealed.body, [owner, phone])


def test_a_release_opens_nothing_else(owner, outsider):
    shared, private = seal(PICTURE, [owner.recipient]), seal(PICTURE, [owner.recipient])
    released = rewrap(shared.head, [owner], [outsider.recipient])
    with pytest.raises(PayloadFailure):
        open_file(released + private.body, [outsider])


def test_an_altered_head_is_never_rewrapped(owner, outsider):
    head = seal(PICTURE, [owner.recipient]).head
    foreign_stanza = head.replace(header.VERSION_LINE, header.VERSION_LINE + b"-> grease\n\n")
    with pytest.raises(MacFailure):
        rewrap(foreign_stanza, [owner], [outsider.recipient])
    with pytest.raises(MacFailure):
        unwrap(foreign_stanza, [owner])
    with pytest.raises(NoMatch):
        rewrap(head, [outsider], [outsider.recipient])


def test_every_changed_byte_of_a_head_is_noticed(outsider):
    head = seal(b"", [outsider.recipient]).head
    for at in range(len(head)):
        with pytest.raises((HeaderFailure, MacFailure, NoMatch)):
            unwrap(head[:at] + bytes([head[at] ^ 1]) + head[at + 1 :], [outsider])


def test_a_file_cut_anywhere_is_refused(outsider):
    sealed = seal(b"picture", [outsider.recipient])
    age_file = sealed.file
    for end in range(len(age_file)):
        with pytest.raises((HeaderFailure, PayloadFailure)):
            open_file(age_file[:end], [outsider])


def test_byte_by_byte_opens_the_same(owner):
    sealed = seal(PICTURE, [owner.recipient])
    age_file = sealed.file
    opener = Opener([owner])
    plaintext = b"".join(opener.feed(age_file[at : at + 1]) for at in range(len(age_file)))
    assert plaintext + opener.finish() == PICTURE


def test_a_failure_holds_what_was_authenticated_before_it(owner):
    sealed = seal(bytes(200_000), [owner.recipient])
    with pytest.raises(PayloadFailure) as failure:
        open_body(unwrap(sealed.head, [owner]), sealed.body[:-1])
    assert failure.value.released == bytes(3 * 65536)


def test_the_wrong_format_is_refused_at_its_first_piece(owner):
    with pytest.raises(HeaderFailure, match="not an age v1 file"):
        Opener([owner]).feed(b"MP4")
