"""`augment prompts` shows what the LLM is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from augment.cli import main

NO_ENCODER = ["--encoder", "ngram"]
SEEDS = Path(__file__).parents[2] / "examples" / "support_intents.csv"


def test_list_names_each_template_with_its_digest(capsys):
    assert main(["prompts", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert [line.split("\t")[0] for line in lines] == [
        f"classification/{name}"
        for name in (
            "annotate",
            "attributes",
            "fewshot",
            "judge",
            "paraphrase",
            "values",
            "zeroshot",
        )
    ] + [
        f"extraction/{name}"
        for name in ("annotate", "entities-first", "fewshot", "paraphrase", "zeroshot")
    ] + ["toxicity/guard"]
    assert all(len(line.split("\t")[1]) == 12 for line in lines)


def test_show_prints_the_file_as_it_stands(capsys):
    assert main(["prompts", "show", "classification/fewshot"]) == 0

    assert capsys.readouterr().out.startswith("description: ")


def test_a_guard_template_of_ones_own_may_hold_the_text_alone(tmp_path, capsys):
    own = tmp_path / "toxicity" / "guard.yaml"
    own.parent.mkdir()
    own.write_text("description: The text.\nmessages: [{role: user, content: '{{{text}}}'}]\n")

    assert main(["prompts", "show", "toxicity/guard", "--templates", str(tmp_path)]) == 0
    assert capsys.readouterr().out == own.read_text()
    own.write_text("description: The text.\nmessages: [{role: user, content: '{{{label}}}'}]\n")
    assert main(["prompts", "show", "toxicity/guard", "--templates", str(tmp_path)]) == 2
    assert "required variable 'text' is not used" in capsys.readouterr().err


def test_show_of_an_unknown_template_names_those_there_are(capsys):
    assert main(["prompts", "show", "classification/none"]) == 2

    assert "classification/fewshot" in capsys.readouterr().err


def test_show_takes_a_name_without_its_folder_where_no_other_has_it(capsys):
    assert main(["prompts", "show", "judge"]) == 0
    short = capsys.readouterr().out
    assert main(["prompts", "show", "classification/judge"]) == 0
    assert capsys.readouterr().out == short

    assert main(["prompts", "show", "fewshot"]) == 2
    said = "fewshot: several templates have that name: classification/fewshot, extraction/fewshot"
    assert said in capsys.readouterr().err


def test_a_misspelt_template_or_strategy_gets_the_one_that_was_probably_meant(capsys):
    assert main(["prompts", "show", "classification/fewshoot"]) == 2
    assert "no such template (did you mean 'classification/fewshot'?)" in capsys.readouterr().err
    assert main(["prompts", "show", "juge"]) == 2
    assert "(did you mean 'judge'?)" in capsys.readouterr().err
    assert main(["prompts", "render", "few-shot", str(SEEDS), *NO_ENCODER]) == 2
    assert "(did you mean 'fewshot'?)" in capsys.readouterr().err


def test_render_prints_the_prompt_that_a_run_would_send(capsys):
    command = ["prompts", "render", "fewshot", str(SEEDS), "--label", "refund", "--shots", "2"]
    assert main([*command, *NO_ENCODER]) == 0
    shown = capsys.readouterr().out

    assert shown.startswith("--- system\n")
    assert shown.count("<example>") == 2
    assert "- refund" in shown.split("--- user\n")[1]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--label", "unknown"], "['unknown'] is never asked for"),
        (["--shots", "many"], "command line, shots"),
    ],
)
def test_render_refuses_what_no_run_would_send(capsys, more, words):
    assert main(["prompts", "render", "fewshot", str(SEEDS), *more]) == 2

    assert words in capsys.readouterr().err


def test_render_refuses_a_strategy_that_is_none(capsys):
    assert main(["prompts", "render", "guess", str(SEEDS)]) == 2

    assert "there are ['fewshot', 'paraphrase']" in capsys.readouterr().err


def test_ones_own_template_is_shown_and_a_faulty_one_is_refused(capsys, tmp_path):
    own = tmp_path / "classification" / "fewshot.yaml"
    own.parent.mkdir()
    own.write_text(
        "description: mine\nmessages:\n- role: user\n  content: |\n"
        "    {{#wanted}}{{{name}}}{{/wanted}} {{#examples}}{{{text}}}{{/examples}}"
        " {{{answer_shape}}}\n",
        encoding="utf-8",
    )
    assert main(["prompts", "list", "--templates", str(tmp_path)]) == 0
    assert "mine" in capsys.readouterr().out
    own.write_text(
        "description: mine\nmessages: [{role: user, content: '{{{colour}}}'}]\n", encoding="utf-8"
    )
    command = ["prompts", "render", "fewshot", str(SEEDS), "--templates", str(tmp_path)]
    assert main([*command, *NO_ENCODER]) == 2
    said = capsys.readouterr().err

    assert "unknown variable 'colour'" in said
    assert "answer_shape" in said
