"""Completion as a shell does it: bash itself is asked what it would propose, for every command there is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cli.running import Run
from remit.cli.completion import SHELLS, script_for, shapes
from remit.cli.main import make_parser

BASH = shutil.which("bash")


def proposed(script: Path, *words: str) -> set[str]:
    """What bash proposes for the last word, by the function that `complete` names for remit."""
    program = (
        'source "$1"; shift\n'
        'read -r -a how <<< "$(complete -p remit)"\n'
        'for i in "${!how[@]}"; do [ "${how[$i]}" = -F ] && function="${how[$((i+1))]}"; done\n'
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}\n'
        '"$function" remit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    assert BASH is not None
    done = subprocess.run([BASH, "--norc", "-c", program, "bash", script, "remit", *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return {line for line in done.stdout.splitlines() if line}


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if BASH is None:
        pytest.skip("no bash here")
    file = tmp_path_factory.mktemp("completion") / "remit.bash"
    file.write_text(script_for("bash", make_parser()))
    return file


def test_bash_completes_every_command_subcommand_and_option(script: Path) -> None:
    for one in shapes(make_parser()):
        assert proposed(script, *one.path, "") >= {*one.subcommands, *one.options}, one.path
        for name, choices in one.choices.items():
            if name:
                assert proposed(script, *one.path, name, "") == set(choices), (one.path, name)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("ver",), {"verify", "verify-log"}),
        (("verify", "--k"), {"--key"}),
        (("--json", "agent", "s"), {"suspend"}),
        (("agent", "list", "--config", "x", "--j"), {"--json"}),
        (("demo", "--ask", "--for", "w"), {"words"}),
        (("person", "add", "anna", "--kind", "c"), {"customer"}),
        (("completion", "f"), {"fish"}),
        (("events", "rep"), {"replace"}),
        (("nothing-such", "x"), set()),
    ],
)
def test_bash_completes_what_has_been_begun(script: Path, words: tuple[str, ...], found: set[str]) -> None:
    assert proposed(script, *words) == found


def test_bash_completes_files_where_a_file_is_wanted(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "receipt.json").touch()
    monkeypatch.chdir(tmp_path)
    assert proposed(script, "verify", "--key", "rec") == {"receipt.json"}


def test_what_is_hidden_is_not_proposed(script: Path) -> None:
    assert "--worker" not in proposed(script, "serve", "--work")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_for_each_shell_and_the_shell_reads_it(remit: Run, tmp_path: Path, shell: str) -> None:
    told = remit("completion", shell)
    assert (told.code, told.err) == (0, "")
    assert "remit" in told.out.splitlines()[0]
    as_json = remit("completion", shell, "--json").json
    assert as_json["script"].rstrip() == told.out.rstrip()
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    (tmp_path / "script").write_text(told.out)
    done = subprocess.run([program, "-n", tmp_path / "script"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
