"""Machines that boot Debian trixie with the package installed: in a container, or on an emulated arm64 board."""
