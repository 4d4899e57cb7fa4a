import contextlib
import http.server
import shutil
import subprocess
import threading

from small_runs import SmallRun, answer

from evals.report import render


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


def in_chromium(file, profile, missing):
    """Open a page; return the document as it is after loading, and what the console said."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        missing("no Chromium to open the report in")
    found = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", f"--user-data-dir={profile}", "--enable-logging=stderr",
         "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return found.stdout, [line for line in found.stderr.splitlines() if "CONSOLE" in line]


def test_a_browser_asks_for_nothing_and_complains_of_nothing(tmp_path, missing):
    run = SmallRun(path=tmp_path / "run")
    with listening() as (address, asked):
        attack = (
            f"<img src={address}/img><script src={address}/js></script>"
            f"<style>@import '{address}/css'</style><script>console.error('ran')</script>"
        )
        run.arrive(["card"], answer(attack, ["card"]))
        report, careless = tmp_path / "report.html", tmp_path / "careless.html"
        report.write_text(render(run.figures()), "utf-8")
        careless.write_text(f"<!DOCTYPE html><title>.</title>{attack}", "utf-8")
        document, console = in_chromium(report, tmp_path / "profile", missing)
        assert asked == []
        assert console == []
        assert "&lt;img src=" in document
        _, console = in_chromium(careless, tmp_path / "profile", missing)
        assert {"/img", "/js", "/css"} <= set(asked), "the test must see what is fetched"
        assert any("ran" in line for line in console), "and what the console says"
    run.close()
