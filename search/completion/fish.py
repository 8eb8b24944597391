"""Completion in fish."""

from __future__ import annotations

from collections.abc import Iterator

from search.completion.grammar import ANY, FILE, NAME, STUDY, WORDS, Argument, Grammar

FRAME = """\
# completion of bpsearch in fish: save it as ~/.config/fish/completions/bpsearch.fish

function __bpsearch_names
    for file in studies/*.journal
        set -l name (string replace -r '^studies/(.*)\\\\.journal$' '$1' -- $file)
        string match -qr '^[\\\\p{L}\\\\p{M}\\\\p{N}_.-]+$' -- $name; and not string match -q '*.outer-*' -- $name; and echo $name
    end
    __fish_complete_suffix .toml
end

complete -c bpsearch -f
"""

NO_VERB = "__fish_use_subcommand"
ACTIONS = {ANY: "", FILE: "-F", STUDY: "-a '(__fish_complete_suffix .toml)'", NAME: "-a '(__bpsearch_names)'"}


def script(grammar: Grammar) -> str:
    """Return the script."""
    return FRAME + "\n".join(_lines(grammar)) + "\n"


def _lines(grammar: Grammar) -> Iterator[str]:
    for each in grammar.options(""):
        yield _option(each, NO_VERB)
    for verb, meaning in grammar.verbs.items():
        yield f"complete -c bpsearch -n {NO_VERB} -a {verb} -d {_quoted(meaning)}"
        seen = _quoted(f"__fish_seen_subcommand_from {verb}")
        yield from (_option(each, seen) for each in grammar.options(verb))
        for action in dict.fromkeys(_action(each) for each in grammar.places(verb)):
            if action:
                yield f"complete -c bpsearch -n {seen} {action}"


def _option(argument: Argument, condition: str) -> str:
    flags = " ".join(f"-l {f.removeprefix('--')}" if f.startswith("--") else f"-s {f[1:]}" for f in argument.flags)
    value = f" -r {_action(argument)}".rstrip() if argument.takes else ""
    return f"complete -c bpsearch -n {condition} {flags}{value} -d {_quoted(argument.meaning)}"


def _action(argument: Argument) -> str:
    return f"-a {_quoted(' '.join(argument.words))}" if argument.takes == WORDS else ACTIONS[argument.takes]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
