"""Reading settings: what is allowed comes back as it was written, what is wrong is told in words, and all of it."""

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbell.config import Settings, SettingsError, parse_settings, read_settings, settings_in_force
from sealbell.config.keys import Key, Table, tables
from sealbell.config.parse import MAX_PROBLEMS, MAX_SETTINGS_BYTES, shown
from sealbell.config.render import commented_defaults, in_force, toml_value
from sealbell.config.rules import FIRST_PIN, LAST_PIN
from sealbell.config.settings import MAX_MASKS, MAX_SCHEDULE_ENTRIES, MAX_ZONES, Entry, Mask, Zone
from sealbell.pins import HEADER, TABLE, Function, assign

TABLES = tables(Settings)
ALL_KEYS = [(table, key) for table in TABLES for key in table.keys]
NAMES = [f"{table.heading} {key.name}" for table, key in ALL_KEYS]
# Every key with another value than its default, and every table of which there are several.
WHOLE = """
[camera]
source = "drawn:640x480@15:500000"
width = 1920
height = 1080
fps = 30
bits_per_s = 4000000
rotate = 180
[night]
infrared = false
dark_lux = 1
light_lux = 40.5
hold_s = 20
[[mask]]
name = "the neighbour's window"
x = 0
y = 0
width = 1
height = 1000
[[zone]]
name = "Weg"
x = 999
y = 1
width = 1
height = 999
[motion]
source = "both"
[mode]
now = "away"
timezone = "Europe/Lisbon"
[[schedule]]
mode = "quiet"
days = ["sun", "fri"]
from = "22:30"
to = "24:00"
[[schedule]]
mode = "home"
from = "00:00"
to = "06:05"
[modes]
home = "ignore"
away = "record"
quiet = "alert"
[recording]
pre_roll_s = 0
post_roll_s = 60
max_clip_s = 300
fragment_ms = 250
[outbox]
max_bytes = 1_000_000_000
min_free_bytes = 100_000_000
[pins]
button = 5
reset = "none"
pir = 6
light_red = 12
light_green = 13
infrared = 16
ir_cut = 19
chime = 20
[panel]
debounce_ms = 30
stuck_s = 60
chime_ms = 500
"""


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    return [str(problem) for problem in caught.value.problems]


def test_empty_file_is_all_defaults() -> None:
    assert parse_settings("") == Settings()


def test_every_key_can_be_set() -> None:
    whole = parse_settings(WHOLE)
    for table, key in ALL_KEYS:
        found = getattr(whole, table.attribute)
        value = getattr(found if table.limit is None else found[0], key.attribute)
        assert value != key.default, f"{table.heading} {key.name}"
    assert whole.masks == (Mask("the neighbour's window", 0, 0, 1, 1000),)
    assert whole.zones == (Zone("Weg", 999, 1, 1, 999),)
    assert whole.schedule[0] == Entry("quiet", 22 * 60 + 30, 24 * 60, (4, 6))
    assert whole.schedule[1] == Entry("home", 0, 6 * 60 + 5, (0, 1, 2, 3, 4, 5, 6))
    assert (whole.pins.reset, whole.pins.button) == (None, 5)
    assert type(whole.night.dark_lux) is float


def test_every_function_of_the_pin_table_has_its_key_and_its_default() -> None:
    pins = asdict(Settings().pins)
    assert pins == {function.value: pin.bcm for function, pin in TABLE.items()}
    chosen = asdict(parse_settings(WHOLE).pins)
    assign({function: chosen[function.value] for function in Function})
    assert set(range(FIRST_PIN, LAST_PIN + 1)) == set(HEADER)


def test_what_is_printed_is_what_is_in_force() -> None:
    for text in ("", WHOLE):
        read = parse_settings(text)
        assert parse_settings(in_force(read)) == read


