"""Offline verification of the transcript: an export and a receipt, in an empty folder, with the log's public key."""

import json
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from remit.sandbox.demo.folder import DemoFolder
from remit.sandbox.demo.server import remit


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineVerification:
    """The verifiers' output. `problems` is empty when everything verifies."""

    entries: int
    receipts: int
    problems: tuple[str, ...]


def verify_offline(folder: DemoFolder, *, key: str, receipts: Mapping[str, Any]) -> OfflineVerification:
    """Export the log, carry it and the receipts to an empty folder, and verify them there."""
    with tempfile.TemporaryDirectory(prefix="remit-verify-") as elsewhere, ThreadPoolExecutor(max_workers=2) as both:
        away = Path(elsewhere)
        checked = both.submit(_receipts, away, key, receipts)
        entries, problems = _log(folder, away, key)
        return OfflineVerification(entries=entries, receipts=len(receipts), problems=(*problems, *checked.result()))


def _log(folder: DemoFolder, away: Path, key: str) -> tuple[int, list[str]]:
    exported = remit("export", "--json", "--config", str(folder.desk), str(away / "log"))
    if exported.returncode:
        return 0, [f"the log could not be exported: {_output(exported)}"]
    verified = remit("verify-log", "--json", "--log", str(away / "log"), "--key", key)
    if verified.returncode:
        return 0, [f"the log does not verify: {_output(verified)}"]
    return int(json.loads(verified.stdout)["entries"]), []


def _receipts(away: Path, key: str, receipts: Mapping[str, Any]) -> list[str]:
    files = []
    for number, (_, receipt) in enumerate(sorted(receipts.items())):
        file = away / f"receipt-{number}.json"
        file.write_text(json.dumps(receipt), encoding="utf-8")
        files.append(str(file))
    checked = remit("verify", "--json", "--key", key, *files) if files else None
    if checked is None:
        return ["no agent was given a receipt"]
    return [f"a receipt does not verify: {_output(checked)}"] if checked.returncode else []


def _output(done: CompletedProcess[str]) -> str:
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return (done.stderr or done.stdout).strip()[-300:]
    bad = [str(one.get("why", "")) for one in report.get("receipts", ()) if not one.get("verified")]
    return str(report.get("error", {}).get("detail", "")) or "; ".join(bad)
