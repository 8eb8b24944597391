"""The Chinese documents say what the English ones say: the same commands, and keys, options, codes and numbers that exist."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from bpmodel.diagnosis.rules import RULES
from bpmodel.options import CLASSIFIER_OPTIONS, ON_DIVERGENCE, REGRESSOR_OPTIONS
from bpmodel.preprocessing.options import PREPROCESSING
from search import StudyError, cli
from search.commands import verbs
from search.samplers.methods import METHODS
from search.study import study_file
from search.study.keys import CrossValidation, Data, File, Search, Tracking

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/zh").glob("*.md")}
PAGES["README.zh-CN.md"] = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPTIONS = {o.name: o for o in (*CLASSIFIER_OPTIONS, *REGRESSOR_OPTIONS, *PREPROCESSING)}
TABLES = Data, Search, CrossValidation, Tracking
KEYS = {name: field for table in TABLES for name, field in table.model_fields.items()} | {
    "name": File.model_fields["name"]
}


def blocks(text: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for kind, block in found if kind == language]


def commands(text: str) -> list[list[str]]:
    """Return the commands of a text's shell blocks, without comments."""
    lines = "".join(blocks(text, "sh")).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def section(page: str, title: str) -> str:
    return PAGES[page].split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """Return the names in the first column of the tables of a text."""
    return [name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]


def test_readme_has_the_same_commands():
    assert len(commands(README)) > 4
    assert commands(PAGES["README.zh-CN.md"]) == commands(README)


def test_readme_has_the_same_commands_in_its_text():
    made = r"`make [^`]+`"
    assert sorted(re.findall(made, PAGES["README.zh-CN.md"])) == sorted(re.findall(made, README))


@pytest.mark.parametrize("language", ["", "python"])
def test_readme_has_the_same_outputs_and_programs(language):
    assert len(blocks(README, language)) > 1
    assert blocks(PAGES["README.zh-CN.md"], language) == blocks(README, language)


def test_readme_has_the_same_study_file():
    (here,), (there,) = blocks(PAGES["README.zh-CN.md"], "toml"), blocks(README, "toml")
    assert tomllib.loads(here) == tomllib.loads(there)
    assert here != there, "its comments are Chinese"


def test_readmes_name_each_other_and_the_chinese_pages():
    assert "(README.zh-CN.md)" in README
    assert PAGES["README.zh-CN.md"].startswith("[English](README.md) | ")
    assert all(f"(docs/zh/{name})" in PAGES["README.zh-CN.md"] for name in PAGES if name != "README.zh-CN.md")


NAMED = sorted({found for text in PAGES.values() for found in re.findall(r"(?<!from )bpsearch [a-z][^`\n#>]*", text)})


@pytest.mark.parametrize("command", NAMED)
def test_commands_exist(command):
    """Each verb, switch and method that a page names is accepted, or has help if it is named alone."""
    verb, *arguments = shlex.split(command)[1:]
    if arguments or verb == "ui":
        assert cli._parser().parse_args([verb, *arguments]).verb == verb
    else:
        assert verb in verbs()


def test_keys_and_their_defaults():
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", section("studies.md", "常用的键"), re.MULTILINE)
    assert len(rows) == 28
    for names, default in rows:
        known = re.findall(r"`([^`]+)`", names)
        assert set(known) <= KEYS.keys() | OPTIONS.keys()
        told = re.findall(r'^-?\d+$|(?<=`")[\w-]+(?="`)', default)
        field = KEYS.get(known[0])
        expected = OPTIONS[known[0]].default if field is None else field.default
        assert not told or told == [str(expected)], names


def test_hyperparameters_and_their_values():
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \| ([^|]+) \|", section("studies.md", "网络的超参数"), re.MULTILINE)
    assert len(rows) > 8
    for name, values in rows:
        for value in re.findall(r"`([^`]+)`", values):
            parsed = tomllib.loads(f"value = {value}")["value"]
            assert parsed in OPTIONS[name].domain or parsed in OPTIONS["solver"].domain, (name, value)


def test_methods_of_search():
    assert {name.strip('"') for name in first_cells(section("studies.md", "搜索方法"))} - {"method"} == set(METHODS)


def test_codes_of_findings():
    table = first_cells(section("diagnosis.md", "各种原因和办法"))
    assert sorted(table) == sorted(rule.code for rule in RULES)
    values = {name.strip('"') for name in first_cells(section("diagnosis.md", "发散时怎么办"))}
    assert values == set(ON_DIVERGENCE)
    codes = first_cells(section("init.md", "它会检查什么"))
    text = (ROOT / "docs/studies.md").read_text(encoding="utf-8")
    assert len(codes) > 10
    assert [code for code in codes if f"\n| `{code}` |" not in text] == []


@pytest.mark.parametrize(
    ("page", "block"), [(page, block) for page, text in PAGES.items() for block in blocks(text, "toml")]
)
def test_study_files_are_some(tmp_path, page, block):
    (tmp_path / "x.toml").write_text(block, encoding="utf-8")
    assert study_file.load(tmp_path / "x.toml").name


def test_messages_that_a_page_explains(tmp_path):
    """Up to what is allowed, they are those of the program."""
    block = next(block for block in blocks(PAGES["studies.md"], "") if "trainlm" in block)
    lines = [line.removeprefix("error: ").split("; allowed")[0] for line in block.splitlines()]
    study = blocks(PAGES["studies.md"], "toml")[0]
    path = tmp_path / "房价.toml"
    changes = (('solver = "adam"', 'solver = "trainlm"'), ("", ""), ("n_trials", "n_trails"))
    for line, (old, new) in zip(lines, changes, strict=True):
        path.write_text(study.replace(old, new), encoding="utf-8")
        with pytest.raises(StudyError) as error:
            study_file.parse_values(study_file.load(path), ["学习率=0.1"])
        assert str(error.value).replace(str(path), path.name).startswith(line)


def test_a_study_file_of_an_editor_of_windows(tmp_path):
    """A mark at the beginning of the file was "not valid TOML"; another encoding is told."""
    text = 'name = "房价"\ndata = { source = "sklearn:diabetes", task = "regression" }'
    (tmp_path / "x.toml").write_text(text, encoding="utf-8-sig")
    assert study_file.load(tmp_path / "x.toml").name == "房价"
    (tmp_path / "x.toml").write_text(text, encoding="gb18030")
    with pytest.raises(StudyError, match=r"x\.toml: cannot be read: .*; allowed is UTF-8$"):
        study_file.load(tmp_path / "x.toml")


@pytest.mark.parametrize("page", PAGES)
def test_punctuation_between_chinese_characters_is_chinese(page):
    text = re.sub(r"```.*?```|`[^`]*`", "", PAGES[page], flags=re.DOTALL)
    assert re.findall(r"[\u4e00-\u9fff][,;:?!][\u4e00-\u9fff ]", text) == []
