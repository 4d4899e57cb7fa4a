import contextlib
import http.server
import json
import re
import threading

import pytest
from chromium import chromium, page
from small_runs import LENGTHS, NGRAMS, SmallRun, answer, seed_set

from augment.plan.goal import per_label
from evals.report import render

LONG = "a_label_without_any_place_to_break_it_" + "x" * 60
SEEDS = seed_set(
    [(f"where is my card {n}", "card") for n in range(6)]
    + [(f"send my money back {n}", "refund") for n in range(6)]
    + [("something else", LONG)]
)
TEXT = "my brand new card is late"


@pytest.fixture(scope="module")
def browser(tmp_path_factory, missing):
    with chromium(tmp_path_factory.mktemp("profile"), missing) as address:
        yield address


@pytest.fixture
def run(tmp_path):
    run = SmallRun(path=tmp_path / "run", seeds=SEEDS, goal=per_label(SEEDS, rows=9))
    run.arrive(["card"], answer(TEXT, ["card"], seeds=SEEDS))
    run.arrive(["refund"], answer("my money is what I want", ["refund"], seeds=SEEDS))
    run.arrive(["refund"], answer("my money is what I want", ["refund"], seeds=SEEDS))
    run.arrive(["card"], answer("no", ["card"], seeds=SEEDS))
    yield run
    run.close()


def written(run):
    """The report as a file: its address, and the points of its map by their texts."""
    figures = run.figures(calibrations=[LENGTHS], space=NGRAMS)
    file = run.path / "report.html"
    file.write_text(render(figures), "utf-8")
    return file.as_uri(), {point["text"]: point for point in figures["map"]["points"]}


def mark(point):
    return f'[data-i="{point["id"]}"]'


async def shadows(tab):
    """How many marks are faint, and how many there are."""
    return await tab.run(
        "(marks => [marks.filter(m => getComputedStyle(m).opacity < .2).length, marks.length])"
        "([...document.querySelectorAll('[data-i]')])"
    )


