"""`remit completion bash|zsh|fish`: a script that completes commands, subcommands, options and their choices.

Our own generator: argcomplete starts Python at each Tab, which takes half a second here, and shtab would be one more
dependency of every server. A script holds the whole command line and starts nothing.
"""

import argparse
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from remit.cli.output import CommandOutput, ExitCode
from remit.cli.shared import common_options
from remit.domain.structs import struct

SHELLS: Final = ("bash", "zsh", "fish")
_INSTALL: Final[Mapping[str, str]] = {
    "bash": 'eval "$(remit completion bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(remit completion zsh)"   # in ~/.zshrc, after compinit',
    "fish": "remit completion fish > ~/.config/fish/completions/remit.fish",
}


@struct(frozen=True)
class CommandShape:
    """One command as it is completed: its path, subcommands with their help, and options with help and choices.

    `choices` are those of its options that take one of several words, and of its first word under "".
    """

    path: tuple[str, ...]
    subcommands: Mapping[str, str]
    options: Mapping[str, str]
    choices: Mapping[str, tuple[str, ...]]
    valued: tuple[str, ...]


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    completion = sub.add_parser(
        "completion",
        parents=[common_options()],
        help="Print a completion script for a shell",
        description="Print a completion script. " + "; ".join(f"{shell}: {line}" for shell, line in _INSTALL.items()),
    )
    completion.add_argument("shell", choices=SHELLS, metavar="|".join(SHELLS), help="The shell")
    completion.set_defaults(run=_completion)


def _completion(args: argparse.Namespace, out: CommandOutput) -> int:
    command = importlib.import_module("remit.cli.main")  # it loads this module
    script = script_for(args.shell, command.make_parser())
    out.tell({"shell": args.shell, "script": script, "install": _INSTALL[args.shell]}, script.rstrip())
    return ExitCode.OK


def script_for(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the completion script of a command line for one of the shells."""
    writers: Mapping[str, Callable[[list[CommandShape]], Iterator[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    return "\n".join(writers[shell](list(shapes(parser)))) + "\n"


def shapes(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[CommandShape]:
    """Yield the shape of a command and of everything below it."""
    below: dict[str, argparse.ArgumentParser] = {}
    helps: dict[str, str] = {}
    options: dict[str, str] = {}
    choices: dict[str, tuple[str, ...]] = {}
    valued: list[str] = []
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # as above
            below.update(action.choices)
            helps.update({one.dest: one.help or "" for one in action._choices_actions})  # noqa: SLF001  # as above
        elif action.option_strings and action.help != argparse.SUPPRESS:
            name = action.option_strings[-1]
            options[name] = action.help or ""
            if action.nargs != 0:
                valued.append(name)
            if action.choices:
                choices[name] = tuple(str(one) for one in action.choices)
        elif action.choices and not action.option_strings and "" not in choices:
            choices[""] = tuple(str(one) for one in action.choices)
    yield CommandShape(path, {name: helps.get(name, "") for name in below}, options, choices, tuple(valued))
    for name, sub in below.items():
        yield from shapes(sub, (*path, name))


def _bash(found: list[CommandShape]) -> Iterator[str]:
    """Write a bash script: the words before the cursor name the command, and its words are proposed."""
    yield "# bash completion of remit"
    yield "_remit() {"
    yield '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" word i=1'
    yield "    COMPREPLY=()"
    yield "    while [ $i -lt $COMP_CWORD ]; do"
    yield '        word="${COMP_WORDS[i]}"'
    paths = "|".join(_quoted_path(one) for one in found if one.path)
    yield f'        case "$path/$word" in {paths}) path="$path/$word" ;; esac'
    yield "        i=$((i + 1))"
    yield "    done"
    yield '    local words="" values="" files=""'
    yield '    case "$path" in'
    for one in found:
        words = " ".join((*one.subcommands, *one.choices.get("", ()), *one.options))
        yield f'        {_quoted_path(one)}) words="{words}"'
        if one.valued:
            yield '            case "$prev" in'
            for name in one.valued:
                values = " ".join(one.choices.get(name, ()))
                yield f"                {name}) {f'values={chr(34)}{values}{chr(34)}' if values else 'files=1'} ;;"
            yield "            esac"
        yield "            ;;"
    yield "    esac"
    yield '    if [ -n "$values" ]; then'
    yield '        COMPREPLY=($(compgen -W "$values" -- "$cur"))'
    yield '    elif [ -n "$files" ]; then'
    yield '        COMPREPLY=($(compgen -f -- "$cur"))'
    yield "    else"
    yield '        COMPREPLY=($(compgen -W "$words" -- "$cur"))'
    yield "    fi"
    yield "}"
    yield "complete -o bashdefault -o default -F _remit remit"


def _quoted_path(one: CommandShape) -> str:
    return '"' + "".join(f"/{word}" for word in one.path) + '"'


def _zsh(found: list[CommandShape]) -> Iterator[str]:
    """Write a zsh script: the bash one, which zsh runs by its own bashcompinit."""
    yield "# zsh completion of remit"
    yield "autoload -U +X bashcompinit && bashcompinit"
    yield from list(_bash(found))[1:]


def _fish(found: list[CommandShape]) -> Iterator[str]:
    """Write a fish script: one line for each word, under the condition that its command stands on the line."""
    yield "# fish completion of remit"
    yield "function __remit_at"
    yield "    set -l typed (commandline -opc)"
    yield "    set -e typed[1]"
    yield "    set -l words"
    yield "    for word in $typed"
    yield "        string match -q -- '-*' $word; or set -a words $word"
    yield "    end"
    yield "    test (count $words) -ge (count $argv); or return 1"
    yield "    for place in (seq (count $argv))"
    yield "        test $words[$place] = $argv[$place]; or return 1"
    yield "    end"
    yield "end"
    yield "complete -c remit -f"
    for one in found:
        at = (
            f"-n '__remit_at {' '.join(one.path)}'"
            if one.path
            else "-n 'not __fish_seen_subcommand_from " + " ".join(found[0].subcommands) + "'"
        )
        for name, said in one.subcommands.items():
            below = (
                f"-n '__remit_at {' '.join(one.path)}; and not __fish_seen_subcommand_from {' '.join(one.subcommands)}'"
                if one.path
                else at
            )
            yield f"complete -c remit {below} -a {name} -d {_fish_text(said)}"
        for word in one.choices.get("", ()):
            yield f"complete -c remit {at} -a {word}"
        for name, said in one.options.items():
            values = one.choices.get(name, ())
            takes = f" -x -a '{' '.join(values)}'" if values else " -rF" if name in one.valued else ""
            yield f"complete -c remit {at} -l {name.lstrip('-')}{takes} -d {_fish_text(said)}"


def _fish_text(text: str) -> str:
    return "'" + text.replace("%%", "%").replace("\\", "\\\\").replace("'", "\\'") + "'"
