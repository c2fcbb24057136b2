"""Forecasting: panels of time series, from one to many, with covariates."""

from bench.registry import register_task_type
from tasks.forecasting.task import SeriesForecasting

forecasting = register_task_type(SeriesForecasting())