def test_default_file_changes_nothing_as_it_stands_and_each_of_its_tables_can_be_uncommented() -> None:
    text = commented_defaults()
    assert parse_settings(text) == Settings()
    head, *blocks = text.split("\n\n")
    assert all(line.startswith("#") for line in head.splitlines())
    for table, block in zip(TABLES, blocks, strict=True):
        lines = [line.removeprefix("#") if line[1:2] != " " else line for line in block.splitlines()]
        read = parse_settings("\n".join(lines))
        assert read == Settings() if table.limit is None else len(getattr(read, table.attribute)) == 1
        assert [line.split(" = ")[0] for line in lines if " = " in line and line[0] != "#"] == [
            key.name for key in table.keys
        ]


@pytest.mark.parametrize(("table", "key"), ALL_KEYS, ids=NAMES)
def test_default_and_example_obey_their_own_rule(table: Table, key: Key) -> None:
    assert key.line, f"{table.heading} {key.name} is not explained"
    for value in [key.example] if key.required else [key.example, key.default]:
        assert key.rule.read(key.rule.plain(value)) == value


# What no key may hold. Where one is allowed after all, it is left out of the test by what the rule itself says.
ODD: list[tuple[str, Any]] = [
    ("true", True), ("-1", -1), ("1e999", float("inf")), ("nan", float("nan")), ("3", 3), ('""', ""), ("[]", []),
    ("{}", {}), ('"\\u0000"', "\0"), ("9223372036854775807", 2**63 - 1), ('"01:60"', "01:60"), ("[[]]", [[]]),
    ("1.5", 1.5), ("1979-05-27", None), ('"picamera "', "picamera "), ('["mon", "mon"]', ["mon", "mon"]),
    ('"../../etc/passwd"', "../../etc/passwd"), ('"24:01"', "24:01"), ('"\\u202e"', "\u202e"), ("0x" + "f" * 9_000, 0),
]  # fmt: skip


@pytest.mark.parametrize(("table", "key"), ALL_KEYS, ids=NAMES)
def test_wrong_value_is_refused_with_table_key_what_was_found_and_what_is_allowed(table: Table, key: Key) -> None:
    refused = 0
    for text, value in ODD:
        rest = [other for other in table.keys if other.required and other != key]
        lines = [f"{other.name} = {toml_value(other.rule.plain(other.example))}" for other in rest]
        try:
            parse_settings("\n".join([table.heading, f"{key.name} = {text}", *lines]))
        except SettingsError as error:
            [said] = error.problems
            (at,) = said.at if len(said.at) == 1 else (key.name,)
            assert key.name in at
            assert table.name in at or len(said.at) > 1
            assert key.rule.takes in str(said) or len(said.at) > 1
            assert str(said).isprintable()
            assert len(str(said)) < 400
            refused += 1
        else:
            assert key.rule.read(value) is not None, f"{table.heading} {key.name} = {text}"
    assert refused >= len(ODD) - 5


@pytest.mark.parametrize(
    "line",
    [
        "[recording]\npre_roll_s = true", "[night]\ndark_lux = true", "[night]\ndark_lux = nan",
        "[night]\nlight_lux = inf",
        "[camera]\nrotate = false", "[camera]\nrotate = 90", "[camera]\nwidth = 1281", "[camera]\nheight = 721",
        "[camera]\nfps = 15.0", "[pins]\nbutton = 1", "[pins]\nbutton = 28", "[pins]\nbutton = true",
        '[camera]\nsource = "drawn:1x1@1:1"', '[camera]\nsource = "drawn:641x480@15:500000"',
        '[camera]\nsource = "drawn:640x480@0:500000"', '[camera]\nsource = "drawn:640x480@15:5000"',
        '[camera]\nsource = "footage:"', '[camera]\nsource = "footage:a\\nb"',
        f'[camera]\nsource = "footage:{"a" * 249}"',
        '[mode]\ntimezone = ""', '[mode]\ntimezone = "Europe"', '[mode]\ntimezone = "../UTC"',
        '[mode]\ntimezone = "/usr/share/zoneinfo/UTC"', '[mode]\ntimezone = "zone.tab"', '[mode]\ntimezone = "\\u0000"',
        f'[mode]\ntimezone = "{"a/" * 5_000}"',
    ],
)  # fmt: skip
def test_value_that_is_nearly_right_is_refused(line: str) -> None:
    [problem] = problems(line)
    assert "takes" in problem


