"""What pretrained forecasters were trained on, as their authors declare it.

Sets bear the names of their publishers, and where this harness has them too, its own. A set that no list names is not
known to have been seen; that is as much as a declaration can say.
"""

COMPETITIONS = (
    "m1_yearly", "m1_quarterly", "m1_monthly", "m3_yearly", "m3_quarterly", "m3_monthly", "m3_other",
    "tourism_yearly", "tourism_quarterly", "tourism_monthly",
)  # fmt: skip
"""The competition sets of Monash's archive. LOTSA (Woo et al. 2024, arXiv:2402.02592) and GiftEvalPretrain (Aksu et al.
2024, arXiv:2410.10393) hold them, and so does ``chronos_datasets``, as test sets of its zero-shot benchmark."""

CHRONOS = (
    "electricity_15min", "electricity_hourly", "electricity_weekly", "kdd_cup_2018", "london_smart_meters", "m4_daily",
    "m4_hourly", "m4_monthly", "m4_weekly", "mexico_city_bikes", "pedestrian_counts", "rideshare", "saugeenday",
    "solar", "solar_1h", "taxi_1h", "taxi_30min", "temperature_rain", "uber_tlc_daily", "uber_tlc_hourly",
    "ushcn_daily", "weatherbench", "wiki_daily_100k", "wind_farms_daily", "wind_farms_hourly", "kernel_synth",
)  # fmt: skip
"""Training sets of Chronos (Ansari et al. 2024, arXiv:2403.07815, appendix B). M1, M3, Tourism, and M4's yearly and
quarterly series are left out there, for its zero-shot benchmark."""


def trained_on(*parts: tuple[str, ...] | str) -> str:
    """Return sets and corpora as a model's registration holds them.

    Examples
    --------
    >>> trained_on(("m4_daily", "solar"), "gift_eval_pretrain")
    'm4_daily, solar, gift_eval_pretrain'
    """
    return ", ".join(name for part in parts for name in ((part,) if isinstance(part, str) else part))
