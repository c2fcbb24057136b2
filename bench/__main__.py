"""The command line: parse, dispatch, print."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from bench.errors import BenchError

HELP = """\
usage: python -m bench [run] task=TASK [KEY=VALUE ...]     benchmark, and recommend a model
       python -m bench report [TASK/DATA/BUDGET ...]       write the reports anew, from tables and predictions
       python -m bench export task=TASK to=DIR [KEY=VALUE ...]     the splits of a run as files, for a service
       python -m bench import from=DIR model=NAME          what the service predicted, as a row of the same table
       python -m bench list [tasks|data|models]            what there is
       python -m bench zoo list|fetch|verify|lock|convert    pretrained weights and packaged data
       python -m bench entrants list|make|remove [NAME]    other AutoML systems, each in an environment of its own
       python -m bench validate [DIR] [recompute=5%]       check the tables, and run a share of the cells again
       python -m bench doctor                              what works on this machine, and why not

  task=text_clf                         the task's own default data
  data=reuters_r52                      another catalogued data set
  data.path=a.csv data.target=label     your own CSV, TSV, Parquet or JSON lines file
  data.text=body                        its text column; left out when only one fits
  budget=toy|quick|standard|full        quick is the default; toy takes under a minute
  model=[tfidf_svm,minilm_logreg]       these models beside reference and floor, not the whole line-up
  models.tfidf_svm.C=3                  a parameter; a typo is an error that names the key
  protocol=published                    the data set's own train and test parts
  tune=true                             a tuned variant beside every model that has a space to search
  bag=8 ensemble=true                   a bag over inner folds beside every model; a weighted mean of the models
  curve=true                            scores at growing numbers of training rows, and where models cross
  decision.max_latency_ms=20            hard limits: max_latency_ms, max_memory_mb, max_failure_rate, licences=[MIT]
  report.error_cost=10 report.human_cost=1   what to hand to a human; see conf/report/default.yaml
  executor=processes|ray|serial         worker processes with hard limits (the default), a cluster, or this process
  experiment=slurm                      a job for each part on a Slurm cluster; see conf/experiment/slurm.yaml
  shard=2/4                             one of four parts; a run without it puts them together
  zoo.fetch=true                        fetch missing weights first
  allow_commands=true                   run commands that the config names; no file can say this
  rerun=none|failed|all                 finished cells are reused unless told otherwise
  seed=1  results_dir=DIR  cache_dir=DIR  --config-dir=DIR  -m task=a,b (one run each)  experiment=NAME

Exit codes: 0 done, 1 a cell failed or an expected figure was missed, 2 a mistake in the command or the data,
130 interrupted (what was done is kept).
"""

VERBS = ("run", "report", "export", "import", "list", "zoo", "entrants", "validate", "doctor")
FLAGS = ("-m", "--multirun", "--config-dir", "-cd", "--cfg", "-c", "--resolve", "--info", "-i")
"""What Hydra takes beside overrides."""


def main() -> None:
    """Run the command line and exit with its code."""
    # Hydra prints its own errors and exits 1 unless it is told to raise them.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        code = dispatch(sys.argv[1:])
    except BenchError as error:
        code = _say_error(str(error))
    except KeyboardInterrupt:
        code = _say_error("Interrupted. What was done is kept: the same command goes on from here.", 130)
    except BrokenPipeError:
        # The reader of a pipe left; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def dispatch(arguments: Sequence[str]) -> int:
    """Run one verb and return the exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if arguments[0] == "--version":
        from bench import __version__

        print(__version__)
        return 0
    verb, *rest = arguments if _is_verb(arguments[0]) else ("run", *arguments)
    match verb:
        case "run":
            return _run(rest)
        case "export":
            return _export(rest)
        case _:
            return _other_verb(verb, rest)


def _is_verb(word: str) -> bool:
    if "=" in word or word.startswith("-"):
        return False
    if word not in VERBS:
        from bench.errors import ConfigError, did_you_mean

        raise ConfigError(f"Unknown verb {word!r}. {did_you_mean(word, VERBS)} See python -m bench --help")
    return True