def test_path_is_no_time_zone_and_is_refused_in_our_words() -> None:
    assert problems('[mode]\ntimezone = "../UTC"')[0].endswith(' that tzdata has; did you mean "UTC"?')


@pytest.mark.parametrize(
    ("begins", "ends", "days"),
    [
        ("24:00", "12:00", '["mon"]'), ("12:00", "24:01", '["mon"]'), ("29:00", "12:00", '["mon"]'),
        ("7:00", "12:00", '["mon"]'), ("07:60", "12:00", '["mon"]'), ("07:00", "12:00", "[]"),
        ("07:00", "12:00", '["mon", "mon"]'), ("07:00", "12:00", '["mon", 2]'), ("07:00", "12:00", '"mon"'),
        ("\u0661\u0662:00", "12:00", '["mon"]'),
    ],
)  # fmt: skip
def test_entry_that_is_nearly_right_is_refused(begins: str, ends: str, days: str) -> None:
    [problem] = problems(f'[[schedule]]\nmode = "home"\nfrom = "{begins}"\nto = "{ends}"\ndays = {days}')
    assert "takes" in problem


def test_number_is_no_yes_and_a_yes_is_no_number() -> None:
    assert problems("[camera]\nfps = true") == [
        "[camera] fps: is true, takes a whole number from 5 to 30 (pictures per second)"
    ]
    assert problems("[night]\ninfrared = 1") == ["[night] infrared: is 1, takes true or false"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[camra]\n", '"camra": is unknown; did you mean [camera]?'),
        ("[[zones]]\n", '"zones": is unknown; did you mean [[zone]]?'),
        ("[camera]\nwith = 1280\n", '[camera] "with": is unknown; did you mean width?'),
        ("[camera]\npre_roll_s = 3\n", '[camera] "pre_roll_s": is unknown; it belongs below [recording]'),
        ("fps = 15\n", '"fps": is unknown; it belongs below [camera]'),
        ("zzz = 15\n", '"zzz": is unknown'),
        ("[motion]\nqqq = 15\n", '[motion] "qqq": is unknown; known are source'),
        ('[motion]\nsource = "pictures"\n', 'did you mean "picture"?'),
        ('[mode]\ntimezone = "Europe/Berln"\n', 'did you mean "Europe/Berlin"?'),
        ('[[schedule]]\nmode = "home"\nfrom = "01:00"\nto = "02:00"\ndays = ["tues"]', 'did you mean "tue"?'),
        ("camera = 5\n", "[camera]: is a number, takes a table"),
        ("[zone]\nx = 5\n", "[[zone]]: is a table, takes a line [[zone]] for each"),
        ("zone = [1]\n", "[[zone]]: is a list, takes a line [[zone]] for each"),
        ("[camera]\n[camera]\n", "twice (at line 2, column 8)"),
        ("fps 15", "is not toml: "),
        ("a = " + "[" * 20_000, "is not toml: brackets too deep"),
        ("a = " + "9" * 5_000, "is not toml: "),
        ('[[mask]]\nname = "hedge"\n', "[[mask]] 1 x: is missing, takes a whole number from 0 to 999"),
    ],
)
def test_message_names_the_place_and_the_remedy(text: str, says: str) -> None:
    assert any(says in problem for problem in problems(text)), problems(text)


def test_everything_that_is_wrong_is_told_in_one_go() -> None:
    text = (
        "[camera]\nfps = 500\nwith = 3\n[nigt]\n[night]\ndark_lux = 90\n[pins]\npir = 17\n[recording]\nmax_clip_s = 0\n"
    )
    told = problems(text)
    assert len(told) == 6, told
    assert [word for word in ("fps", "with", "nigt", "dark_lux", "pir", "max_clip_s") if word not in str(told)] == []


def test_a_key_that_is_wrong_is_not_compared_with_others_too() -> None:
    assert len(problems('[night]\nlight_lux = 2\ndark_lux = "x"\n')) == 1
    assert len(problems("[[zone]]\nname = 5\nx = 900\ny = 0\nwidth = 900\nheight = 1\n")) == 1


