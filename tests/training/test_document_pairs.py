"""Pairs that are made from documents, in Chinese as in English."""

from __future__ import annotations

from pathlib import Path

from rag.language import content_length
from training.data import TrainingData, load_training_data


def _load(corpus: Path) -> TrainingData:
    return load_training_data(corpus, seed=1, min_pairs=16)


SECTIONS = {
    "总则": "本说明适用于{town}厂的{part}，由{n}号车间负责管理。"
    "每班开工前由操作员检查一次。检查结果当天写入台账。",
    "运行时间": "{part}连续运行不得超过{n}小时，超过以后必须停机冷却。"
    "停机期间请挂上黄色标牌，任何人不得擅自取下。",
    "润滑": "{part}的润滑油每{n}天更换一次，换下的旧油倒入专用油桶。"
    "更换以后空转五分钟，确认没有异常声音。",
    "故障处理": "发现{part}漏油时，应当立即断电并通知第{n}维修班。"
    "未经维修班同意，任何人不得重新启动。",
    "备件": "{part}的备件存放在{n}号库房第三排货架上。领用备件须由班长签字，领用记录保存{n}个月。",
}
TRANSLATED = {
    "General": "These rules are for the {part} of the {town} works, which workshop {n} looks "
    "after. The operator checks it before every shift. The result is entered in the log that day.",
    "Running time": "The {part} may run for {n} hours without a break, then it must cool down. "
    "Hang out the yellow sign while it stands still, and let no one take it away.",
    "Oil": "The oil of the {part} is changed every {n} days, and the old oil goes into its drum. "
    "Let it run empty for five minutes afterwards, and listen for unusual sounds.",
    "Faults": "If the {part} loses oil, switch it off at once and call repair team {n}. "
    "Without the consent of that team it must not be started again by any person.",
    "Spare parts": "Spare parts of the {part} are kept in store {n}, on the third shelf. "
    "The foreman signs for every part that is taken, and the record is kept for {n} months.",
}


def _write_manuals(root: Path, sections: dict[str, str], title: str) -> Path:
    (root / "docs").mkdir(parents=True)
    parts = ("水泵", "风机", "阀门", "锅炉", "冷柜", "电机", "叉车", "传送带", "烘箱", "空压机")
    for n, part in enumerate(parts, start=11):
        lines = [f"# {title.format(part=part)}"]
        for heading, text in sections.items():
            lines += ["", f"## {heading}", "", text.format(part=part, n=n, town="青岚")]
        (root / "docs" / f"{n}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_chinese_documents_give_pairs_as_their_translations_do(tmp_path: Path) -> None:
    chinese = _load(_write_manuals(tmp_path / "zh", SECTIONS, "青岚厂{part}管理规定"))
    english = _load(_write_manuals(tmp_path / "en", TRANSLATED, "Rules for the {part}"))
    assert chinese.source == english.source == "documents"
    assert min(len(chinese.pairs), len(english.pairs)) >= 48
    assert 0.5 <= len(chinese.pairs) / len(english.pairs) <= 2
    assert min(len(chinese.held_out), len(english.held_out)) >= 2


def test_a_chinese_query_is_one_sentence_that_its_passage_lacks(tmp_path: Path) -> None:
    data = _load(_write_manuals(tmp_path, SECTIONS, "青岚厂{part}管理规定"))
    queries = [query.query for query in data.held_out]
    sentences = queries + [pair.query for pair in data.pairs if pair.query.endswith("。")]
    assert len(sentences) >= 20
    assert all(sentence.count("。") == 1 for sentence in sentences)
    for pair in data.pairs:
        assert pair.passage is not None
        assert pair.query not in pair.passage


def test_a_heading_that_many_documents_have_is_asked_with_the_title(tmp_path: Path) -> None:
    data = _load(_write_manuals(tmp_path, SECTIONS, "青岚厂{part}管理规定"))
    queries = [pair.query for pair in data.pairs]
    assert "运行时间" not in queries
    assert "青岚厂空压机管理规定 运行时间" in queries


def test_a_sentence_that_several_documents_have_is_not_a_query(tmp_path: Path) -> None:
    data = _load(_write_manuals(tmp_path, SECTIONS, "青岚厂{part}管理规定"))
    asked = {pair.query for pair in data.pairs} | {query.query for query in data.held_out}
    assert "每班开工前由操作员检查一次。" not in asked
    assert "未经维修班同意，任何人不得重新启动。" not in asked


def test_a_sentence_of_a_held_out_document_is_cut_out_of_every_passage_with_it(
    tmp_path: Path,
) -> None:
    data = _load(_write_manuals(tmp_path, SECTIONS, "青岚厂{part}管理规定"))
    texts = data.texts()
    for query in data.held_out:
        assert all(query.query not in text for text in texts)


def test_a_chinese_text_is_about_as_long_as_its_translation() -> None:
    chinese, english = ("".join(sections.values()) for sections in (SECTIONS, TRANSLATED))
    assert 0.6 <= content_length(chinese) / content_length(english) <= 1.3
