"""The median of several forecasters of a panel, point by point and quantile by quantile."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.models.averaged import Averaged, Member
from bench.panel import SERIES, TIME, Forecasting


class Medians(Averaged):
    """Several forecasters as one: of each series the median of those that have an answer of their own."""

    def __init__(self, members: Sequence[Member], asked: Forecasting) -> None:
        super().__init__(members, [1.0] * len(members), asked)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return points and quantiles, a row for each row of ``X``."""
        columns = list(self.asked.columns)
        said = np.stack([member.predict(X)[columns].to_numpy() for member in self.members])
        own = np.stack([~X[SERIES].isin(member.left_out) for member in self.members])
        said[~(own | ~own.any(axis=0))] = np.nan
        middle = np.nanmedian(said, axis=0)
        return pd.concat([X[[SERIES, TIME]].reset_index(drop=True), pd.DataFrame(middle, columns=columns)], axis=1)