def test_what_is_told_is_capped() -> None:
    told = problems("\n".join(f"key{i} = 1" for i in range(2_000)))
    assert len(told) == MAX_PROBLEMS
    with pytest.raises(SettingsError, match="there are 1950 more"):
        parse_settings("\n".join(f"key{i} = 1" for i in range(2_000)))


@pytest.mark.parametrize(("name", "limit"), [("mask", MAX_MASKS), ("zone", MAX_ZONES)])
def test_rows_are_counted(name: str, limit: int) -> None:
    one = '[[{}]]\nname = "{}"\nx = 0\ny = 0\nwidth = 10\nheight = 10\n'
    assert parse_settings("".join(one.format(name, i) for i in range(limit)))
    assert problems("".join(one.format(name, i) for i in range(limit + 1))) == [
        f"[[{name}]]: there are {limit + 1}, and {limit} at most are allowed"
    ]


def test_schedule_is_counted() -> None:
    entry = '[[schedule]]\nmode = "away"\nfrom = "08:00"\nto = "09:00"\n'
    assert len(parse_settings(entry * MAX_SCHEDULE_ENTRIES).schedule) == MAX_SCHEDULE_ENTRIES
    assert "at most" in str(problems(entry * (MAX_SCHEDULE_ENTRIES + 1)))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("[night]\ndark_lux = 30", ("[night] dark_lux", "[night] light_lux")),
        ('[pins]\ninfrared = "none"', ("[night] infrared", "[pins] infrared")),
        ('[[zone]]\nname = "a"\nx = 500\ny = 0\nwidth = 501\nheight = 5', ("[[zone]] 1 x", "[[zone]] 1 width")),
        ('[[mask]]\nname = "a"\nx = 0\ny = 1\nwidth = 5\nheight = 1000', ("[[mask]] 1 y", "[[mask]] 1 height")),
        (
            '[[mask]]\nname = "a"\nx = 0\ny = 0\nwidth = 5\nheight = 5\n' * 2,
            ("[[mask]] 1 name", "[[mask]] 2 name"),
        ),
        (
            "[recording]\npre_roll_s = 5\npost_roll_s = 5\nmax_clip_s = 10",
            ("[recording] pre_roll_s", "[recording] post_roll_s", "[recording] max_clip_s"),
        ),
        (
            "[outbox]\nmax_bytes = 16000000\n[recording]\nmax_clip_s = 60",
            ("[outbox] max_bytes", "[recording] max_clip_s", "[camera] bits_per_s"),
        ),
        ("[pins]\nchime = 17", ("[pins] button", "[pins] chime")),
        ('[motion]\nsource = "pir"\n[pins]\npir = "none"', ("[motion] source", "[pins] pir")),
        (
            '[[mask]]\nname = "a"\nx = 0\ny = 0\nwidth = 50\nheight = 50\n'
            '[[zone]]\nname = "b"\nx = 10\ny = 10\nwidth = 40\nheight = 40\n',
            ("[[zone]] 1",),
        ),
    ],
)
def test_keys_that_do_not_fit_each_other_are_refused_by_their_names(text: str, at: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    assert [problem.at for problem in caught.value.problems] == [at]


@pytest.mark.parametrize(
    "text",
    [
        "[night]\ndark_lux = 19.9",
        '[pins]\ninfrared = "none"\n[night]\ninfrared = false',
        '[[zone]]\nname = "a"\nx = 500\ny = 0\nwidth = 500\nheight = 5',
        "[recording]\npre_roll_s = 5\npost_roll_s = 4\nmax_clip_s = 10",
        '[pins]\nchime = "none"\nir_cut = "none"',
        '[pins]\npir = "none"',
        '[[mask]]\nname = "a"\nx = 0\ny = 0\nwidth = 50\nheight = 50\n'
        '[[zone]]\nname = "a"\nx = 10\ny = 10\nwidth = 41\nheight = 40\n',
    ],
)
def test_keys_that_just_fit_are_taken(text: str) -> None:
    parse_settings(text)


def test_file_is_capped_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(b"#" * MAX_SETTINGS_BYTES)
    assert read_settings(path) == Settings()
    for data in (b"#" * (MAX_SETTINGS_BYTES + 1), b"#" * (MAX_SETTINGS_BYTES - 1) + "ö".encode() * 100):
        path.write_bytes(data)
        with pytest.raises(SettingsError, match="longer than 65536 bytes"):
            read_settings(path)
    with path.open("r+b") as file:
        file.truncate(1 << 42)  # all holes: only who reads it whole runs out of memory
    with pytest.raises(SettingsError, match="longer than 65536 bytes"):
        read_settings(path)


def test_file_that_cannot_be_read_is_told_by_its_name(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(SettingsError, match=rf"^{path}: cannot be read: "):
            read_settings(path)
    (tmp_path / "latin").write_bytes(b"# \xe4")
    with pytest.raises(SettingsError, match="is not text in utf-8"):
        read_settings(tmp_path / "latin")


def test_absent_default_file_is_all_defaults_and_an_absent_named_one_is_not(tmp_path: Path) -> None:
    assert settings_in_force(None, tmp_path / "absent") == (None, Settings())
    (tmp_path / "here").write_text("[camera]\nfps = 20\n")
    path, found = settings_in_force(None, tmp_path / "here")
    assert (path, found.camera.fps) == (tmp_path / "here", 20)
    with pytest.raises(SettingsError):
        settings_in_force(tmp_path / "absent", tmp_path / "here")


def test_what_a_file_says_is_shown_in_ascii_and_cut() -> None:
    assert shown("\x1b[31m" + "x" * 100) == '"\\x1b[31m' + "x" * 35 + '..."'
    assert shown("\u202eabc") == '"\\u202eabc"'
    assert shown(10**5_000) == "a very long number"
    assert shown([[[]]]) == "a list of 1"


def refuses_or_reads(text: str) -> None:
    try:
        read = parse_settings(text)
    except SettingsError as error:
        told = error
    else:
        assert parse_settings(in_force(read)) == read
        return
    assert told.problems
    assert str(told).replace("\n", "").isprintable()


def test_cut_anywhere_it_is_read_or_refused() -> None:
    for end in range(len(WHOLE)):
        refuses_or_reads(WHOLE[:end])


values = st.one_of(
    st.integers(-10, 3_000), st.floats(), st.booleans(), st.text(max_size=12), st.lists(st.sampled_from(["mon", "x"])),
    st.sampled_from(["home", "none", "picture", "08:00", "Europe/Lisbon", "alert", "Europe"]),
)  # fmt: skip


def as_toml(value: object) -> str:
    if isinstance(value, float):
        return str(value)
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08X}" for c in value if not 0xD800 <= ord(c) < 0xE000) + '"'
    return toml_value(value)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ALL_KEYS), values), max_size=8))
def test_any_values_are_read_or_refused_and_what_is_read_can_be_printed_and_read_again(
    given_keys: list[tuple[tuple[Table, Key], object]],
) -> None:
    lines: dict[str, dict[str, str]] = {}
    for (table, key), value in given_keys:
        lines.setdefault(table.heading, {})[key.name] = as_toml(value)
    refuses_or_reads("\n".join("\n".join([h, *(f"{k} = {v}" for k, v in keys.items())]) for h, keys in lines.items()))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.integers(0, len(WHOLE)))
def test_garbage_is_refused_in_our_own_words(garbage: str, at: int) -> None:
    refuses_or_reads(WHOLE[:at] + garbage + WHOLE[at:])


def test_settings_are_read_with_nothing_but_the_standard_library() -> None:
    code = """
import sys
before = set(sys.modules)
import sealbell.config, sealbell.config.command
new = {name: str(getattr(sys.modules[name], "__file__", "")) for name in set(sys.modules) - before}
ours = {name for name in new if name == "sealbell" or name.startswith(("sealbell.config", "sealbell.pins"))}
print(sorted(name for name in new.keys() - ours if "site-packages" in new[name] or name.startswith("sealbell")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
