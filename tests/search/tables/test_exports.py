"""Files as programs and offices export them: each has a name here, the right table, and what is said of it."""

import numpy as np
import pandas as pd
import pytest

from search.tables import files
from search.tables.reading import Asked, UnreadableError
from search.tables.text import fixed
from search.tables.text.delimited import LINES
from search.tables.text.footers import MOST
from search.tables.text.survey import CHUNK
from search.tables.text.tops import Row, find_top, is_data

NO_HEADER = "it has no header: its columns are called column 1 to column {} ([data] header)"
NA = np.nan

EXPORTS = {
    "Excel with sep=": (
        "sep=;\r\nGröße;Preis\r\n1,5;2,5\r\n3,5;4,0\r\n".encode("cp1252"),
        {"Größe": [1.5, 3.5], "Preis": [2.5, 4.0]},
        ["read with separator semicolon, decimal comma, encoding cp1252"],
    ),
    "Excel with sep= and a title": (
        '"sep=|"\nRents\nsize|rent\n1|2,5\n3|4,5\n',
        {"size": [1, 3], "rent": [2.5, 4.5]},
        ["read with separator bar, decimal comma", "the header is in line 3; the lines above it left out"],
    ),
    "French Excel": (
        "Ville;Prix\r\nOrléans;1 234,50\r\nNîmes;2 345,00\r\n".encode("cp1252"),
        {"Ville": ["Orléans", "Nîmes"], "Prix": ["1 234,50", "2 345,00"]},
        ["read with separator semicolon, decimal comma, encoding cp1252"],
    ),
    "thin spaces between thousands": (
        "Ville;Prix\nOrléans;1\u202f234,50\nNîmes;2\u202f345,00\n",
        {"Ville": ["Orléans", "Nîmes"], "Prix": ["1\u202f234,50", "2\u202f345,00"]},
        ["read with separator semicolon, decimal comma"],
    ),
    "Swiss apostrophes": (
        "Ort;Preis\nChur;1'234.50\nBern;2'345.00\n",
        {"Ort": ["Chur", "Bern"], "Preis": ["1'234.50", "2'345.00"]},
        ["read with separator semicolon"],
    ),
    "Chinese Excel": (
        "城市,房价\n北京,100\n上海,200\n".encode("utf-8-sig"),
        {"城市": ["北京", "上海"], "房价": [100, 200]},
        ["read with encoding utf-8-sig"],
    ),
    "write.table of R": (
        '"mpg" "cyl" "name"\n"Mazda RX4" 21 6 "a b"\n"Datsun 710" 22.8 4 "c"\n',
        {"mpg": [21, 22.8], "cyl": [6, 4], "name": ["a b", "c"]},
        ["read with separator blanks", "the first cell of each row, which has no name in the header, left out"],
    ),
    "write.csv2 of R": (
        '"";"mpg";"cyl"\n"1";21,5;6\n"2";22,8;4\n',
        {"mpg": [21.5, 22.8], "cyl": [6, 4]},
        ["read with separator semicolon, decimal comma", "the first column has no name and counts the rows: left out"],
    ),
    "apostrophes as quotes": (
        "'x','y','label'\n1.5,'2','a, b'\n2.5,'3','b'\n",
        {"x": [1.5, 2.5], "y": [2, 3], "label": ["a, b", "b"]},
        ["read with apostrophes as quotes"],
    ),
    "COPY of PostgreSQL": (
        "7\tUlm\t\\N\n2\tBonn\t3.5\n3\tUlm\t4.5\n",
        {"column 1": [7, 2, 3], "column 2": ["Ulm", "Bonn", "Ulm"], "column 3": [NA, 3.5, 4.5]},
        ["read with separator tab", NO_HEADER.format(3)],
    ),
    "a dump of MySQL": (
        "id\tname\tprice\n1\tUlm\t\\N\n2\t\\N\t3.5\n",
        {"id": [1, 2], "name": ["Ulm", NA], "price": [NA, 3.5]},
        ["read with separator tab"],
    ),
    "psql": (
        " id | name | price \n----+------+-------\n  1 | Ulm  |   3.5\n  2 | Bonn |   4.5\n(2 rows)\n",
        {"id": [1, 2], "name": ["Ulm", "Bonn"], "price": [3.5, 4.5]},
        ["read with separator bar", "1 row below the table left out: '(2 rows)'"],
    ),
    "sqlcmd": (
        "id          name\n----------- ----------\n          1 Ulm\n          2 Bonn\n\n(2 rows affected)\n",
        {"id": [1, 2], "name": ["Ulm", "Bonn"]},
        ["read with separator blanks", "1 row below the table left out: '(2 rows affected)'"],
    ),
    "Markdown": (
        "| id | name |\n|----|------|\n| 1  | Ulm  |\n| 2  | Bonn |\n",
        {"id": [1, 2], "name": ["Ulm", "Bonn"]},
        ["read with separator bar"],
    ),
    "a logger": (
        "Station: Bonn\nHeight: 60 m\nSerial: 12,5\ntime,temp,hum\n"
        "2024-01-01 00:00,1.5,80\n2024-01-01 01:00,1.7,81\n2024-01-01 02:00,1.8,82\n",
        {
            "time": ["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:00"],
            "temp": [1.5, 1.7, 1.8],
            "hum": [80, 81, 82],
        },
        ["the header is in line 4; the lines above it left out"],
    ),
    "a logger whose notes are as wide as its table": (
        "Station,Bonn\nHeight,60\nLat,50.7\ntime,temp\n00:00,1.5\n01:00,1.7\n02:00,1.8\n03:00,1.8\n04:00,2\n",
        {"time": ["00:00", "01:00", "02:00", "03:00", "04:00"], "temp": [1.5, 1.7, 1.8, 1.8, 2]},
        ["the header is in line 4; the lines above it left out"],
    ),
    "iris of UCI": (
        "5.1,3.5,0.2,Iris-setosa\n4.9,3.0,0.2,Iris-setosa\n6.4,3.2,1.5,Iris-versicolor\n\n",
        {
            "column 1": [5.1, 4.9, 6.4],
            "column 2": [3.5, 3.0, 3.2],
            "column 3": [0.2, 0.2, 1.5],
            "column 4": ["Iris-setosa", "Iris-setosa", "Iris-versicolor"],
        },
        [NO_HEADER.format(4)],
    ),
    "adult of UCI": (
        "39, State-gov, 77516, ?, <=50K\n50, Self-emp, ?, Bachelors, >50K\n38, ?, 215646, HS-grad, <=50K\n",
        {
            "column 1": [39, 50, 38],
            "column 2": ["State-gov", "Self-emp", "?"],
            "column 3": ["77516", "?", "215646"],
            "column 4": ["?", "Bachelors", "HS-grad"],
            "column 5": ["<=50K", ">50K", "<=50K"],
        },
        [NO_HEADER.format(5)],
    ),
    "mushrooms of UCI": (
        "p,x,s,n\ne,x,s,y\ne,b,s,w\np,x,y,w\ne,x,s,n\n",
        {"column 1": list("peepe"), "column 2": list("xxbxx"), "column 3": list("sssys"), "column 4": list("nywwn")},
        [NO_HEADER.format(4)],
    ),
    "auto-mpg of UCI": (
        '18.0   8   307.0      3504.  1\t"chevrolet malibu"\n15.0   8   ?    3693.  1\t"buick skylark"\n'
        '25.0   4   98.00      2046.  1\t"ford pinto"\n',
        {
            "column 1": [18.0, 15.0, 25.0],
            "column 2": [8, 8, 4],
            "column 3": ["307.0", "?", "98.00"],
            "column 4": [3504.0, 3693.0, 2046.0],
            "column 5": [1, 1, 1],
            "column 6": ["chevrolet malibu", "buick skylark", "ford pinto"],
        },
        ["read with separator blanks", NO_HEADER.format(6)],
    ),
    "wine of UCI": (
        '"fixed acidity";"alcohol";"quality"\n7.4;9.4;5\n7.8;9.8;5\n',
        {"fixed acidity": [7.4, 7.8], "alcohol": [9.4, 9.8], "quality": [5, 5]},
        ["read with separator semicolon"],
    ),
    "ISD of NOAA": (
        "2023 01 01 00    56 10234\n2023 01 01 01    55 10233\n2023 01 02 02    50 10230\n",
        {
            "column 1": [2023] * 3,
            "column 2": [1, 1, 1],
            "column 3": [1, 1, 2],
            "column 4": [0, 1, 2],
            "column 5": [56, 55, 50],
            "column 6": [10234, 10233, 10230],
        },
        ["read with separator blanks", NO_HEADER.format(6)],
    ),
    "stations of NOAA": (
        "ID     NAME            LAT   ELEV\nA0001  NEW YORK      40.71    6.5\nA0002  ULM           48.40\n"
        "A0003  DEN HAAG      52.08   -1.5\n\nA0004  JENA          50.92  143.0\n",
        {
            "ID": ["A0001", "A0002", "A0003", "A0004"],
            "NAME": ["NEW YORK", "ULM", "DEN HAAG", "JENA"],
            "LAT": [40.71, 48.40, 52.08, 50.92],
            "ELEV": [6.5, NA, -1.5, 143.0],
        },
        ["read with columns of fixed width"],
    ),
    "data.gov": (
        'State,Count,Rate\nAlabama,10,1.5\nAlaska,20,2.5\nTotal,30,\n\n"Source: Bureau of X, 2024"\nNote: per 1,000.\n',
        {"State": ["Alabama", "Alaska"], "Count": [10, 20], "Rate": [1.5, 2.5]},
        [
            "2 rows below the table left out: 'Source: Bureau of X, 2024'",
            "the last row left out: 'Total' is the sum of the others",
        ],
    ),
    "a total in a column of numbers": (
        "year,count\n2001,10\n2002,20\n2003,5\nTotal:,35\n",
        {"year": [2001, 2002, 2003], "count": [10, 20, 5]},
        ["the last row left out: 'Total:' is the sum of the others"],
    ),
    "a German total with decimal commas": (
        "Ort;Preis\nUlm;1.000,5\nBonn;2.000,25\nSumme;3.000,75\n",
        {"Ort": ["Ulm", "Bonn"], "Preis": ["1.000,5", "2.000,25"]},
        ["read with separator semicolon, decimal comma", "the last row left out: 'Summe' is the sum of the others"],
    ),
    "Eurostat": (
        "freq,unit,geo\\TIME_PERIOD\t2019 \t2020 \nA,PC,AT\t12.3 p\t: \nA,PC,BE\t11.3 \t12 \n",
        {
            "freq": ["A", "A"],
            "unit": ["PC", "PC"],
            "geo": ["AT", "BE"],
            "2019": ["12.3 p", "11.3 "],
            "2020": [": ", "12 "],
        },
        ["read with separator tab", "the first column holds 3 columns: freq, unit, geo"],
    ),
    "the World Bank": (
        '"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-01-01",\n\n'
        '"Country Name","Country Code","1960","1961",\n"Aruba","ABW","1.5","2.5",\n"Chad","TCD","","3.5",\n'
        '"Fiji","FJI","","3.5",\n',
        {
            "Country Name": ["Aruba", "Chad", "Fiji"],
            "Country Code": ["ABW", "TCD", "FJI"],
            "1960": [1.5, NA, NA],
            "1961": [2.5, 3.5, 3.5],
        },
        ["the header is in line 5; the lines above it left out"],
    ),
    "Chinese statistics": (
        "2023年房价统计,,\n,,单位：万元\n城市,面积,总价\n北京,100,200\n上海,50,300\n合计,150,500\n".encode("gbk"),
        {"城市": ["北京", "上海"], "面积": [100, 50], "总价": [200, 300]},
        [
            "read with encoding gb18030",
            "the header is in line 3; the lines above it left out",
            "the last row left out: '合计' is the sum of the others",
        ],
    ),
    "Chinese statistics with units and a note": (
        "房价表,,\n城市,面积,总价\n,平方米,万元\n北京,100,200\n上海,50,300\n广州,51,300\n合 计,201,800\n注：数据来源于网络,,\n",
        {"城市": ["北京", "上海", "广州"], "面积": [100, 50, 51], "总价": [200, 300, 300]},
        [
            "the header is in line 2; the lines above it left out",
            "the row below the header holds units and is left out: 平方米, 万元",
            "1 row below the table left out: '注：数据来源于网络'",
            "the last row left out: '合 计' is the sum of the others",
        ],
    ),
    "a total above": (
        "地区,人口\n全国,30\n北京,10\n上海,20\n",
        {"地区": ["北京", "上海"], "人口": [10, 20]},
        ["the first row left out: '全国' is the sum of the others"],
    ),
    "the German weather service": (
        "STATIONS_ID;MESS_DATUM;TT_TU;eor\n       1048;2024010100;   5.6;eor\n       1048;2024010101;-999;eor\n",
        {"STATIONS_ID": [1048] * 2, "MESS_DATUM": [2024010100, 2024010101], "TT_TU": [5.6, -999.0], "eor": ["eor"] * 2},
        ["read with separator semicolon"],
    ),
    "a header of two rows": (
        "region,2023,,2024,\n,Q1,Q2,Q1,Q2\nUlm,1,2,3,4\nBonn,1,2,3,5\nJena,1,2,3,5\n",
        {
            "region": ["Ulm", "Bonn", "Jena"],
            "2023 Q1": [1, 1, 1],
            "2023 Q2": [2, 2, 2],
            "2024 Q1": [3, 3, 3],
            "2024 Q2": [4, 5, 5],
        },
        ["the header takes two lines: its names are region, 2023 Q1, 2023 Q2, …"],
    ),
    "years as names": (
        "country,2001,2002\nFrance,1.5,2.5\nChad,2.5,2.4\nFiji,2.5,2.5\n",
        {"country": ["France", "Chad", "Fiji"], "2001": [1.5, 2.5, 2.5], "2002": [2.5, 2.4, 2.5]},
        [],
    ),
    "wavelengths as names": (
        "400.5,402.1,404,406,408,class\n0.1,0.2,0.15,0.1,0.1,a\n0.1,0.25,0.15,0.1,0.1,b\n",
        {
            "400.5": [0.1, 0.1],
            "402.1": [0.2, 0.25],
            "404": [0.15, 0.15],
            "406": [0.1, 0.1],
            "408": [0.1, 0.1],
            "class": ["a", "b"],
        },
        [],
    ),
    "column numbers as names": (
        "0,1\n0.5,0.7\n0.4,0.2\n0.4,0.3\n",
        {"0": [0.5, 0.4, 0.4], "1": [0.7, 0.2, 0.3]},
        ["the header is of numbers, 0, 1: if it is a row of data, set [data] header = false"],
    ),
    "JSON in lines under another name": (
        '{"a": 1, "b": "x"}\n{"a": 2.5}\n\n',
        {"a": [1, 2.5], "b": ["x", NA]},
        ["read as JSON, whatever its name says"],
    ),
    "empty columns": ("a,,b,\n1,,2,\n3,,4,\n", {"a": [1, 3], "b": [2, 4]}, []),
    "lone carriage returns": (
        "a;b\r1,5;2\r2,5;3\r",
        {"a": [1.5, 2.5], "b": [2, 3]},
        ["read with separator semicolon, decimal comma"],
    ),
    "mixed line ends": ("a,b\r\n1,2\n3,4\r5,6\r\n", {"a": [1, 3, 5], "b": [2, 4, 6]}, []),
    "inches": ('size,price\n5" pipe,3\n6" pipe,4\n', {"size": ['5" pipe', '6" pipe'], "price": [3, 4]}, []),
    "the last character of DOS": (
        "a,b\n1,2\n3,4\n\x1a",
        {"a": [1, 3], "b": [2, 4]},
        ["1 row below the table left out: '\\x1a'"],
    ),
    "postal codes": (
        "zip;x\n01067;1,5\n;2,5\n10115;0,5\n",
        {"zip": ["01067", NA, "10115"], "x": [1.5, 2.5, 0.5]},
        ["read with separator semicolon, decimal comma", "'zip' is kept as text: '01067' begins with a zero"],
    ),
    "quoted numbers": (
        '"id","price"\n"007",1\n"008",2\n',
        {"id": ["007", "008"], "price": [1, 2]},
        ["'id' is kept as text: '007' begins with a zero"],
    ),
    "postal codes and a header inside": (
        "zip,price\n01067,1\nzip,price\n10115,2\n",
        {"zip": ["01067", "10115"], "price": [1, 2]},
        ["1 row that repeated the header left out"],
    ),
    "postal codes in UTF-16": (
        "zip\tx\n01067\t1\n10115\t2\n".encode("utf-16"),
        {"zip": ["01067", "10115"], "x": [1, 2]},
        ["read with separator tab, encoding utf-16", "'zip' is kept as text: '01067' begins with a zero"],
    ),
    "a code with a nine": (
        "code,x\n1200,1\n0900,2\n",
        {"code": ["1200", "0900"], "x": [1, 2]},
        ["'code' is kept as text: '0900' begins with a zero"],
    ),
    "units of all columns": (
        "time,temp\nh,°C\n1,1.5\n2,2.5\n3,3.5\n",
        {"time": [1, 2, 3], "temp": [1.5, 2.5, 3.5]},
        ["the row below the header holds units and is left out: h, °C"],
    ),
    "UTF-16 in the other order": (
        "a,b\n1,2\n".encode("utf-16-be"),
        {"a": [1], "b": [2]},
        ["read with encoding utf-16-be"],
    ),
    "a comment below": (
        "a,b\n1,2\n3,4\n# end\n",
        {"a": [1, 3], "b": [2, 4]},
        ["1 row below the table left out: 'end'"],
    ),
    "a total with too few cells": (
        "a,b,c\n1,2,3\n3,4,5\nTotal,6\n",
        {"a": [1, 3], "b": [2, 4], "c": [3, 5]},
        ["1 row below the table left out: 'Total 6'"],
    ),
    "fractions with two zeros": ("a,b\n00.5,1\n01.5,2\n", {"a": [0.5, 1.5], "b": [1, 2]}, []),
    "hours": ("hour,x\n08,1\n09,2\n23,3\n", {"hour": [8, 9, 23], "x": [1, 2, 3]}, []),
}


