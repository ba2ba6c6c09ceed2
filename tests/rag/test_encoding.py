"""Files in the encodings of Windows, DOS and the web are read right, or skipped with advice."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ReadError
from rag.readers import ReadOptions, read_bytes
from rag.readers.encoding import decode
from rag.readers.options import DEFAULT_OPTIONS

TEXTS = {
    "zh": ("东湖水厂夜班须知\n\n夜班开始前，先检查三号水泵的压力表。备用钥匙挂在值班室门后。"),
    "zh-hant": ("東湖水廠夜班須知\n\n夜班開始前，先檢查三號水泵的壓力錶。備用鑰匙掛在值班室門後。"),
    "ja": (
        "夜勤の手引き\n\n"
        "夜勤を始める前に、三番ポンプの圧力計を確"
        "かめること。予備の鍵は宿直室にあります。"
    ),
    "ko": (
        "야간 근무 안내\n\n"
        "야간 근무를 시작하기 전에 3번 펌프의 압력계를"
        " 확인하십시오. 열쇠는 당직실에 있습니다."
    ),
    "ru": (
        "Правила ночной смены\n\n"
        "Перед началом смены проверьте манометр"
        " третьего насоса. Ключ у сторожа."
    ),
    "de": (
        "Regeln der Nachtschicht\n\n"
        "Vor der Schicht prüft man das Manometer."
        " Der Schlüssel hängt an der Tür."
    ),
    "fr": (
        "Règles de l'équipe de nuit\n\n"
        "Avant de commencer, vérifiez la pression"
        " de la pompe. La clé est à côté."
    ),
    "es": (
        "Normas del turno de noche\n\n"
        "Antes de empezar, compruebe la presión. La"
        " llave está detrás de la puerta del señor."
    ),
    "pl": (
        "Zasady nocnej zmiany\n\n"
        "Przed rozpoczęciem sprawdź ciśnienie pompy."
        " Zapasowy klucz wisi za drzwiami dyżurki."
    ),
    "cs": (
        "Pravidla noční směny\n\n"
        "Před začátkem směny zkontrolujte tlak čerpadla."
        " Náhradní klíč visí za dveřmi vrátnice."
    ),
    "el": (
        "Κανόνες νυχτερινής βάρδιας\n\n"
        "Πριν από τη βάρδια ελέγξτε την πίεση της"
        " αντλίας. Το κλειδί είναι στην πόρτα."
    ),
    "tr": (
        "Gece vardiyası kuralları\n\n"
        "Vardiyadan önce üçüncü pompanın basıncını"
        " ölçün. Yedek anahtar kapının arkasında."
    ),
}
WRITTEN = [
    ("zh", "gb18030"),
    ("zh", "gbk"),
    ("zh-hant", "big5"),
    ("ja", "cp932"),
    ("ja", "euc_jp"),
    ("ja", "iso2022_jp"),
    ("zh", "hz"),
    ("ko", "euc_kr"),
    ("ru", "cp1251"),
    ("ru", "koi8_r"),
    ("ru", "cp866"),
    ("de", "cp1252"),
    ("de", "iso8859_15"),
    ("de", "cp850"),
    ("fr", "cp1252"),
    ("es", "cp1252"),
    ("pl", "cp1250"),
    ("pl", "iso8859_2"),
    ("cs", "cp1250"),
    ("cs", "iso8859_2"),
    ("el", "cp1253"),
    ("tr", "cp1254"),
    *(
        (language, f"utf-{form}")
        for language in ("zh", "de")
        for form in ("16-le", "16-be", "32-le")
    ),
]


@pytest.mark.parametrize(("language", "encoding"), WRITTEN)
def test_an_encoding_is_detected_and_named_in_a_remark(language: str, encoding: str) -> None:
    document = read_bytes("docs/a.txt", TEXTS[language].encode(encoding))
    assert document.text == TEXTS[language]
    (remark,) = document.remarks
    assert remark.startswith("the encoding was detected: ")
    assert document.missing == ()


@pytest.mark.parametrize(("language", "name"), [("zh-hant", "big5"), ("ja", "shift_jis")])
def test_a_detected_encoding_is_named_as_it_can_be_set(language: str, name: str) -> None:
    data = TEXTS[language].encode(name)
    (remark,) = read_bytes("docs/a.txt", data).remarks
    assert remark.startswith(f"the encoding was detected: {name} (confidence ")
    given = ReadOptions(encodings={"docs": name})
    assert read_bytes("docs/a.txt", data, options=given).text == TEXTS[language]


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_a_single_line_is_read_right_or_not_at_all(language: str) -> None:
    encoding = dict(reversed(WRITTEN))[language] if language != "de" else "cp1252"
    for line in TEXTS[language].split("\n"):
        try:
            decoded = decode("docs/a.txt", line.encode(encoding), DEFAULT_OPTIONS)
        except ReadError as error:
            assert "customrag:documentEncodings" in error.reason
        else:
            assert decoded.text == line


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_decides_whatever_is_set(mark: bytes, encoding: str) -> None:
    options = ReadOptions(encodings={"docs/a.txt": "big5"})
    document = read_bytes("docs/a.txt", mark + "中 text".encode(encoding), options=options)
    assert (document.text, document.remarks) == ("中 text", ())


def test_a_text_without_evidence_is_skipped_with_advice_that_names_its_folder() -> None:
    with pytest.raises(ReadError) as caught:
        read_bytes("docs/old/a.txt", b"\xb9\xb8 x")
    assert caught.value.reason == (
        "the text is not UTF-8 (byte 0xb9 at 0); save it as UTF-8, or set the encoding of its "
        'folder in customrag:documentEncodings, for example ["docs/old=gb18030"]'
    )


def test_the_encoding_of_a_folder_is_used_for_everything_below_it() -> None:
    options = ReadOptions(encodings={"docs/old": "gbk", "docs/old/de": "latin-1"})
    assert read_bytes("docs/old/x/a.md", "# 钥".encode("gbk"), options=options).text == "# 钥"
    assert read_bytes("docs/old/de/a.txt", b"T\xfcr \x80", options=options).text == "Tür €"
    assert options.encoding_of("docs/older/a.txt") is None


def test_a_file_that_is_utf_8_stays_so_in_a_folder_with_another_encoding() -> None:
    options = ReadOptions(encodings={"docs": "gb18030"})
    document = read_bytes("docs/a.txt", "备用钥匙".encode(), options=options)
    assert document.text == "备用钥匙"
    assert document.remarks == (
        "the file is UTF-8, although customrag:documentEncodings says gb18030",
    )


def test_an_encoding_set_for_the_file_itself_decides_over_valid_utf_8() -> None:
    options = ReadOptions(encodings={"docs/a.txt": "cp1252"})
    assert read_bytes("docs/a.txt", "é".encode(), options=options).text == "Ã©"


def test_a_text_that_is_not_in_the_encoding_set_for_it_is_skipped() -> None:
    options = ReadOptions(encodings={"docs": "gb18030"})
    with pytest.raises(ReadError, match=r"not valid gb18030, which .*documentEncodings says"):
        read_bytes("docs/a.txt", b"\xff\xff\xff\xfe", options=options)


def test_the_files_own_declaration_counts_unless_the_text_contradicts_it() -> None:
    data = TEXTS["pl"].encode("iso8859_2")
    assert decode("k", data, DEFAULT_OPTIONS, declared="ISO-8859-2").text == TEXTS["pl"]
    assert decode("k", data, DEFAULT_OPTIONS, declared="utf-8").text == TEXTS["pl"]
    assert decode("k", data, DEFAULT_OPTIONS, declared="no-such").text == TEXTS["pl"]
    chinese = TEXTS["zh"].encode()
    assert decode("k", chinese, DEFAULT_OPTIONS, declared="iso-8859-1").text == TEXTS["zh"]
    assert decode("k", b"plain", DEFAULT_OPTIONS, declared="utf-16").text == "plain"


def test_broken_places_are_replaced_and_counted() -> None:
    data = TEXTS["zh"].encode()
    document = read_bytes("docs/a.txt", data[:-1] + b"\n" + data)
    assert document.missing == ("1 places are not valid utf-8; U+FFFD stands for them",)
    assert document.text.count("\ufffd") == 1


def test_surrogates_written_as_utf_8_are_joined() -> None:
    data = "a😀b".encode("utf-16-le").decode("utf-16-le").encode()
    assert read_bytes("docs/a.txt", data).text == "a😀b"
    assert read_bytes("docs/a.txt", b"a\xed\xa0\xbd\xed\xb8\x80b").text == "a😀b"
    assert read_bytes("docs/a.txt", b"a\xed\xa0\xbdb").text == "a\ufffdb"


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"a\x00b", bytes(range(256)) * 4, b"\x7fELF\0\1\2"]
)
def test_binary_data_is_not_text(data: bytes) -> None:
    with pytest.raises(ReadError):
        read_bytes("docs/a.txt", data)


def test_a_few_zero_bytes_in_a_long_text_do_not_make_it_binary() -> None:
    text = "a line of a log\n" * 100
    assert read_bytes("docs/a.txt", (text + "\0\0\0" + text).encode()).text == f"{text}   {text}"


def test_escapes_in_plain_text_stay() -> None:
    text = "colours \x1b(0 in a shell, and ~{ in a template"
    assert decode("k", text.encode(), DEFAULT_OPTIONS).text == text


@given(text=st.text(min_size=1), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@settings(deadline=None, max_examples=200, derandomize=True)
def test_unicode_is_never_taken_for_anything_else(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    try:
        decoded = decode("k", data, DEFAULT_OPTIONS).text
    except ReadError as error:
        assert "binary" in error.reason
    else:
        assert decoded == text.removeprefix("\ufeff") or data.isascii()
