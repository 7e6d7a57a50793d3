"""The files of deploy/ as far as they can be tried without containers: they parse, and what they name is there."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from architecture.sources import ROOT
from remit.cli.desk import _GRACE_S
from remit.cli.main import make_parser
from remit.settings.environment import overlaid, verify_variables

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "remit"
REMIT = (DEPLOY / "Containerfile").read_text()
RT = (DEPLOY / "Containerfile.rt").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
UNIT = (DEPLOY / "remit.service").read_text()
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
RECORDS = "records.yaml"
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
EXPRESSION = re.compile(r"\{\{-? *(.*?) *-?\}\}")


def value_of(path: str) -> Any:
    """The value of `.Values.a.b`; a name that values.yaml lacks is an error, as with `helm template --strict`."""
    found: Any = {"Values": VALUES, "Release": {"Name": "desk"}}
    for name in path.removeprefix(".").split("."):
        found = found[name]
    return found


def rendered(template: Path) -> list[Any]:
    """The documents of a template, whose language is used no further than names, `quote`, `toJson` and `if` of what is true."""

    def shown(match: re.Match[str]) -> str:
        path, *pipe = match[1].split(" | ")
        if path.startswith("if "):
            assert isinstance(value_of(path[3:]), bool)
            return ""
        if path == "end":
            return ""
        value = value_of(path)
        return json.dumps(value) if pipe else str(value)

    return [one for one in yaml.safe_load_all(EXPRESSION.sub(shown, template.read_text())) if one]


def documents() -> dict[str, Any]:
    return {one["kind"]: one for template in TEMPLATES if template.name != RECORDS for one in rendered(template)}


def records() -> dict[str, Any]:
    return {one["kind"]: one for one in rendered(CHART / "templates" / RECORDS)}


def stateful_sets() -> list[Any]:
    return [documents()["StatefulSet"]["spec"], records()["StatefulSet"]["spec"]]


def remit_commands() -> list[list[str]]:
    """Every command line of `remit` that an image, a unit or a chart starts."""
    container = documents()["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    unit = re.search(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    command = re.search(r"^CMD (\[.*\])$", REMIT, re.MULTILINE)
    assert unit
    assert command
    return [json.loads(command[1]), container["args"], shlex.split(unit[1])[1:]]


def records_commands() -> list[list[str]]:
    """Every command line that serves the records."""
    container = records()["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    return [container["args"], COMPOSE["services"]["records"]["command"]]


def test_what_is_started_is_a_command_of_remit() -> None:
    assert re.search(r'^ENTRYPOINT \["remit"\]$', REMIT, re.MULTILINE)
    assert {make_parser().parse_args(one).drain for one in remit_commands()} == {5}
    for one in records_commands():
        asked = make_parser().parse_args(one)
        assert (asked.desk_command, asked.host, asked.port) == ("serve", "0.0.0.0", 8090)
    (join,) = re.findall(r"remit (join --config \S+ --from) ", (CHART / "templates" / "statefulset.yaml").read_text())
    make_parser().parse_args([*join.split(), "https://desk.example/log"])


def test_every_variable_is_a_setting() -> None:
    pods = [one["template"]["spec"] for one in stateful_sets()]
    chart = {one["name"]: one["value"] for pod in pods for part in ("containers", "initContainers") for one in pod[part][0]["env"]}
    image = dict(re.findall(r"\b(REMIT_\w+)=(\S+)", REMIT))
    compose = {key: str(value) for name in ("remit", "records") for key, value in COMPOSE["services"][name]["environment"].items()}
    for variables in (chart, image, compose):
        ours = {key: value for key, value in variables.items() if key.startswith("REMIT_")}
        verify_variables(ours)
        overlaid({"server": {}, "store": {}, "desk": {}, "keys": {}, "words": {}}, ours)
    assert image["REMIT_HOST"] == "0.0.0.0"


def test_files_that_images_copy_are_there_and_the_last_stage_runs_as_nobody_special() -> None:
    for text, base in ((REMIT, ROOT), (RT, DEPLOY)):
        for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
            assert [name for name in line.split()[:-1] if not (base / name).exists()] == []
        assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] in {"10001:10001", "www-data"}
    assert "--require-hashes -r /src/requirements-words.txt" in REMIT


def test_ports_agree() -> None:
    pod = documents()["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    assert re.findall(r"^EXPOSE (\d+)$", REMIT, re.MULTILINE) == ["8080"]
    assert re.findall(r"http://127\.0\.0\.1:(\d+)/readyz", REMIT) == ["8080"]
    assert [one["containerPort"] for one in pod["ports"]] == [8080]
    assert documents()["Service"]["spec"]["ports"][0]["targetPort"] == pod["ports"][0]["name"]
    assert COMPOSE["services"]["remit"]["ports"] == ["127.0.0.1:8080:8080"]
    (kept,) = records()["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["ports"]
    (served,) = records()["Service"]["spec"]["ports"]
    assert (kept["containerPort"], served["port"], served["targetPort"]) == (8090, 8090, kept["name"])
    assert "8090" in COMPOSE["services"]["records"]["healthcheck"]["test"][-1]
    assert "https://records:8090" in (ROOT / "docs" / "deploy.md").read_text()
    (rt,) = re.findall(r"^EXPOSE (\d+)$", RT, re.MULTILINE)
    assert COMPOSE["services"]["rt"]["ports"] == [f"127.0.0.1:{rt}:{rt}"]
    stunnel = (DEPLOY / "stunnel.conf").read_text()
    assert f"accept = {rt}" in stunnel
    (behind,) = re.findall(r"connect = 127\.0\.0\.1:(\d+)", stunnel)
    assert f"--port {behind}" in (DEPLOY / "rt-entrypoint.sh").read_text()


def test_probes_ask_for_life_and_readiness_at_their_own_addresses() -> None:
    pod = documents()["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    asked = {name: pod[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def test_all_runs_without_rights_on_a_root_that_nothing_writes_on() -> None:
    for pod in (one["template"]["spec"] for one in stateful_sets()):
        assert pod["securityContext"]["runAsNonRoot"] is True
        for part in (*pod["containers"], *pod["initContainers"]):
            assert part["securityContext"]["readOnlyRootFilesystem"] is True
            assert part["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    for service in (COMPOSE["services"][name] for name in ("remit", "records")):
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "SystemCallFilter=@system-service"):
        assert f"\n{line}\n" in UNIT


def test_supervisors_give_a_stop_the_seconds_that_it_takes() -> None:
    pod = documents()["StatefulSet"]["spec"]["template"]["spec"]
    (unit,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    compose = int(COMPOSE["services"]["remit"]["stop_grace_period"].removesuffix("s"))
    assert min(pod["terminationGracePeriodSeconds"], int(unit), compose) >= 5 + 40
    kept = records()["StatefulSet"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert min(kept, int(COMPOSE["services"]["records"]["stop_grace_period"].removesuffix("s"))) > _GRACE_S


def test_no_secret_is_in_a_variable_or_a_value() -> None:
    for service in COMPOSE["services"].values():
        for key, value in service.get("environment", {}).items():
            assert not re.search(r"PASS|TOKEN|SECRET", key) or str(value).startswith("/run/secrets/")
        for one in service.get("secrets", ()):
            assert (one if isinstance(one, str) else one["source"]) in COMPOSE["secrets"]
    assert not re.search(
        r"password|token", (CHART / "values.yaml").read_text().replace("the passwords of the databases", ""), re.IGNORECASE
    )


def test_mounts_and_volumes_of_the_chart_agree() -> None:
    for claims in stateful_sets():
        pod = claims["template"]["spec"]
        known = {one["name"] for one in pod["volumes"]} | {one["metadata"]["name"] for one in claims["volumeClaimTemplates"]}
        for part in (*pod["containers"], *pod["initContainers"]):
            assert {one["name"] for one in part["volumeMounts"]} == known
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["apiVersion"] == "v2"


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not here: deploy/remit.service was only read")
    unit = tmp_path / "remit.service"
    unit.write_text(re.sub(r"/opt/remit/bin/remit", "/bin/true", UNIT))
    done = subprocess.run([tool, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "remit.service" in line]) == (0, []), done.stderr
