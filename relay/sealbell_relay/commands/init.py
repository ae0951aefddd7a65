"""`sealbell-relay init`: make a relay's folder, the key that signs its receipts, and its CA."""

import argparse
import os
import time
from pathlib import Path

from sealbell_relay.commands import options as asked
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import SEED_BYTES, Folder
from sealbell_relay.store.store import DirectoryStore

DESCRIPTION = """\
Make a relay's folder, the key that signs its receipts, and its CA if --host says for which names. Without --host,
serving makes a CA when it first needs one, for the name on the card. With --certificate and --key no CA is made; they
may be given to a relay's folder that is there already, and hold from its next start on.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    asked.add_folder(parser)
    text = "a name or address of the relay's, for which its own CA signs; a domain stands for its hosts; repeat it"
    parser.add_argument("--host", metavar="NAME_OR_IP", action="append", default=[], help=text)
    text = "show this certificate with its chain, PEM, instead of one of its own; read again whenever it changes"
    parser.add_argument("--certificate", metavar="FILE", type=Path, help=text)
    parser.add_argument("--key", metavar="FILE", type=Path, help="its key, PEM, without a passphrase")
    text = "the CA that signed it, PEM, where that is not a public one"
    parser.add_argument("--ca", metavar="FILE", type=Path, help=text)


def run(options: argparse.Namespace) -> int:
    """Make it."""
    from sealbell_relay.tls.certificates import new_key  # noqa: PLC0415 - they would slow every other command
    from sealbell_relay.tls.folder import Given, TlsFolder, read_ca, read_pair  # noqa: PLC0415
    from sealbell_relay.tls.names import parse_name  # noqa: PLC0415

    given, names = None, tuple(parse_name(name) for name in options.host)
    if options.certificate or options.key or options.ca:
        if not (options.certificate and options.key) or names:
            raise RelayError("give --certificate and --key together, and no --host: the certificate holds the names")
        given = Given(options.certificate.absolute(), options.key.absolute(), options.ca and options.ca.absolute())
        read_pair(given.certificate, given.key)
        if given.ca is not None:
            read_ca(given.ca)
    folder = Folder(options.dir)
    if given is None or not folder.is_relay:
        folder.make(os.urandom(SEED_BYTES))
        folder.credential(os.urandom)  # for the other relays of a broker, to which it is copied with the key
        DirectoryStore(folder.store).make()
        print(f"made {folder.root}; start it with: sealbell-relay serve {options.dir}")
    if given is not None:
        TlsFolder(folder).refer(given)
        print(f"from its next start on it shows {given.certificate}, and doorbells and owners need its card of then")
    elif names:
        TlsFolder(folder).make_authority(names, new_key(), time.time())
    return 0
