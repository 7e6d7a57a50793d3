"""Where the peers of the identity sources are, and what is said where one cannot be had."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PEERS = Path(__file__).parent / "peers"
SIGNERS = ROOT / ".bench" / "identity" / "node_modules"


def missing(*found: bool, cure: str) -> str:
    """The reason why a peer does not run; "" where it does."""
    return "" if all(found) else f"remit: NOT RUN: {cure}"


NO_BOT = missing(
    (SIGNERS / "web-bot-auth").is_dir(), shutil.which("node") is not None, cure="no npm web-bot-auth here (make identity-peers)"
)
NO_FRONT = missing(shutil.which("haproxy") is not None, cure="no haproxy here (make identity-peers, as root, or apt-get install haproxy)")
