"""What the windows of passages score, on vectors made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.passage_vectors import PassageVectors

ROWS = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, -1]], np.float32)


def test_a_passage_scores_as_its_best_window() -> None:
    vectors = PassageVectors(windows=ROWS, counts=[2, 1, 1])
    scores = vectors.scores(np.array([0, 1], np.float32))
    assert scores == pytest.approx([1.0, 0.8, -1.0])


def test_a_passage_points_to_the_middle_of_its_windows() -> None:
    means = PassageVectors(windows=ROWS, counts=[2, 1, 1]).means
    assert means[0] == pytest.approx([0.5**0.5, 0.5**0.5])
    assert np.linalg.norm(means, axis=1) == pytest.approx([1.0, 1.0, 1.0])


def test_the_rate_counts_passages() -> None:
    assert PassageVectors(windows=ROWS, counts=[2, 2], seconds=4.0).passages_per_second == 0.5
    assert PassageVectors(windows=ROWS, counts=[2, 2]).passages_per_second == 0.0


def test_the_best_windows_of_a_passage_are_the_nearest_to_the_question() -> None:
    vectors = PassageVectors(windows=ROWS, counts=[1, 2, 1])
    assert vectors.best_windows(np.array([0, 1], np.float32), 1, 2) == [0, 1]
    assert vectors.best_windows(np.array([1, 0], np.float32), 1, 1) == [1]
    assert vectors.best_windows(np.array([1, 0], np.float32), 2, 2) == [0]
