"""Lines of a report that would be many: those of one kind stand together, and the terminal keeps to what matters."""

from dataclasses import replace

from bench.report.stages import stage_lines
from bench.report.wording import not_whole, undecided, undecided_briefly
from tests.pages import page


def with_rows(content, change):
    return replace(content, rows=tuple(change(row) for row in content.rows))


def open_to(content, differences):
    """Return the content with the given models undecided, at these differences to the reference."""

    def change(row):
        against = replace(row.against, verdict="equal", detectable=float("nan"))
        if row.scores.name in differences:
            against = replace(against, verdict="cannot tell", detectable=0.02, difference=differences[row.scores.name])
        return replace(row, against=against)

    return with_rows(content, change)


def test_models_that_share_a_reason_share_a_line():
    late = {"nb_svm", "minilm_logreg"}
    content = with_rows(
        page(), lambda row: replace(row, scores=replace(row.scores, reason="Late." * (row.scores.name in late)))
    )
    (line,) = not_whole(content).items()
    assert (line[0], set(line[1])) == ("Late.", late)


def test_a_few_open_questions_are_all_asked_in_the_terminal():
    content = open_to(page(), {"nb_svm": -0.01, "minilm_logreg": 0.01})
    assert undecided_briefly(content) == undecided(content)


def test_of_many_open_questions_the_terminal_asks_those_of_models_that_may_be_better():
    names = [row.scores.name for row in page().rows if row.scores.name != "tfidf_logreg"]
    content = open_to(page(), {name: 0.01 if name == "nb_svm" else -0.01 for name in names})
    first, last = undecided_briefly(content)
    assert first.startswith("nb_svm: ")
    assert last == f"Nor can the data tell of {len(names) - 1} more with lower means; the report has them."


def staged(**stages):
    def change(row):
        return replace(row, about={**row.about, "stage": stages.get(row.scores.name, "known")})

    return with_rows(page(), change)


def test_a_run_without_later_stages_says_nothing_of_shares():
    assert stage_lines(page()) == []


def test_the_moonshot_that_wins_is_named_and_one_that_loses_has_gained_nothing():
    _, won = stage_lines(staged(tfidf_minilm="moonshots"))
    assert won.startswith("Moonshots: 1 model tried; tfidf_minilm is at +")
    _, lost = stage_lines(staged(static_logreg="moonshots"))
    assert lost.endswith(": nothing gained.")


def test_a_stage_without_scores_says_so():
    def change(row):
        failed = row.scores.ran if row.scores.name == "static_logreg" else 0
        return replace(row, scores=replace(row.scores, failed=failed))

    lines = stage_lines(with_rows(staged(static_logreg="neighbours"), change))
    assert lines[-1] == "Neighbours of the leaders: 1 model tried, and none has scores."
