"""Events of the Records contract, held to eth_abi."""

import pytest
from eth_abi import decode as abi_decode
from eth_abi import encode as abi_encode
from eth_abi.exceptions import DecodingError
from eth_utils import event_abi_to_log_topic
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError
from ledger.proofs import events
from ledger.proofs.receipts import Log

QUICK = settings(deadline=None, max_examples=80)
WORD = st.binary(min_size=32, max_size=32)
RECORDS, ISSUER, ROOT, LEAF = b"\xaa" * 20, b"\x15" * 32, b"\x70" * 32, b"\x1e" * 32
BATCH = ["bytes32", "uint16", "uint8", "uint32", "bytes32", "bytes32", "bytes32", "bytes32[]"]
ANCHORED = ["address", "(" + ",".join(BATCH) + ")"]


def uint(number):
    return number.to_bytes(32, "big")


def anchored(signers=(b"\x51" * 32,), root=ROOT, change=lambda data: data):
    batch = (b"\xac" * 32, 1, 2, 65_536, root, b"\x5a" * 32, b"\x53" * 32, list(signers))
    data = abi_encode(ANCHORED, ["0x" + "cd" * 20, batch])
    return Log(RECORDS, (events.TOPIC_BATCH_ANCHORED, ISSUER, ROOT, uint(9)), change(data))


def refused(call, log):
    with pytest.raises(InputError) as caught:
        call(log)
    return caught.value.code, caught.value.values.get("part")


def with_word(place, word):
    return lambda data: data[: place * 32] + word + data[place * 32 + 32 :]


def inputs(*names):
    return [{"name": "", "type": name} for name in names]


@pytest.mark.parametrize(
    ("topic", "name", "arguments"),
    [
        (events.TOPIC_ANCHOR_REPEATED, "AnchorRepeated", inputs("bytes32", "bytes32", "uint64")),
        (events.TOPIC_STATUS_REFUSED, "StatusRefused", inputs(*["bytes32"] * 3, "uint8", "uint8")),
        (
            events.TOPIC_STATUS_CHANGED,
            "StatusChanged",
            inputs(*["bytes32"] * 4, "uint8", "uint40", "uint40", "uint8", "uint32"),
        ),
        (
            events.TOPIC_BATCH_ANCHORED,
            "BatchAnchored",
            [
                *inputs("bytes32", "bytes32", "uint64", "address"),
                {"name": "batch", "type": "tuple", "components": inputs(*BATCH)},
            ],
        ),
    ],
)
def test_topics_are_those_of_the_abi(topic, name, arguments):
    assert topic == event_abi_to_log_topic({"type": "event", "name": name, "inputs": arguments})


@pytest.mark.parametrize("count", [1, 2, 5])
def test_anchored_event_is_read_as_written(count):
    signers = tuple(bytes([number]) * 32 for number in range(count))
    assert events.decode_anchored(anchored(signers)) == events.AnchoredEvent(
        issuer=ISSUER,
        root=ROOT,
        sequence=9,
        account=b"\xcd" * 20,
        accreditation=b"\xac" * 32,
        kind=1,
        suite=2,
        size=65_536,
        manifest_sha256=b"\x5a" * 32,
        manifest_sm3=b"\x53" * 32,
        signers=signers,
    )


def test_batch_with_another_root_than_the_topic_is_refused():
    assert refused(events.decode_anchored, anchored(root=LEAF)) == ("EVENT_MALFORMED", "root")


def test_batch_signed_by_nobody_is_refused():
    assert refused(events.decode_anchored, anchored(signers=())) == ("EVENT_MALFORMED", "length")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda data: data + b"\0", "length"),
        (lambda data: data[:-1], "length"),
        (lambda data: b"", "length"),
        (lambda data: data + bytes(32), "signers"),  # trailing data
        (lambda data: data[:-32], "length"),
        (with_word(10, uint(2)), "signers"),
        (with_word(10, uint(1 << 255)), "signers"),
        (with_word(1, uint(96)), "offset"),
        (with_word(9, uint(288)), "offset"),
        (with_word(0, b"\1" + bytes(31)), "account"),
        (with_word(3, uint(1 << 16)), "kind"),
        (with_word(4, uint(1 << 8)), "suite"),
        (with_word(5, uint(1 << 32)), "size"),
    ],
)
def test_anchored_data_of_another_encoding_is_refused(change, part):
    assert refused(events.decode_anchored, anchored(change=change)) == ("EVENT_MALFORMED", part)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 12 * 32 - 1), st.integers(1, 255))
