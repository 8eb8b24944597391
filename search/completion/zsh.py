"""Completion in zsh."""

from __future__ import annotations

from search.completion.grammar import ANY, FILE, NAME, STUDY, WORDS, Argument, Grammar

FRAME = """\
#compdef bpsearch
# completion of bpsearch in zsh: save it as _bpsearch in a folder of $fpath

_bpsearch_names() {
    local -a names
    names=(studies/*.journal(N:t:r))
    names=(${${names:#*.outer-*}:#*[^[:alnum:]._-]*})
    compadd -a names
    _files -g '*.toml'
}

_bpsearch() {
    local state line
    local -a verbs
    verbs=(
@VERBS@
    )
    _arguments -C \\
@SWITCHES@
        '1:verb:->verb' '*::argument:->rest'
    case $state in
        verb) _describe -t verbs verb verbs ;;
        rest)
            case $words[1] in
@ARGUMENTS@
            esac ;;
    esac
}

if [[ $funcstack[1] == _bpsearch ]]; then
    _bpsearch "$@"
else
    compdef _bpsearch bpsearch
fi
"""

ACTIONS = {ANY: " ", FILE: "_files", STUDY: '_files -g "*.toml"', NAME: "_bpsearch_names"}


def script(grammar: Grammar) -> str:
    """Return the script."""
    verbs = [f"        {_quoted(f'{verb}:{_plain(meaning)}')}" for verb, meaning in grammar.verbs.items()]
    switches = [f"        {spec} \\" for each in grammar.options("") for spec in _options(each)]
    arguments = [
        f"                {verb}) _arguments {' '.join(spec for each in grammar.arguments[verb] for spec in _specs(each))} ;;"
        for verb in grammar.verbs
    ]
    parts = {"VERBS": verbs, "SWITCHES": switches, "ARGUMENTS": arguments}
    text = FRAME
    for name, lines in parts.items():
        text = text.replace(f"@{name}@", "\n".join(lines))
    return text


def _specs(argument: Argument) -> list[str]:
    if argument.flags:
        return _options(argument)
    start = "*" if argument.many else ""
    return [_quoted(f"{start}:{_plain(argument.meaning)}:{_action(argument)}")]


def _options(argument: Argument) -> list[str]:
    value = f":{argument.takes}:{_action(argument)}" if argument.takes else ""
    return [_quoted(f"*{flag}[{_plain(argument.meaning)}]{value}") for flag in argument.flags]


def _action(argument: Argument) -> str:
    return f"({' '.join(argument.words)})" if argument.takes == WORDS else ACTIONS[argument.takes]


def _plain(text: str) -> str:
    """Escape what has a meaning in a specification."""
    return "".join(f"\\{c}" if c in ":[]\\" else c for c in text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
