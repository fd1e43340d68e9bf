"""A run shown as one self-contained HTML file."""

from bot4.research.report.page import render_report, render_summary

__all__ = ["render_report", "render_summary"]
