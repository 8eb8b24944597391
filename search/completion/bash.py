"""Completion in bash."""

from __future__ import annotations

from search.completion.grammar import Argument, Grammar

FRAME = """\
# completion of bpsearch in bash: save it as ~/.local/share/bash-completion/completions/bpsearch

# what can be typed: the verbs, options of a verb, what an option takes, and what stands in each place
_bpsearch_verbs="@VERBS@"
_bpsearch_options() {
    case $1 in
@OPTIONS@
    esac
}
_bpsearch_takes() {
    case "$1 $2" in
@TAKES@
    esac
}
_bpsearch_places() {
    case $1 in
@PLACES@
    esac
}

# names come from files, which may be anybody's: they are compared, and never expanded
_bpsearch_offer() {
    local word
    for word in "$@"; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
    done
}
_bpsearch_names() {
    local file name
    for file in studies/*.journal; do
        name=${file#studies/} name=${name%.journal}
        [[ -e $file && $name != *.outer-* && $name != *[^[:alnum:]._-]* ]] && _bpsearch_offer "$name"
    done
}
_bpsearch_files() {
    local file
    local -a found
    compopt -o filenames 2>/dev/null
    mapfile -t found < <(compgen -f -- "$cur")
    for file in "${found[@]}"; do
        [[ -z $1 || -d $file || $file == *"$1" ]] && COMPREPLY+=("$file")
    done
}
_bpsearch_value() {
    case $1 in
        study) _bpsearch_files .toml ;;
        name) _bpsearch_names; _bpsearch_files .toml ;;
        file) _bpsearch_files "" ;;
        words) shift; _bpsearch_offer "$@" ;;
    esac
}

_bpsearch() {
    local cur=${COMP_WORDS[COMP_CWORD]} verb= takes= word i place=0
    local -a places
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == -* ]]; then
            takes=$(_bpsearch_takes "$verb" "$word")
        elif [[ -n $takes ]]; then
            takes=
        elif [[ -z $verb ]]; then
            verb=$word
        else
            ((place += 1))
        fi
    done
    if [[ $cur == -* ]]; then
        _bpsearch_offer $(_bpsearch_options "$verb")
    elif [[ -n $takes ]]; then
        _bpsearch_value $takes
    elif [[ -z $verb ]]; then
        _bpsearch_offer $_bpsearch_verbs
    else
        mapfile -t places < <(_bpsearch_places "$verb")
        ((${#places[@]})) || return 0
        ((place < ${#places[@]})) || { [[ ${places[-1]} == *+ ]] && place=$((${#places[@]} - 1)); }
        word=${places[place]-}
        _bpsearch_value ${word%+}
    fi
}
complete -F _bpsearch bpsearch
"""


def script(grammar: Grammar) -> str:
    """Return the script."""
    verbs = ["", *grammar.verbs]
    options = {verb: [flag for each in grammar.options(verb) for flag in each.flags] for verb in verbs}
    takes = {verb: [each for each in grammar.options(verb) if each.takes] for verb in verbs}
    places = {verb: grammar.places(verb) for verb in grammar.verbs}
    parts = {
        "VERBS": " ".join(grammar.verbs),
        "OPTIONS": [f"{verb or _NONE}) echo {' '.join(flags)} ;;" for verb, flags in options.items()],
        "TAKES": [
            f"{'|'.join(_quoted(f'{verb} {flag}') for flag in each.flags)}) echo {_value(each)} ;;"
            for verb, own in takes.items()
            for each in own
        ],
        "PLACES": [
            f"{verb}) printf '%s\\n' {' '.join(_quoted(_value(each) + '+' * each.many) for each in own)} ;;"
            for verb, own in places.items()
            if own
        ],
    }
    text = FRAME
    for name, part in parts.items():
        text = text.replace(
            f"@{name}@", part if isinstance(part, str) else "\n".join(f"        {line}" for line in part)
        )
    return text


_NONE = '""'


def _quoted(text: str) -> str:
    return f'"{text}"'


def _value(argument: Argument) -> str:
    return " ".join([argument.takes, *argument.words])