@pytest.mark.parametrize(("content", "expected", "notes"), EXPORTS.values(), ids=EXPORTS)
def test_an_export_is_read_as_it_is_meant(tmp_path, content, expected, notes):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = files.read(path)
    pd.testing.assert_frame_equal(table.frame, pd.DataFrame(expected), check_dtype=False)
    for name, values in expected.items():
        assert pd.api.types.is_numeric_dtype(table.frame[name]) == (not any(isinstance(v, str) for v in values))
    assert table.notes == notes


KEPT = {
    "a word at the end": "town,a,b\nUlm,2,3\nBonn,5,6\nmean,3,4\n",
    "a total that is none": "town,a\nUlm,2\nBonn,5\nTotal,8\n",
    "a total among others": "town,a\nUlm,2\nTotal,7\nBonn,5\n",
    "a total of one row": "town,a\nUlm,2\nTotal,2\n",
    "a last row with gaps": "town,a,b\nUlm,2,3\nBonn,5,6\nNew York,,\n",
    "a last row with a number": "town,a,b,c\nUlm,2,3,4\nBonn,5,6,7\nNote,1,,\n",
    "only texts": "a,b,c\nx,y,z\nx,z,y\nSource: x,y,z\n",
    "a missing value in the first row": "time,temp\nUlm,unknown\nBonn,12\nJena,13\nKiel,14\n",
    "words in the first rows": "day,temp\n1,failure\n2,failure\n3,14\n4,15\n5,16\n6,17\n7,18\n8,19\n9,20\n10,21\n",
    "markers in the first rows": "day,temp,town\nNA,NA,x\n2,11,y\n3,14,x\n4,15,y\n5,16,y\n",
    "a name that is a column's only value": "a,eor\n1,eor\n2,eor\n",
    "a name that occurs as a value": "a,b\na,x\na,y\nx,y\n",
    "a note in quotes": 'a,b\n1,"x\n\nSource: y"\n2,"z\nNote: w"\n',
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_rows_of_a_table_are_kept(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    table = files.read(tmp_path / "t.csv")
    assert table.notes == []
    pd.testing.assert_frame_equal(table.frame, pd.read_csv(tmp_path / "t.csv"))


@pytest.mark.parametrize("sums", [1, 2, 3])
def test_half_of_the_numbers_of_a_total_are_sums(tmp_path, sums):
    frame = pd.DataFrame({"town": ["Ulm", "Bonn"], **{f"x{i}": [1.0, 2.0] for i in range(4)}})
    frame.loc[2] = ["Total", *[3.0] * sums, *[1.5] * (4 - sums)]
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert len(files.read(tmp_path / "t.csv").frame) == (3 if sums < 2 else 2)


@pytest.mark.parametrize(("error", "rows"), [(0.99e-4, 2), (1.02e-4, 3)])
def test_a_total_may_be_rounded(tmp_path, error, rows):
    (tmp_path / "t.csv").write_text(f"town,a\nUlm,0.25\nBonn,0.75\nTotal,{1 + error}\n")
    assert len(files.read(tmp_path / "t.csv").frame) == rows


@pytest.mark.parametrize(("name", "expected"), [(True, ["1.5", "2"]), (False, ["column 1", "column 2"])])
def test_whether_there_is_a_header_can_be_asked(tmp_path, name, expected):
    (tmp_path / "t.csv").write_text("1.5,2\n3,4\n5,6\n")
    table = files.read(tmp_path / "t.csv", Asked(header=name))
    assert list(table.frame) == expected
    assert len(table.frame) == 3 - name
    assert table.notes == []
    (tmp_path / "t.csv").write_text("a,b\n3,4\n5,6\n")
    assert list(files.read(tmp_path / "t.csv", Asked(header=name)).frame) == (["a", "b"] if name else expected)


TARGETS = {
    "a class": ("None\nApnea\nNA\nNone\nnull\n", ["None", "Apnea", NA, "None", NA], ["NA", "null"]),
    "missing among numbers": ("None\n2.5\n1.5\n", [NA, 2.5, 1.5], ["None"]),
    "nothing but empty cells": ("a\n\nb\n", ["a", NA, "b"], []),
    "classes with zeros": ("01\n1\n01\n", ["01", "1", "01"], []),
    "classes of two digits": ("01\n02\n03\n", ["01", "02", "03"], []),
    "missing among truth values": ("True\nNone\nFalse\n", [True, NA, False], ["None"]),
}


@pytest.mark.parametrize(("text", "expected", "marks"), TARGETS.values(), ids=TARGETS)
def test_a_target_keeps_its_classes_bug(tmp_path, text, expected, marks):
    """Rows of the class None were left out, and the classes 01 and 1 were one."""
    rows = [f"None,{line},0.5" for line in text.splitlines()]
    (tmp_path / "t.csv").write_text("\n".join(["x,y,z", *rows]) + "\n")
    table = files.read(tmp_path / "t.csv", Asked(target="y"))
    assert [v if isinstance(v, str) else pytest.approx(v, nan_ok=True) for v in table.frame["y"]] == expected
    assert table.marks == marks
    assert table.frame["x"].isna().all()


@pytest.mark.parametrize("place", [0, CHUNK // 8 + 9])
def test_a_text_that_counts_as_missing_is_found_anywhere(tmp_path, place):
    """Where a file has none of their letters, it is not read again."""
    rows = ["1.5,2.5"] * (CHUNK // 8 + 10)
    rows[place] = "1.5,NA"
    (tmp_path / "t.csv").write_text("x,name\n" + "\n".join([*rows, "1.5,"]) + "\n")
    assert files.read(tmp_path / "t.csv", Asked(target="name")).marks == ["NA"]


def test_a_target_has_no_class_that_is_asked_to_be_missing(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,None\n2,a\n3,?\n")
    table = files.read(tmp_path / "t.csv", Asked(target="y", na_values=["None"]))
    assert table.frame["y"].isna().tolist() == [True, False, False]
    assert table.marks == ["None"]


LATE = {
    "in the last row": [*[f"{10_000 + n % 80_000},1.5" for n in range(120_000)], "01067,1.5"],
    "where a piece of the file ends": ["1067,2.5"] * (CHUNK // 9 - 1) + ["1,1", "01067,2.5"] + ["1067,2.5"] * 9,
}


@pytest.mark.parametrize("lines", LATE.values(), ids=LATE)
@pytest.mark.parametrize("shift", range(4))
def test_zeros_that_come_late_in_a_long_file_are_seen(tmp_path, lines, shift):
    """Beyond what the dialect is guessed from, at any place of the pieces in which a file is read."""
    (tmp_path / "t.csv").write_text(f"zip{'_' * shift},x\n" + "\n".join(lines) + "\n")
    column = files.read(tmp_path / "t.csv").frame.iloc[:, 0]
    assert column.dtype == "str"
    assert (column == "01067").sum() == 1


FIXED = {
    "a note": ("Source: survey", "line 7 does not fit the columns of the lines above: 'Source: survey'"),
    "a longer line": ("A0005  ULM           50.92  143.0  x", "line 7 does not fit the columns of the lines above"),
}


@pytest.mark.parametrize(("line", "message"), FIXED.values(), ids=FIXED)
def test_a_line_that_does_not_fit_columns_of_fixed_width_is_named(tmp_path, line, message):
    rows = [f"A{n:04}  NEW {'YORK'[: n % 4]:6}      40.71  {n % 9}.5" for n in range(LINES)]
    (tmp_path / "t.txt").write_text("\n".join([*rows, line]) + "\n")
    with pytest.raises(UnreadableError, match=message.replace("7", str(LINES + 1))):
        files.read(tmp_path / "t.txt")


@pytest.mark.parametrize("lines", [3, 4])
def test_columns_of_fixed_width_need_four_lines(lines):
    rows = ["a b   x", "c d 1.5", "e   2.5", "f g 3.5"][:lines]
    assert bool(fixed.columns(rows)) == (lines == 4)


GAPS = {
    "none": "a,b\n1,2\n3,\n",
    "separators at the ends of lines": "a,b\n1,2,\n3,,\n",
    "quotes": 'a,b\n"1","2"\n"3",\n',
    "two lines in a cell": 'a,b\n"x\ny",2\n"z",\n',
    "row names": "a,b\nx,1,2\ny,3,\n",
}


@pytest.mark.parametrize("text", GAPS.values(), ids=GAPS)
def test_missing_values_in_the_last_column_are_no_damage(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    assert files.read(tmp_path / "t.csv").frame["b"].isna().tolist() == [False, True]


FIRST_ROWS = {
    "five rising numbers": ("1.5,2,3,4.5,9", "2,1,3,1,4 3,2,1,2,5", False),
    "four rising numbers": ("1.5,2,3,4.5", "2,1,3,1 3,2,1,2", True),
    "five rising numbers among others": ("1.5,2,3,4.5,9", "1,2,3,4,5 3,4,5,6,7", True),
    "half of the rows rise": ("1.5,2,3,4.5,9", "1,2,3,4,5 3,2,1,2,5", True),
    "three equal steps": ("10,20,30", "4,2,3 3,4,1", False),
    "two equal steps": ("10,20", "4,2 3,4", True),
    "two numbers from 0": ("0,1", "4,2 3,4", False),
    "two numbers from 1": ("1,2", "4,2 3,4", False),
    "two numbers from 2": ("2,3", "4,2 3,4", True),
    "falling steps": ("3,2,1", "4,2,3 3,4,1", True),
    "the first and last years": ("town,1800,2100", "Ulm,1,2 Bonn,3,4", False),
    "too early for a year": ("town,1799,2100", "Ulm,1,2 Bonn,3,4", True),
    "too late for a year": ("town,1800,2101", "Ulm,1,2 Bonn,3,4", True),
    "a year twice": ("town,2001,2001", "Ulm,1,2 Bonn,3,4", True),
    "years among years": ("Ulm,2001", "Ulm,2003 Bonn,1999", True),
    "one word over numbers": ("1,x", "2,1 3,4", False),
    "a mark over numbers": ("1,?", "2,1 3,4", True),
    "one row below": ("1.5,2", "2,1", False),
    "one column": ("1.5", "2 1 3", False),
    "text of which one cell does not occur again": ("a,b", "a,x a,y", False),
    "text that occurs again": ("a,b", "a,x x,b", True),
    "text that occurs again in the same rows": ("a,b", "a,b a,b x,y", False),
    "an empty name": ("a,", "a,x x,", False),
}


@pytest.mark.parametrize(("first", "below", "expected"), FIRST_ROWS.values(), ids=FIRST_ROWS)
def test_whether_the_first_row_is_data(first, below, expected):
    assert is_data(first.split(","), [row.split(",") for row in below.split()]) is expected


@pytest.mark.parametrize("lines", [MOST - 1, MOST])
def test_notes_are_looked_for_in_the_last_rows(tmp_path, lines):
    """More of them are a second text, not notes."""
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 99 + "Note: x\n" * lines)
    if lines < MOST:
        assert len(files.read(tmp_path / "t.csv").frame) == 99
    else:
        with pytest.raises(UnreadableError, match="line 101 has 1 cell"):
            files.read(tmp_path / "t.csv")


@pytest.mark.parametrize(("above", "kept"), [(39, True), (40, False)])
def test_names_and_values_are_looked_for_in_the_first_rows(above, kept):
    rows = [f"{'key'} of {'x' * n},{n}" for n in range(above)]
    rows += ["time,temp", *[f"{n % 24}:00,{n}" for n in range(60)]]
    top = find_top([Row(i, row.split(",")) for i, row in enumerate(rows)])
    assert (top.line == above) is kept


def test_names_and_values_are_fewer_than_rows():
    def top(n):
        rows = ["key,x", "other,3", "time,temp", *[f"{i}:00,{i}" for i in range(n)]]
        return find_top([Row(i, row.split(",")) for i, row in enumerate(rows)])

    assert [top(n).line for n in (2, 3)] == [0, 2]
