"""The doorbell's settings: one TOML file, validated once into frozen dataclasses; docs/configuration.md has all keys.

Nothing but the standard library: the camera process, the network process and the doctor all read it.
"""

from sealbell.config.errors import Problem, SettingsError
from sealbell.config.parse import DEFAULT_PATH, parse_settings, read_settings, settings_in_force
from sealbell.config.settings import Settings

__all__ = [
    "DEFAULT_PATH",
    "Problem",
    "Settings",
    "SettingsError",
    "parse_settings",
    "read_settings",
    "settings_in_force",
]
