"""Cases for every component, which `test_declared.py` compares with the expectations.

Plain values replace the outputs of other components. A case creates only its component, under the
name of the case.
"""

from tests.components.cases import data, serving

CASES = {**data.CASES, **serving.CASES}