def _run(overrides: Sequence[str]) -> int:
    import hydra
    from hydra.errors import HydraException
    from omegaconf import DictConfig
    from omegaconf.errors import OmegaConfBaseException

    from bench import config, hydra_errors, hydra_trust

    overrides, allowed = config.without_permission(overrides)
    codes: list[int] = []
    home = os.getpid()

    # An absolute path, so that the installed command `bench` finds it too.
    @hydra.main(config_path=str(config.CONF), config_name="config", version_base="1.3")  # type: ignore[untyped-decorator]
    def job(composed: DictConfig) -> None:
        # Hydra would add a line of its own to an error that it sees.
        try:
            plain = config.run_config(composed, allowed)
            from bench import app

            codes.append(app.run(plain))
        except BenchError as error:
            codes.append(_say_error(str(error)))
        except OmegaConfBaseException as error:
            codes.append(_say_error(hydra_errors.explain(error)))
        except Exception:
            traceback.print_exc()
            codes.append(1)
        if os.getpid() != home and codes[-1]:
            # A launcher's job, whose exit code would be lost.
            raise BenchError(
                f"A job ended with exit code {codes[-1]}; what the jobs printed is below .bench/.submitit."
            )

    config.register_schemas()
    if stray := [word for word in overrides if word.startswith("-") and word.partition("=")[0] not in FLAGS]:
        raise BenchError(f"Unknown option {stray[0]!r}. Known: {', '.join(FLAGS)}. See python -m bench --help")
    sys.argv = [sys.argv[0], *config.flags_first(config.adapt_overrides(overrides))]
    try:
        with hydra_trust.trusted_hydra():
            job()
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        # A ValueError gets here from Hydra alone: those of the run are printed in the job.
        return _say_error(hydra_errors.explain(error))
    return max(codes, default=0)


def _export(overrides: Sequence[str]) -> int:
    from bench import config

    if not overrides or {"-h", "--help"} & set(overrides):
        print(HELP, end="")
        return 0
    config.register_schemas()
    from bench.verbs.export import export_splits

    return export_splits(overrides)


def _other_verb(verb: str, words: Sequence[str]) -> int:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from bench import config, hydra_errors

    if {"-h", "--help"} & set(words):
        print(HELP, end="")
        return 0
    config.register_schemas()
    words = _without_dashes(words)
    words = config.adapt_import(words) if verb == "import" else words
    positional = [word for word in words if "=" not in word or word.startswith(("pkg:", "dir:"))]
    overrides = [word for word in words if word not in positional]
    try:
        settings = config.compose_verb(verb, overrides)
    except (HydraException, OmegaConfBaseException) as error:
        return _say_error(hydra_errors.explain(error))
    if len(positional) > (most := {"doctor": 0, "import": 1, "list": 1, "validate": 1}.get(verb, len(positional))):
        raise BenchError(f"{verb} takes no {positional[most]!r}. See python -m bench --help")
    match verb:
        case "list":
            from bench.verbs.catalogue import show

            return show([*positional, settings.what][0], config.cache_dir(settings.cache_dir))
        case "doctor":
            from bench.verbs.doctor import examine

            return examine(config.cache_dir(settings.cache_dir))
        case "entrants":
            from bench.verbs.entrants import tend_entrants

            action, *names = positional or [settings.action]
            return tend_entrants(action, [*names, *settings.names])
        case "import":
            return _import(settings, positional)
        case "report":
            from bench.verbs.report import report

            return report(positional, settings.results_dir)
        case "validate":
            from bench.verbs.recompute import share_of
            from bench.verbs.validate import validate

            share, cache = share_of(str(settings.recompute)), config.cache_dir(settings.cache_dir)
            return validate([*positional, settings.results_dir][0], share, cache)
        case _:
            from bench.verbs.zoo import tend

            action, *names = positional or [settings.action]
            return tend(
                action, [*names, *settings.names], config.cache_dir(settings.cache_dir), settings.allow_unpinned
            )


def _import(settings: Any, positional: Sequence[str]) -> int:
    from pathlib import Path

    from bench.exchange.imported import Service
    from bench.verbs.import_predictions import Source, import_predictions

    folder = settings.folder or next(iter(positional), "")
    if not folder:
        raise BenchError("From where? Give the folder of an export: python -m bench import from=DIR model=NAME")
    source = Source(
        folder=Path(folder),
        pattern=settings.predictions,
        results_dir=settings.results_dir,
        cache_dir=settings.cache_dir,
    )
    service = Service(name=settings.service, licence=settings.licence, note=settings.note, seconds=settings.seconds)
    return import_predictions(source, service)


def _without_dashes(words: Sequence[str]) -> list[str]:
    """Turn ``--key value`` and ``--key=value``, as other tools have it, into ``key=value``."""
    out: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word.startswith("--"):
            key, equals, value = word[2:].partition("=")
            key = key.replace("-", "_")
            word = f"{key}={value}" if equals else f"{key}={left.pop(0) if left else ''}"
        out.append(word)
    return out


def _say_error(text: str, code: int = 2) -> int:
    print(f"bench: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
