"""The encoding of a text follows from its bytes."""

import pandas as pd
import pytest

from search import cli
from search.study import study_file
from search.tables.text.encodings import guess_encoding

TEXTS = {
    "cp1250": [
        "Płeć;Wiek;Wynik\nkobieta;30;zaliczył\nmężczyzna;41;oblał",
        "město;cena\nPříbram;10\nČeské Budějovice;20\nPlzeň;3",
        "Třída;Škola;Počet\nŽďár;Ústí;3",
        "stĺpec;ľudia\nKošice;Bánovce",
    ],
    "cp1251": [
        "Подразделение;Сумма\nСклад №1;100\nМагазин;200",  # noqa: RUF001
        "Дата,Цена\n1,2\n",
        "Имя;Город\nЁлкин;Ёмск",
    ],
    "cp1254": ["Müşteri;Şehir;Yaş\nAyşe;İstanbul;30\nAli;Iğdır;41", "Ürün;Fiyat\nçay;1\nkahve ağır;2"],  # noqa: RUF001
    "cp1252": [
        "Größe;Stück\nMüller;3",
        "ciudad;año\nÁvila;1\n¿Qué?;2",
        "cœur;âge\nélève;m³",
        "prix;m²\n10 £;3",
        "Ísafjörður;þar\nReykjavík;ð",
        "Ærø;å\nFåborg;ø",
        "cidade;opção\nSão Paulo;não",
        "città;così\nlunedì;perché",
        "Straße;50 ¥;¼",
    ],
    "gb18030": [
        "房价,面积\n北京,100",
        "城市;人口\n上海;2400\n广州;1500",
        "姓名,成绩\n张三,98",
        "化验结果,阴性\n血糖,正常",
    ],
}


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_a_code_page_is_recognized_by_its_letters(encoding, text):
    """Polish, Russian and Turkish tables were read as Western ones: ``Płeć`` was ``P³eæ``."""
    head = text.encode(encoding)
    assert guess_encoding(head, [head]) == encoding


def test_init_may_be_told_the_encoding(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ["város", "őr", "ár"] * 8
    table = pd.DataFrame({"név": names, "bér": range(24)})
    table.to_csv("x.csv", index=False, encoding="cp1250")
    assert cli.main(["init", "x.csv", "--target", "bér", "--encoding", "cp1250"]) == 0
    assert study_file.load("studies/x.toml").data.encoding == "cp1250"
    assert cli.main(["init", "x.csv", "--encoding", "utf-8"]) == 2
    assert "name its encoding ([data] encoding, init --encoding)" in capsys.readouterr().err
