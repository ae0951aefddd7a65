"""Every limit of the wire in one place, so that SPEC.md and all three programs quote the same figures."""

MAX_PART_BYTES = 1_000_000  # a part with its frame; a larger NATS payload closes the connection (SPEC 5)
MAX_RECORD_BYTES = 1_024
MAX_HEAD_BYTES = 65_536  # an age header; four post-quantum stanzas take about 6.2 KiB
MAX_SEQ = 9_999  # a minute of 250 ms fragments is 240
MAX_INTEGER = 2**53 - 1  # what every JSON implementation holds exactly
MAX_STATEMENT_BYTES = 65_535
MAX_JSON_BYTES = 262_144
MAX_JSON_DEPTH = 8
MAX_READERS = 16
MAX_NAME_CHARS = 64
MAX_INVITE_CHARS = 64
MAX_RECEIPTS_PER_MESSAGE = 1_024
NOTICE_BYTES = 32_768  # every notice's plaintext, so that no trigger tells itself by its size
STANZAS_PER_HEADER = 4
MAX_HEALTH_BYTES = 32_768  # a health message with its frame; sixteen readers take about 30 KiB
HEALTH_BYTES = 4_096  # every report's plaintext, so that nothing wrong tells itself by its size
MAX_TROUBLES = 32
MAX_RETENTION_DAYS = 36_500
MAX_TOMBSTONES_PER_REQUEST = 128
