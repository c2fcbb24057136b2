"""What reports say of confidence: one row a model, from counts that are kept beside the tables."""

import pytest
from hydra import compose, initialize_config_dir

from bench.config import CONF, register_schemas, run_config
from bench.errors import ConfigError


def settings(*overrides):
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return run_config(compose("config", overrides=["task=text_clf", *overrides])).report


def test_the_target_risk_is_one_in_a_hundred_unless_told():
    assert settings().target_risk == 0.01
    assert settings("report.target_risk=0.2").target_risk == 0.2


@pytest.mark.parametrize("value", ["-0.01", "1.5", "nan"])
def test_a_target_risk_that_is_no_share_is_refused(value):
    with pytest.raises(ConfigError, match=r"report\.target_risk=.* must lie between 0 and 1"):
        settings(f"report.target_risk={value}")