@contextlib.contextmanager
def listening():
    """A server on loopback; yields its address and the list of what it was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


async def test_a_browser_asks_for_nothing_and_complains_of_nothing(run, browser):
    with listening() as (address, asked):
        attack = (
            f"<img src={address}/img><script src={address}/js></script>"
            f"<style>@import '{address}/css'</style><script>console.error('ran')</script>"
        )
        run.arrive(["card"], answer(attack, ["card"], seeds=SEEDS))
        report, points = written(run)
        careless = run.path / "careless.html"
        careless.write_text(f"<!DOCTYPE html><title>.</title>{attack}", "utf-8")
        async with page(browser) as tab:
            await tab.open(report)
            await tab.hover(*await tab.middle_of(mark(points[attack])))
            assert await tab.text(".told .text") == attack
            assert asked == []
            assert tab.asked == [report]
            assert tab.complaints == []
        async with page(browser) as tab:
            await tab.open(careless.as_uri())
            assert {"/img", "/js", "/css"} <= set(asked), "the test must see what is fetched"
            assert any("ran" in each for each in tab.complaints), "and what the console says"


async def test_pointing_at_a_mark_shows_its_row(run, browser):
    report, points = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        assert TEXT not in await tab.text(".told")
        await tab.hover(*await tab.middle_of(mark(points[TEXT])))
        assert await tab.text(".told .meta") == "Acceptedcard"
        assert await tab.text(".told .text") == TEXT
        assert points[TEXT]["id"] in await tab.text(".told")
        await tab.hover(*await tab.middle_of(mark(points["no"])))
        assert await tab.text(".told .meta") == "Rejected: texts too short (length)card"
        ringed = await tab.run(
            "['cx', 'cy'].map(n => +document.querySelector('.ring').getAttribute(n))"
        )
        assert ringed == [points["no"]["x"], pytest.approx(100 - points["no"]["y"])]


async def test_pointing_far_from_any_mark_changes_nothing(run, browser):
    report, points = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        x, y = await tab.middle_of(mark(points[TEXT]))
        await tab.hover(x, y)
        left, top = await tab.run(
            "(b => [b.x, b.y])(document.querySelector('.plane').getBoundingClientRect())"
        )
        await tab.hover(left + 3, top + 3)
        assert await tab.text(".told .text") == TEXT


async def test_a_finger_shows_a_row_on_a_phone(run, browser):
    report, points = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        await tab.size(390, 844, phone=True)
        await tab.touch(*await tab.middle_of(mark(points[TEXT])))
        assert await tab.text(".told .text") == TEXT
        below = await tab.run(
            "document.querySelector('.told').getBoundingClientRect().top"
            " - document.querySelector('.plane').getBoundingClientRect().bottom"
        )
        assert 0 <= below < 30, "what a finger asks for stands right below the map"


@pytest.mark.parametrize("width", [320, 390])
async def test_a_phone_need_not_scroll_sideways(run, browser, width):
    run.arrive(["card"], answer("unbroken" * 30, ["card"], seeds=SEEDS))
    report, points = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        await tab.size(width, 844, phone=True)
        await tab.touch(*await tab.middle_of(mark(points["unbroken" * 30])))
        await tab.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert await tab.run("[document.documentElement.scrollWidth, innerWidth]") == [width, width]


async def test_choosing_a_label_leaves_its_marks_and_counts_them(run, browser):
    report, _ = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        assert await tab.text(".shown") == "17 points"
        assert await shadows(tab) == [0, 17]
        await tab.choose("#by-label", "refund")
        assert await tab.text(".shown") == "8 of 17 points"
        assert await shadows(tab) == [9, 17]
        await tab.choose("#by-label", "all")
        assert await tab.text(".shown") == "17 points"
        assert await shadows(tab) == [0, 17]


@pytest.mark.parametrize(
    ("ending", "count"),
    [("seeds ·", 13), ("accepted", 2), ("rejected", 2), ("texts too short", 1), ("seeds and", 17)],
)
async def test_choosing_how_rows_ended_leaves_those(run, browser, ending, count):
    report, _ = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        await tab.choose("#by-reason", ending)
        assert await shadows(tab) == [17 - count, 17]


async def test_both_choices_hold_together_and_drop_a_row_that_is_out(run, browser):
    report, points = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        await tab.hover(*await tab.middle_of(mark(points[TEXT])))
        await tab.choose("#by-label", "card")
        assert await tab.text(".told .text") == TEXT
        await tab.choose("#by-reason", "rejected rows")
        assert await shadows(tab) == [16, 17]
        assert "Point at a mark" in await tab.text(".told")
        await tab.hover(*await tab.middle_of(mark(points[TEXT])))
        assert "Point at a mark" in await tab.text(".told"), "a shadow says nothing"


async def place_of_ring(tab):
    return await tab.run("['cx', 'cy'].map(n => +document.querySelector('.ring').getAttribute(n))")


async def test_the_keys_go_from_mark_to_mark(run, browser):
    report, _ = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        await tab.run("document.querySelector('#by-reason').focus()")
        await tab.press("Tab")
        assert await tab.run("document.activeElement.className") == "plane"
        first = await tab.text(".told .text")
        assert first, "coming by keyboard shows the mark in the middle"
        x, _ = await place_of_ring(tab)
        await tab.press("ArrowRight")
        right, _ = await place_of_ring(tab)
        assert right > x
        await tab.press("ArrowLeft")
        await tab.press("ArrowLeft")
        assert (await place_of_ring(tab))[0] < right
        await tab.press("Home")
        _, before = await place_of_ring(tab)
        await tab.press("ArrowDown")
        down = (await place_of_ring(tab))[1]
        await tab.press("ArrowUp")
        assert down >= before
        assert (await place_of_ring(tab))[1] <= down
        await tab.press("Escape")
        assert "Point at a mark" in await tab.text(".told")
        await tab.press("Tab")
        assert await tab.run("document.activeElement.closest('.plane')") is None, "one stop"
        assert tab.complaints == []


async def test_page_down_goes_through_all_marks_that_are_chosen(run, browser):
    report, points = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        await tab.choose("#by-label", "refund")
        await tab.run("document.querySelector('.plane').focus()")
        await tab.press("Home")
        seen = [await tab.text(".told .text")]
        for _ in range(9):
            await tab.press("PageDown")
            seen.append(await tab.text(".told .text"))
        assert set(seen) == {t for t, point in points.items() if point["labels"] == ["refund"]}
        await tab.press("End")
        assert await tab.text(".told .text") == seen[-1]
        await tab.press("PageUp")
        assert await tab.text(".told .text") == seen[6]


HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"></title></svg><script>document.title='owned'"
    "</script>\n</script><b>bold</b> {{ 7 * 7 }} &lt;i&gt;"
)


async def test_hostile_text_and_labels_stay_text_in_the_panel(tmp_path, browser):
    label = HOSTILE.replace("\n", " ")
    seeds = seed_set([("something", label), ("other", "card")])
    run = SmallRun(path=tmp_path / "run", seeds=seeds)
    run.arrive([label], answer(HOSTILE, [label], seeds=seeds))
    report, points = written(run)
    run.close()
    async with page(browser) as tab:
        await tab.open(report)
        title = await tab.run("document.title")
        await tab.choose("#by-label", label)
        await tab.hover(*await tab.middle_of(mark(points[HOSTILE])))
        assert await tab.text(".told .text") == HOSTILE
        assert await tab.text(".told .chip") == label
        inside = await tab.run("[...document.querySelectorAll('.told *')].map(e => e.tagName)")
        assert set(inside) <= {"P", "SPAN", "BDI", "WBR"}
        assert await tab.run("document.scripts.length") == 1
        assert await tab.run("document.title") == title
        assert tab.complaints == []


async def test_no_other_script_can_run(run, browser):
    report, _ = written(run)
    file = run.path / "report.html"
    told = file.read_text("utf-8")
    tampered = told.replace("<main>", "<main><script>document.title = 'owned'</script>", 1)
    file.write_text(tampered, "utf-8")
    async with page(browser) as tab:
        await tab.open(report)
        assert await tab.run("document.title") != "owned"
        assert any("Content Security Policy" in each for each in tab.complaints)
    policy = re.search(r"script-src '[^']+'; ", told)[0]
    file.write_text(tampered.replace(policy, "script-src 'unsafe-inline'; "), "utf-8")
    async with page(browser) as tab:
        await tab.open(report)
        assert await tab.run("document.title") == "owned", "it would have run"


async def test_without_scripts_the_map_stands_and_offers_nothing_dead(run, browser):
    report, points = written(run)
    async with page(browser) as tab:
        await tab.open(report, script=False)
        shown = await tab.run(
            "[...document.querySelectorAll('[data-i]')]"
            ".filter(e => e.getBoundingClientRect().width > 0)"
            ".map(e => e.querySelector('title').textContent.split('\\n')[2])"
        )
        assert len(shown) == 17
        assert set(shown) == set(points)
        dead = await tab.run(
            "['.choices', '.told', '#map-keys']"
            ".filter(e => document.querySelector(e).getBoundingClientRect().height)"
        )
        assert dead == []
        assert await tab.run("document.querySelector('.plane').tabIndex") == -1


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_marks_stand_out_in_both_themes_and_in_forced_colours(run, browser, scheme):
    report, _ = written(run)
    paint = (
        "['accepted', 'rejected', 'origin'].map(k => document.querySelector('.plane .' + k))"
        ".map(e => getComputedStyle(e)).map(s => s.fill === 'none' ? s.stroke : s.fill)"
        ".concat(getComputedStyle(document.querySelector('.plane')).backgroundColor)"
    )
    async with page(browser) as tab:
        await tab.open(report)
        for forced in ("none", "active"):
            await tab.prefers(color_scheme=scheme, forced_colors=forced)
            *marks, ground = [
                [int(n) for n in re.findall(r"\d+", each)[:3]] for each in await tab.run(paint)
            ]
            assert all(max(map(lambda a, b: abs(a - b), each, ground)) > 100 for each in marks)


async def test_print_leaves_out_what_only_answers_to_a_hand(run, browser):
    report, _ = written(run)
    async with page(browser) as tab:
        await tab.open(report)
        await tab.call("Emulation.setEmulatedMedia", media="print")
        heights = await tab.run(
            "['.choices', '.told', '.plane'].map(e => document.querySelector(e).offsetHeight > 0)"
        )
        assert heights == [False, False, True], json.dumps(heights)