def test_what_is_accepted_encodes_to_the_same_bytes(place, mask):
    """No two data decode to one event: a changed byte is refused or changes what is read."""

    def change(data):
        return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]

    log = anchored(change=change)
    try:
        read = events.decode_anchored(log)
    except InputError as error:
        assert error.code == "EVENT_MALFORMED"
        return
    assert read != events.decode_anchored(anchored())
    try:
        values = abi_decode(ANCHORED, log.data)
    except DecodingError:
        pytest.fail("accepted what eth_abi refuses")
    assert abi_encode(ANCHORED, values) == log.data


@QUICK
@given(
    st.tuples(
        WORD,
        st.integers(0, 255),
        st.integers(0, 2**40 - 1),
        st.integers(0, 2**40 - 1),
        st.integers(0, 255),
        st.integers(0, 2**32 - 1),
    ),
    WORD,
)
def test_status_event_is_read_as_written(values, statement):
    data = abi_encode(["bytes32", "uint8", "uint40", "uint40", "uint8", "uint32"], values)
    log = Log(RECORDS, (events.TOPIC_STATUS_CHANGED, ISSUER, LEAF, statement), data)
    assert events.decode_status(log) == events.StatusEvent(ISSUER, LEAF, statement, *values)


def test_refused_and_repeated_events_are_read_as_written():
    log = Log(RECORDS, (events.TOPIC_STATUS_REFUSED, ISSUER, LEAF, ROOT), abi_encode(["uint8", "uint8"], [3, 1]))
    assert events.decode_refused(log) == events.RefusedEvent(ISSUER, LEAF, ROOT, 3, 1)
    log = Log(RECORDS, (events.TOPIC_ANCHOR_REPEATED, ISSUER, ROOT, uint(4)), b"")
    assert events.decode_repeated(log) == events.RepeatedEvent(ISSUER, ROOT, 4)


DECODERS = [
    (events.decode_anchored, events.TOPIC_BATCH_ANCHORED, 12),
    (events.decode_repeated, events.TOPIC_ANCHOR_REPEATED, 0),
    (events.decode_status, events.TOPIC_STATUS_CHANGED, 6),
    (events.decode_refused, events.TOPIC_STATUS_REFUSED, 2),
]


@pytest.mark.parametrize(("decode", "topic", "words"), DECODERS)
def test_another_event_is_told_from_a_malformed_one(decode, topic, words):
    data = bytes(32 * words)
    assert refused(decode, Log(RECORDS, (), data)) == ("EVENT_OTHER", None)
    assert refused(decode, Log(RECORDS, (b"\1" * 32, ISSUER, ROOT, LEAF), data)) == ("EVENT_OTHER", None)
    assert refused(decode, Log(RECORDS, (topic, ISSUER, ROOT), data)) == ("EVENT_MALFORMED", "topics")
    topics = (topic, ISSUER, ROOT, bytes(32))
    assert refused(decode, Log(RECORDS, topics, data + b"\0" * 31)) == ("EVENT_MALFORMED", "length")


@pytest.mark.parametrize(
    ("decode", "topic", "words", "place", "part"),
    [
        (events.decode_status, events.TOPIC_STATUS_CHANGED, 6, 1, "state"),
        (events.decode_status, events.TOPIC_STATUS_CHANGED, 6, 2, "effective"),
        (events.decode_status, events.TOPIC_STATUS_CHANGED, 6, 3, "recorded"),
        (events.decode_status, events.TOPIC_STATUS_CHANGED, 6, 4, "reason"),
        (events.decode_status, events.TOPIC_STATUS_CHANGED, 6, 5, "count"),
        (events.decode_refused, events.TOPIC_STATUS_REFUSED, 2, 0, "from"),
        (events.decode_refused, events.TOPIC_STATUS_REFUSED, 2, 1, "to"),
    ],
)
def test_dirty_padding_is_refused(decode, topic, words, place, part):
    data = with_word(place, b"\1" + bytes(31))(bytes(32 * words))
    assert refused(decode, Log(RECORDS, (topic, ISSUER, LEAF, ROOT), data)) == ("EVENT_MALFORMED", part)


@pytest.mark.parametrize("decode", [events.decode_anchored, events.decode_repeated])
def test_sequence_beyond_64_bits_is_refused(decode):
    good = anchored()
    topic, data = good.topics[0], good.data
    if decode is events.decode_repeated:
        topic, data = events.TOPIC_ANCHOR_REPEATED, b""
    log = Log(RECORDS, (topic, ISSUER, ROOT, uint(1 << 64)), data)
    assert refused(decode, log) == ("EVENT_MALFORMED", "sequence")
