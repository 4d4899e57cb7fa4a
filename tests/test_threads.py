import asyncio

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from augment import recipe
from augment.app import run
from augment.setting import Inputs
from augment.threads import one_for_blas


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        if set(threads()) != {2}:
            pytest.skip("this BLAS has no threads to count")
        yield


def threads():
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


def test_whoever_leaves_last_puts_the_number_of_threads_back():
    first, second = one_for_blas(), one_for_blas()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(threads()) == {1}
    second.__exit__(None, None, None)
    assert set(threads()) == {2}


def test_an_error_puts_it_back():
    with pytest.raises(ValueError, match="broken"), one_for_blas():
        raise ValueError("broken")
    assert set(threads()) == {2}


def test_a_run_has_one_thread_and_leaves_as_many_as_there_were(tmp_path):
    seeds = tmp_path / "seeds.csv"
    seeds.write_text("text,label\n" + "".join(f"where is parcel {n},parcel\n" for n in range(6)))
    options = {"model": "ngram", "encoder": "ngram", "per_label": 2, "max_requests": 60}
    seen = set()
    made = recipe.load(None, options=options | {"out": tmp_path / "run"})
    asyncio.run(run(Inputs(seeds=seeds), made, watch=lambda _: seen.update(threads())))
    assert seen == {1}
    assert set(threads()) == {2}
