"""The language of texts: long and short, and chosen from those that an index has."""

from __future__ import annotations

import pytest

from rag.language import UNDETERMINED, detect

QUESTIONS = {
    "en": "How long is the warranty of the pump?",
    "de": "Wie lange gilt die Garantie der Pumpe?",
    "fr": "Quelle est la durée de la garantie de la pompe ?",
    "es": "¿Cuánto dura la garantía de la bomba?",
    "it": "Quanto dura la garanzia della pompa?",
    "pl": "Jak długo trwa gwarancja na pompę?",
    "ru": "Какой срок гарантии на насос?",
    "uk": "Який термін гарантії на насос?",
    "ar": "ما هي مدة ضمان المضخة؟",
    "el": "Πόσο διαρκεί η εγγύηση της αντλίας;",
    "he": "מה תקופת האחריות של המשאבה?",
    "hi": "पंप की वारंटी कितनी है?",
    "th": "ปั๊มรับประกันนานเท่าไร",
    "tr": "Pompanın garanti süresi ne kadar?",
    "vi": "Thời hạn bảo hành của máy bơm là bao lâu?",
    "zh": "水泵的保修期有多长？",
    "ja": "ポンプの保証期間はどのくらいですか？",
    "ko": "펌프의 보증 기간은 얼마입니까?",
}


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_question_is_recognised(language: str) -> None:
    assert detect(QUESTIONS[language]) == language


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_long_document_is_recognised_by_samples(language: str) -> None:
    assert detect("\n".join([QUESTIONS[language]] * 2_000)) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("水泵的保固期有多長？", "zh"),
        ("青岚Q3出现代码E7是什么意思？", "zh"),
        ("What does 保修期 mean in English?", "en"),
        ("１２３　ＡＢＣ", UNDETERMINED),
        ("E7", UNDETERMINED),
        ("", UNDETERMINED),
        ("\ud800", UNDETERMINED),
    ],
)
def test_the_script_decides_first(text: str, language: str) -> None:
    assert detect(text) == language


def test_a_short_question_is_not_taken_for_a_language_without_documents() -> None:
    assert detect("What is Chikungunya virus?", {"en", "zh"}) == "en"
    assert detect("returpolitik", {"da", "en"}) == "da"
    assert detect("E7", {"en"}) == "en"


def test_a_question_in_a_script_that_no_document_has_keeps_its_own_language() -> None:
    assert detect("水泵的保修期有多长？", {"en"}) == "zh"
    assert detect("How long is the warranty?", {"zh"}) == "en"


def test_a_japanese_question_without_kana_is_japanese_if_the_documents_are() -> None:
    assert detect("保証期間", {"ja"}) == "ja"
    assert detect("保証期間", {"ja", "zh"}) == "zh"


def test_a_mixed_document_has_its_main_language() -> None:
    english = "The controller opens each valve in its turn and waits for the pressure to settle. "
    chinese = "控制器依次打开每个阀门，等待压力稳定。"
    assert detect(english * 20 + chinese * 3) == "en"
    assert detect(english * 2 + chinese * 20) == "zh"
