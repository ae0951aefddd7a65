"""`sealbell config`: print what is in force, or say what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path

from sealbell.config.errors import SettingsError
from sealbell.config.parse import DEFAULT_PATH, settings_in_force
from sealbell.config.render import in_force, plain_settings, toml_value

OK, FAILED = 0, 1


def show_config(given: Path | None, say: Callable[[str], None], *, as_json: bool, check: bool) -> int:
    """Say what is in force as TOML (`as_json`: as JSON), or with `check` only that the file is in order.

    Returns an exit code. SettingsError if the file is wrong, but with `as_json` the problems are said instead.
    """
    try:
        path, settings = settings_in_force(given)
    except SettingsError as error:
        if not as_json:
            raise
        problems = [{"at": list(problem.at), "says": problem.says} for problem in error.problems]
        say(json.dumps({"file": str(error.file), "problems": problems}))
        return FAILED
    file = None if path is None else str(path)
    if as_json:
        say(json.dumps({"file": file, "problems": []} | ({} if check else {"settings": plain_settings(settings)})))
    elif check:
        say(f"{file}: in order" if file else f"{DEFAULT_PATH} is not there: all defaults")
    else:
        source = f"# from {toml_value(file)}" if file else f"# {DEFAULT_PATH} is not there: all defaults"
        say(f"{source}\n\n{in_force(settings)}".rstrip("\n"))
    return OK
